from runner.delivery.rounds import Rounds

from .test_record import accepted, wish


class Hands:
    """A clock set by hand."""

    now_s = 100.0

    def time_s(self) -> float:
        return self.now_s


def rounds_with_one_back(clock: Hands, *, commit_s: float, trip_s: float) -> Rounds:
    """Two went out, one of them is back."""
    rounds = Rounds(clock.time_s)
    rounds.committed([wish(1), wish(2)], took_s=2 * commit_s)  # half of it: the first is averaged with nothing
    clock.now_s += trip_s
    rounds.came_back(accepted(2).key)
    return rounds


def waits(rounds: Rounds) -> bool:
    rounds.begins()
    return rounds.waits(1)


def test_a_commit_waits_for_what_comes_back_within_a_few_commits_time() -> None:
    rounds = rounds_with_one_back(Hands(), commit_s=0.002, trip_s=0.010)
    assert waits(rounds)


def test_no_commit_waits_for_a_server_that_thinks() -> None:
    assert not waits(rounds_with_one_back(Hands(), commit_s=0.002, trip_s=0.050))


def test_no_commit_waits_when_all_is_back() -> None:
    rounds = rounds_with_one_back(Hands(), commit_s=0.002, trip_s=0.010)
    rounds.came_back(accepted(1).key)
    assert not waits(rounds)


def test_no_commit_waits_before_anything_has_come_back() -> None:
    rounds = Rounds(Hands().time_s)
    assert not waits(rounds)
    rounds.committed([wish(1)], took_s=5.0)
    assert not waits(rounds)


def test_a_server_that_becomes_slow_is_no_longer_waited_for() -> None:
    clock = Hands()
    rounds = rounds_with_one_back(clock, commit_s=0.002, trip_s=0.010)
    rounds.committed([wish(3)], took_s=0.002)
    clock.now_s += 1.0
    rounds.came_back(accepted(1).key)  # another one says nothing of the one that is watched
    rounds.committed([wish(4)], took_s=0.002)
    assert waits(rounds)
    rounds.came_back(accepted(3).key)
    assert not waits(rounds)


def test_a_commit_waits_while_more_comes_faster_than_it_is_made_and_no_longer() -> None:
    clock = Hands()
    rounds = rounds_with_one_back(clock, commit_s=0.002, trip_s=0.010)
    rounds.begins()
    for gathered in (1, 2, 3):
        assert rounds.waits(gathered)
        clock.now_s += 0.0019
    assert rounds.waits(3)
    clock.now_s += 0.0002
    assert not rounds.waits(3)


def test_a_commit_waits_no_longer_than_all_that_is_out_may_take() -> None:
    clock = Hands()
    rounds = rounds_with_one_back(clock, commit_s=0.002, trip_s=0.010)
    rounds.begins()
    gathered = 1
    while rounds.waits(gathered):
        clock.now_s += 0.001
        gathered += 1
    assert gathered == Rounds.FEW * 2 + 1


def test_a_clock_that_stands_still_holds_up_no_commit() -> None:
    rounds = rounds_with_one_back(Hands(), commit_s=0.002, trip_s=0.010)
    rounds.begins()
    assert not all(rounds.waits(gathered) for gathered in range(1, 100))


def test_naps_are_parts_of_a_commit_and_never_a_busy_loop() -> None:
    assert rounds_with_one_back(Hands(), commit_s=0.020, trip_s=0.010).nap_s == 0.005
    assert Rounds(Hands().time_s).nap_s == 0.001
