"""A run in a process of its own: `python -m tests.ledger.holder LEDGER MANIFEST ACT`."""

import resource
import sys
from pathlib import Path

from runner.errors import FlypastError
from runner.ledger.seam import Claim
from runner.ledger.sqlite import open_or_create

from .conformance import T0, T1, intent, settled

ORIGIN = "https://api.bird.com"


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _hold(claim: Claim) -> None:
    claim.commit([], [intent(f"{claim.manifest}-{number}") for number in range(3)])
    claim.commit([settled(f"{claim.manifest}-0")], [])
    _say("ready")
    sys.stdin.read()


def _write(claim: Claim) -> None:
    """Forty commits, begun when the other side is ready too."""
    _say("ready")
    sys.stdin.readline()
    for number in range(40):
        claim.commit([], [intent(f"{claim.manifest}-{number}")])
    claim.release()


def _fill(claim: Claim) -> None:
    """Writes until it can't, then says how many commits there were and why it ended."""
    number = 0
    try:
        while True:
            claim.commit([], [intent(f"{number}-{row}") for row in range(100)])
            number += 1
    except FlypastError as fault:
        _say(f"{int(fault.exit_code)} {number} {fault.message}")


def _fill_small(claim: Claim) -> None:
    """The disk fails, and is well again afterwards: the claim must not go on with it."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, most))
    _fill(claim)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        claim.commit([settled("0-0")], [])
    except FlypastError as fault:
        _say(fault.message)
    claim.release()


def _mark(claim: Claim) -> None:
    """One commit between two marks, for a trace of system calls."""
    _say("before")
    claim.commit([], [intent("A")])
    _say("after")


if __name__ == "__main__":
    path, manifest, act = sys.argv[1:]
    acts = {"hold": _hold, "write": _write, "fill": _fill, "fill-small": _fill_small, "mark": _mark}
    acts[act](open_or_create(Path(path), origin=ORIGIN, at=T0).claim(manifest, run=f"run-{manifest}", at=T1))
