"""What a purge of the SQLite file leaves on the disk: no byte of an address."""

import re
import sqlite3
from pathlib import Path
from random import Random

import pytest

from runner.errors import Exit, LedgerFault, Locked
from runner.ledger.locks import lock_folder
from runner.ledger.sqlite import SqliteLedger, create, open_ledger
from runner.model import State

from .conformance import T0, T1, T2, intent, settled, states
from .holder import ORIGIN
from .test_processes import running

NUMBERS = [f"+1{area}55501{number:02}" for area in range(201, 231) for number in range(100)]


def grown(path: Path) -> SqliteLedger:
    """3,000 messages, written and settled so that pages were split and rows were moved between them."""
    ledger = create(path, origin=ORIGIN, name=None, at=T0)
    claim = ledger.claim("spring", run="r1", at=T0)
    draw, todo = Random(7), list(NUMBERS)
    opened: list[str] = []
    while todo or opened:
        begun, todo = todo[:40], todo[40:]
        people = [
            intent(number[1:].rjust(32, "A"))._replace(address=f"phonenumber:{number}", reference=f"for {number}")
            for number in begun
        ]
        claim.commit([], people)
        opened += [each.key for each in people]
        draw.shuffle(opened)
        ended, opened = (opened[:45], opened[45:]) if todo else (opened, [])
        claim.commit([settled(key, words="Bird said " + "so " * draw.randrange(130)) for key in ended], [])
    claim.release()
    return ledger


def left_on_disk(path: Path) -> list[bytes]:
    """The digits of every number, in the file, its log and its index."""
    names = (path.name, path.name + "-wal", path.name + "-shm")
    content = b"\n".join(file.read_bytes() for file in map(path.with_name, names) if file.exists())
    return re.findall(rb"\+12[0-9]{2}55501[0-9]{2}", content)


def purge(ledger: SqliteLedger) -> int:
    claim = ledger.claim("spring", run="p1", at=T2)
    try:
        return claim.purge(T2)
    finally:
        claim.release()


def test_no_byte_of_an_address_is_left_in_the_file_or_its_log(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = grown(path)
    assert len(left_on_disk(path)) >= 2 * len(NUMBERS)
    assert purge(ledger) == len(NUMBERS)
    assert left_on_disk(path) != []  # in the log, and in gaps of pages that were split
    ledger.scrub(run="p1", at=T2)
    assert path.with_name("ledger.db-wal").exists()  # the connection is still open
    assert left_on_disk(path) == []
    ledger.close()
    assert left_on_disk(path) == []
    again = open_ledger(path, origin=ORIGIN)
    assert set(states(again).values()) == {State.ACCEPTED}
    assert len(states(again)) == len(NUMBERS)
    assert list(again.check()) == []
    again.close()


def test_what_a_purge_that_was_cut_short_left_is_scrubbed_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = grown(path)
    purge(ledger)
    ledger.close()
    assert left_on_disk(path) != []
    ledger = open_ledger(path, origin=ORIGIN)
    ledger.scrub(run="p2", at=T2)
    assert left_on_disk(path) == []
    written = path.stat().st_mtime_ns
    ledger.scrub(run="p3", at=T2)
    assert path.stat().st_mtime_ns == written
    ledger.close()


def test_a_run_of_another_process_is_not_held_up_by_a_scrub(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = grown(path)
    purge(ledger)
    with running(path, "urgent", "hold"):
        with pytest.raises(Locked, match=r"another run of urgent holds the ledger: pid \d+") as stop:
            ledger.scrub(run="p1", at=T2)
        assert stop.value.exit_code is Exit.LOCKED
        assert "run this again" in (stop.value.hint or "")
    ledger.scrub(run="p1", at=T2)
    assert left_on_disk(path) == []
    ledger.claim("spring", run="r9", at=T2).release()
    ledger.close()


def test_a_reader_that_holds_the_log_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.ledger.opening._WAIT_S", 0.05)
    path = tmp_path / "ledger.db"
    ledger = grown(path)
    purge(ledger)
    reader = open_ledger(path, origin=ORIGIN)
    with reader.snapshot():
        assert len(list(reader.keys("spring", "1"))) == len(NUMBERS)
        with pytest.raises(Locked, match="another process reads"):
            ledger.scrub(run="p1", at=T2)
    ledger.scrub(run="p1", at=T2)
    assert left_on_disk(path) == []
    reader.close()
    ledger.close()


def test_a_purge_that_can_not_leave_its_mark_drops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = create(path, origin=ORIGIN, name=None, at=T0)
    claim = ledger.claim("spring", run="r1", at=T0)
    claim.commit([], [intent("A")])
    claim.commit([settled("A")], [])
    lock_folder(path).rename(tmp_path / "moved")
    with pytest.raises(LedgerFault, match="can't be written"):
        claim.purge(T2)
    assert [entry.address for entry in ledger.entries()] == ["phonenumber:+14155550100"]
    ledger.close()


def test_each_commit_of_a_purge_is_bounded_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = grown(path)
    connection = sqlite3.connect(path)
    (before,) = connection.execute("SELECT commits FROM claims").fetchone()
    purge(ledger)
    (after,) = connection.execute("SELECT commits FROM claims").fetchone()
    connection.close()
    ledger.close()
    assert after - before == 1 + 3 + 1 + 1  # claim, three times 1,000, one that finds no more, release


def test_an_epoch_that_is_over_purges_nothing_more(tmp_path: Path) -> None:
    """Fenced in the file itself: the lock is gone, as after a lost mount, and another run has taken over."""
    path = tmp_path / "ledger.db"
    ledger = create(path, origin=ORIGIN, name=None, at=T0)
    claim = ledger.claim("spring", run="r1", at=T0)
    claim.commit([], [intent("A")])
    claim.commit([settled("A")], [])
    (lock_folder(path) / "spring.lock").unlink()
    newer = open_ledger(path, origin=ORIGIN)
    newer.claim("spring", run="r2", at=T1)
    with pytest.raises(LedgerFault, match="taken over"):
        claim.purge(T2)
    assert [entry.address for entry in newer.entries()] == ["phonenumber:+14155550100"]
    newer.close()
    ledger.close()
