"""All messages of a plan to look at: found by number, row and words, however many there are."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import LedgerFault
from runner.findings import Place
from runner.model import Message
from runner.plan import Cause, Composed, Forced, Source
from runner.plan.album import Album

from .test_plan import US, message


def one(number: int, text: str = "Hi", *, draft: str = "greet", row: str = "", **more: Any) -> Composed:
    body = {
        "body": {"type": "text", "text": {"text": text}},
        "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": f"+1415555{number:04}"}]},
        "reference": f"fp1.{number}",
    }
    made: Message = message(number, draft=draft, body=json.dumps(body, ensure_ascii=False).encode(), channel=US)
    composed = Composed(
        message=made,
        row=row or f"people#{number}",
        is_suppressed=False,
        encoding="GSM-7",
        scheduled_for=None,
        overrides=(),
        sample=lambda: {"masked": number},
    )
    return composed._replace(**more)


@pytest.fixture
def album() -> Iterator[Album]:
    made = Album(masks=2)
    yield made
    made.close()


def filled(album: Album, *messages: Composed) -> Album:
    list(album.through(messages))
    album.finish()
    return album


def test_what_was_put_in_is_seen_again(album: Album) -> None:
    filled(album, one(1, "Hi Robert"), one(2, "Hi Zoë", draft="other"), one(3))
    shown = album.at(1)
    assert (shown.number, shown.draft, shown.row, shown.text) == (1, "other", "people#2", "Hi Zoë")
    assert shown.address == "phonenumber:+14155550002"
    assert json.loads(album.at(0).body)["reference"] == "fp1.1"
    assert len(album) == 3


def test_suppressed_messages_are_not_shown(album: Album) -> None:
    filled(album, one(1), one(2, is_suppressed=True), one(3))
    assert [album.at(number).row for number in range(len(album))] == ["people#1", "people#3"]


@pytest.mark.parametrize("number", [-1, 3, 10**9])
def test_there_is_no_other_message(album: Album, number: int) -> None:
    filled(album, one(1), one(2), one(3))
    with pytest.raises(IndexError):
        album.at(number)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("robert", [0]),
        ("ROBERT", [0]),
        ("straße", [2]),
        ("STRASSE", [2]),
        ('"quoted"', [1]),
        ("two\nlines", [1]),
        ("people#3", [2]),
        ("+1 (415) 555-0002", [1]),
        ("4155550002", [1]),
        ("hi", [0, 1, 2]),
        ("  ", [0, 1, 2]),
        ("phonenumber", []),
        ("identifierKey", []),
        ("fp1", []),
        ("nobody", []),
        ("x" * 5000, []),
    ],
)
def test_messages_are_found_by_what_people_read(album: Album, words: str, found: list[int]) -> None:
    filled(album, one(1, "Hi Robert"), one(2, 'Hi "quoted"\ntwo\nlines'), one(3, "Hi, Hauptstraße 7"))
    assert list(album.found("greet", words)) == found


def test_only_the_messages_of_one_draft_are_found(album: Album) -> None:
    filled(album, one(1), one(2, draft="other"), one(3, draft="other"))
    assert list(album.found("other", "hi")) == [1, 2]
    assert list(album.found("greet")) == [0]
    assert list(album.found("nothing", "hi")) == []


@given(st.lists(st.text("ab#\0İßé", max_size=6), max_size=12), st.text("ab#İßé", min_size=1, max_size=3))
def test_the_search_finds_what_a_look_at_each_would(texts: list[str], words: str) -> None:
    album = Album()
    try:
        filled(album, *(one(number, text, row=f"r{number}") for number, text in enumerate(texts)))
        expected = [number for number, text in enumerate(texts) if words.casefold() in text.casefold()]
        assert list(album.found("greet", words)) == expected
    finally:
        album.close()


def test_a_row_is_known_by_its_exact_name(album: Album) -> None:
    filled(album, one(1, "people#12", row="People#1"), one(2, row="people#1"), one(3, row="people#12"))
    assert album.of_row("greet", "people#1") == 1
    assert album.of_row("greet", "people#12") == 2
    assert album.of_row("greet", "people") is None
    assert album.of_row("other", "people#1") is None


def test_messages_of_a_kind_are_counted_and_found(album: Album) -> None:
    long = one(2)._replace(message=one(2).message._replace(segments=2), encoding="UCS-2")
    filled(album, one(1), long, one(3, has_gap=True))
    assert [album.count("greet", kind) for kind in ("ucs2", "long", "gap")] == [1, 1, 1]
    assert list(album.found("greet", kind="ucs2")) == [1]
    assert list(album.found("greet", "people#3", "gap")) == [2]


def test_whose_the_strange_characters_are_is_kept(album: Album) -> None:
    place = Place(path="a.yaml", line=3, column=7)
    forced = Forced(
        (Cause("’", Source("text", place=place), "'"), Cause("ë", Source("column", "name"), None)), 1, False
    )
    filled(album, one(1, encoding="UCS-2", forced=lambda: forced), one(2))
    assert album.at(0).forced == forced
    assert album.at(1).forced is None


def test_the_first_of_each_draft_are_kept_masked(album: Album) -> None:
    filled(album, one(1), one(2), one(3), one(4, draft="other"))
    assert [album.at(number).masked for number in range(4)] == [{"masked": 1}, {"masked": 2}, None, {"masked": 4}]


def test_the_riskiest_are_known_and_masked(album: Album) -> None:
    long = one(3, "Hi, " * 90)._replace(message=one(3, "Hi, " * 90).message._replace(segments=3))
    filled(album, one(1), one(2, has_gap=True), long, one(4, draft="other"))
    samples = album.samples("greet")
    assert [(shown.row, risks) for shown, risks in samples][:2] == [
        ("people#3", ("mostSegments", "longest")),
        ("people#2", ("emptyValue",)),
    ]
    assert samples[0][0].masked == {"masked": 3}
    assert album.samples("nothing") == []


def test_an_empty_album_has_nothing(album: Album) -> None:
    filled(album)
    assert len(album) == 0
    assert list(album.found("greet", "x")) == []
    assert album.drafts == {}


def test_what_hears_the_count_can_end_it() -> None:
    class Enough(Exception):
        pass

    def enough(count: int) -> None:
        if count:
            raise Enough

    album = Album(on_count=enough)
    try:
        with pytest.raises(Enough):
            filled(album, *(one(number) for number in range(2000)))
        assert len(album) < 1500
    finally:
        album.close()


def test_a_full_disk_is_said_as_such(album: Album) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        os.dup2(full.fileno(), album._file.fileno())
    with pytest.raises(LedgerFault, match="temporary file of the messages can't be written: No space left"):
        filled(album, *(one(number, "x" * 60_000) for number in range(20)))
