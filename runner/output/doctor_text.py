"""What the doctor found, for people: a mark and a word, what was looked at, what there is, and what to do beneath."""

from collections.abc import Iterator, Sequence

from runner.model import Check
from runner.states import STATES

from .cells import cells, left
from .neutral import neutral
from .sheet import Sheet
from .words import number

_MARKS = {"pass": "✓", "warn": "!", "fail": "✗"}
_WIDEST = 24  # a name that is wider pushes its own line only


def doctor_text(checks: Sequence[Check], libraries: Sequence[str], sheet: Sheet) -> Iterator[str]:
    """`libraries` that are as they should be share a line. The last line counts."""
    told = list(_told_together(checks, libraries))
    widest = max((width for check in told if (width := cells(neutral(check.name))) <= _WIDEST), default=0)
    for check in told:
        yield from _check(check, widest, sheet)
    counts = {status: sum(_status(check) == status for check in checks) for status in _MARKS}
    words = [
        sheet.state("fail", f"{counts['fail']:,} failed") if counts["fail"] else "",
        sheet.state("warn", number(counts["warn"], "warning")) if counts["warn"] else "",
        f"{counts['pass']:,} passed",
    ]
    yield ""
    yield sheet.line(f"{number(len(checks), 'check')}: {', '.join(filter(None, words))}")


def _told_together(checks: Sequence[Check], libraries: Sequence[str]) -> Iterator[Check]:
    """A line each would hide what is wrong among what is right."""
    fine = [check for check in checks if check.name in libraries and check.status == "pass"]
    for check in checks:
        if check not in fine:
            yield check
        elif check is fine[0]:
            yield Check("pass", "libraries", ", ".join(f"{each.name} {each.found}" for each in fine))


def _check(check: Check, widest: int, sheet: Sheet) -> Iterator[str]:
    status = _status(check)
    name = left(neutral(check.name), widest)
    margin = len("✓ pass  ") + widest + 2
    mark = sheet.state(status, f"{_MARKS[status]} {STATES[status][0]}")
    yield sheet.line(f"{mark}  {name}  {neutral(check.found)}", rest=margin)
    if check.advice:
        yield sheet.line(f"→ {neutral(check.advice)}", indent=margin, rest=margin + 2)


def _status(check: Check) -> str:
    """What is not known is worth a warning: nobody has looked."""
    return "warn" if check.status == "unknown" else check.status
