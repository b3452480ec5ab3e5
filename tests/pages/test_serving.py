"""Who gets the live page: a browser on this machine that knows its address, and nobody else."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import pytest

from tests.conftest import MANIFEST, Project

from .previews import previewing

pytestmark = pytest.mark.xdist_group("served")  # one server for all


class Asked:
    """One request, as it is written here."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str], method: str = "GET") -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            reply = connection.getresponse()
            self.status, self.headers = reply.status, dict(reply.getheaders())
            self.text = reply.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """Its port, and the path that holds the token."""
    project = Project(tmp_path_factory.mktemp("served"))
    project.write("hello.yaml", MANIFEST)
    project.people(3)
    with previewing() as previews:
        parts = urlsplit(previews.start(project, "hello.yaml"))
        assert (parts.hostname, parts.port is None) == ("127.0.0.1", False)
        port = parts.port or 0
        while "bubble" not in Asked(port, parts.path, {"Host": f"127.0.0.1:{port}"}).text:
            pass  # it composes
        yield port, parts.path


def test_whoever_knows_the_address_sees_the_page(served: tuple[int, str]) -> None:
    port, path = served
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        asked = Asked(port, path, {"Host": host})
        assert asked.status == 200
        assert asked.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "hello" in asked.text
        policy = asked.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert asked.headers["Cache-Control"] == "no-store"
        assert asked.headers["Referrer-Policy"] == "no-referrer"
    assert len(path) > 40


def test_without_the_token_nothing_is_there(served: tuple[int, str]) -> None:
    port, path = served
    wrong = f"{path[:-2]}{'A' if path[-2] != 'A' else 'B'}/"
    for asked in (
        "/",
        "/favicon.ico",
        "/look.css",
        "/parts",
        wrong,
        f"{wrong}parts",
        path[:-6],
        "/../",
        f"/x{path}",
        "//",
    ):
        assert Asked(port, asked, {"Host": f"127.0.0.1:{port}"}).status == 404, asked


@pytest.mark.parametrize(
    "name", ["preview.py", "../look.py", "%2e%2e/look.css", "parts/", "look.css/", "elements.py", "x"]
)
def test_with_the_token_there_is_the_page_and_no_other_file(served: tuple[int, str], name: str) -> None:
    port, path = served
    assert Asked(port, f"{path}{name}", {"Host": f"127.0.0.1:{port}"}).status == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}", "[::1]:{port}", ""]
)
def test_a_name_that_somebody_points_at_this_machine_gets_nothing(served: tuple[int, str], host: str) -> None:
    """DNS rebinding: the browser would send their name."""
    port, path = served
    assert Asked(port, path, {"Host": host.format(port=port)}).status in (400, 403)


def test_two_hosts_are_none(served: tuple[int, str]) -> None:
    port, path = served
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n".encode())
        assert line.recv(4096).split(b"\r\n")[0].split()[1] in (b"400", b"403")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_another_sites_page_gets_nothing(served: tuple[int, str], headers: dict[str, str]) -> None:
    port, path = served
    assert Asked(port, f"{path}parts", {"Host": f"127.0.0.1:{port}", **headers}).status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_it_is_only_looked_at(served: tuple[int, str], method: str) -> None:
    port, path = served
    asked = Asked(port, path, {"Host": f"127.0.0.1:{port}"}, method)
    assert asked.status == 405
    assert asked.headers["Allow"] == "GET, HEAD"


def test_strange_queries_are_no_reason_to_fail(served: tuple[int, str]) -> None:
    port, path = served
    host = {"Host": f"127.0.0.1:{port}"}
    for query in (
        "page=-1",
        "page=" + "9" * 400,
        "page=%c2%b2",
        "row=%ff%00",
        "only=x&message=nobody",
        "q=%ed%a0%80&q=%00",
        "q=" + "x" * 5000,
    ):
        asked = Asked(port, f"{path}parts?{query}", host)
        assert asked.status == 200, query
        assert "bubble" in json.loads(asked.text)["stage"]


def test_it_listens_on_loopback_alone(served: tuple[int, str]) -> None:
    port, _ = served
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, type=socket.SOCK_STREAM)}
    for address in others - {"127.0.0.1", "127.0.1.1", "::1"}:
        with pytest.raises(OSError), socket.create_connection((str(address), port), timeout=5):  # noqa: PT011
            pass
