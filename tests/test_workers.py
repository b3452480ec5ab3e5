"""Worker processes: results in order, whatever happens to the workers; none is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from runner.errors import Exit, UsageError
from runner.workers import Method, WorkerDied, in_order, jobs_for, processors

METHODS: tuple[Method, ...] = ("fork", "spawn")


def squared(number: int) -> int:
    return number * number


def with_process(number: int) -> tuple[int, int]:
    return number, os.getpid()


def shaken(number: int) -> int:
    """The earlier half takes longer: results come in another order than pieces."""
    if number % 2 == 0:
        sum(range(20_000))
    return number


def dying(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refusing(number: int) -> int:
    if number == 3:
        raise UsageError("three is too many", hint="take two")
    return number


def unpicklable(number: int) -> int:
    class Odd(Exception):
        pass

    raise Odd(str(number))


def large(number: int) -> bytes:
    return bytes([number]) * 300_000


def waiting(folder: str, number: int) -> int:
    (Path(folder) / str(os.getpid())).touch()
    if number:
        signal.pause()
    return number


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def gone(processes: set[int]) -> bool:
    deadline_s = time.monotonic() + 20
    while any(alive(each) for each in processes):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("jobs", [1, 2, 3, 7])
def test_results_come_in_the_order_of_the_pieces(jobs: int) -> None:
    assert list(in_order(shaken, range(50), jobs=jobs)) == list(range(50))


def test_a_worker_may_be_spawned_too() -> None:
    assert list(in_order(squared, range(9), jobs=2, method="spawn")) == [number * number for number in range(9)]


def test_the_work_is_done_in_other_processes_each_with_its_share() -> None:
    processes = {process for _, process in in_order(with_process, range(200), jobs=2, method="fork")}
    assert len(processes) == 2
    assert os.getpid() not in processes


def test_one_job_is_this_process() -> None:
    assert {process for _, process in in_order(with_process, range(3), jobs=1)} == {os.getpid()}


def test_pieces_and_results_larger_than_a_pipe_pass() -> None:
    found = list(in_order(large, range(8), jobs=2))
    assert [(each[0], len(each)) for each in found] == [(number, 300_000) for number in range(8)]


def test_pieces_are_taken_as_they_are_needed() -> None:
    taken = []

    def pieces() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    with closing(in_order(squared, pieces(), jobs=2)) as results:
        next(results)
    assert len(taken) <= 10


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_that_dies_ends_the_run_with_the_code_of_a_bug(method: Method) -> None:
    with pytest.raises(WorkerDied, match=r"in the midst of its work .SIGKILL.") as died:
        list(in_order(dying, range(9), jobs=2, method=method))
    assert died.value.exit_code == Exit.BUG
    assert "--jobs 1" in (died.value.hint or "")


def test_an_error_is_raised_at_its_turn_with_its_words() -> None:
    found: list[int] = []
    with pytest.raises(UsageError, match="three is too many") as raised:
        found.extend(in_order(refusing, range(9), jobs=2))
    assert raised.value.hint == "take two"
    assert any("in refusing" in note for note in raised.value.__notes__)


def test_an_error_that_can_not_be_sent_is_told_all_the_same() -> None:
    with pytest.raises(RuntimeError, match="a worker raised Odd") as raised:
        list(in_order(unpicklable, range(2), jobs=2))
    assert any("in unpicklable" in note for note in raised.value.__notes__)


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
@pytest.mark.parametrize("method", METHODS)
def test_who_stops_early_leaves_no_worker_behind(tmp_path: Path, method: Method) -> None:
    results = in_order(partial(waiting, str(tmp_path)), [0, 1, 1, 1], jobs=2, method=method)
    assert next(results) == 0
    while len(started := {int(path.name) for path in tmp_path.iterdir()}) < 2:
        time.sleep(0.01)
    results.close()
    assert gone(started)


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
@pytest.mark.parametrize("method", METHODS)
def test_workers_end_by_themselves_when_their_run_is_killed(tmp_path: Path, method: Method) -> None:
    code = f"""
from functools import partial
from tests.test_workers import slow_step
from runner.workers import in_order
if __name__ == "__main__":
    for _ in in_order(partial(slow_step, {str(tmp_path)!r}), range(100000), jobs=2, method={method!r}):
        pass
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    folder = tmp_path / "started"
    folder.mkdir()
    run = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    while len(started := {int(path.name) for path in folder.iterdir()}) < 2:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    assert gone(started)


def slow_step(folder: str, number: int) -> int:
    (Path(folder) / "started" / str(os.getpid())).touch()
    return number


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_a_run_that_ends_without_closing_waits_for_no_worker_that_stands_still() -> None:
    code = (
        "import os, signal, sys\n"
        "from runner.workers import in_order\n"
        "from tests.test_workers import with_process\n"
        "kept = in_order(with_process, range(40), jobs=2)\n"
        "_, worker = next(kept)\n"
        "os.kill(worker, signal.SIGSTOP)\n"
        "print(worker)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert gone({int(done.stdout)})


def test_a_process_with_threads_is_never_forked() -> None:
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        assert list(in_order(squared, range(4), jobs=2)) == [
            0,
            1,
            4,
            9,
        ]  # forking it is a DeprecationWarning since 3.12
    finally:
        stop.set()
        other.join()


def test_small_work_is_one_job_and_large_work_as_many_as_processors() -> None:
    assert jobs_for(0, each=100) == jobs_for(199, each=100) == 1
    assert jobs_for(200, each=100) == min(2, processors())
    assert jobs_for(1_000_000, each=100) == processors()


def test_who_asks_for_jobs_gets_them_as_far_as_there_is_work() -> None:
    assert jobs_for(5, each=100, asked=3) == 3
    assert jobs_for(2, each=100, asked=8) == 2
    assert jobs_for(0, each=100, asked=8) == 1


def test_as_many_processors_as_this_process_may_use() -> None:
    assert 1 <= processors() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_setaffinity"):
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        try:
            assert processors() == 1
        finally:
            os.sched_setaffinity(0, before)


def test_quota_of_a_control_group_counts(tmp_path: Path) -> None:
    from runner.workers import _quotas_below

    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "outer" / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "outer" / "inner" / "cpu.max").write_text("max 100000\n")
    assert list(_quotas_below(tmp_path, "/outer/inner")) == [1.5]
    (tmp_path / "cpu.cfs_quota_us").write_text("200000\n")
    (tmp_path / "cpu.cfs_period_us").write_text("100000\n")
    assert list(_quotas_below(tmp_path, "/nowhere")) == [2.0]
