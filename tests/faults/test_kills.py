"""kill -9 at every named point and at random moments: nobody gets two, nobody is lost unseen."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runner.model import State
from tests.conftest import MANIFEST, Project, Server

from .campaign import Campaign, until
from .killing import POINTS

KILLS = int(os.environ.get("FLYPAST_TEST_KILLS", "30"))
PARTS = 2  # side by side
BATCH = 4
PEOPLE = 60
CONCURRENCY = 8
SLOW = ("--rate", "100000", "--fault", "slow:20ms")  # so there is always something in flight
MOMENT = "at a random moment"
FIRST = "half a ledger is made"  # it is made once

Serve = Callable[..., Server]


@dataclass
class Figures:
    """What is told at the end of a long run; doubles and losses would have ended it."""

    kills: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    accepted: int = 0
    in_doubt: int = 0
    most_in_doubt: int = 0

    def __str__(self) -> str:
        by_kind = "\n".join(f"  {count:5} {kind}" for kind, count in sorted(self.kills.items()))
        messages = f"{self.messages} messages: {self.accepted} accepted, {self.in_doubt} in doubt"
        return (
            f"{self.kills.total()} kills, {messages}; "
            f"0 doubles, 0 losses; at most {self.most_in_doubt} in doubt by one kill at concurrency {CONCURRENCY}\n"
            f"{by_kind}"
        )


class Killer:
    """Sends one manifest after the other, each killed again and again until it is done."""

    def __init__(self, folder: Path, server: Server, chance: random.Random, *, batch: int) -> None:
        self.figures = Figures()
        self._batch = batch
        self._folder = folder
        self._server = server
        self._chance = chance
        self._campaign: Campaign | None = None
        self._doubts = 0
        self._left = 0

    def kill(self, point: str) -> None:
        """One kill there. Where the run ends before, it is tried anew with the first message of the next campaign."""
        if point == FIRST:
            self.finish()
        while not self._kills(self._campaign or self._begin(), point):
            self.finish()
        self.figures.kills[point] += 1
        self._left -= 1
        if not self._left:
            self.finish()

    def finish(self) -> None:
        """The run that nobody kills, and one more that has nothing to do."""
        if self._campaign is None:
            return
        campaign, self._campaign = self._campaign, None
        said = campaign.send()
        campaign.check_the_end(said)
        self.figures.accepted += said["totals"]["accepted"]
        self.figures.in_doubt += said["totals"]["inDoubt"]
        if self._chance.random() < 0.1:
            before = len(campaign.arrived())
            assert campaign.send()["totals"] == said["totals"]
            assert len(campaign.arrived()) == before

    def _begin(self) -> Campaign:
        number = self.figures.messages // PEOPLE
        project = Project(self._folder / f"campaign-{number}")
        project.path.mkdir()
        policy = f"policy: {{batch: {self._batch}}}\n" if self._batch > 1 else ""
        project.write("hello.yaml", MANIFEST.replace("name: hello", f"name: hello-{number}") + policy)
        project.people(PEOPLE)
        self.figures.messages += PEOPLE
        self._left = self._chance.randint(4, 12)
        self._doubts = 0
        record = self._server.record_path
        self._campaign = Campaign(
            project=project,
            url=self._server.url,
            record=record,
            people=PEOPLE,
            concurrency=CONCURRENCY,
            since=record.stat().st_size,
        )
        return self._campaign

    def _kills(self, campaign: Campaign, point: str) -> bool:
        """False where the run had ended before. What holds after a kill holds after that, too."""
        is_new = not campaign.held()
        if point == MOMENT:
            code = self._at_a_moment(campaign)
        else:
            number = 1 if is_new or point == FIRST else self._chance.randint(1, 6)
            code = campaign.start("tests.faults.killing", point, str(number)).wait()
        counts = campaign.check()
        if code != -signal.SIGKILL:
            assert code in (0, 6), code
            assert point == MOMENT or not is_new, f"never {point}"
            return False
        self.figures.most_in_doubt = max(self.figures.most_in_doubt, counts[State.SENDING])
        self._doubts += counts[State.SENDING]
        assert counts[State.IN_DOUBT] + counts[State.SENDING] <= self._doubts
        return True

    def _at_a_moment(self, campaign: Campaign) -> int:
        """A third of them from the start of the process on, the others while it is sending."""
        process = campaign.start()
        if self._chance.random() < 1 / 3:
            time.sleep(self._chance.random() * 0.7)
        else:
            size = self._server.record_path.stat().st_size
            more = self._chance.random() * 540 * PEOPLE / 2  # about so many bytes tell of a message
            until(lambda: self._server.record_path.stat().st_size > size + more, process)
        process.kill()
        return process.wait()


def plan(chance: random.Random) -> list[str]:
    """Half of the kills at the named points, each of them as often; all points, where there are kills enough."""
    named = [point for _ in range(KILLS // (2 * len(POINTS)) + 1) for point in POINTS][: max(len(POINTS), KILLS // 2)]
    kills = (named + [MOMENT] * KILLS)[:KILLS]
    chance.shuffle(kills)
    return kills


@pytest.mark.parametrize("part", range(PARTS))
def test_kill_9_again_and_again_and_everybody_gets_one_message_or_is_in_doubt(
    tmp_path: Path, serve: Serve, part: int
) -> None:
    """`make kill N=1000` is the long form."""
    kill_all(plan(random.Random(0))[part::PARTS], tmp_path, serve(*SLOW), batch=1)


def test_kill_9_amid_batches_and_everybody_gets_one_message_or_is_in_doubt(tmp_path: Path, serve: Serve) -> None:
    """No more are in doubt than with single messages: a batch counts for all that are in it."""
    kill_all(plan(random.Random(0))[::5], tmp_path, serve(*SLOW), batch=BATCH)


def kill_all(kills: list[str], folder: Path, server: Server, *, batch: int) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 (a failure must be repeatable)
    chance = random.Random(seed)
    killer = Killer(folder, server, chance, batch=batch)
    chance.shuffle(kills)
    for point in kills:
        killer.kill(point)
    killer.finish()
    figures = killer.figures
    print(figures)  # noqa: T201 (what docs/reliability.md records)
    assert figures.kills.total() == len(kills)
    assert figures.accepted + figures.in_doubt == figures.messages
    assert figures.most_in_doubt <= CONCURRENCY
