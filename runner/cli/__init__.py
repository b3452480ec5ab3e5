"""The command line: options in, exit code out. The only place that prints or exits."""

import gc

from .interrupts import INTERRUPTS

__all__ = ["run"]

OBJECTS = 20_000  # made between two looks for cycles: there are next to none, and Python's 700 is soon reached


def run() -> None:
    """The console script. It never returns. Imports take a while, and a signal may come in the midst of them."""
    gc.set_threshold(OBJECTS)
    INTERRUPTS.watch()
    from .main import run as run_command

    run_command()
