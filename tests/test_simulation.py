"""Never two, never silently none: whole sends in virtual time, with crashes, signals, bad networks and full disks."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.model import Delivery

from .simulation.below import BELOW, caught
from .simulation.corners import CORNERS
from .simulation.fates import TROUBLE
from .simulation.looks import PASSING, SPOILING, STOPPING
from .simulation.mutants import MUTANTS, hunt
from .simulation.planting import Edit, planted
from .simulation.telling import tally, tell
from .simulation.universe import Universe, draw
from .simulation.voyage import Voyage, play

ROOT = Path(__file__).parent.parent
CHUNK = 200
LOSSY = 2  # a seed whose universe loses a reply


@pytest.mark.parametrize("first", range(0, 2000, CHUNK))
def test_no_universe_breaks_a_promise(first: int) -> None:
    for seed in range(first, first + CHUNK):
        played = play(seed)
        assert played.fault is None, tell(played)


@pytest.mark.parametrize("made", CORNERS.values(), ids=CORNERS)
def test_one_blow_at_every_moment_breaks_no_promise(made: Callable[[], Iterator[Universe]]) -> None:
    for universe in made():
        played = Voyage(universe).play()
        assert played.fault is None, tell(played)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_fault_is_found(name: str) -> None:
    assert hunt(name, seeds=80).seen_as is not None


@pytest.mark.parametrize("name", BELOW)
def test_a_fault_below_the_simulator_fails_a_test(name: str) -> None:
    assert caught(name) is not None


def test_a_planted_fault_is_gone_when_its_block_ends() -> None:
    with planted(MUTANTS["blind retry: a lost reply is tried again"]):
        assert play(LOSSY).fault is not None
    assert play(LOSSY).fault is None


def test_a_fault_whose_code_has_changed_is_not_planted() -> None:
    stale = Edit(owner=Voyage, name="play", swaps=(("what nobody wrote", ""),))
    with pytest.raises(ValueError, match="exactly once"), planted([stale]):
        pass


def test_a_seed_gives_the_same_trace_again() -> None:
    for seed in range(60):
        first, second = play(seed), play(seed)
        assert (first.trace.digest(), first.steps) == (second.trace.digest(), second.steps)
        assert first.trace.events


def test_a_seed_gives_the_same_trace_in_another_process() -> None:
    told = [_replayed("271", hash_seed) for hash_seed in ("1", "2")]
    assert told[0] == told[1]
    assert f"trace {play(271).trace.digest()}" in told[0]


def _replayed(seed: str, hash_seed: str) -> str:
    command = [sys.executable, "-m", "tests.simulation", "--seed", seed]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_universes_hold_every_trouble_and_every_blow() -> None:
    met: Counter[str] = Counter()
    for seed in range(400):
        met += tally(play(seed))
    blows = {"killed", "signal", "frozen", "wakes", "locked out", "disk", "wall clock jumps", "gave up", "interrupted"}
    people = {"looks", "decides: knows", "decides: absent", "wall clock is set"}
    troubles = ("unconnected", "certificate", "timeout", "stale reply", "bug", "429", "429 date", "202 odd", "doubled")
    assert {*blows, *people, *(f"request: {trouble}" for trouble in troubles)} <= set(met)
    assert {f"page: {trouble}" for trouble in (*PASSING, *SPOILING)} <= set(met)
    assert {f"page: {trouble}" for trouble in STOPPING} & set(met)
    assert len([what for what in met if what.startswith("request: ")]) > 2 * len(TROUBLE)


def test_the_universes_hold_every_policy_waves_and_retries() -> None:
    drawn = [draw(seed) for seed in range(400)]
    assert {universe.delivery for universe in drawn} == set(Delivery)
    legs = [leg for universe in drawn for leg in universe.legs]
    assert any(each.waves for each in drawn)
    assert any(each.shares for each in drawn)
    assert any(leg.retries for leg in legs)
    takeovers = [sum(blow.kind == "takeover" for blow in leg.blows) for leg in legs]
    assert max(takeovers) > 1


def test_a_fault_is_told_with_its_seed_its_universe_and_its_trace() -> None:
    with planted(MUTANTS["blind retry: a lost reply is tried again"]):
        played = play(LOSSY)
    told = tell(played)
    assert f"FAULT: {played.fault}" in told
    assert f"make simulate SEED={LOSSY}" in told
    assert "run 1: weather=" in told
    assert " post k000 " in told
