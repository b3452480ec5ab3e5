"""The inbox: a page at `/` that shows what has arrived, and switches faults on and off.

It reads what the sandbox keeps anyway, in turns short enough for requests to be served between them, and only while
somebody looks. What is sent to it from another page, or without the page's own token, changes nothing.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from hmac import compare_digest
from typing import Any

from aiohttp import web

from runner.pages import SERVED_HEADERS, asset

from .clock import timestamp
from .conversations import Changes, Conversations, Entry, media, said, subject
from .faults import KINDS, Dice, Moment, parse_fault
from .inbox_page import ASSETS, TOKEN_HEADER, inbox_page
from .replies import compact_json

_PAGE = 50  # conversations or messages at once
_TICK_S = 0.25
_SIGN_OF_LIFE_S = 15.0
_MOST_LOOKERS = 16
_MOST_FAULTS = 50
_MOST_BEHIND = 64  # changes that a page may be behind before it has to begin anew
_TYPES = {"css": "text/css", "js": "text/javascript"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Inbox:
    """The page of one sandbox, and what it asks for."""

    def __init__(self, *, conversations: Conversations, dice: Dice) -> None:
        self._held = conversations
        self._dice = dice
        self._token = secrets.token_urlsafe(24)
        self._lookers: set[asyncio.Queue[bytes | None]] = set()
        self._looking = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    def routes(self) -> Sequence[web.RouteDef]:
        below = "/_sandbox/inbox"
        assets = [web.get(f"/_sandbox/{name}", _served(name)) for name in ASSETS]
        return [
            web.get("/", self._page),
            *assets,
            web.get(f"{below}/conversations", self._conversations),
            web.get(f"{below}/messages", self._messages),
            web.get(f"{below}/messages/{{number:[0-9]{{1,12}}}}", self._message),
            web.get(f"{below}/events", self._events),
            web.get(f"{below}/faults", self._faults),
            web.post(f"{below}/faults", self._switch),
        ]

    def close(self) -> None:
        """Lets those go who look."""
        for looker in tuple(self._lookers):
            _tell(looker, None)
        if self._watch is not None:
            self._watch.cancel()

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return _answer(inbox_page(self._token).encode(), "text/html")

    async def _conversations(self, request: web.Request) -> web.StreamResponse:
        """`q` is looked for; the page before ended with `person`, whose last entry was `beyond`."""
        await self._look()
        shown: list[dict[str, Any]] = []
        people = self._held.people(
            wanted=request.query.get("q", ""),
            beyond=_number(request, "beyond"),
            person=request.query.get("person", ""),
        )
        for found in people:
            if found is None:
                await asyncio.sleep(0)
            elif len(shown) == _PAGE:
                return _json({"conversations": shown, "hasMore": True, **self._state()})
            else:
                shown.append(self._head(*found))
        return _json({"conversations": shown, "hasMore": False, **self._state()})

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        """Of the conversation `to`, the latest first, before one number or after another."""
        await self._look()
        asked = self._held.of(
            request.query.get("to", ""), before=_number(request, "before"), after=_number(request, "after") or 0
        )
        found = [entry for entry, _ in zip(asked, range(_PAGE + 1), strict=False)]
        return _json({"messages": [self._bubble(each) for each in found[:_PAGE]], "hasMore": len(found) > _PAGE})

    async def _message(self, request: web.Request) -> web.StreamResponse:
        await self._look()
        entry = self._held.entry(int(request.match_info["number"]))
        if entry is None:
            return _json({"message": "no such message"}, status=404)
        return _json(self._whole(entry))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """What changes, as server-sent events, until the page is closed."""
        if len(self._lookers) >= _MOST_LOOKERS:
            return _json({"message": f"{_MOST_LOOKERS} pages look already"}, status=503)
        looker: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_BEHIND)
        self._lookers.add(looker)
        try:
            stream = web.StreamResponse(headers={**SERVED_HEADERS, "Content-Type": "text/event-stream"})
            await stream.prepare(request)
            if self._watch is None or self._watch.done():
                self._watch = asyncio.create_task(self._watching())
            with suppress(ConnectionError):  # the page was closed
                await stream.write(b"retry: 1000\n\n")
                async for event in _told(looker):
                    await stream.write(event)
            return stream
        finally:
            self._lookers.discard(looker)

    async def _faults(self, _request: web.Request) -> web.StreamResponse:
        return _json({"active": self._active(), "kinds": _kinds()})

    async def _switch(self, request: web.Request) -> web.StreamResponse:
        """Takes `{"active": ["429:5%"]}`: these go wrong from the next request on, and nothing else."""
        if not self._is_own(request):
            return _json({"message": "faults are switched from the sandbox's own page only"}, status=403)
        try:
            asked = json.loads(await request.read())
            active = asked["active"]
            if len(active) > _MOST_FAULTS:
                raise ValueError(f"at most {_MOST_FAULTS} faults at once")
            faults = [parse_fault(text) for text in active]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
            known = str(wrong) if isinstance(wrong, ValueError) else 'give {"active": ["429:5%"]}'
            return _json({"message": known}, status=422)
        self._dice.change(faults)
        self._tell_all({"faults": self._active()})
        return _json({"active": self._active()})

    def _is_own(self, request: web.Request) -> bool:
        """From our page alone: it knows the token, and says where it is from. Host was looked at before."""
        token = request.headers.get(TOKEN_HEADER, "")
        return (
            request.headers.get("Origin", "") == f"http://{request.host}"
            and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
            and request.content_type == "application/json"
            and compare_digest(token.encode("utf-8", "surrogateescape"), self._token.encode())
        )

    async def _watching(self) -> None:
        """As long as anybody looks."""
        while self._lookers:
            await self._look()
            await asyncio.sleep(_TICK_S)

    async def _look(self) -> None:
        async with self._looking:
            for changes in self._held.look():
                if self._lookers:
                    self._tell_all(self._change(changes))
                await asyncio.sleep(0)

    def _change(self, changes: Changes) -> dict[str, Any]:
        """The heads of conversations that something arrived in; where these may be too many, a page asks for them."""
        people = {} if len(changes.arrived) > _PAGE else self._held.people_of(changes.arrived)
        heads = [self._head(person, entries) for person, entries in people.items()]
        return {"moved": changes.moved, "heads": heads, "isMany": len(changes.arrived) > _PAGE, **self._state()}

    def _tell_all(self, change: dict[str, Any]) -> None:
        event = b"data: " + compact_json(change) + b"\n\n"
        for looker in tuple(self._lookers):
            if not _tell(looker, event):
                self._lookers.discard(looker)

    def _state(self) -> dict[str, Any]:
        counts = {status: count for status, count in sorted(self._held.counts.items()) if count}
        return {"counts": counts, "people": self._held.size()}

    def _active(self) -> list[str]:
        return [str(fault) for fault in self._dice.faults]

    def _head(self, person: str, entries: Sequence[Entry]) -> dict[str, Any]:
        number, last = entries[-1]
        return {
            "to": person,
            "messages": len(entries),
            "n": number,
            "at": last.at,
            "text": said(last.request)[:160],
            "status": self._held.status(last),
        }

    def _bubble(self, entry: Entry) -> dict[str, Any]:
        number, arrival = entry
        return {
            "n": number,
            "at": arrival.at,
            "status": self._held.status(arrival),
            "decision": arrival.decision,
            "httpStatus": arrival.status,
            "replied": arrival.replied,
            "text": said(arrival.request),
            "subject": subject(arrival.request),
            "media": media(arrival.request),
        }

    def _whole(self, entry: Entry) -> dict[str, Any]:
        arrival = entry.arrival
        stored = self._held.stored(arrival)
        course = []
        if stored is not None:
            reached = stored.course.index(self._held.messages.step(stored))
            course = [
                {"status": step.status, "at": timestamp(stored.created_unix_s + step.after_s)}
                for step in stored.course[: reached + 1]
            ]
        return {
            **self._bubble(entry),
            "request": arrival.request,
            "written": json.dumps(arrival.request, ensure_ascii=False, indent=2),  # a browser would round its numbers
            "id": arrival.message_id,
            "reference": arrival.reference,
            "workspaceId": arrival.workspace_id,
            "channelId": arrival.channel_id,
            "course": course,
            "failure": self._held.messages.document(stored).get("failure") if stored else None,
        }


def _served(name: str) -> Handler:
    async def serve(_request: web.Request) -> web.StreamResponse:
        return _answer(asset(name).encode(), _TYPES[name.rpartition(".")[2]])

    return serve


async def _told(looker: "asyncio.Queue[bytes | None]") -> AsyncIterator[bytes]:
    """What is told; between the words a sign of life, or nobody would know of a page that was closed."""
    while True:
        try:
            event = await asyncio.wait_for(looker.get(), _SIGN_OF_LIFE_S)
        except TimeoutError:
            event = b": here\n\n"
        if event is None:
            return
        yield event


def _tell(looker: "asyncio.Queue[bytes | None]", event: bytes | None) -> bool:
    """False for who is too far behind: that one is let go, comes again by itself and begins anew."""
    if not looker.full():
        looker.put_nowait(event)
        return True
    with suppress(asyncio.QueueEmpty):
        while True:
            looker.get_nowait()
    looker.put_nowait(None)
    return False


def _kinds() -> list[dict[str, Any]]:
    return [{"kind": name, "does": kind.does, "takesTime": kind.moment is Moment.DELAY} for name, kind in KINDS.items()]


def _number(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None


def _json(document: Any, *, status: int = 200) -> web.Response:
    return _answer(compact_json(document), "application/json", status=status)


def _answer(body: bytes, content_type: str, *, status: int = 200) -> web.Response:
    charset = "utf-8" if content_type.startswith("text/") else None
    return web.Response(body=body, content_type=content_type, charset=charset, status=status, headers=SERVED_HEADERS)
