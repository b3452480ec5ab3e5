"""Endings that HTTP knows nothing of: written on the connection itself, past aiohttp."""

import asyncio
import socket
import struct

from aiohttp import web

from .replies import Reply

_LINGER_0 = struct.pack("ii", 1, 0)


def whole(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.encoded(), content_type="application/json", headers=dict(reply.headers)
    )


def reset(transport: asyncio.Transport) -> None:
    """Ends the connection with a TCP RST: without the linger of zero, the peer would see an orderly end."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
    transport.abort()


def garble(transport: asyncio.Transport) -> None:
    transport.write(b"HTTP/1.1 2o2 Acc\xefpted\r\nContent-Length: 2\r\n\r\n{}")
    transport.close()


def cut(transport: asyncio.Transport, reply: Reply) -> None:
    """Sends the head and half of the body that the head promises, then closes."""
    body = reply.encoded()
    head = f"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    transport.write(head.encode() + body[: len(body) // 2])
    transport.close()
