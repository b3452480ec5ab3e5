"""Reading a channel's messages at Bird, page after page: which of ours are there, and was that all of it."""

import asyncio
from collections.abc import Container, Coroutine, Mapping, Sized
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Protocol

from runner.bird.replies import Listed, PageFault, off_by_s, read_page
from runner.model import Channel, Rejected

from .getting import INTERRUPTED, Fault, Getter, Stopped
from .ports import Clock, Pages, Reply

PAGE_SIZE = 100
SLACK_S = 300.0  # the window reaches so far beyond now, as clocks differ
LOOKBACK_S = 86_400.0  # and so far before the first intent: this clock may have been hours off when that was written
MOST_SKEW_S = 240.0
_SAME_S = 2.0  # clocks that differ by less are the same: Bird's tells whole seconds
MOST_PAGES = 100_000  # ten million messages: a list that goes on beyond has no end


class Reader(Protocol):
    """Takes the pages of a channel's list as they come; as long as what it has found of what is looked for."""

    def __len__(self) -> int: ...

    def read(self, body: bytes) -> str | None:
        """The token of the next page; None at the end. Raises PageFault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How one walk through a list went. It is complete where `fault` is None.

    Times are Unix seconds of our clock, which Bird's was `ahead_s` of (None where it told no time).
    """

    fault: Fault | None
    started_s: float
    ended_s: float
    ahead_s: float | None = None

    def latest_s(self, at_s: float) -> float:
        """An instant of our clock, by ours or Bird's: whichever is later."""
        return at_s + max(0.0, self.ahead_s or 0.0)

    def earliest_s(self, at_s: float) -> float:
        """The same by whichever is earlier."""
        return at_s + min(0.0, self.ahead_s or 0.0)

    def surely_past_s(self, at_s: float) -> float:
        """From when by our clock both are past that instant; Bird's tells whole seconds."""
        return at_s + max(0.0, 1.0 - self.ahead_s) if self.ahead_s else at_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Walked):
    """What one scan saw, by reference and Bird's id."""

    messages: Mapping[str, Mapping[str, Listed]]


@dataclass(slots=True)
class _Ours:
    """The messages with one of these references, as they are met."""

    references: Container[str]
    messages: dict[str, dict[str, Listed]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.messages)

    def read(self, body: bytes) -> str | None:
        page = read_page(body, self.references)
        for listed in page.messages:
            _note(self.messages.setdefault(listed.reference, {}), listed)
        return page.next_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomplete:
    """A channel whose list was not read to its end, or not even begun; `is_refused` by a 401, 402, 403 or 404."""

    workspace_id: str
    channel_id: str
    words: str
    is_refused: bool = False
    is_begun: bool = True

    @classmethod
    def of(cls, channel: Channel, fault: Fault) -> "Incomplete":
        is_refused, ids = fault.kind in ("channel", "refused"), (channel.workspace_id, channel.channel_id)
        return cls(workspace_id=ids[0], channel_id=ids[1], words=fault.words, is_refused=is_refused)

    @classmethod
    def unread(cls, channel: Channel, stop: Fault) -> "Incomplete":
        """One that the look did not come to."""
        words = f"not looked through, as the look-up had ended: {stop.words}"
        return replace(cls.of(channel, stop), words=words, is_refused=False, is_begun=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a look is: its channels and pages, and how many messages were found of how many looked for.

    `channel` counts from 1; 0 before the first. `waits_s` is how long Bird has asked to wait, from now on.
    """

    channel: int
    channels: int
    pages: int
    found: int
    sought: int
    waits_s: float


def rfc3339(unix_s: float) -> str:
    """UTC with milliseconds."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Scanner:
    """Scans channels one after the other, at most 40 GETs a second in all.

    `channels` and `sought`, of all the look, are for its progress alone.
    """

    def __init__(self, pages: Pages, *, clock: Clock, rng: Random, channels: int = 1, sought: int = 0) -> None:
        self._pages = pages
        self._clock = clock
        self._getter = Getter(clock=clock, rng=rng)
        self._ahead_s: float | None = None
        self._channels = channels
        self._sought = sought
        self._channel = self._read_pages = self._found_before = 0
        self._found: Sized = ()
        self._scanning: asyncio.Task[object] | None = None

    @property
    def progress(self) -> Progress:
        return Progress(
            channel=self._channel,
            channels=self._channels,
            pages=self._read_pages,
            found=self._found_before + len(self._found),
            sought=self._sought,
            waits_s=self._getter.waits_s,
        )

    def interrupt(self) -> None:
        """Ends the scan at once, and every later one. To be called in the event loop's thread."""
        if self._scanning is not None and not self._getter.is_interrupted:
            self._scanning.cancel()
        self._getter.is_interrupted = True

    async def scan(self, channel: Channel, references: Container[str], *, since_s: float | None) -> Seen:
        """Looks for messages made since then (None: ever). What was seen counts, whatever ended the scan."""
        ours = _Ours(references)
        walked = await self.walk(channel, ours, since_s=since_s)
        return Seen(
            messages=ours.messages,
            fault=walked.fault,
            started_s=walked.started_s,
            ended_s=walked.ended_s,
            ahead_s=walked.ahead_s,
        )

    async def walk(self, channel: Channel, reader: Reader, *, since_s: float | None) -> Walked:
        """Gives the reader every page of messages made since then (None: ever). What it raises ends the walk."""
        started_s = self._clock.wall_s()
        self._ahead_s = None
        self._channel += 1
        self._found_before += len(self._found)
        self._found = reader
        fault = await self._fault(self._all_pages(channel, reader, _window(since_s, started_s)))
        return Walked(fault=fault, started_s=started_s, ended_s=self._clock.wall_s(), ahead_s=self._ahead_s)

    async def _fault(self, reading: Coroutine[object, object, None]) -> Fault | None:
        """What ends the reading before the list's end."""
        self._scanning = task = asyncio.current_task()
        try:
            await reading
        except Stopped as stop:
            return stop.fault
        except PageFault as wrong:
            return Fault(kind="page", words=wrong.words)
        except asyncio.CancelledError:
            if not self._getter.is_interrupted or task is None or task.uncancel():
                raise  # somebody else's too
            return INTERRUPTED
        finally:
            self._scanning = None
        return None

    async def _all_pages(self, channel: Channel, reader: Reader, window: Mapping[str, str]) -> None:
        query, tokens = dict(window), set[str]()
        while True:
            next_token = reader.read(await self._page(channel, query))
            self._read_pages += 1
            if next_token is None:
                return
            if next_token in tokens:
                raise PageFault("Bird's list leads back to a page that was read already")
            if len(tokens) == MOST_PAGES:
                raise PageFault(f"Bird's list goes on after {MOST_PAGES:,} pages")
            tokens.add(next_token)
            query["pageToken"] = next_token

    async def _page(self, channel: Channel, query: Mapping[str, str]) -> bytes:
        """The body of one page."""
        return await self._getter.body(lambda: self._pages.page(channel, query), self._whole)

    def _whole(self, reply: Reply) -> bytes | str:
        skew_s = off_by_s(reply.date, self._clock.wall_s())
        if skew_s is not None and abs(skew_s) > MOST_SKEW_S:
            raise PageFault(f"this machine's clock is {abs(skew_s) / 60:.0f} min off Bird's: set it right")
        if self._ahead_s is None and skew_s is not None:
            self._ahead_s = skew_s if abs(skew_s) >= _SAME_S else 0.0
        return "a page of Bird's list came cut, too large or compressed" if reply.body is None else reply.body


def _window(since_s: float | None, now_s: float) -> dict[str, str]:
    window = {"limit": str(PAGE_SIZE), "direction": "outgoing", "endAt": rfc3339(now_s + SLACK_S)}
    if since_s is not None:
        window["startAt"] = rfc3339(since_s - LOOKBACK_S)
    return window


def _note(found: dict[str, Listed], listed: Listed) -> None:
    """A list that moves while it is read shows one message twice; what was once refused stays so."""
    held = found.get(listed.message_id)
    if held is None or not isinstance(held.outcome, Rejected):
        found[listed.message_id] = listed
