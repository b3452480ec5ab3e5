"""Findings for a terminal: code, place, a frame of the source with carets, the hint."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Protocol

from runner.findings import Finding, Place, Severity, Source

from .cells import cells
from .neutral import blotted, neutral
from .palette import Palette
from .words import number

WIDEST = 160
WIDEST_BESIDE = 60  # carets with a hint after them: after more of them nobody would find it
_KEY = re.compile(
    r"(?:^[ -]*|[{,\[]\s*)(?P<key>[A-Za-z_][\w.-]*|\"[A-Za-z_][\w.-]*\"|'[A-Za-z_][\w.-]*')(?=\s*:(?:\s|$))"
)
_PUNCTUATION = frozenset("{}[],:\"' ")


Sources = Mapping[str, Callable[[], Source]]  # by shown path; called only where a frame is wanted


def findings_text(findings: Sequence[Finding], sources: Sources, palette: Palette) -> str:
    """All findings, a blank line between two."""
    sources = {path: cache(source) for path, source in sources.items()}
    return "\n".join("\n".join(_finding(finding, sources, palette)) + "\n" for finding in findings)


def summary_text(findings: Sequence[Finding], palette: Palette) -> str:
    """`2 errors, 1 warning`."""
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    parts = [
        number(counts[severity], severity.value) for severity in (Severity.ERROR, Severity.WARNING) if counts[severity]
    ]
    if counts[Severity.INFO]:
        parts.append(f"{counts[Severity.INFO]:,} info")
    if not parts:
        return palette.green("no findings")
    return palette.red(", ".join(parts)) if counts[Severity.ERROR] else palette.yellow(", ".join(parts))


def _finding(finding: Finding, sources: Sources, palette: Palette) -> Iterator[str]:
    paint = {Severity.ERROR: palette.red, Severity.WARNING: palette.yellow, Severity.INFO: palette.blue}[
        finding.severity
    ]
    place = finding.place
    yield f"{paint(f'{finding.severity.value}[{finding.code}]')}: {palette.bold(neutral(finding.message))}"
    margin = " " * len(str(place.line))
    yield f"{margin}{palette.blue('-->')} {neutral(place.path)}:{place.line}:{place.column}"
    source = sources.get(place.path)
    hint = neutral(finding.hint) if finding.hint else ""
    is_beside = place.end_line != place.line or place.end_column - place.column <= WIDEST_BESIDE
    frame = _frame(place, source(), hint if is_beside else "", palette, paint) if source else []
    yield from frame
    if hint and not (frame and is_beside):
        yield f"{margin} {palette.blue('=')} {hint}"
    for other in finding.also:
        yield f"{margin} {palette.blue('=')} see also {neutral(other.path)}:{other.line}:{other.column}"


def _frame(place: Place, source: Source, hint: str, palette: Palette, paint: "Paint") -> list[str]:
    line = source.lines[place.line - 1].replace("\t", " ") if place.line <= len(source.lines) else ""
    if not line.strip():
        return []
    if any(first <= place.line <= last for first, last in source.people):
        line = masked_line(line)
    start = place.column - 1
    end = place.end_column - 1 if place.end_line == place.line else len(line.rstrip())
    offset = max(0, start - WIDEST // 2)
    shown = line[offset : offset + WIDEST]
    width = max(1, min(end, offset + len(shown)) - start)
    number_text = str(place.line)
    bar = palette.blue("|")
    margin = " " * len(number_text)
    shown, at = blotted(shown), start - offset
    carets = paint("^" * max(1, cells(shown[at : at + width])) + (f" {hint}" if hint else ""))
    return [
        f"{margin} {bar}",
        f"{palette.blue(number_text)} {bar} {shown}",
        f"{margin} {bar} {' ' * cells(shown[:at])}{carets}",
    ]


class Paint(Protocol):
    def __call__(self, text: str) -> str: ...


def masked_line(line: str) -> str:
    """Values of people's data as `*`, keys and punctuation kept, each character in its column."""
    kept = {index for key in _KEY.finditer(line) for index in range(*key.span("key"))}
    kept |= set(range(len(line) - len(line.lstrip(" -"))))
    return "".join(
        character if index in kept or character in _PUNCTUATION else "*" for index, character in enumerate(line)
    )
