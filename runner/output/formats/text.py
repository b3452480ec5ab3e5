"""Findings for people, with frames of the source; the words are those of `findings_text`."""

from runner.output.findings_text import findings_text
from runner.output.palette import Palette

from .found import Found


def text(found: Found) -> str:
    """In a file: no colours."""
    return findings_text(found.findings, found.sources, Palette(False)).rstrip("\n")
