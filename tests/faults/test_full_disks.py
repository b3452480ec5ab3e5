"""A disk that is full: when the ledger is made, at an intent, at an outcome, at the file of requests."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.ledger.sqlite import open_ledger
from runner.model import State
from tests.cli.raw_server import ACCEPTED, RawServer, replying
from tests.cli.sending import counts, send, summary
from tests.conftest import Project, Ran

from .campaign import check
from .size import IS_LONG

PEOPLE = 400
CONCURRENCY = 8
PAGE = 4096
# How much is free when the run begins: it stops at another commit each time, now at intents alone, now with outcomes.
ROOM_KIB = range(100, 400, 12) if IS_LONG else (210,)


@dataclass(frozen=True)
class Disk:
    """A small disk of its own."""

    path: Path

    def fill(self, *, but: int = 0) -> None:
        """To the last page but `but` bytes."""
        descriptor = os.open(self.path / "filler", os.O_CREAT | os.O_WRONLY)
        with suppress(OSError):
            while True:
                os.write(descriptor, bytes(PAGE))
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - but)
        os.close(descriptor)

    def make_room(self) -> None:
        (self.path / "filler").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """12 MB, enough for a whole run, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount the small disk that this test fills")
    yield Disk(folder)
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(replying(ACCEPTED)) as server:
        yield server


def on(disk: Disk) -> list[str]:
    return ["--ledger", f"sqlite:///{disk.path / 'ledger.db'}", "--concurrency", str(CONCURRENCY)]


def held(disk: Disk) -> dict[str, State]:
    ledger = open_ledger(disk.path / "ledger.db", origin=None)
    try:
        return {entry.reference: entry.state for entry in ledger.entries()}
    finally:
        ledger.close()


def goes_on_to_its_end(project: Project, server: RawServer, disk: Disk, in_doubt: int) -> None:
    said = summary(send(project, server.url, *on(disk)))
    assert (counts(said), said["stopped"]) == ((PEOPLE - in_doubt, 0, in_doubt, 0), None)
    check(server.references, held(disk))


def says_that_it_is_full(ran: Ran) -> None:
    assert ran.code == 9, ran.err
    assert ran.json["exitCode"] == 9
    assert re.search("disk is full|No space left", ran.json["stopped"])


def test_no_ledger_can_be_made_so_nothing_is_sent_and_no_half_ledger_is_left(
    project: Project, server: RawServer, disk: Disk
) -> None:
    project.people(PEOPLE)
    for free in (0, 2 * PAGE, 6 * PAGE) if IS_LONG else (2 * PAGE,):
        disk.fill(but=free)
        ran = send(project, server.url, *on(disk))
        says_that_it_is_full(ran)
        assert server.lines == []
        disk.make_room()
        assert [file.name for file in disk.path.iterdir() if file.suffix == ".new"] == []
    goes_on_to_its_end(project, server, disk, in_doubt=0)


def test_the_requests_fit_nowhere_so_nothing_is_sent(project: Project, server: RawServer, disk: Disk) -> None:
    project.people(PEOPLE)
    disk.fill(but=8 * PAGE)
    ran = send(project, server.url, TMPDIR=str(disk.path))
    says_that_it_is_full(ran)
    assert "TMPDIR" in ran.err
    assert ran.json["run"]["accepted"] == 0
    assert server.lines == []
    disk.make_room()
    said = summary(send(project, server.url, TMPDIR=str(disk.path)))
    assert counts(said) == (PEOPLE, 0, 0, 0)
    assert len(server.references) == len(set(server.references)) == PEOPLE


@pytest.mark.parametrize("room_kib", ROOM_KIB)
def test_a_disk_that_fills_up_while_sending_stops_the_run_and_loses_no_intent(
    project: Project, server: RawServer, disk: Disk, room_kib: int
) -> None:
    project.people(PEOPLE)
    summary(send(project, server.url, *on(disk), "--limit", "1"))
    disk.fill(but=room_kib * 1024)
    ran = send(project, server.url, *on(disk))
    says_that_it_is_full(ran)
    said = summary(ran)
    disk.make_room()
    now = held(disk)
    check(server.references, now)
    states = Counter(now.values())
    assert 0 < len(server.references) < PEOPLE
    open_ones = states[State.SENDING] + states[State.IN_DOUBT]
    assert open_ones <= CONCURRENCY
    assert (said["totals"]["accepted"], said["totals"]["inDoubt"]) == (states[State.ACCEPTED], open_ones)
    goes_on_to_its_end(project, server, disk, in_doubt=open_ones)
