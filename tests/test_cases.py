"""Every folder of tests/cases is a case: files, a command, and exactly what it must print.

`UPDATE_CASES=1 pytest tests/test_cases.py` writes what is printed now: read the difference before committing it.
"""

import os
import shlex
import shutil
from pathlib import Path

import pytest

from .conftest import KEY, Project

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(folder.name for folder in CASES.iterdir() if (folder / "command").exists())


def shown(project: Project, arguments: list[str]) -> str:
    ran = project.run(*arguments, BIRD_ACCESS_KEY=KEY)
    here = str(project.path.resolve())
    return "".join(
        f"{part.replace(here, '<here>')}"
        for part in (f"$ flypast {shlex.join(arguments)}\n", ran.out, "--- stderr\n", ran.err, f"--- exit {ran.code}\n")
    )


@pytest.mark.parametrize("name", FOLDERS)
def test_a_case_prints_exactly_what_it_must(name: str, tmp_path: Path) -> None:
    folder = CASES / name
    shutil.copytree(folder, tmp_path / "case", symlinks=True)
    printed = shown(Project(tmp_path / "case"), shlex.split((folder / "command").read_text()))
    expected = folder / "expected.txt"
    if os.environ.get("UPDATE_CASES"):
        expected.write_text(printed)
    assert printed == expected.read_text()
