"""A worker in a process of its own, on its own terms: `python -m tests.postgres.worker DATABASE API SLOTS LEASE`.

With `drain` after them it ends with the work. It does what `flypast worker` does, with a lease to wait for.
"""

import asyncio
import sys

from runner.bird.requests import AccessKey
from runner.cli.interrupts import INTERRUPTS
from runner.cli.working import say, worked
from runner.delivery.shards import keys_of
from runner.engine.choosing import engine_of
from runner.ledger.postgres_runs import open_runs
from runner.pipeline.working import Pulse, Worker

from .ledgers import place_of
from .sender import terms_of

PULSE = Pulse(state_s=0.1, threshold_s=0.2, care_s=0.3)


def main(url: str, api: str, slots: str, lease_s: str, *drain: str) -> int:
    INTERRUPTS.watch()
    place = place_of(url)
    runs = open_runs(place.address, origin=None, keys_of=keys_of, terms=terms_of(float(lease_s)))
    ledger = place.open(origin=None)
    assert ledger is not None
    worker = Worker(
        runs=runs,
        paces=ledger.paces(),
        engine=engine_of("postgres", place),
        api=api,
        key=AccessKey("k3y"),
        slots=int(slots),
        say=say,
        pulse=PULSE,
    )
    try:
        code, did = asyncio.run(worked(worker, is_draining=bool(drain)))
    finally:
        runs.close()
        ledger.close()
    sys.stdout.write(f"{did}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
