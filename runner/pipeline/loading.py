"""From a path to a manifest: the file, its includes, the operator's parameters."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from runner.errors import UsageError
from runner.files import FileFault, open_below
from runner.findings import Findings, Source
from runner.manifest.build import Evaluate, Manifest, build, is_library
from runner.manifest.documents import Document, load_document
from runner.manifest.hidden import hidden_lines
from runner.manifest.include import gather
from runner.manifest.parameters import Parameters, settle
from runner.manifest.site import Site
from runner.model import Json
from runner.project import Project
from runner.rendering.faults import ExpressionFault, UnknownName
from runner.rendering.language import Language

from .faults import Faults

LARGEST_MANIFEST = 8 * 1024 * 1024
_LINE_BREAK = re.compile(r"\r\n|\r|\n")  # as YAML breaks lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the operator gives besides the manifest. Files are (path as given, bytes).

    `for_many`: the parameters are for several manifests, so what this one does not declare is another's. `concurrency`
    comes before the manifest's.
    """

    parameters: Sequence[tuple[str, bytes]] = ()
    sets: Sequence[tuple[str, str]] = ()
    recipients: Mapping[str, str] = field(default_factory=dict)
    for_many: bool = False
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A manifest ready to compose. `manifest` is None for a library and where too much is wrong to go on.

    `sources` are the files that findings show frames of, `files` where the manifest and its includes are. `inputs` has
    the SHA-256 of everything that was read, by names that are the same on every machine: a path below the root,
    `--set NAME`, `--recipients LIST`, and `--parameters FILE` for one from elsewhere; `parameter_files` are those names
    of the operator's files, in their order. The policy's suppress files, which change nothing
    that is reviewed, stand in `suppress`. `asked` are the paths of all files that were asked for, there or not.
    """

    project: Project
    document: Document | None
    manifest: Manifest | None
    language: Language
    sources: Mapping[str, Callable[[], Source]]
    files: Mapping[str, Path]
    inputs: dict[str, str]
    parameter_files: tuple[str, ...]
    suppress: dict[str, str] = field(default_factory=dict)
    asked: set[Path] = field(default_factory=set)

    def to_read(self) -> Iterator[Path]:
        """The files below the root that this manifest needs; what a draft includes once that has been compiled."""
        yield from self.files.values()
        yield from (self.project.root / name for name in self.inputs if not name.startswith("--"))
        if self.manifest is None:
            return
        for name, spec in self.manifest.lists.items():
            yield self.manifest.list_documents[name].path.parent / (spec.file or "")
        for written, origin in (*self.manifest.suppress, *filter(None, (self.manifest.prices,))):
            yield origin.document.path.parent / written


def load(path: Path, source: bytes, project: Project, inputs: Inputs, findings: Findings) -> Loaded:
    """Reads one manifest with all it includes. What is wrong is in `findings`."""
    opener = _Opener(main=path, project=project, findings=findings)
    language = Language(opener.read_text)
    shown = project.shown(path)
    document = opener.document(source, path, shown, project.named(path) or path.name)
    parameter_files = _names([Path(name) for name, _ in inputs.parameters], project)
    opener.files[shown] = path
    gathered = gather(document, opener.open_include, findings) if document is not None else None
    manifest = None
    if gathered is not None and document is not None and not is_library(document):
        files = [
            opened
            for (name, content), called in zip(inputs.parameters, parameter_files, strict=True)
            if (opened := opener.document(content, Path(name), project.shown(Path(name)), called)) is not None
        ]
        is_certain = "parameters" not in gathered.uncertain
        declared, are_all = gathered.sections["parameters"], is_certain and not inputs.for_many
        parameters = settle(declared, files, inputs.sets, findings, is_certain=are_all)
        evaluate = _evaluator(language, parameters, findings, is_certain=is_certain)
        manifest = build(gathered, parameters, evaluate, findings, concurrency=inputs.concurrency)
        _check_lists_exist(inputs.recipients, manifest)
    opener.inputs |= {f"--set {name}": _sha256(value.encode()) for name, value in inputs.sets}
    return Loaded(
        project=project,
        document=document,
        manifest=manifest,
        language=language,
        sources=opener.sources,
        files=opener.files,
        inputs=opener.inputs,
        parameter_files=parameter_files,
        asked=opener.asked,
    )


@dataclass(slots=True, kw_only=True)
class _Opener:
    """Opens what a manifest names, below the project root only, and remembers what it read."""

    main: Path
    project: Project
    findings: Findings
    sources: dict[str, Callable[[], Source]] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    asked: set[Path] = field(default_factory=set)

    def document(self, source: bytes, path: Path, shown: str, called: str) -> Document | None:
        self.inputs[called] = _sha256(source)
        document = load_document(source, path, shown, self.findings)
        self.sources[shown] = partial(source_of, source, document)
        return document

    def open_include(self, including: Document, index: int, written: str) -> tuple[Path, Document | None] | None:
        self.asked.add(including.path.parent / written)
        try:
            with open_below(self.project.root, including.path.parent, written, self.project.real) as file:
                source = file.read(LARGEST_MANIFEST + 1)
                real = Path(file.name)
        except FileFault as fault:
            self.findings.error("REF308", fault.message, including.place(("include", index)), hint=fault.hint)
            return None
        shown = shown_below(self.project, real)
        self.files[shown] = real
        return real, self.document(source, real, shown, self.project.named(real) or real.name)

    def read_text(self, written: str, from_name: str) -> tuple[str, str]:
        """For `{% include %}`: a path is relative to the file that names it, the manifest where none is named."""
        base = self.project.root / Path(from_name).parent if from_name else self.main.parent
        self.asked.add(base / written)
        try:
            with open_below(self.project.root, base, written, self.project.real) as file:
                source = file.read(LARGEST_MANIFEST + 1)
            name = Path(file.name).relative_to(self.project.real_root).as_posix()
            text = source.decode("utf-8-sig")
        except FileFault as fault:
            raise ExpressionFault("include", fault.message, hint=fault.hint) from None
        except UnicodeDecodeError as error:
            raise ExpressionFault("include", f"{written} is not UTF-8: byte {error.start}") from None
        if "\0" in text:  # as in UTF-16 without a mark, which reads as UTF-8
            nul = source.index(b"\0")
            raise ExpressionFault("include", f"{written} holds a NUL character: byte {nul}", hint="save it as UTF-8")
        self.inputs[self.project.named(self.project.root / name) or name] = _sha256(source)
        self.sources[name] = partial(_text_source, text)
        return name, text


def shown_below(project: Project, real: Path) -> str:
    """What people are shown of a file that was opened below the root: its real path, seen from there."""
    return project.shown(project.root / real.relative_to(project.real_root))


def _names(files: Sequence[Path], project: Project) -> tuple[str, ...]:
    """What the operator's files of parameters are called; two from elsewhere that have one name are numbered."""
    names: dict[Path, str] = {}
    for path in files:
        name = project.named(path) or f"--parameters {path.name}".encode("utf-8", "backslashreplace").decode()
        others = sum(given == name or given.startswith(f"{name} (") for at, given in names.items() if at != path)
        names.setdefault(path, f"{name} ({others + 1})" if others and name.startswith("--") else name)
    return tuple(names[path] for path in files)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def source_of(source: bytes, document: Document | None) -> Source:
    """The lines of a file, and which of them hold people's data."""
    lines = _LINE_BREAK.split(source.decode("utf-8-sig", "replace"))
    return Source(lines=lines, people=hidden_lines(document, lines))


def _text_source(text: str) -> Source:
    return Source(lines=_LINE_BREAK.split(text))


def _evaluator(language: Language, parameters: Parameters, findings: Findings, *, is_certain: bool) -> Evaluate:
    """Renders a manifest's own strings; one that needs a missing parameter gives None without a finding."""
    missing = set(parameters.missing)

    def evaluate(text: str, site: Site, *, as_text: bool) -> Json:
        try:
            template = language.template(text)
            if not template.has_expressions:
                return text
            if template.names & missing:
                return None
            is_value = template.is_single and not as_text
            return template.value(parameters.values) if is_value else template.text(parameters.values)
        except ExpressionFault as fault:
            faults = Faults(findings)
            if is_certain or not isinstance(fault, UnknownName):
                faults.at_once(site, fault)
            for name in sorted(fault.names - parameters.values.keys() - missing) if is_certain else ():
                faults.unknown(site, name, parameters.values)
            return None

    return evaluate


def _check_lists_exist(given: Mapping[str, str], manifest: Manifest) -> None:
    for name in given:
        if name not in manifest.list_documents and "recipients" not in manifest.uncertain:
            raise UsageError(f'--recipients {name}=…: the manifest has no recipient list "{name}"')
