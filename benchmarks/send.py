"""What a send costs beside loops that do nothing else, and whether it holds its pace.

    python -m benchmarks.send [--messages N] [--rounds N] [--seconds N]

Each run is a process of its own, in turns. The server is nginx where it is installed, else `benchmarks.server`; with
latency it is always the latter. `requests` is measured where it is installed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

from runner.bird.client import BirdClient
from runner.bird.replies import Reply
from runner.bird.requests import AccessKey
from runner.delivery.settings import Settings
from runner.model import Channel, Policy, Rate
from runner.pipeline.running import run

from .ledger import make_claim, make_spool
from .measure import Nginx, Server, spread
from .sending import send_all

RATE_PER_S, LATENCY_MS, AT_ONCE = 500, 200.0, 256
LOOPS = ("asyncio", "uvloop") if find_spec("uvloop") else ("asyncio",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--one", nargs=3, metavar=("LOOP", "CONCURRENCY", "URL"), help="one run, in this process")
    parser.add_argument("--paced", nargs=2, metavar=("LOOP", "URL"), help="one run at a pace, in this process")
    given = parser.parse_args()
    if given.one:
        print(*one(given.one[0], int(given.one[1]), given.one[2], given.messages))
    elif given.paced:
        print(json.dumps(paced(given.paced[0], given.paced[1], given.seconds)))
    else:
        print(report(given.messages, given.rounds, given.seconds))


def report(messages: int, rounds: int, seconds: int) -> str:
    """The tables of README.md."""
    return "\n".join([_beside(0.0, 64, messages, rounds), _beside(50.0, AT_ONCE, messages, rounds), *_paces(seconds)])


def _beside(latency_ms: float, concurrency: int, messages: int, rounds: int) -> str:
    """`send` with its ledger, and the others without anything."""
    made = {f"send, {loop}": ("benchmarks.send", loop) for loop in LOOPS}
    made |= {f"aiohttp, {loop}": ("benchmarks.bare", loop) for loop in LOOPS}
    if find_spec("requests"):
        made["requests, 50 threads"] = ("benchmarks.bare", "requests")
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    with Server(latency_ms) if latency_ms or not Nginx.is_there() else Nginx() as server:
        for _ in range(rounds):
            for name, (module, way) in made.items():
                number = messages if way != "requests" else messages // 10
                found[name].append(_ran(module, way, number, concurrency, server.url))
    lines = [f"{messages:,} messages, latency {latency_ms:g} ms, concurrency {concurrency}, {rounds} rounds, {server}"]
    for name, figures in found.items():
        cpus, speeds = zip(*figures, strict=True)
        lines.append(f"  {name:22} CPU {spread(cpus, ' us'):32} {spread(speeds)} a second")
    lines += [_ratio(found, loop) for loop in LOOPS]
    return "\n".join(lines)


def _ratio(found: dict[str, list[tuple[float, float]]], loop: str) -> str:
    pairs = list(zip(found[f"send, {loop}"], found[f"aiohttp, {loop}"], strict=True))
    cpu = statistics.median(ours[0] / bare[0] for ours, bare in pairs)
    speed = statistics.median(ours[1] / bare[1] for ours, bare in pairs)
    return f"  send beside aiohttp on {loop}: {cpu:.2f} x the CPU, {speed:.2f} x the messages a second"


def _ran(module: str, way: str, messages: int, concurrency: int, url: str) -> tuple[float, float]:
    if module == "benchmarks.send":
        arguments = ["--messages", str(messages), "--one", way, str(concurrency), url]
    else:
        arguments = [way, str(messages), str(50 if way == "requests" else concurrency), url]
    ran = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=True)
    cpu_us, speed = ran.stdout.split()
    return float(cpu_us), float(speed)


def one(loop: str, concurrency: int, url: str, messages: int) -> tuple[float, float]:
    """CPU in microseconds for each message, and messages a second: SQLite, synchronous=FULL."""
    _choose(loop)
    settings = Settings(concurrency=concurrency, workspace_rate=None, stop_after=Policy().stop_after)
    with ExitStack() as stack:
        spool = stack.enter_context(make_spool(messages))
        claim = make_claim("sqlite", Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
        client = BirdClient(url, AccessKey("bench-key"), concurrency=concurrency)
        took = run(send_all(spool, claim, client, settings))
    return took.cpu_us_each, took.per_second


def _paces(seconds: int) -> list[str]:
    lines = [f"at {RATE_PER_S} a second for {seconds} s, latency {LATENCY_MS:g} ms, concurrency {AT_ONCE}"]
    with Server(LATENCY_MS) as server:
        for loop in LOOPS:
            command = [sys.executable, "-m", "benchmarks.send", "--seconds", str(seconds), "--paced", loop, server.url]
            told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            words = "{per_second:.1f} a second, {fullest} in the fullest second, {cpu_share:.1%} of a core"
            lines.append(f"  {loop:8} {words.format(**told)}")
    return lines


def paced(loop: str, url: str, seconds: int) -> dict[str, float]:
    """The pace held, the most requests that went out within any second, and the CPU's share."""
    _choose(loop)
    rate = Rate(count=RATE_PER_S, per_s=1)
    settings = Settings(concurrency=AT_ONCE, workspace_rate=rate, stop_after=Policy().stop_after)
    with ExitStack() as stack:
        spool = stack.enter_context(make_spool(RATE_PER_S * seconds))
        claim = make_claim("sqlite", Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
        client = BirdClient(url, AccessKey("bench-key"), concurrency=AT_ONCE)
        noting = _Noting(client)
        took = run(send_all(spool, claim, client, settings, through=noting))
    posted_s = noting.posted_s
    return {
        "per_second": (len(posted_s) - 1) / (posted_s[-1] - posted_s[0]),
        "fullest": fullest_second(posted_s),
        "cpu_share": took.cpu_share,
    }


def fullest_second(posted_s: Sequence[float]) -> int:
    """Of instants in order: the most that lie within one second."""
    return max(bisect_left(posted_s, at_s + 1.0) - index for index, at_s in enumerate(posted_s))


class _Noting:
    """Passes requests on and notes when."""

    def __init__(self, client: BirdClient) -> None:
        self._client = client
        self.posted_s: list[float] = []

    async def post(self, channel: Channel, body: bytes) -> Reply:
        self.posted_s.append(time.monotonic())
        return await self._client.post(channel, body)


def _choose(loop: str) -> None:
    if loop == "asyncio":
        sys.modules["uvloop"] = None  # type: ignore[assignment]  # as where it is not installed


if __name__ == "__main__":
    main()
