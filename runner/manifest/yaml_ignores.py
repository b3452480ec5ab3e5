"""`# flypast: ignore[CODE] reason`: a warning that somebody has looked at and wants to hear no more of."""

import re
from bisect import bisect_left, bisect_right

from runner.codes import codes
from runner.findings import Findings, Ignore, did_you_mean

from .yaml_table import ALIAS, MAPPING, SEQUENCE, Table
from .yaml_text import Lines

_COMMENT = re.compile(
    r"(?:(?<=^)|(?<=[ \t]))#[ \t]*flypast:[ \t]*(?P<word>ignore\b|[\w-]+(?=[ \t]*\[))"
    r"(?:\[(?P<codes>[^\]\r\n]*)\])?(?P<reason>[^\r\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_MARK = re.compile("flypast:", re.IGNORECASE)
_FORM = "write: # flypast: ignore[CODE] and the reason"


def may_ignore(text: str) -> bool:
    """Whether such a comment may be in a file: then its table is needed."""
    return _MARK.search(text) is not None and _COMMENT.search(text) is not None


def read_ignores(table: Table, lines: Lines, findings: Findings) -> None:
    """Every such comment; YML130 for one that can't be understood. What stands inside a text is no comment."""
    texts = _Texts(table, lines)
    for comment in _COMMENT.finditer(table.text):
        if texts.hold(comment.start()):
            continue
        place = lines.place(comment.start(), comment.start() + len(comment[0].rstrip()))
        names = [name.strip() for name in (comment["codes"] or "").split(",") if name.strip()]
        wrong = _mistake(comment["word"], names, comment["reason"])
        if wrong is not None:
            findings.error("YML130", wrong[0], place, hint=wrong[1])
            continue
        first = _line_meant(lines, place.line)
        for name in names:
            findings.ignore(Ignore(code=name, place=place, first=first, last=texts.last_line_from(first)))


def _mistake(word: str, names: list[str], reason: str) -> tuple[str, str] | None:
    if word.lower() != "ignore":
        return f'there is no comment "flypast: {word}"', _FORM
    if not names:
        return "a comment that ignores nothing: it names no code", _FORM
    for name in names:
        if name not in codes():
            return f'a comment that ignores "{name}", which is no code', did_you_mean(name, codes()) or _FORM
    if not reason.strip(" \t-:"):
        return f"a comment that ignores {names[0]} without a reason", _FORM
    return None


def _line_meant(lines: Lines, number: int) -> int:
    """The comment's own line, or where nothing else stands on it the next line that is no comment, or the last."""
    while number < lines.last and re.fullmatch(r"[ \t]*(?:#.*)?", lines.line(number)):
        number += 1
    return number


class _Texts:
    """Where the texts of a file begin and end: in order, and none within another."""

    def __init__(self, table: Table, lines: Lines) -> None:
        self._table = table
        self._lines = lines
        self._nodes = [n for n in range(len(table)) if table.kinds[n] not in (MAPPING, SEQUENCE, ALIAS)]
        self._starts = [table.start(node) for node in self._nodes]

    def hold(self, index: int) -> bool:
        before = bisect_right(self._starts, index) - 1
        if before < 0 or index >= self._table.end(self._nodes[before]):
            return False
        # A block begins with its `|` or `>`, and on that line a comment may follow.
        is_block = self._table.kinds[self._nodes[before]] in ("|", ">")
        return not is_block or self._lines.number(index) > self._lines.number(self._starts[before])

    def last_line_from(self, first: int) -> int:
        """The last line of a text that begins on this one: a block goes on below."""
        at = bisect_left(self._starts, self._lines.start(first))
        last = first
        while at < len(self._nodes) and self._lines.number(self._starts[at]) == first:
            last = max(last, self._lines.number(self._table.end(self._nodes[at])))
            at += 1
        return last
