"""What a worker knows of a run: how to send, what is left, and what came of it."""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, cast

import pytest

from runner.delivery.settings import Settings
from runner.ledger.runs import Ending, Extra, RunOrder, RunSeen, RunState, ShardClaim, Stood
from runner.model import Delivery, Message, QuietHours, Rate, State, StopAfter, Then, Threshold
from runner.pipeline.carrying import left, reached, result_of, settings_of, told
from tests.delivery.test_shards import some

FULL = Settings(
    concurrency=7,
    batch=5,
    workspace_rate=Rate(count=30, per_s=60),
    stop_after=StopAfter(rejected=Threshold(share=0.05), in_doubt=Threshold(count=3)),
    waves=(1, 20),
    pause_s=2.5,
    is_at_least_once=True,
    quiet_hours=QuietHours(begin_min=1200, end_min=480, zone="column:zone", then=Then.SKIP),
    drain_s=9.0,
    throttle_patience_s=11.0,
)
BARE = Settings(concurrency=1, workspace_rate=None, stop_after=FULL.stop_after)
SEEN = RunSeen(
    run="r1",
    manifest="spring",
    edition="1",
    state=RunState.DONE,
    since="",
    has_ended=True,
    total=100,
    accepted=80,
    rejected=5,
    in_doubt=12,
    left_behind=10,
    closed=2,
    extra=Extra(doubles=1, deferred=2, kept=3),
    cost=Decimal(4),
    cost_in_doubt=Decimal(1),
    shards=4,
    done=4,
    held=0,
    sending=0,
    workers=0,
    ending=None,
)


@pytest.mark.parametrize("settings", [FULL, BARE])
def test_settings_come_back_as_they_were(settings: Settings) -> None:
    order = RunOrder(edition="1", plan="p", settings=told(settings), total=1)
    assert settings_of(order) == settings
    assert all(
        getattr(FULL, each.name) != getattr(BARE, each.name) for each in fields(Settings) if each.name != "stop_after"
    )


@dataclass
class Standing:
    """What the ledger held as a part was taken."""

    stood: dict[str, Stood]


def kept(message: Message, stood: Stood | None, delivery: Delivery = Delivery.AT_MOST_ONCE) -> list[Message]:
    standing: Any = Standing({message.key: stood} if stood is not None else {})
    return left([message], cast(ShardClaim, standing), delivery=delivery)


def test_what_this_run_has_tried_is_sent_again_only_where_it_surely_did_not_go_out() -> None:
    message = some(1)[0]
    assert kept(message, None) == [message]
    assert kept(message, Stood(State.REJECTED, is_ours=False)) == [message]
    assert kept(message, Stood(State.PLANNED, is_ours=True)) == [message._replace(held=State.PLANNED)]
    for state in (State.ACCEPTED, State.REJECTED, State.IN_DOUBT):
        assert kept(message, Stood(state, is_ours=True)) == []
        assert kept(message, Stood(state, is_ours=True), Delivery.RESEND_ABSENT) == []
    again = kept(message, Stood(State.IN_DOUBT, is_ours=True), Delivery.AT_LEAST_ONCE)
    assert again == [message._replace(held=State.IN_DOUBT)]


def test_thresholds_count_a_run_without_what_dead_workers_left_behind() -> None:
    stop = StopAfter(rejected=Threshold(count=6), in_doubt=Threshold(count=3))
    assert reached(stop, SEEN) is None
    assert reached(stop, replace(SEEN, rejected=6)) == "stopAfter.rejected is reached: 6 of 88 finished messages"
    assert reached(stop, replace(SEEN, in_doubt=13)) == "stopAfter.inDoubt is reached: 3 of 88 finished messages"
    share = StopAfter(rejected=Threshold(share=0.5), in_doubt=Threshold())
    assert reached(share, replace(SEEN, accepted=5, rejected=5)) is None  # fewer than twenty
    assert reached(share, replace(SEEN, accepted=10, rejected=20)) is not None


def test_a_run_that_has_ended_is_told_as_one_of_a_single_machine() -> None:
    result = result_of(SEEN)
    assert (result.accepted, result.rejected, result.in_doubt, result.returned) == (80, 5, 12, 3)
    assert (result.closed, result.doubles, result.deferred, result.kept) == (2, 1, 2, 3)
    assert result.stopped is None
    held = result_of(replace(SEEN, held=2)).stopped
    assert held is not None
    assert (held.kind, held.words[:12]) == ("held", "2 parts of 4")
    cancelled = result_of(replace(SEEN, state=RunState.CANCELLED)).stopped
    assert cancelled is not None
    assert cancelled.kind == "interrupted"
    stopped = result_of(replace(SEEN, state=RunState.STOPPED, ending=Ending(kind="refused", words="no"))).stopped
    assert stopped is not None
    assert (stopped.kind, stopped.words) == ("refused", "no")
