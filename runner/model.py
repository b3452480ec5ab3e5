"""The nouns: what a manifest says, what goes out, and what came of it. Frozen; new facts make new values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from math import ceil
from typing import Any, Literal, NamedTuple

from .errors import Exit
from .findings import Place

Json = Any  # what json.loads gives; a schema has judged it

# Makes a named tuple of a tuple with all its fields in their order, in a third of the time of its own constructor:
# for those of which one is made for every row.
made = tuple.__new__


BIRD_POSTS_PER_S = 500  # Bird, "Rate Limit": the default limit of a workspace, all its channels together


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A pace: `count` messages per `per_s` seconds, as in `20/s` or `30/m`."""

    count: int
    per_s: int

    @property
    def per_second(self) -> float:
        return self.count / self.per_s

    def __str__(self) -> str:
        return f"{self.count}/{'s' if self.per_s == 1 else 'm'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A Bird channel under the manifest's own name."""

    name: str
    workspace_id: str
    channel_id: str
    platform: str = "sms"
    mms: bool = False
    rate: Rate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientList:
    """Where a list of people comes from: `contacts` (inline) or `file`, never both.

    `locate()` finds the place of its key in the manifest, `locate("contacts", 3)` that of a value in it: only findings
    show places, so they are looked for when they are asked for.
    """

    name: str
    locate: Callable[..., Place]
    file: str | None = None
    contacts: tuple[Mapping[str, Json], ...] | None = None
    identifier: str | None = None
    identifier_key: str = "phonenumber"
    region: str | None = None
    where: str | None = None
    sha256: str | None = None
    delimiter: str | None = None
    columns: tuple[str, ...] | None = None

    @property
    def place(self) -> Place:
        return self.locate()

    def place_of(self, option: str) -> Place:
        """Of an option's value; of the list where the option is not written."""
        return self.locate(option)


class Recipient(NamedTuple):
    """One row of a list, normalised for one platform.

    `address` is what identifies the person: `identifierKey:value`, or `id:…`. `contact` is Bird's contact
    object as it goes on the wire. `row` counts data rows from 1. A named tuple, because one is made for every row.
    """

    list_name: str
    row: int
    address: str
    contact: Mapping[str, Json]
    parameters: Mapping[str, Json]
    locate: Callable[[], Place]

    @property
    def place(self) -> Place:
        """Looked for when it is asked for: only findings show it."""
        return self.locate()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message as written: Bird's fields with expressions, not yet rendered. Bird's word "template" is not this.

    `fields` are Bird's own (body, template, tags, …); `receiver` stands there only when written in the manifest.
    """

    name: str
    channel: Channel
    fields: Mapping[str, Json]
    to: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    receiver: Mapping[str, Json] | None = None
    when: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    distinct: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAfter:
    """When to give up: a share of the finished messages, or a count (see `Threshold`)."""

    rejected: "Threshold"
    in_doubt: "Threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """`count` at once, or `share` (0 to 1) from the 20th finished message on. Reached means equal or more."""

    count: int | None = None
    share: float | None = None

    def reached(self, bad: int, finished: int, *, fewest: int = 20) -> bool:
        """`fewest` finished messages make a share."""
        if self.count is not None:
            return bad >= self.count
        return self.share is not None and finished >= fewest and bad >= self.share * finished and bad > 0

    def of(self, total: int) -> int:
        """How many of so many messages this is; a share is rounded up."""
        return min(total, self.count if self.count is not None else ceil(round(total * (self.share or 0.0), 6)))


class Delivery(StrEnum):
    """What becomes of a message of which nobody knows whether it went out."""

    AT_MOST_ONCE = "at-most-once"
    RESEND_ABSENT = "resend-absent"
    AT_LEAST_ONCE = "at-least-once"


class Then(StrEnum):
    """What a policy does with a message that must not go now."""

    FAIL = "fail"
    DEFER = "defer"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """When nobody gets anything: from `begin_min` to `end_min`, minutes after midnight; over it where the end is less.

    `zone` is `recipient`, `column:NAME` or an IANA name.
    """

    begin_min: int
    end_min: int
    zone: str
    then: Then

    def __str__(self) -> str:
        times = (f"{minute // 60:02}:{minute % 60:02}" for minute in (self.begin_min, self.end_min))
        return " to ".join(times)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatGuard:
    """Nobody gets the text again that another send gave them within this time. `then` is never DEFER."""

    within_s: float
    then: Then


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How to send. `written` is the policy as it stands in the manifest: part of the digest."""

    rate: Rate = Rate(count=50, per_s=1)
    concurrency: int = 64
    batch: int = 1
    ledger: str | None = None
    delivery: Delivery = Delivery.AT_MOST_ONCE
    settle_s: float = 900.0
    max_messages: int | None = None
    max_segments: int | None = None
    max_cost: Decimal | None = None
    countries: frozenset[str] | None = None
    max_segments_per_message: int = 6
    smart_encoding: bool = False
    stop_after: StopAfter = StopAfter(rejected=Threshold(share=0.05), in_doubt=Threshold(count=10))
    waves: tuple[Threshold, ...] = ()
    suppress: tuple[str, ...] = ()
    quiet_hours: QuietHours | None = None
    repeat_guard: RepeatGuard | None = None
    is_lock_required: bool = False
    written: Mapping[str, Json] = field(default_factory=dict)

    def wave_ends(self, total: int) -> tuple[int, ...]:
        """After how many of `total` messages a run halts to look, rising; the rest follows after the last.

        `[20, 10%, 100%]` of 1,204 messages is (20, 121); of 100 it is (20,), as a tenth of them is out by then.
        """
        ends: list[int] = []
        for wave in self.waves:
            end = wave.of(total)
            if end >= total:
                break
            if not ends or end > ends[-1]:
                ends.append(end)
        return tuple(ends)


class Message(NamedTuple):
    """Rendered and sendable: `body` is the exact JSON that is hashed and posted.

    `values` are a person's data in it, which no log and no ledger may keep when Bird quotes them. `held` is how the
    ledger has it, None where it does not know it; one that is IN_DOUBT or ABSENT is sent all the same, by the policy.
    `cost` is a decimal in `currency` (ISO 4217), None without a price; `text_hash` is SHA-256 in hex of the address and
    what is there to read: the same text is known by it under another name (None until somebody asks). `zones` are the
    time zones whose quiet hours hold it back; none where it has a time of its own. A named tuple, because one is made
    for every row.
    """

    draft: str
    channel: Channel
    key: str
    reference: str
    address: str
    payload_hash: str
    body: bytes
    country: str | None
    segments: int
    values: tuple[str, ...] = ()
    cost: str | None = None
    currency: str | None = None
    text_hash: str | None = None
    zones: tuple[str, ...] = ()
    held: "State | None" = None


class State(StrEnum):
    """The states a message has in the ledger (docs/reliability.md draws the moves between them)."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_DOUBT = "inDoubt"
    ABSENT = "absent"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Bird took it. `message_id` is None where the reply could not be read: the status line is the promise."""

    message_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Bird refused this message, for good."""

    code: str
    words: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """429: not processed. `retry_after_s` is None unless the header made sense."""

    retry_after_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """No connection was acquired, so nothing went out. `is_final` where trying again can't help (certificate)."""

    words: str
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedByBird:
    """401, 402, 403, 404: the key, the credit, a permission or the channel. Nothing went out; the run stops."""

    status: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt:
    """Nothing is proven: it may have gone out. `stops` where the run must not go on (redirect)."""

    words: str
    stops: bool = False


Outcome = Accepted | Rejected | Throttled | NotSent | RefusedByBird | InDoubt


@dataclass(frozen=True, slots=True)
class Check:
    """What a look at Bird showed. `unknown`: nothing follows from it. A `fail` ends a run with `exit_code`."""

    status: Literal["pass", "warn", "fail", "unknown"]
    name: str
    found: str
    advice: str = ""
    exit_code: Exit = Exit.DONE

    @property
    def words(self) -> str:
        return f"{self.name}: {self.found}"
