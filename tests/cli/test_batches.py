"""`policy.batch` as a process against the sandbox: what plan and summary tell, and what the ledger and Bird have."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runner.output.markdown import inert
from tests.conftest import KEY, Project, Serve
from tests.test_output_schemas import fits

from .sending import counts, posts, send, states, status, summary, with_policy

WIDE = "stopAfter: {rejected: 1000, inDoubt: 1000}"


def batched(project: Project, batch: int = 10, more: str = WIDE, concurrency: int = 20) -> None:
    with_policy(project, f"policy: {{batch: {batch}, concurrency: {concurrency}, {more}}}\n")


def arrivals(record: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in record.read_text().splitlines()]


def test_the_plan_says_that_batches_are_used_and_what_one_lost_reply_costs(project: Project) -> None:
    project.people(3)
    batched(project, 20)
    words = "up to 20 messages in a POST: one lost reply puts them all in doubt"
    told = project.run("plan", "hello.yaml")
    assert f"  batch      {words}" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    page = project.run("plan", "hello.yaml", "--format", "markdown")
    assert f"- batch: {inert(words)}" in page.out
    shown = project.run("plan", "hello.yaml", "--format", "json").json
    fits("plan", shown)
    assert shown["batch"] == 20


def test_without_a_batch_the_plan_says_nothing_of_one(project: Project) -> None:
    project.people(3)
    assert "batch" not in project.run("plan", "hello.yaml").out
    assert project.run("plan", "hello.yaml", "--format", "json").json["batch"] == 1


def test_a_send_in_batches_makes_few_requests_and_a_second_one_none(project: Project, serve: Serve) -> None:
    server = serve()
    project.people(45)
    batched(project)
    said = summary(send(project, server.url))
    assert (said["exitCode"], counts(said), posts(server)) == (0, (45, 0, 0, 0), 5)
    held = project.run("ledger", "export", "--ledger", "sqlite:///.flypast/sandbox.db").lines
    ids = {line["messageId"] for line in arrivals(server.record_path)}
    assert {line["id"] for line in held} == ids
    again = summary(send(project, server.url))
    assert (counts(again), posts(server)) == ((45, 0, 0, 0), 5)


def test_what_went_in_batches_is_the_same_message_as_what_goes_alone(project: Project, serve: Serve) -> None:
    """Identity, requests and hashes: who got it in a batch gets it never again."""
    server = serve()
    project.people(20)
    batched(project)
    assert send(project, server.url).code == 0
    with_policy(project)
    assert counts(summary(send(project, server.url))) == (20, 0, 0, 0)
    assert posts(server) == 2
    sent = {line["reference"]: line["request"] for line in arrivals(server.record_path)}
    rendered = [line["request"] for line in project.run("render", "hello.yaml", "--show-pii").lines]
    assert sent == {request["reference"]: request for request in rendered}


def test_a_message_that_bird_rejects_after_the_batch_was_taken_is_told_and_retried(
    project: Project, serve: Serve
) -> None:
    server = serve("--fault", "202-busy:first:1")
    project.people(10)
    batched(project)
    first = send(project, server.url)
    assert (first.code, counts(summary(first))) == (5, (0, 10, 0, 0))
    assert {line["code"] for line in status(project, server.url)} == {"12001"}
    again = project.run(
        "retry", "hello.yaml", "--yes", "--api-url", server.url, "--format", "json", BIRD_ACCESS_KEY=KEY
    )
    assert (again.code, counts(summary(again)), posts(server)) == (0, (10, 0, 0, 0), 11), "each by itself"


def test_a_lost_batch_is_in_doubt_and_reconcile_finds_it(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500-after:first:1")
    project.people(30)
    batched(project)
    said = summary(send(project, server.url))
    assert (said["exitCode"], counts(said)) == (6, (20, 0, 10, 0))
    found = project.run("reconcile", "hello.yaml", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert found.code == 0, found.err
    assert Counter(states(project, server.url)) == {"accepted": 30}
    assert counts(summary(send(project, server.url))) == (30, 0, 0, 0)
    assert posts(server) == 3


def test_one_lost_batch_ends_a_run_by_the_default_threshold(project: Project, serve: Serve) -> None:
    server = serve("--fault", "reset-after:first:1")
    project.people(60)
    batched(project, more="delivery: at-most-once", concurrency=10)
    said = summary(send(project, server.url))
    assert (said["exitCode"], counts(said), posts(server)) == (11, (0, 0, 10, 50), 1)
    assert "stopAfter.inDoubt" in said["stopped"]


def test_a_batch_that_is_refused_as_a_whole_goes_one_by_one(project: Project, serve: Serve) -> None:
    server = serve("--fault", "413:first:1")
    project.people(10)
    batched(project)
    assert counts(summary(send(project, server.url))) == (10, 0, 0, 0)
    assert posts(server) == 11


def test_bird_that_refuses_the_batch_endpoint_stops_the_run_and_says_which(project: Project, serve: Serve) -> None:
    server = serve("--fault", "403")
    project.people(30)
    batched(project)
    said = summary(send(project, server.url))
    assert (said["exitCode"], counts(said)) == (7, (0, 0, 0, 30))
    assert "batch/messages" in said["stopped"]


@pytest.mark.parametrize("command", ["plan", "send"])
def test_an_option_that_leaves_less_in_flight_than_a_batch_holds_is_a_usage_error(
    project: Project, command: str
) -> None:
    project.people(1)
    batched(project)
    ran = project.run(command, "hello.yaml", "--concurrency", "9", BIRD_ACCESS_KEY=KEY)
    assert ran.code == 2
    assert "--concurrency 9 is less than policy.batch, which is 10" in ran.err


def test_a_batch_above_the_manifests_own_concurrency_is_a_finding_until_an_option_raises_it(project: Project) -> None:
    project.people(1)
    batched(project, 100, concurrency=64)
    for more in ((), ("--concurrency", "64"), ("--concurrency", "32")):
        ran = project.run("plan", "hello.yaml", *more)
        assert ran.code == 1, ran.err
        assert "POL808" in ran.out
    assert project.run("plan", "hello.yaml", "--concurrency", "100").code == 0


def test_a_batch_needs_no_more_than_a_default_concurrency(project: Project) -> None:
    project.people(1)
    with_policy(project, "policy: {batch: 64}\n")
    assert project.run("validate", "hello.yaml").code == 0
    with_policy(project, "policy: {batch: 65}\n")
    assert project.run("validate", "hello.yaml").code == 1


def test_sandbox_demo_of_batches_needs_no_server(project: Project) -> None:
    project.people(25)
    batched(project)
    ran = project.run("send", "hello.yaml", "--sandbox", "--format", "json")
    assert (ran.code, counts(ran.json)) == (0, (25, 0, 0, 0))
