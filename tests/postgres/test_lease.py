"""Who may send: on the server's clock, and by this machine's own for as long as it surely holds."""

import os
import time

import pytest

from runner.errors import LedgerFault, Locked
from runner.ledger.postgres_lease import Lease, Terms, steady_s
from runner.ledger.seam import ClaimLost
from runner.model import State
from tests.ledger.conformance import T0, T1, T2, intent, settled, states

from .ledgers import make, opened
from .server import Server

SILENT = Terms(lease_s=0.6, beat_s=60.0, margin_s=0.2)


def test_a_second_run_is_told_who_holds_it_and_for_how_long(url: str) -> None:
    make(url)
    with opened(url) as ledger, opened(url) as other:
        ledger.claim("spring", run="r1", at=T0)
        with pytest.raises(Locked) as stop:
            other.claim("spring", run="r2", at=T1)
        assert stop.value.message == (
            f"another run of spring holds the ledger: pid {os.getpid()} on {os.uname().nodename}, since {T0}, run r1"
        )
        hint = stop.value.hint or ""
        assert "--lock-timeout" in hint
        assert "if it is dead, that is known in at most 30 s" in hint


def test_who_says_nothing_loses_its_claim_and_what_it_left_is_in_doubt(url: str) -> None:
    make(url)
    with opened(url, terms=SILENT) as ledger, opened(url) as other:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A"), intent("B")])
        assert claim.may_post()
        newer = other.claim("spring", run="r2", at=T2, timeout_s=30)
        assert not claim.may_post()
        with pytest.raises(ClaimLost):
            claim.commit([settled("A")], [intent("C")])
        assert states(other) == {"A": State.IN_DOUBT, "B": State.IN_DOUBT}
        newer.commit([], [intent("N")])
        claim.release()
        newer.commit([settled("N")], [])
        assert newer.may_post()


def test_a_lease_that_ran_out_is_lost_even_where_nobody_took_it(server: Server, url: str) -> None:
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        server.sql("UPDATE flypast.claims SET until = clock_timestamp()", database=url.rpartition("/")[2])
        assert claim.may_post()  # this machine can't know yet
        with pytest.raises(ClaimLost):
            claim.commit([], [intent("A")])
        assert not claim.may_post()
        assert states(ledger) == {}


def test_who_waits_keeps_its_claim(url: str) -> None:
    make(url)
    with opened(url, terms=Terms(lease_s=1.5, beat_s=0.1, margin_s=0.2)) as ledger, opened(url) as other:
        claim = ledger.claim("spring", run="r1", at=T0)
        with pytest.raises(Locked):
            other.claim("spring", run="r2", at=T1, timeout_s=2.0)
        assert claim.may_post()
        claim.commit([], [intent("A")])
        claim.release()
        assert other.claim("spring", run="r2", at=T1).epoch == 2


def test_a_beat_that_finds_the_claim_taken_ends_the_sending(server: Server, url: str) -> None:
    make(url)
    with opened(url, terms=Terms(lease_s=30.0, beat_s=0.05, margin_s=1.0)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        assert claim.may_post()
        server.sql("UPDATE flypast.claims SET epoch = 2, run = 'r2'", database=url.rpartition("/")[2])
        while claim.may_post():
            time.sleep(0.01)
        with pytest.raises(ClaimLost):
            claim.commit([], [intent("A")])


def test_a_server_that_lost_commits_is_not_written_to(server: Server, url: str) -> None:
    """As a standby would be that took the primary's place without having kept up."""
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A")])
        server.sql("UPDATE flypast.claims SET commits = commits - 1", database=url.rpartition("/")[2])
        with pytest.raises(LedgerFault, match="has lost commits of this run"):
            claim.commit([settled("A")], [intent("B")])
        assert not claim.may_post()
        with pytest.raises(LedgerFault, match="has lost commits of this run"):
            claim.commit([], [intent("B")])
        assert states(ledger) == {"A": State.SENDING}


def test_a_lease_holds_for_less_here_than_on_the_server() -> None:
    lease = Lease(Terms(lease_s=30.0, margin_s=5.0), since_s=steady_s() - 24.0, renew=lambda: None)
    assert lease.holds()
    assert not Lease(Terms(lease_s=30.0, margin_s=5.0), since_s=steady_s() - 25.0, renew=lambda: None).holds()
    lease.renewed(steady_s() - 60.0)  # an answer that came late tells nothing
    assert lease.holds()
    lease.end()
    assert not lease.holds()


def test_the_clock_of_a_lease_goes_on_while_the_machine_sleeps() -> None:
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is None:
        pytest.skip("only Linux tells the two apart")
    assert abs(steady_s() - time.clock_gettime(clock)) < 60


def test_who_gave_its_claim_back_gives_back_nothing_more(url: str) -> None:
    make(url)
    with opened(url) as ledger, opened(url) as other:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.end()
        newer = other.claim("spring", run="r2", at=T1)
        claim.end()
        claim.release()
        newer.commit([], [intent("A")])
        assert newer.may_post()


def test_where_nothing_was_purged_there_is_nothing_to_scrub(url: str) -> None:
    make(url)
    with opened(url) as ledger, opened(url) as other:
        ledger.claim("spring", run="r1", at=T0)
        other.scrub(run="r2", at=T1)  # not even a run is in its way


def test_a_beat_after_the_end_asks_nothing(url: str) -> None:
    make(url)
    with opened(url) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.release()
        claim._beat()
        assert not claim.may_post()
