"""The files of `--report`: each is whole, or what it was before."""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runner.errors import LedgerFault

from .options import ReportFile

_IN_PLACE = {errno.EACCES, errno.EPERM, errno.EBUSY}  # nothing may be made beside it, or it is mounted by itself


def check(reports: Sequence[ReportFile]) -> None:
    """Before anything is done: raises LedgerFault for one that can't be written."""
    for report in reports:
        try:
            _try(report.path)
        except OSError as error:
            raise _fault(report.path, error) from None


def write(path: Path, text: str) -> None:
    """Raises LedgerFault where the disk can't take it: a pipeline must not go on with an old report."""
    content = f"{text}\n".encode("utf-8", "backslashreplace") if text else b""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # a device or a pipe, whose place no file may take
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)
    except OSError as error:
        raise _fault(path, error) from None


def _try(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and (not path.is_file() or os.access(path, os.W_OK)):
        return
    beside = _beside(path.resolve())
    beside.touch(exist_ok=False)
    beside.unlink()


def _replace(path: Path, content: bytes) -> None:
    beside = _beside(path)
    try:
        with beside.open("xb") as file:
            if path.exists():
                beside.chmod(path.stat().st_mode)
            file.write(content)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        if error.errno not in _IN_PLACE or not path.exists():
            raise
        path.write_bytes(content)


def _beside(path: Path) -> Path:
    import secrets

    return path.with_name(f".flypast-{secrets.token_hex(6)}")


def _fault(path: Path, error: OSError) -> LedgerFault:
    return LedgerFault(f"the report {path} can't be written: {error.strerror or error}")
