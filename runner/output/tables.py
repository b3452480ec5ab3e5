"""The one way to a table for people: names on the left, counts on the right, never wider than the terminal."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runner.states import STATES

from .cells import cells, cut, folded, left, right
from .sheet import Sheet

GAP = "  "
NONE = "-"
LEAST_NAME = 16  # columns that a name is cut to before the table is told row by row
LEAST_TEXT = 8

Cell = str | int


class Column(NamedTuple):
    """`state` gives what is there its colour. Texts stand on the left, numbers on the right.

    What `is_whole` is never cut, as somebody copies it.
    """

    head: str
    state: str = ""
    is_text: bool = False
    is_whole: bool = False


def states(*names: str) -> list[Column]:
    """A column for each state, under the word that it has everywhere."""
    return [Column(STATES[name][0], name) for name in names]


def table(
    columns: Sequence[Column], rows: Sequence[tuple[str, Sequence[Cell]]], sheet: Sheet, *, head: str = ""
) -> Iterator[str]:
    """A line of heads, then one for each name with its cells (neutral already); `-` stands for none.

    One too wide for the sheet goes without the columns that hold nothing; then names, then texts are cut in their
    middle. At last, or where two names would be cut to the same, each row is told in words without what is none. In a
    pipe nothing is cut.
    """
    shown = [(name, [_written(cell) for cell in row]) for name, row in rows]
    kept = list(range(len(columns)))
    if _width(columns, shown, kept) > sheet.room:
        kept = [at for at in kept if any(row[at] != NONE for _, row in shown)]
    if (over := _width(columns, shown, kept) - sheet.room) > 0:
        shown, over = _cut_names(shown, over)
        shown = _cut_texts(columns, shown, kept, over)
    are_told_apart = len({name for name, _ in shown}) == len({name for name, _ in rows})
    if _width(columns, shown, kept) > sheet.room or not are_told_apart:
        yield from _told(columns, [(name, [_written(cell) for cell in row]) for name, row in rows], sheet)
    else:
        yield from _drawn(columns, shown, kept, sheet, head)


def _written(cell: Cell) -> str:
    return (f"{cell:,}" if cell else NONE) if isinstance(cell, int) else cell or NONE


Rows = list[tuple[str, list[str]]]


def _widths(columns: Sequence[Column], rows: Rows, kept: Sequence[int]) -> list[int]:
    first = max((cells(name) for name, _ in rows), default=0)
    return [first, *(max([cells(columns[at].head), *(cells(row[at]) for _, row in rows)]) for at in kept)]


def _width(columns: Sequence[Column], rows: Rows, kept: Sequence[int]) -> int:
    widths = _widths(columns, rows, kept)
    return sum(widths) + len(GAP) * len(widths)


def _cut_names(rows: Rows, over: int) -> tuple[Rows, int]:
    """And how much is still too wide."""
    widest = max((cells(name) for name, _ in rows), default=0)
    fits = max(widest - over, min(widest, LEAST_NAME))
    return [(cut(name, fits), row) for name, row in rows], over - (widest - fits)


def _cut_texts(columns: Sequence[Column], rows: Rows, kept: Sequence[int], over: int) -> Rows:
    """The widest column of texts first, until it fits or all are as narrow as they may be."""
    soft = [at for at in kept if rows and columns[at].is_text and not columns[at].is_whole]
    limits = {at: max(cells(row[at]) for _, row in rows) for at in soft}
    while over > 0 and limits and max(limits.values()) > LEAST_TEXT:
        limits[max(limits, key=lambda at: limits[at])] -= 1
        over -= 1
    return [
        (name, [cut(cell, limits[at]) if at in limits else cell for at, cell in enumerate(row)]) for name, row in rows
    ]


def _drawn(columns: Sequence[Column], rows: Rows, kept: Sequence[int], sheet: Sheet, head: str) -> Iterator[str]:
    first, *widths = _widths(columns, rows, kept)

    def placed(at: int, text: str, width: int) -> str:
        return left(text, width) if columns[at].is_text else right(text, width)

    heads = [placed(at, columns[at].head, width) for at, width in zip(kept, widths, strict=True)]
    yield sheet.dim(GAP.join([GAP + left(cut(head, first), first), *heads]).rstrip())
    for name, row in rows:
        parts = [
            _painted(columns[at], row[at], placed(at, row[at], width), sheet)
            for at, width in zip(kept, widths, strict=True)
        ]
        yield GAP.join([GAP + left(name, first), *parts]).rstrip()


def _painted(column: Column, cell: str, shown: str, sheet: Sheet) -> str:
    """Without its blanks, which have no colour."""
    if cell == NONE:
        return sheet.dim(shown) if sheet.is_on else shown
    return shown.replace(cell, sheet.state(column.state, cell), 1) if column.state else shown


def _told(columns: Sequence[Column], rows: Rows, sheet: Sheet) -> Iterator[str]:
    """A name on its line, and what is said of it on the lines below."""
    for name, row in rows:
        yield f"{GAP}{folded(name, sheet.width, indent=2)}"
        words = [
            f"{column.head}\N{NO-BREAK SPACE}{_painted(column, cell, cell, sheet)}"
            for column, cell in zip(columns, row, strict=True)
            if cell != NONE
        ]
        said = folded(", ".join(words), sheet.width, indent=4)
        if said:
            yield f"    {said}".replace("\N{NO-BREAK SPACE}", " ")
