"""The project a manifest belongs to: its root, and how its files are shown to people."""

import os
from dataclasses import dataclass
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

    @classmethod
    def of(cls, manifest: Path, working: Path) -> "Project":
        return cls(root=project_root(manifest), working=working)

    def shown(self, path: Path) -> str:
        """Relative to the repository; without one, to the working directory or the manifest's folder; with `/`."""
        path = path.absolute()
        bases = (self.root,) if (self.root / ".git").exists() else (self.working, self.root)
        for base in bases:
            if path.is_relative_to(base):
                return path.relative_to(base).as_posix()
        return Path(os.path.relpath(path, self.root)).as_posix()

    def named(self, path: Path) -> str | None:
        """What a file below the root is called on every machine, with `/`; None for one from elsewhere.

        A link is called by its own name, not by what it leads to. What reads like an option stands behind `./`.
        """
        path = path.absolute()
        real_root = self.root.resolve()
        for way in (path.parent.resolve() / path.name, path):
            if way.is_relative_to(real_root):
                name = way.relative_to(real_root).as_posix().encode("utf-8", "backslashreplace").decode()
                return f"./{name}" if name.startswith("-") else name
        return None
