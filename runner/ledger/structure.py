"""Whether a ledger's file has the tables, columns and indexes that flypast makes, and no others.

They are compared by what SQLite says of them, not by their text: a ledger that was made by an older flypast and then
upgraded has the same ones in other words. What they should be is read from an empty ledger in memory.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from . import tables

_OBJECTS = "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name"
_KINDS = "SELECT wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?"
_COLUMNS = 'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)'
_INDEXES = 'SELECT name, "unique", origin, partial FROM pragma_index_list(?)'
_INDEXED = "SELECT name, desc, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno"
_OWNERS = 'SELECT "table", "from", "to", on_update, on_delete, match FROM pragma_foreign_key_list(?)'


def structure(connection: sqlite3.Connection) -> Iterator[str]:
    """Every difference in words."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(tables.CREATE)
        wanted, held = _objects(fresh), _objects(connection)
        yield from (f"the {kind} {name} is missing" for kind, name in wanted if (kind, name) not in held)
        yield from (
            f"an unknown {kind}: {name}, which no flypast makes" for kind, name in held if (kind, name) not in wanted
        )
        for kind, name in wanted:
            if kind == "table" and (kind, name) in held:
                yield from _differences(name, _table(fresh, name), _table(connection, name))


def _objects(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute(_OBJECTS).fetchall()


def _table(connection: sqlite3.Connection, table: str) -> dict[str, dict[str, Any]]:
    """All that makes the table what it is, by kind and name. The order of columns is no part of it."""
    indexes = {}
    for name, *rest in connection.execute(_INDEXES, (table,)).fetchall():
        indexes[name] = (rest, connection.execute(_INDEXED, (name,)).fetchall())
    owners = sorted(connection.execute(_OWNERS, (table,)).fetchall())
    return {
        "column": {name: rest for name, *rest in connection.execute(_COLUMNS, (table,)).fetchall()},
        "index": indexes,
        "foreign key": {f"to {owner[0]}": owner for owner in owners},
        "kind": {"of table": connection.execute(_KINDS, (table,)).fetchall()},
    }


def _differences(table: str, wanted: dict[str, dict[str, Any]], held: dict[str, dict[str, Any]]) -> Iterator[str]:
    for kind, parts in wanted.items():
        for name in sorted(parts.keys() | held[kind].keys()):
            if name not in held[kind]:
                if kind != "index":  # that one is told of already
                    yield f"the {kind} {name} of {table} is missing"
            elif name not in parts:
                if kind != "index":
                    yield f"{table} has a {kind} that no flypast makes: {name}"
            elif parts[name] != held[kind][name]:
                yield f"the {kind} {name} of {table} is not as flypast makes it"
