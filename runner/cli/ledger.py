"""`flypast ledger`: the ledger's own care."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.errors import Refused, UsageError

from . import ledger_export, ledger_purge, ledger_verify
from .options import command as flypast_command
from .options import engine_option, ledger_options
from .rebuild import rebuild
from .terminal import TERMINAL, terminal_options

if TYPE_CHECKING:
    from runner.pipeline.ledgers import LedgerChoice


@click.group("ledger")
@terminal_options
def command() -> None:
    """Make a ledger, and care for it."""


@flypast_command(
    "init",
    examples="flypast ledger init acme-prod\nflypast ledger init acme-prod --ledger sqlite:////var/lib/flypast/acme.db",
)
@click.argument("name", required=False)
@ledger_options
@engine_option
def init(name: str | None, ledger_url: str | None, api_url: str | None, engine: str | None) -> None:
    """Make the ledger that policy.ledger names, bound to one API.

    A ledger that has no name yet gets it and keeps all that it knows. In PostgreSQL nothing else makes the tables, or
    brings those of an older flypast up to date. With --engine also what workers need.
    """
    from runner.pipeline.ledgers import LedgerChoice

    if name is not None and not re.fullmatch("[a-z0-9][a-z0-9_-]{0,62}", name):
        raise UsageError(f"{name!r} can't be a ledger's name", hint="use a to z, 0 to 9, - and _, at most 63")
    choice = LedgerChoice.of(ledger_url, api_url, Path.cwd())
    if engine is None:
        _init(name, choice)
        return
    import asyncio

    from runner.engine.choosing import engine_of

    made = engine_of(engine, choice.place)
    _init(name, choice)
    is_new = asyncio.run(made.make())
    TERMINAL.data(f"what workers need is {'made' if is_new else 'there already'}")


def _init(name: str | None, choice: "LedgerChoice") -> None:
    from runner.bird.requests import api_origin

    place, origin = choice.place, api_origin(choice.api)
    if (is_newer := place.bring_up_to_date()) is not None:
        TERMINAL.data(f"the ledger at {place.words} is {is_newer} now, and keeps what it knows")
    ledger = place.open(origin=origin)
    if ledger is None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        place.make(origin=origin, name=name, at=at).close()
        TERMINAL.data(f"ledger {name + ' ' if name else ''}for {origin} made at {place.words}")
        return
    held = ledger.name
    ledger.close()
    if name is None or held == name:
        TERMINAL.data(f"ledger {held + ' ' if held else ''}is there already, at {place.words}")
    elif held is None:
        place.give_name(name)
        TERMINAL.data(f"the ledger at {place.words} is called {name} now, and keeps what it knows")
    else:
        raise Refused(f"the ledger at {place.words} is called {held!r}", hint="name another place with --ledger")


command.add_command(init)
command.add_command(ledger_verify.command)
command.add_command(ledger_export.command)
command.add_command(ledger_purge.command)
command.add_command(rebuild)
