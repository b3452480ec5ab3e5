"""One run's right to write into a SQLite ledger: every change is a transaction that checks the claim's epoch first."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

from runner.errors import LedgerFault
from runner.model import State

from . import changes, tables
from .deliveries import Delivery, has_moved, to_write, values
from .identity import purged_reference
from .keys import Keys
from .locks import RunLock, Witness
from .moves import lost, must_decide, must_find, must_settle, not_open, not_sendable
from .opening import is_broken
from .rows import verdict_values
from .scrubbing import mark_unscrubbed
from .seam import Intent, Settlement, Verdict

_Row = TypeVar("_Row")
_MOST_ROWS = 32  # of a statement: each number of rows is one that SQLite parses and keeps
_KEY = attrgetter("key")
_FROM_DOUBT = attrgetter("from_doubt")


class _OneOfThem(Exception):
    """A statement changed fewer rows than it was given."""


class Store(Protocol):
    """What a claim asks of its ledger."""

    path: Path
    by_key: Keys

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """One transaction: durable when the block ends, or nothing of it. Raises LedgerFault."""

    def forget(self, claim: "SqliteClaim") -> None:
        """The claim has ended."""


class SqliteClaim:
    """See `seam.Claim`. Made by `SqliteLedger.claim`."""

    def __init__(self, ledger: Store, lock: RunLock, *, manifest: str, run: str, epoch: int, identity: str) -> None:
        self.manifest = manifest
        self.run = run
        self.epoch = epoch
        self._ledger = ledger
        self._identity = identity
        self._lock = lock
        self._fault: LedgerFault | None = None
        self._has_intended = False

    def may_post(self) -> bool:
        return self._lock.is_held  # an OS lock: nobody takes it over from a process that lives

    def hurry(self) -> None:
        """A disk is not waited for."""

    def commit(self, settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        for state in {settlement.state for settlement in settlements}:
            must_settle(state)
        self._has_intended = self._has_intended or bool(intents)
        try:
            self._write(settlements, intents, most=_MOST_ROWS)
        except _OneOfThem:  # nothing was written: row by row it comes to light which one
            self._write(settlements, intents, most=1)

    def resolve(self, keys: Iterable[str], state: State, at: str) -> int:
        must_decide(state)
        with self._indexed_step() as connection:
            moved = connection.executemany(
                tables.RESOLVE, [(state, at, self.run, key, self.manifest) for key in keys]
            ).rowcount
        return max(moved, 0)

    def reconcile(self, verdicts: Sequence[Verdict]) -> int:
        for verdict in verdicts:
            must_find(verdict.state)
        with self._indexed_step() as connection:
            moved = connection.executemany(
                tables.RECONCILE, [verdict_values(verdict, self.manifest) for verdict in verdicts]
            ).rowcount
        return max(moved, 0)

    def track(self, seen: Mapping[str, Delivery]) -> int:
        with self._step() as connection:
            ids = self._ledger.by_key.find(connection, list(seen))
            rows = connection.execute(tables.TRACKED, (json.dumps(list(ids.values())), self.manifest)).fetchall()
            found = list(to_write(rows, seen))
            connection.executemany(tables.TRACK, [values(row, kept) for row, _, kept in found])
        return sum(has_moved(held, kept) for _, held, kept in found)

    def purge(self, before: str) -> int:
        total, rows = 0, [(0, "", "")]
        while rows:
            with self._step() as connection:
                rows = connection.execute(tables.PURGEABLE, (self.manifest, rows[-1][0], before)).fetchall()
                if rows:
                    mark_unscrubbed(self._ledger.path)
                connection.executemany(tables.PURGE, [(purged_reference(key, held), row) for row, key, held in rows])
                connection.executemany(tables.PURGE_WORD, [(row,) for row, _, _ in rows])
            total += len(rows)
        return total

    def release(self) -> None:
        if not self._lock.is_held:
            return
        try:
            with self._indexed_step(is_last=True) as connection:
                if self._has_intended:
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
    def _indexed_step(self, *, is_last: bool = False) -> Iterator[sqlite3.Connection]:
        """As `_step`; the table `keys` has them all."""
        with self._step(is_last=is_last) as connection:
            self._ledger.by_key.index(connection)
            yield connection
        self._ledger.by_key.forget()

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

    def _write(self, settlements: Sequence[Settlement], intents: Sequence[Intent], *, most: int) -> None:
        """One transaction, so many rows a statement."""
        keys = self._ledger.by_key
        is_full = keys.are_many
        with self._step() as connection:
            ids = keys.find(connection, [*map(_KEY, settlements), *map(_KEY, intents)])
            self._settle(connection, settlements, ids, most)
            new = {intent.key: intent for intent in intents if intent.key not in ids}
            again = [intent for intent in intents if intent.key in ids] if len(new) < len(intents) else []
            if len(new) + len(again) < len(intents):
                _named_twice(intents)
            self._intend_again(connection, again, ids, most)
            last = self._intend(connection, [*new.values()], most)
            if is_full:
                keys.index(connection)
        if is_full:
            keys.forget()
        elif new:
            keys.note(new, last=last)

    def _settle(
        self, connection: sqlite3.Connection, settlements: Sequence[Settlement], ids: Mapping[str, int], most: int
    ) -> None:
        accepted: list[Settlement] = []
        others: list[Settlement] = []
        for told in settlements:
            if told.key not in ids:
                not_open(told.key)
            is_bare = told.state is State.ACCEPTED and told.code is None and told.words is None
            (accepted if is_bare else others).append(told)
        for some in _parts(accepted, most):
            values = changes.accept_values(some, ids, self.manifest, self.epoch)
            if connection.execute(changes.accept(len(some)), values).rowcount != len(some):
                _not_open(some)
        for some in _parts(others, most):
            values = changes.settle_values(some, ids, self.manifest, self.epoch)
            if connection.execute(changes.settle(len(some)), values).rowcount != len(some):
                _not_open(some)

    def _intend(self, connection: sqlite3.Connection, intents: Sequence[Intent], most: int) -> int:
        """Messages that the ledger does not hold; gives the id of the last of them."""
        last = 0
        for few in _parts(intents, most):
            shape = changes.shape(few)
            values = changes.intend_values(few, self.manifest, self.run, self.epoch, shape)
            last = connection.execute(changes.intend(len(few), shape), values).lastrowid or 0
        return last

    def _intend_again(
        self, connection: sqlite3.Connection, intents: Sequence[Intent], ids: Mapping[str, int], most: int
    ) -> None:
        for _, alike in groupby(intents, _FROM_DOUBT):
            for few in _parts(list(alike), most):
                values = changes.again_values(few, ids, self.manifest, self.run, self.epoch)
                if connection.execute(changes.again(len(few)), values).rowcount != len(few):
                    _not_sendable(few, ids, connection)


def _parts(rows: Sequence[_Row], most: int) -> Iterator[Sequence[_Row]]:
    return (rows[start : start + most] for start in range(0, len(rows), most))


def _not_open(settlements: Sequence[Settlement]) -> NoReturn:
    if len(settlements) > 1:
        raise _OneOfThem
    not_open(settlements[0].key)


def _named_twice(intents: Sequence[Intent]) -> NoReturn:
    """One of the keys that are new."""
    keys = [intent.key for intent in intents]
    not_sendable(max(keys, key=keys.count), State.SENDING)


def _not_sendable(intents: Sequence[Intent], ids: Mapping[str, int], connection: sqlite3.Connection) -> NoReturn:
    if len(intents) > 1:
        raise _OneOfThem
    (state,) = connection.execute(tables.STATE, (ids[intents[0].key],)).fetchone()
    not_sendable(intents[0].key, State(state))
