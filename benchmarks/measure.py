"""What the benchmarks share: a server beside them, manifests of any size, processes measured from outside."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

NAMES = ("Ada", "Bo", "Cy", "Dana", "Elif", "Femi", "Grace", "Hugo", "Ines", "José", "Kim", "Lena")
MANIFEST = """\
apiVersion: flypast/v1
name: bench
parameters: {shop: Acme}
channels:
  sms: {workspaceId: 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11, channelId: 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22}
recipients:
  people: {file: people.csv}
messages:
  greet:
    channel: sms
    to: people
    distinct: [order] # there are not a million fictional numbers: each person has many orders
    body:
      type: text
      text: {text: "Hi {{ first_name }}, order {{ order }} from {{ shop }} waits for you in {{ city }}."}
policy: {stopAfter: {rejected: 1000000, inDoubt: 1000000}}
"""
FLYPAST = (sys.executable, "-m", "runner")


class Server:
    """`benchmarks/server.py` in a process of its own; a context manager."""

    def __init__(self, delay_ms: float = 0.0) -> None:
        self._delay_ms = delay_ms

    def __str__(self) -> str:
        return "a server of a few lines"

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.server", str(self._delay_ms)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


class Nginx:
    """Where it is installed: a server that costs next to nothing itself. One worker; a context manager."""

    _CONF = """\
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/a; fastcgi_temp_path {folder}/b; uwsgi_temp_path {folder}/c; scgi_temp_path {folder}/d;
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type application/json; return 202 '{{"id":"00000000-0000-4000-8000-000000000000"}}'; }}
  }}
}}
"""

    @staticmethod
    def is_there() -> bool:
        return shutil.which("nginx") is not None

    def __str__(self) -> str:
        return "nginx"

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        configuration = Path(self._folder.name) / "nginx.conf"
        configuration.write_text(self._CONF.format(folder=self._folder.name, port=port))
        command = [shutil.which("nginx") or "nginx", "-c", str(configuration)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        while self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return self
            time.sleep(0.01)
        raise RuntimeError(f"nginx ended with {self._process.returncode}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a process took, its threads and its children included."""

    cpu_s: float
    wall_s: float
    peak_mib: float


def used_by(arguments: Sequence[str], folder: Path, *, is_killed: bool = False) -> Used:
    """Runs flypast to its end in a folder."""
    return measured([*FLYPAST, *arguments], folder, is_killed=is_killed)


def measured(command: Sequence[str], folder: Path, *, is_killed: bool = False) -> Used:
    """Runs any command to its end in a folder; its children count."""
    started_s = time.monotonic()
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not is_killed:
        raise RuntimeError(
            f"{command[:4]} ended with {process.returncode}: {(folder / 'said.txt').read_text()[-2000:]}"
        )
    return Used(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.monotonic() - started_s,
        peak_mib=usage.ru_maxrss / 1024 if sys.platform == "linux" else usage.ru_maxrss / 2**20,
    )


def environment() -> dict[str, str]:
    """Compiled modules are kept, as an installation has them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "BIRD_ACCESS_KEY": "bench-key", "CI": ""}


def write_manifest(folder: Path, rows: int) -> None:
    """`bench.yaml` and its list of so many rows, the same on every machine."""
    chance = Random(1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.yaml").write_text(MANIFEST)
    with (folder / "people.csv").open("w") as people:
        people.write("phone,first_name,city,order\n")
        for number in range(rows):
            phone = f"+1{200 + number // 100 % 800}55501{number % 100:02}"
            people.write(f"{phone},{chance.choice(NAMES)},Town {number % 977},A{number:07}\n")


def spread(figures: Sequence[float], unit: str = "", digits: int = 1) -> str:
    """`median (min to max)`."""
    middle, least, most = (f"{each:,.{digits}f}" for each in (statistics.median(figures), min(figures), max(figures)))
    return f"{middle} ({least} to {most}){unit}"
