"""`flypast.lock`: what was reviewed is what is sent, whoever changed what."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.conftest import CHANNEL, KEY, WORKSPACE, Project, Ran, Server, clean_environment, command

OTHER_ID = "11111111-2222-4333-8444-555555555555"
LOCK = "flypast.lock"
SCHEMA = Path(__file__).parent.parent.parent / "schemas" / "lock.schema.json"
MANIFEST = "campaigns/spring.yaml"
PRODUCTION = ("--parameters", "parameters/production.yaml")
FILES = {
    MANIFEST: """\
apiVersion: flypast/v1
name: spring
edition: "1"
include: [../shared.yaml]
parameters: {shop: Acme, link: null}
recipients:
  people: {file: ../people.csv}
messages:
  greet:
    channel: sms
    to: people
    body:
      type: text
      text:
        text: |-
          Hi {{ name }}, {{ shop }} is open: {{ link }}
          {% include "footer.txt" %}
""",
    "campaigns/footer.txt": "Reply STOP\nto opt out.",
    "shared.yaml": f"""\
apiVersion: flypast/v1
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}}}
policy:
  limits: {{messages: 100}}
""",
    "other.yaml": f"""\
apiVersion: flypast/v1
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {OTHER_ID}}}
""",
    "people.csv": 'phone,name\n+14155550100,Ann\n+14155550101,"Bob\nJunior"\n+14155550102,Cy\n',
    "parameters/production.yaml": "link: https://acme.example/spring\n",
}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A repository whose plan was reviewed; not to be changed."""
    project = Project(tmp_path_factory.mktemp("locked"))
    subprocess.run(["git", "init", "-q", str(project.path)], check=True)
    for name, content in FILES.items():
        project.write(name, content)
    ran = lock(project)
    assert ran.code == 0, ran.err
    return project


@pytest.fixture
def project(locked: Project, tmp_path: Path) -> Project:
    shutil.copytree(locked.path, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One sandbox for all: what is refused leaves no trace in it."""
    record = tmp_path_factory.mktemp("record") / "record.jsonl"
    process = subprocess.Popen(
        command("sandbox", "--port", "0", "--record", record),
        text=True,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    yield Server(process.stdout.readline().strip(), record)
    process.terminate()
    process.communicate(timeout=10)


def lock(project: Project, *more: str | Path) -> Ran:
    return project.run("plan", MANIFEST, *PRODUCTION, "--lock", *more)


def check(project: Project, *more: str | Path, **environment: Any) -> Ran:
    return project.run("plan", MANIFEST, *PRODUCTION, "--check-lock", *more, **environment)


def send(project: Project, server: Server, *more: str | Path, verb: str = "send") -> Ran:
    to = ("--api-url", server.url, "--yes", "--format", "json")
    return project.run(verb, MANIFEST, *PRODUCTION, *to, *more, BIRD_ACCESS_KEY=KEY)


def edit(project: Project, name: str, old: str, new: str) -> None:
    content = (project.path / name).read_text()
    assert old in content, name
    project.write(name, content.replace(old, new))


def in_lock(project: Project) -> list[dict[str, object]]:
    """The plans that it has, after its schema has taken it."""
    data = yaml.safe_load((project.path / LOCK).read_text())
    judge = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text()))
    assert [error.message for error in judge.iter_errors(data)] == []
    return list(data["reviewed"])


def refused(ran: Ran, server: Server, *words: str) -> None:
    """Exit 4 with these words, in the summary too, and nothing at all reached the API."""
    assert ran.code == ran.json["exitCode"] == 4, ran.err
    assert ran.json["run"] == {"accepted": 0, "rejected": 0, "inDoubt": 0}
    assert "Traceback" not in ran.err
    for each in words:
        assert each in ran.err, ran.err
    assert server.record == []


# What is reviewed is what is sent


TAMPERED: dict[str, tuple[Callable[[Project], None], str]] = {
    "body": (lambda it: edit(it, MANIFEST, "is open", "is closed"), f": {MANIFEST} changed"),
    "recipient added": (
        lambda it: edit(it, "people.csv", "+14155550102,Cy", "+14155550102,Cy\n+14155550103,Di"),
        ": people.csv changed",
    ),
    "recipient removed": (lambda it: edit(it, "people.csv", "+14155550102,Cy\n", ""), ": people.csv changed"),
    "reordered": (
        lambda it: edit(it, "people.csv", "0,Ann\n", "2,Cy\n+14155550100,Ann\n"),  # Cy's second row is a duplicate
        ": people.csv changed",
    ),
    "parameters": (
        lambda it: edit(it, "parameters/production.yaml", "acme.example", "evil.example"),
        ": parameters/production.yaml changed",
    ),
    "partial": (lambda it: edit(it, "campaigns/footer.txt", "STOP", "START"), ": campaigns/footer.txt changed"),
    "channel": (lambda it: edit(it, "shared.yaml", CHANNEL, OTHER_ID), ": shared.yaml changed"),
    "workspace": (lambda it: edit(it, "shared.yaml", WORKSPACE, OTHER_ID), ": shared.yaml changed"),
    "policy": (lambda it: edit(it, "shared.yaml", "messages: 100", "messages: 10000"), ": shared.yaml changed"),
    "edited lock": (
        lambda it: edit(it, LOCK, str(in_lock(it)[0]["digest"]), "0" * 64),
        "no input changed, so the lock was edited",
    ),
    "other edition": (lambda it: edit(it, MANIFEST, '"1"', '"2"'), f": {MANIFEST} changed"),
    "other include": (
        lambda it: edit(it, MANIFEST, "shared.yaml", "other.yaml"),
        f": {MANIFEST}, other.yaml, shared.yaml changed",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_after_the_review_is_refused_and_named(project: Project, server: Server, what: str) -> None:
    tamper, words = TAMPERED[what]
    tamper(project)
    refused(send(project, server), server, LOCK, words)
    assert not (project.path / ".git" / "flypast").exists() or (
        project.run("status", MANIFEST, "--api-url", server.url, "--format", "json").json["totals"]["messages"] == 0
    )


def test_the_values_that_are_set_belong_to_what_was_reviewed(project: Project, server: Server) -> None:
    refused(send(project, server, "--set", "shop=Evil"), server, "with other parameters only: --set shop changed")
    assert lock(project, "--set", "shop=Other").code == 0
    assert len(in_lock(project)) == 2
    assert check(project, "--set", "shop=Other").code == 0
    assert "Other" not in (project.path / LOCK).read_text()


def test_what_was_reviewed_goes_out_and_a_limit_or_a_choice_of_messages_is_no_change(
    project: Project, serve: Callable[..., Server]
) -> None:
    server = serve()
    assert send(project, server, "--limit", "1", "--message", "greet", "--rate", "1000/s").json["run"]["accepted"] == 1
    ran = send(project, server)
    assert (ran.code, ran.json["run"]["accepted"]) == (0, 2), ran.err
    assert len(server.taken) == 3


def test_the_sandbox_and_a_retry_hold_to_it_too(project: Project, server: Server) -> None:
    ran = project.run("send", MANIFEST, *PRODUCTION, "--sandbox", "--format", "json")
    assert (ran.code, ran.json["run"]["accepted"]) == (0, 3), ran.err
    edit(project, MANIFEST, "is open", "is closed")
    refused(project.run("send", MANIFEST, *PRODUCTION, "--sandbox", "--format", "json"), server, "changed")
    refused(send(project, server, verb="retry"), server, f": {MANIFEST} changed")


def test_a_dry_run_says_what_a_send_would_say(project: Project) -> None:
    assert "lock       reviewed" in project.run("plan", MANIFEST, *PRODUCTION).out
    edit(project, MANIFEST, "is open", "is closed")
    ran = project.run("send", MANIFEST, "--dry-run", *PRODUCTION)
    assert ran.code == 0
    assert f"lock       stale: {MANIFEST} changed\n             send would be refused\n" in ran.out
    said = project.run("plan", MANIFEST, *PRODUCTION, "--format", "json").json
    assert said["lock"] == {"state": "stale", "moved": [MANIFEST]}


# requireLock


def test_what_nobody_reviewed_is_sent_unless_the_policy_requires_it(project: Project, server: Server) -> None:
    edit(project, "shared.yaml", "policy:\n", "policy:\n  requireLock: true\n")
    (project.path / LOCK).unlink()
    words = f"there is no {LOCK} at the project root: nobody says that this plan was reviewed"
    refused(send(project, server), server, words)
    trial = ("--test-to", "+14155550199")
    refused(send(project, server, *trial), server, words)
    ran = project.run("plan", MANIFEST, *PRODUCTION)
    assert ran.code == 0
    assert "lock       absent" in ran.out
    project.write(LOCK, "formatVersion: 1\nreviewed: []\n")
    refused(send(project, server), server, f"{LOCK} does not have {MANIFEST}")
    assert not (project.path / ".git" / "flypast").exists(), "no ledger is made for what is refused anyway"
    lock(project)
    edit(project, MANIFEST, "is open", "is closed")
    refused(send(project, server, *trial), server, f"{MANIFEST} changed")


def test_without_a_lock_nothing_is_required_and_a_trial_is_a_look_at_a_draft(
    project: Project, serve: Callable[..., Server]
) -> None:
    server = serve()
    edit(project, MANIFEST, "is open", "is closed")
    assert send(project, server, "--test-to", "+14155550199").code == 0
    (project.path / LOCK).unlink()
    ran = send(project, server)
    assert (ran.code, ran.json["run"]["accepted"]) == (0, 3), ran.err
    assert "lock " not in ran.err


# The check


def test_a_check_is_exit_4_where_the_lock_is_stale_or_lacks_the_plan(project: Project) -> None:
    assert check(project).code == 0
    edit(project, MANIFEST, "name: spring", "name: summer")
    ran = check(project)
    assert ran.code == 4
    assert f"this is not the plan that {LOCK} says was reviewed: {MANIFEST} changed" in ran.err
    assert "found" in ran.err
    (project.path / LOCK).unlink()
    assert check(project).code == 4


def test_only_the_digest_decides(project: Project) -> None:
    edit(project, MANIFEST, "apiVersion", "# a comment\napiVersion")
    edit(project, LOCK, str(in_lock(project)[0]["inputs"]["people.csv"]), "0" * 64)  # type: ignore[index]
    assert check(project).code == 0


def test_a_check_and_a_lock_at_once_make_no_sense(project: Project) -> None:
    before = (project.path / LOCK).read_bytes()
    assert lock(project, "--check-lock").code == 2
    assert (project.path / LOCK).read_bytes() == before


# The file


def test_locking_twice_gives_the_same_bytes_in_one_line_for_each_input(project: Project) -> None:
    before = (project.path / LOCK).read_bytes()
    assert lock(project).code == 0
    assert (project.path / LOCK).read_bytes() == before
    (project.path / LOCK).unlink()
    assert lock(project).code == 0
    assert (project.path / LOCK).read_bytes() == before
    (plan,) = in_lock(project)
    assert plan["manifest"] == MANIFEST
    assert plan["parameters"] == ["parameters/production.yaml"]
    assert list(plan["inputs"]) == sorted(FILES.keys() - {"other.yaml"})  # type: ignore[call-overload]
    assert len(before.splitlines()) == 8 + len(plan["inputs"])  # type: ignore[arg-type]


def test_other_plans_stay_and_those_of_files_that_are_gone_leave(project: Project) -> None:
    autumn, text = "campaigns/autumn.yaml", (project.path / LOCK).read_text()
    entry = text[text.index("  - manifest") :]
    project.write(LOCK, text + entry.replace(MANIFEST, autumn) + entry.replace(MANIFEST, "campaigns/winter.yaml"))
    shutil.copy(project.path / MANIFEST, project.path / autumn)
    ran = lock(project)
    assert "campaigns/winter.yaml is there no more" in ran.err
    assert [plan["manifest"] for plan in in_lock(project)] == [autumn, MANIFEST]


def test_the_lock_holds_no_value_no_path_of_a_machine_and_nobody(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("list.csv", "secret.yaml"):
        elsewhere.joinpath(name).write_text("phone,name\n+14155550105,Eve\n" if name.endswith("csv") else "shop: Dot\n")
    more = ("--recipients", f"people={elsewhere / 'list.csv'}", "--parameters", elsewhere / "secret.yaml")
    assert lock(project, *more, "--set", "link=https://hidden.example").code == 0
    text = (project.path / LOCK).read_text()
    for secret in (str(tmp_path), "hidden", "Eve", "4155550", "list.csv"):
        assert secret not in text
    (plan,) = (plan for plan in in_lock(project) if "--set link" in plan["inputs"])  # type: ignore[operator]
    assert plan["parameters"] == ["parameters/production.yaml", "--parameters secret.yaml"]
    assert {"--recipients people", "--parameters secret.yaml", MANIFEST} <= plan["inputs"].keys()  # type: ignore[attr-defined]
    elsewhere.joinpath("list.csv").rename(elsewhere / "moved.csv")
    again = ("--recipients", f"people={elsewhere / 'moved.csv'}", "--parameters", elsewhere / "secret.yaml")
    assert check(project, *again, "--set", "link=https://hidden.example").code == 0


def test_a_plan_with_findings_or_one_that_is_refused_is_not_locked(project: Project) -> None:
    before = (project.path / LOCK).read_bytes()
    assert lock(project, "--expect", "0" * 64).code == 4
    assert lock(project, "--max-messages", "1").code == 4
    edit(project, "people.csv", "+14155550102", "12")
    assert lock(project).code == 1
    assert (project.path / LOCK).read_bytes() == before
    assert [path.name for path in project.path.iterdir() if "lock" in path.name] == [LOCK]


def test_a_lock_that_is_broken_is_refused_in_plain_words_and_left_as_it_is(project: Project, server: Server) -> None:
    content = "<<<<<<< HEAD\nformatVersion: 1\n=======\n>>>>>>> other\n"
    project.write(LOCK, content)
    refused(send(project, server), server, f"{LOCK}:1 has the marks of a merge that was not finished")
    assert lock(project).code == 4
    assert project.run("plan", MANIFEST, *PRODUCTION, "--format", "json").json["lock"]["state"] == "unreadable"
    assert (project.path / LOCK).read_text() == content


def test_a_careless_merge_with_two_digests_for_one_plan_is_refused_and_put_right_by_locking(
    project: Project, server: Server
) -> None:
    text = (project.path / LOCK).read_text()
    entry = text[text.index("  - manifest") :]
    project.write(LOCK, text + entry.replace(str(in_lock(project)[0]["digest"]), "0" * 64))
    refused(send(project, server), server, "the lock was edited")
    assert lock(project).code == 0
    assert (project.path / LOCK).read_text() == text


# The same digest everywhere


def test_the_digest_is_the_same_in_any_locale_zone_folder_and_hash_seed(project: Project) -> None:
    for environment in (
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati"},
        {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "77", "TZ": "America/New_York"},
    ):
        assert check(project, **environment).code == 0
    inside = Project(project.path / "campaigns")
    ran = inside.run("plan", "spring.yaml", "--parameters", "../parameters/production.yaml", "--check-lock")
    assert ran.code == 0, ran.err


def test_the_digest_is_the_same_where_git_writes_line_ends_as_windows_does(project: Project) -> None:
    for name in (*FILES, LOCK):
        project.write(name, (project.path / name).read_bytes().replace(b"\n", b"\r\n"))
    ran = check(project)
    assert ran.code == 0, ran.err
