"""Many messages side by side: what a plan has to count of each is counted of all at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import repeat
from typing import Any, Self

from runner.ledger.identity import reference_of
from runner.model import Channel, Json, Message, made

from .composed import Composed, Forced, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What differs between messages that stand side by side, each in the same place of every column."""

    keys: Sequence[str]
    addresses: Sequence[str]
    payload_hashes: Sequence[str]
    bodies: Sequence[bytes]
    countries: Sequence[str]
    segments: Sequence[int]
    encodings: Sequence[str]
    costs: Sequence[str | None]
    currency: str | None
    unpriced: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheaf(Columns):
    """Messages of one draft in plan order; nobody in it is suppressed.

    What is the same for all stands once. The rest is asked for by index, where somebody looks at one of them: `row`,
    `sample`, `forced` and `has_gap` as in Composed, `values` as in Message. `hollow` gives the first who has a gap
    or one of some texts among its values.
    """

    draft: str
    channel: Channel
    scheduled_for: str | None
    overrides: tuple[str, ...]
    validity_s: int | None
    values: Callable[[int], tuple[str, ...]]
    row: Callable[[int], str]
    sample: Callable[[int], Json]
    forced: Callable[[int], Forced]
    has_gap: Callable[[int], bool]
    hollow: Callable[[Set[str]], int | None]

    @classmethod
    def of(cls, columns: Columns, **same: Any) -> Self:
        return cls(**{each.name: getattr(columns, each.name) for each in fields(columns)}, **same)

    @property
    def size(self) -> int:
        return len(self.keys)

    def only(self, indices: Sequence[int]) -> "Sheaf":
        """Those of them, itself where that is everybody."""
        if len(indices) == self.size:
            return self

        def hollow(texts: Set[str]) -> int | None:
            if self.hollow(texts) is None:
                return None
            found = (self.has_gap(index) or not texts.isdisjoint(self.values(index)) for index in indices)
            return next((at for at, is_hollow in enumerate(found) if is_hollow), None)

        those: dict[str, Any] = {name: [getattr(self, name)[index] for index in indices] for name in _COLUMNS}
        those |= {name: partial(_at, getattr(self, name), indices) for name in _ASKED}
        return replace(self, hollow=hollow, **those)

    def messages(self) -> Iterator[Message]:
        columns = (
            repeat(self.draft), repeat(self.channel), self.keys, map(reference_of("").__add__, self.keys),
            self.addresses, self.payload_hashes, self.bodies, self.countries, self.segments,
            map(self.values, range(self.size)),
            self.costs, (cost and self.currency for cost in self.costs), repeat(None), repeat(()), repeat(None),
        )  # fmt: skip
        return map(partial(made, Message), zip(*columns, strict=False))

    def each(self) -> Iterator[Composed]:
        return map(self.one, range(self.size))

    def one(self, index: int) -> Composed:
        key, cost, encoding = self.keys[index], self.costs[index], self.encodings[index]
        message = made(Message, (
            self.draft, self.channel, key, reference_of(key), self.addresses[index], self.payload_hashes[index],
            self.bodies[index], self.countries[index], self.segments[index], self.values(index),
            cost, cost and self.currency, None, (), None,
        ))  # fmt: skip
        return made(Composed, (
            message, self.row(index), False, encoding, self.scheduled_for, self.overrides, partial(self.sample, index),
            self.validity_s, self.unpriced[index], partial(self.forced, index) if encoding == "UCS-2" else None, (),
            self.has_gap(index),
        ))  # fmt: skip


_COLUMNS = ("keys", "addresses", "payload_hashes", "bodies", "countries", "segments", "encodings", "costs", "unpriced")
_ASKED = ("values", "row", "sample", "forced", "has_gap")


def _at(of: Callable[[int], Any], indices: Sequence[int], at: int) -> Any:
    return of(indices[at])


def one_by_one(items: Iterable[Composed | Skipped | Sheaf]) -> Iterator[Composed | Skipped]:
    """Each message by itself."""
    for item in items:
        if isinstance(item, Sheaf):
            yield from item.each()
        else:
            yield item
