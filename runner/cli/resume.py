"""`flypast resume`: a paused run goes on."""

import click

from .options import ENGINES, format_option, ledger_options, option
from .options import command as flypast_command


@flypast_command("resume", examples="flypast resume 20261122T101500Z-3fa9c1")
@click.argument("run")
@option("--engine", type=click.Choice(ENGINES), default="postgres", help="What hands the parts out.")
@ledger_options
@format_option
def command(run: str, engine: str, ledger_url: str | None, api_url: str | None, output_format: str) -> int:
    """Let workers go on with a paused run."""
    from .runs import Steered

    with Steered.at(ledger_url, api_url) as steered:
        return steered.resume(run, output_format, engine=engine)
