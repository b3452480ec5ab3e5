"""The run lock: one living run per manifest name, by an OS lock that vanishes with its process.

The lock's file is also a witness beside the ledger: it says how many commits this manifest's runs have made, so that a
ledger whose write-ahead log was cut, or an old copy put in its place, is noticed before a message goes out again.
"""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote

from runner.errors import LedgerFault, Locked

from .moves import held_by, locked

_POLL_S = 0.1
_SUFFIX = ".lock"
_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """How many commits a ledger (by its identity) is known to hold for a manifest."""

    ledger: str
    commits: int

    def line(self) -> bytes:
        # Always as long, so that it is replaced in place by one write.
        return f"{self.ledger:16} {self.commits:020d}\n".encode()


_NONE = Witness(ledger="-", commits=0)


class RunLock:
    """Held from `acquire` to `free`, or to the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(
        cls,
        ledger: Path,
        manifest: str,
        *,
        run: str,
        since: str,
        timeout_s: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Waits up to `timeout_s` for the living holder, then raises Locked, naming it."""
        file = lock_folder(ledger) / (quote(manifest, safe="") + _SUFFIX)
        deadline = monotonic() + timeout_s
        try:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            while (descriptor := _locked(file)) is None:
                left = deadline - monotonic()
                if left <= 0:
                    raise _held(file, manifest)
                sleep(min(_POLL_S, left))
            _sign(descriptor, run=run, since=since)
        except OSError as error:
            raise LedgerFault(f"the run lock {file} can't be used: {error.strerror}") from error
        return cls(descriptor)

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def witness(self, witness: Witness) -> None:
        """Called after each commit. A failure is let pass: the commit itself stands."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._descriptor, witness.line(), 0)

    def free(self) -> None:
        """May be called again: by then the descriptor may be another file's."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_folder(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".locks")


def witnesses(ledger: Path) -> dict[str, Witness]:
    """What the lock files say, by manifest. One that can't be read says nothing."""
    found = {}
    for file in sorted(lock_folder(ledger).glob("*" + _SUFFIX)):
        try:
            identity, commits = file.read_bytes()[:_MOST_BYTES].split(b"\n")[0].split()
            found[unquote(file.name.removesuffix(_SUFFIX))] = Witness(ledger=identity.decode(), commits=int(commits))
        except (OSError, ValueError):
            continue
    return found


def _locked(file: Path) -> int | None:
    """A descriptor that holds the lock, or None where another one does. The file itself is never removed."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), file.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _sign(descriptor: int, *, run: str, since: str) -> None:
    """Writes the holder below the witness, which stays."""
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": since, "run": run}
    try:
        kept = os.pread(descriptor, len(_NONE.line()), 0)
        content = (kept if len(kept) == len(_NONE.line()) else _NONE.line()) + json.dumps(who).encode() + b"\n"
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
    except BaseException:
        os.close(descriptor)
        raise


def _held(file: Path, manifest: str) -> Locked:
    try:
        told = json.loads(file.read_bytes()[:_MOST_BYTES].split(b"\n")[1])
        who = held_by(pid=told["pid"], host=told["host"], since=told["since"], run=told["run"])
    except (OSError, ValueError, LookupError, TypeError):
        who = "which has not said who it is yet"
    return locked(manifest, who)
