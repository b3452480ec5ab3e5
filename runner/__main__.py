"""`python -m runner` is `flypast`."""

from runner.cli import run

run()
