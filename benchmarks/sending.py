"""One measured send: what it took, in this process."""

import resource
from dataclasses import dataclass
from random import Random
from typing import Any

from runner.bird.client import BirdClient
from runner.delivery.clock import SystemClock
from runner.delivery.control import Control
from runner.delivery.dispatch import Settings, dispatch
from runner.delivery.spool import Spool
from runner.ledger.seam import Claim


@dataclass(frozen=True)
class Took:
    """User and system time of all threads, and time by the clock, from the first message taken to the last outcome."""

    messages: int
    cpu_s: float
    wall_s: float

    @property
    def cpu_us_each(self) -> float:
        return self.cpu_s / self.messages * 1e6

    @property
    def per_second(self) -> float:
        return self.messages / self.wall_s

    @property
    def cpu_share(self) -> float:
        return self.cpu_s / self.wall_s


async def send_all(spool: Spool, claim: Claim, client: BirdClient, settings: Settings, *, through: Any = None) -> Took:
    """`through` stands before the client and counts. Raises RuntimeError unless all were accepted."""
    clock = SystemClock()
    before, started_s = resource.getrusage(resource.RUSAGE_SELF), clock.monotonic_s()
    async with client:
        result = await dispatch(
            spool,
            edition="1",
            claim=claim,
            transport=through or client,
            batches=through or client,
            settings=settings,
            clock=clock,
            rng=Random(1),
            control=Control(),
            observe=lambda _: None,
        )
    wall_s, after = clock.monotonic_s() - started_s, resource.getrusage(resource.RUSAGE_SELF)
    if result.accepted != len(spool):
        raise RuntimeError(f"{result.accepted} of {len(spool)} were accepted: {result.stopped}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(len(spool), cpu_s, wall_s)
