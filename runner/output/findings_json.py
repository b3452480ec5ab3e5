"""Findings for machines (schemas/findings.schema.json)."""

from collections.abc import Sequence

from runner.findings import Finding, Severity
from runner.model import Json

FORMAT_VERSION = 1


def finding_json(finding: Finding) -> Json:
    place = finding.place
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "hint": finding.hint,
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
        "also": [{"path": other.path, "line": other.line, "column": other.column} for other in finding.also],
    }


def findings_json(findings: Sequence[Finding], files: int, ignored: int = 0) -> Json:
    """The two keys that every output with findings has."""
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    return {
        "findings": [finding_json(finding) for finding in findings],
        "summary": {
            "files": files,
            "errors": counts[Severity.ERROR],
            "warnings": counts[Severity.WARNING],
            "infos": counts[Severity.INFO],
            "ignored": ignored,
        },
    }
