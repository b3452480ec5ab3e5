"""How a look at Bird's list ends where it does not come to its end: a refused channel, a signal, a lock."""

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import CHANNEL, KEY, MANIFEST, Project, Ran
from tests.test_output_schemas import fits

from .raw_server import Line, RawServer, reply
from .sending import GIVE_UP_S, KEEP_GOING, keeps_the_key, planning, send, states, until
from .test_reconcile import look, of, page, totals

SECOND = CHANNEL[:-1] + ("1" if CHANNEL[-1] != "1" else "2")
CHANNELS = sorted((CHANNEL, SECOND))
EITHER = pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
NOT_YOU = b'{"code":"No","message":"not you"}'

Lists = Callable[["Channels", Line, int, int], None]


class Channels:
    """Takes messages on two channels, answers each with 500, then `lists`: of which channel, and its nth GET."""

    def __init__(self, lists: Lists) -> None:
        self.lists = lists
        self.references: dict[str, list[str]] = {channel: [] for channel in CHANNELS}
        self.gets = dict.fromkeys(CHANNELS, 0)

    def __call__(self, line: Line) -> None:
        while True:
            request = line.request()
            (channel,) = (each for each in CHANNELS if f"/channels/{each}/".encode() in request.head)
            if request.head.startswith(b"POST"):
                self.references[channel].append(json.loads(request.body)["reference"])
                line.say(reply("500 Internal Server Error"))
            else:
                self.gets[channel] += 1
                self.lists(self, line, CHANNELS.index(channel), self.gets[channel])

    def whole(self, line: Line, index: int) -> None:
        """All of what went out there, on one page."""
        line.say(page(*(of(each) for each in self.references[CHANNELS[index]])))


@contextmanager
def in_doubt(project: Project, lists: Lists) -> Iterator[tuple[RawServer, Channels]]:
    """Two people have a message in doubt on each of two channels."""
    project.people(2)
    first = next(line for line in MANIFEST.splitlines() if line.startswith("  sms:"))
    greet = MANIFEST.partition("  greet:\n")[2]
    two = MANIFEST.replace(first, f"{first}\n{first.replace('sms:', 'other:').replace(CHANNEL, SECOND)}")
    two += "  again:\n" + greet.replace("channel: sms", "channel: other")
    project.write("hello.yaml", two + KEEP_GOING)
    channels = Channels(lists)
    with RawServer(channels) as server:
        assert send(project, server.url, "--concurrency", "1").code == 6
        server.requests.clear()
        yield server, channels


def started(project: Project, url: str, *more: str) -> "subprocess.Popen[str]":
    return project.start("reconcile", "--api-url", url, "--settle", "0s", *more, BIRD_ACCESS_KEY=KEY)


def ended(process: "subprocess.Popen[str]") -> Ran:
    out, err = process.communicate(timeout=GIVE_UP_S)
    keeps_the_key(ran := Ran(process.returncode, out, err))
    return ran


def first_unknown(channels: Channels, line: Line, index: int, _get: int) -> None:
    if index == 0:
        line.say(reply("404 Not Found", NOT_YOU))
    else:
        channels.whole(line, index)


def test_a_404_stops_its_channel_alone_and_is_exit_7(project: Project) -> None:
    with in_doubt(project, first_unknown) as (server, _):
        ran = look(project, server.url)
        assert (ran.code, totals(ran), ran.json["stopped"]) == (7, {"accepted": 2, "inDoubt": 2}, None)
        (left,) = ran.json["incomplete"]
        assert (left["channelId"], left["words"]) == (CHANNELS[0], "HTTP 404: not you")
        assert f"channel {CHANNELS[0]} was not looked through: HTTP 404: not you" in ran.err
        assert sorted(states(project, server.url)) == ["accepted"] * 2 + ["inDoubt"] * 2


@pytest.mark.parametrize("line", ["401 Unauthorized", "402 Payment Required", "403 Forbidden"])
def test_any_other_refusal_stops_the_look_up_and_the_channels_not_read_are_told(project: Project, line: str) -> None:
    with in_doubt(project, lambda _all, to, _index, _get: to.say(reply(line, NOT_YOU))) as (server, channels):
        ran = look(project, server.url)
        assert (ran.code, totals(ran), ran.json["stopped"]) == (7, {"inDoubt": 4}, f"HTTP {line[:3]}: not you")
        words = f"not looked through, as the look-up had ended: HTTP {line[:3]}: not you"
        told = [(each["channelId"], each["words"]) for each in ran.json["incomplete"]]
        assert told == [(CHANNELS[0], f"HTTP {line[:3]}: not you"), (CHANNELS[1], words)]
        assert f"channel {CHANNELS[1]} was {words}\n" in ran.err
        assert ran.err.splitlines()[-1].startswith("Go on with: flypast reconcile ")
        assert list(channels.gets.values()) == [1, 0]


def hangs_on_page_two(channels: Channels, line: Line, index: int, get: int) -> None:
    """The first channel's first page has its first message."""
    if index or get > 2:
        channels.whole(line, index)
    elif get == 1:
        line.say(page(of(channels.references[CHANNELS[0]][0]), nextPageToken="2"))
    else:
        line.hang()


@EITHER
def test_a_signal_ends_the_look_and_what_was_seen_counts(project: Project, which: signal.Signals) -> None:
    with in_doubt(project, hangs_on_page_two) as (server, _):
        process = started(project, server.url, "--format", "json")
        server.wait_for(2)
        process.send_signal(which)
        ran = ended(process)
        said = fits("reconcile", ran.json)
        assert (ran.code, said["exitCode"], said["stopped"]) == (130, 130, "interrupted")
        assert totals(ran) == {"accepted": 1, "inDoubt": 3}
        assert [each["words"] for each in said["incomplete"]] == [
            "interrupted",
            "not looked through, as the look-up had ended: interrupted",
        ]
        assert said["lookAgainAfter"] is None
        assert ran.err.splitlines()[-1].startswith("Go on with: flypast reconcile --api-url ")
        assert sorted(states(project, server.url)) == ["accepted"] + ["inDoubt"] * 3
        again = look(project, server.url)  # nothing is held any more
        assert (again.code, totals(again)) == (0, {"accepted": 3})


def test_two_signals_end_it_with_the_summary_all_the_same(project: Project) -> None:
    with in_doubt(project, hangs_on_page_two) as (server, _):
        process = started(project, server.url)
        server.wait_for(2)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        ran = ended(process)
        assert (ran.code, ran.out) == (130, "Looked up 4 messages: 1 accepted, 3 still in doubt\n")
        assert ran.err.splitlines()[-1].startswith("Go on with: ")


def only_the_first(channels: Channels, line: Line, index: int, _get: int) -> None:
    line.say(page(of(channels.references[CHANNELS[index]][0])))


@EITHER
def test_a_signal_during_the_wait_leaves_it_at_the_first_look(project: Project, which: signal.Signals) -> None:
    with in_doubt(project, only_the_first) as (server, _):
        process = started(project, server.url, "--wait", "--settle", "15m", "--format", "json")
        assert process.stderr is not None
        assert process.stderr.readline().endswith(": waiting\n")
        process.send_signal(which)
        ran = ended(process)
        said = fits("reconcile", ran.json)
        assert (ran.code, said["exitCode"], said["stopped"]) == (130, 130, "interrupted")
        assert totals(ran) == {"accepted": 2, "inDoubt": 2}
        assert said["lookAgainAfter"] is not None
        assert ran.err.splitlines()[-1].startswith("Go on with: flypast reconcile ")


def test_while_it_looks_it_says_how_far_it_is_even_while_bird_asks_to_wait(project: Project) -> None:
    def held(channels: Channels, line: Line, index: int, get: int) -> None:
        if (index, get) == (1, 1):
            line.say(reply("429 Too Many Requests", b"", "Retry-After: 6"))
        else:
            channels.whole(line, index)

    with in_doubt(project, held) as (server, _):
        ran = look(project, server.url)
        assert ran.code == 0
        told = r"^channel 2 of 2: 1 page read, 2 messages found of 4; Bird asks to wait, \S+.* more$"
        assert re.search(told, ran.err, re.MULTILINE), ran.err


def test_with_a_lock_timeout_it_says_whom_it_waits_for(project: Project) -> None:
    with in_doubt(project, only_the_first) as (server, _):
        sender = planning(project, server.url)
        lock = project.path / ".flypast" / "sandbox.db.locks" / "hello.lock"
        try:
            until(lambda: f'"pid": {sender.pid},' in lock.read_text(), sender)
            ran = look(project, server.url, "--lock-timeout", "1s")
            assert (ran.code, ran.json["totals"]) == (8, None)
            assert ": waiting for it, at most 1 s\n" in ran.err
        finally:
            sender.kill()
            sender.communicate()
