"""Quiet hours: by whose clock, over midnight, where clocks are put forward and back, in several zones at once."""

from datetime import UTC, datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model import QuietHours, Then
from runner.quiet import SOONEST_S, Quiet, moment, zone_names

BERLIN, NEW_YORK, LORD_HOWE, APIA = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"


def quiet(begin: str, end: str) -> Quiet:
    minutes = [int(time[:2]) * 60 + int(time[3:]) for time in (begin, end)]
    return Quiet(QuietHours(begin_min=minutes[0], end_min=minutes[1], zone="recipient", then=Then.DEFER))


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def end(hours: Quiet, time: str, *zones: str) -> str | None:
    found = hours.end_s(zones or ("UTC",), at(time))
    return found if found is None else "never" if found == inf else moment(found)


@pytest.mark.parametrize(
    ("time", "until"),
    [
        ("2026-03-01T20:59:59.999Z", None),
        ("2026-03-01T21:00:00Z", "2026-03-02T08:00:00Z"),
        ("2026-03-01T23:59:59.999Z", "2026-03-02T08:00:00Z"),
        ("2026-03-02T00:00:00Z", "2026-03-02T08:00:00Z"),
        ("2026-03-02T07:59:59.999Z", "2026-03-02T08:00:00Z"),
        ("2026-03-02T08:00:00Z", None),
    ],
)
def test_quiet_hours_go_over_midnight_and_end_as_their_last_minute_does(time: str, until: str | None) -> None:
    assert end(quiet("21:00", "08:00"), time) == until


@pytest.mark.parametrize(
    ("time", "until"),
    [
        ("2026-03-01T11:59:00Z", None),
        ("2026-03-01T12:00:00Z", "2026-03-01T14:30:00Z"),
        ("2026-03-01T14:30:00Z", None),
    ],
)
def test_they_may_lie_within_a_day(time: str, until: str | None) -> None:
    assert end(quiet("12:00", "14:30"), time) == until


def test_they_are_those_of_the_clock_where_somebody_is() -> None:
    hours = quiet("21:00", "08:00")
    assert end(hours, "2026-01-15T12:00:00Z", "America/Los_Angeles") == "2026-01-15T16:00:00Z"
    assert end(hours, "2026-01-15T12:00:00Z", NEW_YORK) == "2026-01-15T13:00:00Z"
    assert end(hours, "2026-01-15T12:00:00Z", "Asia/Kathmandu") is None
    assert end(hours, "2026-01-15T12:00:00Z", "Asia/Tokyo") == "2026-01-15T23:00:00Z"


@pytest.mark.parametrize(
    ("begin", "until", "time", "ends"),
    [
        # 2026-03-29 in Berlin: 02:00 becomes 03:00, an hour is left out.
        ("21:00", "08:00", "2026-03-28T22:00:00Z", "2026-03-29T06:00:00Z"),
        ("21:00", "02:30", "2026-03-28T22:00:00Z", "2026-03-29T01:00:00Z"),
        ("02:15", "02:45", "2026-03-29T00:30:00Z", None),
        ("02:15", "02:45", "2026-03-29T01:00:00Z", None),
        ("02:30", "04:00", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
        # 2026-10-25: 03:00 becomes 02:00, an hour comes twice.
        ("21:00", "08:00", "2026-10-24T22:00:00Z", "2026-10-25T07:00:00Z"),
        ("21:00", "02:30", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"),
        ("21:00", "02:30", "2026-10-25T00:45:00Z", None),
        ("21:00", "02:30", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"),
        ("02:30", "03:00", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"),
        ("02:30", "03:00", "2026-10-25T01:10:00Z", None),
        ("02:30", "03:00", "2026-10-25T01:45:00Z", "2026-10-25T02:00:00Z"),
    ],
)
def test_clocks_that_are_put_forward_and_back(begin: str, until: str, time: str, ends: str | None) -> None:
    assert end(quiet(begin, until), time, BERLIN) == ends


def test_half_an_hour_of_daylight_saving_and_a_day_that_never_was() -> None:
    assert end(quiet("21:00", "08:00"), "2026-10-03T12:00:00Z", LORD_HOWE) == "2026-10-03T21:00:00Z"
    assert end(quiet("21:00", "08:00"), "2026-04-04T12:00:00Z", LORD_HOWE) == "2026-04-04T21:30:00Z"
    assert end(quiet("21:00", "08:00"), "2011-12-30T08:00:00Z", APIA) == "2011-12-30T18:00:00Z"


def test_of_several_zones_each_counts_and_the_last_to_end() -> None:
    hours = quiet("21:00", "08:00")
    assert end(hours, "2026-01-15T12:00:00Z", NEW_YORK, "America/Los_Angeles") == "2026-01-15T16:00:00Z"
    assert end(hours, "2026-01-15T15:00:00Z", NEW_YORK, "America/Los_Angeles") == "2026-01-15T16:00:00Z"
    assert end(hours, "2026-01-15T17:00:00Z", NEW_YORK, "America/Los_Angeles") is None
    # As it ends in the one it has begun in the other: the end is where it is quiet in neither.
    assert end(hours, "2026-01-15T20:00:00Z", "Asia/Tokyo", BERLIN) == "2026-01-16T07:00:00Z"


def test_where_no_hour_is_free_there_is_no_end() -> None:
    hours = quiet("08:00", "07:00")
    assert end(hours, "2026-01-15T12:00:00Z", "UTC", BERLIN) == "never"
    assert hours.moved_to_s(("UTC", BERLIN), at("2026-01-15T12:00:00Z")) == inf


def test_nobody_is_told_a_time_so_soon_that_bird_would_take_it_for_now() -> None:
    hours, utc = quiet("21:00", "08:00"), ("UTC",)
    ends = at("2026-03-02T08:00:00Z")
    assert hours.moved_to_s(utc, ends - 3600) == ends
    assert hours.moved_to_s(utc, ends - SOONEST_S) == ends
    assert hours.moved_to_s(utc, ends - 1) == ends - 1 + SOONEST_S
    assert hours.moved_to_s(utc, ends) is None
    short = quiet("08:05", "08:00")  # five free minutes: what can't be sent in them waits for the next
    assert short.moved_to_s(utc, ends - 1) == ends + 86_400
    assert short.moved_to_s(utc, ends + 60) is None


def test_a_time_is_told_in_whole_seconds_and_never_too_early() -> None:
    assert moment(at("2026-03-02T08:00:00Z")) == "2026-03-02T08:00:00Z"
    assert moment(at("2026-03-02T08:00:00.001Z")) == "2026-03-02T08:00:01Z"


def test_zones_are_those_of_iana() -> None:
    assert {"UTC", BERLIN, NEW_YORK, LORD_HOWE} <= zone_names()
    assert not {"", "America", "Mars/Olympus", "../../etc/passwd", "posixrules", "Factory", "localtime"} & zone_names()
    for name in zone_names():
        assert ZoneInfo(name).key == name


ZONES = st.lists(st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, "Asia/Kathmandu", "UTC"]), min_size=1, max_size=3)
# Around both changes of Berlin, New York and Lord Howe.
TIMES = st.one_of(
    [
        st.integers(int(at(f"2026-{day}T00:00:00Z")), int(at(f"2026-{day}T00:00:00Z")) + 3 * 86_400)
        for day in ("03-07", "03-28", "04-03", "10-02", "10-24", "10-31")
    ]
)


def is_quiet(hours: QuietHours, time_s: float, zones: tuple[str, ...]) -> bool:
    """By definition, one minute at a time."""
    for zone in zones:
        wall = datetime.fromtimestamp(time_s, UTC).astimezone(ZoneInfo(zone))
        minute = wall.hour * 60 + wall.minute
        if hours.begin_min < hours.end_min:
            if hours.begin_min <= minute < hours.end_min:
                return True
        elif not hours.end_min <= minute < hours.begin_min:
            return True
    return False


@given(
    begin=st.integers(0, 1439), length=st.integers(1, 900), zones=ZONES, time_s=TIMES, later_s=st.integers(0, 86_400)
)
def test_an_end_is_the_first_minute_that_is_free_everywhere(
    begin: int, length: int, zones: list[str], time_s: int, later_s: int
) -> None:
    hours = QuietHours(begin_min=begin, end_min=(begin + length) % 1440, zone="recipient", then=Then.SKIP)
    judged, names = Quiet(hours), tuple(zones)
    for at_s in (time_s, time_s + later_s):  # the second from what is kept of the first, where that still holds
        wanted: float | None = None
        if is_quiet(hours, at_s, names):
            minutes = range(at_s // 60 * 60 + 60, at_s + 2 * 86_400, 60)
            wanted = next((float(minute) for minute in minutes if not is_quiet(hours, minute, names)), inf)
        assert judged.end_s(names, at_s) == wanted
