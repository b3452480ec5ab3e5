"""Where a ledger lies: the default place, found by files alone, and what `--ledger` says."""

from pathlib import Path

from runner.errors import Refused, UsageError
from runner.project import repository_of

_FORM = "give sqlite:///PATH (what follows the three slashes is the path, absolute when it starts with /)"


def default_ledger(manifest_or_dir: Path, *, is_loopback: bool) -> Path:
    """The ledger's path where none is given. Nothing is created.

    In Git: `flypast/` in the common Git directory, which worktrees share and `git clean` leaves alone. Elsewhere:
    `.flypast/` beside the manifest. Raises Refused where a `.git` file leads nowhere.
    """
    folder = (manifest_or_dir if manifest_or_dir.is_dir() else manifest_or_dir.parent).resolve()
    root = repository_of(folder)
    home = folder / ".flypast" if root is None else _common_directory(root / ".git") / "flypast"
    return home / ("sandbox.db" if is_loopback else "ledger.db")


def parse_ledger_url(url: str) -> Path:
    """The path in `sqlite:///PATH`. Raises UsageError; the URL is never repeated, as it may hold a password."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise UsageError("--ledger must be a URL", hint=_FORM)
    if scheme in {"postgresql", "postgres"}:
        raise UsageError("a PostgreSQL ledger can't be used yet", hint=_FORM)
    if scheme != "sqlite":
        raise UsageError(f"--ledger: there is no ledger of the kind {scheme!r}", hint=_FORM)
    if not rest.startswith("/") or rest == "/":
        raise UsageError("--ledger: a path must follow sqlite:///", hint=_FORM)
    return _possible(Path(rest[1:]))


def _possible(path: Path) -> Path:
    """The path, unless no file could ever be there. Raises UsageError."""
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
