"""What a run remembers of its rows: exact whatever their number, and never more in memory."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.scratch import Kept

KEYS = st.text(st.sampled_from(["a", "b", "\\", "0", "é", "\ud800", "\udc00", "😀", "\0"]), max_size=3)


@given(pairs=st.lists(st.tuples(KEYS, st.text("xy", max_size=1))), newest=st.integers(1, 5))
def test_it_says_what_a_dict_would_say(pairs: list[tuple[str, str]], newest: int) -> None:
    expected: dict[str, str] = {}
    with Kept(newest=newest) as kept:
        for key, value in pairs:
            assert (key in kept) is (key in expected)
            assert kept.first(key, value) == expected.get(key)
            expected.setdefault(key, value)
            assert kept
        assert all(key in kept for key in expected)


def test_every_one_of_many_is_known_again_and_no_other() -> None:
    with Kept(newest=1000) as kept:
        assert not kept
        kept.update(f"+1415555{number}" for number in range(30_000))
        assert all(f"+1415555{number}" in kept for number in range(30_000))
        assert not any(f"+1415556{number}" in kept for number in range(30_000))
        assert 7 not in kept


@given(batches=st.lists(st.lists(KEYS, max_size=4)), newest=st.integers(1, 5))
def test_many_at_once_are_taken_if_all_are_new(batches: list[list[str]], newest: int) -> None:
    expected: dict[str, str] = {}
    with Kept(newest=newest) as kept:
        for number, batch in enumerate(batches):
            is_new = expected.keys().isdisjoint(batch) and len(set(batch)) == len(batch)
            assert kept.add_new(batch, [str(number)] * len(batch)) is is_new
            expected |= dict.fromkeys(batch, str(number)) if is_new else {}
            assert all(kept.first(key, "x") == value for key, value in expected.items())


def test_twice_as_many_take_no_more_memory() -> None:
    assert peak_of(40_000) < 1.1 * peak_of(20_000)


def peak_of(count: int) -> int:
    tracemalloc.start()
    try:
        with Kept(newest=2048) as kept:
            for number in range(count):
                kept.first(f"{number:032}", "x")
            return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux tells of its open files")
def test_its_file_has_no_name_and_goes_with_it() -> None:
    before = deleted_files()
    with Kept(newest=2000) as kept:
        kept.update(f"{number:050}" for number in range(10_000))
        assert len(deleted_files()) == len(before) + 1
    assert deleted_files() == before


def deleted_files() -> set[str]:
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except OSError:  # the folder's own, closed by now
            continue
    return {name for name in found if name.endswith("(deleted)")}


FULL_DISK = """
import resource
from runner.errors import LedgerFault
from runner.scratch import Kept
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    Kept(newest=100).update(f"{number:050}" for number in range(100_000))
except LedgerFault as fault:
    print(fault.exit_code, fault.message, fault.hint)
"""


def test_a_full_disk_ends_the_run_in_words() -> None:
    ran = subprocess.run([sys.executable, "-c", FULL_DISK], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("9 the temporary file of what was met already can't be written: ")
    assert "TMPDIR" in ran.stdout
