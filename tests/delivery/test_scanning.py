"""Scans of lists that lag, loop, break off and lie."""

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from runner.delivery import scanning
from runner.delivery.getting import Fault, Trouble
from runner.delivery.ports import NoConnection, Reply, ReplyLost
from runner.delivery.scanning import Progress, Scanner, Seen, rfc3339
from runner.model import Channel, Rejected

from .clock import VirtualClock
from .lists import ORIGIN_S, BirdList, Instead, listed, ok, status
from .wire import CHANNEL

A = frozenset({"fp1.A"})


async def scan(bird: BirdList, *, clock: VirtualClock | None = None, since_s: float | None = ORIGIN_S) -> Seen:
    return await Scanner(bird, clock=clock or VirtualClock(), rng=Random(1)).scan(CHANNEL, A, since_s=since_s)


def others(count: int) -> list[dict[str, Any]]:
    return [listed(f"theirs-{number}") for number in range(count)]


async def test_all_pages_are_read_in_a_window_around_what_is_looked_for() -> None:
    bird = BirdList([*others(4), listed("fp1.A")], size=2)
    seen = await scan(bird)
    assert list(seen.messages) == ["fp1.A"]
    assert seen.fault is None
    window = {
        "limit": "100",
        "direction": "outgoing",
        "startAt": "2026-02-28T09:00:00.000Z",
        "endAt": "2026-03-01T09:05:00.000Z",
    }
    assert bird.queries == [window, {**window, "pageToken": "2"}, {**window, "pageToken": "4"}]


async def test_the_first_page_that_tells_birds_time_says_how_far_ahead_its_clock_is() -> None:
    first, second = (f"Sun, 01 Mar 2026 09:0{minute}:00 GMT" for minute in (2, 3))
    pages = {
        1: Reply(status=503, retry_after=None, body=b"", date="Sun, 01 Mar 2026 09:01:00 GMT"),
        2: ok({"results": [], "nextPageToken": "1"}, date=first),
        3: ok({"results": []}, date=second),
    }
    bird = BirdList([], instead=lambda n, _query: pages[n])
    scanner = Scanner(bird, clock=VirtualClock(), rng=Random(1))
    seen = await scanner.scan(CHANNEL, A, since_s=ORIGIN_S)
    assert (seen.fault, round(seen.ahead_s or 0)) == (None, 120)
    assert (await scan(BirdList([]))).ahead_s is None


async def test_without_a_time_to_begin_at_the_whole_list_is_read() -> None:
    bird = BirdList([])
    await scan(bird, since_s=None)
    assert "startAt" not in bird.queries[0]


async def test_one_message_on_two_pages_is_one_and_once_refused_it_stays_so() -> None:
    refused = listed("fp1.A", status="rejected")
    seen = await scan(BirdList([listed("fp1.A"), refused, listed("fp1.A")], size=1))
    (found,) = seen.messages["fp1.A"].values()
    assert isinstance(found.outcome, Rejected)


async def test_two_messages_with_one_reference_are_both_seen() -> None:
    seen = await scan(BirdList([listed("fp1.A", 1), listed("fp1.A", 2)]))
    assert set(seen.messages["fp1.A"]) == {"m-fp1.A-1", "m-fp1.A-2"}


async def test_a_list_without_an_end_is_read_to_a_bound_and_what_was_seen_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scanning, "MOST_PAGES", 20)
    endless = lambda n, _query: ok({"results": [listed(f"fp1.{'A' if n == 3 else n}")], "nextPageToken": str(n)})  # noqa: E731
    bird = BirdList([], instead=endless)
    seen = await scan(bird)
    assert seen.fault is not None
    assert (seen.fault.kind, seen.fault.words) == ("page", "Bird's list goes on after 20 pages")
    assert set(seen.messages) == {"fp1.A"}
    assert len(bird.queries) == 21
    assert (await scan(BirdList(others(20), size=1))).fault is None


def at(number: int, answer: Reply | Exception) -> Instead:
    return lambda n, _query: answer if n == number else None


def always(answer: Reply | Exception) -> Instead:
    return lambda _n, _query: answer


@pytest.mark.parametrize(
    ("instead", "words"),
    [
        (always(ok({"results": [listed("fp1.A")], "nextPageToken": "again"})), "read already"),
        (at(2, ok({"results": [], "nextPageToken": "1"})), "read already"),
        (at(2, ok({"nextPageToken": "2"})), "no results"),
        (at(2, Reply(status=200, retry_after=None, body=b'{"results":[')), "no JSON"),
        (at(2, status(400)), "HTTP 400: because"),
        (at(2, status(202)), "HTTP 202 instead of a list"),
        (at(2, status(204)), "HTTP 204 instead of a list"),
        (at(1, ok({"results": []}, date="Sun, 01 Mar 2026 09:10:00 GMT")), "10 min off"),
        (at(1, ok({"results": []}, date="Sun, 01 Mar 2026 08:50:00 GMT")), "10 min off"),
    ],
)
async def test_what_trying_again_can_not_change_ends_the_scan_at_once(instead: Instead, words: str) -> None:
    bird = BirdList([listed("fp1.A"), *others(1), listed("fp1.A", 2)], size=1, instead=instead)
    seen = await scan(bird)
    assert seen.fault is not None
    assert seen.fault.kind == "page"
    assert words in seen.fault.words
    assert len(bird.queries) <= 2


PASSING = [
    status(500),
    status(503),
    status(408),
    ReplyLost("the connection was closed before a reply came"),
    NoConnection("no connection"),
    Reply(status=200, retry_after=None, body=None),
    status(429),
    status(429, "2"),
]


@pytest.mark.parametrize("trouble", PASSING, ids=repr)
async def test_what_passes_is_tried_again(trouble: Reply | Exception) -> None:
    clock = VirtualClock()
    bird = BirdList([*others(2), listed("fp1.A")], size=1, instead=at(2, trouble))
    seen = await scan(bird, clock=clock)
    assert seen.fault is None
    assert list(seen.messages) == ["fp1.A"]
    assert 0.25 <= clock.elapsed_s <= 3
    assert [query.get("pageToken") for query in bird.queries] == [None, "1", "1", "2"]


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (status(500), "page"),
        (ReplyLost("no whole reply came in time"), "page"),
        (Reply(status=200, retry_after=None, body=None), "page"),
        (NoConnection("no connection"), "unreachable"),
    ],
)
async def test_trying_again_is_bounded_and_what_was_seen_counts(trouble: Reply | Exception, kind: str) -> None:
    bird = BirdList([listed("fp1.A"), *others(3)], size=1, instead=lambda n, _query: trouble if n > 1 else None)
    seen = await scan(bird)
    assert seen.fault is not None
    assert seen.fault.kind == kind
    assert len(bird.queries) == 1 + 4
    assert list(seen.messages) == ["fp1.A"]


@pytest.mark.parametrize(("code", "kind"), [(401, "refused"), (402, "refused"), (403, "refused"), (404, "channel")])
async def test_a_refusal_stops_the_look_up_and_an_unknown_channel_itself(code: int, kind: Trouble) -> None:
    bird = BirdList([], instead=always(status(code)))
    fault = (await scan(bird)).fault
    assert fault == Fault(kind=kind, words=f"HTTP {code}: because")
    assert fault.ends_all == (kind == "refused")
    assert len(bird.queries) == 1


async def test_a_redirect_and_a_certificate_stop_it() -> None:
    redirected = await scan(BirdList([], instead=always(status(302))))
    distrusted = await scan(BirdList([], instead=always(NoConnection("not trusted", is_certificate=True))))
    assert redirected.fault is not None
    assert redirected.fault.kind == "redirect"
    assert distrusted.fault == Fault(kind="certificate", words="not trusted")


async def test_after_ten_minutes_of_429_it_gives_up() -> None:
    clock = VirtualClock()
    seen = await scan(BirdList([], instead=always(status(429, "100"))), clock=clock)
    assert seen.fault is not None
    assert seen.fault.kind == "throttled"
    assert clock.elapsed_s <= 601


async def test_pages_are_asked_for_at_most_forty_times_a_second() -> None:
    clock = VirtualClock()
    bird = BirdList(others(200), size=1)
    assert (await scan(bird, clock=clock)).fault is None
    assert len(bird.queries) == 200
    assert clock.elapsed_s == pytest.approx(199 / 40, abs=0.05)


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert rfc3339(ORIGIN_S + 0.5) == "2026-03-01T09:00:00.500Z"


async def test_its_progress_counts_channels_pages_and_what_was_found_and_tells_of_a_wait() -> None:
    held = Reply(status=429, retry_after="30", body=b"")
    bird = BirdList([*others(1), listed("fp1.A"), *others(1)], size=2, instead=lambda n, _query: {3: held}.get(n))
    clock = VirtualClock()
    scanner = Scanner(bird, clock=clock, rng=Random(1), channels=2, sought=5)
    assert scanner.progress == Progress(channel=0, channels=2, pages=0, found=0, sought=5, waits_s=0.0)
    await scanner.scan(CHANNEL, A, since_s=ORIGIN_S)
    assert scanner.progress == Progress(channel=1, channels=2, pages=2, found=1, sought=5, waits_s=0.0)
    await scanner.scan(CHANNEL, A, since_s=ORIGIN_S)
    assert scanner.progress == Progress(channel=2, channels=2, pages=4, found=2, sought=5, waits_s=0.0)


class Hanging(BirdList):
    """Its second page never comes; `hangs` is called once that is waited for."""

    hangs: Callable[[], object]

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        reply = await super().page(channel, query)
        if len(self.queries) == 2:
            asyncio.get_running_loop().call_soon(self.hangs)
            await asyncio.Event().wait()
        return reply


async def test_an_interrupted_scan_keeps_what_it_saw_and_no_later_one_asks_for_anything() -> None:
    bird = Hanging([listed("fp1.A"), *others(3)], size=2)
    scanner = Scanner(bird, clock=VirtualClock(), rng=Random(1))
    bird.hangs = scanner.interrupt
    seen = await scanner.scan(CHANNEL, A, since_s=ORIGIN_S)
    assert (list(seen.messages), seen.fault) == (["fp1.A"], Fault(kind="interrupted", words="interrupted"))
    later = await scanner.scan(CHANNEL, A, since_s=ORIGIN_S)
    assert (later.messages, later.fault, len(bird.queries)) == ({}, seen.fault, 2)
    await asyncio.sleep(0)  # nothing of the cancellation is left


async def test_a_scan_that_is_cancelled_and_not_interrupted_is_cancelled() -> None:
    bird = Hanging(others(4), size=2)
    task = asyncio.create_task(scan(bird))
    bird.hangs = task.cancel
    with pytest.raises(asyncio.CancelledError):
        await task
