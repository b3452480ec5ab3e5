"""The newest rows' keys are in no table yet: nobody must miss them for that."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from runner.errors import LedgerFault
from runner.ledger.keys import Keys
from runner.ledger.seam import Ledger, NotSendable, Settlement
from runner.ledger.sqlite import create, open_ledger
from runner.model import State

from .conformance import T0, T1, intent, sent
from .holder import ORIGIN

FEW = 8


def accepted(key: str, message_id: str = "an-id") -> Settlement:
    return Settlement(key=key, state=State.ACCEPTED, at=T1, message_id=message_id)


def names(first: int, number: int) -> list[str]:
    """Keys in no order."""
    return [f"{each * 7919 % 9973:032}" for each in range(first, first + number)]


def filed(path: Path) -> tuple[int, int]:
    """How many keys are in the table, and how many rows there are."""
    with closing(sqlite3.connect(path)) as connection:
        [counts] = connection.execute("SELECT (SELECT count(*) FROM keys), (SELECT count(*) FROM messages)").fetchall()
    return int(counts[0]), int(counts[1])


def states(ledger: Ledger, keys: list[str]) -> list[State | None]:
    known = ledger.lookup_many(keys)
    return [known[key].state if key in known else None for key in keys]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "ledger.db", origin=ORIGIN, name=None, at=T0).close()
    return tmp_path / "ledger.db"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keys, "FEWEST", FEW)


def test_what_a_dead_run_left_is_found_by_readers_and_by_the_next_run(path: Path) -> None:
    keys = names(0, 20)
    dead = open_ledger(path, origin=ORIGIN)
    claim = dead.claim("spring", run="r1", at=T0)
    claim.commit([], [intent(key) for key in keys])
    claim.commit([accepted(key) for key in keys[:5]], [])
    dead.close()
    assert filed(path) == (0, 20)
    with closing(open_ledger(path, origin=ORIGIN)) as reader:
        assert states(reader, keys) == [State.ACCEPTED] * 5 + [State.SENDING] * 15
    with closing(open_ledger(path, origin=ORIGIN)) as ledger:
        claim = ledger.claim("spring", run="r2", at=T1)
        assert filed(path) == (20, 20)
        assert states(ledger, keys) == [State.ACCEPTED] * 5 + [State.IN_DOUBT] * 15
        with pytest.raises(NotSendable, match="accepted already"):
            claim.commit([], [intent(keys[0])])


@pytest.mark.usefixtures("few")
def test_a_reader_finds_what_a_living_run_writes_before_it_is_indexed_and_after(path: Path) -> None:
    with closing(open_ledger(path, origin=ORIGIN)) as reader, closing(open_ledger(path, origin=ORIGIN)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        before, sizes = list[str](), set[int]()
        for first in range(0, 60, 3):
            keys = names(first, 3)
            claim.commit([accepted(key) for key in before[-3:]], [intent(key) for key in keys])
            expected = [State.ACCEPTED] * len(before) + [State.SENDING] * 3
            before += keys
            assert states(reader, before) == states(ledger, before) == expected
            with closing(open_ledger(path, origin=ORIGIN)) as late:
                assert states(late, before) == expected
            sizes.add(filed(path)[0])
        assert 3 < len(sizes) < 10  # they went in by and by, and not each at once
        claim.release()
    assert filed(path) == (60, 60)


@pytest.mark.usefixtures("few")
def test_a_key_that_a_run_of_another_manifest_took_meanwhile_is_not_sent(path: Path) -> None:
    rng = Random(5)
    with closing(open_ledger(path, origin=ORIGIN)) as one, closing(open_ledger(path, origin=ORIGIN)) as other:
        claims = [one.claim("spring", run="r1", at=T0), other.claim("autumn", run="r2", at=T0)]
        taken: list[tuple[int, str]] = []
        for key in names(0, 80):
            mine = rng.randrange(2)
            claims[mine].commit([], [intent(key)])
            taken.append((mine, key))
            owner, old = rng.choice(taken)
            with pytest.raises(NotSendable, match="sending already"):
                claims[1 - owner].commit([], [intent(old)])
        for owner, key in taken:
            with pytest.raises(LedgerFault, match="no open intent"):
                claims[1 - owner].commit([accepted(key)], [])
            claims[owner].commit([accepted(key)], [])
        for claim in claims:
            claim.release()
    assert filed(path) == (80, 80)


@pytest.mark.usefixtures("few")
def test_a_commit_whose_keys_find_no_room_in_the_table_leaves_nothing(path: Path) -> None:
    keys = names(0, FEW + 2)
    with closing(open_ledger(path, origin=ORIGIN)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent(key) for key in keys[:FEW]])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TRIGGER full BEFORE INSERT ON keys BEGIN SELECT raise(ABORT, 'no room'); END")
        with pytest.raises(LedgerFault, match="no room"):
            claim.commit([accepted(keys[0])], [intent(keys[FEW])])
        assert states(ledger, keys) == [State.SENDING] * FEW + [None] * 2
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DROP TRIGGER full")
        claim.commit([accepted(keys[0])], [intent(key) for key in keys[FEW:]])
        assert states(ledger, keys) == [State.ACCEPTED] + [State.SENDING] * (FEW + 1)
        assert filed(path) == (FEW + 2, FEW + 2)


def test_the_more_the_table_holds_the_more_go_into_it_at_once(path: Path) -> None:
    with closing(open_ledger(path, origin=ORIGIN)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        for first in range(0, 600, 50):
            claim.commit([], [intent(key) for key in names(first, 50)])
        claim.release()
    few = Keys()
    few.FEWEST = 10
    with closing(sqlite3.connect(path)) as connection:
        few.find(connection, ["x"])
    few.note([f"new {number}" for number in range(74)], last=674)
    assert not few.are_many
    few.note(["one more"], last=675)
    assert few.are_many  # an eighth of 600


def test_of_two_intents_of_one_key_in_a_commit_neither_is_written(path: Path) -> None:
    with closing(open_ledger(path, origin=ORIGIN)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        with pytest.raises(NotSendable, match="sending already"):
            claim.commit([], [intent("A"), intent("B"), intent("A")])
        assert states(ledger, ["A", "B"]) == [None, None]


def test_messages_with_and_without_a_price_keep_their_order_and_their_prices(path: Path) -> None:
    priced = {"B": ("0.01", "USD"), "C": ("0.02", "EUR"), "E": ("0.03", "USD")}
    with closing(open_ledger(path, origin=ORIGIN)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        intents = [intent(key)._replace(cost=priced.get(key, (None, None))[0]) for key in "ABCDEF"]
        claim.commit([], [each._replace(currency=priced.get(each.key, (None, None))[1]) for each in intents])
        held = [(entry.key, entry.cost, entry.currency) for entry in ledger.entries("spring")]
    assert held == [(key, *priced.get(key, (None, None))) for key in "ABCDEF"]


def test_messages_of_two_kinds_in_one_commit_keep_what_is_theirs(path: Path) -> None:
    kinds = {"A": "greet", "B": "remind", "C": "greet"}
    with closing(open_ledger(path, origin=ORIGIN)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent(key, message=kinds[key])._replace(channel_id=f"of {key}") for key in kinds])
        held = [(entry.key, entry.message, entry.channel_id) for entry in ledger.entries("spring")]
    assert sorted(held) == [(key, kind, f"of {key}") for key, kind in kinds.items()]


def test_outcomes_find_room_where_their_intents_are(path: Path) -> None:
    def pages() -> int:
        [(count,)] = watching.execute("PRAGMA page_count").fetchall()
        return int(count)

    keys = names(0, 1_000)
    with closing(open_ledger(path, origin=ORIGIN)) as ledger, closing(sqlite3.connect(path)) as watching:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [sent(key) for key in keys])
        before = pages()
        claim.commit([accepted(key, message_id=str(UUID(int=int(key)))) for key in keys], [])
        assert (states(ledger, keys[:3]), pages()) == ([State.ACCEPTED] * 3, before)


def test_of_several_that_are_known_the_one_that_may_not_be_sent_is_named_and_none_is_written(path: Path) -> None:
    with closing(open_ledger(path, origin=ORIGIN)) as ledger:
        claim = ledger.claim("spring", run="r1", at=T0)
        claim.commit([], [intent("A"), intent("B"), intent("C")])
        unsent = [Settlement(key=key, state=State.PLANNED, at=T1, words="no connection") for key in "AC"]
        claim.commit([*unsent, accepted("B")], [])
        with pytest.raises(NotSendable, match="the message B is accepted already"):
            claim.commit([], [intent("A"), intent("B"), intent("C")])
        assert states(ledger, ["A", "B", "C"]) == [State.PLANNED, State.ACCEPTED, State.PLANNED]
        claim.commit([], [intent("A"), intent("C")])
        assert states(ledger, ["A", "B", "C"]) == [State.SENDING, State.ACCEPTED, State.SENDING]
        with pytest.raises(LedgerFault, match="B has no open intent"):
            claim.commit([accepted("A"), accepted("B"), accepted("C")], [])
        assert states(ledger, ["A", "B", "C"]) == [State.SENDING, State.ACCEPTED, State.SENDING]
