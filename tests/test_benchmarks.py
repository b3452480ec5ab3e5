"""Slices of `make bench` that count work, not seconds; and that what it runs still runs."""

import asyncio
import os
from pathlib import Path

import pytest

from benchmarks import ledger, memory, restart, validate
from benchmarks.measure import Server, used_by, write_manifest
from runner.delivery.record import Record

from .delivery.claims import Watched, ledger_and_claim
from .delivery.test_record import accepted, wish

WORKERS, EACH = 64, 10


@pytest.mark.skipif("FLYPAST_TEST_FAULTS" not in os.environ, reason="a minute of planning: make faults")
def test_a_plan_of_many_more_rows_takes_no_more_memory(tmp_path: Path) -> None:
    peaks_mib = []
    for rows in (135_000, 160_000):  # more than are kept in memory
        write_manifest(tmp_path / str(rows), rows)
        peaks_mib.append(used_by(memory.PLAN, tmp_path / str(rows)).peak_mib)
    assert peaks_mib[1] < peaks_mib[0] + 3, peaks_mib  # one dict of who was met would take 4 more


async def test_workers_side_by_side_share_their_commits() -> None:
    _, claim = ledger_and_claim()
    watched = Watched(claim)
    async with Record(watched) as record:

        async def work(worker: int) -> None:
            for number in range(worker * EACH, (worker + 1) * EACH):
                await record.intend(wish(number))
                await record.settle(accepted(number))

        await asyncio.gather(*map(work, range(WORKERS)))
    assert len(watched.sizes) <= WORKERS * EACH / 8


def test_the_benchmarks_run() -> None:
    with Server() as server:
        assert ledger.one("sqlite", server.url, 200)[0] > 0
        assert ledger.one("none", server.url, 200)[0] > 0
    assert "first request" in restart.report(300, 1)


def test_validate_is_measured_beside_its_rivals() -> None:
    report = validate.report(4, 20, 1)
    for rival in ("PyYAML's C loader alone", "check-jsonschema", "yamllint", 'python -c "import yaml, click"'):
        assert rival in report
