"""What the ledger adds to a start after a kill -9: CPU until a plan knows all that it asks of it.

The plan itself comes on top.
The ledger is filled through a claim as a send does it, 64 messages to a commit, by a process that then dies.

python -m benchmarks.start [--rows N]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from runner.ledger.ahead import Ahead
from runner.ledger.identity import KeyMaker, reference_of
from runner.ledger.seam import Intent, Settlement
from runner.ledger.sqlite import create, open_ledger
from runner.model import State

Result = TypeVar("Result")
ORIGIN, AT = "http://127.0.0.1:1", "2026-11-22T09:00:00.000Z"
AT_ONCE, ASKED = 64, 230


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fill is None:
        print(report(given.rows))
    else:
        _fill(given.fill, given.rows)
        os._exit(0)  # nothing is released


def report(rows: int) -> str:
    """The line of README.md."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        command = [sys.executable, "-m", "benchmarks.start", "--rows", str(rows), "--fill", str(path)]
        subprocess.run(command, check=True)
        ledger, open_s = _timed(lambda: open_ledger(path, origin=ORIGIN))
        claim, claim_s = _timed(lambda: ledger.claim("bench", run="again", at=AT))
        ahead = Ahead(ledger, "bench", "1")
        unknown, read_s = 0, 0.0
        for start in range(0, rows, ASKED):
            asked = _asked(start, rows)
            (others, _), asked_s = _timed(partial(ahead.others, "greet", *asked))
            unknown, read_s = unknown + len(others), read_s + asked_s
        size, size_s = _timed(lambda: ledger.size("bench"))
        claim.release()
        ledger.close()
    told = f"open {open_s:.2f}, claim {claim_s:.2f}, read {read_s:.2f}, count {size_s:.2f}"
    whole_s = open_s + claim_s + read_s + size_s
    return f"the ledger's share of a start, {size:,} messages, {unknown} not accepted: {whole_s:.2f} s of CPU ({told})"


def _fill(path: Path, rows: int) -> None:
    claim = create(path, origin=ORIGIN, name=None, at=AT).claim("bench", run="killed", at=AT)
    settlements: list[Settlement] = []
    for start in range(0, rows, AT_ONCE):
        intents = [_intent(number) for number in range(start, min(start + AT_ONCE, rows))]
        claim.commit(settlements, intents)
        settlements = [
            Settlement(key=each.key, state=State.ACCEPTED, at=AT, message_id=str(UUID(int=start))) for each in intents
        ]


def _intent(number: int) -> Intent:
    key = _KEYS.key(f"phonenumber:+{number:012}")
    return Intent(
        key=key,
        edition="1",
        message="greet",
        workspace_id=str(UUID(int=1)),
        channel_id=str(UUID(int=2)),
        reference=reference_of(key),
        address=f"phonenumber:+{number:012}",
        payload_hash=f"{number:064}",
        country="US",
        segments=1,
        at=AT,
        text_hash=f"{number:064}",
    )


_KEYS = KeyMaker(workspace_id=str(UUID(int=1)), name="bench", edition="1", message="greet")


def _asked(start: int, rows: int) -> tuple[list[str], list[str]]:
    numbers = range(start, min(start + ASKED, rows))
    return _KEYS.keys([f"phonenumber:+{number:012}" for number in numbers]), [f"{number:064}" for number in numbers]


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started_s = time.process_time()
    return work(), time.process_time() - started_s


if __name__ == "__main__":
    main()
