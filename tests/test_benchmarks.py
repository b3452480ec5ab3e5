"""Slices of `make bench` that count work, not seconds; and that what it runs still runs."""

import asyncio
import gc
import os
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import FrameType

import pytest

from benchmarks import bare, batch, ledger, memory, plan, restart, send, start, validate
from benchmarks.measure import Server, used_by, write_manifest
from runner.bird.client import BirdClient
from runner.bird.requests import AccessKey
from runner.delivery.record import Record
from runner.findings import Findings
from runner.ledger.ahead import Ahead
from runner.ledger.sqlite import create, open_ledger
from runner.model import Policy
from runner.pipeline import Order, gathered
from runner.plan import Planner
from runner.project import Project
from runner.recipients.phones import mask

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


class Counted:
    """A claim of a real ledger, counted: what is written for so many messages, whatever the machine."""

    def __init__(self, path: Path) -> None:
        self.commits = self.statements = 0
        self.ledger = create(path, origin=ledger.ORIGIN, name=None, at=ledger.AT)
        self.claim = self.ledger.claim("bench", run="run", at=ledger.AT)
        self.ledger._connection.set_trace_callback(self._count)

    def _count(self, statement: str) -> None:
        self.statements += 1
        self.commits += statement == "COMMIT"


def test_a_send_needs_so_many_commits_and_statements_for_1000_messages(tmp_path: Path) -> None:
    counted = Counted(tmp_path / "ledger.db")
    with Server() as server, ledger.make_spool(1_000) as spool:
        asyncio.run(ledger.sent(spool, counted.claim, server.url))
    counted.claim.release()
    counted.ledger.close()
    assert counted.commits <= 150, "each commit is an fsync; 16 would do, and a machine that is busy needs some more"
    assert counted.statements <= 10 * counted.commits, "what is per message must not be a statement"


def test_batches_of_100_need_10_posts_and_few_pages_and_commits_for_1000_messages(tmp_path: Path) -> None:
    counted = Counted(tmp_path / "ledger.db")
    with Server() as server, ledger.make_spool(1_000) as spool:
        _, way = asyncio.run(batch.sent(spool, counted.claim, server.url, 100, 400))
    counted.claim.release()
    counted.ledger.close()
    assert way.posts == 10
    assert way.pages <= 16, "one look serves all batches that wait by then; a machine that is busy needs some more"
    assert counted.commits <= 30, "intents and outcomes of a batch are one commit each, and fewer where they meet"
    assert counted.statements <= 30 * counted.commits, "what is per message must not be a statement"


async def test_a_request_leaves_next_to_nothing_behind() -> None:
    """Blocks of memory that live on after 400 requests more: a leak of one object a request would show."""
    with Server() as server:
        async with BirdClient(server.url, AccessKey("bench-key"), concurrency=4) as client:
            body = b"{}"
            lasting = []
            for number in (200, 400):
                for _ in range(number):
                    await client.post(ledger.CHANNEL, body)
                gc.collect()
                lasting.append(sys.getallocatedblocks())
    assert lasting[1] - lasting[0] < 200


def test_the_fullest_second_is_found() -> None:
    assert send.fullest_second([0.0, 0.5, 0.99, 1.0, 1.4, 5.0]) == 4


def calls_of_a_plan(folder: Path, rows: int) -> Counter[str]:
    """How often each function is called, C's as `c`."""
    write_manifest(folder, rows)
    path = folder / "bench.yaml"
    order = Order(path=path, source=path.read_bytes(), project=Project(root=folder, working=folder))
    loaded, found = order.load(Findings()), Counter[str]()
    planner = Planner(spool=None, drafts=["greet"], mask=mask, on_scheduled=lambda _item: None)

    def count(frame: FrameType, event: str, _given: object) -> None:
        if event == "call":
            found[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            found["c"] += 1

    sys.setprofile(count)
    try:
        planner.take_all(gathered(loaded, order, Findings(), []))
    finally:
        sys.setprofile(None)
    assert planner.finish(Policy()).totals.new == rows
    return found


def test_another_row_of_a_plan_costs_few_calls_and_none_to_a_judge_or_a_template(tmp_path: Path) -> None:
    calls_of_a_plan(tmp_path / "first", 4000)  # what is looked up once in a process
    few, many = calls_of_a_plan(tmp_path / "few", 2000), calls_of_a_plan(tmp_path / "many", 4000)
    more = {name: (many[name] - few[name]) / 2000 for name in many}
    assert (c := more.pop("c")) < 12, c
    assert sum(more.values()) < 1, {name: count for name, count in more.items() if count > 0.01}
    judged = [many[name] for name in many if name.endswith("accepts")]
    assert sum(judged) <= 2, judged


def statements_of_a_send_again(folder: Path, rows: int) -> int:
    """What the ledger is asked from its opening on, when it holds all of the plan as it is."""
    path, keys = folder / f"{rows}.db", [f"{number:032}" for number in range(rows)]
    with closing(create(path, origin=ledger.ORIGIN, name=None, at=ledger.AT)) as first:
        claim = first.claim("bench", run="run", at=ledger.AT)
        for at in range(0, rows, 500):
            some = keys[at : at + 500]
            claim.commit([], [wish(0)._replace(key=key, edition="1", message="greet") for key in some])
            claim.commit([accepted(0)._replace(key=key) for key in some], [])
        claim.release()
    asked: list[str] = []
    with closing(open_ledger(path, origin=ledger.ORIGIN)) as again:
        claim = again.claim("bench", run="run", at=ledger.AT)
        again._connection.set_trace_callback(asked.append)
        ahead = Ahead(again, "bench", "1")
        for at in range(0, rows, 230):
            some = keys[at : at + 230]
            assert ahead.others("greet", some, [wish(0).payload_hash] * len(some)) == ((), {})
        claim.release()
    assert not any("UPDATE messages" in each for each in asked), "what is still sending is looked for in all rows"
    return len(asked)


def test_a_send_again_asks_the_ledger_twice_for_1000_messages(tmp_path: Path) -> None:
    assert statements_of_a_send_again(tmp_path, 4000) - statements_of_a_send_again(tmp_path, 2000) <= 4


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
        bare.on_asyncio(server.url + bare.PATH, 200, 8)
    assert "first request" in restart.report(300, 1)
    assert "x the bound" in plan.report(300, 1)
    assert "500 messages, 52 not accepted" in start.report(500)
    assert "batches of 100" in batch.report(300, 1)


def test_validate_is_measured_beside_its_rivals() -> None:
    report = validate.report(4, 20, 1)
    for rival in ("PyYAML's C loader alone", "check-jsonschema", "yamllint", 'python -c "import yaml, click"'):
        assert rival in report


def test_a_paced_send_is_told_by_what_went_out() -> None:
    with Server(20.0) as server:
        told = send.paced("uvloop", server.url, 1)
    assert set(told) == {"per_second", "fullest", "cpu_share"}
    assert told["fullest"] <= send.RATE_PER_S
