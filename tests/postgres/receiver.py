"""Takes messages as Bird would, and asks about each as it comes: was it written down before?"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(ThreadingHTTPServer):
    """`asked` gets each reference before it is answered."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, asked: Callable[[str], object], *, slow_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.asked = asked
        self.slow_s = slow_s
        self.arrived: Counter[str] = Counter()
        self.wrong: list[object] = []
        self.turn = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, reference: str) -> None:
        with self.turn:
            self.arrived[reference] += 1
        try:
            self.asked(reference)
        except Exception as error:  # noqa: BLE001 - the test shows it
            self.wrong.append(error)
        time.sleep(self.slow_s)  # what a reply takes

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left: the tests kill some."""


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.take(body["reference"])
        answer = b'{"id":"m-1"}'
        self.wfile.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def receiving(asked: Callable[[str], object] = lambda _: None, *, slow_s: float = 0.0) -> Iterator[Receiver]:
    with Receiver(asked, slow_s=slow_s) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()
