"""Manifests and other YAML files: plain data, and where each key and value stands in the file."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from yaml import YAMLError

from runner.findings import Findings, Place
from runner.model import Json

from .yaml_events import Builder, OutOfBounds, collector_off, has_c_parser
from .yaml_ignores import may_ignore, read_ignores
from .yaml_mistakes import has_tag_directive, may_be_cut, report_bound, report_mistakes, warn_of_cuts
from .yaml_table import Kind, Table
from .yaml_text import UTF8_BOM, Lines, read_text

if TYPE_CHECKING:
    from .yaml_places import Found, Places, Span

__all__ = ["Document", "has_c_parser", "load_document", "looks_like_manifest"]

TOP_LEVEL_KEYS = (
    *("apiVersion", "name", "edition", "include", "parameters"),
    *("channels", "recipients", "messages", "policy"),
)
_NAMES = "|".join(TOP_LEVEL_KEYS).encode()
_KEY_AT_LINE_START = re.compile(rb"^([\"']?)(" + _NAMES + rb")\1[ \t]*:(?=\s|$)", re.MULTILINE)
_BEFORE_BRACE = re.compile(rb"(?:\s++|#[^\n]*+|---(?=\s)|%[^\n]*+)*+\{")
# Possessive, so that a file full of quotes or braces is read once.
_FLOW_TOKEN = re.compile(
    rb"[{}\[\]]|(?<!\S)#[^\n]*+|(?:\"(?P<double>(?:[^\"\\]++|\\.)*+)\"|'(?P<single>[^']*+)'|(?P<bare>[\w.-]++))(?P<colon>\s*+:)?",
    re.DOTALL,
)


@dataclass(kw_only=True, eq=False)
class Document:
    """A YAML file that could be read. `shown` is what people are told it is called.

    `data` is what json.loads could give, None for an empty file; what an alias names may be one object in several
    places, so don't change it. Places are found by a second reading, when the first is asked for.
    """

    path: Path
    shown: str
    text: str = field(repr=False)
    data: Json = field(repr=False)
    _lines: Lines = field(init=False, repr=False)
    _places: "Places | None" = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        self._lines = Lines(self.text, self.shown)

    def place(self, path: Sequence[str | int], *, of: Literal["key", "value"] = "value") -> Place:
        """Where the key or the value at `path` stands, or the nearest parent that exists.

        What came through an alias or `<<` stands where its anchor is, and has the alias in `through`. The key of an
        item, and of the whole document, is the first key in it.
        """
        found = self._find(path)
        if found is None:
            return Place(path=self.shown)
        span = self._table_places.key_span(found) if of == "key" else self._table_places.value_span(found)
        return self._placed(span, found)

    def users(self, path: Sequence[str | int]) -> tuple[Place, ...]:
        """The aliases through which `path` leads, outermost first; none where the value is written in place."""
        found = self._find(path)
        return tuple(self._lines.place(*span) for span in self._table_places.alias_spans(found)) if found else ()

    def line(self, number: int) -> str:
        """Line `number`, counted from 1, without its line break; empty where there is none."""
        return self._lines.line(number)

    def name_place(self, path: Sequence[str | int], name: str) -> Place:
        """Where the expressions of the scalar at `path` use `name`; the scalar where that can't be told."""
        found = self._find(path)
        if found is None:
            return Place(path=self.shown)
        return self._placed(self._table_places.name_span(found, name), found)

    def words_place(self, path: Sequence[str | int], words: str) -> Place | None:
        """Where the scalar at `path` has these words, its line breaks and blanks as they may be; None unless once."""
        found = self._find(path)
        if found is None:
            return None
        start, end = self._table_places.value_span(found)
        spaced = r"\s+".join(map(re.escape, words.split()))
        spans = [match.span() for match in re.finditer(spaced, self.text[start:end])]
        return self._placed((start + spans[0][0], start + spans[0][1]), found) if len(spans) == 1 else None

    def character_places(self, path: Sequence[str | int], character: str) -> tuple[Place, ...]:
        """Where the scalar at `path` has a character, as itself or escaped; none where that can't be told."""
        found = self._find(path)
        spans = self._table_places.character_spans(found, character) if found else ()
        return tuple(self._placed(span, found) for span in spans) if found else ()

    def _placed(self, span: "Span", found: "Found") -> Place:
        place = self._lines.place(*span)
        if not found.aliases:
            return place
        aliases = self._table_places.alias_spans(found)
        return replace(place, through=tuple(self._lines.place(*alias) for alias in aliases))

    def is_plain(self, path: Sequence[str | int]) -> bool:
        """Whether the scalar at `path` was written without quotes, and in no block."""
        found = self._find(path)
        return found is not None and self._table_places.is_plain(found)

    def _find(self, path: Sequence[str | int]) -> "Found | None":
        return self._table_places.find(path)

    @property
    def _table_places(self) -> "Places":
        if self._places is None:
            from .yaml_places import Places  # noqa: PLC0415 - only where something is wrong

            with collector_off():
                table = Table(self.text, self.text.encode())
                table.read()
            self._places = Places(table)
        return self._places


def load_document(source: bytes, path: Path, shown: str, findings: Findings) -> Document | None:
    """Reads one YAML file; all that is wrong with it goes into `findings` (YML101 to YML128).

    None where it can't be read; duplicate keys, tags and the like leave a document, so that its other mistakes
    are found too.
    """
    text = read_text(source, shown, findings)
    if text is None:
        return None
    lines = Lines(text, shown)
    if has_tag_directive(text, lines, findings):
        return None
    with collector_off():
        return _load(text, path, lines, findings)


def _load(text: str, path: Path, lines: Lines, findings: Findings) -> Document | None:
    encoded = text.encode()
    builder = Builder(text, encoded)
    try:
        data = builder.build()
    except OutOfBounds as bound:
        report_bound(bound, lines, findings)
        return None
    except YAMLError as error:
        _report_unreadable(error, text, encoded, lines, findings)
        return None
    document = Document(path=path, shown=lines.shown, text=text, data=data)
    if builder.is_suspect or may_be_cut(text) or may_ignore(text):
        table = Table(text, encoded)
        table.read()
        read_ignores(table, lines, findings)
        report_mistakes(table, lines, findings)
        warn_of_cuts(table, lines, findings)
        if Kind.SURROGATE in table.counts:
            return None  # no UTF-8 holds such a text, so nothing further on can take it
    return document


def _report_unreadable(error: YAMLError, text: str, encoded: bytes, lines: Lines, findings: Findings) -> None:
    """Also what is wrong in the part that could be read, but not twice what stopped the parser."""
    from .yaml_syntax import report_syntax  # noqa: PLC0415 - only where something is wrong

    table = Table(text, encoded)
    with suppress(YAMLError):
        table.read()
    report_mistakes(table, lines, findings, but=report_syntax(error, table, lines, findings))


def looks_like_manifest(source: bytes) -> bool:
    """Whether a file has two or more of a manifest's top-level keys, also where it is no YAML at all."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        source = source.decode("utf-16", "replace").encode("utf-8", "replace")
    source = source.removeprefix(UTF8_BOM)
    if sum(name.encode() in source for name in TOP_LEVEL_KEYS) < 2:
        return False
    names = _root_keys(source) if _BEFORE_BRACE.match(source) else (m[2] for m in _KEY_AT_LINE_START.finditer(source))
    return _has_two(names)


def _has_two(names: Iterator[bytes]) -> bool:
    first = next(names, None)
    return first is not None and any(name != first for name in names)


def _root_keys(source: bytes) -> Iterator[bytes]:
    """Our names among the keys of the outermost `{…}`, as JSON has them."""
    known = frozenset(name.encode() for name in TOP_LEVEL_KEYS)
    depth = 0
    for token in _FLOW_TOKEN.finditer(source):
        if token[0] in (b"{", b"["):
            depth += 1
        elif token[0] in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and token["colon"]:
            name = token["double"] or token["single"] or token["bare"]
            if name in known:
                yield name
