"""As much of GitHub's runner as our workflows and our action need: an unknown word in them fails the test."""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .machine import Ended, Machine, bash

EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
FILES = ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
SHELLS = {None: ("-e",), "bash": ("--noprofile", "--norc", "-e", "-o", "pipefail")}
PIN = re.compile(r"(actions/[a-z-]+)@[0-9a-f]{40}")


def workflow(path: Path) -> Any:
    """YAML 1.1 reads the key `on` as true."""
    data = yaml.safe_load(path.read_text())
    data["on"] = data.pop(True)
    return data


@dataclass
class Runner:
    """One machine that runs jobs, each from a fresh checkout. `origin` is what actions/checkout clones."""

    machine: Machine
    folder: Path
    origin: Path
    more: Mapping[str, str] = field(default_factory=dict)  # what the machine itself has set
    kept: dict[str, str] = field(default_factory=dict)  # artifacts by their path
    summary: str = ""

    def __post_init__(self) -> None:
        self.workspace, self.temp = self.folder / "workspace", self.machine.temp

    def run(self, data: Any, *, ref: str, base: str = "", secrets: Mapping[str, str] | None = None) -> list[Ended]:
        """The steps of a workflow's only job, in order; after one that fails only those whose `if` says so."""
        (job,) = data["jobs"].values()
        context = {"github.ref": ref, "runner.temp": str(self.temp)}
        context |= {f"secrets.{name}": value for name, value in (secrets or {}).items()}
        environment = self.environment(ref, base) | {name: str(value) for name, value in data.get("env", {}).items()}
        self._clear()
        return list(self._steps(job["steps"], context, environment))

    def _clear(self) -> None:
        """A job finds neither files nor reports of the one before; what it installs stays, to save time."""
        self.kept, self.summary = {}, ""
        for folder in (self.workspace, self.temp / "reports"):
            shutil.rmtree(folder, ignore_errors=True)

    def environment(self, ref: str, base: str = "") -> dict[str, str]:
        own = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REF": ref, "GITHUB_BASE_REF": base}
        own |= {"GITHUB_WORKSPACE": str(self.workspace), "RUNNER_TEMP": str(self.temp)}
        return {**self.machine.environment, **own, **self.more}

    def _steps(self, steps: list[Any], context: dict[str, str], environment: dict[str, str]) -> Iterator[Ended]:
        has_failed = False
        for step in steps:
            condition = step.get("if", "success()").removeprefix("${{").removesuffix("}}").strip()
            assert condition in ("success()", "!cancelled()"), condition
            if has_failed and condition == "success()":
                continue
            if "uses" in step:
                self._use(step, context)
                continue
            ended = self.script(step, context, environment)
            has_failed = has_failed or ended.code != 0
            yield ended

    def script(self, step: Any, context: dict[str, str], environment: dict[str, str]) -> Ended:
        """One `run`: its script as it stands, its `env` filled in, and the files through which it gives things on."""
        given = {name: filled(str(value), context) for name, value in step.get("env", {}).items()}
        files = {name: self.temp / name.lower() for name in FILES}
        for file in files.values():
            file.write_text("")
        if added := self.machine.installed.get(step["run"]):
            environment["PATH"] = f"{added}:{environment['PATH']}"
            return Ended(step["name"], 0, "")
        folder = self.workspace / filled(step.get("working-directory", "."), context)
        own = {**environment, **given, **{name: str(file) for name, file in files.items()}}
        ended = bash(step["run"], *SHELLS[step.get("shell")], folder=folder, environment=own, name=step.get("name", ""))
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        for added in files["GITHUB_PATH"].read_text().split():
            environment["PATH"] = f"{added}:{environment['PATH']}"
            self.machine.installed[step["run"]] = added
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            name, _, value = line.partition("=")
            context[f"steps.{step.get('id')}.outputs.{name}"] = value
        return ended

    def _use(self, step: Any, context: dict[str, str]) -> None:
        found = PIN.fullmatch(step["uses"])
        assert found is not None, f"{step['uses']}: not pinned"
        given = {name: filled(str(value), context) for name, value in step.get("with", {}).items()}
        if found[1] == "actions/checkout":
            self._check_out(context["github.ref"], **given)
        else:
            assert found[1] == "actions/upload-artifact", found[1]
            folder = Path(given["path"])
            self.kept = {file.name: file.read_text() for file in sorted(folder.iterdir())}

    def _check_out(self, ref: str, **given: str) -> None:
        """With `fetch-depth: 0` all branches and their history; without it one commit and nothing else."""
        assert given.pop("persist-credentials") == "False"
        depth = given.pop("fetch-depth", "1")
        assert given == {}
        git, origin = self.machine.git, f"file://{self.origin}"
        self.workspace.mkdir(parents=True)
        git(self.workspace, "init", "-q")
        git(self.workspace, "remote", "add", "origin", origin)
        what = ["+refs/heads/*:refs/remotes/origin/*", ref] if depth == "0" else [f"--depth={depth}", ref]
        git(self.workspace, "fetch", "-q", "--no-tags", "origin", *what)
        git(self.workspace, "checkout", "-q", "--detach", git(self.origin, "rev-parse", ref).strip())


def filled(text: str, context: Mapping[str, str]) -> str:
    """Expressions replaced by what they name; a secret that does not exist is empty, anything else unknown fails."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return context.get(name, "") if name.startswith(("secrets.", "steps.")) else context[name]

    text = EXPRESSION.sub(value, text)
    assert "${{" not in text, text
    return text
