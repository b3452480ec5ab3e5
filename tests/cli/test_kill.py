"""After a kill -9: what the next send, resolve and a second run make of it. The kills themselves: tests/faults."""

import json
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import KEY, Project, Ran, Server

from .raw_server import ACCEPTED, Line, RawServer, in_turn, replying, says, says_when
from .sending import (
    GIVE_UP_S,
    counts,
    keeps_the_key,
    planning,
    posts,
    send,
    sending,
    states,
    summary,
    until,
)

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "spring-launch"
CONCURRENCY = 16
SLOW = ("--rate", "100000", "--fault", "slow:20ms")  # so there is always something in flight

Serve = Callable[..., Server]


class Launch:
    """The example of 1,000 people, in a folder of its own, sent to one server."""

    def __init__(self, folder: Path, server: Server) -> None:
        if not folder.exists():
            shutil.copytree(EXAMPLE, folder)
        self.project = Project(folder)
        self.server = server

    def copy(self, folder: Path) -> "Launch":
        shutil.copytree(self.project.path, folder)
        return Launch(folder, self.server)

    @property
    def arguments(self) -> list[str]:
        pace = ["--rate", "2000/s", "--concurrency", str(CONCURRENCY)]
        return ["send", "spring-launch.yaml", "--yes", "--api-url", self.server.url, *pace, "--format", "json"]

    def start(self) -> "subprocess.Popen[str]":
        return self.project.start(*self.arguments, BIRD_ACCESS_KEY=KEY)

    def send(self) -> Any:
        return summary(self.project.run(*self.arguments, BIRD_ACCESS_KEY=KEY))

    def resolve(self, how: str) -> Ran:
        return self.project.run("resolve", "spring-launch.yaml", how, "--yes", "--api-url", self.server.url)

    def status(self) -> dict[str, str]:
        """The state of each message that the ledger holds, by its reference."""
        ran = self.project.run("status", "spring-launch.yaml", "--api-url", self.server.url, "--format", "jsonl")
        assert ran.code == 0, ran.err
        held = {f"fp1.{line['key']}": line["state"] for line in ran.lines}
        assert len(held) == len(ran.lines)
        return held


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"


def killed_at(launch: Launch, count: int) -> None:
    """A send that is killed when so many requests have arrived, all in all."""
    process = launch.start()
    until(lambda: posts(launch.server) >= count, process)
    kill(process)


def nobody_has_two(server: Server) -> set[str]:
    """The references of all that went out."""
    record = server.record
    assert all(line["decision"] == "accepted" for line in record), Counter(line["decision"] for line in record)
    references = Counter(line["reference"] for line in record)
    people = Counter(person for line in record for person in line["recipients"])
    assert {name: count for name, count in (references + people).items() if count > 1} == {}
    return set(references)


@pytest.fixture
def launch(tmp_path: Path, serve: Serve) -> Launch:
    return Launch(tmp_path / "launch", serve(*SLOW))


@pytest.fixture
def in_doubt(launch: Launch) -> Launch:
    """Killed once early on; whoever was in flight then is in doubt now."""
    launch.project.write("recipients/launch.csv", short_list(120))
    killed_at(launch, 40)
    said = launch.send()
    assert said["exitCode"] == 6
    assert 0 < said["totals"]["inDoubt"] <= CONCURRENCY
    return launch


def short_list(count: int) -> str:
    lines = (EXAMPLE / "recipients" / "launch.csv").read_text().splitlines(keepends=True)
    return "".join(lines[: count + 1])


def test_after_a_kill_resolve_drop_sends_nothing_more(in_doubt: Launch) -> None:
    before = posts(in_doubt.server)
    doubtful = [one for one, state in in_doubt.status().items() if state == "inDoubt"]
    dropped = in_doubt.resolve("--drop")
    assert dropped.code == 0, dropped.err
    assert {one for one, state in in_doubt.status().items() if state == "dropped"} == set(doubtful)
    said = in_doubt.send()
    assert counts(said) == (120 - len(doubtful), 0, 0, 0)
    assert said["totals"]["skipped"] == len(doubtful)
    assert said["exitCode"] == 0
    assert posts(in_doubt.server) == before


def test_after_a_kill_resolve_resend_sends_exactly_those_in_doubt(in_doubt: Launch) -> None:
    before = posts(in_doubt.server)
    doubtful = [one for one, state in in_doubt.status().items() if state == "inDoubt"]
    resent = in_doubt.resolve("--resend")
    assert resent.code == 0, resent.err
    said = in_doubt.send()
    assert counts(said) == (120, 0, 0, 0)
    assert said["run"]["accepted"] == len(doubtful)
    assert said["exitCode"] == 0
    assert sorted(line["reference"] for line in in_doubt.server.record[before:]) == sorted(doubtful)


def test_after_a_kill_resolve_without_a_decision_lists_and_without_yes_does_nothing(in_doubt: Launch) -> None:
    project, url = in_doubt.project, in_doubt.server.url
    held = in_doubt.status()
    listed = project.run("resolve", "spring-launch.yaml", "--api-url", url)
    assert listed.code == 6
    assert len(listed.out.splitlines()) == Counter(held.values())["inDoubt"]
    for how in ("--drop", "--resend"):
        unasked = project.run("resolve", "spring-launch.yaml", how, "--api-url", url)
        assert unasked.code == 4
        assert "--yes" in unasked.err
    assert in_doubt.status() == held


def test_resolve_right_after_a_kill_finds_what_was_in_flight(launch: Launch) -> None:
    """Without a send in between that would have made `sending` into in doubt."""
    launch.project.write("recipients/launch.csv", short_list(120))
    killed_at(launch, 40)
    flying = [one for one, state in launch.status().items() if state == "sending"]
    assert 0 < len(flying) <= CONCURRENCY
    assert launch.resolve("--drop").code == 0
    held = launch.status()
    assert {held[one] for one in flying} == {"dropped"}
    said = launch.send()
    assert counts(said) == (120 - len(flying), 0, 0, 0)
    assert said["exitCode"] == 0
    nobody_has_two(launch.server)


def test_a_kill_while_planning_has_sent_nothing_and_the_next_send_sends_all(project: Project) -> None:
    with RawServer(replying(ACCEPTED)) as server:
        process = planning(project, server.url)
        process.kill()
        process.communicate()
        assert server.lines == []
        assert states(project, server.url) == []
        said = summary(send(project, server.url))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((3, 0, 0, 0), 0, 3)


First = tuple[Project, RawServer, "subprocess.Popen[str]", threading.Event]


@pytest.fixture
def first_of_two(project: Project) -> Iterator[First]:
    """A send that is under way: its first message has arrived, and no reply comes before the event is set."""
    project.people(6)
    may_reply = threading.Event()
    with RawServer(in_turn(says_when(may_reply, ACCEPTED))) as server:
        process = project.start(*sending(server.url, "--concurrency", "2"), BIRD_ACCESS_KEY=KEY)
        server.wait_for(1)
        yield project, server, process, may_reply
        may_reply.set()
        process.kill()
        process.communicate()


def test_a_second_send_at_once_is_exit_8_and_names_the_holder(first_of_two: First) -> None:
    project, server, process, may_reply = first_of_two
    second = send(project, server.url)
    assert (second.code, second.json["exitCode"]) == (8, 8)
    assert f"pid {process.pid}" in second.err
    assert "--lock-timeout" in second.err
    keeps_the_key(second)
    decided = project.run("resolve", "hello.yaml", "--drop", "--yes", "--api-url", server.url)
    assert decided.code == 8, decided.err
    may_reply.set()
    process.communicate(timeout=GIVE_UP_S)
    assert process.returncode == 0
    assert states(project, server.url) == ["accepted"] * 6
    assert len(server.references) == len(set(server.references)) == 6


def test_a_second_send_that_waits_for_the_lock_then_sends_nothing(first_of_two: First) -> None:
    project, server, process, may_reply = first_of_two
    second = project.start(*sending(server.url, "--lock-timeout", "1m", "--format", "json"), BIRD_ACCESS_KEY=KEY)
    assert second.stderr is not None
    waiting = next(line for line in second.stderr if "waiting" in line)
    may_reply.set()
    out, _ = second.communicate(timeout=GIVE_UP_S)
    assert process.wait(GIVE_UP_S) == 0
    assert f"pid {process.pid}" in waiting
    assert "waiting for it, at most 60 s" in waiting
    said = json.loads(out)
    assert (counts(said), said["run"]["accepted"], said["exitCode"]) == ((6, 0, 0, 0), 0, 0)
    assert len(server.references) == len(set(server.references)) == 6


def test_a_second_send_waits_no_longer_than_it_was_told(project: Project) -> None:
    with RawServer(Line.hang) as server:
        process = project.start(*sending(server.url), BIRD_ACCESS_KEY=KEY)
        until(lambda: len(server.lines) > 0, process)
        started_s = time.monotonic()
        assert send(project, server.url, "--lock-timeout", "1s").code == 8
        assert time.monotonic() - started_s > 1
        kill(process)


def test_another_manifest_goes_on_meanwhile_and_reading_is_free(project: Project) -> None:
    with RawServer(in_turn(Line.hang, Line.hang, Line.hang, says(ACCEPTED))) as server:
        process = project.start(*sending(server.url), BIRD_ACCESS_KEY=KEY)
        server.wait_for(3)
        project.write("urgent.yaml", (project.path / "hello.yaml").read_text().replace("name: hello", "name: urgent"))
        urgent = project.run("send", "urgent.yaml", "--yes", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
        assert urgent.code == 0, urgent.err
        assert project.run("plan", "hello.yaml", "--api-url", server.url).code == 0
        held = states(project, server.url)
        kill(process)
        assert held == ["sending"] * 3


def test_a_killed_send_holds_no_lock(project: Project) -> None:
    with RawServer(Line.hang) as server:
        process = project.start(*sending(server.url), BIRD_ACCESS_KEY=KEY)
        until(lambda: len(server.lines) == 3, process)
        kill(process)
        said = summary(send(project, server.url))
        assert (counts(said), said["exitCode"], len(server.lines)) == ((0, 0, 3, 0), 6, 3)
