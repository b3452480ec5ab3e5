"""`flypast diff`: what changes against a Git revision."""

from typing import Any

import click

from .options import ReportFile, input_options, option, telling_options
from .options import command as flypast_command


@flypast_command(
    "diff",
    examples="flypast diff\nflypast diff v1.4 --parameters production.yaml --format markdown",
)
@click.argument("revision", metavar="[REF]", default="")
@input_options
@telling_options
@option("--detailed-exitcode", is_flag=True, help="Exit 10 when there are changes, 0 when there are none.")
def command(
    revision: str, *, output_format: str, reports: tuple[ReportFile, ...], detailed_exitcode: bool, **inputs: Any
) -> int:
    """Show what changes against a Git revision.

    Of every manifest of this repository: text, audience, segments, cost, policy and channels, then and now. Without
    REF it is the merge base with the default branch. No ledger, no key and no network.
    """
    from .diffing import diff
    from .telling import Telling

    telling = Telling(output_format=output_format, reports=reports)
    return telling.of(lambda: diff(revision, telling, is_detailed=detailed_exitcode, **inputs))
