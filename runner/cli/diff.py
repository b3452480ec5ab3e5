"""`flypast diff`: what changes against a Git revision."""

from typing import Any

import click

from .options import command as flypast_command
from .options import input_options, option


@flypast_command(
    "diff",
    examples="flypast diff\nflypast diff v1.4 --parameters production.yaml --format markdown",
)
@click.argument("revision", metavar="[REF]", default="")
@input_options
@option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="What stdout gets.",
)
@option("--detailed-exitcode", is_flag=True, help="Exit 10 when there are changes, 0 when there are none.")
def command(revision: str, *, output_format: str, detailed_exitcode: bool, **inputs: Any) -> int:
    """Show what changes against a Git revision.

    Of every manifest of this repository: text, audience, segments, cost, policy and channels, then and now. Without
    REF it is the merge base with the default branch. No ledger, no key and no network.
    """
    from .diffing import diff

    return diff(revision, output_format, is_detailed=detailed_exitcode, **inputs)
