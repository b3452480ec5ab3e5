"""The ledger in a PostgreSQL database: for machines that are thrown away, and for several of them.

Two connections: one reads, one (from the first claim on) writes, so that a lease is renewed whatever is being read.
A third asks for slots to send in, as a commit must not wait for them.
"""

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from runner.errors import Locked, Refused
from runner.model import State

from . import postgres_delivery_tables as tracking
from . import postgres_tables as tables
from .deliveries import Deliveries, counted
from .moves import is_since, near
from .postgres_checking import check
from .postgres_claim import PostgresClaim, Taken
from .postgres_errors import Unreachable
from .postgres_lease import Terms, steady_s
from .postgres_link import Address, Connection, Link, Meta
from .postgres_opening import held, must_be_alone, open_to_read
from .postgres_paces import PostgresPaces
from .rows import entry, known
from .seam import Entry, Known

T = TypeVar("T")
_POLL_S = 0.2
_GLANCE_S = 3.0
_LATER = "; what was dropped is dropped, but its old rows are still in the table: run this again then"


def open_ledger(
    address: Address, *, origin: str | None, is_judged: bool = True, terms: Terms | None = None
) -> "PostgresLedger | None":
    """The ledger of a database, to read; None where there is none. Raises what `open_to_read` does."""
    found = open_to_read(address, origin=origin, is_judged=is_judged)
    return None if found is None else PostgresLedger(*found, terms=terms or Terms())


def name_ledger(address: Address, name: str) -> None:
    """Gives a ledger its name, once and for ever; what it knows stays. Raises Refused where it has one already."""
    link = Link(address)
    try:
        if not link.write(lambda connection: connection.execute(tables.RENAME, {"name": name}).rowcount):
            raise Refused(f"the ledger at {address.words} has a name already", hint="name another place with --ledger")
    finally:
        link.close()


class PostgresLedger:
    """See `seam.Ledger`. Made by `open_ledger`."""

    def __init__(self, reader: Link, meta: Meta, *, terms: Terms) -> None:
        self.name = meta.name
        self.origin = meta.origin
        self._reader = reader
        self._writer = Link(reader.address, identity=meta.identity, answer_s=2 * terms.lease_s)
        self._writer.hurried = reader.hurried
        self._terms = terms
        self._identity = meta.identity
        self._paces: PostgresPaces | None = None
        self._claims: set[PostgresClaim] = set()

    def lookup(self, key: str) -> Known | None:
        return self.lookup_many([key]).get(key)

    def lookup_many(self, keys: Sequence[str]) -> Mapping[str, Known]:
        return {row[0]: known(row) for row in self._reader.read(tables.LOOKUP, {"keys": list(keys)})}

    def claim(self, manifest: str, *, run: str, at: str, timeout_s: float = 0.0) -> PostgresClaim:
        taken = _waiting(lambda: self._taken(manifest, run=run, at=at), timeout_s)
        claim = PostgresClaim(self, self._writer, taken, terms=self._terms)
        self._claims.add(claim)
        return claim

    def entries(self, manifest: str | None = None, *, states: Iterable[State] = ()) -> Iterator[Entry]:
        wanted = {"states": [state.value for state in frozenset(states) or State]}
        for name in self.manifests() if manifest is None else (manifest,):
            yield from map(entry, self._pages(tables.ENTRIES, name, wanted))

    def keys(self, manifest: str, edition: str) -> Iterator[tuple[str, State]]:
        pages = self._pages(tables.KEYS, manifest, {"edition": edition})
        return ((key, State(state)) for _, key, state in pages)

    def payloads(self, manifest: str, edition: str, message: str) -> Iterator[Mapping[str, str]]:
        asked: dict[str, Any] = {"manifest": manifest, "message": message, "last": 0, "edition": edition}
        while rows := self._reader.read(tables.PAYLOADS, asked):
            yield {key: payload_hash for _, key, payload_hash in rows}
            asked["last"] = rows[-1][0]

    def texts(self, manifest: str, since: str) -> Iterator[str | None]:
        asked: dict[str, Any] = {"last": 0, "manifest": manifest, "near": near(since, days=-2)}
        while rows := self._reader.read(tables.TEXTS, asked):
            yield from (text_hash for _, text_hash, at in rows if is_since(at, since))
            asked["last"] = rows[-1][0]

    def counts(self, manifest: str) -> Mapping[State, int]:
        return {State(state): number for state, number in self._reader.read(tables.COUNTS, {"manifest": manifest})}

    def deliveries(self, manifest: str) -> Deliveries:
        return counted(self._reader.read(tracking.COUNTED, {"manifest": manifest}))

    def size(self, manifest: str) -> int:
        [(size,)] = self._reader.read(tables.SIZE, {"manifest": manifest})
        return int(size)

    def standing(self, manifest: str, edition: str) -> Mapping[State, int]:
        counts = self._reader.read(tables.STANDING, {"manifest": manifest, "edition": edition})
        return {State(state): number for state, number in counts}

    def manifests(self) -> tuple[str, ...]:
        return tuple(name for (name,) in self._reader.read(tables.MANIFESTS))

    def check(self) -> Iterator[str]:
        return check(self._reader, self._reader.troubles)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._reader.begin_snapshot()
        try:
            yield
        finally:
            self._reader.end_snapshot()

    def scrub(self, *, run: str, at: str, timeout_s: float = 0.0) -> None:  # noqa: ARG002 - the seam's signature
        if self._reader.read(tables.IS_UNSCRUBBED)[0][0]:
            _waiting(lambda: self._writer.write(self._rewrite, is_long=True), timeout_s)

    def close(self) -> None:
        for claim in tuple(self._claims):
            claim.end()
        self._reader.close()
        self._writer.close()
        if self._paces is not None:
            self._paces.close()

    def paces(self) -> PostgresPaces:
        if self._paces is None:
            link = Link(self._reader.address, identity=self._identity, answer_s=self._terms.lease_s)
            link.hurried = self._reader.hurried
            self._paces = PostgresPaces(link, patience_s=self._terms.lease_s - self._terms.margin_s)
        return self._paces

    def forget(self, claim: PostgresClaim) -> None:
        self._claims.discard(claim)

    def _taken(self, manifest: str, *, run: str, at: str) -> Taken:
        """Raises Locked."""
        asked = {"manifest": manifest, "run": run, "since": at, "lease_s": self._terms.lease_s}
        asked |= {"pid": os.getpid(), "host": socket.gethostname()}
        since_s = steady_s()

        def take(connection: Connection) -> Taken:
            for epoch, commits, durability in connection.execute(tables.CLAIM, asked).fetchall():
                self._writer.must_last(durability)
                connection.execute(tables.LEAVE, {"at": at, "manifest": manifest})
                return Taken(manifest=manifest, run=run, epoch=epoch, commits=commits, since_s=since_s)
            raise held(connection.execute(tables.HOLDER, {"manifest": manifest}).fetchall()[0])

        return self._writer.write(take)

    def _rewrite(self, connection: Connection) -> None:
        """The tables with what they hold and nothing else: old rows, dead or dropped, are not taken along."""
        must_be_alone(connection, hint=_LATER)
        [(lookers,)] = connection.execute(tables.LOOKERS).fetchall()
        if lookers:
            raise _LookedAt(
                "another session of the database looks at how the ledger was before", hint=f"let it end{_LATER}"
            )
        connection.execute(tables.REWRITE)
        connection.execute(tracking.REWRITE)
        connection.execute(tables.SCRUBBED)

    def _pages(self, statement: str, manifest: str, sieve: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """The manifest's rows, message by message; the first column is the `id` to go on from."""
        asked: dict[str, Any] = {"manifest": manifest, "message": "", **sieve}
        while (message := self._reader.read(tables.NEXT_MESSAGE, asked)[0][0]) is not None:
            asked |= {"message": message, "last": 0}
            while rows := self._reader.read(statement, asked):
                yield from rows
                asked["last"] = rows[-1][0]


class _LookedAt(Locked):
    """By a session that mostly ends by itself at once: autovacuum's, or one that is just being closed."""


def _waiting(act: Callable[[], T], timeout_s: float) -> T:
    """Again and again for so long, while somebody else holds what it needs."""
    began_s = time.monotonic()
    while True:
        try:
            return act()
        except (Locked, Unreachable) as held:
            patience_s = max(timeout_s, _GLANCE_S) if isinstance(held, _LookedAt) else timeout_s
            left_s = began_s + patience_s - time.monotonic()
            if left_s <= 0:
                raise
            time.sleep(min(_POLL_S, left_s))
