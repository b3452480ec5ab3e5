"""One run of one process: claim, plan, dispatch, release, exactly as `send` does it, on the simulated parts."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from runner.bird.replies import may_pass
from runner.delivery.control import Control
from runner.delivery.dispatch import Settings, dispatch
from runner.delivery.tally import RunResult
from runner.ledger.ahead import Ahead
from runner.ledger.seam import Entry
from runner.model import Delivery, Message, Policy, State
from runner.plan import Composed, Plan, Planner

from .again import Attempts, Waves
from .batches import SimBatches
from .bird import TRUE_WALL_S, SimBird, SimClock, SimTransport, rfc3339
from .fates import PASSING_CODES
from .loop import SimLoop, Time
from .store import NAME, SimClaim, SimLedger
from .trace import Trace
from .universe import Leg, Universe
from .watch import Watch


@dataclass(slots=True)
class Listed:
    """The spool, in memory."""

    messages: list[Message] = field(default_factory=list)

    def add(self, message: Message) -> None:
        self.messages.append(message)


@dataclass(slots=True)
class World:
    """What outlives a process."""

    universe: Universe
    time: Time
    trace: Trace
    ledger: SimLedger
    bird: SimBird
    runs: int = 0
    jumped_s: float = 0.0
    again: Counter[str] = field(default_factory=Counter)
    resent: Counter[str] = field(default_factory=Counter)
    first_look_s: dict[tuple[str, int], float] = field(default_factory=dict)  # by key and attempt: the first whole one

    def at(self) -> str:
        return rfc3339(TRUE_WALL_S + self.time.now_s + self.jumped_s)


class Process:
    """From its claim on. Raises Locked where another one lives."""

    def __init__(self, world: World, leg: Leg, messages: Sequence[Message]) -> None:
        world.runs += 1
        universe = world.universe
        self.world = world
        self.name = f"run-{world.runs}"
        self.wanted = messages
        self.claim: SimClaim = world.ledger.claimed(run=self.name, at=world.at(), faults=dict(leg.disk))
        self.before = {key: entry.state for key, entry in world.ledger.durable.items()}
        self.leg = leg
        self.plan, self.to_send = _planned(world, messages, leg)
        self._chance = Random(f"{universe.seed} {self.name}")
        self.loop = SimLoop(  # type: ignore[abstract]  # what nobody calls is not there
            world.time,
            Random(f"{universe.seed} {self.name} order"),
            order=universe.order,
            cpu_s=universe.cpu_s,
            lag=self._lag,
            synced=self.claim.synced,
        )
        self.settings = Settings(
            concurrency=universe.concurrency,
            batch=universe.batch,
            workspace_rate=universe.rate,
            stop_after=universe.stop_after,
            throttle_patience_s=universe.patience_s,
            waves=Policy(waves=universe.waves).wave_ends(len(self.to_send)),
            pause_s=universe.pause_s,
            is_at_least_once=universe.delivery is Delivery.AT_LEAST_ONCE,
        )
        self.clock = SimClock(world.time, jumped_s=world.jumped_s)
        self.watch = Watch(
            trace=world.trace,
            time=world.time,
            loop=self.loop,
            claim=self.claim,
            settings=self.settings,
            wanted={message.body: message for message in self.to_send},
            attempts=Attempts(world.trace, self.settings, self.before, world.again, world.resent),
            waves=Waves.of(world.trace, self.settings, self.to_send),
            allowance_s=40.0 + len(self.settings.waves) * universe.pause_s,
            instants=self.clock.instants,
            has_jumps=universe.has_jumps,
        )
        self.transport = SimTransport(
            world.bird, leg.weather, self.watch, world.trace, self.name, began_s=world.time.now_s
        )
        self.batches = SimBatches.of(self.transport, f"{universe.seed} {self.name}")
        self.control = Control()
        self.signals: list[tuple[float, int]] = []  # when, and how many requests had been answered by then
        self.frozen_s = 0.0
        self.sleeps_since_s = world.time.now_s
        self.worst_lag_s = 0.0
        self.is_dead = False
        self.began_s = world.time.now_s
        self.ended_s: float | None = None
        self._check_plan(leg.limit)
        world.trace.note(self.name, "starts", f"{len(self.to_send)} to send")
        self.main = self._start()

    def _start(self) -> "asyncio.Task[RunResult]":
        return self.loop.create_task(
            dispatch(
                self.to_send,
                edition="1",
                claim=self.claim,
                transport=self.transport,
                batches=self.batches,
                settings=self.settings,
                clock=self.clock,
                rng=Random(f"{self.world.universe.seed} {self.name} chance"),
                control=self.control,
                observe=self.watch.observed,
            ),
            name="dispatch",
        )

    def _check_plan(self, limit: int | None) -> None:
        """What is to be sent: what is new, was taken back, or was rejected with another text, or the policy wants."""
        held, delivery = self.world.ledger.durable, self.world.universe.delivery
        is_due = _may_pass if self.leg.retries else _is_due
        due = [message.key for message in self.wanted if is_due(held.get(message.key), message, delivery)][:limit]
        found = [message.key for message in self.to_send]
        self.world.trace.must(found == due, f"the plan has {found}, and due are {due}")

    def _lag(self) -> tuple[float, float]:
        if self.is_dead:
            return 0.0, 0.0
        wait_s, sync_s = (self._chance.random() * longest_s for longest_s in self.world.universe.lag_s)
        self.watch.allowance_s += wait_s + sync_s
        self.worst_lag_s = max(self.worst_lag_s, wait_s + sync_s)
        return wait_s, sync_s

    @property
    def is_over(self) -> bool:
        if self.ended_s is None and self.main.done():
            self.ended_s = self.world.time.now_s
        return self.is_dead or self.ended_s is not None

    def signal(self) -> None:
        """As the command's handler does: the first one drains, the second leaves."""
        self.world.trace.note(self.name, "signal", len(self.signals) + 1)
        self.signals.append((self.world.time.now_s, len(self.watch.gates) - self.watch.in_flight))
        if self.control.is_stopping:
            self.control.leave()
        else:
            self.control.stop()
        self.watch.signalled()

    def freeze(self, seconds: float) -> None:
        self.world.trace.note(self.name, "frozen", seconds)
        self.world.time.now_s += seconds
        self.stood_still(seconds)

    def falls_asleep(self) -> None:
        self.world.trace.note(self.name, "stands still, its lock is lost")
        self.sleeps_since_s = self.world.time.now_s
        self.world.ledger.lose_lock()

    def wakes(self) -> None:
        self.stood_still(self.world.time.now_s - self.sleeps_since_s)
        self.world.trace.note(self.name, "wakes")

    def stood_still(self, seconds: float) -> None:
        self.frozen_s += seconds
        self.watch.allowance_s += seconds

    def kill(self, *, keeps: bool) -> None:
        """Everything in memory is gone. What was in flight is in the network's hands."""
        self.world.trace.note(self.name, "killed", "its last write kept" if keeps else "its last write lost")
        self.is_dead = self.transport.is_dead = self.batches.pages.is_dead = True
        self.claim.crash(keeps=keeps)
        self.loop.die()

    def end(self) -> RunResult | Exception:
        """Releases the claim; gives the result, or the mistake of ours that was raised."""
        while self.loop.is_ready:
            self.loop.step()
        self.world.trace.note(self.name, "ends")
        self.claim.release()
        mistake = self.main.exception()
        if isinstance(mistake, Exception):
            return mistake
        result: RunResult = self.main.result()
        return result


def _is_due(entry: Entry | None, message: Message, delivery: Delivery) -> bool:
    if entry is None or entry.state is State.PLANNED:
        return True
    is_same = entry.payload_hash == message.payload_hash
    match entry.state:
        case State.REJECTED:
            return not is_same
        case State.ABSENT if delivery is Delivery.RESEND_ABSENT:
            return not entry.resent
        case State.IN_DOUBT | State.ABSENT:
            return is_same and delivery is Delivery.AT_LEAST_ONCE
    return False


def _may_pass(entry: Entry | None, _: Message, __: Delivery) -> bool:
    return entry is not None and entry.state is State.REJECTED and entry.code in PASSING_CODES


def _planned(world: World, messages: Sequence[Message], leg: Leg) -> tuple[Plan, list[Message]]:
    spool = Listed()
    planner = Planner(
        others=Ahead(world.ledger, NAME, "1").others,
        spool=spool,
        drafts=("announce",),
        limit=leg.limit,
        delivery=world.universe.delivery,
        may_retry=may_pass if leg.retries else None,
        mask=lambda address: address,
        on_scheduled=lambda _: None,
    )
    planner.take_all(_composed(message, number) for number, message in enumerate(messages, 1))
    return planner.finish(Policy()), spool.messages


def _composed(message: Message, number: int) -> Composed:
    def sample() -> Any:
        return {}

    return Composed(
        message=message,
        row=f"people#{number}",
        is_suppressed=False,
        encoding="GSM-7",
        scheduled_for=None,
        overrides=(),
        sample=sample,
    )


def undecided(ledger: SimLedger) -> list[str]:
    return [key for key in ledger.durable if ledger.state(key) in (State.IN_DOUBT, State.ABSENT)]
