"""The ledger in PostgreSQL keeps the rules of the seam, as the others do."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from runner.ledger.memory import MemoryLedger
from runner.ledger.places import parse_ledger_url
from runner.ledger.seam import Ledger
from runner.model import State
from tests.ledger.conformance import T0, Conformance
from tests.ledger.test_conformance import _STEPS, ORIGIN, _story

from .server import Server


class PostgresStore:
    def __init__(self, url: str) -> None:
        self.url = url
        self.opened: list[Ledger] = []
        self._place = parse_ledger_url(url)

    def open(self) -> Ledger:
        ledger = self._place.open(origin=ORIGIN) or self._place.make(origin=ORIGIN, name=None, at=T0)
        self.opened.append(ledger)
        return ledger

    def put(self, key: str, state: State) -> None:
        with psycopg.connect(self.url) as connection:
            changed = connection.execute("UPDATE flypast.messages SET state = %s WHERE key = %s", (state.value, key))
            assert changed.rowcount == 1


@pytest.fixture(scope="module")
def database(server: Server) -> str:
    """One for all of these tests: each begins without a schema."""
    return server.new_database()


class TestPostgres(Conformance):
    @pytest.fixture
    def store(self, server: Server, database: str) -> Iterator[PostgresStore]:
        server.sql("DROP SCHEMA IF EXISTS flypast CASCADE", database=database.rpartition("/")[2])
        store = PostgresStore(database)
        yield store
        for ledger in store.opened:
            ledger.close()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_it_tells_the_same_story_as_the_one_in_memory(server: Server, steps: list[tuple[str, ...]]) -> None:
    ledger = parse_ledger_url(server.new_database()).make(origin=ORIGIN, name=None, at=T0)
    try:
        assert _story(ledger, steps) == _story(MemoryLedger(origin=ORIGIN), steps)
    finally:
        ledger.close()
