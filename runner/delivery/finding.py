"""What became of a batch's messages: Bird's reply says that it was taken, and its list what became of each of them."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from random import Random

from runner.bird.replies import Listed, PageFault, off_by_s, read_page
from runner.model import Channel

from .getting import Fault, Getter, Stopped
from .ports import Clock, Pages, Reply
from .scanning import SLACK_S, rfc3339

PATIENCE_S = 60.0
PAGE_SIZES = (1000, 100)  # the first is Bird's greatest limit elsewhere, seen in use; a server may not take it here
NEAR_S = 30.0  # the window reaches so far back before a batch was posted, by Bird's own clock
MOST_PAGES = 500  # of one look
_FIRST_S = 0.1  # a list takes a moment, and meanwhile more comes that one look can serve
_SOONEST_S = 0.25
_LONGEST_S = 2.0


@dataclass(slots=True, kw_only=True)
class Sought:
    """One batch's messages by reference: those not seen in the list yet, and what was seen of the others.

    `posted_s` is monotonic.
    """

    left: set[str]
    posted_s: float
    found: dict[str, Listed] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Lane:
    """A channel's list, and who waits for it. `began_s`: when the last look began.

    What is `posted` may stand in the list before its reply comes: it is noted then, and no second look needed for it.
    """

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    posted: dict[str, Sought] = field(default_factory=dict)
    seeking: list[Sought] = field(default_factory=list)
    page_size: int = 0  # 0: the list was not read yet
    began_s: float = -inf


class Finder:
    """Looks for messages that were just posted, at most 40 GETs a second. One look serves all that wait by then.

    `fault` is why no list can be read any more: then nothing is looked for.
    """

    def __init__(self, pages: Pages, *, clock: Clock, rng: Random) -> None:
        self._pages = pages
        self._clock = clock
        self._getter = Getter(clock=clock, rng=rng)
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._birds_clock: tuple[float, float] | None = None  # Unix time, and when it was so by our monotonic clock
        self.fault: Fault | None = None

    async def try_out(self, channel: Channel) -> None:
        """Reads a channel's list for the first time. Who can't read it would not learn what became of a batch."""
        lane = self._lane(channel)
        async with lane.turn:
            for page_size in PAGE_SIZES:
                if lane.page_size or self.fault is not None:
                    return
                fault = await self._reads(channel, page_size)
                if fault is None:
                    lane.page_size = page_size
                elif fault.kind != "page" or page_size == PAGE_SIZES[-1]:
                    self.fault = fault

    @contextmanager
    def noting(self, channel: Channel, sought: Sought) -> Iterator[None]:
        """While the block runs, looks for others note these too."""
        posted = self._lane(channel).posted
        posted |= dict.fromkeys(sought.left, sought)
        try:
            yield
        finally:
            for reference in sought.left:
                posted.pop(reference, None)

    async def find(self, channel: Channel, sought: Sought) -> None:
        """Returns when all are found, a minute has passed, or no list can be read; `sought` has what was found.

        To be called inside `noting`.
        """
        lane = self._lane(channel)
        lane.seeking.append(sought)
        ends_s = self._clock.monotonic_s() + PATIENCE_S
        next_s, later_s = _FIRST_S, _SOONEST_S
        try:
            while sought.left:
                await self._clock.sleep(next_s)
                due_s = self._clock.monotonic_s()
                async with lane.turn:
                    if sought.left and lane.began_s < due_s and self.fault is None:
                        await self._look(channel, lane)
                now_s = self._clock.monotonic_s()
                if self.fault is not None or now_s >= ends_s:
                    return
                next_s, later_s = min(later_s, ends_s - now_s), min(2 * later_s, _LONGEST_S)
        finally:
            lane.seeking.remove(sought)

    def _lane(self, channel: Channel) -> _Lane:
        return self._lanes.setdefault((channel.workspace_id, channel.channel_id), _Lane())

    async def _reads(self, channel: Channel, page_size: int) -> Fault | None:
        query = self._query(self._clock.monotonic_s(), page_size)
        try:
            read_page(await self._page(channel, query), ())
        except Stopped as stop:
            return stop.fault
        except PageFault as wrong:
            return Fault(kind="page", words=wrong.words)
        return None

    async def _look(self, channel: Channel, lane: _Lane) -> None:
        """Through the list until all are found. Trouble that may pass ends this look, and not the next one."""
        began_s = self._clock.monotonic_s()
        try:
            await self._all_pages(channel, lane)
        except Stopped as stop:
            if stop.fault.kind not in ("page", "unreachable"):
                self.fault = stop.fault
            lane.page_size = PAGE_SIZES[-1]  # a page that is too large is no page
        except PageFault:
            pass
        lane.began_s = began_s

    async def _all_pages(self, channel: Channel, lane: _Lane) -> None:
        wanted = [sought for sought in lane.seeking if sought.left]  # who comes later stands before the first page
        since_s = min(sought.posted_s for sought in wanted)
        page_size = min(lane.page_size, max(PAGE_SIZES[-1], sum(len(sought.left) for sought in wanted)))
        query, tokens = self._query(since_s, page_size), set[str]()
        while any(sought.left for sought in wanted) and len(tokens) < MOST_PAGES:
            page = read_page(await self._page(channel, query), lane.posted)
            _note(page.messages, lane.posted)
            if page.next_token is None or page.next_token in tokens:
                return
            tokens.add(page.next_token)
            query["pageToken"] = page.next_token

    async def _page(self, channel: Channel, query: dict[str, str]) -> bytes:
        return await self._getter.body(lambda: self._pages.page(channel, query), self._whole)

    def _whole(self, reply: Reply) -> bytes | str:
        told_s = off_by_s(reply.date, 0.0)
        if told_s is not None:
            self._birds_clock = told_s, self._clock.monotonic_s()
        return "a page of Bird's list came cut, too large or compressed" if reply.body is None else reply.body

    def _query(self, since_s: float, page_size: int) -> dict[str, str]:
        """From a moment of our monotonic clock on, told by Bird's clock: ours may be set meanwhile."""
        if self._birds_clock is None:
            began_s = self._clock.wall_s() - (self._clock.monotonic_s() - since_s) - SLACK_S
        else:
            told_s, at_s = self._birds_clock
            began_s = told_s - (at_s - since_s) - NEAR_S
        return {"limit": str(page_size), "direction": "outgoing", "startAt": rfc3339(began_s)}


def _note(messages: Iterable[Listed], posted: dict[str, Sought]) -> None:
    for listed in messages:
        sought = posted.pop(listed.reference, None)
        if sought is not None:  # None: it stands there twice, as a list does that moves while it is read
            sought.left.discard(listed.reference)
            sought.found[listed.reference] = listed
