from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.delivery.retry import Breaker, RetryBudget, Throttling, backoff_s


@settings(deadline=None)
@given(st.integers(1, 10_000), st.integers())
def test_a_backoff_is_between_half_and_all_of_a_doubling_time(attempt: int, seed: int) -> None:
    longest = min(30.0, 0.5 * 2.0 ** min(attempt - 1, 10))
    assert longest / 2 <= backoff_s(attempt, Random(seed)) <= longest


def test_backoffs_differ_by_chance() -> None:
    rng = Random(1)
    assert len({backoff_s(3, rng) for _ in range(20)}) == 20


def spent(budget: RetryBudget) -> int:
    count = 0
    while budget.spend():
        count += 1
    return count


@pytest.mark.parametrize(("started", "retries"), [(0, 10), (1, 10), (109, 10), (110, 11), (1000, 100)])
def test_a_tenth_of_the_started_messages_may_be_retried_but_at_least_ten(started: int, retries: int) -> None:
    budget = RetryBudget()
    for _ in range(started):
        budget.start()
    assert spent(budget) == retries


def test_starting_more_messages_allows_more_retries() -> None:
    budget = RetryBudget()
    assert spent(budget) == 10
    for _ in range(200):
        budget.start()
    assert spent(budget) == 10


def breaker(*outcomes: tuple[float, bool]) -> Breaker:
    made = Breaker()
    for at_s, is_bad in outcomes:
        made.note(at_s, is_bad=is_bad)
    return made


def test_a_breaker_opens_at_twenty_outcomes_of_which_half_are_bad() -> None:
    assert breaker(*[(1.0, True), (1.0, False)] * 10).is_open
    assert not breaker(*[(1.0, True)] * 19).is_open
    assert not breaker(*[(1.0, True)] * 9, *[(1.0, False)] * 11).is_open
    assert not breaker().is_open


def test_a_breaker_forgets_what_is_older_than_ten_seconds() -> None:
    assert breaker(*[(0.0, True)] * 19, (9.8, True)).is_open
    assert not breaker(*[(0.0, True)] * 19, (10.2, True)).is_open
    assert not breaker(*[(0.0, False)] * 1000, *[(10.2, True)] * 19).is_open
    assert breaker(*[(0.0, False)] * 1000, *[(10.2, True)] * 20).is_open


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 0.7), st.booleans()), max_size=300))
def test_a_breaker_counts_as_a_plain_list_would(steps: list[tuple[float, bool]]) -> None:
    made, now_s, seen = Breaker(), 0.0, list[tuple[float, bool]]()
    for step_s, is_bad in steps:
        now_s += step_s
        made.note(now_s, is_bad=is_bad)
        seen.append((now_s, is_bad))
        recent = [bad for at_s, bad in seen if int(at_s / 0.1) > int(now_s / 0.1) - 100]
        assert made.is_open == (len(recent) >= 20 and 2 * sum(recent) >= len(recent))


def test_the_breakers_memory_does_not_grow_with_the_pace() -> None:
    made = breaker(*[(index / 10_000, False) for index in range(200_000)])
    assert len(made._slices) <= 101


def throttling(patience_s: float = 600.0) -> Throttling:
    return Throttling(patience_s=patience_s, rng=Random(1))


def test_a_retry_after_is_when_to_go_on() -> None:
    assert throttling().hold_until_s(now_s=100, sent_s=99, retry_after_s=7) == 107


@pytest.mark.parametrize("retry_after_s", [None, 0.0])
def test_without_one_or_with_zero_there_is_a_backoff_of_our_own(retry_after_s: float | None) -> None:
    until_s = throttling().hold_until_s(now_s=100, sent_s=99, retry_after_s=retry_after_s)
    assert until_s is not None
    assert 100.25 <= until_s <= 100.5


def test_a_storm_backs_off_once_and_the_next_round_for_longer() -> None:
    made = throttling()
    storm = {made.hold_until_s(now_s=100, sent_s=99, retry_after_s=None) for _ in range(64)}
    assert len(storm) == 1
    waits = []
    now_s = 101.0
    for _ in range(10):
        until_s = made.hold_until_s(now_s=now_s, sent_s=now_s, retry_after_s=None)
        assert until_s is not None
        waits.append(until_s - now_s)
        now_s = until_s
    assert 0.5 <= waits[0] <= 1.0
    assert 15 <= waits[-1] <= 30


def test_progress_starts_the_backoff_and_the_patience_anew() -> None:
    made = throttling()
    for now_s in (0.0, 100.0, 200.0, 599.0):
        assert made.hold_until_s(now_s=now_s, sent_s=now_s, retry_after_s=None) is not None
    made.progress()
    until_s = made.hold_until_s(now_s=700, sent_s=700, retry_after_s=None)
    assert until_s is not None
    assert until_s <= 700.5


def test_patience_ends_after_its_time_without_any_progress() -> None:
    made = throttling()
    assert made.hold_until_s(now_s=0, sent_s=0, retry_after_s=600) == 600
    assert made.hold_until_s(now_s=599.9, sent_s=599, retry_after_s=None) is not None
    assert made.hold_until_s(now_s=600, sent_s=600, retry_after_s=None) is None


def test_a_wait_that_would_outlast_the_patience_is_not_begun() -> None:
    made = throttling()
    made.hold_until_s(now_s=0, sent_s=0, retry_after_s=None)
    assert made.hold_until_s(now_s=300, sent_s=300, retry_after_s=301) is None
