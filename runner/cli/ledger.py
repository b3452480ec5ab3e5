"""`flypast ledger`: the ledger's own care."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click

from runner.errors import Refused, UsageError

from . import ledger_export, ledger_purge, ledger_verify
from .options import command as flypast_command
from .options import ledger_options
from .rebuild import rebuild
from .terminal import TERMINAL, terminal_options


@click.group("ledger")
@terminal_options
def command() -> None:
    """Make a ledger, and care for it."""


@flypast_command(
    "init",
    examples="flypast ledger init acme-prod\nflypast ledger init acme-prod --ledger sqlite:////var/lib/flypast/acme.db",
)
@click.argument("name")
@ledger_options
def init(name: str, ledger_url: str | None, api_url: str | None) -> None:
    """Make the ledger that policy.ledger names, bound to one API.

    A ledger that has no name yet gets it and keeps all that it knows.
    """
    from runner.bird.requests import api_origin
    from runner.ledger.sqlite import create, name_ledger, open_ledger
    from runner.pipeline.ledgers import LedgerChoice

    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,62}", name):
        raise UsageError(f"{name!r} can't be a ledger's name", hint="use a to z, 0 to 9, - and _, at most 63")
    choice = LedgerChoice.of(ledger_url, api_url, Path.cwd())
    origin = api_origin(choice.api)
    if not choice.exists:
        create(choice.path, origin=origin, name=name, at=datetime.now(UTC).isoformat(timespec="milliseconds")).close()
        TERMINAL.data(f"ledger {name} for {origin} made at {choice.path}")
        return
    ledger = open_ledger(choice.path, origin=origin)
    held = ledger.name
    ledger.close()
    if held is None:
        name_ledger(choice.path, name)
        TERMINAL.data(f"the ledger at {choice.path} is called {name} now, and keeps what it knows")
    elif held == name:
        TERMINAL.data(f"ledger {name} is there already, at {choice.path}")
    else:
        raise Refused(f"the ledger at {choice.path} is called {held!r}", hint="name another place with --ledger")


command.add_command(init)
command.add_command(ledger_verify.command)
command.add_command(ledger_export.command)
command.add_command(ledger_purge.command)
command.add_command(rebuild)
