"""The HTTP client for Bird's API: the only place that knows aiohttp's client, and what its exceptions prove."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from runner.model import Channel

from .replies import NoConnection, Reply, ReplyLost
from .requests import AccessKey, batch_url, batched, headers, message_url
from .wire import Target, Timeouts, TooLate, Wire, ask, content

__all__ = ["BirdClient", "Timeouts", "proof"]

MAX_BODY = 64 * 1024
MAX_BATCH_REPLY = 1024 * 1024  # a hundred messages; nothing in it is needed, but the connection is good for more
MAX_PAGE = 4 * 1024 * 1024  # a page of some hundred messages, each with its text and its parts

# Raised only while a connection is being made, so not a byte of the request has left. Nothing else is proof of that.
_UNCONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_TROUBLE = (aiohttp.ClientError, HttpProcessingError, OSError)  # TimeoutError is an OSError


class BirdClient:
    """Posts and lists messages at one API, and looks things up. An async context manager.

    A `Transport`, `Batches`, `Pages` and `Looks` of runner.delivery.
    """

    def __init__(
        self,
        base_url: str,
        key: AccessKey,
        *,
        concurrency: int,
        timeouts: Timeouts | None = None,
        may_post: Callable[[], bool] = lambda: True,
    ) -> None:
        """`base_url` comes from parse_api_url. `concurrency` is the most connections at a time.

        `may_post` is asked as the bytes of a POST go to the socket. Where it says no, none did: NoConnection.
        """
        self._base_url = base_url
        self._headers = headers(key)
        self._key = key
        self._concurrency = concurrency
        self._timeouts = timeouts or Timeouts()
        self._may_post = may_post
        self._host = URL(base_url).authority
        self._targets: dict[tuple[str, str, bool], Target] = {}
        self._wire: Wire | None = None

    async def __aenter__(self) -> Self:
        self._wire = Wire(headers=self._headers, limit=self._concurrency, timeouts=self._timeouts)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._opened.close()
        self._wire = None
        self._targets.clear()

    def only_while(self, may_post: Callable[[], bool]) -> Self:
        """The same connections, while they are open, for what another claim allows."""
        other = copy(self)
        other._may_post = may_post  # noqa: SLF001 (its own kind)
        return other

    def __repr__(self) -> str:
        return f"BirdClient({self._base_url!r})"

    @property
    def _opened(self) -> Wire:
        if self._wire is None:
            raise RuntimeError("BirdClient outside `async with`")
        return self._wire

    async def post(self, channel: Channel, body: bytes) -> Reply:
        """POST one message. Raises only NoConnection and ReplyLost (and CancelledError).

        Once the status line and the headers are read, the reply stands: trouble with its body makes that None.
        """
        return await self._exchange(self._target(channel), body, longest=MAX_BODY)

    async def post_batch(self, channel: Channel, bodies: Sequence[bytes]) -> Reply:
        """POST several messages of a channel at once: at most 100. Raises what `post` does."""
        target = self._target(channel, is_batch=True)
        return await self._exchange(target, batched(bodies), longest=MAX_BATCH_REPLY)

    async def page(self, channel: Channel, query: Mapping[str, str]) -> Reply:
        """GET one page of a channel's messages: a body of at most 4 MiB. Raises what `post` does."""
        return await self._get(message_url(self._base_url, channel), query)

    async def look(self, path: str, query: Mapping[str, str]) -> Reply:
        """GET what lies at a path of runner.bird.requests: a body of at most 4 MiB. Raises what `post` does."""
        return await self._get(self._base_url + path, query)

    async def _get(self, address: str, query: Mapping[str, str]) -> Reply:
        url = URL(f"{address}?{urlencode(query)}" if query else address, encoded=True)
        return await self._exchange(self._opened.target("GET", url), None, longest=MAX_PAGE)

    async def _exchange(self, target: Target, body: bytes | None, *, longest: int) -> Reply:
        wire = self._opened
        head: RawResponseMessage | None = None
        failure: NoConnection | ReplyLost | None = None
        connection: Connection | None = None
        text: bytes | None = None
        try:
            connection = await wire.connection(target)
            async with asyncio.timeout(self._timeouts.reply_s):
                head, stream = await ask(connection, target, body, self._may_post)
                text = await content(head, stream, longest)
        except _TROUBLE as error:
            failure = proof(error, host=self._host, is_connected=connection is not None)
        except TooLate:
            failure = NoConnection("it was too late to post it: another run may have taken over")
        finally:
            if connection is not None:
                connection.close() if text is None else connection.release()
        if head is not None:
            return _reply(head, None if text is None else self._key.blotted(text))
        # Raised out here, so that aiohttp's own error is not its context.
        raise failure or ReplyLost("no reply came")

    def _target(self, channel: Channel, *, is_batch: bool = False) -> Target:
        ids = (channel.workspace_id, channel.channel_id, is_batch)
        target = self._targets.get(ids)
        if target is None:
            address = batch_url if is_batch else message_url
            url = URL(address(self._base_url, channel), encoded=True)
            target = self._targets[ids] = self._opened.target("POST", url)
        return target


def _reply(head: RawResponseMessage, body: bytes | None) -> Reply:
    headers = head.headers
    return Reply(status=head.code, retry_after=headers.get("Retry-After"), body=body, date=headers.get("Date"))


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
