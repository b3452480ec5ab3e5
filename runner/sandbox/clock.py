"""Time, passed in: so that a test moves messages on without waiting."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def monotonic_s(self) -> float:
        """Seconds that never jump: message statuses and request rates."""

    def wall_s(self) -> float:
        """Unix time: what replies show and `scheduledFor` is compared with."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def monotonic_s(self) -> float:
        return time.monotonic()

    def wall_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def timestamp(unix_s: float) -> str:
    """RFC 3339 in UTC with milliseconds, as Bird writes it."""
    return datetime.fromtimestamp(unix_s, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_timestamp(text: str) -> float | None:
    """Unix time of an RFC 3339 date-time; None where it is none or names no zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.timestamp() if "T" in text.upper() and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
