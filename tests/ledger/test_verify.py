"""`verify` finds what can't be, in rows, counts and the file, and is content with all that runs leave."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.ledger.identity import message_key
from runner.ledger.memory import MemoryLedger
from runner.ledger.opening import Meta, open_to_read
from runner.ledger.seam import Claim, Entry, Ledger, Settlement, Verdict
from runner.ledger.sqlite import SqliteLedger, create, open_ledger
from runner.ledger.verify import Trouble, Verification
from runner.model import State

from .conformance import T0, T1, T2, sent, told
from .holder import ORIGIN
from .test_damage import PAGE, overwrite
from .test_sqlite import change

LATER = "2026-03-01T10:00:00.000Z"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def key(number: int) -> str:
    return message_key(workspace_id="w", name="spring", edition="1", message="announce", address=str(number))


def fill(claim: Claim) -> None:
    """One message in each state that a run and a look can leave, ten times over."""
    people = [sent(key(number)) for number in range(60)]
    people[7] = replace(people[7], reference="order 7")
    claim.commit([], people)
    claim.commit([settled_as(number) for number in range(60)], [])
    claim.reconcile(
        [Verdict(key=key(number), state=State.ABSENT, at=T2, words="no", looked_at=T1) for number in range(3, 60, 6)]
    )
    claim.resolve([key(number) for number in range(4, 60, 6)], State.DROPPED, T2)
    claim.commit([], [replace(people[number], at=T1) for number in range(5, 60, 6)])


def settled_as(number: int) -> Settlement:
    state = (State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.IN_DOUBT, State.IN_DOUBT, State.PLANNED)[number % 6]
    return told(key(number), state)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A ledger whose run was killed, partly purged: as good as any."""
    path = tmp_path / "ledger.db"
    ledger = create(path, origin=ORIGIN, name=None, at=T0)
    claim = ledger.claim("spring", run="r1", at=T0)
    fill(claim)
    assert claim.purge(T2) == 20
    ledger.close()
    return path


def troubles_of(ledger: Ledger) -> tuple[Verification, list[Trouble]]:
    verification = Verification(ledger, NOW)
    return verification, list(verification.troubles())


def looked_at(path: Path) -> tuple[Verification, list[Trouble]]:
    ledger = open_ledger(path, origin=None, is_judged=False)
    try:
        return troubles_of(ledger)
    finally:
        ledger.close()


def test_all_that_runs_and_looks_and_purges_leave_is_sound(sound: Path) -> None:
    found, troubles = looked_at(sound)
    assert troubles == []
    assert (found.messages, found.manifests, found.sending, found.purged) == (60, 1, 10, 20)


def test_a_ledger_in_memory_is_looked_at_too() -> None:
    ledger = MemoryLedger(origin=ORIGIN)
    fill(ledger.claim("spring", run="r1", at=T0))
    found, troubles = troubles_of(ledger)
    assert (troubles, found.messages) == ([], 60)
    ledger.held[key(0)] = replace(ledger.held[key(0)], payload_hash="")
    assert [each.words for each in troubles_of(ledger)[1]] == ["its payload hash is not a SHA-256 in hex"]


class Forgetful(MemoryLedger):
    """One that lists a message in one way and not in the other."""

    def keys(self, manifest: str, edition: str) -> Iterator[tuple[str, State]]:
        return (held for held in super().keys(manifest, edition) if held[0] != key(7))


def test_two_ways_of_reading_that_do_not_agree_are_a_fault() -> None:
    ledger = Forgetful(origin=ORIGIN)
    fill(ledger.claim("spring", run="r1", at=T0))
    (trouble,) = troubles_of(ledger)[1]
    assert (trouble.manifest, trouble.is_warning) == ("spring", False)
    assert trouble.words == "the keys of edition 1 are not those of its messages"


def test_it_changes_no_byte(sound: Path) -> None:
    def stand() -> dict[Path, tuple[int, bytes]]:
        return {
            file: (file.stat().st_mtime_ns, file.read_bytes()) for file in sound.parent.rglob("*") if file.is_file()
        }

    before = stand()
    looked_at(sound)
    assert stand() == before


def of(number: int, change: str) -> str:
    return f"UPDATE messages SET {change} WHERE key = '{key(number)}'"  # noqa: S608 - the words are this file's own


ACCEPTED, REJECTED, ABSENT, SENDING = 0, 1, 3, 5  # of these, the first two are purged


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (of(ACCEPTED, "key = lower(key), reference = 'fp1.' || lower(key)"), "its key is not 32 letters of base32"),
        (of(ACCEPTED, "reference = ''"), "it has no reference"),
        (of(ACCEPTED, "reference = 'order 1'"), "it was purged, but not its own reference"),
        (of(REJECTED, "words = 'Bird said'"), "it was purged, but not its words"),
        (of(ACCEPTED, "payload_hash = 'aa'"), "its payload hash is not a SHA-256 in hex"),
        (of(ACCEPTED, "payload_hash = upper(payload_hash)"), "its payload hash is not a SHA-256 in hex"),
        (of(ACCEPTED, "country = '+1415'"), "its country is none"),
        (of(ACCEPTED, "edition = ''"), "it has no edition"),
        (of(ACCEPTED, "workspace_id = ''"), "it has no workspace id"),
        (of(ACCEPTED, "attempts = 0"), "it has 0 attempts, but at least one was begun"),
        (of(ACCEPTED, "segments = -1"), "it has -1 segments"),
        (of(ACCEPTED, "resent = -1"), "it has -1 times sent again"),
        (of(ACCEPTED, "at = '2026-03-01T09:00:01'"), "the time of its last change is not RFC 3339 with a zone"),
        (of(ACCEPTED, "at = '2026-03-01 09:00:01Z'"), "the time of its last change is not RFC 3339 with a zone"),
        (of(ACCEPTED, "intended_at = ''"), "the time of its intent is not RFC 3339 with a zone"),
        (of(ABSENT, "looked_at = 'soon'"), "the time of its look at Bird is not RFC 3339 with a zone"),
        (of(ACCEPTED, "code = '7'"), "it is accepted, and yet has the code of a refusal"),
        (of(ACCEPTED, "looked_at = at"), "it is accepted, and yet was looked for in vain since"),
        (of(REJECTED, "code = NULL"), "it is rejected without a code"),
        (of(ABSENT, "looked_at = NULL"), "it is absent, but nobody looked for it"),
        (of(SENDING, "address = '', words = NULL"), "it is sending without an address"),
        (of(SENDING, "message_id = 'x'"), "it is sending, and yet has an outcome"),
    ],
)
def test_a_row_that_can_not_be_is_a_fault(sound: Path, statement: str, words: str) -> None:
    change(sound, statement)
    _, troubles = looked_at(sound)
    assert [each.words for each in troubles] == [words]
    assert [(each.manifest, each.is_warning, each.entry is not None) for each in troubles] == [("spring", False, True)]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (of(SENDING, "epoch = 2"), f"the message {key(5)} is of a claim that was never made"),
        (of(SENDING, "epoch = 0"), f"the message {key(5)} is sending, but its claim has ended"),
        ("UPDATE claims SET is_clean = 1", f"the message {key(5)} is sending, but its claim has ended"),
        ("UPDATE messages SET manifest = 'other' WHERE state = 'absent'", "row 4 of messages has no row in claims"),
        (
            "UPDATE messages SET message = '' WHERE state = 'absent'",
            "10 of its messages are counted as absent, and 0 are",
        ),
        ("DELETE FROM claims", "row 1 of messages has no row in claims"),
        ("UPDATE claims SET commits = 1", "ledger.db lacks the last"),
    ],
)
def test_what_does_not_agree_is_a_fault(sound: Path, statement: str, words: str) -> None:
    change(sound, statement)
    _, troubles = looked_at(sound)
    assert any(words in each.words for each in troubles)
    assert not any(each.is_warning for each in troubles)


def test_a_state_of_another_program_is_a_fault(sound: Path) -> None:
    connection = sqlite3.connect(sound)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    with connection:
        connection.execute(of(ACCEPTED, "state = 'lost'"))
    connection.close()
    words = [each.words for each in looked_at(sound)[1]]
    assert words == [
        "SQLite: CHECK constraint failed in messages",
        "some of its messages are in a state that this flypast does not know",
    ]


def test_an_index_that_lost_rows_is_a_fault(sound: Path) -> None:
    connection = sqlite3.connect(sound)
    connection.execute("PRAGMA writable_schema = ON")
    with connection:
        connection.execute("UPDATE sqlite_schema SET sql = sql || ' WHERE id > 55' WHERE name = 'messages_in_order'")
    connection.close()
    assert any("SQLite: " in each.words for each in looked_at(sound)[1])


@pytest.mark.parametrize("page", range(2, 8))
def test_every_damaged_page_is_a_fault(left: Path, page: int) -> None:
    overwrite(left, page * PAGE, b"\xa5" * PAGE)
    troubles = looked_at(left)[1]
    assert any("SQLite: " in each.words or "is damaged" in each.words for each in troubles)


def test_text_that_is_none_is_told_without_quoting_it(sound: Path) -> None:
    change(sound, of(SENDING, "address = cast(x'2b31343135353535303130ff' as text)"))
    (trouble,) = looked_at(sound)[1]
    assert trouble.words.endswith("is damaged: it holds text that is not UTF-8")


def test_a_clock_that_was_set_back_is_a_warning(sound: Path) -> None:
    change(sound, of(ACCEPTED, f"intended_at = '{LATER}'"))
    (trouble,) = looked_at(sound)[1]
    assert trouble.is_warning
    assert "the clock was set back" in trouble.words


@pytest.mark.parametrize("number", [8, 1])
def test_own_references_that_messages_share_are_a_warning_purged_or_not(sound: Path, number: int) -> None:
    change(sound, of(number, "address = 'id:x', words = 'so', reference = 'order 7'"))
    (trouble,) = looked_at(sound)[1]  # that of message 7 was purged
    assert trouble.is_warning
    assert trouble.words.startswith("2 messages share a reference of their own")


class Busy(SqliteLedger):
    """One that a run goes on writing to while it is read."""

    write: Callable[[], None]

    def entries(self, manifest: str | None = None, *, states: Iterable[State] = ()) -> Iterator[Entry]:
        for number, entry in enumerate(super().entries(manifest, states=states)):
            if number % 100 == 0:
                self.write()
            yield entry


def test_a_run_at_work_meanwhile_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = create(path, origin=ORIGIN, name=None, at=T0)
    claim = ledger.claim("spring", run="r1", at=T0)
    people = iter([sent(key(number)) for number in range(2000)])
    claim.commit([], [next(people) for _ in range(1200)])
    reader = Busy(path, open_to_read(path), Meta(identity="", origin=ORIGIN, name=None, version=2))
    reader.write = lambda: claim.commit([], [next(people)])
    found, troubles = troubles_of(reader)
    assert (troubles, found.messages) == ([], 1200)
    assert ledger.counts("spring")[State.SENDING] == 1212
    reader.close()
    ledger.close()
