"""Making, opening and judging a ledger's SQLite file. Judging changes no byte of it."""

import contextlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from runner import __version__
from runner.errors import LedgerFault, Refused

from . import tables
from .locks import Witness

_OLDEST_SQLITE = (3, 37, 0)  # STRICT tables
_MOST_QUICK_BYTES = 16 * 1024 * 1024  # its pages are checked in the blink of an eye
_WAIT_S = 10.0  # for another run's commit (of another manifest), which takes milliseconds
_BROKEN = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_DAMAGED = "{path} is damaged: {detail}"
_RESTORE = "the file was left as it is; put back a good copy of it, as a new ledger would send everything again"

Version = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Which ledger this is: `identity` is its own for ever, `origin` the one API it may be used with."""

    identity: str
    origin: str
    name: str | None
    version: int


def make(path: Path, *, origin: str, name: str | None, at: str) -> bool:
    """A whole new ledger appears at `path`, for its owner alone, or nothing does. False where a file is there."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LedgerFault(f"SQLite {sqlite3.sqlite_version} is too old for a ledger", hint="3.37 or later is needed")
    try:
        _make_folder(path.parent)
        descriptor, unnamed = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
        os.close(descriptor)
        draft = Path(unnamed)
        try:
            _fill(draft, origin, name, at)
            return _appear(draft, path)
        finally:
            draft.unlink()
    except OSError as error:
        raise LedgerFault(f"no ledger can be made at {path}: {error.strerror}") from error


def must_be_there(path: Path) -> None:
    """Raises Refused where nothing is at `path`, LedgerFault where it can't be a ledger."""
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise Refused(f"there is no ledger at {path}", hint="flypast ledger init makes one") from None
    except OSError as error:
        raise LedgerFault(f"{path} can't be opened: {error.strerror}") from error
    if not stat.S_ISREG(kind):
        raise LedgerFault(f"{path} is not a file, so it is not a ledger", hint="name another one with --ledger")


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, and leaves no file behind (two at once may leave an empty log to the next run).

    SQLite reads a WAL database only with a `-shm` beside it. Where there is no log, a writable connection that asks
    no writes makes that file and takes it away again. Where there is one, such a connection would move the log into
    the database on leaving, so a read-only one is used: the `-shm` of a living or killed run is there already.
    """
    has_log = path.with_name(path.name + "-wal").exists()
    with faults(path):
        try:
            mode = "mode=ro" if has_log else "mode=rw"
            return _connect(path, mode, "PRAGMA query_only = ON", "PRAGMA schema_version")
        except sqlite3.OperationalError as error:
            if has_log or _primary(error) != sqlite3.SQLITE_CANTOPEN:
                raise
            # A folder that can't be written: no `-shm` can be made there, and nobody writes there now.
            return _connect(path, "immutable=1", "PRAGMA query_only = ON")


def open_to_write(path: Path) -> sqlite3.Connection:
    """The one connection that writes: each COMMIT is on the disk when it returns."""
    with faults(path):
        return _connect(
            path,
            "mode=rw",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA fullfsync = ON",  # macOS: fsync alone leaves it in the disk's cache
            "PRAGMA foreign_keys = ON",
            "PRAGMA secure_delete = ON",  # what is let go is overwritten
        )


def judge(connection: sqlite3.Connection, path: Path) -> Meta:
    """Which ledger it is. Raises LedgerFault for what is none, is of a newer version, or can't be read."""
    with faults(path):
        if connection.execute("PRAGMA application_id").fetchone() != (tables.APPLICATION_ID,):
            raise LedgerFault(f"{path} is not a ledger of flypast", hint="it was left as it is; name another file")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != tables.VERSION and version not in tables.UPGRADES:
            raise LedgerFault(
                f"{path} is of version {version}, and this flypast knows version {tables.VERSION}",
                hint="it was left as it is; use the flypast that made it, or a newer one",
            )
        row = connection.execute(tables.META).fetchone()
    if row is None:
        raise LedgerFault(_DAMAGED.format(path=path, detail="it does not say which ledger it is"), hint=_RESTORE)
    identity, origin, name = row
    if not origin:
        raise LedgerFault(_DAMAGED.format(path=path, detail="it does not say which API it is for"), hint=_RESTORE)
    return Meta(identity=identity, origin=origin, name=name, version=version)


def upgrade(path: Path) -> None:
    """An older ledger in today's format, all of it or nothing; what it knows stays. Another process may be quicker."""
    with faults(path), contextlib.closing(open_to_write(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for each in range(version, tables.VERSION):
            for statement in tables.UPGRADES[each]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {tables.VERSION}")
        connection.execute("COMMIT")


def version_of(path: Path) -> Version:
    """What changes with every write to a ledger: of its file and of its log, if that holds anything."""
    found = []
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            status = file.stat()
        except OSError:
            continue
        if status.st_size:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def judge_history(
    connection: sqlite3.Connection, path: Path, meta: Meta, seen: Mapping[str, Witness], *, is_checked: bool = False
) -> None:
    """Raises LedgerFault where commits that were made are missing, or pages are damaged.

    The pages are checked where a run has not ended cleanly (unless that `is_checked` already: of a million messages it
    takes a second), and always in a file so small that it takes no time.
    `seen` must have been read before, as a living run goes on committing.
    """
    with faults(path):
        claims = connection.execute(tables.CLAIMS).fetchall()
        for cut in missing_commits(connection, path, meta, seen):
            raise cut
        is_sound = is_checked or all(is_clean for _, _, is_clean in claims)
        if path.stat().st_size <= _MOST_QUICK_BYTES or not is_sound:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise LedgerFault(_DAMAGED.format(path=path, detail=" ".join(found.split())), hint=_RESTORE)


def missing_commits(
    connection: sqlite3.Connection, path: Path, meta: Meta, seen: Mapping[str, Witness]
) -> Iterator[LedgerFault]:
    """One fault for each manifest of which commits were made that the ledger does not hold. `seen`: see above."""
    held = {manifest: commits for manifest, commits, _ in connection.execute(tables.CLAIMS).fetchall()}
    for manifest, witness in seen.items():
        if witness.ledger == meta.identity and witness.commits > held.get(manifest, 0):
            yield _cut(path, manifest, witness.commits - held.get(manifest, 0))


@contextlib.contextmanager
def faults(path: Path) -> Iterator[None]:
    """SQLite's errors as LedgerFault."""
    try:
        yield
    except sqlite3.Error as error:
        raise in_words(error, path) from error


def in_words(error: sqlite3.Error, path: Path) -> LedgerFault:
    words, hint = _words(error)
    return LedgerFault(words.format(path=path, detail=error), hint=hint)


def is_broken(fault: LedgerFault) -> bool:
    """True where the disk or the file failed, so that nothing may be written any more, not even what would fit."""
    return isinstance(fault.__cause__, sqlite3.Error) and _primary(fault.__cause__) in _BROKEN


def _words(error: sqlite3.Error) -> tuple[str, str | None]:
    match _primary(error):
        case sqlite3.SQLITE_FULL:
            return "the disk is full: {path} can't be written", "make room, then send again: nothing goes out twice"
        case sqlite3.SQLITE_IOERR:
            return "the disk failed under {path}: {detail}", "look at the disk; nothing more was sent"
        case sqlite3.SQLITE_CORRUPT:
            return _DAMAGED, _RESTORE
        case sqlite3.SQLITE_NOTADB:
            return "{path} is not a ledger of flypast", "it was left as it is; name another file"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"another process kept {{path}} locked for more than {_WAIT_S:.0f} s", "let it end, then try again"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "{path} can't be opened or written: {detail}", "it and its folder must be this user's"
        case _ if "decode" in str(error):  # SQLite's own words would quote the text, which may be an address
            return _DAMAGED.replace("{detail}", "it holds text that is not UTF-8"), _RESTORE
        case _:
            return "{path}: {detail}", None


def _primary(error: sqlite3.Error) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return 0 if code is None else code & 0xFF


def _cut(path: Path, manifest: str, missing: int) -> LedgerFault:
    lock = path.name + ".locks/" + quote(manifest, safe="") + ".lock"
    lacking = "commit" if missing == 1 else f"{missing:,} commits"
    return LedgerFault(
        f"{path} lacks the last {lacking} of {manifest}: its write-ahead log (-wal) was cut or removed, or "
        "this is an old copy",
        hint=f"put back the newest ledger.db with its -wal; where there is none, remove {lock} and run flypast ledger "
        "rebuild before any send: what this one lacks would go out again",
    )


def _connect(path: Path, mode: str, *settings: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?{mode}",
        uri=True,
        timeout=_WAIT_S,
        isolation_level=None,  # transactions are begun by hand
        check_same_thread=False,  # delivery commits from its writer thread, one call at a time
        cached_statements=256,  # each number of rows is a statement of its own
    )
    try:
        for setting in ("PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON", *settings):
            connection.execute(setting).fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _fill(draft: Path, origin: str, name: str | None, at: str) -> None:
    with faults(draft), contextlib.closing(_connect(draft, "mode=rw")) as connection:
        connection.executescript("BEGIN;" + tables.CREATE)
        connection.execute(tables.NAME, (origin, name, at, __version__))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _make_folder(folder: Path) -> None:
    """Makes the folders that are missing, for their owner alone: a ledger holds people's addresses."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=0o700, exist_ok=True)


def _appear(draft: Path, path: Path) -> bool:
    try:
        os.link(draft, path)  # unlike a rename, it never replaces a ledger that is there
    except FileExistsError:
        return False
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True
