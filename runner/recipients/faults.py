"""What is wrong with rows of people, told without their data."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from runner.findings import SHOWN_PER_GROUP, Finding, Findings, Place, Severity

from .rows import Row

_NAME_SHOWN = 60
_DIGITS_OF_DATA = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFault:
    """Why a value is no address. `words` never hold the value."""

    code: str
    words: str
    hint: str | None = None


class Stop(Exception):
    """A file that can't be read on from `place`: the rest of it is not looked at."""

    def __init__(self, code: str, message: str, place: Place, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place
        self.hint = hint


class Faults:
    """Reports faults of rows: the exact place is looked for only where the finding will be shown."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._seen: Counter[str] = Counter()

    def error(
        self, code: str, row: Row, words: str, *,
        column: str | None = None, hint: str | None = None, find: Callable[[], Place] | None = None,
    ) -> None:  # fmt: skip
        """`find` gives the place; without it that is the row's, or its cell's in `column`."""
        self._add(code, row, words, severity=Severity.ERROR, column=column, hint=hint, find=find)

    def warning(self, code: str, row: Row, words: str, *, column: str | None = None, hint: str | None = None) -> None:
        self._add(code, row, words, severity=Severity.WARNING, column=column, hint=hint, find=None)

    def _add(
        self, code: str, row: Row, words: str, *,
        severity: Severity, column: str | None, hint: str | None, find: Callable[[], Place] | None,
    ) -> None:  # fmt: skip
        self._seen[code] += 1
        if self._seen[code] > SHOWN_PER_GROUP + 1:  # the first hidden one still says where the rest begins
            place = row.place()
        else:
            place = find() if find is not None else row.place(column)
        where = f"row {row.number}" if column is None else f"row {row.number}, column {shown_name(column)}"
        finding = Finding(code=code, severity=severity, message=f"{where}: {words}", place=place, hint=hint)
        self._findings.add(finding, group=place.path)


def shown_name(name: str) -> str:
    """A column's name in quotes; masked where it is rather a person's data (a file without a header)."""
    if looks_like_data(name):
        return '"***"'
    return f'"{name}"' if len(name) <= _NAME_SHOWN else f'"{name[:_NAME_SHOWN]}…"'


def looks_like_data(name: str) -> bool:
    return "@" in name or sum(character.isdigit() for character in name) >= _DIGITS_OF_DATA


def nearest(wanted: Iterable[str], names: Iterable[str]) -> str | None:
    """The name among `names` that comes nearest to one of `wanted`, whatever its capitals."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    folded = {name.casefold().strip(): name for name in names if not looks_like_data(name)}
    for each in wanted:
        near = get_close_matches(each.casefold(), folded, n=1, cutoff=0.7)
        if near:
            return folded[near[0]]
    return None
