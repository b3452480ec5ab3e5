"""Tables and folded lines: never wider than the terminal, nothing lost in a pipe, and colours add nothing."""

import re

from hypothesis import given
from hypothesis import strategies as st

from runner.output.cells import cells, cut, folded
from runner.output.sheet import Sheet
from runner.output.tables import Column, states, table

from .hostile import COUNTS, NAMES, TEXTS, WIDTHS

STATES = states("new", "accepted", "rejected", "inDoubt", "drift", "skipped")
COLUMNS = [Column("messages"), *STATES, Column("segments")]
ROWS = st.lists(st.tuples(NAMES, st.lists(COUNTS | st.just(0), min_size=8, max_size=8)), max_size=6)
WORDED = [Column("status", is_text=True), Column("number", is_text=True), Column("id", is_text=True, is_whole=True)]
WORDED_ROWS = st.lists(st.tuples(NAMES, st.lists(TEXTS, min_size=3, max_size=3)), max_size=6)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SPRING = [("announce", [1204, 1180, 0, 0, 0, 0, 24, 1391]), ("last-call", [1, 1, 0, 0, 0, 0, 0, 1])]


def lines(text: "str | list[str]") -> list[str]:
    return (text if isinstance(text, str) else "\n".join(text)).split("\n")


@given(ROWS, WIDTHS, st.booleans())
def test_a_table_of_counts_is_never_wider_than_the_terminal(
    rows: list[tuple[str, list[int]]], width: int, is_coloured: bool
) -> None:
    assert all(cells(line) <= width for line in lines(list(table(COLUMNS, rows, Sheet(is_coloured, width)))))


@given(WORDED_ROWS, WIDTHS, st.booleans())
def test_a_table_of_words_is_never_wider_than_the_terminal(
    rows: list[tuple[str, list[str]]], width: int, is_coloured: bool
) -> None:
    assert all(cells(line) <= width for line in lines(list(table(WORDED, rows, Sheet(is_coloured, width)))))


@given(ROWS, WIDTHS)
def test_every_count_stands_in_the_table_at_every_width(rows: list[tuple[str, list[int]]], width: int) -> None:
    shown = "\n".join(table(COLUMNS, rows, Sheet(width=width)))
    wanted = [f"{count:,}" for _, counts in rows for count in counts if count]
    assert all(count in re.sub(r"\s+", "", shown) for count in wanted)


@given(ROWS)
def test_in_a_pipe_every_name_is_whole_and_numbers_end_below_their_heads(rows: list[tuple[str, list[int]]]) -> None:
    head, *told = table(COLUMNS, rows, Sheet())
    assert len(told) == len(rows)
    for (name, _), line in zip(rows, told, strict=True):
        assert line.startswith(f"  {name}")
        assert cells(line) == cells(head)


@given(ROWS, WIDTHS)
def test_colours_change_no_letter(rows: list[tuple[str, list[int]]], width: int) -> None:
    plain, coloured = (list(table(COLUMNS, rows, Sheet(is_on, width))) for is_on in (False, True))
    assert [COLOUR.sub("", line).rstrip() for line in coloured] == [line.rstrip() for line in plain]


def test_a_table_gives_up_what_says_nothing_first_then_middles_of_names_then_its_columns() -> None:
    def at(width: int) -> list[str]:
        return lines(list(table(COLUMNS, SPRING, Sheet(width=width))))

    assert "in doubt  drift" in at(90)[0]
    assert at(60) == [
        "             messages    new  skipped  segments",
        "  announce      1,204  1,180       24     1,391",
        "  last-call         1      1        -         1",
    ]
    assert at(40) == [
        "  announce",
        "    messages 1,204, new 1,180,",
        "    skipped 24, segments 1,391",
        "  last-call",
        "    messages 1, new 1, segments 1",
    ]


def test_names_are_never_cut_to_the_same() -> None:
    rows = [(f"a-campaign-with-a-long-name-{which}-of-the-year-2026", [1]) for which in ("spring", "summer")]
    told = list(table([Column("messages")], rows, Sheet(width=30)))
    assert told[0] == "  a-campaign-with-a-long-name-\n  spring-of-the-year-2026"
    assert told[2] == "  a-campaign-with-a-long-name-\n  summer-of-the-year-2026"


def test_a_state_has_its_colour_and_none_has_none() -> None:
    _, row = table(states("accepted", "rejected"), [("a", [3, 0])], Sheet(True))
    assert "\x1b[32m3\x1b[0m" in row
    assert "31m" not in row


@given(TEXTS, WIDTHS, st.integers(0, 19))
def test_folded_lines_are_never_too_wide_and_lose_no_word(text: str, width: int, indent: int) -> None:
    shown = f"{'x' * indent}{folded(text, width, indent=indent)}"
    assert all(cells(line) <= width for line in shown.split("\n"))
    assert re.sub(r"\s", "", shown.removeprefix("x" * indent)) == re.sub(r"\s", "", text)
    kept = re.split("[ \n]", shown.removeprefix("x" * indent))
    assert [word for word in text.split(" ") if word and cells(word) <= 12 and word not in kept] == []


@given(NAMES, st.integers(1, 60))
def test_a_cut_name_fits_and_keeps_both_ends(name: str, width: int) -> None:
    shown = cut(name, width)
    assert cells(shown) <= width
    if cells(name) > width > 8:
        head, _, tail = shown.partition("…") if "…" not in name else ("", "", "")
        assert name.startswith(head)
        assert name.endswith(tail)


def test_a_fold_keeps_together_what_belongs_together() -> None:
    assert folded("number 1, MMS yes, 3f2c1f0a-7a44-4b0e-8f", 23) == "number 1, MMS yes,\n3f2c1f0a-7a44-4b0e-8f"
    assert folded("CA 44, US 39, AT 12, AU 12", 20) == "CA 44, US 39,\nAT 12, AU 12"
    assert folded("a\x1b[31mb c\x1b[0m", 2) == "a\x1b[31mb\nc\x1b[0m"


def test_words_after_an_indent_stay_within_the_width() -> None:
    words = "none yet at .git/flypast/ledger.db: the first send makes it"
    assert folded(words, None, indent=23) == words
    lines = ("x" * 23 + folded(words, 50, indent=23)).splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 50 for line in lines)
    assert all(line.startswith(" " * 23) for line in lines[1:])
    assert " ".join(line[23:] for line in lines) == words
