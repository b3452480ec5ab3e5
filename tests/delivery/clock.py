"""Time that passes only when everybody waits for it."""

import asyncio
import heapq
from itertools import count

from runner.delivery.record import Record


class VirtualClock:
    """Sleepers wake in the order of their instants; between two of them everything that can go on does."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.started_s = self.now_s
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._driver: asyncio.Task[None] | None = None

    @property
    def elapsed_s(self) -> float:
        return self.now_s - self.started_s

    def monotonic_s(self) -> float:
        return self.now_s

    def now(self) -> str:
        return f"2026-03-01T09:{int(self.elapsed_s) // 60:02}:{self.elapsed_s % 60:06.3f}Z"

    def wall_s(self) -> float:
        return 1_772_355_600.0 + self.elapsed_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waker = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now_s + seconds, next(self._order), waker))
        if self._driver is None:
            self._driver = asyncio.create_task(self._drive())
        await waker

    async def _drive(self) -> None:
        while self._sleepers:
            await asyncio.sleep(0.001)
            if writing := [task for task in asyncio.all_tasks() if task.get_name() == Record.WRITING]:
                await asyncio.wait(writing)  # the ledger's thread works in real time
            at_s, _, waker = heapq.heappop(self._sleepers)
            if not waker.done():
                self.now_s = max(self.now_s, at_s)
                waker.set_result(None)
        self._driver = None
