"""Which files of a folder are manifests; `.gitignore` is respected."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from runner.errors import UsageError
from runner.project import near, project_root

from .documents import looks_like_manifest

SUFFIXES = (".yaml", ".yml")
LARGEST_LOOKED_AT = 8 * 1024 * 1024
_OURS = {".git", ".flypast"}  # Git's, and where a ledger lies outside of it
Unseen = Callable[[Path, OSError], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Manifests in order of path; `others` counts YAML files that are none."""

    manifests: tuple[Path, ...]
    others: int


def discover(folder: Path) -> Found:
    """Every `*.yaml` and `*.yml` below a folder with two or more of a manifest's top-level keys.

    Raises UsageError for what can't be looked at: a manifest may hide there.
    """
    manifests: list[Path] = []
    others = 0
    for path in sorted(yaml_files(folder.absolute(), _refuse)):
        try:
            text = _begin(path)
        except OSError as error:
            raise _unseen(path, error) from None
        if looks_like_manifest(text):
            manifests.append(path)
        else:
            others += 1
    return Found(manifests=tuple(manifests), others=others)


def begin(path: Path) -> bytes:
    """What is looked at of a file; nothing where it can't be read."""
    try:
        return _begin(path)
    except OSError:
        return b""


def yaml_files(folder: Path, unseen: Unseen = lambda _folder, _error: None) -> Iterator[Path]:
    """Every YAML file below a folder that Git does not ignore; `unseen` is told of folders that can't be read."""
    root = project_root(folder / "any")
    above = [parent for parent in reversed(folder.parents) if parent.is_relative_to(root)]
    yield from _walk(folder, [(parent, spec) for parent in above if (spec := _ignored_by(parent))], unseen)


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_LOOKED_AT)


def _refuse(folder: Path, error: OSError) -> None:
    raise _unseen(folder, error) from None


def _unseen(path: Path, error: OSError) -> UsageError:
    words = f"{near(path)} can't be looked at, and a manifest may be there: {error.strerror}"
    return UsageError(words, hint="name the manifests, or have Git ignore it (.gitignore)")


def _walk(folder: Path, rules: list[tuple[Path, GitIgnoreSpec]], unseen: Unseen) -> Iterator[Path]:
    own = _ignored_by(folder)
    rules = [*rules, (folder, own)] if own else rules
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        unseen(folder, error)
        return
    for entry in entries:
        path = folder / entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name in _OURS or _is_ignored(path, rules, is_folder=is_folder):
            continue
        if is_folder:
            yield from _walk(path, rules, unseen)
        elif path.suffix in SUFFIXES and _is_file(entry):
            yield path


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link into a folder that can't be read, or in a circle
        return False


def _is_ignored(path: Path, rules: list[tuple[Path, GitIgnoreSpec]], *, is_folder: bool) -> bool:
    """The deepest `.gitignore` that speaks of a path decides, as in Git."""
    for base, spec in reversed(rules):
        relative = path.relative_to(base).as_posix() + ("/" if is_folder else "")
        verdict = spec.check_file(relative).include
        if verdict is not None:
            return verdict
    return False


def _ignored_by(folder: Path) -> GitIgnoreSpec | None:
    try:
        return GitIgnoreSpec.from_lines((folder / ".gitignore").read_text("utf-8", "replace").splitlines())
    except OSError:
        return None
