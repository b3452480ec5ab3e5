import re
import time
from datetime import UTC, datetime

from runner.delivery.clock import SystemClock


def test_now_is_rfc_3339_in_utc_with_milliseconds() -> None:
    clock = SystemClock()
    for _ in range(3):
        before = datetime.now(UTC).timestamp()
        told = clock.now()
        assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z", told)
        assert before - 0.002 <= datetime.fromisoformat(told).timestamp() <= datetime.now(UTC).timestamp()
        assert abs(clock.wall_s() - before) < 1
        time.sleep(0.35)  # into another second, which the clock formats anew


def test_seconds_of_two_readings_never_go_back() -> None:
    clock = SystemClock()
    assert clock.monotonic_s() <= clock.monotonic_s()


async def test_a_short_sleep_is_a_sleep_and_none_is_none() -> None:
    clock = SystemClock()
    started_s = time.perf_counter()
    await clock.sleep(0.0001)
    assert time.perf_counter() - started_s >= 0.0009
    await clock.sleep(-1)
