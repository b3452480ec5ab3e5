"""Asking before something can't be undone."""

import click

from runner.errors import Refused

from .terminal import TERMINAL, can_ask


def ask(act: str, *, yes: bool) -> None:
    """`act` holds the number. Raises Refused (exit 4) on a no, and without a terminal unless `--yes` was said."""
    if yes:
        TERMINAL.say(f"{act}: yes")
        return
    if not can_ask():
        raise Refused(f"{act}? There is no terminal to ask", hint="say --yes to go on without asking")
    if not click.confirm(f"{act}?", default=False, prompt_suffix=" ", err=True):
        raise Refused("the answer was no: nothing was done")
