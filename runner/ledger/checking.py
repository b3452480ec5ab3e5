"""What a ledger's SQLite file says of itself: all that SQLite can check, and what its own tables must agree on."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.errors import LedgerFault

from . import tables
from .locks import Witness, witnesses
from .opening import Meta, faults, in_words, missing_commits
from .records import astray, claims, doubled, gaps, meta_faults, shared_ids, strays, unclaimed, unfiled, unowned
from .structure import structure

_MOST_FAULTS = 100_000  # of SQLite's; 100 unless it is told otherwise


def check(connection: sqlite3.Connection, path: Path, meta: Meta) -> Iterator[str]:
    """Every fault of the file in words. Damage may end a check early: that is then the last fault of it."""
    seen = witnesses(path)  # before the claims are read: a living run goes on committing
    for each in (
        _commits(connection, path, meta, seen), _pages(connection), structure(connection),
        meta_faults(_rows(connection, tables.ABOUT)), claims(_rows(connection, tables.CLAIMED)), _owners(connection),
        strays(_rows(connection, tables.STRAYS)), unclaimed(_rows(connection, tables.UNCLAIMED)),
        gaps(_rows(connection, tables.GAPS)), unfiled(_rows(connection, tables.UNFILED)),
        doubled(_rows(connection, tables.DOUBLED)), astray(_rows(connection, tables.ASTRAY)),
        shared_ids(_rows(connection, tables.SHARED_IDS)), unowned(_rows(connection, tables.UNOWNED)),
    ):  # fmt: skip
        try:
            yield from each
        except sqlite3.Error as error:
            yield in_words(error, path).message


@contextmanager
def snapshot(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """One read transaction: in WAL mode it holds up no writer."""
    with faults(path):
        connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.rollback()  # nothing, where SQLite has done so itself


def _commits(connection: sqlite3.Connection, path: Path, meta: Meta, seen: dict[str, Witness]) -> Iterator[str]:
    cuts: Iterator[LedgerFault] = missing_commits(connection, path, meta, seen)
    yield from (cut.message for cut in cuts)


def _pages(connection: sqlite3.Connection) -> Iterator[str]:
    for (found,) in connection.execute(f"PRAGMA integrity_check({_MOST_FAULTS})"):
        if found != "ok":
            yield from (f"SQLite: {line.strip()}" for line in found.splitlines() if line.strip())


def _owners(connection: sqlite3.Connection) -> Iterator[str]:
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} has no row in {parent}"


def _rows(connection: sqlite3.Connection, statement: str) -> Iterator[tuple[Any, ...]]:
    """Asked for when the first is taken: by then somebody catches what goes wrong."""
    yield from connection.execute(statement)
