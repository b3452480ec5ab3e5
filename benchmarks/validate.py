"""`validate` beside what others do with the same files: CPU of whole processes, in turns.

python -m benchmarks.validate [--manifests N] [--contacts N] [--rounds N]

Rivals come with the development tools: PyYAML's C loader alone, check-jsonschema with our schema, yamllint.
README.md says what each of them does not check.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from .corpus import write_corpus, write_large
from .measure import FLYPAST, Used, measured, spread

SCHEMA = Path(__file__).parent.parent / "schemas" / "manifest.schema.json"
RIVALS = ("PyYAML", "check-jsonschema", "yamllint")
LOAD = """\
import sys, yaml
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        yaml.load(file, Loader=yaml.CSafeLoader)
"""
Command = Sequence[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifests", type=int, default=1_000)
    parser.add_argument("--contacts", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(report(given.manifests, given.contacts, given.rounds))


def report(manifests: int, contacts: int, rounds: int) -> str:
    """The tables of README.md."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".git").mkdir()
        paths = [str(path) for path in write_corpus(folder, manifests)]
        large = folder / "large" / "large.yaml"
        write_large(large, contacts)
        lines = [", ".join(f"{rival} {version(rival)}" for rival in RIVALS)]
        lines += _many(paths, folder, rounds)
        lines += _one(paths[0], folder, rounds)
        lines += _large(str(large), contacts, folder, rounds)
    return "\n".join(lines)


def _many(paths: Sequence[str], folder: Path, rounds: int) -> list[str]:
    tools = Path(sys.executable).parent
    found = _in_turns(
        {
            "PyYAML's C loader alone": _loading(paths),
            "flypast validate": (*FLYPAST, "validate", "--jobs", "1", *paths),
            "flypast validate, all cores": (*FLYPAST, "validate", *paths),
            "check-jsonschema": (str(tools / "check-jsonschema"), "--schemafile", str(SCHEMA), *paths),
            "yamllint": (str(tools / "yamllint"), "-d", "relaxed", *paths),
        },
        folder,
        rounds,
    )
    lines = [f"{len(paths):,} manifests of 60 lines, {rounds} rounds: CPU s, median (min to max)"]
    lines += _lines(found, "flypast validate")
    alone, together = ([used.wall_s for used in found[name]] for name in list(found)[1:3])
    faster = [one / all_ for one, all_ in zip(alone, together, strict=True)]
    return [*lines, f"  time of one process / of all cores: {spread(faster, ' x', 2)}"]


def _one(path: str, folder: Path, rounds: int) -> list[str]:
    found = _in_turns(
        {
            'python -c "import yaml, click"': (sys.executable, "-c", "import yaml, click"),
            "flypast --version": (*FLYPAST, "--version"),
            "flypast validate": (*FLYPAST, "validate", path),
        },
        folder,
        4 * rounds,
    )
    lines = [f"one manifest, {4 * rounds} rounds: CPU s of the whole process, median (min to max)"]
    return [*lines, *_lines(found, "flypast validate"), *_lines(found, "flypast --version")[-1:]]


def _large(path: str, contacts: int, folder: Path, rounds: int) -> list[str]:
    found = _in_turns(
        {"PyYAML's C loader alone": _loading([path]), "flypast validate": (*FLYPAST, "validate", path)}, folder, rounds
    )
    return [f"one manifest, {contacts:,} contacts in it, {rounds} rounds: CPU s", *_lines(found, "flypast validate")]


def _loading(paths: Sequence[str]) -> Command:
    return (sys.executable, "-c", LOAD, *paths)


def _in_turns(commands: Mapping[str, Command], folder: Path, rounds: int) -> dict[str, list[Used]]:
    """Round by round; flypast once uncounted before, as Python writes its compiled modules then."""
    found: dict[str, list[Used]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            if turn or command[: len(FLYPAST)] == FLYPAST:
                used = measured(command, folder)
                if turn:
                    found[name].append(used)
    return found


def _lines(found: Mapping[str, Sequence[Used]], ours: str) -> list[str]:
    lines = [f"  {name:32}{spread([used.cpu_s for used in each], '', 2)}" for name, each in found.items()]
    for name, each in found.items():
        ratios = [mine.cpu_s / other.cpu_s for mine, other in zip(found[ours], each, strict=True)]
        if not name.startswith("flypast"):
            median = statistics.median(ratios)
            inverse = f", 1/{1 / median:.1f}" if median < 1 else ""
            lines.append(f"  {ours} / {name}: {spread(ratios, '', 2)}{inverse}")
    return lines


if __name__ == "__main__":
    main()
