"""Findings for a terminal: code, place, a frame of the source with carets, the hint."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Protocol

from runner.findings import Finding, Place, Severity, Source

from .cells import cells
from .neutral import blotted, neutral
from .sheet import Sheet
from .words import number

WIDEST = 160
WIDEST_BESIDE = 60  # carets with a hint after them: after more of them nobody would find it
_KEY = re.compile(
    r"(?:^[ -]*|[{,\[]\s*)(?P<key>[A-Za-z_][\w.-]*|\"[A-Za-z_][\w.-]*\"|'[A-Za-z_][\w.-]*')(?=\s*:(?:\s|$))"
)
_PUNCTUATION = frozenset("{}[],:\"' ")


Sources = Mapping[str, Callable[[], Source]]  # by shown path; called only where a frame is wanted


def findings_text(findings: Sequence[Finding], sources: Sources, sheet: Sheet) -> str:
    """All findings, a blank line between two."""
    sources = {path: cache(source) for path, source in sources.items()}
    return "\n".join("\n".join(_finding(finding, sources, sheet)) + "\n" for finding in findings)


def summary_text(findings: Sequence[Finding], sheet: Sheet) -> str:
    """`2 errors, 1 warning`."""
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    parts = [
        number(counts[severity], severity.value) for severity in (Severity.ERROR, Severity.WARNING) if counts[severity]
    ]
    if counts[Severity.INFO]:
        parts.append(f"{counts[Severity.INFO]:,} info")
    if not parts:
        return sheet.green("no findings")
    return sheet.red(", ".join(parts)) if counts[Severity.ERROR] else sheet.yellow(", ".join(parts))


def _finding(finding: Finding, sources: Sources, sheet: Sheet) -> Iterator[str]:
    paint = partial(sheet.state, finding.severity.value)
    place = finding.place
    yield sheet.line(f"{paint(f'{finding.severity.value}[{finding.code}]')}: {sheet.bold(neutral(finding.message))}")
    margin = " " * len(str(place.line))
    yield f"{margin}{sheet.blue('-->')} {neutral(place.path)}:{place.line}:{place.column}"
    source = sources.get(place.path)
    hint = neutral(finding.hint) if finding.hint else ""
    is_beside = place.end_line != place.line or place.end_column - place.column <= WIDEST_BESIDE
    frame, is_told = _frame(place, source(), hint if is_beside else "", sheet, paint) if source else ([], False)
    yield from frame
    bullet = f"{sheet.blue('=')} "
    if hint and not is_told:
        yield sheet.line(f"{bullet}{hint}", indent=len(margin) + 1)
    for other in finding.also:
        yield sheet.line(f"{bullet}see also {neutral(other.path)}:{other.line}:{other.column}", indent=len(margin) + 1)


def _frame(place: Place, source: Source, hint: str, sheet: Sheet, paint: "Paint") -> tuple[list[str], bool]:
    """The line with carets below; and whether `hint` stands beside these, where there is room for it."""
    line = source.lines[place.line - 1].replace("\t", " ") if place.line <= len(source.lines) else ""
    if not line.strip():
        return [], False
    if any(first <= place.line <= last for first, last in source.people):
        line = masked_line(line)
    number_text = str(place.line)
    bar, margin = sheet.blue("|"), " " * len(number_text)
    room = max(min(WIDEST, sheet.room - len(number_text) - 3), 1)
    start = place.column - 1
    end = place.end_column - 1 if place.end_line == place.line else len(line.rstrip())
    offset = _left_out(line, start, room)
    shown, at = _shown(line[offset:], room), start - offset
    width = max(1, min(end, offset + len(shown)) - start)
    before, carets = " " * cells(shown[:at]), "^" * max(1, cells(shown[at : at + width]))
    is_told = bool(hint) and len(margin) + 3 + len(before) + len(carets) + 1 + cells(hint) <= sheet.room
    return [
        f"{margin} {bar}",
        f"{sheet.blue(number_text)} {bar} {shown}",
        f"{margin} {bar} {before}{paint(f'{carets} {hint}' if is_told else carets)}",
    ], is_told


def _left_out(line: str, start: int, room: int) -> int:
    """How many characters of its beginning, so that what starts at `start` is in sight, and what follows where it can.

    Half of the room holds what stands before it, be it all of two columns.
    """
    if cells(line) < room:
        return 0
    is_wide = not line.isascii() and any(cells(character) != 1 for character in line)
    return max(0, start - room // 2 + 1 if is_wide else min(start - room // 2, len(line) + 1 - room))


def _shown(text: str, room: int) -> str:
    """As much of it as there is room for."""
    shown = blotted(text[:room])
    while sum(map(cells, shown)) > room:
        shown = shown[:-1]
    return shown


class Paint(Protocol):
    def __call__(self, text: str) -> str: ...


def masked_line(line: str) -> str:
    """Values of people's data as `*`, keys and punctuation kept, each character in its column."""
    kept = {index for key in _KEY.finditer(line) for index in range(*key.span("key"))}
    kept |= set(range(len(line) - len(line.lstrip(" -"))))
    return "".join(
        character if index in kept or character in _PUNCTUATION else "*" for index, character in enumerate(line)
    )
