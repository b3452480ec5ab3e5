"""The lock file when the disk fails, another process is quicker, or a person tidies up."""

import errno
import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.errors import Exit, LedgerFault, Locked
from runner.ledger.locks import RunLock, Witness, lock_folder, witnesses

from .between import just_before
from .conformance import T0, T1

IDENTITY = "0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def acquire(path: Path, run: str = "r1") -> RunLock:
    return RunLock.acquire(path, "spring", run=run, since=T0)


@contextmanager
def a_disk_that_takes_nothing() -> Iterator[None]:
    """Every write of this process to a file fails."""
    allowed, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, most))


def test_a_lock_that_can_not_be_signed_is_a_fault_and_is_let_go(path: Path) -> None:
    with a_disk_that_takes_nothing(), pytest.raises(LedgerFault, match=r"spring\.lock can't be used: File too large"):
        acquire(path)
    acquire(path).free()


def test_a_disk_that_knows_no_locks_is_a_fault_and_nothing_stays_open(path: Path) -> None:
    def fail() -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    def open_files() -> int:
        return sum(1 for _ in Path("/dev/fd").iterdir())

    before = open_files()
    with just_before("fcntl.flock", fail), pytest.raises(LedgerFault, match="can't be used: No locks available"):
        acquire(path)
    assert open_files() == before


def test_a_folder_of_locks_that_can_not_be_made_is_a_fault(path: Path) -> None:
    lock_folder(path).write_text("a file")
    with pytest.raises(LedgerFault, match="can't be used: File exists") as stop:
        acquire(path)
    assert stop.value.exit_code is Exit.LEDGER


def test_a_link_in_the_place_of_a_lock_is_not_followed(path: Path) -> None:
    lock_folder(path).mkdir()
    elsewhere = path.with_name("elsewhere")
    (lock_folder(path) / "spring.lock").symlink_to(elsewhere)
    with pytest.raises(LedgerFault, match="can't be used"):
        acquire(path)
    assert not elsewhere.exists()


def test_a_witness_that_can_not_be_written_stops_nobody_and_the_last_one_stays(path: Path) -> None:
    lock = acquire(path)
    lock.witness(Witness(ledger=IDENTITY, commits=1))
    with a_disk_that_takes_nothing():
        lock.witness(Witness(ledger=IDENTITY, commits=2))
    assert witnesses(path) == {"spring": Witness(ledger=IDENTITY, commits=1)}
    lock.witness(Witness(ledger=IDENTITY, commits=3))
    assert witnesses(path) == {"spring": Witness(ledger=IDENTITY, commits=3)}
    lock.free()


def test_a_lock_file_that_is_removed_as_it_is_locked_is_made_anew(path: Path) -> None:
    file = lock_folder(path) / "spring.lock"
    with just_before("fcntl.flock", file.unlink), pytest.raises(Locked):
        acquire(path)
    lock = acquire(path)
    assert file.exists()
    lock.free()


def test_a_lock_on_a_file_that_was_replaced_meanwhile_counts_for_nothing(path: Path) -> None:
    file = lock_folder(path) / "spring.lock"
    quicker: list[RunLock] = []

    def replace() -> None:
        file.unlink()
        quicker.append(acquire(path, "quicker"))

    with just_before("fcntl.flock", replace), pytest.raises(Locked, match="run quicker"):
        acquire(path, "slower")
    quicker[0].free()
    acquire(path).free()


def test_a_run_that_waits_takes_the_lock_file_that_is_there_then(path: Path) -> None:
    file = lock_folder(path) / "spring.lock"
    with just_before("fcntl.flock", file.unlink):
        lock = RunLock.acquire(path, "spring", run="r1", since=T0, timeout_s=1, sleep=lambda _s: None)
    with pytest.raises(Locked, match="run r1"):
        acquire(path, "r2")
    lock.free()


@pytest.mark.parametrize("second", [None, b"", b"noise", b"[]", b'{"pid": 1}', b"\xff"])
def test_a_holder_that_has_not_signed_yet_holds_all_the_same(path: Path, second: bytes | None) -> None:
    lock_folder(path).mkdir()
    with (lock_folder(path) / "spring.lock").open("wb", buffering=0) as holder:
        holder.write(b"" if second is None else b"- 0\n" + second + b"\n")
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(Locked) as stop:
            acquire(path)
    assert stop.value.message == "another run of spring holds the ledger: which has not said who it is yet"


def test_a_lock_that_was_let_go_lets_go_of_nothing_else_and_writes_nothing(path: Path) -> None:
    lock = acquire(path)
    lock.witness(Witness(ledger=IDENTITY, commits=7))
    descriptor = lock._descriptor
    lock.free()
    assert not lock.is_held
    with path.with_name("other").open("w+b", buffering=0) as other:
        assert other.fileno() == descriptor  # the number is another file's now
        lock.free()
        lock.witness(Witness(ledger=IDENTITY, commits=8))
        assert os.fstat(other.fileno()).st_size == 0
    assert witnesses(path)["spring"].commits == 7


def test_a_second_signer_keeps_the_witness_and_leaves_nothing_of_the_first(path: Path) -> None:
    first = acquire(path, "a-run-with-a-very-long-name")
    first.witness(Witness(ledger=IDENTITY, commits=7))
    first.free()
    second = RunLock.acquire(path, "spring", run="r", since=T1)
    lines = (lock_folder(path) / "spring.lock").read_bytes().splitlines()
    assert (len(lines), lines[0].split()) == (2, [IDENTITY.encode(), b"00000000000000000007"])
    assert lines[1].endswith(b'"run": "r"}')
    second.free()
