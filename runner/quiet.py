"""Quiet hours: when it is night for somebody, and when that ends.

Judged by the clock on the wall: an hour that daylight saving repeats counts both times, one that it leaves out is
never shown, and quiet hours that end in it end as it is jumped over.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import ceil, inf
from typing import TYPE_CHECKING

from runner.model import QuietHours

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

OF_RECIPIENT, OF_COLUMN = "recipient", "column:"  # what a policy's zone may be, beside a name
SOONEST_S = 660.0  # Bird may send at once what is scheduled less than 10 minutes ahead
_DAY_MIN = 1440
_DAY_S = 86_400.0


@cache
def zone_names() -> frozenset[str]:
    """Every IANA time zone that `Quiet` takes: of the tzdata package, so the same on any machine."""
    from importlib.resources import files  # noqa: PLC0415 - it takes long, and only quiet hours need it

    names = (files("tzdata") / "zones").read_text("ascii").split()
    return frozenset(names) - {"Factory"}  # that one stands for "nobody has said"


def moment(at_s: float) -> str:
    """Unix time as RFC 3339 in UTC, up to the next whole second."""
    return f"{datetime.fromtimestamp(ceil(at_s), UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class _Span:
    """From `since_s` to `until_s` nothing changes: it is quiet until `end_s`, or not quiet (None)."""

    since_s: float
    until_s: float
    end_s: float | None


class Quiet:
    """One policy's quiet hours. `zones` are names of `zone_names`; it is quiet where it is in any of them.

    Times are Unix time. What was found is kept for as long as it holds, so asking again costs next to nothing.
    """

    def __init__(self, hours: QuietHours) -> None:
        self.hours = hours
        self._begin_min = hours.begin_min
        self._end_min = hours.end_min
        self._spans: dict[tuple[str, ...], _Span] = {}

    def end_s(self, zones: tuple[str, ...], at_s: float) -> float | None:
        """When the quiet hours end that `at_s` is in: None where it is in none, `inf` where two days have no end."""
        span = self._spans.get(zones)
        if span is None or not span.since_s <= at_s < span.until_s:
            span = self._spans[zones] = self._span(_known(zones), at_s)
        return span.end_s

    def begins_s(self, zones: tuple[str, ...], at_s: float) -> float | None:
        """When the next quiet hours begin; None where it is quiet at `at_s`."""
        return self._spans[zones].until_s if self.end_s(zones, at_s) is None else None

    def moved_to_s(self, zones: tuple[str, ...], at_s: float) -> float | None:
        """As `end_s`, but never so soon that Bird would send it at once."""
        end_s = self.end_s(zones, at_s)
        if end_s is None or end_s - at_s >= SOONEST_S:
            return end_s
        later_s = at_s + SOONEST_S
        end_s = self._span(_known(zones), later_s).end_s
        return later_s if end_s is None else end_s

    def _span(self, zones: "list[ZoneInfo]", at_s: float) -> _Span:
        end_s = at_s
        while quiet := [zone for zone in zones if self._is_quiet(end_s, zone)]:
            end_s = max(self._change_s(end_s, zone) for zone in quiet)  # one of them is quiet all that time
            if end_s - at_s > 2 * _DAY_S:
                return _Span(at_s, at_s + _DAY_S, inf)
        if end_s > at_s:
            return _Span(at_s, end_s, end_s)
        return _Span(at_s, min((self._change_s(at_s, zone) for zone in zones), default=inf), None)

    def _is_quiet(self, at_s: float, zone: "ZoneInfo") -> bool:
        wall = datetime.fromtimestamp(at_s, zone)
        return self._is_quiet_at(wall.hour * 60 + wall.minute)

    def _is_quiet_at(self, minute: int) -> bool:
        if self._begin_min < self._end_min:
            return self._begin_min <= minute < self._end_min
        return minute >= self._begin_min or minute < self._end_min

    def _change_s(self, at_s: float, zone: "ZoneInfo") -> float:
        """When quiet hours next begin or end."""
        wall = datetime.fromtimestamp(at_s, zone)
        minute = wall.hour * 60 + wall.minute
        is_quiet = self._is_quiet_at(minute)
        ahead_min = ((self._end_min if is_quiet else self._begin_min) - minute) % _DAY_MIN
        change_s = at_s // 60 * 60 + ahead_min * 60
        if datetime.fromtimestamp(change_s, zone).utcoffset() == wall.utcoffset():
            return change_s
        change_s = at_s // 60 * 60 + 60  # clocks are put forward or back until then: look at each minute
        while self._is_quiet(change_s, zone) is is_quiet:
            change_s += 60
        return change_s


def _known(zones: tuple[str, ...]) -> "list[ZoneInfo]":
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only quiet hours need it

    return [ZoneInfo(name) for name in zones]
