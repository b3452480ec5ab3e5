import asyncio
from random import Random

import pytest

from runner.delivery.gate import Gate
from runner.delivery.retry import Throttling
from runner.model import Rate

from .clock import VirtualClock
from .wire import CHANNEL, OTHER_CHANNEL


def gate(clock: VirtualClock, rate: Rate | None) -> Gate:
    return Gate(workspace_rate=rate, clock=clock, throttling=Throttling(patience_s=600, rng=Random(1)))


async def test_nobody_passes_those_who_wait_already() -> None:
    clock = VirtualClock()
    made = gate(clock, Rate(count=500, per_s=1))
    assert made.opens(CHANNEL)
    assert not made.opens(CHANNEL)
    waiting = asyncio.create_task(made.enter(CHANNEL))
    await asyncio.sleep(0)
    clock.now_s += 0.003  # the next slot is free, but the one in line still naps
    assert not made.opens(CHANNEL)
    await waiting


async def test_those_in_line_go_in_their_order() -> None:
    clock = VirtualClock()
    made = gate(clock, Rate(count=50, per_s=1))
    gone: list[int] = []

    async def worker(number: int) -> None:
        await made.enter(CHANNEL)
        gone.append(number)

    await asyncio.gather(*(worker(number) for number in range(20)))
    assert gone == list(range(20))
    assert clock.elapsed_s == pytest.approx(19 / 50, abs=0.01)


async def test_a_pause_holds_every_channel_even_without_a_limit() -> None:
    clock = VirtualClock()
    made = gate(clock, None)
    assert made.throttle(CHANNEL, sent_s=clock.now_s, retry_after_s=30)
    assert not made.opens(OTHER_CHANNEL)
    await asyncio.gather(made.enter(OTHER_CHANNEL), made.enter(CHANNEL))
    assert clock.elapsed_s >= 30
    assert made.opens(CHANNEL)
