"""The project a manifest belongs to: its root, and how its files are shown to people."""

import os
from dataclasses import dataclass, field
from pathlib import Path


def repository_of(folder: Path) -> Path | None:
    """The folder itself or its nearest parent with `.git`; None outside Git."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


def project_root(manifest: Path) -> Path:
    """The manifest's repository, else its own folder; never the working directory."""
    folder = manifest.absolute().parent
    return repository_of(folder) or folder


def near(path: Path) -> Path:
    """A path as people would type it from the working directory."""
    working = Path.cwd()
    return path.relative_to(working) if path.is_relative_to(working) else path


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """`root` bounds what a manifest may read. `working` is where the command runs: it only shapes shown paths."""

    root: Path
    working: Path
    real_root: Path = field(init=False, compare=False)
    is_repository: bool = field(init=False, compare=False)
    _real_folders: dict[Path, Path] = field(init=False, compare=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "real_root", self.root.resolve())
        object.__setattr__(self, "is_repository", (self.root / ".git").exists())

    @classmethod
    def of(cls, manifest: Path, working: Path) -> "Project":
        return cls(root=project_root(manifest), working=working)

    def shown(self, path: Path) -> str:
        """Relative to the repository; without one, to the working directory or the manifest's folder; with `/`."""
        path = path.absolute()
        for base in (self.root,) if self.is_repository else (self.working, self.root):
            below = _below(path, base)
            if below is not None:
                return below
        return Path(os.path.relpath(path, self.root)).as_posix()

    def named(self, path: Path) -> str | None:
        """What a file below the root is called on every machine, with `/`; None for one from elsewhere.

        A link is called by its own name, not by what it leads to. What reads like an option stands behind `./`.
        """
        path = path.absolute()
        for way in (self.real(path.parent) / path.name, path):
            below = _below(way, self.real_root)
            if below is not None:
                name = below if below.isascii() else below.encode("utf-8", "backslashreplace").decode()
                return f"./{name}" if name.startswith("-") else name
        return None

    def real(self, folder: Path) -> Path:
        """Where a folder really is: asked of the system once for each."""
        real = self._real_folders.get(folder)
        if real is None:
            real = self._real_folders[folder] = folder.resolve()
        return real


def _below(path: Path, base: Path) -> str | None:
    """A path seen from a folder that it lies in, with `/`: as `relative_to` has it, in a tenth of the time."""
    whole, start = path.as_posix(), base.as_posix()
    if whole == start:
        return "."
    start = start if start.endswith("/") else f"{start}/"
    return whole[len(start) :] if whole.startswith(start) else None
