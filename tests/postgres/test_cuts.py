"""The connection breaks at every point of a commit: nothing is written twice, lost unseen, or sent unintended."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from runner.errors import Exit, LedgerFault
from runner.ledger.postgres import PostgresLedger
from runner.ledger.postgres_lease import Terms
from runner.ledger.seam import ClaimLost
from runner.model import State
from tests.ledger.conformance import T0, T1, intent, settled, states

from .cutting import How, Wire
from .ledgers import make, opened
from .server import Server

SHORT = Terms(lease_s=1.0, beat_s=60.0, margin_s=0.3)
COMMIT = 3  # BEGIN, the statement, COMMIT


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire(server.port)
    yield wire
    wire.close()


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("message", [1, 2, COMMIT])
def test_a_commit_that_is_cut_is_done_once_over_a_new_connection(url: str, wire: Wire, how: How, message: int) -> None:
    make(url)
    with opened(url) as other, opened(wire.url(url)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A"), intent("B")])
        wire.cut(message, how)
        claim.commit([settled("A")], [intent("C")])
        assert claim.may_post()
        claim.commit([settled("B")], [])
        assert states(other) == {"A": State.ACCEPTED, "B": State.ACCEPTED, "C": State.SENDING}
        assert {entry.attempts for entry in other.entries()} == {1}
        assert list(other.check()) == []


@pytest.mark.parametrize(("message", "how"), [(2, "before"), (2, "after"), (COMMIT, "before"), (COMMIT, "after")])
def test_where_the_server_stays_away_nothing_may_be_sent_when_the_lease_is_over(
    url: str, wire: Wire, message: int, how: How
) -> None:
    make(url)
    with opened(url) as other:
        with opened(wire.url(url), terms=SHORT) as ledger:
            claim = ledger.claim("spring", run="r1", at=T0)
            claim.commit([], [intent("A")])
            wire.is_open = False
            wire.cut(message, how)
            with pytest.raises(LedgerFault, match=r"can't be reached|broke") as stop:
                claim.commit([settled("A")], [intent("B")])
            assert stop.value.exit_code is Exit.LEDGER
            assert not claim.may_post()
            with pytest.raises(LedgerFault):
                claim.commit([], [intent("C")])
        after = other.claim("spring", run="r2", at=T1, timeout_s=30)
        is_committed = message == COMMIT and how == "after"
        found = {"A": State.ACCEPTED, "B": State.IN_DOUBT} if is_committed else {"A": State.IN_DOUBT}
        assert states(other) == found
        after.release()


def test_a_server_that_falls_silent_stops_the_run_within_two_leases(url: str, wire: Wire) -> None:
    make(url)
    quick = Terms(lease_s=1.0, beat_s=60.0, margin_s=0.2)
    with opened(url) as other, opened(wire.url(url), terms=quick) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        wire.cut(COMMIT, "silence")
        with pytest.raises(LedgerFault):
            claim.commit([], [intent("A")])
        assert not claim.may_post()
        assert other.claim("spring", run="r2", at=T1, timeout_s=30).epoch == 2
        assert states(other) == {"A": State.IN_DOUBT}


def test_another_that_took_over_while_the_connection_was_away_is_heeded(url: str, wire: Wire) -> None:
    make(url)
    with opened(url) as other, opened(wire.url(url), terms=Terms(lease_s=0.5, beat_s=60.0)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        newer = other.claim("spring", run="r2", at=T1, timeout_s=30)
        wire.cut_now()
        with pytest.raises(LedgerFault):
            claim.commit([settled("A")], [intent("B")])
        with pytest.raises(ClaimLost):
            claim.commit([settled("A")], [intent("B")])
        newer.commit([], [intent("N")])
        assert states(other) == {"A": State.IN_DOUBT, "N": State.SENDING}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("epoch = 9, run = 'r2'", "has ended or been taken over"),
        ("commits = 77", "has lost commits"),
    ],
)
def test_what_became_of_the_claim_while_the_connection_was_away_is_seen(
    server: Server, url: str, wire: Wire, change: str, words: str
) -> None:
    make(url)
    with opened(wire.url(url)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        messages = 0

        def heard(_: bytes) -> None:
            nonlocal messages
            messages += 1
            if messages == COMMIT + 1:
                server.sql(f"UPDATE flypast.claims SET {change}", database=url.rpartition("/")[2])

        wire.heard = heard
        wire.cut(COMMIT, "before")
        with pytest.raises(LedgerFault, match=words):
            claim.commit([], [intent("A")])
        assert not claim.may_post()
        assert states(ledger) == {}


def test_what_is_read_is_read_again_over_a_new_connection(url: str, wire: Wire) -> None:
    make(url)
    with opened(wire.url(url)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        wire.cut_now()
        assert states(ledger) == {"A": State.SENDING}
        with ledger.snapshot():
            assert states(ledger) == {"A": State.SENDING}
            wire.cut_now()
            for _ in range(2):  # never with something newer among it
                with pytest.raises(LedgerFault, match="broke"):
                    ledger.counts("spring")
        assert states(ledger) == {"A": State.SENDING}
        wire.cut_now()
        with ledger.snapshot():
            assert states(ledger) == {"A": State.SENDING}
            wire.cut_now()  # nobody reads on: it just ends
        assert states(ledger) == {"A": State.SENDING}


def test_a_lease_is_renewed_over_a_new_connection(url: str, wire: Wire) -> None:
    make(url)
    with opened(url) as other, opened(wire.url(url), terms=Terms(lease_s=2.0, beat_s=0.2, margin_s=0.2)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        until = _until(other)
        wire.cut_now()
        while _until(other) <= until:
            assert claim.may_post()
        claim.release()


def _until(ledger: PostgresLedger) -> datetime:
    [(until,)] = ledger._reader.read("SELECT until FROM flypast.claims")
    assert isinstance(until, datetime)
    return until
