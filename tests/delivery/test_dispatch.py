import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.delivery.dispatch import Settings
from runner.delivery.ports import NoConnection, Reply, ReplyLost
from runner.delivery.tally import Progress, RunResult
from runner.errors import LedgerFault
from runner.ledger.seam import Intent, Settlement
from runner.model import Message, Rate, State, StopAfter, Threshold

from .claims import Watched
from .stage import UNLIMITED, Stage, counts, kind
from .wire import CHANNEL, OTHER_CHANNEL, Answer, accepted, message, messages, status

# The plain way


async def test_everything_is_sent_once_and_recorded() -> None:
    stage = Stage(lambda key, _: accepted(int(key[1:])))
    result = await stage.run(messages(100))
    assert counts(result) == (100, 0, 0, 0)
    assert result.stopped is None
    assert stage.wire.times_posted == Counter({f"k{number:04}": 1 for number in range(100)})
    assert stage.state_counts == {State.ACCEPTED: 100}
    entry = next(entry for entry in stage.ledger.entries() if entry.key == "k0042")
    assert (entry.message_id, entry.attempts, entry.reference) == ("m-42", 1, "fp1.k0042")


async def test_nothing_to_send_is_done_at_once() -> None:
    result = await Stage(lambda _k, _n: accepted()).run([])
    assert counts(result) == (0, 0, 0, 0)
    assert result.stopped is None


async def test_messages_go_in_their_order() -> None:
    stage = Stage(lambda _k, _n: accepted(), settings=replace(UNLIMITED, concurrency=1))
    await stage.run(iter(messages(20)))
    assert [key for _, key in stage.wire.posts] == [f"k{number:04}" for number in range(20)]


async def test_never_more_are_in_flight_than_wanted() -> None:
    stage = Stage(lambda _k, _n: accepted(), takes_s=0.1)
    await stage.run(messages(40))
    assert stage.wire.most_in_flight == 8


async def test_an_intent_is_in_the_ledger_before_its_request_and_never_ahead() -> None:
    def script(key: str, _: int) -> Reply:
        assert stage.states[key] is State.SENDING
        open_ones.append(stage.state_counts[State.SENDING])
        return accepted()

    open_ones: list[int] = []
    stage = Stage(script)
    assert counts(await stage.run(messages(100))) == (100, 0, 0, 0)
    assert max(open_ones) <= 8


async def test_progress_is_told_after_every_outcome() -> None:
    seen: list[Progress] = []
    stage = Stage(lambda key, _: status(422) if key == "k0003" else accepted(), observe=seen.append)
    await stage.run(messages(10))
    assert len(seen) == 10
    assert seen[-1] == Progress(accepted=9, rejected=1, in_doubt=0, waits=0, unconnected=0)


# What each outcome becomes


@pytest.mark.parametrize(
    ("answer", "state", "wanted"),
    [
        (accepted(), State.ACCEPTED, (1, 0, 0, 0)),
        (Reply(status=202, retry_after=None, body=None), State.ACCEPTED, (1, 0, 0, 0)),
        (status(202, status="rejected"), State.REJECTED, (0, 1, 0, 0)),
        (status(422, code="InvalidPayload"), State.REJECTED, (0, 1, 0, 0)),
        (status(500), State.IN_DOUBT, (0, 0, 1, 0)),
        (status(409), State.IN_DOUBT, (0, 0, 1, 0)),
        (status(200), State.IN_DOUBT, (0, 0, 1, 0)),
        (status(307), State.IN_DOUBT, (0, 0, 1, 0)),
        (ReplyLost("cut"), State.IN_DOUBT, (0, 0, 1, 0)),
        (status(401), State.PLANNED, (0, 0, 0, 1)),
        (NoConnection("bad certificate", is_certificate=True), State.PLANNED, (0, 0, 0, 1)),
    ],
)
async def test_an_outcome_is_recorded_and_never_tried_again(
    answer: Reply | Exception, state: State, wanted: tuple[int, int, int, int]
) -> None:
    stage = Stage(lambda _k, _n: answer)
    result = await stage.run(messages(1))
    assert counts(result) == wanted
    assert stage.states == {"k0000": state}
    assert len(stage.wire.posts) == 1


async def test_birds_words_lose_the_text_and_the_address_they_quote() -> None:
    said = "text 'Hello Robert 0' to +14155550100 is too dull"
    stage = Stage(lambda _k, _n: status(422, code="Dull", message=said))
    result = await stage.run(messages(1))
    (entry,) = stage.ledger.entries()
    assert (entry.code, entry.words) == ("Dull", "text '***' to ***00 is too dull")
    assert [problem.words for problem in result.problems] == ["text '***' to ***00 is too dull"]


async def test_the_first_ten_problems_are_told() -> None:
    result = await Stage(lambda _k, _n: status(500)).run(messages(30))
    assert len(result.problems) == 10
    assert {(problem.message, problem.state) for problem in result.problems} == {("announce", State.IN_DOUBT)}


# What stops a run


@pytest.mark.parametrize("code", [401, 402, 403, 404])
async def test_when_bird_refuses_us_the_rest_stays_planned(code: int) -> None:
    stage = Stage(lambda key, _: status(code, message="no") if key == "k0020" else accepted())
    result = await stage.run(messages(100))
    assert kind(result) == "refused"
    assert result.stopped is not None
    assert result.stopped.words.startswith("Bird refuses ")
    assert result.stopped.words.endswith(f"(HTTP {code}): no")
    entry = next(entry for entry in stage.ledger.entries() if entry.key == "k0020")
    assert (entry.state, entry.code, entry.words) == (State.PLANNED, f"HTTP {code}", "no")
    assert counts(result)[1:3] == (0, 0)
    assert 20 <= result.accepted <= 28
    assert result.accepted + result.returned == 100
    assert len(stage.wire.posts) == result.accepted + 1


async def test_a_redirect_stops_the_run_with_that_message_in_doubt() -> None:
    stage = Stage(lambda key, _: status(307) if key == "k0020" else accepted())
    result = await stage.run(messages(100))
    assert kind(result) == "redirect"
    assert stage.states["k0020"] is State.IN_DOUBT
    assert result.in_doubt == 1
    assert result.returned >= 70


async def test_a_bad_certificate_stops_the_run_at_once() -> None:
    stage = Stage(lambda _k, _n: NoConnection("bad certificate", is_certificate=True))
    result = await stage.run(messages(100))
    assert kind(result) == "certificate"
    assert counts(result) == (0, 0, 0, 100)
    assert max(stage.wire.times_posted.values()) == 1


@pytest.mark.parametrize(
    ("answer", "thresholds"),
    [
        (status(422), StopAfter(rejected=Threshold(count=5), in_doubt=Threshold())),
        (status(500), StopAfter(rejected=Threshold(), in_doubt=Threshold(count=5))),
    ],
)
async def test_a_threshold_stops_at_its_count(answer: Reply, thresholds: StopAfter) -> None:
    stage = Stage(lambda _k, _n: answer, settings=replace(UNLIMITED, concurrency=1, stop_after=thresholds))
    result = await stage.run(messages(100))
    assert kind(result) == "threshold"
    assert result.rejected + result.in_doubt == 5
    assert result.returned == 95


async def test_a_share_counts_from_the_twentieth_finished_message_on() -> None:
    five_percent = StopAfter(rejected=Threshold(share=0.05), in_doubt=Threshold())
    only = replace(UNLIMITED, concurrency=1, stop_after=five_percent)
    result = await Stage(lambda key, _: status(422) if key < "k0003" else accepted(), settings=only).run(messages(100))
    assert kind(result) == "threshold"
    assert (result.rejected, result.accepted) == (3, 17)


async def test_the_breaker_opens_when_half_of_twenty_are_in_doubt() -> None:
    stage = Stage(
        lambda key, _: status(500) if int(key[1:]) % 2 else accepted(), settings=replace(UNLIMITED, concurrency=1)
    )
    result = await stage.run(messages(100))
    assert kind(result) == "breaker"
    assert result.accepted + result.in_doubt == 20


async def test_what_is_in_flight_when_a_run_stops_ends_by_itself() -> None:
    stage = Stage(lambda key, _: status(401) if key == "k0000" else after(stage, 18), takes_s=0.1)
    result = await stage.run(messages(100))
    assert counts(result) == (7, 0, 0, 93)
    assert kind(result) == "refused"


# Connections that don't come about


async def test_a_message_is_tried_again_when_no_connection_was_acquired() -> None:
    stage = Stage(lambda key, before: NoConnection("refused") if key == "k0001" and before < 3 else accepted())
    result = await stage.run(messages(3))
    assert counts(result) == (3, 0, 0, 0)
    assert stage.wire.times_posted["k0001"] == 4
    tries = [at_s for at_s, key in stage.wire.posts if key == "k0001"]
    waits = [after - before for before, after in pairwise(tries)]
    for wait_s, longest_s in zip(waits, (0.5, 1.0, 2.0), strict=True):
        assert longest_s / 2 <= wait_s <= longest_s
    assert next(entry.attempts for entry in stage.ledger.entries() if entry.key == "k0001") == 4


async def test_after_four_attempts_bird_is_unreachable() -> None:
    stage = Stage(lambda _k, _n: NoConnection("no connection to h: Connection refused"))
    result = await stage.run(messages(1))
    assert kind(result) == "unreachable"
    assert result.stopped is not None
    assert "refused" in result.stopped.words
    assert len(stage.wire.posts) == 4
    assert stage.states == {"k0000": State.PLANNED}


async def test_retries_end_with_their_budget() -> None:
    stage = Stage(lambda _k, _n: NoConnection("refused"))
    result = await stage.run(messages(1000))
    assert kind(result) == "unreachable"
    assert counts(result) == (0, 0, 0, 1000)
    assert len(stage.wire.posts) <= 8 + 10


async def test_the_more_messages_were_started_the_more_retries_there_are() -> None:
    stage = Stage(
        lambda key, before: NoConnection("refused") if int(key[1:]) % 15 == 14 and not before else accepted(),
        settings=replace(UNLIMITED, concurrency=1),
    )
    result = await stage.run(messages(450))
    assert counts(result) == (450, 0, 0, 0)
    assert len(stage.wire.posts) == 480


async def test_many_workers_without_a_connection_open_the_breaker_at_once() -> None:
    stage = Stage(lambda _k, _n: NoConnection("no route to h"), settings=replace(UNLIMITED, concurrency=64))
    result = await stage.run(messages(1000))
    assert kind(result) == "breaker"
    assert result.stopped is not None
    assert "no route to h" in result.stopped.words
    assert counts(result) == (0, 0, 0, 1000)
    assert len(stage.wire.posts) <= 64


# 429


async def test_a_429_holds_all_workers_until_retry_after() -> None:
    stage = Stage(lambda key, before: status(429, "30") if key == "k0004" and not before else accepted(), takes_s=0.01)
    result = await stage.run(messages(50))
    assert counts(result) == (50, 0, 0, 0)
    asked_s = next(at_s for at_s, key in stage.wire.posts if key == "k0004") + 0.01
    assert not [at_s for at_s, _ in stage.wire.posts if asked_s + 0.005 < at_s < asked_s + 29.99]
    assert stage.wire.times_posted["k0004"] == 2


@pytest.mark.parametrize("header", [None, "-5", "1e9", "abc", "0", "Sat, 01 Jan 2000 00:00:00 GMT"])
async def test_an_odd_retry_after_means_our_own_backoff_and_nothing_is_lost(header: str | None) -> None:
    stage = Stage(lambda _k, before: status(429, header) if before < 3 else accepted())
    result = await stage.run(messages(20))
    assert counts(result) == (20, 0, 0, 0)
    assert set(stage.wire.times_posted.values()) == {4}
    assert 0.25 + 0.5 + 1 <= stage.clock.elapsed_s < 60


async def test_a_storm_of_429s_spends_no_retry_budget_and_opens_no_breaker() -> None:
    stage = Stage(lambda _k, before: status(429, "1") if before < 10 else accepted())
    result = await stage.run(messages(40))
    assert counts(result) == (40, 0, 0, 0)


async def test_after_ten_minutes_of_nothing_but_429_the_run_gives_up() -> None:
    stage = Stage(lambda key, _: accepted() if key < "k0005" else status(429))
    result = await stage.run(messages(50))
    assert kind(result) == "throttled"
    assert counts(result) == (5, 0, 0, 45)
    assert 600 <= stage.clock.elapsed_s < 640
    assert set(stage.states.values()) == {State.ACCEPTED, State.PLANNED}


async def test_with_progress_now_and_then_429s_never_end_a_run() -> None:
    stage = Stage(
        lambda _k, before: status(429, "400") if not before else accepted(),
        settings=replace(UNLIMITED, concurrency=1),
    )
    assert counts(await stage.run(messages(4))) == (4, 0, 0, 0)
    assert stage.clock.elapsed_s >= 1600


async def test_a_429_slows_the_pace() -> None:
    paced = replace(UNLIMITED, workspace_rate=Rate(count=100, per_s=1))
    stage = Stage(lambda key, before: status(429, "1") if key == "k0001" and not before else accepted(), settings=paced)
    await stage.run(messages(200))
    start_s = stage.wire.posts[0][0] + 1
    in_a_second = [at_s for at_s, _ in stage.wire.posts if start_s <= at_s < start_s + 1]
    assert 68 <= len(in_a_second) <= 75


# Pace


async def test_the_workspaces_pace_is_kept() -> None:
    stage = Stage(lambda _k, _n: accepted(), settings=replace(UNLIMITED, workspace_rate=Rate(count=50, per_s=1)))
    await stage.run(messages(200))
    assert 3.9 <= stage.clock.elapsed_s <= 4.1


async def test_a_channels_own_pace_narrows_that_of_its_workspace() -> None:
    stage = Stage(lambda _k, _n: accepted(), settings=replace(UNLIMITED, workspace_rate=Rate(count=50, per_s=1)))
    await stage.run(messages(30, OTHER_CHANNEL))
    assert 2.7 <= stage.clock.elapsed_s <= 3.1


async def test_unlimited_lifts_the_channels_pace_too() -> None:
    stage = Stage(lambda _k, _n: accepted())
    await stage.run(messages(100, OTHER_CHANNEL))
    assert stage.clock.elapsed_s == 0


async def test_a_slow_channel_does_not_hold_up_another_one() -> None:
    paced = replace(UNLIMITED, workspace_rate=Rate(count=50, per_s=1))
    stage = Stage(lambda _k, _n: accepted(), settings=paced)
    slow = replace(OTHER_CHANNEL, rate=Rate(count=1, per_s=1))
    await stage.run([message(number, slow if number < 4 else CHANNEL) for number in range(50)])
    quick = [at_s - stage.clock.started_s for at_s, key in stage.wire.posts if key >= "k0004"]
    assert max(quick) < 1.2


# Being stopped


def stopping(stage: Stage, key: str, act: Callable[[], None], then: Callable[[], Answer]) -> None:
    """Once this key is posted, act; it is answered by `then`."""

    def script(posted: str, _: int) -> Answer:
        if posted == key:
            act()
        return then() if posted >= key else accepted()

    stage.wire._script = script


async def after(stage: Stage, seconds: float) -> Reply:
    await stage.clock.sleep(seconds)
    return accepted()


async def test_at_the_first_signal_what_is_in_flight_may_end() -> None:
    stage = Stage(lambda _k, _n: accepted())
    stopping(stage, "k0020", stage.control.stop, lambda: after(stage, 4.9))
    result = await stage.run(messages(100))
    assert kind(result) == "interrupted"
    assert result.in_doubt == 0
    assert result.accepted == len(stage.wire.posts)
    assert 21 <= result.accepted <= 28
    assert result.accepted + result.returned == 100


async def test_what_is_not_back_within_the_drain_time_is_in_doubt() -> None:
    stage = Stage(lambda _k, _n: accepted())
    stopping(stage, "k0020", stage.control.stop, lambda: after(stage, 5.1))
    result = await stage.run(messages(100))
    assert kind(result) == "interrupted"
    assert 1 <= result.in_doubt <= 8
    assert stage.state_counts[State.IN_DOUBT] == result.in_doubt
    assert stage.state_counts[State.SENDING] == 0
    assert stage.clock.elapsed_s == pytest.approx(5.0)
    assert sum(counts(result)) == 100


async def test_the_doubts_that_an_interruption_makes_reach_no_threshold() -> None:
    strict = replace(UNLIMITED, stop_after=StopAfter(rejected=Threshold(), in_doubt=Threshold(count=1)))
    stage = Stage(lambda _k, _n: accepted(), settings=strict)
    stopping(stage, "k0020", stage.control.stop, lambda: after(stage, 60))
    assert kind(await stage.run(messages(100))) == "interrupted"


async def test_messages_that_wait_for_the_pace_go_back_without_a_trace() -> None:
    slow = replace(UNLIMITED, workspace_rate=Rate(count=1, per_s=60))
    stage = Stage(lambda _k, _n: accepted(), settings=slow)
    stopping(stage, "k0000", stage.control.stop, accepted)
    result = await stage.run(messages(100))
    assert counts(result) == (1, 0, 0, 99)
    assert stage.states == {"k0000": State.ACCEPTED}
    assert stage.clock.elapsed_s <= 5  # and not the minute that the next one had to wait


async def test_at_the_second_signal_those_too_go_back_without_a_trace() -> None:
    slow = replace(UNLIMITED, workspace_rate=Rate(count=1, per_s=60))
    stage = Stage(lambda _k, _n: accepted(), settings=slow)
    stopping(stage, "k0001", stage.control.leave, accepted)
    result = await stage.run(messages(100))
    assert kind(result) == "interrupted"
    assert sum(counts(result)) == 100
    assert {"k0000", "k0001"} <= set(stage.states)
    assert len(stage.states) < 8  # the others of the eight waited, and left no trace


@pytest.mark.parametrize("answer", [status(429, "500"), NoConnection("refused")], ids=["429", "unconnected"])
async def test_messages_that_wait_to_be_tried_again_go_back_as_planned(answer: Answer) -> None:
    stage = Stage(lambda _k, _n: answer)

    async def stop_soon() -> None:
        await stage.clock.sleep(0.1)
        stage.control.stop()

    soon = asyncio.create_task(stop_soon())
    result = await stage.run(messages(8))
    await soon
    assert kind(result) == "interrupted"
    assert counts(result) == (0, 0, 0, 8)
    assert set(stage.states.values()) == {State.PLANNED}
    assert stage.clock.elapsed_s < 6  # and not the time that they had to wait


async def test_a_run_that_was_stopped_before_it_began_sends_nothing() -> None:
    stage = Stage(lambda _k, _n: accepted())
    stage.control.stop()
    assert stage.control.is_stopping
    result = await stage.run(messages(10))
    assert counts(result) == (0, 0, 0, 10)
    assert kind(result) == "interrupted"
    assert stage.wire.posts == []


async def test_a_signal_after_the_last_message_changes_nothing() -> None:
    stage = Stage(lambda _k, _n: accepted())
    stopping(stage, "k0009", stage.control.stop, accepted)
    result = await stage.run(messages(10))
    assert counts(result) == (10, 0, 0, 0)
    assert result.stopped is None


async def test_no_request_goes_out_when_the_run_stops_while_its_intent_is_written() -> None:
    stage = Stage(lambda _k, _n: accepted(), settings=replace(UNLIMITED, concurrency=1))
    loop = asyncio.get_running_loop()
    assert stage.claim is not None
    stage.claim = Watched(stage.claim, after=lambda: loop.call_soon_threadsafe(stage.control.stop))
    result = await stage.run(messages(10))
    assert stage.wire.posts == []
    assert counts(result) == (0, 0, 0, 10)
    assert stage.states == {"k0000": State.PLANNED}


async def test_at_the_second_signal_the_run_is_left_at_once_and_what_was_in_flight_stays_sending() -> None:
    stage = Stage(lambda _k, _n: accepted())
    stopping(stage, "k0020", stage.control.leave, lambda: after(stage, 3))
    result = await stage.run(messages(100))
    assert kind(result) == "interrupted"
    assert stage.clock.elapsed_s == 0
    assert 1 <= stage.state_counts[State.SENDING] <= 8
    assert result.in_doubt == stage.state_counts[State.SENDING]
    assert result.accepted == stage.state_counts[State.ACCEPTED]
    assert sum(counts(result)) == 100


async def test_a_cancelled_run_leaves_no_worker_behind() -> None:
    stage = Stage(lambda _k, _n: asyncio.get_running_loop().create_future())
    run = asyncio.create_task(stage.run(messages(100)))
    await asyncio.sleep(0.05)
    assert stage.wire.in_flight == 8
    run.cancel()
    await asyncio.wait([run])
    assert run.cancelled()
    assert stage.wire.in_flight == 0
    assert stage.state_counts == {State.SENDING: 8}


async def test_a_cancelled_run_leaves_nobody_waiting_for_the_pace() -> None:
    stage = Stage(lambda _k, _n: accepted(), settings=replace(UNLIMITED, workspace_rate=Rate(count=1, per_s=60)))
    workers: set[asyncio.Task[None]] = set()

    def cancel(_: Progress) -> None:
        workers.update(task for task in asyncio.all_tasks() if task.get_name() == "flypast-worker")
        run.cancel()

    stage.observe = cancel
    run = asyncio.create_task(stage.run(messages(100)))
    await asyncio.wait([run])
    assert run.cancelled()
    assert len(workers) == 8
    assert all(worker.done() for worker in workers)
    assert len(stage.states) < 8  # the others of them waited, and left no trace


# When the ledger fails


def failing(stage: Stage, when: Callable[[Sequence[Settlement], Sequence[Intent]], bool]) -> None:
    def before(settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        if when(settlements, intents):
            raise LedgerFault("the ledger's disk is full", hint="make room")

    assert stage.claim is not None
    stage.claim = Watched(stage.claim, before=before)


async def test_without_a_durable_intent_nothing_is_sent() -> None:
    stage = Stage(lambda _k, _n: accepted())
    failing(stage, lambda _s, intents: bool(intents))
    result = await stage.run(messages(100))
    assert kind(result) == "ledger"
    assert result.stopped is not None
    assert (result.stopped.words, result.stopped.hint) == ("the ledger's disk is full", "make room")
    assert stage.wire.posts == []
    assert counts(result) == (0, 0, 0, 100)


async def test_an_outcome_that_cannot_be_written_stops_at_once_and_is_in_doubt() -> None:
    stage = Stage(lambda _k, _n: accepted())
    failing(stage, lambda settlements, _i: any(each.key == "k0020" for each in settlements))
    result = await stage.run(messages(100))
    assert kind(result) == "ledger"
    assert stage.states["k0020"] is State.SENDING  # which the next start takes for in doubt
    assert 1 <= result.in_doubt <= 8
    assert result.in_doubt == stage.state_counts[State.SENDING]
    assert len(stage.wire.posts) <= 28
    assert sum(counts(result)) == 100


async def test_after_a_ledger_fault_replies_are_awaited_for_the_drain_time_only() -> None:
    stage = Stage(lambda key, _: after(stage, 1000) if key != "k0000" else accepted(), takes_s=0.1)
    failing(stage, lambda settlements, _i: bool(settlements))
    result = await stage.run(messages(100))
    assert kind(result) == "ledger"
    assert stage.clock.elapsed_s == pytest.approx(5.1)
    assert result.in_doubt == 8


async def test_a_message_that_the_ledger_does_not_hold_as_sendable_ends_the_run_and_loses_no_outcome() -> None:
    stage = Stage(lambda _k, _n: accepted(), settings=replace(UNLIMITED, concurrency=4))
    result = await stage.run([*messages(20), message(3), *messages(40)[30:]])
    assert kind(result) == "ledger"
    assert stage.wire.times_posted["k0003"] == 1
    assert set(stage.states.values()) == {State.ACCEPTED}
    assert result.accepted == len(stage.wire.posts)
    assert result.in_doubt == 0


# Mistakes of ours


async def test_a_mistake_in_the_transport_stops_the_run_settles_and_surfaces() -> None:
    stage = Stage(lambda key, _: ZeroDivisionError() if key == "k0020" else accepted(), takes_s=0.1)
    with pytest.raises(ZeroDivisionError):
        await stage.run(messages(100))
    assert stage.states["k0020"] is State.IN_DOUBT
    assert stage.state_counts[State.SENDING] == 0
    assert stage.state_counts[State.ACCEPTED] == len(stage.wire.posts) - 1
    assert len(stage.wire.posts) <= 28


async def test_a_mistake_in_the_observer_stops_the_run_and_loses_no_outcome() -> None:
    def observe(progress: Progress) -> None:
        if progress.accepted == 20:
            raise ZeroDivisionError

    stage = Stage(lambda _k, _n: accepted(), observe=observe)
    with pytest.raises(ZeroDivisionError):
        await stage.run(messages(100))
    assert stage.state_counts[State.ACCEPTED] == len(stage.wire.posts) < 100
    assert stage.state_counts[State.SENDING] == 0


async def test_messages_that_cannot_be_read_stop_the_run() -> None:
    def broken() -> Iterator[Message]:
        yield from messages(20)
        raise LedgerFault("the temporary file can't be read")

    stage = Stage(lambda _k, _n: accepted())
    result = await stage.run(broken())
    assert kind(result) == "ledger"
    assert result.accepted == len(stage.wire.posts) > 0
    assert stage.state_counts[State.SENDING] == 0


# Several reasons


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"k0000": status(307), "k0001": status(401)}, "refused"),
        ({"k0000": status(401), "k0001": status(307)}, "refused"),
        ({"k0000": status(307), "k0001": NoConnection("x", is_certificate=True)}, "redirect"),
    ],
)
async def test_of_several_reasons_the_gravest_is_told_and_of_equals_the_first(
    answers: dict[str, Answer], wanted: str
) -> None:
    stage = Stage(lambda key, _: answers[key], takes_s=0.1, settings=replace(UNLIMITED, concurrency=2))
    assert kind(await stage.run(messages(2))) == wanted


async def test_a_refusal_outranks_an_interruption() -> None:
    stage = Stage(lambda _k, _n: status(401))
    stopping(stage, "k0000", stage.control.stop, lambda: status(401))
    assert kind(await stage.run(messages(10))) == "refused"


# Whatever happens


class Chaos:
    """Answers by chance; remembers what it let through, as Bird's own list would."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self.taken: Counter[str] = Counter()

    def __call__(self, key: str, _: int) -> Answer:
        event = self._rng.choices(
            ["take", "429", "unconnected", "reject", "500 taken", "500", "cut taken", "cut", "401", "307", "odd 202"],
            [60, 10, 4, 4, 1, 1, 1, 1, 0.3, 0.3, 2],
        )[0]
        if event in ("take", "500 taken", "cut taken", "odd 202"):
            self.taken[key] += 1
        answers: dict[str, Answer] = {
            "take": accepted(),
            "odd 202": Reply(status=202, retry_after=None, body=b"<html>"),
            "429": status(429, self._rng.choice([None, "1", "abc"])),
            "unconnected": NoConnection("refused"),
            "reject": status(422),
            "401": status(401),
            "307": status(307),
        }
        return answers.get(event) or (status(500) if event.startswith("500") else ReplyLost("cut"))


@given(st.integers(0, 2**32), st.integers(1, 16))
@settings(max_examples=25, deadline=None)
def test_nothing_is_ever_sent_twice_or_lost_unseen(seed: int, concurrency: int) -> None:
    chaos = Chaos(seed)

    async def run() -> tuple[RunResult, Stage]:
        usual = StopAfter(rejected=Threshold(share=0.5), in_doubt=Threshold(count=10))
        stage = Stage(chaos, settings=Settings(concurrency=concurrency, workspace_rate=None, stop_after=usual))
        return await stage.run(messages(60)), stage

    result, stage = asyncio.run(run())
    held = stage.states
    assert all(count == 1 for count in chaos.taken.values())
    assert {key for key in chaos.taken if held[key] not in (State.ACCEPTED, State.IN_DOUBT)} == set()
    assert {key for key, state in held.items() if state is State.ACCEPTED} <= set(chaos.taken)
    assert State.SENDING not in held.values()
    assert result.accepted == stage.state_counts[State.ACCEPTED]
    assert result.rejected == stage.state_counts[State.REJECTED]
    assert result.in_doubt == stage.state_counts[State.IN_DOUBT]
    assert sum(counts(result)) == 60
    assert result.stopped is not None or result.returned == 0
