"""What `flypast init --ci gitlab` writes, run as GitLab would: a merge request, its merge, the send."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import KEY, Serve
from tests.postgres.server import Server as Database

from . import managed
from . import repository as repositories
from .gitlab import Runner, jobs_of
from .machine import ROOT, Machine
from .repository import MANIFEST, Repository

pytestmark = pytest.mark.xdist_group("pipelines")
SHIPPED = yaml.safe_load((ROOT / "examples" / "ci" / "gitlab" / "gitlab-ci.yml").read_text())  # what init writes
REQUEST = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_DEFAULT_BRANCH": "main"}
MERGED = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"}


@pytest.fixture
def repository(machine: Machine, tmp_path: Path) -> Repository:
    return repositories.made(machine, tmp_path, "--ci", "gitlab")


def written(repository: Repository) -> Any:
    return yaml.safe_load((repository.author.path / ".gitlab-ci.yml").read_text())


def test_a_merge_request_is_reviewed_without_a_secret_merged_and_sent_once(
    repository: Repository, serve: Serve, database: Database
) -> None:
    server, data = serve(), written(repository)
    runner = Runner(machine=repository.machine, origin=repository.origin)
    repository.edit("this is {{ shop }}", "{{ shop }} is open")
    repository.lock()
    commit = repository.propose("better")
    request = {**REQUEST, "CI_MERGE_REQUEST_DIFF_BASE_SHA": repository.git("rev-parse", "main").strip()}

    reviewed = runner.run(data, "review", commit, request)
    assert reviewed.code == 0, reviewed.out
    assert "hello-sms, edition 1: 3 messages to send" in reviewed.out
    kept = runner.kept(data, "review")
    assert json.loads(kept[data["review"]["artifacts"]["reports"]["codequality"]]) == []
    assert kept[data["review"]["artifacts"]["reports"]["junit"]].startswith("<?xml")
    assert "is open" in kept["reports/diff.md"]
    assert "messages to send" in kept["reports/plan-hello.yaml.md"]

    leaked = runner.run(data, "review", commit, {**request, "BIRD_ACCESS_KEY": KEY})
    assert leaked.code == 1
    assert "protect the variable" in leaked.out
    assert KEY not in leaked.out

    repository.merge("better")
    ledger = {"FLYPAST_LEDGER": managed.made(database, repository.author, server.url)}
    production = {**MERGED, "BIRD_ACCESS_KEY": KEY, "BIRD_API_URL": server.url}
    without = runner.run(data, "send", "origin/main", production)
    assert without.code != 0
    assert "add this variable" in without.out
    assert server.record == []
    for words in ("This run: 3 accepted", "nothing to send"):
        sent = runner.run(data, "send", "origin/main", {**production, **ledger})
        assert (sent.code, words in sent.out) == (0, True), sent.out
    assert len(server.taken) == len(set(server.taken)) == 3
    assert [each for each in (KEY, managed.PASSWORD, ledger["FLYPAST_LEDGER"]) if each in sent.out] == []
    managed.dropped(database, ledger["FLYPAST_LEDGER"])


def test_a_plan_that_nobody_locked_fails_the_request(repository: Repository) -> None:
    runner = Runner(machine=repository.machine, origin=repository.origin)
    repository.edit("this is {{ shop }}", "{{ shop }} is open")
    reviewed = runner.run(written(repository), "review", repository.propose("unlocked"), REQUEST)
    assert reviewed.code == 4
    assert f"lock it with: flypast plan {MANIFEST} --lock, with the same parameters" in reviewed.out


def test_a_request_has_the_review_alone_and_a_merge_the_send() -> None:
    data = SHIPPED
    assert jobs_of(data, REQUEST) == ["review"]
    assert jobs_of(data, MERGED) == ["send"]
    assert jobs_of(data, {**MERGED, "CI_COMMIT_BRANCH": "draft"}) == []
    assert jobs_of(data, {**MERGED, "CI_PIPELINE_SOURCE": "schedule"}) == []


def test_one_send_at_a_time_starts_by_hand_and_is_never_cut_off() -> None:
    job = SHIPPED["send"]
    (rule,) = job["rules"]
    assert (rule["when"], rule["allow_failure"]) == ("manual", False)
    assert job["environment"] == {"name": "production"}
    assert (job["resource_group"], job["interruptible"]) == ("flypast-send", False)


def test_both_hosts_send_by_the_same_lines() -> None:
    """What is proven of a cancelled job at GitHub holds here too."""
    github = (ROOT / "examples" / "ci" / "github" / "flypast-send.yml").read_text()
    loop = SHIPPED["send"]["script"][-1]
    assert loop.startswith("trap ")
    assert loop in "\n".join(line.removeprefix(" " * 10) for line in github.splitlines()) + "\n"
