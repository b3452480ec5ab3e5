import os
import resource
import stat
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from runner.delivery.spool import SpoolWriter
from runner.errors import Exit, LedgerFault
from runner.model import Message, Rate, State

from .wire import CHANNEL, OTHER_CHANNEL, message, messages


def spooled(tmp_path: Path, *written: Message) -> list[Message]:
    writer = SpoolWriter(tmp_path)
    add_all(writer, written)
    with writer.finish() as spool:
        assert len(spool) == len(written)
        return list(spool)


def add_all(writer: SpoolWriter, written: Iterable[Message]) -> None:
    for each in written:
        writer.add(each)


def test_messages_come_back_as_they_went_in_and_in_order(tmp_path: Path) -> None:
    written = [message(n, (CHANNEL, OTHER_CHANNEL)[n % 2]) for n in range(50)]
    assert spooled(tmp_path, *written) == written


@pytest.mark.parametrize(
    "odd",
    [
        message(1)._replace(body=b"", country=None),
        message(1)._replace(body=b"\n{}\n\n"),
        message(1)._replace(zones=("America/New_York", "UTC"), text_hash="a" * 64, cost="0.1", currency="USD"),
        message(1)._replace(body=bytes(range(256)) * 300),
        message(1)._replace(address="id:\n\x1f\0 \ud800 ü", draft="é", reference="", segments=10**9),
        message(1)._replace(channel=replace(CHANNEL, name="x\ny", rate=Rate(count=1, per_s=60), mms=True)),
    ],
)
def test_odd_messages_come_back_too(tmp_path: Path, odd: Message) -> None:
    assert spooled(tmp_path, odd, message(2), odd) == [odd, message(2), odd]


def test_messages_of_several_drafts_and_states_keep_their_order(tmp_path: Path) -> None:
    held = (None, State.ABSENT, None, State.IN_DOUBT)
    written = [message(n)._replace(draft=f"d{n // 3 % 2}", held=held[n // 2 % 4]) for n in range(200)]
    assert spooled(tmp_path, *written) == written


def test_a_spool_can_be_empty_and_can_be_read_twice(tmp_path: Path) -> None:
    assert spooled(tmp_path) == []
    writer = SpoolWriter(tmp_path)
    writer.add(message(1))
    with writer.finish() as spool:
        assert list(spool) == list(spool) == [message(1)]


def test_the_file_has_no_name_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.add(message(1))
    with writer.finish() as spool:
        facts = os.fstat(spool._file.fileno())
        assert list(tmp_path.iterdir()) == []
        assert facts.st_nlink == 0
        assert stat.S_IMODE(facts.st_mode) == 0o600
        assert facts.st_dev == tmp_path.stat().st_dev


def test_many_messages_take_no_memory(tmp_path: Path) -> None:
    body = b"x" * 1000
    tracemalloc.start()
    writer = SpoolWriter(tmp_path)
    for number in range(10_000):
        writer.add(message(7)._replace(key=str(number), body=body))
    with writer.finish() as spool:
        assert sum(1 for _ in spool) == 10_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 1024 * 1024


@contextmanager
def disk_of(bytes_: int) -> Iterator[None]:
    """No file grows beyond this: as a full disk does, write and flush fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_the_run_before_anything_is_sent(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    with disk_of(4096), pytest.raises(LedgerFault) as caught:
        add_all(writer, messages(5_000))
    writer.close()
    assert caught.value.exit_code is Exit.LEDGER
    assert caught.value.hint


def test_a_disk_that_is_full_at_the_very_end_is_seen(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    add_all(writer, messages(100))
    with disk_of(4096), pytest.raises(LedgerFault):
        writer.finish()
    writer.close()


def test_a_disk_that_can_not_be_read_any_more_is_a_fault(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    add_all(writer, messages(3))
    with writer.finish() as spool, Path(os.devnull).open("wb") as unreadable:
        os.dup2(unreadable.fileno(), spool._file.fileno())
        with pytest.raises(LedgerFault, match="can't be read") as caught:
            list(spool)
    assert caught.value.exit_code is Exit.LEDGER


def test_a_folder_that_takes_no_file_is_a_fault_too(tmp_path: Path) -> None:
    with pytest.raises(LedgerFault):
        SpoolWriter(tmp_path / "missing")
