"""One run's right to write into a PostgreSQL ledger: every change is a transaction that passes the claim's fence."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, Protocol, TypeVar, cast

from runner.errors import LedgerFault
from runner.model import State

from . import postgres_delivery_tables as tracking
from . import postgres_tables as tables
from .deliveries import Delivery, has_moved, to_write, values
from .identity import purged_reference
from .moves import is_before, lost, must_decide, must_find, must_settle, near, not_open, not_sendable
from .postgres_errors import NotKept, Unreachable, Unsure
from .postgres_lease import Lease, Terms, steady_s
from .postgres_link import Connection, Link
from .rows import verdict_values
from .seam import ClaimLost, Intent, Settlement, Verdict

T = TypeVar("T")
Mine = dict[str, Any]  # what the fence is passed with; `commits` grows with each passage of a transaction
Act = Callable[[Connection, Mine], T]
Group = tuple[Sequence[Settlement], Sequence[Intent]]
_POLL_S = 0.2


class _OneOfThem(Exception):
    """A statement changed fewer rows than it was given."""


class _WentBack(LedgerFault):
    """The server holds fewer commits of this claim than it has confirmed."""


class Store(Protocol):
    """What a claim asks of its ledger."""

    def forget(self, claim: "PostgresClaim") -> None:
        """The claim has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the server gave; `since_s` is the steady time before it was asked.

    `fence` is what its transactions pass, with `more` beside the claim's own values.
    """

    manifest: str
    run: str
    epoch: int
    commits: int
    since_s: float
    fence: tables.Fence = tables.MANIFEST
    more: Mapping[str, Any] = field(default_factory=dict)


class PostgresClaim:
    """See `seam.Claim`. Made by `PostgresLedger.claim`.

    Its token is the epoch, the run and how many commits there are: a server that lost one is not written to.
    """

    def __init__(self, ledger: Store, link: Link, taken: Taken, *, terms: Terms) -> None:
        self.manifest = taken.manifest
        self.run = taken.run
        self.epoch = taken.epoch
        self._ledger = ledger
        self._link = link
        self._fence = taken.fence
        self._more = dict(taken.more)
        self._commits = taken.commits
        self._terms = terms
        self._fault: LedgerFault | None = None
        self._lease = Lease(terms, since_s=taken.since_s, renew=self._beat)
        self._lease.keep()

    def may_post(self) -> bool:
        return self._fault is None and self._lease.holds()

    def hurry(self) -> None:
        self._link.hurried.set()

    def commit(self, settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        for settlement in settlements:
            must_settle(settlement.state)
        try:
            self._step(partial(self._write, _groups(settlements, intents)))
        except _OneOfThem:  # nothing was written: row by row it comes to light which one
            self._step(partial(self._write, _singles(settlements, intents)))

    def resolve(self, keys: Iterable[str], state: State, at: str) -> int:
        must_decide(state)
        decided = {"state": state.value, "at": at, "run": self.run, "manifest": self.manifest}
        return self._each(tables.RESOLVE, [{**decided, "key": key} for key in keys])

    def reconcile(self, verdicts: Sequence[Verdict]) -> int:
        for verdict in verdicts:
            must_find(verdict.state)
        rows = [verdict_values(verdict, self.manifest) for verdict in verdicts]
        return self._each(tables.RECONCILE, [tables.holdable(row) for row in rows])

    def track(self, seen: Mapping[str, Delivery]) -> int:
        def act(connection: Connection, _: Mine) -> int:
            asked = {"keys": list(seen), "manifest": self.manifest}
            found = list(to_write(connection.execute(tracking.TRACKED, asked).fetchall(), seen))
            if found:
                connection.cursor().executemany(tracking.TRACK, [values(row, kept) for row, _, kept in found])
            return sum(has_moved(held, kept) for _, held, kept in found)

        return self.within(act)

    def purge(self, before: str) -> int:
        total, last = self._step(partial(self._purge_page, before, 0))
        while last is not None:
            count, last = self._step(partial(self._purge_page, before, last))
            total += count
        return total

    def release(self) -> None:
        if self._lease.is_ended:
            return
        try:
            self._step(self._leave, is_patient=False)
            self._end()
        except LedgerFault:  # every outcome is recorded already or can't be: the next claim finds an unclean end
            self.end()

    def end(self) -> None:
        """Gives the lease back and does nothing else: what the end of the process would come to after a while."""
        if not self._lease.is_ended:
            self._end()
            with suppress(LedgerFault):  # it runs out by itself
                self._link.step(self._fence.give_back, self._mine())

    def pass_on(self, act: Act[T]) -> T:
        """`within`, and then this claim ends as it stands: what `act` writes says who has it from here on."""
        with self._link.turn:
            result = self.within(act)
            self._end()
            return result

    def within(self, act: Act[T]) -> T:
        """One transaction of this claim's, of which `act` is a part. Raises what `commit` does."""

        def acted(connection: Connection, mine: Mine) -> T:
            self._pass(connection, mine)
            return act(connection, mine)

        return self._step(acted)

    def _end(self) -> None:
        self._lease.end()
        self._ledger.forget(self)

    def _mine(self) -> Mine:
        mine = {"manifest": self.manifest, "epoch": self.epoch, "run": self.run, "commits": self._commits}
        return {**mine, "lease_s": self._terms.lease_s, **self._more}

    # What its transactions do

    def _write(self, groups: Sequence[Group], connection: Connection, mine: Mine) -> None:
        for settlements, intents in groups:
            rows = connection.execute(self._fence.write, mine | tables.write_values(settlements, intents)).fetchall()
            settled, intended = self._passed(rows, connection, mine)
            if settled != len(settlements):
                _one_of(settlements)
                not_open(settlements[0].key)
            if intended != len(intents):
                _one_of(intents)
                [(state,)] = connection.execute(tables.STATE, {"key": intents[0].key}).fetchall()
                not_sendable(intents[0].key, State(state))

    def _each(self, statement: str, values: Sequence[dict[str, Any]]) -> int:
        def act(connection: Connection, mine: Mine) -> int:
            self._pass(connection, mine)
            cursor = connection.cursor()
            cursor.executemany(statement, values)
            return max(cursor.rowcount, 0) if values else 0

        return self._step(act)

    def _purge_page(self, before: str, last: int, connection: Connection, mine: Mine) -> tuple[int, int | None]:
        """How many of a thousand rows it purged, and the last of them."""
        self._pass(connection, mine)
        asked = {"manifest": self.manifest, "last": last, "near": near(before, days=2)}
        rows = connection.execute(tables.PURGEABLE, asked).fetchall()
        old = [
            {"reference": purged_reference(key, held), "id": row}
            for row, key, held, at in rows
            if is_before(at, before)
        ]
        if old:
            connection.execute(tables.PURGED)
            connection.cursor().executemany(tables.PURGE, old)
            connection.execute(tracking.PURGE_WORDS, {"ids": [each["id"] for each in old]})
        return len(old), rows[-1][0] if rows else None

    def _leave(self, connection: Connection, mine: Mine) -> None:
        self._pass(connection, mine)
        connection.execute(self._fence.leave, {**mine, "at": None})
        connection.execute(self._fence.clean, mine)

    def _pass(self, connection: Connection, mine: Mine) -> None:
        self._passed(connection.execute(self._fence.step, mine).fetchall(), connection, mine)

    def _passed(self, rows: Sequence[tuple[Any, ...]], connection: Connection, mine: Mine) -> tuple[Any, ...]:
        """What a statement with the fence in it gave beside it. Raises ClaimLost where it did not pass."""
        if not rows:
            [(commits, is_living)] = connection.execute(self._fence.why, mine).fetchall() or [(None, False)]
            if is_living and commits != mine["commits"]:
                _went_back()
            lost(self.manifest)
        [(mine["commits"], durability, *rest)] = rows
        self._link.must_last(durability)
        return tuple(rest)

    # How they are done

    def _step(self, act: Act[T], *, is_patient: bool = True) -> T:
        """One transaction of this claim, if it is still the newest one.

        Where the connection breaks it is made anew and the same is done again, as long as the lease surely holds:
        whether a commit came through is known by the number of commits, which nobody else can have raised.
        """
        with self._link.turn:
            if self._lease.is_ended:
                lost(self.manifest)
            if self._fault is not None:
                raise type(self._fault)(self._fault.message, hint=self._fault.hint)
            try:
                while True:
                    is_done, result = self._tried(act, is_patient=is_patient)
                    if is_done:
                        return result
                    self._wait()
            except (ClaimLost, NotKept, Unsure, _WentBack) as fault:
                self._fault = fault
                raise

    def _tried(self, act: Act[T], *, is_patient: bool) -> tuple[bool, T]:
        """Whether it is committed, and what it gave."""
        mine, since_s, given = self._mine(), steady_s(), []

        def acted(connection: Connection) -> None:
            given.append(act(connection, mine))

        try:
            self._link.write(acted)
        except Unreachable:
            if not (is_patient and self._may_wait()):
                raise
            return False, cast(T, None)
        except Unsure as fault:
            if not self._is_committed(mine["commits"], fault):
                return False, cast(T, None)
        self._commits = mine["commits"]
        self._lease.renewed(since_s)
        return True, given[0]

    def _is_committed(self, commits: int, doubt: Unsure) -> bool:
        """Asks the server, which answers when it has ended the transaction that nobody knows the end of."""
        while self._may_wait():
            try:
                rows = self._link.write(lambda held: held.execute(self._fence.found_out, self._mine()).fetchall())
            except LedgerFault:
                self._wait()
                continue
            if not rows:
                lost(self.manifest)
            if rows[0][0] not in (self._commits, commits):
                _went_back()
            return bool(rows[0][0] == commits)
        raise doubt

    def _may_wait(self) -> bool:
        return self._lease.holds() and not self._link.hurried.is_set()

    def _wait(self) -> None:
        time.sleep(min(_POLL_S, self._terms.beat_s / 10))

    def _beat(self) -> None:
        with self._link.turn:
            if self._lease.is_ended:
                return
            since_s = steady_s()
            try:
                if not (rows := self._link.step(self._fence.beat, self._mine())):
                    lost(self.manifest)
            except ClaimLost as fault:
                self._fault = fault
                raise
            self._link.must_last(rows[0][0])
            self._lease.renewed(since_s)


def _groups(settlements: Sequence[Settlement], intents: Sequence[Intent]) -> Sequence[Group]:
    """What one statement each can write: it sees no message twice."""
    intended = {intent.key for intent in intents}
    if len(intended) != len(intents):
        raise _OneOfThem
    if intended.isdisjoint(settlement.key for settlement in settlements):
        return [(settlements, intents)]
    return [(settlements, ()), ((), intents)]


def _singles(settlements: Sequence[Settlement], intents: Sequence[Intent]) -> Sequence[Group]:
    return [*(((each,), ()) for each in settlements), *(((), (each,)) for each in intents)]


def _one_of(some: Sequence[object]) -> None:
    if len(some) > 1:
        raise _OneOfThem


def _went_back() -> NoReturn:
    raise _WentBack(
        "the server has lost commits of this run that it had confirmed: it was restored, or a standby took its place",
        hint="nothing more was sent; see docs/postgresql.md before any send: what it lacks would go out again",
    )
