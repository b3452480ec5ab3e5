"""A holder that is stopped past its lease, and woken when another has sent the rest, sends nothing more."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from runner.ledger.seam import Ledger
from runner.model import State

from .cutting import Wire
from .ledgers import make, opened
from .receiver import Receiver, receiving
from .sender import CONCURRENCY, run
from .server import Server

TIMES = int(os.environ.get("FLYPAST_TEST_FREEZES", "2"))
ROOT = Path(__file__).parents[2]
COUNT = 120
LEASE_S = 1.5


def first(url: str, api: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.postgres.sender", url, api, str(COUNT), str(LEASE_S)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)


def freeze_at_a_moment(process: "subprocess.Popen[str]", receiver: Receiver, chance: random.Random) -> None:
    """Whatever it is doing."""
    wanted = chance.randint(4, COUNT // 2)
    while receiver.arrived.total() < wanted and process.poll() is None:
        time.sleep(0.0005)
    time.sleep(chance.random() * 0.01)
    process.send_signal(signal.SIGSTOP)


def freeze_at_a_commit(process: "subprocess.Popen[str]", wire: Wire, chance: random.Random) -> None:
    """It has asked for a commit, and hears that it is made when it is woken: then it would send."""
    left, has_intents, is_frozen = chance.randint(3, 12), False, threading.Event()

    def heard(data: bytes) -> None:
        nonlocal left, has_intents
        left -= b"COMMIT" in data
        if b"COMMIT" in data and has_intents and left <= 0 and not is_frozen.is_set():
            process.send_signal(signal.SIGSTOP)
            is_frozen.set()
        has_intents = b"phonenumber:" in data

    wire.heard = heard
    while not is_frozen.wait(0.01) and process.poll() is None:
        pass


def decided(ledger: Ledger, receiver: Receiver) -> int:
    """Takes the claim over when the lease is out, and lets what has not arrived go again, as somebody who has looked
    at Bird; gives how many.
    """
    claim = ledger.claim("spring", run="looking", at="2026-03-01T09:00:00.000Z", timeout_s=60)
    time.sleep(0.2)  # what was written before it was stopped is read by now
    doubts = list(ledger.entries(states=[State.IN_DOUBT]))
    absent = [entry.key for entry in doubts if not receiver.arrived[entry.reference]]
    claim.resolve(absent, State.PLANNED, "2026-03-01T09:00:01.000Z")
    claim.release()
    assert len(doubts) <= CONCURRENCY
    return len(absent)


def once(url: str, wire: Wire, chance: random.Random, *, is_at_commit: bool) -> int | None:
    """How many messages had an intent that nothing was written for when it was stopped; None where it ended before.

    A busy machine can stop it too: for longer than its short lease.
    """
    make(url, origin="http://127.0.0.1")
    with receiving(slow_s=0.004) as receiver, opened(url, origin=None) as ledger:
        process = first(wire.url(url), receiver.url)
        try:
            if is_at_commit:
                freeze_at_a_commit(process, wire, chance)
            else:
                freeze_at_a_moment(process, receiver, chance)
            if process.poll() is not None:
                return None
            absent = decided(ledger, receiver)
            assert run(ledger, receiver.url, COUNT, name="second").stopped is None
            process.send_signal(signal.SIGCONT)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
            process.communicate()
        assert said.startswith("ledger "), said
        assert len(receiver.arrived) == COUNT
        assert max(receiver.arrived.values()) == 1
        assert {entry.state for entry in ledger.entries()} <= {State.ACCEPTED, State.IN_DOUBT}
        return absent


def test_who_was_frozen_past_its_lease_and_woken_sends_nothing_more(server: Server) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # noqa: T201 (a failure must be repeatable)
    chance = random.Random(seed)
    unwritten: list[int] = []
    while len(unwritten) < TIMES:
        wire = Wire(server.port)
        found = once(server.new_database(), wire, chance, is_at_commit=len(unwritten) % 2 == 0)
        wire.close()
        unwritten += [] if found is None else [found]
    assert any(unwritten)
    print(f"{TIMES} times frozen: no message twice; {sum(unwritten)} intents left unwritten, sent by another run")  # noqa: T201
