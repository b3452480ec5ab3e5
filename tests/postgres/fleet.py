"""A manifest, a server that takes its messages, a ledger, and workers in processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runner.delivery.shards import keys_of
from runner.ledger.postgres_runs import PostgresRuns, open_runs
from runner.ledger.runs import RunSeen
from runner.model import State
from tests.conftest import KEY, Project, Ran, Serve, clean_environment

from .ledgers import opened, place_of
from .sender import terms_of

ROOT = Path(__file__).parents[2]
GIVE_UP_S = 1800.0 if "FLYPAST_TEST_CHAOS" in os.environ else 60.0


@dataclass
class Fleet:
    """`api` and `record` are the sandbox's. Leases of `lease_s` are what a test can wait for."""

    project: Project
    url: str
    api: str
    record: Path
    lease_s: float = 2.0
    workers: "list[subprocess.Popen[str]]" = field(default_factory=list)
    _read: int = 0
    _lines: int = 0

    @property
    def settings(self) -> dict[str, str]:
        return {"FLYPAST_LEDGER": self.url, "BIRD_API_URL": self.api, "BIRD_ACCESS_KEY": KEY}

    def flypast(self, *words: str, code: int | None = 0, timeout_s: float = GIVE_UP_S) -> Ran:
        ran = self.project.run(*words, timeout_s=timeout_s, **self.settings)
        assert code is None or ran.code == code, ran.out + ran.err
        return ran

    def sending(self, *more: str) -> list[str]:
        return ["send", "hello.yaml", "--yes", "--engine", "postgres", "--rate", "unlimited", "--format", "json", *more]

    def send(self, *more: str, code: int | None = 0) -> Any:
        """Hands it over; its JSON."""
        return self.flypast(*self.sending(*more), code=code).json

    def follow(self, *more: str) -> "subprocess.Popen[str]":
        return self.project.start(*self.sending("--follow", *more), **self.settings)

    def work(self, *, slots: int = 2, drain: bool = False) -> "subprocess.Popen[str]":
        words = [self.url, self.api, str(slots), str(self.lease_s), *(["drain"] if drain else [])]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.postgres.worker", *words],
            cwd=ROOT,
            env=clean_environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.workers.append(process)
        return process

    def drain(self) -> str:
        """A worker until all is done; what it said."""
        process = self.work(drain=True)
        said, _ = process.communicate(timeout=GIVE_UP_S)
        assert process.returncode == 0, said
        return said

    @contextmanager
    def runs(self, lease_s: float | None = None) -> Iterator[PostgresRuns]:
        runs = open_runs(
            place_of(self.url).address, origin=None, keys_of=keys_of, terms=terms_of(lease_s or self.lease_s)
        )
        try:
            yield runs
        finally:
            runs.close()

    def seen(self, run: str) -> RunSeen:
        with self.runs() as runs:
            seen = runs.seen(run)
        assert seen is not None
        return seen

    def arrived(self) -> list[str]:
        """The references that the server got, in order; its last line may be half written."""
        with self.record.open("rb") as file:
            lines = [line for line in file.read().splitlines(keepends=True) if line.endswith(b"\n")]
        return [json.loads(line)["reference"] for line in lines]

    def arrived_count(self) -> int:
        """The same, cheaply: only what is new is read."""
        with self.record.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        self._lines += new.count(b"\n")
        return self._lines

    def states(self) -> dict[str, State]:
        with opened(self.url, origin=None) as ledger:
            return {entry.reference: entry.state for entry in ledger.entries()}

    def until(self, is_so: Callable[[], bool], *, every_s: float = 0.01) -> None:
        give_up_s = time.monotonic() + GIVE_UP_S
        while not is_so():
            assert time.monotonic() < give_up_s
            time.sleep(every_s)

    def check(self) -> Counter[State]:
        """Nobody has two; who is accepted has one; what arrived is so, in doubt or rejected. The counts by state."""
        arrived, states = Counter(self.arrived()), self.states()
        assert {reference: count for reference, count in arrived.items() if count > 1} == {}
        known = (State.ACCEPTED, State.IN_DOUBT, State.SENDING, State.REJECTED)
        assert [reference for reference in arrived if states.get(reference) not in known] == []
        assert [each for each, state in states.items() if state is State.ACCEPTED and each not in arrived] == []
        return Counter(states.values())

    def sql(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True, options="-c search_path=flypast_engine") as connection:
            rows = connection.execute(statement, values)
            return rows.fetchall() if rows.description else []

    def close(self) -> None:
        for process in self.workers:
            process.kill()
            said, _ = process.communicate()
            print(f"worker {process.pid} ended with {process.returncode}:\n{said}")  # noqa: T201 (a failed test shows it)


MakeFleet = Callable[..., Fleet]


@pytest.fixture
def fleet(project: Project, serve: Serve, url: str) -> Iterator[MakeFleet]:
    made: list[Fleet] = []

    def make(people: int, *, faults: Sequence[str] = (), manifest: str | None = None, **more: Any) -> Fleet:
        project.write("people.csv", "phone,name,order\n" + "".join(rows(people)))
        text = manifest or (project.path / "hello.yaml").read_text()
        project.write("hello.yaml", text.replace("    to: people\n", "    to: people\n    distinct: [order]\n"))
        sandbox = serve("--rate", "1000000", *faults)
        each = Fleet(project=project, url=url, api=sandbox.url, record=sandbox.record_path, **more)
        each.flypast("ledger", "init", "--engine", "postgres")
        made.append(each)
        return each

    yield make
    for each in made:
        each.close()


def rows(count: int) -> Iterator[str]:
    """A hundred people with many orders each, as there are no more fictional numbers."""
    return (f"+141555501{number % 100:02d},Person {number},{number}\n" for number in range(count))


def cores() -> int:
    return len(os.sched_getaffinity(0))
