"""Faults below the simulator: on the wire, on the disk, in a key. A real test of the suite must fail under each.

`python -m tests.simulation.below NAME` plants one and runs its test: exit code 10 is a test that failed.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.bird import client, wire
from runner.ledger import identity, keys, sqlite, sqlite_claim

from .planting import Edit, edit, planted

ROOT = Path(__file__).parent.parent.parent
_FAILED = 10  # no exit code of Python's own, nor of pytest's


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """One of the `tests`, which are pytest's nodes, must fail."""

    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


_PROOF = "failure = proof("
_NAIVE = """\
if isinstance(error, HttpProcessingError):
            return Reply(status=error.code, retry_after=None, body=b"")
        failure = proof("""
_FOLLOWED = """\
if head is not None and "Location" in head.headers:
        return await self._exchange(wire.target("POST", URL(head.headers["Location"])), body, longest=longest)
    if head is not None:"""
_CHECKED = "if not counted:\n                lost(self.manifest)\n            yield connection"

BELOW = {
    "redirects on": Below(
        edits=(edit(client.BirdClient, "_exchange", ("if head is not None:", _FOLLOWED)),),
        tests=("tests/bird/test_client.py::test_a_redirect_is_not_followed_and_the_other_host_sees_no_byte",),
    ),
    "garbled-as-400 rejected": Below(
        edits=(edit(client.BirdClient, "_exchange", (_PROOF, _NAIVE)),),
        tests=("tests/bird/test_client.py::test_a_garbled_reply_is_lost_and_not_a_400",),
    ),
    "a stray reply answers the next request": Below(
        edits=(edit(wire._Connector, "connect", (" and not connection.protocol.should_close", "")),),
        tests=("tests/bird/test_client.py::test_a_stray_reply_on_an_idle_connection_answers_nobodys_request",),
    ),
    "synchronous=NORMAL": Below(
        edits=(edit(sqlite, "open_to_write", ("PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL")),),
        tests=(
            "tests/ledger/test_power.py::test_after_a_power_cut_all_is_there_that_a_commit_returned_for",
            "tests/ledger/test_sqlite.py::test_the_writing_connection_syncs_each_commit_and_minds_foreign_keys",
        ),
    ),
    "no epoch check in SQLite": Below(
        edits=(
            edit(
                sqlite_claim.SqliteClaim,
                "_step",
                (_CHECKED, "yield connection"),
                ("self._lock.witness(", "counted and self._lock.witness("),
            ),
        ),
        tests=("tests/ledger/test_processes.py::test_without_its_lock_file_an_older_claim_is_still_refused",),
    ),
    "the newest keys of a dead run are not looked for": Below(
        edits=(edit(keys.Keys, "_catch_up", ("self._recent[key] = row\n", "")),),
        tests=("tests/ledger/test_keys.py::test_what_a_dead_run_left_is_found_by_readers_and_by_the_next_run",),
    ),
    "keys are forgotten that are in no table": Below(
        edits=(edit(keys.Keys, "index", ("connection.execute(tables.INDEX)", "pass")),),
        tests=(
            "tests/ledger/test_keys.py::test_a_reader_finds_what_a_living_run_writes_before_it_is_indexed_and_after",
        ),
    ),
    "reference without edition": Below(
        edits=(edit(identity.KeyMaker, "__init__", ("name, edition, message)))", "name, message)))")),),
        tests=("tests/ledger/test_identity.py::test_every_field_is_in_the_key",),
    ),
}


def caught(name: str) -> str | None:
    """In a process of its own: the words of the test that failed, or None where it did not."""
    command = [sys.executable, "-m", "tests.simulation.below", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, _FAILED):
        raise RuntimeError(f"{name}: the test did not run:\n{done.stdout}{done.stderr}")
    return f"fails: {BELOW[name].tests[0]}" if done.returncode == _FAILED else None


def main(name: str) -> int:
    with planted(BELOW[name].edits):
        ended = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *BELOW[name].tests])
    return _FAILED if ended == pytest.ExitCode.TESTS_FAILED else int(ended)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
