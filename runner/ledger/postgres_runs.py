"""Runs that many workers carry, in a PostgreSQL ledger. See `runs.Runs`."""

import hashlib
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from runner.errors import Refused
from runner.model import State

from . import postgres_run_tables as tables
from .postgres_claim import Mine, PostgresClaim, Taken
from .postgres_lease import Terms, steady_s
from .postgres_link import Address, Connection, Link, Row
from .postgres_opening import open_to_read
from .runs import (
    MOST_TAKEOVERS,
    Ending,
    Extra,
    FrozenShard,
    Keys,
    KeysOf,
    RunOrder,
    RunSeen,
    RunState,
    Stood,
)
from .seam import Claim

# What may become what; a run that has ended stays as it is.
_FROM = {
    RunState.RUNNING: (RunState.PAUSED, RunState.RUNNING),
    RunState.PAUSED: (RunState.RUNNING, RunState.PAUSED),
    RunState.CANCELLED: (RunState.RUNNING, RunState.PAUSED, RunState.STOPPED, RunState.CANCELLED),
    RunState.STOPPED: (RunState.RUNNING,),
}


def open_runs(address: Address, *, origin: str | None, keys_of: KeysOf, terms: Terms | None = None) -> "PostgresRuns":
    """Raises Refused where the database holds no ledger, and what `open_to_read` does."""
    found = open_to_read(address, origin=origin)
    if found is None:
        raise Refused(
            f"there is no ledger in the database {address.words}",
            hint="make it once with: flypast ledger init NAME --engine postgres, with the same --ledger",
        )
    link, meta = found
    return PostgresRuns(link, identity=meta.identity, keys_of=keys_of, terms=terms or Terms())


class PostgresRuns:
    """One connection for what is asked, and one for each shard that is being sent. Any thread may ask."""

    def __init__(self, link: Link, *, identity: str, keys_of: KeysOf, terms: Terms) -> None:
        self._link = link
        self._identity = identity
        self._keys_of = keys_of
        self._terms = terms
        self._owner = f"pid {os.getpid()} on {socket.gethostname()}"
        self._free: list[Link] = []
        self._links = [link]

    # Who sends

    def freeze(self, claim: Claim, order: RunOrder, shards: Iterable[FrozenShard], *, at: str) -> Sequence[int]:
        mine = cast(PostgresClaim, claim)
        told = {"edition": order.edition, "plan": order.plan, "settings": order.settings, "total": order.total}

        def begin(connection: Connection, held: Mine) -> None:
            connection.execute(tables.FORGET, {**held, "at": at})
            connection.execute(tables.FREEZE, {**held, **told, "at": at})

        mine.within(begin)
        return [_add(mine, shard) for shard in shards]

    def hand_over(self, claim: Claim) -> None:
        mine = cast(PostgresClaim, claim)
        mine.pass_on(lambda connection, held: connection.execute(tables.HAND_OVER, held).rowcount)

    # Who works

    def take(self, run: str, shard: int, *, plan: str, at: str) -> "PostgresShardClaim | None":
        link = self._free.pop() if self._free else self._new_link()
        try:
            took = link.write(lambda connection: self._took(link, connection, run, shard, plan=plan, at=at))
        except BaseException:
            self._free.append(link)
            raise
        if took is None:
            self._free.append(link)
            self.conclude(run, at=at)  # it may have been held, as the last one
            return None
        return PostgresShardClaim(self, link, took, terms=self._terms)

    def forget(self, claim: PostgresClaim) -> None:
        """A shard's claim has ended: its connection serves the next one."""
        self._free.append(cast(PostgresShardClaim, claim).link)

    def _new_link(self) -> Link:
        link = Link(self._link.address, identity=self._identity, answer_s=2 * self._terms.lease_s)
        self._links.append(link)
        return link

    def _took(self, link: Link, connection: Connection, run: str, shard: int, *, plan: str, at: str) -> "_Took | None":
        since_s = steady_s()
        rows = connection.execute(tables.TO_TAKE, {"run": run}).fetchall()
        if not rows or rows[0][:2] != (RunState.RUNNING, plan):
            return None
        _, _, manifest, epoch, edition, settings, total = rows[0]
        asked = {"run": run, "shard": shard, "manifest": manifest, "at": at, "owner": self._owner}
        taken = connection.execute(tables.TAKE, {**asked, "lease_s": self._terms.lease_s}).fetchall()
        if not taken:
            return None
        [(turn, commits, takeovers, digest, messages, durability)] = taken
        link.must_last(durability)
        is_sound = hashlib.sha256(messages).hexdigest() == digest
        asked |= _listed(self._keys_of(messages) if is_sound else Keys((), ()))
        left = connection.execute(tables.LEAVE, asked).rowcount if takeovers else 0
        if takeovers > MOST_TAKEOVERS or not is_sound:
            connection.execute(tables.RECKON, {**asked, **_NOTHING_MORE, "left": left})
            connection.execute(tables.HOLD, asked)
            return None
        if left:
            connection.execute(tables.LEFT_BEHIND, {**asked, "left": left})
        stood = connection.execute(tables.STOOD, asked).fetchall()
        return _Took(
            taken=Taken(
                manifest=manifest,
                run=run,
                epoch=epoch,
                commits=commits,
                since_s=since_s,
                fence=tables.SHARD,
                more={"shard": shard, "turn": turn, "all_keys": asked["all_keys"], "again": asked["again"]},
            ),
            order=RunOrder(edition=edition, plan=plan, settings=settings, total=total),
            messages=messages,
            stood={key: Stood(State(state), of == run) for key, state, of in stood},
        )

    # Who steers

    def steer(self, run: str, state: RunState, *, at: str, ending: Ending | None = None) -> RunSeen:
        told = {"kind": ending and ending.kind, "words": ending and ending.words, "hint": ending and ending.hint}
        asked = {"run": run, "state": state.value, "from": [each.value for each in _FROM[state]], **told}
        self._link.write(lambda connection: connection.execute(tables.STEER, asked))
        self.conclude(run, at=at)
        seen = self.seen(run)
        if seen is None:
            raise Refused(f"there is no run {run} in this ledger", hint="flypast status names those that go on")
        if seen.state is not state and ending is None:
            raise Refused(f"the run {run} is {seen.words} already: it can't be {_BECOMES[state]}", hint=_AFTER)
        return seen

    def conclude(self, run: str, *, at: str) -> bool:
        def end(connection: Connection) -> bool:
            rows = connection.execute(tables.LOCK, {"run": run}).fetchall()
            return not rows or self._ended(connection, run, rows[0], at=at)

        return self._link.write(end)

    def _ended(self, connection: Connection, run: str, row: Row, *, at: str) -> bool:
        manifest, epoch, state = row
        [(left, sending)] = connection.execute(tables.LEFT, {"run": run}).fetchall()
        if state == RunState.RUNNING and not left:
            state = RunState.DONE
        if sending or state not in (RunState.DONE, RunState.CANCELLED, RunState.STOPPED):
            return False
        asked = {"run": run, "manifest": manifest, "epoch": epoch, "at": at, "state": state}
        for shard, messages in connection.execute(tables.DEAD, asked).fetchall():
            told = {**asked, "shard": shard, **_listed(self._keys_of(messages))}
            left = connection.execute(tables.LEAVE, told).rowcount
            connection.execute(tables.RECKON, {**told, **_NOTHING_MORE, "left": left})
        for statement in (tables.END, tables.EMPTY, tables.FREE):
            connection.execute(statement, asked)
        return True

    # Who looks on

    def seen(self, run: str) -> RunSeen | None:
        return next(map(_seen, self._link.read(tables.SEEN, {"run": run})), None)

    def living(self, manifest: str | None = None) -> tuple[RunSeen, ...]:
        return tuple(map(_seen, self._link.read(tables.LIVING, {"manifest": manifest})))

    def states(self) -> Mapping[str, RunState]:
        return {run: RunState(state) for run, state in self._link.read(tables.STATES)}

    def strays(self) -> Sequence[tuple[str, int, str]]:
        return [(run, shard, plan) for run, shard, plan in self._link.read(tables.STRAYS)]

    def waiting(self, limit: int, *, run: str | None = None) -> Sequence[tuple[str, int, str]]:
        asked = {"limit": limit, "run": run}
        return [(each, shard, plan) for each, shard, plan in self._link.read(tables.WAITING, asked)]

    def hurry(self) -> None:
        for link in self._links:
            link.hurried.set()

    def close(self) -> None:
        for link in self._links:
            link.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Took:
    """What taking a shard gave."""

    taken: Taken
    order: RunOrder
    messages: bytes
    stood: Mapping[str, Stood]


class PostgresShardClaim(PostgresClaim):
    """See `runs.ShardClaim`. Made by `PostgresRuns.take`."""

    def __init__(self, runs: PostgresRuns, link: Link, took: _Took, *, terms: Terms) -> None:
        self.link = link
        self.order = took.order
        self.shard: int = took.taken.more["shard"]
        self.messages = took.messages
        self.stood = took.stood
        self._runs = runs
        self._before = dict.fromkeys(State, 0)
        for state, is_ours in took.stood.values():
            self._before[state] += is_ours
        self._told = (0, 0, 0)
        super().__init__(runs, link, took.taken, terms=terms)

    def tell(self, *, accepted: int, rejected: int, in_doubt: int) -> None:
        self._told = (accepted, rejected, in_doubt)

    def _mine(self) -> Mine:
        accepted, rejected, in_doubt = self._told
        before = self._before
        return {
            **super()._mine(),
            "accepted": before[State.ACCEPTED] + accepted,
            "rejected": before[State.REJECTED] + rejected,
            "in_doubt": before[State.IN_DOUBT] + in_doubt,
        }

    def finish(self, extra: Extra) -> None:
        self._close(tables.FINISH, extra)

    def give_back(self, extra: Extra) -> None:
        self._close(tables.SHARD.clean, extra)

    def end(self) -> None:
        self._end()

    def _close(self, statement: str, extra: Extra) -> None:
        told = {"doubles": extra.doubles, "deferred": extra.deferred, "kept": extra.kept}

        def act(connection: Connection, mine: Mine) -> None:
            left = connection.execute(tables.LEAVE, {**mine, "at": None}).rowcount
            connection.execute(tables.RECKON, {**mine, **told, "left": left})
            connection.execute(statement, mine)

        self.pass_on(act)


def _add(claim: PostgresClaim, shard: FrozenShard) -> int:
    told: dict[str, Any] = {"shard": shard.number, "total": shard.total, "digest": shard.digest}

    def add(connection: Connection, held: Mine) -> None:
        connection.execute(tables.ADD, {**held, **told, "messages": shard.messages})

    claim.within(add)
    return shard.number


def _seen(row: Row) -> RunSeen:
    (run, manifest, edition, state, since, has_ended, total, shards, done, held, sending, workers, accepted, rejected,
     in_doubt, left_behind, closed, doubles, deferred, kept, cost, cost_in_doubt, kind, words, hint) = row  # fmt: skip
    return RunSeen(
        run=run,
        manifest=manifest,
        edition=edition,
        state=RunState(state),
        since=since,
        has_ended=has_ended,
        total=total,
        accepted=accepted,
        rejected=rejected,
        in_doubt=in_doubt,
        left_behind=left_behind,
        closed=closed,
        extra=Extra(doubles=doubles, deferred=deferred, kept=kept),
        cost=cost,
        cost_in_doubt=cost_in_doubt,
        shards=shards,
        done=done,
        held=held,
        sending=sending,
        workers=workers,
        ending=Ending(kind=kind, words=words, hint=hint) if kind is not None else None,
    )


def _listed(keys: Keys) -> dict[str, Any]:
    return {"all_keys": list(keys.all), "again": list(keys.again)}


_NOTHING_MORE = {"doubles": 0, "deferred": 0, "kept": 0}
_AFTER = "a run that has ended stays so: send again, and what is left goes out in a new one"
_BECOMES = {
    RunState.RUNNING: "resumed",
    RunState.PAUSED: "paused",
    RunState.CANCELLED: "cancelled",
    RunState.STOPPED: "stopped",
}
