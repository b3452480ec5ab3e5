"""The line at the bottom of a terminal that is drawn anew while a send runs, and leaves no trace."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from math import ceil

from runner.output.cells import cells
from runner.output.progress_line import GAP, Piece, Standing, progress_line
from runner.output.sheet import Sheet
from runner.states import Tone

from .terminal import TERMINAL

_EVERY_S = 0.1
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"  # the cursor
_ERASE, _UP = "\r\x1b[2K", "\x1b[1A"
_ONE_ROW, _ROWS = "\x1b[?7l", "\x1b[?7h"  # whether what is too wide is cut off, or goes on below
_KEYS = 3  # columns left free for the `^C` or `^Z` that a terminal writes after the line; it must not break it
_SUSPENDED = "suspended: what is in flight may end in doubt; fg goes on"


class Bar:
    """As wide as the terminal is at each drawing. In the event loop, so it draws between two steps of the send."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing
        self._drawn = 0  # columns of what stands there now

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        drawing = asyncio.create_task(self._draw_often())
        with _suspending(self._suspend, self._go_on):
            try:
                yield
            finally:
                drawing.cancel()
                with suppress(asyncio.CancelledError):
                    await drawing
                _write(self._erased() + _SHOW)

    def say(self, words: str) -> None:
        """Above it."""
        _write(f"{self._erased()}{TERMINAL.err.line(words)}\n{self._line()}")

    async def _draw_often(self) -> None:
        while True:
            _write(_HIDE + self._erased() + self._line())
            await asyncio.sleep(_EVERY_S)

    def _line(self) -> str:
        """Cut off where the window just became narrower and nobody has told us yet."""
        sheet = TERMINAL.err
        line = shown(progress_line(self._standing(), max(sheet.room - _KEYS, 1)), sheet)
        self._drawn = cells(line)
        return f"{_ONE_ROW}{line}{_ROWS}"

    def _erased(self) -> str:
        """A terminal that became narrower has broken the line in several."""
        rows = max(1, ceil(self._drawn / TERMINAL.err.room))
        self._drawn = 0
        return _ERASE + (_UP + _ERASE) * (rows - 1)

    def _suspend(self) -> None:
        _write(f"{self._erased()}{TERMINAL.err.line(_SUSPENDED)}\n{_SHOW}")

    def _go_on(self) -> None:
        _write(_HIDE + self._line())


def shown(pieces: list[Piece], sheet: Sheet) -> str:
    """The two pieces of the bar hang together; two blanks are between all others."""
    line, before = "", ""
    for piece in pieces:
        gap = GAP if line and not (before == "done" and piece.look == "left") else ""
        tone: Tone | None = "good" if piece.look == "done" else "calm" if piece.look == "left" else piece.look or None
        line += gap + (sheet.tone(tone, piece.words) if tone is not None else piece.words)
        before = piece.look
    return line


@contextmanager
def _suspending(before: Callable[[], object], after: Callable[[], object]) -> Iterator[None]:
    """Ctrl-Z: the shell gets its line and its cursor back. Not where it does nothing, as in a shell without jobs."""
    number = getattr(signal, "SIGTSTP", None)  # unknown on Windows
    if number is None or signal.getsignal(number) is not signal.SIG_DFL:
        yield
        return

    def suspend(_number: int, _frame: object) -> None:
        before()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # here it stops, and goes on with SIGCONT
        signal.signal(number, suspend)
        after()

    signal.signal(number, suspend)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL)


def _write(text: str) -> None:
    """Nobody seeing it is no reason to stop."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()
