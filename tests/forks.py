"""The command as a process of its own that need not import everything anew: forked from one that has.

What runs is all of the command, with its own arguments, environment, folder and standard streams, and it ends as
Python ends. Only its start is not its own; `Project.start` and the tests of the wheel start it from nothing.
"""

import atexit
import gc
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).parent.parent
_LONGEST_REQUEST = 1 << 20
# What Python itself reads when it starts: whoever sets one of these wants a process that does.
_READ_AT_START = ("PYTHON", "COVERAGE_", "LANG", "LC_", "TZ", "LD_")


@dataclass(frozen=True)
class Ended:
    code: int
    out: bytes
    err: bytes


def can_fork(environment: Mapping[str, str]) -> bool:
    own = {name: value for name, value in environment.items() if os.environ.get(name) != value}
    return not any(name.startswith(_READ_AT_START) for name in own) and "COVERAGE_PROCESS_CONFIG" not in environment


def run(
    arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdin: bytes, timeout_s: float
) -> Ended:
    """As subprocess.run of `python -m runner`. Raises subprocess.TimeoutExpired."""
    asked = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect(_parent())
        into, out, err = os.pipe(), os.pipe(), os.pipe()
        theirs = (into[0], out[1], err[1])
        socket.send_fds(line, [json.dumps(asked).encode()], theirs)
        for end in theirs:
            os.close(end)
        pid = int(line.recv(64))
        held = [_Reading(out[0]), _Reading(err[0])]
        threading.Thread(target=_write, args=(into[1], stdin), daemon=True).start()
        line.settimeout(timeout_s)
        try:
            code = int(line.recv(64))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(["flypast", *arguments], timeout_s) from None
        return Ended(code, *(each.all() for each in held))


class _Reading(threading.Thread):
    def __init__(self, end: int) -> None:
        super().__init__(daemon=True)
        self._file: BinaryIO = os.fdopen(end, "rb")
        self._content = b""
        self.start()

    def run(self) -> None:
        with self._file:
            self._content = self._file.read()

    def all(self) -> bytes:
        self.join()
        return self._content


def _write(end: int, content: bytes) -> None:
    try:
        with os.fdopen(end, "wb") as file:
            file.write(content)
    except BrokenPipeError:
        pass  # it ended, or closed its stdin


@cache
def _parent() -> str:
    """The address of the process that forks; it ends with this one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forks"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    atexit.register(process.communicate)  # an end of its stdin is its end
    assert process.stdout is not None
    return "\0" + process.stdout.readline().decode().strip()


def main() -> None:
    """Forks for everybody who asks, until its stdin ends. Returns in a fork alone, which then is the command."""
    _import_all()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        name = f"flypast-forks-{os.getpid()}"
        door.bind("\0" + name)
        door.listen(64)
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            if sys.stdin in select.select([sys.stdin, door], [], [])[0]:
                sys.exit()
            line, _ = door.accept()
            asked, ends, _, _ = socket.recv_fds(line, _LONGEST_REQUEST, 3)
            if os.fork() == 0:
                door.close()
                break
            line.close()
            for end in ends:
                os.close(end)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    pid = os.fork()
    if pid:
        _mind(pid, line, ends)
    line.close()
    _become(json.loads(asked), ends)


def _import_all() -> None:
    import runner

    for module in pkgutil.walk_packages(runner.__path__, "runner."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    import jsonschema_rs  # noqa: F401 - what the command imports where it needs it

    gc.collect()
    gc.freeze()


def _mind(pid: int, line: socket.socket, ends: Sequence[int]) -> None:
    """Tells how the command ended."""
    for end in ends:
        os.close(end)
    line.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    line.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(asked: dict[str, Any], ends: Sequence[int]) -> None:
    for number, end in enumerate(ends):
        os.dup2(end, number)
        os.close(end)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        before = getattr(sys, name)
        setattr(sys, name, open(number, mode, encoding="utf-8", errors=before.errors, closefd=False))  # noqa: SIM115
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = [str(ROOT / "runner" / "__main__.py"), *asked["arguments"]]


if __name__ == "__main__":
    main()
    from runner.cli import run as flypast

    flypast()
