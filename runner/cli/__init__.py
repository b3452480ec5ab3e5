"""The command line: options in, exit code out. The only place that prints or exits."""

from .interrupts import INTERRUPTS

__all__ = ["run"]


def run() -> None:
    """The console script. It never returns. Imports take a while, and a signal may come in the midst of them."""
    INTERRUPTS.watch()
    from .main import run as run_command

    run_command()
