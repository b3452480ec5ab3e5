"""Bird's list of messages as the other side keeps it: it lags, moves while it is read, and its pages come to grief."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from random import Random
from typing import Any

from runner.delivery.ports import NoConnection, Reply, ReplyLost
from runner.model import Channel

from .bird import TRUE_WALL_S, Record, SimBird
from .looks import STOPPING, Look
from .trace import Trace

MOST_SKEW_S = 240.0  # from the contract: beyond it no look is complete
_BAD: dict[str, Callable[[Random, bytes], bytes]] = {
    "broken off": lambda _, whole: whole[: len(whole) // 2],
    "no list": lambda rng, _: rng.choice(
        (b"{}", b"[]", b"null", b'{"results":{}}', b'{"results":null}', b"<html>", b"")
    ),
    "no message": lambda rng, _: rng.choice((b'{"results":[7]}', b'{"results":[null],"nextPageToken":""}')),
    "odd token": lambda _, whole: _with(whole, nextPageToken=7),
}


@dataclass(slots=True)
class Sight:
    """What one scan of a channel was shown. `is_whole`: each page came as it should, to the last one."""

    began_s: float
    ended_s: float = 0.0
    shown: dict[str | None, set[str]] = field(default_factory=dict)
    has_ended: bool = False
    is_spoilt: bool = False

    @property
    def is_whole(self) -> bool:
        return self.has_ended and not self.is_spoilt


@dataclass(slots=True)
class SimPages:
    """A Pages. `wall_s` is the reader's own clock: what it takes for now."""

    bird: SimBird
    look: Look
    trace: Trace
    run: str
    rng: Random
    wall_s: Callable[[], float]
    is_dead: bool = False
    sights: dict[str, Sight] = field(default_factory=dict)
    gets: list[float] = field(default_factory=list)
    not_before_s: float = 0.0
    ended_by: str | None = None  # after it no page of any channel may be asked for
    unknown: set[str] = field(default_factory=set)  # channels with a 404: no page of theirs either

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        if self.is_dead:
            raise ReplyLost("this process is dead")
        time = self.bird.time
        self._check_pace()
        self.trace.must(channel.channel_id not in self.unknown, "a page is asked for after a 404 of its channel")
        sight = self.sights.setdefault(channel.channel_id, Sight(began_s=time.now_s))
        trouble = self.rng.choice(self.look.troubles) if self.rng.random() < self.look.share else "fine"
        self.trace.note(self.run, "get", channel.name, trouble)
        await asyncio.sleep(self.rng.random() * self.look.slow_s)
        return self._reply(trouble, channel, query, sight)

    def _check_pace(self) -> None:
        self.trace.must(self.ended_by is None, f"a page is asked for after the end: {self.ended_by}")
        now_s = self.bird.time.now_s
        self.gets.append(now_s)
        recent = sum(at_s > now_s - 1.0 + 1e-6 for at_s in self.gets[-60:])
        self.trace.must(recent <= 41, f"pace: {recent} pages are read within one second")
        self.trace.must(now_s >= self.not_before_s - 1e-6, "Retry-After: a page is asked for too early")

    def _reply(self, trouble: str, channel: Channel, query: Mapping[str, str], sight: Sight) -> Reply:
        match trouble:
            case "lost":
                raise ReplyLost("the connection broke")
            case "unconnected" | "certificate":
                if trouble == "certificate":
                    self.ended_by = trouble
                    sight.is_spoilt = True
                raise NoConnection("refused", is_certificate=trouble == "certificate")
            case "429":
                asked = self.rng.choice((None, "0", "1", "30", "soon"))
                self.not_before_s = self.bird.time.now_s + float(asked if asked in ("1", "30") else 0)
                return Reply(status=429, retry_after=asked, body=b"")
            case "5xx":
                return _status(self.rng.choice((500, 502, 503, 408)))
            case "400" | "refused" | "redirect" | "other 2xx":
                sight.is_spoilt = True
                statuses = {"400": (400, 422), "refused": (401, 402, 403, 404), "redirect": (302, 307)}
                status = self.rng.choice(statuses.get(trouble, (202, 204, 206)))
                if status == 404:
                    self.unknown.add(channel.channel_id)
                elif trouble in STOPPING:
                    self.ended_by = trouble
                return _status(status)
        return self._page(trouble, channel, query, sight)

    def _page(self, trouble: str, channel: Channel, query: Mapping[str, str], sight: Sight) -> Reply:
        now_s = self.bird.time.now_s
        start, records = int(query.get("pageToken") or 0), self._records(channel, query)
        shown = records[start : start + self.look.page_size]
        page: dict[str, Any] = {"results": [_item(record) for record in shown]}
        if start + self.look.page_size < len(records):
            page["nextPageToken"] = str(start + self.look.page_size)
        body = json.dumps(page).encode()
        if trouble == "same token":
            body = _with(body, nextPageToken=str(start))
        elif trouble in _BAD:
            body = _BAD[trouble](self.rng, body)
        is_off = abs(self.wall_s() - TRUE_WALL_S - now_s) > MOST_SKEW_S
        leads_back = trouble == "same token" and start > 0  # the first page read twice is no harm
        sight.is_spoilt |= is_off or leads_back or trouble in _BAD
        if trouble == "fine" and not is_off:
            sight.has_ended, sight.ended_s = "nextPageToken" not in page, now_s
        if not is_off and trouble in ("fine", "same token"):
            for record in shown:
                sight.shown.setdefault(record.reference, set()).add(record.message_id)
        date = formatdate(TRUE_WALL_S + now_s, usegmt=True)
        return Reply(status=200, retry_after=None, body=None if trouble == "cut" else body, date=date)

    def _records(self, channel: Channel, query: Mapping[str, str]) -> list[Record]:
        """In the order that Bird has today; what it does not show yet is not there."""
        from_s, to_s = (_true_s(query.get(name), default) for name, default in (("startAt", 0.0), ("endAt", 1e12)))
        now_s = self.bird.time.now_s
        found = [
            record
            for record in self.bird.records
            if record.channel_id == channel.channel_id
            and from_s <= record.created_s <= to_s
            and record.seen_from_s <= now_s
        ]
        return sorted(found, key=lambda record: record.created_s, reverse=self.look.newest_first)


def _true_s(text: str | None, default: float) -> float:
    return default if text is None else datetime.fromisoformat(text).timestamp() - TRUE_WALL_S


def _item(record: Record) -> dict[str, Any]:
    status = "rejected" if record.is_rejected else "delivered"
    return {"id": record.message_id, "reference": record.reference, "status": status}


def _status(status: int) -> Reply:
    return Reply(status=status, retry_after=None, body=b'{"code":"X","message":"because"}')


def _with(body: bytes, **more: Any) -> bytes:
    return json.dumps({**json.loads(body), **more}).encode()
