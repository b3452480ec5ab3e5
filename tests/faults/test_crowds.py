"""Several processes at once: on one manifest, and on many manifests in one ledger."""

import json
import subprocess
import threading
import time
from collections import Counter

import pytest

from runner.ledger.sqlite import open_ledger
from runner.model import State
from tests.cli.raw_server import ACCEPTED, Line, RawServer, replying
from tests.cli.sending import sending, states
from tests.conftest import KEY, MANIFEST, Project

from .size import IS_LONG

CROWD = 8
ROUNDS = 5 if IS_LONG else 1
PATIENT = CROWD if IS_LONG else 3
PEOPLE = 30
GIVE_UP_S = 120.0


def start(project: Project, url: str, *more: str, manifest: str = "hello.yaml") -> "subprocess.Popen[str]":
    _, _, *arguments = sending(url, "--format", "json", "--concurrency", "4", *more)
    return project.start("send", manifest, *arguments, BIRD_ACCESS_KEY=KEY)


def ended(processes: "list[subprocess.Popen[str]]") -> list[tuple[int, dict[str, object]]]:
    ends = []
    for process in processes:
        out, err = process.communicate(timeout=GIVE_UP_S)
        assert "Traceback" not in err
        ends.append((process.returncode, json.loads(out)))
    return ends


@pytest.mark.parametrize("_turn", range(ROUNDS))
def test_of_eight_at_once_one_holds_the_claim_and_seven_are_turned_away(project: Project, _turn: int) -> None:
    """The server answers nobody until all others are gone."""
    project.people(PEOPLE)
    gate = threading.Event()

    def script(line: Line) -> None:
        while True:
            line.request()
            gate.wait(GIVE_UP_S)
            line.say(ACCEPTED)

    with RawServer(script) as server:
        processes = [start(project, server.url) for _ in range(CROWD)]
        give_up_s = time.monotonic() + GIVE_UP_S
        while sum(process.poll() is not None for process in processes) < CROWD - 1:
            assert time.monotonic() < give_up_s
            time.sleep(0.01)
        gate.set()
        ends = ended(processes)
        assert Counter(code for code, _ in ends) == {0: 1, 8: CROWD - 1}
        assert {said["exitCode"] for code, said in ends if code == 8} == {8}
        assert sorted(server.references) == sorted(set(server.references))
        assert states(project, server.url) == ["accepted"] * PEOPLE == ["accepted"] * len(server.references)


@pytest.mark.parametrize("_turn", range(ROUNDS))
def test_with_a_lock_timeout_they_go_one_after_the_other_and_only_one_sends(project: Project, _turn: int) -> None:
    project.people(PEOPLE)
    with RawServer(replying(ACCEPTED)) as server:
        ends = ended([start(project, server.url, "--lock-timeout", "2m") for _ in range(PATIENT)])
        assert [code for code, _ in ends] == [0] * PATIENT
        sent = sorted(said["run"]["accepted"] for _, said in ends)  # type: ignore[index]
        assert sent == [0] * (PATIENT - 1) + [PEOPLE]
        assert len(server.references) == len(set(server.references)) == PEOPLE


@pytest.mark.parametrize("_turn", range(ROUNDS))
def test_eight_manifests_at_once_in_one_ledger_all_go_out_whole(project: Project, _turn: int) -> None:
    """The first of them makes the ledger, while the others are about to."""
    project.people(PEOPLE)
    names = [f"hello-{number}" for number in range(PATIENT)]
    for name in names:
        project.write(f"{name}.yaml", MANIFEST.replace("name: hello", f"name: {name}"))
    with RawServer(replying(ACCEPTED)) as server:
        ends = ended([start(project, server.url, manifest=f"{name}.yaml") for name in names])
        assert [code for code, _ in ends] == [0] * PATIENT
        assert len(server.references) == len(set(server.references)) == PEOPLE * PATIENT
    ledger = open_ledger(project.path / ".flypast" / "sandbox.db", origin=None)
    assert [dict(ledger.counts(name)) for name in names] == [{State.ACCEPTED: PEOPLE}] * PATIENT
    ledger.close()
