"""Findings as a command shows them on stdout, in the form that was asked for."""

from collections.abc import Sequence
from pathlib import Path

from runner.findings import Finding, Severity
from runner.output.findings_text import Sources, findings_text, summary_text
from runner.output.formats import written
from runner.output.formats.found import Found
from runner.output.words import number

from .options import ReportFile, given_files
from .telling import Telling
from .terminal import TERMINAL


def show_findings(
    findings: Sequence[Finding],
    sources: Sources,
    *,
    output_format: str,
    manifests: Sequence[str],
    reports: Sequence[ReportFile] = (),
    read: Sequence[Path] = (),
    others: int = 0,
    ignored: int = 0,
    not_checked: Sequence[str] = (),
) -> None:
    """All findings and what was looked at, in every form; `manifests` by their shown paths, `read` all files."""
    found = Found(findings=findings, manifests=manifests, not_checked=not_checked, ignored=ignored, sources=sources)
    telling = Telling(output_format=output_format, reports=reports, found=found)
    if reports:
        telling.spare((*given_files(), *read))
    telling.end()
    show_found(found, output_format, others=others)


def show_found(found: Found, output_format: str, *, others: int = 0) -> None:
    """On stdout; `others` counts YAML files that are no manifests."""
    if output_format == "text":
        _show_text(found, others)
        return
    if shown := written(found, output_format):
        TERMINAL.data(shown)
    if output_format not in ("json", "jsonl"):
        TERMINAL.say(_checked(found, others))


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
