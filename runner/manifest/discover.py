"""Which files of a folder are manifests; `.gitignore` is respected."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from runner.project import project_root

from .documents import looks_like_manifest

SUFFIXES = (".yaml", ".yml")
LARGEST_LOOKED_AT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Manifests in order of path; `others` counts YAML files that are none."""

    manifests: tuple[Path, ...]
    others: int


def discover(folder: Path) -> Found:
    """Every `*.yaml` and `*.yml` below a folder with two or more of a manifest's top-level keys."""
    manifests: list[Path] = []
    others = 0
    for path in sorted(yaml_files(folder.absolute())):
        if looks_like_manifest(begin(path)):
            manifests.append(path)
        else:
            others += 1
    return Found(manifests=tuple(manifests), others=others)


def begin(path: Path) -> bytes:
    """What is looked at of a file; nothing where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_LOOKED_AT)
    except OSError:
        return b""


def yaml_files(folder: Path) -> Iterator[Path]:
    """Every YAML file below a folder that Git does not ignore."""
    root = project_root(folder / "any")
    above = [parent for parent in reversed(folder.parents) if parent.is_relative_to(root)]
    yield from _walk(folder, [(parent, spec) for parent in above if (spec := _ignored_by(parent))])


def _walk(folder: Path, rules: list[tuple[Path, GitIgnoreSpec]]) -> Iterator[Path]:
    own = _ignored_by(folder)
    rules = [*rules, (folder, own)] if own else rules
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = folder / entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name == ".git" or _is_ignored(path, rules, is_folder=is_folder):
                continue
            if is_folder:
                yield from _walk(path, rules)
            elif path.suffix in SUFFIXES and entry.is_file():
                yield path


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
