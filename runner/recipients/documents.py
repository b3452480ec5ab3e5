"""Lists of objects: `.jsonl` (streamed), `.json` and `.yaml` (whole). Values keep their types."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from runner.findings import Place
from runner.model import Json, RecipientList

from .faults import Faults, Stop
from .lines import Lines, decoded, read_bytes
from .rows import Document, Row, Source, identifier_of, offset_place
from .strict_json import Problem, StrictJson, unfit

_BLANK = re.compile(r"[ \t\r\n]*")
_NOT_OBJECT = "not an object: a row must be { name: value, … }"


def read_jsonl(source: Source) -> Iterator[Row]:
    """One object on each line; blank lines are skipped."""
    faults, parser, number = Faults(source.findings), StrictJson(), 0
    lines = Lines(source.opened, source.shown, source.hasher)
    locate = partial(_locate, source.shown, 1)
    lines.skip_to(source.from_line)
    for line in lines:
        lines.begin()
        text = line.rstrip("\r\n")
        start = _after_blank(text, 0)
        if start == len(text):
            continue
        number += 1
        row = Row(number, lines.number, {}, text, locate)
        try:
            value, end, problems = parser.parse(text, start)
            if _after_blank(text, end) != len(text):
                raise json.JSONDecodeError("more than one value on the line", text, _after_blank(text, end))
        except json.JSONDecodeError as error:
            find = partial(offset_place, source.shown, lines.number, text, error.pos)
            faults.error("RCP517", row, f"not JSON: {_words(error)}", find=find)
            continue
        if _is_sound(row, value, problems, faults):
            yield row._replace(values=value)


def read_json(source: Source) -> Iterator[Row]:
    """A list of objects."""
    text = decoded(read_bytes(source.opened, source.shown, source.hasher), source.shown)
    faults, parser, line, counted = Faults(source.findings), StrictJson(), 1, 0
    try:
        for number, (value, start, end, problems) in enumerate(_items(text, parser), start=1):
            line += text.count("\n", counted, start)
            counted = start
            locate = partial(_locate, source.shown, start - text.rfind("\n", 0, start))
            row = Row(number, line, {}, text[start:end], locate)
            if _is_sound(row, value, problems, faults):
                yield row._replace(values=value)
    except json.JSONDecodeError as error:
        place = offset_place(source.shown, 1, text, error.pos)
        raise Stop("RCP517", f"not a JSON list: {_words(error)}: the rest of the file was not read", place) from None


def read_yaml(source: Source) -> Iterator[Row]:
    """A list of maps, under the rules of the manifest's YAML."""
    if source.load_yaml is None:
        raise ValueError("a .yaml list needs the manifest's loader")
    raw = read_bytes(source.opened, source.shown, source.hasher)
    document = source.load_yaml(raw, Path(source.shown), source.shown, source.findings)
    if document is None:
        return
    if not isinstance(document.data, list):
        raise Stop("RCP519", "a list of people must be a list of maps", Place(path=source.shown))
    faults = Faults(source.findings)
    for index, value in enumerate(document.data):
        row = Row(index + 1, document.place((index,)).line, {}, "", partial(_locate_yaml, document, index))
        if _is_sound(row, value, unfit(value), faults):
            row = row._replace(values=value)
            _check_quoted(row, document, index, source.spec, faults)
            yield row


def _check_quoted(row: Row, document: Document, index: int, spec: RecipientList, faults: Faults) -> None:
    column = identifier_of(spec, row.values)
    written = row.values[column] if column is not None else None
    is_number = isinstance(written, str) and written[:1] != "" and written[0] in "+0123456789"
    if column is not None and is_number and document.is_plain((index, column)):
        hint = "put it in quotes: YAML tools differ in what they make of it"
        faults.error("YML129", row, "a phone number must be quoted", column=column, hint=hint)


def _items(text: str, parser: StrictJson) -> Iterator[tuple[Json, int, int, Sequence[Problem]]]:
    """The items of a list one by one: the json module alone would not say where each stands."""
    at = _after_blank(text, 0)
    if not text.startswith("[", at):
        raise json.JSONDecodeError("it must start with [", text, at)
    at = _after_blank(text, at + 1)
    is_open = not text.startswith("]", at)
    while is_open:
        value, end, problems = parser.parse(text, at)
        yield value, at, end, problems
        at = _after_blank(text, end)
        is_open = text.startswith(",", at)
        if not is_open and not text.startswith("]", at):
            raise json.JSONDecodeError("a comma or ] is missing", text, at)
        at = _after_blank(text, at + 1) if is_open else at
    if _after_blank(text, at + 1) != len(text):
        raise json.JSONDecodeError("something follows the list", text, _after_blank(text, at + 1))


def _is_sound(row: Row, value: Json, problems: Sequence[Problem], faults: Faults) -> bool:
    for problem in problems:
        find = partial(_second_place, row, problem.key) if problem.key is not None else None
        faults.error(problem.code, row, problem.words, find=find)
    if problems:
        return False
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        faults.error("RCP519", row, _NOT_OBJECT)
        return False
    return True


def _after_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _words(error: json.JSONDecodeError) -> str:
    return error.msg[:1].lower() + error.msg[1:]


def _locate(shown: str, column: int, row: Row, key: str | None, nth: int = 0) -> Place:
    """The place of the value of a key in an object's text, which starts at `column` of its line."""
    offset = 0
    if key is not None:
        written = re.escape(json.dumps(key, ensure_ascii=False))
        found = [match.end() for match in re.finditer(rf"{written}\s*:\s*", row.text)]
        offset = found[nth] if nth < len(found) else 0
    place = offset_place(shown, row.line, row.text, offset)
    return Place(path=shown, line=place.line, column=place.column + (column - 1 if place.line == row.line else 0))


def _second_place(row: Row, key: str) -> Place:
    locate = row.locate
    return locate(row, key, 1) if isinstance(locate, partial) else row.place(key)


def _locate_yaml(document: Document, index: int, row: Row, key: str | None) -> Place:
    return document.place((index, key) if key is not None and key in row.values else (index,))
