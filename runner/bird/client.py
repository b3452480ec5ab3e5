"""The HTTP client for Bird's API: the only place that knows aiohttp's client, and what its exceptions prove."""

import asyncio
import os
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlencode

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace
from yarl import URL

from runner.model import Channel

from .replies import NoConnection, Reply, ReplyLost
from .requests import AccessKey, headers, message_url

MAX_BODY = 64 * 1024
MAX_PAGE = 4 * 1024 * 1024  # a page of a hundred messages, each with its text and its parts

# Raised only while a connection is being made, so not a byte of the request has left. Nothing else is proof of that.
_UNCONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_TROUBLE = (aiohttp.ClientError, HttpProcessingError, OSError)  # TimeoutError is an OSError


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """`connect_s`: pool, DNS, TCP and TLS. `reply_s`: from then until the last byte of the reply.

    A connection idle for longer than `idle_s` is not used again: a stale one would put a message in doubt.
    """

    connect_s: float = 5.0
    reply_s: float = 20.0
    idle_s: float = 4.0


class BirdClient:
    """Posts and lists messages at one API, and looks things up. An async context manager.

    A `Transport`, `Pages` and `Looks` of runner.delivery.
    """

    def __init__(self, base_url: str, key: AccessKey, *, concurrency: int, timeouts: Timeouts | None = None) -> None:
        """`base_url` comes from parse_api_url. `concurrency` is the most connections at a time."""
        self._base_url = base_url
        self._headers = headers(key)
        self._key = key
        self._concurrency = concurrency
        self._timeouts = timeouts or Timeouts()
        self._host = URL(base_url).authority
        self._urls: dict[tuple[str, str], URL] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=_Connector(limit=self._concurrency, timeouts=self._timeouts),
            headers=self._headers,
            # No total: it would end a connection attempt and a lost reply with the same TimeoutError.
            timeout=aiohttp.ClientTimeout(total=None, connect=self._timeouts.connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # a gzip bomb stays as small as it came
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._opened.close()
        self._session = None

    def __repr__(self) -> str:
        return f"BirdClient({self._base_url!r})"

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("BirdClient outside `async with`")
        return self._session

    async def post(self, channel: Channel, body: bytes) -> Reply:
        """POST one message. Raises only NoConnection and ReplyLost (and CancelledError).

        Once the status line and the headers are read, the reply stands: trouble with its body makes that None.
        """
        response, content = await self._exchange("POST", self._url(channel), data=body, longest=MAX_BODY)
        return Reply(status=response.status, retry_after=response.headers.get("Retry-After"), body=content)

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        """GET one page of a channel's messages: a body of at most 4 MiB. Raises what `post` does."""
        return await self._get(message_url(self._base_url, channel), query)

    async def look(self, path: str, query: Mapping[str, str]) -> Reply:
        """GET what lies at a path of runner.bird.requests: a body of at most 4 MiB. Raises what `post` does."""
        return await self._get(self._base_url + path, query)

    async def _get(self, address: str, query: Mapping[str, str]) -> Reply:
        url = URL(f"{address}?{urlencode(query)}" if query else address, encoded=True)
        response, content = await self._exchange("GET", url, data=None, longest=MAX_PAGE)
        retry_after, date = response.headers.get("Retry-After"), response.headers.get("Date")
        return Reply(status=response.status, retry_after=retry_after, body=content, date=date)

    async def _exchange(
        self, method: str, url: URL, *, data: bytes | None, longest: int
    ) -> tuple[aiohttp.ClientResponse, bytes | None]:
        session = self._opened
        response: aiohttp.ClientResponse | None = None
        failure: NoConnection | ReplyLost | None = None
        content: bytes | None = None
        limit = asyncio.timeout(None)  # the connector sets it going, once there is a connection
        _limit.set(limit)
        try:
            async with limit:
                response = await session.request(method, url, data=data, allow_redirects=False)
                content = await _content(response, longest)
        except _TROUBLE as error:
            failure = proof(error, host=self._host, is_connected=limit.when() is not None)
        finally:
            if response is not None and content is None:
                response.close()
        if response is not None:
            return response, None if content is None else self._key.blotted(content)
        # Raised out here, so that aiohttp's own error (whose request headers hold the key) is not its context.
        raise failure or ReplyLost("no reply came")

    def _url(self, channel: Channel) -> URL:
        ids = (channel.workspace_id, channel.channel_id)
        url = self._urls.get(ids)
        if url is None:
            url = self._urls[ids] = URL(message_url(self._base_url, channel), encoded=True)
        return url


def proof(error: BaseException, *, host: str, is_connected: bool) -> NoConnection | ReplyLost:
    """What one of aiohttp's exceptions proves about the message: surely not sent, or nothing.

    The words are ours: aiohttp's may quote what a server sent, or our own headers.
    """
    if is_connected or not isinstance(error, _UNCONNECTED):
        return ReplyLost(_lost_words(error))
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return NoConnection(f"{host} showed a certificate that is not trusted", is_certificate=True)
    return NoConnection(f"no connection to {host}: {_unconnected_words(error)}")


def _unconnected_words(error: BaseException) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "none came about in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name has no address (DNS)"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    return _system_words(error) or "it was refused or broke"


def _lost_words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no whole reply came in time"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before a reply came"
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        return "the reply was garbled"
    return f"the connection broke before a reply came: {_system_words(error) or type(error).__name__}"


def _system_words(error: BaseException) -> str | None:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if isinstance(number, int) and number > 0 else None


async def _content(response: aiohttp.ClientResponse, longest: int) -> bytes | None:
    """The body; None when it is encoded (identity was asked for) or longer than `longest` bytes."""
    encoding = response.headers.get("Content-Encoding")
    if encoding is not None and encoding.strip().lower() != "identity":
        return None
    stream, parts, left = response.content, [], longest + 1
    while not stream.at_eof():
        parts.append(await stream.read(left))
        left -= len(parts[-1])
        if not left:
            return None
    return b"".join(parts)


_limit: ContextVar[asyncio.Timeout] = ContextVar("_limit")


class _HeadFirst(ResponseHandler):
    """Reads a reply's head before what follows it, though both came in one packet.

    aiohttp drops the head where what follows is garbled: a 202, which is Bird's promise, would be in doubt.
    """

    def data_received(self, data: bytes) -> None:
        start = 0
        while (end := data.find(b"\r\n\r\n", start) + 4) > 3 and end < len(data):
            super().data_received(data[start:end])
            start = end
        super().data_received(data[start:] if start else data)


class _Connector(aiohttp.TCPConnector):
    """Hands out clean connections only, and starts the reply's time when it does.

    A server may send something on an idle connection (a proxy's 408, say). aiohttp would take that for the reply to
    the next request: a stray 202 or 429 would then lose or double a message.
    """

    def __init__(self, *, limit: int, timeouts: Timeouts) -> None:
        super().__init__(limit=limit, keepalive_timeout=timeouts.idle_s)
        self._reply_s = timeouts.reply_s
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
                _limit.get().reschedule(self._loop.time() + self._reply_s)
                return connection
            connection.close()
        raise aiohttp.ServerDisconnectedError("the server talks before it is asked")
