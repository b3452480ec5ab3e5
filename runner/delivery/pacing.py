"""When a message may go: GCRA over absolute instants, for several limits at once. Pure: time is passed in."""

from collections.abc import Sequence
from math import inf

BURST_S = 0.020  # what may have gathered while a timer was late
_CUT = 0.7
_FLOOR_PER_S = 1.0
_CREEP_PER_S = 0.01  # of the full rate
_INSTANT_S = 1e-6


class Scope:
    """One limit: a workspace's or a channel's.

    Messages keep to absolute instants, so a timer that was late costs no pace: what is up to 20 ms behind catches up;
    whoever is later than that starts anew. In any window of W seconds no more go than are due in it (rate × W, rounded
    up) plus one burst, which is 20 ms worth of messages and at least one, or a batch: all of it goes at once, and what
    comes after waits for all of its slots. A 429 cuts the rate; it creeps back.
    """

    def __init__(self, per_second: float) -> None:
        self.full_per_s = per_second
        self.burst = max(1, int(per_second * BURST_S))
        self._may_lag_s = max(0.0, self.burst / per_second - _INSTANT_S)
        self._next_s = -inf
        self._cut_per_s = per_second
        self._cut_at_s = -inf

    def per_second(self, now_s: float) -> float:
        """The rate at this instant, while it recovers from a 429."""
        return min(self.full_per_s, self._cut_per_s + _CREEP_PER_S * self.full_per_s * (now_s - self._cut_at_s))

    def earliest_s(self) -> float:
        """From when on the next message may go."""
        return self._next_s

    def take(self, now_s: float, count: int = 1) -> None:
        """So many messages go now."""
        has_lost_its_place = now_s - self._next_s > self._may_lag_s
        self._next_s = (now_s if has_lost_its_place else self._next_s) + count / self.per_second(now_s)

    def slow_down(self, now_s: float, sent_s: float) -> None:
        """A message that was sent at `sent_s` got a 429. One storm of them is one cut, not a cut for each."""
        if sent_s < self._cut_at_s:
            return
        floor = min(_FLOOR_PER_S, self.full_per_s)
        self._cut_per_s = max(floor, self.per_second(now_s) * _CUT)
        self._cut_at_s = now_s


class Pacer:
    """Lets messages through at the pace of all their scopes, and not at all during a pause."""

    def __init__(self) -> None:
        self._paused_until_s = -inf

    def pause_until(self, at_s: float) -> None:
        """Nothing goes before this instant, whatever its scopes. The latest one counts."""
        self._paused_until_s = max(self._paused_until_s, at_s)

    def reserve(self, now_s: float, scopes: Sequence[Scope], count: int = 1) -> float:
        """When a message may go, or so many at once, whose slots those after them wait for.

        Now: the slots are taken. Later: nothing is taken, so wait until then and ask again.

        (A slot taken ahead in one scope would block the others: a slow channel would hold up its whole workspace.)
        """
        go_s = self._paused_until_s
        for scope in scopes:
            go_s = max(go_s, scope.earliest_s())
        if go_s > now_s:
            return go_s
        for scope in scopes:
            scope.take(now_s, count)
        return now_s
