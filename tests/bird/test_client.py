import asyncio
import gc
import gzip
import json
import socket
import ssl
import subprocess
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import client_exceptions, connector, http_exceptions

from runner import __version__
from runner.bird import client as client_module
from runner.bird.client import BirdClient, Timeouts, proof
from runner.bird.replies import NoConnection, Reply, ReplyLost
from runner.bird.requests import AccessKey

from .peer import ACCEPTED, CHANNEL, PATH, Call, Peer, Script, reply, saying, saying_and_closing, serving

SECRET = "k3y-that-nobody-may-see"
BODY = b'{"body":{"text":{"text":"Hi"},"type":"text"}}'
QUICK = Timeouts(connect_s=0.5, reply_s=0.3)


def client(url: str, timeouts: Timeouts = QUICK, concurrency: int = 4) -> BirdClient:
    return BirdClient(url, AccessKey(SECRET), concurrency=concurrency, timeouts=timeouts)


async def post_to(script: Script, timeouts: Timeouts = QUICK) -> tuple[Reply | NoConnection | ReplyLost, Peer]:
    """One POST to such a server: the reply or what was raised, and what the server saw."""
    async with serving(script) as peer, client(peer.url, timeouts) as bird:
        try:
            return await bird.post(CHANNEL, BODY), peer
        except (NoConnection, ReplyLost) as error:
            return error, peer


async def test_a_request_is_posted_whole_with_exactly_these_headers() -> None:
    got, peer = await post_to(saying(ACCEPTED))
    assert got == Reply(status=202, retry_after=None, body=b'{"id":"m-1"}')
    assert peer.bodies == [BODY]
    first, *lines = peer.heads[0].decode().strip().split("\r\n")
    assert first == f"POST {PATH} HTTP/1.1"
    assert dict(line.split(": ", 1) for line in lines) == {
        "Host": f"127.0.0.1:{peer.port}",
        "Authorization": f"AccessKey {SECRET}",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Content-Length": str(len(BODY)),
        "User-Agent": f"flypast/{__version__}",
    }


async def test_the_status_and_retry_after_are_handed_on() -> None:
    got, _ = await post_to(saying(reply("429 Too Many Requests", b"", "Retry-After: 7")))
    assert got == Reply(status=429, retry_after="7", body=b"")


async def test_a_batch_is_posted_to_its_own_path_with_each_request_byte_by_byte() -> None:
    bodies = [BODY, b'{"a":"\xc3\xa9"}', BODY]
    async with serving(saying(reply("202 Accepted", b'{"id":"b-1"}'))) as peer, client(peer.url) as bird:
        got = await bird.post_batch(CHANNEL, bodies)
        await bird.post(CHANNEL, BODY)
    assert got == Reply(status=202, retry_after=None, body=b'{"id":"b-1"}')
    assert peer.bodies == [b'{"messageRequests":[%b,%b,%b]}' % tuple(bodies), BODY]
    batch_path = PATH.replace("/messages", "/batch/messages")
    assert [head.split(b" ")[1].decode() for head in peer.heads] == [batch_path, PATH]
    assert peer.connections == 1


async def test_a_long_reply_to_a_batch_leaves_the_connection_usable() -> None:
    """A hundred messages, if Bird shows them; one that is longer still is cut, and the status line stands."""
    for length, body, connections in ((1024 * 1024, b" " * 1024 * 1024, 1), (1024 * 1024 + 1, None, 2)):
        script = saying(reply("202 Accepted", b" " * length))
        async with serving(script) as peer, client(peer.url, Timeouts(reply_s=5.0)) as bird:
            for _ in range(2):
                assert await bird.post_batch(CHANNEL, [BODY]) == Reply(status=202, retry_after=None, body=body)
        assert peer.connections == connections


# After a connection was acquired nothing but a parsed head proves anything.


async def close_at_once(_: Call) -> None:
    return


async def close_after_the_head(call: Call) -> None:
    await call.head()


async def close_after_the_body(call: Call) -> None:
    await call.request()


async def reset_at_once(call: Call) -> None:
    call.reset()


async def reset_after_the_body(call: Call) -> None:
    await call.request()
    call.reset()


async def hang(call: Call) -> None:
    await call.request()
    await asyncio.sleep(60)


async def never_read(_: Call) -> None:
    await asyncio.sleep(60)


async def drip_the_head(call: Call) -> None:
    await call.request()
    await call.drip(ACCEPTED * 10)


async def flood_with_1xx(call: Call) -> None:
    await call.request()
    while True:
        await call.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.01)


LOST: list[Script] = [
    close_at_once,
    close_after_the_head,
    close_after_the_body,
    reset_at_once,
    reset_after_the_body,
    hang,
    never_read,
    drip_the_head,
    flood_with_1xx,
]
GARBLED = {
    "cut in the status line": b"HTTP/1.1 20",
    "cut in the headers": b"HTTP/1.1 202 Accepted\r\nContent-Le",
    "cut before the blank line": b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n",
    "bad status line": b"Bad status line\r\n\r\n",
    "no HTTP": b"220 smtp.example ESMTP\r\n",
    "two lengths": b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}{}{}",
    "a header of 20 KB": b"HTTP/1.1 202 Accepted\r\nX: " + b"x" * 20_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "5,000 headers": b"HTTP/1.1 202 Accepted\r\n" + b"X: y\r\n" * 5_000 + b"Content-Length: 2\r\n\r\n{}",
    "a status of four digits": b"HTTP/1.1 2020 Accepted\r\nContent-Length: 2\r\n\r\n{}",
    "a length that is none": b"HTTP/1.1 202 Accepted\r\nContent-Length: two\r\n\r\n{}",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("script", LOST, ids=lambda script: script.__name__)
async def test_a_connection_that_breaks_or_hangs_leaves_the_reply_lost(script: Script) -> None:
    started_s = time.monotonic()
    got, peer = await post_to(script)
    assert isinstance(got, ReplyLost)
    assert got.words
    assert peer.connections == 1  # and it is not tried again
    assert time.monotonic() - started_s < 3


@pytest.mark.parametrize("content", GARBLED.values(), ids=GARBLED.keys())
async def test_a_garbled_reply_is_lost_and_not_a_400(content: bytes) -> None:
    got, peer = await post_to(saying_and_closing(content))
    assert isinstance(got, ReplyLost)
    assert len(peer.bodies) == 1


async def test_every_cut_of_a_good_reply_is_lost_until_its_head_is_whole() -> None:
    head = ACCEPTED.index(b"\r\n\r\n") + 4
    cut = 0

    async def cutting(call: Call) -> None:
        await call.request()
        await call.say(ACCEPTED[:cut])

    async with serving(cutting) as peer, client(peer.url) as bird:
        for cut in range(len(ACCEPTED) + 1):
            try:
                got = await bird.post(CHANNEL, BODY)
            except ReplyLost:
                assert cut < head
            else:
                assert cut >= head
                assert got.body == (b'{"id":"m-1"}' if cut == len(ACCEPTED) else None)
        assert len(peer.bodies) == len(ACCEPTED) + 1


# Once the head has parsed, the reply stands.


async def drip_the_body(call: Call) -> None:
    await call.request()
    await call.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n")
    await call.drip(b"x" * 1000)


async def never_end_the_body(call: Call) -> None:
    await call.request()
    await call.say(b"HTTP/1.1 202 Accepted\r\n\r\n{")
    await asyncio.sleep(60)


async def break_the_chunks(call: Call) -> None:
    await call.request()
    await call.say(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    await asyncio.sleep(0.05)
    await call.say(b"no chunk\r\n")


async def break_the_chunks_at_once(call: Call) -> None:
    await call.request()
    await call.say(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nno chunk\r\n")


async def pour_without_end(call: Call) -> None:
    await call.request()
    await call.say(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await call.say(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


CUT: dict[str, Script] = {
    "5 bytes of 100": saying_and_closing(b'HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{"id"'),
    "longer than 64 KiB": saying(reply("202 Accepted", b" " * 65_537)),
    "dripping": drip_the_body,
    "without end": never_end_the_body,
    "broken chunks": break_the_chunks,
    "chunks without end": pour_without_end,
    "a terabyte announced": saying_and_closing(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1099511627776\r\n\r\n{}"),
    "gzip": saying(reply("202 Accepted", gzip.compress(b'{"id":"m-1"}'), "Content-Encoding: gzip")),
    "an unknown encoding": saying(reply("202 Accepted", b"{}", "Content-Encoding: rot13")),
}


@pytest.mark.parametrize("script", CUT.values(), ids=CUT.keys())
async def test_after_the_head_trouble_with_the_body_makes_that_unknown(script: Script) -> None:
    got, _ = await post_to(script)
    assert got == Reply(status=202, retry_after=None, body=None)


async def test_a_head_stands_though_garbage_came_in_the_same_packet() -> None:
    got, _ = await post_to(break_the_chunks_at_once)
    assert got == Reply(status=202, retry_after=None, body=None)


async def test_a_server_that_repeats_the_key_does_not_bring_it_into_a_reply() -> None:
    said = json.dumps({"message": f"unknown key {SECRET}"}).encode()
    got, _ = await post_to(saying(reply("401 Unauthorized", said)))
    assert got == Reply(status=401, retry_after=None, body=b'{"message": "unknown key ***"}')


async def test_a_body_of_exactly_64_kib_is_read() -> None:
    got, _ = await post_to(saying(reply("202 Accepted", b" " * 65_536)))
    assert isinstance(got, Reply)
    assert got.body == b" " * 65_536


async def test_the_time_for_a_reply_is_one_for_head_and_body() -> None:
    async def slow_twice(call: Call) -> None:
        await call.request()
        await asyncio.sleep(0.25)
        await call.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n")
        await asyncio.sleep(0.5)
        await call.say(b"{}")

    got, _ = await post_to(slow_twice, Timeouts(reply_s=0.5))
    assert got == Reply(status=202, retry_after=None, body=None)
    got, _ = await post_to(slow_twice, Timeouts(reply_s=5))
    assert got == Reply(status=202, retry_after=None, body=b"{}")


async def test_a_gzip_bomb_stays_as_small_as_it_came() -> None:
    bomb = gzip.compress(b"\0" * 200 * 1024 * 1024, compresslevel=9)
    async with (
        serving(saying(reply("202 Accepted", bomb, "Content-Encoding: gzip"))) as peer,
        client(peer.url, Timeouts()) as bird,
    ):
        gc.collect()
        tracemalloc.start()
        got = await bird.post(CHANNEL, BODY)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert got == Reply(status=202, retry_after=None, body=None)
    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed_and_the_other_host_sees_no_byte(status: str) -> None:
    async with serving(saying(ACCEPTED)) as other:
        got, _ = await post_to(saying(reply(status, b"", f"Location: {other.url}{PATH}")))
    assert isinstance(got, Reply)
    assert got.status == int(status[:3])
    assert other.connections == 0


async def test_cookies_are_not_kept() -> None:
    async with serving(saying(reply("202 Accepted", b"{}", "Set-Cookie: a=b"))) as peer, client(peer.url) as bird:
        await bird.post(CHANNEL, BODY)
        await bird.post(CHANNEL, BODY)
    assert len(peer.heads) == 2
    assert b"cookie" not in peer.heads[1].lower()


async def test_no_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    got, peer = await post_to(saying(ACCEPTED))
    assert isinstance(got, Reply)
    assert peer.connections == 1


# Connections that are kept.


async def test_a_connection_is_used_again_while_it_is_young() -> None:
    async with serving(saying(ACCEPTED)) as peer, client(peer.url) as bird:
        for _ in range(3):
            await bird.post(CHANNEL, BODY)
    assert peer.connections == 1


async def test_a_connection_that_was_idle_for_too_long_is_not_used_again() -> None:
    timeouts = Timeouts(connect_s=0.5, reply_s=0.5, idle_s=0.05)
    async with serving(saying(ACCEPTED)) as peer, client(peer.url, timeouts) as bird:
        await bird.post(CHANNEL, BODY)
        await asyncio.sleep(0.1)
        await bird.post(CHANNEL, BODY)
    assert peer.connections == 2


async def test_a_post_on_a_connection_that_the_server_closes_is_not_sent_again() -> None:
    async def one_then_close(call: Call) -> None:
        await call.request()
        await call.say(ACCEPTED)
        await call.request()  # the second is read, perhaps acted on, and never answered

    async with serving(one_then_close) as peer, client(peer.url) as bird:
        await bird.post(CHANNEL, BODY)
        with pytest.raises(ReplyLost):
            await bird.post(CHANNEL, BODY)
    assert len(peer.bodies) == 2
    assert peer.connections == 1


async def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced() -> None:
    async with serving(saying_and_closing(ACCEPTED)) as peer, client(peer.url) as bird:
        await bird.post(CHANNEL, BODY)
        await asyncio.sleep(0.05)
        await bird.post(CHANNEL, BODY)
    assert peer.connections == 2


@pytest.mark.parametrize("stray", ["429 Too Many Requests", "202 Accepted", "408 Request Timeout"])
async def test_a_stray_reply_on_an_idle_connection_answers_nobodys_request(stray: str) -> None:
    has_strayed = asyncio.Event()

    async def straying(call: Call) -> None:
        is_first = call.peer.connections == 1
        await call.request()
        await call.say(ACCEPTED)
        if is_first:
            await asyncio.sleep(0.05)
            await call.say(reply(stray, b'{"id":"stray"}'))
            has_strayed.set()
        await call.request()

    async with serving(straying) as peer, client(peer.url) as bird:
        await bird.post(CHANNEL, BODY)
        await has_strayed.wait()
        await asyncio.sleep(0.05)
        got = await bird.post(CHANNEL, BODY)
    assert got == Reply(status=202, retry_after=None, body=b'{"id":"m-1"}')
    assert peer.connections == 2


async def test_there_are_never_more_connections_than_wanted() -> None:
    async def slowly(call: Call) -> None:
        while True:
            await call.request()
            await asyncio.sleep(0.01)
            await call.say(ACCEPTED)

    async with serving(slowly) as peer, client(peer.url, Timeouts(), concurrency=3) as bird:
        await asyncio.gather(*(bird.post(CHANNEL, BODY) for _ in range(12)))
    assert peer.connections == 3
    assert len(peer.bodies) == 12


# No connection: proven not sent.


async def no_connection(url: str, timeouts: Timeouts = QUICK) -> NoConnection:
    async with client(url, timeouts) as bird:
        with pytest.raises(NoConnection) as caught:
            await bird.post(CHANNEL, BODY)
    return caught.value


async def test_a_refused_port_is_no_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = await no_connection(f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert "Connection refused" in error.words
    assert not error.is_certificate


async def test_a_name_without_an_address_is_no_connection() -> None:
    error = await no_connection("https://name.invalid", Timeouts(connect_s=10))
    assert "name.invalid" in error.words


async def test_tls_against_a_plain_server_is_no_connection() -> None:
    async with serving(saying_and_closing(ACCEPTED)) as peer:
        error = await no_connection(peer.url.replace("http:", "https:"), Timeouts(connect_s=0.3))
    assert not error.is_certificate
    assert peer.heads == []


async def test_a_tls_handshake_that_never_ends_is_no_connection() -> None:
    async with serving(never_read) as peer:
        error = await no_connection(peer.url.replace("http:", "https:"), Timeouts(connect_s=0.2))
    assert "in time" in error.words


async def test_waiting_too_long_for_a_free_connection_is_no_connection() -> None:
    async with serving(never_read) as peer, client(peer.url, Timeouts(connect_s=0.1, reply_s=2), concurrency=1) as bird:
        first = asyncio.create_task(bird.post(CHANNEL, BODY))
        await asyncio.sleep(0.02)
        with pytest.raises(NoConnection):
            await bird.post(CHANNEL, BODY)
        first.cancel()
        await asyncio.wait([first])


@pytest.fixture(scope="module")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    what = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*make, *what, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def self_signed(tls_files: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls_files)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_no_connection_and_says_so(self_signed: ssl.SSLContext) -> None:
    async with serving(saying(ACCEPTED), tls=self_signed) as peer:
        error = await no_connection(peer.url, Timeouts())
    assert error.is_certificate
    assert "certificate" in error.words
    assert peer.heads == []


async def test_a_server_that_talks_before_it_is_asked_gets_no_request(
    tls_files: tuple[Path, Path], self_signed: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector, "_SSL_CONTEXT_VERIFIED", ssl.create_default_context(cafile=tls_files[0]))
    self_signed.maximum_version = ssl.TLSVersion.TLSv1_2  # its server ends the handshake, and may talk right away

    async def talking(call: Call) -> None:
        await call.say(ACCEPTED)
        await call.request()

    async with serving(talking, tls=self_signed) as peer, client(peer.url, Timeouts(), concurrency=1) as bird:
        with pytest.raises(ReplyLost):  # there was a connection, so that nothing is proven
            await bird.post(CHANNEL, BODY)
    assert (peer.connections, peer.heads) == (2, [])


# One place maps aiohttp's exceptions.


def tree(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


ALL: list[type[Exception]] = sorted(
    {
        *tree(aiohttp.ClientError),
        *tree(http_exceptions.HttpProcessingError),
        TimeoutError,
        ConnectionResetError,
        OSError,
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_each_exception_of_aiohttp_proves_either_no_connection_or_nothing(kind: type[Exception]) -> None:
    unconnected = proof(kind.__new__(kind), host="api.example", is_connected=False)
    is_connecting = issubclass(kind, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    assert isinstance(unconnected, NoConnection) == is_connecting
    assert isinstance(proof(kind.__new__(kind), host="api.example", is_connected=True), ReplyLost)
    assert unconnected.words
    assert issubclass(kind, client_module._TROUBLE)


def test_the_exceptions_that_prove_no_connection_are_these() -> None:
    proving = {
        kind.__name__
        for kind in ALL
        if kind.__module__.startswith("aiohttp")
        and isinstance(proof(kind.__new__(kind), host="h", is_connected=False), NoConnection)
    }
    assert proving == {
        "ClientConnectorError",
        "ClientConnectorDNSError",
        "ClientProxyConnectionError",
        "UnixClientConnectorError",
        "ClientSSLError",
        "ClientConnectorSSLError",
        "ClientConnectorCertificateError",
        "ConnectionTimeoutError",
    }


def test_no_exception_of_aiohttps_client_is_outside_the_map() -> None:
    named = (getattr(client_exceptions, name) for name in client_exceptions.__all__)
    outside = {kind.__name__ for kind in named if not issubclass(kind, client_module._TROUBLE)}
    assert outside == {"WSMessageTypeError"}  # websockets are not used


# The key.


def everything_about(error: BaseException) -> str:
    told = []
    link: BaseException | None = error
    while link is not None:
        told.append(f"{link!r} {link} {link.args!r} {vars(link)!r}")
        link = link.__cause__ or link.__context__
    return " ".join(told)


@pytest.mark.parametrize("content", [b"garbled\r\n\r\n", b"", b"HTTP/1.1 202 OK\r\nContent-Length: x\r\n\r\n"])
async def test_the_key_is_in_no_exception(content: bytes) -> None:
    got, peer = await post_to(saying_and_closing(content))
    assert isinstance(got, ReplyLost)
    assert SECRET.encode() in peer.heads[0]  # or the test proves nothing
    assert SECRET not in everything_about(got)


async def test_the_key_is_in_no_repr_of_the_client() -> None:
    async with client("http://127.0.0.1:9") as bird:
        assert SECRET not in repr(bird)
        assert "127.0.0.1:9" in repr(bird)


async def test_posting_outside_the_context_is_a_mistake_of_ours() -> None:
    with pytest.raises(RuntimeError):
        await client("http://127.0.0.1:9").post(CHANNEL, BODY)


async def test_what_may_not_be_posted_any_more_when_it_has_its_connection_is_not_sent() -> None:
    answers = iter([True, False, True])
    async with (
        serving(saying(ACCEPTED)) as peer,
        BirdClient(peer.url, AccessKey(SECRET), concurrency=1, timeouts=QUICK, may_post=lambda: next(answers)) as bird,
    ):
        await bird.post(CHANNEL, BODY)
        with pytest.raises(NoConnection, match="too late to post it"):
            await bird.post(CHANNEL, BODY)
        await bird.post(CHANNEL, BODY)
        assert len(peer.bodies) == len(peer.heads) == 2


async def test_who_only_looks_is_not_asked_whether_it_may_post() -> None:
    async with (
        serving(saying(reply("200 OK", b"{}"))) as peer,
        BirdClient(peer.url, AccessKey(SECRET), concurrency=1, timeouts=QUICK, may_post=lambda: False) as bird,
    ):
        assert (await bird.look("/workspaces", {})).status == 200
