"""The sandbox as a server on loopback: its routes, its start and its end."""

import asyncio
import ipaddress
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from aiohttp import web

from .channels import Channels, TemplatesByProject
from .checking import MAX_BODY_BYTES
from .clock import Clock, SystemClock
from .conversations import Conversations
from .door import Door
from .faults import Dice, Fault
from .inbox import Inbox
from .limits import Limits
from .messages import Delays, Messages
from .posting import Posting
from .reading import Reading
from .record import Record
from .replies import compact_json, request_error
from .wire import whole

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Sandbox:
    """The look-alike. Nothing that reaches it goes anywhere: it binds to loopback only.

    `channels` are those that exist, `templates` those of each workspace and project, as Bird lists them.
    `faults` and `seed` say what goes wrong (runner/sandbox/faults.py); with `access_key` that key is demanded,
    else any will do; `record_path` is appended to. Use it embedded (`async with Sandbox() as sandbox`) or through
    `run_sandbox`. It can be stopped and started again: messages and record stay, as after an outage.
    """

    def __init__(
        self,
        *,
        channels: Channels | None = None,
        templates: TemplatesByProject | None = None,
        faults: Sequence[Fault] = (),
        seed: int = 0,
        access_key: str | None = None,
        limits: Limits | None = None,
        delays: Delays | None = None,
        record_path: Path | None = None,
        clock: Clock | None = None,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        clock = clock or SystemClock()
        self.channels = channels or Channels.open()
        self.record = Record(record_path)
        self.messages = Messages(clock=clock, delays=delays or Delays(), new_id=new_id)
        self.redirects_followed = 0
        door = Door(access_key=access_key, limits=limits or Limits(), clock=clock)
        self._reading = Reading(
            channels=self.channels, messages=self.messages, door=door, clock=clock, templates=templates or {}
        )
        dice = Dice(faults, seed)
        self._inbox = Inbox(
            conversations=Conversations(record=self.record, messages=self.messages, clock=clock), dice=dice
        )
        self._posting = Posting(
            channels=self.channels,
            messages=self.messages,
            record=self.record,
            dice=dice,
            door=door,
            clock=clock,
        )
        self._runner: web.AppRunner | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without a trailing slash; raises RuntimeError before `start`."""
        if self._url is None:
            raise RuntimeError("the sandbox has no address before start()")
        return self._url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes a free one. Raises ValueError off loopback, OSError where the port is taken."""
        address = loopback_address(host)
        self.record.open()
        self._runner = web.AppRunner(
            self._app(),
            access_log=None,
            auto_decompress=False,  # Bird documents no compressed requests: one is not JSON
            keepalive_timeout=75.0,
            shutdown_timeout=0.2,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, address, port, backlog=1024).start()
        except OSError:
            await self.stop()
            raise
        bound = self._runner.addresses[0][1]
        self._url = f"http://[{address}]:{bound}" if ":" in address else f"http://{address}:{bound}"

    async def stop(self) -> None:
        if self._runner is not None:
            self._inbox.close()
            await self._runner.cleanup()
            self._runner = None
        self.record.close()

    async def __aenter__(self) -> "Sandbox":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[_errors_as_bird_has_them], client_max_size=MAX_BODY_BYTES)
        channel = "/workspaces/{workspace}/channels/{channel}"
        app.add_routes(
            [
                web.post(f"{channel}/messages", self._posting.take),
                web.post(f"{channel}/batch/messages", self._posting.take_batch),
                web.get(f"{channel}/messages/{{message}}", self._reading.message),
                web.get(f"{channel}/messages", self._reading.channel_messages),
                web.get("/workspaces/{workspace}/messages", self._reading.workspace_messages),
                web.get("/workspaces/{workspace}/channels", self._reading.channels),
                web.get(channel, self._reading.channel),
                web.get("/workspaces/{workspace}/projects/{project}/channel-templates", self._reading.templates),
                web.get("/_sandbox/record", self._show_record),
                web.get("/_sandbox/summary", self._show_summary),
                web.route("*", "/_sandbox/elsewhere/{path:.*}", self._elsewhere),
                *self._inbox.routes(),
            ]
        )
        return app

    async def _show_record(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"".join(self.record.lines()), content_type="application/x-ndjson")

    async def _show_summary(self, _request: web.Request) -> web.StreamResponse:
        summary = {**self.record.summary(), "redirectsFollowed": self.redirects_followed}
        return web.Response(body=compact_json(summary), content_type="application/json")

    async def _elsewhere(self, _request: web.Request) -> web.StreamResponse:
        """Where a redirect leads. A right client never comes here; one that does gets a 202 to fall for."""
        self.redirects_followed += 1
        return web.Response(status=202, body=b"{}", content_type="application/json")


@web.middleware
async def _errors_as_bird_has_them(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No such path, no such method: as a RequestError. A name that isn't loopback's own gets nothing.

    A page in a browser could point a name of its own at 127.0.0.1 and read the record: its Host header tells.
    """
    if not _is_loopback_name(request.host):
        return whole(request_error(403, "the sandbox answers to 127.0.0.1, ::1 and localhost only"))
    try:
        return await handler(request)
    except web.HTTPException as error:
        allow = error.headers.get("Allow")
        words = f"{request.method} {request.path}: {error.reason}"
        return whole(request_error(error.status, words, headers={"Allow": allow} if allow else None))


@lru_cache(maxsize=64)
def _is_loopback_name(host_header: str) -> bool:
    """Whether a Host header, with or without a port, names loopback."""
    host = re.sub(r":[0-9]*$", "", host_header)
    try:
        loopback_address(host.removeprefix("[").removesuffix("]").lower())
    except ValueError:
        return False
    return True


def loopback_address(host: str) -> str:
    """The loopback address that `host` means; raises ValueError for every other host."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise ValueError(f"the sandbox binds to loopback only: {host!r} is neither 127.0.0.1, ::1 nor localhost")


async def run_sandbox(
    sandbox: Sandbox,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serves until cancelled. `ready` is called once with the address."""
    await sandbox.start(host, port)
    try:
        ready(sandbox.url)
        await asyncio.get_running_loop().create_future()
    finally:
        await sandbox.stop()
