"""Findings for a comment or a job's summary, in Markdown that means nothing but what it says."""

from collections.abc import Iterator

from runner.findings import Finding, Severity
from runner.output.markdown import code, inert
from runner.output.words import number

from .found import Found

MOST = 200  # rows: a comment holds 65,536 characters at GitHub
_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}


def markdown(found: Found) -> str:
    """A table of findings, worst first, under a line that counts them."""
    return "\n".join(_lines(found))


def _lines(found: Found) -> Iterator[str]:
    yield f"**{headline(found)}** in {number(len(found.manifests), 'manifest')}"
    order = list(Severity)
    worst_first = sorted(found.findings, key=lambda finding: order.index(finding.severity))
    if worst_first:
        yield from ("", "| | where | what |", "|---|---|---|")
    yield from map(_row, worst_first[:MOST])
    if len(worst_first) > MOST:
        yield from ("", f"{number(len(worst_first) - MOST, 'finding')} more: `flypast validate` lists them all.")
    if found.not_checked:
        yield from ("", "Not checked:", "", *(f"- {inert(what)}" for what in found.not_checked))


def headline(found: Found) -> str:
    """`2 errors, 1 warning`."""
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    parts = [number(found.count(severity), nouns[severity]) for severity in Severity if found.count(severity)]
    return ", ".join(parts) or "No findings"


def _row(finding: Finding) -> str:
    place = finding.place
    hint = f"<br>{inert(finding.hint)}" if finding.hint else ""
    where = code(f"{place.path}:{place.line}:{place.column}")
    return f"| {_SIGNS[finding.severity]} | {where} | {finding.code}: {inert(finding.message)}{hint} |"
