"""Where a ledger lies: the default place, found by files alone, and what `--ledger` says."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runner.errors import Refused, UsageError
from runner.project import near, repository_of

from .seam import Ledger
from .sqlite import create, name_ledger, open_ledger, open_or_create

if TYPE_CHECKING:
    from .runs import KeysOf, Runs

_FORM = (
    "give sqlite:///PATH (what follows the three slashes is the path, absolute when it starts with /) "
    "or postgresql://USER@HOST/DATABASE"
)


class Place(Protocol):
    """Where a ledger is or will be. What it shows of itself holds no password."""

    @property
    def words(self) -> str: ...

    @property
    def near(self) -> str:
        """The same in fewer words, for who knows where they stand."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What it lies in on this machine."""

    @property
    def is_lasting(self) -> bool:
        """Whether it outlives the machine that the run is on."""

    @property
    def is_made_by_send(self) -> bool:
        """Whether the first send makes it; else only `ledger init` does."""

    @property
    def care(self) -> str:
        """What to do where the ledger is damaged."""

    def runs(self, *, origin: str | None, keys_of: "KeysOf") -> "Runs | None":
        """The runs that workers carry; None where a ledger is one machine's own. Raises what opening it does."""

    @property
    def conninfo(self) -> str | None:
        """How libpq reaches its database: it may hold a password. None for a file."""

    def open(self, *, origin: str | None, is_judged: bool = True) -> Ledger | None:
        """To read; None where there is none. See `open_ledger` of each store."""

    def make(self, *, origin: str, name: str | None, at: str) -> Ledger:
        """A new one. Raises LedgerFault where one is there already."""

    def open_or_make(self, *, origin: str, at: str) -> Ledger:
        """For a send. Raises Refused where there is none and a send must not make it."""

    def bring_up_to_date(self) -> str | None:
        """An older format becomes today's, where nothing but `ledger init` may do that: then what it is now."""

    def give_name(self, name: str) -> None:
        """Once and for ever. Raises Refused where it has a name already."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A SQLite file."""

    path: Path

    is_lasting = False
    is_made_by_send = True
    conninfo = None
    care = "keep a copy of the file with its -wal before you do anything, then put a good one back"

    @property
    def words(self) -> str:
        return str(self.path)

    @property
    def near(self) -> str:
        return str(near(self.path))

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-shm")))

    def open(self, *, origin: str | None, is_judged: bool = True) -> Ledger | None:
        return open_ledger(self.path, origin=origin, is_judged=is_judged) if _may_be_there(self.path) else None

    def make(self, *, origin: str, name: str | None, at: str) -> Ledger:
        return create(self.path, origin=origin, name=name, at=at)

    def open_or_make(self, *, origin: str, at: str) -> Ledger:
        return open_or_create(self.path, origin=origin, at=at)

    def runs(self, *, origin: str | None, keys_of: "KeysOf") -> "Runs | None":  # noqa: ARG002 - a database's
        """One machine's own."""
        return None

    def bring_up_to_date(self) -> str | None:
        """Opening it does."""
        return None

    def give_name(self, name: str) -> None:
        name_ledger(self.path, name)


def _may_be_there(path: Path) -> bool:
    """Where nobody can tell, as its folder is somebody else's, whoever opens it says so."""
    try:
        return path.exists()
    except PermissionError:
        return True


def default_ledger(manifest_or_dir: Path, *, is_loopback: bool) -> Path:
    """The ledger's path where none is given. Nothing is created.

    In Git: `flypast/` in the common Git directory, which worktrees share and `git clean` leaves alone. Elsewhere:
    `.flypast/` beside the manifest. Raises Refused where a `.git` file leads nowhere.
    """
    folder = (manifest_or_dir if manifest_or_dir.is_dir() else manifest_or_dir.parent).resolve()
    root = repository_of(folder)
    home = folder / ".flypast" if root is None else _common_directory(root / ".git") / "flypast"
    return home / ("sandbox.db" if is_loopback else "ledger.db")


def parse_ledger_url(url: str) -> Place:
    """The place that `--ledger` names. Raises UsageError; the URL is never repeated, as it may hold a password."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise UsageError("--ledger must be a URL", hint=_FORM)
    if scheme in {"postgresql", "postgres"}:
        return _database(url)
    if scheme != "sqlite":
        raise UsageError(f"--ledger: there is no ledger of the kind {scheme!r}", hint=_FORM)
    if not rest.startswith("/") or rest == "/":
        raise UsageError("--ledger: a path must follow sqlite:///", hint=_FORM)
    return FilePlace(_possible(Path(rest[1:])))


def without_password(argument: str) -> str:
    """An argument of a command line as it may be shown: of a database's URL only its scheme."""
    return re.sub(r"(?i)(postgres(?:ql)?://).*", r"\1…", argument, flags=re.DOTALL)


def _database(url: str) -> Place:
    try:
        from .postgres_place import DatabasePlace  # noqa: PLC0415 - psycopg is an extra, and slow to load
    except ImportError:
        raise UsageError(
            "a PostgreSQL ledger needs the extra postgres", hint="install it: pip install 'flypast[postgres]'"
        ) from None
    return DatabasePlace.of(url)


def _possible(path: Path) -> Path:
    """The path, unless no file could ever be there. Raises UsageError."""
    if path.name in {"", ".."}:
        raise UsageError(f"--ledger: {path} is a folder, and a ledger is a file", hint=_FORM)
    try:
        path.resolve()
        path.exists()
    except PermissionError:
        return path  # whoever opens it says so
    except (OSError, RuntimeError, ValueError) as error:  # too long, links that lead in a circle, a NUL
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"--ledger: no file can be at this path: {reason[:80]}", hint=_FORM) from None
    return path


def _common_directory(dot_git: Path) -> Path:
    """`.git` itself, or where its `gitdir:` leads (a submodule), or that one's `commondir` (a worktree)."""
    if dot_git.is_dir():
        return dot_git
    own = _pointed_at(dot_git, dot_git.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir:"))
    shared = own / "commondir"
    return (
        _pointed_at(shared, shared.read_text(encoding="utf-8", errors="surrogateescape")) if shared.is_file() else own
    )


def _pointed_at(pointer: Path, text: str) -> Path:
    target = (pointer.parent / text.strip()).resolve()
    if text.strip() and target.is_dir():
        return target
    raise Refused(
        f"{pointer} should lead to the repository's Git directory, but there is no folder at {target}",
        hint="run where the whole repository is present, or name a ledger with --ledger",
    )
