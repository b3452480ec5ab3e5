"""Many workers: what was handed over goes out once, whoever dies, is stopped, or is offered the same part twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime

import pytest

from runner.ledger.runs import Extra, RunState
from runner.model import State
from tests.conftest import KEY, MANIFEST, Project, clean_environment
from tests.test_output_schemas import fits

from .fleet import MakeFleet

long = pytest.mark.skipif("FLYPAST_TEST_CHAOS" not in os.environ, reason="seconds of many processes: make chaos")
NOW = "2026-11-22T09:00:00.000Z"


def test_workers_send_what_was_handed_over_and_who_follows_is_told_as_of_any_send(fleet: MakeFleet) -> None:
    many = fleet(1100)
    following = many.follow()
    many.work(drain=False)
    many.work(drain=False)
    out, err = following.communicate(timeout=60)
    assert following.returncode == 0, err
    said = fits("send", json.loads(out))
    assert said["run"] == {"accepted": 1100, "rejected": 0, "inDoubt": 0}
    assert said["totals"] == {
        "messages": 1100, "accepted": 1100, "rejected": 0, "inDoubt": 0, "skipped": 0, "planned": 0
    }  # fmt: skip
    assert said["engineRun"]["shards"] == 2
    assert many.check() == Counter({State.ACCEPTED: 1100})
    assert many.flypast(*many.sending()).json["run"]["accepted"] == 0  # there is nothing left to hand over
    assert many.flypast("ledger", "verify").code == 0


def test_workers_send_in_batches_too(fleet: MakeFleet) -> None:
    many = fleet(300, manifest=MANIFEST + "policy: {batch: 20}\n")
    many.send()
    many.drain()
    assert many.check() == Counter({State.ACCEPTED: 300})
    posts = {json.loads(line)["n"] for line in many.record.read_text().splitlines()}
    assert len(posts) < 100, "several messages went out in one POST"


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


@long
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


@long
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
        assert worker.wait(60) == 0
    assert many.check() == Counter({State.ACCEPTED: 60})


def test_what_the_engine_has_lost_is_found_in_the_ledger(fleet: MakeFleet) -> None:
    many = fleet(60)
    handed = fits("send", many.send())
    assert (handed["totals"]["planned"], handed["exitCode"]) == (60, 0)
    many.sql("DELETE FROM flypast_engine.procrastinate_jobs")
    done = many.flypast("worker", "--engine", "postgres", "--drain", "--format", "json")
    assert fits("worker", done.json)["run"] == {"accepted": 60, "rejected": 0, "inDoubt": 0}
    assert many.check() == Counter({State.ACCEPTED: 60})


@long
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


def test_a_worker_that_is_told_to_end_ends_what_is_in_flight_and_gives_the_rest_back(fleet: MakeFleet) -> None:
    many = fleet(100, faults=["--fault", "slow:50ms"])
    run = many.send("--concurrency", "4")["engineRun"]["run"]
    worker = many.work()
    many.until(lambda: many.arrived_count() >= 20)
    worker.send_signal(signal.SIGTERM)
    said, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, said
    arrived = many.arrived_count()
    assert 20 <= arrived < 100
    assert many.check() == Counter({State.ACCEPTED: arrived}) + Counter({State.PLANNED: many.check()[State.PLANNED]})
    assert many.sql("SELECT owner, until, takeovers, state FROM flypast.shards") == [(None, None, 0, "open")]
    assert many.seen(run).accepted == arrived
    many.drain()
    assert many.check() == Counter({State.ACCEPTED: 100})


def test_what_a_killed_worker_had_in_flight_is_in_doubt_and_the_rest_is_sent_by_another(fleet: MakeFleet) -> None:
    many = fleet(160, faults=["--fault", "slow:50ms"])
    following = many.follow("--concurrency", "8")
    first = many.work()
    many.until(lambda: many.arrived_count() >= 40)
    first.kill()
    many.work()
    out, err = following.communicate(timeout=60)
    said = json.loads(out)
    counts = many.check()
    assert following.returncode == said["exitCode"] == 6, err
    assert said["stopped"] is None
    assert counts[State.ACCEPTED] + counts[State.IN_DOUBT] == 160
    assert 1 <= counts[State.IN_DOUBT] <= 8
    assert said["totals"] == {
        "messages": 160,
        "accepted": counts[State.ACCEPTED],
        "rejected": 0,
        "inDoubt": counts[State.IN_DOUBT],
        "skipped": 0,
        "planned": 0,
    }
    assert many.sql("SELECT takeovers FROM flypast.shards") == [(1,)]


@long
def test_a_worker_that_was_frozen_past_its_lease_sends_nothing_more(fleet: MakeFleet) -> None:
    many = fleet(200, faults=["--fault", "slow:20ms"])
    many.send("--concurrency", "4")
    first = many.work(slots=1)
    many.until(lambda: many.arrived_count() >= 20)
    first.send_signal(signal.SIGSTOP)
    many.drain()
    arrived = many.arrived_count()
    first.send_signal(signal.SIGCONT)
    first.send_signal(signal.SIGTERM)
    said, _ = first.communicate(timeout=60)
    assert "may send and record nothing more" in said
    assert many.arrived_count() == arrived
    counts = many.check()
    assert counts[State.ACCEPTED] + counts[State.IN_DOUBT] == 200
    assert counts[State.IN_DOUBT] <= 4


@long
def test_at_least_once_sends_again_what_a_killed_worker_had_in_flight(fleet: MakeFleet) -> None:
    manifest = MANIFEST + "policy: {delivery: at-least-once, acceptDuplicates: true}\n"
    many = fleet(200, faults=["--fault", "slow:50ms"], manifest=manifest)
    many.send("--concurrency", "8")
    first = many.work()
    many.until(lambda: many.arrived_count() >= 30)
    first.kill()
    many.drain()
    times = Counter(many.arrived())
    assert len(times) == 200  # nobody is missing
    assert sum(count > 1 for count in times.values()) <= 8
    assert Counter(many.states().values()) == Counter({State.ACCEPTED: 200})


@long
def test_a_part_that_kills_every_worker_is_held_and_the_run_goes_on(fleet: MakeFleet) -> None:
    many = fleet(1500)
    following = many.follow()
    many.until(lambda: bool(many.sql("SELECT 1 FROM flypast.runs WHERE state = 'running'")))
    many.sql("UPDATE flypast.shards SET takeovers = 5, owner = 'pid 1 on gone', until = now() WHERE shard = 0")
    many.work()
    out, err = following.communicate(timeout=60)
    said = json.loads(out)
    assert (following.returncode, said["exitCode"]) == (11, 11), err
    assert said["stopped"].startswith("one part of 2 could not be sent")
    held = many.sql("SELECT total FROM flypast.shards WHERE shard = 0")[0][0]
    assert said["totals"]["planned"] == held
    assert said["totals"]["accepted"] == 1500 - held
    assert (
        many.flypast("send", "hello.yaml", "--yes", "--rate", "unlimited", "--format", "json").json["run"]["accepted"]
        == held
    )
    assert many.check() == Counter({State.ACCEPTED: 1500})


@long
def test_a_part_that_is_not_what_was_frozen_is_not_sent(fleet: MakeFleet) -> None:
    many = fleet(1500)
    run = many.send()["engineRun"]["run"]
    many.sql("UPDATE flypast.shards SET messages = messages || 'x' WHERE shard = 1")
    many.drain()
    seen = many.seen(run)
    assert (seen.has_ended, seen.done, seen.held) == (True, 1, 1)
    assert many.check()[State.ACCEPTED] == seen.accepted < 1500


def test_a_refusal_at_one_worker_stops_the_run_as_it_stops_a_single_machine(fleet: MakeFleet) -> None:
    many = fleet(1500, faults=["--fault", "401"])
    following = many.follow()
    many.work()
    out, _ = following.communicate(timeout=60)
    said = json.loads(out)
    assert following.returncode == said["exitCode"] == 7
    assert "HTTP 401" in said["stopped"]
    assert said["totals"]["planned"] == 1500
    assert many.sql("SELECT until, is_clean FROM flypast.claims") == [(None, True)]
    assert many.sql("SELECT count(*) FROM flypast.shards WHERE messages IS NOT NULL") == [(0,)]


@long
def test_thresholds_count_the_whole_run(fleet: MakeFleet) -> None:
    manifest = MANIFEST + "policy: {stopAfter: {rejected: 30, inDoubt: 10}}\n"
    many = fleet(3000, faults=["--fault", "422:10%", "--fault", "slow:20ms"], manifest=manifest)
    following = many.follow("--concurrency", "16")
    many.work()
    many.work()
    out, err = following.communicate(timeout=60)
    said = json.loads(out)
    assert following.returncode == 11, err
    assert said["stopped"].startswith("stopAfter.rejected is reached")
    assert 30 <= said["run"]["rejected"] < 150
    assert many.check()[State.REJECTED] == said["run"]["rejected"]


@long
def test_workers_keep_to_one_pace(fleet: MakeFleet) -> None:
    many = fleet(1100)
    following = many.follow("--rate", "200/s")
    many.work()
    many.work()
    assert following.wait(60) == 0
    lines = map(json.loads, many.record.read_text().splitlines())
    arrived_s = sorted(datetime.fromisoformat(line["at"]).timestamp() for line in lines)
    assert len(arrived_s) == 1100
    assert arrived_s[-1] - arrived_s[0] >= 1100 / 200 - 0.5
    fullest = max(sum(at_s <= other_s < at_s + 1 for other_s in arrived_s) for at_s in arrived_s)
    assert fullest <= 200 + 40 + 20  # the rate, a block, and what a busy machine read late
    following.communicate()


# Pause, resume, cancel


def test_a_pause_is_silent_within_a_second_and_resume_completes(fleet: MakeFleet) -> None:
    many = fleet(240, faults=["--fault", "slow:30ms"])
    run = many.send("--concurrency", "8")["engineRun"]["run"]
    many.work()
    many.until(lambda: many.arrived_count() >= 40)
    many.sql("UPDATE flypast.runs SET state = 'paused' WHERE run = %s", [run])  # as the command does, and at once
    time.sleep(1.0)
    arrived = many.arrived_count()
    said = fits("run", many.flypast("pause", run, "--format", "json").json)
    assert (said["state"], said["shards"]["sending"]) == ("paused", 0)
    assert many.arrived_count() == arrived == said["accepted"] < 240
    assert many.flypast("send", "hello.yaml", "--yes", code=8).code == 8
    assert "paused" in many.flypast("status").out
    assert fits("status", many.flypast("status", "--format", "json").json)["runs"][0]["state"] == "paused"
    assert fits("run", many.flypast("resume", run, "--format", "json").json)["state"] == "running"
    many.drain()
    assert many.check() == Counter({State.ACCEPTED: 240})
    ended = many.flypast("resume", run, code=4)
    assert f"the run {run} is done already: it can't be resumed" in ended.err


def test_a_run_that_is_cancelled_ends_and_the_next_send_takes_the_rest(fleet: MakeFleet) -> None:
    many = fleet(240, faults=["--fault", "slow:30ms"])
    following = many.follow("--concurrency", "8")
    many.work()
    many.until(lambda: many.arrived_count() >= 40)
    run = many.sql("SELECT run FROM flypast.runs")[0][0]
    assert fits("run", many.flypast("cancel", run, "--format", "json").json)["state"] == "cancelled"
    out, _ = following.communicate(timeout=60)
    said = json.loads(out)
    assert (following.returncode, said["stopped"]) == (130, "the run was cancelled")
    assert said["run"]["accepted"] == many.arrived_count() < 240
    assert many.sql("SELECT count(*) FROM flypast.shards WHERE messages IS NOT NULL") == [(0,)]
    again = many.flypast("send", "hello.yaml", "--yes", "--rate", "unlimited", "--format", "json")
    assert again.json["run"]["accepted"] == 240 - said["run"]["accepted"]
    assert many.check() == Counter({State.ACCEPTED: 240})
    assert "there is no run nothing in this ledger" in many.flypast("pause", "nothing", code=4).err


@long
def test_a_run_whose_workers_are_all_dead_can_be_cancelled(fleet: MakeFleet) -> None:
    many = fleet(300, faults=["--fault", "slow:50ms"])
    run = many.send("--concurrency", "4")["engineRun"]["run"]
    worker = many.work()
    many.until(lambda: many.arrived_count() >= 20)
    worker.kill()
    many.flypast("cancel", run)
    counts = many.check()
    assert counts[State.SENDING] == 0
    assert 1 <= counts[State.IN_DOUBT] <= 4
    seen = many.seen(run)
    assert (seen.accepted, seen.in_doubt) == (counts[State.ACCEPTED], counts[State.IN_DOUBT])
    assert many.sql("SELECT until FROM flypast.claims") == [(None,)]


def test_who_follows_may_leave_and_the_run_goes_on(fleet: MakeFleet) -> None:
    many = fleet(100, faults=["--fault", "slow:30ms"])
    following = many.follow("--concurrency", "4")
    many.work()
    many.until(lambda: many.arrived_count() >= 20)
    following.send_signal(signal.SIGINT)
    out, err = following.communicate(timeout=60)
    assert following.returncode == json.loads(out)["exitCode"] == 130
    assert "it goes on: flypast status --follow shows it" in err
    assert "Go on with" not in err
    said = many.flypast("status", "--follow", "--format", "json")
    assert said.json["totals"]["accepted"] == 100
    assert "100 of 100: 100 accepted" in said.err
    assert said.json["runs"] == []


# What it needs


def test_what_does_not_go_together_is_told_before_anything_is_planned(fleet: MakeFleet, project: Project) -> None:
    many = fleet(3)
    assert (
        "--engine postgres needs a ledger in PostgreSQL"
        in project.run(*many.sending(), BIRD_API_URL=many.api, BIRD_ACCESS_KEY="k").err
    )
    assert many.flypast("send", "hello.yaml", "--follow", code=2).code == 2
    assert many.flypast("send", "hello.yaml", "--sandbox", "--engine", "postgres", code=2).code == 2
    many.project.write("hello.yaml", MANIFEST + "policy: {waves: [1, 100%]}\n")
    assert "policy.waves halts a run" in many.flypast(*many.sending(), code=4).err
    many.project.write("hello.yaml", MANIFEST)
    many.sql("DROP SCHEMA flypast_engine CASCADE")
    assert "flypast ledger init --engine postgres" in many.flypast(*many.sending(), code=4).err
    assert "flypast ledger init --engine postgres" in many.flypast("worker", "--engine", "postgres", code=4).err
    other = many.flypast("worker", "--engine", "postgres", "--api-url", "https://api.bird.com", code=4)
    assert "bound to" in other.err or "engine's tables are missing" in other.err


def test_without_the_extra_one_line_names_it(url: str) -> None:
    hidden = (
        "import sys; sys.modules['procrastinate'] = None\n"
        "from runner.cli.main import run\n"
        f"sys.argv = ['flypast', 'worker', '--engine', 'postgres', '--ledger', {url!r}]; run()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", hidden],
        env=clean_environment(BIRD_ACCESS_KEY=KEY),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[0] == "error: --engine postgres needs the extra engine"
