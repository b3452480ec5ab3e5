"""Texts with an `or`, a filter or an `if` of the simplest kind: most of what is not plain.

`{{ name or 'text' }}`, `{{ name | upper }}` and `{% if name == 'text' %}…{% else %}…{% endif %}` are read by pattern
and worked out where the values are texts, with the fuel that the compiled form would burn. All else is left to it.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from .faults import OutOfFuel
from .filters import FILTERS
from .fuel import CHARACTERS_PER_UNIT, Fuel
from .plain import NAME, SHORT, PlainText, Template, Values, are_words, is_name, printed_plainly

MANY = 150  # tags: with their filters and the words between them fewer parts than a text may have
LABEL = 60  # characters, as `codegen.label_of` has it
_FILTERS = "upper|lower|trim|capitalize|title"

_OTHER = r"or[ \t]*(?:\"(?P<other>[^\"\\\n{_]*)\"|'(?P<other_>[^'\\\n{_]*)')"
_FILTER = rf"\|[ \t]*(?:{_FILTERS})\b[ \t]*"
_COMPARED = r"(?P<sign>[!=]=)[ \t]*(?:\"(?P<text>[^\"\\\n{_]*)\"|'(?P<text_>[^'\\\n{_]*)')"
_TAG = re.compile(
    rf"\{{\{{[ \t]*(?P<name>{NAME})(?:[ \t]+{_OTHER}[ \t]*|[ \t]*(?P<filters>(?:{_FILTER}){{1,5}})|[ \t]*)\}}\}}"
    rf"|\{{%[ \t]*if[ \t]+(?P<asked>{NAME})(?:[ \t]*{_COMPARED})?[ \t]*%\}}"
    r"|\{%[ \t]*(?P<turn>else|endif)[ \t]*%\}"
)

Part = Callable[[Values, Fuel], str]


class _Unusual(Exception):
    """A value that the compiled form must look at."""


class QuickText(PlainText):
    """One that was read by this pattern."""

    is_plain = False

    def __init__(self, source: str, read: "_Reader", fuel: Fuel, compiled: Callable[[], Template]) -> None:
        super().__init__(source, ([], []), fuel, compiled)
        self._parts = read.parts
        self._words = read.words
        self.names = frozenset(read.names)
        self.has_expressions = True
        self.is_single = read.is_single
        self.label = read.labels[0] if self.is_single else None

    def own_words(self) -> Iterator[tuple[str, int]]:
        for words, at in self._words:
            for further, line in enumerate(words.split("\n")):
                yield line, at + further

    def _quickly(self, values: Values) -> str | None:
        left = self._fuel.left
        try:
            text = _joined(self._parts, values, self._fuel)
            if len(text) <= SHORT:
                return text
        except (_Unusual, OutOfFuel):
            pass
        self._fuel.left = left
        return None


class _Reader:
    """Takes a text piece by piece. `words` are the author's, each with the line that it begins on."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.words: list[tuple[str, int]] = []
        self.names: set[str] = set()
        self.labels: list[str | None] = []  # of each `{{ }}`
        self._is_blank = True
        self._has_choice = False
        self._choice: re.Match[str] | None = None  # the `if` that is open, its parts, and those of its `else`
        self._then: list[Part] = []
        self._else: list[Part] | None = None

    @property
    def is_single(self) -> bool:
        return len(self.labels) == 1 and self._is_blank and not self._has_choice

    @property
    def is_closed(self) -> bool:
        return self._choice is None

    def take_words(self, words: str, line: int) -> bool:
        if words:
            self._is_blank = self._is_blank and not words.strip()
            self.words.append((words, line))
            self._here.append(lambda _values, _fuel: words)
        return are_words(words)

    def take_tag(self, tag: re.Match[str], line: int) -> bool:
        """False for one that stands where it can't, or deeper than is simple."""
        name = tag["name"] or tag["asked"]
        if name is not None:
            self.names.add(name)
        if tag["name"]:
            return is_name(name) and self._take_hole(tag, line)
        if tag["asked"]:
            is_first, self._choice, self._has_choice = self._choice is None, tag, True
            self._then, self._else = [], None
            return is_first and is_name(name) and _is_ascii(tag, "text")
        if self._choice is None or (tag["turn"] == "else" and self._else is not None):
            return False
        if tag["turn"] == "else":
            self._else = []
            return True
        part, self._choice = _chosen(self._choice, self._then, self._else or []), None
        self.parts.append(part)
        return True

    def _take_hole(self, tag: re.Match[str], line: int) -> bool:
        name, other = tag["name"], _quoted(tag, "other")
        filters = tag["filters"].replace(" ", "").replace("\t", "")[1:].split("|") if tag["filters"] else []
        self.labels.append(_label(name, filters) if other is None else None)
        if other is not None:
            self.words.append((other, line))
            self._here.append(_or(name, other))
        else:
            self._here.append(_filtered(name, filters) if filters else _printed(name))
        return _is_ascii(tag, "other")

    @property
    def _here(self) -> list[Part]:
        if self._choice is None:
            return self.parts
        return self._then if self._else is None else self._else


def read_quickly(source: str) -> _Reader | None:
    """None where there is anything else in a text, or more than is simple."""
    if len(source) > SHORT or "\r" in source:
        return None
    reader, at, line = _Reader(), 0, 1
    for count, tag in enumerate(_TAG.finditer(source)):
        words = source[at : tag.start()]
        is_taken = count < MANY and reader.take_words(words, line)
        line += words.count("\n")
        if not is_taken or not reader.take_tag(tag, line):
            return None
        at = tag.end()
    return reader if reader.take_words(source[at:], line) and reader.is_closed else None


def _printed(name: str) -> Part:
    def part(values: Values, _fuel: Fuel) -> str:
        text = printed_plainly(values.get(name))
        if text is None:
            raise _Unusual
        return text

    return part


def _or(name: str, other: str) -> Part:
    return lambda values, _fuel: _text(values, name) or other


def _filtered(name: str, filters: Sequence[str]) -> Part:
    applied = [FILTERS[each] for each in filters]

    def part(values: Values, fuel: Fuel) -> str:
        text = _text(values, name)
        for apply in applied:
            fuel.burn(1)
            fuel.burn(len(text) // CHARACTERS_PER_UNIT)
            text = apply(text)
            if len(text) > SHORT:
                raise _Unusual
        return text

    return part


def _chosen(tag: re.Match[str], then: Sequence[Part], otherwise: Sequence[Part]) -> Part:
    name, wants_same, compared = tag["asked"], tag["sign"] == "==", _quoted(tag, "text")

    def part(values: Values, fuel: Fuel) -> str:
        text = _text(values, name)
        if compared is None:
            return _joined(then if text else otherwise, values, fuel)
        fuel.burn(len(text) // CHARACTERS_PER_UNIT)
        fuel.burn(len(compared) // CHARACTERS_PER_UNIT)
        return _joined(then if (text == compared) is wants_same else otherwise, values, fuel)

    return part


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    if type(value) is not str or len(value) > SHORT:
        raise _Unusual
    return value


def _joined(parts: Sequence[Part], values: Values, fuel: Fuel) -> str:
    return "".join([part(values, fuel) for part in parts])


def _quoted(tag: re.Match[str], group: str) -> str | None:
    return tag[group] if tag[group] is not None else tag[f"{group}_"]


def _is_ascii(tag: re.Match[str], group: str) -> bool:
    return (_quoted(tag, group) or "").isascii()


def _label(name: str, filters: Sequence[str]) -> str | None:
    label = "|".join((name, *filters))
    return label if len(label) <= LABEL else None
