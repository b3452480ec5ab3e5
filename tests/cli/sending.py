"""`flypast send` as tests run it: one message a person, as JSON, and what holds for every run."""

import json
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import KEY, MANIFEST, Project, Ran, Server, clean_environment, command

GIVE_UP_S = 30.0
POLL_S = 0.005
KEEP_GOING = "policy: {stopAfter: {rejected: 1000, inDoubt: 1000}}\n"


def sending(url: str, *more: str | Path) -> list[str | Path]:
    """A send's arguments, without any pace and asking nothing."""
    return ["send", "hello.yaml", "--yes", "--api-url", url, "--rate", "unlimited", *more]


def send(project: Project, url: str, *more: str | Path, timeout_s: float = 60, **environment: str) -> Ran:
    environment = {"BIRD_ACCESS_KEY": KEY, **environment}
    return project.run(*sending(url, "--format", "json", *more), timeout_s=timeout_s, **environment)


def summary(ran: Ran) -> Any:
    """A send's JSON: it says its own exit code, its counts add up, and the key shows nowhere."""
    keeps_the_key(ran)
    said = ran.json
    assert said["exitCode"] == ran.code, ran.err
    totals = said["totals"]
    parts = ("accepted", "rejected", "inDoubt", "skipped", "planned")
    assert totals["messages"] == sum(totals[part] for part in parts), totals
    assert min(totals.values()) >= 0, totals
    assert set(said["run"]) == {"accepted", "rejected", "inDoubt"}
    assert said["digest"] is None or len(said["digest"]) == 64
    return said


def keeps_the_key(ran: Ran) -> None:
    assert KEY not in ran.out + ran.err
    assert "Traceback" not in ran.err


def counts(said: Any) -> tuple[int, int, int, int]:
    """Of the totals: accepted, rejected, in doubt, planned."""
    totals = said["totals"]
    return totals["accepted"], totals["rejected"], totals["inDoubt"], totals["planned"]


def status(project: Project, url: str, *more: str) -> list[Any]:
    """A line for each message that the ledger holds, in the order of the list where they went out one by one."""
    ran = project.run("status", "hello.yaml", "--api-url", url, "--format", "jsonl", *more)
    assert ran.code == 0, ran.err
    keeps_the_key(ran)
    return ran.lines


def states(project: Project, url: str) -> list[str]:
    return [line["state"] for line in status(project, url)]


def with_policy(project: Project, policy: str = KEEP_GOING) -> None:
    project.write("hello.yaml", MANIFEST + policy)


def posts(server: Server) -> int:
    """How many requests a sandbox has had."""
    with urllib.request.urlopen(f"{server.url}/_sandbox/summary") as reply:
        return int(json.load(reply)["posts"])


def until(condition: Callable[[], bool], process: "subprocess.Popen[Any]") -> None:
    """Polls until it holds, or the process has ended."""
    give_up_s = time.monotonic() + GIVE_UP_S
    while process.poll() is None and not condition():
        assert time.monotonic() < give_up_s
        time.sleep(POLL_S)


def planning(project: Project, url: str, *more: str) -> "subprocess.Popen[str]":
    """A send that has the lock and waits, in the middle of its plan, for the rest of a list on standard input."""
    process = subprocess.Popen(
        command(*sending(url, "--recipients", "people=-", *more)),
        cwd=project.path,
        env=clean_environment(BIRD_ACCESS_KEY=KEY),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write((project.path / "people.csv").read_text())
    process.stdin.flush()
    until((project.path / ".flypast" / "sandbox.db.locks" / "hello.lock").exists, process)
    assert process.poll() is None
    return process


def watches_signals(pid: int) -> bool:
    """Whether the process has a handler of its own for SIGTERM by now, as the kernel says."""
    try:
        found = re.search(r"SigCgt:\s+([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return False
    return found is not None and bool(int(found[1], 16) >> (signal.SIGTERM - 1) & 1)
