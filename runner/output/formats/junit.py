"""Findings as test results: a suite for each file, a failed case for each error."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from runner.findings import Finding, Severity
from runner.output.neutral import neutral

from .found import Found

# What XML 1.0 can't hold even as a reference (its production 2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(found: Found) -> str:
    """Warnings and infos pass, with their words as output. A file without findings is one passed case.

    What stopped the command is an error, in a suite of its own.
    """
    cases = sum(max(1, len(findings)) for findings in found.by_path().values())
    counts = _counts(found.findings, cases + bool(found.stopped), int(bool(found.stopped)))
    suites = ET.Element("testsuites", {"name": "flypast", **counts})
    for path, findings in found.by_path().items():
        _suite(suites, path, findings)
    if found.stopped:
        _stopped(suites, found.stopped)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _suite(parent: ET.Element, path: str, findings: Sequence[Finding]) -> None:
    suite = ET.SubElement(parent, "testsuite", {"name": xml_text(path), **_counts(findings, max(1, len(findings)))})
    for finding in findings:
        place = finding.place
        name = f"{finding.code} {place.line}:{place.column}"
        case = ET.SubElement(suite, "testcase", {"name": name, "classname": xml_text(path), "time": "0"})
        words = xml_text(f"{finding.severity.value}[{finding.code}]: {finding.message}")
        where = f"{path}:{place.line}:{place.column}"
        body = words + "\n" + xml_text(where) + (f"\n{xml_text(finding.hint)}" if finding.hint else "")
        if finding.severity is Severity.ERROR:
            failure = ET.SubElement(case, "failure", {"type": finding.code, "message": xml_text(finding.message)})
            failure.text = body
        else:
            ET.SubElement(case, "system-out").text = body
    if not findings:
        ET.SubElement(suite, "testcase", {"name": "no findings", "classname": xml_text(path), "time": "0"})


def _stopped(parent: ET.Element, words: str) -> None:
    suite = ET.SubElement(parent, "testsuite", {"name": "flypast", **_counts((), 1, 1)})
    case = ET.SubElement(suite, "testcase", {"name": "stopped", "classname": "flypast", "time": "0"})
    ET.SubElement(case, "error", {"type": "stopped", "message": xml_text(words)}).text = xml_text(words)


def _counts(findings: Sequence[Finding], cases: int, errors: int = 0) -> dict[str, str]:
    failures = sum(finding.severity is Severity.ERROR for finding in findings)
    return {"tests": str(cases), "failures": str(failures), "errors": str(errors), "time": "0"}


def xml_text(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", neutral(text))
