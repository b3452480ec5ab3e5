"""Opening files: what a manifest names must lie below the project root; what the operator names may lie anywhere."""

import errno
import os
import stat
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

LINKS_FOLLOWED = 40
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that a named pipe put there after the look does not hang us.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


Hint = str | Callable[[], str | None] | None  # one that has to be looked for is asked for where it is shown


class FileFault(Exception):
    """A file that can't or may not be read: what is wrong, and the fix. `is_missing` where there is none."""

    def __init__(self, message: str, hint: Hint = None, *, is_missing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self._hint = hint
        self.is_missing = is_missing

    @property
    def hint(self) -> str | None:
        return self._hint() if callable(self._hint) else self._hint


def open_below(root: Path, base: Path, written: str, real_of: Callable[[Path], Path] = Path.resolve) -> BinaryIO:
    """A regular file below the project root, as `written` in a file of the folder `base`. Its `name` is its real path.

    Folders are opened one by one from the root and links are read, not followed: `..` and links may lead about
    below the root, never out of it, and nothing is opened before it is known to be a regular file.
    `real_of` gives a folder's real path, where who asks often knows it already. Raises FileFault.
    """
    real_root = real_of(root)
    steps = _steps(root, real_root, base, written, real_of)
    try:
        with ExitStack() as open_folders:
            way = _Way(written=written, root=real_root, pending=deque(steps), open_folders=open_folders)
            return way.walk()
    except (OSError, ValueError) as error:
        raise FileFault(f'"{written}" can\'t be read: {_reason(error)}') from None


def is_file(path: Path) -> bool:
    """False too where nobody can tell, as a folder is closed or a name is too long: whoever opens it says so."""
    try:
        return path.is_file()
    except OSError:
        return False


def open_plain(path: Path) -> BinaryIO:
    """A regular file at exactly this path: no link, pipe or device. Raises FileFault."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise FileFault(f"{path.name} is a symbolic link, not a file")
        if not stat.S_ISREG(mode):
            raise FileFault(f"{path.name} is {_kind(mode)}, not a file")
        # Not followed and not waited for either, should something else stand there by now.
        return open(path, "rb", opener=lambda name, _flags: os.open(name, _FILE))
    except OSError as error:
        raise FileFault(f"{path.name} can't be read: {_reason(error)}") from None


def open_operator(path: str, stdin: TextIO | None) -> BinaryIO:
    """What the operator gives: a file anywhere, or `-` for standard input. It can be read again from its start.

    Standard input and pipes are copied to a temporary file that has no name and that no other user can open; `stdin`
    is None where whoever started us closed it.
    Raises FileFault.
    """
    if path == "-":
        return _copied(bytes_of(stdin))
    try:
        opened = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    except (OSError, ValueError) as error:
        raise FileFault(f'"{path}" can\'t be read: {_reason(error)}') from None
    mode = os.fstat(opened.fileno()).st_mode
    if stat.S_ISREG(mode):
        return opened
    with opened:
        if not stat.S_ISFIFO(mode):
            raise FileFault(f'"{path}" is {_kind(mode)}, not a file')
        return _copied(opened)


def bytes_of(stdin: TextIO | None) -> BinaryIO:
    """Raises FileFault where there is nothing to read from."""
    if stdin is None:
        raise FileFault("standard input is closed", hint="give it a file: < FILE")
    return stdin.buffer


def _copied(source: BinaryIO) -> BinaryIO:
    import shutil  # noqa: PLC0415 - only pipes are copied
    import tempfile  # noqa: PLC0415

    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(source, copy)
    copy.seek(0)
    return copy


def _steps(root: Path, real_root: Path, base: Path, written: str, real_of: Callable[[Path], Path]) -> list[str]:
    """The steps from the root to the file as written."""
    if not written.strip():
        raise FileFault("the path of the file is empty")
    if not written.startswith("/"):
        try:
            return [*real_of(base).relative_to(real_root).parts, *_split(written)]
        except ValueError:
            raise _outside(written) from None
    for known in (real_root, root.absolute()):
        if Path(written).is_relative_to(known):
            return _split(str(Path(written).relative_to(known)))
    raise _outside(written)


def _split(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", ".")]


def _outside(written: str) -> FileFault:
    return FileFault(
        f'"{written}" lies outside the project',
        "a manifest reads only files below its project root",
    )


def _nearest(name: str, names: list[str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    near = get_close_matches(name, names, n=1)
    return f'did you mean "{near[0]}"?' if near else None


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "not a regular file")


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "input/output error").lower() if isinstance(error, OSError) else "not a path"


@dataclass(slots=True, kw_only=True)
class _Way:
    """The way from the root to a file: each folder on it is held open, so that none can be swapped under us."""

    written: str
    root: Path
    pending: deque[str]
    open_folders: ExitStack
    folders: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    links: int = 0

    def walk(self) -> BinaryIO:
        self._enter(os.open(self.root, _FOLDER))
        while self.pending:
            step = self.pending.popleft()
            if step == "..":
                self._leave()
                continue
            mode = self._look(step)
            if stat.S_ISLNK(mode):
                self._read_link(step)
            elif stat.S_ISDIR(mode) and self.pending:
                self._enter(os.open(step, _FOLDER, dir_fd=self.folders[-1]))
                self.names.append(step)
            else:
                return self._open(step, mode)
        raise FileFault(f'"{self.written}" is a folder, not a file')

    def _enter(self, folder: int) -> None:
        self.folders.append(folder)
        self.open_folders.callback(os.close, folder)

    def _leave(self) -> None:
        if not self.names:
            raise _outside(self.written)
        self.folders.pop()
        self.names.pop()

    def _look(self, step: str) -> int:
        try:
            return os.stat(step, dir_fd=self.folders[-1], follow_symlinks=False).st_mode
        except FileNotFoundError:
            names = os.listdir(self.folders[-1])  # noqa: PTH208 - of the open folder, whatever its path is by now
            raise FileFault(
                f'there is no file "{self.written}"', partial(_nearest, step, names), is_missing=True
            ) from None

    def _read_link(self, step: str) -> None:
        self.links += 1
        if self.links > LINKS_FOLLOWED:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = os.readlink(step, dir_fd=self.folders[-1])
        if target.startswith("/"):
            if not Path(target).is_relative_to(self.root):
                raise _outside(self.written)
            target = str(Path(target).relative_to(self.root))
            del self.folders[1:], self.names[:]
        self.pending.extendleft(reversed(_split(target)))

    def _open(self, step: str, mode: int) -> BinaryIO:
        if self.pending:
            raise FileFault(f'there is no file "{self.written}": "{step}" is not a folder')
        if not stat.S_ISREG(mode):
            raise FileFault(f'"{self.written}" is {_kind(mode)}, not a file')
        opened = os.open(step, _FILE, dir_fd=self.folders[-1])
        mode = os.fstat(opened).st_mode
        if not stat.S_ISREG(mode):  # swapped between the look and the opening
            os.close(opened)
            raise FileFault(f'"{self.written}" is {_kind(mode)}, not a file')
        real = self.root.joinpath(*self.names, step)
        return open(real, "rb", opener=lambda _path, _flags: opened)
