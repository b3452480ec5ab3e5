"""Where workers wait for the pace."""

import asyncio
from dataclasses import dataclass

from runner.ledger.paces import Share, scope_of
from runner.model import Channel, Rate

from .pacing import Pacer, Scope
from .ports import Clock
from .retry import Throttling
from .shared_pace import SharedPace

# Above 100 a second, the few that are due after a nap go together: one wake-up and one commit for all of them. Half of
# the burst, so that a timer may be as late again before a slot is lost.
_NAP_S = 0.010


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    """A channel's way through: its limits, and the queue before them."""

    turn: asyncio.Lock
    scopes: tuple[Scope, ...]
    workspace: Scope | None


class Gate:
    """One worker per channel waits for the clock; the others queue behind it in order, so none wakes in vain."""

    def __init__(self, *, workspace_rate: Rate | None, clock: Clock, throttling: Throttling) -> None:
        """`workspace_rate` None lifts every limit, the channels' too."""
        self._rate = workspace_rate
        self._clock = clock
        self._throttling = throttling
        self._pacer = Pacer()
        self._workspaces: dict[str, Scope] = {}
        self._lanes: dict[tuple[str, str], _Lane] = {}

    def opens(self, channel: Channel, count: int = 1) -> bool:
        """Whether so many messages of this channel may go right now, ahead of nobody; the caller then sends them."""
        lane = self._lane(channel)
        now_s = self._clock.monotonic_s()
        return not lane.turn.locked() and self._pacer.reserve(now_s, lane.scopes, count) <= now_s

    async def enter(self, channel: Channel, count: int = 1) -> None:
        """Returns when so many messages of this channel may go; the caller then sends them."""
        lane = self._lane(channel)
        async with lane.turn:
            now_s = self._clock.monotonic_s()
            while (go_s := self._pacer.reserve(now_s, lane.scopes, count)) > now_s:
                await self._clock.sleep(max(go_s - now_s, _NAP_S))
                now_s = self._clock.monotonic_s()

    def throttle(self, channel: Channel, *, sent_s: float, retry_after_s: float | None) -> bool:
        """A 429: everybody waits, and this workspace goes slower afterwards. False when patience is at its end."""
        now_s = self._clock.monotonic_s()
        until_s = self._throttling.hold_until_s(now_s=now_s, sent_s=sent_s, retry_after_s=retry_after_s)
        if until_s is None:
            return False
        self._pacer.pause_until(until_s)
        workspace = self._lane(channel).workspace
        if workspace is not None:
            workspace.slow_down(now_s, sent_s)
        return True

    def progress(self) -> None:
        """Some message had another outcome than 429."""
        self._throttling.progress()

    def _lane(self, channel: Channel) -> _Lane:
        ids = (channel.workspace_id, channel.channel_id)
        lane = self._lanes.get(ids)
        if lane is None:
            lane = self._lanes[ids] = self._new_lane(channel)
        return lane

    def _new_lane(self, channel: Channel) -> _Lane:
        if self._rate is None:
            return _Lane(turn=asyncio.Lock(), scopes=(), workspace=None)
        workspace = self._workspaces.setdefault(channel.workspace_id, Scope(self._rate.per_second))
        own = () if channel.rate is None else (Scope(channel.rate.per_second),)
        return _Lane(turn=asyncio.Lock(), scopes=(workspace, *own), workspace=workspace)


class SharedGate:
    """A `Gate` to a pace that many processes keep to together: what one of them is told by a 429 holds all."""

    def __init__(self, *, workspace_rate: Rate | None, clock: Clock, throttling: Throttling, pace: SharedPace) -> None:
        """`workspace_rate` None lifts every limit but those that were set for all."""
        self._rate = workspace_rate
        self._clock = clock
        self._throttling = throttling
        self._pace = pace
        self._known: dict[tuple[str, str], tuple[Share, Share]] = {}

    def opens(self, channel: Channel, count: int = 1) -> bool:
        """See `Gate.opens`, for so many messages at once. Raises LedgerFault where nobody can be asked for slots any
        more; so does `enter`.
        """
        return self._pace.opens(self._shares(channel), count)

    async def enter(self, channel: Channel, count: int = 1) -> None:
        """See `Gate.enter`."""
        await self._pace.enter(self._shares(channel), count)

    def throttle(self, channel: Channel, *, sent_s: float, retry_after_s: float | None) -> bool:
        """See `Gate.throttle`."""
        now_s = self._clock.monotonic_s()
        until_s = self._throttling.hold_until_s(now_s=now_s, sent_s=sent_s, retry_after_s=retry_after_s)
        if until_s is None:
            return False
        self._pace.hold(self._shares(channel)[0], until_s=until_s, sent_s=sent_s)
        return True

    def progress(self) -> None:
        """See `Gate.progress`."""
        self._throttling.progress()

    def _shares(self, channel: Channel) -> tuple[Share, Share]:
        ids = (channel.workspace_id, channel.channel_id)
        shares = self._known.get(ids)
        if shares is None:
            shares = self._known[ids] = self._new_shares(channel)
        return shares

    def _new_shares(self, channel: Channel) -> tuple[Share, Share]:
        rates = (None, None) if self._rate is None else (self._rate, channel.rate)
        workspace, own = (rate.per_second if rate is not None else None for rate in rates)
        return (
            Share(scope_of(channel.workspace_id), workspace),
            Share(scope_of(channel.workspace_id, channel.channel_id), own),
        )
