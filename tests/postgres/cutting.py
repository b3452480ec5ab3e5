"""A wire to the server that breaks where a test says: before or after a message of the client's, or into silence."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

How = Literal["before", "after", "silence"]


class Wire:
    """Passes connections on to a port. What the client says is counted: psycopg sends each request in one piece.

    `before`: the connection is cut and the message is lost. `after`: the server gets it, and its answer is lost.
    `silence`: the server gets it, no answer comes, and the connection stays. `heard` gets each before the server does.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.said = 0
        self.is_open = True
        self.heard: Callable[[bytes], object] = lambda _: None
        self._cut: tuple[int, How] | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, url: str) -> str:
        """That of a database, by this wire."""
        head, _, name = url.rpartition("/")
        return f"{head.rpartition(':')[0]}:{self.port}/{name}"

    def cut(self, messages: int, how: How) -> None:
        """At so many messages from now: 1 is the next."""
        self._cut = (self.said + messages, how)

    def cut_now(self) -> None:
        for pair in self._pairs:
            _end(*pair)
        self._pairs.clear()

    def close(self) -> None:
        self.is_open = False
        self._listener.close()
        self.cut_now()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self.is_open:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._to))
                self._pairs.append((client, server))
                is_mute = threading.Event()
                threading.Thread(target=self._hear, args=(client, server, is_mute), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client, is_mute), daemon=True).start()

    def _hear(self, client: socket.socket, server: socket.socket, is_mute: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 20):
                self.said += 1
                self.heard(data)
                how = self._cut[1] if self._cut is not None and self._cut[0] == self.said else None
                if how == "before":
                    break
                if how is not None:
                    is_mute.set()
                server.sendall(data)
                if how == "after":
                    server.shutdown(socket.SHUT_WR)  # what was said is heard to its end
                    client.shutdown(socket.SHUT_RDWR)
                    return
        _end(client, server)

    def _answer(self, server: socket.socket, client: socket.socket, is_mute: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 20):
                if not is_mute.is_set():
                    client.sendall(data)
        if not is_mute.is_set():
            _end(client, server)


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
