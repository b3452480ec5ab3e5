"""What is written otherwise than at the merge base, for a plan's page: told where it can be, never in a plan's way."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.errors import FlypastError
from runner.git import Git
from runner.pipeline import Order
from runner.pipeline.comparing import Comparison
from runner.plan.difference import Difference
from runner.project import repository_of

UNSEEN = "what changed in its texts"


def change_of(order: Order) -> tuple[Difference | None, str]:
    """Of one manifest; or None and why not, where there is no Git, no repository, or no merge base in this clone."""
    root = repository_of(order.path.parent)
    if root is None:
        return None, f"{UNSEEN}: this is not in a Git repository"
    try:
        git = Git(root=root, environment=os.environ)
        base = git.base()
        with extracted(git, base) as before:
            comparison = Comparison(before=before, after=root, inputs=order.inputs, plans=False)
            made = comparison.of(order.path.relative_to(root).as_posix())
        return Difference(base=base, revision="", manifests=(made,) if made is not None else ()), ""
    except FlypastError as error:
        return None, f"{UNSEEN}: {error.message}{f' ({error.hint})' if error.hint else ''}"
    except OSError as error:
        return None, f"{UNSEEN}: git can't be asked ({error.strerror})"


@contextmanager
def extracted(git: Git, commit: str) -> Iterator[Path]:
    """A folder with all files of a commit, as long as it is entered."""
    with tempfile.TemporaryDirectory(prefix="flypast-diff-") as folder:
        before = Path(folder).resolve() / "before"
        (before / ".git").mkdir(parents=True)  # what a manifest reads lies below
        git.extract(commit, before)
        yield before
