"""Steps and percentiles: exact where they can be, and none lost where steps are joined."""

from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from runner.report.times import BOUNDS_MS, MOST_STEPS, OUT, Latencies, Pace, unix_ms

MOMENTS_MS = some.lists(
    some.tuples(some.integers(0, 10**12), some.integers(0, len(OUT) - 1)), min_size=1, max_size=300
) | some.lists(some.tuples(some.integers(10**12, 10**12 + 400_000), some.integers(0, 2)), min_size=1, max_size=300)


@given(MOMENTS_MS)
def test_no_message_is_lost_however_wide_steps_become(moments: list[tuple[int, int]]) -> None:
    pace = Pace()
    for at_ms, outcome in moments:
        pace.add(at_ms, outcome)
    series = pace.series()
    places = [step.at_s // series.width_s for step in series.steps]
    assert max(places) - min(places) < MOST_STEPS
    assert list(series.counts.values()) == [sum(each == index for _, each in moments) for index in range(len(OUT))]
    assert (series.first_ms, series.last_ms) == (min(m for m, _ in moments), max(m for m, _ in moments))
    for step in series.steps:
        inside = [m for m, _ in moments if step.at_s <= m // 1000 < step.at_s + series.width_s]
        assert len(inside) == sum(step.counts)


@given(MOMENTS_MS, some.randoms())
def test_the_order_of_messages_changes_no_step(moments: list[tuple[int, int]], chance: Random) -> None:
    def series(ordered: list[tuple[int, int]]) -> object:
        pace = Pace()
        for at_ms, outcome in ordered:
            pace.add(at_ms, outcome)
        return pace.series()

    shuffled = list(moments)
    chance.shuffle(shuffled)
    assert series(shuffled) == series(moments)


def test_the_rate_is_that_between_the_first_and_the_last() -> None:
    pace = Pace()
    for number in range(101):
        pace.add(1_000_000 + 100 * number, 0)
    series = pace.series()
    assert series.per_s == 10
    assert series.peak_per_s == 10
    pace = Pace()
    pace.add(5000, 0)
    assert pace.series().per_s is None


@given(some.lists(some.integers(0, 60_000), min_size=1, max_size=200))
def test_percentiles_are_the_nearest_rank_to_the_millisecond(takings: list[int]) -> None:
    latencies = Latencies()
    for taken_ms in takings:
        latencies.add(7, 7 + taken_ms)
    latency = latencies.latency()
    ordered = sorted(takings)
    for name, share in (("p50", 50), ("p90", 90), ("p99", 99)):
        assert latency.percentiles[name] == ordered[-(-len(ordered) * share // 100) - 1]
    assert latency.most_ms == ordered[-1]
    assert sum(latency.buckets) == len(takings)
    assert latency.buckets[0] == sum(taken <= BOUNDS_MS[0] for taken in takings)


def test_what_takes_longer_than_a_minute_is_counted_by_the_minute() -> None:
    latencies = Latencies()
    for taken_ms in (60_000, 60_001, 3_600_000, 10**10):
        latencies.add(0, taken_ms)
    latencies.add(5, 4)
    latencies.add(None, 4)
    latency = latencies.latency()
    assert (latency.count, latency.untimed, latency.buckets[-2:]) == (4, 2, (1, 3))
    assert latency.percentiles["p50"] == 120_000
    assert latency.most_ms == 86_400_000


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-01T09:00:00.123Z", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00.123456+02:00"),
        *("2026-03-01T09:00:00.999+00:00", "2026-03-01 09:00:00.5+00:00"),
    ],
)
def test_times_are_read_as_python_reads_them(text: str) -> None:
    assert unix_ms(text) == round(datetime.fromisoformat(text).timestamp() * 1000)
