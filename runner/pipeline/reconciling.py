"""`reconcile`: looks messages in doubt up at Bird, and tells the ledger what was found."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from random import Random

from runner.bird.client import BirdClient
from runner.bird.requests import AccessKey
from runner.delivery.ports import Clock, Pages
from runner.delivery.reconcile import Conclusion, conclude, shared_references, since_s, unknown
from runner.delivery.scanning import Fault, Incomplete, Scanner
from runner.errors import Exit
from runner.ledger.seam import Claim, Entry, Ledger
from runner.model import Channel, State

OPEN = (State.IN_DOUBT, State.ABSENT)
LOOKED_FOR = (*OPEN, State.SENDING)
ENDINGS = ("inDoubt", "absent", "planned", "accepted", "rejected", "double")


def exit_of(stop: Fault) -> Exit:
    """Of a look that had to end early."""
    return Exit.BIRD_REFUSED if stop.kind == "refused" else Exit.STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """What became of every message that was in doubt, absent, or accepted without Bird's id.

    `stop` is given where the look-up had to end early.
    """

    conclusions: tuple[Conclusion, ...] = ()
    incomplete: tuple[Incomplete, ...] = ()
    stop: Fault | None = None

    @property
    def totals(self) -> dict[str, int]:
        """By ending; they are exclusive."""
        return {ending: sum(each.ending == ending for each in self.conclusions) for ending in ENDINGS}

    @property
    def again_s(self) -> float | None:
        """From when (Unix time) one more look can settle all that were not seen yet; None where there are none."""
        return max((each.again_s for each in self.conclusions if each.again_s is not None), default=None)

    @property
    def exit_code(self) -> Exit:
        if self.stop is not None:
            return exit_of(self.stop)
        totals = self.totals
        return Exit.IN_DOUBT if totals["inDoubt"] + totals["absent"] + totals["double"] else Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to look up, and where. `manifest` None is all of the ledger."""

    manifest: str | None
    api: str
    key: AccessKey
    settle_s: float
    resends_absent: bool
    run: str
    lock_timeout_s: float = 0.0


def look_up(ledger: Ledger, order: Order, *, clock: Clock, rng: Random) -> LookUp:
    """One look at every channel with a message in doubt. Raises Locked where a run is at one of the manifests.

    The claims last as long as the look: what is then in doubt is in nobody's flight.
    """
    names = [
        name
        for name in (ledger.manifests() if order.manifest is None else (order.manifest,))
        if any(ledger.counts(name).get(state) for state in LOOKED_FOR) or any(_looked_for(ledger, name))
    ]
    with ExitStack() as stack:
        claims: dict[str, Claim] = {}
        for name in names:
            claim = ledger.claim(name, run=order.run, at=clock.now(), timeout_s=order.lock_timeout_s)
            stack.callback(claim.release)
            claims[name] = claim
        return asyncio.run(_online(ledger, claims, order, clock=clock, rng=rng)) if claims else LookUp()


async def _online(ledger: Ledger, claims: Mapping[str, Claim], order: Order, *, clock: Clock, rng: Random) -> LookUp:
    async with BirdClient(order.api, order.key, concurrency=1) as client:
        return await look(
            ledger,
            claims,
            client,
            settle_s=order.settle_s,
            resends_absent=order.resends_absent,
            clock=clock,
            rng=rng,
        )


def _looked_for(ledger: Ledger, name: str) -> Iterator[Entry]:
    """What is undecided, and what was accepted in a reply that could not be read: Bird's id is not known."""
    for entry in ledger.entries(name, states=(*OPEN, State.ACCEPTED)):
        if entry.state is not State.ACCEPTED or entry.message_id is None:
            yield entry


async def look(
    ledger: Ledger,
    claims: Mapping[str, Claim],
    pages: Pages,
    *,
    settle_s: float,
    clock: Clock,
    rng: Random,
    resends_absent: bool = False,
) -> LookUp:
    """One look through `pages`, by claims on all the manifests it is about. Raises LedgerFault."""
    channels: dict[tuple[str, str], list[Entry]] = {}
    for name in claims:
        for entry in _looked_for(ledger, name):
            channels.setdefault((entry.workspace_id, entry.channel_id), []).append(entry)
    shared = shared_references(chain.from_iterable(channels.values()), among=ledger.entries())
    conclusions: list[Conclusion] = []
    incomplete: list[Incomplete] = []
    stop: Fault | None = None
    scanner = Scanner(pages, clock=clock, rng=rng)
    for (workspace_id, channel_id), entries in sorted(channels.items()):
        if stop is not None:
            conclusions += map(unknown, entries)
            continue
        channel = Channel(name=channel_id, workspace_id=workspace_id, channel_id=channel_id)
        references = frozenset(entry.reference for entry in entries)
        seen = await scanner.scan(channel, references, since_s=since_s(entries))
        found = [
            conclude(
                entry,
                seen,
                settle_s=settle_s,
                is_shared=entry.reference in shared,
                resends_absent=resends_absent,
            )
            for entry in entries
        ]
        _tell(claims, found)
        conclusions += found
        if seen.fault is not None:
            incomplete.append(Incomplete(workspace_id=workspace_id, channel_id=channel_id, words=seen.fault.words))
            stop = seen.fault if seen.fault.kind != "page" else None
    return LookUp(conclusions=tuple(conclusions), incomplete=tuple(incomplete), stop=stop)


def _tell(claims: Mapping[str, Claim], found: Sequence[Conclusion]) -> None:
    """What a scan found is durable before the next one begins."""
    for name, claim in claims.items():
        verdicts = [each.verdict for each in found if each.verdict is not None and each.entry.manifest == name]
        if verdicts:
            claim.reconcile(verdicts)
