"""The files of recipient lists: found, opened once for the whole run, their columns and cells looked up."""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath
from types import TracebackType
from typing import BinaryIO, Self

from runner.errors import UsageError
from runner.files import FileFault, open_below, open_operator
from runner.findings import Findings, Place
from runner.manifest.build import Manifest
from runner.manifest.documents import load_document
from runner.manifest.include import Origin
from runner.model import Recipient, RecipientList
from runner.recipients.addresses import is_somebodys
from runner.recipients.rows import Row, Rows
from runner.recipients.sources import cell_place, contact_rows, read_columns, read_many
from runner.recipients.suppress import suppressed
from runner.scratch import Kept

from .loading import Inputs, Loaded, shown_below

_BLOCK = 64 * 1024  # bytes read at once: room for more costs more than the reading, where files are small


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A list's file, open for the whole run: what is read twice is the same file twice."""

    file: BinaryIO
    shown: str
    suffix: str


@dataclass(slots=True, kw_only=True)
class ListFiles:
    """The lists of one manifest, those that the operator gives in place of the declared ones."""

    loaded: Loaded
    manifest: Manifest
    given: Inputs
    is_strict: bool
    findings: Findings
    not_checked: list[str]
    specs: dict[str, RecipientList] = field(init=False)
    _files: ExitStack = field(default_factory=ExitStack)
    _opened: dict[str, _Opened | None] = field(default_factory=dict)
    _columns: dict[str, tuple[str, ...] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.specs = {
            name: replace(spec, contacts=None) if name in self.given.recipients else spec
            for name, spec in self.manifest.lists.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def rows(self, spec: RecipientList, findings: Findings) -> Iterator[Row | Rows]:
        if spec.contacts is not None:
            self._note_people_in_git(spec)
            yield from contact_rows(spec, partial(self._contact_place, spec.name))
            return
        opened = self._open(spec)
        if opened is not None:
            yield from read_many(
                opened.file,
                suffix=opened.suffix,
                shown=opened.shown,
                spec=spec,
                findings=findings,
                load_yaml=load_document,
            )

    def _note_people_in_git(self, spec: RecipientList) -> None:
        """RCP545, once for a list, at the first of them."""
        if not self.loaded.project.is_repository:
            return
        contacts = spec.contacts or ()
        real = [index for index, contact in enumerate(contacts) if is_somebodys(contact, spec)]
        if real:
            place = self.manifest.list_documents[spec.name].place(
                ("recipients", spec.name, "contacts", real[0], "identifierValue")
            )
            self.findings.info(
                "RCP545",
                f'the list "{spec.name}" keeps people\'s addresses in Git, which forgets none ({len(real):,} of them)',
                place,
                hint=f"keep people out of Git: give them with --recipients {spec.name}=PATH",
            )

    def columns(self, name: str) -> tuple[str, ...] | None:
        """The columns of a list; None where only reading it tells."""
        if name not in self._columns:
            spec = self.specs.get(name)
            self._columns[name] = self._find_columns(spec) if spec is not None else None
        return self._columns[name]

    def cell(self, recipient: Recipient, column: str) -> Place:
        """The exact place of one value of a row; not while the list is being read."""
        name = recipient.list_name
        spec = self.specs[name]
        if spec.contacts is not None:
            return self._contact_place(name, recipient.row - 1, column)
        opened = self._open(spec)
        if opened is None:
            return recipient.place
        return cell_place(
            opened.file,
            suffix=opened.suffix,
            spec=spec,
            place=recipient.place,
            column=column,
            load_yaml=load_document,
        )

    def _contact_place(self, name: str, index: int, column: str) -> Place:
        path = ("recipients", name, "contacts", index)
        inner = (column,) if column == "identifierValue" else ("parameters", column)
        return self.manifest.list_documents[name].place((*path, *inner))

    def suppressed(self) -> Kept:
        """The addresses of the policy's suppress files. A missing file is a finding."""
        found = self._files.enter_context(Kept())
        for written, origin in self.manifest.suppress:
            self.loaded.asked.add(origin.document.path.parent / written)
            try:
                with _open_suppress(self.loaded, written, origin) as file:
                    self.loaded.suppress[written] = sha256_of(file)
                    entries = suppressed(
                        file,
                        suffix=PurePath(written).suffix,
                        shown=shown_below(self.loaded.project, Path(file.name)),
                        findings=self.findings,
                        load_yaml=load_document,
                    )
                    found.update(entries)
            except FileFault as fault:
                hint = fault.hint or "without it somebody who opted out would get a message"
                self.findings.error("POL804", fault.message, origin.place(), hint=hint)
        return found

    def _find_columns(self, spec: RecipientList) -> tuple[str, ...] | None:
        if spec.contacts is not None:
            names = {"identifierValue": None}
            for contact in spec.contacts:
                names |= dict.fromkeys(contact.get("parameters") or ())
            return tuple(names)
        opened = self._open(spec)
        if opened is None:
            return spec.columns
        return read_columns(opened.file, suffix=opened.suffix, shown=opened.shown, spec=spec, findings=Findings())

    def _open(self, spec: RecipientList) -> _Opened | None:
        if spec.name not in self._opened:
            given = self.given.recipients.get(spec.name)
            self._opened[spec.name] = self._declared(spec) if given is None else self._given(spec, given)
        return self._opened[spec.name]

    def _declared(self, spec: RecipientList) -> _Opened | None:
        base = self.manifest.list_documents[spec.name].path.parent
        self.loaded.asked.add(base / (spec.file or ""))
        try:
            file = self._files.enter_context(
                open_below(self.loaded.project.root, base, spec.file or "", self.loaded.project.real)
            )
        except FileFault as fault:
            self._no_file(spec, fault)
            return None
        project, real = self.loaded.project, Path(file.name)
        called = project.named(real) or real.name
        return self._noted(file, called, shown_below(project, real), PurePath(spec.file or "").suffix)

    def _given(self, spec: RecipientList, given: str) -> _Opened:
        try:
            file = self._files.enter_context(open_operator(given, sys.stdin))
        except FileFault as fault:
            raise UsageError(f"--recipients {spec.name}: {fault.message}", hint=fault.hint) from None
        # Standard input and pipes have no name of their own: they hold what the list's file would.
        suffix = PurePath(given).suffix or PurePath(spec.file or "").suffix or ".csv"
        called = f"--recipients {spec.name}"
        shown = self.loaded.project.shown(Path(given)) if given != "-" and Path(given).is_file() else called
        return self._noted(file, called, shown, suffix)

    def _noted(self, file: BinaryIO, called: str, shown: str, suffix: str) -> _Opened:
        self.loaded.inputs[called] = sha256_of(file)
        return _Opened(file=file, shown=shown, suffix=suffix)

    def _no_file(self, spec: RecipientList, fault: FileFault) -> None:
        if spec.columns is not None and not self.is_strict and fault.is_missing:
            self.not_checked.append(f"recipients {spec.name}: {spec.file} is not here, only its columns were checked")
            return
        give = f"give it from anywhere with --recipients {spec.name}=PATH"
        if fault.is_missing and not self.is_strict:
            give = f"{give}, or name its columns so that it can be checked without it"
        hint = give if fault.hint is None else f"{fault.hint}; {give}" if not fault.is_missing else fault.hint
        self.findings.error("RCP502", f"list {spec.name}: {fault.message}", spec.place_of("file"), hint=hint)


def suppress_moved(loaded: Loaded) -> list[str]:
    """The policy's suppress files that are not as they were when they were read, by the names that the policy has."""
    wanted = loaded.manifest.suppress if loaded.manifest is not None else ()
    return [written for written, origin in wanted if _is_moved(loaded, written, origin)]


def _is_moved(loaded: Loaded, written: str, origin: Origin) -> bool:
    try:
        with _open_suppress(loaded, written, origin) as file:
            return sha256_of(file) != loaded.suppress.get(written)
    except FileFault:
        return True


def _open_suppress(loaded: Loaded, written: str, origin: Origin) -> BinaryIO:
    return open_below(loaded.project.root, origin.document.path.parent, written, loaded.project.real)


def sha256_of(file: BinaryIO) -> str:
    """Of the whole file, which is then at its start again."""
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()
