"""What Git is asked, in real repositories: the base, a revision, its files."""

import os
import subprocess
from pathlib import Path

import pytest

from runner.errors import Exit, LedgerFault, UsageError
from runner.git import Git


def git(root: Path, *arguments: str, given: bytes = b"") -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=root, env=environment, input=given, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def commit(root: Path, **files: str) -> str:
    """Writes files, whose names have `__` for a dot, and commits all that is there."""
    for name, content in files.items():
        (root / name.replace("__", ".")).write_text(content)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "change")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "origin"
    made.mkdir()
    git(made, "init", "-q", "-b", "main")
    return made


def of(root: Path, **environment: str) -> Git:
    return Git(root=root, environment={"PATH": os.environ["PATH"], **environment})


def test_the_base_is_where_a_branch_left_the_default_one(root: Path, tmp_path: Path) -> None:
    first = commit(root, a__txt="1")
    assert of(root).base() == first, "without a remote it is main itself"
    git(tmp_path, "clone", "-q", str(root), "clone")
    git(tmp_path / "clone", "switch", "-qc", "work")
    commit(tmp_path / "clone", a__txt="2")
    commit(root, b__txt="later")
    git(tmp_path / "clone", "fetch", "-q")
    assert of(tmp_path / "clone").base() == first
    git(root, "switch", "-qc", "release")
    release = commit(root, c__txt="3")
    git(tmp_path / "clone", "fetch", "-q")
    git(tmp_path / "clone", "merge", "-q", "-m", "both", "origin/release")
    assert of(tmp_path / "clone", GITHUB_BASE_REF="release").base() == release
    assert of(tmp_path / "clone", CI_MERGE_REQUEST_DIFF_BASE_SHA=first, GITHUB_BASE_REF="release").base() == first
    assert of(tmp_path / "clone", CI_MERGE_REQUEST_DIFF_BASE_SHA="0" * 40).base() == of(tmp_path / "clone").base()


def test_a_shallow_clone_is_told_what_to_fetch(root: Path, tmp_path: Path) -> None:
    first = commit(root, a__txt="1")
    commit(root, a__txt="2")
    git(root, "switch", "-qc", "work")
    commit(root, a__txt="3")
    git(root, "switch", "-q", "main")
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=work", f"file://{root}", "clone")
    shallow = of(tmp_path / "clone")
    for act in (shallow.base, lambda: shallow.known(first), lambda: shallow.known("main")):
        with pytest.raises(UsageError) as stop:
            act()
        assert "this clone is shallow" in str(stop.value.hint)
        assert "fetch-depth: 0" in str(stop.value.hint)
        assert stop.value.exit_code is Exit.USAGE


@pytest.mark.parametrize("revision", ["nowhere", "--help", "-", "a..b", "HEAD:a.txt", "a\0b", "", "$(id)", "@{-9}"])
def test_a_revision_that_is_none_is_a_mistake_of_usage(root: Path, revision: str) -> None:
    commit(root, a__txt="1")
    with pytest.raises(UsageError, match="does not have the revision"):
        of(root).known(revision)


def test_without_a_commit_there_is_nothing_to_compare_with(root: Path) -> None:
    with pytest.raises(UsageError, match="no default branch") as stop:
        of(root).base()
    assert str(stop.value.hint).endswith("flypast diff REF (looked for main or master)")


def test_a_folder_that_git_does_not_take_is_told_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(UsageError, match="git can't read this repository: fatal"):
        of(tmp_path).known("HEAD")
    with pytest.raises(UsageError, match="git is not installed"):
        Git(root=tmp_path, environment={"PATH": str(tmp_path)}).known("HEAD")


def test_files_come_as_they_are_kept_and_nothing_of_the_repository_runs(root: Path, tmp_path: Path) -> None:
    """No filter, no substitution, no export rule, no hook, no watcher; whatever the variables say."""
    trap = tmp_path / "ran"
    (root / "sub").mkdir()
    (root / "sub" / "ä b\n.txt").write_bytes(b"\xff\0\r\n")
    (root / "link").symlink_to("/etc/passwd")
    (root / "empty").touch()
    attributes = "* filter=trap\na.txt export-ignore\nb.txt export-subst\n"
    name = commit(root, a__txt="1", b__txt="$Format:%H$", __gitattributes=attributes)
    commit(root, a__txt="2")
    for key in ("filter.trap.smudge", "core.fsmonitor", "core.pager", "diff.external"):
        git(root, "config", key, f"touch {trap}; cat")
    into = tmp_path / "into"
    into.mkdir()
    of(root, GIT_DIR="/nowhere", GIT_WORK_TREE="/", GIT_EXTERNAL_DIFF=f"touch {trap}").extract(name, into)
    assert {str(path.relative_to(into)) for path in into.rglob("*") if path.is_symlink() or path.is_file()} == {
        *("a.txt", "b.txt", ".gitattributes", "empty", "link", "sub/ä b\n.txt"),
    }
    assert (into / "a.txt").read_text() == "1"
    assert (into / "b.txt").read_text() == "$Format:%H$"
    assert (into / "sub" / "ä b\n.txt").read_bytes() == b"\xff\0\r\n"
    assert (into / "link").is_symlink()
    assert not trap.exists()


def test_a_hostile_tree_writes_nothing_outside_its_folder(root: Path, tmp_path: Path) -> None:
    blob = git(root, "hash-object", "-w", "--stdin", given=b"evil")
    link = git(root, "hash-object", "-w", "--stdin", given=str(tmp_path / "outside").encode())

    def tree(*entries: tuple[str, str, str]) -> str:
        raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(of) for mode, name, of in entries)
        return git(root, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", given=raw)

    inner = tree(("100644", "x.txt", blob))
    top = tree(("40000", "..", inner), ("40000", ".GIT", inner), ("100644", "good.txt", blob), ("120000", "way", link),
               ("40000", "way", inner))  # fmt: skip
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(LedgerFault, match="File exists"):
        of(root).extract(git(root, "commit-tree", "-m", "evil", top), into)
    assert (into / "good.txt").read_text() == "evil"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["into", "origin"]
    assert not (into / ".GIT").exists()
