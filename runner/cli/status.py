"""`flypast status`: who has what, from the ledger."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.ledger.seam import Entry, Ledger

from .options import command as flypast_command
from .options import consent, ledger_options, option, optional_manifest_argument
from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.ledger.runs import RunSeen


@flypast_command("status", examples="flypast status\nflypast status spring.yaml --format jsonl")
@optional_manifest_argument
@ledger_options
@option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    help="What stdout gets; jsonl has a line for each message.",
)
@option("--follow", is_flag=True, help="Stay until no worker has a run, and say how they go on.")
@consent("--show-pii", is_flag=True, help="Show people's numbers.")
def command(
    manifest: Path | None,
    ledger_url: str | None,
    api_url: str | None,
    output_format: str,
    *,
    follow: bool,
    show_pii: bool,
) -> None:
    """Show who has what, from the ledger."""
    from runner.pipeline.ledgers import LedgerChoice

    from .naming import name_of

    name = name_of(manifest) if manifest is not None else None
    choice = LedgerChoice.of(ledger_url, api_url, (manifest or Path.cwd()).absolute())
    ledger = choice.open_existing()
    runs = choice.runs()
    try:
        if follow and runs is not None:
            from .runs import follow as follow_runs

            follow_runs(runs, name)
        if output_format == "jsonl":
            for entry in ledger.entries(name):
                TERMINAL.json(_line(entry, show_pii=show_pii), indent=None)
                if TERMINAL.is_unread:
                    break
            return
        manifests = {each: _counts(ledger, each) for each in ([name] if name else ledger.manifests())}
        living = runs.living(name) if runs is not None else ()
        _show(manifests, living, output_format, path=choice.place.words, ledger_name=ledger.name)
    finally:
        ledger.close()
        if runs is not None:
            runs.close()


STATES = {
    "planned": "planned",
    "accepted": "accepted",
    "rejected": "rejected",
    "inDoubt": "inDoubt",
    "sending": "inDoubt",
    "absent": "inDoubt",
    "dropped": "dropped",
}


def _counts(ledger: Ledger, manifest: str) -> dict[str, int]:
    """Absent, and sending without a living run, are in doubt until somebody decides."""
    counts = {"messages": 0, "accepted": 0, "rejected": 0, "inDoubt": 0, "planned": 0, "dropped": 0}
    for state, count in ledger.counts(manifest).items():
        counts[STATES[state.value]] += count
        counts["messages"] += count
    return counts


def _line(entry: Entry, *, show_pii: bool) -> dict[str, Any]:
    from runner.output.masking import recipient

    return {
        "manifest": entry.manifest,
        "message": entry.message,
        "key": entry.key,
        "recipient": recipient(entry.address, show_pii=show_pii),
        "state": entry.state.value,
        "code": entry.code,
        "id": entry.message_id,
        "attempts": entry.attempts,
        "at": entry.at,
    }


def _total(manifests: dict[str, dict[str, int]]) -> dict[str, int]:
    keys = ("messages", "accepted", "rejected", "inDoubt", "planned", "dropped")
    return {key: sum(counts[key] for counts in manifests.values()) for key in keys}


def _show(
    manifests: dict[str, dict[str, int]],
    living: "Sequence[RunSeen]",
    output_format: str,
    *,
    path: str,
    ledger_name: str | None,
) -> None:
    totals = _total(manifests)
    if output_format == "json":
        from .runs import told

        counts = {"ledger": ledger_name, "totals": totals, "manifests": manifests}
        TERMINAL.json({"formatVersion": 1, **counts, "runs": [told(seen) for seen in living]})
        return
    for line in _table(manifests, totals):
        TERMINAL.data(line)
    if living:
        from .runs import line as run_line

        for seen in living:
            TERMINAL.data(run_line(seen))
    TERMINAL.say(f"ledger {ledger_name or path}")
    if totals["inDoubt"]:
        TERMINAL.say("flypast reconcile looks those in doubt up at Bird; flypast resolve lists them, and decides")


def _table(manifests: dict[str, dict[str, int]], totals: dict[str, int]) -> Iterator[str]:
    from runner.output.tables import table

    rows = list(manifests.items())
    if len(rows) != 1:
        rows.append(("total", totals))
    heads = {
        "messages": "messages",
        "accepted": "accepted",
        "rejected": "rejected",
        "inDoubt": "in doubt",
        "planned": "planned",
        "dropped": "dropped",
    }
    yield from table(
        list(heads.values()), [(name, [counts[key] for key in heads]) for name, counts in rows], TERMINAL.out
    )
