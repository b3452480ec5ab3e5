"""`flypast explain`: what a finding means, with a wrong and a right example."""

from difflib import get_close_matches

import click

from runner.errors import UsageError

from . import completing
from .options import command as flypast_command
from .terminal import TERMINAL


@flypast_command("explain", examples="flypast explain SCH201\nflypast explain")
@click.argument("code", required=False, shell_complete=completing.codes)
def command(code: str | None) -> None:
    """Explain a finding's code: what it means, why it matters, a wrong and a right example.

    Without a code: all of them, a line each.
    """
    from runner.codes import codes, families, page
    from runner.output.explain_text import list_text, page_text

    palette = TERMINAL.out
    if code is None:
        TERMINAL.data("\n\n".join(list_text(family, palette) for family in families()))
        TERMINAL.say("\nflypast explain CODE prints a code's page")
        return
    name = code.upper()
    if name not in codes():
        near = get_close_matches(name, codes(), n=1)
        hint = f'did you mean "{near[0]}"?' if near else "flypast explain lists all codes"
        raise UsageError(f"there is no code {code!r}", hint=hint)
    TERMINAL.data(page_text(name, codes()[name], page(name), palette))
