"""What a plan says of a send's time is what its pace then takes: held against the real gate, in virtual time."""

import asyncio
from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.delivery.gate import Gate
from runner.delivery.retry import Throttling
from runner.model import Channel, Rate
from runner.plan import Pace
from runner.plan.timetable import Timetable

from .clock import VirtualClock

SLOW, SLOWER = Rate(count=30, per_s=60), Rate(count=10, per_s=60)
A = Channel(name="a", workspace_id="w1", channel_id="a")
B = Channel(name="b", workspace_id="w1", channel_id="b", rate=SLOW)
C = Channel(name="c", workspace_id="w1", channel_id="c", rate=SLOWER)
D = Channel(name="d", workspace_id="w2", channel_id="d", rate=SLOW)
WORKSPACE = Rate(count=2, per_s=1)

Runs = Sequence[tuple[Channel, int]]


def channels_of(runs: Runs) -> Iterator[Channel]:
    return (channel for channel, count in runs for _ in range(count))


def foretold(runs: Runs, *, rate: Rate | None = WORKSPACE, concurrency: int = 64) -> tuple[Pace, list[float]]:
    timetable = Timetable(rate, concurrency=concurrency)
    instants = [timetable.add(channel) for channel in channels_of(runs)]
    return timetable.pace(), instants


async def gone(runs: Runs, *, rate: Rate, concurrency: int) -> list[float]:
    """When each message went through the gate, in their order."""
    clock = VirtualClock()
    gate = Gate(workspace_rate=rate, clock=clock, throttling=Throttling(patience_s=600, rng=Random(1)))
    start_s, feed, instants = clock.monotonic_s(), enumerate(channels_of(runs)), dict[int, float]()

    async def worker() -> None:
        for number, channel in feed:
            await gate.enter(channel)
            instants[number] = clock.monotonic_s() - start_s

    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return [instants[number] for number in sorted(instants)]


@pytest.mark.parametrize(
    ("runs", "concurrency"),
    [
        ([(A, 50)], 4),
        ([(B, 50)], 4),
        ([(A, 40), (B, 40)], 4),
        ([(B, 40), (A, 40)], 4),
        ([(B, 40), (C, 10), (A, 60)], 4),
        ([(B, 10), (D, 10)], 64),
        ([(B, 10), (C, 10)], 64),
        ([(B, 40), (D, 40)], 1),
        ([(B, 20), (A, 1), (B, 20), (A, 1)], 4),
    ],
    ids=str,
)
async def test_it_foretells_what_the_gate_lets_through(runs: Runs, concurrency: int) -> None:
    pace, instants = foretold(runs, concurrency=concurrency)
    real = await gone(runs, rate=WORKSPACE, concurrency=concurrency)
    assert instants == pytest.approx(real, rel=0.1, abs=4)
    assert pace.seconds == pytest.approx(max(real), rel=0.1, abs=7)  # one step more: the last one's own


RUNS = st.lists(st.tuples(st.sampled_from((A, B, C, D)), st.integers(1, 30)), min_size=1, max_size=5)


@given(runs=RUNS, concurrency=st.integers(1, 64))
@settings(max_examples=30, deadline=None)
def test_all_of_any_send_takes_about_as_long_as_it_says(runs: Runs, concurrency: int) -> None:
    pace, _ = foretold(runs, concurrency=concurrency)
    real = max(asyncio.run(gone(runs, rate=WORKSPACE, concurrency=concurrency)))
    assert pace.seconds == pytest.approx(real, rel=0.25, abs=20)


def test_the_narrower_pace_counts_for_a_channel() -> None:
    pace, _ = foretold([(A, 10), (B, 10)])
    assert pace.channel_rates == {"a": WORKSPACE, "b": SLOW}
    assert pace.channels == {"a": 5.0, "b": 20.0}


def test_a_channel_can_not_widen_the_pace_of_its_workspace() -> None:
    fast = Channel(name="fast", workspace_id="w1", channel_id="f", rate=Rate(count=400, per_s=1))
    pace, _ = foretold([(fast, 10)])
    assert pace.channels == {"fast": 5.0}
    assert pace.channel_rates == {"fast": WORKSPACE}


def test_each_workspace_has_its_own_time() -> None:
    pace, _ = foretold([(B, 10), (D, 20)])
    assert pace.workspaces == {"w1": 20.0, "w2": 40.0}
    assert pace.seconds == 40.0  # at once, as few enough wait


def test_where_nothing_limits_the_pace_nothing_takes_time() -> None:
    pace, instants = foretold([(A, 3), (B, 2)], rate=None)
    assert pace == Pace(bird_s=5 / 500, concurrency=64)
    assert pace.replies_s is None
    assert instants == [0.0] * 5


def test_birds_own_limit_is_of_a_workspace_and_below_no_pace() -> None:
    for rate in (WORKSPACE, None):
        timetable = Timetable(rate, concurrency=64)
        for channel, count in ((A, 60_000_000), (B, 40_000_000), (D, 5_000)):
            timetable.add_all(channel, count)
        assert timetable.pace().bird_s == 100_000_000 / 500  # 55.6 h


def test_replies_may_take_as_long_as_what_is_in_flight_lasts() -> None:
    pace, _ = foretold([(A, 3)], rate=Rate(count=500, per_s=1), concurrency=64)
    assert pace.replies_s == pytest.approx(0.128)


def test_nothing_to_send_takes_no_time() -> None:
    pace, _ = foretold([])
    assert (pace.seconds, pace.channels, pace.workspaces) == (0.0, {}, {})


def test_none_of_a_channel_take_no_time() -> None:
    timetable = Timetable(WORKSPACE, concurrency=4)
    timetable.add_all(A, 0)
    assert timetable.pace() == Timetable(WORKSPACE, concurrency=4).pace()
