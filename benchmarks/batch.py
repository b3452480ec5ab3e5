"""What batches of 100 save beside single messages: the same server, ledger and messages, in turns.

    python -m benchmarks.batch [--messages N] [--rounds N]

Each run is a process of its own, without any pace. The server lists what came in batches at once, so this is how fast
flypast is, and not how fast Bird is.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from runner.bird.client import BirdClient
from runner.bird.replies import Reply
from runner.bird.requests import AccessKey
from runner.delivery.settings import Settings
from runner.delivery.spool import Spool
from runner.ledger.seam import Claim
from runner.model import Channel, Policy
from runner.pipeline.running import run

from .ledger import make_claim, make_spool
from .measure import Server, spread
from .sending import Took, send_all

WAYS = {"one by one, concurrency 64": (1, 64), "one by one, concurrency 256": (1, 256), "batches of 100": (100, 6400)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=3, metavar=("BATCH", "CONCURRENCY", "URL"), help="one run, in this process")
    given = parser.parse_args()
    if given.one:
        print(*one(int(given.one[0]), int(given.one[1]), given.one[2], given.messages))
    else:
        print(report(given.messages, given.rounds))


def report(messages: int, rounds: int) -> str:
    """The table of README.md."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in WAYS}
    with Server() as server:
        for _ in range(rounds):
            for name, (batch, concurrency) in WAYS.items():
                found[name].append(_ran(messages * (5 if batch > 1 else 1), batch, concurrency, server.url))
    lines = [f"{messages:,} messages ({5 * messages:,} in batches), {rounds} rounds, {server}"]
    for name, figures in found.items():
        cpus, speeds, *_ = zip(*figures, strict=True)
        lines.append(f"  {name:28} CPU {spread(cpus, ' us'):32} {spread(speeds, digits=0)} a second")
    *singles, batches = found.values()
    best = [max(speeds) for speeds in zip(*([each[1] for each in single] for single in singles), strict=True)]
    ratios = [figures[1] / alone for figures, alone in zip(batches, best, strict=True)]
    lines.append(f"  batches beside the faster of the others: {spread(ratios, ' x')} the messages a second")
    return "\n".join(lines)


def _ran(messages: int, batch: int, concurrency: int, url: str) -> tuple[float, ...]:
    command = [sys.executable, "-m", "benchmarks.batch", "--messages", str(messages)]
    command += ["--one", str(batch), str(concurrency), url]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return tuple(map(float, ran.stdout.split()))


@dataclass(slots=True)
class Counting:
    """Passes requests on and counts them."""

    client: BirdClient
    posts: int = 0
    pages: int = 0

    async def post(self, channel: Channel, body: bytes) -> Reply:
        self.posts += 1
        return await self.client.post(channel, body)

    async def post_batch(self, channel: Channel, bodies: Sequence[bytes]) -> Reply:
        self.posts += 1
        return await self.client.post_batch(channel, bodies)

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        self.pages += 1
        return await self.client.page(channel, query)


def one(batch: int, concurrency: int, url: str, messages: int) -> tuple[float, float, int, int]:
    """CPU in microseconds for each message, messages a second, POSTs, and pages of the list."""
    with ExitStack() as stack:
        spool = stack.enter_context(make_spool(messages))
        claim = make_claim("sqlite", Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
        took, way = run(sent(spool, claim, url, batch, concurrency))
    return took.cpu_us_each, took.per_second, way.posts, way.pages


async def sent(spool: Spool, claim: Claim, url: str, batch: int, concurrency: int) -> tuple[Took, Counting]:
    settings = Settings(concurrency=concurrency, batch=batch, workspace_rate=None, stop_after=Policy().stop_after)
    client = BirdClient(url, AccessKey("bench-key"), concurrency=concurrency)
    way = Counting(client)
    return await send_all(spool, claim, client, settings, through=way), way


if __name__ == "__main__":
    main()
