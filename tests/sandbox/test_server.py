"""The server: loopback only, started and stopped, fast enough not to be waited for."""

import asyncio
import json
import socket

import aiohttp
import pytest

from runner.sandbox.limits import Limits
from runner.sandbox.server import Sandbox, loopback_address, run_sandbox

from .asking import KEY, PATH, asking, sms


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.0.2.1", "example.com", "", "127.0.0.1.example.com", "fe80::1"],  # refused
)
async def test_nothing_but_loopback_is_bound(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        await Sandbox().start(host)


@pytest.mark.parametrize(
    ("host", "address"),
    [("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("127.9.9.9", "127.9.9.9"), ("::1", "::1")],
)
def test_loopback_has_several_names(host: str, address: str) -> None:
    assert loopback_address(host) == address


async def test_there_is_no_address_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="before start"):
        _ = Sandbox().url


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await Sandbox().start(port=taken.getsockname()[1])


async def test_it_starts_again_with_what_it_held() -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        await asker.post(sms("before"))
        port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as session:
            await session.get(f"http://127.0.0.1:{port}{PATH}", headers=KEY)
    await sandbox.start(port=port)
    try:
        async with aiohttp.ClientSession() as session, session.get(sandbox.url + PATH, headers=KEY) as reply:
            listed = (await reply.json())["results"]
    finally:
        await sandbox.stop()
    assert [message["reference"] for message in listed] == ["before"]


async def test_the_address_of_ipv6_is_written_in_brackets() -> None:
    sandbox = Sandbox()
    try:
        await sandbox.start("::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    async with aiohttp.ClientSession() as session, session.get(sandbox.url + PATH, headers=KEY) as reply:
        assert reply.status == 200
    assert sandbox.url.startswith("http://[::1]:")
    await sandbox.stop()


async def test_run_sandbox_serves_until_it_is_cancelled() -> None:
    sandbox, addresses = Sandbox(), asyncio.Queue[str]()
    task = asyncio.create_task(run_sandbox(sandbox, ready=addresses.put_nowait))
    url = await asyncio.wait_for(addresses.get(), 5)
    async with aiohttp.ClientSession() as session:
        async with session.post(url + PATH, json=sms("r"), headers=KEY) as reply:
            assert reply.status == 202
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(aiohttp.ClientError):
            await session.post(url + PATH, json=sms("r"), headers=KEY)
    assert len(sandbox.record.taken) == 1


async def test_a_connection_is_kept() -> None:
    async with asking(Sandbox()) as asker:
        host, port = asker.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(2):
            writer.write(f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: AccessKey k\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            await reader.readexactly(len(b'{"results":[]}'))
        writer.close()


@pytest.mark.parametrize(
    ("host", "status"), [("evil.example", 403), ("evil.example:80", 403), ("LOCALHOST:1", 200), ("[::1]:1", 200)]
)
async def test_a_name_that_is_not_loopbacks_reads_no_record(host: str, status: int) -> None:
    async with asking(Sandbox()) as asker:
        answer = await asker.get_as({"Host": host}, "/_sandbox/summary")
    assert answer.status == status


async def test_a_thousand_posts_over_many_connections_are_each_recorded_once() -> None:
    sandbox = Sandbox(limits=Limits(post_per_s=None))
    async with asking(sandbox) as asker:
        waiting = iter(range(1000))

        async def send() -> None:
            for n in waiting:
                assert (await asker.post(sms(f"r{n}"))).status == 202

        await asyncio.gather(*(send() for _ in range(64)))
    arrivals = sandbox.record.arrivals
    assert [arrival.n for arrival in sorted(arrivals, key=lambda arrival: arrival.n)] == list(range(1, 1001))
    assert {arrival.reference for arrival in arrivals} == {f"r{n}" for n in range(1000)}
    assert len({arrival.message_id for arrival in arrivals}) == len(arrivals) == len(sandbox.messages)
    assert json.loads(json.dumps(sandbox.record.summary()))["references"] == 1000


async def test_a_post_that_breaks_off_halfway_is_not_a_message(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        host, port = asker.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: AccessKey k\r\nContent-Length: 500\r\n\r\n"
        writer.write(head.encode() + b'{"receiver":')
        await writer.drain()
        writer.close()
        await asker.post(sms("whole"))
    assert [arrival.reference for arrival in sandbox.record.arrivals] == ["whole"]
    assert caplog.text == ""
