"""What a run must remember of its rows: exact, and in little memory however many there are.

What is written stands in a private temporary file that has no name and goes with the process; memory has a hash of each
key, and beyond a million the file has those too.
"""

import marshal
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from os import SEEK_END
from types import TracebackType
from typing import IO, Self

from runner.errors import LedgerFault

_NEWEST = 1_390_000
_SLOTS = (
    2**5,
    2**11,
    2**14,
    2**18,
    2**21,
)  # of a table as it grows: two of three are taken at most, and the last are 24 MiB
_GATHERED = 64  # keys that are written as one, and read again for one of them


@dataclass(slots=True)
class _Table:
    """Open addressing: a hash stands in the slot of its last bits, or in the next free one; 0 stands for nothing.

    `numbers` counts the keys as they came.
    """

    hashes: "array[int] | memoryview"
    numbers: "array[int] | memoryview"
    count: int = 0

    @classmethod
    def of(cls, slots: int) -> Self:
        return cls(array("q", bytes(8 * slots)), array("I", bytes(4 * slots)))

    def put(self, hashed: Iterable[int], number: int) -> bool:
        """Takes all of these hashes, numbered from this on; none if one of them is there or comes twice."""
        table, mask = self.hashes, len(self.hashes) - 1
        slots: list[int] = []
        for each in hashed:
            at = each & mask
            while held := table[at]:
                if held == each:
                    for slot in slots:
                        table[slot] = 0
                    return False
                at = (at + 1) & mask
            table[at] = each
            slots.append(at)
        for further, slot in enumerate(slots, number):
            self.numbers[slot] = further
        self.count += len(slots)
        return True

    def found(self, hashed: int) -> Iterator[int]:
        """The numbers of the keys with this hash."""
        table, mask = self.hashes, len(self.hashes) - 1
        at = hashed & mask
        while held := table[at]:
            if held == hashed:
                yield self.numbers[at]
            at = (at + 1) & mask

    def grown(self) -> "_Table":
        """With more slots."""
        larger = _Table.of(next(slots for slots in (*_SLOTS, 8 * len(self.hashes)) if slots > len(self.hashes)))
        for hashed, number in zip(self.hashes, self.numbers, strict=True):
            if hashed:
                larger.add(hashed, number)
        return larger

    def add(self, hashed: int, number: int) -> None:
        """One that may be there already: of another key."""
        table, mask = self.hashes, len(self.hashes) - 1
        at = hashed & mask
        while table[at]:
            at = (at + 1) & mask
        table[at], self.numbers[at] = hashed, number
        self.count += 1


class Kept:
    """Texts by key; the first value of a key stays. A context manager that throws everything away.

    Raises LedgerFault when the disk can't take it.
    """

    def __init__(self, *, newest: int = _NEWEST) -> None:
        """The hashes of so many keys are held in memory before any goes to the disk."""
        self._most = newest
        self._newest = _Table.of(_SLOTS[0])
        self._older: list[_Table] = []  # in the file
        self._keys: list[str] = []  # those that are not written yet
        self._values: list[str] = []
        self._starts, self._sizes = array("Q"), array("I")  # in the file, of each `_GATHERED`
        self._count = 0
        self._file: IO[bytes] | None = None

    def first(self, key: str, value: str) -> str | None:
        """The value that the key has already; None where it had none and has this one now."""
        found = self._found(key)
        if found is None:
            self._make_room(1)
            self._newest.add(_hash(key), self._count)
            self._gather([key], [value])
        return found

    def get(self, key: str) -> str | None:
        """The value that the key has."""
        return self._found(key)

    def add_new(self, keys: Sequence[str], values: Sequence[str]) -> bool:
        """Takes all of these keys at once; False, and none is taken, where one may be there already."""
        hashed = [each or 1 for each in map(hash, keys)]  # as `_hash` does
        self._make_room(len(keys))
        if any(next(table.found(each), None) is not None for table in self._older for each in hashed):
            return False
        if not self._newest.put(hashed, self._count):
            return False
        self._gather(keys, values)
        return True

    def update(self, keys: Iterable[str]) -> None:
        """Keys without a value."""
        for key in keys:
            self.first(key, "")

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._found(key) is not None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._newest.count or self._older)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        file = self._file
        self.__init__(newest=self._most)  # type: ignore[misc]
        if file is not None:
            with suppress(OSError):  # closing flushes first, which a full disk refuses; the file goes all the same
                file.close()

    def _found(self, key: str) -> str | None:
        for table in (self._newest, *self._older):
            for number in table.found(_hash(key)):
                known, value = self._pair(number)
                if known == key:
                    return value
        return None

    def _pair(self, number: int) -> tuple[str, str]:
        """The key of that number, and its value."""
        unwritten = number - self._count + len(self._keys)
        if unwritten >= 0:
            return self._keys[unwritten], self._values[unwritten]
        batch, at = divmod(number, _GATHERED)
        with self._open() as file:
            file.seek(self._starts[batch])
            # marshal is for data that nobody else can write: this file has no name, and this process wrote it.
            keys, values = marshal.loads(file.read(self._sizes[batch]))  # noqa: S302
        return keys[at], values[at]

    def _gather(self, keys: Sequence[str], values: Sequence[str]) -> None:
        self._count += len(keys)
        self._keys += keys
        self._values += values
        whole = len(self._keys) // _GATHERED * _GATHERED
        if whole:
            parts = [slice(at, at + _GATHERED) for at in range(0, whole, _GATHERED)]
            records = [marshal.dumps((self._keys[part], self._values[part])) for part in parts]
            sizes = [len(record) for record in records]
            start = self._written(b"".join(records))
            self._starts.extend(accumulate(sizes[:-1], initial=start))
            self._sizes.extend(sizes)
            del self._keys[:whole], self._values[:whole]

    def _make_room(self, count: int) -> None:
        """More slots, or a new table: at most two of three slots are ever taken."""
        if self._newest.count > 0 and self._newest.count + count > self._most:
            self._older.append(self._put_down(self._newest))
            self._newest = _Table.of(_SLOTS[0])
        while 3 * (self._newest.count + count) > 2 * len(self._newest.hashes):
            self._newest = self._newest.grown()

    def _put_down(self, table: _Table) -> _Table:
        """The same table in the file, from a place on that the system can map; it is read and never written again."""
        import mmap  # noqa: PLC0415 - few runs have so many keys

        size, page = 8 * len(table.hashes), mmap.ALLOCATIONGRANULARITY
        content = bytes(table.hashes) + bytes(table.numbers)
        start = self._written(content, page)
        with self._open() as file:
            view = memoryview(mmap.mmap(file.fileno(), len(content), access=mmap.ACCESS_READ, offset=start))
        return _Table(view[:size].cast("q"), view[size:].cast("I"), table.count)

    def _written(self, content: bytes, page: int = 1) -> int:
        """Where it begins in the file: at a multiple of `page`."""
        with self._open() as file:
            start = -(-file.seek(0, SEEK_END) // page) * page
            file.seek(start)
            file.write(content)
            if page > 1:
                file.flush()
            return start

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        import tempfile  # noqa: PLC0415 - a run of few rows needs none

        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="flypast-")  # noqa: SIM115 - `close` closes it
            yield self._file
        except OSError as error:
            raise LedgerFault(
                f"the temporary file of what was met already can't be written: {error.strerror or error}",
                hint="make room on that disk, or name another folder with TMPDIR",
            ) from error


def _hash(key: str) -> int:
    return hash(key) or 1
