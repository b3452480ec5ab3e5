"""Where lists come from: a table from a file's suffix to its reader."""

import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from runner.findings import Findings, Place, did_you_mean
from runner.model import RecipientList, made

from .documents import read_json, read_jsonl, read_yaml
from .faults import Stop
from .rows import LoadYaml, Row, Rows, Source, singly
from .tables import read_header, read_table

Reader = Callable[[Source], Iterator[Row | Rows]]

READERS: dict[str, Reader] = {
    ".csv": read_table,
    ".tsv": read_table,
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".yaml": read_yaml,
}
_TABLES = frozenset((".csv", ".tsv"))
_STREAMED = _TABLES | {".jsonl"}


def read_rows(
    opened: BinaryIO, *, suffix: str, shown: str, spec: RecipientList, findings: Findings,
    load_yaml: LoadYaml | None = None,
) -> Iterator[Row]:  # fmt: skip
    """`read_many`, each row by itself."""
    return singly(read_many(opened, suffix=suffix, shown=shown, spec=spec, findings=findings, load_yaml=load_yaml))


def read_many(
    opened: BinaryIO, *, suffix: str, shown: str, spec: RecipientList, findings: Findings,
    load_yaml: LoadYaml | None = None,
) -> Iterator[Row | Rows]:  # fmt: skip
    """The sound rows of a list, from the file's start; what is wrong with the others is in the findings.

    Tables and JSON Lines are streamed, so one file is read by one at a time. `shown` is the path that people see.
    `load_yaml` reads `.yaml` lists.
    The list's `sha256` is compared once the last row has been read.
    """
    hasher = hashlib.sha256() if spec.sha256 is not None else None
    source = Source(
        opened=opened, suffix=suffix.lower(), shown=shown, spec=spec, findings=findings, hasher=hasher,
        load_yaml=load_yaml,
    )  # fmt: skip
    try:
        yield from _reader(source)(source)
    except Stop as stop:
        findings.error(stop.code, stop.message, stop.place, hint=stop.hint)
        return
    if hasher is not None and hasher.hexdigest() != (spec.sha256 or "").lower():
        findings.error(
            "RCP505",
            f"{shown} is not the file that was pinned: its SHA-256 is {hasher.hexdigest()}",
            spec.place_of("sha256"),
            hint="review what changed in the list, then pin it again",
        )


def read_columns(
    opened: BinaryIO, *, suffix: str, shown: str, spec: RecipientList, findings: Findings
) -> tuple[str, ...] | None:
    """The columns of a table, from its header alone; None for other lists, and where the header is wrong."""
    source = Source(opened=opened, suffix=suffix.lower(), shown=shown, spec=spec, findings=findings)
    try:
        reader = _reader(source)
        return read_header(source) if reader is read_table else None
    except Stop as stop:
        findings.error(stop.code, stop.message, stop.place, hint=stop.hint)
        return None


def contact_rows(spec: RecipientList, find: Callable[[int, str], Place] | None = None) -> Iterator[Row]:
    """The inline contacts of a list as rows: `values` is the contact as written.

    `find` gives the place of a column of the contact with an index; without it that is the contact's.
    """

    def locate(row: Row, column: str | None) -> Place:
        if column is not None and find is not None:
            return find(row.number - 1, column)
        return spec.locate("contacts", row.number - 1)

    for number, contact in enumerate(spec.contacts or (), start=1):
        yield made(Row, (number, 0, contact, "", locate))


def cell_place(
    opened: BinaryIO, *, suffix: str, spec: RecipientList, place: Place, column: str, load_yaml: LoadYaml | None = None
) -> Place:
    """The exact place of a cell of the row at `place`: for the few findings that are shown, after the row was read."""
    suffix = suffix.lower()
    source = Source(
        opened=opened, suffix=suffix, shown=place.path, spec=spec, findings=Findings(), load_yaml=load_yaml,
        from_line=place.line if suffix in _STREAMED else 0,
    )  # fmt: skip
    try:
        rows = singly(_reader(source)(source))
        row = next(rows, None) if suffix in _STREAMED else next((row for row in rows if row.place() == place), None)
    except Stop:
        return place
    return row.place(column) if row is not None and row.line == place.line else place


def _reader(source: Source) -> Reader:
    source.opened.seek(0)
    reader = READERS.get(source.suffix)
    if reader is None:
        raise Stop(
            "RCP503",
            f'a list can\'t be read from a file named "…{source.suffix}"',
            source.spec.place_of("file"),
            hint=did_you_mean(source.suffix, READERS),
        )
    return reader
