"""Requests as bytes, over aiohttp's connections: its pool, its TLS and its parser, and nothing of its session.

A session makes anew for each request what is the same in all of ours (a map of headers, a task that writes, a response
that remembers it all). Here the head is made once, and goes out with the body in one write.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace
from yarl import URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """`connect_s`: pool, DNS, TCP and TLS. `reply_s`: from then until the last byte of the reply.

    A connection idle for longer than `idle_s` is not used again: a stale one would put a message in doubt.
    """

    connect_s: float = 5.0
    reply_s: float = 20.0
    idle_s: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests of one kind go. `head` is whole but for the body's length and the empty line.

    `request` is what the connector asks where to connect to; it is never sent.
    """

    request: aiohttp.ClientRequest
    head: bytes


class TooLate(Exception):
    """A request that may not be posted any more was about to be: nothing was written."""


class Wire:
    """The connections of one client; `limit` is the most of them at a time. To be made in the event loop."""

    def __init__(self, *, headers: Mapping[str, str], limit: int, timeouts: Timeouts) -> None:
        self._headers = headers
        self._connector = _Connector(limit=limit, keepalive_timeout=timeouts.idle_s)
        self._timeout = aiohttp.ClientTimeout(total=None, connect=timeouts.connect_s)

    async def close(self) -> None:
        await self._connector.close()

    def target(self, method: str, url: URL) -> Target:
        # Without our headers: aiohttp shows a request's headers in its errors, and one of ours is the key.
        request = aiohttp.ClientRequest(method, url, loop=asyncio.get_running_loop())
        lines = [f"{method} {url.raw_path_qs} HTTP/1.1", f"Host: {request.headers['Host']}"]
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        if not all(line.isprintable() for line in lines):
            raise ValueError("a header or an address holds a line break or another control character")
        return Target(request=request, head="\r\n".join(lines).encode())

    async def connection(self, target: Target) -> Connection:
        """A connection for one request, to be released or closed. Raises aiohttp's errors."""
        try:
            return await self._connector.connect(target.request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error


async def ask(
    connection: Connection, target: Target, body: bytes | None, may_post: Callable[[], bool]
) -> tuple[RawResponseMessage, StreamReader]:
    """Writes a request and reads the reply's head; its body is read from the stream.

    Raises aiohttp's errors; TooLate where there is a body that may not be posted any more.
    """
    protocol = connection.protocol
    transport = protocol.transport if protocol is not None else None
    if protocol is None or transport is None or transport.is_closing():
        raise aiohttp.ClientConnectionResetError("the connection is closed")
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)  # a gzip bomb stays as small as it came
    length = b"" if body is None else b"\r\nContent-Length: %d" % len(body)
    # Nothing may stand between the two: a process that was stopped there and is woken late must not write.
    if body is not None and not may_post():
        raise TooLate
    transport.write(b"%b%b\r\n\r\n%b" % (target.head, length, body or b""))
    while True:
        message, stream = await protocol.read()
        if message.code == 101 or not 100 <= message.code < 200:  # what comes before the reply says nothing
            return message, stream


async def content(message: RawResponseMessage, stream: StreamReader, longest: int) -> bytes | None:
    """The body; None when it is encoded (identity was asked for) or longer than `longest` bytes."""
    encoding = message.headers.get("Content-Encoding")
    if encoding is not None and encoding.strip().lower() != "identity":
        return None
    parts, left = [], longest + 1
    while not stream.at_eof():
        parts.append(await stream.read(left))
        left -= len(parts[-1])
        if not left:
            return None
    return b"".join(parts)


class _HeadFirst(ResponseHandler):
    """Reads a reply's head before what follows it, though both came in one packet.

    aiohttp drops the head where what follows is garbled: a 202, which is Bird's promise, would be in doubt.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast("asyncio.Transport", transport).set_write_buffer_limits(0)  # uvloop too writes at once, not a turn later

    def data_received(self, data: bytes) -> None:
        start = 0
        while (end := data.find(b"\r\n\r\n", start) + 4) > 3 and end < len(data):
            super().data_received(data[start:end])
            start = end
        super().data_received(data[start:] if start else data)


class _Connector(aiohttp.TCPConnector):
    """Hands out clean connections only.

    A server may send something on an idle connection (a proxy's 408, say). aiohttp would take that for the reply to
    the next request: a stray 202 or 429 would then lose or double a message.
    """

    def __init__(self, *, limit: int, keepalive_timeout: float) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout)
        self._factory = cast("partial[ResponseHandler]", partial(_HeadFirst, loop=self._loop))

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's own signature)
    ) -> Connection:
        for _ in range(self.limit + 1):  # so many may lie in the pool; one more is fresh
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        raise aiohttp.ServerDisconnectedError("the server talks before it is asked")
