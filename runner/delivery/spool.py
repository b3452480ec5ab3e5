"""The rendered requests on their way from planning to sending: a private temporary file, so memory stays bounded."""

import marshal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from runner.errors import LedgerFault
from runner.model import Channel, Message, State

_BUFFER = 256 * 1024
_LENGTH = 8  # bytes before each record that say how long it is
_GATHERED = 64  # messages in a record: they share what is the same in them, and one is made for a third of the time


class SpoolWriter:
    """Takes the messages that are to be sent. The file has no name and is readable by its owner alone.

    Raises LedgerFault when the disk can't take it.
    """

    def __init__(self, directory: Path | None = None) -> None:
        """`directory`: the system's own for temporary files, unless given."""
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115 (closed by the spool, long after this)
                mode="w+b", buffering=_BUFFER, prefix="flypast-", dir=directory
            )
        except OSError as error:
            raise _fault("made", error) from error
        self._channels: dict[Channel, int] = {}
        self._last: tuple[Channel | None, int] = (None, 0)  # nearly every message goes the way of the one before
        self._gathered: list[tuple[object, ...]] = []
        self._count = 0

    def add(self, message: Message) -> None:
        draft, channel, *facts, held = message
        if channel is not self._last[0]:
            self._last = channel, self._channels.setdefault(channel, len(self._channels))
        self._gathered.append((draft, self._last[1], *facts, held and held.value))
        self._count += 1
        if len(self._gathered) == _GATHERED:
            self._write()

    def finish(self) -> "Spool":
        """No more messages. From here on the spool owns the file."""
        self._write()
        try:
            self._file.flush()
        except OSError as error:
            raise _fault("written", error) from error
        return Spool(self._file, channels=tuple(self._channels), count=self._count)

    def _write(self) -> None:
        record = marshal.dumps(self._gathered)
        self._gathered.clear()
        try:
            self._file.write(len(record).to_bytes(_LENGTH) + record)
        except OSError as error:
            raise _fault("written", error) from error

    def close(self) -> None:
        """Throws everything away: for when planning failed."""
        _close(self._file)


class Spool:
    """The messages to send, in plan order. One reader at a time; a context manager that throws the file away."""

    def __init__(self, file: IO[bytes], *, channels: tuple[Channel, ...], count: int) -> None:
        self._file = file
        self._channels = channels
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Message]:
        try:
            self._file.seek(0)
            while length := self._file.read(_LENGTH):
                # marshal is for data that nobody else can write: this file has no name, and this process wrote it.
                for draft, channel, *facts, held in marshal.loads(self._file.read(int.from_bytes(length))):  # noqa: S302
                    yield Message._make((draft, self._channels[channel], *facts, held and State(held)))
        except OSError as error:
            raise _fault("read", error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        _close(self._file)


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # closing flushes first, which a full disk refuses; the file goes all the same
        file.close()


def _fault(verb: str, error: OSError) -> LedgerFault:
    return LedgerFault(
        f"the temporary file of rendered requests can't be {verb}: {error.strerror or error}",
        hint="make room on that disk, or name another folder with TMPDIR",
    )
