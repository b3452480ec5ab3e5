"""What a page of Bird's list says became of messages, and what its codes mean."""

import json
from typing import Any

import pytest

from runner.bird.failures import meaning
from runner.bird.replies import PageFault
from runner.bird.statuses import LONGEST_WORD, Status, StatusPage, read_statuses


def read(*items: Any, **more: Any) -> StatusPage:
    return read_statuses(json.dumps({"results": items, **more}).encode())


def one(**fields: Any) -> Status:
    (status,) = read({"id": "m-1", "status": "sent", **fields}).statuses
    return status


def test_a_message_says_who_it_is_how_far_it_came_and_why_it_failed() -> None:
    failure = {"code": 15005, "description": "UNDELIVERABLE", "source": {"code": "1", "name": "sms-messagebird"}}
    assert one(reference="r", status="delivery_failed", lastStatusAt="2026-03-01T09:00:00Z", failure=failure) == Status(
        message_id="m-1",
        reference="r",
        status="delivery_failed",
        at="2026-03-01T09:00:00Z",
        code="15005",
        source="sms-messagebird 1",
    )


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (None, (None, None)),
        ("UNDELIVERABLE", (None, None)),
        ({}, (None, None)),
        ({"code": 15001, "source": {"name": "contact"}}, ("15001", "contact")),
        ({"code": "15001", "source": {"code": 34}}, ("15001", "34")),
        ({"code": "+1 415 555 0100", "source": {"name": "+14155550100", "code": "a b"}}, (None, None)),
        ({"code": True, "source": "sms"}, (None, None)),
    ],
)
def test_a_failure_of_any_other_form_gives_what_can_be_read(failure: Any, told: tuple[str | None, str | None]) -> None:
    status = one(failure=failure)
    assert (status.code, status.source) == told


@pytest.mark.parametrize("item", [{}, {"id": "m-1"}, {"id": 7, "status": "sent"}, {"id": "", "status": "sent"}])
def test_a_message_without_an_id_or_a_status_says_nothing(item: Any) -> None:
    assert read(item, {"id": "m-1", "status": 3}, {"id": "m-1", "status": " \t"}).statuses == ()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("queued_by_carrier", "queued_by_carrier"),
        ("Queued  by\ncarrier", "Queued by carrier"),
        ("<script>", "<script>"),
        ("\x1b[31mred\x1b[0m\x00", "[31mred [0m"),
        ("for +14155550100", "for ***00"),
        ("a\u2028b\ud83d", "a b?"),
        ("x" * 10_000, "x" * (LONGEST_WORD - 1) + "…"),
        ("x_" * 50, "x_" * 31 + "x…"),
    ],
)
def test_a_word_that_nobody_knows_is_kept_on_one_line_and_short(said: str, kept: str) -> None:
    assert one(status=said).status == kept


def test_a_time_or_reference_that_is_none_is_left_out() -> None:
    status = one(reference={"a": 1}, lastStatusAt=7)
    assert (status.reference, status.at) == (None, None)
    assert one(lastStatusAt="9" * 100).at is None


def test_a_page_leads_to_the_next() -> None:
    assert read(nextPageToken="2") == StatusPage(statuses=(), next_token="2")
    assert read().next_token is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"results":{}}', b'{"results":[3]}', b"[" * 100_000])
def test_what_is_no_page_is_a_fault(body: bytes) -> None:
    with pytest.raises(PageFault, match="a page of Bird's list"):
        read_statuses(body)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("11002", "INVALID_INPUT: the message is not as Bird wants it"),
        ("15005", "the carrier could not deliver it: an unknown subscriber, for example"),
        ("11999", "Bird's check of the message refused it"),
        ("12999", "a service of Bird's failed"),
        ("14000", "something to set right in your account at Bird"),
        ("15999", "the platform or the carrier failed"),
        ("13000", None),
        ("InvalidPayload", None),
        ("150055", None),
    ],
)
def test_a_code_means_what_bird_says_of_it_or_else_of_its_range(code: str, words: str | None) -> None:
    assert meaning(code) == words
