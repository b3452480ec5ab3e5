"""`flypast.lock` as a file: read with suspicion, written whole."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from runner.errors import Exit, LedgerFault, Refused
from runner.pipeline.lockfile import NAME, Reviewed, lock_text, read_lock, write_lock
from runner.project import Project

A, B = "a" * 64, "b" * 64
NAMES = ["plain.yaml", "--set x.yaml", 'it"s \\ ü\u202e\U0001f600\n\x85.yaml', "1e5", "true", "~", "{{ x }}", "#", "ä"]


def plan(manifest: str = "a.yaml", digest: str = A, *parameters: str, **inputs: str) -> Reviewed:
    return Reviewed(manifest=manifest, parameters=parameters, digest=digest, inputs={manifest: B, **inputs})


def test_names_of_any_kind_come_back_as_they_were(tmp_path: Path) -> None:
    plans = [plan(name, A, *NAMES, **{f"--set {name}": B}) for name in NAMES]
    (tmp_path / NAME).write_text(lock_text(plans))
    assert sorted(read_lock(tmp_path) or (), key=lambda entry: entry.key) == sorted(plans, key=lambda entry: entry.key)


def test_the_order_in_which_plans_come_does_not_show() -> None:
    plans = [plan("b.yaml"), plan("a.yaml", A, "p.yaml"), plan("a.yaml"), plan("a.yaml", A, **{"--set x": A})]
    assert lock_text(plans) == lock_text(plans[::-1])
    assert lock_text([]).endswith("reviewed: []\n")


def test_without_a_file_there_is_no_lock_and_an_empty_one_is_one(tmp_path: Path) -> None:
    assert read_lock(tmp_path) is None
    (tmp_path / NAME).write_text(lock_text([]))
    assert read_lock(tmp_path) == ()


BOMB = "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(8))
BROKEN = {
    "a merge": (b"<<<<<<< HEAD\nformatVersion: 1\n=======\n>>>>>>> b\n", f"{NAME}:1 has the marks of a merge"),
    "a merge with CR LF": (b"formatVersion: 1\r\n=======\r\n", f"{NAME}:2 has the marks of a merge"),
    "no YAML": (b"reviewed: [", f"{NAME}:1 can't be read"),
    "nothing": (b"", f"{NAME}:1 is not as flypast wrote it"),
    "UTF-16": (b"\xff\xfe\x00", f"{NAME}:1 can't be read"),
    "no text": (b"\xe9\x00", f"{NAME}:1 can't be read"),
    "a list": (b"- 1\n", f"{NAME}:1 is not as flypast wrote it"),
    "a newer one": (b"formatVersion: 2\nfuture: [1]\n", f"{NAME} has format 2, and this flypast knows 1"),
    "a version in words": (b"formatVersion: one\nreviewed: []\n", f"{NAME}:1 is not as"),
    "no digest": (b"formatVersion: 1\nreviewed: [{manifest: a, inputs: {}}]\n", f"{NAME}:2 is not as"),
    "a digest that is none": (lock_text([plan(digest=f"{A}0")]).encode(), f"{NAME}:5 is not as"),
    "a digest with a line end": (lock_text([plan(digest=f"{A}\n")]).encode(), f"{NAME}:5 is not as"),
    "strange keys": (b"formatVersion: 1\nreviewed: []\nmore: 1\n", "is not as flypast wrote it"),
    "a bomb": (b"a: &a [1,1,1,1,1,1,1,1,1,1]\n" + BOMB.encode(), "can't be read"),
    "one key twice": (b"formatVersion: 1\nformatVersion: 1\nreviewed: []\n", "can't be read"),
    "deep": (b"[" * 10_000, "can't be read"),
    "long": (b"# " + b"x" * 9_000_000, "can't be read"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_lock_that_is_broken_is_refused_in_plain_words(tmp_path: Path, what: str) -> None:
    content, words = BROKEN[what]
    (tmp_path / NAME).write_bytes(content)
    for act in (lambda: read_lock(tmp_path), lambda: write_lock(tmp_path, plan())):
        with pytest.raises(Refused) as stop:
            act()
        assert words in stop.value.message
        assert stop.value.hint
    assert (tmp_path / NAME).read_bytes() == content


@pytest.mark.parametrize(
    ("kind", "words"),
    [("link", "a symbolic link"), ("folder", "a folder"), ("pipe", "a named pipe"), ("loop", "a symbolic link")],
)
def test_a_lock_that_is_no_plain_file_is_refused_and_stays(tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / NAME
    (tmp_path / "elsewhere").write_text(lock_text([plan()]))
    match kind:
        case "link":
            path.symlink_to("elsewhere")
        case "loop":
            path.symlink_to(NAME)
        case "folder":
            path.mkdir()
        case _:
            os.mkfifo(path)
    for act in (lambda: read_lock(tmp_path), lambda: write_lock(tmp_path, plan())):
        with pytest.raises(Refused, match=words):
            act()
    assert (tmp_path / "elsewhere").read_text() == lock_text([plan()])


def test_two_that_lock_at_once_lose_nothing(tmp_path: Path) -> None:
    names = [f"n{number}.yaml" for number in range(16)]
    for name in names:
        (tmp_path / name).touch()
    threads = [threading.Thread(target=write_lock, args=(tmp_path, plan(name))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry.manifest for entry in read_lock(tmp_path) or ()} == set(names)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([NAME, *names])


def test_a_file_that_says_it_already_is_not_touched(tmp_path: Path) -> None:
    write_lock(tmp_path, plan())
    before = (tmp_path / NAME).stat()
    write_lock(tmp_path, plan())
    assert (tmp_path / NAME).stat().st_ino == before.st_ino
    assert before.st_mode & 0o777 == 0o666 & ~_umask(), "as any file of the repository: no private one"
    write_lock(tmp_path, plan(digest=B))
    assert (tmp_path / NAME).stat().st_ino != before.st_ino, "it was replaced whole"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_folder_that_takes_no_file_is_a_fault_of_the_disk(tmp_path: Path) -> None:
    beside = tmp_path / "root"
    beside.mkdir()
    write_lock(beside, plan())
    with pytest.raises(LedgerFault, match=r"flypast\.lock can't be written") as stop:
        write_lock(_gone_beneath(beside), plan(digest=B))
    assert stop.value.exit_code is Exit.LEDGER


def _gone_beneath(folder: Path) -> Path:
    """A folder in which nothing can be made, for root either: the kernel's own."""
    shutil.rmtree(folder)
    return Path("/proc/self")


def test_a_file_is_called_the_same_from_everywhere(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (tmp_path / "way").symlink_to(root)
    (root / "link.yaml").symlink_to("a/real.yaml")
    for given in (root, tmp_path / "way"):
        project = Project(root=given, working=tmp_path)
        assert project.named(given / "a" / ".." / "a" / "x.yaml") == "a/x.yaml"
        assert project.named(tmp_path / "way" / "a" / "x.yaml") == "a/x.yaml"
        assert project.named(given / "link.yaml") == "link.yaml"
        assert project.named(given / "--set x") == "./--set x"
        assert project.named(given / "a" / "--set x") == "a/--set x"
        assert project.named(given / os.fsdecode(b"\xff.yaml")) == "\\udcff.yaml"
        assert project.named(tmp_path / "x.yaml") is None
