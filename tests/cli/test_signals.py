"""Ctrl-C and SIGTERM: take no more, let what is in flight end, say how to go on."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import KEY, Project, Ran, clean_environment, command

from .keyboard import CTRL_C, Keyboard
from .raw_server import ACCEPTED, Line, RawServer, in_turn, reply, replying, says_late
from .sending import (
    GIVE_UP_S,
    counts,
    keeps_the_key,
    planning,
    send,
    sending,
    states,
    summary,
    until,
    watches_signals,
)

INT, TERM = signal.SIGINT, signal.SIGTERM
EITHER = pytest.mark.parametrize("which", [INT, TERM], ids=["SIGINT", "SIGTERM"])
MARK = "Go on with: "


def hangs(line: Line) -> None:
    while True:
        line.request()


@pytest.fixture
def slow() -> Iterator[RawServer]:
    """Each reply takes a second."""
    with RawServer(in_turn(says_late(ACCEPTED, 1.0))) as server:
        yield server


def ended(process: "subprocess.Popen[str]") -> Ran:
    out, err = process.communicate(timeout=GIVE_UP_S)
    ran = Ran(process.returncode, out, err)
    keeps_the_key(ran)
    return ran


def typed_again(project: Project, line: str) -> Ran:
    """The last line's command, exactly as it stands there, in a shell."""
    assert line.startswith(MARK), line
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", line.removeprefix(MARK)],
        cwd=project.path,
        env={**clean_environment(BIRD_ACCESS_KEY=KEY), "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("which", [INT, TERM, signal.SIGHUP])
def test_a_signal_lets_what_is_in_flight_end_and_the_last_line_finishes_the_rest(
    project: Project, slow: RawServer, which: signal.Signals
) -> None:
    server = slow
    project.people(6)
    arguments = [
        *sending(server.url),
        "--concurrency",
        "2",
        "--ledger",
        f"sqlite:///{project.path}/our ledger; $(no).db",
    ]
    process = project.start(*arguments, BIRD_ACCESS_KEY=KEY)
    server.wait_for(2)
    started_s = time.monotonic()
    process.send_signal(which)
    ran = ended(process)
    assert time.monotonic() - started_s < 5
    assert ran.code == 130
    assert "2 accepted, 0 rejected, 0 in doubt" in ran.out
    assert "interrupted" in ran.out
    assert len(server.requests) == 2
    rest = typed_again(project, ran.err.splitlines()[-1])
    assert rest.code == 0, rest.err
    assert "4 accepted" in rest.out
    assert len(server.references) == len(set(server.references)) == 6


@EITHER
def test_what_does_not_end_within_5_s_is_in_doubt_and_the_rest_planned(project: Project, which: signal.Signals) -> None:
    project.people(5)
    with RawServer(hangs) as server:
        process = project.start(*sending(server.url, "--concurrency", "2", "--format", "json"), BIRD_ACCESS_KEY=KEY)
        server.wait_for(2)
        started_s = time.monotonic()
        process.send_signal(which)
        ran = ended(process)
        assert 4.5 < time.monotonic() - started_s < 9
        said = summary(ran)
        assert (counts(said), said["exitCode"], len(server.requests)) == ((0, 0, 2, 3), 130, 2)
        assert "interrupted" in said["stopped"]
        assert states(project, server.url) == ["inDoubt"] * 2
        server.script = replying(ACCEPTED)
        again = summary(send(project, server.url))
        assert (counts(again), again["exitCode"], len(server.requests)) == ((3, 0, 2, 0), 6, 5)


@pytest.mark.parametrize(("first", "second"), [(INT, INT), (INT, TERM), (TERM, INT), (TERM, TERM)])
def test_a_second_signal_leaves_at_once_and_those_in_flight_are_in_doubt(
    project: Project, first: signal.Signals, second: signal.Signals
) -> None:
    project.people(5)
    with RawServer(hangs) as server:
        process = project.start(*sending(server.url, "--concurrency", "2", "--format", "json"), BIRD_ACCESS_KEY=KEY)
        server.wait_for(2)
        started_s = time.monotonic()
        process.send_signal(first)
        time.sleep(0.5)
        process.send_signal(second)
        ran = ended(process)
        assert time.monotonic() - started_s < 4
        said = summary(ran)
        assert (counts(said), said["exitCode"]) == ((0, 0, 2, 3), 130)
        assert states(project, server.url) == ["inDoubt"] * 2
        server.script = replying(ACCEPTED)
        assert counts(summary(send(project, server.url))) == (3, 0, 2, 0)


def waiting(project: Project, url: str, *more: str) -> "subprocess.Popen[str]":
    return project.start(*sending(url, "--concurrency", "1", "--format", "json", *more), BIRD_ACCESS_KEY=KEY)


@EITHER
def test_a_signal_ends_the_wait_that_a_429_asked_for(project: Project, which: signal.Signals) -> None:
    with RawServer(replying(ACCEPTED, reply("429 Too Many", b"", "Retry-After: 60"))) as server:
        process = waiting(project, server.url)
        server.wait_for(2)
        time.sleep(0.3)
        started_s = time.monotonic()
        process.send_signal(which)
        said = summary(ended(process))
        assert time.monotonic() - started_s < 4
        assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 0, 0, 2), 130, 2)
        assert Counter(states(project, server.url)) == {"accepted": 1, "planned": 1}


def test_a_signal_ends_the_wait_for_the_pace(project: Project) -> None:
    with RawServer(replying(ACCEPTED)) as server:
        process = waiting(project, server.url, "--rate", "1/m")
        server.wait_for(1)
        time.sleep(0.3)
        started_s = time.monotonic()
        process.send_signal(INT)
        said = summary(ended(process))
        assert time.monotonic() - started_s < 4
        assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 0, 0, 2), 130, 1)


def test_a_signal_ends_the_wait_for_another_runs_lock(project: Project) -> None:
    with RawServer(hangs) as server:
        first = project.start(*sending(server.url), BIRD_ACCESS_KEY=KEY)
        server.wait_for(3)
        second = waiting(project, server.url, "--lock-timeout", "1m")
        time.sleep(1.5)
        assert second.poll() is None, second.communicate()
        second.send_signal(INT)
        assert ended(second).code == 130
        first.kill()
        first.communicate()
        assert len(server.requests) == 3


# Before anything was sent


@pytest.fixture
def server() -> Iterator[RawServer]:
    """It takes everything."""
    with RawServer(replying(ACCEPTED)) as server:
        yield server


@EITHER
def test_a_signal_while_planning_is_exit_130_and_nothing_was_sent(
    project: Project, server: RawServer, which: signal.Signals
) -> None:
    process = planning(project, server.url, "--format", "json")
    process.send_signal(which)
    ran = ended(process)
    assert ran.code == 130, ran.err
    assert server.lines == []
    assert (ran.json["exitCode"], ran.json["run"]["accepted"]) == (130, 0)
    assert summary(send(project, server.url))["run"]["accepted"] == 3


def test_after_a_signal_while_planning_the_last_line_is_the_command_to_go_on_with(
    project: Project, server: RawServer
) -> None:
    process = planning(project, server.url)
    process.send_signal(INT)
    assert ended(process).err.splitlines()[-1].startswith(f"{MARK}flypast send hello.yaml")


def test_ctrl_c_at_the_question_sends_nothing(project: Project, server: RawServer) -> None:
    with Keyboard(project, "send", "hello.yaml", "--api-url", server.url, "--format", "json") as keyboard:
        keyboard.sees("[y/N]")
        time.sleep(0.5)  # nobody is quicker, and Python would not see it while it is about to read
        keyboard.types(CTRL_C)
        ran = keyboard.ends()
    said = summary(ran)
    assert (counts(said), said["exitCode"]) == ((0, 0, 0, 3), 130)
    assert server.lines == []
    assert states(project, server.url) == []


# While sending


def test_ctrl_c_at_a_terminal_while_sending_drains_and_says_how_to_go_on(project: Project, slow: RawServer) -> None:
    """With the bar on the screen instead of lines."""
    project.people(6)
    with Keyboard(project, *sending(slow.url, "--concurrency", "2")) as keyboard:
        slow.wait_for(2)
        keyboard.types(CTRL_C)
        keyboard.sees("stopping: takes no more, waits up to 5 s for those in flight")
        ran = keyboard.ends()
    assert ran.code == 130
    *_, mark, last = ran.err.splitlines()
    assert mark.endswith(MARK.rstrip())
    assert "flypast send hello.yaml --yes --api-url" in last
    assert len(slow.requests) == 2
    assert Counter(states(project, slow.url)) == {"accepted": 2}


def test_the_second_ctrl_c_says_what_becomes_of_those_in_flight(project: Project) -> None:
    with RawServer(hangs) as server, Keyboard(project, *sending(server.url)) as keyboard:
        server.wait_for(1)
        keyboard.types(CTRL_C)
        keyboard.sees("again: leaves now")
        keyboard.types(CTRL_C)
        keyboard.sees("leaving: what is in flight stays in doubt")
        assert keyboard.ends().code == 130


# The line that is drawn meanwhile

MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("columns", [30, 50, 80])
def test_it_fits_the_window(project: Project, slow: RawServer, columns: int) -> None:
    project.people(4)
    with Keyboard(project, *sending(slow.url, "--concurrency", "1"), COLUMNS=str(columns)) as keyboard:
        keyboard.sees("2 of 4")
        screen = keyboard.ends().err
    drawn = [line for line in MOVES.split(COLOUR.sub("", screen)) if re.match(r"([━─]+ +)?[0-9] of 4", line)]
    assert drawn
    assert max(map(len, drawn)) < columns


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_without_colours_there_are_none(project: Project, slow: RawServer, environment: dict[str, str]) -> None:
    project.people(2)
    with Keyboard(project, *sending(slow.url), **environment) as keyboard:
        screen = keyboard.ends().err
    assert [code for code in COLOUR.findall(screen) if re.search(r"[1-9][0-9]", code)] == []
    assert "Send 2 messages" in screen


def test_interrupted_and_gone_on_with_again_and_again_everybody_gets_one(project: Project) -> None:
    project.people(40)
    with RawServer(in_turn(says_late(ACCEPTED, 0.1))) as server:
        for wanted in (5, 15, 25):
            process = project.start(*sending(server.url, "--concurrency", "4"), BIRD_ACCESS_KEY=KEY)
            server.wait_for(wanted)
            process.send_signal(INT)
            assert ended(process).code == 130
        said = summary(send(project, server.url))
        assert (counts(said), said["exitCode"]) == ((40, 0, 0, 0), 0)
        assert len(server.references) == len(set(server.references)) == 40


@EITHER
def test_a_signal_while_the_test_message_is_on_its_way_says_that_it_is_in_doubt(
    project: Project, which: signal.Signals
) -> None:
    with RawServer(hangs) as server:
        number = ("--test-to", "+14155550100", "--yes", "--api-url", server.url, "--format", "json")
        process = project.start("send", "hello.yaml", *number, BIRD_ACCESS_KEY=KEY)
        server.wait_for(1)
        process.send_signal(which)
        ran = ended(process)
    assert (ran.code, ran.json["exitCode"]) == (130, 130), ran.err
    assert ran.json["run"] == {"accepted": 0, "rejected": 0, "inDoubt": 1}
    assert "interrupted" in ran.json["stopped"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process catches is read from /proc")
@EITHER
def test_a_signal_ends_a_command_that_sends_nothing(project: Project, which: signal.Signals) -> None:
    """It waits for the rest of a list on standard input."""
    process = subprocess.Popen(
        command("plan", "hello.yaml", "--recipients", "people=-"),
        cwd=project.path,
        env=clean_environment(),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(lambda: watches_signals(process.pid), process)
    process.send_signal(which)
    ran = ended(process)
    assert (ran.code, ran.out, ran.err.strip()) == (130, "", "interrupted: nothing more is sent")


# After sending


def full_pipe() -> tuple[int, int]:
    """A pipe that takes no byte more until somebody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b" " * 512)
    os.set_blocking(writing, True)
    return reading, writing


@EITHER
def test_a_signal_after_the_last_message_does_not_make_us_say_that_nothing_was_sent(
    project: Project, server: RawServer, which: signal.Signals
) -> None:
    """The summary can't be written, so the run stays between its last outcome and its end."""
    reading, writing = full_pipe()
    process = subprocess.Popen(
        command(*sending(server.url)),
        cwd=project.path,
        env=clean_environment(BIRD_ACCESS_KEY=KEY),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    try:
        server.wait_for(3)
        time.sleep(1)
        assert process.poll() is None, "it should still have been writing"
        process.send_signal(which)
        time.sleep(0.5)
        os.read(reading, 1 << 20)  # whatever is left can be written now
        _, err = process.communicate(timeout=GIVE_UP_S)
    finally:
        process.kill()
        process.communicate()
        os.close(reading)
        os.close(writing)
    assert process.returncode in (0, 130), err
    assert "before anything was sent" not in err
    assert states(project, server.url) == ["accepted"] * 3
