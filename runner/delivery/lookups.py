"""Looking channels and templates up at Bird: bounded, paced, and each end of it a value."""

import json
from collections.abc import Mapping
from random import Random

from runner.bird.channels import ChannelSeen, ItemPage, TemplateSeen, read_channel, read_items, template_of
from runner.bird.replies import PageFault, off_by_s
from runner.bird.requests import channel_path, channels_path, templates_path
from runner.model import Channel, Json

from .getting import Fault, Getter, Stopped
from .ports import Clock, Looks, Reply

CHANNELS_AT_ONCE = 1000  # Bird's greatest limit for channels
TEMPLATES_AT_ONCE = 100  # and for templates
MOST_PAGES = 1000


class LookUps:
    """Asks Bird for channels and templates, at most 40 times a second.

    `ahead_s` is how far Bird's clock is ahead of ours, as the last reply told; `statuses` are all that came.
    """

    def __init__(self, looks: Looks, *, clock: Clock, rng: Random) -> None:
        self._looks = looks
        self._clock = clock
        self._getter = Getter(clock=clock, rng=rng, wish="show it", thing="what was asked for")
        self.ahead_s: float | None = None
        self.statuses: set[int] = set()

    async def channel(self, channel: Channel) -> ChannelSeen | Fault:
        body = await self._body(channel_path(channel), {})
        if isinstance(body, Fault):
            return body
        try:
            return read_channel(body)
        except PageFault as wrong:
            return Fault(kind="page", words=wrong.words)

    async def templates(self, workspace_id: str, project_id: str) -> list[TemplateSeen] | Fault:
        """All versions of a project's template."""
        items = await self._all(templates_path(workspace_id, project_id), TEMPLATES_AT_ONCE)
        return items if isinstance(items, Fault) else [template_of(item) for item in items]

    async def channels(self, workspace_id: str) -> list[ChannelSeen] | Fault:
        """All channels of a workspace."""
        items = await self._all(channels_path(workspace_id), CHANNELS_AT_ONCE)
        return items if isinstance(items, Fault) else [ChannelSeen(fields=item) for item in items]

    async def _all(self, path: str, at_once: int) -> list[Mapping[str, Json]] | Fault:
        """Page after page; a list that loops or has no end is a fault, for nothing follows from what is not in it."""
        query = {"limit": str(at_once)}
        items: list[Mapping[str, Json]] = []
        tokens = set[str]()
        while True:
            page = await self._page(path, query)
            if isinstance(page, Fault):
                return page
            items += page.items
            if page.next_token is None:
                return items
            if page.next_token in tokens:
                return Fault(kind="page", words="Bird's list leads back to a page that was read already")
            if len(tokens) == MOST_PAGES:
                return Fault(kind="page", words=f"Bird's list goes on after {MOST_PAGES:,} pages")
            tokens.add(page.next_token)
            query["pageToken"] = page.next_token

    async def _page(self, path: str, query: Mapping[str, str]) -> ItemPage | Fault:
        body = await self._body(path, query)
        if isinstance(body, Fault):
            return body
        try:
            return read_items(body)
        except PageFault as wrong:
            return Fault(kind="page", words=wrong.words)

    async def _body(self, path: str, query: Mapping[str, str]) -> bytes | Fault:
        try:
            return await self._getter.body(lambda: self._ask(path, query), _whole)
        except Stopped as stop:
            return stop.fault

    async def _ask(self, path: str, query: Mapping[str, str]) -> Reply:
        reply = await self._looks.look(path, query)
        self.statuses.add(reply.status)
        ahead_s = off_by_s(reply.date, self._clock.wall_s())
        self.ahead_s = self.ahead_s if ahead_s is None else ahead_s
        return reply


def _whole(reply: Reply) -> bytes | str:
    """A reply that was cut may be whole the next time; what is JSON but of another shape stays so."""
    if reply.body is None:
        return "Bird's reply can't be read: it came cut, too large or compressed"
    return reply.body if _is_json(reply.body) else "Bird's reply can't be read: it is no JSON"


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
