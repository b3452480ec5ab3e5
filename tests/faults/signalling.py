"""A real run that gets a signal at a point: `python -m tests.faults.signalling SIGNALS ARGUMENT…`.

SIGNALS is `NUMBER:CALL` pairs with commas between: that signal comes when so many Python functions have been called,
counted from the first line of ours on. Without any, standard error ends with the number of all calls, and with the one
at which the signals were watched.
"""

import atexit
import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def _counting(signals: dict[int, int]) -> Callable[[Any, str, Any], None]:
    calls = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        if event != "call":
            return
        calls += 1
        if calls in signals:
            os.kill(os.getpid(), signals[calls])
        if not signals and not watched and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            watched.append(calls)

    def tell() -> None:
        sys.setprofile(None)
        sys.stderr.write(f"calls {calls} watched {watched[0]}\n")

    watched: list[int] = []
    if not signals:
        atexit.register(tell)
    return note


if __name__ == "__main__":
    _, wanted, *arguments = sys.argv
    sys.argv = ["flypast", *arguments]
    pairs = [pair.split(":") for pair in wanted.split(",") if pair]
    note = _counting({int(call): int(number) for number, call in pairs})
    # atexit's own and the imports above are not a run's: they would be over before it begins.
    sys.setprofile(note)
    from runner.cli import run

    run()
