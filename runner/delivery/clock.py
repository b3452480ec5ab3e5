"""The real clock."""

import asyncio
import time


class SystemClock:
    """`Clock` on the machine's own time."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def monotonic_s(self) -> float:
        return time.monotonic()

    def now(self) -> str:
        whole, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if whole != self._second:  # formatting a date costs more than all the rest of a ledger's row
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
            self._second = whole
        return f"{self._prefix}.{nanoseconds // 1_000_000:03}Z"

    def wall_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        # uvloop's timers are whole milliseconds: less than half of one would be no sleep but a busy loop.
        await asyncio.sleep(max(seconds, 0.001) if seconds > 0 else 0)
