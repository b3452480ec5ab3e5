"""Many workers: what was handed over goes out once, whoever dies, is stopped, or is offered the same part twice."""

import json
from collections import Counter

from runner.ledger.runs import Extra, RunState
from runner.model import State

from .fleet import MakeFleet

NOW = "2026-11-22T09:00:00.000Z"


def test_workers_send_what_was_handed_over_and_who_follows_is_told_as_of_any_send(fleet: MakeFleet) -> None:
    many = fleet(2500)
    following = many.follow()
    many.work(drain=False)
    many.work(drain=False)
    out, err = following.communicate(timeout=120)
    assert following.returncode == 0, err
    said = json.loads(out)
    assert said["run"] == {"accepted": 2500, "rejected": 0, "inDoubt": 0}
    assert said["totals"] == {
        "messages": 2500, "accepted": 2500, "rejected": 0, "inDoubt": 0, "skipped": 0, "planned": 0
    }  # fmt: skip
    assert said["engineRun"]["shards"] == 4
    assert many.check() == Counter({State.ACCEPTED: 2500})
    assert many.flypast(*many.sending()).json["run"]["accepted"] == 0  # there is nothing left to hand over
    assert many.flypast("ledger", "verify").code == 0


def test_a_task_holds_no_message_no_secret_and_nobodys_data(fleet: MakeFleet) -> None:
    many = fleet(1200)
    run = many.send()["engineRun"]["run"]
    jobs = many.sql("SELECT args FROM flypast_engine.procrastinate_jobs ORDER BY id")
    plan = many.sql("SELECT plan FROM flypast.runs")[0][0]
    assert [args for (args,) in jobs] == [{"run": run, "shard": shard, "plan": plan, "v": 1} for shard in (0, 1)]
    held = (
        str(many.sql("SELECT settings FROM flypast.runs"))
        + many.sql("SELECT args::text FROM flypast_engine.procrastinate_jobs")[0][0]
    )
    assert "canary" not in held
    assert "+1415" not in held


def test_a_part_that_is_done_leaves_nobodys_data_behind(fleet: MakeFleet) -> None:
    many = fleet(1200)
    many.send()
    assert many.sql("SELECT count(*) FROM flypast.shards WHERE messages IS NOT NULL") == [(2,)]
    many.drain()
    assert many.sql("SELECT state, messages FROM flypast.shards") == [("done", None)] * 2
    assert many.sql("SELECT count(*) FROM flypast_engine.procrastinate_jobs") == [(0,)]


def test_while_workers_have_a_manifest_nobody_else_sends_it(fleet: MakeFleet) -> None:
    many = fleet(20)
    run = many.send()["engineRun"]["run"]
    for words in (many.sending(), ["send", "hello.yaml", "--yes"]):
        ran = many.flypast(*words, code=8)
        assert "workers carry it since 20" in ran.err
        assert f"flypast cancel {run}" in ran.err
    many.drain()
    many.flypast("send", "hello.yaml", "--yes")
    assert many.check() == Counter({State.ACCEPTED: 20})


def test_a_task_that_is_offered_twice_is_harmless(fleet: MakeFleet) -> None:
    many = fleet(60, faults=["--fault", "slow:20ms"])
    many.send()
    many.sql("ALTER TABLE flypast_engine.procrastinate_jobs DISABLE TRIGGER USER")
    for _ in range(5):
        many.sql(
            "INSERT INTO flypast_engine.procrastinate_jobs (queue_name, task_name, args) "
            "SELECT queue_name, task_name, args FROM flypast_engine.procrastinate_jobs LIMIT 1"
        )
    workers = [many.work(slots=3, drain=True) for _ in range(2)]
    for worker in workers:
        assert worker.wait(120) == 0
    assert many.check() == Counter({State.ACCEPTED: 60})


def test_what_the_engine_has_lost_is_found_in_the_ledger(fleet: MakeFleet) -> None:
    many = fleet(60)
    many.send()
    many.sql("DELETE FROM flypast_engine.procrastinate_jobs")
    many.drain()
    assert many.check() == Counter({State.ACCEPTED: 60})


def test_a_message_is_never_sent_by_a_claim_that_was_taken_over(fleet: MakeFleet) -> None:
    many = fleet(20)
    run = many.send()["engineRun"]["run"]
    with many.runs(lease_s=0.6) as first, many.runs() as second:
        plan = first.waiting(1)[0][2]
        claim = first.take(run, 0, plan=plan, at=NOW)
        assert claim is not None
        assert second.take(run, 0, plan=plan, at=NOW) is None
        assert second.take(run, 0, plan="another", at=NOW) is None
        claim._lease.end()  # as if its process stood still
        many.until(lambda: bool(second.strays()))
        taken = second.take(run, 0, plan=plan, at=NOW)
        assert taken is not None
        assert not claim.may_post()
        assert many.sql("SELECT takeovers, epoch FROM flypast.shards") == [(1, 2)]
        taken.finish(Extra())
        assert second.conclude(run, at=NOW)
        seen = second.seen(run)
    assert seen is not None
    assert (seen.state, seen.has_ended, seen.done) == (RunState.DONE, True, 1)
