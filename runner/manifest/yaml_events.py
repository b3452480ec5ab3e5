"""PyYAML's events, built into plain data: no nodes, no positions, so half the time of PyYAML's own loader.

What is wrong but leaves the file readable only sets `is_suspect`: then `yaml_places` reads the file again, with
positions, and `yaml_mistakes` names every mistake.
"""

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from runner.model import Json

from .scalars import MAY_RESOLVE, Refused, resolve

try:
    from yaml import cyaml
except ImportError:  # a PyYAML that was built without libyaml
    cyaml = None  # type: ignore[assignment]

MAX_NODES = 1_000_000
MAX_DEPTH = 100
EXPRESSION = "{{"

_SURROGATE_ESCAPE = re.compile(rb"\\[uU](?:0000)?[dD][89a-fA-F]")

Event = Any  # PyYAML's event classes; which one decides which fields there are
Take = Callable[[], Event]


class PureParser(Reader, Scanner, Parser):
    """The parser in Python, for a PyYAML without the C one: the same events, about ten times slower."""

    def __init__(self, source: bytes) -> None:
        Reader.__init__(self, source)
        Scanner.__init__(self)
        Parser.__init__(self)


PARSER: Any = PureParser if cyaml is None else cyaml.CParser  # type: ignore[attr-defined]


def has_c_parser() -> bool:
    """Whether PyYAML brings libyaml's fast parser."""
    return PARSER is not PureParser


@contextmanager
def collector_off() -> Iterator[None]:
    """Pauses the cyclic collector: all that a parser makes is alive, so looking for garbage is pure cost."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class OutOfBounds(Exception):
    """The document is larger or deeper than what is read; `index` is the character where the bound was passed."""

    def __init__(self, kind: Literal["nodes", "depth"], event: Event) -> None:
        super().__init__(kind)
        self.kind = kind
        self.index: int = event.start_mark.index


class _Anchor:
    """What an anchor names: its value, how many nodes it has and how many levels; open until it is wholly read."""

    __slots__ = ("height", "is_open", "size", "text", "value")

    def __init__(self) -> None:
        self.is_open = True
        self.value: Json = None
        self.text: str | None = None
        self.size = 1
        self.height = 0


class Builder:
    """Builds the first document of `text`. Raises OutOfBounds, and yaml.YAMLError where it is no YAML.

    Of a key that is given twice the first stands; an unquoted `{{ x }}` is the text that was meant; what can't be
    understood is null or its own text.
    """

    def __init__(self, text: str, source: bytes, parser: Any = PARSER) -> None:
        # libyaml refuses these escapes itself.
        self.is_suspect = parser is PureParser and _SURROGATE_ESCAPE.search(source) is not None
        self._text = text
        self._take: Take = parser(source).get_event
        # Without these two characters there is neither anchor nor tag, and no event need be asked for them.
        self._has_properties = b"&" in source or b"!" in source
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 1
        self._depth = 0
        self._deepest = 0
        self._last_end: Event = None

    def build(self) -> Json:
        self._take()
        if type(self._take()) is StreamEndEvent:
            return None
        data = self._node(self._take())
        self._take()
        if type(self._take()) is DocumentStartEvent:
            self.is_suspect = True
        return data

    def _node(self, event: Event) -> Json:
        if type(event) is AliasEvent:
            return self._alias(event)
        if event.tag is not None:
            self.is_suspect = True
        if event.anchor is not None:
            return self._anchored(event)
        return self._bare(event)

    def _bare(self, event: Event) -> Json:
        if type(event) is ScalarEvent:
            return event.value if event.style else self._resolved(event.value)
        self._depth += 1
        if self._depth > self._deepest:
            self._deepest = self._depth
            if self._depth > MAX_DEPTH:
                raise OutOfBounds("depth", event)
        value = self._mapping(event) if type(event) is MappingStartEvent else self._sequence()
        self._depth -= 1
        return value

    def _resolved(self, text: str) -> Json:
        value = resolve(text)
        if type(value) is Refused:
            self.is_suspect = True
            return text
        return value

    def _sequence(self) -> list[Json]:
        take, has_properties = self._take, self._has_properties
        items: list[Json] = []
        while type(event := take()) is not SequenceEndEvent:
            if type(event) is ScalarEvent and not (has_properties and (event.anchor or event.tag)):
                value = event.value
                if not event.style and value[:1] in MAY_RESOLVE:
                    value = self._resolved(value)
            else:
                value = self._node(event)
            items.append(value)
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise OutOfBounds("nodes", event)
        self._last_end = event
        return items

    def _mapping(self, start: Event) -> Json:  # long: it is hot, and a call per scalar doubles its cost
        take, has_properties = self._take, self._has_properties
        pairs: dict[str, Json] = {}
        merged: list[Json] = []
        has_odd_key = False
        while type(event := take()) is not MappingEndEvent:
            if type(event) is ScalarEvent and not (has_properties and (event.anchor or event.tag)):
                key = event.value
            else:
                key, is_odd = self._unusual_key(event)
                has_odd_key |= is_odd
            is_merge = key == "<<" and type(event) is ScalarEvent and not event.style
            event = take()
            if type(event) is ScalarEvent and not (has_properties and (event.anchor or event.tag)):
                value = event.value
                if not event.style and value[:1] in MAY_RESOLVE:
                    value = self._resolved(value)
            else:
                value = self._node(event)
            if is_merge and not merged:
                merged = self._merge_sources(value)
            elif is_merge or key in pairs:
                self.is_suspect = True
            else:
                pairs[key] = value
            self._nodes += 2
            if self._nodes > MAX_NODES:
                raise OutOfBounds("nodes", event)
        self._last_end = event
        if has_odd_key and start.flow_style and self._text.startswith(EXPRESSION, start.start_mark.index):
            return self._text[start.start_mark.index : self._last_end.end_mark.index]
        return _merge(merged, pairs) if merged else pairs

    def _unusual_key(self, event: Event) -> tuple[str, bool]:
        """The text of a key that is no bare scalar, and whether it is a mapping or a list: a mistake."""
        start, is_flow = event.start_mark.index, getattr(event, "flow_style", None)
        self._node(event)
        if type(event) is ScalarEvent:
            return event.value, False
        if type(event) is AliasEvent:
            return self._aliased_key(event), False
        self.is_suspect = True
        return odd_key_text(self._text, start, self._last_end.end_mark.index if is_flow else None), True

    def _aliased_key(self, event: Event) -> str:
        anchor = self._anchors.get(event.anchor)
        if anchor is not None and anchor.text is not None:
            return anchor.text
        self.is_suspect = True
        return f"*{event.anchor}"

    def _merge_sources(self, value: Json) -> list[Json]:
        sources = value if isinstance(value, list) else [value]
        if all(isinstance(source, dict) for source in sources):
            return sources
        self.is_suspect = True
        return [source for source in sources if isinstance(source, dict)]

    def _anchored(self, event: Event) -> Json:
        anchor = self._anchors[event.anchor] = _Anchor()
        nodes, deepest = self._nodes, self._deepest
        self._deepest = self._depth
        anchor.value = self._bare(event)
        anchor.text = event.value if type(event) is ScalarEvent else None
        anchor.size = 1 + self._nodes - nodes
        anchor.height = self._deepest - self._depth
        anchor.is_open = False
        self._deepest = max(deepest, self._deepest)
        return anchor.value

    def _alias(self, event: Event) -> Json:
        anchor = self._anchors.get(event.anchor)
        if anchor is None or anchor.is_open:
            self.is_suspect = True
            return None
        self._nodes += anchor.size - 1
        if self._nodes > MAX_NODES:
            raise OutOfBounds("nodes", event)
        if self._depth + anchor.height > MAX_DEPTH:
            raise OutOfBounds("depth", event)
        self._deepest = max(self._deepest, self._depth + anchor.height)
        return anchor.value


def odd_key_text(text: str, start: int, end: int | None) -> str:
    """What stands for a key that is a mapping or a list: its first line, as written. A block has no exact end."""
    return text[start:end].partition("\n")[0].rstrip()


def _merge(sources: list[Json], pairs: dict[str, Json]) -> dict[str, Json]:
    """Keys of an earlier source win over a later one's, the mapping's own over both."""
    merged: dict[str, Json] = {}
    for source in sources:
        for key, value in source.items():
            merged.setdefault(key, value)
    merged.update(pairs)
    return merged
