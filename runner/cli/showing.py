"""Findings as a command shows them: on stdout in the form that was asked for, and in files beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.errors import LedgerFault
from runner.findings import Finding, Severity
from runner.output.findings_text import Sources, findings_text, summary_text
from runner.output.formats import written
from runner.output.formats.found import Found
from runner.output.words import number

from . import actions
from .options import ReportFile
from .terminal import TERMINAL


def show_findings(
    findings: Sequence[Finding],
    sources: Sources,
    *,
    output_format: str,
    manifests: Sequence[str],
    reports: Sequence[ReportFile] = (),
    others: int = 0,
    ignored: int = 0,
    not_checked: Sequence[str] = (),
    extra: Mapping[str, Any] | None = None,
) -> None:
    """All findings and what was looked at: `manifests` by their shown paths. `extra` are keys of the command's JSON."""
    found = Found(
        findings=findings,
        manifests=manifests,
        not_checked=not_checked,
        ignored=ignored,
        sources=sources,
        extra=extra or {},
    )
    write_reports(found, reports)
    if output_format != "github":
        actions.annotate(found)
    actions.summarise(written(found, "markdown"))
    if output_format == "text":
        _show_text(found, others)
        return
    if shown := written(found, output_format):
        TERMINAL.data(shown)
    if output_format not in ("json", "jsonl"):
        TERMINAL.say(_checked(found, others))


def write_reports(found: Found, reports: Sequence[ReportFile]) -> None:
    for report in reports:
        write_file(report.path, written(found, report.kind))


def write_file(path: Path, text: str) -> None:
    """Raises LedgerFault where the disk can't take it: a pipeline must not go on with an old report."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n" if text else "", encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise LedgerFault(f"the report {path} can't be written: {error.strerror}") from None


def show_warnings(found: Sequence[Finding], sources: Sources) -> None:
    """What does not stop a plan, before it: talk, not data."""
    if found:
        TERMINAL.say(findings_text(found, sources, TERMINAL.err))


def _show_text(found: Found, others: int) -> None:
    if found.findings:
        TERMINAL.data(findings_text(found.findings, found.sources, TERMINAL.out))
    for what in found.not_checked:
        TERMINAL.say(f"not checked: {what}")
    TERMINAL.say(_checked(found, others))
    if found.findings:
        worst = min(found.findings, key=lambda finding: list(Severity).index(finding.severity))
        TERMINAL.say(f"flypast explain {worst.code} says more")


def _checked(found: Found, others: int) -> str:
    besides = f", {number(others, 'other YAML file')}" if others else ""
    summary = summary_text(found.findings, TERMINAL.err)
    silenced = f", {found.ignored:,} ignored by comments" if found.ignored else ""
    return f"{number(len(found.manifests), 'manifest')} checked{besides}: {summary}{silenced}"
