"""Signals while an event loop runs."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from runner.delivery.control import Control

from .interrupts import INTERRUPTS

_DRAINS = "stopping: takes no more, waits up to {:g} s for those in flight; again: leaves now"
_LEAVES = "leaving: what is in flight stays in doubt"


@contextmanager
def steered(
    control: Control, *, drain_s: float, hurry: Callable[[], object], tell: Callable[[str], object]
) -> Iterator[None]:
    """The first signal drains the run, the second leaves it and calls `hurry`; each is told. One from before counts."""

    def act(number: int) -> None:
        if number == 1:
            control.stop()
            tell(_DRAINS.format(drain_s))
            return
        control.leave()
        hurry()
        if number == 2:
            tell(_LEAVES)

    with told(act):
        yield


@contextmanager
def told(act: Callable[[int], object]) -> Iterator[None]:
    """Calls `act` in the event loop with each signal's number, from 1 on; afterwards they are remembered again.

    The handlers stay as they are, for asyncio's own would put the default ones back: between the last message and the
    summary a SIGTERM would then be the end. What wakes the loop is a byte that Python writes for each signal.
    """
    INTERRUPTS.defer()
    loop = asyncio.get_running_loop()
    heard, written = socket.socketpair()
    acted = 0

    def listen() -> None:
        nonlocal acted
        with suppress(BlockingIOError):
            heard.recv(4096)
        while acted < INTERRUPTS.count:
            acted += 1
            act(acted)

    with heard, written:
        heard.setblocking(False)
        written.setblocking(False)
        loop.add_reader(heard, listen)
        before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
        try:
            listen()
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(heard)
