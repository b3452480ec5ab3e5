"""Findings as a command shows them: text or JSON, on stdout."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.findings import Finding, Findings
from runner.output.findings_json import FORMAT_VERSION, findings_json
from runner.output.findings_text import Sources, findings_text, summary_text
from runner.output.words import number

from .terminal import TERMINAL


def show_findings(
    findings: Findings,
    sources: Sources,
    *,
    output_format: str,
    checked: int,
    others: int = 0,
    not_checked: Sequence[str] = (),
    extra: Mapping[str, Any] | None = None,
) -> None:
    """All findings and what was looked at. `extra` are keys that the command's JSON has besides."""
    found = findings.sorted()
    if output_format == "json":
        TERMINAL.json(
            {
                "formatVersion": FORMAT_VERSION,
                **(extra or {}),
                **findings_json(found, checked),
                "notChecked": list(not_checked),
            }
        )
        return
    if found:
        TERMINAL.data(findings_text(found, sources, TERMINAL.out))
    for what in not_checked:
        TERMINAL.say(f"not checked: {what}")
    besides = f", {number(others, 'other YAML file')}" if others else ""
    TERMINAL.say(f"{number(checked, 'manifest')} checked{besides}: {summary_text(found, TERMINAL.err)}")


def show_warnings(found: Sequence[Finding], sources: Sources) -> None:
    """What does not stop a plan, before it: talk, not data."""
    if found:
        TERMINAL.say(findings_text(found, sources, TERMINAL.err))
