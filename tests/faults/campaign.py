"""One manifest, one server in a process of its own, and the checker that holds its record against the ledger."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.ledger.sqlite import open_ledger
from runner.model import State
from tests.cli.sending import send, sending, summary
from tests.conftest import KEY, Project, clean_environment

ROOT = Path(__file__).parents[2]
GIVE_UP_S = 60.0
WENT_OUT = ("accepted", "500-after", "reset-after", "garbled", "cut")
KNOWN = frozenset({State.ACCEPTED, State.SENDING, State.IN_DOUBT})


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """`record` is the file that the sandbox at `url` appends to, before it replies."""

    project: Project
    url: str
    record: Path
    people: int
    concurrency: int
    since: int = 0  # bytes of the record that are older than this campaign

    @property
    def ledger(self) -> Path:
        return self.project.path / ".flypast" / "sandbox.db"

    @property
    def options(self) -> list[str]:
        return ["--format", "json", "--concurrency", str(self.concurrency)]

    def start(self, *before: str) -> "subprocess.Popen[str]":
        """A send; `before` are a module and its arguments, in place of `runner`. Its output goes nowhere."""
        return subprocess.Popen(
            [sys.executable, "-m", *(before or ("runner",)), *map(str, sending(self.url, *self.options))],
            cwd=self.project.path,
            env=clean_environment(BIRD_ACCESS_KEY=KEY, PYTHONPATH=str(ROOT)),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def send(self, *more: str) -> Any:
        """A send that nobody disturbs; its JSON."""
        return summary(send(self.project, self.url, *self.options, *more, timeout_s=GIVE_UP_S))

    def arrived(self) -> list[dict[str, Any]]:
        """What the server got, in order; its last line may be half written."""
        with self.record.open("rb") as file:
            file.seek(self.since)
            return [json.loads(line) for line in file.read().splitlines(keepends=True) if line.endswith(b"\n")]

    def went_out(self) -> list[str]:
        return [line["reference"] for line in self.arrived() if line["decision"] in WENT_OUT]

    def held(self) -> dict[str, State]:
        """The state of each message that the ledger holds, by its reference; empty where there is none yet."""
        if not self.ledger.exists():
            return {}
        ledger = open_ledger(self.ledger, origin=None)
        try:
            return {entry.reference: entry.state for entry in ledger.entries()}
        finally:
            ledger.close()

    def check(self) -> Counter[State]:
        """What must hold at any instant at which no run lives; the counts by state."""
        held = self.held()
        check(self.went_out(), held)
        counts = Counter(held.values())
        assert counts[State.SENDING] <= self.concurrency
        return counts

    def check_the_end(self, said: Mapping[str, Any]) -> None:
        """After a run that nothing disturbed: all are accepted or in doubt, and everybody says the same."""
        counts = self.check()
        assert counts[State.ACCEPTED] + counts[State.IN_DOUBT] == self.people, counts
        assert set(counts) <= {State.ACCEPTED, State.IN_DOUBT}
        totals = said["totals"]
        assert (totals["accepted"], totals["inDoubt"], totals["planned"]) == (
            counts[State.ACCEPTED],
            counts[State.IN_DOUBT],
            0,
        )
        assert said["exitCode"] == (6 if counts[State.IN_DOUBT] else 0)
        assert said["stopped"] is None


def check(went_out: list[str], held: Mapping[str, State]) -> None:
    """Nobody has two; who is accepted has exactly one; whatever went out is accepted, or in doubt."""
    times = Counter(went_out)
    assert {reference: count for reference, count in times.items() if count > 1} == {}
    assert {reference: held.get(reference) for reference in times if held.get(reference) not in KNOWN} == {}
    accepted = {reference for reference, state in held.items() if state is State.ACCEPTED}
    assert accepted - set(times) == set()


def until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Polls until it holds, or the process has ended."""
    give_up_s = time.monotonic() + GIVE_UP_S
    while process.poll() is None and not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.001)
