"""Delivery with the real client and the real ledger, against servers that misbehave."""

import asyncio
import json
import socket
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from runner.bird.client import BirdClient, Timeouts
from runner.bird.requests import AccessKey
from runner.delivery.clock import SystemClock
from runner.delivery.control import Control
from runner.delivery.dispatch import Settings, dispatch
from runner.delivery.spool import SpoolWriter
from runner.delivery.tally import RunResult
from runner.ledger.sqlite import open_or_create
from runner.model import Message, Rate, State, StopAfter, Threshold
from tests.bird.peer import ACCEPTED, Call, Peer, Script, reply, saying, serving

from .wire import messages

NEVER = StopAfter(rejected=Threshold(), in_doubt=Threshold())
CLOCK = SystemClock()


async def send(
    url: str, folder: Path, sent: list[Message], *, control: Control | None = None, rate: Rate | None = None
) -> tuple[RunResult, dict[str, State]]:
    writer = SpoolWriter(folder)
    for each in sent:
        writer.add(each)
    ledger = open_or_create(folder / "ledger.db", origin=url, at=CLOCK.now())
    claim = ledger.claim("spring", run="run-1", at=CLOCK.now())
    timeouts = Timeouts(connect_s=0.5, reply_s=0.5)
    with writer.finish() as spool:
        async with BirdClient(url, AccessKey("k3y"), concurrency=8, timeouts=timeouts) as bird:
            result = await dispatch(
                spool,
                edition="1",
                claim=claim,
                transport=bird,
                settings=Settings(concurrency=8, workspace_rate=rate, stop_after=NEVER, drain_s=0.1),
                clock=CLOCK,
                rng=Random(1),
                control=control or Control(),
                observe=lambda _: None,
            )
    claim.release()
    held = {entry.key: entry.state for entry in ledger.entries()}
    ledger.close()
    return result, held


def references(peer: Peer) -> Counter[str]:
    return Counter(json.loads(body)["reference"] for body in peer.bodies)


async def test_a_thousand_messages_arrive_once_each(tmp_path: Path) -> None:
    async with serving(saying(ACCEPTED)) as peer:
        result, held = await send(peer.url, tmp_path, messages(1000))
    assert result.accepted == 1000
    assert set(held.values()) == {State.ACCEPTED}
    assert references(peer) == Counter({f"fp1.k{number:04}": 1 for number in range(1000)})
    assert peer.connections == 8


async def odd_connections(call: Call) -> None:
    """Each connection does well for a while, then ends in one of the ways a connection can."""
    number = call.peer.connections
    for _ in range(number % 3 + 2):
        await call.request()
        await call.say(ACCEPTED)
    await call.request()
    endings = [
        b"",
        ACCEPTED[:20],
        b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 202 A\r\n\r\n",
        b"?\r\n\r\n",
    ]
    await call.say(endings[number % len(endings)])
    if number % 2:
        call.reset()


async def test_whatever_connections_do_nothing_arrives_twice_and_nothing_is_lost_unseen(tmp_path: Path) -> None:
    async with serving(odd_connections) as peer:
        result, held = await send(peer.url, tmp_path, messages(200))
    arrived = references(peer)
    assert max(arrived.values()) == 1
    assert {key for key, state in held.items() if state is State.ACCEPTED} <= {ref[4:] for ref in arrived}
    assert all(held[ref[4:]] in (State.ACCEPTED, State.IN_DOUBT) for ref in arrived)
    assert result.accepted > 0
    assert result.in_doubt > 0
    assert result.accepted + result.in_doubt + result.returned == 200


async def refuse_the_30th(call: Call) -> None:
    while True:
        body = await call.request()
        is_it = b"k0030" in body
        await call.say(reply("403 Forbidden", b'{"code":"Forbidden","message":"no"}') if is_it else ACCEPTED)


async def test_a_403_in_the_middle_stops_the_run_and_the_rest_stays_planned(tmp_path: Path) -> None:
    async with serving(refuse_the_30th) as peer:
        result, held = await send(peer.url, tmp_path, messages(500))
    assert result.stopped is not None
    assert (result.stopped.kind, result.stopped.words) == (
        "refused",
        "Bird refuses permission to send through sms-us (HTTP 403): no",
    )
    assert held["k0030"] is State.PLANNED
    assert len(peer.bodies) == result.accepted + 1 < 60


async def test_a_server_that_is_not_there_gets_a_few_attempts_and_nothing_is_lost(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result, held = await send(f"http://127.0.0.1:{unused.getsockname()[1]}", tmp_path, messages(100))
    assert result.stopped is not None
    assert result.stopped.kind == "unreachable"
    assert result.returned == 100
    assert set(held.values()) == {State.PLANNED}
    assert len(held) <= 18


def hanging_from(key: bytes, control: Control) -> Script:
    async def script(call: Call) -> None:
        while True:
            body = await call.request()
            if key in body:
                control.stop()
                await asyncio.sleep(60)
            await call.say(ACCEPTED)

    return script


async def test_a_signal_while_a_reply_hangs_ends_the_run_within_the_drain_time(tmp_path: Path) -> None:
    control = Control()
    async with serving(hanging_from(b"k0040", control)) as peer:
        started_s = time.monotonic()
        result, held = await send(peer.url, tmp_path, messages(500), control=control)
    assert time.monotonic() - started_s < 2
    assert result.stopped is not None
    assert result.stopped.kind == "interrupted"
    assert held["k0040"] is State.IN_DOUBT
    assert State.SENDING not in held.values()


@pytest.mark.parametrize("rate", [Rate(count=100, per_s=1), Rate(count=500, per_s=1)])
async def test_the_pace_holds_on_a_real_clock(tmp_path: Path, rate: Rate) -> None:
    arrivals: list[float] = []

    async def note(call: Call) -> None:
        while True:
            await call.request()
            arrivals.append(time.monotonic())
            await call.say(ACCEPTED)

    async with serving(note) as peer:
        await send(peer.url, tmp_path, messages(rate.count), rate=rate)
    took_s = arrivals[-1] - arrivals[0]
    assert took_s >= (rate.count - 1) / rate.per_second - 0.1  # never quicker; slower is the machine's affair
