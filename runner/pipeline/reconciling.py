"""`reconcile`: looks messages in doubt up at Bird, and tells the ledger what was found."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from random import Random

from runner.bird.client import BirdClient
from runner.bird.requests import AccessKey
from runner.delivery.getting import Fault
from runner.delivery.ports import Clock, Pages
from runner.delivery.reconcile import Conclusion, conclude, shared_references, since_s, unknown
from runner.delivery.scanning import Incomplete, Scanner
from runner.errors import Exit
from runner.ledger.seam import Claim, Entry, Ledger
from runner.model import Channel, State

OPEN = (State.IN_DOUBT, State.ABSENT)
LOOKED_FOR = (*OPEN, State.SENDING)
ENDINGS = ("inDoubt", "absent", "planned", "accepted", "rejected", "double")

Watch = Callable[[Scanner], AbstractAsyncContextManager[object]]
"""Entered around a look: it may tell the scanner's progress, or interrupt it."""


def exit_of(stop: Fault | None, incomplete: Iterable[Incomplete]) -> Exit | None:
    """Of a look that had to end early, or that Bird refused a channel; None for any other."""
    if any(channel.is_refused for channel in incomplete):
        return Exit.BIRD_REFUSED
    if stop is None:
        return None
    return Exit.INTERRUPTED if stop.kind == "interrupted" else Exit.STOPPED


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
        early = exit_of(self.stop, self.incomplete)
        if early is not None:
            return early
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


def look_up(
    ledger: Ledger,
    order: Order,
    *,
    claimed: Callable[[str], Claim],
    clock: Clock,
    rng: Random,
    watch: Watch = nullcontext,
) -> LookUp:
    """One look at every channel with a message in doubt. Raises what `claimed`, which takes a manifest's name, raises.

    The claims last as long as the look: what is then in doubt is in nobody's flight.
    """
    names = [
        name
        for name in (ledger.manifests() if order.manifest is None else (order.manifest,))
        if any(ledger.counts(name).get(state) for state in LOOKED_FOR) or any(_looked_for(ledger, name))
    ]
    with all_claimed(names, claimed) as claims:
        return asyncio.run(_online(ledger, claims, order, clock=clock, rng=rng, watch=watch)) if claims else LookUp()


@contextmanager
def all_claimed(names: Iterable[str], claimed: Callable[[str], Claim]) -> Iterator[Mapping[str, Claim]]:
    """Claims on these manifests, which end together; nothing where one of them can't be had."""
    with ExitStack() as stack:
        claims: dict[str, Claim] = {}
        for name in names:
            claims[name] = claimed(name)
            stack.callback(claims[name].release)
        yield claims


async def _online(
    ledger: Ledger, claims: Mapping[str, Claim], order: Order, *, clock: Clock, rng: Random, watch: Watch
) -> LookUp:
    async with BirdClient(order.api, order.key, concurrency=1) as client:
        return await look(
            ledger,
            claims,
            client,
            settle_s=order.settle_s,
            resends_absent=order.resends_absent,
            clock=clock,
            rng=rng,
            watch=watch,
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
    watch: Watch = nullcontext,
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
    sought = sum(len({entry.reference for entry in entries}) for entries in channels.values())
    scanner = Scanner(pages, clock=clock, rng=rng, channels=len(channels), sought=sought)
    async with watch(scanner):
        for (workspace_id, channel_id), entries in sorted(channels.items()):
            channel = Channel(name=channel_id, workspace_id=workspace_id, channel_id=channel_id)
            if stop is not None:
                conclusions += map(unknown, entries)
                incomplete.append(Incomplete.unread(channel, stop))
                continue
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
                incomplete.append(Incomplete.of(channel, seen.fault))
                stop = seen.fault if seen.fault.ends_all else None
    return LookUp(conclusions=tuple(conclusions), incomplete=tuple(incomplete), stop=stop)


def _tell(claims: Mapping[str, Claim], found: Sequence[Conclusion]) -> None:
    """What a scan found is durable before the next one begins."""
    for name, claim in claims.items():
        verdicts = [each.verdict for each in found if each.verdict is not None and each.entry.manifest == name]
        if verdicts:
            claim.reconcile(verdicts)
