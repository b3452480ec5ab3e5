"""What a text for people is laid out on: its colours, and how wide it may be."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runner.states import Tone

from .cells import folded
from .palette import Palette

_NAMES = 10  # columns for the short names of facts
_BAR, _LEAST_BAR = 24, 4  # columns
_COPIED = "digest"  # for --expect: a terminal that breaks it gives it back whole, we would not


@dataclass(frozen=True, slots=True)
class Sheet(Palette):
    """`width` is in columns of the terminal; None for a file or a pipe, where a line stays one line."""

    width: int | None = None

    @property
    def room(self) -> int:
        return sys.maxsize if self.width is None else self.width

    def line(self, text: str, *, indent: int = 0, rest: int | None = None) -> str:
        """After `indent` blanks; what goes on below begins after `rest` of them, by default two more."""
        rest = indent + 2 if rest is None else rest
        shown = folded(text, self.width, indent=indent, rest=rest)
        return shown[1:] if shown.startswith("\n") else f"{' ' * indent}{shown}"

    def facts(self, facts: Iterable[tuple[str, str]]) -> Iterator[str]:
        """Short names in a column of their own, and words beside it. The same name stands there once."""
        before = None
        for name, words in facts:
            shown = "" if name == before else name
            before = name or before
            label = f"  {shown:<{_NAMES}} "
            said = words if name == _COPIED else folded(words, self.width, indent=len(label))
            yield f"{self.dim(label)}{said}"

    def bar(self, count: int, most: int, *, at: int) -> str:
        """Its share of the longest, where there is room after `at` columns; none where there is nearly none."""
        widest = min(_BAR, self.room - at)
        return "━" * max(1, round(widest * count / most)) if count and widest > _LEAST_BAR else ""

    def section(self, title: str, lines: Iterable[str], *, tone: Tone | None = None) -> Iterator[str]:
        """Under a blank line and its title; nothing where it would hold nothing."""
        lines = list(lines)
        if lines:
            yield from ("", self.line(self.tone(tone, title) if tone else self.bold(title)), *lines)

    def step(self, words: str, command: str) -> str:
        """What to do next, and the very command: on one line for who copies it, unbroken by us."""
        said = f"{words}: "
        gap = "\n  " if self.width is not None and len(said) + len(command) > self.width else ""
        return f"{self.line(said.rstrip()) if gap else said}{gap}{self.tone('note', command)}"
