"""Progress of a send, a bar where people look, a line every few seconds elsewhere; and of a look at Bird's list."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from runner.delivery.control import Control
from runner.delivery.tally import Progress
from runner.output.progress_line import Standing
from runner.output.send_text import outcomes, wave_ended
from runner.output.words import duration
from runner.pipeline.ledgers import is_ci

from .bar import Bar
from .terminal import TERMINAL

LINE_EVERY_S = 5.0
_RATE_AFTER_S = 1.0  # before that it says nothing


@asynccontextmanager
async def saying(line: Callable[[], str]) -> AsyncIterator[None]:
    """Says how far it is every few seconds."""

    async def say() -> None:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            TERMINAL.say(line())

    lines = asyncio.create_task(say())
    try:
        yield
    finally:
        lines.cancel()
        with suppress(asyncio.CancelledError):
            await lines


class Shown:
    """Give `observe` to the dispatch, and run that inside `running()`."""

    def __init__(self, total: int, control: Control) -> None:
        self._total, self._control = total, control
        self._started_s = time.monotonic()
        self._last = Progress(0, 0, 0, 0, 0)
        self._bar = Bar(self._standing) if _is_looked_at() else None

    def observe(self, progress: Progress) -> None:
        """Remembers it; a bar looks by itself. A wave that ended is told at once."""
        self._last = progress
        if progress.pause_s is not None:
            self.tell(wave_ended(progress, self._total, time.time(), TERMINAL.err))

    def tell(self, words: str) -> None:
        """Above the bar, where there is one."""
        if self._bar is not None:
            self._bar.say(words)
        else:
            TERMINAL.say(words)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        if self._bar is None:
            async with saying(self._line):
                yield
        else:
            async with self._bar.open():
                yield

    def _standing(self) -> Standing:
        last, passed_s = self._last, time.monotonic() - self._started_s
        done = last.accepted + last.rejected + last.in_doubt
        return Standing(
            total=self._total,
            accepted=last.accepted,
            rejected=last.rejected,
            in_doubt=last.in_doubt,
            rate=done / passed_s if passed_s > _RATE_AFTER_S else None,
            wave=last.wave,
            waves=last.waves,
            is_pausing=last.pause_s is not None,
            is_stopping=self._control.is_stopping,
        )

    def _line(self) -> str:
        at = self._standing()
        wave = f"wave {at.wave} of {at.waves}, " if at.waves > 1 else ""
        done = f"{wave}{at.done:,} of {at.total:,}"
        if at.is_stopping:
            return f"{done}: stopping"
        if at.is_pausing:
            return f"{done}: pausing before the next"
        left = f"; {at.rate:,.0f}/s, {duration((at.total - at.done) / at.rate)} left" if at.rate else ""
        counts = {"accepted": at.accepted, "rejected": at.rejected, "inDoubt": at.in_doubt}
        return f"{done}: {outcomes(counts, TERMINAL.err)}{left}"


def _is_looked_at() -> bool:
    """A machine that runs jobs may give them a terminal, but keeps each drawing of a bar in its log."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return is_terminal and not TERMINAL.quiet and not is_ci(os.environ)
