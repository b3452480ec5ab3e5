"""Which row has which key.

Keys are random: an index of them that every commit wrote would cost it a page of the file for each message. So the
table `keys` holds those of all rows up to `meta.indexed`; the newest are remembered by whoever has the file open, and
go into the table in their order, many at once.
"""

import json
import sqlite3
import threading
from collections.abc import Collection, Sequence

from . import tables


class Keys:
    """The ids of a ledger's rows by key, for all threads of a process that share its connection."""

    FEWEST, MOST = 4_096, 65_536  # that are remembered before they go into the table
    _SHARE = 8  # of the table, by then: so many lie on one page of it

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._recent: dict[str, int] = {}
        self._indexed = 0
        self._seen: int | None = None  # every row from `_indexed` to here is in `_recent`

    def find(self, connection: sqlite3.Connection, keys: Sequence[str]) -> dict[str, int]:
        """The ids of those that the ledger holds: inside a transaction as of it, outside as of now."""
        with self._turn:
            self._catch_up(connection)
            found = {key: self._recent[key] for key in keys if key in self._recent}
            if len(found) < len(keys):
                others = [key for key in keys if key not in found]
                found.update(connection.execute(tables.FIND, (json.dumps(others),)))
        return found

    def note(self, keys: Collection[str], *, last: int) -> None:
        """These rows are in the file now, one after another; the last has this id."""
        with self._turn:
            self._recent.update(zip(keys, range(last - len(keys) + 1, last + 1), strict=True))
            self._seen = last

    @property
    def are_many(self) -> bool:
        """Whether they are worth a place in the table."""
        return len(self._recent) >= min(max(self.FEWEST, self._indexed // self._SHARE), self.MOST)

    def index(self, connection: sqlite3.Connection) -> None:
        """All of them into the table, in the transaction that is open. Once that is durable, call `forget`."""
        connection.execute(tables.INDEX)
        connection.execute(tables.INDEXED_NOW)

    def forget(self) -> None:
        """The table holds them."""
        with self._turn:
            self._recent.clear()
            self._seen = None

    def _catch_up(self, connection: sqlite3.Connection) -> None:
        """Rows of other claims, and at first those that a run that died left."""
        if self._seen is None:
            [(self._indexed,)] = connection.execute(tables.INDEXED).fetchall()
            self._seen = self._indexed
        for row, key in connection.execute(tables.NEWER, (self._seen,)):
            self._recent[key] = row
            self._seen = row
