"""One page on loopback, for whoever knows its address: the only home of a page's server."""

import asyncio
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

from .look import SERVED_HEADERS, asset

Query = Mapping[str, str]
Page = Callable[[Query], Awaitable[str]]
Parts = Callable[[Query], Awaitable[Mapping[str, str]]]

_HOST = "127.0.0.1"
_ALIVE_S = 15.0  # between two signs of life: by them it is known that somebody has gone


class Serving:
    """Serves one page, the parts that it is made of, and word of changes. Nothing else, to nobody else.

    Its address holds a token of 256 bits; without that every path is a 404, and with a Host header that is not this
    very address everything is a 403: a name of somebody else's that leads to 127.0.0.1 gets nothing (DNS rebinding).
    `page` and `parts` take the query of an address; `assets` are files of this package by name, with their types.
    """

    def __init__(self, *, page: Page, parts: Parts, assets: Mapping[str, str]) -> None:
        self._page, self._parts, self._assets = page, parts, assets
        self._token = secrets.token_urlsafe(32)
        self._runner: web.AppRunner | None = None
        self._hosts: frozenset[str] = frozenset()
        self._listening: set[asyncio.Event] = set()
        self._has_ended = False
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, _HOST, 0).start()
        port = self._runner.addresses[0][1]
        self._hosts = frozenset({f"{_HOST}:{port}", f"localhost:{port}"})
        self.url = f"http://{_HOST}:{port}/{self._token}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._has_ended = True
        self.tell()
        if self._runner is not None:
            await self._runner.cleanup()

    def tell(self) -> None:
        """Something is otherwise: every page that is open asks for its parts again."""
        for listener in self._listening:
            listener.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.getall("Host", [])[1:] or request.host not in self._hosts or _is_foreign(request):
            return _refusal(403, "this page is for the browser on this machine, at the address that was printed")
        _, token, *rest = request.path.split("/", 2)
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode()):
            return _refusal(404, "nothing is here")
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, "this page is only looked at", allow="GET, HEAD")
        return await self._give(rest[0] if rest else "/", request)

    async def _give(self, name: str, request: web.Request) -> web.StreamResponse:
        if name == "":
            return _response(await self._page(request.query), "text/html")
        if name == "parts":
            return _response(json.dumps(dict(await self._parts(request.query))), "application/json")
        if name == "events":
            return await self._events(request)
        if name in self._assets:
            return _response(asset(name), self._assets[name])
        return _refusal(404, "nothing is here")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: a word for each change, and one at the beginning."""
        response = web.StreamResponse(headers={**SERVED_HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        changed = asyncio.Event()
        self._listening.add(changed)
        try:
            await response.write(b"retry: 500\ndata: changed\n\n")
            while not self._has_ended:
                try:
                    await asyncio.wait_for(changed.wait(), _ALIVE_S)
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                changed.clear()
                if not self._has_ended:
                    await response.write(b"data: changed\n\n")
        except ConnectionError:
            pass  # whoever listened has gone
        finally:
            self._listening.discard(changed)
        return response


def _is_foreign(request: web.Request) -> bool:
    """Whether another site's page asks. It may lead somebody here, as a link does, for that shows it nothing."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        return True
    site, mode = request.headers.get("Sec-Fetch-Site"), request.headers.get("Sec-Fetch-Mode")
    return site not in (None, "same-origin", "none") and mode != "navigate"


def _response(text: str, kind: str) -> web.Response:
    return web.Response(
        body=text.encode("utf-8", "replace"), content_type=kind, charset="utf-8", headers=dict(SERVED_HEADERS)
    )


def _refusal(status: int, words: str, allow: str | None = None) -> web.Response:
    headers = {**SERVED_HEADERS, **({"Allow": allow} if allow else {})}
    return web.Response(text=f"{words}\n", status=status, headers=headers)
