import asyncio
import threading
from collections.abc import Sequence

import pytest

from runner.delivery.outcomes import intent
from runner.delivery.record import Record
from runner.errors import LedgerFault
from runner.ledger.seam import Intent, NotSendable, Settlement
from runner.model import State

from .claims import AT, Watched, ledger_and_claim, states
from .wire import message


def wish(number: int) -> Intent:
    return intent(message(number), edition="1", at=AT)


def accepted(number: int) -> Settlement:
    return Settlement(key=message(number).key, state=State.ACCEPTED, at=AT)


async def test_what_was_awaited_is_in_the_ledger() -> None:
    ledger, claim = ledger_and_claim()
    async with Record(claim) as record:
        await record.intend(wish(1))
        assert states(ledger) == {"k0001": State.SENDING}
        await record.settle(accepted(1))
        assert states(ledger) == {"k0001": State.ACCEPTED}


async def test_all_that_gathers_goes_in_one_commit_from_one_thread() -> None:
    _, claim = ledger_and_claim()
    release = threading.Event()
    watched = Watched(claim, before=lambda _s, _i: release.wait(5))
    async with Record(watched) as record:
        first = [asyncio.create_task(record.intend(wish(number))) for number in range(10)]
        await asyncio.sleep(0.01)  # their commit is under way
        rest = [asyncio.create_task(record.intend(wish(number))) for number in range(10, 40)]
        await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*first, *rest)
        await asyncio.gather(record.settle(accepted(1)), record.intend(wish(50)), record.settle(accepted(2)))
    assert watched.sizes == [(0, 10), (0, 30), (2, 1)]
    assert len(watched.threads) == 1
    assert threading.get_ident() not in watched.threads


async def test_a_fault_reaches_everybody_and_nothing_is_written_any_more() -> None:
    ledger, claim = ledger_and_claim()
    is_full = False

    def fill(_s: Sequence[Settlement], _i: Sequence[Intent]) -> None:
        if is_full:
            raise LedgerFault("disk full")

    watched = Watched(claim, before=fill)
    async with Record(watched) as record:
        await record.intend(wish(1))
        is_full = True
        results = await asyncio.gather(
            record.settle(accepted(1)), record.intend(wish(2)), record.intend(wish(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [LedgerFault] * 3
        is_full = False
        for late in (record.intend(wish(4)), record.settle(accepted(1))):
            with pytest.raises(LedgerFault, match="disk full"):
                await late
    assert len(watched.sizes) == 2
    assert states(ledger) == {"k0001": State.SENDING}


async def test_a_fault_reaches_those_who_came_during_the_commit_too() -> None:
    _, claim = ledger_and_claim()
    release = threading.Event()

    def fail(_s: Sequence[Settlement], _i: Sequence[Intent]) -> None:
        release.wait(5)
        raise LedgerFault("disk full")

    async with Record(Watched(claim, before=fail)) as record:
        first = asyncio.create_task(record.intend(wish(1)))
        await asyncio.sleep(0.01)
        later = [asyncio.create_task(record.intend(wish(2))), asyncio.create_task(record.settle(accepted(3)))]
        await asyncio.sleep(0)
        release.set()
        for waiter in (first, *later):
            with pytest.raises(LedgerFault):
                await waiter


async def test_a_fault_passes_over_a_worker_that_has_left_and_reaches_the_others() -> None:
    _, claim = ledger_and_claim()
    release = threading.Event()

    def fail(_s: Sequence[Settlement], _i: Sequence[Intent]) -> None:
        release.wait(5)
        raise LedgerFault("disk full")

    async with Record(Watched(claim, before=fail)) as record:
        waiting = [asyncio.create_task(record.intend(wish(number))) for number in range(3)]
        await asyncio.sleep(0.01)  # their commit is under way
        waiting[0].cancel()
        release.set()
        await asyncio.wait(waiting, timeout=5)
        assert waiting[0].cancelled()
        for waiter in waiting[1:]:
            with pytest.raises(LedgerFault):
                await waiter


async def test_an_intent_that_is_refused_takes_no_outcome_with_it() -> None:
    ledger, claim = ledger_and_claim()
    async with Record(claim) as record:
        await record.intend(wish(1))
        await record.intend(wish(2))
        await record.settle(accepted(1))
        results = await asyncio.gather(
            record.settle(accepted(2)), record.intend(wish(1)), record.intend(wish(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), NotSendable, NotSendable]
        with pytest.raises(NotSendable):
            await record.intend(wish(4))
    assert states(ledger) == {"k0001": State.ACCEPTED, "k0002": State.ACCEPTED}


async def test_outcomes_after_a_refused_intent_are_still_written() -> None:
    ledger, claim = ledger_and_claim()
    async with Record(claim) as record:
        await asyncio.gather(record.intend(wish(1)), record.intend(wish(2)))
        with pytest.raises(NotSendable):
            await record.intend(wish(1))
        await record.settle(accepted(2))
    assert states(ledger) == {"k0001": State.SENDING, "k0002": State.ACCEPTED}


async def test_a_mistake_of_ours_reaches_the_waiters_as_it_is() -> None:
    _, claim = ledger_and_claim()

    def blunder(_s: Sequence[Settlement], _i: Sequence[Intent]) -> None:
        raise ZeroDivisionError

    async with Record(Watched(claim, before=blunder)) as record:
        with pytest.raises(ZeroDivisionError):
            await record.intend(wish(1))


async def test_an_outcome_whose_worker_is_cancelled_is_written_all_the_same() -> None:
    ledger, claim = ledger_and_claim()
    release = threading.Event()
    watched = Watched(claim, before=lambda _s, _i: release.wait(5))
    async with Record(watched) as record:
        release.set()
        await asyncio.gather(*(record.intend(wish(number)) for number in range(3)))
        release.clear()
        leaving = [asyncio.create_task(record.settle(accepted(number))) for number in range(2)]
        await asyncio.sleep(0.01)
        leaving.append(asyncio.create_task(record.settle(accepted(2))))
        await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        await asyncio.wait(leaving)
        release.set()
    assert set(states(ledger).values()) == {State.ACCEPTED}


async def test_an_outcome_that_may_linger_waits_for_the_next_intent_but_not_for_long() -> None:
    ledger, claim = ledger_and_claim()
    watched = Watched(claim)
    async with Record(watched) as record:
        await asyncio.gather(*(record.intend(wish(number)) for number in range(4)))
        lingering = asyncio.create_task(record.settle(accepted(1), may_linger=True))
        await asyncio.sleep(0)
        await record.intend(wish(5))
        await lingering
        await asyncio.gather(record.settle(accepted(2), may_linger=True), record.settle(accepted(3), may_linger=True))
    assert watched.sizes == [(0, 4), (1, 1), (2, 0)]
    assert list(states(ledger).values()).count(State.ACCEPTED) == 3


async def test_an_outcome_that_lingers_when_the_run_is_left_is_written_too() -> None:
    ledger, claim = ledger_and_claim()
    async with Record(claim) as record:
        await record.intend(wish(1))
        lingering = asyncio.create_task(record.settle(accepted(1), may_linger=True))
        await asyncio.sleep(0)
        lingering.cancel()
    assert states(ledger) == {"k0001": State.ACCEPTED}


async def test_an_outcome_that_is_handed_in_is_told_before_an_intent_of_its_commit_is_awake() -> None:
    ledger, claim = ledger_and_claim()
    watched = Watched(claim)
    heard: list[object] = []
    async with Record(watched) as record:
        await record.intend(wish(1))
        record.hand_in(accepted(1), heard.append)
        await record.intend(wish(2))
        assert heard == [None]
    assert watched.sizes == [(0, 1), (1, 1)]
    assert states(ledger) == {"k0001": State.ACCEPTED, "k0002": State.SENDING}


async def test_what_is_handed_in_hears_of_a_fault_then_and_ever_after() -> None:
    _, claim = ledger_and_claim()

    def fail(settlements: Sequence[Settlement], _i: Sequence[Intent]) -> None:
        if settlements:
            raise LedgerFault("disk full")

    heard: list[Exception | None] = []
    async with Record(Watched(claim, before=fail)) as record:
        await record.intend(wish(1))
        record.hand_in(accepted(1), heard.append)
        await record.written()
        record.hand_in(accepted(1), heard.append)
    assert [str(fault) for fault in heard] == ["disk full", "disk full"]


async def test_all_that_is_out_is_waited_for_where_it_comes_back_soon() -> None:
    _, claim = ledger_and_claim()
    slow_disk = threading.Event()
    watched = Watched(claim, before=lambda _s, _i: slow_disk.wait(0.02))
    async with Record(watched) as record:

        async def work(worker: int) -> None:
            for number in range(worker * 5, worker * 5 + 5):
                await record.intend(wish(number))
                await asyncio.sleep(0.002 * (worker % 4))  # they come back one after another
                record.hand_in(accepted(number), lambda _: None)

        await asyncio.gather(*map(work, range(16)))
    assert len(watched.sizes) <= 10  # without a wait each round would fall into parts


async def test_a_stop_ends_the_wait_for_more() -> None:
    _, claim = ledger_and_claim()
    async with Record(claim) as record:
        await asyncio.gather(*(record.intend(wish(number)) for number in range(4)))
        record.hurry()
        await asyncio.gather(*(record.settle(accepted(number)) for number in range(4)))
