"""`flypast validate --fix`: writes what can safely be put right into the files themselves."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from runner.errors import UsageError
from runner.findings import Finding, Findings
from runner.manifest.yaml_text import UTF8_BOM, Lines
from runner.pipeline import Inputs, validate
from runner.pipeline.loading import Loaded

from .orders import order_of

_WRITABLE = 0o222
_MOST_PASSES = 10  # what is put right can bring to light what stood behind it


def fix_all(manifests: Sequence[Path], inputs: Inputs) -> Mapping[Path, int]:
    """Puts right what can be, in these and what they include, and counts it by file. All else in a file stays."""
    fixed: dict[Path, int] = {}
    for _ in range(_MOST_PASSES):
        done = [(path, count) for manifest in manifests for path, count in _pass(manifest, inputs)]
        if not done:
            break
        for path, count in done:
            fixed[path] = fixed.get(path, 0) + count
    return fixed


def _pass(manifest: Path, inputs: Inputs) -> Iterator[tuple[Path, int]]:
    findings = Findings()
    loaded = validate(order_of(manifest, inputs, is_strict=False), findings, [])
    by_path: dict[str, list[Finding]] = {}
    for finding in findings.sorted():
        if finding.fix is not None:
            by_path.setdefault(finding.place.path, []).append(finding)
    for shown, fixable in by_path.items():
        count = _fix_file(loaded, shown, fixable)
        if count:
            yield loaded.files[shown], count


def _fix_file(loaded: Loaded, shown: str, fixable: Sequence[Finding]) -> int:
    path = loaded.files.get(shown)
    if path is None:  # given by the operator: not the repository's
        return 0
    if not path.stat().st_mode & _WRITABLE:
        raise UsageError(f"{shown} is read-only", hint="make it writable, or put it right by hand")
    source = path.read_bytes()
    if sha256(source).hexdigest() != loaded.inputs[loaded.project.named(path) or path.name]:
        raise UsageError(f"{shown} was changed while it was looked at", hint="run it again")
    text = source.decode("utf-8-sig")
    made, count = _with_fixes(text, Lines(text, shown), fixable)
    _replace(path, (UTF8_BOM if source.startswith(UTF8_BOM) else b"") + made.encode())
    return count


def _with_fixes(text: str, lines: Lines, fixable: Sequence[Finding]) -> tuple[str, int]:
    """From the end, so that places stay; of two that overlap the later waits for the next pass."""
    count, end_of_rest = 0, len(text) + 1
    for finding in reversed(fixable):
        place = finding.place
        start = lines.start(place.line) + place.column - 1
        end = lines.start(place.end_line) + place.end_column - 1
        if end <= end_of_rest and finding.fix is not None:
            text = text[:start] + _as_written(text[start:end], finding.fix) + text[end:]
            count, end_of_rest = count + 1, start
    return text, count


def _as_written(before: str, after: str) -> str:
    """A key that stood in quotes keeps them."""
    is_quoted = len(before) > 1 and before[0] in "\"'" and before[-1] == before[0] and after[:1] not in ('"', "'")
    return before[0] + after + before[0] if is_quoted else after


def _replace(path: Path, content: bytes) -> None:
    """All of the new content or all of the old; the file keeps its mode, and a link to it stays one."""
    path = path.resolve()
    try:
        descriptor, name = tempfile.mkstemp(prefix=".flypast-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).chmod(path.stat().st_mode)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from None
