"""Whether a commit is to wait for more: it costs little more for many than for one."""

from collections.abc import Callable, Sequence
from math import inf

from runner.ledger.seam import Intent


class Rounds:
    """Watches how long commits take, and how long it is from an intent's commit to its outcome.

    Where all that is out comes back within a few commits' time, waiting for it loses nothing: what came sooner would
    only wait for the commit under way. Elsewhere (a server that thinks, a pace) nothing waits.
    """

    FEW = 8

    def __init__(self, time_s: Callable[[], float]) -> None:
        self._time_s = time_s
        self._out = 0
        self._commit_s = 0.0
        self._trip_s = inf
        self._watched: tuple[str, float] | None = None  # one of those that are out, and since when
        self.begins()

    def committed(self, intents: Sequence[Intent], *, took_s: float) -> None:
        """These go out now."""
        self._commit_s = (self._commit_s + took_s) / 2
        self._out += len(intents)
        if self._watched is None and intents:
            self._watched = (intents[-1].key, self._time_s())

    def came_back(self, key: str) -> None:
        """It has an outcome."""
        self._out -= 1
        if self._watched is not None and self._watched[0] == key:
            self._trip_s = self._time_s() - self._watched[1]
            self._watched = None

    def begins(self) -> None:
        """A commit could be made now."""
        self._begun_s = self._grown_s = self._time_s()
        self._gathered = 0

    def waits(self, gathered: int) -> bool:
        """Whether the commit is to wait for more than has gathered by now: while more comes faster than it is made."""
        now_s = self._time_s()
        if gathered > self._gathered:
            self._gathered, self._grown_s = gathered, now_s
        soon_s = self.FEW * self._commit_s
        may_come = self._out > 0 and self._trip_s < soon_s and now_s - self._begun_s < soon_s
        return may_come and now_s - self._grown_s <= self._commit_s
