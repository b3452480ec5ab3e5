"""What another revision holds, asked of `git` as a process: it reads, and runs nothing that a repository brings."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from .errors import LedgerFault, UsageError

_LINK, _MODULE = b"120000", b"160000"
# No pager, no hook, no watcher of files, nothing that stands in for an object.
_SETTINGS = ("--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_VARIABLES = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
_BASE = "CI_MERGE_REQUEST_DIFF_BASE_SHA"  # GitLab's own word for the merge base
# The branch that a pull or merge request goes to, where a pipeline says it.
_TARGETS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """One repository. `environment` is the caller's; what it says of Git is left out."""

    root: Path
    environment: Mapping[str, str]

    def commit(self, revision: str) -> str | None:
        """The commit's full name; None where the repository does not have it."""
        found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return found.decode().strip() if found else None

    def base(self) -> str:
        """The merge base with the default branch, or with the one that this pipeline's request goes to.

        Raises UsageError, with what to fetch.
        """
        self._check()
        said = self.environment.get(_BASE)
        if said and (commit := self.commit(said)):
            return commit
        branch = next((name for name in self._branches() if self.commit(name)), None)
        if branch is None:
            raise UsageError("there is no default branch to compare with here", hint=self._fetch("main or master"))
        found = self._run("merge-base", "HEAD", "--end-of-options", branch)
        if not found:
            raise UsageError(f"HEAD and {branch} have no common commit here", hint=self._fetch(branch))
        return found.decode().strip()

    def known(self, revision: str) -> str:
        """As `commit`. Raises UsageError, with what to fetch."""
        self._check()
        commit = self.commit(revision) if revision and not revision.startswith("-") else None
        if commit is None:
            raise UsageError(f'this repository does not have the revision "{revision}"', hint=self._fetch(revision))
        return commit

    def extract(self, commit: str, into: Path) -> None:
        """Writes every file of a commit, byte for byte as it is kept: no filter, no attribute has a say.

        Raises UsageError where the clone lacks some, LedgerFault where the disk can't take them.
        """
        try:
            self._extract(commit, into)
        except OSError as error:
            raise LedgerFault(
                f"the files of {commit[:12]} can't be written to {into.parent}: {error.strerror}"
            ) from None

    def _extract(self, commit: str, into: Path) -> None:
        listed = self._run("ls-tree", "-r", "-z", "--full-tree", commit)
        if listed is None:
            raise UsageError(f"the files of {commit[:12]} can't be listed", hint=self._fetch(commit))
        files = list(_entries(listed, into))
        links = [(target, path) for (mode, _, path), target in zip(files, self._blobs(files, commit), strict=True)
                 if target is not None and mode == _LINK]  # fmt: skip
        for written, path in links:  # last, so that no file is written through one
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(os.fsdecode(written))

    def _check(self) -> None:
        done = self._done("rev-parse", "--git-dir")
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
            raise UsageError(f"git can't read this repository: {said}")

    def _branches(self) -> Iterator[str]:
        for name in _TARGETS:
            if branch := self.environment.get(name):
                yield f"refs/remotes/origin/{branch}"
        head = self._run("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
        if head:
            yield head.decode().strip()
        yield from ("refs/remotes/origin/main", "refs/remotes/origin/master", "refs/heads/main", "refs/heads/master")

    def _fetch(self, what: str) -> str:
        name = what.removeprefix("refs/remotes/origin/")
        if (self._run("rev-parse", "--is-shallow-repository") or b"").strip() == b"true":
            return (
                "this clone is shallow: fetch the rest with git fetch --unshallow, "
                "or check out with fetch-depth: 0 in GitHub Actions, with GIT_DEPTH: 0 in GitLab"
            )
        return f"fetch it with git fetch origin, or name another: flypast diff REF (looked for {name})"

    def _blobs(self, files: Sequence[tuple[bytes, str, Path]], commit: str) -> Iterator[bytes | None]:
        """Writes each file; of a link it gives what it leads to."""
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{name}\n" for _, name, _ in files).encode())
            asked.seek(0)
            with subprocess.Popen(  # noqa: S603 - git itself, what it is asked stands in a file
                self._command("cat-file", "--batch"),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment(),
            ) as process:
                assert process.stdout is not None  # noqa: S101 - it was asked for
                for mode, _, path in files:
                    size = _size(process.stdout.readline())
                    if size is None:
                        process.kill()
                        raise UsageError(f"this clone lacks files of {commit[:12]}", hint=self._fetch(commit))
                    yield _take(process.stdout, size, None if mode == _LINK else path)

    def _run(self, *arguments: str) -> bytes | None:
        """What it prints; None where it fails."""
        if any("\0" in argument for argument in arguments):
            return None
        done = self._done(*arguments)
        return done.stdout if done.returncode == 0 else None

    def _done(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(  # noqa: S603 - git itself, and names stand behind --end-of-options
            self._command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._environment(),
            check=False,
        )

    def _command(self, *arguments: str) -> list[str]:
        git = shutil.which("git", path=self.environment.get("PATH"))
        if git is None:
            raise UsageError("git is not installed here", hint="flypast diff asks it for the other revision")
        return [git, "-C", str(self.root), *_SETTINGS, *arguments]

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in self.environment.items() if not name.startswith("GIT_")} | _VARIABLES


def _entries(listed: bytes, into: Path) -> Iterator[tuple[bytes, str, Path]]:
    """Mode, object and where to write it. A hostile tree may name what leads out of the folder, or into Git's own."""
    for entry in listed.split(b"\0"):
        if not entry:
            continue
        head, _, raw = entry.partition(b"\t")
        mode, _, name = head.split(b" ")
        path = PurePosixPath(os.fsdecode(raw))
        is_sound = not path.is_absolute() and not {"..", ".git"} & {part.lower() for part in path.parts}
        if mode != _MODULE and is_sound:
            yield mode, name.decode(), into / path


def _size(head: bytes) -> int | None:
    """Of `<object> blob <size>`; None where it says that it is missing."""
    parts = head.split()
    return int(parts[2]) if len(parts) == 3 and parts[1] == b"blob" else None


def _take(stream: IO[bytes], size: int, path: Path | None) -> bytes | None:
    """Writes the next `size` bytes to `path`, or gives them; and takes the line end behind them."""
    if path is None:
        content = stream.read(size)
        stream.read(1)
        return content
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        while size and (block := stream.read(min(size, 1 << 20))):
            file.write(block)
            size -= len(block)
    stream.read(1)
    return None
