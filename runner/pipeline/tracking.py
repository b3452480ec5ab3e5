"""Whose delivery status is looked for, and what Bird's list says of them, page by page.

Memory stays the same however many they are: which message has which id stands in a private temporary file (Kept), and
what a page says is handed on to the ledger some hundred at a time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from runner.bird.statuses import Status, read_statuses
from runner.delivery.reconcile import shared_references, unix_s
from runner.delivery.scanning import rfc3339
from runner.ledger.deliveries import Delivery
from runner.ledger.identity import reference_of
from runner.ledger.seam import Entry
from runner.scratch import Kept

GROUP = 1000  # statuses a commit: so many are looked up anew where the looking is killed
_MOST_AHEAD_S = 86_400.0  # of our clock: a time beyond is none


@dataclass(frozen=True, slots=True)
class Who:
    """One message that is looked for; `number` counts them."""

    number: int
    manifest: int
    is_purged: bool
    key: str

    def text(self) -> str:
        return f"{self.number} {self.manifest} {int(self.is_purged)} {self.key}"

    @classmethod
    def of(cls, text: str) -> "Who":
        number, manifest, is_purged, key = text.split(" ")
        return cls(int(number), int(manifest), is_purged == "1", key)


@dataclass(slots=True)
class Lane:
    """A channel with messages that are looked for. `since_s` is when the first of them may have gone out."""

    number: int
    count: int = 0
    since_s: float | None = None
    is_timed: bool = True  # each of them says when it went out

    def add(self, entry: Entry) -> None:
        self.count += 1
        intended_s = unix_s(entry.intended_at)
        if intended_s is None:
            self.is_timed = False
        else:
            self.since_s = intended_s if self.since_s is None else min(self.since_s, intended_s)


@dataclass(slots=True)
class Sought:
    """Accepted messages that have no last status yet: by Bird's id, or by reference where none is known."""

    names: Kept
    lanes: dict[tuple[str, str], Lane] = field(default_factory=dict)
    count: int = 0
    own: list[Entry] = field(default_factory=list)  # without an id, and with a reference of the manifest's own
    shared: Mapping[str, int] = field(default_factory=dict)  # how many of them have each that others have too

    def take_all(self, entries: Iterable[Entry], manifest: int) -> None:
        for entry in entries:
            if entry.delivery is None or not entry.delivery.is_last:
                self._take(entry, manifest)

    def _take(self, entry: Entry, manifest: int) -> None:
        place = entry.workspace_id, entry.channel_id
        lane = self.lanes.setdefault(place, Lane(len(self.lanes)))
        lane.add(entry)
        if entry.message_id is None and entry.reference != reference_of(entry.key):
            self.own.append(entry)
        name = _by_reference(lane, entry.reference) if entry.message_id is None else _by_id(entry.message_id)
        self.names.first(name, Who(self.count, manifest, not entry.address, entry.key).text())
        self.count += 1

    def finish(self, among: Callable[[], Iterable[Entry]]) -> None:
        """`among` are all messages of the ledger, read where one has a reference that another may share."""
        if self.own:
            shared = shared_references(self.own, among=among())
            self.shared = Counter(entry.reference for entry in self.own if entry.reference in shared)


def _by_id(message_id: str) -> str:
    return f"id {message_id}"


def _by_reference(lane: Lane, reference: str) -> str:
    return f"{lane.number} {reference}"


@dataclass(slots=True)
class Found:
    """Which of all that are looked for were found: a bit for each."""

    bits: bytearray
    count: int = 0
    doubles: int = 0

    @classmethod
    def of(cls, sought: int) -> "Found":
        return cls(bytearray(sought // 8 + 1))

    def note(self, number: int) -> None:
        place, bit = number // 8, 1 << number % 8
        self.count += not self.bits[place] & bit
        self.bits[place] |= bit


@dataclass(slots=True)
class Reading:
    """A reader of one channel's list (see scanning.Reader). `tell` is given statuses by manifest, in whole groups.

    What has Bird's id is found by that alone. One without is found by its reference, if Bird's whole list has just one
    message with it: that is known when the list has ended.
    """

    sought: Sought
    lane: Lane
    found: Found
    wall_s: Callable[[], float]
    tell: Callable[[int, dict[str, Delivery]], object]
    before: int = 0
    gathered: dict[int, dict[str, Delivery]] = field(default_factory=dict)
    by_reference: dict[str, dict[str, Delivery]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = self.found.count

    def __len__(self) -> int:
        return self.found.count - self.before

    def read(self, body: bytes) -> str | None:
        page = read_statuses(body)
        now_s = self.wall_s()
        for status in page.statuses:
            self._take(status, now_s)
        if sum(map(len, self.gathered.values())) >= GROUP:
            self.hand_on()
        return page.next_token

    def end(self, *, is_complete: bool) -> None:
        """What was read counts, whatever ended it; of those found by reference only what a whole list says."""
        for reference, there in self.by_reference.items() if is_complete else ():
            went = [each for each in there.values() if each.status != "rejected"] or list(there.values())
            if len(went) == 1 and reference not in self.sought.shared:
                self._note(Who.of(self.sought.names.get(_by_reference(self.lane, reference)) or ""), went[0])
            else:
                self.found.doubles += self.sought.shared.get(reference, 1)
        self.hand_on()

    def hand_on(self) -> None:
        for manifest, seen in self.gathered.items():
            self.tell(manifest, seen)
        self.gathered.clear()

    def _take(self, status: Status, now_s: float) -> None:
        if text := self.sought.names.get(_by_id(status.message_id)):
            self._note(Who.of(text), _delivery(status, now_s))
            return
        if status.reference is not None and _by_reference(self.lane, status.reference) in self.sought.names:
            there = self.by_reference.setdefault(status.reference, {})
            there[status.message_id] = _delivery(status, now_s).after(there.get(status.message_id))

    def _note(self, who: Who, delivery: Delivery) -> None:
        self.found.note(who.number)
        told = self.gathered.setdefault(who.manifest, {})
        kept = delivery.purged() if who.is_purged else delivery
        told[who.key] = kept.after(told.get(who.key))


def _delivery(status: Status, now_s: float) -> Delivery:
    """Since when is Bird's word, where that can be; else now."""
    at_s = unix_s(status.at)
    is_time = at_s is not None and 0 <= at_s <= now_s + _MOST_AHEAD_S
    return Delivery(
        message_id=status.message_id,
        status=status.status,
        at=rfc3339(at_s if is_time and at_s is not None else now_s),
        code=status.code,
        source=status.source,
        looked_at=rfc3339(now_s),
    )


def lanes_in_order(sought: Sought) -> Sequence[tuple[tuple[str, str], Lane]]:
    return sorted(sought.lanes.items(), key=lambda item: item[0])
