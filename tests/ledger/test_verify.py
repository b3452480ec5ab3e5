"""`verify` finds what can't be, in rows, counts and the file, and is content with all that runs leave."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.ledger.identity import message_key, reference_of
from runner.ledger.memory import MemoryLedger
from runner.ledger.opening import Meta, open_to_read
from runner.ledger.rules import faults
from runner.ledger.seam import Claim, Entry, Ledger, Settlement, Verdict
from runner.ledger.sqlite import SqliteLedger, create, open_ledger
from runner.ledger.verify import Trouble, Verification
from runner.model import State

from .conformance import T0, T1, T2, seen, sent, told
from .holder import ORIGIN
from .older import make_older
from .test_damage import PAGE, overwrite
from .test_sqlite import change

LATER = "2026-03-01T10:00:00.000Z"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def key(number: int) -> str:
    return message_key(workspace_id="w", name="spring", edition="1", message="announce", address=str(number))


def fill(claim: Claim) -> None:
    """One message in each state that a run and a look can leave, ten times over."""
    people = [sent(key(number)) for number in range(60)]
    people[7] = people[7]._replace(reference="order 7")
    claim.commit([], people)
    claim.commit([settled_as(number) for number in range(60)], [])
    claim.reconcile(
        [Verdict(key=key(number), state=State.ABSENT, at=T2, words="no", looked_at=T1) for number in range(3, 60, 6)]
    )
    claim.resolve([key(number) for number in range(4, 60, 6)], State.DROPPED, T2)
    words = ("delivered", "delivery_failed", "carried by hand")
    claim.track({key(number): seen(f"id-{key(number)}", words[number // 6 % 3]) for number in range(12, 60, 6)})
    claim.commit([], [people[number]._replace(at=T1) for number in range(5, 60, 6)])


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
    return f"UPDATE messages SET {change} WHERE key = '{key(number)}'"


def tracked(change: str) -> str:
    """Of what Bird said of a purged message."""
    return f"UPDATE deliveries SET {change} WHERE bird_id = 'id-{key(12)}'"


ACCEPTED, REJECTED, IN_DOUBT, ABSENT, DROPPED, SENDING = range(6)  # of these, the first two are purged


NO_ID = "its message id is none that Bird gives: empty, too long, or with a control character"
OTHER_WORDS = "it is accepted, and yet has the words of another outcome"
NOT_ITS_OWN = "its reference begins as those of flypast do, but is not that of its key"
NO_ADDRESS = "its address is of a form that no list and no receiver gives"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (of(ACCEPTED, "reference = ''"), "it has no reference"),
        (of(ACCEPTED, "reference = 'order 1'"), "it was purged, but not its own reference"),
        (of(REJECTED, "words = 'Bird said'"), "it was purged, but not its words"),
        (of(REJECTED, f"text_hash = '{'a' * 64}'"), "it was purged, but not the hash of its text"),
        (of(SENDING, "text_hash = 'aa'"), "the hash of its text is not a SHA-256 in hex"),
        (of(ACCEPTED, "cost = '1'"), "it has a cost without a currency, or a currency without a cost"),
        (of(ACCEPTED, "currency = 'USD'"), "it has a cost without a currency, or a currency without a cost"),
        (of(ACCEPTED, "cost = '-1', currency = 'USD'"), "its cost is no plain decimal"),
        (of(ACCEPTED, "cost = '1', currency = 'usd'"), "its currency is not three letters"),
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
        (of(SENDING, "words = 'x'"), "it is sending, and yet has an outcome"),
        (of(ACCEPTED, "state = 'planned'"), "it is planned, and yet has a message id of Bird's"),
        (of(ACCEPTED, "state = 'dropped'"), "it is dropped, and yet has a message id of Bird's"),
        (of(REJECTED, "state = 'planned'"), "it is planned, and yet has the code of a refusal"),
        (of(REJECTED, "state = 'dropped'"), "it is dropped, and yet has the code of a refusal"),
        (of(REJECTED, "code = ''"), "it is rejected without a code"),
        (of(ABSENT, "code = 'double'"), "it is absent, and yet has the code of a refusal"),
        (
            of(ABSENT, "state = 'accepted', looked_at = NULL"),
            "it is accepted, and yet has the words of another outcome",
        ),
        (of(IN_DOUBT, "state = 'accepted'"), OTHER_WORDS),
        (of(IN_DOUBT, "code = '7'"), "it is inDoubt, and yet has the code of a refusal"),
        (of(IN_DOUBT, "words = NULL"), "it is inDoubt, and nothing says why"),
        (of(IN_DOUBT, "address = '', words = NULL"), "it is inDoubt without an address"),
        (of(IN_DOUBT, "words = printf('%.501c', 'x')"), "its words are longer than 500 characters"),
        (of(REJECTED, "code = printf('%.501c', '7')"), "its code is longer than 500 characters"),
        (of(ACCEPTED, "message_id = ''"), NO_ID),
        (of(ACCEPTED, "message_id = 'a' || char(10)"), NO_ID),
        (of(ACCEPTED, "message_id = printf('%.129c', 'a')"), NO_ID),
        (of(IN_DOUBT, "reference = 'fp1.x'"), NOT_ITS_OWN),
        (of(SENDING, f"reference = '{reference_of(key(8))}'"), NOT_ITS_OWN),
        (of(ACCEPTED, "workspace_id = 'w'"), "its workspace id is not a UUID"),
        (of(ACCEPTED, "channel_id = channel_id || '0'"), "its channel id is not a UUID"),
        (of(ACCEPTED, "message = 'No Name'"), "its message's name is none that a message can have"),
        (of(ACCEPTED, "country = 'us'"), "its country is none"),
        (of(ACCEPTED, "resent = 2"), "it was sent again 2 times, of 1 attempts in all"),
        (of(SENDING, "address = '+14155550100'"), NO_ADDRESS),
        (of(SENDING, "address = 'phonenumber:'"), NO_ADDRESS),
        (of(SENDING, "address = 'phonenumber: ' || char(9)"), NO_ADDRESS),
        (of(SENDING, "address = 'emailaddress:nobody'"), NO_ADDRESS),
        (of(SENDING, "address = 'id:'"), NO_ADDRESS),
        (of(SENDING, "address = '[]'"), NO_ADDRESS),
        (of(SENDING, "address = '[{'"), NO_ADDRESS),
        (tracked("bird_id = ''"), "the message id of its delivery status is none that Bird gives"),
        (tracked("status = ''"), "its delivery status is no word"),
        (tracked("failure_code = '+1 415 555 0100'"), "the code of its delivery status is none"),
        (tracked("failure_source = 'a b c'"), "the code of its delivery status is none"),
        (tracked("status = 'told Jane'"), "it was purged, but not the unknown word of its delivery status"),
        (tracked("status_at = 'soon'"), "the time of its delivery status is not RFC 3339 with a zone"),
        (tracked("seen_at = ''"), "the time of its last look-up is not RFC 3339 with a zone"),
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


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (of(IN_DOUBT, "epoch = 0"), f"the message {key(IN_DOUBT)} is of an epoch before the first claim"),
        (
            "INSERT INTO deliveries SELECT 99, bird_id, status, status_at, NULL, NULL, seen_at FROM deliveries LIMIT 1",
            "1 delivery status is of no message",
        ),
        ("DELETE FROM messages WHERE id = 7", "1 row of messages is missing: ids are given one after another, and"),
        ("DELETE FROM messages WHERE id < 9", "8 rows of messages are missing: ids are given one after another, and"),
        ("UPDATE messages SET id = -1 WHERE id = 60", "messages has rows with ids below 1"),
        (of(ACCEPTED, f"message_id = 'id-{key(6)}'"), "2 messages have one message id of Bird's: "),
        (of(ACCEPTED, "key = 'x'"), "its key is not 32 letters of base32"),
        (of(ACCEPTED, "key = 'x'"), "1 message is not found by key: a send would take them for new"),
        ("UPDATE keys SET id = 8 - id WHERE id < 8", "6 messages are not found by key: a send would take them for new"),
        ("DELETE FROM keys WHERE id > 58", "2 messages are not found by key: a send would take them for new"),
        ("UPDATE keys SET id = id + 1 WHERE id = 60", "1 key leads to no message, or to another's"),
        ("UPDATE meta SET indexed = 58", "2 keys belong to two messages each"),
        ("UPDATE claims SET epoch = 0", "claims: the epoch of spring is 0, but the first is 1"),
        ("UPDATE claims SET run = ''", "claims: the last claim of spring names no run"),
        ("UPDATE claims SET since = 'today'", "claims: the time of the last claim of spring is not RFC 3339"),
        ("UPDATE claims SET commits = 0", "claims: spring counts fewer commits (0) than claims were made (1)"),
        ("INSERT INTO claims VALUES ('A b', 1, 'r', '2026-03-01T09:00:00Z', 1, 1)", "claims: a name is none that a"),
        ("UPDATE meta SET created_at = ''", "meta: the time at which the ledger was made is not RFC 3339"),
        ("UPDATE meta SET identity = 'x'", "meta: the ledger's identity is not 16 digits of hex"),
        ("UPDATE meta SET version = ''", "meta: the version of flypast that made the ledger is missing"),
        ("UPDATE meta SET name = 'Acme Prod'", "meta: the ledger's name is none that a ledger can have"),
        ("UPDATE meta SET origin = 'https:///x'", "meta: the API that the ledger is for is neither https nor this"),
        ("UPDATE meta SET origin = 'http://api.bird.com'", "meta: the API that the ledger is for is neither https nor"),
        ("UPDATE meta SET origin = 'https://a.example/x'", "meta: the API that the ledger is for is neither https nor"),
    ],
)
def test_what_the_file_says_beside_the_rows_is_looked_at_too(sound: Path, statement: str, words: str) -> None:
    change(sound, statement)
    troubles = looked_at(sound)[1]
    assert any(each.words.startswith(words) for each in troubles), troubles
    assert not any(each.is_warning for each in troubles)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP INDEX messages_in_order", "the index messages_in_order is missing"),
        ("CREATE INDEX mine ON messages (run)", "an unknown index: mine, which no flypast makes"),
        ("CREATE VIEW mine AS SELECT 1", "an unknown view: mine, which no flypast makes"),
        ("CREATE TABLE mine (one)", "an unknown table: mine, which no flypast makes"),
        (
            "CREATE TRIGGER mine AFTER INSERT ON messages BEGIN DELETE FROM messages; END",
            "an unknown trigger: mine, which no flypast makes",
        ),
        ("ALTER TABLE messages ADD COLUMN mine TEXT", "messages has a column that no flypast makes: mine"),
        (
            "ALTER TABLE messages ADD COLUMN mine TEXT REFERENCES claims (manifest)",
            "the foreign key to claims of messages is not as flypast makes it",
        ),
        ("ALTER TABLE messages DROP COLUMN epoch", "the column epoch of messages is missing"),
    ],
)
def test_a_schema_that_flypast_does_not_make_is_a_fault(sound: Path, statement: str, words: str) -> None:
    change(sound, statement)
    assert words in [each.words for each in looked_at(sound)[1]]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("country TEXT,", "country BLOB,", "the column country of messages is not as flypast makes it"),
        (" (manifest, message)", " (manifest, run)", "the index messages_in_order of messages is not as flypast"),
        (") STRICT", ")", "the kind of table of messages is not as flypast makes it"),
        (" REFERENCES claims (manifest)", "", "the foreign key to claims of messages is missing"),
    ],
)
def test_a_schema_whose_text_was_changed_is_a_fault(sound: Path, old: str, new: str, words: str) -> None:
    connection = sqlite3.connect(sound)
    connection.execute("PRAGMA writable_schema = ON")
    with connection:
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE tbl_name = 'messages'", (old, new))
    connection.close()
    assert any(each.words.startswith(words) for each in looked_at(sound)[1])


def test_a_claim_without_messages_is_no_fault(sound: Path) -> None:
    ledger = open_ledger(sound, origin=ORIGIN)
    ledger.claim("autumn", run="r2", at=T1).release()
    ledger.close()
    assert looked_at(sound)[1] == []


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_ledger_of_an_older_format_that_was_upgraded_is_sound(sound: Path, version: int) -> None:
    make_older(sound, version)
    found, troubles = looked_at(sound)
    assert (troubles, found.messages) == ([], 60)


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost", "https://a.example:8443"],
)
def test_every_origin_that_a_ledger_can_be_bound_to_is_sound(tmp_path: Path, origin: str) -> None:
    create(tmp_path / "ledger.db", origin=origin, name="a_b-c", at=T0).close()
    assert looked_at(tmp_path / "ledger.db")[1] == []


@pytest.mark.parametrize(
    "address", ["emailaddress:ada@example.com", "id:a", "twitter:@ada", '[{"id":"a"}]', "phonenumber:+14155550100"]
)
def test_every_form_of_address_is_sound(sound: Path, address: str) -> None:
    change(sound, of(SENDING, f"address = '{address}'"))
    assert looked_at(sound)[1] == []


@pytest.mark.parametrize(
    "statement",
    [
        of(IN_DOUBT, "code = 'double'"),
        of(DROPPED, "code = 'double'"),
        of(IN_DOUBT, "state = 'planned', code = 'HTTP 402'"),
        of(IN_DOUBT, "state = 'planned', looked_at = at, resent = 1"),
        of(IN_DOUBT, "country = NULL, segments = 0"),
        of(IN_DOUBT, "country = 'ZZ', workspace_id = upper(workspace_id)"),
        of(ACCEPTED, "message_id = NULL"),
        of(REJECTED, "message_id = 'x'"),
    ],
)
def test_what_a_run_can_leave_beside_is_sound(sound: Path, statement: str) -> None:
    change(sound, statement)
    assert looked_at(sound)[1] == []


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


@pytest.mark.parametrize("name", ["intended_at", "at", "looked_at"])
def test_a_time_that_is_more_than_a_day_ahead_is_a_warning(sound: Path, name: str) -> None:
    change(sound, of(ABSENT, f"at = '2026-03-02T23:59:59Z', {name} = '2026-03-02T23:59:59Z'"))
    assert looked_at(sound)[1] == []
    change(sound, of(ABSENT, f"at = '2026-03-03T00:00:01Z', {name} = '2026-03-03T00:00:01Z'"))
    troubles = looked_at(sound)[1]
    assert all(each.is_warning for each in troubles)
    assert {each.words.partition(" is more than a day ahead of")[1] for each in troubles} == {
        " is more than a day ahead of"
    }
    assert len(troubles) == (1 if name == "at" else 2)


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


def test_a_row_of_a_manifest_that_can_have_no_such_name_is_a_fault(sound: Path) -> None:
    with closing(open_ledger(sound, origin=ORIGIN)) as ledger:
        entry = next(ledger.entries("spring"))
    assert list(faults(replace(entry, manifest="A b"))) == ["its manifest's name is none that a manifest can have"]
