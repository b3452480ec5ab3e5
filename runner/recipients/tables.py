"""Tables: `.csv` and `.tsv`, streamed. Cells are text as written; an empty cell is null."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress

from runner.findings import Place

from .cells import Cells
from .faults import Faults, Stop
from .headers import check_header
from .lines import Lines
from .rows import MAX_CELL, Row, Rows, Source, offset_place

_FEW = 8  # rows before an odd one that are worth their own call
_CLOSE_IT = 'close it, or write each quote inside the cell twice: ""'


def read_table(source: Source) -> Iterator[Row | Rows]:
    """The rows of a table, most of them many at once. Raises Stop where nothing after a place can be told apart."""
    return _Table(source).rows()


def read_header(source: Source) -> tuple[str, ...] | None:
    """The names of a table's columns; None where the header is wrong, which is then in the findings."""
    return _Table(source).header()


class _Table:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._faults = Faults(source.findings)
        self._delimiter = _delimiter(source)
        self._names: tuple[str, ...] = ()
        self._has_crlf = False
        self._number = 0  # of the last row
        self._lines = Lines(source.opened, source.shown, source.hasher)
        # csv gives up at a cell of 131,072 characters by itself, so an open quote can't swallow a large file.
        self._records = csv.reader(iter(self._lines), delimiter=self._delimiter, strict=True)

    def header(self) -> tuple[str, ...] | None:
        try:
            names = next((tuple(cells) for cells in self._nonblank()), ())
        except csv.Error:
            raise self._stopped("the header", self._record_so_far(0)) from None
        if not names:
            place = Place(path=self._source.shown)
            raise Stop("RCP507", "the file is empty", place, hint="its first line names the columns")
        header = self._record_so_far(0)
        self._has_crlf = header.text.endswith("\r\n")
        if self._has_crlf:
            names = tuple(_with_plain_breaks(names))
        if "\0" in header.text:
            raise Stop("RCP515", "the header holds a NUL character", self._at(header, header.text.index("\0")))
        self._names = names
        places = [self._at(header, start) for start in Cells(header.text, self._delimiter).starts]
        check = self._source.check_header or check_header
        holds = check(names, places, self._delimiter, self._source.spec, self._source.findings)
        return names if holds else None

    def _nonblank(self) -> Iterator[list[str]]:
        for cells in self._records:
            if cells:
                yield cells
            self._lines.begin()

    def rows(self) -> Iterator[Row | Rows]:
        names = self.header()
        if names is None:
            return
        lines = self._lines
        lines.skip_to(self._source.from_line)
        while True:
            above, texts = lines.number - self._number, lines.look_ahead()
            if not lines.has_ahead:
                return
            cells = self._easily(texts)
            if len(cells) < min(len(texts), _FEW) or not cells:
                yield from self._one_by_one()
                continue
            lines.pass_over(len(cells))
            first, self._number = self._number + 1, self._number + len(cells)
            yield Rows(range(first, self._number + 1), above, names, cells, texts[: len(cells)], self._locate)
            if lines.has_ahead:
                yield from self._one_by_one(1)

    def _easily(self, texts: Sequence[str]) -> Sequence[Sequence[str]]:
        """The cells of each line; where some line is not one row without a fault, of those before it."""
        if not texts:
            return ()
        if max(map(len, texts)) <= MAX_CELL:
            with suppress(csv.Error):
                cells = list(csv.reader(texts, delimiter=self._delimiter, strict=True))
                if len(cells) == len(texts) and set(map(len, cells)) == {len(self._names)}:
                    return cells
        return self._before_odd(texts)

    def _before_odd(self, texts: Sequence[str]) -> Sequence[Sequence[str]]:
        found: list[list[str]] = []
        records = csv.reader(texts, delimiter=self._delimiter, strict=True)
        with suppress(csv.Error):
            for cells in records:
                at = len(found)
                if records.line_num > at + 1 or len(cells) != len(self._names) or len(texts[at]) > MAX_CELL:
                    break
                found.append(cells)
        return found

    def _one_by_one(self, most: int | None = None) -> Iterator[Row]:
        """The rows of the lines that were looked at, and the rest of the last; `most` records of them, if given."""
        lines, names, records, record = self._lines, self._names, self._records, self._lines.record
        while lines.has_ahead and most != 0:
            most = None if most is None else most - 1
            record.clear()
            line = lines.number + 1
            try:
                cells = next(records)
            except csv.Error:
                self._number += 1
                self._report_unreadable(self._record_so_far(self._number))
                continue
            if not cells:
                continue
            if self._has_crlf and len(record) > 1:
                cells = _with_plain_breaks(cells)
            self._number += 1
            text = record[0] if len(record) == 1 else "".join(record)
            row = Row(self._number, line, {}, text, self._locate)
            if len(cells) != len(names):
                self._report_ragged(row, len(cells))
                continue
            row = row._replace(values={name: cell or None for name, cell in zip(names, cells, strict=True)})
            if (len(text) <= MAX_CELL and "\0" not in text) or self._is_sound(row, cells):
                yield row

    def _record_so_far(self, number: int) -> Row:
        record = self._lines.record
        return Row(number, self._lines.number - len(record) + 1, {}, "".join(record), self._locate)

    def _is_sound(self, row: Row, cells: Sequence[str]) -> bool:
        if "\0" in row.text:
            at = row.text.index("\0")
            self._faults.error("RCP515", row, "a NUL character", find=lambda: self._at(row, at))
            return False
        if len(row.text) > MAX_CELL:
            long = next((name for name, cell in zip(self._names, cells, strict=True) if len(cell) > MAX_CELL), None)
            if long is not None:
                self._faults.error("RCP516", row, f"more than {MAX_CELL:,} characters in one cell", column=long)
                return False
        return True

    def _report_ragged(self, row: Row, count: int) -> None:
        width = len(self._names)
        hint = f"put a cell that holds {self._delimiter!r} in quotes" if count > width else None
        if "\n" in row.text.rstrip("\r\n"):
            hint = "a quote in it runs over a line end: is it closed where it should be?"

        def find() -> Place:
            return self._at(row, Cells(row.text, self._delimiter).starts[width] if count > width else 0)

        words = f"{count} cell{'s' if count != 1 else ''} where the header has {width}"
        self._faults.error("RCP513", row, words, hint=hint, find=find)

    def _report_unreadable(self, row: Row) -> None:
        if row.text.count("\n") > 1:  # past a quote that spans lines nothing can be told apart
            raise self._stopped(f"row {row.number}", row)
        code, words, hint, offset = self._explained(row)
        self._faults.error(code, row, words, hint=hint, find=lambda: self._at(row, offset))

    def _stopped(self, name: str, row: Row) -> Stop:
        code, words, hint, offset = self._explained(row)
        upto = f" (looked for up to line {self._lines.number})" if self._lines.number > row.line else ""
        message = f"{name}: {words}{upto}: the rest of the file was not read"
        return Stop(code, message, self._at(row, offset), hint=hint)

    def _explained(self, row: Row) -> tuple[str, str, str | None, int]:
        """Why csv could not read a record: code, words, hint, offset."""
        cells = Cells(row.text, self._delimiter)
        if len(row.text) > MAX_CELL and row.text.count("\n") <= 1:
            return "RCP516", f"more than {MAX_CELL:,} characters in one cell", None, cells.starts[-1]
        if cells.broken is not None:
            return "RCP514", "a quote opens here and is not closed at the end of its cell", _CLOSE_IT, cells.broken
        hint = "end lines with LF or CR LF, or put the cell in quotes"
        return "RCP515", "a carriage return without a line feed", hint, max(row.text.find("\r"), 0)

    def _locate(self, row: Row, column: str | None) -> Place:
        if column is None or column not in self._names:
            return Place(path=self._source.shown, line=row.line, column=1, end_line=row.line, end_column=1)
        starts = Cells(row.text, self._delimiter).starts
        index = self._names.index(column)
        return self._at(row, starts[index] if index < len(starts) else 0)

    def _at(self, row: Row, offset: int) -> Place:
        return offset_place(self._source.shown, row.line, row.text, offset)


def _with_plain_breaks(cells: Sequence[str]) -> list[str]:
    """In a file whose lines end in CR LF that is its line break: Git writes LF files so on some machines."""
    return [cell.replace("\r\n", "\n") for cell in cells]


def _delimiter(source: Source) -> str:
    written = source.spec.delimiter
    if written is None:
        return "\t" if source.suffix == ".tsv" else ","
    if len(written) == 1 and written not in '"\r\n\0 ':
        return written
    message = "the delimiter must be one character, not a quote, a space or a line end"
    raise Stop("RCP512", message, source.spec.place_of("delimiter"))
