"""How exact findings are: one mistake at each place of the examples, and the same bytes on ten runs."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.places import ANY_VALUE, OF_PARAMETERS, OPEN, PAIRS, Mistake, mistakes, slashed
from tests.validating import found_in

ROOT = Path(__file__).parent.parent
RUNS = 10


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--every", type=int, default=1, help="of so many places one")
    print(report(options.parse_args().every))


def report(every: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        counts = sum(
            (_counted(Path(folder) / str(number), pair, every) for number, pair in enumerate(PAIRS)), Counter()
        )
        outputs = _outputs(Path(folder) / "cases")
    judged = counts["judged"]
    return "\n".join(
        (
            f"mistakes tried: {judged:,}, each at a place of its own",
            f"told at exactly that line and column: {counts['exact']:,} ({counts['exact'] / judged:.2%})",
            f"told by exactly one finding: {counts['one']:,} ({counts['one'] / judged:.2%})",
            f"with what to write instead: {counts['hint']:,} ({counts['hint'] / judged:.2%})",
            f"different outputs of all cases on {RUNS} runs: {outputs}",
        )
    )


def _counted(folder: Path, pair: tuple[str, str], every: int) -> "Counter[str]":
    shutil.copytree(ROOT / "examples", folder)
    (folder / ".git").mkdir()
    main, changed = pair
    path, written = folder / changed, (folder / changed).read_text()
    before = {(each.code, each.message) for each in found_in(folder / main, folder)}
    counts: Counter[str] = Counter()
    for mistake in list(_closed(written))[::every]:
        path.write_text(mistake.text)
        found = [each for each in found_in(folder / main, folder) if (each.code, each.message) not in before]
        here = [each for each in found if (each.place.line, each.place.column) == (mistake.line, mistake.column)]
        counts.update(judged=1, exact=bool(here), one=len(found) == 1, hint=any(each.hint for each in here))
    return counts


def _closed(text: str) -> Iterator[Mistake]:
    """Without places where any key or value may stand."""
    for mistake in mistakes(text):
        path, above = slashed(mistake.path), slashed(mistake.path[:-1])
        is_free = bool(ANY_VALUE.fullmatch(path) or OF_PARAMETERS.match(path))
        if mistake.kind == "repeated" or not (is_free if mistake.kind == "other type" else OPEN.fullmatch(above)):
            yield mistake


def _outputs(folder: Path) -> int:
    """How many different outputs `validate` has of all cases at once, with another order of sets in each run."""
    ignored = shutil.ignore_patterns("expected.txt", "hostile-templates")
    shutil.copytree(ROOT / "tests" / "cases", folder, symlinks=True, ignore=ignored)
    command = [sys.executable, "-m", "runner", "validate", "--format", "json"]
    return len(
        {
            subprocess.run(
                command, cwd=folder, env={**os.environ, "PYTHONHASHSEED": str(seed)}, capture_output=True, check=False
            ).stdout
            for seed in range(RUNS)
        }
    )


if __name__ == "__main__":
    main()
