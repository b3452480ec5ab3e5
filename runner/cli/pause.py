"""`flypast pause`: nobody sends any more of a run, until it is resumed."""

import click

from .options import command as flypast_command
from .options import format_option, ledger_options


@flypast_command("pause", examples="flypast pause 20261122T101500Z-3fa9c1")
@click.argument("run")
@ledger_options
@format_option
def command(run: str, ledger_url: str | None, api_url: str | None, output_format: str) -> int:
    """Let workers send no more of a run.

    What is in flight ends, and this command stays until it has. The manifest stays locked.
    """
    from .runs import Steered

    with Steered.at(ledger_url, api_url) as steered:
        return steered.pause(run, output_format)
