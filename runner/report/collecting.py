"""One pass over the ledger's rows, in the order in which it gives them: the same ledger gives the same report."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from runner.ledger.deliveries import FAILED, NOT_LOOKED_UP, Delivery
from runner.ledger.seam import Entry
from runner.model import State

from .facts import COUNTED, Doubts, Facts, Failure, Group, Run, Standing, Undelivered
from .times import OUT, Latencies, Pace, unix_ms

MOST_REASONS = 1000  # that are told apart; words can be as many as messages, where Bird names something of each
MOST_KINDS = 20_000  # of messages alike that are told apart before segments and prices are summed up
MOST_RUNS = 1000
SHOWN_DOUBTS = 20
OTHER_WORDS = "(with other words)"
DOUBLED = "double"  # the code of one that Bird has more than once
_DOUBTS: Mapping[State, str] = {State.SENDING: "sending", State.IN_DOUBT: "waiting", State.ABSENT: "absent"}

_Kind = tuple[str, str, str, str, str, str | None, State, int, str | None, str | None, str]
_Reasons = Counter[tuple[str, str]]
_Ends = Counter[tuple[str, str | None, str | None]]  # status, code, source


@dataclass(slots=True)
class _Groups:
    """The sums of what is alike, by each of the names that it has."""

    total: Standing = field(default_factory=Standing)
    messages: dict[tuple[str, ...], Standing] = field(default_factory=dict)
    channels: dict[tuple[str, ...], Standing] = field(default_factory=dict)
    countries: dict[tuple[str, ...], Standing] = field(default_factory=dict)

    def add(self, kinds: Mapping[_Kind, int]) -> None:
        for kind, count in kinds.items():
            manifest, edition, message, workspace_id, channel_id, country, state, segments, cost, currency, delivery = (
                kind
            )
            for standing in (
                self.total,
                self.messages.setdefault((manifest, edition, message), Standing()),
                self.channels.setdefault((workspace_id, channel_id), Standing()),
                self.countries.setdefault((country or "",), Standing()),
            ):
                standing.add(
                    COUNTED[state],
                    count,
                    segments=segments,
                    cost=_amount(cost),
                    currency=currency,
                    delivery=delivery,
                )


@dataclass(slots=True)
class _Pass:
    """What is being counted. Segments, prices and names come again and again: alike messages are counted as a kind."""

    kinds: Counter[_Kind] = field(default_factory=Counter)
    groups: _Groups = field(default_factory=_Groups)
    failures: _Reasons = field(default_factory=Counter)
    undelivered: _Ends = field(default_factory=Counter)
    looked_at: str | None = None
    doubtful: _Reasons = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    shown: list[Entry] = field(default_factory=list)
    paces: dict[str, Pace] = field(default_factory=dict)
    manifests: dict[str, set[str]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    latencies: Latencies = field(default_factory=Latencies)
    first_ms: tuple[int, str] | None = None
    last_ms: tuple[int, str] | None = None
    purged: int = 0

    def add(self, entry: Entry) -> None:
        state = entry.state
        delivery = self._delivery(entry.delivery) if state is State.ACCEPTED else ""
        self.kinds[
            entry.manifest, entry.edition, entry.message, entry.workspace_id, entry.channel_id, entry.country,
            state, entry.segments, entry.cost, entry.currency, delivery,
        ] += 1  # fmt: skip
        if len(self.kinds) > MOST_KINDS:
            self.sum_up()
        self.purged += not entry.address
        intended_ms, at_ms = unix_ms(entry.intended_at), unix_ms(entry.at)
        self._span(entry, intended_ms, at_ms)
        outcome = COUNTED[state]
        if outcome in OUT:
            self._went_out(entry, outcome, intended_ms)
        if state is State.ACCEPTED:
            self.latencies.add(intended_ms, at_ms)
        elif state is State.REJECTED:
            self.latencies.add(intended_ms, at_ms)
            _count(self.failures, entry.code or "?", entry.words or "")
        elif outcome == "inDoubt":
            self._doubtful(entry)

    def _delivery(self, delivery: Delivery | None) -> str:
        """How it is counted."""
        if delivery is None:
            return NOT_LOOKED_UP
        if self.looked_at is None or delivery.looked_at > self.looked_at:
            self.looked_at = delivery.looked_at
        if delivery.status in FAILED:
            end = (delivery.status, delivery.code, delivery.source)
            known = end in self.undelivered or len(self.undelivered) < MOST_REASONS
            self.undelivered[end if known else (delivery.status, None, None)] += 1
        return delivery.bucket

    def sum_up(self) -> None:
        self.groups.add(self.kinds)
        self.kinds.clear()

    def _span(self, entry: Entry, intended_ms: int | None, at_ms: int | None) -> None:
        if intended_ms is not None and (self.first_ms is None or intended_ms < self.first_ms[0]):
            self.first_ms = intended_ms, entry.intended_at
        if at_ms is not None and (self.last_ms is None or at_ms > self.last_ms[0]):
            self.last_ms = at_ms, entry.at

    def _went_out(self, entry: Entry, outcome: str, intended_ms: int | None) -> None:
        pace = self.paces.get(entry.run)
        if pace is None:
            if intended_ms is None:
                return
            if len(self.paces) >= MOST_RUNS:
                if len(self.left_out) < MOST_RUNS:
                    self.left_out.add(entry.run)
                return
            pace = self.paces[entry.run] = Pace()
        if intended_ms is not None:
            pace.add(intended_ms, OUT.index(outcome))
            self.manifests.setdefault(entry.run, set()).add(entry.manifest)

    def _doubtful(self, entry: Entry) -> None:
        kind = "doubled" if entry.code == DOUBLED else _DOUBTS[entry.state]
        self.states[kind] += 1
        _count(self.doubtful, kind, entry.words or ("sent, no outcome yet" if kind == "sending" else "no reason known"))
        if len(self.shown) < SHOWN_DOUBTS:
            self.shown.append(entry)


def collect(
    entries: Iterable[Entry],
    *,
    ledger: str | None,
    origin: str,
    manifest: str | None,
    told: Callable[[Entry], None] = lambda _entry: None,
) -> Facts:
    """Every fact of a report, from all entries of a ledger or of one manifest in it; `told` sees each of them too."""
    counted = _Pass()
    for entry in entries:
        counted.add(entry)
        told(entry)
    counted.sum_up()
    groups = counted.groups
    return Facts(
        ledger=ledger,
        origin=origin,
        manifest=manifest,
        first_at=counted.first_ms[1] if counted.first_ms else None,
        last_at=counted.last_ms[1] if counted.last_ms else None,
        total=groups.total,
        messages=[Group(names=names, standing=standing) for names, standing in sorted(groups.messages.items())],
        channels=_ranked(groups.channels),
        countries=_ranked(groups.countries),
        failures=_failures(counted.failures),
        looked_at=counted.looked_at,
        undelivered=_undelivered(counted.undelivered),
        doubts=_doubts(counted),
        runs=list(_runs(counted)),
        runs_left_out=len(counted.left_out),
        latency=counted.latencies.latency(),
        purged=counted.purged,
        not_known=list(_not_known(groups, counted.purged)),
    )


def _ranked(groups: Mapping[tuple[str, ...], Standing]) -> list[Group]:
    """The largest first."""
    ranked = sorted(groups.items(), key=lambda item: (-item[1].messages, item[0]))
    return [Group(names=names, standing=standing) for names, standing in ranked]


def _failures(reasons: _Reasons) -> list[Failure]:
    """By code, the most frequent first, and in it by words."""
    codes: Counter[str] = Counter()
    for (code, _), count in reasons.items():
        codes[code] += count
    ranked = sorted(reasons.items(), key=lambda item: (-codes[item[0][0]], item[0][0], -item[1], item[0][1]))
    return [Failure(code=code, words=words, count=count) for (code, words), count in ranked]


def _undelivered(ends: _Ends) -> list[Undelivered]:
    """The most frequent first."""
    ranked = sorted(ends.items(), key=lambda item: (-item[1], *(part or "" for part in item[0])))
    return [
        Undelivered(status=status, code=code, source=source, count=count) for (status, code, source), count in ranked
    ]


def _doubts(counted: _Pass) -> Doubts:
    reasons: Counter[str] = Counter()
    for (_, words), count in counted.doubtful.items():
        reasons[words] += count
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return Doubts(**counted.states, reasons=ranked, shown=counted.shown)


def _runs(counted: _Pass) -> Iterator[Run]:
    """The latest first."""
    runs = [
        Run(name=name, manifests=sorted(counted.manifests[name]), series=pace.series())
        for name, pace in counted.paces.items()
    ]
    yield from sorted(runs, key=lambda run: (-run.series.first_ms, run.name))


def _not_known(groups: _Groups, purged: int) -> Iterator[str]:
    deliveries = groups.total.deliveries
    if unasked := deliveries.get(NOT_LOOKED_UP):
        yield (
            f"whether {unasked:,} of those accepted reached the phone: Bird was not asked yet, or does not list them "
            "(flypast status --refresh)"
        )
    if waiting := groups.total.not_final - deliveries.get(NOT_LOOKED_UP, 0):
        yield f"how {waiting:,} of those accepted will end: Bird had no last word on them when it was asked"
    if groups.total.unpriced:
        yield (
            f"the cost of {groups.total.unpriced:,} of what was accepted or is in doubt: no rate card had a price for "
            "them when they were sent (policy.prices)"
        )
    if nowhere := groups.countries.get(("",)):
        yield f"the country of {nowhere.messages:,}: their receiver is no phone number that tells one"
    if purged:
        yield f"whom {purged:,} went to, and Bird's words about them: they were purged"


def _count(reasons: _Reasons, code: str, words: str) -> None:
    reason = (code, words)
    if reason not in reasons and len(reasons) >= MOST_REASONS:
        reason = (code if len(reasons) < 2 * MOST_REASONS or (code, OTHER_WORDS) in reasons else "?", OTHER_WORDS)
    reasons[reason] += 1


@lru_cache(maxsize=4096)
def _amount(text: str | None) -> Decimal | None:
    """What stands in the ledger; None too for what is no amount."""
    try:
        amount = None if text is None else Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount is None or amount.is_finite() else None
