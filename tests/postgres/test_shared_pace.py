"""Several processes that keep to one pace, on a real server."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from runner.delivery.clock import SystemClock
from runner.delivery.gate import SharedGate
from runner.delivery.retry import Throttling
from runner.delivery.shared_pace import SharedPace
from runner.errors import LedgerFault
from runner.ledger.paces import Limit
from runner.model import Rate
from tests.conftest import KEY, MANIFEST, Project, Serve
from tests.delivery.wire import CHANNEL, OTHER_CHANNEL

from .ledgers import make, opened
from .sender import terms_of
from .server import Server

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("FLYPAST_TEST_PACE", "2"))
RATE = 2000
BLOCK_S = 0.1
AWAY = r"can't be reached|broke"


def pacer(url: str, file: Path, *, seconds: float, rate: float = RATE) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.postgres.pacer", url, str(file), str(rate), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT)


def instants(*files: Path) -> list[float]:
    """Of all of them together."""
    found = [file.read_bytes() if file.exists() else b"" for file in files]
    return sorted(at for content in found for (at,) in struct.iter_unpack("d", content[: len(content) // 8 * 8]))


def busiest(found: list[float], window_s: float = 1.0) -> int:
    """The most that went in any window of that length."""
    most = first = 0
    for last, at in enumerate(found):
        while found[first] <= at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def begun(files: list[Path]) -> None:
    while not all(file.exists() and file.stat().st_size for file in files):
        time.sleep(0.01)


def test_three_workers_of_which_one_is_killed_never_go_above_the_rate_and_one_block(
    server: Server, tmp_path: Path
) -> None:
    url = server.new_database()
    make(url)
    files = [tmp_path / f"{number}" for number in range(3)]
    workers = [pacer(url, file, seconds=SECONDS) for file in files]
    begun(files)
    since_s = time.monotonic()
    time.sleep(SECONDS * 0.3)
    workers[1].send_signal(signal.SIGSTOP)  # what it had is lost when it is woken
    time.sleep(SECONDS * 0.1)
    workers[0].send_signal(signal.SIGKILL)
    workers[1].send_signal(signal.SIGCONT)
    assert [worker.wait(SECONDS + 60) for worker in workers] == [-signal.SIGKILL, 0, 0]
    found = instants(*files)
    most, gone = busiest(found), [at for at in found if at >= since_s]
    share = len(gone) / (gone[-1] - gone[0]) / RATE
    print(f"{len(found):,} messages; at most {most:,} in a second; {share:.1%} of the rate was used")  # noqa: T201
    assert most <= RATE * (1 + BLOCK_S) + len(files)  # each may be stopped between its slot and its word of it
    assert share > 0.2  # a busy machine loses slots, but not most of them


def gate(pace: SharedPace, rate: Rate | None) -> SharedGate:
    throttling = Throttling(patience_s=600, rng=Random(1))
    return SharedGate(workspace_rate=rate, clock=SystemClock(), throttling=throttling, pace=pace)


@asynccontextmanager
async def gates(url: str, *rates: Rate | None, lease_s: float = 30.0) -> AsyncIterator[list[SharedGate]]:
    """Each as if in a process of its own."""
    async with AsyncExitStack() as stack:
        made = []
        for rate in rates:
            ledger = stack.enter_context(opened(url, terms=terms_of(lease_s)))
            pace = await stack.enter_async_context(SharedPace(ledger.paces(), clock=SystemClock()))
            made.append(gate(pace, rate))
        yield made


def is_cut(limit: Limit) -> bool:
    return limit.held_s > 0 or (limit.now_per_s or 0) < (limit.asked_per_s or 0)


async def test_those_in_line_go_in_their_order_and_nobody_passes_them(url: str) -> None:
    make(url)
    gone: list[int] = []
    async with gates(url, Rate(count=100, per_s=1)) as (only,):

        async def worker(number: int) -> None:
            await only.enter(CHANNEL)
            gone.append(number)
            assert number == 19 or not only.opens(CHANNEL)

        await asyncio.gather(*(worker(number) for number in range(20)))
    assert gone == list(range(20))


async def test_a_429_that_one_sees_holds_all_and_all_go_slower_then(url: str) -> None:
    make(url)
    rate = Rate(count=1000, per_s=1)
    async with gates(url, rate, rate, None) as (one, other, unlimited):
        for each in (one, other):
            await each.enter(CHANNEL)
        held_s = time.monotonic()
        assert one.throttle(CHANNEL, sent_s=held_s, retry_after_s=1.5)
        assert not one.opens(OTHER_CHANNEL)
        with opened(url) as ledger:
            while not any(is_cut(limit) for limit in ledger.paces().limits()):  # noqa: ASYNC110 (its word is on the way)
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # a block is over
        await asyncio.gather(
            *(each.enter(channel) for each in (other, unlimited) for channel in (CHANNEL, OTHER_CHANNEL))
        )
        assert time.monotonic() - held_s >= 1.4
        one.progress()
        now_per_s: float | None = None
        with opened(url) as ledger:
            while now_per_s is None:  # until the rate that this one asks for is shown: the unlimited asks too
                await one.enter(CHANNEL)
                shown = {limit.scope: limit.now_per_s for limit in ledger.paces().limits()}
                now_per_s = shown[CHANNEL.workspace_id]
        assert 700 <= now_per_s <= 700 + 10 * (time.monotonic() - held_s)


async def test_patience_is_each_runs_own_and_then_nobody_else_is_held(url: str) -> None:
    make(url)
    async with gates(url, Rate(count=100, per_s=1), Rate(count=100, per_s=1)) as (one, other):
        await one.enter(CHANNEL)
        assert not one.throttle(CHANNEL, sent_s=time.monotonic(), retry_after_s=601)
        await other.enter(CHANNEL)


async def test_what_goes_at_once_is_waited_for_by_those_after_it(url: str) -> None:
    make(url)
    async with gates(url, Rate(count=50, per_s=1)) as (only,):
        await only.enter(CHANNEL, 20)
        since_s = time.monotonic()
        await only.enter(CHANNEL, 20)
        await only.enter(CHANNEL)
        assert time.monotonic() - since_s >= 0.7


async def test_a_channels_own_rate_narrows_its_workspaces(url: str) -> None:
    make(url)
    async with gates(url, Rate(count=1000, per_s=1)) as (only,):
        await asyncio.gather(*(only.enter(OTHER_CHANNEL) for _ in range(2)))  # 10/s
        since_s = time.monotonic()
        await asyncio.gather(*(only.enter(OTHER_CHANNEL) for _ in range(6)))
        assert time.monotonic() - since_s >= 0.5
        await asyncio.wait_for(asyncio.gather(*(only.enter(CHANNEL) for _ in range(100))), 60)


async def test_while_the_database_is_away_nobody_goes_and_then_all_go_on(server: Server) -> None:
    url = server.new_database()
    make(url)
    gone: list[float] = []
    async with gates(url, Rate(count=200, per_s=1)) as (only,):

        async def work() -> None:
            while len(gone) < 150:
                await only.enter(CHANNEL)
                gone.append(time.monotonic())

        workers = asyncio.gather(*(work() for _ in range(4)))
        await asyncio.sleep(0.3)
        assert gone
        await asyncio.to_thread(server.stop)
        away_s = time.monotonic()
        await asyncio.sleep(0.8)
        back_s = time.monotonic()
        await asyncio.to_thread(server.start)
        await workers
    assert not [at for at in gone if away_s + 0.3 < at < back_s]
    assert busiest(gone) <= 200 * (1 + BLOCK_S)


async def test_where_the_database_stays_away_a_run_hears_of_it(server: Server) -> None:
    url = server.new_database()
    make(url)
    async with gates(url, Rate(count=200, per_s=1), lease_s=1.0) as (only,):
        await only.enter(CHANNEL)
        await asyncio.to_thread(server.stop)
        try:
            with pytest.raises(LedgerFault, match=AWAY):
                await asyncio.gather(*(only.enter(CHANNEL) for _ in range(200)))
        finally:
            await asyncio.to_thread(server.start)


async def test_a_hold_that_can_not_be_told_to_the_others_stops_the_run(server: Server) -> None:
    url = server.new_database()
    make(url)
    async with gates(url, Rate(count=200, per_s=1), lease_s=1.0) as (only,):
        await only.enter(CHANNEL)
        await asyncio.to_thread(server.stop)
        try:
            assert only.throttle(CHANNEL, sent_s=time.monotonic(), retry_after_s=0.1)
            with pytest.raises(LedgerFault, match=AWAY):
                await only.enter(CHANNEL)
            await asyncio.sleep(1.2)  # a question that was before it in line may have ended first
        finally:
            await asyncio.to_thread(server.start)
        with pytest.raises(LedgerFault, match=AWAY):  # the others go on too fast: it does not, whoever is back
            await only.enter(CHANNEL)


async def test_who_leaves_is_kept_by_nobody(url: str) -> None:
    """A run that stops while it waits for a slot far away."""
    make(url)
    async with gates(url, Rate(count=1, per_s=60)) as (only,):
        await only.enter(CHANNEL)
        waiting = asyncio.create_task(only.enter(CHANNEL))
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "flypast-pace"]


def test_two_sends_with_one_ledger_share_the_limit_of_their_workspace(project: Project, serve: Serve, url: str) -> None:
    """Two manifests, each of 40/s."""
    sandbox = serve()
    project.people(40)
    for name in ("hello", "other"):
        project.write(f"{name}.yaml", MANIFEST.replace("name: hello", f"name: {name}") + "policy: {rate: 40/s}\n")
    environment: dict[str, Any] = {"FLYPAST_LEDGER": url, "FLYPAST_API_URL": sandbox.url, "BIRD_ACCESS_KEY": KEY}
    assert project.run("ledger", "init", **environment).code == 0
    sends = [project.start("send", f"{name}.yaml", "--yes", **environment) for name in ("hello", "other")]
    for send in sends:
        _, said = send.communicate(timeout=120)
        assert send.returncode == 0, said
    with opened(url, origin=None) as ledger:
        times = [entry.intended_at for entry in ledger.entries()]
    found = sorted(int(at[14:16]) * 60 + float(at[17:-1]) for at in times)
    assert len(found) == 80
    assert busiest(found) <= 40 + 40 * BLOCK_S + 1
