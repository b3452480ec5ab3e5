import json
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bird.replies import Reply, classify, classify_batch, conceal, mask_addresses, may_pass
from runner.model import Accepted, InDoubt, Outcome, RefusedByBird, Rejected, Throttled

from .test_requests import sample

NOW_S = 1_763_769_600.0  # 2025-11-22T00:00:00Z


def outcome(status: int, body: Any = None, retry_after: str | None = None) -> Outcome:
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return classify(Reply(status=status, retry_after=retry_after, body=content), NOW_S)


# 202


def test_bird_s_own_sample_of_an_accepted_message_is_accepted() -> None:
    assert outcome(202, sample("message-accepted")) == Accepted(message_id="123e4567-e89b-12d3-a456-426614174000")


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"id"',
        b"<html>",
        b"\xff\xfe\xfd",
        b'{"id":',
        b'{"id":7}',
        b'{"id":""}',
        b'{"id":null}',
        b'{"id":"' + b"x" * 129 + b'"}',
        b'{"id":"\\ud800"}',
        b'{"id":"a\\u0000b"}',
        b'{"id":"a\\u001b[31m"}',
        b"[" * 60_000,
        b'{"a":' * 13_000,
        b'{"id":' + b"9" * 60_000 + b"}",
        b'{"id":1e999999}',
        b"\x00" * 65_536,
    ],
)
def test_a_202_is_accepted_whatever_its_body_is(body: bytes | None) -> None:
    assert outcome(202, body) == Accepted(message_id=None)


@pytest.mark.parametrize(
    "status", ["accepted", "processing", "scheduled", "sent", "delivered", "skipped", "new", None, 7]
)
def test_a_202_with_any_status_but_rejected_is_accepted(status: Any) -> None:
    assert outcome(202, {"id": "m-1", "status": status}) == Accepted(message_id="m-1")


def test_a_202_that_says_rejected_is_rejected_with_birds_words() -> None:
    body = {
        "id": "m-1",
        "status": "rejected",
        "reason": "details: unknown subscriber; code: 1",
        "details": "unknown_subscriber",
        "failure": {"code": 15005, "description": "Unknown subscriber"},
    }
    assert outcome(202, body) == Rejected(
        code="15005",
        words="Unknown subscriber; details: unknown subscriber; code: 1; unknown_subscriber",
        message_id="m-1",
    )


@pytest.mark.parametrize("failure", [None, 7, [], {}, {"code": True}, {"code": []}, {"code": "", "description": 7}])
def test_a_202_that_says_rejected_needs_no_failure(failure: Any) -> None:
    got = outcome(202, {"id": "m-1", "status": "rejected", "failure": failure, "reason": {}})
    assert got == Rejected(code="rejected", words="rejected by Bird without a reason", message_id="m-1")


# Refusals


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_message_has_birds_code_message_and_details(status: int) -> None:
    body = {
        "code": "InvalidPayload",
        "message": "One or more fields are malformed",
        "details": {".receiver.contacts[0]": ['property "listId" is unsupported', "too few"], ".body": ["missing"]},
    }
    assert outcome(status, body) == Rejected(
        code="InvalidPayload",
        words="One or more fields are malformed; "
        '.receiver.contacts[0]: property "listId" is unsupported, too few; .body: missing',
    )


@pytest.mark.parametrize("body", [None, b"", b"{}", b"nginx", b"[1]", {"code": [], "message": 7, "details": 7}])
def test_a_refusal_stands_whatever_its_body_is(body: Any) -> None:
    assert outcome(422, body) == Rejected(code="HTTP 422", words="no reason given")


def test_details_may_be_a_text_or_a_list() -> None:
    assert outcome(400, {"details": "no such thing"}) == Rejected(code="HTTP 400", words="no such thing")
    assert outcome(400, {"details": ["one", 2, "three"]}) == Rejected(code="HTTP 400", words="one, three")


def test_words_are_short_and_on_one_line() -> None:
    got = outcome(400, {"code": "x" * 600, "message": "a\r\n\tb\x1b[31m\x85c\ud800" + "y" * 60_000})
    assert isinstance(got, Rejected)
    assert got.words.startswith("a b [31m c?y")
    assert len(got.words) == 500
    assert got.words.endswith("…")
    assert got.code == "HTTP 400"  # what is no word may quote anything


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_refused_sender_is_told_apart_from_a_refused_message(status: int) -> None:
    assert outcome(status, {"message": "no"}) == RefusedByBird(status=status, words="no")
    assert outcome(status) == RefusedByBird(status=status, words="no reason given")


# In doubt


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_a_redirect_is_in_doubt_and_stops(status: int) -> None:
    got = outcome(status, b"{}")
    assert isinstance(got, InDoubt)
    assert got.stops


OTHERS = sorted({*range(100, 600), 999} - {202, 400, 401, 402, 403, 404, 413, 422, 429, *range(300, 400)})


@pytest.mark.parametrize(
    "status", [101, 200, 201, 203, 204, 206, 405, 408, 409, 410, 418, 451, 500, 502, 503, 504, 999]
)
def test_any_other_status_proves_nothing(status: int) -> None:
    assert status in OTHERS
    assert outcome(status, {"id": "m-1", "status": "accepted"}) == InDoubt(
        words=f"Bird answered with HTTP {status}, which proves nothing"
    )


def test_every_other_status_is_in_doubt_and_goes_on() -> None:
    for status in OTHERS:
        got = outcome(status)
        assert isinstance(got, InDoubt)
        assert not got.stops


# 429


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("600", 600.0),
        (formatdate(NOW_S + 30, usegmt=True), 30.0),
        (formatdate(NOW_S + 600, usegmt=True), 600.0),
        ("Sat, 22 Nov 2025 01:00:30 +0100", 30.0),
        ("Sat, 22 Nov 2025 00:00:30 -0000", 30.0),
    ],
)
def test_a_retry_after_that_makes_sense_is_heeded(header: str, seconds: float) -> None:
    assert outcome(429, retry_after=header) == Throttled(retry_after_s=seconds)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "-5",
        "1e9",
        "1.5",
        "abc",
        "601",
        "+5",
        "9" * 9,
        "9" * 10_000,
        "٧",
        "7, 8",
        "nan",
        "inf",
        formatdate(NOW_S - 1, usegmt=True),
        formatdate(NOW_S + 601, usegmt=True),
        "Sat, 99 Nov 2025 00:00:00 GMT",
        "Sat, 22 Nov 99999 00:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        ", , ,",
        "\udcff",
    ],
)
def test_a_retry_after_that_makes_none_is_left_to_our_own_backoff(header: str | None) -> None:
    assert outcome(429, retry_after=header) == Throttled(retry_after_s=None)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_retry_after_raises_or_is_out_of_bounds(header: str) -> None:
    got = outcome(429, retry_after=header)
    assert isinstance(got, Throttled)
    assert got.retry_after_s is None or 0 <= got.retry_after_s <= 600


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "status", "failure", "code", "message", "details", "reason", "description"]), inner
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.integers(100, 999), st.one_of(json_values, st.binary(max_size=100), st.just({"status": "rejected"})))
def test_no_reply_raises_and_all_words_can_be_stored(status: int, body: Any) -> None:
    match outcome(status, body):
        case Rejected(code=code, words=words):
            assert 0 < len(code.encode()) <= 400
            assert 0 < len(words.encode()) <= 2000
        case RefusedByBird(words=words):
            assert 0 < len(words.encode()) <= 2000


# People's data


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        ("+14155550100 is no number", "***00 is no number"),
        ("to +1 (415) 555-0134.", "to ***34."),
        ("07700 900123", "***23"),
        ("+44\u20117700\u2011900123", "***23"),
        ("tel:4155550100;x", "tel:***00;x"),
        ("'robert.o+x@acme.example' bounced", "'***' bounced"),
        ("a@b, c@d", "***, ***"),
        ("code 15005, 22 of 160 characters", "code 15005, 22 of 160 characters"),
        (
            "channel 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22 is gone",
            "channel 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22 is gone",
        ),
        (".receiver.contacts[0].identifierValue: bad", ".receiver.contacts[0].identifierValue: bad"),
        ("٠٧٧٠٠٩٠٠١٢٣", "***٢٣"),
    ],
)
def test_addresses_are_masked_and_ids_are_not(words: str, masked: str) -> None:
    assert mask_addresses(words) == masked


def test_birds_words_are_masked_in_every_place_that_is_kept() -> None:
    for status, body in (
        (422, {"code": "no +14155550100", "message": "no +14155550100", "details": {"to": ["x@y.example"]}}),
        (403, {"message": "no +14155550100 x@y.example"}),
        (202, {"status": "rejected", "failure": {"code": 1, "description": "+14155550100"}, "reason": "x@y.example"}),
    ):
        told = repr(outcome(status, body))
        assert "4155550100" not in told
        assert "x@y" not in told


def test_a_number_at_the_cut_is_masked_whole() -> None:
    got = outcome(422, {"message": "x" * 492 + "+14155550100"})
    assert isinstance(got, Rejected)
    assert "4155" not in got.words


def test_texts_of_the_message_are_concealed_the_longest_first() -> None:
    assert conceal("text 'Hi Robert' for Robert is bad", ("Hi Robert", "Robert")) == "text '***' for *** is bad"


# Whether sending again can help


@pytest.mark.parametrize("code", ["12000", "12001", "12004", "12999", "15000", "15004", "15006", "15999"])
def test_failures_of_birds_own_may_pass(code: str) -> None:
    assert may_pass(code)


@pytest.mark.parametrize("code", ["11999", "13000", "14999", "16000", "12002", "12003", "15005"])
def test_other_failures_and_the_lasting_ones_of_bird_do_not(code: str) -> None:
    assert not may_pass(code)


@pytest.mark.parametrize(
    "code", ["", "HTTP 422", "InvalidPayload", "012001", "+12001", "12001 ", "12_001", "１２００１"]
)
def test_what_is_no_code_of_five_digits_does_not(code: str) -> None:
    assert not may_pass(code)


@pytest.mark.parametrize(
    "code", ["Bad +14155550103 Katharina", "14155550103", "a b", "", "naïve", "x" * 65, "a\nb", None, True]
)
def test_a_code_that_is_no_plain_word_is_none(code: Any) -> None:
    got = outcome(422, {"code": code, "message": "no"})
    assert isinstance(got, Rejected)
    assert got.code == "HTTP 422"


@pytest.mark.parametrize("code", ["InvalidPayload", "E01001", "12001", 12001, "a.b:c-d_e"])
def test_a_code_of_one_word_is_kept(code: Any) -> None:
    got = outcome(422, {"code": code, "message": "no"})
    assert isinstance(got, Rejected)
    assert got.code == str(code)


def test_one_or_two_characters_are_hidden_where_they_stand_as_a_word() -> None:
    assert conceal("Dear Jo, join 7 of 70 at Jo7", ["Jo", "7", ""]) == "Dear ***, join *** of 70 at Jo7"


@pytest.mark.parametrize("body", [None, b"", b'{"id":"b-1","messages":[{"id":"m-1","status":"rejected"}]}', b"<html>"])
def test_a_202_to_a_batch_says_nothing_of_any_message_whatever_stands_in_it(body: bytes | None) -> None:
    assert classify_batch(Reply(status=202, retry_after=None, body=body), 0.0) is None


@pytest.mark.parametrize("status", [200, 307, 400, 401, 404, 409, 413, 422, 429, 500])
def test_every_other_reply_to_a_batch_proves_of_all_of_it_what_it_proves_of_one_message(status: int) -> None:
    got = Reply(status=status, retry_after="3", body=b'{"code":"X","message":"no"}')
    assert classify_batch(got, 0.0) == classify(got, 0.0)
