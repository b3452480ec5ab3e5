"""Ledgers in SQLite files, as runs leave them."""

from pathlib import Path

import pytest

from runner.ledger.sqlite import create

from .conformance import T0, intent, settled
from .holder import ORIGIN
from .test_processes import running


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A ledger with 300 accepted messages, cleanly left."""
    path = tmp_path / "ledger.db"
    ledger = create(path, origin=ORIGIN, name="acme-prod", at=T0)
    claim = ledger.claim("spring", run="r1", at=T0)
    keys = [f"{number * 7919 % 300:032}" for number in range(300)]
    claim.commit([], [intent(key) for key in keys])
    claim.commit([settled(key) for key in keys], [])
    claim.release()
    ledger.close()
    return path


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A ledger whose run was killed: its last commits are in the write-ahead log alone."""
    path = tmp_path / "crashed.db"
    with running(path, "spring", "hold"):
        pass
    assert path.with_name("crashed.db-wal").stat().st_size > 0
    return path
