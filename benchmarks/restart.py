"""From starting `send` again, after a kill -9 half-way, to its first request: what somebody waits for.

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
    waits_s = [_wait_s(rows) for _ in range(rounds)]
    return f"the first request after a restart, {rows:,} rows, {rounds} rounds: {spread(waits_s, ' s')}"


def _wait_s(rows: int) -> float:
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
        wait_s = time.monotonic() - started_s
        again.kill()
        again.wait()
        return wait_s


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
