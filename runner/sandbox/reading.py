"""The GET endpoints: messages and channels, one or in pages."""

from collections.abc import Iterator
from typing import TypeVar

from aiohttp import web

from .channels import Channels, SandboxChannel, TemplatesByProject, channel_json
from .clock import Clock
from .door import Door
from .messages import Messages, Stored
from .paging import MOST_TEMPLATES, Query, page_of, read_query
from .replies import INVALID_QUERY, STATUS_CODES, Reply, request_error, validation_error
from .wire import whole

_NO_PROJECT = "no such workspace or project"
_NO_WORKSPACE = "no such workspace"
_NO_CHANNEL = "no such channel in this workspace"
_NO_MESSAGE = "no such message in this channel"

Item = TypeVar("Item")


class Reading:
    """Answers the GETs of one sandbox."""

    def __init__(
        self, *, channels: Channels, messages: Messages, door: Door, clock: Clock, templates: TemplatesByProject
    ) -> None:
        self._channels = channels
        self._templates = templates
        self._messages = messages
        self._door = door
        self._clock = clock
        self._made_at_s = clock.wall_s()

    async def message(self, request: web.Request) -> web.StreamResponse:
        channel = self._channel(request)
        if isinstance(channel, Reply):
            return whole(channel)
        stored = self._messages.find(channel, request.match_info["message"])
        found = stored and Reply(status=200, document=self._messages.document(stored))
        return whole(found or request_error(404, _NO_MESSAGE))

    async def channel_messages(self, request: web.Request) -> web.StreamResponse:
        channel = self._channel(request)
        if isinstance(channel, Reply):
            return whole(channel)
        return whole(self._messages_of(request, channel.workspace_id, channel.channel_id))

    async def workspace_messages(self, request: web.Request) -> web.StreamResponse:
        channels = self._workspace(request)
        if isinstance(channels, Reply):
            return whole(channels)
        return whole(self._messages_of(request, request.match_info["workspace"].lower()))

    async def channel(self, request: web.Request) -> web.StreamResponse:
        channel = self._channel(request)
        if isinstance(channel, Reply):
            return whole(channel)
        status = self._channels.look_up_status(channel)
        if status != 200:
            return whole(request_error(status, STATUS_CODES.get(status, "no reason")))
        return whole(Reply(status=200, document=channel_json(channel, made_at_s=self._made_at_s)))

    async def channels(self, request: web.Request) -> web.StreamResponse:
        channels = self._workspace(request)
        if isinstance(channels, Reply):
            return whole(channels)
        query = read_query(f"channels {request.match_info['workspace'].lower()}", request.query)
        if not isinstance(query, Query):
            return whole(validation_error(query, message=INVALID_QUERY))
        items = _after(list(enumerate(channels, 1)), query)
        page = page_of(query, items, lambda channel: channel_json(channel, made_at_s=self._made_at_s))
        return whole(Reply(status=200, document=page))

    async def templates(self, request: web.Request) -> web.StreamResponse:
        workspace_id, project_id = request.match_info["workspace"].lower(), request.match_info["project"].lower()
        if refusal := self._refusal(request):
            return whole(refusal)
        listed = self._templates.get((workspace_id, project_id))
        if listed is None:
            return whole(request_error(404, _NO_PROJECT))
        query = read_query(f"templates {workspace_id} {project_id}", request.query, most=MOST_TEMPLATES)
        if not isinstance(query, Query):
            return whole(validation_error(query, message=INVALID_QUERY))
        items = _after(list(enumerate(listed, 1)), query)
        return whole(Reply(status=200, document=page_of(query, items, lambda template: template)))

    def _channel(self, request: web.Request) -> SandboxChannel | Reply:
        workspace_id, channel_id = request.match_info["workspace"], request.match_info["channel"]
        if refusal := self._refusal(request):
            return refusal
        return self._channels.find(workspace_id, channel_id) or request_error(404, _NO_CHANNEL)

    def _workspace(self, request: web.Request) -> list[SandboxChannel] | Reply:
        if refusal := self._refusal(request):
            return refusal
        channels = self._channels.in_workspace(request.match_info["workspace"])
        return request_error(404, _NO_WORKSPACE) if channels is None else channels

    def _refusal(self, request: web.Request) -> Reply | None:
        refusal = self._door.refuse(request.headers.get("Authorization"))
        return refusal or self._door.throttle("GET", request.match_info["workspace"])

    def _messages_of(self, request: web.Request, *place: str) -> Reply:
        query = read_query(f"messages {' '.join(place)}", request.query)
        if not isinstance(query, Query):
            return validation_error(query, message=INVALID_QUERY)
        walk = self._messages.walk(*place, oldest_first=query.is_reversed, beyond=query.beyond)
        items = ((stored.number, stored) for stored in walk if self._is_wanted(stored, query))
        return Reply(status=200, document=page_of(query, items, self._messages.document))

    def _is_wanted(self, stored: Stored, query: Query) -> bool:
        """Both ends of the time span count as inside; times are compared as they are shown, in milliseconds."""
        created_s = int(stored.created_unix_s * 1000) / 1000
        return (
            query.direction != "incoming"
            and (query.status is None or query.status == self._messages.step(stored).status)
            and (query.start_at is None or query.start_at <= created_s)
            and (query.end_at is None or created_s <= query.end_at)
        )


def _after(numbered: list[tuple[int, Item]], query: Query) -> Iterator[tuple[int, Item]]:
    if query.is_reversed:
        return ((n, item) for n, item in reversed(numbered) if query.beyond is None or n < query.beyond)
    return ((n, item) for n, item in numbered if n > (query.beyond or 0))
