"""`flypast status`: who has what, from the ledger, and what Bird says became of it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.ledger.seam import Entry, Ledger

from .options import access_key_option, consent, ledger_options, lock_option, option, optional_manifest_argument
from .options import command as flypast_command
from .terminal import TERMINAL

if TYPE_CHECKING:
    from runner.ledger.runs import RunSeen
    from runner.pipeline.refreshing import Refreshed


@flypast_command(
    "status", examples="flypast status\nflypast status spring.yaml --refresh\nflypast status --format jsonl"
)
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
@option("--refresh", is_flag=True, help="First ask Bird what became of what it accepted, and keep that in the ledger.")
@access_key_option
@lock_option
@consent("--show-pii", is_flag=True, help="Show people's numbers.")
def command(
    manifest: Path | None,
    ledger_url: str | None,
    api_url: str | None,
    output_format: str,
    *,
    follow: bool,
    refresh: bool,
    access_key_file: Path | None,
    lock_timeout: float,
    show_pii: bool,
) -> int:
    """Show who has what, from the ledger.

    With --refresh it first asks Bird, which needs the key: was it delivered, did it fail? That changes the state of no
    message, and sends nothing.
    """
    from runner.pipeline.ledgers import LedgerChoice

    from .naming import name_of

    name = name_of(manifest) if manifest is not None else None
    choice = LedgerChoice.of(ledger_url, api_url, (manifest or Path.cwd()).absolute())
    if refresh:
        from .access import access_key
        from .refreshing import Asked, opened, refreshed

        key = access_key(os.environ, access_key_file)
        asked = Asked(manifest=manifest, name=name, choice=choice, lock_timeout_s=lock_timeout)
        ledger = opened(asked)
    else:
        ledger = choice.open_existing()
    found: Refreshed | None = None
    runs = choice.runs()
    try:
        if follow and runs is not None:
            from .runs import follow as follow_runs

            follow_runs(runs, name)
        if refresh:
            found = refreshed(ledger, asked, key)
        if output_format == "jsonl":
            for entry in ledger.entries(name):
                TERMINAL.json(_line(entry, show_pii=show_pii), indent=None)
                if TERMINAL.is_unread:
                    break
            return _exit_code(found)
        manifests = {each: _counts(ledger, each) for each in ([name] if name else ledger.manifests())}
        living = runs.living(name) if runs is not None else ()
        _show(manifests, living, output_format, path=choice.place.words, ledger_name=ledger.name, found=found)
        return _exit_code(found)
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


_COUNTS = ("messages", "accepted", "rejected", "inDoubt", "planned", "dropped")


def _exit_code(found: "Refreshed | None") -> int:
    """What a look came to; without one it is 0 whatever the ledger says."""
    return 0 if found is None else found.exit_code


def _counts(ledger: Ledger, manifest: str) -> dict[str, Any]:
    """Absent, and sending without a living run, are in doubt until somebody decides."""
    from runner.output.delivery_told import counts_json

    counts: dict[str, Any] = dict.fromkeys(_COUNTS, 0)
    with ledger.snapshot():
        for state, count in ledger.counts(manifest).items():
            counts[STATES[state.value]] += count
            counts["messages"] += count
        told = ledger.deliveries(manifest)
    return counts | {"delivery": counts_json(told.counts), "lookedAt": told.looked_at}


def _line(entry: Entry, *, show_pii: bool) -> dict[str, Any]:
    from runner.output.delivery_told import delivery_json
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
        "delivery": delivery_json(entry.delivery),
    }


def _total(manifests: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    from runner.output.delivery_told import counts_json, last

    sums = {key: sum(counts[key] for counts in manifests.values()) for key in _COUNTS}
    delivery = {key: sum(counts["delivery"][key] for counts in manifests.values()) for key in counts_json({})}
    return {**sums, "delivery": delivery, "lookedAt": last(counts["lookedAt"] for counts in manifests.values())}


def _show(
    manifests: dict[str, dict[str, Any]],
    living: "Sequence[RunSeen]",
    output_format: str,
    *,
    path: str,
    ledger_name: str | None,
    found: "Refreshed | None",
) -> None:
    totals = _total(manifests)
    if output_format == "json":
        from .runs import told

        counts = {"ledger": ledger_name, "totals": totals, "manifests": manifests}
        look = {"refresh": _refresh_json(found)} if found is not None else {}
        TERMINAL.json({"formatVersion": 1, **counts, "runs": [told(seen) for seen in living], **look})
        return
    for line in (*_table(manifests, totals), *_deliveries(totals)):
        TERMINAL.data(line)
    if living:
        from .runs import line as run_line

        for seen in living:
            TERMINAL.data(run_line(seen, TERMINAL.out))
    TERMINAL.say(f"ledger {ledger_name or path}")
    if totals["inDoubt"] and not TERMINAL.quiet:
        from .steps import say_what_to_do_about_doubts

        say_what_to_do_about_doubts()


def _refresh_json(found: "Refreshed") -> Mapping[str, Any]:
    from .refreshing import refresh_json

    return refresh_json(found)


def _deliveries(totals: dict[str, Any]) -> Iterator[str]:
    """Nothing before the first look."""
    from runner.output.delivery_told import lines
    from runner.output.report_told import shown_time

    if totals["lookedAt"] is not None:
        looked = f"last looked up {shown_time(totals['lookedAt'])} UTC"
        sheet = TERMINAL.out
        yield from sheet.section(
            f"Delivery of the {totals['accepted']:,} accepted, {looked}", lines(totals["delivery"], sheet)
        )


def _table(manifests: dict[str, dict[str, Any]], totals: dict[str, Any]) -> Iterator[str]:
    from runner.output.tables import Column, states, table

    sheet = TERMINAL.out
    keys = ("accepted", "rejected", "inDoubt", "planned", "dropped")
    rows = list(manifests.items())
    if len(rows) != 1:
        rows.append((sheet.bold("total"), totals))
    columns = [Column("messages"), *states(*keys)]
    cells = [(name, [counts["messages"], *(counts[key] for key in keys)]) for name, counts in rows]
    return table(columns, cells, sheet)
