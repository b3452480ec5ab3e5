"""Progress of a send, a bar where people look, a line every few seconds elsewhere; and of a look at Bird's list."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from runner.delivery.tally import Progress
from runner.output.progress_line import GAP, Standing, progress_line
from runner.output.send_text import wave_ended
from runner.output.words import duration

from .terminal import TERMINAL

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

LINE_EVERY_S = 5.0
_RATE_AFTER_S = 1.0  # before that it says nothing
_LOOKS = {
    "done": "green",
    "left": "bright_black",
    "good": "green",
    "bad": "bold red",
    "doubtful": "bold yellow",
    "quiet": "dim",
}


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
        self._last = Progress(0, 0, 0, 0, 0)
        self._bar = _Bar(self._standing) if _is_looked_at() else None

    def observe(self, progress: Progress) -> None:
        """Remembers it; a bar looks by itself. A wave that ended is told at once."""
        self._last = progress
        if progress.pause_s is not None:
            self.tell(wave_ended(progress, self._total, time.time()))

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
            with self._bar.open():
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
        )

    def _line(self) -> str:
        at = self._standing()
        wave = f"wave {at.wave} of {at.waves}, " if at.waves > 1 else ""
        done = f"{wave}{at.done:,} of {at.total:,}"
        if at.is_pausing:
            return f"{done}: pausing before the next"
        left = f"; {at.rate:.0f}/s, {duration((at.total - at.done) / at.rate)} left" if at.rate else ""
        return f"{done}: {at.accepted:,} accepted, {at.rejected:,} rejected, {at.in_doubt:,} in doubt{left}"


def _is_looked_at() -> bool:
    is_terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return is_terminal and not TERMINAL.quiet


class _Bar:
    """One line that is drawn anew some times a second, as wide as the terminal is then."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        from rich.console import Console
        from rich.live import Live

        self._standing = standing
        console = Console(stderr=True, no_color=not TERMINAL.err.is_on, highlight=False)
        self._live = Live(self, console=console, transient=True, refresh_per_second=10)

    def __rich_console__(self, _console: "Console", options: "ConsoleOptions") -> "RenderResult":
        yield self._text(options.max_width)

    def _text(self, width: int) -> "Text":
        from rich.text import Text

        text = Text(no_wrap=True, overflow="crop")
        before = ""
        for piece in progress_line(self._standing(), width - 1):
            if text and not (before == "done" and piece.look == "left"):  # a bar is of two pieces
                text.append(GAP)
            text.append(piece.words, _LOOKS.get(piece.look, ""))
            before = piece.look
        return text

    def open(self) -> AbstractContextManager[object]:
        return self._live

    def say(self, words: str) -> None:
        self._live.console.print(words, markup=False, highlight=False)
