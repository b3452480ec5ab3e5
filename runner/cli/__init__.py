"""The command line: options in, exit code out. The only place that prints or exits."""

from .main import run

__all__ = ["run"]
