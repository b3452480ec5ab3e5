"""The ledger in one SQLite file: for one host. Opened to read; the first claim opens it to write."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

from runner.errors import LedgerFault, Refused
from runner.model import State

from . import tables
from .checking import check, snapshot
from .identity import purged_reference
from .locks import RunLock, Witness, witnesses
from .mounts import mount_table, refuse_remote
from .moves import fitted, lost, must_decide, must_find, must_settle, not_open, not_sendable
from .opening import (
    Meta,
    faults,
    in_words,
    is_broken,
    judge,
    judge_history,
    make,
    must_be_there,
    open_to_read,
    open_to_write,
    upgrade,
)
from .scrubbing import alone, is_unscrubbed, mark_unscrubbed, rewrite
from .seam import Entry, Intent, Known, Settlement, Verdict


def create(path: Path, *, origin: str, name: str | None, at: str, mounts: str | None = None) -> "SqliteLedger":
    """A new ledger bound to one API origin, readable by its owner alone; `name` is what `policy.ledger` asks for.

    Raises LedgerFault where there is a file already, on a network file system, and where it can't be written.
    """
    refuse_remote(path, mount_table() if mounts is None else mounts)
    if not make(path, origin=origin, name=name, at=at):
        raise LedgerFault(f"there is a file at {path} already", hint="it was left as it is; name another place")
    return open_ledger(path, origin=origin, mounts=mounts)


def open_or_create(path: Path, *, origin: str, at: str, mounts: str | None = None) -> "SqliteLedger":
    """The ledger at `path`, made without a name where there is none yet: the default ledger of a first send."""
    table = mount_table() if mounts is None else mounts
    refuse_remote(path, table)
    if not path.exists():
        make(path, origin=origin, name=None, at=at)  # where another first send was quicker, its ledger is opened
    return open_ledger(path, origin=origin, mounts=table)


def open_ledger(path: Path, *, origin: str | None, mounts: str | None = None, is_judged: bool = True) -> "SqliteLedger":
    """The ledger at `path`, to read; nothing is created or changed before its first claim, but an older format.

    `origin` is the API that this run would use (None: any), `mounts` Linux's table of mounts. Raises Refused where
    there is none or it is bound to another origin; LedgerFault where it can't be trusted (not judged: see `check`).
    """
    refuse_remote(path, mount_table() if mounts is None else mounts)
    must_be_there(path)
    seen = witnesses(path)
    connection = open_to_read(path)
    try:
        meta = judge(connection, path)
        if origin is not None and meta.origin != origin:
            raise Refused(
                f"this ledger is bound to {meta.origin}; this run would use {origin}",
                hint=f"name another ledger with --ledger; this one is {path}",
            )
        if is_judged or meta.version < tables.VERSION:
            judge_history(connection, path, meta, seen)
        if meta.version < tables.VERSION:
            connection.close()
            upgrade(path)
            connection = open_to_read(path)
    except BaseException:
        connection.close()
        raise
    return SqliteLedger(path, connection, meta)


def name_ledger(path: Path, name: str) -> None:
    """Gives a ledger its name, once and for ever; what it knows stays. Raises Refused where it has one already."""
    open_ledger(path, origin=None).close()  # nothing is written to what can't be trusted
    with faults(path), closing(open_to_write(path)) as connection:
        is_named_now = connection.execute(tables.RENAME, (name,)).rowcount == 1
    if not is_named_now:
        raise Refused(f"the ledger at {path} has a name already", hint="name another place with --ledger")


class SqliteLedger:
    """See `seam.Ledger`. Made by `create` and `open_ledger`."""

    def __init__(self, path: Path, reader: sqlite3.Connection, meta: Meta) -> None:
        self.path = path
        self.name = meta.name
        self.origin = meta.origin
        self._meta = meta
        self._connection = reader
        self._may_write = False
        self._claims: set[SqliteClaim] = set()
        self._turn = threading.RLock()

    def lookup(self, key: str) -> Known | None:
        return self.lookup_many([key]).get(key)

    def lookup_many(self, keys: Sequence[str]) -> Mapping[str, Known]:
        rows = self._read(tables.LOOKUP, (json.dumps(keys),))
        return {row[0]: tables.known(row) for row in rows}

    def claim(self, manifest: str, *, run: str, at: str, timeout_s: float = 0.0) -> "SqliteClaim":
        lock = RunLock.acquire(self.path, manifest, run=run, since=at, timeout_s=timeout_s)
        try:
            self._open_to_write()
            with self.writing() as connection:
                [(epoch, commits)] = connection.execute(tables.CLAIM, (manifest, run, at)).fetchall()
                connection.execute(tables.LEAVE, (at, manifest))
            lock.witness(Witness(ledger=self._meta.identity, commits=commits))
        except BaseException:
            lock.free()
            raise
        claim = SqliteClaim(self, lock, manifest=manifest, run=run, epoch=epoch, identity=self._meta.identity)
        self._claims.add(claim)
        return claim

    def entries(self, manifest: str | None = None, *, states: Iterable[State] = ()) -> Iterator[Entry]:
        wanted = json.dumps(sorted(states) or sorted(State))
        for name in self.manifests() if manifest is None else (manifest,):
            yield from map(tables.entry, self._pages(tables.ENTRIES, name, wanted))

    def keys(self, manifest: str, edition: str) -> Iterator[tuple[str, State]]:
        return ((key, State(state)) for _, key, state in self._pages(tables.KEYS, manifest, edition))

    def counts(self, manifest: str) -> Mapping[State, int]:
        return {State(state): number for state, number in self._read(tables.COUNTS, (manifest,))}

    def manifests(self) -> tuple[str, ...]:
        return tuple(name for (name,) in self._read(tables.MANIFESTS, ()))

    def check(self) -> Iterator[str]:
        return check(self._connection, self.path, self._meta)

    def snapshot(self) -> AbstractContextManager[None]:
        return snapshot(self._connection, self.path)

    def scrub(self, *, run: str, at: str, timeout_s: float = 0.0) -> None:
        if is_unscrubbed(self.path):
            with alone(self.path, run=run, since=at, timeout_s=timeout_s), self._turn:
                self._open_to_write()
                rewrite(self._connection, self.path)

    def close(self) -> None:
        with self._turn:
            self._connection.close()
            for claim in tuple(self._claims):
                claim.end()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: durable when the block ends, or nothing of it."""
        with self._turn, faults(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()  # nothing, where SQLite has done so itself
                raise

    def forget(self, claim: "SqliteClaim") -> None:
        self._claims.discard(claim)

    def _read(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            with self._turn:
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise in_words(error, self.path) from error

    def _pages(self, statement: str, manifest: str, sieve: str) -> Iterator[tuple[Any, ...]]:
        """The manifest's rows, message by message; the first column is the `id` to go on from."""
        message = ""
        while (message := self._read(tables.NEXT_MESSAGE, (manifest, message))[0][0]) is not None:
            last = 0
            while rows := self._read(statement, (manifest, message, last, sieve)):
                yield from rows
                last = rows[-1][0]

    def _open_to_write(self) -> None:
        """Judges what the last run left, then changes the reading connection for the writing one."""
        with self._turn:
            judge_history(self._connection, self.path, self._meta, witnesses(self.path))
            if not self._may_write:
                writer = open_to_write(self.path)
                self._connection.close()
                self._connection, self._may_write = writer, True


class SqliteClaim:
    """See `seam.Claim`. Made by `SqliteLedger.claim`."""

    def __init__(
        self, ledger: SqliteLedger, lock: RunLock, *, manifest: str, run: str, epoch: int, identity: str
    ) -> None:
        self.manifest = manifest
        self.run = run
        self.epoch = epoch
        self._ledger = ledger
        self._identity = identity
        self._lock = lock
        self._fault: LedgerFault | None = None

    def commit(self, settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        for settlement in settlements:
            must_settle(settlement.state)
        with self._step() as connection:
            self._settle(connection, settlements)
            self._intend(connection, intents)

    def resolve(self, keys: Iterable[str], state: State, at: str) -> int:
        must_decide(state)
        with self._step() as connection:
            moved = connection.executemany(
                tables.RESOLVE, [(state, at, self.run, key, self.manifest) for key in keys]
            ).rowcount
        return max(moved, 0)

    def reconcile(self, verdicts: Sequence[Verdict]) -> int:
        for verdict in verdicts:
            must_find(verdict.state)
        with self._step() as connection:
            moved = connection.executemany(
                tables.RECONCILE, [tables.verdict_values(verdict, self.manifest) for verdict in verdicts]
            ).rowcount
        return max(moved, 0)

    def purge(self, before: str) -> int:
        total, rows = 0, [(0, "", "")]
        while rows:
            with self._step() as connection:
                rows = connection.execute(tables.PURGEABLE, (self.manifest, rows[-1][0], before)).fetchall()
                if rows:
                    mark_unscrubbed(self._ledger.path)
                connection.executemany(tables.PURGE, [(purged_reference(key, held), row) for row, key, held in rows])
            total += len(rows)
        return total

    def release(self) -> None:
        if not self._lock.is_held:
            return
        try:
            with self._step(is_last=True) as connection:
                connection.execute(tables.LEAVE, (None, self.manifest))
        except LedgerFault:
            pass  # every outcome is recorded already or can't be; the next claim takes this end for an unclean one
        finally:
            self.end()

    def end(self) -> None:
        """Lets go of the lock alone, as the end of the process would."""
        self._lock.free()
        self._ledger.forget(self)

    @contextmanager
    def _step(self, *, is_last: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction of this claim, if it is still the newest one."""
        if not self._lock.is_held:
            lost(self.manifest)
        if self._fault is not None:
            raise LedgerFault(self._fault.message, hint=self._fault.hint)
        try:
            with self._ledger.writing() as connection:
                counted = connection.execute(tables.STEP, (int(is_last), self.manifest, self.epoch)).fetchall()
                if not counted:
                    lost(self.manifest)
                yield connection
        except LedgerFault as fault:
            self._fault = fault if is_broken(fault) else None
            raise
        self._lock.witness(Witness(ledger=self._identity, commits=counted[0][0]))

    def _settle(self, connection: sqlite3.Connection, settlements: Sequence[Settlement]) -> None:
        for settled in settlements:
            words = (fitted(settled.message_id), fitted(settled.code), fitted(settled.words))
            values = tables.settle_values(settled, self.manifest, self.epoch, words)
            if connection.execute(tables.SETTLE, values).rowcount != 1:
                not_open(settled.key)

    def _intend(self, connection: sqlite3.Connection, intents: Sequence[Intent]) -> None:
        for intent in intents:
            values = tables.intend_values(intent, self.manifest, self.run, self.epoch)
            if connection.execute(tables.INTEND, values).rowcount != 1:
                (state,) = connection.execute(tables.STATE, (intent.key,)).fetchone()
                not_sendable(intent.key, State(state))
