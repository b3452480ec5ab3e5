"""The files of `--report`: each is whole, or what it was before."""

import errno
import os
import secrets
import shutil
from collections.abc import Container, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from runner.errors import LedgerFault, UsageError
from runner.files import is_file

from .options import ReportFile

_IN_PLACE = {errno.EACCES, errno.EPERM, errno.EBUSY}  # nothing may be made beside it, or it is mounted by itself


def check(reports: Sequence[ReportFile]) -> None:
    """Before anything is done: raises LedgerFault for one that can't be written."""
    for report in reports:
        try:
            _try(report.path)
        except OSError as error:
            raise _fault(report.path, error) from None


def taking(reports: Sequence[ReportFile], read: Iterable[Path]) -> list[ReportFile]:
    """Those that would take the place of a file that is `read`."""
    inputs = {path.resolve() for path in read}
    return [report for report in reports if is_file(report.path) and _is_one_of(inputs, report.path)]


def spare(reports: Sequence[ReportFile], read: Iterable[Path]) -> None:
    """Raises UsageError for one that would take the place of a file that is `read`."""
    for report in taking(reports, read):
        raise UsageError(
            f"--report {report.kind}={report.path}: that file is an input, and the report would overwrite it",
            hint="name another file",
        )


def _is_one_of(inputs: Container[Path], path: Path) -> bool:
    """A schema is read by no command, but by the editor that the manifest names it for."""
    return path.resolve() in inputs or path.name.endswith(".schema.json")


def write(path: Path, text: str) -> None:
    """Raises LedgerFault where the disk can't take it: a pipeline must not go on with an old report."""
    write_pieces(path, (text,) if text else ())


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """The same of a text that is too long to be held: each piece ends in a line break that is not part of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # a device or a pipe, whose place no file may take
            with path.open("wb") as file:
                file.writelines(map(_encoded, pieces))
        else:
            _replace(path.resolve(), map(_encoded, pieces))
    except OSError as error:
        raise _fault(path, error) from None


def _encoded(piece: str) -> bytes:
    return f"{piece}\n".encode("utf-8", "backslashreplace")


def _try(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and (not path.is_file() or os.access(path, os.W_OK)):
        return
    beside = _beside(path.resolve())
    beside.touch(exist_ok=False)
    beside.unlink()


def _replace(path: Path, content: Iterable[bytes]) -> None:
    beside = _beside(path)
    try:
        file = beside.open("xb")
    except OSError as error:
        _must_be_in_place(error, path)
        with path.open("wb") as file:
            file.writelines(content)
        return
    try:
        with file:
            if path.exists():
                beside.chmod(path.stat().st_mode)
            file.writelines(content)
        _move(beside, path)
    finally:
        with suppress(OSError):
            beside.unlink()


def _move(beside: Path, path: Path) -> None:
    try:
        beside.replace(path)
    except OSError as error:
        _must_be_in_place(error, path)
        with beside.open("rb") as whole, path.open("wb") as file:
            shutil.copyfileobj(whole, file)


def _must_be_in_place(error: OSError, path: Path) -> None:
    if error.errno not in _IN_PLACE or not path.exists():
        raise error


def _beside(path: Path) -> Path:

    return path.with_name(f".flypast-{secrets.token_hex(6)}")


def _fault(path: Path, error: OSError) -> LedgerFault:
    return LedgerFault(f"the report {path} can't be written: {error.strerror or error}")
