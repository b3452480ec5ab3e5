"""Who must not get anything: addresses, matched by value whatever key they come under."""

import re
from collections.abc import Container, Iterator, Mapping
from functools import partial
from typing import BinaryIO

from runner.findings import Findings, Place
from runner.model import Json, RecipientList

from .addresses import EMAIL, PHONE, normalise_email
from .faults import AddressFault, Faults, Stop
from .lines import Lines
from .phones import normalise_phone
from .rows import LoadYaml, Row, identifier_of
from .sources import read_rows

_is_key = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*").fullmatch
_SAID_BY_ADDRESS = frozenset(("identifierKey", "identifierValue"))
_comment = re.compile(r"(?:^|\s)#.*", re.DOTALL)


def suppressed(
    opened: BinaryIO, *, suffix: str, shown: str, findings: Findings,
    region: str | None = None, load_yaml: LoadYaml | None = None,
) -> Iterator[str]:  # fmt: skip
    """The addresses of a suppress file, normalised: `.txt` (one on a line, `#` comments) or any list.

    An entry is a phone number, an e-mail address, `id:…` for a contact in Bird, or `key:value`. One that can't be
    read is a finding: somebody who opted out would else get a message.
    """
    spec = RecipientList(name=shown, locate=lambda *_path: Place(path=shown), region=region)
    if suffix.lower() == ".txt":
        rows = _lines(opened, shown, findings)
    else:
        rows = read_rows(opened, suffix=suffix, shown=shown, spec=spec, findings=findings, load_yaml=load_yaml)
    faults = Faults(findings)
    has_columns = suffix.lower() != ".txt"
    for row in rows:
        entry = _entry(row, spec, faults, has_columns=has_columns)
        if entry is not None:
            yield entry


def is_suppressed(
    address: str, contact: Mapping[str, Json], values: Container[str], *, region: str | None = None
) -> bool:
    """Whether any way in which a contact says who it is leads to somebody in `values`.

    `region` is that of the contact's list: on other platforms than sms its numbers stay as written.
    """
    return any(way in values or _normal(way, region) in values for way in _ways(address, contact))


def ways(address: str, contact: Mapping[str, Json], *, region: str | None = None) -> Iterator[str]:
    """All values that `is_suppressed` would know this contact by."""
    for way in _ways(address, contact):
        yield way
        normal = _normal(way, region)
        if normal is not None and normal != way:
            yield normal


def _ways(address: str, contact: Mapping[str, Json]) -> Iterator[str]:
    key, _, value = address.partition(":")
    yield address if key == "id" else value
    if contact.keys() <= _SAID_BY_ADDRESS:
        return
    if contact.get("id"):
        yield f"id:{contact['id']}"
    others = [contact.get("identifierValue"), contact.get("platformAddress")]
    others += [each.get("identifierValue") for each in contact.get("identifiers") or () if isinstance(each, dict)]
    yield from (each for each in others if isinstance(each, str))


def _normal(value: str, region: str | None) -> str | None:
    normal = normalise_email(value) if "@" in value else normalise_phone(value, region)
    return normal if isinstance(normal, str) else None


def _lines(opened: BinaryIO, shown: str, findings: Findings) -> Iterator[Row]:
    opened.seek(0)
    lines = Lines(opened, shown)
    locate = partial(_locate, shown)
    try:
        for text in lines:
            lines.begin()
            entry = _comment.sub("", text).strip()
            if entry:
                yield Row(lines.number, lines.number, {"identifierValue": entry}, text, locate)
    except Stop as stop:
        findings.error(stop.code, stop.message, stop.place, hint=stop.hint)


def _locate(shown: str, row: Row, _column: str | None) -> Place:
    return Place(path=shown, line=row.line, column=len(row.text) - len(row.text.lstrip()) + 1)


def _entry(row: Row, spec: RecipientList, faults: Faults, *, has_columns: bool) -> str | None:
    column = identifier_of(spec, row.values)
    written = row.values[column] if column is not None else None
    read = _read(written, spec.region) if isinstance(written, str) else AddressFault(code="RCP540", words="no address")
    if isinstance(read, str):
        return read
    hint = read.hint or "nobody is left out by it: correct or remove it"
    if read.code == "RCP532" and spec.region is None:
        hint = "write it as +, country code, number"
    words = f"somebody to leave out, but {read.words}"
    faults.error("RCP540", row, words, column=column if has_columns else None, hint=hint)
    return None


def _read(written: str, region: str | None) -> str | AddressFault:
    key, _, value = written.partition(":")
    if value and _is_key(key):
        if key == PHONE:
            return normalise_phone(value, region)
        if key == EMAIL:
            return normalise_email(value)
        return written if key == "id" else value
    return normalise_email(written) if "@" in written else normalise_phone(written, region)
