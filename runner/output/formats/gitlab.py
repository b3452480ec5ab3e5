"""Findings as GitLab's code quality report ("Code Quality report format")."""

from runner.findings import Finding, Severity
from runner.model import Json
from runner.output.neutral import json_text, neutral

from .found import Found

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def gitlab(found: Found) -> str:
    """An array, empty where nothing was found: GitLab wants a file in any case."""
    return json_text([_issue(finding, print_) for finding, print_ in found.with_prints()], indent=2)


def _issue(finding: Finding, print_: str) -> Json:
    place = finding.place
    words = neutral(finding.message) + (f" ({neutral(finding.hint)})" if finding.hint else "")
    return {
        "description": words,
        "check_name": finding.code,
        "fingerprint": print_,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": place.path,
            "positions": {
                "begin": {"line": place.line, "column": place.column},
                "end": {"line": place.end_line, "column": place.end_column},
            },
        },
    }
