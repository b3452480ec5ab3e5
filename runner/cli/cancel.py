"""`flypast cancel`: a run ends with what was sent."""

import click

from .options import command as flypast_command
from .options import format_option, ledger_options


@flypast_command("cancel", examples="flypast cancel 20261122T101500Z-3fa9c1")
@click.argument("run")
@ledger_options
@format_option
def command(run: str, ledger_url: str | None, api_url: str | None, output_format: str) -> int:
    """End a run that workers have, with what was sent.

    What is in flight ends, and this command stays until it has. The rest stays planned: the next send takes it.
    """
    from .runs import Steered

    with Steered.at(ledger_url, api_url) as steered:
        return steered.cancel(run, output_format)
