"""Sending what the plan says is to be sent: never two, never silently none."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sized
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from runner.bird.replies import classify
from runner.errors import LedgerFault
from runner.ledger.seam import Claim
from runner.model import Channel, InDoubt, Message, NotSent, Outcome, Rate, RefusedByBird, StopAfter, Throttled

from .control import Control
from .gate import Gate
from .outcomes import REFUSED_OVER, intent, settlement, without_texts
from .ports import Clock, NoConnection, ReplyLost, Transport
from .record import Record
from .retry import MAX_ATTEMPTS, Breaker, RetryBudget, Throttling, backoff_s
from .tally import Progress, RunResult, StopKind, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to send. `workspace_rate` None is unlimited: then the channels' own rates don't count either."""

    concurrency: int
    workspace_rate: Rate | None
    stop_after: StopAfter
    drain_s: float = 5.0
    throttle_patience_s: float = 600.0


async def dispatch(
    messages: Iterable[Message],
    *,
    edition: str,
    claim: Claim,
    transport: Transport,
    settings: Settings,
    clock: Clock,
    rng: Random,
    control: Control,
    observe: Callable[[Progress], None],
) -> RunResult:
    """Sends the messages in their order, `concurrency` at a time, each intent and outcome durable in its turn.

    Expected ends are in the result; a mistake of ours is raised, after all that is in flight has been settled.
    `observe` is called in the event loop after each outcome and must be quick.
    """
    async with Record(claim) as record:
        return await _Run(
            messages=messages,
            edition=edition,
            record=record,
            transport=transport,
            settings=settings,
            clock=clock,
            rng=rng,
            control=control,
            observe=observe,
        ).to_its_end()


@dataclass(kw_only=True)
class _Run:
    """One run: its workers, and what stops them.

    A worker is cancelled only while it waits for the pace (its message goes back as planned) or, when the drain time
    is over, for a reply (its message is in doubt); never while it waits for the ledger.
    """

    messages: Iterable[Message]
    edition: str
    record: Record
    transport: Transport
    settings: Settings
    clock: Clock
    rng: Random
    control: Control
    observe: Callable[[Progress], None]

    def __post_init__(self) -> None:
        self._feed = iter(self.messages)
        self._taken = 0
        self._tally = Tally()
        throttling = Throttling(patience_s=self.settings.throttle_patience_s, rng=self.rng)
        self._gate = Gate(workspace_rate=self.settings.workspace_rate, clock=self.clock, throttling=throttling)
        self._budget = RetryBudget()
        self._breaker = Breaker()
        self._workers: list[asyncio.Task[None]] = []
        self._waiting: set[asyncio.Task[None]] = set()
        self._posting: set[asyncio.Task[None]] = set()
        self._drain = asyncio.Event()
        self._trouble = ""
        self._is_stopping = False
        self._is_leaving = False

    async def to_its_end(self) -> RunResult:
        watchers = [asyncio.create_task(watch()) for watch in (self._on_stop, self._on_leave, self._on_drain)]
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.settings.concurrency)]
        try:
            await asyncio.wait(self._workers)
        finally:
            self._is_leaving = True
            for task in (*watchers, *self._workers):
                task.cancel()
            await asyncio.gather(*watchers, *self._workers, return_exceptions=True)
        for worker in self._workers:
            if not worker.cancelled() and (mistake := worker.exception()) is not None:
                raise mistake
        total = len(self.messages) if isinstance(self.messages, Sized) else self._taken + sum(1 for _ in self._feed)
        return self._tally.result(returned=total - self._tally.finished)

    # What stops a run

    def _halt(self, kind: StopKind, words: str, *, hint: str | None = None) -> None:
        """Take no more messages. What is in flight ends by itself, or within the drain time when that is pressing."""
        self._tally.stop(kind, words, hint=hint)
        if kind in ("interrupted", "ledger"):
            self._drain.set()
        self._stop_work()

    def _stop_work(self) -> None:
        self._is_stopping = True
        self.record.hurry()
        for task in self._waiting:
            if not task.cancelling():
                task.cancel()

    async def _on_stop(self) -> None:
        await self.control.stopping()
        self._halt("interrupted", "the run was interrupted")

    async def _on_leave(self) -> None:
        await self.control.leaving()
        self._halt("interrupted", "the run was interrupted")  # `_on_stop` may not have been woken yet
        self._is_leaving = True
        for task in self._posting:  # those that wait for the ledger hear what it says: its fault must not be lost
            task.cancel()

    async def _on_drain(self) -> None:
        await self._drain.wait()
        await self.clock.sleep(self.settings.drain_s)
        for task in self._posting:
            task.cancel()

    # What a worker does

    async def _work(self) -> None:
        try:
            while not self._is_stopping and (message := next(self._feed, None)) is not None:
                self._taken += 1
                self._budget.start()
                await self._deliver(message)
        except LedgerFault as fault:
            self._halt("ledger", fault.message, hint=fault.hint)
        except Exception:
            self._stop_work()  # a mistake of ours: the others settle what they have in flight, then it is raised
            raise

    async def _deliver(self, message: Message) -> None:
        failures = 0
        while await self._may_go(message.channel):
            match await self._attempt(message):
                case NotSent(words=words):
                    failures += 1
                    if not await self._tries_again(failures, words):
                        return
                case Throttled():
                    pass
                case _:
                    return

    async def _may_go(self, channel: Channel) -> bool:
        is_now = not self._is_stopping and self._gate.opens(channel)
        return is_now or await self._waits(self._gate.enter(channel))

    async def _waits(self, waiting: Coroutine[Any, Any, None]) -> bool:
        """Waits for the pace or a backoff; False when the run stopped meanwhile, so nothing is to go any more."""
        if self._is_stopping:
            waiting.close()
            return False
        task = _this_task()
        self._waiting.add(task)
        try:
            await waiting
        except asyncio.CancelledError:
            if self._is_leaving:
                raise
            task.uncancel()
            return False
        finally:
            self._waiting.discard(task)
        return not self._is_stopping

    async def _tries_again(self, failures: int, words: str) -> bool:
        self._tally.unconnected += 1
        if self._is_stopping:
            return False
        if failures == MAX_ATTEMPTS or not self._budget.spend():
            self._halt("unreachable", words)
            return False
        return await self._waits(self.clock.sleep(backoff_s(failures, self.rng)))

    async def _attempt(self, message: Message) -> Outcome:
        """Intent durable, request, outcome durable. Raises LedgerFault."""
        try:
            await self.record.intend(intent(message, edition=self.edition, at=self.clock.now()))
            if self._is_stopping:  # while the intent was being written
                outcome: Outcome = NotSent(words="the run stopped before this message was posted")
            else:
                outcome = await self._post(message)
        except asyncio.CancelledError:  # leaving: it stays `sending`, which the next start takes for in doubt
            self._count(message, InDoubt(words="the run was left while this message was in flight"))
            raise
        except LedgerFault:
            raise
        except Exception:
            self._stop_work()  # at once: the other workers must not go on while it is recorded
            await self._settle(message, InDoubt(words="flypast itself failed while this message was in flight"))
            raise
        await self._settle(message, outcome)
        return outcome

    async def _post(self, message: Message) -> Outcome:
        task = _this_task()
        sent_s = self.clock.monotonic_s()
        self._posting.add(task)
        try:
            reply = await self.transport.post(message.channel, message.body)
            outcome = classify(reply, self.clock.wall_s())
        except NoConnection as error:
            outcome = NotSent(words=error.words, is_final=error.is_certificate)
        except ReplyLost as error:
            outcome = InDoubt(words=error.words)
        except asyncio.CancelledError:
            if self._is_leaving:
                raise
            task.uncancel()
            return InDoubt(words="the run ended before a reply came")  # our own doing: no sign of trouble at Bird
        finally:
            self._posting.discard(task)
        self._react(message, outcome, sent_s)
        return outcome

    async def _settle(self, message: Message, outcome: Outcome) -> None:
        try:
            told = settlement(message, outcome, at=self.clock.now())
            await self.record.settle(told, may_linger=bool(self._waiting) and not self._is_stopping)
        except LedgerFault:
            outcome = InDoubt(words="what became of this message could not be recorded")
            raise
        finally:
            self._count(message, outcome)

    def _react(self, message: Message, outcome: Outcome, sent_s: float) -> None:
        """What an outcome means for the run: at once, as the other workers must not go on while it is recorded."""
        match outcome:
            case Throttled(retry_after_s=retry_after_s):
                self._hold(message.channel, sent_s, retry_after_s)
                return
            case RefusedByBird(status=status, words=words):
                refused = REFUSED_OVER[status].format(channel=message.channel.name)
                self._halt("refused", f"Bird refuses {refused} (HTTP {status}): {without_texts(message, words)}")
            case InDoubt(words=words, stops=True):
                self._halt("redirect", words)
            case NotSent(words=words, is_final=True):
                self._halt("certificate", words)
        self._gate.progress()
        if is_bad := isinstance(outcome, NotSent | InDoubt):
            self._trouble = outcome.words
        self._breaker.note(self.clock.monotonic_s(), is_bad=is_bad)
        if self._breaker.is_open and not self._is_stopping:
            self._halt("breaker", f"half of the requests of 10 s were not sent or are in doubt: {self._trouble}")

    def _hold(self, channel: Channel, sent_s: float, retry_after_s: float | None) -> None:
        self._tally.waits += 1
        if not self._gate.throttle(channel, sent_s=sent_s, retry_after_s=retry_after_s):
            minutes = self.settings.throttle_patience_s / 60
            self._halt("throttled", f"for {minutes:g} minutes Bird has asked to wait (429), and nothing else")

    def _count(self, message: Message, outcome: Outcome) -> None:
        self._tally.count(message, outcome)
        self.observe(self._tally.progress())
        reached = self._tally.over(self.settings.stop_after)
        if reached is not None and not self._is_stopping:
            self._halt("threshold", reached)


def _this_task() -> "asyncio.Task[None]":
    return cast("asyncio.Task[None]", asyncio.current_task())
