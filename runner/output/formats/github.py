"""Findings as GitHub's workflow commands, which it shows beside the lines ("Workflow commands for GitHub Actions")."""

from collections.abc import Iterator

from runner.findings import Finding, Place, Severity
from runner.output.neutral import neutral
from runner.output.words import number

from .found import Found

MOST = 10  # of each kind that GitHub takes from one step; it drops the rest without a word
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github(found: Found) -> str:
    """At most 10 of each severity; where there are more, the last says how many. What stopped it comes first."""
    return "\n".join(line for severity in Severity for line in _commands(severity, found))


def _commands(severity: Severity, found: Found) -> Iterator[str]:
    alike = [finding for finding in found.findings if finding.severity is severity]
    most = MOST
    if found.stopped and severity is Severity.ERROR:
        yield f"::error title=flypast::{_data(neutral(found.stopped))}"
        most -= 1
    shown = alike if len(alike) <= most else alike[: most - 1]
    for finding in shown:
        yield _command(severity, finding)
    if len(alike) > len(shown):
        more = f"{number(len(alike) - len(shown), severity.value)} more: --format text shows them all"
        yield f"::{_COMMANDS[severity]} title=flypast::{more}"


def _command(severity: Severity, finding: Finding) -> str:
    words = neutral(finding.message) + (f"\n{neutral(finding.hint)}" if finding.hint else "")
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in _where(finding.place).items())
    return f"::{_COMMANDS[severity]} {properties},title={finding.code}::{_data(words)}"


def _where(place: Place) -> dict[str, str | int]:
    """GitHub takes columns only where they are of one line. Its end column is inclusive."""
    where: dict[str, str | int] = {"file": neutral(place.path), "line": place.line, "endLine": place.end_line}
    if place.end_line == place.line:
        where |= {"col": place.column, "endColumn": max(place.column, place.end_column - 1)}
    return where


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
