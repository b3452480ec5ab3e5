"""A line for each finding, or one object for all."""

from typing import Any

from runner.findings import Finding
from runner.output.findings_json import FORMAT_VERSION, finding_json, findings_json
from runner.output.neutral import json_text, neutral

from .found import Found


def concise(found: Found) -> str:
    """`path:line:column: error[CODE] message (hint)`: what grep, editors and `make` understand."""
    return "\n".join(_line(finding) for finding in found.findings)


def jsonl(found: Found) -> str:
    """Each finding as it stands in `json`, on a line of its own."""
    return "\n".join(json_text(finding_json(finding)) for finding in found.findings)


def whole(found: Found) -> str:
    """schemas/findings.schema.json"""
    value: dict[str, Any] = {
        "formatVersion": FORMAT_VERSION,
        **found.extra,
        **findings_json(found.findings, len(found.manifests), found.ignored),
        "notChecked": list(found.not_checked),
        **({"stopped": found.stopped} if found.stopped and "stopped" not in found.extra else {}),
    }
    return json_text(value, indent=2)


def _line(finding: Finding) -> str:
    place = finding.place
    hint = f" ({neutral(finding.hint)})" if finding.hint else ""
    head = f"{neutral(place.path)}:{place.line}:{place.column}: {finding.severity.value}[{finding.code}]"
    return f"{head} {neutral(finding.message)}{hint}"
