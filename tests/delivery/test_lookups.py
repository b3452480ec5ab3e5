"""Lists of channels that loop, break off and lie."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from runner.bird.channels import ChannelSeen
from runner.delivery.getting import Fault
from runner.delivery.lookups import MOST_PAGES, LookUps
from runner.delivery.ports import NoConnection, Reply, ReplyLost

from .clock import VirtualClock
from .wire import CHANNEL

Answer = Reply | Exception


def ok(document: Any, date: str | None = None) -> Reply:
    return Reply(status=200, retry_after=None, body=json.dumps(document).encode(), date=date)


class Wire:
    """`Looks` by a script, which gets the number of the request, from 1, and its query."""

    def __init__(self, script: Callable[[int, Mapping[str, str]], Answer], clock: VirtualClock) -> None:
        self._script = script
        self._clock = clock
        self.at_s: list[float] = []

    async def look(self, path: str, query: Mapping[str, str]) -> Reply:
        assert path.startswith("/workspaces/")
        self.at_s.append(self._clock.monotonic_s())
        answer = self._script(len(self.at_s), query)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def listed(script: Callable[[int, Mapping[str, str]], Answer]) -> tuple[list[ChannelSeen] | Fault, Wire]:
    wire = Wire(script, clock := VirtualClock())
    return await LookUps(wire, clock=clock, rng=Random(1)).channels(CHANNEL.workspace_id), wire


async def test_a_token_that_comes_again_ends_the_list() -> None:
    found, wire = await listed(lambda _n, _query: ok({"results": [], "nextPageToken": "a"}))
    assert isinstance(found, Fault)
    assert ("leads back" in found.words, len(wire.at_s)) == (True, 2)


async def test_a_list_without_end_has_one_and_keeps_to_the_pace() -> None:
    found, wire = await listed(lambda n, _query: ok({"results": [{}], "nextPageToken": str(n)}))
    assert isinstance(found, Fault)
    assert len(wire.at_s) == MOST_PAGES + 1
    gaps = [later - earlier for earlier, later in zip(wire.at_s, wire.at_s[1:], strict=False)]
    assert min(gaps) >= 1 / 40 - 1e-6


@pytest.mark.parametrize(
    "page",
    [[], {}, {"results": {}}, {"results": [7]}, *({"results": [], "nextPageToken": each} for each in (5, "x" * 9000))],
    ids=range(6),
)
async def test_what_is_no_page_is_a_fault(page: Any) -> None:
    found, wire = await listed(lambda _n, _query: ok(page))
    assert isinstance(found, Fault)
    assert len(wire.at_s) == 1, "another shape stays another shape"


@pytest.mark.parametrize(
    "broken",
    [
        Reply(status=200, retry_after=None, body=None),
        Reply(status=200, retry_after=None, body=b'{"results": ['),
        Reply(status=200, retry_after=None, body=b"[" * 100_000),
        Reply(status=200, retry_after=None, body=b"\xff\xfe"),
        Reply(status=503, retry_after=None, body=b""),
        ReplyLost("the reply was garbled"),
        NoConnection("refused"),
    ],
    ids=str,
)
async def test_what_is_garbled_is_asked_for_again_and_not_for_ever(broken: Answer) -> None:
    found, wire = await listed(lambda n, _query: broken if n == 1 else ok({"results": [{"id": "c"}]}))
    assert isinstance(found, list)
    assert len(wire.at_s) == 2
    found, wire = await listed(lambda _n, _query: broken)
    assert isinstance(found, Fault)
    assert len(wire.at_s) == 4


async def test_a_429_is_waited_for_as_long_as_it_says_and_at_most_ten_minutes() -> None:
    busy = Reply(status=429, retry_after="7", body=b"")
    found, wire = await listed(lambda n, _query: busy if n < 3 else ok({"results": []}))
    assert found == []
    assert wire.at_s[2] - wire.at_s[0] >= 14
    found, wire = await listed(lambda _n, _query: busy)
    assert isinstance(found, Fault)
    assert found.kind == "throttled"
    assert wire.at_s[-1] - wire.at_s[0] <= 600


async def test_a_certificate_and_a_redirect_are_not_tried_again() -> None:
    for answer in (NoConnection("no trust", is_certificate=True), Reply(status=307, retry_after=None, body=b"")):
        found, wire = await listed(lambda _n, _query, answer=answer: answer)  # type: ignore[misc]
        assert isinstance(found, Fault)
        assert len(wire.at_s) == 1


async def test_birds_time_is_told() -> None:
    clock = VirtualClock()
    wire = Wire(lambda _n, _query: ok({"id": "c"}, date="Sun, 01 Mar 2026 09:02:00 GMT"), clock)
    looks = LookUps(wire, clock=clock, rng=Random(1))
    await looks.channel(CHANNEL)
    assert (round(looks.ahead_s or 0), looks.statuses) == (120, {200})
