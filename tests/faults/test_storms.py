"""Very many 429s, with every odd Retry-After: nothing is lost, nothing goes twice, and memory stays where it is."""

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from tests.cli.raw_server import ACCEPTED, RawServer, reply, replying
from tests.cli.sending import counts, keeps_the_key, sending, states, summary
from tests.conftest import KEY, MANIFEST, Project, Ran, clean_environment

from .campaign import ROOT
from .size import IS_LONG
from .storm import Storm

REFUSALS = int(os.environ.get("FLYPAST_TEST_429S", "200000" if IS_LONG else "2000"))
MOST = 17  # a message is asked to wait from once to so often: some get through in every round, or waits would double
EACH = (MOST + 1) // 2  # on average
PEOPLE = 2000 if IS_LONG else 250
MESSAGES = max(1, REFUSALS // (EACH * PEOPLE) + 1)
CONCURRENCY = 1000 if IS_LONG else 250
PAST = "Sat, 01 Jan 2000 00:00:00 GMT"

ODD: dict[str, tuple[str, ...]] = {
    "none": (),
    "negative": ("-5",),
    "for years": ("1e9",),
    "for many years": ("9" * 40,),
    "a word": ("abc",),
    "a date that is past": (PAST,),
    "zero": ("0",),
    "a tenth": ("0.1",),
    "empty": ("",),
    "two of them": ("0", "1"),
    "a kilobyte": ("x" * 1000,),
}
THROTTLES = [reply("429 Slow", b"", *(f"Retry-After: {value}" for value in values)) for values in ODD.values()]

# The kernel's own count of this program's memory, and of its processor time.
MEASURE = """
import atexit, pathlib, sys, time
atexit.register(lambda: sys.stderr.write(pathlib.Path("/proc/self/status").read_text()))
atexit.register(lambda: sys.stderr.write(f"CPU: {time.process_time()}\\n"))
sys.argv[0] = "flypast"
from runner.cli import run
run()
"""


def measured(project: Project, url: str, *more: str, timeout_s: float = 60) -> tuple[Ran, float, float]:
    """A send; its peak in MiB and its processor time in seconds."""
    arguments = [*map(str, sending(url, "--format", "json", *more))]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments],
        cwd=project.path,
        env=clean_environment(BIRD_ACCESS_KEY=KEY, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    keeps_the_key(ran)
    peak, cpu = re.search(r"VmHWM:\s+(\d+)", done.stderr), re.search(r"CPU: ([\d.]+)", done.stderr)
    return ran, int(peak[1]) / 1024 if peak else 0.0, float(cpu[1]) if cpu else 0.0


def wanted(reference: bytes) -> int:
    """How often this message is asked to wait: from 1 to MOST times."""
    return zlib.crc32(reference) % MOST + 1


def many(project: Project, people: int, messages: int) -> None:
    """`messages` messages for each of `people` people."""
    head, _, draft = MANIFEST.partition("  greet:\n")
    project.write("hello.yaml", head + "".join(f"  greet_{number}:\n{draft}" for number in range(messages)))
    project.people(people)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_storm_of_429s_loses_nothing_sends_nothing_twice_and_takes_no_memory(project: Project) -> None:
    many(project, PEOPLE, MESSAGES)
    flow = ("--concurrency", str(CONCURRENCY))
    with Storm(lambda *_: ACCEPTED) as calm:
        ran, calm_mib, calm_cpu_s = measured(project, calm.url, *flow, timeout_s=600)
        assert ran.code == 0, ran.err
    (project.path / ".flypast" / "sandbox.db").unlink()

    def answer(reference: bytes, before: int, number: int) -> bytes:
        return ACCEPTED if before == wanted(reference) else THROTTLES[number % len(THROTTLES)]

    with Storm(answer) as storm:
        ran, peak_mib, cpu_s = measured(project, storm.url, *flow, timeout_s=3000)
        said = summary(ran)
        total = PEOPLE * MESSAGES
        assert (counts(said), said["exitCode"], said["stopped"]) == ((total, 0, 0, 0), 0, None)
        assert len(storm.times) == total
        assert all(times == wanted(reference) + 1 for reference, times in storm.times.items())
        assert states(project, storm.url) == ["accepted"] * total
        throttled = storm.requests - total
    assert throttled >= REFUSALS * 0.9
    print(  # noqa: T201 (what docs/reliability.md records)
        f"{throttled} x 429 with {len(ODD)} kinds of Retry-After for {total} messages: all accepted once; "
        f"{peak_mib:.0f} MiB at most, {calm_mib:.0f} MiB without them; {cpu_s:.1f} s of processor, {calm_cpu_s:.1f} s"
    )
    assert peak_mib < calm_mib + 24
    # A busy loop would cost many times what a message costs; a 429 costs about what a 202 does.
    assert cpu_s < calm_cpu_s * 3 * EACH


@pytest.mark.parametrize("kind", list(ODD) if IS_LONG else ["for years"])
def test_a_message_with_an_odd_retry_after_goes_out_once_it_is_let(project: Project, kind: str) -> None:
    throttle = THROTTLES[list(ODD).index(kind)]
    with RawServer(replying(throttle, throttle, ACCEPTED)) as server:
        ran, _, _ = measured(project, server.url, "--concurrency", "1")
        assert (counts(summary(ran)), ran.code, len(server.requests)) == ((3, 0, 0, 0), 0, 5)


def test_waiting_takes_no_processor(project: Project) -> None:
    """Three seconds as Bird asks, and none: the difference is not three seconds of a busy loop."""
    waits = reply("429 Slow", b"", "Retry-After: 3")
    with RawServer(replying(ACCEPTED)) as server:
        _, _, calm_cpu_s = measured(project, server.url, "--concurrency", "1")
    (project.path / ".flypast" / "sandbox.db").unlink()
    with RawServer(replying(waits, ACCEPTED)) as server:
        ran, _, cpu_s = measured(project, server.url, "--concurrency", "1")
        assert (counts(summary(ran)), len(server.requests)) == ((3, 0, 0, 0), 4)
    assert cpu_s < calm_cpu_s + 1.5
