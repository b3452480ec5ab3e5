"""What each finding's code means: the tables of docs/findings.md, which ships with flypast."""

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from .bundled import bundled

_ROW = re.compile(r"^\| (?P<code>[A-Z]{3}[0-9]{3}) \| (?P<meaning>.+?) \| (?P<remedy>.+?) \|$", re.MULTILINE)


class Code(NamedTuple):
    """`meaning` and `remedy` are Markdown in one line each. Most that are but warnings say so."""

    meaning: str
    remedy: str

    @property
    def severity(self) -> str:
        """What it is unless a finding says otherwise."""
        kind = self.meaning.partition(":")[0]
        return kind if kind in ("warning", "info") else "error"


@cache
def codes() -> Mapping[str, Code]:
    """Every code in the page's order."""
    page = (bundled("docs") / "findings.md").read_text(encoding="utf-8")
    return {row["code"]: Code(row["meaning"], row["remedy"]) for row in _ROW.finditer(page)}
