"""Waves: how much goes out before a run looks at where it stands."""

from dataclasses import replace

import pytest

from runner.delivery.ports import NoConnection, Reply
from runner.delivery.tally import Progress
from runner.model import Policy, State, StopAfter, Threshold

from .stage import NEVER, UNLIMITED, Stage, counts, kind
from .wire import Answer, accepted, messages, status

COUNT, SHARE = Threshold(count=20), Threshold(share=0.1)


@pytest.mark.parametrize(
    ("waves", "total", "ends"),
    [
        ((COUNT, SHARE, Threshold(share=1.0)), 1204, (20, 121)),
        ((COUNT, SHARE), 1204, (20, 121)),
        ((COUNT, SHARE, Threshold(share=1.0)), 100, (20,)),
        ((COUNT, SHARE), 20, ()),
        ((COUNT,), 20, ()),
        ((COUNT,), 0, ()),
        ((), 100, ()),
        ((Threshold(share=0.07),), 100, (7,)),
        ((Threshold(share=0.07),), 101, (8,)),
        ((Threshold(share=0.001), Threshold(count=1), Threshold(count=2)), 5, (1, 2)),
    ],
)
def test_a_wave_ends_at_its_count_or_its_share_of_all(
    waves: tuple[Threshold, ...], total: int, ends: tuple[int, ...]
) -> None:
    assert Policy(waves=waves).wave_ends(total) == ends


def in_waves(*ends: int, pause_s: float = 0.0, stop_after: StopAfter = NEVER) -> Stage:
    def script(key: str, _: int) -> Reply:
        open_ones = {each for each, state in stage.states.items() if state is State.SENDING}
        index = int(key[1:])
        for end in ends:
            assert index < end or all(int(each[1:]) >= end for each in open_ones)
        return accepted(index)

    settings = replace(UNLIMITED, waves=ends, pause_s=pause_s, stop_after=stop_after)
    stage = Stage(script, settings=settings, takes_s=0.1)
    return stage


async def test_a_wave_begins_when_everything_before_it_is_settled() -> None:
    stage = in_waves(20, 30)
    assert counts(await stage.run(messages(100))) == (100, 0, 0, 0)
    assert len(stage.wire.posts) == 100


async def test_between_waves_the_run_pauses() -> None:
    stage = in_waves(20, 30, pause_s=600.0)
    await stage.run(messages(100))
    at = {key: time_s for time_s, key in stage.wire.posts}
    assert at["k0020"] - at["k0019"] >= 600.0
    assert at["k0030"] - at["k0029"] >= 600.0
    assert at["k0099"] - at["k0030"] < 60.0


async def test_where_a_run_stands_is_told_at_the_end_of_each_wave_but_the_last() -> None:
    stage = in_waves(20, 30, pause_s=600.0)
    told: list[Progress] = []
    stage.observe = told.append
    await stage.run(messages(40))
    pauses = [each for each in told if each.pause_s is not None]
    assert [(each.wave, each.waves, each.accepted, each.pause_s) for each in pauses] == [
        (1, 3, 20, 600.0),
        (2, 3, 30, 600.0),
    ]
    assert [each.wave for each in told if each.pause_s is None] == [1] * 20 + [2] * 10 + [3] * 10


async def test_a_threshold_that_a_wave_has_reached_ends_the_run_before_the_next() -> None:
    """A share counts here although fewer than 20 are finished: there will be no more in this wave."""
    stop_after = StopAfter(rejected=Threshold(share=0.5), in_doubt=Threshold())
    stage = Stage(lambda _k, _n: status(422, code="X"), settings=replace(UNLIMITED, waves=(5,), stop_after=stop_after))
    result = await stage.run(messages(30))
    assert counts(result) == (0, 5, 0, 25)
    assert kind(result) == "threshold"
    assert "5 of 5 finished messages, at the end of wave 1" in (result.stopped.words if result.stopped else "")


async def test_below_its_threshold_a_run_goes_on() -> None:
    stop_after = StopAfter(rejected=Threshold(share=0.5), in_doubt=Threshold())
    answers: dict[str, Answer] = {"k0001": status(422, code="X"), "k0002": status(422, code="X")}
    stage = Stage(
        lambda key, _: answers.get(key, accepted()), settings=replace(UNLIMITED, waves=(5,), stop_after=stop_after)
    )
    assert counts(await stage.run(messages(30))) == (28, 2, 0, 0)


async def test_a_signal_in_the_pause_ends_the_run_with_nothing_in_doubt() -> None:
    stage = in_waves(20, pause_s=600.0)
    stage.observe = lambda progress: stage.control.stop() if progress.pause_s is not None else None
    result = await stage.run(messages(100))
    assert counts(result) == (20, 0, 0, 80)
    assert kind(result) == "interrupted"
    assert stage.clock.monotonic_s() - stage.wire.posts[0][0] < 60.0


async def test_a_run_that_stops_in_a_wave_does_not_begin_the_next() -> None:
    stage = Stage(lambda _k, _n: NoConnection("refused"), settings=replace(UNLIMITED, waves=(2, 4), pause_s=600.0))
    result = await stage.run(messages(100))
    assert counts(result) == (0, 0, 0, 100)
    assert kind(result) in {"unreachable", "breaker"}
    assert {key for _, key in stage.wire.posts} <= {"k0000", "k0001"}


async def test_messages_without_a_known_number_have_waves_too() -> None:
    stage = in_waves(20, 30)
    assert counts(await stage.run(iter(messages(40)))) == (40, 0, 0, 0)
