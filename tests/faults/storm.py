"""A server for very many requests: asyncio in a thread of its own, one quick function that answers."""

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.cli.raw_server import fit_channel, reply

REFERENCE = re.compile(rb'"reference":"([^"]+)"')
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Storm:
    """`answer` gets a reference, how often that has been posted before, and the number of the request, from 1.

    `times` says how often each message was posted. A context manager.
    """

    def __init__(self, answer: Callable[[bytes, int, int], bytes]) -> None:
        self.times: Counter[bytes] = Counter()
        self.requests = 0
        self.url = ""
        self._answer = answer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def post(self, body: bytes) -> bytes:
        found = REFERENCE.search(body)
        assert found is not None
        before = self.times[found[1]]
        self.times[found[1]] += 1
        self.requests += 1
        return self._answer(found[1], before, self.requests)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=2048)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for connection in tuple(_Connection.open):
            connection.transport.abort()
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    open: "set[_Connection]" = set()  # noqa: RUF012 (all servers of this process)

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.open.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (head := self._received.find(b"\r\n\r\n") + 4) > 3:
            length = LENGTH.search(self._received, 0, head)
            end = head + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            request, self._received = self._received[:end], self._received[end:]
            if request.startswith(b"GET "):  # a send that looks its channel up
                self.transport.write(reply("200 OK", json.dumps(fit_channel(request)).encode()))
            else:
                self.transport.write(self._storm.post(request[head:]))
