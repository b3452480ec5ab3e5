"""Where ledgers lie: found by files alone, with repositories as Git really makes them."""

import os
import subprocess
from pathlib import Path

import pytest

from runner.errors import Exit, LedgerFault, Refused, UsageError
from runner.ledger.mounts import mount_table, refuse_remote
from runner.ledger.places import FilePlace, default_ledger, parse_ledger_url
from runner.project import project_root


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, env=clean)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "campaigns" / "2026").mkdir(parents=True)
    git(folder, "init")
    git(folder, "commit", "--allow-empty", "-m", "start")
    return folder


def test_in_a_repository_it_lies_in_the_git_directory(repository: Path) -> None:
    manifest = repository / "campaigns" / "2026" / "spring.yaml"
    assert default_ledger(manifest, is_loopback=False) == repository / ".git" / "flypast" / "ledger.db"
    assert default_ledger(manifest, is_loopback=True) == repository / ".git" / "flypast" / "sandbox.db"
    assert default_ledger(repository, is_loopback=False) == repository / ".git" / "flypast" / "ledger.db"
    assert not (repository / ".git" / "flypast").exists()


def test_worktrees_share_one_ledger(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", str(tmp_path / "tree"), "-b", "branch")
    place = repository / ".git" / "flypast" / "ledger.db"
    assert default_ledger(tmp_path / "tree" / "spring.yaml", is_loopback=False) == place


def test_a_submodule_has_its_own(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "outer")
    git(tmp_path / "outer", "submodule", "add", str(repository), "inner")
    place = tmp_path / "outer" / ".git" / "modules" / "inner" / "flypast" / "ledger.db"
    assert default_ledger(tmp_path / "outer" / "inner" / "spring.yaml", is_loopback=False) == place


def test_outside_git_it_lies_beside_the_manifest(tmp_path: Path) -> None:
    assert default_ledger(tmp_path / "spring.yaml", is_loopback=False) == tmp_path / ".flypast" / "ledger.db"
    assert default_ledger(tmp_path, is_loopback=True) == tmp_path / ".flypast" / "sandbox.db"


@pytest.mark.parametrize("content", ["gitdir: /nowhere/at/all\n", "gitdir:\n", "", "noise"])
def test_a_git_file_that_leads_nowhere_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").write_text(content)
    with pytest.raises(Refused, match="should lead to the repository's Git directory") as stop:
        default_ledger(tmp_path / "spring.yaml", is_loopback=False)
    assert stop.value.exit_code is Exit.REFUSED


def test_the_project_root_is_the_nearest_parent_with_git(repository: Path, tmp_path: Path) -> None:
    assert project_root(repository / "campaigns" / "2026" / "spring.yaml") == repository
    assert project_root(repository / "spring.yaml") == repository
    assert project_root(tmp_path / "elsewhere" / "spring.yaml") == tmp_path / "elsewhere"


def test_a_relative_manifest_has_the_same_root(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "campaigns")
    assert project_root(Path("2026/spring.yaml")) == repository
    assert default_ledger(Path(), is_loopback=False) == repository / ".git" / "flypast" / "ledger.db"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////tmp/x.db", "/tmp/x.db"),
        ("sqlite:///x.db", "x.db"),
        ("sqlite:///a folder/50%.db", "a folder/50%.db"),
    ],
)
def test_a_sqlite_url_holds_a_path(url: str, path: str) -> None:
    assert parse_ledger_url(url) == FilePlace(Path(path))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://me:secret@host/db", "no ledger of the kind 'mysql'"),
        ("ledger.db", "must be a URL"),
        ("", "must be a URL"),
        ("sqlite://", "a path must follow"),
        ("sqlite:///", "a path must follow"),
        ("sqlite://x.db", "a path must follow"),
        ("sqlite:////", "/ is a folder"),
        ("sqlite:///.", ". is a folder"),
        ("sqlite:///a/..", "a/.. is a folder"),
    ],
)
def test_another_url_is_a_mistake_and_its_password_is_not_repeated(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as stop:
        parse_ledger_url(url)
    assert "secret" not in stop.value.message + (stop.value.hint or "")


MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:40 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw
31 30 0:41 / /home/local rw - xfs /dev/vdb rw
32 27 0:42 / /mnt/with\040space rw - cifs //server/share rw
33 27 0:43 / /mnt/ssh rw - fuse.sshfs me@host: rw
34 27 0:44 / /mnt/twice rw - nfs server:/a rw
35 27 0:45 / /mnt/twice rw - ext4 /dev/vdc rw
garbled line
"""


@pytest.mark.parametrize("path", ["/home/me/ledger.db", "/home/ledger.db", "/mnt/with space/x/l.db", "/mnt/ssh/l.db"])
def test_a_network_or_fuse_file_system_is_refused(path: str) -> None:
    with pytest.raises(LedgerFault, match="where a lock of one machine does not hold on another"):
        refuse_remote(Path(path), MOUNTS)


@pytest.mark.parametrize("path", ["/home/local/l.db", "/homes/l.db", "/mnt/l.db", "/mnt/twice/l.db", "/l.db"])
def test_a_local_file_system_holds_a_ledger(path: str) -> None:
    refuse_remote(Path(path), MOUNTS)


def test_where_the_mounts_are_not_known_nothing_is_refused() -> None:
    refuse_remote(Path("/home/me/ledger.db"), "")


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="only Linux has this table")
def test_the_table_of_mounts_is_read() -> None:
    assert " / " in mount_table()


@pytest.mark.parametrize("rest", ["x" * 300, "loop", "loop/ledger.db", "a\0b"])
def test_a_path_at_which_nothing_can_be_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="no file can be at this path"):
        parse_ledger_url(f"sqlite:///{rest}")


def test_a_path_that_this_user_may_not_look_at_is_left_to_who_opens_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)  # root may look at everything
    try:
        place = parse_ledger_url(f"sqlite:///{closed}/ledger.db")
        with pytest.raises(LedgerFault, match="can't be opened: Permission denied"):
            place.open(origin=None)
    finally:
        os.seteuid(me)
    assert place == FilePlace(closed / "ledger.db")
