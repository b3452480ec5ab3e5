"""What `send` is held against: loops that post constant bytes and do nothing else. No ledger, no checks, no pace.

    python -m benchmarks.bare CLIENT MESSAGES CONCURRENCY URL

prints CPU in microseconds a message, and messages a second. CLIENT: asyncio or uvloop (aiohttp on it), or requests.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from yarl import URL

BODY = (
    b'{"body":{"text":{"text":"Hi Ada, order A0000001 from Acme waits for you in Town 1."},"type":"text"},"receiver":'
    b'{"contacts":[{"identifierKey":"phonenumber","identifierValue":"+12005550101"}]},"reference":"fp1.AAAA"}'
)
HEADERS = {"Authorization": "AccessKey bench-key", "Content-Type": "application/json", "Accept": "application/json"}
PATH = "/workspaces/5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11/channels/3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22/messages"


def main() -> None:
    client, messages, concurrency, url = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    run = {"asyncio": on_asyncio, "uvloop": on_uvloop, "requests": with_requests}[client]
    print(*measured(lambda: run(url + PATH, messages, concurrency), messages))


def measured(run: Callable[[], None], messages: int) -> tuple[float, float]:
    before, started_s = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    run()
    wall_s, after = time.perf_counter() - started_s, resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu_s / messages * 1e6, messages / wall_s


def on_asyncio(url: str, messages: int, concurrency: int) -> None:
    asyncio.run(_post_all(url, messages, concurrency))


def on_uvloop(url: str, messages: int, concurrency: int) -> None:
    import uvloop  # noqa: PLC0415 - an extra

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_post_all(url, messages, concurrency))


async def _post_all(url: str, messages: int, concurrency: int) -> None:
    """aiohttp as well tuned as its public settings allow."""
    left, target = iter(range(messages)), URL(url, encoded=True)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency),
        headers=HEADERS,
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    ) as session:

        async def work() -> None:
            for _ in left:
                reply = await session.post(target, data=BODY, allow_redirects=False)
                if reply.status != 202 or not await reply.read():
                    raise RuntimeError(f"HTTP {reply.status}")

        await asyncio.gather(*(work() for _ in range(concurrency)))


def with_requests(url: str, messages: int, concurrency: int) -> None:
    """What a script does."""
    import requests  # noqa: PLC0415 - installed for this alone

    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=concurrency))
    session.headers.update(HEADERS)

    def post(_: int) -> None:
        reply = session.post(url, data=BODY)
        if reply.status_code != 202 or not reply.content:
            raise RuntimeError(f"HTTP {reply.status_code}")

    with ThreadPoolExecutor(concurrency) as pool:
        for _ in pool.map(post, range(messages)):
            pass


if __name__ == "__main__":
    main()
