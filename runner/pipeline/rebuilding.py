"""`ledger rebuild`: a lost ledger made anew from the manifest and what Bird has of it. Sends nothing.

Memory: the references of the messages, and what Bird has of them (some 700 bytes a message). The messages wait in a
file; what the look says of each is worked out again whenever it is needed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import chain, islice
from random import Random

from runner.bird.client import BirdClient
from runner.bird.replies import Listed
from runner.bird.requests import AccessKey
from runner.delivery.getting import Fault
from runner.delivery.outcomes import intent, settlement
from runner.delivery.ports import Clock
from runner.delivery.rebuild import Ending, Looked, References, conclude
from runner.delivery.reconcile import shared_references
from runner.delivery.scanning import Incomplete, Scanner, rfc3339
from runner.delivery.spool import Spool, SpoolWriter
from runner.ledger.seam import Claim, Intent, Ledger, Settlement
from runner.model import Channel, Message, Outcome, State
from runner.plan import Composed, Skipped

from .reconciling import Watch

ENDINGS: tuple[Ending, ...] = ("accepted", "rejected", "double", "inDoubt")
GROUP = 200  # messages a commit: so many are in doubt, for reconcile, where the writing is killed


@dataclass(slots=True, kw_only=True)
class Gathering:
    """Takes a manifest's messages one by one; those that the ledger doesn't know, or holds as planned, are spooled.

    An old copy of a ledger has as planned what may have gone out since. Whatever else it knows stays as it is.
    """

    ledger: Ledger
    writer: SpoolWriter
    references: References = field(default_factory=References)
    channels: dict[tuple[str, str], Channel] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)
    messages: int = 0
    known: int = 0
    skipped: int = 0

    def take_all(self, items: Iterable[Composed | Skipped]) -> None:
        for item in items:
            self.messages += 1
            if isinstance(item, Skipped):
                self.skipped += 1
            else:
                self._take(item)

    def _take(self, composed: Composed) -> None:
        message = composed.message
        known = self.ledger.lookup(message.key)
        if known is not None and known.state is not State.PLANNED:
            self.known += 1
            self.references.known.add(message.reference)
            return
        self.writer.add(message)
        self.references.wanted.add(message.reference)
        self.channels.setdefault((message.channel.workspace_id, message.channel.channel_id), message.channel)
        if composed.is_suppressed:
            self.suppressed.add(message.key)

    def finish(self) -> "Gathered":
        return Gathered(
            spool=self.writer.finish(),
            ledger=self.ledger,
            references=self.references,
            channels=tuple(channel for _, channel in sorted(self.channels.items(), key=lambda item: item[0])),
            suppressed=frozenset(self.suppressed),
            messages=self.messages,
            known=self.known,
            skipped=self.skipped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What is to be looked for. `suppressed` are keys of people who get nothing now, and may have got it before."""

    spool: Spool
    ledger: Ledger
    references: References
    channels: tuple[Channel, ...]
    suppressed: frozenset[str]
    messages: int
    known: int
    skipped: int

    @property
    def is_for_nobody(self) -> bool:
        return not self.known and not len(self.spool)

    def concluded(self, looked: Looked) -> Iterator[tuple[Message, Ending, Outcome]]:
        """Every message to write. Of people who are suppressed only what Bird has: nobody sends them the rest."""
        for message in self.spool:
            ending, outcome = conclude(message, looked)
            if ending != "inDoubt" or message.key not in self.suppressed:
                yield message, ending, outcome

    def totals(self, looked: Looked) -> dict[str, int]:
        """By ending; they are exclusive and add up to the manifest's messages."""
        found: Counter[str] = Counter(ending for _, ending, _ in self.concluded(looked))
        left_out = len(self.spool) - found.total()
        return {
            "messages": self.messages,
            **{ending: found[ending] for ending in ENDINGS},
            "known": self.known,
            "skipped": self.skipped + left_out,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Where to look, and since when (Unix time)."""

    api: str
    key: AccessKey
    since_s: float


async def look(gathered: Gathered, order: Order, *, clock: Clock, rng: Random, watch: Watch = nullcontext) -> Looked:
    """One look at the whole list of every channel that the messages go through."""
    channels: list[Mapping[str, Mapping[str, Listed]]] = []
    incomplete: list[Incomplete] = []
    stop: Fault | None = None
    total, sought = len(gathered.channels), len(gathered.references.wanted)
    async with BirdClient(order.api, order.key, concurrency=1) as client:
        scanner = Scanner(client, clock=clock, rng=rng, channels=total, sought=sought)
        async with watch(scanner):
            for channel in gathered.channels:
                if stop is not None:
                    incomplete.append(Incomplete.unread(channel, stop))
                    continue
                seen = await scanner.scan(channel, gathered.references, since_s=order.since_s)
                channels.append(seen.messages)
                if seen.fault is not None:
                    incomplete.append(Incomplete.of(channel, seen.fault))
                    stop = seen.fault if seen.fault.ends_all else None
    return Looked(
        channels=channels,
        shared=_shared(gathered),
        incomplete=incomplete,
        stop=stop,
        since_s=order.since_s,
        ended_s=clock.wall_s(),
        others=gathered.references.others,
    )


def _shared(gathered: Gathered) -> frozenset[str]:
    """Of the manifest's own references: those that are several messages', here or in the ledger.

    What the ledger has as planned did not go out: at Bird it is no other message.
    """
    known = gathered.ledger.entries(states=[state for state in State if state is not State.PLANNED])
    return shared_references(gathered.spool, among=chain(gathered.spool, known))


def _intent(message: Message, edition: str, at: str) -> Intent:
    """Counted as sent again already: that Bird's list of this window lacks it is no reason to do it unasked."""
    return intent(message, edition=edition, at=at)._replace(resent=1)


def write(gathered: Gathered, looked: Looked, *, claim: Claim, edition: str) -> Iterator[int]:
    """Tells the ledger, a group a commit; gives how many messages have their outcome with each.

    A commit has the intents of one group and the outcomes of the one before. Intents are as old as the window, so that
    a later look goes through all of it too. Raises ClaimLost or LedgerFault.
    """
    since, at = rfc3339(looked.since_s), rfc3339(looked.ended_s)
    concluded = gathered.concluded(looked)
    outcomes: list[Settlement] = []
    while group := list(islice(concluded, GROUP)):
        claim.commit(outcomes, [_intent(message, edition, since) for message, _, _ in group])
        yield len(outcomes)
        outcomes = [settlement(message, outcome, at=at) for message, _, outcome in group]
    claim.commit(outcomes, [])
    yield len(outcomes)
