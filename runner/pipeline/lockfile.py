"""`flypast.lock`: the plans that were reviewed, each by its digest. One file at the project root, YAML, sorted."""

import fcntl
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from runner.errors import LedgerFault, Refused
from runner.files import FileFault, open_plain
from runner.findings import Findings, Severity
from runner.judge import judge
from runner.manifest.documents import load_document
from runner.model import Json

from .loading import LARGEST_MANIFEST

NAME = "flypast.lock"
VERSION = 1
_HEAD = f"""\
# What was reviewed: flypast plan MANIFEST --lock writes it, send holds to it. Commit it.
formatVersion: {VERSION}
"""
_SET = "--set "
_CONFLICT = re.compile(rb"^(?:<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|\Z)", re.MULTILINE)
_ANEW = "put it right, or delete it and lock each manifest again with: flypast plan MANIFEST --lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A plan that was reviewed. `inputs` are SHA-256 by names that are the same on every machine."""

    manifest: str
    parameters: tuple[str, ...]
    digest: str
    inputs: Mapping[str, str]

    @property
    def key(self) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
        """Which plan it is: the manifest, the files of parameters in their order, the values that were set."""
        sets = sorted((name, value) for name, value in self.inputs.items() if name.startswith(_SET))
        return self.manifest, self.parameters, tuple(sets)


def read_lock(root: Path) -> tuple[Reviewed, ...] | None:
    """What the lock of this project holds; None where there is none. Raises Refused for one that can't be read."""
    path = root / NAME
    if not os.path.lexists(path):
        return None
    try:
        with open_plain(path) as file:
            source = file.read(LARGEST_MANIFEST + 1)
    except FileFault as fault:
        raise Refused(fault.message, hint=f"{NAME} is a plain file at the project root: {_ANEW}") from None
    return _reviewed(_data(source))


def write_lock(root: Path, plan: Reviewed) -> tuple[str, ...]:
    """Puts one plan in, in place of the one with its key. Gives the manifests that were dropped as they are gone.

    The file is replaced whole, and not touched where it says all that already. Raises Refused and LedgerFault.
    """
    with _alone(root):
        others = [held for held in read_lock(root) or () if held.key != plan.key]
        kept = [held for held in others if held.manifest == plan.manifest or os.path.lexists(root / held.manifest)]
        _replace(root / NAME, lock_text([*kept, plan]).encode())
    return tuple(sorted({held.manifest for held in others} - {held.manifest for held in kept}))


def lock_text(plans: Iterable[Reviewed]) -> str:
    """The file: the same plans give the same text, with a line for each input."""
    ordered = sorted(plans, key=lambda plan: plan.key)
    lines = [f"  - {line}" if first else f"    {line}" for plan in ordered for first, line in _lines(plan)]
    return "\n".join([f"{_HEAD}reviewed:", *lines, ""]) if lines else f"{_HEAD}reviewed: []\n"


def _lines(plan: Reviewed) -> Iterator[tuple[bool, str]]:
    yield True, f"manifest: {_quoted(plan.manifest)}"
    if plan.parameters:
        yield False, "parameters:"
        yield from ((False, f"  - {_quoted(name)}") for name in plan.parameters)
    yield False, f"digest: {_quoted(plan.digest)}"
    yield False, "inputs:"
    yield from ((False, f"  {_quoted(name)}: {_quoted(value)}") for name, value in sorted(plan.inputs.items()))


def _quoted(text: str) -> str:
    """As YAML's double-quoted style has it, which can hold any text."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _data(source: bytes) -> Json:
    """What stands in the file, as its schema wants it. Raises Refused."""
    if conflict := _CONFLICT.search(source):
        line = source.count(b"\n", 0, conflict.start()) + 1
        raise Refused(
            f"{NAME}:{line} has the marks of a merge that was not finished",
            hint="take one side of it, review the plan again, then: flypast plan MANIFEST --lock",
        )
    findings = Findings()
    document = load_document(source, Path(NAME), NAME, findings)
    for finding in findings.sorted():
        if finding.severity is Severity.ERROR:
            raise Refused(f"{NAME}:{finding.place.line} can't be read: {finding.message}", hint=_ANEW)
    data = document.data if document is not None else None
    _check_version(data)
    for error in judge("lock").errors(data):
        where = document.place(error.path).line if document is not None else 1
        raise Refused(f"{NAME}:{where} is not as flypast wrote it", hint=_ANEW)
    return data


def _check_version(data: Json) -> None:
    version = data.get("formatVersion") if isinstance(data, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise Refused(
            f"{NAME} has format {version}, and this flypast knows {VERSION}",
            hint="install the flypast that wrote it, or a newer one",
        )


def _reviewed(data: Json) -> tuple[Reviewed, ...]:
    return tuple(
        Reviewed(
            manifest=entry["manifest"],
            parameters=tuple(entry.get("parameters") or ()),
            digest=entry["digest"],
            inputs=entry["inputs"],
        )
        for entry in data["reviewed"]
    )


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Two that lock at once go one after the other, or one of them would lose what the other wrote."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system that has no locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _replace(path: Path, content: bytes) -> None:
    """All of it or nothing, and durable."""
    beside = path.with_name(f".{NAME}.{secrets.token_hex(6)}")
    try:
        if path.exists() and path.read_bytes() == content:
            return
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise LedgerFault(f"{NAME} can't be written: {error.strerror}") from None
