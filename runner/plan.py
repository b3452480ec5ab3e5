"""The plan: what the manifest declares, less what the ledger knows. The difference is what `send` sends."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple, Protocol, Self

from runner.canonical import canonical
from runner.ledger.seam import Known
from runner.model import Channel, Delivery, Json, Message, Policy, State

SAMPLES = 3


class Composed(NamedTuple):
    """One person's message. `sample` renders it masked; `row` is `list#N`; `encoding` is "" where nothing is split.

    A named tuple, because one is made for every row.
    """

    message: Message
    row: str
    is_suppressed: bool
    encoding: str
    scheduled_for: str | None
    sample: Callable[[], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A row that gets nothing, and why: where, exclude, suppress, when, duplicate."""

    draft: str
    reason: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One message as it will look: its own words exact, the output of each expression masked."""

    message: str
    row: str
    recipient: str
    encoding: str
    segments: int
    request: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`to_send` is what this run would send (new, less `--limit`); `others_in_doubt` are in messages not chosen.

    `again` counts those of `new` that the ledger has absent or in doubt, and the policy sends again all the same;
    `retried` those that were rejected for a reason that can pass.
    """

    digest: str
    totals: Tally
    messages: Mapping[str, Tally]
    channels: Mapping[str, Tally]
    to_send: Tally
    sent_through: Mapping[str, int]
    changed_since_rejected: int
    again: Counter[State]
    retried: int
    others_in_doubt: int
    drift_in_doubt: int
    matched: Counter[State]
    samples: tuple[Sample, ...]


class Spool(Protocol):
    def add(self, message: Message) -> None: ...


class Planner:
    """Takes what composing gives, one at a time, and spools what is new.

    With `may_retry` it spools what was rejected with a code that this takes for one that can pass, and nothing else.
    """

    def __init__(
        self,
        *,
        known: Callable[[str], Known | None],
        spool: Spool,
        drafts: Iterable[str],
        only: frozenset[str] = frozenset(),
        limit: int | None = None,
        delivery: Delivery = Delivery.AT_MOST_ONCE,
        may_retry: Callable[[str], bool] | None = None,
        mask: Callable[[str], str],
        on_new: Callable[[Composed], None],
    ) -> None:
        self._known = known
        self._spool = spool
        self._only = only
        self._limit = limit
        self._delivery = delivery
        self._may_retry = may_retry
        self._mask = mask
        self._on_new = on_new
        self._hash = hashlib.sha256()
        self._framed_channel: Channel | None = None
        self._framed = b""
        self._messages = {name: Tally() for name in drafts if not only or name in only}
        self._channels: dict[str, str] = {}  # of each message that has any to count
        self._to_send = Tally()
        self._sent_through: Counter[str] = Counter()
        self._changed_since_rejected = 0
        self._again: Counter[State] = Counter()
        self._retried = 0
        self._others_in_doubt = 0
        self._drift_in_doubt = 0
        self._matched: Counter[State] = Counter()
        self._samples = _Samples()

    def skip(self, skipped: Skipped) -> None:
        if skipped.draft in self._messages:
            self._messages[skipped.draft].add_skipped(skipped.reason)

    def take(self, composed: Composed) -> None:
        message = composed.message
        self._digest(message)
        if composed.is_suppressed:
            self.skip(Skipped(draft=message.draft, reason="suppress"))
            return
        known = self._known(message.key)
        if known is not None:
            self._matched[known.state] += 1
        is_retried = self._is_retried(known)
        status = "new" if is_retried else _status(known, message, self._delivery)
        if message.draft not in self._messages:
            self._others_in_doubt += _is_in_doubt(status, known)
        elif status == "dropped":
            self.skip(Skipped(draft=message.draft, reason="dropped"))
        else:
            self._count(status, composed, known, is_retried=is_retried)

    def _is_retried(self, known: Known | None) -> bool:
        if self._may_retry is None or known is None or known.state is not State.REJECTED:
            return False
        return self._may_retry(known.code or "")

    def _count(self, status: str, composed: Composed, known: Known | None, *, is_retried: bool) -> None:
        message = composed.message
        self._channels[message.draft] = message.channel.name
        self._messages[message.draft].add(status, message)
        if status != "new":
            self._drift_in_doubt += status == "drift" and _is_in_doubt(status, known)
            return
        self._retried += is_retried
        self._changed_since_rejected += known is not None and known.state is State.REJECTED and not is_retried
        held = _held(known)
        if held is not None:
            self._again[held] += 1
        if self._may_retry is not None and not is_retried:
            return
        self._samples.offer(composed)
        self._on_new(composed)
        if self._limit is None or self._to_send.messages < self._limit:
            self._to_send.add("new", message)
            self._sent_through[message.channel.name] += 1
            self._spool.add(message if held is None else replace(message, held=held))

    def _digest(self, message: Message) -> None:
        channel = message.channel
        if channel is not self._framed_channel:
            self._framed_channel = channel
            self._framed = _framed(channel.workspace_id.encode()) + _framed(channel.channel_id.encode())
        self._hash.update(self._framed + _framed(message.body))

    def finish(self, policy: Policy) -> Plan:
        self._hash.update(canonical(policy.written))
        return Plan(
            digest=self._hash.hexdigest(),
            totals=_sum(self._messages.values()),
            messages=self._messages,
            channels={
                name: _sum(self._messages[draft].unskipped() for draft, of in self._channels.items() if of == name)
                for name in self._channels.values()
            },
            to_send=self._to_send,
            sent_through=self._sent_through,
            changed_since_rejected=self._changed_since_rejected,
            again=self._again,
            retried=self._retried,
            others_in_doubt=self._others_in_doubt,
            drift_in_doubt=self._drift_in_doubt,
            matched=self._matched,
            samples=self._samples.chosen(self._mask),
        )


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total += tally
    return total


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _status(known: Known | None, message: Message, delivery: Delivery) -> str:
    """Where a message stands; `sending` without a living run is in doubt, and so is absent until it is resolved.

    What was absent once and sent again is not proven to be so for ever: another time a person decides.
    """
    if known is None or known.state is State.PLANNED:
        return "new"
    is_same = known.payload_hash == message.payload_hash
    if known.state is State.REJECTED:
        return "rejected" if is_same and known.channel_id == message.channel.channel_id else "new"
    if known.state is State.DROPPED:
        return "dropped"
    if known.state is State.ABSENT and delivery is Delivery.RESEND_ABSENT and not known.resent:
        return "new"
    if not is_same:
        return "drift"
    if known.state is State.ACCEPTED:
        return "accepted"
    return "new" if delivery is Delivery.AT_LEAST_ONCE else "in_doubt"


def _held(known: Known | None) -> State | None:
    """What the ledger says of a message that is sent although it is undecided; `sending` is in doubt by then."""
    if known is None or known.state not in (State.IN_DOUBT, State.SENDING, State.ABSENT):
        return None
    return State.ABSENT if known.state is State.ABSENT else State.IN_DOUBT


def _is_in_doubt(status: str, known: Known | None) -> bool:
    return status == "in_doubt" or (status == "drift" and known is not None and known.state is not State.ACCEPTED)


class _Samples:
    """The messages most worth a look: most segments, UCS-2, longest; of each draft at least one while there is room."""

    def __init__(self) -> None:
        self._riskiest: list[tuple[tuple[int, bool, int], Composed]] = []
        self._of_draft: dict[str, tuple[tuple[int, bool, int], Composed]] = {}

    def offer(self, composed: Composed) -> None:
        risk = (composed.message.segments, composed.encoding == "UCS-2", len(composed.message.body))
        best = self._of_draft.get(composed.message.draft)
        if best is None or risk > best[0]:
            self._of_draft[composed.message.draft] = (risk, composed)
        if len(self._riskiest) < SAMPLES or risk > self._riskiest[-1][0]:
            self._riskiest = sorted([*self._riskiest, (risk, composed)], key=lambda held: held[0], reverse=True)[
                :SAMPLES
            ]

    def chosen(self, mask: Callable[[str], str]) -> tuple[Sample, ...]:
        chosen = [composed for _, composed in self._of_draft.values()][:SAMPLES]
        for _, composed in self._riskiest:
            if len(chosen) < SAMPLES and composed not in chosen:
                chosen.append(composed)
        return tuple(_sample(composed, mask) for composed in chosen)


def _sample(composed: Composed, mask: Callable[[str], str]) -> Sample:
    message = composed.message
    return Sample(
        message=message.draft,
        row=composed.row,
        recipient=mask(message.address),
        encoding=composed.encoding,
        segments=message.segments,
        request=composed.sample(),
    )
