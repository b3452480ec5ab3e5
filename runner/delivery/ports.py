"""What delivery needs from outside, so that clock, chance, network and ledger can be simulated."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from runner.bird.replies import NoConnection, Reply, ReplyLost
from runner.model import Channel

__all__ = ["Batches", "Clock", "Looks", "NoConnection", "Pages", "Reply", "ReplyLost", "Transport"]


class Clock(Protocol):
    def monotonic_s(self) -> float:
        """Seconds that never jump: pacing, backoff and deadlines."""

    def now(self) -> str:
        """The wall clock as RFC 3339 in UTC with milliseconds: what the ledger records, never what is computed with."""

    def wall_s(self) -> float:
        """Unix time, to read a `Retry-After` date."""

    async def sleep(self, seconds: float) -> None: ...


class Transport(Protocol):
    async def post(self, channel: Channel, body: bytes) -> Reply:
        """POST one message. Raises only NoConnection and ReplyLost (and CancelledError)."""


class Pages(Protocol):
    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        """GET one page of a channel's messages. Raises only NoConnection and ReplyLost (and CancelledError)."""


class Batches(Pages, Protocol):
    """What becomes of a batch's messages stands in the list alone."""

    async def post_batch(self, channel: Channel, bodies: Sequence[bytes]) -> Reply:
        """POST several messages at once. Raises only NoConnection and ReplyLost (and CancelledError)."""


class Looks(Protocol):
    async def look(self, path: str, query: Mapping[str, str]) -> Reply:
        """GET what lies at a path of the API. Raises only NoConnection and ReplyLost (and CancelledError)."""
