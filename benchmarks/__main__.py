"""`make bench`: all of it, in the order of README.md."""

import platform
import sqlite3

from . import batch, findings, ledger, memory, plan, restart, send, start, validate, workers


def main() -> None:
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()}")
    print(validate.report(1_000, 50_000, 5), flush=True)
    print(ledger.report(20_000, 5), flush=True)
    print(send.report(20_000, 5, 60), flush=True)
    print(batch.report(20_000, 5), flush=True)
    print(restart.report(100_000, 3), flush=True)
    print(start.report(1_000_000), flush=True)
    print(memory.report(100_000), flush=True)
    print(findings.report(1), flush=True)
    print(plan.report(1_000_000, 3), flush=True)
    print(workers.report(20_000, 5), flush=True)


if __name__ == "__main__":
    main()
