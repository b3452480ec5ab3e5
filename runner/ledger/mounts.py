"""Which file systems can't hold a ledger: over a network, locks and memory maps don't hold what they promise."""

import re
from pathlib import Path

from runner.errors import LedgerFault

_REMOTE = frozenset(
    {"9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs", "fuse", "fuseblk", "gfs", "gfs2"}
    | {"glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2"}
    | {"smb", "smb2", "smb3", "smbfs", "sshfs", "vboxsf", "vmhgfs"}
)


def mount_table() -> str:
    """Linux's table of mounts; empty elsewhere, where this check can't be made."""
    table = Path("/proc/self/mountinfo")
    return table.read_text(encoding="utf-8", errors="surrogateescape") if table.is_file() else ""


def refuse_remote(path: Path, mounts: str) -> None:
    """Raises LedgerFault where `path` (there or not yet) lies on a network or FUSE file system."""
    kind = _file_system(path.resolve(), mounts)
    if kind is not None and (kind in _REMOTE or kind.startswith("fuse.")):
        raise LedgerFault(
            f"{path} lies on a {kind} file system, where a lock of one machine does not hold on another",
            hint="put the ledger on a local disk: --ledger sqlite:///PATH",
        )


def _file_system(path: Path, mounts: str) -> str | None:
    """The type of the mount that holds `path`: the deepest, and of those at one point the last."""
    found: tuple[int, str] = (-1, "")
    for line in mounts.splitlines():
        placed, _, kind = line.partition(" - ")
        fields = placed.split(" ")
        if len(fields) < 5 or not kind:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4]))
        if path.is_relative_to(point) and len(point.parts) >= found[0]:
            found = (len(point.parts), kind.split(" ")[0])
    return found[1] or None
