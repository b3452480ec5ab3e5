"""Counts of messages by where they stand."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Self

from runner.model import Message


@dataclass(slots=True, kw_only=True)
class Tally:
    """Exclusive counts that add up to `messages`; segments and countries are those of `new`."""

    messages: int = 0
    new: int = 0
    accepted: int = 0
    rejected: int = 0
    in_doubt: int = 0
    drift: int = 0
    skipped: int = 0
    segments: int = 0
    countries: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add_skipped(self, reason: str) -> None:
        self.messages += 1
        self.skipped += 1
        self.reasons[reason] += 1

    def add(self, status: str, message: Message) -> None:
        self.messages += 1
        if status != "new":
            setattr(self, status, getattr(self, status) + 1)
            return
        self.new += 1
        self.segments += message.segments
        if message.country:
            self.countries[message.country] += 1

    def unskipped(self) -> "Tally":
        return replace(self, messages=self.messages - self.skipped, skipped=0, reasons=Counter())

    def __iadd__(self, other: "Tally") -> Self:
        for field_ in fields(self):
            setattr(self, field_.name, getattr(self, field_.name) + getattr(other, field_.name))
        return self


def summed(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total += tally
    return total
