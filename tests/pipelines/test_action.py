"""The composite action, its steps run as GitHub would: inputs arrive as values, and nothing of them is ever run."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import KEY, Project, Serve

from .github import Runner
from .machine import ROOT, Ended, Machine

pytestmark = pytest.mark.xdist_group("pipelines")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
PLAN = "campaigns/hello.yaml --parameters parameters/production.yaml"


@pytest.fixture
def runner(machine: Machine, tmp_path: Path, serve: Serve) -> Runner:
    """A machine whose workspace has a starter."""
    server = serve()
    made = Runner(machine=machine, folder=tmp_path, origin=tmp_path, more={"BIRD_API_URL": server.url})
    made.workspace.mkdir()
    assert Project(made.workspace).run("init").code == 0
    return made


def act(runner: Runner, **inputs: str) -> tuple[Ended, dict[str, str]]:
    """The action with these inputs, `working_directory` for `working-directory`: how it ended, and its outputs."""
    given = {name: each["default"] for name, each in ACTION["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    context = {f"inputs.{name}": value for name, value in given.items()}
    environment = runner.environment("refs/heads/main") | {"GITHUB_ACTION_PATH": str(ROOT), "BIRD_ACCESS_KEY": KEY}
    ended = Ended("", 0, "")
    for step in ACTION["runs"]["steps"]:
        ended = runner.script(step, context, environment)
        if ended.code:
            break
    outputs = {name: context.get(each["value"][4:-3], "") for name, each in ACTION["outputs"].items()}
    return ended, outputs


def test_a_plan_gives_on_what_it_found(runner: Runner) -> None:
    ended, outputs = act(runner, command="plan", args=PLAN)
    assert ended.code == 0, ended.out
    assert "3 messages to send" in ended.out
    assert re.fullmatch("[0-9a-f]{64}", outputs.pop("digest"))
    assert outputs == {"has_changes": "true", "messages": "3", "segments": "3", "exit_reason": "done"}


def test_a_send_takes_its_key_from_the_step_and_its_words_from_args(runner: Runner, tmp_path: Path) -> None:
    ledger = tmp_path / "a disk" / "ledger.db"
    args = f"{PLAN} --yes --ledger-persisted --ledger 'sqlite:///{ledger}'"
    ended, outputs = act(runner, command="send", args=args)
    assert ended.code == 0, ended.out
    assert "This run: 3 accepted" in ended.out
    assert (outputs["messages"], outputs["exit_reason"]) == ("3", "done")
    assert ledger.exists()
    assert KEY not in ended.out


def test_what_goes_wrong_fails_the_step_and_says_why(runner: Runner) -> None:
    (runner.workspace / "campaigns" / "hello.yaml").write_text("apiVersion: flypast/v1\nname: x\nmesages: {}\n")
    ended, outputs = act(runner, working_directory="campaigns")
    assert (ended.code, outputs["exit_reason"]) == (1, "findings")


HOSTILE: tuple[dict[str, str], ...] = (
    {"args": "campaigns; touch owned"},
    {"args": "$(touch owned)"},
    {"args": 'campaigns"'},
    {"args": "campaigns\ntouch owned\n"},
    {"command": "validate; touch owned"},
    {"version": "0.1.0; touch owned"},
    {"version": "0.1.0\ntouch owned"},
    {"version": "-r evil.txt"},
    {"version": "$(touch owned)"},
)


def test_no_input_is_ever_run(runner: Runner) -> None:
    for inputs in HOSTILE:
        ended, _ = act(runner, **inputs)
        assert ended.code == 2, (inputs, ended.out)
        assert "Traceback" not in ended.out, inputs
        assert list(runner.workspace.rglob("owned*")) == [], inputs


def test_a_repository_that_brings_its_own_modules_does_not_get_them_run(runner: Runner) -> None:
    for name in ("venv", "pip", "shlex", "os", "runner"):
        (runner.workspace / f"{name}.py").write_text("raise SystemExit('owned')\n")
    ended, _ = act(runner, args="campaigns")
    assert ended.code == 0, ended.out


def test_a_version_comes_from_the_index(runner: Runner) -> None:
    ended, _ = act(runner, version="0.1.0", command="--version")
    assert ended.out == "flypast 0.1.0\n"


def test_nothing_of_an_input_stands_in_a_script() -> None:
    steps: list[Any] = ACTION["runs"]["steps"]
    assert [step["name"] for step in steps if "${{" in step["run"]] == []
