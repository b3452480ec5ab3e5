"""`status --refresh`: asks Bird what became of the messages that it took, and tells the ledger. No state changes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from random import Random

from runner.bird.client import BirdClient
from runner.bird.requests import AccessKey
from runner.delivery.getting import Fault
from runner.delivery.ports import Clock, Pages
from runner.delivery.scanning import Incomplete, Scanner
from runner.errors import Exit
from runner.ledger.deliveries import TERMINAL, Delivery
from runner.ledger.seam import Claim, Ledger
from runner.model import Channel, State
from runner.scratch import Kept

from .reconciling import Watch, all_claimed, exit_of
from .tracking import Found, Reading, Sought, lanes_in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a look found: `sought = found + doubles + not listed` where it was complete.

    `moved` have another status than before. `doubles` have no id of Bird's, and several messages at Bird, or in the
    ledger, share their reference. `stop` is given where the look had to end early.
    """

    sought: int = 0
    found: int = 0
    moved: int = 0
    doubles: int = 0
    incomplete: tuple[Incomplete, ...] = ()
    stop: Fault | None = None

    @property
    def not_listed(self) -> int | None:
        """None where it was not complete: then nothing follows from what was not seen."""
        return None if self.incomplete or self.stop else self.sought - self.found - self.doubles

    @property
    def exit_code(self) -> Exit:
        early = exit_of(self.stop, self.incomplete)
        if early is None and self.incomplete:
            return Exit.STOPPED
        return Exit.DONE if early is None else early


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Where to look, and for whose messages. `manifest` None is all of the ledger."""

    manifest: str | None
    api: str
    key: AccessKey


def refresh(
    ledger: Ledger,
    order: Order,
    *,
    claimed: Callable[[str], Claim],
    clock: Clock,
    rng: Random,
    watch: Watch = nullcontext,
) -> Refreshed:
    """One walk through the list of every channel with messages that may yet move.

    Raises what `claimed`, which takes a manifest's name, raises, and LedgerFault. The claims last as long as the look.
    """
    names = [
        name
        for name in (ledger.manifests() if order.manifest is None else (order.manifest,))
        if ledger.deliveries(name).counts.keys() - TERMINAL
    ]
    with all_claimed(names, claimed) as claims:
        return asyncio.run(_online(ledger, claims, order, clock=clock, rng=rng, watch=watch)) if claims else Refreshed()


async def _online(
    ledger: Ledger, claims: Mapping[str, Claim], order: Order, *, clock: Clock, rng: Random, watch: Watch
) -> Refreshed:
    async with BirdClient(order.api, order.key, concurrency=1) as client:
        return await look(ledger, claims, client, clock=clock, rng=rng, watch=watch)


async def look(
    ledger: Ledger,
    claims: Mapping[str, Claim],
    pages: Pages,
    *,
    clock: Clock,
    rng: Random,
    watch: Watch = nullcontext,
) -> Refreshed:
    """One look through `pages`, by claims on all the manifests it is about. Raises LedgerFault."""
    with Kept() as kept:
        sought = Sought(kept)
        for number, name in enumerate(claims):
            sought.take_all(ledger.entries(name, states=(State.ACCEPTED,)), number)
        sought.finish(ledger.entries)
        told = _Told(list(claims.values()))
        found = Found.of(sought.count)
        scanner = Scanner(pages, clock=clock, rng=rng, channels=len(sought.lanes), sought=sought.count)
        incomplete: list[Incomplete] = []
        stop: Fault | None = None
        async with watch(scanner):
            for (workspace_id, channel_id), lane in lanes_in_order(sought):
                channel = Channel(name=channel_id, workspace_id=workspace_id, channel_id=channel_id)
                if stop is not None:
                    incomplete.append(Incomplete.unread(channel, stop))
                    continue
                reading = Reading(sought, lane, found, clock.wall_s, told.track)
                walked = await scanner.walk(channel, reading, since_s=lane.since_s if lane.is_timed else None)
                reading.end(is_complete=walked.fault is None)
                if walked.fault is not None:
                    incomplete.append(Incomplete.of(channel, walked.fault))
                    stop = walked.fault if walked.fault.ends_all else None
        return Refreshed(
            sought=sought.count,
            found=found.count,
            moved=told.moved,
            doubles=found.doubles,
            incomplete=tuple(incomplete),
            stop=stop,
        )


@dataclass(slots=True)
class _Told:
    """What the ledger was told, by the claims in their order."""

    claims: Sequence[Claim]
    moved: int = 0

    def track(self, manifest: int, seen: Mapping[str, Delivery]) -> None:
        self.moved += self.claims[manifest].track(seen)
