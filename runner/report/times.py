"""Times that are counted as they pass by: how many messages went out when, and how long each took."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import accumulate

_WIDTHS_S = (1, 5, 15, 60, 300, 900, 3600, 21600, 86400, 604800)  # each divides the next
_MOST_KEPT = 128  # steps of one run while it is counted; once more are shown than MOST_STEPS they are joined
MOST_STEPS = 60
_MINUTE_MS = 60_000
_END_S = 253_402_300_799  # the last second of the year 9999
BOUNDS_MS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000)
SHARES = {"p50": 50, "p90": 90, "p99": 99}
OUT = ("accepted", "rejected", "inDoubt")


def unix_ms(text: str) -> int | None:
    """RFC 3339 in milliseconds since 1970; None where it is none, says no zone, or no calendar has it."""
    second = _second(text[:19] + text[23:]) if len(text) >= 24 and text[19] == "." else None
    if second is not None and text[20:23].isdecimal():
        return second * 1000 + int(text[20:23])
    exact_s = _unix_s(text)
    return None if exact_s is None else round(exact_s * 1000)


@lru_cache(maxsize=4096)
def _second(text: str) -> int | None:
    """Many messages have a second in common, so it is read once."""
    exact_s = _unix_s(text)
    return None if exact_s is None else int(exact_s)


def _unix_s(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        exact_s = moment.timestamp() if moment.tzinfo is not None else -1
    except (ValueError, OverflowError):
        return None
    return exact_s if 0 <= exact_s < _END_S else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What went out from `at_s` (Unix seconds) on, for as long as the steps of its series are wide; as OUT."""

    at_s: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Requests over time. A step that nothing fell into is left out. `first_ms` and `last_ms` are Unix time."""

    width_s: int
    steps: Sequence[Step]
    first_ms: int
    last_ms: int

    @property
    def counts(self) -> dict[str, int]:
        return {name: sum(step.counts[index] for step in self.steps) for index, name in enumerate(OUT)}

    @property
    def total(self) -> int:
        return sum(sum(step.counts) for step in self.steps)

    @property
    def per_s(self) -> float | None:
        """On the average, from the first request to the last; None of what took no time."""
        taken_ms = self.last_ms - self.first_ms
        return (self.total - 1) * 1000 / taken_ms if taken_ms > 0 else None

    @property
    def peak_per_s(self) -> float:
        return max((sum(step.counts) for step in self.steps), default=0) / self.width_s


@dataclass(slots=True)
class Pace:
    """A series that is being counted: steps grow wider as it grows longer, so it never takes more memory."""

    _width_s: int = 1
    _steps: dict[int, list[int]] = field(default_factory=dict)
    _first_ms: int | None = None
    _last_ms: int = 0

    def add(self, at_ms: int, outcome: int) -> None:
        """`outcome` is its place in OUT."""
        self._first_ms = at_ms if self._first_ms is None else min(self._first_ms, at_ms)
        self._last_ms = max(self._last_ms, at_ms)
        step = at_ms // 1000 // self._width_s
        counts = self._steps.get(step)
        if counts is None:
            counts = self._steps[step] = [0] * len(OUT)
        counts[outcome] += 1
        if len(self._steps) > _MOST_KEPT:
            self._widen()

    def series(self) -> Series:
        while max(self._steps) - min(self._steps) >= MOST_STEPS:
            self._widen()
        steps = [Step(at_s=at * self._width_s, counts=tuple(counts)) for at, counts in sorted(self._steps.items())]
        return Series(width_s=self._width_s, steps=steps, first_ms=self._first_ms or 0, last_ms=self._last_ms)

    def _widen(self) -> None:
        times = _wider(self._width_s) // self._width_s
        joined: dict[int, list[int]] = {}
        for step, counts in self._steps.items():
            into = joined.setdefault(step // times, [0] * len(OUT))
            for index, count in enumerate(counts):
                into[index] += count
        self._width_s *= times
        self._steps = joined


def _wider(width_s: int) -> int:
    return next((wider for wider in _WIDTHS_S if wider > width_s), 4 * width_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From the intent to the outcome, of what Bird accepted or rejected. `buckets` go by BOUNDS_MS; the last is beyond.

    `percentiles` and `most_ms` are milliseconds, exact below a minute and rounded up to minutes above. `untimed` have
    times that can't be read, or that go backwards.
    """

    count: int
    untimed: int
    buckets: tuple[int, ...]
    percentiles: Mapping[str, int]
    most_ms: int | None


@dataclass(slots=True)
class Latencies:
    """Latencies that are being counted, by the millisecond; above a minute by the minute, above a day as one."""

    _counts: Counter[int] = field(default_factory=Counter)
    _untimed: int = 0

    def add(self, intended_ms: int | None, at_ms: int | None) -> None:
        if intended_ms is None or at_ms is None or at_ms < intended_ms:
            self._untimed += 1
            return
        taken_ms = at_ms - intended_ms
        if taken_ms > _MINUTE_MS:
            taken_ms = min(-(-taken_ms // _MINUTE_MS), 1440) * _MINUTE_MS
        self._counts[taken_ms] += 1

    def latency(self) -> Latency:
        buckets = [0] * (len(BOUNDS_MS) + 1)
        for taken_ms, count in self._counts.items():
            buckets[bisect_left(BOUNDS_MS, taken_ms)] += count
        return Latency(
            count=self._counts.total(),
            untimed=self._untimed,
            buckets=tuple(buckets),
            percentiles={name: self._percentile(share) for name, share in SHARES.items()} if self._counts else {},
            most_ms=max(self._counts, default=None),
        )

    def _percentile(self, share: int) -> int:
        """The least that `share` % of all are at or below (nearest rank)."""
        takings = sorted(self._counts)
        seen = list(accumulate(self._counts[taken_ms] for taken_ms in takings))
        return takings[bisect_left(seen, -(-seen[-1] * share // 100))]
