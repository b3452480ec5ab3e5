"""Slots that were granted elsewhere, on this machine's own clock. Pure: time is passed in."""

from collections import deque
from dataclasses import dataclass
from math import inf


class FarClock:
    """What another machine's time is here: by questions that it answered with its time.

    An answer was given after it was asked for and before it came, which bounds how far the clocks are apart. The
    narrowest of the last few bounds count, and the newest alone where it contradicts them: a clock was set.
    """

    _REMEMBERED = 16

    def __init__(self) -> None:
        self._bounds: deque[tuple[float, float]] = deque(maxlen=self._REMEMBERED)
        self._least_s, self._most_s = 0.0, 0.0

    @property
    def unsure_s(self) -> float:
        """By how much `here_s` may be too late."""
        return self._most_s - self._least_s

    def note(self, *, asked_s: float, answered_s: float, at_s: float) -> None:
        """`at_s` is its time, the others are ours."""
        self._bounds.append((asked_s - at_s, answered_s - at_s))
        least_s = max(least for least, _ in self._bounds)
        most_s = min(most for _, most in self._bounds)
        if least_s > most_s:
            newest = self._bounds[-1]
            self._bounds.clear()
            self._bounds.append(newest)
            least_s, most_s = newest
        self._least_s, self._most_s = least_s, most_s

    def here_s(self, at_s: float) -> float:
        """The latest that it can be here at its time `at_s`."""
        return at_s + self._most_s

    def there_s(self, now_s: float) -> float:
        """The earliest that it can be there at our `now_s`."""
        return now_s - self._most_s


@dataclass(slots=True)
class _Run:
    """Slots at even distances; one that is later than its grace is lost, whoever would have had it."""

    next_s: float
    spacing_s: float
    left: int
    grace_s: float

    def forget(self, now_s: float) -> None:
        late_s = now_s - self.grace_s - self.next_s
        if late_s <= 0 or not self.left:
            return
        lost = self.left if self.spacing_s <= 0 else min(self.left, int(late_s / self.spacing_s) + 1)
        self.left -= lost
        self.next_s += lost * self.spacing_s


class Slots:
    """What a process may use of what it was granted, the oldest first."""

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque()

    def add(self, *, first_s: float, spacing_s: float, count: int, grace_s: float) -> None:
        """A slot may be used from its instant until `grace_s` later."""
        self._runs.append(_Run(first_s, spacing_s, count, grace_s))

    def take(self, now_s: float) -> bool:
        """Whether a message goes now: its slot is used."""
        if self.next_s(now_s) > now_s:
            return False
        run = self._runs[0]
        run.left -= 1
        run.next_s += run.spacing_s
        return True

    def next_s(self, now_s: float) -> float:
        """From when on the next message may go; never, where no slot is left."""
        while self._runs:
            self._runs[0].forget(now_s)
            if self._runs[0].left:
                return self._runs[0].next_s
            self._runs.popleft()
        return inf

    @property
    def left(self) -> int:
        return sum(run.left for run in self._runs)

    def clear(self) -> None:
        self._runs.clear()
