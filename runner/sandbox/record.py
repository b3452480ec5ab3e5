"""The record of every POST that reached the sandbox: append-only, one JSON object per line.

It is what a sender's own ledger is compared with. A line is written before the reply, so the record knows at
least as much as the sender does. It holds people's numbers and texts: the file is readable by its owner alone.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .replies import compact_json

ACCEPTED = "accepted"
REJECTED = "rejected"
THROTTLED = "throttled"
REJECTED_LATER = "202-rejected"
UNLISTED = "unlisted"  # a fault: it goes out, and is in no list
BUSY_LATER = "202-busy"  # a fault that ends as `REJECTED_LATER`, for a reason that can pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One POST, or one message of a batch: those have the same `n`, and a `batch_id`.

    `n` counts from 1 in the order of arrival; one that broke off before it was whole leaves a gap.
    `decision` is accepted, rejected (a 4xx of our own making), throttled, 202-rejected, or the fault that struck.
    `request` is the parsed body, None where it was not JSON. `status` is the HTTP status sent, None where none was;
    `replied` says whether a whole reply followed. `message_id` stands wherever a message was made, reply or not.
    """

    n: int
    at: str
    workspace_id: str
    channel_id: str
    reference: str | None
    recipients: tuple[str, ...]
    request: Any
    decision: str
    status: int | None
    message_id: str | None
    replied: bool
    batch_id: str | None = None

    @property
    def was_taken(self) -> bool:
        """Whether a message goes out to people because of this request, whatever the sender was told."""
        return self.message_id is not None and self.decision != REJECTED_LATER

    def line(self) -> bytes:
        document = {
            "n": self.n,
            "at": self.at,
            "workspaceId": self.workspace_id,
            "channelId": self.channel_id,
            "reference": self.reference,
            "recipients": self.recipients,
            "request": self.request,
            "decision": self.decision,
            "status": self.status,
            "messageId": self.message_id,
            "replied": self.replied,
            **({} if self.batch_id is None else {"batchId": self.batch_id}),
        }
        return compact_json(document) + b"\n"


class Record:
    """Kept in memory, and appended to the file at `path` where one is given."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._arrivals: list[Arrival] = []
        self._file: int | None = None

    def open(self) -> None:
        """Opens the file, if there is to be one; raises OSError where that can't be."""
        if self._path is not None and self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, arrival: Arrival) -> None:
        if self._file is not None:
            _write_all(self._file, arrival.line())
        self._arrivals.append(arrival)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def arrivals(self) -> Sequence[Arrival]:
        return tuple(self._arrivals)

    def since(self, place: int, most: int) -> Sequence[Arrival]:
        """At most so many of them, on from a place in their order of being noted."""
        return self._arrivals[place : place + most]

    @property
    def taken(self) -> list[Arrival]:
        """Those whose message goes out: two with one reference are a message sent twice."""
        return [arrival for arrival in self._arrivals if arrival.was_taken]

    def lines(self) -> Iterator[bytes]:
        return (arrival.line() for arrival in self._arrivals)

    def summary(self) -> dict[str, Any]:
        """Counts: posts, messages taken, their different references; and all that arrived by decision and by status."""
        taken = self.taken
        return {
            "posts": len({arrival.n for arrival in self._arrivals}),
            "taken": len(taken),
            "references": len({arrival.reference for arrival in taken if arrival.reference is not None}),
            "decisions": dict(sorted(Counter(arrival.decision for arrival in self._arrivals).items())),
            "statuses": dict(sorted(Counter(str(arrival.status) for arrival in self._arrivals).items())),
        }


def _write_all(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]
