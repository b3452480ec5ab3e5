"""Ledgers that can't be trusted: noticed before anything is done, and left as they are."""

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import Exit, LedgerFault
from runner.ledger.locks import lock_folder
from runner.ledger.opening import faults
from runner.ledger.sqlite import create, open_ledger
from runner.model import State

from .conformance import T0, T1, intent, states
from .holder import ORIGIN
from .test_sqlite import change, files

PAGE = 4096


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def must_refuse(path: Path, words: str) -> None:
    """Neither reading nor a run gets past it, and the files stay as they are."""
    before = files(path)
    with pytest.raises(LedgerFault, match=words) as stop:
        open_ledger(path, origin=ORIGIN)
    assert stop.value.exit_code is Exit.LEDGER
    assert files(path) == before


def test_a_newer_version_is_left_untouched(left: Path) -> None:
    change(left, "PRAGMA user_version = 6")
    must_refuse(left, "is of version 6, and this flypast knows version 5")


def test_a_newer_version_with_a_log_is_left_untouched(crashed: Path) -> None:
    # Through a copy of the log's owner that stays open, so that the change is in the log alone.
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version = 6');"
        "c.commit(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(crashed)], check=False)
    must_refuse(crashed, "is of version 6")


@pytest.mark.parametrize(
    "content",
    [b"", b"SQLite format 3\x00", b"to: [all]\n" * 1000, os.urandom(3 * PAGE)],
    ids=["empty", "header", "text", "noise"],
)
def test_what_is_no_ledger_is_left_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    must_refuse(path, "is not a ledger of flypast")


def test_another_programs_database_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    change(path, "CREATE TABLE songs (title)")
    must_refuse(path, "is not a ledger of flypast")


@pytest.mark.parametrize("filling", [b"\x00", b"\xa5"], ids=["zeros", "noise"])
@pytest.mark.parametrize("page", range(1, 12))
def test_a_corrupt_page_is_noticed_before_anything_is_done(left: Path, page: int, filling: bytes) -> None:
    overwrite(left, page * PAGE, filling * PAGE)
    must_refuse(left, "is damaged")


def test_damage_between_reading_and_sending_is_noticed_too_and_lets_the_lock_go(left: Path) -> None:
    ledger = open_ledger(left, origin=ORIGIN)
    good = left.read_bytes()
    overwrite(left, good.rindex(b"accepted") // PAGE * PAGE, bytes(PAGE))
    damaged = left.read_bytes()
    with pytest.raises(LedgerFault, match="is damaged"):
        ledger.claim("spring", run="r2", at=T1)
    ledger.close()
    assert left.read_bytes() == damaged
    left.write_bytes(good)
    ledger = open_ledger(left, origin=ORIGIN)
    ledger.claim("spring", run="r3", at=T1).release()
    ledger.close()


def test_a_second_claim_by_the_same_ledger_is_held_against_the_lock_file_too(left: Path) -> None:
    ledger = open_ledger(left, origin=ORIGIN)
    ledger.claim("spring", run="r2", at=T1).release()
    witness = lock_folder(left) / "spring.lock"
    seen = witness.read_bytes()
    witness.write_bytes(re.sub(rb"[0-9]{20}", b"%020d" % 10**6, seen, count=1))
    with pytest.raises(LedgerFault, match="lacks the last"):
        ledger.claim("spring", run="r3", at=T1)
    assert states(ledger), "who reads goes on"
    witness.write_bytes(seen)
    ledger.claim("spring", run="r4", at=T1).release()
    ledger.close()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_left_untouched(left: Path, share: float) -> None:
    os.truncate(left, int(left.stat().st_size * share))
    must_refuse(left, "is damaged")


def test_after_an_unclean_end_the_pages_of_a_large_ledger_are_checked_too(left: Path) -> None:
    change(left, f"CREATE TABLE filler AS SELECT zeroblob({20 * 1024 * 1024}) AS gap")
    leaf = left.read_bytes().index(f"{299:032}".encode()) // PAGE * PAGE
    overwrite(left, leaf, bytes(PAGE))
    ledger = open_ledger(left, origin=ORIGIN)
    with pytest.raises(LedgerFault, match="is damaged"):
        ledger.lookup(f"{299:032}")
    ledger.close()
    change(left, "UPDATE claims SET is_clean = 0")
    must_refuse(left, "is damaged")


@pytest.mark.parametrize("later_ns", [0, 1])
def test_the_pages_of_a_large_ledger_are_checked_again_before_a_send_only_where_it_was_written_meanwhile(
    left: Path, later_ns: int
) -> None:
    change(left, f"CREATE TABLE filler AS SELECT zeroblob({20 * 1024 * 1024}) AS gap")
    change(left, "UPDATE claims SET is_clean = 0")
    leaf = left.read_bytes().index(f"{299:032}".encode()) // PAGE * PAGE
    ledger, before = open_ledger(left, origin=ORIGIN), left.stat()
    overwrite(left, leaf, bytes(PAGE))
    os.utime(left, ns=(before.st_atime_ns, before.st_mtime_ns + later_ns))
    with pytest.raises(LedgerFault, match="is damaged") if later_ns else contextlib.nullcontext():
        ledger.claim("other", run="r2", at=T1)
    ledger.close()


@pytest.mark.parametrize("kept", [0, 20, 32, 3000, 0.5, 0.9])
def test_a_cut_log_is_noticed_and_left_untouched(crashed: Path, kept: float) -> None:
    log = crashed.with_name("crashed.db-wal")
    os.truncate(log, int(kept if kept > 1 or kept == 0 else log.stat().st_size * kept))
    must_refuse(crashed, r"lacks the last .*commits? of spring: its write-ahead log \(-wal\) was cut or removed")


def test_a_removed_log_is_noticed(crashed: Path) -> None:
    crashed.with_name("crashed.db-wal").unlink()
    must_refuse(crashed, "lacks the last 3 commits of spring")


def test_an_old_copy_in_the_ledgers_place_is_noticed(left: Path) -> None:
    old = left.read_bytes()
    ledger = open_ledger(left, origin=ORIGIN)
    claim = ledger.claim("spring", run="r2", at=T1)
    claim.commit([], [intent("new")])
    claim.release()
    ledger.close()
    left.write_bytes(old)
    must_refuse(left, "lacks the last 3 commits of spring.*this is an old copy")


def test_a_person_may_go_on_with_an_old_copy_by_removing_the_lock_file(crashed: Path) -> None:
    crashed.with_name("crashed.db-wal").unlink()
    with pytest.raises(LedgerFault) as stop:
        open_ledger(crashed, origin=ORIGIN)
    assert stop.value.hint is not None
    assert "flypast ledger rebuild before any send" in stop.value.hint
    named = stop.value.hint.rpartition("remove ")[2].partition(" and run")[0]
    (crashed.parent / named).unlink()
    ledger = open_ledger(crashed, origin=ORIGIN)
    ledger.claim("spring", run="r2", at=T1)
    ledger.close()


def test_a_new_ledger_in_the_place_of_a_removed_one_is_fine(left: Path) -> None:
    left.unlink()
    assert lock_folder(left).is_dir()
    ledger = create(left, origin=ORIGIN, name=None, at=T0)
    claim = ledger.claim("spring", run="r2", at=T1)
    claim.commit([], [intent("A")])
    claim.release()
    ledger.close()
    open_ledger(left, origin=ORIGIN).close()


@pytest.mark.parametrize("content", [b"", b"\n\n", b"noise", b"a b\nc", bytes(9000)])
def test_a_garbled_lock_file_says_nothing_and_stops_nobody(left: Path, content: bytes) -> None:
    (lock_folder(left) / "spring.lock").write_bytes(content)
    for run in ("r2", "r3"):
        ledger = open_ledger(left, origin=ORIGIN)
        claim = ledger.claim("spring", run=run, at=T1)
        claim.release()
        ledger.close()


def test_a_torn_end_of_the_log_that_was_never_committed_is_no_fault(crashed: Path) -> None:
    with crashed.with_name("crashed.db-wal").open("ab") as log:
        log.write(b"\x5a" * 1000)
    ledger = open_ledger(crashed, origin=ORIGIN)
    ledger.claim("spring", run="r2", at=T1)
    assert states(ledger) == {
        "spring-0": State.ACCEPTED,
        "spring-1": State.IN_DOUBT,
        "spring-2": State.IN_DOUBT,
    }
    ledger.close()


def test_a_ledger_that_does_not_say_which_it_is_is_left_untouched(left: Path) -> None:
    change(left, "DELETE FROM meta")
    must_refuse(left, "is damaged: it does not say which ledger it is")


def test_a_ledger_that_does_not_say_which_api_it_is_for_is_left_untouched(left: Path) -> None:
    change(left, "UPDATE meta SET origin = ''")
    must_refuse(left, "is damaged: it does not say which API it is for")


def test_a_log_that_is_no_file_is_told_and_left_untouched(left: Path) -> None:
    log = left.with_name(left.name + "-wal")
    log.mkdir()
    must_refuse(left, "can't be opened or written: unable to open database file")
    assert log.is_dir()


def test_a_ledger_that_lacks_a_table_is_told_in_sqlites_words_and_left_untouched(left: Path) -> None:
    change(left, "DROP TABLE meta")
    must_refuse(left, r"ledger\.db: no such table: meta")


def test_a_ledger_that_another_program_keeps_locked_is_told_so(left: Path) -> None:
    with contextlib.closing(sqlite3.connect(left)) as other, contextlib.closing(sqlite3.connect(left, timeout=0)) as us:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerFault) as stop, faults(left):
            us.execute("BEGIN IMMEDIATE")
    assert stop.value.message == f"another process kept {left} locked for more than 10 s"
    assert stop.value.hint == "let it end, then try again"
