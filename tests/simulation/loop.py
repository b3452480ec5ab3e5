"""An event loop without time and without threads: time jumps to the next timer, and chance picks who goes next."""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Literal

# Who goes next of those that are ready: as asyncio does it; by chance; the newest, so that old ones starve.
Order = Literal["first first", "random", "last first"]


@dataclass(slots=True)
class Time:
    """The one monotonic clock of a universe, shared by all its processes."""

    now_s: float = 1000.0


class SimTask(asyncio.Task[Any]):
    """A task that hashes by its number: sets of tasks then have the same order in every replay."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class SimLoop(asyncio.AbstractEventLoop):
    """One process's loop. Nothing runs but by `step`, so a process can be paused or killed between any two callbacks.

    What the ledger's thread does runs as a timer: `lag` gives how long a call waits before it is made, and how long
    until its caller learns of it. `synced` is called at the end of the second wait: what was written is durable now.
    """

    def __init__(
        self,
        time: Time,
        rng: Random,
        *,
        order: Order,
        cpu_s: float,
        lag: Callable[[], tuple[float, float]],
        synced: Callable[[], None],
    ) -> None:
        self._time = time
        self._rng = rng
        self._order = order
        self._cpu_s = cpu_s
        self._lag = lag
        self._synced = synced
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = count()
        self.tasks: list[SimTask] = []
        self.mistakes: list[str] = []
        self.steps = 0
        self.idles = 0  # how often nothing was ready: whatever was woken before has run by then
        self.is_dying = False

    # What drives it

    @property
    def is_ready(self) -> bool:
        return bool(self._ready)

    def next_timer_s(self) -> float | None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def wake_timers(self) -> None:
        """Moves what is due to the ready ones."""
        while (when_s := self.next_timer_s()) is not None and (when_s <= self._time.now_s or self.is_dying):
            self._ready.append(heapq.heappop(self._timers)[2])

    def step(self) -> None:
        """Runs one callback."""
        if self._order == "random" and len(self._ready) > 1:
            self._ready.rotate(-int(self._rng.random() * len(self._ready)))
        handle = self._ready.pop() if self._order == "last first" else self._ready.popleft()
        if handle.cancelled():
            return
        self.steps += 1
        self._time.now_s += self._cpu_s
        events._set_running_loop(self)
        try:
            handle._run()
        finally:
            events._set_running_loop(None)

    def die(self) -> None:
        """Ends every task of a killed process, in its own order and without a moment passing: nobody hears of it."""
        self.is_dying = True
        self._order = "first first"
        self._cpu_s = 0.0
        for task in self.tasks:
            task.cancel()
            for _ in range(20_000):
                self.wake_timers()
                if not self._ready:
                    break
                self.step()
        for task in self.tasks:
            if task.done() and not task.cancelled():
                task.exception()

    def unfinished(self) -> list[str]:
        """What still waits for its turn: after a run's end there must be nothing."""
        left = [f"task {task.get_name()}" for task in self.tasks if not task.done()]
        left += [f"timer {timer!r}" for _, _, timer in self._timers if not timer.cancelled()]
        return left + [f"callback {handle!r}" for handle in self._ready if not handle.cancelled()]

    # What asyncio asks of a loop

    def time(self) -> float:
        return self._time.now_s

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._time.now_s + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:  # type: ignore[override]
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        del handle  # cancelled ones are dropped when their time comes

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        task = SimTask(coro, loop=self, name=name or f"task {len(self.tasks)}", context=context)
        task.number = len(self.tasks)
        self.tasks.append(task)
        return task

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        del executor
        done = self.create_future()
        wait_s, sync_s = self._lag()
        self.call_later(wait_s, self._call, done, sync_s, func, args)
        return done

    def _call(self, done: asyncio.Future[Any], sync_s: float, func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            value, fault = func(*args), None
        except Exception as raised:  # noqa: BLE001 (whoever waits raises it)
            value, fault = None, raised
        self.call_later(sync_s, self._called, done, value, fault)

    def _called(self, done: asyncio.Future[Any], value: Any, fault: Exception | None) -> None:
        if fault is None:
            self._synced()
        if done.done():
            return
        if fault is None:
            done.set_result(value)
        else:
            done.set_exception(fault)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.is_dying:
            self.mistakes.append(f"{context.get('message')}: {context.get('exception')!r}")
