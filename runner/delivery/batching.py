"""Several messages in one POST: their intents in one commit before it, what became of each from Bird's list."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

from runner.bird.replies import classify_batch
from runner.bird.requests import BATCH_PATH, LARGEST_BATCH
from runner.errors import LedgerFault
from runner.ledger.identity import reference_of
from runner.model import (
    Accepted,
    Channel,
    InDoubt,
    Message,
    NotSent,
    Outcome,
    RefusedByBird,
    Rejected,
    Throttled,
)

from .doubts import Doubts
from .finding import Finder, Sought
from .getting import Trouble
from .hours import Hours
from .outcomes import LEFT_IN_FLIGHT, OUR_MISTAKE, UNANSWERED, UNPOSTED, UNRECORDED, intent, settlement, without_texts
from .ports import Batches, Clock, NoConnection, ReplyLost
from .record import Record
from .retry import backoff_s
from .stopping import Stopping
from .tally import StopKind, Tally

_STOPS: dict[Trouble, StopKind] = {
    "channel": "refused",
    "refused": "refused",
    "redirect": "redirect",
    "certificate": "certificate",
    "throttled": "throttled",
}
_UNLISTED = "Bird took the batch that it was in, and has not listed it since"
_TAKEN = Accepted(message_id=None)  # the batch, not its messages

_Timed = tuple[Message, Message]  # a message, and as it goes out


def gather(first: Message, take: Callable[[], Message | None], *, most: int) -> tuple[list[Message], Message | None]:
    """A batch that begins with `first`, and the message that was taken and does not go with it."""
    group, size = [first], len(first.body)
    while len(group) < most and goes_with_others(first):
        message = take()
        if message is None:
            break
        size += len(message.body) + 1
        is_same = message.channel is first.channel or message.channel == first.channel
        if not is_same or not goes_with_others(message) or size > LARGEST_BATCH:
            return group, message
        group.append(message)
    return group, None


def goes_with_others(message: Message) -> bool:
    """Whether the list can tell what becomes of it: nothing else there, from now or before, has its reference."""
    return message.held is None and message.reference == reference_of(message.key)


@dataclass(kw_only=True, slots=True)
class Batching:
    """The batches of one run. What they share with single messages is the run's, given as functions."""

    edition: str
    batches: Batches
    finder: Finder
    record: Record
    clock: Clock
    rng: Random
    hours: Hours
    doubts: Doubts
    stopping: Stopping
    tally: Tally
    may_go: Callable[[Channel, int], Awaitable[bool]]
    tries_again: Callable[[int, str], Awaitable[bool]]
    alone: Callable[[Message], Awaitable[None]]
    react: Callable[[Message, Outcome, float], None]
    count: Callable[[Sequence[tuple[Message, Outcome]]], None]

    async def deliver(self, group: Sequence[Message]) -> None:
        """To its end, as a single message is. What is to go by itself after it goes so."""
        left, failures = list(group), 0
        while await self._can_be_followed(left[0].channel) and (timed := await self._go(left)):
            left = [message for message, _ in timed]
            match await self._attempt(timed):
                case NotSent(words=words):
                    failures += 1
                    if not await self.tries_again(failures, words):
                        return
                case Throttled():
                    pass
                case outcome:
                    await self._rest(left, outcome)
                    return

    async def _rest(self, messages: Sequence[Message], whole: Outcome) -> None:
        """Of a batch that was refused as a whole, or is in doubt where that goes again: each message by itself."""
        if isinstance(whole, Rejected):
            await self._one_by_one(messages)
            return
        again = [message for message in messages if self.doubts.posts(message)]
        if again and await self.stopping.waits(self.clock.sleep(backoff_s(1, self.rng))):
            await self._one_by_one(again)

    async def _one_by_one(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self.alone(message)

    async def _can_be_followed(self, channel: Channel) -> bool:
        """Nothing goes out in a batch where nobody could learn what became of it."""
        return await self.stopping.waits(self.finder.try_out(channel)) and not self._is_list_lost(channel)

    def _is_list_lost(self, channel: Channel) -> bool:
        fault = self.finder.fault
        if fault is not None:
            lost = f"what becomes of a batch stands in Bird's list alone, and that of {channel.name} can't be read"
            self.stopping.halt(_STOPS.get(fault.kind, "unreachable"), f"{lost}: {fault.words}")
        return fault is not None

    async def _go(self, messages: Sequence[Message]) -> list[_Timed]:
        """Those that may go now, each with what goes out; none where the run stopped."""
        due = [message for message in messages if not self.hours.keeps_back(message)]
        if not due:
            await self.clock.sleep(0)  # many of them in a row must not keep the others from their turn
        may_go = bool(due) and await self.may_go(due[0].channel, len(due))
        return [(message, timed) for message in due if may_go and (timed := self.hours.timed(message)) is not None]

    async def _attempt(self, group: Sequence[_Timed]) -> Outcome:
        """Intents durable, one request, outcomes durable; what came of the batch as a whole. Raises LedgerFault."""
        at = self.clock.now()
        each: Sequence[Outcome]
        try:
            await self.record.intend(*(intent(timed, edition=self.edition, at=at) for _, timed in group))
            if self.stopping.is_on:  # while the intents were being written
                whole: Outcome = UNPOSTED
                each = [whole] * len(group)
            else:
                whole, each = await self._post(group)
        except asyncio.CancelledError:  # leaving: they stay `sending`, which the next start takes for in doubt
            self.count([(message, LEFT_IN_FLIGHT) for message, _ in group])
            raise
        except LedgerFault:
            raise
        except Exception:
            self.stopping.stop_work()
            await self._settle(group, [OUR_MISTAKE] * len(group))
            raise
        await self._settle(group, each)
        return whole

    async def _post(self, group: Sequence[_Timed]) -> tuple[Outcome, Sequence[Outcome]]:
        """What came of the batch, and of each message."""
        sent_s, channel = self.clock.monotonic_s(), group[0][0].channel
        sought = Sought(left={timed.reference for _, timed in group}, posted_s=sent_s)
        is_taken = False
        task = self.stopping.begins_to_post()
        try:
            with self.finder.noting(channel, sought):
                reply = await self.batches.post_batch(channel, [timed.body for _, timed in group])
                whole = classify_batch(reply, self.clock.wall_s())
                if whole is None:
                    is_taken = True
                    self.react(group[0][1], _TAKEN, sent_s)
                    await self.finder.find(channel, sought)
        except NoConnection as error:
            whole = NotSent(words=error.words, is_final=error.is_certificate)
        except ReplyLost as error:
            whole = InDoubt(words=error.words)
        except asyncio.CancelledError:
            if not self.stopping.is_drained():
                raise
            if not is_taken:
                return UNANSWERED, [UNANSWERED] * len(group)
        finally:
            self.stopping.has_posted(task)
        if is_taken:
            self._is_list_lost(channel)
            return _TAKEN, [_found(timed, sought) for _, timed in group]
        whole = _said_of_all(whole or _TAKEN, group)
        self.react(group[0][1], whole, sent_s)
        return whole, [_of_one(whole)] * len(group)

    async def _settle(self, group: Sequence[_Timed], each: Sequence[Outcome]) -> None:
        at, pairs = self.clock.now(), list(zip(group, each, strict=True))
        told = [settlement(timed, self.doubts.told(timed, outcome), at=at) for (_, timed), outcome in pairs]
        is_recorded = True
        try:
            await self.record.settle(*told)
        except LedgerFault:
            is_recorded = False
            raise
        finally:
            deferred = [timed is not message and isinstance(outcome, Accepted) for (message, timed), outcome in pairs]
            self.tally.deferred += sum(deferred) * is_recorded
            self.count([(message, outcome if is_recorded else UNRECORDED) for (message, _), outcome in pairs])


def _found(message: Message, sought: Sought) -> Outcome:
    listed = sought.found.get(message.reference)
    return InDoubt(words=_UNLISTED) if listed is None else listed.outcome


def _said_of_all(whole: Outcome, group: Sequence[_Timed]) -> Outcome:
    """Bird's words about a batch may quote any message in it."""
    match whole:
        case RefusedByBird(status=status, words=words):
            where = f" (asked at …{BATCH_PATH}, which policy.batch needs)" if status in (403, 404) else ""
            return RefusedByBird(status=status, words=f"{_concealed(words, group)}{where}")
        case Rejected(code=code, words=words):
            return Rejected(code=_concealed(code, group), words=_concealed(words, group))
    return whole


def _concealed(words: str, group: Sequence[_Timed]) -> str:
    for _, message in group:
        words = without_texts(message, words)
    return words


def _of_one(whole: Outcome) -> Outcome:
    """A batch that is refused as a whole says nothing of any message in it, but that it did not go out."""
    if isinstance(whole, Rejected):
        return NotSent(words=f"Bird refused the batch that it was in ({whole.code}): {whole.words}")
    return whole
