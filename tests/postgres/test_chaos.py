"""A run under everything at once: a worker killed, one frozen past its lease and woken, the database restarted, and the
same manifest sent twice at the same time. Nobody gets two, and nobody is lost unseen.
"""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from runner.model import State
from tests.conftest import MANIFEST

from .fleet import GIVE_UP_S, Fleet, MakeFleet
from .server import Server

MESSAGES = int(os.environ.get("FLYPAST_TEST_CHAOS", "5000"))
IS_LONG = MESSAGES > 5000
CONCURRENCY = 16
LEASE_S = 10.0 if IS_LONG else 4.0
POLICY = "policy: {{delivery: {}, stopAfter: {{rejected: 1000000, inDoubt: 1000000}}}}\n"


@dataclass
class Storm:
    """What was done to the run, and how many workers lost what they had in flight by it."""

    server: Server
    many: Fleet
    dead: int = 0

    def rage(self, following: "subprocess.Popen[str]") -> None:
        killed, frozen, spared = (self.many.work() for _ in range(3))
        self._at(0.4, following)
        killed.kill()
        self._at(0.5, following)
        frozen.send_signal(signal.SIGSTOP)
        frozen_s = time.monotonic()
        self._at(0.6, following)
        self.server.restart()
        self.many.until(lambda: time.monotonic() - frozen_s > 1.5 * LEASE_S, every_s=0.05)
        frozen.send_signal(signal.SIGCONT)
        following.wait(GIVE_UP_S)
        for worker in (frozen, spared):
            worker.send_signal(signal.SIGTERM)
            said, _ = worker.communicate(timeout=GIVE_UP_S)
            assert worker.returncode == 0, said
            self.dead += worker is spared and "lost=0" not in said  # the database was away for longer than a lease
        self.dead += 2

    def _at(self, share: float, following: "subprocess.Popen[str]") -> None:
        self.many.until(lambda: self.many.arrived_count() >= share * MESSAGES or following.poll() is not None)
        assert following.poll() is None, following.communicate()


def storm(server: Server, many: Fleet) -> Counter[State]:
    """The states after it."""
    both = [many.follow("--concurrency", str(CONCURRENCY)) for _ in range(2)]
    many.until(lambda: any(each.poll() is not None for each in both))
    [refused] = [each for each in both if each.poll() is not None]
    [following] = [each for each in both if each is not refused]
    out, err = refused.communicate()
    assert refused.returncode == 8, out + err
    raging = Storm(server, many)
    raging.rage(following)
    out, err = following.communicate()
    said, counts = json.loads(out), many.check()
    assert counts[State.ACCEPTED] + counts[State.IN_DOUBT] + counts[State.REJECTED] == MESSAGES
    assert counts[State.IN_DOUBT] <= raging.dead * CONCURRENCY
    assert said["totals"]["accepted"] == counts[State.ACCEPTED], err
    assert said["totals"]["inDoubt"] == counts[State.IN_DOUBT]
    assert (said["stopped"], said["exitCode"]) == (None, 6 if counts[State.IN_DOUBT] else 0)
    print(f"{MESSAGES:,} messages: {dict(counts)}, none twice; {raging.dead} workers lost what they had")  # noqa: T201
    return counts


@pytest.mark.parametrize("delivery", ["resend-absent"] if not IS_LONG else ["at-most-once", "resend-absent"])
def test_nobody_gets_two_and_with_resend_absent_nobody_is_missing(
    server: Server, fleet: MakeFleet, delivery: str
) -> None:
    faults = [] if IS_LONG else ["--fault", "slow:20ms"]
    many = fleet(MESSAGES, faults=faults, manifest=MANIFEST + POLICY.format(delivery), lease_s=LEASE_S)
    counts = storm(server, many)
    if delivery == "resend-absent":
        for _ in range(2):
            many.flypast("reconcile", "hello.yaml", "--settle", "0s", code=None)
        many.flypast("send", "hello.yaml", "--yes", "--rate", "unlimited", code=None)
        assert many.check() == Counter({State.ACCEPTED: MESSAGES})
        assert len(set(many.arrived())) == MESSAGES
        print(f"of {counts[State.IN_DOUBT]} in doubt all were found, or sent again as they were absent")  # noqa: T201
