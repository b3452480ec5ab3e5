"""The SQLite file: what is refused before a byte of it changes, and what reading leaves behind."""

import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from runner.errors import Exit, LedgerFault, Refused
from runner.ledger import changes, tables
from runner.ledger.locks import lock_folder
from runner.ledger.sqlite import create, name_ledger, open_ledger, open_or_create
from runner.model import State

from .conformance import T0, T1, T2, intent, seen, settled, states
from .holder import ORIGIN
from .older import make_older


def files(path: Path) -> dict[str, bytes]:
    """The ledger and its log; `-shm` is a cache that SQLite makes anew."""
    return {
        file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file() and file.suffix != ".db-shm"
    }


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def test_it_says_its_name_origin_and_version(left: Path) -> None:
    ledger = open_ledger(left, origin=None)
    assert (ledger.name, ledger.origin) == ("acme-prod", ORIGIN)
    ledger.close()
    connection = sqlite3.connect(left)
    assert connection.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"flyp", "big"),)
    assert connection.execute("PRAGMA user_version").fetchone() == (5,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_the_writing_connection_syncs_each_commit_and_minds_foreign_keys(left: Path) -> None:
    ledger = open_ledger(left, origin=ORIGIN)
    ledger.claim("spring", run="r2", at=T1)
    values = {name: ledger._read(f"PRAGMA {name}", ()) for name in ("synchronous", "journal_mode", "foreign_keys")}
    ledger.close()
    assert values == {"synchronous": [(2,)], "journal_mode": [("wal",)], "foreign_keys": [(1,)]}


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_an_older_ledger_is_brought_to_todays_format_and_knows_what_it_knew(left: Path, version: int) -> None:
    before = states(open_ledger(left, origin=ORIGIN))
    make_older(left, version)
    held = [open_ledger(left, origin=ORIGIN), open_ledger(left, origin=ORIGIN)]
    assert [states(ledger) for ledger in held] == [before, before]
    assert {(entry.resent, entry.cost, entry.text_hash) for entry in held[0].entries()} == {(0, None, None)}
    claim = held[1].claim("spring", run="r2", at=T1)
    claim.commit([], [intent("NEW")])
    assert states(held[0])["NEW"] is State.SENDING
    assert held[0].deliveries("spring").counts == {"notLookedUp": 300}
    key = next(iter(before))
    assert claim.track({key: seen(f"id-{key}")}) == 1
    assert held[0].deliveries("spring").counts == {"notLookedUp": 299, "delivered": 1}
    claim.release()
    assert list(held[1].check()) == []
    for ledger in held:
        ledger.close()


def test_an_older_ledger_of_another_api_is_left_as_it_is(left: Path) -> None:
    make_older(left, 1)
    before = files(left)
    with pytest.raises(Refused):
        open_ledger(left, origin="https://other.example")
    assert files(left) == before


def test_no_message_is_looked_for_by_reading_all_of_them(left: Path) -> None:
    connection = sqlite3.connect(left)
    for statement in (
        *(of(rows) for of in (changes.accept, changes.settle, changes.again) for rows in (1, 32)),
        tables.LOOKUP, tables.FIND, tables.RESOLVE, tables.NEWER, tables.TRACKED,
    ):  # fmt: skip
        plan = connection.execute("EXPLAIN QUERY PLAN " + statement, [None] * statement.count("?")).fetchall()
        steps = [step for *_, step in plan if "messages" in step or "keys" in step or "deliveries" in step]
        assert steps, statement
        assert all(step.startswith(("SEARCH", "CO-ROUTINE")) for step in steps), steps
    connection.close()


def test_every_table_is_strict(left: Path) -> None:
    connection = sqlite3.connect(left)
    tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite%'").fetchall()
    connection.close()
    assert sorted(tables) == [("claims", 1), ("deliveries", 1), ("keys", 1), ("messages", 1), ("meta", 1)]


def test_a_file_that_is_there_is_never_replaced(left: Path) -> None:
    before = files(left)
    with pytest.raises(LedgerFault, match="there is a file at"):
        create(left, origin="https://other.example", name=None, at=T2)
    assert files(left) == before
    ledger = open_or_create(left, origin=ORIGIN, at=T2)
    assert ledger.name == "acme-prod"
    ledger.close()


def test_a_ledger_is_named_once_and_keeps_what_it_knows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = create(path, origin=ORIGIN, name=None, at=T0)
    claim = ledger.claim("spring", run="r1", at=T0)
    claim.commit([], [intent("A")])
    name_ledger(path, "acme-prod")
    claim.commit([settled("A")], [])
    claim.release()
    ledger.close()
    with pytest.raises(Refused, match="has a name already"):
        name_ledger(path, "other")
    ledger = open_ledger(path, origin=ORIGIN)
    assert ledger.name == "acme-prod"
    assert states(ledger) == {"A": State.ACCEPTED}
    ledger.close()


def test_reading_leaves_every_file_as_it_was(left: Path) -> None:
    before = {file: (file.stat().st_mtime_ns, file.is_file() and file.read_bytes()) for file in left.parent.rglob("*")}
    ledger = open_ledger(left, origin=ORIGIN)
    assert len(list(ledger.entries())) == 300
    assert ledger.lookup("nobody") is None
    ledger.close()
    assert before == {
        file: (file.stat().st_mtime_ns, file.is_file() and file.read_bytes()) for file in left.parent.rglob("*")
    }


def test_reading_after_a_crash_sees_all_and_moves_nothing(crashed: Path) -> None:
    before = files(crashed)
    for _ in range(2):
        ledger = open_ledger(crashed, origin=ORIGIN)
        assert dict(ledger.counts("spring")) == {State.ACCEPTED: 1, State.SENDING: 2}
        ledger.close()
        assert files(crashed) == before
        crashed.with_name("crashed.db-shm").unlink()  # as after a power cut


def test_a_ledger_in_a_folder_that_can_not_be_written_is_read(left: Path, tmp_path: Path) -> None:
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(sealed)], capture_output=True, check=False).returncode:
        pytest.skip("only root can mount the read-only disk of this test")
    try:
        shutil.copy(left, sealed / "ledger.db")
        subprocess.run(["mount", "-o", "remount,ro", str(sealed)], check=True)
        ledger = open_ledger(sealed / "ledger.db", origin=ORIGIN)
        assert dict(ledger.counts("spring")) == {State.ACCEPTED: 300}
        with pytest.raises(LedgerFault, match="Read-only file system"):
            ledger.claim("spring", run="r2", at=T1)
        ledger.close()
    finally:
        subprocess.run(["umount", str(sealed)], check=True)


def test_another_api_is_refused(left: Path) -> None:
    before = files(left)
    with pytest.raises(Refused) as stop:
        open_ledger(left, origin="https://api.other.example")
    assert stop.value.exit_code is Exit.REFUSED
    assert (
        stop.value.message
        == "this ledger is bound to https://api.bird.com; this run would use https://api.other.example"
    )
    assert files(left) == before


def test_no_ledger_is_refused_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no ledger at"):
        open_ledger(tmp_path / "ledger.db", origin=ORIGIN)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LedgerFault, match="is not a file"):
        open_ledger(tmp_path, origin=ORIGIN)


def test_a_path_that_the_system_can_not_look_at_is_a_fault_and_no_missing_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerFault, match="can't be opened: File name too long"):
        open_ledger(tmp_path / ("x" * 256), origin=ORIGIN)


def test_a_place_that_takes_no_ledger_is_told_and_nothing_is_left_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(LedgerFault, match=r"no ledger can be made at .*: Not a directory"):
        create(tmp_path / "file" / "ledger.db", origin=ORIGIN, name=None, at=T0)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_an_sqlite_that_is_too_old_makes_no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(LedgerFault, match="is too old for a ledger") as stop:
        create(tmp_path / "ledger.db", origin=ORIGIN, name=None, at=T0)
    assert stop.value.hint == "3.37 or later is needed"
    assert list(tmp_path.iterdir()) == []


def test_a_manifests_name_can_not_lead_out_of_the_lock_folder(left: Path) -> None:
    ledger = open_ledger(left, origin=ORIGIN)
    ledger.claim("../../out", run="r2", at=T1).release()
    ledger.close()
    assert sorted(file.name for file in lock_folder(left).iterdir()) == ["..%2F..%2Fout.lock", "spring.lock"]


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    mounts = f"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / {tmp_path} rw - nfs4 server:/export rw\n"
    path = tmp_path / "ledger.db"
    with pytest.raises(LedgerFault, match="lies on a nfs4 file system"):
        create(path, origin=ORIGIN, name=None, at=T0, mounts=mounts)
    assert not path.exists()
    create(path, origin=ORIGIN, name=None, at=T0, mounts="").close()
    with pytest.raises(LedgerFault, match="lies on a nfs4 file system"):
        open_ledger(path, origin=ORIGIN, mounts=mounts)


def test_odd_characters_in_the_path_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "50% off?#&=ü \udcff" / "led ger.db"
    ledger = create(path, origin=ORIGIN, name=None, at=T0)
    ledger.claim("spring", run="r1", at=T0).release()
    ledger.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["led ger.db", "led ger.db.locks"]
