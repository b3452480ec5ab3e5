"""What GitHub Actions gets by itself: annotations, the job's summary, the step's outputs ("Workflow commands").

Nothing of it decides anything: where it can't be written that is said, and the run goes on.
"""

import os
from contextlib import suppress
from pathlib import Path

from runner.errors import Exit
from runner.output.formats import written
from runner.output.formats.found import Found

from .terminal import TERMINAL

_HEARD: set[str] = set()  # what need not be said again in this run: why it ended, a file that can't be written
_END = "the end"
MOST_BYTES = 900 * 1024  # of a step's summary; beyond 1 MiB GitHub drops all of it
_CUT = "\n\nThe rest did not fit: the log of this step has all of it.\n"


def is_at_work() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotate(found: Found) -> None:
    """Findings beside their lines. On stderr, which it reads too: stdout is somebody's data."""
    if is_at_work() and (commands := written(found, "github")):
        TERMINAL.insist(commands)
        knows(found)


def knows(found: Found) -> None:
    """These findings have been told as annotations; where they say why the run ended, nothing says it again."""
    if found.stopped:
        _HEARD.add(_END)


def annotate_end(words: str) -> None:
    """Why the run ended, where no findings say it: a mistake of usage, no ledger."""
    if is_at_work() and _END not in _HEARD:
        annotate(Found(findings=(), manifests=(), stopped=words))


def summarise(markdown: str) -> None:
    """Adds to the page that the job shows when it has ended, as far as GitHub takes it."""
    if not is_at_work():
        return
    room = MOST_BYTES - _size_of("GITHUB_STEP_SUMMARY") - len(_CUT)
    whole = (markdown + "\n\n").encode("utf-8", "backslashreplace")
    if len(whole) > room:
        whole = whole[: max(0, whole.rfind(b"\n", 0, max(0, room)))] + _CUT.encode()
    _append("GITHUB_STEP_SUMMARY", whole)


def put(**outputs: object) -> None:
    """Outputs of the step: `steps.ID.outputs.NAME`. Values are plain words and numbers of ours, on one line."""
    lines = "".join(f"{name}={value}\n" for name, value in outputs.items())
    _append("GITHUB_OUTPUT", lines.encode())


def put_exit(code: int) -> None:
    """Why the run ended, as a word: `done`, `findings`, `in_doubt`, …"""
    with suppress(ValueError):
        put(exit_reason=Exit(code).name.lower())


def _size_of(variable: str) -> int:
    path = os.environ.get(variable)
    with suppress(OSError):
        return Path(path).stat().st_size if path else 0
    return 0


def _append(variable: str, content: bytes) -> None:
    path = os.environ.get(variable)
    if not is_at_work() or not path:
        return
    try:
        with Path(path).open("ab") as file:
            file.write(content)
    except OSError as error:
        if variable not in _HEARD:
            _HEARD.add(variable)
            TERMINAL.insist(f"{variable} can't be written: {error.strerror or error}")
