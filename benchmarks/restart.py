"""From starting `send` again, after a kill -9 half-way, to its first request: what somebody waits for.

Its CPU until then is told too, on Linux: on a busy machine the time says little.

python -m benchmarks.restart [--rows N] [--rounds N]
"""

import argparse
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from .measure import FLYPAST, Server, environment, spread, write_manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(report(given.rows, given.rounds))


def report(rows: int, rounds: int) -> str:
    """The line of README.md."""
    waits_s, cpus_s = zip(*[_wait_s(rows) for _ in range(rounds)], strict=True)
    cpu = f", CPU {spread(cpus_s, ' s')}" if all(cpus_s) else ""
    return f"the first request after a restart, {rows:,} rows, {rounds} rounds: {spread(waits_s, ' s')}{cpu}"


def _wait_s(rows: int) -> tuple[float, float]:
    """The time and the CPU (0 where nobody tells it)."""
    with Server() as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_manifest(folder, rows)
        killed = _started(folder, server.url)
        _until(lambda: _requests(server.url) >= rows // 10, killed)
        killed.kill()
        killed.wait()
        before, started_s = _requests(server.url), time.monotonic()
        again = _started(folder, server.url)
        _until(lambda: _requests(server.url) > before, again)
        wait_s, cpu_s = time.monotonic() - started_s, _cpu_s(again.pid)
        again.kill()
        again.wait()
        return wait_s, cpu_s


def _cpu_s(process: int) -> float:
    try:
        # Its name, the second field, may hold blanks; of what follows it, the 12th and 13th are user and system time.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _started(folder: Path, url: str) -> "subprocess.Popen[bytes]":
    command = [*FLYPAST, "send", "bench.yaml", "--yes", "--api-url", url, "--rate", "unlimited"]
    with Path(os.devnull).open("w") as nowhere:
        return subprocess.Popen(command, cwd=folder, env=environment(), stdout=nowhere, stderr=nowhere)


def _requests(url: str) -> int:
    with urllib.request.urlopen(f"{url}/taken") as reply:
        return int(reply.read())


def _until(holds: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    while not holds():
        if process.poll() is not None:
            raise RuntimeError(f"send ended with {process.returncode}")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
