"""Batches on the other side: one fate for a request, each message in it judged by itself, and the list that tells."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from runner.delivery.ports import NoConnection, Reply, ReplyLost
from runner.model import Channel, Message, State

from .bird import TRUE_WALL_S, SimTransport
from .fates import Fate
from .listing import SimPages

_TROUBLED_PAGE_S = 40.0  # four tries, and a Retry-After of 30 s
_PAGE_S = 3.0  # until the next look


@dataclass(slots=True)
class SimBatches:
    """A Batches: what `transport` is for single messages. Of each message that was taken, `bad` are rejected."""

    transport: SimTransport
    pages: SimPages
    rng: Random
    bad: float
    read: set[str] = field(default_factory=set)  # channels of which a page came

    @classmethod
    def of(cls, transport: SimTransport, seed: str) -> "SimBatches":
        bird, weather = transport.bird, transport.weather
        wall_s = lambda: TRUE_WALL_S + bird.time.now_s  # noqa: E731 (a clock that is never off)
        pages = SimPages(bird, weather.listing, transport.trace, transport.run, Random(f"{seed} list"), wall_s)
        return cls(transport, pages, Random(f"{seed} batch"), weather.bad)

    async def post_batch(self, channel: Channel, bodies: Sequence[bytes]) -> Reply:
        way = self.transport
        if way.is_dead:
            raise ReplyLost("this process is dead")
        is_read = channel.channel_id in self.read
        way.trace.must(is_read, f"a batch goes through {channel.name}, whose list was never read")
        messages = [way.watch.posts(channel, body) for body in bodies]
        way.watch.posted_in_batches |= {message.reference for message in messages}
        fate = _of_a_batch(way.bird.fate(way.weather, way.bird.time.now_s - way.began_s))
        for message in messages:
            way.trace.note(way.run, "post", message.key, fate.kind)
        try:
            return await self._exchange(messages, fate)
        except asyncio.CancelledError:
            if not way.is_dead:
                for message in messages:
                    way.trace.note(way.run, "gave up", message.key)
                    way.watch.gave_up(message)
            raise

    async def _exchange(self, messages: Sequence[Message], fate: Fate) -> Reply:
        way = self.transport
        began_s = way.bird.time.now_s
        await asyncio.sleep(fate.connect_s)
        if fate.loss in ("unconnected", "certificate"):
            way.watch.replied_to_all(messages, fate, way.bird.time.now_s - began_s)
            raise NoConnection("refused", is_certificate=fate.loss == "certificate")
        for message in messages:
            way.bird.take(message, self._of_one(fate, message))
        await asyncio.sleep(fate.takes_s or way.bird.takes_s(way.weather))
        way.watch.replied_to_all(messages, fate, way.bird.time.now_s - began_s)
        for message in messages:
            way.trace.note(way.run, "reply", message.key, fate.kind)
        return way.told(fate)

    def _of_one(self, fate: Fate, message: Message) -> Fate:
        """What becomes of one message of a batch that was taken whole."""
        if fate.status != 202:
            return fate
        is_bad = self.rng.random() < self.bad
        body = b'{"id":"m-%s-%d"}' % (message.key.encode(), len(self.transport.bird.records))
        return replace(fate, kind="202", body=body, proves=State.REJECTED if is_bad else State.ACCEPTED)

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        watch = self.transport.watch
        watch.allowance_s += _PAGE_S + 10 * self.pages.look.slow_s
        try:
            reply = await self.pages.page(channel, query)
        except (NoConnection, ReplyLost) as trouble:
            watch.saw_no_page("certificate" if getattr(trouble, "is_certificate", False) else "unconnected")
            watch.allowance_s += _TROUBLED_PAGE_S
            raise
        results = _results(reply)
        if results is None:
            watch.saw_no_page(str(reply.status) if reply.status != 200 else "unconnected")
            watch.allowance_s += _TROUBLED_PAGE_S
        else:
            self.read.add(channel.channel_id)
        rejected = {record.message_id for record in self.transport.bird.records if record.is_rejected}
        for item in results or ():
            watch.saw_in_the_list(item["reference"], State.REJECTED if item["id"] in rejected else State.ACCEPTED)
        return reply


def _of_a_batch(fate: Fate) -> Fate:
    """A 202 says nothing of any message, whatever stands in it; a refusal of the batch is none of a message."""
    if fate.status in (400, 413, 422):
        return replace(fate, proves=State.PLANNED)
    return replace(fate, kind="202") if fate.status == 202 else fate


def _results(reply: Reply) -> list[Any] | None:
    """What a page shows to a reader that takes no half pages."""
    try:
        page = json.loads(reply.body or b"") if reply.status == 200 else None
    except ValueError:
        return None
    if not isinstance(page, dict) or not isinstance(page.get("nextPageToken"), str | None):
        return None
    results = page.get("results")
    is_whole = isinstance(results, list) and all(isinstance(item, dict) for item in results)
    return results if is_whole else None
