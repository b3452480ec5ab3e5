from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.delivery.slots import FarClock, Slots


def slots(*, first_s: float = 10.0, spacing_s: float = 0.1, count: int = 5, grace_s: float = 0.25) -> Slots:
    made = Slots()
    made.add(first_s=first_s, spacing_s=spacing_s, count=count, grace_s=grace_s)
    return made


def used(made: Slots, *instants: float) -> list[bool]:
    return [made.take(at) for at in instants]


def test_a_slot_is_used_from_its_instant_on_once() -> None:
    made = slots()
    assert made.next_s(9.0) == 10.0
    assert used(made, 9.99, 10.0, 10.05, 10.1) == [False, True, False, True]
    assert made.left == 3


def test_what_is_a_little_late_catches_up_and_what_is_later_is_lost() -> None:
    made = slots()
    assert used(made, 10.21, 10.21, 10.21, 10.21) == [True, True, True, False]
    late = slots()
    assert late.next_s(10.31) == pytest.approx(10.1)  # the first is lost by now
    assert used(late, 10.31, 10.31, 10.31, 10.31) == [True, True, True, False]
    assert slots().next_s(11.0) == inf
    assert used(slots(), 11.0) == [False]


def test_blocks_follow_each_other() -> None:
    made = slots(count=1)
    made.add(first_s=10.1, spacing_s=0.05, count=2, grace_s=0.1)
    assert used(made, 10.0, 10.0, 10.1, 10.14, 10.15, 10.2) == [True, False, True, False, True, False]
    assert made.next_s(10.2) == inf


def test_slots_without_a_distance_are_there_at_once_and_end_together() -> None:
    made = slots(spacing_s=0.0)
    assert used(made, 10.0, 10.1) == [True, True]
    assert made.next_s(10.26) == inf


def test_what_was_granted_can_be_forgotten() -> None:
    made = slots()
    made.clear()
    assert (made.left, made.next_s(10.0)) == (0, inf)


@given(
    st.floats(1, 5000),
    st.floats(0.001, 0.2),
    st.lists(st.floats(0, 0.05), min_size=1, max_size=200),
)
def test_in_no_window_there_are_more_than_the_rate_and_the_grace(
    rate: float, grace_s: float, naps: list[float]
) -> None:
    made, now_s, gone = slots(first_s=0.0, spacing_s=1 / rate, count=400, grace_s=grace_s), 0.0, list[float]()
    for nap in naps:
        now_s += nap
        while made.take(now_s):
            gone.append(now_s)
    for first, since_s in enumerate(gone):
        count = sum(at < since_s + 0.5 for at in gone[first:])
        assert count <= rate * (0.5 + grace_s) + 2


def test_another_clock_is_known_by_its_quickest_answers() -> None:
    clock = FarClock()
    clock.note(asked_s=10.0, answered_s=10.4, at_s=1000.1)
    assert [clock.here_s(1000.0), clock.unsure_s] == pytest.approx([10.3, 0.4])
    clock.note(asked_s=20.0, answered_s=20.02, at_s=1010.01)
    assert [clock.here_s(1020.0), clock.unsure_s] == pytest.approx([30.01, 0.02])
    assert clock.there_s(clock.here_s(1020.0)) == pytest.approx(1020.0)
    clock.note(asked_s=30.0, answered_s=31.0, at_s=1020.5)
    assert clock.here_s(1020.0) == pytest.approx(30.01)  # a slow answer takes nothing back


@pytest.mark.parametrize("jump_s", [-3600.0, -0.5, 0.5, 3600.0])
def test_a_clock_that_was_set_is_believed_at_once(jump_s: float) -> None:
    clock = FarClock()
    for number in range(20):
        clock.note(asked_s=number, answered_s=number + 0.01, at_s=1000.0 + number)
    clock.note(asked_s=20.0, answered_s=20.01, at_s=1020.0 + jump_s)
    assert clock.here_s(1020.0 + jump_s) == pytest.approx(20.01)
    assert clock.unsure_s == pytest.approx(0.01)
