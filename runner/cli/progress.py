"""Progress of a send, a bar where people look, a line every few seconds elsewhere; and of a look at Bird's list."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress

from runner.delivery.tally import Progress
from runner.output.send_text import wave_ended
from runner.output.words import duration

from .terminal import TERMINAL

LINE_EVERY_S = 5.0


def finished(progress: Progress) -> int:
    return progress.accepted + progress.rejected + progress.in_doubt


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

    def __init__(self, total: int) -> None:
        self._total = total
        self._started_s = time.monotonic()
        self._last: Progress | None = None
        self._bar = _Bar(total) if sys.stderr is not None and sys.stderr.isatty() and not TERMINAL.quiet else None

    def observe(self, progress: Progress) -> None:
        self._last = progress
        if progress.pause_s is not None:
            self._tell(wave_ended(progress, self._total, time.time()))
        if self._bar is not None:
            self._bar.show(progress)

    def _tell(self, words: str) -> None:
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
            with self._bar.open():
                yield

    def _line(self) -> str:
        passed_s = time.monotonic() - self._started_s
        done = finished(self._last) if self._last else 0
        rate = done / passed_s if passed_s else 0.0
        left = f", {duration((self._total - done) / rate)} left" if rate else ""
        counts = self._last
        parts = (
            f"{counts.accepted:,} accepted, {counts.rejected:,} rejected, {counts.in_doubt:,} in doubt"
            if counts
            else "none yet"
        )
        wave = f"wave {counts.wave} of {counts.waves}, " if counts and counts.waves > 1 else ""
        if counts and counts.pause_s is not None:
            return f"{wave}{done:,} of {self._total:,}: pausing before the next"
        return f"{wave}{done:,} of {self._total:,}: {parts}; {rate:.0f}/s{left}"


class _Bar:
    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        palette = TERMINAL.err
        console = Console(stderr=True, no_color=not palette.is_on, highlight=False)
        self._bar = RichProgress(
            TextColumn("{task.fields[wave]}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("send", total=total, rate="", counts="", wave="")
        self._started_s = time.monotonic()

    def open(self) -> AbstractContextManager[object]:
        return self._bar

    def show(self, progress: Progress) -> None:
        passed_s = time.monotonic() - self._started_s
        rate = f"{finished(progress) / passed_s:.0f}/s" if passed_s > 1 else ""
        wave = f"wave {progress.wave}/{progress.waves}" if progress.waves > 1 else ""
        if progress.pause_s is not None:
            rate = "pausing"
        counts = f"accepted {progress.accepted:,}  rejected {progress.rejected:,}  in doubt {progress.in_doubt:,}"
        self._bar.update(self._task, completed=finished(progress), rate=rate, counts=counts, wave=wave)

    def say(self, words: str) -> None:
        self._bar.console.print(words, markup=False, highlight=False)
