"""The ledger's part in runs that workers carry: who may send which part, and when a run has ended."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from runner.delivery.outcomes import intent, settlement
from runner.delivery.shards import cut, keys_of, unpack
from runner.errors import LedgerFault, Locked, Refused
from runner.ledger.places import FilePlace
from runner.ledger.postgres_opening import upgrade
from runner.ledger.postgres_runs import PostgresRuns, PostgresShardClaim, open_runs
from runner.ledger.runs import MOST_TAKEOVERS, Ending, Extra, RunOrder, RunState
from runner.ledger.seam import ClaimLost
from runner.model import Accepted, InDoubt, Message, Outcome, Rejected, State
from tests.delivery.test_shards import some
from tests.ledger.conformance import T0

from .ledgers import ORIGIN, make, opened, place_of
from .sender import terms_of
from .server import Server

SHORT_S = 0.6
ORDER = RunOrder(edition="1", plan="p" * 64, settings="{}", total=20)
RUN = "r1"


@pytest.fixture
def many(url: str) -> str:
    """A ledger with a run of twenty messages in four parts, handed over."""
    make(url)
    with opened(url) as ledger, handed(url) as runs:
        claim = ledger.claim("spring", run=RUN, at=T0)
        runs.freeze(claim, ORDER, cut(messages(), size=5), at=T0)
        runs.hand_over(claim)
        assert not claim.may_post()
        claim.release()  # does nothing: it is the run's
    return url


@contextmanager
def handed(url: str, *, lease_s: float = 30.0) -> Iterator[PostgresRuns]:
    runs = open_runs(place_of(url).address, origin=ORIGIN, keys_of=keys_of, terms=terms_of(lease_s))
    try:
        yield runs
    finally:
        runs.close()


def messages() -> list[Message]:
    return [each._replace(held=None) for each in some(20)]


def taken(runs: PostgresRuns, shard: int = 0) -> PostgresShardClaim:
    claim = runs.take(RUN, shard, plan=ORDER.plan, at=T0)
    assert claim is not None
    return claim


def send(claim: PostgresShardClaim, *outcomes: Outcome) -> None:
    """The first messages of a part, with these outcomes; one more is left in flight."""
    wanted = unpack(claim.messages)[: len(outcomes) + 1]
    claim.commit((), [intent(each, edition="1", at=T0, from_doubt=False) for each in wanted])
    told = [settlement(each, outcome, at=T0) for each, outcome in zip(wanted, outcomes, strict=False)]
    claim.commit(told, ())


def states(url: str) -> list[State]:
    with opened(url) as ledger:
        return sorted(entry.state for entry in ledger.entries())


def test_a_run_ends_with_its_last_part_and_frees_the_manifest(many: str) -> None:
    with handed(many) as runs, opened(many) as ledger:
        assert runs.waiting(9) == [(RUN, shard, ORDER.plan) for shard in range(4)]
        assert runs.waiting(9, run="another") == []
        assert runs.states() == {RUN: RunState.RUNNING}
        for shard in range(4):
            with pytest.raises(Locked, match=f"workers carry it since {T0}, run {RUN}"):
                ledger.claim("spring", run="r2", at=T0)
            assert not runs.conclude(RUN, at=T0)
            taken(runs, shard).finish(Extra())
        assert runs.conclude(RUN, at=T0)
        assert runs.conclude(RUN, at=T0)  # again is harmless
        assert (runs.states(), runs.living(), runs.waiting(9)) == ({}, (), [])
        seen = runs.seen(RUN)
        assert seen is not None
        assert (seen.words, seen.has_ended, seen.shards, seen.done) == ("done", True, 4, 4)
        ledger.claim("spring", run="r2", at=T0).release()
        assert list(ledger.check()) == []


def test_what_became_of_a_part_is_counted_from_its_messages(many: str) -> None:
    with handed(many) as runs:
        claim = taken(runs)
        send(claim, Accepted(message_id="m-1"), Rejected(code="1", words="no"), InDoubt(words="?"))
        claim.tell(accepted=1, rejected=1, in_doubt=1)
        claim.give_back(Extra(doubles=1, deferred=2, kept=3))
        [seen] = runs.living("spring")
        assert runs.living("autumn") == ()
        assert (seen.accepted, seen.rejected, seen.in_doubt, seen.left_behind) == (1, 1, 2, 1)
        assert (seen.cost, seen.cost_in_doubt) == (Decimal("0.0075"), Decimal("0.0150"))
        assert seen.extra == Extra(doubles=1, deferred=2, kept=3)
        again = taken(runs)
        assert {key: stood.state for key, stood in again.stood.items() if stood.is_ours} == dict(
            zip(
                keys_of(again.messages).all,
                [State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.IN_DOUBT],
                strict=False,
            )
        )
        again.release()


def test_a_part_is_one_workers_at_a_time_and_its_lease_decides(many: str) -> None:
    with handed(many, lease_s=SHORT_S) as first, handed(many) as second:
        claim = taken(first)
        assert second.take(RUN, 0, plan=ORDER.plan, at=T0) is None
        assert second.take(RUN, 0, plan="another", at=T0) is None
        assert second.take("another", 0, plan=ORDER.plan, at=T0) is None
        send(claim, Accepted(message_id="m-1"))
        claim.end()  # as if its process stood still
        assert not claim.may_post()
        while not second.strays():
            time.sleep(0.01)
        taking = taken(second)
        with pytest.raises(ClaimLost):
            claim.commit((), ())
        assert [state for state in states(many) if state is not State.ACCEPTED] == [State.IN_DOUBT]
        assert second.seen(RUN).left_behind == 1  # type: ignore[union-attr]
        taking.release()
        assert second.strays() == []


def test_who_stood_still_is_told_at_its_next_commit(many: str) -> None:
    with handed(many, lease_s=SHORT_S) as first, handed(many) as second:
        claim = taken(first)
        claim._lease._ended.set()  # nobody renews it
        while not second.strays():
            time.sleep(0.01)
        taking = taken(second)
        claim._lease._ended.clear()
        with pytest.raises(ClaimLost):
            send(claim, Accepted(message_id="m-1"))
        assert states(many) == []
        taking.finish(Extra())
        with pytest.raises(ClaimLost):
            claim.finish(Extra())


def test_a_part_that_is_taken_over_too_often_is_held_and_the_run_ends_without_it(many: str, server: Server) -> None:
    database = many.rpartition("/")[2]
    with handed(many) as runs:
        for shard in (1, 2, 3):
            taken(runs, shard).finish(Extra())
        died = f"owner = 'pid 1 on gone', until = clock_timestamp(), takeovers = {MOST_TAKEOVERS}"
        server.sql(f"UPDATE flypast.shards SET {died} WHERE shard = 0", database=database)
        assert runs.take(RUN, 0, plan=ORDER.plan, at=T0) is None
        seen = runs.seen(RUN)
        assert seen is not None
        assert (seen.state, seen.has_ended, seen.done, seen.held) == (RunState.DONE, True, 3, 1)


def test_a_part_that_was_changed_is_held(many: str, server: Server) -> None:
    server.sql("UPDATE flypast.shards SET digest = 'x'", database=many.rpartition("/")[2])
    with handed(many) as runs:
        assert runs.take(RUN, 0, plan=ORDER.plan, at=T0) is None
        assert runs.seen(RUN).held == 1  # type: ignore[union-attr]


def test_what_is_wanted_of_a_run_and_what_can_not_be_any_more(many: str, server: Server) -> None:
    with handed(many) as runs:
        claim = taken(runs)
        assert runs.steer(RUN, RunState.PAUSED, at=T0).words == "pausing"
        assert runs.take(RUN, 1, plan=ORDER.plan, at=T0) is None
        claim.give_back(Extra())
        assert runs.steer(RUN, RunState.PAUSED, at=T0).words == "paused"
        assert runs.waiting(9) == []
        assert runs.steer(RUN, RunState.RUNNING, at=T0).words == "running"
        claim = taken(runs)
        send(claim, Accepted(message_id="m-1"))
        ending = Ending(kind="threshold", words="too many")
        assert runs.steer(RUN, RunState.STOPPED, at=T0, ending=ending).words == "stopping"
        assert runs.steer(RUN, RunState.STOPPED, at=T0, ending=Ending(kind="refused", words="no")).ending == ending
        assert not runs.conclude(RUN, at=T0)
        claim.end()
        server.sql("UPDATE flypast.shards SET until = clock_timestamp()", database=many.rpartition("/")[2])
        assert runs.conclude(RUN, at=T0)
        seen = runs.seen(RUN)
        assert seen is not None
        assert (seen.words, seen.accepted, seen.in_doubt) == ("stopped", 1, 1)
        for state, words in ((RunState.RUNNING, "resumed"), (RunState.PAUSED, "paused")):
            with pytest.raises(Refused, match=f"the run {RUN} is stopped already: it can't be {words}"):
                runs.steer(RUN, state, at=T0)
        with pytest.raises(Refused, match="there is no run none in this ledger"):
            runs.steer("none", RunState.PAUSED, at=T0)
    assert server.sql("SELECT count(messages) FROM flypast.shards", database=many.rpartition("/")[2]) == [(0,)]


def test_what_a_sender_left_behind_that_died_before_it_handed_over_is_dropped(url: str, server: Server) -> None:
    make(url)
    with opened(url) as ledger, handed(url) as runs:
        for run in ("r0", RUN):
            claim = ledger.claim("spring", run=run, at=T0)
            assert runs.freeze(claim, ORDER, cut(messages(), size=5), at=T0) == [0, 1, 2, 3]
            assert runs.states() == {}
            assert runs.take(run, 0, plan=ORDER.plan, at=T0) is None
            claim.end()
    held = "SELECT run, count(messages) FROM flypast.shards GROUP BY run ORDER BY run"
    assert server.sql(held, database=url.rpartition("/")[2]) == [("r0", 0), (RUN, 4)]


def test_a_message_that_another_run_rejected_is_told_from_one_of_this_run(many: str) -> None:
    with handed(many) as runs:
        claim = taken(runs)
        send(claim, Rejected(code="1", words="no"))
        claim.release()
        runs.steer(RUN, RunState.CANCELLED, at=T0)
    with opened(many) as ledger, handed(many) as runs:
        later = ledger.claim("spring", run="r2", at=T0)
        runs.freeze(later, ORDER, cut(messages(), size=5), at=T0)
        runs.hand_over(later)
        second = runs.take("r2", 0, plan=ORDER.plan, at=T0)
        assert second is not None
        assert {stood.is_ours for stood in second.stood.values()} == {False}
        second.release()


def test_an_older_ledger_gets_the_tables_by_init_alone(url: str, server: Server) -> None:
    make(url)
    database = url.rpartition("/")[2]
    server.sql("DROP TABLE flypast.deliveries, flypast.shards, flypast.runs, flypast.paces", database=database)
    server.sql("UPDATE flypast.meta SET format = 1", database=database)
    with pytest.raises(Refused, match="is of format 1, and this flypast needs 3"), handed(url):
        pass
    assert upgrade(place_of(url).address) == 3
    with handed(url) as runs, opened(url) as ledger:
        assert runs.living() == ()
        assert list(ledger.check()) == []


def test_where_no_workers_can_be(url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no ledger in the database"), handed(url):
        pass
    file = FilePlace(tmp_path / "ledger.db")
    assert (file.runs(origin=None, keys_of=keys_of), file.conninfo) == (None, None)


def test_a_server_that_is_away_gives_no_part(many: str, server: Server) -> None:
    with handed(many) as runs, ExitStack() as stack:
        runs.hurry()
        server.stop()
        stack.callback(server.start)
        with pytest.raises(LedgerFault):
            runs.take(RUN, 0, plan=ORDER.plan, at=T0)
