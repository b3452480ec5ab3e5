"""The seam between flypast and its ledgers: who has which message, durable before and after each request.

A ledger is bound at creation to one API origin. A claim is the right to send for one manifest name; it carries an
epoch, and what an older epoch writes is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runner.errors import LedgerFault
from runner.model import State

if TYPE_CHECKING:
    from .deliveries import Deliveries, Delivery
    from .paces import Paces


class ClaimLost(LedgerFault):
    """Another run took this claim over: nothing of ours may be sent or written any more."""


class NotSendable(LedgerFault):
    """An intent for a message that the ledger does not hold as sendable. It is not written, so nothing is sent."""


class Known(NamedTuple):
    """What planning needs to know of a message that the ledger holds. `resent`: see Entry.

    A named tuple, because one is made for every row that was sent before.
    """

    state: State
    payload_hash: str
    channel_id: str
    code: str | None = None
    resent: int = 0


class Intent(NamedTuple):
    """`sending`: written and synced before the first byte of the request.

    `from_doubt`: the message may be in doubt before, so somebody may get it twice (policy at-least-once). `resent`:
    what a new message begins with (see Entry), 1 where nobody knows what was before. `cost`, `currency`, `text_hash`:
    see Message. A named tuple, because one is made for every request; so is a settlement. What most of a commit share
    comes first.
    """

    edition: str
    message: str
    workspace_id: str
    channel_id: str
    key: str
    reference: str
    address: str
    payload_hash: str
    country: str | None
    segments: int
    at: str
    text_hash: str | None = None
    resent: int = 0
    cost: str | None = None
    currency: str | None = None
    from_doubt: bool = False


class Settlement(NamedTuple):
    """What became of an intent. `state` is planned (proven unsent), accepted, rejected or inDoubt."""

    key: str
    state: State
    at: str
    message_id: str | None = None
    code: str | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What looking a message up at Bird says of it: accepted, rejected, absent, or still in doubt.

    Planned is absent where the policy sends that again. All of it replaces what the ledger held. `looked_at` is when a
    complete look first did not see it.
    """

    key: str
    state: State
    at: str
    message_id: str | None = None
    code: str | None = None
    words: str | None = None
    looked_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message as the ledger holds it. Times are RFC 3339 in UTC.

    `run` names the run that last sent it or decided about it. `intended_at` is when the first intent was written of
    those that are not proven to have done nothing (none of their requests can be older), `at` when its state last
    changed, `looked_at` when all of Bird's list was first looked through since the last intent without seeing it.
    `resent` counts how often it was sent again because it was absent.
    Of a purged one `address` is empty, `words` and `text_hash` None, and a reference of its own stands as
    `purged_reference`. `cost`, `currency` and `text_hash` are None too of what an older flypast recorded (see Message).
    `told` is the last that Bird said of a message of its own, `delivery` the same where it is about this one.
    """

    key: str
    manifest: str
    edition: str
    message: str
    workspace_id: str
    channel_id: str
    reference: str
    address: str
    payload_hash: str
    country: str | None
    segments: int
    state: State
    attempts: int
    run: str
    intended_at: str = ""
    at: str
    message_id: str | None
    code: str | None
    words: str | None
    looked_at: str | None = None
    resent: int = 0
    cost: str | None = None
    currency: str | None = None
    text_hash: str | None = None
    told: "Delivery | None" = None

    @property
    def delivery(self) -> "Delivery | None":
        """What became of it, of a message that Bird took; None where nobody has asked, or Bird does not list it."""
        if self.state is not State.ACCEPTED or self.told is None:
            return None
        return self.told if self.message_id in {None, self.told.message_id} else None


class Claim(Protocol):
    """One run's right to send for one manifest name, from `Ledger.claim` to `release`."""

    manifest: str
    run: str
    epoch: int

    def may_post(self) -> bool:
        """Whether what was intended may still be written to a socket: asked, from any thread, right before it is.

        Nothing is looked up. False once another may have taken the claim over: a lease that ran out by this machine's
        own clock, say because the process was stopped or the server was silent.
        """

    def hurry(self) -> None:
        """Nobody waits any longer: a commit that waits for a server that is away gives up. From any thread."""

    def commit(self, settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        """All of it in one durable commit, or none. May be called from another thread, one call at a time.

        Settlements come first, so a commit may settle a message as planned and intend it again. Raises ClaimLost,
        NotSendable (an intent whose key is not new, planned, rejected or absent, nor in doubt where the intent allows
        that) or LedgerFault.
        """

    def resolve(self, keys: Iterable[str], state: State, at: str) -> int:
        """A human's decision about messages in doubt or absent: planned or dropped. Gives how many moved."""

    def reconcile(self, verdicts: Sequence[Verdict]) -> int:
        """What a look-up found, in one durable commit; gives how many moved.

        What is in doubt or absent moves; what was accepted without Bird's id gets that, or is rejected. Raises
        ClaimLost or LedgerFault.
        """

    def track(self, seen: "Mapping[str, Delivery]") -> int:
        """What Bird says became of accepted messages, by key, in one durable commit; gives how many have a new status.

        No state changes. What is not accepted, is of another manifest, or has another id of Bird's is let pass; of two
        statuses the one that comes after stays (see Delivery). Raises ClaimLost or LedgerFault.
        """

    def purge(self, before: str) -> int:
        """Drops addresses, words and own references of what is decided and moved last before then; gives how many.

        Key, state, hashes, counts and times stay, so nothing is sent because of it; what is sending, in doubt or absent
        keeps all. In many commits: after a fault the rest can be purged later. Raises ClaimLost or LedgerFault.
        """

    def release(self) -> None:
        """Ends the claim; what is still `sending` becomes `inDoubt`. A second call does nothing."""


class Ledger(Protocol):
    """Reading is free; writing goes through a claim."""

    name: str | None
    origin: str

    def lookup(self, key: str) -> Known | None: ...

    def lookup_many(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """What is known of those keys that the ledger holds: one question for some hundred of them."""

    def claim(self, manifest: str, *, run: str, at: str, timeout_s: float = 0.0) -> Claim:
        """The claim for a manifest name; raises Locked, naming the holder, where a living run has it.

        What a dead run left in `sending` becomes `inDoubt` here.
        """

    def entries(self, manifest: str | None = None, *, states: Iterable[State] = ()) -> Iterator[Entry]:
        """By manifest, message, then the order of first intent; all states where none is named."""

    def keys(self, manifest: str, edition: str) -> Iterator[tuple[str, State]]:
        """Key and state of each message of one edition, in the order of `entries`: to count those no longer wanted."""

    def payloads(self, manifest: str, edition: str, message: str) -> Iterator[Mapping[str, str]]:
        """All messages of one name and edition in the order of their first intents, some hundred at once.

        By key: the payload hash of what is accepted, "" for what stands anywhere else.
        """

    def texts(self, manifest: str, since: str) -> Iterator[str | None]:
        """The text hash of each message that other manifests have sent, or may have, since then (RFC 3339).

        What is accepted, sending or in doubt, by its last change of state: that is never before it went out. None for
        one that has no hash.
        """

    def counts(self, manifest: str) -> Mapping[State, int]:
        """How many messages of all editions are in each state; a state that none is in is left out."""

    def deliveries(self, manifest: str) -> "Deliveries":
        """What Bird said became of the accepted messages of all editions, counted."""

    def size(self, manifest: str) -> int:
        """How many messages of all editions it holds, in whatever state: cheap, however many there are."""

    def standing(self, manifest: str, edition: str) -> Mapping[State, int]:
        """How many messages of one edition are decided, by state, and how many of all editions are not; 0 is left out.

        Planned is left out too.
        """

    def manifests(self) -> tuple[str, ...]:
        """The names that have messages here, sorted."""

    def check(self) -> Iterator[str]:
        """What is wrong with the store itself, in words that show nobody's data. Reads; not inside `snapshot`."""

    def snapshot(self) -> AbstractContextManager[None]:
        """What is read inside stands as it did at one moment, whatever runs do meanwhile. Nothing is written inside."""

    def scrub(self, *, run: str, at: str, timeout_s: float = 0.0) -> None:
        """Leaves no byte of what was purged anywhere in the store. Does nothing where that is done.

        Called without a claim. Raises Locked, naming the holder, where a run is at any manifest; LedgerFault.
        """

    def paces(self) -> "Paces | None":
        """The limits that all who send with this ledger keep to together; None where each machine paces itself."""

    def close(self) -> None:
        """Lets go of everything. A claim that was not released ends as if its process had died."""
