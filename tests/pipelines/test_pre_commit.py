"""Our hooks, tried with pre-commit itself: installed from a repository, run by `git commit`."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import Project

from .machine import ROOT, Ended, Machine
from .repository import MANIFEST, PARAMETERS

pytestmark = pytest.mark.xdist_group("pipelines")
SHIPPED = ("runner", "schemas", "examples", "docs", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")


@pytest.fixture(scope="module")
def hooks(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This checkout as a repository that pre-commit can clone, and its commit."""
    folder = tmp_path_factory.mktemp("hooks")
    for name in SHIPPED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    machine.git(folder, "init", "-q")
    machine.git(folder, "add", "-A")
    machine.git(folder, "commit", "-qm", "flypast")
    return folder, machine.git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def author(machine: Machine, hooks: tuple[Path, str], tmp_path: Path) -> Project:
    """A starter with both hooks, in a commit of its own."""
    project = Project(tmp_path / "author")
    project.path.mkdir()
    assert project.run("init").code == 0
    ids = [
        {"id": "flypast-validate"},
        {"id": "flypast-lock", "args": [MANIFEST, "--parameters", PARAMETERS]},
    ]
    repository = {"repo": hooks[0].as_uri(), "rev": hooks[1], "hooks": ids}
    project.write(".pre-commit-config.yaml", yaml.safe_dump({"repos": [repository]}))
    machine.git(project.path, "init", "-q")
    assert lock(project) == 0
    done = pre_commit(machine, project.path, "install")
    assert done.code == 0, done.out
    return project


def lock(project: Project) -> int:
    return project.run("plan", MANIFEST, "--parameters", PARAMETERS, "--lock").code


def pre_commit(machine: Machine, folder: Path, *arguments: str | Path) -> Ended:
    return ran(machine, folder, "pre-commit", *arguments)


def commit(machine: Machine, author: Project) -> Ended:
    machine.git(author.path, "add", "-A")
    return ran(machine, author.path, "git", "commit", "-m", "change")


def ran(machine: Machine, folder: Path, *command: str | Path) -> Ended:
    """pre-commit keeps what it installs below the machine's home, so all tests of a run share one environment."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**machine.environment, "PRE_COMMIT_HOME": str(machine.home / "pre-commit")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Ended(str(command[0]), done.returncode, done.stdout)


def test_pre_commit_reads_our_hooks(machine: Machine, tmp_path: Path) -> None:
    done = pre_commit(machine, tmp_path, "validate-manifest", ROOT / ".pre-commit-hooks.yaml")
    assert done.code == 0, done.out


def test_a_misspelt_key_fails_the_commit_and_a_good_one_passes(machine: Machine, author: Project) -> None:
    path = author.path / MANIFEST
    good = path.read_text()
    path.write_text(good.replace("recipients:", "recipents:"))
    done = commit(machine, author)
    assert done.code == 1
    assert 'did you mean "recipients"?' in done.out

    path.write_text(f"{good}# a remark\n")
    done = commit(machine, author)
    assert (done.code, done.out.count("Passed")) == (0, 2), done.out

    author.write("NOTES.md", "No manifest can read this.\n")
    done = commit(machine, author)
    assert (done.code, done.out.count("Skipped")) == (0, 2), done.out


def test_a_list_that_changed_without_its_lock_fails_the_commit(machine: Machine, author: Project) -> None:
    people = author.path / "campaigns" / "recipients" / "people.csv"
    people.write_text(people.read_text() + "+14155550177,Zoe\n")
    done = commit(machine, author)
    assert done.code == 1
    assert "flypast.lock says was reviewed: campaigns/recipients/people.csv changed" in done.out
    assert f"lock it with: flypast plan {MANIFEST} --lock, with the same parameters" in done.out
    assert lock(author) == 0
    done = commit(machine, author)
    assert done.code == 0, done.out
