"""The manifests of `validate`, one after another or in several processes: the same findings in the same order."""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from runner.errors import UsageError
from runner.files import FileFault, bytes_of
from runner.findings import Findings, Place, Source
from runner.manifest.documents import Document, load_document
from runner.manifest.names import send_name
from runner.pipeline import Inputs, validate
from runner.pipeline.loading import LARGEST_MANIFEST, source_of
from runner.project import Project

from .orders import order_of, read

STDIN = Path("-")
EACH = 256 * 1024  # bytes of manifests that take as long as a process takes to start
MOST_TOGETHER = 16  # manifests that a process is given at once

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one manifest gave. `name` is that of its send, None where it has none; `content` what stdin had.

    `sources` are the files that its findings show frames of, `read` all that it needs, where asked for.
    """

    path: Path
    shown: str
    found: Findings
    not_checked: tuple[str, ...]
    name: str | None
    content: bytes | None = None
    sources: Mapping[str, Callable[[], Source]] = field(default_factory=dict)
    read: tuple[Path, ...] = ()

    def name_place(self) -> Place:
        """Where its name stands: looked for again in the file, for two that have the same one."""
        document, _ = self._again()
        return document.place(("name",)) if document is not None else Place(path=self.shown)

    def source(self) -> Source:
        document, content = self._again()
        return source_of(content, document)

    def _again(self) -> tuple[Document | None, bytes]:
        content = read(self.path) if self.content is None else self.content
        return load_document(content, self.path, self.shown, Findings()), content


def check_all(
    paths: Sequence[Path],
    inputs: Inputs,
    *,
    stdin_filename: Path | None = None,
    jobs: int | None = None,
    is_read_told: bool = False,
) -> Iterator[Checked]:
    """Each manifest's findings, in the order of `paths`. `-` is standard input; `jobs` None is as many as pay."""
    gc.freeze()  # what is loaded by now stays: the collector need not look at it again
    count = 1 if _read_once(paths, inputs) else _jobs(paths, jobs)
    if count == 1:
        projects: dict[Path, Project] = {}
        for path in paths:
            yield _check(path, inputs, projects, stdin_filename, is_read_told=is_read_told)
        return
    from runner.workers import in_order

    size = max(1, min(MOST_TOGETHER, len(paths) // (4 * count)))
    portions = [paths[start : start + size] for start in range(0, len(paths), size)]
    for checked in in_order(partial(_portion, inputs, is_read_told=is_read_told), portions, jobs=count):
        yield from checked


def _jobs(paths: Sequence[Path], asked: int | None) -> int:
    if len(paths) == 1 or asked == 1:
        return 1
    from runner.workers import jobs_for

    if asked is not None:
        return jobs_for(len(paths), each=1, asked=asked)
    return min(len(paths), jobs_for(sum(map(_size, paths)), each=EACH))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # whoever reads it says what is wrong


def _read_once(paths: Sequence[Path], inputs: Inputs) -> bool:
    """Whether something can be read by one process alone: standard input, a pipe."""
    lists = inputs.recipients.values()
    return STDIN in paths or "-" in lists or any(Path(path).exists() and not Path(path).is_file() for path in lists)


def _portion(inputs: Inputs, paths: Sequence[Path], *, is_read_told: bool) -> list[Checked]:
    """A worker's share. What it gives can be sent: frames are cut here, from files that are in memory."""
    projects: dict[Path, Project] = {}
    return [_ready(_check(path, inputs, projects, None, is_read_told=is_read_told)) for path in paths]


def _ready(checked: Checked) -> Checked:
    sources = {path: partial(_same, source()) for path, source in checked.sources.items()}
    return replace(checked, sources=sources)


def _same(given: Given) -> Given:
    return given


def _standard_input() -> bytes:
    try:
        return bytes_of(sys.stdin).read(LARGEST_MANIFEST + 1)
    except FileFault as fault:
        raise UsageError(fault.message, hint=fault.hint) from None


def _check(
    path: Path, inputs: Inputs, projects: dict[Path, Project], stdin_filename: Path | None, *, is_read_told: bool
) -> Checked:
    content = _standard_input() if path == STDIN else None
    order = order_of(
        (stdin_filename or Path("stdin.yaml")) if content is not None else path,
        inputs,
        is_strict=False,
        source=content,
        projects=projects,
    )
    findings, not_checked = Findings(), list[str]()
    loaded = validate(order, findings, not_checked)
    return Checked(
        path=order.path,
        shown=order.project.shown(order.path),
        found=findings,
        not_checked=tuple(not_checked),
        name=send_name(loaded.document),
        content=content,
        sources={path: loaded.sources[path] for path in findings.paths if path in loaded.sources},
        read=tuple(loaded.to_read()) if is_read_told else (),
    )
