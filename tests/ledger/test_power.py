"""What a commit has promised is there after a power cut."""

from contextlib import closing
from pathlib import Path

import pytest

from runner.ledger.sqlite import create, open_ledger
from runner.model import State

from .conformance import T0, intent, settled
from .power import disk, library

ORIGIN = "https://api.bird.com"


def test_after_a_power_cut_all_is_there_that_a_commit_returned_for(tmp_path: Path) -> None:
    sqlite = library()
    if sqlite is None:
        pytest.skip("SQLite is built into this Python, so nothing can be put between it and the disk")
    path = tmp_path / "ledger.db"
    with disk(sqlite) as kept, closing(create(path, origin=ORIGIN, name=None, at=T0)) as ledger:
        claim = ledger.claim("spring", run="r", at=T0)
        for number in range(3):
            claim.commit([settled(f"{number - 1}")] if number else [], [intent(f"{number}")])
            other = tmp_path / f"cut-{number}.db"
            kept.cut(path, other)
            _must_hold(other, number)


def _must_hold(path: Path, number: int) -> None:
    """All but the last are accepted; that one's request may be out."""
    with closing(open_ledger(path, origin=ORIGIN)) as ledger:
        states = {entry.key: entry.state for entry in ledger.entries()}
    assert states == {f"{each}": State.ACCEPTED for each in range(number)} | {f"{number}": State.SENDING}
