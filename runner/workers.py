"""Worker processes: the same work on many pieces side by side, its results in the order of the pieces.

Of the machine it asks how many processors this process may use. `multiprocessing` is imported only where there is more
than one job, so that a small run pays nothing.
"""

import atexit
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from .errors import FlypastError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Method = Literal["fork", "spawn"]

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
AHEAD = 4  # pieces for each worker that are taken, done or under way, before the first of them is wanted
_JOIN_S = 5.0
_CGROUPS = Path("/sys/fs/cgroup")


class WorkerDied(FlypastError):
    """A process that worked for this one is gone: exit code 3, as nobody knows what it has not looked at."""


class _Raised(NamedTuple):
    """What a piece of work raised, instead of a result."""

    error: BaseException


def jobs_for(size: int, *, each: int, asked: int | None = None) -> int:
    """How many processes pay for work of this size: one for every `each` of it, at most one a processor.

    What somebody asked for comes before that; more processes than there is work for never start.
    """
    if asked is not None:
        return max(1, min(asked, size))
    return max(1, min(processors(), size // each)) if size >= 2 * each else 1


def processors() -> int:
    """How many this process may use: its affinity and its control group count, not what is built in."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([count, *map(ceil, _quotas())]))


def _quotas() -> list[float]:
    """The processors that its control group (of either version) and those around it allow."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers or "cpu" in controllers.split(","):
                return list(_quotas_below(_CGROUPS / controllers, path))
    return []


def _quotas_below(root: Path, path: str) -> Iterator[float]:
    group = root / path.lstrip("/")
    for folder in (group, *group.parents):
        if not folder.is_relative_to(root):
            return
        with suppress(OSError, ValueError):
            most, period = (folder / "cpu.max").read_text().split()
            if most != "max":
                yield int(most) / int(period)
        with suppress(OSError, ValueError):
            quota = int((folder / "cpu.cfs_quota_us").read_text())
            if quota > 0:
                yield quota / int((folder / "cpu.cfs_period_us").read_text())


def in_order(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], *, jobs: int, method: Method | None = None
) -> Generator[Result, None, None]:
    """Does `work` on each piece, in so many processes, and gives the results in the order of the pieces.

    `work` is a function of a module, or a `partial` of one: it, the pieces and the results are pickled. What it raises
    is raised here when its turn comes. A worker that dies raises WorkerDied. Whoever stops early, by Ctrl-C too, closes
    this: then every worker is killed. Should this process be killed, they end by themselves.
    """
    if jobs == 1:
        yield from map(work, pieces)
        return
    crew = _Crew(work)
    try:
        crew.start(jobs, method or _method())
        yield from crew.results(pieces)
        crew.send_home()
    finally:
        crew.kill()


def _method() -> Method:
    """Fork where nothing else runs in this process that it would cut in two; a spawned worker imports all anew."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return "spawn"
    try:
        return "fork" if len(os.listdir("/proc/self/task")) == 1 else "spawn"  # noqa: PTH208 - no paths are wanted
    except OSError:
        return "spawn"


class _Crew:
    """The workers, each with a pipe of its own and at most one piece in it: none waits while its pipe is full."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work
        self._workers: dict[Connection[Any, Any], BaseProcess] = {}

    def start(self, jobs: int, method: Method) -> None:
        from multiprocessing import get_context, util  # noqa: F401, PLC0415 - only where there are workers

        context: Any = get_context(method)  # its classes are made when it is asked for
        # Where an interrupt keeps whoever should close this from it. Registered after what `util` does at the end, so
        # it comes before: that waits for workers, and one that stands still would never end.
        atexit.register(self.kill)
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            # A forked worker has our ends too: unless it closes them, nobody would see that we are gone.
            inherited = (*self._workers, ours) if method == "fork" else ()
            worker = context.Process(target=_serve, args=(self._work, theirs, inherited), daemon=True)
            with _no_signals():
                worker.start()
                self._workers[ours] = worker
            theirs.close()

    def results(self, pieces: Iterable[Any]) -> Iterator[Any]:
        waiting, idle = enumerate(pieces), list(self._workers)
        busy: dict[Connection[Any, Any], int] = {}
        done: dict[int, Any] = {}
        turn = 0
        while True:
            while idle and len(busy) + len(done) < AHEAD * len(self._workers):
                taken = next(waiting, None)
                if taken is None:
                    break
                busy[idle[-1]], piece = taken
                self._give(idle.pop(), piece)
            if turn in done:
                yield _result(done.pop(turn))
                turn += 1
            elif busy:
                for end in self._ready(busy):
                    done[busy.pop(end)] = self._take(end)
                    idle.append(end)
            else:
                return

    def send_home(self) -> None:
        """They end as soon as nobody is there to give them more."""
        for end in self._workers:
            end.close()
        for worker in self._workers.values():
            worker.join(_JOIN_S)

    def kill(self) -> None:
        atexit.unregister(self.kill)
        for end, worker in self._workers.items():
            end.close()
            worker.kill()
        for worker in self._workers.values():
            worker.join(_JOIN_S)

    @staticmethod
    def _ready(busy: Iterable["Connection[Any, Any]"]) -> Sequence["Connection[Any, Any]"]:
        from multiprocessing.connection import wait  # noqa: PLC0415

        return wait(list(busy))  # type: ignore[return-value] # it gives of what it is given

    def _give(self, end: "Connection[Any, Any]", piece: object) -> None:
        try:
            end.send(piece)
        except OSError:
            raise self._died(end) from None

    def _take(self, end: "Connection[Any, Any]") -> Any:
        try:
            return end.recv()
        except (EOFError, OSError):
            raise self._died(end) from None

    def _died(self, end: "Connection[Any, Any]") -> WorkerDied:
        worker = self._workers[end]
        worker.join(_JOIN_S)
        code = worker.exitcode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return WorkerDied(
            f"a worker process ended in the midst of its work ({how})",
            hint="the machine may have run out of memory: try again with --jobs 1",
        )


@contextmanager
def _no_signals() -> Iterator[None]:
    """A worker starts with signals held back: until it ignores them they would be handled as in this process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(
    work: Callable[[Any], Any], end: "Connection[Any, Any]", inherited: Sequence["Connection[Any, Any]"]
) -> None:
    """A worker's life. Signals are for the process that started it, which kills it; without that it ends here."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for ours in inherited:
        ours.close()
    with suppress(EOFError, OSError):
        while True:
            end.send(_done(work, end.recv()))


def _done(work: Callable[[Any], Any], piece: Any) -> Any:
    try:
        return work(piece)
    except Exception as error:  # noqa: BLE001 - it is raised again, in the process that asked for the work
        return _Raised(_portable(error))


def _portable(error: Exception) -> Exception:
    """The error, if it can be sent; with where it came from, which pickling loses."""
    trace = traceback.format_exc()
    try:
        copy: Exception = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, a moment old
    except Exception:  # noqa: BLE001 - whatever an error's own way of pickling raises
        copy = RuntimeError(f"a worker raised {type(error).__name__}")
    copy.add_note(trace)
    return copy


def _result(done: Any) -> Any:
    if isinstance(done, _Raised):
        raise done.error
    return done
