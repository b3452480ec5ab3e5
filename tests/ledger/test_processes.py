"""Several real processes and one ledger: who may send, and what is left when one is killed."""

import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runner.errors import Exit, LedgerFault, Locked
from runner.ledger.locks import lock_folder
from runner.ledger.seam import ClaimLost
from runner.ledger.sqlite import create, open_ledger, open_or_create
from runner.model import State

from .conformance import T0, T1, T2, intent, settled, states
from .holder import ORIGIN

ROOT = Path(__file__).parents[2]


def command(path: Path, manifest: str, act: str) -> list[str]:
    return [sys.executable, "-m", "tests.ledger.holder", str(path), manifest, act]


@contextmanager
def running(path: Path, manifest: str, act: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that has said it is ready; killed at the end if it still runs."""
    process = subprocess.Popen(
        command(path, manifest, act), cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def test_a_second_process_is_told_the_holders_pid_host_time_and_run(path: Path) -> None:
    with running(path, "spring", "hold") as holder:
        ledger = open_ledger(path, origin=ORIGIN)
        with pytest.raises(Locked) as stop:
            ledger.claim("spring", run="mine", at=T2)
        ledger.close()
        assert stop.value.exit_code is Exit.LOCKED
        assert stop.value.message == (
            f"another run of spring holds the ledger: pid {holder.pid} on {os.uname().nodename}, "
            f"since {T1}, run run-spring"
        )
        assert stop.value.hint is not None
        assert "--lock-timeout" in stop.value.hint


def test_a_killed_holder_is_followed_and_its_sending_is_in_doubt(path: Path) -> None:
    with running(path, "spring", "hold") as holder:
        ledger = open_ledger(path, origin=ORIGIN)
        assert states(ledger)["spring-1"] is State.SENDING
        threading.Thread(target=holder.kill).start()
        claim = ledger.claim("spring", run="mine", at=T2, timeout_s=30)
    assert claim.epoch == 2
    assert states(ledger) == {
        "spring-0": State.ACCEPTED,
        "spring-1": State.IN_DOUBT,
        "spring-2": State.IN_DOUBT,
    }
    claim.commit([], [intent("new")])
    ledger.close()


def test_processes_of_two_manifests_write_at_the_same_time(path: Path) -> None:
    with running(path, "one", "write") as first, running(path, "two", "write") as second:
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert (first.wait(60), second.wait(60)) == (0, 0)
    ledger = open_ledger(path, origin=ORIGIN)
    assert [dict(ledger.counts(name)) for name in ("one", "two")] == [{State.IN_DOUBT: 40}] * 2
    ledger.close()


def test_without_its_lock_file_an_older_claim_is_still_refused(path: Path) -> None:
    old = create(path, origin=ORIGIN, name=None, at=T0)
    claim = old.claim("spring", run="old", at=T0)
    claim.commit([], [intent("A")])
    shutil.rmtree(lock_folder(path))
    new = open_ledger(path, origin=ORIGIN)
    newer = new.claim("spring", run="new", at=T1)
    with pytest.raises(ClaimLost):
        claim.commit([settled("A")], [intent("B")])
    claim.release()
    assert states(new) == {"A": State.IN_DOUBT}
    newer.commit([], [intent("C")])
    old.close()
    new.close()


def test_a_reader_in_another_process_sees_each_commit_of_a_living_run(path: Path) -> None:
    with running(path, "spring", "hold"):
        before = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.name.endswith((".db", "-wal"))}
        ledger = open_ledger(path, origin=ORIGIN)
        assert dict(ledger.counts("spring")) == {State.ACCEPTED: 1, State.SENDING: 2}
        ledger.close()
        assert {name: (path.parent / name).read_bytes() for name in before} == before


def test_two_first_sends_at_once_make_one_ledger(path: Path) -> None:
    opened = []
    threads = [
        threading.Thread(target=lambda: opened.append(open_or_create(path, origin=ORIGIN, at=T0))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claim = opened[0].claim("spring", run="r", at=T0)
    claim.commit([], [intent("A")])
    assert [states(ledger) for ledger in opened] == [{"A": State.SENDING}] * 4
    for ledger in reversed(opened):
        ledger.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.db", "ledger.db.locks"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("only root can mount the small disk that this test fills")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_so_and_every_commit_that_returned_is_there(small_disk: Path) -> None:
    path = small_disk / "ledger.db"
    run = subprocess.run(command(path, "spring", "fill"), cwd=ROOT, text=True, capture_output=True, check=True)
    code, commits, words = run.stdout.strip().split(" ", 2)
    assert int(code) == Exit.LEDGER
    assert words == f"the disk is full: {path} can't be written"
    ledger = open_ledger(path, origin=ORIGIN)
    assert int(commits) > 0
    assert dict(ledger.counts("spring")) == {State.SENDING: 100 * int(commits)}
    ledger.close()


def test_a_failing_disk_ends_the_claim_and_loses_no_commit_that_returned(path: Path) -> None:
    run = subprocess.run(command(path, "spring", "fill-small"), cwd=ROOT, text=True, capture_output=True, check=True)
    first, second = run.stdout.splitlines()
    code, commits, words = first.split(" ", 2)
    assert int(code) == Exit.LEDGER
    assert words.startswith(f"the disk failed under {path}")
    assert second == words
    ledger = open_ledger(path, origin=ORIGIN)
    assert int(commits) > 0
    assert dict(ledger.counts("spring")) == {State.SENDING: 100 * int(commits)}
    ledger.close()


def test_a_commit_is_on_the_disk_before_it_returns(path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed, so the system calls of a commit can't be seen")
    trace = path.with_name("trace")
    create(path, origin=ORIGIN, name=None, at=T0).close()
    options = ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=write,pwrite64,fdatasync,fsync"]
    subprocess.run([*options, *command(path, "spring", "mark")], cwd=ROOT, check=True, capture_output=True)
    calls = trace.read_text().split('"before')[1].split('"after')[0]
    log = re.escape(str(path.resolve())) + "-wal"
    written = [match.start() for match in re.finditer(rf"pwrite64\(\d+<{log}>", calls)]
    synced = [match.start() for match in re.finditer(rf"(?:fdatasync|fsync)\(\d+<{log}>\)\s+= 0", calls)]
    assert written
    assert synced[-1] > written[-1]


def test_a_ledger_and_all_beside_it_are_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "ledger.db"
    ledger = create(path, origin=ORIGIN, name=None, at=T0)
    claim = ledger.claim("spring", run="r", at=T0)
    claim.commit([], [intent("A")])
    modes = {str(file.relative_to(tmp_path)): stat.S_IMODE(file.stat().st_mode) for file in tmp_path.rglob("*")}
    ledger.close()
    assert modes == {
        "new": 0o700,
        "new/folder": 0o700,
        "new/folder/ledger.db": 0o600,
        "new/folder/ledger.db-shm": 0o600,
        "new/folder/ledger.db-wal": 0o600,
        "new/folder/ledger.db.locks": 0o700,
        "new/folder/ledger.db.locks/spring.lock": 0o600,
    }


def test_a_place_that_can_not_hold_a_ledger_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerFault, match="no ledger can be made"):
        create(tmp_path / "file" / "ledger.db", origin=ORIGIN, name=None, at=T0)
