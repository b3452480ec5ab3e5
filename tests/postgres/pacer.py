"""A process that keeps to a shared pace: `python -m tests.postgres.pacer DATABASE FILE RATE SECONDS`.

It goes as fast as it may, and appends the instant of each message (a double, this machine's monotonic clock) to FILE.
"""

import asyncio
import os
import struct
import sys
import time

from runner.delivery.clock import SystemClock
from runner.delivery.shared_pace import SharedPace
from runner.ledger.paces import Share
from runner.pipeline.running import run

from .ledgers import opened

WORKERS = 64
SHARES = ("workspace", "workspace/channel")


async def go(pace: SharedPace, file: int, rate: float, until_s: float) -> None:
    shares = (Share(SHARES[0], rate), Share(SHARES[1], None))

    async def work() -> None:
        while time.monotonic() < until_s:
            if not pace.opens(shares):
                await pace.enter(shares)
            os.write(file, struct.pack("d", time.monotonic()))
            await asyncio.sleep(0.005)  # its request

    await asyncio.gather(*(work() for _ in range(WORKERS)))


async def paced(url: str, path: str, rate: float, seconds: float) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with opened(url) as ledger:
        async with SharedPace(ledger.paces(), clock=SystemClock()) as pace:
            await go(pace, file, rate, time.monotonic() + seconds)


if __name__ == "__main__":
    _, url, path, rate, seconds = sys.argv
    run(paced(url, path, float(rate), float(seconds)))
