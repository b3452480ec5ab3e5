"""A server on raw sockets, in threads: it says byte for byte what its script says, and keeps every byte it was sent."""

import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

GIVE_UP_S = 30.0
_LOOK_UP = re.compile(rb"GET /workspaces/[^/ ]+/channels/[^/ ]+ ")


class Gone(Exception):
    """The other side has closed the connection, or the server is ending."""


@dataclass(frozen=True)
class Request:
    """A whole request; `number` counts from 1 in the order of arrival, over all connections."""

    number: int
    head: bytes
    body: bytes


class Line:
    """One connection from the server's side. `received` is all that came in on it."""

    def __init__(self, server: "RawServer", sock: socket.socket) -> None:
        self.received = b""
        self.number = 0
        self._server = server
        self._socket = sock
        self._read = 0

    def request(self) -> Request:
        """The next request; raises Gone where none comes any more."""
        head = self._take(self._until(b"\r\n\r\n"))
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0")  # a GET says none
        self._more_than(self._read + length - 1)
        return self._server.note(head, self._take(length))

    def unnoted_head(self) -> bytes:
        """The head of the next request, which is not counted; it has no body."""
        return self._take(self._until(b"\r\n\r\n"))

    def say(self, content: bytes) -> None:
        self._socket.sendall(content)

    def close(self) -> None:
        """FIN. The script ends with it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        raise Gone

    def reset(self) -> None:
        """RST. The script ends with it."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
        raise Gone

    def hang(self) -> None:
        """Says nothing until the other side goes."""
        self._more_than(1 << 40)

    def _until(self, mark: bytes) -> int:
        while (found := self.received.find(mark, self._read)) < 0:
            self._more_than(len(self.received))
        return found + len(mark) - self._read

    def _more_than(self, count: int) -> None:
        while len(self.received) <= count:
            block = self._socket.recv(65536)
            if not block:
                raise Gone
            self.received += block

    def _take(self, count: int) -> bytes:
        taken = self.received[self._read : self._read + count]
        self._read += count
        return taken

    def end(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


Script = Callable[[Line], None]


class RawServer:
    """Gives each connection to `script`, which may be changed between runs. A context manager.

    Before it is entered its port is taken, but refuses connections. A connection on which a channel is looked up is no
    business of the script's: it is answered by `look_up`, and neither among the lines nor the requests.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, look_up: "Script | None" = None) -> None:
        self.script = script
        self._look_up = look_up or looked_up
        self._looking: list[Line] = []
        self.requests: list[Request] = []
        self.lines: list[Line] = []
        self._news = threading.Condition()
        self._tls = tls
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._is_ending = False

    def __enter__(self) -> Self:
        self._listener.listen(128)
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_ending = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(GIVE_UP_S)
        for line in (*self.lines, *self._looking):
            line.end()
        for thread in self._threads[1:]:
            thread.join(GIVE_UP_S)

    @property
    def posted(self) -> list[Any]:
        """The requests' bodies, in the order of arrival."""
        return [json.loads(request.body) for request in self.requests]

    @property
    def references(self) -> list[str]:
        """One twice is a double."""
        return [body["reference"] for body in self.posted]

    @property
    def received(self) -> bytes:
        """Every byte of every connection."""
        return b"".join(line.received for line in self.lines)

    @property
    def looking(self) -> int:
        """How many connections came to look a channel up."""
        return len(self._looking)

    def note(self, head: bytes, body: bytes) -> Request:
        with self._news:
            request = Request(len(self.requests) + 1, head, body)
            self.requests.append(request)
            self._news.notify_all()
            return request

    def wait_for(self, requests: int) -> None:
        """Returns when so many requests have come, all in all."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.requests) >= requests, GIVE_UP_S), len(self.requests)

    def _accept(self) -> None:
        while not self._is_ending:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            line = Line(self, sock)
            is_open = threading.Event()
            thread = threading.Thread(target=self._serve, args=(line, sock, is_open))
            self._threads.append(thread)
            thread.start()
            is_open.wait(GIVE_UP_S)

    def _begin(self, line: Line, *, is_look_up: bool) -> None:
        if is_look_up:
            self._looking.append(line)
        else:
            self.lines.append(line)
            line.number = len(self.lines)

    def _serve(self, line: Line, sock: socket.socket, is_open: threading.Event) -> None:
        try:
            is_look_up = self._looks_up(sock)
            self._begin(line, is_look_up=is_look_up)
            is_open.set()
            if self._tls is not None:
                line._socket = self._tls.wrap_socket(sock, server_side=True)
            (self._look_up if is_look_up else self.script)(line)
        except (Gone, OSError):  # ssl.SSLError is one: the client may leave whenever it likes
            pass
        finally:
            is_open.set()
            line.end()
            sock.close()

    def _looks_up(self, sock: socket.socket) -> bool:
        """By the first bytes of it, which stay there to be read; over TLS nobody can tell."""
        return self._tls is None and _LOOK_UP.match(sock.recv(4096, socket.MSG_PEEK)) is not None


def looked_up(line: Line) -> None:
    """Says of every channel that it is fit."""
    while True:
        head = line.unnoted_head()
        line.say(reply("200 OK", json.dumps(fit_channel(head)).encode()))


def fit_channel(head: bytes) -> dict[str, Any]:
    """What Bird shows of the channel that is asked for."""
    mms = {"mms": {"status": "active", "paused": False}}
    return {
        "id": head.split(b" ")[1].rpartition(b"/")[2].decode(),
        "platformId": "sms-messagebird",
        "status": "active",
        "capabilities": {"messaging": {"messaging": {"outgoing": mms, "incoming": mms}}},
    }


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole reply with the right length."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


ACCEPTED = reply("202 Accepted", b'{"id":"m-1","status":"accepted"}')


def replying(*contents: bytes) -> Script:
    """The n-th request gets the n-th of these, all later ones the last. The connection stays open."""

    def script(line: Line) -> None:
        while True:
            request = line.request()
            line.say(contents[min(request.number, len(contents)) - 1])

    return script


def in_turn(*answers: Callable[[Line], None]) -> Script:
    """The n-th request gets the n-th of these, all later ones the last; each may close its connection."""

    def script(line: Line) -> None:
        while True:
            request = line.request()
            answers[min(request.number, len(answers)) - 1](line)

    return script


def says(content: bytes) -> Callable[[Line], None]:
    """For `in_turn`: says this and keeps the connection."""
    return lambda line: line.say(content)


def says_and_closes(content: bytes) -> Callable[[Line], None]:
    def answer(line: Line) -> None:
        line.say(content)
        line.close()

    return answer


def says_and_resets(content: bytes) -> Callable[[Line], None]:
    def answer(line: Line) -> None:
        line.say(content)
        line.reset()

    return answer


def says_when(event: threading.Event, content: bytes) -> Callable[[Line], None]:
    """Says this as soon as the event is set."""

    def answer(line: Line) -> None:
        event.wait()
        line.say(content)

    return answer


def says_late(content: bytes, delay_s: float) -> Callable[[Line], None]:
    def answer(line: Line) -> None:
        time.sleep(delay_s)
        line.say(content)

    return answer
