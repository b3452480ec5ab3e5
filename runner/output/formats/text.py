"""Findings for people, with frames of the source; the words are those of `findings_text`."""

from runner.output.findings_text import findings_text
from runner.output.neutral import neutral
from runner.output.sheet import Sheet

from .found import Found


def text(found: Found) -> str:
    """In a file: no colours, and what stopped the command below."""
    parts = [findings_text(found.findings, found.sources, Sheet()).rstrip("\n")] if found.findings else []
    return "\n\n".join([*parts, *([f"error: {neutral(found.stopped)}"] if found.stopped else [])])
