"""How a person, or a machine that is shutting down, ends a run."""

import asyncio


class Control:
    """`stop` at the first signal, `leave` at the second. To be called in the event loop's thread."""

    def __init__(self) -> None:
        self._stop = asyncio.Event()
        self._leave = asyncio.Event()

    def stop(self) -> None:
        """Take no more messages; those in flight have the drain time to end."""
        self._stop.set()

    def leave(self) -> None:
        """End at once. What is in flight stays `sending`, and so is in doubt at the next start."""
        self._stop.set()
        self._leave.set()

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def is_leaving(self) -> bool:
        return self._leave.is_set()

    async def stopping(self) -> None:
        await self._stop.wait()

    async def leaving(self) -> None:
        await self._leave.wait()
