"""Several processes that keep to one pace, on a real server."""

import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

from .ledgers import make
from .server import Server

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("FLYPAST_TEST_PACE", "3"))
RATE = 2000
BLOCK_S = 0.1


def pacer(url: str, file: Path, *, seconds: float, rate: float = RATE) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.postgres.pacer", url, str(file), str(rate), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT)


def instants(*files: Path) -> list[float]:
    """Of all of them together."""
    found = [file.read_bytes() if file.exists() else b"" for file in files]
    return sorted(at for content in found for (at,) in struct.iter_unpack("d", content[: len(content) // 8 * 8]))


def busiest(found: list[float], window_s: float = 1.0) -> int:
    """The most that went in any window of that length."""
    most = first = 0
    for last, at in enumerate(found):
        while found[first] <= at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def begun(files: list[Path]) -> None:
    while not all(file.exists() and file.stat().st_size for file in files):
        time.sleep(0.01)


def test_three_workers_of_which_one_is_killed_never_go_above_the_rate_and_one_block(
    server: Server, tmp_path: Path
) -> None:
    url = server.new_database()
    make(url)
    files = [tmp_path / f"{number}" for number in range(3)]
    workers = [pacer(url, file, seconds=SECONDS) for file in files]
    begun(files)
    since_s = time.monotonic()
    time.sleep(SECONDS * 0.4)
    workers[0].send_signal(signal.SIGKILL)
    assert [worker.wait(SECONDS + 60) for worker in workers] == [-signal.SIGKILL, 0, 0]
    found = instants(*files)
    most, gone = busiest(found), [at for at in found if at >= since_s]
    share = len(gone) / (gone[-1] - gone[0]) / RATE
    print(f"{len(found):,} messages; at most {most:,} in a second; {share:.1%} of the rate was used")  # noqa: T201
    assert most <= RATE * (1 + BLOCK_S)
    assert share > 0.5  # a busy machine loses slots, but not most of them
