"""Getting what was purged out of every byte of the file.

SQLite overwrites what a statement lets go (`secure_delete`), but a page that was split or rebuilt earlier may hold
stale copies of rows in its gaps, and the write-ahead log holds pages as they were. So the file is written anew.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runner.errors import LedgerFault, Locked

from .locks import RunLock, lock_folder, witnesses
from .opening import faults

_MARK = "unscrubbed"  # a file beside the locks: a purge has begun whose old bytes may still be there
_LATER = "what was dropped is dropped, but its old bytes are still in the file: run this again when nothing else is"


def mark_unscrubbed(ledger: Path) -> None:
    try:
        (lock_folder(ledger) / _MARK).touch(mode=0o600)
    except OSError as error:
        raise LedgerFault(f"{lock_folder(ledger)} can't be written: {error.strerror}") from error


def is_unscrubbed(ledger: Path) -> bool:
    return (lock_folder(ledger) / _MARK).exists()


@contextmanager
def alone(ledger: Path, *, run: str, since: str, timeout_s: float) -> Iterator[None]:
    """Holds the lock of every manifest that ever ran here. One that is new meanwhile waits at its first commit."""
    with ExitStack() as stack:
        for manifest in witnesses(ledger):
            try:
                lock = RunLock.acquire(ledger, manifest, run=run, since=since, timeout_s=timeout_s)
            except Locked as held:
                raise Locked(held.message, hint=f"{_LATER} at the ledger, or wait with --lock-timeout") from None
            stack.callback(lock.free)
        yield


def rewrite(connection: sqlite3.Connection, path: Path) -> None:
    """The file with what it holds and nothing else, and an empty log. Other writers wait meanwhile."""
    with faults(path):
        connection.execute("VACUUM")
        is_read, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_read:
        raise Locked(f"another process reads {path}, and holds its write-ahead log", hint=f"{_LATER} reading it")
    (lock_folder(path) / _MARK).unlink(missing_ok=True)
