"""The nouns of a report: frozen once they are counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from runner.ledger.deliveries import FAILED, TERMINAL
from runner.ledger.seam import Entry
from runner.model import State

from .times import Latency, Series

# Absent, and sending without a living run, are in doubt until somebody decides.
COUNTED: Mapping[State, str] = {
    State.PLANNED: "planned",
    State.ACCEPTED: "accepted",
    State.REJECTED: "rejected",
    State.IN_DOUBT: "inDoubt",
    State.SENDING: "inDoubt",
    State.ABSENT: "inDoubt",
    State.DROPPED: "dropped",
}
OUTCOMES = ("accepted", "rejected", "inDoubt", "planned", "dropped")


@dataclass(slots=True, kw_only=True)
class Standing:
    """Exclusive counts, by the names of OUTCOMES, that add up to `messages`.

    `segments` are those of what Bird accepted. Costs are by currency, of what was accepted and of what is in doubt;
    `unpriced` is how many of both have no price in the ledger. `deliveries` are those accepted, by what Bird last said
    (names of deliveries.BUCKETS).
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    segments: int = 0
    costs: dict[str, Decimal] = field(default_factory=dict)
    doubtful_costs: dict[str, Decimal] = field(default_factory=dict)
    unpriced: int = 0
    deliveries: dict[str, int] = field(default_factory=dict)

    @property
    def undelivered(self) -> int:
        """Accepted, and then not delivered, as Bird says."""
        return sum(count for bucket, count in self.deliveries.items() if bucket in FAILED)

    @property
    def not_final(self) -> int:
        """Accepted, and without a last status."""
        return sum(count for bucket, count in self.deliveries.items() if bucket not in TERMINAL)

    @property
    def messages(self) -> int:
        return sum(self.counts.values())

    def add(
        self, outcome: str, count: int, *, segments: int, cost: Decimal | None, currency: str | None, delivery: str
    ) -> None:
        """So many messages alike; `segments` and `cost` are those of one. `delivery` is "" of what is not accepted."""
        self.counts[outcome] += count
        if delivery:
            self.deliveries[delivery] = self.deliveries.get(delivery, 0) + count
        if outcome not in ("accepted", "inDoubt"):
            return
        if outcome == "accepted":
            self.segments += segments * count
        if cost is None or currency is None:
            self.unpriced += count
            return
        costs = self.costs if outcome == "accepted" else self.doubtful_costs
        costs[currency] = costs.get(currency, Decimal()) + cost * count


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Messages that have a name in common: a message of a manifest and edition, a channel of a workspace, a country."""

    names: tuple[str, ...]
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How many were rejected with one code and the same words. `code` is Bird's, or the HTTP status."""

    code: str
    words: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """How many ended in one of Bird's failures with the same code. `source` says so, with the code of their own."""

    status: str
    code: str | None
    source: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What nobody knows the end of. `total = sending + waiting + absent + doubled`; `shown` are the first of them."""

    sending: int = 0
    waiting: int = 0
    absent: int = 0
    doubled: int = 0
    reasons: Sequence[tuple[str, int]] = ()
    shown: Sequence[Entry] = ()

    @property
    def total(self) -> int:
        return self.sending + self.waiting + self.absent + self.doubled


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run sent and nobody has sent again since: its requests by when they went out."""

    name: str
    manifests: Sequence[str]
    series: Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a report says. `first_at` is the first intent, `last_at` the last change of any state (RFC 3339).

    `looked_at` is when Bird was last asked for a delivery status; None: never.
    """

    ledger: str | None
    origin: str
    manifest: str | None
    first_at: str | None
    last_at: str | None
    total: Standing
    messages: Sequence[Group]
    channels: Sequence[Group]
    countries: Sequence[Group]
    failures: Sequence[Failure]
    looked_at: str | None
    undelivered: Sequence[Undelivered]
    doubts: Doubts
    runs: Sequence[Run]
    runs_left_out: int
    latency: Latency
    purged: int
    not_known: Sequence[str]
