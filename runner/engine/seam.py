"""The seam between flypast and whatever hands work out to many machines.

An engine only dispatches. Who may send a part, and what became of it, the ledger says: so an engine may lose a task,
offer it twice, or offer it to a worker that was dead for an hour, and nobody gets a message twice for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

TASK_VERSION = 1


class Task(NamedTuple):
    """All that an engine ever knows: no message, no secret, nobody's data. `plan` is the plan's digest."""

    run: str
    shard: int
    plan: str
    v: int = TASK_VERSION


Handler = Callable[[Task], Awaitable[None]]


class Engine(Protocol):
    """Made where it is chosen (`choosing.engine_of`). Raises EngineFault where it can't be reached."""

    async def make(self) -> bool:
        """Makes what it needs to be made once; False where that was there."""

    async def submit(self, tasks: Sequence[Task]) -> None:
        """Hands them out, some time, to somebody. What waits already need not wait twice."""

    async def work(self, handle: Handler, *, slots: int, stop: asyncio.Event) -> None:
        """Takes tasks, so many at a time, until `stop`; returns when what was taken has ended.

        Where the engine is away it waits for it.
        """

    async def backlog(self) -> int:
        """How many tasks wait."""
