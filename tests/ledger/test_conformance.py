"""Both stores keep the rules of the seam."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import LedgerFault
from runner.ledger.keys import Keys
from runner.ledger.memory import MemoryLedger
from runner.ledger.seam import Ledger
from runner.ledger.sqlite import SqliteLedger, create, open_ledger
from runner.model import State

from .conformance import T0, T1, T2, Conformance, intent, seen, settled, verdict

ORIGIN = "https://api.bird.com"


class SqliteStore:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "ledger.db"
        self.opened: list[SqliteLedger] = []

    def open(self) -> Ledger:
        if self._path.exists():
            ledger = open_ledger(self._path, origin=ORIGIN)
        else:
            ledger = create(self._path, origin=ORIGIN, name=None, at=T0)
        self.opened.append(ledger)
        return ledger

    def put(self, key: str, state: State) -> None:
        connection = sqlite3.connect(self._path)
        with connection:
            assert connection.execute("UPDATE messages SET state = ? WHERE key = ?", (state, key)).rowcount == 1
        connection.close()


class MemoryStore:
    def __init__(self) -> None:
        self._ledger = MemoryLedger(origin=ORIGIN)

    def open(self) -> Ledger:
        return self._ledger

    def put(self, key: str, state: State) -> None:
        self._ledger.held[key] = replace(self._ledger.held[key], state=state)


class TestSqlite(Conformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteStore]:
        store = SqliteStore(tmp_path)
        yield store
        for ledger in store.opened:
            ledger.close()


class TestSqliteThatIndexesAtEachCommit(TestSqlite):
    """As a long run does now and then."""

    @pytest.fixture(autouse=True)
    def at_each_commit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Keys, "FEWEST", 0)


class TestMemory(Conformance):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


_KEYS = st.sampled_from("ABC")
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("intend"), st.lists(_KEYS, max_size=3), st.booleans()),
        st.tuples(st.just("settle"), _KEYS, st.sampled_from(State)),
        st.tuples(st.just("resolve"), _KEYS, st.sampled_from(State)),
        st.tuples(st.just("reconcile"), _KEYS, st.sampled_from(State)),
        st.tuples(st.just("track"), _KEYS, st.sampled_from(("sent", "delivered", "?")), st.sampled_from((T1, T2))),
        st.tuples(st.just("purge"), st.sampled_from((T1, T2, "2027-01-01T00:00:00Z"))),
        st.tuples(st.just("release")),
    ),
    max_size=25,
)


def _story(ledger: Ledger, steps: list[tuple[str, ...]]) -> list[object]:
    """What each step gives and what the ledger holds afterwards."""
    told: list[object] = []
    claim = ledger.claim("spring", run="r0", at=T0)
    for number, (act, *values) in enumerate(steps, start=1):
        try:
            match act, values:
                case "intend", [keys, from_doubt]:
                    claim.commit([], [intent(key, at=T1, from_doubt=bool(from_doubt)) for key in keys])
                case "settle", [key, state]:
                    claim.commit([settled(key, State(state))], [])
                case "resolve", [key, state]:
                    told.append(claim.resolve([key], State(state), T2))
                case "reconcile", [key, state]:
                    told.append(claim.reconcile([verdict(key, State(state), looked_at=T1)]))
                case "track", [key, status, at]:
                    told.append(claim.track({key: seen(f"id-{key}", status, at=at)}))
                    told.append(ledger.deliveries("spring"))
                case "purge", [before]:
                    told.append(claim.purge(before))
                case "release", []:
                    claim.release()
                    claim = ledger.claim("spring", run=f"r{number}", at=T2)
        except (LedgerFault, ValueError) as error:
            told.append((type(error), str(error)))
        told.append(list(ledger.entries()))
    claim.release()
    return [*told, list(ledger.entries())]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_both_stores_tell_the_same_story(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, ...]]
) -> None:
    ledger = create(tmp_path_factory.mktemp("story") / "ledger.db", origin=ORIGIN, name=None, at=T0)
    try:
        assert _story(ledger, steps) == _story(MemoryLedger(origin=ORIGIN), steps)
    finally:
        ledger.close()
