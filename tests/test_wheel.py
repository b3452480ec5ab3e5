"""What people install: the wheel, built from the source distribution, in an empty virtual environment."""

import email
import os
import subprocess
import sys
import tarfile
import venv
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest

from runner import __version__

ROOT = Path(__file__).parent.parent
BUNDLED = ("schemas", "examples")
PAGES = "docs/findings"

pytestmark = pytest.mark.xdist_group("wheel")  # one build and one installation for all


def run(command: Sequence[str | Path], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by their path there, but for what Python writes beside its sources."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that was made from it."""
    folder = tmp_path_factory.mktemp("built")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that held nothing, and then the wheel with the dependencies that it asks for."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=True)
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "-qq"]
    run([*pip, "install", "-c", ROOT / "constraints.txt", wheel], cwd=folder, env=clean)
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_the_wheel_holds_the_package_whole_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        found = {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}
    wanted = {f"runner/{name}": content for name, content in contents(ROOT / "runner").items()}
    for folder in BUNDLED:
        wanted |= {f"runner/bundled/{folder}/{name}": content for name, content in contents(ROOT / folder).items()}
    wanted["runner/bundled/docs/findings.md"] = (ROOT / "docs" / "findings.md").read_bytes()
    wanted |= {f"runner/bundled/{PAGES}/{name}": content for name, content in contents(ROOT / PAGES).items()}
    metadata = {name for name in found if name.startswith(f"flypast-{__version__}.dist-info/")}
    assert found.keys() - metadata == wanted.keys()
    assert [name for name, content in wanted.items() if found[name] != content] == []


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        about = email.message_from_string(opened.read(f"flypast-{__version__}.dist-info/METADATA").decode())
        commands = opened.read(f"flypast-{__version__}.dist-info/entry_points.txt").decode()
    assert (about["Name"], about["Version"], about["Requires-Python"]) == ("flypast", __version__, ">=3.11")
    assert about.get_payload() == (ROOT / "README.md").read_text()
    assert "flypast = runner.cli:run" in commands


def test_the_source_distribution_can_be_unpacked_anywhere(built: Path) -> None:
    """No link in it: pip refuses one that leads out."""
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as opened:
        assert [member.name for member in opened if not (member.isfile() or member.isdir())] == []


def test_installed_files_are_those_of_the_checkout(installed: Path) -> None:
    (package,) = installed.glob("lib/python*/site-packages/runner")
    for folder in BUNDLED:
        assert contents(package / "bundled" / folder) == contents(ROOT / folder)


def test_the_demo_runs_from_an_empty_folder_with_an_empty_environment(installed: Path, empty: Path) -> None:
    told = run([installed / "bin" / "flypast", "demo"], cwd=empty, env={})
    assert "1,000 accepted, 0 rejected, 0 in doubt" in told
    assert list(empty.iterdir()) == []


def test_a_starter_made_by_the_wheel_validates_and_sends(installed: Path, empty: Path) -> None:
    flypast = installed / "bin" / "flypast"
    run([flypast, "init"], cwd=empty, env={})
    run([flypast, "validate"], cwd=empty, env={})
    assert "3 accepted" in run([flypast, "send", "campaigns/hello.yaml", "--sandbox"], cwd=empty, env={})
    assert (empty / "schemas/manifest.schema.json").read_bytes() == (ROOT / "schemas/manifest.schema.json").read_bytes()


def test_the_wheel_needs_no_tool_of_ours(installed: Path, empty: Path) -> None:
    """Everything that doctor looks for is there, though no development tool is."""
    told = run([installed / "bin" / "flypast", "doctor"], cwd=empty, env={})
    assert "fail" not in told
    assert not (installed / "bin" / "pytest").exists()
