"""As much of GitLab's runner as our pipeline needs: an unknown word in its rules fails the test."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .machine import Ended, Machine, bash

COMPARISON = re.compile(r"\$(\w+) == (?:\"([^\"]*)\"|\$(\w+))")


def holds(condition: str, variables: Mapping[str, str]) -> bool:
    """`$NAME == "value"` or `$NAME == $OTHER`, joined by &&."""
    for part in condition.split(" && "):
        found = COMPARISON.fullmatch(part)
        assert found is not None, part
        wanted = found[2] if found[3] is None else variables.get(found[3])
        if variables.get(found[1]) != wanted:
            return False
    return True


def jobs_of(data: Any, variables: Mapping[str, str]) -> list[str]:
    """The jobs that a pipeline with these variables has; none where there is no pipeline."""
    if not any(holds(rule["if"], variables) for rule in data["workflow"]["rules"]):
        return []
    jobs = {name: job for name, job in data.items() if isinstance(job, dict) and "stage" in job}
    return [name for name, job in jobs.items() if any(holds(rule["if"], variables) for rule in job["rules"])]


@dataclass
class Runner:
    """A runner with a shell. `origin` is what it clones.

    Its folder is the machine's, so that what one job has installed need not be installed for the next.
    """

    machine: Machine
    origin: Path

    def __post_init__(self) -> None:
        self.workspace = self.machine.temp / "workspace"

    def run(self, data: Any, name: str, commit: str, variables: Mapping[str, str]) -> Ended:
        """One job: its lines and those before it are one script, which ends at the first that fails."""
        job = data[name]
        self._check_out(commit, depth=job.get("variables", {}).get("GIT_DEPTH", "20"))
        own = {"CI": "true", "GITLAB_CI": "true", "RUNNER_TEMP": str(self.machine.temp)}
        own |= {"CI_PROJECT_DIR": str(self.workspace), **data["variables"], **job.get("variables", {}), **variables}
        script = "\n".join([*self._before(data["default"]["before_script"]), *job["script"]])
        environment = {**self.machine.environment, **own}
        return bash(script, "-e", "-o", "pipefail", folder=self.workspace, environment=environment, name=name)

    def _before(self, lines: Sequence[str]) -> Sequence[str]:
        """All of it once, and then only what this shell must know."""
        *install, export = lines
        script = "\n".join(install)
        if script in self.machine.installed:
            return [export]
        self.machine.installed[script] = str(self.workspace)
        return lines

    def kept(self, data: Any, name: str) -> dict[str, str]:
        """The artifacts of the last job, by their path."""
        (folder,) = data[name]["artifacts"]["paths"]
        return {
            path.relative_to(self.workspace).as_posix(): path.read_text()
            for path in sorted((self.workspace / folder).iterdir())
        }

    def _check_out(self, commit: str, *, depth: str) -> None:
        """All branches; with a depth only their last commits."""
        self.workspace.mkdir(exist_ok=True)
        for path in self.workspace.iterdir():
            if path.is_dir() and path.name != ".venv":
                shutil.rmtree(path)
            elif path.is_file():
                path.unlink()
        git, shallow = self.machine.git, () if depth == "0" else ("--depth", depth)
        git(self.workspace, "init", "-q")
        git(self.workspace, "remote", "add", "origin", f"file://{self.origin}")
        refs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/pull/*:refs/pull/*")
        git(self.workspace, "fetch", "-q", *shallow, "origin", *refs)
        git(self.workspace, "checkout", "-q", "--detach", commit)
