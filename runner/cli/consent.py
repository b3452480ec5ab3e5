"""Asking before something can't be undone."""

from collections.abc import Callable

import click

from runner.errors import Refused

from .terminal import TERMINAL, can_ask


def ask(act: str, *, yes: bool, look_first: Callable[[], None] = lambda: None) -> None:
    """`act` holds the number. Raises Refused (exit 4) on a no, and without a terminal unless `--yes` was said.

    `look_first` uses the network: it comes after what can be refused without, and before the question.
    """
    if not yes and not can_ask():
        raise Refused(f"{act}? There is no terminal to ask", hint="say --yes to go on without asking")
    look_first()
    if yes:
        TERMINAL.say(TERMINAL.err.line(f"{act}: yes"))
    elif not click.confirm(
        TERMINAL.err.line(f"{act}? [y/N]"), default=False, show_default=False, prompt_suffix=" ", err=True
    ):
        raise Refused("the answer was no: nothing was done")
