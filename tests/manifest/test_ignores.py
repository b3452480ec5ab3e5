"""`# flypast: ignore[CODE] reason`: what it silences, what it can't, and what is no such comment."""

from pathlib import Path

import pytest

from runner.findings import Findings, Place
from runner.manifest.documents import load_document

HEAD = "apiVersion: flypast/v1\n"


def told(text: str, *warnings: tuple[str, int], severity: str = "warning") -> list[tuple[str, int]]:
    """The findings that are left of these (code, line) in a file with this text, and what its comments give."""
    findings = Findings()
    load_document(text.encode(), Path("m.yaml"), "m.yaml", findings)
    for code, line in warnings:
        (findings.warning if severity == "warning" else findings.error)(code, "m", Place(path="m.yaml", line=line))
    findings.note_unused()
    return [(finding.code, finding.place.line) for finding in findings.sorted()]


def test_a_comment_silences_its_line() -> None:
    assert told(HEAD + "name: x  # flypast: ignore[MSG609] looked at\nedition: y", ("MSG609", 2)) == []


@pytest.mark.parametrize("between", ["", "\n", "# more\n", "  \n# a\n\n"])
def test_a_comment_of_its_own_line_silences_the_next_that_is_none(between: str) -> None:
    text = f"{HEAD}# flypast: ignore[MSG609] looked at\n{between}name: x\n"
    assert told(text, ("MSG609", 3 + between.count("\n"))) == []


def test_a_comment_at_a_block_silences_all_of_the_block_and_no_more() -> None:
    text = HEAD + "a: |  # flypast: ignore[MSG609] looked at\n  one\n  two\nb: x\n"
    assert told(text, ("MSG609", 2), ("MSG609", 4)) == []
    assert told(text, ("MSG609", 2), ("MSG609", 5)) == [("MSG609", 5)]


def test_a_comment_above_a_text_of_several_lines_silences_all_of_it() -> None:
    text = HEAD + '# flypast: ignore[MSG609] looked at\na: "one\n  two"\nb: x\n'
    assert told(text, ("MSG609", 4)) == []


def test_several_codes_share_a_reason() -> None:
    text = HEAD + "name: x # flypast: ignore[MSG609, RCP537] both\n"
    assert told(text, ("MSG609", 2), ("RCP537", 2), ("MSG603", 2)) == [("MSG603", 2)]


def test_what_stands_inside_a_text_is_no_comment() -> None:
    for text in (
        'a: "x # flypast: ignore[MSG609] y"\n',
        "a: 'x\n  # flypast: ignore[MSG609] y'\n",
        "a: |\n  x\n  # flypast: ignore[MSG609] y\n",
        "a: x#flypast:ignore[MSG609] y\n",
    ):
        line = 2 + text.split("flypast")[0].count("\n")
        assert told(HEAD + text, ("MSG609", line)) == [("MSG609", line)]


def test_an_error_is_told_all_the_same_and_the_comment_with_it() -> None:
    text = HEAD + "name: x # flypast: ignore[MSG609] looked at\n"
    assert told(text, ("MSG609", 2), severity="error") == [("MSG609", 2), ("YML131", 2)]


def test_a_comment_that_meets_nothing_is_a_warning() -> None:
    text = HEAD + "name: x # flypast: ignore[MSG609] looked at\n"
    assert told(text) == [("YML131", 2)]
    assert told(text, ("MSG609", 3), ("MSG603", 2)) == [("MSG603", 2), ("YML131", 2), ("MSG609", 3)]


@pytest.mark.parametrize(
    "comment",
    ["ignore", "ignore[] why", "ignore [MSG609] why", "ignore[MSG609]", "ignore[MSG609]  ", "ignore[MSG609] - ",
     "ignore[MSG999] why", "ignore[msg609] why", "ignore[MSG609 why", "ignor[MSG609] why", "disable [MSG609] why"],
)  # fmt: skip
def test_a_comment_without_a_code_or_a_reason_is_an_error(comment: str) -> None:
    assert told(f"{HEAD}name: x # flypast: {comment}\n", ("MSG609", 2)) == [("MSG609", 2), ("YML130", 2)]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n", "\n  # and that was it", "\n...\n"])
def test_a_comment_below_all_else_ignores_nothing(end: str) -> None:
    assert told(f"{HEAD}name: x\n# flypast: ignore[MSG609] looked at{end}", ("MSG609", 2)) == [
        ("MSG609", 2),
        ("YML131", 3),
    ]


def test_one_mistake_with_a_comment_gives_one_finding() -> None:
    assert told(HEAD + "name: x # flypast: ignored by me\n") == []


def test_a_file_full_of_comments_takes_no_longer_than_it_is_long() -> None:
    text = HEAD + "".join(f"k{n}: v # flypast: ignore[MSG609] why\n" for n in range(5_000))
    assert len(told(text)) == 5_000


def test_capitals_of_the_comment_count_little() -> None:
    assert told(HEAD + "name: x # Flypast: Ignore[MSG609] looked at\n", ("MSG609", 2)) == []


def test_a_comment_about_what_only_a_plan_tells_is_used_or_not_by_a_plan() -> None:
    findings = Findings()
    text = HEAD + "name: x # flypast: ignore[POL828] slow on purpose\n"
    load_document(text.encode(), Path("m.yaml"), "m.yaml", findings)
    findings.note_unused(beyond={"POL828"})
    assert findings.sorted() == ()
