"""A diff, from the options to the exit code: two folders, each manifest of both, one after the other."""

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.errors import Exit, UsageError
from runner.files import FileFault, open_operator
from runner.findings import Finding
from runner.git import Git
from runner.manifest.discover import discover
from runner.output.diff_json import diff_json
from runner.output.diff_markdown import diff_markdown
from runner.output.diff_text import diff_text
from runner.output.formats import written
from runner.output.formats.found import Found
from runner.output.neutral import json_text
from runner.output.sheet import Sheet
from runner.pipeline import Inputs
from runner.pipeline.comparing import Comparison
from runner.plan.difference import Difference
from runner.project import repository_of

from .changes import extracted
from .orders import inputs_of
from .telling import Telling
from .terminal import TERMINAL


def diff(
    revision: str,
    telling: Telling,
    *,
    is_detailed: bool,
    parameter_files: Sequence[Path],
    sets: Sequence[tuple[str, str]],
    recipient_files: Sequence[tuple[str, str]],
) -> int:
    """A mistake in the manifests as they are now is exit 1; one of another revision is only told."""
    root = repository_of(Path.cwd())
    if root is None:
        raise UsageError("this is not in a Git repository: there is nothing to compare with")
    inputs = inputs_of(parameter_files, sets, recipient_files)
    git = Git(root=root, environment=os.environ)
    base = git.known(revision) if revision else git.base()
    with extracted(git, base) as before:
        comparison = Comparison(before=before, after=root, inputs=_readable_twice(inputs, before.parent))
        difference = _compared(comparison, base, revision)
        telling.spare(comparison.read)
    _show(difference, comparison, telling)
    if difference.is_broken_now:
        return Exit.FINDINGS
    return Exit.PENDING if is_detailed and difference.has_changes else Exit.DONE


def _compared(comparison: Comparison, base: str, revision: str) -> Difference:
    inputs, roots = comparison.inputs, (comparison.before, comparison.after)
    names = sorted({path.relative_to(root).as_posix() for root in roots for path in discover(root).manifests})
    found = [made for name in names if (made := comparison.of(name)) is not None]
    wanted = [*(f"--set {name}" for name, _ in inputs.sets), *(f"--recipients {name}" for name in inputs.recipients)]
    for name in wanted:
        if found and name not in comparison.given:
            raise UsageError(f"{name}=…: no manifest declares it, then or now")
    return Difference(base=base, revision=revision, manifests=tuple(found))


def _readable_twice(inputs: Inputs, folder: Path) -> Inputs:
    """Standard input and pipes give their content once, and both sides want it."""
    recipients = dict(inputs.recipients)
    for number, (name, path) in enumerate(inputs.recipients.items()):
        try:
            if path != "-" and not stat.S_ISFIFO(Path(path).stat().st_mode):
                recipients[name] = str(Path(path).absolute())
                continue
            with open_operator(path, sys.stdin) as opened, (copy := folder / f"given-{number}").open("wb") as to:
                while block := opened.read(1 << 20):
                    to.write(block)
            copy.chmod(0o600)
        except FileFault as fault:
            raise UsageError(f"--recipients {name}: {fault.message}", hint=fault.hint) from None
        except OSError as error:
            raise UsageError(f"--recipients {name}: {path} can't be read: {error.strerror}") from None
        recipients[name] = str(copy)
    return replace(inputs, recipients=recipients)


def _show(difference: Difference, comparison: Comparison, telling: Telling) -> None:
    """Other forms than those of a diff have the findings of the manifests as they are now."""
    made = sorted(set(comparison.found), key=Finding.sort_key)
    manifests = [each.path for each in difference.manifests if each.kind != "removed"]
    telling.found = Found(findings=made, manifests=manifests, sources=comparison.sources)
    telling.outputs = {"has_changes": "true" if difference.has_changes else "false"}

    def page(kind: str, found: Found) -> str:
        if kind == "text":
            return diff_text(difference, Sheet())
        if kind == "json":
            return json_text(diff_json(difference), indent=2)
        return diff_markdown(difference) if kind == "markdown" else written(found, kind)

    telling.page = page
    if telling.output_format == "text":
        TERMINAL.data(diff_text(difference, TERMINAL.out))
    else:
        telling.show()
