"""One run of the dispatcher over a simulated network, in virtual time, and how it went."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

import pytest

from runner.delivery.control import Control
from runner.delivery.dispatch import Settings, dispatch
from runner.delivery.ports import Batches, Transport
from runner.delivery.tally import Progress, RunResult
from runner.ledger.seam import Claim
from runner.model import Message, State, StopAfter, Threshold

from .claims import ledger_and_claim, states
from .clock import VirtualClock
from .wire import Answer, Wire

NEVER = StopAfter(rejected=Threshold(), in_doubt=Threshold())
UNLIMITED = Settings(concurrency=8, workspace_rate=None, stop_after=NEVER)


@dataclass
class Stage:
    """Everything around one run, and how it went."""

    script: Callable[[str, int], Answer]
    settings: Settings = UNLIMITED
    takes_s: float = 0.0
    claim: Claim | None = None
    observe: Callable[[Progress], None] = lambda _: None
    transport: Transport | None = None
    batches: Batches | None = None
    clock: VirtualClock = field(default_factory=VirtualClock)
    control: Control = field(default_factory=Control)

    def __post_init__(self) -> None:
        self.ledger, claim = ledger_and_claim()
        self.claim = self.claim or claim
        self.wire = Wire(self.script, self.clock, self.takes_s)

    async def run(self, sent: Iterable[Message]) -> RunResult:
        return await dispatch(
            sent,
            edition="1",
            claim=self.claim or pytest.fail("no claim"),
            transport=self.transport or self.wire,
            settings=self.settings,
            clock=self.clock,
            rng=Random(1),
            control=self.control,
            observe=self.observe,
            batches=self.batches,
        )

    @property
    def states(self) -> dict[str, State]:
        return states(self.ledger)

    @property
    def state_counts(self) -> Counter[State]:
        return Counter(self.states.values())


def counts(result: RunResult) -> tuple[int, int, int, int]:
    return (result.accepted, result.rejected, result.in_doubt, result.returned)


def kind(result: RunResult) -> str | None:
    return None if result.stopped is None else result.stopped.kind
