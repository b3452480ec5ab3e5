"""A server that takes every message at once: 202 with an id, in a process of its own.

    python -m benchmarks.server [DELAY_MS]

prints its address, answers after the delay, and ends with its standard input.
"""

import asyncio
import contextlib
import re
import sys
from typing import cast

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_BODY = b'{"id":"00000000-0000-4000-8000-000000000000","status":"accepted"}'
_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY
)
_CHANNEL = b'{"status":"active","platformId":"sms"}'  # what a send looks at first
_FIT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_CHANNEL), _CHANNEL)


class _Taken:
    total = 0
    delay_s = 0.0


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
            is_look_up = self._held.startswith(b"GET /workspaces/")
            self._held = self._held[whole:]
            reply = _FIT if is_look_up else self._reply(is_post=bool(found))
            if self._taken.delay_s:
                asyncio.get_running_loop().call_later(self._taken.delay_s, self._transport.write, reply)
            else:
                self._transport.write(reply)

    def _reply(self, *, is_post: bool) -> bytes:
        """A 202; to a GET how many there were."""
        if is_post:
            self._taken.total += 1
            return _ACCEPTED
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
