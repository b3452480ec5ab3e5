"""Counts of messages by where they stand."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Self

from .composed import Composed
from .sheaf import Sheaf

Costs = dict[str, Decimal]
UNKNOWN = "ZZ"  # the country of what has none
_NOTHING = Decimal()


@dataclass(slots=True, kw_only=True)
class Tally:
    """Exclusive counts that add up to `messages`; all from `segments` on are of `new`, and `reasons` of skipped.

    `sizes` counts messages by how many segments they take, 0 where nothing is split. `templates` count as one segment
    each and may be more. `costs` are by country; `unpriced` is what has no price.
    """

    messages: int = 0
    new: int = 0
    accepted: int = 0
    rejected: int = 0
    in_doubt: int = 0
    drift: int = 0
    skipped: int = 0
    segments: int = 0
    sizes: Counter[int] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    templates: int = 0
    costs: Costs = field(default_factory=dict)
    unpriced: Counter[str] = field(default_factory=Counter)

    @property
    def cost(self) -> Decimal:
        return sum(self.costs.values(), Decimal())

    @property
    def costs_at_least(self) -> bool:
        """Whether it may cost more than `cost`."""
        return self.templates > 0 or self.unpriced.total() > 0

    def add_skipped(self, reason: str) -> None:
        self.messages += 1
        self.skipped += 1
        self.reasons[reason] += 1

    def add(self, status: str, count: int = 1) -> None:
        """So many that are not new."""
        self.messages += count
        setattr(self, status, getattr(self, status) + count)

    def add_new(self, composed: Composed) -> None:
        message = composed.message
        country = message.country
        self.messages += 1
        self.new += 1
        self.segments += message.segments
        self.sizes[message.segments] += 1
        if country:
            self.countries[country] += 1
        if composed.encoding == "":
            self.templates += composed.is_template
        if message.cost is not None:
            self.costs[country or UNKNOWN] = self.costs.get(country or UNKNOWN, _NOTHING) + Decimal(message.cost)
        elif composed.unpriced:
            self.unpriced[composed.unpriced] += 1

    def add_all_new(self, sheaf: Sheaf) -> None:
        """What `add_new` counts of each."""
        self.messages += sheaf.size
        self.new += sheaf.size
        self.segments += sum(sheaf.segments)
        self.sizes.update(sheaf.segments)
        self.countries.update(sheaf.countries)
        if sheaf.currency is not None:
            for country, cost in zip(sheaf.countries, sheaf.costs, strict=True):
                if cost is not None:
                    self.costs[country] = self.costs.get(country, _NOTHING) + Decimal(cost)
        self.unpriced.update(filter(None, sheaf.unpriced))

    def unskipped(self) -> "Tally":
        return replace(self, messages=self.messages - self.skipped, skipped=0, reasons=Counter())

    def __iadd__(self, other: "Tally") -> Self:
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.costs = {
            country: self.costs.get(country, _NOTHING) + other.costs.get(country, _NOTHING)
            for country in (*self.costs, *(other.costs.keys() - self.costs.keys()))
        }
        return self


_SUMMED = tuple(each.name for each in fields(Tally) if each.name != "costs")


def summed(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total += tally
    return total
