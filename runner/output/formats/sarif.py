"""Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code scanning."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from runner import __version__
from runner.codes import Code, codes, page
from runner.findings import Finding, Place, Severity
from runner.output.explain_text import page_text
from runner.output.neutral import json_text, neutral
from runner.output.palette import Palette

from .found import Found

_ROOT = "%SRCROOT%"  # whoever shows it knows where the repository is
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(found: Found) -> str:
    """One run; `partialFingerprints` stay when lines move; columns count code points and their end is exclusive."""
    known = codes()
    named = sorted({finding.code for finding in found.findings})
    index = {code: number for number, code in enumerate(named)}
    driver: dict[str, Any] = {"name": "flypast", "semanticVersion": __version__}
    driver["rules"] = [_rule(code, known.get(code)) for code in named]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        **({"invocations": [_stopped(found.stopped)]} if found.stopped else {}),
        "results": [_result(finding, print_, index) for finding, print_ in found.with_prints()],
    }
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return json_text({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _stopped(words: str) -> dict[str, Any]:
    notes = [{"level": "error", "message": {"text": _plain(words)}}]
    return {"executionSuccessful": False, "toolExecutionNotifications": notes}


def _rule(name: str, code: Code | None) -> dict[str, Any]:
    if code is None:
        return {"id": name}
    level, markdown = _LEVELS[Severity(code.severity)], page(name)
    return {
        "id": name,
        "shortDescription": {"text": code.meaning},
        "fullDescription": {"text": f"{code.meaning}. To put it right: {code.remedy}."},
        "help": {"text": page_text(name, code, markdown, Palette(False)), "markdown": markdown},
        "defaultConfiguration": {"level": level},
    }


def _result(finding: Finding, print_: str, index: Mapping[str, int]) -> dict[str, Any]:
    words = _plain(finding.message) + (f" ({_plain(finding.hint)})" if finding.hint else "")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "level": _LEVELS[finding.severity],
        "message": {"text": words},
        "locations": [{"physicalLocation": _location(finding.place)}],
        "partialFingerprints": {"flypast/v1": print_},
    }
    if finding.also:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _location(place)} for number, place in enumerate(finding.also, 1)
        ]
    return result


def _plain(text: str) -> str:
    """As a message's text wants it: braces doubled (3.11.5), and nothing that could be read as a link (3.11.6)."""
    return neutral(text).replace("{", "{{").replace("}", "}}").replace("](", "]\\x28")


def _location(place: Place) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column, "endLine": place.end_line}
    if (place.end_line, place.end_column) > (place.line, place.column):
        region["endColumn"] = place.end_column
    uri = quote(place.path.encode("utf-8", "surrogateescape"), safe="/")
    return {"artifactLocation": {"uri": uri, "uriBaseId": _ROOT}, "region": region}
