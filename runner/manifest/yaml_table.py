"""The same events read again, with positions: every node of a document in a flat table, and what is wrong with it.

A node is its number in document order. A million nodes take about 40 MiB, so a table can be kept.
"""

import re
from array import array
from dataclasses import dataclass
from enum import Enum, auto
from sys import intern
from typing import Any

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from .scalars import MAY_RESOLVE, Refused, resolve
from .yaml_events import EXPRESSION, PARSER, Event, odd_key_text

MERGE = "<<"
MAPPING, SEQUENCE, ALIAS, PLAIN = "{", "[", "*", "."  # kinds of nodes; the others are a scalar's own ' " | >
MAX_KEPT = 50  # mistakes of one kind; the rest are counted

_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:\s+(?:#[^\r\n]*)?)*)+")  # &anchor !tag, and what may follow them
_TAG = re.compile(r"!(?:<[^>]*>|[^\s,\[\]{}]*)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANKS = " \t\r\n"


class Kind(Enum):
    """Mistakes that leave a file readable."""

    DUPLICATE = auto()
    KEY = auto()
    EXPRESSION = auto()
    TAG = auto()
    SECOND_DOCUMENT = auto()
    UNKNOWN_ANCHOR = auto()
    RECURSION = auto()
    MERGE = auto()
    NUMBER = auto()
    SURROGATE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A mistake in the characters from `start` up to `end`; `words` is the key, the anchor or what a number is.

    `first` is where the first of two equal keys stands.
    """

    kind: Kind
    start: int
    end: int
    words: str = ""
    first: tuple[int, int] | None = None


class Table:
    """The nodes of the first document of `text`. `read` raises yaml.YAMLError where the text is no YAML.

    It must only be read when `yaml_events.Builder` found it to be within bounds as far as it can be parsed.
    """

    def __init__(self, text: str, source: bytes, parser: Any = PARSER) -> None:
        self.text = text
        self.mistakes: list[Mistake] = []
        self.counts: dict[Kind, int] = {}
        self.kinds: list[str] = []
        self.keys: list[str | None] = []  # the text of a node that is a key, else None
        self.afters = array("L")  # the node after this one and all that it holds; 0 while it is being read
        self.targets: dict[int, int | None] = {}  # alias → the node with its anchor, None where there is none
        self._starts, self._ends = array("L"), array("L")
        self._take = parser(source).get_event
        self._anchors: dict[str, int] = {}
        self._anchored_texts: dict[int, str] = {}
        self._expressions: set[int] = set()

    def __len__(self) -> int:
        return len(self._starts)

    def start(self, node: int) -> int:
        """The first character of a node itself, after its anchor."""
        start = self._starts[node]
        if self.text[start : start + 1] in ("&", "!") and (properties := _PROPERTIES.match(self.text, start)):
            return min(properties.end(), self._ends[node])
        return start

    def end(self, node: int) -> int:
        """The character after a node; white space after a block is not part of it."""
        start, end = self._starts[node], self._ends[node]
        if end > start and self.text[end - 1] in _BLANKS:
            return start + len(self.text[start:end].rstrip(_BLANKS))
        return end

    def is_expression(self, node: int) -> bool:
        """Whether this is an unquoted `{{ x }}`, which YAML takes for a mapping in a mapping."""
        return node in self._expressions

    def read(self) -> None:
        self._take()
        if type(self._take()) is StreamEndEvent:
            return
        self._node(self._take())
        self._take()
        event = self._take()
        start, end = event.start_mark.index, event.end_mark.index
        if type(event) is DocumentStartEvent:
            self._mistaken(Kind.SECOND_DOCUMENT, start, end)

    def _node(self, event: Event, *, is_key: bool = False) -> int:
        node = len(self._starts)
        self._starts.append(event.start_mark.index)
        self._ends.append(event.end_mark.index)
        self.afters.append(0)
        self.keys.append(None)
        if type(event) is ScalarEvent:
            self.kinds.append(event.style or PLAIN)
            self._scalar(node, event, is_key=is_key)
        elif type(event) is AliasEvent:
            self.kinds.append(ALIAS)
            self._alias(node, event)
        else:
            self._properties(node, event)
            self.kinds.append(MAPPING if type(event) is MappingStartEvent else SEQUENCE)
            (self._mapping if type(event) is MappingStartEvent else self._sequence)(node)
        self.afters[node] = len(self._starts)
        return node

    def _scalar(self, node: int, event: Event, *, is_key: bool) -> None:
        self._properties(node, event)
        if event.anchor is not None:
            self._anchored_texts[node] = event.value
        if not event.style:
            if not is_key and event.value[:1] in MAY_RESOLVE and isinstance(value := resolve(event.value), Refused):
                self._mistaken(Kind.NUMBER, self.start(node), self._ends[node], value.value)
        elif not event.value.isascii() and _SURROGATE.search(event.value):
            self._mistaken(Kind.SURROGATE, self.start(node), self._ends[node])

    def _properties(self, node: int, event: Event) -> None:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if event.tag is not None and (tag := _TAG.search(self.text, self._starts[node])):
            self._mistaken(Kind.TAG, tag.start(), tag.end(), tag[0])

    def _alias(self, node: int, event: Event) -> None:
        target = self._anchors.get(event.anchor)
        if target is None:
            self._mistaken(Kind.UNKNOWN_ANCHOR, self._starts[node], self._ends[node], event.anchor)
        elif not self.afters[target]:
            self._mistaken(Kind.RECURSION, self._starts[node], self._ends[node], event.anchor)
            target = None
        self.targets[node] = target

    def _sequence(self, node: int) -> None:
        last = node
        while type(event := self._take()) is not SequenceEndEvent:
            last = self._node(event)
        self._close(node, event, last)

    def _mapping(self, node: int) -> None:
        seen: dict[tuple[str, bool], int] = {}
        odd: list[int] = []
        last = node
        while type(event := self._take()) is not MappingEndEvent:
            key = self._node(event, is_key=True)
            text = self._key_text(key, event, odd)
            self.keys[key] = text
            is_merge = self.is_merge(key)
            first = seen.setdefault((text, is_merge), key)
            if first != key:
                place = (self.start(first), self.end(first))
                self._mistaken(Kind.DUPLICATE, self.start(key), self.end(key), text, place)
            last = self._node(self._take())
            if is_merge:
                self._check_merge(last)
        is_flow = self._close(node, event, last)
        if odd:
            self._odd_keys(node, odd, is_flow=is_flow)

    def is_merge(self, key: int) -> bool:
        return self.keys[key] == MERGE and self.kinds[key] == PLAIN

    def _key_text(self, key: int, event: Event, odd: list[int]) -> str:
        if type(event) is ScalarEvent:
            return intern(event.value)
        target = self.targets.get(key)
        if target is not None and target in self._anchored_texts:
            return self._anchored_texts[target]
        if type(event) is not AliasEvent or target is not None:
            odd.append(key)
        is_block = getattr(event, "flow_style", True) is False
        return odd_key_text(self.text, self._starts[key], None if is_block else self._ends[key])

    def _close(self, node: int, event: Event, last: int) -> bool:
        """Sets the end and gives whether this is `{…}` or `[…]`: a block's end event stands at whatever comes next."""
        is_flow: bool = event.end_mark.index > event.start_mark.index
        self._ends[node] = event.end_mark.index if is_flow else self._ends[last]
        return is_flow

    def _odd_keys(self, node: int, odd: list[int], *, is_flow: bool) -> None:
        if is_flow and self.text.startswith(EXPRESSION, self._starts[node]):
            self._expressions.add(node)
            self._mistaken(Kind.EXPRESSION, self._starts[node], self._ends[node])
            return
        for key in odd:
            if not self.is_expression(key):
                self._mistaken(Kind.KEY, self.start(key), self.end(key))

    def _check_merge(self, value: int) -> None:
        for source in self.merge_sources(value):
            target = self.resolved(source)
            if target is not None and self.kinds[target] != MAPPING:
                self._mistaken(Kind.MERGE, self.start(source), self.end(source))

    def merge_sources(self, value: int) -> list[int]:
        """The nodes that a `<<` merges: its value, or each item of it."""
        target = self.resolved(value)
        return self.items(target) if target is not None and self.kinds[target] == SEQUENCE else [value]

    def resolved(self, node: int) -> int | None:
        """The node itself, or the anchor's node where it is an alias."""
        return self.targets[node] if self.kinds[node] == ALIAS else node

    def items(self, node: int) -> list[int]:
        """The nodes that a list holds; those of a mapping are its keys and values in turn."""
        found, child = [], node + 1
        while child < self.afters[node]:
            found.append(child)
            child = self.afters[child]
        return found

    def _mistaken(
        self, kind: Kind, start: int, end: int, words: str = "", first: tuple[int, int] | None = None
    ) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] <= MAX_KEPT:
            self.mistakes.append(Mistake(kind=kind, start=start, end=end, words=words, first=first))
