"""SIGINT and SIGTERM at random points from the first line of a send to its last, one or two of them."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.model import State
from tests.cli.raw_server import ACCEPTED, Line, RawServer
from tests.cli.sending import keeps_the_key, send, sending, summary, watches_signals
from tests.conftest import KEY, MANIFEST, Project, Ran, clean_environment, command

from .campaign import GIVE_UP_S, ROOT, check
from .size import IS_LONG

POINTS = int(os.environ.get("FLYPAST_TEST_SIGNALS", "100" if IS_LONG else "6"))
PEOPLE = 30
CONCURRENCY = 4
NAMES = {-signal.SIGINT: "killed", -signal.SIGTERM: "killed", 0: "done", 6: "done", 130: "interrupted"}


def slowly(line: Line) -> None:
    while True:
        line.request()
        time.sleep(0.01)  # so that a signal finds something in flight
        line.say(ACCEPTED)


CAUGHT = """
import sys
from runner.cli.interrupts import INTERRUPTS
INTERRUPTS.watch()
INTERRUPTS.heed()
try:
    exec("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
except KeyboardInterrupt:
    INTERRUPTS.ignore()
    sys.exit(130)
"""


def test_a_signal_while_python_runs_a_text_leaves_the_exit_code_ours(tmp_path: Path) -> None:
    """`python -m` would end with SIGINT after all, as it does after a KeyboardInterrupt that nobody caught."""
    (tmp_path / "caught.py").write_text(CAUGHT)
    environment = clean_environment(PYTHONPATH=str(ROOT))
    done = subprocess.run([sys.executable, "-m", "caught"], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 130


@dataclass
class Target:
    """Sends to go on with; where one is done the next manifest begins."""

    project: Project
    server: RawServer
    number: int = 0
    first: int = 0

    def next_manifest(self) -> None:
        self.number += 1
        self.first = len(self.server.references)
        self.project.write("hello.yaml", MANIFEST.replace("name: hello", f"name: hello-{self.number}"))

    @property
    def arguments(self) -> list[str]:
        more = ("--format", "json", "--concurrency", str(CONCURRENCY))
        return [*map(str, sending(self.server.url, *more))]

    def start(self, *module: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", *module, *self.arguments] if module else command(*self.arguments),
            cwd=self.project.path,
            env=clean_environment(BIRD_ACCESS_KEY=KEY, PYTHONPATH=str(ROOT)),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def held(self) -> dict[str, State]:
        from runner.ledger.sqlite import open_ledger

        path = self.project.path / ".flypast" / "sandbox.db"
        if not path.exists():
            return {}
        ledger = open_ledger(path, origin=None)
        try:
            return {entry.reference: entry.state for entry in ledger.entries(f"hello-{self.number}")}
        finally:
            ledger.close()

    def check(self) -> Counter[State]:
        held = self.held()
        check(self.server.references[self.first :], held)
        counts = Counter(held.values())
        assert counts[State.SENDING] <= CONCURRENCY
        return counts

    def finish(self) -> None:
        """Nobody disturbs it."""
        said = summary(send(self.project, self.server.url))
        counts = self.check()
        assert counts[State.ACCEPTED] + counts[State.IN_DOUBT] == PEOPLE
        assert (said["totals"]["accepted"], said["totals"]["planned"]) == (counts[State.ACCEPTED], 0)


def outcome(process: "subprocess.Popen[str]", *, was_watched: bool) -> str:
    """How the run ended: done, interrupted with its summary and its last line, or killed before it was ours."""
    out, err = process.communicate(timeout=GIVE_UP_S)
    ran = Ran(process.returncode, out, err)
    is_pythons_own = ran.code == 1 and err.startswith("Fatal Python error: init_import_site")  # its own start failed
    name = "killed" if is_pythons_own else NAMES.get(ran.code, f"{ran.code}: {err}")
    assert name in ("killed", "done", "interrupted")
    if name == "killed":
        assert not was_watched, f"a signal that was watched ended it: {err}"
        assert out == ""
        return name
    keeps_the_key(ran)
    said = json.loads(out)
    assert said["exitCode"] == ran.code
    assert "has a bug" not in err
    if said["totals"] is not None:
        summary(ran)
    if name == "interrupted":
        assert "interrupted" in said["stopped"]
        assert err.splitlines()[-1].startswith("Go on with: flypast send hello.yaml"), err
    return name


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process catches is read from /proc")
def test_a_signal_at_any_point_ends_a_send_with_its_summary_or_lets_it_end(project: Project) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, {POINTS} points")  # noqa: T201 (a failure must be repeatable)
    chance = random.Random(seed)
    ends: Counter[str] = Counter()
    project.people(PEOPLE)
    with RawServer(slowly) as server:
        target = Target(project, server)
        target.next_manifest()
        plain = target.start("tests.faults.signalling", "")
        started_s = time.monotonic()
        _, err = plain.communicate(timeout=GIVE_UP_S)
        took_s = time.monotonic() - started_s
        found = re.search(r"calls (\d+) watched (\d+)", err)
        assert found is not None, err
        calls, watched = int(found[1]), int(found[2])
        assert watched < calls / 20, "signals are watched too late"
        target.next_manifest()
        for number in range(POINTS):
            which = [chance.choice((signal.SIGINT, signal.SIGTERM)) for _ in range(chance.choice((1, 1, 2)))]
            if number % 2:
                ends[at_calls(target, chance, which, calls, watched)] += 1
            else:
                ends[at_a_moment(target, chance, which, took_s / 2)] += 1
            counts = target.check()
            if counts[State.ACCEPTED] + counts[State.IN_DOUBT] + counts[State.SENDING] == PEOPLE or number % 8 == 7:
                target.finish()
                target.next_manifest()
        target.finish()
    print(f"{POINTS} signals or pairs of them: {dict(ends)}")  # noqa: T201 (what docs/reliability.md records)
    assert ends.total() == POINTS


def at_calls(target: Target, chance: random.Random, which: list[signal.Signals], calls: int, watched: int) -> str:
    """After so many calls of a function, so in the midst of an import or a commit too."""
    first = chance.randint(1, calls)
    places = [first, first + chance.choice((1, 10, 1000, 20000))][: len(which)]
    pairs = ",".join(f"{int(each)}:{place}" for each, place in zip(which, places, strict=True))
    return outcome(target.start("tests.faults.signalling", pairs), was_watched=first > watched)


def at_a_moment(target: Target, chance: random.Random, which: list[signal.Signals], span_s: float) -> str:
    process = target.start()
    was_watched = False
    for index, each in enumerate(which):
        time.sleep(chance.random() * (0.05 if index else span_s))
        was_watched = was_watched if index else watches_signals(process.pid)
        process.send_signal(each)
    return outcome(process, was_watched=was_watched)
