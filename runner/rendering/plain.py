"""Texts of words and `{{ name }}`, and conditions such as `vip == "yes"`: what most of a manifest is.

They are read by pattern, in a hundredth of the time that compiling takes. Where a value is out of the ordinary, and
for all that is asked of them seldom, the compiled form is made after all: it decides, and it has the words.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence

from .fuel import MAX_INTEGER, MAX_TEXT, Fuel

Values = Mapping[str, object]
Pieces = tuple[list[str], list[tuple[int, str]]]
"""The words, with an empty text for each hole; and which name fills which of them."""

SHORT = MAX_TEXT // 4  # characters: at most MAX_TEXT bytes, whatever they are
MANY = 400  # holes: with the words between them fewer parts than a text may have

NAME = r"[A-Za-z](?:_?[A-Za-z0-9])*+_?"  # no two underlines in a row: such names may be refused
_HOLE = re.compile(rf"\{{\{{[ \t]*({NAME})[ \t]*\}}\}}")
_QUOTED = r"\"([^\"\\\n\r{_]*)\"|'([^'\\\n\r{_]*)'"  # nothing to escape, nothing that may be refused
_COMPARISON = re.compile(rf"[ \t]*({NAME})[ \t]*([!=]=)[ \t]*(?:{_QUOTED})[ \t]*").fullmatch
_LONGEST_NAME = 200
_OPENING = ("{{", "{%", "{#")
_WORDS_OF_ITS_OWN = frozenset(
    {
        *("and", "or", "not", "in", "is", "if", "else", "elif", "true", "false", "none", "True", "False", "None"),
        *("for", "set", "include", "import", "from", "block", "extends", "macro", "call", "filter", "with", "raw"),
        *("self", "loop", "recursive", "scoped", "required", "ignore", "missing", "without", "context", "as"),
    }
)


class Template(ABC):
    """A compiled text.

    `names` must come from outside; `guarded` are those of them that the text asks `is defined` about. `is_single`:
    the whole text is one `{{ expression }}` (blanks around it aside), which `label` names. `is_plain`: it is words and
    `{{ name }}` alone.
    """

    is_plain: bool
    is_single: bool
    has_expressions: bool
    label: str | None
    names: frozenset[str]
    guarded: frozenset[str]
    _frame: list[str]
    _holes: list[tuple[int, str]]

    @abstractmethod
    def text(self, values: Values, *, continuing: bool = False) -> str:
        """The rendered text. Raises ExpressionFault. `continuing`: with what fuel the message's other texts left."""

    @abstractmethod
    def masked(self, values: Values, *, continuing: bool = False) -> str:
        """The text with its own words exact and `***` for all that `{{ }}` printed. Raises as `text` does."""

    @abstractmethod
    def value(self, values: Values, *, continuing: bool = False) -> object:
        """What the one expression of an `is_single` text gives, null too. Raises ExpressionFault."""

    @abstractmethod
    def own_words(self) -> Iterator[tuple[str, int]]:
        """The author's own words, line by line, each with its line as `place` and `written` take it."""

    @abstractmethod
    def place(self, line: int) -> tuple[str, int]:
        """The included file where a line of own words stands ("" for the text itself), and its number there."""

    @abstractmethod
    def written(self, line: int) -> str:
        """All of that line, as its file has it."""

    def together(self, columns: Mapping[str, Sequence[str]]) -> list[str]:
        """The texts that columns of texts make, by name, where `is_plain`; "" where one is too long."""
        words = [piece.replace("%", "%%") for piece in self._frame]
        for at, _ in self._holes:
            words[at] = "%s"
        texts = list(map("".join(words).__mod__, zip(*(columns[name] for _, name in self._holes), strict=True)))
        return [text if len(text) <= SHORT else "" for text in texts]

    def _quickly(self, values: Values) -> str | None:
        """A text of plain names alone; None wherever anything is out of the ordinary, so that the program says what."""
        pieces = self._frame.copy()
        for at, name in self._holes:
            value = values.get(name)
            text = value if type(value) is str else printed_plainly(value)
            if text is None:
                return None
            pieces[at] = text
        text = "".join(pieces)
        return text if len(text) <= SHORT else None


class Condition(ABC):
    """A compiled `when` or `where`. `names` and `guarded` as in Template."""

    names: frozenset[str]
    guarded: frozenset[str]

    @abstractmethod
    def holds(self, values: Values) -> bool:
        """Exactly true or false; anything else raises ExpressionFault."""


class PlainText(Template):
    """One that was read by pattern."""

    is_plain = True
    guarded = frozenset()

    def __init__(self, source: str, pieces: Pieces, fuel: Fuel, compiled: Callable[[], Template]) -> None:
        self._source = source
        self._frame, self._holes = pieces
        self._fuel = fuel
        self._make_compiled = compiled
        self._compiled: Template | None = None
        self.names = frozenset([name for _, name in self._holes])
        self.has_expressions = bool(self._holes)
        self.is_single = len(self._holes) == 1 and not "".join(self._frame).strip()
        name = self._holes[0][1] if self.is_single else ""
        self.label = name if 0 < len(name) <= 60 else None  # as `codegen.label_of` has it

    @property
    def _whole(self) -> Template:
        if self._compiled is None:
            self._compiled = self._make_compiled()
        return self._compiled

    def text(self, values: Values, *, continuing: bool = False) -> str:
        if not continuing:
            self._fuel.refill()
        text = self._quickly(values)
        return self._whole.text(values, continuing=True) if text is None else text

    def masked(self, values: Values, *, continuing: bool = False) -> str:
        return self._whole.masked(values, continuing=continuing)

    def value(self, values: Values, *, continuing: bool = False) -> object:
        return self._whole.value(values, continuing=continuing)

    def own_words(self) -> Iterator[tuple[str, int]]:
        holes = {at for at, _ in self._holes}
        line = 1
        for at, words in enumerate(self._frame):
            if at not in holes:
                for each in words.split("\n"):
                    yield each, line
                    line += 1
                line -= 1

    def place(self, line: int) -> tuple[str, int]:
        return "", line or 1

    def written(self, line: int) -> str:
        lines = self._source.split("\n")
        return lines[line - 1] if 0 < line <= len(lines) else ""


class PlainCondition(Condition):
    """A name held against a text."""

    guarded = frozenset()

    def __init__(self, name: str, text: str, wants_same: bool, compiled: Callable[[], Condition]) -> None:
        self._name = name
        self._text = text
        self._wants_same = wants_same
        self._make_compiled = compiled
        self._compiled: Condition | None = None
        self.names = frozenset([name])

    def holds(self, values: Values) -> bool:
        value = values.get(self._name)
        if type(value) is str and len(value) <= SHORT:
            return (value == self._text) is self._wants_same
        if self._compiled is None:
            self._compiled = self._make_compiled()
        return self._compiled.holds(values)


def printed_plainly(value: object) -> str | None:
    """What `{{ }}` makes of a text or a whole number; None for what the program must look at."""
    if type(value) is str:
        return value
    return str(value) if type(value) is int and -MAX_INTEGER < value < MAX_INTEGER else None


def pieces_of(source: str) -> Pieces | None:
    """Words and plain names; None where there is anything else, or more than is plain."""
    if len(source) > SHORT or "\r" in source:
        return None
    if "{" not in source:
        return [source], []
    found = _HOLE.split(source, MANY + 1)
    words, names = found[::2], found[1::2]
    if len(names) > MANY or not all(map(is_name, names)) or not all(map(are_words, words)):
        return None
    frame: list[str] = []
    holes: list[tuple[int, str]] = []
    for at, text in enumerate(words):
        if at:
            holes.append((len(frame), names[at - 1]))
            frame.append("")
        if text:
            frame.append(text)
    return frame, holes


def compared(source: str) -> tuple[str, str, bool] | None:
    """The name, the text and whether they are to be the same, of `name == "text"` and `name != "text"`."""
    found = _COMPARISON(source) if len(source) <= SHORT else None
    if found is None or not is_name(found[1]) or not source.isascii():
        return None
    return found[1], found[3] if found[3] is not None else found[4], found[2] == "=="


def is_name(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and name not in _WORDS_OF_ITS_OWN


def are_words(text: str) -> bool:
    """Without a brace that would open an expression, there or with what follows, or that an expression may leave."""
    return not text.startswith("}") and not text.endswith("{") and not any(mark in text for mark in _OPENING)
