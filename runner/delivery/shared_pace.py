"""Slots to send in, asked for in blocks by a process, for all that it sends at the same time."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, Self, TypeVar

from runner.ledger.paces import Block, Paces, Share

from .ports import Clock
from .slots import FarClock, Slots

T = TypeVar("T")
BLOCK_S = 0.1
LONGEST_BLOCK_S = 0.2
_BEHIND_S = 0.02  # by how much a block's first slot may be in the past
_LEAST_GRACE_S = 0.01
_NAP_S = 0.005
_LOOKS_S = 1.0  # a limit that is set is noticed so soon, also by who waits for a slow one


@dataclass(slots=True)
class _Lane:
    """A way through some scopes: the slots that this process has in them, and who waits for more."""

    shares: tuple[Share, ...]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    slots: Slots = field(default_factory=Slots)
    waiting: int = 0
    owed: int = 0  # slots of what went at once, which those after it wait for
    used: int = 0  # since it last asked
    granted: int = 0  # when it last asked
    asking: "asyncio.Task[None] | None" = None


class SharedPace:
    """One for a process, whatever it sends at the same time; an async context manager.

    In any second no more go than the rate, and one block: a slot is used within a block of its instant, by the latest
    that the store's clock can be, or it is lost. So are those of a process that dies or stands still. It asks for
    about what it uses, at most `block_s` worth of the rate at once, and for the next before it has used them up.
    """

    def __init__(self, paces: Paces, *, clock: Clock) -> None:
        self._paces = paces
        self._clock = clock
        self._far = FarClock()
        self._asker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flypast-pace")
        self._lanes: dict[Sequence[Share], _Lane] = {}
        self._paused_until_s = -inf
        self._holds: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None

    @property
    def block_s(self) -> float:
        """Longer where the store is far away."""
        return min(LONGEST_BLOCK_S, BLOCK_S + 2 * self._far.unsure_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """What Bird has asked for is told to the others first."""
        asking = [lane.asking for lane in self._lanes.values() if lane.asking is not None]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, *self._holds, return_exceptions=True)
        self._asker.shutdown(wait=False)

    def opens(self, shares: tuple[Share, ...], count: int = 1) -> bool:
        """Whether a message may go right now, ahead of nobody, or so many at once; the caller then sends them.

        Raises LedgerFault.
        """
        lane = self._lane(shares)
        return not lane.waiting and self._takes(lane, count)

    async def enter(self, shares: tuple[Share, ...], count: int = 1) -> None:
        """Returns when a message may go, or so many at once; the caller then sends them. Raises LedgerFault."""
        lane = self._lane(shares)
        lane.waiting += 1
        try:
            async with lane.turn:
                while not self._takes(lane, count):
                    await self._until_due(lane)
        finally:
            lane.waiting -= 1

    def hold(self, share: Share, *, until_s: float, sent_s: float) -> None:
        """A 429 for what was sent at `sent_s`: nobody goes before `until_s`, here at once and elsewhere when they ask.

        Times are this machine's.
        """
        for_s = until_s - self._clock.monotonic_s()
        self._paused_until_s = max(self._paused_until_s, until_s)
        for lane in self._lanes.values():
            lane.slots.clear()
        sent_at_s = self._far.there_s(sent_s)
        told = asyncio.ensure_future(self._asked(partial(self._paces.hold, share, for_s=for_s, sent_at_s=sent_at_s)))
        self._holds.add(told)
        told.add_done_callback(self._held)

    def _held(self, told: "asyncio.Task[None]") -> None:
        self._holds.discard(told)
        if not told.cancelled() and told.exception() is not None:
            self._fault = told.exception()

    def _lane(self, shares: tuple[Share, ...]) -> _Lane:
        lane = self._lanes.get(shares)
        if lane is None:
            lane = self._lanes[shares] = _Lane(shares)
        return lane

    def _takes(self, lane: _Lane, count: int) -> bool:
        if self._fault is not None:
            raise self._fault
        now_s = self._clock.monotonic_s()
        while now_s >= self._paused_until_s and lane.slots.take(now_s):
            lane.used += 1
            if lane.slots.left <= lane.granted // 2:
                self._ask(lane)
            if not lane.owed:
                lane.owed = count - 1
                return True
            lane.owed -= 1
        return False

    async def _until_due(self, lane: _Lane) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._paused_until_s:
            await self._clock.sleep(max(self._paused_until_s - now_s, _NAP_S))
        elif (due_s := lane.slots.next_s(now_s)) < inf:
            await self._clock.sleep(max(due_s - now_s, _NAP_S))
        else:
            await asyncio.shield(self._ask(lane))

    def _ask(self, lane: _Lane) -> "asyncio.Task[None]":
        if lane.asking is None or lane.asking.done():
            lane.asking = asyncio.create_task(self._granted(lane), name="flypast-pace")
            lane.asking.add_done_callback(_seen)
        return lane.asking

    async def _granted(self, lane: _Lane) -> None:
        """Returns when this lane has new slots."""
        wanted, lane.used = max(1, lane.waiting, lane.owed, 2 * lane.used), 0
        while True:
            paused_until_s = self._paused_until_s
            block = await self._asked(partial(self._take, lane.shares, wanted))
            if block.slots and paused_until_s == self._paused_until_s:
                self._add(lane, block)
                return
            await self._clock.sleep(min(max(block.wait_s, _NAP_S), _LOOKS_S))

    def _take(self, shares: tuple[Share, ...], wanted: int) -> Block:
        asked_s = self._clock.monotonic_s()
        block = self._paces.take(shares, wanted=wanted, block_s=self.block_s)
        self._far.note(asked_s=asked_s, answered_s=self._clock.monotonic_s(), at_s=block.at_s)
        return block

    def _add(self, lane: _Lane, block: Block) -> None:
        grace_s = self.block_s - _BEHIND_S - self._far.unsure_s - block.jitter_s
        lane.granted = block.slots
        lane.slots.add(
            first_s=self._far.here_s(block.start_s),
            spacing_s=block.spacing_s,
            count=block.slots,
            grace_s=max(_LEAST_GRACE_S, grace_s),
        )

    async def _asked(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._asker, question)


def _seen(task: "asyncio.Task[Any]") -> None:
    """Who waits for it hears its fault; where nobody does, the next one asks again."""
    if not task.cancelled():
        task.exception()
