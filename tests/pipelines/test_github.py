"""What `flypast init` writes for GitHub, run as GitHub would: a fork's pull request, its merge, the send, a cancel."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.cli.sending import until
from tests.conftest import KEY, Serve
from tests.postgres.server import Server as Database

from . import managed
from . import repository as repositories
from .github import SHELLS, Runner, workflow
from .machine import ROOT, Machine
from .repository import MANIFEST, PARAMETERS, Repository

pytestmark = pytest.mark.xdist_group("pipelines")
REVIEW, SEND = ".github/workflows/flypast-review.yml", ".github/workflows/flypast-send.yml"
SHIPPED = ROOT / "examples" / "ci" / "github"  # what init writes, byte for byte


@pytest.fixture
def repository(machine: Machine, tmp_path: Path) -> Repository:
    return repositories.made(machine, tmp_path, "--ci", "github")


def runner(repository: Repository, tmp_path: Path, **more: str) -> Runner:
    return Runner(machine=repository.machine, folder=tmp_path / "runner", origin=repository.origin, more=more)


def written(repository: Repository, name: str) -> Any:
    return workflow(repository.author.path / name)


def steps(data: Any) -> list[Any]:
    (job,) = data["jobs"].values()
    found: list[Any] = job["steps"]
    return found


Secrets = Callable[[str], dict[str, str]]


@pytest.fixture
def secrets(repository: Repository, database: Database) -> Iterator[Secrets]:
    """Of the environment, for an API: a key, and a ledger for it."""
    made: list[str] = []

    def give(api: str) -> dict[str, str]:
        made.append(managed.made(database, repository.author, api))
        return {"BIRD_ACCESS_KEY": KEY, "FLYPAST_LEDGER": made[-1]}

    yield give
    for each in made:
        managed.dropped(database, each)


def test_a_pull_request_is_reviewed_without_a_secret_merged_and_sent_once(
    repository: Repository, tmp_path: Path, serve: Serve, secrets: Secrets
) -> None:
    server = serve()
    machine = runner(repository, tmp_path, BIRD_API_URL=server.url)
    given = secrets(server.url)
    repository.edit("this is {{ shop }}", "{{ shop }} is open")

    reviewed = machine.run(written(repository, REVIEW), ref=repository.propose("unlocked"), base="main")
    assert [ended.code for ended in reviewed] == [0, 0, 0, 4]
    assert "flypast.lock says was reviewed: campaigns/hello.yaml changed" in reviewed[-1].out
    assert f"lock it with: flypast plan {MANIFEST} --lock, with the same parameters" in reviewed[-1].out

    repository.git("switch", "-q", "unlocked")
    repository.lock()
    reviewed = machine.run(written(repository, REVIEW), ref=repository.propose("locked"), base="main")
    assert [ended.code for ended in reviewed] == [0, 0, 0, 0], reviewed[-1].out
    assert set(machine.kept) == {"findings.sarif", "findings.xml", "diff.md", "plan-hello.yaml.md"}
    assert "messages to send" in machine.kept["plan-hello.yaml.md"]
    assert "is open" in machine.kept["diff.md"]
    assert json.loads(machine.kept["findings.sarif"])["runs"][0]["results"] == []
    assert machine.kept["diff.md"].strip() in machine.summary
    assert machine.kept["plan-hello.yaml.md"].strip() in machine.summary
    assert server.record == []

    sent = machine.run(written(repository, SEND), ref=repository.merge("locked"), secrets=given)
    assert [ended.code for ended in sent] == [0, 0], sent[-1].out
    assert "This run: 3 accepted" in sent[-1].out
    again = machine.run(written(repository, SEND), ref="refs/heads/main", secrets=given)
    assert "nothing to send" in again[-1].out
    assert len(server.taken) == len(set(server.taken)) == 3
    said = "".join(ended.out for ended in (*sent, *again))
    assert [each for each in (KEY, managed.PASSWORD, *given.values()) if each in said] == []


def test_a_misspelt_key_ends_the_review_and_its_report_is_kept(repository: Repository, tmp_path: Path) -> None:
    repository.edit("recipients:", "recipents:")
    machine = runner(repository, tmp_path)
    reviewed = machine.run(written(repository, REVIEW), ref=repository.propose("wrong"), base="main")
    assert [ended.code for ended in reviewed] == [0, 1]
    assert "::error file=campaigns/hello.yaml,line=" in reviewed[-1].out
    assert "recipents" in machine.kept["findings.sarif"]


def test_without_its_secrets_or_with_a_ledger_that_is_away_nothing_is_sent(
    repository: Repository, tmp_path: Path, serve: Serve, secrets: Secrets
) -> None:
    server = serve()
    machine, whole = runner(repository, tmp_path, BIRD_API_URL=server.url), secrets(server.url)
    wrong = whole["FLYPAST_LEDGER"].replace(":h", ":H")
    for name, value, words in (
        ("FLYPAST_LEDGER", "", "add this secret"),
        ("BIRD_ACCESS_KEY", "", "there is no access key"),
        ("FLYPAST_LEDGER", "postgresql://ann:hunter2@127.0.0.1:1/ledger", "can't be reached: nothing listens there"),
        ("FLYPAST_LEDGER", wrong, "can't be reached: the server refuses this user"),
        ("FLYPAST_LEDGER", f"sqlite:///{tmp_path / 'ledger.db'}", "say so with --ledger-persisted"),
    ):
        given = whole | {name: value}
        sent = machine.run(written(repository, SEND), ref="refs/heads/main", secrets=given)
        assert sent[-1].code != 0
        assert words in sent[-1].out
        assert "hunter2" not in sent[-1].out
    assert server.record == []


def test_every_manifest_is_planned_and_the_first_bad_one_hides_no_other(repository: Repository, tmp_path: Path) -> None:
    for name in ("a bad one.yaml", "$(touch owned).yml"):
        text = (repository.author.path / MANIFEST).read_text()
        repository.author.write(f"campaigns/{name}", text.replace("hello-sms", f"sms-{len(name)}"))
    machine = runner(repository, tmp_path)
    reviewed = machine.run(written(repository, REVIEW), ref=repository.propose("more"), base="main")
    assert [ended.code for ended in reviewed] == [0, 0, 0, 4]
    for name in ("hello-sms", "sms-14", "sms-18"):
        assert f"{name}, edition 1: 3 messages to send" in reviewed[-1].out
    assert list(machine.workspace.rglob("owned")) == []


def test_a_job_that_is_cancelled_leaves_nothing_in_doubt(
    repository: Repository, tmp_path: Path, serve: Serve, secrets: Secrets
) -> None:
    """GitHub signals the step's shell and nothing else, and kills what is left once that has ended."""
    server = serve("--fault", "slow:300ms")
    people = "".join(f"+1{area}55501{index:02d},Ann\n" for area in (415, 212) for index in range(40))
    repository.author.write("campaigns/recipients/people.csv", f"phone,first_name\n{people}")
    (step,) = [step for step in steps(written(repository, SEND)) if step.get("name") == "Send"]
    script = tmp_path / "send.sh"
    script.write_text(step["run"])
    repository.lock()
    given = {**repository.machine.environment, **secrets(server.url), "CI": "true", "BIRD_API_URL": server.url}
    del given["PYTHONPATH"]  # the command of this checkout
    process = subprocess.Popen(
        ["bash", *SHELLS[step.get("shell")], script],
        cwd=repository.author.path,
        env=given,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    until(lambda: len(server.record) >= 3, process)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    url = ("--ledger", given["FLYPAST_LEDGER"], "--format", "json")
    totals = repository.author.run("status", MANIFEST, *url).json["totals"]
    assert totals["inDoubt"] == 0
    assert 3 <= totals["accepted"] == len(set(server.taken)) < 80


def test_a_disk_that_stays_does_as_well_with_the_word_that_the_file_names(
    repository: Repository, tmp_path: Path, serve: Serve
) -> None:
    server = serve()
    machine = runner(repository, tmp_path, BIRD_API_URL=server.url)
    text = (repository.author.path / SEND).read_text()
    assert "say --ledger-persisted in place of --lock-timeout 2m" in text
    repository.author.write(SEND, text.replace("--yes --lock-timeout 2m", "--yes --ledger-persisted"))
    given = {"BIRD_ACCESS_KEY": KEY, "FLYPAST_LEDGER": f"sqlite:///{tmp_path / 'ledger.db'}"}
    for words in ("This run: 3 accepted", "nothing to send"):
        sent = machine.run(written(repository, SEND), ref="refs/heads/main", secrets=given)
        assert words in sent[-1].out
    assert len(server.taken) == len(set(server.taken)) == 3


def test_each_action_says_its_version_beside_its_commit() -> None:
    for path in SHIPPED.iterdir():
        lines = [line for line in path.read_text().splitlines() if "uses:" in line]
        assert lines
        assert [line for line in lines if not re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


def test_the_review_can_do_nothing_but_read() -> None:
    text = (SHIPPED / "flypast-review.yml").read_text()
    review, send = workflow(SHIPPED / "flypast-review.yml"), workflow(SHIPPED / "flypast-send.yml")
    assert list(review["on"]) == ["pull_request"]
    assert "secrets." not in text
    assert "self-hosted" not in text
    for data in (review, send):
        assert data["permissions"] == {"contents": "read"}
        assert all("permissions" not in job for job in data["jobs"].values())
    assert steps(review)[0]["with"]["fetch-depth"] == 0


def test_only_a_merge_to_main_sends_one_at_a_time_after_a_yes() -> None:
    data = workflow(SHIPPED / "flypast-send.yml")
    (job,) = data["jobs"].values()
    assert data["on"] == {"push": {"branches": ["main"], "paths": data["on"]["push"]["paths"]}}
    assert data["concurrency"] == {"group": "flypast-send", "cancel-in-progress": False}
    assert job["environment"] == "production"
    assert job["timeout-minutes"] > 60
    assert PARAMETERS.split("/")[0] + "/**" in data["on"]["push"]["paths"]
