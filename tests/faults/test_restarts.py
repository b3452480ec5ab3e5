"""The server is killed and comes up again on its port, several times during one send."""

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.model import State
from tests.cli.sending import send, summary, with_policy
from tests.conftest import Project, clean_environment, command

from .campaign import GIVE_UP_S, Campaign, until
from .size import IS_LONG

RESTARTS = 20 if IS_LONG else 4
PEOPLE = 2000 if IS_LONG else 400
CONCURRENCY = 4


class Mortal:
    """`flypast sandbox` on one port and with one record through all its lives."""

    def __init__(self, record: Path) -> None:
        self.record = record
        self.port = "0"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            command("sandbox", "--port", self.port, "--record", self.record, *SLOW),
            text=True,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self.port = self.url.rpartition(":")[2]

    def die(self) -> None:
        self._process.kill()
        self._process.communicate()


SLOW = ("--rate", "100000", "--fault", "slow:10ms")


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mortal]:
    server = Mortal(tmp_path / "record.jsonl")
    yield server
    server.die()


def test_a_server_that_dies_and_comes_back_again_and_again_loses_nothing_and_gets_nothing_twice(
    project: Project, mortal: Mortal
) -> None:
    """A run may give up on a slow machine (exit 11): then the same command goes on, as a person would."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 (a failure must be repeatable)
    chance = random.Random(seed)
    project.people(PEOPLE)
    with_policy(project)
    campaign = Campaign(
        project=project, url=mortal.url, record=mortal.record, people=PEOPLE, concurrency=CONCURRENCY
    )  # fmt: skip
    process, ends = campaign.start(), []
    for number in range(1, RESTARTS + 1):
        wanted = PEOPLE * number // (RESTARTS + 2) + chance.randint(0, 20)
        while True:
            until(lambda: len(campaign.arrived()) >= wanted, process)  # noqa: B023 (called at once)
            if process.poll() is None:
                break
            ends.append(process.returncode)
            process = campaign.start()
        mortal.die()
        time.sleep(chance.random() * 0.5)  # how long it is away
        mortal.start()
    ends.append(process.wait(GIVE_UP_S))
    campaign.check()
    while (said := campaign.send())["stopped"] is not None:
        ends.append(said["exitCode"])
    campaign.check_the_end(said)
    assert set(ends) <= {0, 6, 11}, ends
    # Twice: a worker whose connection broke may get another one, whose listener is dying, before it is gone too.
    assert said["totals"]["inDoubt"] <= 2 * RESTARTS * CONCURRENCY
    in_doubt, arrived = said["totals"]["inDoubt"], len(campaign.arrived())
    assert list(campaign.held().values()).count(State.ACCEPTED) == PEOPLE - in_doubt
    print(f"{RESTARTS} restarts, {PEOPLE} messages, {arrived} arrived, {in_doubt} in doubt; runs ended {ends}")  # noqa: T201


def test_a_server_that_is_back_within_the_attempts_costs_no_more_than_what_was_in_flight(
    project: Project, mortal: Mortal
) -> None:
    """It dies before the first message, so all that can be in doubt is nothing."""
    project.people(20)
    mortal.die()
    process = Campaign(
        project=project, url=mortal.url, record=mortal.record, people=20, concurrency=2
    ).start()  # fmt: skip
    until((project.path / ".flypast" / "sandbox.db").exists, process)
    mortal.start()
    code = process.wait(GIVE_UP_S)
    said = summary(send(project, mortal.url))
    assert said["totals"]["accepted"] == 20
    assert code in (0, 11), "a slow machine may have used up the attempts; nothing is in doubt all the same"
