"""What ends a run early: nothing more is taken, who waits is woken, what is in flight has its time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

from .control import Control
from .ports import Clock
from .tally import StopKind


class Told(Protocol):
    def __call__(self, kind: StopKind, words: str, *, hint: str | None = None) -> None: ...


class Stopping:
    """A worker is cancelled only while it waits for the pace (its message goes back as planned) or, when the drain
    time is over, for a reply (its message is in doubt); never while it waits for the ledger.
    """

    def __init__(
        self, *, control: Control, clock: Clock, drain_s: float, told: Told, hurry: Callable[[], None]
    ) -> None:
        """`told` hears why the run stops; `hurry` is called as no more intents will come."""
        self.is_on = False
        self.is_leaving = False
        self._control = control
        self._clock = clock
        self._drain_s = drain_s
        self._told = told
        self._hurry = hurry
        self._waiting: set[asyncio.Task[None]] = set()
        self._posting: set[asyncio.Task[None]] = set()
        self._drain = asyncio.Event()

    def watch(self) -> list["asyncio.Task[None]"]:
        """Tasks that turn signals into a stop, to be cancelled at the end of the run."""
        return [asyncio.create_task(each()) for each in (self._on_stop, self._on_leave, self._on_drain)]

    def halt(self, kind: StopKind, words: str, *, hint: str | None = None) -> None:
        """Take no more messages. What is in flight ends by itself, or within the drain time when that is pressing."""
        self._told(kind, words, hint=hint)
        if kind in ("interrupted", "ledger"):
            self._drain.set()
        self.stop_work()

    def stop_work(self) -> None:
        self.is_on = True
        self._hurry()
        for task in self._waiting:
            if not task.cancelling():
                task.cancel()

    async def waits(self, waiting: Coroutine[Any, Any, None]) -> bool:
        """Waits for the pace, a backoff or the next wave; False when the run stopped meanwhile: nothing may go then."""
        if self.is_on:
            waiting.close()
            return False
        task = _this_task()
        self._waiting.add(task)
        try:
            await waiting
        except asyncio.CancelledError:
            if self.is_leaving:
                raise
            task.uncancel()
            return False
        finally:
            self._waiting.discard(task)
        return not self.is_on

    def begins_to_post(self) -> "asyncio.Task[None]":
        """A request of this task, which it gives, is in flight until `has_posted`."""
        task = _this_task()
        self._posting.add(task)
        return task

    def has_posted(self, task: "asyncio.Task[None]") -> None:
        self._posting.discard(task)

    def is_drained(self) -> bool:
        """Whether the run goes on after this CancelledError of a task that posts: its time was over, no more."""
        if self.is_leaving:
            return False
        _this_task().uncancel()
        return True

    @property
    def is_anybody_waiting(self) -> bool:
        return bool(self._waiting)

    async def _on_stop(self) -> None:
        await self._control.stopping()
        self.halt("interrupted", "the run was interrupted")

    async def _on_leave(self) -> None:
        await self._control.leaving()
        self.halt("interrupted", "the run was interrupted")  # `_on_stop` may not have been woken yet
        self.is_leaving = True
        for task in self._posting:  # those that wait for the ledger hear what it says: its fault must not be lost
            task.cancel()

    async def _on_drain(self) -> None:
        await self._drain.wait()
        await self._clock.sleep(self._drain_s)
        for task in self._posting:
            task.cancel()


def _this_task() -> "asyncio.Task[None]":
    return cast("asyncio.Task[None]", asyncio.current_task())
