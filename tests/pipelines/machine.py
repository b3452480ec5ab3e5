"""A build machine: a clean environment in which pip finds flypast and its dependencies without a network."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import clean_environment

ROOT = Path(__file__).parent.parent.parent
WHO = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org"}
WHO |= {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.org", "GIT_CONFIG_GLOBAL": os.devnull}


# `python3 -I -m venv FOLDER`, from a copy of one that it has made before: what takes its time is to install pip anew.
PYTHON = """\
#!/bin/bash
if [[ "$1 $2 $3" != "-I -m venv" || -e "$4" ]]; then exec {python} "$@"; fi
[[ -e {made} ]] || {python} -I -m venv {made} || exit
mkdir -p "$(dirname "$4")" && cp -a {made} "$4" && sed -i "1s|{made}|$(realpath "$4")|" "$4"/bin/pip*
"""


@dataclass(frozen=True)
class Machine:
    """`wheels` holds flypast's; `libraries` what else is installed here, but not flypast itself.

    `installed` knows the scripts that made an environment in `temp`: they need not run for every job of every test.
    """

    home: Path
    temp: Path
    wheels: Path
    libraries: Path
    installed: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """pip takes flypast from its wheel and finds everything that it depends on, so it asks no index."""
        own = clean_environment(**WHO)
        return {
            **{name: own[name] for name in own if name not in ("HOME", "TMPDIR")},
            "PATH": os.pathsep.join([str(self.home / "bin"), str(Path(sys.executable).parent), own["PATH"]]),
            "HOME": str(self.home),
            "PYTHONPATH": str(self.libraries),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the wrong way round: hatchling is there already
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",
        }

    def git(self, folder: Path, *arguments: str | Path) -> str:
        done = subprocess.run(
            ["git", "-c", "init.defaultBranch=main", *map(str, arguments)],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"git {arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def made(folder: Path) -> Machine:
    """A machine in a folder: the wheel of this checkout, and links to what is installed beside it."""
    wheels, libraries, home, temp = (folder / name for name in ("wheels", "libraries", "home", "temp"))
    for each in (wheels, libraries, home, temp):
        each.mkdir()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT)]
    subprocess.run(build, cwd=folder, capture_output=True, check=True)
    python = home / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(PYTHON.format(python=sys.executable, made=folder / "venv"))
    python.chmod(0o755)
    for installed in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "flypast" not in installed.name:
            (libraries / installed.name).symlink_to(installed)
    return Machine(home=home, temp=temp, wheels=wheels, libraries=libraries)


@dataclass(frozen=True)
class Ended:
    """A script that ended. `out` has stderr too, as a log has."""

    name: str
    code: int
    out: str


def bash(script: str, *options: str, folder: Path, environment: Mapping[str, str], name: str = "script") -> Ended:
    """Runs a script as build machines do: from a file, with nobody at the keyboard."""
    file = Path(environment["RUNNER_TEMP"]) / "script.sh"
    file.write_text(script)
    done = subprocess.run(
        ["bash", *options, file],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return Ended(name, done.returncode, done.stdout)
