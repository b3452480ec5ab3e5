"""Findings with their frames fit the terminal, and carets stand below what they are about."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from runner.findings import Finding, Place, Severity, Source
from runner.output.cells import cells
from runner.output.findings_text import findings_text
from runner.output.sheet import Sheet

from .hostile import TEXTS, WIDTHS


def told(line: str, column: int, end_column: int, hint: str, width: int | None) -> list[str]:
    place = Place(path="a.yaml", line=7, column=column, end_line=7, end_column=end_column)
    finding = Finding(
        code="MSG620", severity=Severity.WARNING, message="is not in GSM-7", place=place, hint=hint, also=()
    )
    source = Source(lines=[*[""] * 6, line], people=())
    sources: dict[str, Callable[[], Source]] = {"a.yaml": lambda: source}
    return findings_text([finding], sources, Sheet(width=width)).split("\n")


@given(TEXTS, st.integers(1, 300), st.integers(1, 100), TEXTS, WIDTHS)
def test_no_line_is_wider_than_the_terminal(line: str, column: int, length: int, hint: str, width: int) -> None:
    column = min(column, len(line) + 1)
    assert all(cells(shown) <= width for shown in told(line, column, column + length, hint, width))


def test_a_hint_stands_beside_its_carets_where_there_is_room_and_below_where_there_is_none() -> None:
    line = "    body: {type: text, text: {text: 'Hi “you”'}}"
    column = line.index("“") + 1
    _, _, _, frame, carets, *_ = told(line, column, column + 1, "write ' instead", 80)
    assert frame.index("“") == carets.index("^")
    assert carets.endswith("^ write ' instead")
    assert told(line, column, column + 1, "write ' instead", 40)[3:6] == [
        "7 | pe: text, text: {text: 'Hi “you”'}}",
        "  |                            ^",
        "  = write ' instead",
    ]
