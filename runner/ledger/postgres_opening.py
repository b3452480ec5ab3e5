"""Making, upgrading and opening a ledger in a PostgreSQL database. Only `make` and `upgrade` change its tables."""

import secrets
from collections.abc import Mapping, Sequence
from math import ceil

from psycopg import errors

from runner import __version__
from runner.errors import LedgerFault, Locked, Refused

from . import postgres_tables as tables
from .moves import held_by, locked
from .postgres_link import Address, Connection, Link, Meta, Row


def open_to_read(address: Address, *, origin: str | None, is_judged: bool = True) -> tuple[Link, Meta] | None:
    """A connection, and which ledger it is; None where the database holds none.

    Raises Refused where it is bound to another origin or of an older format; LedgerFault where it can't be trusted
    or reached (not judged: the server's settings are left to `Ledger.check`).
    """
    link = Link(address, is_judged=is_judged)
    try:
        meta = link.open()
        if meta is None:
            link.close()
            return None
        judge_format(meta, address.words)
        if origin is not None and meta.origin != origin:
            raise Refused(
                f"this ledger is bound to {meta.origin}; this run would use {origin}",
                hint=f"name another ledger with --ledger; this one is {address.words}",
            )
    except BaseException:
        link.close()
        raise
    link.must_be(meta.identity)
    return link, meta


def judge_format(
    meta: Meta, where: str, *, to: int = tables.FORMAT, steps: Mapping[int, Sequence[str]] = tables.UPGRADES
) -> None:
    """Raises LedgerFault for a format that is not known, Refused for an older one: no run upgrades it by the way."""
    _must_be_known(meta.format, where, to=to, steps=steps)
    if meta.format < to:
        raise Refused(
            f"the ledger at {where} is of format {meta.format}, and this flypast needs {to}",
            hint="bring it up to date, when nothing else uses it: flypast ledger init, with the same --ledger",
        )


def make(address: Address, *, origin: str, name: str | None, at: str) -> None:
    """The tables of a new ledger, in a schema of its own, all of them or nothing. Raises LedgerFault where one is."""
    meta = {"format": tables.FORMAT, "identity": secrets.token_hex(8), "origin": origin, "name": name, "at": at}

    def create(connection: Connection) -> None:
        connection.execute(tables.ALONE)
        try:
            for statement in tables.CREATE_ALL:
                connection.execute(statement)
        except errors.DuplicateSchema:
            raise LedgerFault(
                f"there is a schema flypast at {address.words} already",
                hint="it was left as it is; name another database",
            ) from None
        connection.execute(tables.MADE, {**meta, "version": __version__})

    link = Link(address)
    try:
        link.open()
        link.write(create)
    finally:
        link.close()


def upgrade(
    address: Address, *, to: int = tables.FORMAT, steps: Mapping[int, Sequence[str]] = tables.UPGRADES
) -> int | None:
    """An older ledger in today's format, all of it or nothing; gives the format, or None where there was nothing to do.

    Raises Locked where a run is at it, LedgerFault where the format is not known.
    """
    link = Link(address)
    try:
        meta = link.open()
        if meta is None or meta.format == to:
            return None

        def lift(connection: Connection) -> None:
            connection.execute(tables.ALONE)
            [(now, *_)] = connection.execute(tables.META).fetchall()
            _must_be_known(now, address.words, to=to, steps=steps)
            must_be_alone(connection)
            for each in range(now, to):
                for statement in steps[each]:
                    connection.execute(statement)
            connection.execute(tables.FORMAT_IS, {"format": to})

        link.write(lift)
    finally:
        link.close()
    return to


def must_be_alone(connection: Connection, *, hint: str = "") -> None:
    """Raises Locked, naming the holder, where a run is at any manifest."""
    for row in connection.execute(tables.LIVING).fetchall():
        raise held(row, hint=hint)


def held(row: Row, *, hint: str = "") -> Locked:
    """Of a row of HOLDER or LIVING. A dead holder can't be told from a silent one."""
    manifest, pid, host, since, run, left_s = row
    if left_s is None:
        return Locked(
            f"another run of {manifest} holds the ledger: workers carry it since {since}, run {run}",
            hint=f"flypast status --follow shows it, flypast cancel {run} ends it early{hint}",
        )
    dead = f"; if it is dead, that is known in at most {ceil(left_s)} s"
    return locked(manifest, held_by(pid=pid, host=host, since=since, run=run), hint=dead + hint)


def _must_be_known(held: int, where: str, *, to: int, steps: Mapping[int, Sequence[str]]) -> None:
    if held > to or any(each not in steps for each in range(held, to)):
        raise LedgerFault(
            f"the ledger at {where} is of format {held}, and this flypast knows format {to}",
            hint="it was left as it is; use the flypast that made it, or a newer one",
        )
