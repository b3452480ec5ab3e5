"""A power cut for SQLite: what each file held when it was last synced, which is all that a disk has to keep.

It stands between SQLite and its own way to files (a VFS), by its C interface: https://sqlite.org/c3ref/vfs.html
"""

import ctypes
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_void_p, cast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_OK = 0
_XOPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))  # SQLite keeps the path: no copy of it
_XSYNC = CFUNCTYPE(c_int, c_void_p, c_int)
_XSYNC_AT = 5  # in sqlite3_io_methods: iVersion, xClose, xRead, xWrite, xTruncate, xSync, ...
_METHODS = 19  # all of version 3


class _Vfs(Structure):
    _fields_ = [
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", _XOPEN),
        ("rest", c_void_p * 15),
    ]


class _File(Structure):
    _fields_ = [("methods", POINTER(c_void_p))]


@dataclass(slots=True)
class Disk:
    """What is on it for good, by inode, as a file may be given another name after it was synced."""

    synced: dict[int, bytes] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)  # what SQLite holds pointers to

    def cut(self, path: Path, other: Path) -> None:
        """The files of the database at `path` as a power cut would leave them now, at `other`."""
        for end in ("", "-wal"):
            source = Path(f"{path}{end}")
            if source.exists() and (content := self.synced.get(source.stat().st_ino)) is not None:
                Path(f"{other}{end}").write_bytes(content)


def library() -> ctypes.CDLL | None:
    """The very SQLite that Python uses; None where it is built into Python and can't be reached."""
    try:
        found = ctypes.CDLL("libsqlite3.so.0")
    except OSError:
        return None
    found.sqlite3_libversion.restype = c_char_p
    found.sqlite3_vfs_find.restype = POINTER(_Vfs)
    is_ours = "libsqlite3.so" in Path("/proc/self/maps").read_text() and bool(sqlite3.sqlite_version)
    return found if is_ours and found.sqlite3_libversion().decode() == sqlite3.sqlite_version else None


@contextmanager
def disk(sqlite: ctypes.CDLL) -> Iterator[Disk]:
    """While the block lasts, each file that SQLite opens is on this disk."""
    found = Disk()
    usual = sqlite.sqlite3_vfs_find(None)
    name = b"a disk without power"
    ours = _Vfs.from_buffer_copy(usual.contents)
    ours.zName, ours.pNext = name, None

    def opens(vfs: int, path: int | None, file: int, flags: int, out: Any) -> int:
        code: int = usual.contents.xOpen(vfs, path, file, flags, out)
        if code == _OK and path is not None:
            _watch(found, cast(file, POINTER(_File)), os.fsdecode(ctypes.string_at(path)))
        return code

    ours.xOpen = _XOPEN(opens)
    found._kept += [ours, name, ours.xOpen]
    sqlite.sqlite3_vfs_register(ctypes.byref(ours), 1)
    try:
        yield found
    finally:
        sqlite.sqlite3_vfs_unregister(ctypes.byref(ours))
        sqlite.sqlite3_vfs_register(usual, 1)


def _watch(found: Disk, file: Any, path: str) -> None:
    methods = (c_void_p * _METHODS)()
    ctypes.memmove(methods, file.contents.methods, ctypes.sizeof(methods))
    usual = _XSYNC(methods[_XSYNC_AT] or 0)

    def syncs(file: int, flags: int) -> int:
        code = int(usual(file, flags))
        if code == _OK:
            found.synced[Path(path).stat().st_ino] = Path(path).read_bytes()
        return code

    ours = _XSYNC(syncs)
    methods[_XSYNC_AT] = cast(ours, c_void_p).value
    found._kept += [methods, ours]
    file.contents.methods = cast(methods, POINTER(c_void_p))
