"""At-least-once: what is in doubt is sent again, a few times, and never taken for unsent."""

from collections import Counter
from dataclasses import replace

import pytest

from runner.delivery.dispatch import Settings
from runner.delivery.ports import NoConnection, ReplyLost
from runner.errors import LedgerFault
from runner.model import Message, State, StopAfter, Threshold

from .claims import Watched
from .stage import UNLIMITED, Stage, counts, kind
from .wire import Answer, accepted, message, messages, status

AGAIN = replace(UNLIMITED, is_at_least_once=True)
LOST = ReplyLost("reset")


def scripted(*answers: Answer, settings: Settings = AGAIN) -> Stage:
    """The n-th request of each message gets the n-th answer."""
    return Stage(lambda _key, before: answers[before], settings=settings)


async def test_by_default_nothing_in_doubt_is_sent_again() -> None:
    stage = scripted(LOST, settings=UNLIMITED)
    assert counts(await stage.run(messages(3))) == (0, 0, 3, 0)
    assert stage.wire.times_posted.total() == 3


async def test_what_is_in_doubt_is_sent_again_and_its_double_is_counted() -> None:
    stage = scripted(LOST, accepted())
    result = await stage.run(messages(3))
    assert counts(result) == (3, 0, 0, 0)
    assert result.doubles == 3
    assert [(entry.state, entry.attempts) for entry in stage.ledger.entries()] == [(State.ACCEPTED, 2)] * 3


async def test_after_three_requests_it_stays_in_doubt() -> None:
    stage = scripted(LOST, LOST, LOST)
    result = await stage.run(messages(2))
    assert counts(result) == (0, 0, 2, 0)
    assert set(stage.wire.times_posted.values()) == {3}
    assert result.doubles == 4


async def test_between_two_requests_there_is_time() -> None:
    stage = scripted(LOST, LOST, LOST)
    await stage.run(messages(1))
    first, second, third = (at for at, _ in stage.wire.posts)
    assert second - first >= 0.25
    assert third - second >= 0.5


async def test_the_retry_budget_bounds_what_is_sent_again() -> None:
    settings = replace(AGAIN, concurrency=1)
    stage = scripted(*[LOST] * 3, settings=settings)
    result = await stage.run(messages(15))
    assert kind(result) == "breaker"
    assert stage.wire.times_posted.total() == result.in_doubt + 10


async def test_a_retried_doubt_reaches_no_threshold_and_a_lasting_one_does() -> None:
    stop_after = StopAfter(rejected=Threshold(), in_doubt=Threshold(count=1))
    stage = scripted(LOST, LOST, accepted(), settings=replace(AGAIN, stop_after=stop_after, concurrency=1))
    assert counts(await stage.run(messages(3))) == (3, 0, 0, 0)
    stage = scripted(LOST, LOST, LOST, settings=replace(AGAIN, stop_after=stop_after, concurrency=1))
    result = await stage.run(messages(3))
    assert (counts(result), kind(result)) == ((0, 0, 1, 2), "threshold")


async def test_a_redirect_is_not_followed_by_another_request() -> None:
    stage = scripted(status(307))
    result = await stage.run(messages(1))
    assert (counts(result), kind(result)) == ((0, 0, 1, 0), "redirect")


@pytest.mark.parametrize(
    ("then", "words"),
    [
        (status(422, code="InvalidPayload", message="no"), "sent again, Bird refused it (InvalidPayload): no"),
        (status(402, message="no credit"), "not sent again: no credit"),
    ],
)
async def test_a_refusal_proves_nothing_of_the_request_before_it(then: Answer, words: str) -> None:
    stage = scripted(LOST, then)
    result = await stage.run(messages(1))
    (entry,) = stage.ledger.entries()
    assert counts(result) == (0, 0, 1, 0)
    assert entry.state is State.IN_DOUBT
    assert entry.words == f"an earlier request may have gone out; {words}"


async def test_no_connection_and_a_429_prove_nothing_of_the_request_before_them() -> None:
    seen: list[State] = []

    stage = scripted(LOST, NoConnection("refused"), status(429), accepted())
    stage.claim = Watched(stage.claim, after=lambda: seen.extend(stage.states.values()))  # type: ignore[arg-type]
    assert counts(await stage.run(messages(1))) == (1, 0, 0, 0)
    assert State.PLANNED not in seen
    assert Counter(seen)[State.IN_DOUBT] == 3


async def test_what_the_signal_keeps_from_its_next_request_stays_in_doubt() -> None:
    stage = scripted(LOST, accepted())
    stage.observe = lambda _: stage.control.stop()
    result = await stage.run(messages(1))
    assert (counts(result), kind(result)) == ((0, 0, 1, 0), "interrupted")
    assert stage.states == {"k0000": State.IN_DOUBT}


async def test_what_the_ledger_keeps_from_its_next_request_stays_in_doubt() -> None:
    def full(_settlements: object, intents: object) -> None:
        if intents and len(stage.wire.posts):
            raise LedgerFault("full")

    stage = scripted(LOST, accepted())
    stage.claim = Watched(stage.claim, before=full)  # type: ignore[arg-type]
    result = await stage.run(messages(1))
    assert (counts(result), kind(result)) == ((0, 0, 1, 0), "ledger")


def held(state: State) -> list[Message]:
    return [message(0)._replace(held=state)]


async def left(stage: Stage, state: State) -> None:
    """The ledger has the message so, from an earlier run."""
    await Stage(lambda _k, _n: LOST, claim=stage.claim).run(messages(1))
    if state is State.ABSENT:
        entry = stage.ledger.held["k0000"]
        stage.ledger.held["k0000"] = replace(entry, state=State.ABSENT)


async def test_what_an_earlier_run_left_in_doubt_goes_again_where_the_plan_says_so() -> None:
    stage = scripted(accepted())
    await left(stage, State.IN_DOUBT)
    result = await stage.run(held(State.IN_DOUBT))
    assert (counts(result), result.closed, result.doubles) == ((1, 0, 0, 0), 1, 1)
    assert stage.states == {"k0000": State.ACCEPTED}


async def test_what_an_earlier_run_left_in_doubt_stays_so_when_it_is_not_sent() -> None:
    stage = scripted(*[NoConnection("refused")] * 4)
    await left(stage, State.IN_DOUBT)
    result = await stage.run(held(State.IN_DOUBT))
    assert (counts(result), result.closed, result.doubles) == ((0, 0, 0, 1), 0, 0)
    assert stage.states == {"k0000": State.IN_DOUBT}


async def test_what_was_absent_and_was_not_sent_is_planned() -> None:
    stage = scripted(*[NoConnection("refused")] * 4, settings=UNLIMITED)
    await left(stage, State.ABSENT)
    result = await stage.run(held(State.ABSENT))
    assert (counts(result), result.closed) == ((0, 0, 0, 1), 1)
    assert stage.states == {"k0000": State.PLANNED}


async def test_what_was_absent_goes_again() -> None:
    stage = scripted(accepted(), settings=UNLIMITED)
    await left(stage, State.ABSENT)
    result = await stage.run(held(State.ABSENT))
    assert (counts(result), result.closed, result.doubles) == ((1, 0, 0, 0), 1, 0)
    (entry,) = stage.ledger.entries()
    assert (entry.state, entry.resent) == (State.ACCEPTED, 1)


async def test_a_run_that_stops_before_it_leaves_it_as_it_was() -> None:
    stage = scripted(accepted(), settings=UNLIMITED)
    await left(stage, State.ABSENT)
    stage.control.stop()
    result = await stage.run(held(State.ABSENT))
    assert (counts(result), result.closed) == ((0, 0, 0, 1), 0)
    assert stage.states == {"k0000": State.ABSENT}
