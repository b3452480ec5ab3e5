"""`flypast ledger export`: all that the ledger knows, a line for each message."""

from pathlib import Path
from typing import Any

import click

from runner.ledger.seam import Entry
from runner.model import State

from .options import command as flypast_command
from .options import consent, ledger_options, option, optional_manifest_argument
from .terminal import TERMINAL


@flypast_command(
    "export",
    examples="flypast ledger export > ledger.jsonl\nflypast ledger export spring.yaml --state inDoubt --state absent",
)
@optional_manifest_argument
@option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in State]),
    help="Only messages in this state; repeatable.",
)
@consent("--show-pii", is_flag=True, help="Show people's numbers, and references of the manifest's own.")
@ledger_options
def command(
    manifest: Path | None, states: tuple[str, ...], ledger_url: str | None, api_url: str | None, *, show_pii: bool
) -> None:
    """Print every message of the ledger as a line of JSON.

    All that the ledger keeps is in it: a superset of flypast status --format jsonl.
    """
    from runner.pipeline.ledgers import LedgerChoice

    from .naming import name_of

    name = name_of(manifest) if manifest is not None else None
    choice = LedgerChoice.of(ledger_url, api_url, (manifest or Path.cwd()).absolute())
    ledger = choice.open_existing()
    try:
        for entry in ledger.entries(name, states=[State(state) for state in states]):
            TERMINAL.json(_line(entry, show_pii=show_pii), indent=None)
            if TERMINAL.is_unread:
                return
    finally:
        ledger.close()


def _line(entry: Entry, *, show_pii: bool) -> dict[str, Any]:
    from runner.output.delivery_told import delivery_json
    from runner.output.masking import recipient, reference

    return {
        "formatVersion": 1,
        "manifest": entry.manifest,
        "edition": entry.edition,
        "message": entry.message,
        "workspaceId": entry.workspace_id,
        "channelId": entry.channel_id,
        "key": entry.key,
        "reference": reference(entry, show_pii=show_pii),
        "identifierKey": _kind(entry.address),
        "recipient": recipient(entry.address, show_pii=show_pii),
        "payloadHash": entry.payload_hash,
        "country": entry.country,
        "segments": entry.segments,
        "cost": entry.cost,
        "currency": entry.currency,
        "state": entry.state.value,
        "attempts": entry.attempts,
        "resent": entry.resent,
        "run": entry.run,
        "intendedAt": entry.intended_at,
        "at": entry.at,
        "lookedAt": entry.looked_at,
        "id": entry.message_id,
        "code": entry.code,
        "words": entry.words,
        "delivery": delivery_json(entry.delivery),
    }


def _kind(address: str) -> str | None:
    """`phonenumber`, say; None for Bird's id of a contact, for a receiver written as a whole, and once purged."""
    return None if not address or address.startswith(("[", "id:")) else address.partition(":")[0]
