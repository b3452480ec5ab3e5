"""Bytes of a list → its lines of text: UTF-8, bounded, hashed on the way."""

from collections.abc import Iterator
from io import BytesIO, StringIO
from itertools import islice
from typing import BinaryIO

from runner.findings import Place

from .faults import Stop
from .rows import MAX_DOCUMENT, MAX_RECORD, Hasher

_BOM = "\ufeff"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_AHEAD = 8 * 1024  # bytes that are read ahead: some hundred rows, which stay in the processor's cache


class Lines:
    """The lines of a file, their ends kept. `number` is the line given last; `record` gathers lines since `begin`."""

    def __init__(self, opened: BinaryIO, shown: str, hasher: Hasher | None = None) -> None:
        self._opened = opened
        self._shown = shown
        self._hasher = hasher
        self._ahead = BytesIO()
        self._offset = 0
        self._size = 0
        self.number = 0
        self.record: list[str] = []

    def begin(self) -> None:
        """Forgets what was gathered: a new record starts with the next line."""
        self.record.clear()

    def skip_to(self, line: int) -> None:
        """Goes on so that `line` comes next."""
        while self.number + 1 < line and self._opened.readline(MAX_RECORD + 1):
            self.number += 1

    def look_ahead(self) -> list[str]:
        """The next lines, some hundred at once; none where they must be taken one by one to say what is wrong.

        They come again, unless they are taken or passed over.
        """
        if not self.has_ahead:
            read = self._opened.read(_AHEAD)
            if not read.endswith(b"\n"):
                read += self._opened.readline(MAX_RECORD + 1)
            self._ahead = BytesIO(read)
        else:
            read = self._ahead.getvalue()[self._ahead.tell() :]
        if b"\0" in read:
            return []
        try:
            return StringIO(read.decode()).readlines()
        except UnicodeDecodeError:
            return []

    def pass_over(self, count: int) -> None:
        """So many of the lines that were looked at."""
        read = b"".join(islice(self._ahead, count))
        if self._hasher is not None:
            self._hasher.update(read)
        self.number += count
        self._offset += len(read)

    @property
    def has_ahead(self) -> bool:
        """Whether some of them were not taken yet."""
        return self._ahead.tell() < self._ahead.getbuffer().nbytes

    def _next(self) -> bytes:
        return self._ahead.readline(MAX_RECORD + 1) or self._opened.readline(MAX_RECORD + 1)

    def __iter__(self) -> Iterator[str]:
        record, hasher = self.record, self._hasher
        for raw in iter(self._next, b""):
            self.number += 1
            if hasher is not None:
                hasher.update(raw)
            size = len(raw)
            if size > MAX_RECORD:
                raise self._too_long(self.number - len(record))
            try:
                text = raw.decode()
            except UnicodeDecodeError as error:
                raise _not_utf8(error, raw, self._shown, line=self.number, offset=self._offset) from None
            if self.number == 1:
                text = text.removeprefix(_BOM)
            self._offset += size
            if record:
                self._size += len(text)
                if self._size > MAX_RECORD:
                    raise self._too_long(self.number - len(record))
            else:
                self._size = len(text)
            record.append(text)
            yield text

    def _too_long(self, first: int) -> Stop:
        return Stop(
            "RCP506",
            f"the row that starts here is longer than {MAX_RECORD:,} characters: the rest of the file was not read",
            Place(path=self._shown, line=first),
            hint="a quote may be open, or the file's line ends are missing",
        )


def read_bytes(opened: BinaryIO, shown: str, hasher: Hasher | None = None) -> bytes:
    """The whole of a list that can't be streamed."""
    raw = opened.read(MAX_DOCUMENT + 1)
    if hasher is not None:
        hasher.update(raw)
    if len(raw) > MAX_DOCUMENT:
        raise Stop(
            "RCP506",
            f"this list is larger than {MAX_DOCUMENT // 2**20} MiB",
            Place(path=shown),
            hint="write it as .csv or .jsonl, which are read row by row",
        )
    return raw


def decoded(raw: bytes, shown: str) -> str:
    """The text of a whole file."""
    try:
        return raw.decode().removeprefix(_BOM)
    except UnicodeDecodeError as error:
        start = raw.rfind(b"\n", 0, error.start) + 1
        line = raw.count(b"\n", 0, error.start) + 1
        shifted = UnicodeDecodeError("utf-8", raw[start:], error.start - start, error.end - start, error.reason)
        raise _not_utf8(shifted, raw[start:], shown, line=line, offset=start) from None


def _not_utf8(error: UnicodeDecodeError, raw: bytes, shown: str, *, line: int, offset: int) -> Stop:
    if offset == 0 and raw.startswith(_UTF16):
        return Stop("RCP504", "this file is UTF-16", Place(path=shown), hint='save it as UTF-8 ("CSV UTF-8" in Excel)')
    before = raw[: error.start].decode()
    column = len(before.removeprefix(_BOM) if line == 1 else before) + 1
    return Stop(
        "RCP504",
        f"byte {offset + error.start:,} (counted from 0) is not UTF-8: the rest of the file was not read",
        Place(path=shown, line=line, column=column),
        hint='save it as UTF-8 ("CSV UTF-8" in Excel)',
    )
