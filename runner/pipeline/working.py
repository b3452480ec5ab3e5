"""A worker: takes the shards of runs that were handed over, and delivers each as a single machine would."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from random import SystemRandom
from typing import Any, TypeVar

from runner.bird.client import BirdClient
from runner.bird.requests import AccessKey
from runner.delivery.clock import SystemClock
from runner.delivery.control import Control
from runner.delivery.dispatch import dispatch
from runner.delivery.settings import Settings
from runner.delivery.shards import unpack
from runner.delivery.shared_pace import SharedPace
from runner.delivery.tally import Progress, RunResult
from runner.engine.seam import Engine, Task
from runner.errors import LedgerFault, Refused
from runner.ledger.paces import Paces
from runner.ledger.runs import Ending, Runs, RunState, ShardClaim
from runner.model import Delivery, StopAfter, Threshold

from .carrying import extra, left, reached, settings_of

T = TypeVar("T")
_MOST_CONNECTIONS = 10_000  # how many there are at a time, the concurrency of what is sent decides
DRAIN_S = 25.0  # a reply has 20 s: what is in flight at a SIGTERM ends by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """How often a worker looks: whether its runs are still to be sent, and whether somebody's shard is to be had."""

    state_s: float = 0.25
    threshold_s: float = 1.0
    care_s: float = 5.0


@dataclass(slots=True, kw_only=True)
class Worked:
    """What one worker did. `lost` counts the shards that it had to let go of: others take them over."""

    shards: int = 0
    returned: int = 0
    lost: int = 0
    accepted: int = 0
    rejected: int = 0
    in_doubt: int = 0


@dataclass(kw_only=True)
class Worker:
    """One process. `slots` shards at a time share the run's `concurrency`, which is each process's own.

    `paces` are the ledger's: all workers keep to one pace.
    """

    runs: Runs
    engine: Engine
    api: str
    key: AccessKey
    slots: int
    say: Callable[[str], None]
    paces: Paces | None
    pulse: Pulse = field(default_factory=Pulse)
    clock: SystemClock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.worked = Worked()
        self._stop = asyncio.Event()
        self._controls: dict[Task, Control] = {}
        self._shares: dict[str, _Shares] = {}
        self._limits: dict[str, StopAfter] = {}
        self._pace: SharedPace | None = None

    async def work(self, control: Control, *, is_draining: bool) -> Worked:
        """Until somebody ends it; draining: until no run is left that is to be sent."""
        tasks = [
            asyncio.create_task(self._surely(each))
            for each in (
                self._every(self.pulse.state_s, lambda: self._look(is_draining=is_draining)),
                self._every(self.pulse.threshold_s, self._judge),
                self._every(self.pulse.care_s, self._care),
                self._until(control),
            )
        ]
        try:
            async with AsyncExitStack() as stack:
                client = BirdClient(self.api, self.key, concurrency=_MOST_CONNECTIONS)
                self._client = await stack.enter_async_context(client)
                self._stack = stack
                await self._keep_pace()
                await self.engine.work(self._handle, slots=self.slots, stop=self._stop)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
        return self.worked

    async def _keep_pace(self) -> None:
        """One for all that is sent from here; after a fault of the ledger a new one, as a pace keeps its own faults."""
        if self.paces is not None:
            self._pace = await self._stack.enter_async_context(SharedPace(self.paces, clock=self.clock))

    # One shard

    async def _handle(self, task: Task) -> None:
        if self._stop.is_set() or task in self._controls:
            return
        control = self._controls[task] = Control()
        try:
            claim = await self._asked(self.runs.take, task.run, task.shard, plan=task.plan, at=self.clock.now())
            if claim is not None:
                await self._carry(task, claim, control)
        except LedgerFault as fault:
            self.say(f"{_named(task)}: {fault.message}")
            self.worked.lost += 1
        finally:
            del self._controls[task]

    async def _carry(self, task: Task, claim: ShardClaim, control: Control) -> None:
        settings = settings_of(claim.order)
        self._limits[task.run] = settings.stop_after
        if self._stop.is_set():
            control.stop()
        try:
            result = await self._send(task, claim, control, settings)
        except BaseException:
            claim.end()  # a mistake of ours: where every worker makes it, the shard is held in the end
            raise
        self._count(result)
        await self._end(task, claim, result)

    async def _send(self, task: Task, claim: ShardClaim, control: Control, settings: Settings) -> RunResult:
        delivery = Delivery.AT_LEAST_ONCE if settings.is_at_least_once else Delivery.AT_MOST_ONCE
        messages = left(unpack(claim.messages), claim, delivery=delivery)

        def observe(progress: Progress) -> None:
            claim.tell(accepted=progress.accepted, rejected=progress.rejected, in_doubt=progress.in_doubt)

        shares = self._shares.setdefault(task.run, _Shares(settings.concurrency, self.slots))
        client = self._client.only_while(claim.may_post)
        async with shares.one() as concurrency:
            return await dispatch(
                messages,
                edition=claim.order.edition,
                claim=claim,
                transport=client,
                batches=client,
                settings=_part_of(settings, concurrency),
                clock=self.clock,
                rng=SystemRandom(),
                control=control,
                observe=observe,
                pace=self._pace,
            )

    def _count(self, result: RunResult) -> None:
        self.worked.shards += 1
        self.worked.returned += result.returned
        self.worked.accepted += result.accepted
        self.worked.rejected += result.rejected
        self.worked.in_doubt += result.in_doubt

    async def _end(self, task: Task, claim: ShardClaim, result: RunResult) -> None:
        stopped = result.stopped
        if stopped is None:
            await self._asked(claim.finish, extra(result))
        elif stopped.kind == "ledger":
            self.say(f"{_named(task)}: {stopped.words}")
            self.worked.lost += 1
            await self._keep_pace()
            await self._asked(claim.release)
        else:
            if stopped.kind != "interrupted":
                ending = Ending(kind=stopped.kind, words=stopped.words, hint=stopped.hint)
                await self._stop_run(task.run, ending)
            await self._asked(claim.give_back, extra(result))
        await self._asked(self.runs.conclude, task.run, at=self.clock.now())
        if stopped is not None and self._stop.is_set():
            with suppress(LedgerFault):
                await self.engine.submit([task])

    # All of them

    async def _look(self, *, is_draining: bool) -> None:
        """A run that is not to be sent any more is not: within the pulse, and what is in flight ends."""
        states = await self._asked(self.runs.states)
        for task, control in tuple(self._controls.items()):
            if states.get(task.run) is not RunState.RUNNING:
                control.stop()
        if is_draining and not self._controls and RunState.RUNNING not in states.values():
            self._stop.set()

    async def _judge(self) -> None:
        for run in {task.run for task in self._controls} & self._limits.keys():
            seen = await self._asked(self.runs.seen, run)
            if seen is not None and (words := reached(self._limits[run], seen)) is not None:
                await self._stop_run(run, Ending(kind="threshold", words=words))

    async def _care(self) -> None:
        """Nothing is left lying: not what a dead worker had, nor what the engine has lost."""
        left = list(await self._asked(self.runs.strays))
        if not self._controls and not await self.engine.backlog():
            left += await self._asked(self.runs.waiting, 1000)
        if left:
            await self.engine.submit([Task(*each) for each in dict.fromkeys(left)])
        for run in await self._asked(self.runs.states):
            await self._asked(self.runs.conclude, run, at=self.clock.now())

    async def _stop_run(self, run: str, ending: Ending) -> None:
        """The first reason stands."""
        with suppress(Refused):
            await self._asked(self.runs.steer, run, RunState.STOPPED, at=self.clock.now(), ending=ending)
            self.say(f"run {run} stops: {ending.words}")

    async def _until(self, control: Control) -> None:
        await control.stopping()
        self._stop.set()
        for each in self._controls.values():
            each.stop()
        await control.leaving()
        for each in self._controls.values():
            each.leave()

    async def _surely(self, looking: Coroutine[Any, Any, None]) -> None:
        """A mistake of ours ends the worker: one that does not look any more must not send."""
        try:
            await looking
        except Exception:
            self._stop.set()
            for control in self._controls.values():
                control.stop()
            raise

    async def _every(self, pause_s: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Where the ledger can't be asked, the leases still tell what may be sent."""
        while True:
            with suppress(LedgerFault):
                await act()
            await asyncio.sleep(pause_s)

    async def _asked(self, question: Callable[..., T], *given: Any, **more: Any) -> T:
        return await asyncio.to_thread(question, *given, **more)


class _Shares:
    """A run's concurrency, parted among the shards of one process."""

    def __init__(self, concurrency: int, slots: int) -> None:
        self._each = max(1, concurrency // slots)
        self._places = asyncio.Semaphore(min(slots, concurrency))

    @asynccontextmanager
    async def one(self) -> Any:
        async with self._places:
            yield self._each


def _part_of(settings: Settings, concurrency: int) -> Settings:
    """Thresholds are the whole run's: of one shard only a count says something."""
    stop = settings.stop_after
    return replace(
        settings,
        concurrency=concurrency,
        batch=min(settings.batch, concurrency),
        drain_s=DRAIN_S,
        stop_after=StopAfter(
            rejected=Threshold(count=stop.rejected.count), in_doubt=Threshold(count=stop.in_doubt.count)
        ),
    )


def _named(task: Task) -> str:
    return f"run {task.run}, shard {task.shard}"
