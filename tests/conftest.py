"""What tests share: projects in empty folders, the command as a process, the sandbox as a server."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import forks

# Tests run beside each other on busy machines: how long an example takes, or takes to be made, says nothing.
settings.register_profile("flypast", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("flypast")

WORKSPACE = "5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11"
CHANNEL = "3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22"
KEY = "canary-0f1e2d3c4b5a"

MANIFEST = f"""\
apiVersion: flypast/v1
name: hello
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}, mms: true}}
recipients:
  people: {{file: people.csv}}
messages:
  greet:
    channel: sms
    to: people
    body: {{type: text, text: {{text: "Hi {{{{ name }}}}, welcome."}}}}
"""


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def clean_environment(**more: str) -> dict[str, str]:
    """Nothing of the machine that would change what flypast does."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "LC_ALL", "COVERAGE_PROCESS_CONFIG")  # the last: `make coverage`
    kept = {name: value for name, value in os.environ.items() if name in names}
    return {**kept, **more}


def unmeasured_environment(**more: str) -> dict[str, str]:
    """As `clean_environment`, without what `make coverage` would add: its modules, its files, its time."""
    kept = clean_environment(**more)
    kept.pop("COVERAGE_PROCESS_CONFIG", None)
    return kept


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "runner", *map(str, arguments)]


def _text(content: bytes) -> str:
    """As a process's output is read in text mode."""
    return content.decode().replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class Project:
    """A folder of its own, with the command at hand."""

    path: Path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def people(self, count: int) -> None:
        """`count` people with distinct fictional numbers: 100 for each area code."""
        areas = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228)
        rows = "".join(f"+1{areas[index // 100]}55501{index % 100:02d},Person {index}\n" for index in range(count))
        self.write("people.csv", f"phone,name\n{rows}")

    def start(self, *arguments: str | Path, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command(*arguments),
            cwd=self.path,
            env=clean_environment(**environment),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str | Path, stdin: str = "", timeout_s: float = 60, **environment: str) -> Ran:
        variables = clean_environment(**environment)
        if forks.can_fork(variables):
            ended = forks.run(
                [*map(str, arguments)],
                folder=self.path,
                environment=variables,
                stdin=stdin.encode(),
                timeout_s=timeout_s,
            )
            return Ran(ended.code, _text(ended.out), _text(ended.err))
        done = subprocess.run(
            command(*arguments),
            cwd=self.path,
            env=variables,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Server:
    """`flypast sandbox` in a process of its own."""

    url: str
    record_path: Path

    @property
    def record(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_sandbox/record") as reply:
            return [json.loads(line) for line in reply.read().splitlines()]

    @property
    def taken(self) -> list[str]:
        """The references of messages that really went out, in order; one twice is a double."""
        return [line["reference"] for line in self.record if line["messageId"] is not None and line["status"] == 202]


Serve = Callable[..., Server]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.path.mkdir()
    made.write("hello.yaml", MANIFEST)
    made.people(3)
    return made


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts sandboxes; they end with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Server:
        record = tmp_path / f"record-{len(running)}.jsonl"
        process = subprocess.Popen(
            command("sandbox", "--port", "0", "--record", record, *arguments),
            text=True,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        running.append(process)
        assert process.stdout is not None
        return Server(process.stdout.readline().strip(), record)

    yield start
    for process in running:
        process.terminate()
        process.communicate(timeout=60)
