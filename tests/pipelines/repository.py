"""A team's repository as `flypast init` makes it: what the hosts have (`origin`), and an author's clone of it."""

from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Project

from .machine import Machine

MANIFEST, PARAMETERS = "campaigns/hello.yaml", "parameters/production.yaml"


@dataclass(frozen=True)
class Repository:
    machine: Machine
    origin: Path
    author: Project

    def git(self, *arguments: str | Path) -> str:
        return self.machine.git(self.author.path, *arguments)

    def lock(self) -> None:
        ran = self.author.run("plan", MANIFEST, "--parameters", PARAMETERS, "--lock")
        assert ran.code == 0, ran.err

    def edit(self, old: str, new: str, name: str = MANIFEST) -> None:
        path = self.author.path / name
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))

    def propose(self, branch: str) -> str:
        """Commits all on a branch and gives what a host then tests: its merge with main, under a ref of its own."""
        self.git("switch", "-qc", branch)
        self.git("add", "-A")
        self.git("commit", "-qm", f"change {branch}")
        self.git("push", "-q", "origin", branch)
        self.git("switch", "-q", "--detach", "main")
        self.git("merge", "-q", "--no-ff", "-m", "merge", branch)
        self.git("push", "-q", "origin", f"HEAD:refs/pull/{branch}/merge")
        self.git("switch", "-q", "main")
        return f"refs/pull/{branch}/merge"

    def merge(self, branch: str) -> str:
        self.git("merge", "-q", "--no-ff", "-m", f"merge {branch}", branch)
        self.git("push", "-q", "origin", "main")
        return "refs/heads/main"


def made(machine: Machine, folder: Path, *init: str) -> Repository:
    """Main has a starter that somebody reviewed and locked."""
    origin, author = folder / "origin.git", Project(folder / "author")
    origin.mkdir(parents=True)
    author.path.mkdir()
    machine.git(origin, "init", "-q", "--bare")
    ran = author.run("init", *init)
    assert ran.code == 0, ran.err
    repository = Repository(machine=machine, origin=origin, author=author)
    repository.git("init", "-q")
    repository.git("remote", "add", "origin", origin)
    repository.lock()
    repository.git("add", "-A")
    repository.git("commit", "-qm", "first")
    repository.git("push", "-q", "origin", "main")
    return repository
