"""The ledger's share of a send's CPU: the same messages, sent with SQLite (synchronous=FULL) and with no ledger.

    python -m benchmarks.ledger [--messages N] [--rounds N] [--concurrency N] [--instructions]

Each figure is of a process of its own, in turns; CPU counts all its threads, from the first message to the last.
Instructions are counted by valgrind (callgrind), in user mode: what else the machine does changes them little.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import cast

from runner.bird.client import BirdClient
from runner.bird.requests import AccessKey
from runner.canonical import canonical
from runner.delivery.settings import Settings
from runner.delivery.spool import Spool, SpoolWriter
from runner.ledger.identity import message_key, reference_of
from runner.ledger.memory import MemoryLedger
from runner.ledger.seam import Claim, Intent, Settlement
from runner.ledger.sqlite import create
from runner.model import Channel, Message, Policy
from runner.pipeline.running import run

from .measure import Server, spread
from .sending import Took, send_all

ORIGIN, AT = "http://127.0.0.1", "2026-01-01T00:00:00.000Z"
CHANNEL = Channel(
    name="sms", workspace_id="5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11", channel_id="3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22"
)


class NoClaim:
    """Takes everything and keeps nothing: what a send costs by itself, with handing all of it over.

    A dispatch asks a claim for no more.
    """

    def __init__(self) -> None:
        self.commits = 0

    def commit(self, settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        self.commits += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--instructions", action="store_true", help="count them instead of time (needs valgrind)")
    parser.add_argument("--one", nargs=2, metavar=("LEDGER", "URL"), help="one run, in this process")
    given = parser.parse_args()
    if given.one:
        print(*one(given.one[0], given.one[1], given.messages, given.concurrency))
    elif given.instructions:
        print(instructions(given.messages))
    else:
        print(report(given.messages, given.rounds, given.concurrency))


def report(messages: int, rounds: int, concurrency: int = 64) -> str:
    """The table of README.md."""
    found: dict[str, list[float]] = {"none": [], "memory": [], "sqlite": []}
    with Server() as server:
        for _ in range(rounds):
            for ledger, costs in found.items():
                command = [sys.executable, "-m", "benchmarks.ledger", "--messages", str(messages)]
                command += ["--concurrency", str(concurrency)]
                ran = subprocess.run(
                    [*command, "--one", ledger, server.url], capture_output=True, text=True, check=True
                )
                costs.append(float(ran.stdout.split()[0]))
    shares = [100 * (1 - bare / whole) for bare, whole in zip(found["none"], found["sqlite"], strict=True)]
    lines = [f"CPU per message, {messages:,} messages, concurrency {concurrency}, {rounds} rounds: median (min to max)"]
    lines += [f"  {ledger:8}{spread(costs, ' us')}" for ledger, costs in found.items()]
    lines.append(f"  the share of SQLite: {statistics.median(shares):.1f} % ({min(shares):.1f} to {max(shares):.1f})")
    return "\n".join(lines)


def instructions(messages: int) -> str:
    """What so many messages more add to a process, without what making them for the benchmark adds."""
    found: dict[str, float] = {}
    with Server() as server:
        for ledger in ("unsent", "none", "sqlite"):
            few, many = (_counted(ledger, server.url, number) for number in (100, 100 + messages))
            found[ledger] = (many - few) / messages - found.get("unsent", 0)
    lines = [f"instructions per message in user mode, {messages:,} messages, concurrency 64"]
    lines += [f"  {ledger:8}{found[ledger]:,.0f}" for ledger in ("none", "sqlite")]
    lines.append(f"  the share of SQLite: {100 * (1 - found['none'] / found['sqlite']):.1f} %")
    return "\n".join(lines)


def _counted(ledger: str, url: str, messages: int) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    command += ["-m", "benchmarks.ledger", "--messages", str(messages), "--one", ledger, url]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(ran.stderr.partition("Collected :")[2].split()[0])


def one(ledger: str, url: str, messages: int, concurrency: int = 64) -> tuple[float, float]:
    """CPU in microseconds for each message, and messages a second of wall time."""
    with ExitStack() as stack:
        spool = stack.enter_context(make_spool(messages))
        if ledger == "unsent":
            return 0.0, 0.0
        claim = make_claim(ledger, Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
        took = run(sent(spool, claim, url, concurrency))
    return took.cpu_us_each, took.per_second


def make_claim(ledger: str, folder: Path, stack: ExitStack) -> Claim:
    if ledger == "none":
        return cast(Claim, NoClaim())
    if ledger == "memory":
        return MemoryLedger(origin=ORIGIN).claim("bench", run="run", at=AT)
    opened = create(folder / "ledger.db", origin=ORIGIN, name=None, at=AT)
    stack.callback(opened.close)
    claim = opened.claim("bench", run="run", at=AT)
    stack.callback(claim.release)
    return claim


def make_spool(messages: int) -> Spool:
    writer = SpoolWriter()
    for number in range(messages):
        writer.add(_message(number))
    return writer.finish()


def _message(number: int) -> Message:
    address = f"phonenumber:+1{200 + number // 100 % 800}55501{number % 100:02}"
    key = message_key(
        workspace_id=CHANNEL.workspace_id, name="bench", edition="1", message="greet", address=address,
        distinct=[number],
    )  # fmt: skip
    text = f"Hi Ada, order A{number:07} from Acme waits for you in Town {number % 977}."
    contact = {"identifierKey": "phonenumber", "identifierValue": address.partition(":")[2]}
    request = {
        "body": {"type": "text", "text": {"text": text}},
        "receiver": {"contacts": [contact]},
        "reference": reference_of(key),
    }
    return Message(
        draft="greet", channel=CHANNEL, key=key, reference=reference_of(key), address=address, payload_hash="0" * 64,
        body=canonical(request), country="US", segments=1,
    )  # fmt: skip


async def sent(spool: Spool, claim: Claim, url: str, concurrency: int = 64) -> Took:
    settings = Settings(concurrency=concurrency, workspace_rate=None, stop_after=Policy().stop_after)
    client = BirdClient(url, AccessKey("bench-key"), concurrency=settings.concurrency)
    return await send_all(spool, claim, client, settings)


if __name__ == "__main__":
    main()
