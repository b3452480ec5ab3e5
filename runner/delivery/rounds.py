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
    LONGEST_S = 0.1
    _NAP_S = 0.001
    _NAPS = 4  # in a commit's time

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
        self._gathered = self._asked = 0

    def waits(self, gathered: int) -> bool:
        """Whether the commit is to wait for more than has gathered by now: while more comes faster than it is made."""
        now_s = self._time_s()
        self._asked += 1
        if gathered > self._gathered:
            self._gathered, self._grown_s = gathered, now_s
        soon_s = min(self.FEW * self._commit_s, self.LONGEST_S)
        may_come = self._out > 0 and self._trip_s < soon_s and now_s - self._begun_s < soon_s
        # Counted too: a clock that stands still must not hold up a commit.
        return may_come and self._asked <= self.FEW * self._NAPS and now_s - self._grown_s <= self._commit_s

    @property
    def nap_s(self) -> float:
        """How long to wait before asking again."""
        return max(self._commit_s / self._NAPS, self._NAP_S)
