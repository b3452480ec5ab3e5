"""Several messages in one request: what each reply proves, and what Bird's list tells of each message."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from runner.delivery.batching import gather
from runner.delivery.dispatch import Settings
from runner.delivery.finding import MOST_PAGES, PATIENCE_S
from runner.delivery.ports import NoConnection, Reply, ReplyLost
from runner.errors import LedgerFault
from runner.ledger.seam import Intent, Settlement
from runner.model import Channel, QuietHours, Rate, State, StopAfter, Then, Threshold

from .claims import Watched
from .clock import VirtualClock
from .stage import NEVER, UNLIMITED, Stage, counts, kind
from .wire import CHANNEL, OTHER_CHANNEL, message, messages, status

BATCHED = replace(UNLIMITED, concurrency=20, batch=10)
TAKEN = Reply(status=202, retry_after=None, body=b'{"id":"b-1","messages":[]}')


@dataclass
class Bird:
    """Takes batches and lists what was in them. `answer` gives what a batch gets, by its number from 0.

    `shown` says how a message is listed: a status, or None where it is in no list.
    """

    clock: VirtualClock
    answer: Callable[[int], Reply | Exception] = lambda _: TAKEN
    shown: Callable[[str], str | None] = lambda _: "delivered"
    takes_s: float = 0.0
    lag_s: float = 0.0
    most_shown: int = 1000
    list_answer: Callable[[int], Reply | Exception | None] = lambda _: None
    batches: list[list[str]] = field(default_factory=list)
    posted_s: list[float] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    queries: list[Mapping[str, str]] = field(default_factory=list)
    listed: list[tuple[float, str]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    async def post_batch(self, channel: Channel, bodies: Sequence[bytes]) -> Reply:
        del channel
        references = [json.loads(body)["reference"] for body in bodies]
        number = len(self.batches)
        self.batches.append(references)
        self.posted_s.append(self.clock.monotonic_s())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await self.clock.sleep(self.takes_s)
        self.in_flight -= 1
        answer = self.answer(number)
        if isinstance(answer, Exception):
            raise answer
        if answer.status == 202:
            self.listed += [(self.clock.monotonic_s() + self.lag_s, each) for each in references]
        return answer

    async def post(self, channel: Channel, body: bytes) -> Reply:
        del channel
        self.alone.append(json.loads(body)["reference"])
        return Reply(status=202, retry_after=None, body=b'{"id":"m-1"}')

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        del channel
        self.queries.append(query)
        answer = self.list_answer(len(self.queries) - 1)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        seen = [each for at_s, each in reversed(self.listed) if at_s <= self.clock.monotonic_s() and self.shown(each)]
        start, most = int(query.get("pageToken", 0)), min(self.most_shown, int(query["limit"]))
        page: dict[str, Any] = {"results": [self._item(each) for each in seen[start : start + most]]}
        if start + most < len(seen):
            page["nextPageToken"] = str(start + most)
        return Reply(status=200, retry_after=None, body=json.dumps(page).encode())

    def _item(self, reference: str) -> dict[str, Any]:
        shown = self.shown(reference)
        failure = {"failure": {"code": 11002, "description": "INVALID_INPUT"}} if shown == "rejected" else {}
        return {"id": f"id-{reference}", "reference": reference, "status": shown, **failure}


@dataclass
class Batched(Stage):
    """`script` is for what goes alone."""

    bird: Bird = field(init=False)
    settings: Settings = BATCHED

    @classmethod
    def of(cls, settings: Settings = BATCHED, **bird: Any) -> "Batched":
        stage = cls(script=lambda *_: TAKEN, settings=settings)
        stage.bird = Bird(stage.clock, **bird)
        stage.transport = stage.batches = stage.bird
        return stage

    def entries(self) -> dict[str, tuple[State, str | None, str | None]]:
        return {entry.key: (entry.state, entry.message_id, entry.code) for entry in self.ledger.entries()}


async def test_a_batch_is_one_request_and_each_message_has_its_own_id_from_the_list() -> None:
    stage = Batched.of()
    result = await stage.run(messages(25))
    assert counts(result) == (25, 0, 0, 0)
    assert [len(batch) for batch in stage.bird.batches] == [10, 10, 5]
    assert [reference for batch in stage.bird.batches for reference in batch] == [m.reference for m in messages(25)]
    assert stage.entries()["k0007"] == (State.ACCEPTED, "id-fp1.k0007", None)
    assert stage.bird.alone == []


async def test_one_that_is_left_over_goes_by_itself() -> None:
    stage = Batched.of()
    assert counts(await stage.run(messages(11))) == (11, 0, 0, 0)
    assert (len(stage.bird.batches), stage.bird.alone) == (1, ["fp1.k0010"])


async def test_no_more_are_in_flight_than_concurrency_says_and_a_batch_is_in_flight_until_it_is_listed() -> None:
    stage = Batched.of(replace(BATCHED, concurrency=25), takes_s=1.0, lag_s=5.0)
    await stage.run(messages(60))
    assert stage.bird.most_in_flight == 2
    assert stage.bird.posted_s[2] - stage.bird.posted_s[0] >= 6.0


async def test_a_message_that_bird_rejects_later_is_found_with_its_code_and_the_others_are_accepted() -> None:
    stage = Batched.of(shown=lambda each: "rejected" if each.endswith("3") else "accepted")
    result = await stage.run(messages(20))
    assert counts(result) == (18, 2, 0, 0)
    assert stage.entries()["k0013"] == (State.REJECTED, "id-fp1.k0013", "11002")
    assert stage.entries()["k0014"] == (State.ACCEPTED, "id-fp1.k0014", None)


async def test_what_the_list_does_not_show_is_in_doubt_after_a_minute() -> None:
    stage = Batched.of(shown=lambda each: None if each == "fp1.k0004" else "sent")
    result = await stage.run(messages(10))
    assert counts(result) == (9, 0, 1, 0)
    assert stage.states["k0004"] is State.IN_DOUBT
    assert result.problems[0].words == "Bird took the batch that it was in, and has not listed it since"
    assert PATIENCE_S <= stage.clock.elapsed_s < PATIENCE_S + 5


async def test_a_list_that_lags_is_asked_again_ever_more_rarely() -> None:
    stage = Batched.of(lag_s=30.0)
    assert counts(await stage.run(messages(10))) == (10, 0, 0, 0)
    assert 10 < len(stage.bird.queries) < 25


async def test_a_lost_reply_puts_its_batch_in_doubt_and_no_other() -> None:
    stage = Batched.of(answer=lambda number: ReplyLost("the connection broke") if number == 1 else TAKEN)
    result = await stage.run(messages(30))
    assert counts(result) == (20, 0, 10, 0)
    in_doubt = {key for key, state in stage.states.items() if state is State.IN_DOUBT}
    assert in_doubt == {f"k{number:04}" for number in range(10, 20)}
    assert stage.bird.alone == []


@pytest.mark.parametrize("code", [200, 408, 409, 418, 500, 503])
async def test_a_reply_that_proves_nothing_puts_the_batch_in_doubt(code: int) -> None:
    stage = Batched.of(answer=lambda _: status(code))
    assert counts(await stage.run(messages(10))) == (0, 0, 10, 0)
    assert len(stage.bird.queries) == 1, "only the one before the first batch"


@pytest.mark.parametrize("code", [400, 413, 422])
async def test_a_batch_that_is_refused_as_a_whole_rejects_nobody_and_each_goes_by_itself(code: int) -> None:
    stage = Batched.of(answer=lambda number: status(code, None, code="Bad", message="no") if number == 0 else TAKEN)
    result = await stage.run(messages(20))
    assert counts(result) == (20, 0, 0, 0)
    assert sorted(stage.bird.alone) == [each.reference for each in messages(10)]
    assert len(stage.bird.batches) == 2


@pytest.mark.parametrize("code", [401, 402, 403, 404])
async def test_a_batch_that_is_refused_to_us_stops_the_run_and_nothing_is_sent(code: int) -> None:
    stage = Batched.of(replace(BATCHED, concurrency=10), answer=lambda _: status(code, None, message="Hello Robert 4"))
    result = await stage.run(messages(30))
    assert (counts(result), kind(result)) == ((0, 0, 0, 30), "refused")
    assert set(stage.states.values()) == {State.PLANNED}
    assert result.stopped is not None
    assert "Hello Robert" not in result.stopped.words
    assert ("batch/messages" in result.stopped.words) == (code in (403, 404))
    assert "Hello Robert" not in str(list(stage.ledger.entries()))


async def test_a_429_sends_the_whole_batch_again() -> None:
    stage = Batched.of(answer=lambda number: status(429, "3") if number == 0 else TAKEN)
    assert counts(await stage.run(messages(10))) == (10, 0, 0, 0)
    assert (stage.bird.batches[0], len(stage.bird.batches)) == (stage.bird.batches[1], 2)
    assert stage.bird.posted_s[1] - stage.bird.posted_s[0] >= 3.0


async def test_no_connection_is_tried_again_with_the_whole_batch_and_then_ends_the_run() -> None:
    stage = Batched.of(answer=lambda _: NoConnection("refused"))
    result = await stage.run(messages(10))
    assert (counts(result), kind(result)) == ((0, 0, 0, 10), "unreachable")
    assert len(stage.bird.batches) == 4


async def test_a_redirect_of_a_batch_is_not_followed_and_ends_the_run() -> None:
    stage = Batched.of(answer=lambda _: status(307))
    result = await stage.run(messages(40))
    assert kind(result) == "redirect"
    assert (result.in_doubt, result.returned) == (20, 20)


async def test_at_least_once_sends_what_is_in_doubt_again_one_by_one() -> None:
    stage = Batched.of(
        replace(BATCHED, is_at_least_once=True),
        answer=lambda number: ReplyLost("lost") if number == 0 else TAKEN,
    )
    result = await stage.run(messages(20))
    assert counts(result) == (20, 0, 0, 0)
    assert sorted(stage.bird.alone) == [each.reference for each in messages(10)]
    assert result.doubles == 10


async def test_one_lost_batch_reaches_the_threshold_and_nothing_more_goes_out() -> None:
    stop = StopAfter(rejected=Threshold(), in_doubt=Threshold(count=10))
    stage = Batched.of(replace(BATCHED, concurrency=10, stop_after=stop), answer=lambda _: ReplyLost("lost"))
    result = await stage.run(messages(40))
    assert (counts(result), kind(result)) == ((0, 0, 10, 30), "threshold")


async def test_a_batch_waits_for_the_pace_of_all_its_messages() -> None:
    stage = Batched.of(replace(BATCHED, workspace_rate=Rate(count=20, per_s=1)))
    await stage.run(messages(40))
    began = [entry.intended_at for entry in stage.ledger.entries()]
    assert Counter(at[-7:] for at in began) == {"00.000Z": 10, "00.500Z": 10, "01.000Z": 10, "01.500Z": 10}


async def test_messages_of_two_channels_never_share_a_batch() -> None:
    mixed = [message(n, OTHER_CHANNEL if n // 4 % 2 else CHANNEL) for n in range(12)]
    stage = Batched.of()
    assert counts(await stage.run(mixed)) == (12, 0, 0, 0)
    assert sorted(stage.bird.batches) == [[each.reference for each in mixed[at : at + 4]] for at in (0, 4, 8)]


async def test_a_batch_ends_where_its_wave_does() -> None:
    stage = Batched.of(replace(BATCHED, waves=(4,)))
    assert counts(await stage.run(messages(20))) == (20, 0, 0, 0)
    assert sorted(map(len, stage.bird.batches)) == [4, 6, 10]


async def test_what_was_sent_before_or_has_its_own_reference_goes_by_itself() -> None:
    odd = [
        message(0)._replace(held=State.REJECTED),
        message(1)._replace(reference="order-7", body=message(1).body.replace(b"fp1.k0001", b"order-7")),
    ]
    stage = Batched.of()
    assert counts(await stage.run([*odd, *messages(12)[2:]])) == (12, 0, 0, 0)
    assert (stage.bird.alone, [len(batch) for batch in stage.bird.batches]) == (["fp1.k0000", "order-7"], [10])


def test_a_batch_is_no_larger_than_bird_is_known_to_take() -> None:
    long = [each._replace(body=b"x" * 60_000) for each in messages(5)]
    group, left_over = gather(long[0], iter(long[1:]).__next__, most=5)
    assert (group, left_over) == (long[:3], long[3])


@pytest.mark.parametrize(
    ("answer", "stops"),
    [
        (status(403), "refused"),
        (status(404), "refused"),
        (status(302), "redirect"),
        (NoConnection("no", is_certificate=True), "certificate"),
        (NoConnection("no"), "unreachable"),
        (status(500), "unreachable"),
        (Reply(status=200, retry_after=None, body=b"[]"), "unreachable"),
    ],
)
async def test_nothing_goes_out_in_batches_where_the_list_can_not_be_read(answer: Any, stops: str) -> None:
    stage = Batched.of(list_answer=lambda _: answer)
    result = await stage.run(messages(30))
    assert (counts(result), kind(result)) == ((0, 0, 0, 30), stops)
    assert (stage.bird.batches, stage.states) == ([], {})


async def test_a_list_that_is_refused_meanwhile_leaves_its_batch_in_doubt_and_ends_the_run() -> None:
    stage = Batched.of(list_answer=lambda number: status(401) if number else None)
    result = await stage.run(messages(60))
    assert kind(result) == "refused"
    assert (result.accepted, result.rejected) == (0, 0)
    assert result.in_doubt == 10 * len(stage.bird.batches) <= 20


CUT = Reply(status=200, retry_after=None, body=b"{")


@pytest.mark.parametrize("bad", [status(500), status(429, "2"), ReplyLost("cut"), CUT])
async def test_a_list_that_fails_for_a_while_is_read_again(bad: Any) -> None:
    stage = Batched.of(list_answer=lambda number: bad if 1 <= number < 6 else None)
    assert counts(await stage.run(messages(10))) == (10, 0, 0, 0)


async def test_pages_are_smaller_where_bird_refuses_large_ones() -> None:
    def answer(number: int) -> Reply | None:
        return status(422) if stage.bird.queries[number]["limit"] == "1000" else None

    stage = Batched.of(list_answer=answer, most_shown=4)
    assert counts(await stage.run(messages(20))) == (20, 0, 0, 0)
    assert [query["limit"] for query in stage.bird.queries[:2]] == ["1000", "100"]
    assert {query["limit"] for query in stage.bird.queries[1:]} == {"100"}


async def test_a_look_at_a_list_without_an_end_ends_and_the_next_one_begins_anew() -> None:
    def answer(number: int) -> Reply | None:
        endless = Reply(status=200, retry_after=None, body=b'{"results":[],"nextPageToken":"%d"}' % number)
        return endless if number <= MOST_PAGES else None

    stage = Batched.of(list_answer=answer)
    assert counts(await stage.run(messages(10))) == (10, 0, 0, 0)
    assert len(stage.bird.queries) == MOST_PAGES + 2
    assert "pageToken" not in stage.bird.queries[-1]


async def test_the_window_begins_with_the_oldest_batch_by_birds_own_clock() -> None:
    """Ours is hours off."""
    date = "Sat, 21 Nov 2026 10:00:00 GMT"
    stage = Batched.of(
        list_answer=lambda number: (
            Reply(status=200, retry_after=None, body=b'{"results":[]}', date=date) if number < 3 else None
        ),
        lag_s=2.0,
    )
    assert counts(await stage.run(messages(10))) == (10, 0, 0, 0)
    assert {query["startAt"][:17] for query in stage.bird.queries[1:]} == {"2026-11-21T09:59:"}


async def test_a_signal_gives_the_list_five_seconds_and_the_rest_is_in_doubt() -> None:
    stage = Batched.of(shown=lambda each: "sent" if each.endswith("1") else None, lag_s=1.0)

    async def interrupt() -> None:
        await stage.clock.sleep(3.0)
        stage.control.stop()

    task = asyncio.create_task(interrupt())
    result = await stage.run(messages(60))
    await task
    assert kind(result) == "interrupted"
    assert counts(result) == (2, 0, 18, 40)
    assert stage.clock.elapsed_s < 9.0


async def test_quiet_hours_that_begin_hold_back_what_is_in_them_and_the_others_go() -> None:
    hours = QuietHours(begin_min=0, end_min=1439, zone="recipient", then=Then.SKIP)
    quiet = [each._replace(zones=("UTC",) if n % 2 else ()) for n, each in enumerate(messages(10))]
    stage = Batched.of(replace(BATCHED, quiet_hours=hours))
    result = await stage.run(quiet)
    assert (counts(result), result.kept) == ((5, 0, 0, 5), 5)
    assert stage.bird.batches == [[each.reference for each in quiet[::2]]]


async def test_deferred_messages_go_in_a_batch_with_their_own_times() -> None:
    hours = QuietHours(begin_min=0, end_min=1439, zone="recipient", then=Then.DEFER)
    quiet = [each._replace(zones=("UTC",)) for each in messages(10)]
    stage = Batched.of(replace(BATCHED, quiet_hours=hours))
    result = await stage.run(quiet)
    assert (counts(result), result.deferred) == ((10, 0, 0, 0), 10)


def test_a_batch_larger_than_what_may_be_in_flight_is_no_setting() -> None:
    with pytest.raises(ValueError, match="a batch of 9 at a concurrency of 8"):
        Settings(concurrency=8, batch=9, workspace_rate=None, stop_after=NEVER)


# Ends


def failing(stage: Batched, fails: Callable[[Sequence[Settlement], Sequence[Intent]], bool]) -> None:
    def before(settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        if fails(settlements, intents):
            raise LedgerFault("the ledger's disk is full")

    stage.claim = Watched(stage.claim or pytest.fail("no claim"), before=before)


async def test_the_intents_of_a_batch_are_one_commit_before_its_request() -> None:
    stage = Batched.of()
    watched = Watched(stage.claim or pytest.fail("no claim"))
    stage.claim = watched
    await stage.run(messages(10))
    assert watched.sizes == [(0, 10), (10, 0)]


async def test_intents_that_can_not_be_written_stop_the_run_and_nothing_is_posted() -> None:
    stage = Batched.of()
    failing(stage, lambda _, intents: bool(intents))
    result = await stage.run(messages(40))
    assert (counts(result), kind(result)) == ((0, 0, 0, 40), "ledger")
    assert (stage.bird.batches, stage.states) == ([], {})


async def test_outcomes_that_can_not_be_written_count_as_in_doubt_whatever_bird_says() -> None:
    stage = Batched.of(replace(BATCHED, concurrency=10))
    failing(stage, lambda settlements, _: bool(settlements))
    result = await stage.run(messages(40))
    assert (counts(result), kind(result)) == ((0, 0, 10, 30), "ledger")
    assert stage.state_counts == {State.SENDING: 10}


async def test_a_mistake_of_ours_amid_a_batch_stops_the_run_settles_and_surfaces() -> None:
    stage = Batched.of(answer=lambda number: ZeroDivisionError() if number == 1 else TAKEN)
    with pytest.raises(ZeroDivisionError):
        await stage.run(messages(100))
    assert stage.states["k0010"] is State.IN_DOUBT
    assert stage.state_counts[State.SENDING] == 0
    assert len(stage.bird.batches) <= 4


async def test_a_second_signal_leaves_at_once_and_what_is_looked_for_stays_open() -> None:
    stage = Batched.of(lag_s=100.0)

    async def interrupt() -> None:
        await stage.clock.sleep(2.0)
        stage.control.stop()
        stage.control.leave()

    task = asyncio.create_task(interrupt())
    result = await stage.run(messages(60))
    await task
    assert (counts(result), kind(result)) == ((0, 0, 20, 40), "interrupted")
    assert stage.state_counts == {State.SENDING: 20}
    assert stage.clock.elapsed_s < 3.0


async def test_a_reply_that_comes_after_the_time_to_drain_leaves_its_batch_in_doubt() -> None:
    stage = Batched.of(takes_s=30.0)

    async def interrupt() -> None:
        await stage.clock.sleep(1.0)
        stage.control.stop()

    task = asyncio.create_task(interrupt())
    result = await stage.run(messages(60))
    await task
    assert (counts(result), kind(result)) == ((0, 0, 20, 40), "interrupted")
    assert {problem.words for problem in result.problems} == {"the run ended before a reply came"}


async def test_a_stop_while_intents_are_written_posts_nothing() -> None:
    stage = Batched.of(replace(BATCHED, concurrency=10))
    loop = asyncio.get_running_loop()
    halt = lambda _s, intents: intents and loop.call_soon_threadsafe(stage.control.stop)  # noqa: E731
    stage.claim = Watched(stage.claim or pytest.fail("no claim"), before=halt, after=lambda: time.sleep(0.01))
    result = await stage.run(messages(40))
    assert (counts(result), kind(result)) == ((0, 0, 0, 40), "interrupted")
    assert (stage.bird.batches, set(stage.states.values())) == ([], {State.PLANNED})


async def test_a_stop_while_a_batch_waits_for_the_pace_leaves_it_planned() -> None:
    stage = Batched.of(replace(BATCHED, workspace_rate=Rate(count=1, per_s=1)))

    async def interrupt() -> None:
        await stage.clock.sleep(5.0)
        stage.control.stop()

    task = asyncio.create_task(interrupt())
    result = await stage.run(messages(40))
    await task
    assert (counts(result), kind(result)) == ((10, 0, 0, 30), "interrupted")


async def test_a_batch_that_is_all_in_quiet_hours_is_kept() -> None:
    hours = QuietHours(begin_min=0, end_min=1439, zone="recipient", then=Then.SKIP)
    stage = Batched.of(replace(BATCHED, quiet_hours=hours))
    result = await stage.run([each._replace(zones=("UTC",)) for each in messages(20)])
    assert (counts(result), result.kept, stage.bird.batches) == ((0, 0, 0, 20), 20, [])


async def test_a_message_that_a_moving_list_shows_twice_is_found_once() -> None:
    stage = Batched.of()
    page = stage.bird._item

    def twice(number: int) -> Reply | None:
        if not number:
            return None
        items = [page(each) for _, each in stage.bird.listed]
        return Reply(status=200, retry_after=None, body=json.dumps({"results": [*items, *items]}).encode())

    stage.bird.list_answer = twice
    assert counts(await stage.run(messages(10))) == (10, 0, 0, 0)


async def test_settings_with_batches_need_a_way_for_them() -> None:
    stage = Batched.of()
    stage.batches = None
    with pytest.raises(ValueError, match="a way out of their own"):
        await stage.run(messages(1))
