"""What each finding's code means: docs/findings.md and the pages beside it, which ship with flypast."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from .bundled import bundled

_ROW = re.compile(r"^\| \[?(?P<code>[A-Z]{3}[0-9]{3})\S* \| (?P<meaning>.+?) \| (?P<remedy>.+?) \|$", re.MULTILINE)
_FAMILY = re.compile(r"^## (?P<letters>[A-Z]{3}): (?P<about>.+)$", re.MULTILINE)


class Code(NamedTuple):
    """`meaning` and `remedy` are Markdown in one line each. Most that are but warnings say so."""

    meaning: str
    remedy: str

    @property
    def severity(self) -> str:
        """What it is unless a finding says otherwise."""
        kind = self.meaning.partition(":")[0]
        return kind if kind in ("warning", "info") else "error"


class Family(NamedTuple):
    """Codes that begin with the same letters; `about` says in a few words what their findings are about."""

    letters: str
    about: str
    codes: Sequence[str]


@cache
def codes() -> Mapping[str, Code]:
    """Every code in the page's order."""
    return {row["code"]: Code(row["meaning"], row["remedy"]) for row in _ROW.finditer(_index())}


def families() -> Sequence[Family]:
    """All codes by their letters, in the page's order."""
    return [
        Family(found["letters"], found["about"], [code for code in codes() if code.startswith(found["letters"])])
        for found in _FAMILY.finditer(_index())
    ]


def page(code: str) -> str:
    """The page of a known code as Markdown: what, why, a wrong and a right example. Raises OSError without one."""
    return (bundled("docs") / "findings" / f"{code}.md").read_text(encoding="utf-8")


def title(code: str) -> str:
    """What the first line of a code's page says of it, as Markdown."""
    return page(code).partition("\n")[0].removeprefix(f"# {code}: ")


@cache
def _index() -> str:
    return (bundled("docs") / "findings.md").read_text(encoding="utf-8")
