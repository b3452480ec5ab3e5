"""One connection to a PostgreSQL server: judged before it is used, made again where it broke.

Nothing outlives a transaction on the server's side (no SET, no prepared statement, no session lock, no LISTEN), so that
a pooler may give each transaction another session.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo

from runner.errors import LedgerFault

from . import postgres_tables as tables
from .postgres_errors import NotKept, Unreachable, Unsure, in_words, is_over, no_connection

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # its warnings name user and host: ours tell enough

T = TypeVar("T")
Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]

OLDEST = 140000
_ANSWER_S = 60.0
_PATIENCE_S = 10.0  # with a server that is restarting, where somebody only reads
_POLL_S = 0.2
_SETTINGS: Mapping[str, str | int] = {
    "client_encoding": "UTF8",
    "application_name": "flypast",
    "connect_timeout": 5,
    # A peer that is gone is noticed in about 10 s, well within a lease.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`conninfo` is libpq's and may hold a password: it is never shown. `words` is."""

    conninfo: str
    given: frozenset[str]
    words: str

    def __repr__(self) -> str:
        return f"Address({self.words!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Which ledger it is."""

    format: int
    identity: str
    origin: str
    name: str | None


class Link:
    """Connects when it is first asked. Any thread may ask, one at a time."""

    def __init__(
        self, address: Address, *, identity: str | None = None, is_judged: bool = True, answer_s: float = _ANSWER_S
    ) -> None:
        """`identity`: the one ledger that it must always be. Not judged: whatever the server's settings are.

        `answer_s`: a server that says nothing for so long while it is asked to write is as good as gone.
        """
        self.address = address
        self._answer_s = answer_s
        self.hurried = threading.Event()  # nobody waits any longer: what is not there now is away
        self.turn = threading.RLock()
        self._identity = identity
        self._is_judged = is_judged
        self._connection: _Connection | None = None
        self._is_in_snapshot = False
        self._is_patient = True
        self._warnings = 0
        self._standbys = ""
        self.troubles: tuple[str, ...] = ()

    def open(self) -> Meta | None:
        """Which ledger is there; None where there is none. Raises LedgerFault for what can't be trusted or reached."""
        with self.turn:
            self.close()
            self._connection, meta = self._opened()
            return meta

    def must_be(self, identity: str) -> None:
        """From now on: wherever the address leads next, it is this ledger or none."""
        self._identity = identity

    def must_last(self, synchronous_commit: str) -> None:
        """As the session has it that this transaction is in: a pooler's may be another than at the start."""
        for trouble in undurable_commit(synchronous_commit, self._standbys):
            raise LedgerFault(f"the server at {self.address.words} {_UNDURABLE}: {trouble}", hint=_DURABLE)

    def close(self) -> None:
        with self.turn:
            if self._connection is not None:
                with suppress(psycopg.Error):
                    self._connection.close()
            self._connection = None

    def read(self, statement: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        """One statement that writes nothing: asked again where the connection broke, unless in a snapshot."""
        return self._patiently(lambda connection: connection.execute(statement, values).fetchall())

    def write(self, act: Callable[[Connection], T], *, is_long: bool = False) -> T:
        """One transaction: durable when this returns.

        Raises Unreachable where nothing was written, Unsure where nobody knows, else LedgerFault where nothing was.
        What `act` raises undoes it.
        """
        with self.turn:
            connection = self._usable()
            connection.limit_s = None if is_long else self._answer_s
            try:
                connection.execute(tables.BEGIN)
                result = act(connection)
            except psycopg.Error as error:
                raise self._fault(error) from error
            except BaseException:
                self._undo()
                raise
            self._commit(connection)
            connection.limit_s = None
            return result

    def step(self, statement: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        """One statement that is a transaction of its own. Raises as `write` does."""
        with self.turn:
            try:
                connection = self._usable()
                connection.limit_s = self._answer_s
                rows = connection.execute(statement, values)
                connection.limit_s = None
                return rows.fetchall() if rows.description else []
            except psycopg.Error as error:
                fault = self._fault(error)
                raise Unsure(fault.message) if isinstance(fault, Unreachable) else fault from error

    def at_once(self, statements: str, values: Mapping[str, Any]) -> list[Row]:
        """A whole transaction, its end included, in one message: the rows of the one that gives some.

        Whoever stands still in the middle holds no lock. Raises as `write` does.
        """
        with self.turn:
            try:
                connection = self._usable()
                connection.limit_s = self._answer_s
                cursor = psycopg.ClientCursor(connection)
                cursor.execute(statements.encode(), values)
                rows: list[Row] = []
                while True:
                    rows += cursor.fetchall() if cursor.description else []
                    if not cursor.nextset():
                        break
                connection.limit_s = None
                return rows
            except psycopg.Error as error:
                fault = self._fault(error)
                raise Unsure(fault.message) if isinstance(fault, Unreachable) else fault from error

    def begin_snapshot(self) -> None:
        with self.turn:
            self._patiently(lambda connection: connection.execute(tables.SNAPSHOT))
            self._is_in_snapshot = True

    def end_snapshot(self) -> None:
        with self.turn:
            self._is_in_snapshot = False
            self._undo()

    def _patiently(self, act: Callable[[Connection], T]) -> T:
        until_s = time.monotonic() + (_PATIENCE_S if self._is_patient and not self.hurried.is_set() else 0)
        with self.turn:
            while True:
                try:
                    given = act(self._usable())
                    self._is_patient = True
                    return given
                except psycopg.Error as error:
                    fault = self._fault(error)
                except Unreachable as unreachable:
                    fault = unreachable
                if not isinstance(fault, Unreachable) or self._is_in_snapshot or time.monotonic() > until_s:
                    self._is_patient = False  # who waited once in vain does not wait at each question
                    raise fault
                time.sleep(_POLL_S)

    def _usable(self) -> "_Connection":
        if self._connection is None or self._connection.closed:
            if self._is_in_snapshot:
                raise Unreachable(f"the connection to the ledger at {self.address.words} broke")
            self._connection, _ = self._opened()
        return self._connection

    def _opened(self) -> tuple["_Connection", Meta | None]:
        connection = self._connect()
        try:
            return connection, self._judge(connection)
        except BaseException:
            connection.close()
            raise

    def _commit(self, connection: "_Connection") -> None:
        before = self._warnings
        try:
            tag = connection.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            is_unsure = is_over(error)
            fault = self._fault(error)
            raise (Unsure(fault.message, hint=fault.hint) if is_unsure else fault) from error
        if tag != "COMMIT":
            raise LedgerFault(f"the server undid what was written to the ledger at {self.address.words}")
        if self._warnings > before:  # somebody ended its wait for a synchronous standby
            self.close()
            raise NotKept(
                f"the server at {self.address.words} committed without its standby: a wait for it was ended",
                hint="look at the server's log; what was in flight is in doubt",
            )

    def _undo(self) -> None:
        if self._connection is not None:
            try:
                self._connection.execute("ROLLBACK")
                self._connection.limit_s = None
            except psycopg.Error:
                self.close()

    def _fault(self, error: psycopg.Error) -> LedgerFault:
        """In words; the connection is ready for the next transaction, or gone."""
        if is_over(error):
            self.close()
        else:
            self._undo()
        return in_words(error, self.address.words)

    def _connect(self) -> "_Connection":
        settings = {name: value for name, value in _SETTINGS.items() if name not in self.address.given}
        try:
            conninfo = make_conninfo(self.address.conninfo, **settings)
            connection = _Connection.connect(conninfo, autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            raise no_connection(error, self.address.words) from None
        connection.add_notice_handler(self._hear)
        connection.hurried = self.hurried
        connection.limit_s = self._answer_s
        return connection

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        self._warnings += notice.severity_nonlocalized == "WARNING"

    def _judge(self, connection: "_Connection") -> Meta | None:
        where = self.address.words
        try:
            [(*server, fsync, commit, standbys, is_there)] = connection.execute(tables.SERVER).fetchall()
            judge_server(where, *server, was_open=self._identity is not None)
            self._standbys = standbys
            self.troubles = tuple(undurable(fsync, commit, standbys))
            if self.troubles and self._is_judged:
                raise LedgerFault(f"the server at {where} {_UNDURABLE}: {self.troubles[0]}", hint=_DURABLE)
            found = connection.execute(tables.META).fetchall() if is_there else []
        except psycopg.Error as error:
            raise in_words(error, where) from error
        connection.limit_s = None
        return self._same(found, is_there=is_there)

    def _same(self, found: list[Row], *, is_there: bool) -> Meta | None:
        where = self.address.words
        if is_there and not found:
            raise LedgerFault(f"the ledger at {where} is damaged: it does not say which ledger it is", hint=_RESTORE)
        meta = Meta(format=found[0][0], identity=found[0][1], origin=found[0][2], name=found[0][3]) if found else None
        if self._identity is not None and not (
            meta is not None and meta.identity == self._identity and meta.format == tables.FORMAT
        ):
            raise LedgerFault(f"the database at {where} is another one than before: it does not hold the same ledger")
        if meta is not None and not meta.origin:
            raise LedgerFault(f"the ledger at {where} is damaged: it does not say which API it is for", hint=_RESTORE)
        return meta


_UNDURABLE = "may lose what it says it has"
_DURABLE = "a commit that a crash can undo is no promise: a message could go out twice"
_RESTORE = "it was left as it is; restore the database, as a new ledger would send everything again"


def judge_server(where: str, version: int, is_standby: bool, encoding: str, *, was_open: bool) -> None:
    """Raises LedgerFault; Unreachable for a standby where a primary was before: it may be about to become one."""
    if is_standby:
        raise (Unreachable if was_open else LedgerFault)(
            f"the server at {where} is a standby: what it holds may be old, and it can't be written",
            hint="name the primary; with several hosts, add target_session_attrs=primary to the URL",
        )
    if version < OLDEST:
        raise LedgerFault(f"the server at {where} is too old for a ledger", hint="PostgreSQL 14 or later is needed")
    if encoding != "UTF8":
        raise LedgerFault(f"the database at {where} holds text as {encoding}", hint="a ledger needs UTF8")


def undurable(fsync: str, commit: str, standbys: str) -> Generator[str, None, None]:
    """By which settings a crash or a failover takes back what was committed."""
    if fsync == "off":
        yield "fsync is off"
    yield from undurable_commit(commit, standbys)


def undurable_commit(commit: str, standbys: str) -> Generator[str, None, None]:
    """`remote_write` and more wait for the disk here; `local` is enough where no standby has to keep up."""
    if commit == "off":
        yield "synchronous_commit is off"
    elif commit == "local" and standbys:
        yield "synchronous_commit is local, and so passes its synchronous standby by"


class _Connection(psycopg.Connection[Row]):
    """A connection that waits `limit_s` for an answer; None: for as long as it takes."""

    limit_s: float | None = None
    hurried: threading.Event

    def wait(self, gen: PQGen[T], *options: Any, **more: Any) -> T:
        return super().wait(gen if self.limit_s is None else _within(gen, self.limit_s, self.hurried), *options, **more)


def _within(gen: PQGen[T], limit_s: float, hurried: threading.Event) -> PQGen[T]:
    """The same talk, which breaks off when the other side is silent for too long, or at once in a hurry."""
    until_s = time.monotonic() + limit_s
    ready = None
    while True:
        try:
            wanted = gen.send(ready)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        ready = yield wanted
        if not ready and (hurried.is_set() or time.monotonic() > until_s):
            raise psycopg.OperationalError("no answer in time")
