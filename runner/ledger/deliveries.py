"""What Bird says became of messages after it took them: how far each has come, and which word is kept.

Bird publishes no table of moves, and a look may come late: so a status is never replaced by one that comes before it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# Bird's words, the good end first: as people and programs are told of them.
STATUSES = (
    *("delivered", "sent", "processing", "scheduled", "accepted"),
    *("delivery_failed", "sending_failed", "rejected", "skipped", "deleted"),
)
OTHER = "other"  # a word that Bird has added since
NOT_LOOKED_UP = "notLookedUp"
BUCKETS = (*STATUSES, OTHER, NOT_LOOKED_UP)
FAILED = frozenset({"delivery_failed", "sending_failed", "rejected", "skipped"})
TERMINAL = FAILED | {"delivered", "deleted"}

# An unknown word is further than what comes before sending, and no end. What was delivered, or failed, stays so though
# Bird's record of it is deleted later.
_RANKS = {"accepted": 1, "scheduled": 2, "processing": 3, "sent": 4, "deleted": 5}
_UNKNOWN_RANK = 4
_LAST_RANK = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Bird's word for one of its messages, `message_id`: since when it is so, and when it was last looked up.

    Times are RFC 3339 in UTC with milliseconds. `code` is Bird's for a failure; `source` who says so, with the code of
    their own (`sms-messagebird 34`).
    """

    message_id: str
    status: str
    at: str
    code: str | None = None
    source: str | None = None
    looked_at: str

    @property
    def is_last(self) -> bool:
        return self.status in TERMINAL

    @property
    def bucket(self) -> str:
        """As it is counted: one of BUCKETS."""
        return self.status if self.status in STATUSES else OTHER

    @property
    def _rank(self) -> tuple[int, str]:
        last = _LAST_RANK if self.is_last else _UNKNOWN_RANK
        return _RANKS.get(self.status, last), self.at

    def after(self, held: "Delivery | None") -> "Delivery":
        """What is known after this was seen. Of another message of Bird's, nothing that was held counts."""
        if held is None or held.message_id != self.message_id:
            return self
        kept = held if held._rank > self._rank else self  # noqa: SLF001 (its own kind)
        return replace(kept, looked_at=max(held.looked_at, self.looked_at))

    def purged(self) -> "Delivery":
        """A word that nobody knows may be anything."""
        return self if self.status in STATUSES else replace(self, status=OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """How many of the accepted messages are where, by the names of BUCKETS; 0 is left out.

    `looked_at` is when one of them was last looked up.
    """

    counts: Mapping[str, int]
    looked_at: str | None = None


def counted(rows: Iterable[tuple[str, int, str | None]]) -> Deliveries:
    """From a store's rows: bucket, how many, when one of them was last looked up."""
    rows = list(rows)
    times = [looked_at for _, _, looked_at in rows if looked_at is not None]
    return Deliveries(counts={bucket: count for bucket, count, _ in rows}, looked_at=max(times, default=None))


def delivery(columns: Sequence[Any]) -> Delivery | None:
    """From a store's columns, in the order of the fields; None where all of them are null."""
    message_id, status, at, code, source, looked_at = columns
    if status is None:
        return None
    return Delivery(message_id=message_id, status=status, at=at, code=code, source=source, looked_at=looked_at)


def is_of(seen: Delivery, message_id: str | None) -> bool:
    """Whether it is about the message that Bird took last; where that has no id, about any of them."""
    return message_id is None or seen.message_id == message_id


def to_write(
    rows: Iterable[tuple[Any, ...]], seen: Mapping[str, Delivery]
) -> Iterator[tuple[int, Delivery | None, Delivery]]:
    """Of a store's rows (key, id, Bird's id, and the columns of `delivery`): the id, what was held, what is to be."""
    for key, row, message_id, *held in rows:
        if is_of(seen[key], message_id):
            before = delivery(held)
            yield row, before, seen[key].after(before)


def values(row: int, kept: Delivery) -> dict[str, Any]:
    """What the stores' statements take."""
    return {
        "id": row,
        "bird_id": kept.message_id,
        "status": kept.status,
        "status_at": kept.at,
        "failure_code": kept.code,
        "failure_source": kept.source,
        "seen_at": kept.looked_at,
    }


def has_moved(held: Delivery | None, kept: Delivery) -> bool:
    return held is None or (held.message_id, held.status) != (kept.message_id, kept.status)
