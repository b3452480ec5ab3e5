"""Peak memory of `plan` and `send` for one number of rows and for ten times as many.

python -m benchmarks.memory [--rows N]
"""

import argparse
import tempfile
from pathlib import Path

from .measure import Server, Used, used_by, write_manifest

PLAN = ("plan", "bench.yaml", "--format", "json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    print(report(parser.parse_args().rows))


def report(rows: int) -> str:
    """The table of README.md."""
    lines = ["                 rows   peak MiB    CPU us a row"]
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        send = ("send", "bench.yaml", "--yes", "--format", "json", "--api-url", server.url, "--rate", "unlimited")
        for count in (rows, 10 * rows):
            place = Path(folder) / str(count)
            write_manifest(place, count)
            for name, arguments in (("plan", PLAN), ("send", send), ("send again", send)):
                lines.append(_line(name, count, used_by(arguments, place)))
    return "\n".join(lines)


def _line(name: str, rows: int, used: Used) -> str:
    return f"{name:10} {rows:>10,} {used.peak_mib:>10.0f} {used.cpu_s / rows * 1e6:>15.1f}"


if __name__ == "__main__":
    main()
