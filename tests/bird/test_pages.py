"""A page of Bird's list: how it is asked for, and what is taken for one."""

import gzip
import json
from typing import Any

import pytest

from runner.bird.client import MAX_PAGE, BirdClient, Timeouts
from runner.bird.replies import Listed, NoConnection, PageFault, Reply, ReplyLost, off_by_s, read_page
from runner.bird.requests import AccessKey
from runner.model import Accepted, Rejected

from .peer import CHANNEL, PATH, Peer, Script, reply, saying, saying_and_closing, serving

SECRET = "k3y-that-nobody-may-see"
QUERY = {"limit": "100", "startAt": "2026-03-01T09:00:00.000Z", "pageToken": "a+b/c=&x"}


async def page_from(script: Script) -> tuple[Reply | NoConnection | ReplyLost, Peer]:
    timeouts = Timeouts(connect_s=0.5, reply_s=0.5)
    async with (
        serving(script) as peer,
        BirdClient(peer.url, AccessKey(SECRET), concurrency=1, timeouts=timeouts) as bird,
    ):
        try:
            return await bird.page(CHANNEL, QUERY), peer
        except (NoConnection, ReplyLost) as error:
            return error, peer


async def test_a_page_is_asked_for_with_its_query_escaped_and_no_body() -> None:
    got, peer = await page_from(saying(reply("200 OK", b"{}", "Date: Sun, 01 Mar 2026 09:00:00 GMT")))
    assert got == Reply(status=200, retry_after=None, body=b"{}", date="Sun, 01 Mar 2026 09:00:00 GMT")
    first, *lines = peer.heads[0].decode().strip().split("\r\n")
    query = "limit=100&startAt=2026-03-01T09%3A00%3A00.000Z&pageToken=a%2Bb%2Fc%3D%26x"
    assert first == f"GET {PATH}?{query} HTTP/1.1"
    assert f"Authorization: AccessKey {SECRET}" in lines
    assert peer.bodies == [b""]


async def test_a_page_may_be_larger_than_a_reply_to_a_post_but_not_without_bound() -> None:
    whole, _ = await page_from(saying(reply("200 OK", b"x" * MAX_PAGE)))
    assert isinstance(whole, Reply)
    assert whole.body == b"x" * MAX_PAGE
    longer, _ = await page_from(saying(reply("200 OK", b"x" * (MAX_PAGE + 1))))
    assert longer == Reply(status=200, retry_after=None, body=None)


@pytest.mark.parametrize(
    "content",
    [
        reply("200 OK", gzip.compress(b"{}"), "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b'{"results":[',
    ],
    ids=["compressed", "cut"],
)
async def test_a_page_that_is_compressed_or_cut_has_no_body(content: bytes) -> None:
    got, _ = await page_from(saying_and_closing(content))
    assert got == Reply(status=200, retry_after=None, body=None)


async def test_a_redirect_is_not_followed_and_an_echoed_key_is_blotted() -> None:
    got, peer = await page_from(saying(reply("307 Temporary Redirect", SECRET.encode(), "Location: /elsewhere")))
    assert got == Reply(status=307, retry_after=None, body=b"***")
    assert len(peer.heads) == 1


def listing(*items: Any, **more: Any) -> bytes:
    return json.dumps({"results": items, **more}).encode()


def test_ours_are_picked_out_with_their_status_and_others_are_let_pass() -> None:
    refused = {"id": "m-2", "reference": "fp1.B", "status": "rejected", "reason": "no such number"}
    page = read_page(
        listing(
            {"id": "m-1", "reference": "fp1.A", "status": "delivered"},
            refused,
            {"id": "m-3", "reference": "theirs", "status": "sent"},
            {"id": 4, "reference": None},
            {},
            nextPageToken="t",
        ),
        {"fp1.A", "fp1.B"},
    )
    assert page.messages == (
        Listed(reference="fp1.A", message_id="m-1", outcome=Accepted(message_id="m-1")),
        Listed(
            reference="fp1.B",
            message_id="m-2",
            outcome=Rejected(code="rejected", words="no such number", message_id="m-2"),
        ),
    )
    assert page.next_token == "t"


@pytest.mark.parametrize("more", [{}, {"nextPageToken": None}, {"nextPageToken": ""}])
def test_without_a_token_it_is_the_last_page(more: dict[str, Any]) -> None:
    assert read_page(listing(**more), set()).next_token is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b'{"results":[', "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no results"),
        (b"{}", "no results"),
        (b'{"results":{}}', "no results"),
        (b'{"results":null}', "no results"),
        (b'{"results":[1]}', "no message"),
        (b'{"results":[{"reference":"fp1.A"}]}', "without an id"),
        (b'{"results":[{"reference":"fp1.A","id":7}]}', "without an id"),
        (b'{"results":[],"nextPageToken":7}', "page token"),
        (listing(nextPageToken="t" * 8001), "page token"),
    ],
)
def test_what_is_no_page_is_a_fault(body: bytes, words: str) -> None:
    with pytest.raises(PageFault, match=words):
        read_page(body, {"fp1.A"})


def test_the_server_s_clock_is_read_from_its_date() -> None:
    assert off_by_s("Thu, 01 Jan 1970 00:10:00 GMT", 0.0) == 600.0
    assert off_by_s("Thu, 01 Jan 1970 00:00:00 GMT", 600.0) == -600.0
    assert off_by_s("soon", 0.0) is None
    assert off_by_s(None, 0.0) is None
