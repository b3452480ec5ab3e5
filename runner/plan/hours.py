"""What quiet hours make of a plan: judged at its one now, or at the time that a message is scheduled for."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from runner.model import QuietHours, Then
from runner.quiet import Quiet, moment

from .composed import Composed

_FARTHEST_S = timedelta(days=36).total_seconds()  # what is scheduled later is a finding
QUIET, NOWHERE = "quietHours", "noTimeZone"  # why a message is skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Messages of one name that wait at Bird until their quiet hours end. `zones`: of whom; `until` RFC 3339 in UTC."""

    message: str
    zones: tuple[str, ...]
    until: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Of what would be sent: `moved` with the largest first; `in_quiet` and `nowhere` where the policy says fail.

    The send's window, in seconds from its start: `begins_s` is when the first of those have quiet hours who have none
    at the start (None: nobody is left who has none), `late` how many come to their turn in theirs at the pace of the
    send, the first of them after `late_s`.
    """

    hours: QuietHours
    moved: tuple[Moved, ...] = ()
    in_quiet: int = 0
    nowhere: int = 0
    begins_s: float | None = None
    late: int = 0
    late_s: float = 0.0

    @property
    def moved_total(self) -> int:
        return sum(moved.messages for moved in self.moved)


@dataclass(slots=True)
class Hours:
    """Judges what is new. Nobody is sent anything whose time zone nobody knows: it may be night there."""

    hours: QuietHours
    now: datetime
    _quiet: Quiet = field(init=False)
    _now_s: float = field(init=False)
    _moved: Counter[tuple[str, tuple[str, ...], float]] = field(default_factory=Counter)
    _in_quiet: int = 0
    _nowhere: int = 0
    _turns: Quiet = field(init=False)
    _begins_s: float = inf
    _late: int = 0
    _late_s: float = inf

    def __post_init__(self) -> None:
        self._quiet = Quiet(self.hours)
        self._turns = Quiet(self.hours)  # what it has found is near the turns, not near now
        self._now_s = self.now.timestamp()

    def skips(self, composed: Composed) -> str:
        """Why it is not sent; empty where it is, at its time."""
        then, end_s = self.hours.then, self._end_s(composed)
        if end_s is None or then is Then.FAIL:
            return ""
        if end_s == inf:
            return NOWHERE
        return QUIET if then is Then.SKIP else ""

    def count(self, composed: Composed, after_s: float) -> None:
        """One that is to be sent, so long after the start."""
        end_s = self._end_s(composed)
        if end_s is None:
            self._count_turn(composed, after_s)
            return
        if self.hours.then is Then.DEFER:
            self._moved[composed.message.draft, composed.zones, end_s] += 1
        elif end_s == inf:
            self._nowhere += 1
        else:
            self._in_quiet += 1

    def _count_turn(self, composed: Composed, after_s: float) -> None:
        """One that may go now: whether it still may when its turn comes. One with its own time waits at Bird anyway."""
        begins_s = None if composed.scheduled_for else self._quiet.begins_s(composed.zones, self._now_s)
        if begins_s is None:
            return
        self._begins_s = min(self._begins_s, begins_s - self._now_s)
        if after_s > 0 and self._turns.end_s(composed.zones, self._now_s + after_s) is not None:
            self._late += 1
            self._late_s = min(self._late_s, after_s)

    def told(self) -> Held:
        moved = (
            Moved(message=draft, zones=zones, until=moment(end_s), messages=count)
            for (draft, zones, end_s), count in self._moved.items()
        )
        return Held(
            hours=self.hours,
            moved=tuple(sorted(moved, key=lambda each: (-each.messages, each.message, each.until, each.zones))),
            in_quiet=self._in_quiet,
            nowhere=self._nowhere,
            begins_s=None if self._begins_s == inf else self._begins_s,
            late=self._late,
            late_s=self._late_s if self._late else 0.0,
        )

    def _end_s(self, composed: Composed) -> float | None:
        """None where it may go, `inf` where nobody knows an hour at which it may."""
        own = composed.scheduled_for
        if own is None:
            return self._quiet.moved_to_s(composed.zones, self._now_s) if composed.zones else inf
        at_s = _unix_s(own)
        if self.hours.then is Then.DEFER or at_s is None or not 0 <= at_s - self._now_s <= _FARTHEST_S:
            return None  # a message's own time wins, or is a finding
        return self._quiet.end_s(composed.zones, at_s) if composed.zones else inf


def _unix_s(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
        return at.timestamp() if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
