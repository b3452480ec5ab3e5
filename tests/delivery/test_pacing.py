from bisect import bisect_right
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.delivery.pacing import Pacer, Scope

rates = st.sampled_from([0.5, 1.0, 7.0, 20.0, 50.0, 99.0, 500.0, 5000.0])


def drive(pacer: Pacer, scopes: list[Scope], lateness: list[float], start_s: float = 1e6) -> list[float]:
    """The instants at which messages go when each timer is late by that much."""
    now_s, gone = start_s, []
    for late_s in lateness:
        while (go_s := pacer.reserve(now_s, scopes)) > now_s:
            now_s = go_s + late_s
        gone.append(now_s)
    return gone


def fullest(gone: list[float], window_s: float) -> int:
    return max(bisect_right(gone, at_s + window_s) - index for index, at_s in enumerate(gone))


def assert_within(gone: list[float], scope: Scope) -> None:
    for window_s in (0.0, 0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 10.0):
        assert fullest(gone, window_s) <= ceil(scope.full_per_s * window_s - 1e-6) + scope.burst


@settings(deadline=None)
@given(rates, st.lists(st.floats(0, 0.5), min_size=1, max_size=200))
def test_no_window_holds_more_than_its_rate_and_one_burst(per_second: float, lateness: list[float]) -> None:
    scope = Scope(per_second)
    assert_within(drive(Pacer(), [scope], lateness), scope)


@settings(deadline=None)
@given(rates, rates, st.lists(st.floats(0, 0.1), min_size=1, max_size=200))
def test_several_scopes_all_hold(workspace: float, channel: float, lateness: list[float]) -> None:
    scopes = [Scope(workspace), Scope(channel)]
    gone = drive(Pacer(), scopes, lateness)
    for scope in scopes:
        assert_within(gone, scope)


@settings(deadline=None)
@given(
    rates,
    st.lists(st.tuples(st.floats(0, 0.2), st.booleans(), st.none() | st.floats(0, 5)), min_size=1, max_size=100),
)
def test_no_429_and_no_pause_lets_more_through(
    per_second: float, events: list[tuple[float, bool, float | None]]
) -> None:
    pacer, scope = Pacer(), Scope(per_second)
    now_s, gone = 1e6, []
    for late_s, is_429, pause_s in events:
        if is_429:
            scope.slow_down(now_s, now_s)
        if pause_s is not None:
            pacer.pause_until(now_s + pause_s)
        paused_until_s = now_s + (pause_s or 0)
        while (go_s := pacer.reserve(now_s, [scope])) > now_s:
            now_s = go_s + late_s
        assert now_s >= paused_until_s
        gone.append(now_s)
    assert_within(gone, scope)


@pytest.mark.parametrize("per_second", [20.0, 50.0, 500.0, 5000.0])
def test_timers_that_are_late_do_not_cost_pace(per_second: float) -> None:
    wanted = int(per_second * 20)
    gone = drive(Pacer(), [Scope(per_second)], [0.0015] * wanted)
    achieved = (wanted - 1) / (gone[-1] - gone[0])
    assert 0.99 * per_second <= achieved <= 1.01 * per_second


def test_at_500_a_second_no_second_holds_more_than_501_when_timers_are_exact() -> None:
    gone = drive(Pacer(), [Scope(500)], [0.0] * 2000)
    assert fullest(gone, 1.0) <= 501
    assert fullest(gone, 0.0) == 1


def test_what_is_20_ms_behind_catches_up_in_one_burst_of_10() -> None:
    gone = drive(Pacer(), [Scope(500)], [*[0.0] * 100, 0.0179, *[0.0] * 2000])
    assert fullest(gone, 0.0001) == 10
    assert fullest(gone, 1.0) <= 510
    assert gone[-1] - gone[0] == pytest.approx(2100 / 500)


def test_after_a_rest_there_is_no_burst_at_all() -> None:
    pacer, scope = Pacer(), Scope(500)
    drive(pacer, [scope], [0.0] * 100)
    gone = drive(pacer, [scope], [0.0] * 600, start_s=2e6)
    assert fullest(gone, 0.0) == 1
    assert gone[-1] - gone[0] == pytest.approx(599 / 500)


def test_what_may_not_go_yet_takes_no_slot() -> None:
    pacer, channel, workspace = Pacer(), Scope(1), Scope(50)
    now_s = 1e6
    drive(pacer, [workspace, channel], [0.0, 0.0], start_s=now_s)
    now_s += 1.5
    assert pacer.reserve(now_s, [workspace, channel]) > now_s
    assert pacer.reserve(now_s, [workspace]) == now_s  # another channel of that workspace is not held up


def test_without_a_scope_only_a_pause_holds() -> None:
    pacer = Pacer()
    assert pacer.reserve(5.0, []) == 5.0
    pacer.pause_until(9.0)
    pacer.pause_until(7.0)
    assert pacer.reserve(5.0, []) == 9.0
    assert pacer.reserve(9.0, []) == 9.0


def test_a_429_cuts_the_rate_to_seven_tenths_and_it_creeps_back_by_a_hundredth_a_second() -> None:
    scope = Scope(100)
    scope.slow_down(10.0, 9.5)
    assert scope.per_second(10.0) == pytest.approx(70)
    assert scope.per_second(20.0) == pytest.approx(80)
    assert scope.per_second(41.0) == 100


def test_a_storm_of_429s_is_one_cut_and_the_next_storm_another() -> None:
    scope = Scope(100)
    for _ in range(64):
        scope.slow_down(10.0, 9.5)
    assert scope.per_second(10.0) == pytest.approx(70)
    scope.slow_down(10.1, 10.0)
    assert scope.per_second(10.1) == pytest.approx(49, abs=0.1)


@pytest.mark.parametrize(("full", "floor"), [(500, 1), (1, 1), (0.5, 0.5)])
def test_the_rate_falls_to_one_a_second_and_never_rises_by_a_429(full: float, floor: float) -> None:
    scope = Scope(full)
    for second in range(50):
        scope.slow_down(second / 1000, second / 1000)
        assert scope.per_second(second / 1000) <= full
    assert scope.per_second(0.05) == pytest.approx(floor, rel=0.01)


def test_a_cut_rate_spaces_the_messages_accordingly() -> None:
    pacer, scope = Pacer(), Scope(50)
    drive(pacer, [scope], [0.0] * 10, start_s=0.0)
    scope.slow_down(1.0, 1.0)
    gone = drive(pacer, [scope], [0.0] * 10, start_s=1.0)
    assert [after - before for before, after in pairwise(gone)] == pytest.approx([1 / 35] * 9, rel=0.05)
