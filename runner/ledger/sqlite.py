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
from .deliveries import Deliveries, counted
from .keys import Keys
from .locks import RunLock, Witness, witnesses
from .mounts import mount_table, refuse_remote
from .opening import (
    Meta,
    Version,
    faults,
    in_words,
    judge,
    judge_history,
    make,
    must_be_there,
    open_to_read,
    open_to_write,
    upgrade,
    version_of,
)
from .rows import entry, known
from .scrubbing import alone, is_unscrubbed, rewrite
from .seam import Entry, Known
from .sqlite_claim import SqliteClaim


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
    checked = version_of(path) if is_judged else None
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
            checked, connection = None, open_to_read(path)
    except BaseException:
        connection.close()
        raise
    return SqliteLedger(path, connection, meta, checked)


def name_ledger(path: Path, name: str) -> None:
    """Gives a ledger its name, once and for ever; what it knows stays. Raises Refused where it has one already."""
    open_ledger(path, origin=None).close()  # nothing is written to what can't be trusted
    with faults(path), closing(open_to_write(path)) as connection:
        is_named_now = connection.execute(tables.RENAME, (name,)).rowcount == 1
    if not is_named_now:
        raise Refused(f"the ledger at {path} has a name already", hint="name another place with --ledger")


class SqliteLedger:
    """See `seam.Ledger`. Made by `create` and `open_ledger`."""

    def __init__(self, path: Path, reader: sqlite3.Connection, meta: Meta, checked: Version | None = None) -> None:
        """`checked` is the version whose pages were judged, if they were."""
        self.path = path
        self.by_key = Keys()
        self.name = meta.name
        self.origin = meta.origin
        self._meta = meta
        self._checked = checked
        self._connection = reader
        self._may_write = False
        self._claims: set[SqliteClaim] = set()
        self._turn = threading.RLock()

    def lookup(self, key: str) -> Known | None:
        return self.lookup_many([key]).get(key)

    def lookup_many(self, keys: Sequence[str]) -> Mapping[str, Known]:
        with self._turn, faults(self.path):
            ids = self.by_key.find(self._connection, keys)
        rows = self._read(tables.LOOKUP, (json.dumps(list(ids.values())),)) if ids else ()
        return {row[0]: known(row) for row in rows}

    def claim(self, manifest: str, *, run: str, at: str, timeout_s: float = 0.0) -> SqliteClaim:
        lock = RunLock.acquire(self.path, manifest, run=run, since=at, timeout_s=timeout_s)
        try:
            self._open_to_write()
            with self.writing() as connection:
                was_left = connection.execute(tables.IS_CLEAN, (manifest,)).fetchall() == [(0,)]
                [(epoch, commits)] = connection.execute(tables.CLAIM, (manifest, run, at)).fetchall()
                if was_left:  # of a clean end nothing is sending, and to look for it takes all rows
                    connection.execute(tables.LEAVE, (at, manifest))
                self.by_key.index(connection)
            self.by_key.forget()
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
            yield from map(entry, self._pages(tables.ENTRIES, name, wanted))

    def keys(self, manifest: str, edition: str) -> Iterator[tuple[str, State]]:
        return ((key, State(state)) for _, key, state in self._pages(tables.KEYS, manifest, edition))

    def payloads(self, manifest: str, edition: str, message: str) -> Iterator[Mapping[str, str]]:
        last = 0
        while rows := self._read(tables.PAYLOADS, (manifest, message, last, edition)):
            yield {key: payload_hash for _, key, payload_hash in rows}
            last = rows[-1][0]

    def texts(self, manifest: str, since: str) -> Iterator[str | None]:
        last = 0
        while rows := self._read(tables.TEXTS, (last, manifest, since)):
            yield from (text_hash for _, text_hash in rows)
            last = rows[-1][0]

    def counts(self, manifest: str) -> Mapping[State, int]:
        return {State(state): number for state, number in self._read(tables.COUNTS, (manifest,))}

    def deliveries(self, manifest: str) -> Deliveries:
        return counted(self._read(tables.DELIVERIES, (manifest,)))

    def size(self, manifest: str) -> int:
        [(size,)] = self._read(tables.SIZE, (manifest,))
        return int(size)

    def standing(self, manifest: str, edition: str) -> Mapping[State, int]:
        [counts] = self._read(tables.STANDING, (manifest, edition))
        return {state: count for state, count in zip(tables.STANDING_STATES, counts, strict=True) if count}

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

    def paces(self) -> None:
        """One host: each run paces itself."""

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

    def forget(self, claim: SqliteClaim) -> None:
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
        """Judges what the last run left, then changes the reading connection for the writing one.

        Not by what the reading one has in its cache: that is as the file was when it was opened.
        """
        with self._turn:
            seen, is_checked = witnesses(self.path), self._checked == version_of(self.path)
            writer = self._connection if self._may_write else open_to_write(self.path)
            try:
                judge_history(writer, self.path, self._meta, seen, is_checked=is_checked)
            except BaseException:
                if not self._may_write:
                    writer.close()
                raise
            if not self._may_write:
                self._connection.close()
                self._connection, self._may_write = writer, True
