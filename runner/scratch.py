"""What a run must remember of its rows: exact, and no more memory for a million than for a hundred thousand.

The newest stand in memory, the rest in a private temporary database that has no name and goes with the process.
"""

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from runner.errors import LedgerFault

if TYPE_CHECKING:
    import sqlite3

_NEWEST = 131_072  # some 30 MiB
_BITS = 1 << 24  # 2 MiB; a million keys set 6 % of them
_CACHE_KIB = 2048

_CREATE = "CREATE TABLE kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_INSERT = "INSERT INTO kept VALUES (?, ?)"
_SELECT = "SELECT value FROM kept WHERE key = ?"


class Kept:
    """Texts by key; the first value of a key stays. A context manager that throws everything away.

    Raises LedgerFault when the disk can't take it.
    """

    def __init__(self, *, newest: int = _NEWEST) -> None:
        """`newest` keys are held in memory before any goes to the disk."""
        self._most = newest
        self._newest: dict[str, str] = {}
        self._bits = bytearray()
        self._database: sqlite3.Connection | None = None

    def first(self, key: str, value: str) -> str | None:
        """The value that the key has already; None where it had none and has this one now."""
        found = self._newest.get(key)
        if found is not None:
            return found
        if self._database is not None and (found := self._on_disk(key)) is not None:
            return found
        self._newest[key] = value
        if len(self._newest) >= self._most:
            self._put_down()
        return None

    def update(self, keys: Iterable[str]) -> None:
        """Keys without a value."""
        for key in keys:
            self.first(key, "")

    def __contains__(self, key: object) -> bool:
        if key in self._newest:
            return True
        return self._database is not None and isinstance(key, str) and self._on_disk(key) is not None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._newest) or self._database is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
        self._newest, self._bits, self._database = {}, bytearray(), None

    def _on_disk(self, key: str) -> str | None:
        # One bit for each hash: where it is not set the key is new, else only the disk knows.
        at = hash(key) % _BITS
        if not self._bits[at >> 3] & 1 << (at & 7):
            return None
        row = self._run(_SELECT, (_stored(key),)).fetchone()
        return None if row is None else str(row[0])

    def _put_down(self) -> None:
        """In the order of the keys: neighbours share a page."""
        import sqlite3  # noqa: PLC0415 - of most runs nothing goes to the disk

        database = self._database or self._opened()
        bits, newest = self._bits, self._newest
        for key in newest:
            at = hash(key) % _BITS
            bits[at >> 3] |= 1 << (at & 7)
        keys = "".join(newest)
        are_plain = keys.isascii() and "\\" not in keys  # then each is stored as it is

        rows: Iterable[tuple[str, str]] = ((key, newest[key]) for key in sorted(newest))
        if not are_plain:
            rows = sorted((_stored(key), value) for key, value in newest.items())
        try:
            database.executemany(_INSERT, rows)
        except sqlite3.Error as error:
            raise _fault(error) from error
        self._newest.clear()

    def _opened(self) -> "sqlite3.Connection":
        import sqlite3  # noqa: PLC0415 - of most runs nothing goes to the disk

        self._bits = bytearray(_BITS >> 3)
        try:
            # A database without a name is a file that is unlinked as soon as it is open, readable by its owner alone.
            self._database = sqlite3.connect("", isolation_level=None)
            settings = ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}", "temp_store = FILE")
            for setting in settings:
                self._database.execute(f"PRAGMA {setting}").fetchall()
            self._database.execute(_CREATE)
            self._database.execute("BEGIN")  # never committed: pages are written as the cache has no more room
        except sqlite3.Error as error:
            raise _fault(error) from error
        return self._database

    def _run(self, statement: str, values: tuple[Any, ...]) -> "sqlite3.Cursor":
        import sqlite3  # noqa: PLC0415 - as in `_opened`

        assert self._database is not None, "the caller looked"  # noqa: S101
        try:
            return self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise _fault(error) from error


def _stored(key: str) -> str:
    """The key as ASCII: SQLite takes no half of a surrogate pair."""
    if key.isascii() and not key.startswith("\\"):
        return key
    return f"\\{key.encode('utf-8', 'surrogatepass').hex()}"


def _fault(error: "sqlite3.Error") -> LedgerFault:
    return LedgerFault(
        f"the temporary file of what was met already can't be written: {error}",
        hint="make room on that disk, or name another folder with TMPDIR",
    )
