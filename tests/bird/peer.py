"""A server on loopback that says, byte for byte, what its script tells it to: what no well-behaved server would."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from runner.model import Channel

CHANNEL = Channel(
    name="sms-us",
    workspace_id="5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11",
    channel_id="3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22",
)
PATH = f"/workspaces/{CHANNEL.workspace_id}/channels/{CHANNEL.channel_id}/messages"


def reply(status: str, body: bytes = b"", *extra: str) -> bytes:
    """A whole reply with the right length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *extra, "", ""]
    return "\r\n".join(lines).encode() + body


ACCEPTED = reply("202 Accepted", b'{"id":"m-1"}')


class Call:
    """One connection from the server's side."""

    def __init__(self, peer: "Peer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peer = peer
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        """The request's head; the request counts from here on."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.peer.heads.append(head)
        return head

    async def request(self) -> bytes:
        """The whole request: its body."""
        head = (await self.head()).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")  # a GET says none
        body = await self.reader.readexactly(length)
        self.peer.bodies.append(body)
        return body

    async def say(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def drip(self, content: bytes, every_s: float = 0.02) -> None:
        for byte in content:
            await self.say(bytes([byte]))
            await asyncio.sleep(every_s)

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Call], Awaitable[None]]


class Peer:
    """What a server saw: `heads` and `bodies` of requests, and how many connections."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.bytes_seen = 0


@asynccontextmanager
async def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Each connection is given to the script and closed when that returns."""
    peer = Peer()
    calls: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.connections += 1
        task = asyncio.current_task()
        assert task is not None
        calls.add(task)
        # The client may be gone at any time, and the test may be over: neither is this server's trouble.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            await script(Call(peer, reader, writer))
        calls.discard(task)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    peer.url = f"{'https' if tls else 'http'}://127.0.0.1:{peer.port}"
    try:
        yield peer
    finally:
        server.close()
        for task in tuple(calls):
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


def saying(content: bytes) -> Script:
    """Answers every request on a connection with the same bytes, and keeps it open."""

    async def script(call: Call) -> None:
        while True:
            await call.request()
            await call.say(content)

    return script


def saying_and_closing(content: bytes) -> Script:
    async def script(call: Call) -> None:
        await call.request()
        await call.say(content)

    return script
