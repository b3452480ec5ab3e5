"""Findings for a comment or a job's summary, in Markdown that means nothing but what it says."""

from collections.abc import Sequence
from functools import partial

from runner.findings import Finding, Severity
from runner.output.markdown import code, cut, fitting, inert, page, size
from runner.output.words import number

from .found import Found

MOST = 200  # rows: whoever has more does not read them in a comment
_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}


def markdown(found: Found) -> str:
    """A table of findings, worst first, under a line that counts them; no longer than a comment may be."""
    return page((partial(_head, found), partial(_table, found), partial(_not_checked, found)))


def finding_rows(findings: Sequence[Finding], room: int) -> list[str]:
    """A table, worst first, in so many bytes; nothing where there are none."""
    if not findings:
        return []
    order = list(Severity)
    worst_first = sorted(findings, key=lambda finding: order.index(finding.severity))
    head = ["| | where | what |", "|---|---|---|"]
    beyond = max(0, len(worst_first) - MOST)
    rows = fitting(map(_row, worst_first[:MOST]), room - size("".join(head)) - len(head), _rest, beyond=beyond)
    return [*head, *rows]


def _rest(left: int) -> str:
    return f"\n{number(left, 'finding')} more: `flypast validate` lists them all."


def headline(found: Found) -> str:
    """`2 errors, 1 warning`."""
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    parts = [number(found.count(severity), nouns[severity]) for severity in Severity if found.count(severity)]
    return ", ".join(parts) or "No findings"


def _head(found: Found, _room: int) -> str:
    parts = [f"**{headline(found)}** in {number(len(found.manifests), 'manifest')}"]
    if found.stopped:  # it may have come before anything was looked at
        parts = [*(parts if found.manifests else []), f"⛔ {inert(cut(found.stopped, 1000))}"]
    return "\n\n".join(parts)


def _table(found: Found, room: int) -> str:
    return "\n".join(finding_rows(found.findings, room))


def _not_checked(found: Found, room: int) -> str:
    rows = [f"- {inert(cut(what))}" for what in found.not_checked]
    lines = fitting(rows, room - 20, lambda left: f"- … {number(left, 'line')} more")
    return "\n".join(["Not checked:", "", *lines]) if rows else ""


def _row(finding: Finding) -> str:
    place = finding.place
    hint = f"<br>{inert(cut(finding.hint))}" if finding.hint else ""
    where = code(f"{cut(place.path, 200)}:{place.line}:{place.column}")
    return f"| {_SIGNS[finding.severity]} | {where} | {finding.code}: {inert(cut(finding.message))}{hint} |"
