"""The plan: what the manifest declares, less what the ledger knows. The difference is what `send` sends."""

import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import attrgetter
from typing import Protocol

from runner.canonical import canonical
from runner.ledger.seam import Known
from runner.model import Channel, Delivery, Message, Policy, Rate, State

from .characters import Character, Characters, Saved
from .composed import Cause, Composed, Forced, Skipped, Source
from .hours import Held, Hours, Moved
from .repeats import Repeats
from .samples import Sample, Samples
from .sheaf import Columns, Sheaf, one_by_one
from .standing import Others, held_of, is_in_doubt, is_undecided, nothing_known, status_of
from .tally import Tally, summed
from .timetable import Pace, Timetable

__all__ = [
    "Cause",
    "Character",
    "Characters",
    "Columns",
    "Composed",
    "Forced",
    "Held",
    "Hours",
    "Moved",
    "Pace",
    "Plan",
    "Planner",
    "Repeats",
    "Sample",
    "Saved",
    "Sheaf",
    "Skipped",
    "Source",
    "Spool",
    "Tally",
    "one_by_one",
]

CHUNK = 100  # messages that the ledger is asked about at once; more would leave the processor's cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`to_send` is what this run would send (new, less `--limit`); `others_in_doubt` are in messages not chosen.

    `sent_of` and `sent_through` count what it would send by message and by channel.

    `again` counts those of `new` that the ledger has absent or in doubt, and the policy sends again all the same;
    `retried` those that were rejected for a reason that can pass. `pace` is that of `to_send`; `currency` the rate
    card's, None without one. `quiet` is what quiet hours make of `to_send`, where there are any; `repeated` counts
    what another send gave people already, where the policy says fail. `overrides` counts, by what of Bird's own
    restraint they set aside and by draft, all messages that anybody gets or has.
    """

    digest: str
    totals: Tally
    messages: Mapping[str, Tally]
    channels: Mapping[str, Tally]
    to_send: Tally
    sent_of: Mapping[str, int]
    sent_through: Mapping[str, int]
    changed_since_rejected: int
    again: Counter[State]
    retried: int
    others_in_doubt: int
    drift_in_doubt: int
    matched: Counter[State]
    samples: tuple[Sample, ...]
    characters: Characters
    pace: Pace
    currency: str | None
    overrides: Mapping[str, Counter[str]]
    quiet: Held | None = None
    repeated: int = 0


class Spool(Protocol):
    def add(self, message: Message) -> None: ...


class Planner:
    """Takes what composing gives and spools what is new; a plan that is only looked at has no spool.

    `others` asks the ledger about keys, as Ahead.others does (without it all is new); `on_scheduled` judges the time of
    what is new and has one. `on_timed` hears when what has such a time, or a validity, goes at the pace of `rate`
    (None: no limit).
    With `may_retry` it spools what was rejected with a code that this takes for one that can pass, and nothing else.
    `repeats` and `hours` hold back some of it.
    """

    def __init__(
        self,
        *,
        others: Others = nothing_known,
        spool: Spool | None,
        drafts: Iterable[str],
        only: frozenset[str] = frozenset(),
        limit: int | None = None,
        delivery: Delivery = Delivery.AT_MOST_ONCE,
        may_retry: Callable[[str], bool] | None = None,
        mask: Callable[[str], str],
        on_scheduled: Callable[[Composed], None],
        on_timed: Callable[[Composed, float], None] = lambda _composed, _at_s: None,
        rate: Rate | None = None,
        concurrency: int = Policy().concurrency,
        repeats: Repeats | None = None,
        hours: Hours | None = None,
    ) -> None:
        self._others_of = others
        self._spool = spool
        self._delivery = delivery
        self._may_retry = may_retry
        self._mask = mask
        self._on_scheduled = on_scheduled
        self._on_timed = on_timed
        self._timetable = Timetable(rate, concurrency=concurrency)
        self._repeats = repeats
        self._hours = hours
        self._restraints = [each for each in (repeats, hours) if each is not None]
        self._hash = hashlib.sha256()
        self._framed_channel: Channel | None = None
        self._framed_ids = b""
        chosen = [name for name in drafts if not only or name in only]
        self._to_send = {name: Tally() for name in chosen}
        self._others = {name: Tally() for name in chosen}  # each message is counted once, here or there
        self._room = sys.maxsize if limit is None else limit
        self._channels: dict[str, str] = {}  # of each message that has any to count
        self._changed_since_rejected = 0
        self._again: Counter[State] = Counter()
        self._retried = 0
        self._others_in_doubt = 0
        self._drift_in_doubt = 0
        self._matched: Counter[State] = Counter()
        self._samples = Samples()
        self._characters = Characters()
        self._overrides: dict[str, Counter[str]] = {}

    def take_all(self, items: Iterable[Composed | Skipped | Sheaf]) -> None:
        """In their order; the ledger is asked about a chunk of them at once."""
        chunk: list[Composed | Skipped] = []
        for item in items:
            if isinstance(item, Sheaf):
                if chunk:
                    self._take_chunk(chunk)
                    chunk.clear()
                self._take_sheaf(item)
            else:
                chunk.append(item)
                if len(chunk) == CHUNK:
                    self._take_chunk(chunk)
                    chunk.clear()
        self._take_chunk(chunk)

    def _take_chunk(self, chunk: Sequence[Composed | Skipped]) -> None:
        messages = [item.message for item in chunk if isinstance(item, Composed)]
        known: dict[str, Known] = {}
        for draft, alike in groupby(messages, attrgetter("draft")):
            some = list(alike)
            known |= self._known(draft, [message.key for message in some], [message.payload_hash for message in some])
        for message in messages:
            self._digest(message.channel, (message.body,))
        for item in chunk:
            if isinstance(item, Composed):
                self._take(item, known.get(item.message.key))
            else:
                self._skip(item.draft, item.reason)

    def _known(self, draft: str, keys: Sequence[str], payload_hashes: Sequence[str]) -> Mapping[str, Known]:
        others, known = self._others_of(draft, keys, payload_hashes)
        accepted = set(range(len(keys))).difference(others)
        return {**{keys[at]: Known(State.ACCEPTED, payload_hashes[at], "") for at in accepted}, **known}

    def _take_sheaf(self, sheaf: Sheaf) -> None:
        self._digest(sheaf.channel, sheaf.bodies)
        others, known = self._others_of(sheaf.draft, sheaf.keys, sheaf.payload_hashes)
        self._count_accepted(sheaf, sheaf.size - len(others))
        if not others:
            return
        sheaf = sheaf.only(others)
        if not known and self._is_all_to_send(sheaf):
            if sheaf.draft in self._to_send:
                self._count_all(sheaf)
            return
        for composed in sheaf.each():
            self._take(composed, known.get(composed.message.key))

    def _is_all_to_send(self, sheaf: Sheaf) -> bool:
        """Whether nothing of it needs a look of its own, if all of it is new."""
        is_timed = sheaf.scheduled_for is not None or sheaf.validity_s is not None
        return not (is_timed or self._restraints or self._may_retry is not None or self._room < sheaf.size)

    def _count_accepted(self, sheaf: Sheaf, count: int) -> None:
        """What `_take` does with each of so many that were accepted as they are."""
        if count:
            self._matched[State.ACCEPTED] += count
            if sheaf.draft in self._others:
                self._note(sheaf, count)
                self._others[sheaf.draft].add("accepted", count)

    def _note(self, sheaf: Sheaf, count: int) -> None:
        for name in sheaf.overrides:
            self._overrides.setdefault(name, Counter())[sheaf.draft] += count
        self._channels[sheaf.draft] = sheaf.channel.name

    def _count_all(self, sheaf: Sheaf) -> None:
        """What `_take` does with each."""
        self._note(sheaf, sheaf.size)
        self._characters.take_all(sheaf)
        self._samples.offer_all(sheaf)
        self._room -= sheaf.size
        self._to_send[sheaf.draft].add_all_new(sheaf)
        self._timetable.add_all(sheaf.channel, sheaf.size)
        if self._spool is not None:
            for message in sheaf.messages():
                self._spool.add(message)

    def _put(self, message: Message) -> None:
        if self._spool is not None:
            self._spool.add(message)

    def _skip(self, draft: str, reason: str) -> None:
        if draft in self._others:
            self._others[draft].add_skipped(reason)

    def _take(self, composed: Composed, known: Known | None) -> None:
        message = composed.message
        if composed.overrides and not composed.is_suppressed and message.draft in self._others:
            for name in composed.overrides:
                self._overrides.setdefault(name, Counter())[message.draft] += 1
        if composed.is_suppressed:
            self._skip(message.draft, "suppress")
        elif known is not None:
            self._hold_against(known, composed)
        elif message.draft in self._others:
            self._count_new(composed, known, is_retried=False)

    def _hold_against(self, known: Known, composed: Composed) -> None:
        message = composed.message
        self._matched[known.state] += 1
        is_retried = self._is_retried(known)
        status = "new" if is_retried else status_of(known, message, self._delivery)
        if message.draft not in self._others:
            self._others_in_doubt += is_in_doubt(status, known)
        elif status == "dropped":
            self._skip(message.draft, "dropped")
        elif status == "new":
            self._count_new(composed, known, is_retried=is_retried)
        else:
            self._channels[message.draft] = message.channel.name
            self._others[message.draft].add(status)
            self._drift_in_doubt += status == "drift" and is_in_doubt(status, known)

    def _is_retried(self, known: Known) -> bool:
        if self._may_retry is None or known.state is not State.REJECTED:
            return False
        return self._may_retry(known.code or "")

    def _count_new(self, composed: Composed, known: Known | None, *, is_retried: bool) -> None:
        message = composed.message
        held = held_of(known) if known is not None else None
        is_chosen = self._may_retry is None or is_retried
        if is_chosen and self._restraints and self._is_held_back(composed, held):
            return
        self._channels[message.draft] = message.channel.name
        if composed.forced is not None:
            self._characters.take(message, composed.forced())
        if known is not None:
            self._retried += is_retried
            self._changed_since_rejected += known.state is State.REJECTED and not is_retried
            if held is not None and is_undecided(held):
                self._again[held] += 1
        if not is_chosen:
            self._others[message.draft].add_new(composed)
            return
        self._samples.offer(composed)
        if composed.scheduled_for is not None:
            self._on_scheduled(composed)
        if self._room <= 0:
            self._others[message.draft].add_new(composed)
            return
        self._room -= 1
        self._to_send[message.draft].add_new(composed)
        at_s = self._timetable.add(message.channel)
        if composed.scheduled_for is not None or composed.validity_s is not None:
            self._on_timed(composed, at_s)
        for each in self._restraints:
            each.count(composed, at_s)
        zones = composed.zones if composed.scheduled_for is None else ()
        self._put(message._replace(held=held, zones=zones) if held is not None or zones else message)

    def _is_held_back(self, composed: Composed, held: State | None) -> bool:
        """Counts it then; what nobody has decided about stays so, whatever else is to be said of it."""
        message = composed.message
        reason = next((reason for each in self._restraints if (reason := each.skips(composed))), "")
        if not reason:
            return False
        if is_undecided(held):
            self._channels[message.draft] = message.channel.name
            self._others[message.draft].add("in_doubt")
        else:
            self._skip(message.draft, reason)
        return True

    def _digest(self, channel: Channel, bodies: Sequence[bytes]) -> None:
        """What the digest says of a message: where it goes, and its request."""
        if channel is not self._framed_channel:
            self._framed_channel = channel
            self._framed_ids = _framed(channel.workspace_id.encode()) + _framed(channel.channel_id.encode())
        ids, sizes = self._framed_ids, map(len, bodies)
        framed = {size: ids + size.to_bytes(4) for size in set(map(len, bodies))}
        self._hash.update(b"".join(chain.from_iterable(zip(map(framed.__getitem__, sizes), bodies, strict=True))))

    def finish(self, policy: Policy, *, currency: str | None = None) -> Plan:
        self._hash.update(canonical(policy.written))
        messages = {name: summed((to_send, self._others[name])) for name, to_send in self._to_send.items()}
        sent_through: Counter[str] = Counter()
        for draft, channel in self._channels.items():
            sent_through[channel] += self._to_send[draft].messages
        return Plan(
            digest=self._hash.hexdigest(),
            totals=summed(messages.values()),
            messages=messages,
            channels={
                name: summed(messages[draft].unskipped() for draft, of in self._channels.items() if of == name)
                for name in dict.fromkeys(self._channels.values())
            },
            to_send=summed(self._to_send.values()),
            sent_of={name: tally.messages for name, tally in self._to_send.items() if tally.messages},
            sent_through=+sent_through,
            changed_since_rejected=self._changed_since_rejected,
            again=self._again,
            retried=self._retried,
            others_in_doubt=self._others_in_doubt,
            drift_in_doubt=self._drift_in_doubt,
            matched=self._matched,
            samples=self._samples.chosen(self._mask),
            characters=self._characters,
            pace=self._timetable.pace(),
            currency=currency,
            overrides=self._overrides,
            quiet=self._hours.told() if self._hours is not None else None,
            repeated=self._repeats.repeated if self._repeats is not None else 0,
        )


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part
