"""Sending what the plan says is to be sent: never two, never silently none."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sized
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from runner.bird.replies import classify
from runner.errors import LedgerFault
from runner.ledger.seam import Claim
from runner.model import (
    Accepted,
    Channel,
    InDoubt,
    Message,
    NotSent,
    Outcome,
    Rate,
    RefusedByBird,
    State,
    Throttled,
)

from .batching import Batching, gather
from .control import Control
from .doubts import Doubts
from .finding import Finder
from .gate import Gate, SharedGate
from .hours import Hours
from .outcomes import (
    LEFT_IN_FLIGHT,
    OUR_MISTAKE,
    REFUSED_OVER,
    UNANSWERED,
    UNPOSTED,
    UNRECORDED,
    intent,
    settlement,
    without_texts,
)
from .ports import Batches, Clock, NoConnection, ReplyLost, Transport
from .record import Record
from .retry import MAX_ATTEMPTS, Breaker, RetryBudget, Throttling, backoff_s
from .settings import Settings
from .shared_pace import SharedPace
from .stopping import Stopping
from .tally import Progress, RunResult, Tally

__all__ = ["Settings", "dispatch"]


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
    pace: SharedPace | None = None,
    batches: Batches | None = None,
) -> RunResult:
    """Sends the messages in their order, `concurrency` at a time, each intent and outcome durable in its turn.

    `pace` is given where others send at the same pace, from this process or elsewhere.

    Expected ends are in the result; a mistake of ours is raised, after all that is in flight has been settled.
    `observe` is called in the event loop after each outcome and must be quick. `batches` is the way out of several
    messages in one request, needed where the settings have a batch.
    """
    async with Record(claim, monotonic_s=clock.monotonic_s) as record:
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
            pace=pace,
            batches=batches,
        ).to_its_end()


@dataclass(kw_only=True)
class _Run:
    """One run: its workers, and what each outcome means for all of them."""

    messages: Iterable[Message]
    edition: str
    record: Record
    transport: Transport
    settings: Settings
    clock: Clock
    rng: Random
    control: Control
    observe: Callable[[Progress], None]
    pace: SharedPace | None = None
    batches: Batches | None = None

    def __post_init__(self) -> None:
        settings = self.settings
        self._feed = iter(self.messages)
        self._taken = 0
        self._until: int | None = None
        self._left_over: Message | None = None  # taken, and not gone with a batch
        self._tally = Tally(waves=len(settings.waves) + 1)
        throttling = Throttling(patience_s=settings.throttle_patience_s, rng=self.rng)
        self._gate = self._gate_of(settings.workspace_rate, throttling)
        self._budget = RetryBudget()
        self._doubts = Doubts(self._budget, is_at_least_once=settings.is_at_least_once)
        self._breaker = Breaker()
        self._stopping = Stopping(
            control=self.control,
            clock=self.clock,
            drain_s=settings.drain_s,
            told=self._tally.stop,
            hurry=self.record.hurry,
        )
        fail = partial(self._stopping.halt, "quietHours")
        self._hours = Hours(settings.quiet_hours, clock=self.clock, fail=fail)
        self._batching = self._made_batching() if settings.batch > 1 else None
        self._tasks: list[asyncio.Task[None]] = []
        self._mistakes: list[Exception] = []
        self._trouble = ""

    def _gate_of(self, rate: Rate | None, throttling: Throttling) -> Gate | SharedGate:
        if self.pace is None:
            return Gate(workspace_rate=rate, clock=self.clock, throttling=throttling)
        return SharedGate(workspace_rate=rate, clock=self.clock, throttling=throttling, pace=self.pace)

    def _made_batching(self) -> Batching:
        if self.batches is None:
            raise ValueError("batches need a way out of their own")
        return Batching(
            edition=self.edition,
            batches=self.batches,
            finder=Finder(self.batches, clock=self.clock, rng=self.rng),
            record=self.record,
            clock=self.clock,
            rng=self.rng,
            hours=self._hours,
            doubts=self._doubts,
            stopping=self._stopping,
            tally=self._tally,
            may_go=self._may_enter,
            tries_again=self._tries_again,
            alone=self._deliver,
            react=self._react,
            count=self._count_all,
        )

    async def to_its_end(self) -> RunResult:
        watchers = self._stopping.watch()
        try:
            await self._all_waves()
        finally:
            self._stopping.is_leaving = True
            for task in (*watchers, *self._tasks):
                task.cancel()
            await asyncio.gather(*watchers, *self._tasks, return_exceptions=True)
            await self.record.written()
        for task in self._tasks:
            if not task.cancelled() and (mistake := task.exception()) is not None:
                raise mistake
        for mistake in self._mistakes:
            raise mistake
        for message, outcome in self._doubts.left():
            self._tally.count(message, outcome)
        total = len(self.messages) if isinstance(self.messages, Sized) else self._taken + sum(1 for _ in self._feed)
        returned = total - self._tally.finished
        return self._tally.result(returned, doubles=self._doubts.doubles, kept=self._hours.kept)

    async def _all_waves(self) -> None:
        for number, until in enumerate(self.settings.waves, 1):
            await self._wave(number, until)
            if self._stopping.is_on:
                return
            if (reached := self._tally.over(self.settings.stop_after, fewest=1)) is not None:
                self._stopping.halt("threshold", f"{reached}, at the end of wave {number}")
                return
            self._tally.pause_s = self.settings.pause_s
            self.observe(self._tally.progress())
            await self._all_done([self._pause()])
        await self._wave(len(self.settings.waves) + 1, None)

    async def _wave(self, number: int, until: int | None) -> None:
        self._until = until
        self._tally.begin_wave(number)
        await self._all_done(self._work() for _ in range(self.settings.concurrency // self.settings.batch))
        await self.record.written()

    async def _all_done(self, work: Iterable[Coroutine[Any, Any, None]]) -> None:
        self._tasks = [asyncio.create_task(each, name="flypast-worker") for each in work]
        await asyncio.wait(self._tasks)

    async def _pause(self) -> None:
        if self.settings.pause_s:
            await self._stopping.waits(self.clock.sleep(self.settings.pause_s))

    # What a worker does

    def _next(self) -> Message | None:
        if self._stopping.is_on:
            return None
        if self._left_over is not None:
            left_over, self._left_over = self._left_over, None
            return left_over
        if self._taken == self._until:
            return None
        message = next(self._feed, None)
        self._taken += message is not None
        return message

    async def _work(self) -> None:
        try:
            while (message := self._next()) is not None:
                if self._batching is not None and await self._went_with_others(message):
                    continue
                self._budget.start()
                await self._deliver(message)
        except LedgerFault as fault:
            self._stopping.halt("ledger", fault.message, hint=fault.hint)
        except Exception:
            self._stopping.stop_work()  # a mistake of ours: the others settle what is in flight, then it is raised
            raise

    async def _went_with_others(self, message: Message) -> bool:
        group, self._left_over = gather(message, self._next, most=self.settings.batch)
        if self._batching is None or len(group) == 1:
            return False
        for _ in group:
            self._budget.start()
        await self._batching.deliver(group)
        return True

    async def _deliver(self, message: Message) -> None:
        failures = attempts = 0
        while await self._may_go(message) and (timed := self._hours.timed(message)) is not None:
            attempts += 1
            match await self._attempt(timed, is_first=attempts == 1):
                case NotSent(words=words):
                    failures += 1
                    if not await self._tries_again(failures, words):
                        return
                case Throttled():
                    pass
                case InDoubt() if posts := self._doubts.posts(message):
                    await self._stopping.waits(self.clock.sleep(backoff_s(posts, self.rng)))
                case outcome:
                    self._tally.deferred += timed is not message and isinstance(outcome, Accepted)
                    return

    async def _may_go(self, message: Message) -> bool:
        if self._hours.keeps_back(message):
            await self.clock.sleep(0)  # many of them in a row must not keep the others from their turn
            return False
        is_now = not self._stopping.is_on and self._gate.opens(message.channel)
        return is_now or await self._stopping.waits(self._gate.enter(message.channel))

    async def _may_enter(self, channel: Channel, count: int) -> bool:
        is_now = not self._stopping.is_on and self._gate.opens(channel, count)
        return is_now or await self._stopping.waits(self._gate.enter(channel, count))

    async def _tries_again(self, failures: int, words: str) -> bool:
        self._tally.unconnected += 1
        if self._stopping.is_on:
            return False
        if failures == MAX_ATTEMPTS or not self._budget.spend():
            self._stopping.halt("unreachable", words)
            return False
        return await self._stopping.waits(self.clock.sleep(backoff_s(failures, self.rng)))

    async def _attempt(self, message: Message, *, is_first: bool) -> Outcome:
        """Intent durable, request, outcome durable. Raises LedgerFault."""
        told = intent(message, edition=self.edition, at=self.clock.now(), from_doubt=self._doubts.has_earlier(message))
        try:
            await self.record.intend(told)
            self._tally.closed += is_first and message.held is State.ABSENT
            if self._stopping.is_on:  # while the intent was being written
                outcome: Outcome = UNPOSTED
            else:
                outcome = await self._post(message)
        except asyncio.CancelledError:  # leaving: it stays `sending`, which the next start takes for in doubt
            self._count(message, LEFT_IN_FLIGHT)
            raise
        except LedgerFault:
            raise
        except Exception:
            self._stopping.stop_work()  # at once: the other workers must not go on while it is recorded
            await self._settle(message, OUR_MISTAKE)
            raise
        await self._settle(message, outcome)
        return outcome

    async def _post(self, message: Message) -> Outcome:
        sent_s = self.clock.monotonic_s()
        task = self._stopping.begins_to_post()
        try:
            reply = await self.transport.post(message.channel, message.body)
            outcome = classify(reply, self.clock.wall_s())
        except NoConnection as error:
            outcome = NotSent(words=error.words, is_final=error.is_certificate)
        except ReplyLost as error:
            outcome = InDoubt(words=error.words)
        except asyncio.CancelledError:
            if not self._stopping.is_drained():
                raise
            return UNANSWERED
        finally:
            self._stopping.has_posted(task)
        self._react(message, outcome, sent_s)
        return outcome

    async def _settle(self, message: Message, outcome: Outcome) -> None:
        told = settlement(message, self._doubts.told(message, outcome), at=self.clock.now())
        may_linger = self._stopping.is_anybody_waiting and not self._stopping.is_on
        if isinstance(outcome, Accepted) and not self._hours.concern(message):
            # Nothing is to be decided after it: this worker goes on, and its next intent shares the commit.
            self.record.hand_in(told, partial(self._settled, message, outcome), may_linger=may_linger)
            return
        try:
            await self.record.settle(told, may_linger=may_linger)
        except LedgerFault:
            outcome = UNRECORDED
            raise
        finally:
            self._count(message, outcome)

    def _settled(self, message: Message, outcome: Outcome, fault: Exception | None) -> None:
        """Hears from the record what became of an outcome that nobody waits for."""
        try:
            self._count(message, outcome if fault is None else UNRECORDED)
        except Exception as mistake:  # noqa: BLE001 (raised at the end, when all in flight is settled)
            fault = mistake
        if isinstance(fault, LedgerFault):
            self._stopping.halt("ledger", fault.message, hint=fault.hint)
        elif fault is not None:
            self._mistakes.append(fault)
            self._stopping.stop_work()

    def _react(self, message: Message, outcome: Outcome, sent_s: float) -> None:
        """What an outcome means for the run: at once, as the other workers must not go on while it is recorded."""
        match outcome:
            case Throttled(retry_after_s=retry_after_s):
                self._hold(message.channel, sent_s, retry_after_s)
                return
            case RefusedByBird(status=status, words=words):
                refused = REFUSED_OVER[status].format(channel=message.channel.name)
                self._stopping.halt(
                    "refused", f"Bird refuses {refused} (HTTP {status}): {without_texts(message, words)}"
                )
            case InDoubt(words=words, stops=True):
                self._stopping.halt("redirect", words)
            case NotSent(words=words, is_final=True):
                self._stopping.halt("certificate", words)
        self._gate.progress()
        if is_bad := isinstance(outcome, NotSent | InDoubt):
            self._trouble = outcome.words
        self._breaker.note(self.clock.monotonic_s(), is_bad=is_bad)
        if self._breaker.is_open and not self._stopping.is_on:
            self._stopping.halt(
                "breaker", f"half of the requests of 10 s were not sent or are in doubt: {self._trouble}"
            )

    def _hold(self, channel: Channel, sent_s: float, retry_after_s: float | None) -> None:
        self._tally.waits += 1
        if not self._gate.throttle(channel, sent_s=sent_s, retry_after_s=retry_after_s):
            minutes = self.settings.throttle_patience_s / 60
            self._stopping.halt("throttled", f"for {minutes:g} minutes Bird has asked to wait (429), and nothing else")

    def _count(self, message: Message, outcome: Outcome) -> None:
        self._count_all(((message, outcome),))

    def _count_all(self, outcomes: Iterable[tuple[Message, Outcome]]) -> None:
        for message, outcome in outcomes:
            counted = self._doubts.counted(message, outcome, may_repeat=not self._stopping.is_on)
            if counted is not None:
                self._tally.count(message, counted)
        self.observe(self._tally.progress())
        reached = self._tally.over(self.settings.stop_after)
        if reached is not None and not self._stopping.is_on:
            self._stopping.halt("threshold", reached)
