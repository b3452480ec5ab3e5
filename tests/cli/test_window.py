"""The progress line in a real window: narrower, wider, suspended, interrupted. It leaves no half line behind."""

import re
from collections.abc import Iterator

import pytest

from tests.conftest import Project

from .keyboard import Keyboard
from .raw_server import ACCEPTED, Line, RawServer, in_turn, says_late
from .sending import sending
from .window import PROMPT, Window

DRAWN = re.compile(r"[0-9] of 7|[━─]")
STANDS = "2 of 7"


def two_and_no_more(line: Line) -> None:
    """So that the line on the screen stands, and is drawn anew all the time."""
    while True:
        if line.request().number > 2:
            line.hang()
        line.say(ACCEPTED)


@pytest.fixture
def silent() -> Iterator[RawServer]:
    with RawServer(two_and_no_more) as server:
        yield server


@pytest.fixture
def typed(project: Project, silent: RawServer) -> str:
    project.people(7)
    return " ".join(["flypast", *map(str, sending(silent.url, "--concurrency", "1"))])


def has_left(window: Window) -> list[str]:
    """What stands there when the send has left at the second Ctrl-C: nothing of the line, and a cursor."""
    window.types("C-c")
    window.sees("stopping")
    window.types("C-c")
    lines = window.sees(PROMPT.strip())
    assert [line for line in lines if DRAWN.search(line)] == []
    assert window.has_cursor
    return lines


def test_a_window_made_narrower_and_wider_keeps_no_half_line(project: Project, typed: str) -> None:
    with Window(project, 100) as window:
        window.types(typed, "Enter")
        window.sees(STANDS)
        for columns in (50, 24, 100):
            window.resize(columns)
            window.shows(lambda lines: STANDS in lines[-1] and not any(map(DRAWN.search, lines[:-1])))
        has_left(window)


def test_ctrl_z_gives_the_line_and_the_cursor_back_and_fg_goes_on(project: Project, typed: str) -> None:
    with Window(project, 80) as window:
        window.types(typed, "Enter")
        window.sees(STANDS)
        window.types("C-z")
        lines = window.sees(PROMPT.strip())
        assert "suspended: what is in flight may end in doubt; fg goes on" in lines
        assert [line for line in lines if DRAWN.search(line)] == []
        assert window.has_cursor
        window.types("fg", "Enter")
        window.sees(STANDS)
        has_left(window)


def test_ctrl_c_says_what_it_does_once_and_twice(project: Project, typed: str) -> None:
    with Window(project, 80) as window:
        window.types(typed, "Enter")
        window.sees(STANDS)
        lines = has_left(window)
        assert "stopping: takes no more, waits up to 5 s for those in flight; again: leaves now" in lines
        assert "leaving: what is in flight stays in doubt" in lines
        assert "Go on with:" in lines  # too wide with its command, which stands below, unbroken by us


@pytest.mark.parametrize("environment", [{"CI": "true"}, {"TERM": "dumb"}], ids=["CI", "dumb"])
def test_what_keeps_each_drawing_in_a_log_gets_none(project: Project, environment: dict[str, str]) -> None:
    project.people(3)
    with (
        RawServer(in_turn(says_late(ACCEPTED, 0.2))) as server,
        Keyboard(project, *sending(server.url, "--ledger-persisted"), **environment) as keyboard,
    ):
        ran = keyboard.ends()
    assert ran.code == 0
    assert re.search("[━─]|\x1b\\[2K", ran.err) is None
