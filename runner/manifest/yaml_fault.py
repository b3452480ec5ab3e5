"""Where and why a parser stopped: what the rules of `yaml_syntax` look at, and what they give."""

import re
from dataclasses import dataclass
from typing import Any

from .yaml_table import Table
from .yaml_text import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The parser's complaint in libyaml's words: it stopped at one character, in something that began at another."""

    text: str
    lines: Lines
    problem: str
    context: str
    at: int
    began: int
    open_bracket: int | None  # the innermost [ or { that was still open
    last_quote: int | None  # where the last complete scalar opened, if it had quotes and only blanks follow it

    @property
    def number(self) -> int:
        return self.lines.number(self.at)

    @property
    def before(self) -> str:
        """What stands before the fault on its line."""
        return self.text[self.lines.start(self.number) : self.at]

    @property
    def character(self) -> str:
        return self.text[self.at : self.at + 1]

    @property
    def line_end(self) -> int:
        return max(self.at, self.lines.start(self.number) + len(self.lines.line(self.number).rstrip()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to say about a fault, at the characters `start` to `end` (one character without `end`)."""

    code: str
    message: str
    hint: str | None
    start: int
    end: int | None = None


def fault_of(error: Any, table: Table, lines: Lines) -> Fault:
    """`error` is a yaml.YAMLError; one without marks is put at the start of the file."""
    mark = getattr(error, "problem_mark", None)
    began = getattr(error, "context_mark", None) or mark
    at = min(mark.index, len(table.text)) if mark else 0
    return Fault(
        text=table.text,
        lines=lines,
        problem=_english(getattr(error, "problem", None) or str(error)),
        context=getattr(error, "context", None) or "",
        at=at,
        began=began.index if began else 0,
        open_bracket=_open_bracket(table),
        last_quote=_last_quote(table, at),
    )


def _open_bracket(table: Table) -> int | None:
    still_read = (table.start(node) for node in reversed(range(len(table))) if not table.afters[node])
    return next((start for start in still_read if table.text[start : start + 1] in ("[", "{")), None)


def _last_quote(table: Table, at: int) -> int | None:
    if not len(table):
        return None
    last = len(table) - 1
    follows = not table.text[table.end(last) : at].strip()
    return table.start(last) if follows and table.kinds[last] in ("'", '"') else None


def _english(problem: str) -> str:
    """PyYAML's `expected X, but found Y` in libyaml's words."""
    return re.sub(r"^expected (.*?)(?:, but (?:found|got).*)?$", r"did not find expected \1", problem)
