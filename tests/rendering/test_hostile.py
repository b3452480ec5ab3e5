"""Hostile texts and conditions: each refused, or done, within 1 s and 64 MiB."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from .hostile import CASES

SECONDS = 1.0
GROWTH_KIB = 64 * 1024
FILES = ("templates.yaml", "conditions.yaml")


def run(*arguments: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.rendering.hostile", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def results() -> dict[str, list[dict[str, Any]]]:
    return {name: run(name) for name in FILES}


def cases(name: str) -> Mapping[str, Mapping[str, Any]]:
    loaded: Mapping[str, Mapping[str, Any]] = yaml.safe_load((CASES / name).read_text(encoding="utf-8"))
    return loaded


def within_bounds(result: Mapping[str, Any]) -> bool:
    ended_well = result["status"] == 0 and result["kind"] not in ("died", "raised")
    return ended_well and result["seconds"] < SECONDS and result["growthKib"] < GROWTH_KIB


@pytest.mark.parametrize("name", FILES)
def test_every_hostile_case_is_refused_or_done_within_a_second_and_64_mib(
    name: str, results: dict[str, list[dict[str, Any]]]
) -> None:
    assert len(results[name]) == sum(map(len, cases(name).values()))
    assert [result for result in results[name] if not within_bounds(result)] == []


def test_there_are_at_least_60_hostile_texts_and_30_hostile_conditions() -> None:
    assert sum(map(len, cases("templates.yaml").values())) >= 60
    assert sum(map(len, cases("conditions.yaml").values())) >= 30


def test_every_escape_attempt_is_refused_with_the_same_words(results: dict[str, list[dict[str, Any]]]) -> None:
    escapes = [result for name in FILES for result in results[name] if result["section"] == "escapes"]
    assert {(result["kind"], result["message"], result["hint"], result["line"]) for result in escapes} == {
        (
            "refused",
            "expressions see data only: no Python object, attribute or function can be reached",
            "name a column or a parameter; any column is reached with recipient[...]",
            1,
        )
    }


def test_the_measure_sees_what_takes_too_much() -> None:
    assert [within_bounds(run("--greedy", str(size))[0]) for size in (8 << 20, 80 << 20, 4 << 30)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("seed", [20260314, 7])
def test_a_thousand_random_texts_are_refused_or_done_within_bounds(seed: int) -> None:
    (result,) = run("--fuzz", str(seed), "1000")
    assert result["kind"] == "done", result
    assert result["slowest"] < SECONDS
    assert result["growthKib"] < GROWTH_KIB
    assert "an address" not in result["kinds"]
    assert result["kinds"]["rendered"] > 50, "the random texts no longer reach rendering"
