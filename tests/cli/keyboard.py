"""A command at a pseudo-terminal: what a person sees there and types. Standard output is a pipe."""

import os
import pty
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.conftest import KEY, Project, Ran, clean_environment, command

GIVE_UP_S = 30.0

# The terminal becomes the command's own, so that Ctrl-C in it is a SIGINT.
LAUNCH = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
CTRL_C = "\x03"


class Keyboard:
    """A context manager; the command is killed at its end, should it still run."""

    def __init__(self, project: Project, *arguments: str | Path, **environment: str) -> None:
        self.screen = ""
        self._terminal, inner = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *command(*arguments)],
            cwd=project.path,
            env=clean_environment(BIRD_ACCESS_KEY=KEY, **environment),
            text=True,
            stdin=inner,
            stdout=subprocess.PIPE,
            stderr=inner,
        )
        os.close(inner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self._terminal)

    def sees(self, words: str) -> str:
        """Returns the screen when these words are on it, however they are folded there."""
        give_up_s = time.monotonic() + GIVE_UP_S
        while words not in " ".join(self.screen.split()) and words not in self.screen:
            assert time.monotonic() < give_up_s, self.screen
            assert self._read(), self.screen
        return self.screen

    def types(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def ends(self) -> Ran:
        """The command's end; `err` is the screen."""
        give_up_s = time.monotonic() + GIVE_UP_S
        while self._read():
            assert time.monotonic() < give_up_s, self.screen
        out, _ = self.process.communicate(timeout=GIVE_UP_S)
        return Ran(self.process.returncode, out, self.screen)

    def _read(self) -> bool:
        """Some more of the screen; False when nobody writes to it any more."""
        ready, _, _ = select.select([self._terminal], [], [], 1.0)
        if not ready:
            return True
        block = b""
        with suppress(OSError):  # Linux: EIO when the other end is closed
            block = os.read(self._terminal, 65536)
        self.screen += block.decode()
        return bool(block)
