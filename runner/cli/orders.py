"""From options to an order: files read, the manifest's project found."""

from collections.abc import Sequence
from pathlib import Path

from runner.errors import UsageError
from runner.pipeline import Order
from runner.pipeline.loading import LARGEST_MANIFEST, Inputs
from runner.project import Project


def inputs_of(
    parameter_files: Sequence[Path],
    sets: Sequence[tuple[str, str]],
    recipient_files: Sequence[tuple[str, str]],
    *,
    concurrency: int | None = None,
) -> Inputs:
    given = [path for _, path in recipient_files]
    if given.count("-") > 1:
        raise UsageError("--recipients NAME=- can stand once: there is one standard input")
    return Inputs(
        parameters=[(str(path), read(path)) for path in parameter_files],
        sets=list(sets),
        recipients=dict(recipient_files),
        concurrency=concurrency,
    )


FIRST_READ = 64 * 1024  # bytes of a manifest; few have more


def order_of(
    path: Path,
    inputs: Inputs,
    *,
    source: bytes | None = None,
    is_strict: bool = True,
    projects: dict[Path, Project] | None = None,
    jobs: int = 1,
) -> Order:
    """The manifest at `path`; `source` stands in for the file where it came from standard input, `jobs` as in Order.

    `projects` are those of folders that were looked at before.
    """
    path = path.absolute()
    project = projects.get(path.parent) if projects is not None else None
    if project is None:
        project = Project.of(path, Path.cwd())
        if projects is not None:
            projects[path.parent] = project
    return Order(
        path=path,
        source=read(path) if source is None else source,
        project=project,
        inputs=inputs,
        is_strict=is_strict,
        jobs=jobs,
    )


def read(path: Path) -> bytes:
    """One byte more than a manifest may have, so that the loader can say that it is too long."""
    try:
        with path.open("rb") as file:
            # Room for all that it may have, for each of a thousand, would take as long as parsing a quarter of them.
            start = file.read(FIRST_READ)
            return start if len(start) < FIRST_READ else start + file.read(LARGEST_MANIFEST + 1 - FIRST_READ)
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
