"""A server that takes every message at once: 202 with an id, in a process of its own. What came in batches it lists.

    python -m benchmarks.server [DELAY_MS]

prints its address, answers after the delay, and ends with its standard input.
"""

import asyncio
import contextlib
import re
import sys
from typing import cast

_REFERENCE = re.compile(rb'"reference":"([^"]+)"')
_PAGE = re.compile(rb"GET /workspaces/[^ ?]+/messages\?([^ ]*)")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_BODY = b'{"id":"00000000-0000-4000-8000-000000000000","status":"accepted"}'
_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY
)
_CHANNEL = b'{"status":"active","platformId":"sms"}'  # what a send looks at first
_FIT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_CHANNEL), _CHANNEL)
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_ITEM = (  # as long as Bird's own of a short text
    b'{"id":"00000000-0000-4000-8000-%012d","channelId":"3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22","sender":{"connector":'
    b'{"id":"5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11","identifierValue":"+12025550100","annotations":{"name":"Acme"},'
    b'"types":["sms"]}},"receiver":{"contacts":[{"id":"5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a12","identifierKey":'
    b'"phonenumber","identifierValue":"+14155550100","platformAddress":"+14155550100"}]},"reference":"%b","parts":'
    b'[{"platformReference":"00000000-0000-4000-8000-000000000000"}],"status":"processing","reason":"","details":"",'
    b'"direction":"outgoing","lastStatusAt":"2026-03-28T19:11:21.734Z","createdAt":"2026-03-28T19:11:21.734Z",'
    b'"updatedAt":"2026-03-28T19:11:21.734Z","batchId":"5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a13","tags":[],"body":'
    b'{"type":"text","text":{"text":"Hi Ada, order A0000001 from Acme waits for you in Town 1."}}}'
)


class _Taken:
    total = 0
    delay_s = 0.0

    def __init__(self) -> None:
        self.references: list[bytes] = []  # of what came in batches

    def page(self, query: bytes) -> bytes:
        """Newest first; a token is the number of messages that are older than the page before."""
        asked = dict(each.split(b"=", 1) for each in query.split(b"&"))
        end = int(asked.get(b"pageToken", len(self.references)))
        start = max(0, end - int(asked[b"limit"]))
        items = b",".join([_ITEM % (number, self.references[number]) for number in range(end - 1, start - 1, -1)])
        token = b',"nextPageToken":"%d"' % start if start else b""
        return b'{"results":[%b]%b}' % (items, token)


class _Taker(asyncio.Protocol):
    """Counts a request for each head and body that came, and answers it."""

    def __init__(self, taken: "_Taken") -> None:
        self._taken = taken
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._held, 0, end + 2)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._held) < whole:
                return
            reply = self._reply(self._held[:whole], is_post=bool(found))
            self._held = self._held[whole:]
            if self._taken.delay_s:
                asyncio.get_running_loop().call_later(self._taken.delay_s, self._transport.write, reply)
            else:
                self._transport.write(reply)

    def _reply(self, request: bytes, *, is_post: bool) -> bytes:
        """A 202; to a GET what a send looks up, or how many there were."""
        if is_post:
            self._taken.total += 1
            if b"/batch/messages " in request[:200]:
                self._taken.references += _REFERENCE.findall(request)
            return _ACCEPTED
        if page := _PAGE.match(request):
            body = self._taken.page(page[1])
            return _OK % (len(body), body)
        if request.startswith(b"GET /workspaces/"):
            return _FIT
        number = b"%d" % self._taken.total
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(number), number)


async def _serve() -> None:
    taken = _Taken()
    taken.delay_s = float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0
    server = await asyncio.get_running_loop().create_server(lambda: _Taker(taken), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve())
