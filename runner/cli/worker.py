"""`flypast worker`: sends parts of the runs that were handed over."""

import os
from pathlib import Path
from typing import Any

import click

from .options import ENGINES, access_key_option, format_option, ledger_options, option
from .options import command as flypast_command
from .terminal import TERMINAL


@flypast_command(
    "worker",
    examples="flypast worker --engine postgres\nflypast worker --engine postgres --drain --format json",
    tells_of_interrupts=True,
)
@option("--engine", type=click.Choice(ENGINES), required=True, help="What hands the parts out.")
@option(
    "--shards",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="So many parts at a time, which share the concurrency.",
)
@option("--drain", is_flag=True, help="End when no run is left that is to be sent.")
@access_key_option
@ledger_options
@format_option
def command(
    *,
    engine: str,
    shards: int,
    ledger_url: str | None,
    api_url: str | None,
    access_key_file: Path | None,
    output_format: str,
    drain: bool,
) -> int:
    """Send the parts of runs that `send --engine` has handed over.

    Any number of workers, on any machines. At a signal it ends what is in flight and gives the rest back.
    """
    from runner.pipeline.ledgers import LedgerChoice

    from .access import access_key
    from .working import say, work

    choice = LedgerChoice.of(ledger_url, api_url, Path.cwd())
    key = access_key(os.environ, access_key_file)
    is_text = output_format == "text"
    code, worked = work(engine, choice, key, slots=shards, is_draining=drain, ready=TERMINAL.data if is_text else say)
    if output_format == "json":
        TERMINAL.json(told(worked, code))
    else:
        TERMINAL.data(words(worked))
    return code


def told(worked: Any, code: int) -> dict[str, Any]:
    run = {"accepted": worked.accepted, "rejected": worked.rejected, "inDoubt": worked.in_doubt}
    parts = {"shards": worked.shards, "lost": worked.lost}
    return {"formatVersion": 1, **parts, "run": run, "returned": worked.returned, "exitCode": int(code)}


def words(worked: Any) -> str:
    from runner.output.words import number

    lost = f", {worked.lost:,} lost to others" if worked.lost else ""
    returned = f"; {worked.returned:,} given back" if worked.returned else ""
    return (
        f"{number(worked.shards, 'part')}{lost}: {worked.accepted:,} accepted, {worked.rejected:,} rejected, "
        f"{worked.in_doubt:,} in doubt{returned}"
    )
