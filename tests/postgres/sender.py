"""A send in a process of its own, on its own terms: `python -m tests.postgres.sender DATABASE API COUNT LEASE`.

It does what `flypast send` does between the question and the summary, with a lease that a test can wait for.
"""

import sys

from runner.bird.requests import AccessKey
from runner.delivery.clock import SystemClock
from runner.delivery.control import Control
from runner.delivery.settings import Settings
from runner.delivery.spool import SpoolWriter
from runner.delivery.tally import RunResult
from runner.ledger.postgres_lease import Terms
from runner.ledger.seam import Ledger
from runner.model import Message, State, StopAfter, Threshold
from runner.pipeline.running import run as run_loop
from runner.pipeline.sending import send
from tests.delivery.wire import messages

from .ledgers import opened

NEVER = StopAfter(rejected=Threshold(), in_doubt=Threshold())
CONCURRENCY = 4
SENDABLE = (None, State.PLANNED, State.ABSENT)


def terms_of(lease_s: float) -> Terms:
    return Terms(lease_s=lease_s, beat_s=lease_s / 3, margin_s=lease_s / 4)


def rest(ledger: Ledger, count: int) -> list[Message]:
    """What a plan would send."""
    known = ledger.lookup_many([message.key for message in messages(count)])
    return [each for each in messages(count) if (each.key not in known or known[each.key].state in SENDABLE)]


def run(ledger: Ledger, api: str, count: int, *, name: str) -> RunResult:
    claim = ledger.claim("spring", run=name, at=SystemClock().now(), timeout_s=30)
    try:
        writer = SpoolWriter()
        for message in rest(ledger, count):
            writer.add(message)
        with writer.finish() as spool:
            return run_loop(
                send(
                    spool,
                    edition="1",
                    claim=claim,
                    api=api,
                    key=AccessKey("k3y"),
                    settings=Settings(concurrency=CONCURRENCY, workspace_rate=None, stop_after=NEVER),
                    control=Control(),
                    observe=lambda _: None,
                )
            )
    finally:
        claim.release()


if __name__ == "__main__":
    url, api, count, lease_s = sys.argv[1:]
    with opened(url, terms=terms_of(float(lease_s)), origin=None) as ledger:
        result = run(ledger, api, int(count), name="first")
    sys.stdout.write(f"{result.stopped.kind if result.stopped else 'done'} {result.accepted}\n")
