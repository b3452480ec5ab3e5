"""A real run that kills itself at a named point: `python -m tests.faults.killing POINT NUMBER ARGUMENT…`.

The run is the command itself, with its own arguments. Only the one call that the point names is watched, and at the
NUMBER-th time (from 1) the process gets its SIGKILL there, so nothing is tidied up.
"""

import os
import signal
import sys
from asyncio import selector_events
from collections.abc import Callable
from typing import Any

Due = Callable[[], bool]


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # in another thread the signal may take a moment


def _before(owner: Any, name: str, due: Due, when: Callable[..., bool] = lambda *_: True) -> None:
    real = getattr(owner, name)

    def watched(*given: Any, **options: Any) -> Any:
        if when(*given) and due():
            _kill()
        return real(*given, **options)

    setattr(owner, name, watched)


def _after(owner: Any, name: str, due: Due, when: Callable[..., bool] = lambda *_: True) -> None:
    real = getattr(owner, name)

    def watched(*given: Any, **options: Any) -> Any:
        result = real(*given, **options)
        if when(*given) and due():
            _kill()
        return result

    setattr(owner, name, watched)


def _with_intents(_claim: object, _settlements: object, intents: list[object]) -> bool:
    return bool(intents)


def _with_outcomes(_claim: object, settlements: list[object], _intents: object) -> bool:
    return bool(settlements)


def _half_a_ledger(due: Due) -> None:
    from runner.ledger import opening

    _before(opening, "_appear", due)


def _ledger_made(due: Due) -> None:
    from runner.cli import ledgers

    _after(ledgers, "_opened", due)


def _lock_taken(due: Due) -> None:
    from runner.ledger.locks import RunLock

    real = RunLock.acquire.__func__  # type: ignore[attr-defined]

    def watched(*given: Any, **options: Any) -> Any:
        lock = real(*given, **options)
        if due():
            _kill()
        return lock

    RunLock.acquire = classmethod(watched)  # type: ignore[method-assign, assignment]


def _claim_taken(due: Due) -> None:
    from runner.ledger.sqlite import SqliteLedger

    _after(SqliteLedger, "claim", due)


def _planning(due: Due) -> None:
    from runner.ledger.ahead import Ahead

    _before(Ahead, "others", due)


def _spool(due: Due) -> None:
    from runner.delivery.spool import SpoolWriter

    _after(SpoolWriter, "add", due)


def _spool_whole(due: Due) -> None:
    from runner.delivery.spool import SpoolWriter

    _after(SpoolWriter, "finish", due)


def _intent_unwritten(due: Due) -> None:
    from runner.ledger.sqlite_claim import SqliteClaim

    _before(SqliteClaim, "commit", due, _with_intents)


def _intent_committed(due: Due) -> None:
    from runner.ledger.sqlite_claim import SqliteClaim

    _after(SqliteClaim, "commit", due, _with_intents)


def _commit_unsynced(due: Due) -> None:
    """SQLite tells of a statement before it runs it: all rows are written, and COMMIT is about to begin."""
    from runner.ledger import opening, sqlite

    real = opening.open_to_write

    def watched(*given: Any) -> Any:
        connection = real(*given)
        connection.set_trace_callback(lambda statement: _kill() if statement == "COMMIT" and due() else None)
        return connection

    setattr(sqlite, opening.open_to_write.__name__, watched)


def _commit_synced(due: Due) -> None:
    """It is on the disk; the lock file, its witness, does not know it yet."""
    from runner.ledger.locks import RunLock

    _before(RunLock, "witness", due)


def _on_asyncios_own_loop() -> Any:
    """Its transport, which can be watched; what is not watched there runs on uvloop, where that is installed."""
    sys.modules["uvloop"] = None  # type: ignore[assignment]  # as if it were not
    return selector_events._SelectorSocketTransport  # type: ignore[attr-defined]


def _bytes_half_written(due: Due) -> None:
    transport = _on_asyncios_own_loop()
    write, write_lines = transport.write, transport.writelines

    def half(self: Any, content: bytes) -> None:
        self._sock.send(content[: len(content) // 2])
        _kill()

    def watched(self: Any, content: bytes) -> None:
        half(self, content) if due() else write(self, content)

    def watched_lines(self: Any, contents: Any) -> None:
        contents = list(contents)
        half(self, b"".join(contents)) if due() else write_lines(self, contents)

    transport.write, transport.writelines = watched, watched_lines


def _request_written(due: Due) -> None:
    transport = _on_asyncios_own_loop()
    _after(transport, "write", due)
    _after(transport, "writelines", due)


def _reply_half_read(due: Due) -> None:
    from runner.bird.wire import _HeadFirst

    real = _HeadFirst.data_received

    def watched(self: Any, content: bytes) -> None:
        if due():
            real(self, content[: len(content) // 2])
            _kill()
        real(self, content)

    setattr(_HeadFirst, real.__name__, watched)


def _outcome_uncommitted(due: Due) -> None:
    from runner.ledger.sqlite_claim import SqliteClaim

    _before(SqliteClaim, "commit", due, _with_outcomes)


def _outcome_committed(due: Due) -> None:
    from runner.ledger.sqlite_claim import SqliteClaim

    _after(SqliteClaim, "commit", due, _with_outcomes)


def _release(due: Due) -> None:
    from runner.ledger.sqlite_claim import SqliteClaim

    _before(SqliteClaim, "release", due)


def _released(due: Due) -> None:
    """The clean end is committed, the lock still held."""
    from runner.ledger.sqlite_claim import SqliteClaim

    _before(SqliteClaim, "end", due)


def _summary(due: Due) -> None:
    from runner.cli import sending

    _before(sending, "_summarise", due)


POINTS: dict[str, Callable[[Due], None]] = {
    "half a ledger is made": _half_a_ledger,
    "the ledger is made, nothing claimed": _ledger_made,
    "the lock is taken, the claim not committed": _lock_taken,
    "the claim is taken": _claim_taken,
    "while planning": _planning,
    "in the spool": _spool,
    "the spool is whole": _spool_whole,
    "before an intent's commit": _intent_unwritten,
    "an intent is committed, no byte written": _intent_committed,
    "in a commit, before it is synced": _commit_unsynced,
    "in a commit, after it is synced": _commit_synced,
    "the request's bytes are half written": _bytes_half_written,
    "the request is written, no reply": _request_written,
    "the reply is half read": _reply_half_read,
    "the reply is read, its outcome not committed": _outcome_uncommitted,
    "the outcome is committed": _outcome_committed,
    "all is told": _summary,
    "before the claim's release": _release,
    "the release is committed, the lock still held": _released,
}


def _nth(number: int) -> Due:
    times = 0

    def due() -> bool:
        nonlocal times
        times += 1
        return times == number

    return due


if __name__ == "__main__":
    _, point, number, *arguments = sys.argv
    sys.argv = ["flypast", *arguments]
    POINTS[point](_nth(int(number)))
    from runner.cli import run

    run()
