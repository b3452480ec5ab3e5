"""One row of a recipient list as it stands in its source, and what a reader of rows is given."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from runner.findings import Findings, Place
from runner.model import Json, RecipientList, made

MAX_CELL = 65_536  # characters
MAX_RECORD = 1_048_576  # characters of one row, bytes of one line
MAX_DOCUMENT = 8 * 1024 * 1024  # bytes of a .json or .yaml list, which is read whole
IDENTIFIERS = ("identifierValue", "phonenumber", "phone")


class Row(NamedTuple):
    """`number` counts data rows from 1, `line` is where it starts, `text` how it is written, to find a cell in.

    Of a contact in a manifest the latter two are 0 and empty.

    A named tuple, not a dataclass: a million of them are made, and this costs a third.
    """

    number: int
    line: int
    values: Mapping[str, Json]
    text: str
    locate: Callable[["Row", str | None], Place]

    def place(self, column: str | None = None) -> Place:
        """The place of the row, or exactly of one of its cells (found by reading the row again)."""
        return self.locate(self, column)


class Rows(NamedTuple):
    """Rows of a table, each on a line of its own and none of them odd: what is done to one is done to all at once.

    `cells` are those of each row in the order of `names`, "" where there is nothing; `texts` the lines as written.
    A row's line is its number and `above`.
    """

    numbers: Sequence[int]
    above: int
    names: tuple[str, ...]
    cells: Sequence[Sequence[str]]
    texts: Sequence[str]
    locate: Callable[[Row, str | None], Place]

    def row(self, index: int) -> Row:
        number = self.numbers[index]
        return made(Row, (number, number + self.above, self.values(index), self.texts[index], self.locate))

    def values(self, index: int) -> dict[str, Json]:
        cells = self.cells[index]
        values: dict[str, Json] = dict(zip(self.names, cells, strict=True))
        return {name: cell or None for name, cell in values.items()} if "" in cells else values

    def each(self) -> Iterator[Row]:
        return map(self.row, range(len(self.numbers)))

    def only(self, indices: Sequence[int]) -> "Rows":
        """Those of them."""
        return self._replace(
            numbers=[self.numbers[index] for index in indices],
            cells=[self.cells[index] for index in indices],
            texts=[self.texts[index] for index in indices],
        )


def singly(rows: Iterable[Row | Rows]) -> Iterator[Row]:
    """Each row by itself."""
    for row in rows:
        if isinstance(row, Rows):
            yield from row.each()
        else:
            yield row


class Hasher(Protocol):
    def update(self, data: bytes, /) -> None: ...


class Document(Protocol):
    """What the manifest's YAML loader gives."""

    @property
    def data(self) -> Json: ...

    def place(self, path: tuple[str | int, ...], /) -> Place: ...

    def is_plain(self, path: tuple[str | int, ...], /) -> bool: ...


LoadYaml = Callable[[bytes, Path, str, Findings], Document | None]
CheckHeader = Callable[[Sequence[str], Sequence[Place], str, RecipientList, Findings], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A list to read. `from_line` skips the lines before it, where one row is looked for again.

    `check_header` judges a table's header where it is no list of people.
    """

    opened: BinaryIO
    suffix: str
    shown: str
    spec: RecipientList
    findings: Findings
    hasher: Hasher | None = None
    load_yaml: LoadYaml | None = None
    from_line: int = 0
    check_header: CheckHeader | None = None


def offset_place(path: str, line: int, text: str, offset: int) -> Place:
    """The place of a character of `text`, which starts at `line`."""
    return Place(path=path, line=line + text.count("\n", 0, offset), column=offset - text.rfind("\n", 0, offset))


def identifier_of(spec: RecipientList, names: Container[str]) -> str | None:
    """The column that holds the address, or None where there is none."""
    if spec.identifier is not None:
        return spec.identifier if spec.identifier in names else None
    for name in IDENTIFIERS:
        if name in names:
            return name
    return None
