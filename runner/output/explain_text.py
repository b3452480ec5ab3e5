"""A finding's page, and the list of all codes, for a terminal: docs/findings without its Markdown."""

import re
from collections.abc import Iterator

from runner.codes import Code, Family, codes, title
from runner.findings import Severity

from .palette import Palette

_FENCE = "```"
_FILE = re.compile(r"`([^`]+)`:")
_CODE = re.compile(r"`([^`]+)`")


def page_text(name: str, code: Code, page: str, palette: Palette) -> str:
    """The page of a code as it reads without Markdown: its lines stay as they are, blocks are indented by four."""
    return "\n".join(_lines(name, code, page, palette)).rstrip("\n")


def list_text(family: Family, palette: Palette) -> str:
    """A family's codes, a line each."""
    head = f"{palette.bold(family.letters)}: {family.about}"
    return "\n".join([head, *(_line(name, codes()[name], palette) for name in family.codes)])


def _line(name: str, code: Code, palette: Palette) -> str:
    mark = "" if code.severity == Severity.ERROR else f" ({code.severity})"
    return f"  {_painted(name, code, palette)}  {_inline(title(name), palette)}{mark}"


def _lines(name: str, code: Code, page: str, palette: Palette) -> Iterator[str]:
    block = ""
    for line in page.splitlines():
        if line.startswith(_FENCE):
            block = "" if block else line.removeprefix(_FENCE)
        elif block:
            yield (f"    {'$ ' if block == 'sh' else ''}{line}").rstrip()
        elif line.startswith("# "):
            yield f"{_painted(f'{code.severity}[{name}]', code, palette)}: {_title(line, name, palette)}"
        elif line.startswith("## "):
            heading = line.removeprefix("## ")
            yield palette.green(heading) if heading == "Right" else palette.red(heading)
        elif file := _FILE.fullmatch(line):
            yield f"  {palette.blue(file[1])}:"
        else:
            yield _inline(line, palette)


def _title(line: str, name: str, palette: Palette) -> str:
    return palette.bold(line.removeprefix(f"# {name}: "))


def _painted(text: str, code: Code, palette: Palette) -> str:
    paint = {Severity.ERROR: palette.red, Severity.WARNING: palette.yellow, Severity.INFO: palette.blue}
    return paint[Severity(code.severity)](text)


def _inline(line: str, palette: Palette) -> str:
    """Colours take the place of the marks around code; without colours the marks stay."""
    return _CODE.sub(lambda found: palette.blue(found[1]), line) if palette.is_on else line
