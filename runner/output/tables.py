"""Counts in columns."""

from collections.abc import Iterator, Sequence

from .palette import Palette


def table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]], palette: Palette) -> Iterator[str]:
    """A line of heads, then one for each name with its counts; `-` stands for none."""
    cells = [(name, [f"{count:,}" if count else "-" for count in counts]) for name, counts in rows]
    first = max((len(name) for name, _ in cells), default=0)
    widths = [
        max(len(head), *(len(row[index]) for _, row in cells)) if cells else len(head)
        for index, head in enumerate(heads)
    ]
    yield palette.dim("  ".join(["  " + " " * first, *map(str.rjust, heads, widths)]))
    for name, row in cells:
        yield "  ".join(["  " + name.ljust(first), *map(str.rjust, row, widths)])
