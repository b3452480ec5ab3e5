"""The commands beside validate, plan and send: each tried as a process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner import __version__
from runner.cli.main import COMMANDS
from runner.judge import schema_names, schema_text
from tests.conftest import CHANNEL, WORKSPACE, Project, Serve, clean_environment

SEND = ("send", "hello.yaml", "--yes", "--rate", "unlimited")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_ends_with_an_example(project: Project, name: str) -> None:
    arguments = ("ledger", "init") if name == "ledger" else (name,)
    ran = project.run(*arguments, "-h")
    assert ran.code == 0
    assert "\n  Example:\n    flypast " in ran.out.replace('eval "$(flypast', "flypast")
    assert "--color" in ran.out


def test_the_version_is_the_package_s_own(project: Project) -> None:
    assert project.run("--version").out == f"flypast {__version__}\n"


def test_a_misspelt_command_is_a_usage_error_with_the_nearest_name(project: Project) -> None:
    ran = project.run("validte")
    assert ran.code == 2
    assert 'did you mean "validate"?' in ran.err


@pytest.mark.parametrize("arguments", [("-q", "validate"), ("validate", "-q")])
def test_quiet_stands_before_or_after_the_command(project: Project, arguments: tuple[str, ...]) -> None:
    ran = project.run(*arguments)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_colours_come_when_asked_for_and_not_otherwise(project: Project) -> None:
    project.write("hello.yaml", "apiVersion: flypast/v1\nnam: hello\nmessages: {}\n")
    assert "\x1b[" not in project.run("validate").out
    assert "\x1b[" in project.run("validate", "--color", "always").out
    assert "\x1b[" in project.run("validate", FORCE_COLOR="1").out
    assert "\x1b[" not in project.run("validate", FORCE_COLOR="1", NO_COLOR="1").out


def test_schemas_are_listed_and_printed(project: Project) -> None:
    assert project.run("schema").out.split() == schema_names()
    for name in schema_names():
        assert json.loads(project.run("schema", name).out)["$schema"].endswith("2020-12/schema")
    wrong = project.run("schema", "manifst", "--export", "schemas")
    assert wrong.code == 2
    assert 'did you mean "manifest"?' in wrong.err
    assert not (project.path / "schemas").exists()


def test_schemas_are_exported_by_name_and_all_together(project: Project) -> None:
    one = project.run("schema", "manifest", "--export", "a/schemas")
    assert (one.code, one.out) == (0, "a/schemas/manifest.schema.json\n")
    path = project.path / "a" / "schemas" / "manifest.schema.json"
    path.write_text("an older one")
    every = project.run("schema", "--export", "a/schemas")
    assert every.out.splitlines() == [f"a/schemas/{name}.schema.json" for name in schema_names()]
    assert path.read_text() == schema_text("manifest")
    assert project.run("schema", FLYPAST_SCHEMA_EXPORT="b").out.startswith("b/")
    assert project.run("schema", "--export", "hello.yaml/x").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(project: Project, shell: str) -> None:
    assert "_FLYPAST_COMPLETE" in project.run("completion", shell).out


def test_the_doctor_says_what_the_machine_has(project: Project) -> None:
    ran = project.run("doctor", "--format", "json")
    found = {check["name"]: check for check in ran.json["checks"]}
    assert ran.code == 0
    assert found["flypast"]["found"] == f"{__version__} from {Path(__file__).parents[2] / 'runner'}"
    assert found["YAML"]["status"] == "pass"
    assert found["access key"]["status"] == "warn"
    assert "none yet" in found["ledger"]["found"]


def test_the_doctor_fails_over_a_broken_ledger(project: Project) -> None:
    broken = project.write("broken.db", b"not a database, and long enough to look like one" * 40)
    ran = project.run("doctor", "--ledger", f"sqlite:///{broken}")
    assert ran.code == 1
    assert "fail  ledger" in ran.out


def test_ledger_init_makes_names_and_refuses(project: Project) -> None:
    url = f"sqlite:///{project.path}/l.db"
    made = project.run("ledger", "init", "acme-prod", "--ledger", url)
    assert made.code == 0
    assert "https://api.bird.com" in made.out
    assert project.run("ledger", "init", "acme-prod", "--ledger", url).code == 0
    other = project.run("ledger", "init", "other", "--ledger", url)
    assert other.code == 4
    assert "acme-prod" in other.err
    assert project.run("ledger", "init", "Not A Name", "--ledger", url).code == 2


def test_a_ledger_that_has_no_name_gets_one_and_keeps_what_it_knows(project: Project, serve: Serve) -> None:
    server = serve()
    url = f"sqlite:///{project.path}/l.db"
    where = ("--ledger", url, "--api-url", server.url)
    assert project.run(*SEND, *where, BIRD_ACCESS_KEY="k").code == 0
    assert project.run("ledger", "init", "acme", *where).code == 0
    again = project.run(*SEND, *where, "--format", "json", BIRD_ACCESS_KEY="k")
    assert again.json["totals"]["accepted"] == 3
    assert len(server.taken) == 3


def test_status_counts_and_lists_and_masks(project: Project, serve: Serve) -> None:
    server = serve()
    assert project.run(*SEND, "--api-url", server.url, BIRD_ACCESS_KEY="k").code == 0
    where = ("--api-url", server.url)
    totals = project.run("status", "hello.yaml", *where, "--format", "json").json["totals"]
    assert {name: count for name, count in totals.pop("delivery").items() if count} == {"notLookedUp": 3}
    assert totals.pop("lookedAt") is None
    assert totals == {"messages": 3, "accepted": 3, "rejected": 0, "inDoubt": 0, "planned": 0, "dropped": 0}
    lines = project.run("status", *where, "--format", "jsonl").lines
    assert [line["recipient"] for line in lines] == ["+1…00", "+1…01", "+1…02"]
    assert {line["state"] for line in lines} == {"accepted"}
    shown = project.run("status", *where, "--format", "jsonl", "--show-pii").lines
    assert shown[0]["recipient"] == "+12015550100"
    assert "accepted" in project.run("status", *where).out


def test_status_without_a_ledger_does_not_pretend_to_know(project: Project) -> None:
    ran = project.run("status", "hello.yaml")
    assert ran.code == 4
    assert "there is no ledger at" in ran.err
    assert not (project.path / ".flypast").exists()


def test_init_touches_nothing_that_exists(project: Project) -> None:
    project.write("starter/campaigns/hello.yaml", "mine")
    ran = project.run("init", "starter")
    assert ran.code == 4
    assert "campaigns/hello.yaml" in ran.err
    assert [path.name for path in (project.path / "starter").rglob("*") if path.is_file()] == ["hello.yaml"]


def test_the_sandbox_knows_only_the_channels_it_was_told(project: Project, serve: Serve) -> None:
    other = serve("--channel", f"{WORKSPACE}/{CHANNEL[:-1]}0")
    ran = project.run(*SEND, "--api-url", other.url, "--format", "json", BIRD_ACCESS_KEY="k")
    assert ran.code == 7
    assert ran.json["totals"]["planned"] == 3
    known = serve("--channel", f"{WORKSPACE}/{CHANNEL}")
    ledger = ("--ledger", f"sqlite:///{project.path}/known.db")
    assert project.run(*SEND, "--api-url", known.url, *ledger, BIRD_ACCESS_KEY="k").code == 0


def test_the_sandbox_draws_the_same_faults_from_the_same_seed(project: Project, serve: Serve) -> None:
    project.people(60)
    seen: list[list[int]] = []
    for _ in range(2):
        server = serve("--fault", "422:30%", "--seed", "7")
        ledger = ("--ledger", f"sqlite:///{project.path}/{len(seen)}.db")
        project.write(
            "hello.yaml",
            (project.path / "hello.yaml").read_text().split("policy:")[0] + "policy: {stopAfter: {rejected: 100%}}\n",
        )
        ran = project.run(*SEND, "--concurrency", "1", "--api-url", server.url, *ledger, BIRD_ACCESS_KEY="k")
        assert ran.code == 5
        seen.append([line["status"] for line in server.record])
    assert seen[0] == seen[1]
    assert {202, 422} == set(seen[0])


@pytest.mark.parametrize("arguments", [("--fault", "earthquake"), ("--host", "0.0.0.0"), ("--channel", "x")])
def test_the_sandbox_says_what_is_wrong_with_its_options(project: Project, arguments: tuple[str, ...]) -> None:
    ran = project.run("sandbox", "--port", "0", *arguments)
    assert ran.code == 2
    assert "Error: " in ran.err


def test_a_bug_of_ours_is_exit_3_with_the_details_in_a_file(project: Project, tmp_path: Path) -> None:
    """A library that is not installed whole stands in for a bug: nothing else can be made to fail on purpose."""
    broken = tmp_path / "broken" / "jinja2"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('a broken install')\n")
    ran = subprocess.run(
        [sys.executable, "-m", "runner", "plan", "hello.yaml"],
        cwd=project.path,
        text=True,
        check=False,
        capture_output=True,
        env=clean_environment(PYTHONPATH=str(tmp_path / "broken"), TMPDIR=str(tmp_path)),
    )
    assert ran.returncode == 3
    assert "Traceback" not in ran.stderr
    (details,) = tmp_path.glob("flypast-crash-*.txt")
    assert str(details) in ran.stderr
    assert "a broken install" in details.read_text()
