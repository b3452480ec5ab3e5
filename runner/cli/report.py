"""`flypast report`: what became of every message, from the ledger alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from . import completing
from .options import ReportFile, consent, ledger_options, option, optional_manifest_argument
from .options import command as flypast_command
from .terminal import TERMINAL

KINDS = ("text", "html", "json", "csv", "junit", "markdown")


def _files(_context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> tuple[ReportFile, ...]:
    from .options import report_files

    return report_files(parameter, values, KINDS)


@flypast_command(
    "report",
    examples="flypast report spring.yaml\nflypast report spring.yaml --format html > report.html\n"
    "flypast report --report html=report.html --report csv=messages.csv",
)
@optional_manifest_argument
@ledger_options
@option("--format", "output_format", type=click.Choice(KINDS), default="text", help="What stdout gets.")
@option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=FILE",
    callback=_files,
    shell_complete=completing.forms,
    help="Also write a file, in any kind that --format knows; repeatable.",
)
@consent("--show-pii", is_flag=True, help="Show people's numbers.")
def command(
    manifest: Path | None,
    ledger_url: str | None,
    api_url: str | None,
    output_format: str,
    reports: tuple[ReportFile, ...],
    *,
    show_pii: bool,
) -> None:
    """Tell what became of every message, from the ledger.

    Outcomes, why Bird refused, what is in doubt and what to do about it, pace, latency, countries, segments and cost.
    Needs no key and no network; a send may be at work meanwhile. It is 0 whatever the report says.
    """
    from runner.pipeline.ledgers import LedgerChoice

    from .naming import name_of
    from .reporting import Asked, tell

    name = name_of(manifest) if manifest is not None else None
    choice = LedgerChoice.of(ledger_url, api_url, (manifest or Path.cwd()).absolute())
    ledger = choice.open_existing()
    given: dict[str, Any] = {"--ledger": ledger_url, "--api-url": api_url}
    asked = Asked(manifest=name, path=manifest, options=given, show_pii=show_pii)
    try:
        total = tell(ledger, asked, output_format, reports, read=tuple(choice.place.files))
    finally:
        ledger.close()
    if not total:
        TERMINAL.say(f"the ledger at {choice.place.near} holds nothing{f' of {name}' if name else ''} yet")
