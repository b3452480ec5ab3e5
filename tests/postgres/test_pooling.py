"""Behind PgBouncer, which gives each transaction another session: all the same."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from runner.errors import Locked
from runner.ledger.postgres_lease import Terms
from runner.ledger.seam import ClaimLost
from runner.model import State
from tests.ledger.conformance import T0, T1, T2, intent, settled, states, verdict

from .ledgers import make, opened
from .receiver import receiving
from .sender import run
from .server import Server, pooling


@contextmanager
def pooled(server: Server, url: str) -> Iterator[str]:
    name = url.rpartition("/")[2]
    with pooling(server, [name]) as port:
        yield server.url(name, port=port)


def sessions_of(by_pool: str) -> int:
    """How many one client meets. Three at once have made the pool open as many."""
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(psycopg.connect(by_pool)).execute("SELECT 1")
    with psycopg.connect(by_pool, autocommit=True, prepare_threshold=None) as client:
        return len({client.execute("SELECT pg_backend_pid()").fetchone() for _ in range(9)})


def test_everything_works_where_each_transaction_has_another_session(server: Server, url: str) -> None:
    with pooled(server, url) as by_pool:
        assert sessions_of(by_pool) > 1  # or this test would prove nothing
        make(by_pool)
        with opened(by_pool, terms=Terms(lease_s=20.0, beat_s=0.05, margin_s=5.0)) as ledger, opened(by_pool) as other:
            claim = ledger.claim("spring", run="r1", at=T0)
            with pytest.raises(Locked):
                other.claim("spring", run="r2", at=T1)
            keys = [f"K{number}" for number in range(60)]
            reading = threading.Thread(target=lambda: [list(other.entries()) for _ in range(20)])
            reading.start()
            for key in keys:
                claim.commit([], [intent(key)])
                claim.commit([settled(key, State.IN_DOUBT)], [])
            reading.join()
            assert claim.reconcile([verdict(key, State.ACCEPTED) for key in keys[:30]]) == 30
            assert claim.resolve(keys[30:], State.DROPPED, T2) == 30
            with other.snapshot():
                assert other.counts("spring") == {State.ACCEPTED: 30, State.DROPPED: 30}
            assert claim.purge("2027-01-01T00:00:00Z") == 60
            claim.release()
            ledger.scrub(run="r3", at=T2)
            assert list(other.check()) == []
            assert {entry.address for entry in other.entries()} == {""}


def test_a_frozen_holder_is_fenced_off_by_a_pool_too(server: Server, url: str) -> None:
    with pooled(server, url) as by_pool:
        make(by_pool)
        with opened(by_pool, terms=Terms(lease_s=0.5, beat_s=60.0)) as ledger, opened(by_pool) as other:
            claim = ledger.claim("spring", run="r1", at=T0)
            claim.commit([], [intent("A")])
            other.claim("spring", run="r2", at=T2, timeout_s=30)
            with pytest.raises(ClaimLost):
                claim.commit([settled("A")], [intent("B")])
            assert states(other) == {"A": State.IN_DOUBT}


def test_a_send_goes_through_a_pool(server: Server, url: str) -> None:
    with pooled(server, url) as by_pool, receiving() as receiver:
        make(by_pool, origin="http://127.0.0.1")
        with opened(by_pool, origin=None) as ledger:
            result = run(ledger, receiver.url, 120, name="r1")
            assert (result.accepted, result.stopped) == (120, None)
            assert ledger.counts("spring") == {State.ACCEPTED: 120}
        assert set(receiver.arrived.values()) == {1}
