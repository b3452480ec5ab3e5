"""A claim's lease: given and renewed on the server's clock, and known here until when it surely holds."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from runner.errors import LedgerFault

from .seam import ClaimLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long a lease is given for, and how often it is renewed while nothing is committed.

    `margin_s` before its end nothing is written to a socket any more: two clocks never run alike, and what is written
    needs its time.
    """

    lease_s: float = 30.0
    beat_s: float = 10.0
    margin_s: float = 5.0


def steady_s() -> float:
    """Seconds that never jump and go on while the machine sleeps: a lid that was closed must not stretch a lease."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """Renewed by a thread of its own until it is ended: while a person is asked, or a wave waits."""

    def __init__(self, terms: Terms, *, since_s: float, renew: Callable[[], None]) -> None:
        """`since_s`: the steady time before the server was asked for it. `renew` raises ClaimLost or LedgerFault."""
        self._terms = terms
        self._until_s = since_s + terms.lease_s - terms.margin_s
        self._renew = renew
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="flypast-lease", daemon=True)

    def keep(self) -> None:
        self._keeper.start()

    @property
    def is_ended(self) -> bool:
        return self._ended.is_set()

    def holds(self) -> bool:
        """Whether nobody else can have it, by this machine's clock alone."""
        return not self.is_ended and steady_s() < self._until_s

    def renewed(self, since_s: float) -> None:
        """`since_s`: before the server was asked. An answer that came late tells nothing of now."""
        self._until_s = max(self._until_s, since_s + self._terms.lease_s - self._terms.margin_s)

    def end(self) -> None:
        self._ended.set()

    def _keep(self) -> None:
        pause_s = self._terms.beat_s
        while not self._ended.wait(pause_s):
            try:
                self._renew()
                pause_s = self._terms.beat_s
            except ClaimLost:
                return
            except LedgerFault:
                pause_s = self._terms.beat_s / 10
