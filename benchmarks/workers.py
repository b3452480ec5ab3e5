"""What it costs to let workers send, beside a single process, and what a second worker gives.

    python -m benchmarks.workers [--messages N] [--rounds N]

Each run has a database of its own on one PostgreSQL server, each process is measured from outside, and what is compared
runs in turns. `messages a second` is from the first intent to the last outcome, by the ledger.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tests.postgres.server import Server as Database
from tests.postgres.server import running_server

from .measure import FLYPAST, Nginx, Server, environment, spread, used_by, write_manifest

SPAN = "SELECT min(intended_at), max(at), count(*) FROM flypast.messages WHERE state = 'accepted'"
LATENCY_MS = 50.0
_HOW = ("--rate", "unlimited", "--concurrency", "64")


class Run(NamedTuple):
    cpu_us: float
    a_second: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(report(given.messages, given.rounds))


def report(messages: int, rounds: int) -> str:
    """The table of README.md."""
    with tempfile.TemporaryDirectory() as made, running_server() as database:
        folder = Path(made)
        with Nginx() if Nginx.is_there() else Server() as server:
            at_once = _rounds(folder, database, server.url, messages, rounds)
        with Server(LATENCY_MS) as server:
            late = _rounds(folder, database, server.url, messages, rounds)
    return "\n".join([*_told("no latency", messages, at_once), *_told(f"latency {LATENCY_MS:g} ms", messages, late)])


def _rounds(folder: Path, database: Database, api: str, messages: int, rounds: int) -> dict[int, list[Run]]:
    """By the number of workers; 0 is a single process. What its start costs is taken off: that of a tenth of them."""
    found: dict[int, list[Run]] = {0: [], 1: [], 2: []}
    write_manifest(folder / "few", messages // 10)
    write_manifest(folder / "all", messages)
    for _ in range(rounds):
        for workers, runs in found.items():
            few = one(folder / "few", database, api, messages // 10, workers)
            most = one(folder / "all", database, api, messages, workers)
            cpu_us = (most.cpu_us * messages - few.cpu_us * (messages // 10)) / (messages - messages // 10)
            runs.append(Run(cpu_us, most.a_second))
    return found


def one(folder: Path, database: Database, api: str, messages: int, workers: int) -> Run:
    """All processes of a send, from planning to the last outcome."""
    url = database.new_database()
    options = ["--ledger", url, "--api-url", api]
    used_by(["ledger", "init", "--engine", "postgres", *options], folder)
    sending = ["send", "bench.yaml", "--yes", "--skip-channel-check", *_HOW, *options]
    cpu_s = used_by([*sending, *(["--engine", "postgres"] if workers else [])], folder).cpu_s
    cpu_s += _drained(["worker", "--engine", "postgres", "--drain", *options], folder, workers)
    [(first, last, count)] = database.sql(SPAN, database=url.rpartition("/")[2])
    if count != messages:
        raise RuntimeError(f"{count} of {messages} went out")
    took = datetime.fromisoformat(str(last)) - datetime.fromisoformat(str(first))
    return Run(cpu_s / messages * 1e6, messages / took.total_seconds())


def _drained(arguments: Sequence[str], folder: Path, workers: int) -> float:
    """So many of them at the same time, to their end; their CPU seconds."""
    others = [
        subprocess.Popen([*FLYPAST, *arguments], cwd=folder, env=environment(), stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
        for _ in range(workers - 1)
    ]  # fmt: skip
    cpu_s = used_by(arguments, folder).cpu_s if workers else 0.0
    for other in others:
        cpu_s += _waited(other)
    return cpu_s


def _waited(process: "subprocess.Popen[bytes]") -> float:

    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"a worker ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def _told(what: str, messages: int, found: dict[int, list[Run]]) -> list[str]:
    lines = [f"{messages:,} messages, {what}, concurrency 64 for each process, {len(found[0])} rounds in turns"]
    for workers, runs in found.items():
        name = {0: "a single process", 1: "1 worker", 2: "2 workers"}[workers]
        cpus, speeds = [run.cpu_us for run in runs], [run.a_second for run in runs]
        lines.append(f"  {name:18} CPU {spread(cpus, ' us'):30} {spread(speeds, digits=0)} a second")
    cpu = statistics.median(ours.cpu_us / alone.cpu_us for ours, alone in zip(found[1], found[0], strict=True))
    speed = statistics.median(two.a_second / one.a_second for two, one in zip(found[2], found[1], strict=True))
    lines.append(
        f"  1 worker beside the single process: {cpu:.2f} x the CPU; 2 workers beside 1: {speed:.2f} x as fast"
    )
    return lines


if __name__ == "__main__":
    main()
