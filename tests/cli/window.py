"""A window of a real terminal (tmux): a shell in it, what stands there, and its size, which may change."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.conftest import KEY, Project, clean_environment

GIVE_UP_S = 30.0
PROMPT = "% "


class Window:
    """A context manager; everything in it ends with it."""

    def __init__(self, project: Project, columns: int, **environment: str) -> None:
        if shutil.which("tmux") is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)("tmux is not installed: no window to look at")
        self._socket = project.path.parent / "tmux"
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        more = {"BIRD_ACCESS_KEY": KEY, "PATH": path, "PS1": PROMPT, "LC_ALL": "C.UTF-8", **environment}
        self._environment = clean_environment(**more)
        self._environment.pop("TMUX", None)
        given = [f"{name}={value}" for name, value in more.items()]
        shell = shlex.join(["env", *given, "bash", "--norc", "--noprofile"])
        self._tmux(
            "-f", os.devnull, "new-session", "-d", "-x", str(columns), "-y", "24", "-c", str(project.path), shell
        )
        self.sees(PROMPT.strip())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server")

    def types(self, *keys: str) -> None:
        """Keys by tmux's names (`Enter`, `C-c`); what is none is typed as it is."""
        self._tmux("send-keys", *keys)

    def resize(self, columns: int) -> None:
        self._tmux("resize-window", "-x", str(columns))

    def lines(self) -> list[str]:
        """What stands in the window and in what was scrolled out of it, without empty ones."""
        shown = self._tmux("capture-pane", "-p", "-S", "-")
        return [line.rstrip() for line in shown.splitlines() if line.strip()]

    def sees(self, words: str) -> list[str]:
        """The lines when these words are in the last of them."""
        return self.shows(lambda lines: words in lines[-1])

    def shows(self, is_so: Callable[[list[str]], bool]) -> list[str]:
        """The lines, once they are as they should be; a window is drawn anew some times a second."""
        give_up_s = time.monotonic() + GIVE_UP_S
        while not (lines := self.lines()) or not is_so(lines):
            assert time.monotonic() < give_up_s, "\n".join(lines)
            time.sleep(0.05)
        return lines

    @property
    def has_cursor(self) -> bool:
        return self._tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def _tmux(self, *arguments: str) -> str:
        line = ["tmux", "-S", str(self._socket), *arguments]
        return subprocess.run(line, env=self._environment, capture_output=True, text=True, check=True).stdout
