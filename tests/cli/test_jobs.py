"""`validate --jobs` and `plan --jobs`: the same bytes however many processes work, and none is ever left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CHANNEL, WORKSPACE, Project, clean_environment, command, unmeasured_environment

IS_LINUX = sys.platform == "linux"
LIBRARY = f"""\
apiVersion: flypast/v1
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}}}
recipients:
  crowd: {{file: lists/crowd.csv}}
"""
SEND = """\
apiVersion: flypast/v1
name: send-{number}
include: [../library.yaml]
parameters: {{shop: Acme, code: {code}}}
recipients:
  people: {{file: ../lists/{list}.csv{columns}}}
messages:
  greet: {{channel: sms, to: [{to}], body: {{type: text, text: {{text: "{text}"}}}}}}
"""
LATER = """\
import sys, threading
stop = threading.Event()
threading.Thread(target=stop.wait).start()
if __name__ == "__main__":
    sys.argv = ["flypast", *sys.argv[1:]]
    from runner.cli import run
    try:
        run()
    finally:
        stop.set()
"""


def write_sends(folder: Path, count: int) -> None:
    """Good ones and bad ones, with findings in files that many of them share, and two with one name."""
    (folder / "sends").mkdir(parents=True)
    (folder / "lists").mkdir()
    (folder / ".git").mkdir()
    (folder / "library.yaml").write_text(LIBRARY)
    (folder / "lists" / "good.csv").write_text("phone,name\n+14155550100,Ada\n+14155550101,Bo\n")
    (folder / "lists" / "bad.csv").write_text("phone,name\n12345,Ada\n,Bo\n+14155550101,\n")
    rows = "".join(f"{number},x\n" for number in range(70))
    (folder / "lists" / "crowd.csv").write_text(f"phone,name\n{rows}")
    for number in range(count):
        kind = number % 7
        source = SEND.format(
            number=5 if number == 12 else number,
            code="null" if kind == 1 else f'"{number}"',
            list="missing" if kind == 2 else "bad" if kind == 3 else "good",
            columns=", columns: [phone, name]" if kind == 2 else "",
            to="people, crowd" if kind == 4 and number < 30 else "people",
            text="Hi {{ nam }}" if kind == 5 else f"Hi {{{{ name }}}}, {number} {{{{ shop }}}}",
        )
        if kind == 6:
            source = source.replace("messages:", "mesages:") if number < 20 else source[:-9]
        (folder / "sends" / f"send-{number:03}.yaml").write_text(source)


@pytest.fixture(scope="module")
def sends(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("sends") / "project"
    write_sends(folder, 40)
    return Project(folder)


@pytest.fixture(scope="module")
def told_alone(sends: Project) -> dict[str, tuple[int, str, str]]:
    found = {}
    for kind in ("text", "json", "sarif"):
        ran = sends.run("validate", "--jobs", "1", "--format", kind)
        found[kind] = (ran.code, ran.out, ran.err)
    return found


@pytest.mark.parametrize(("jobs", "seed", "kind"), [(2, 0, "text"), (3, 1, "text"), (2, 7, "json"), (3, 42, "sarif")])
def test_more_jobs_tell_the_same_bytes(
    sends: Project, told_alone: dict[str, tuple[int, str, str]], jobs: int, seed: int, kind: str
) -> None:
    ran = sends.run("validate", "--jobs", str(jobs), "--format", kind, PYTHONHASHSEED=str(seed))
    assert (ran.code, ran.out, ran.err) == told_alone[kind]
    assert ran.code == 1
    assert kind != "text" or all(code in ran.out for code in ("RCP532", "TPL403", "REF312", "SCH201", "more like this"))


def test_the_variable_says_it_too(sends: Project, told_alone: dict[str, tuple[int, str, str]]) -> None:
    ran = sends.run("validate", FLYPAST_JOBS="2")
    assert (ran.code, ran.out, ran.err) == told_alone["text"]


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "257"])
def test_jobs_are_a_number_of_them(sends: Project, jobs: str) -> None:
    ran = sends.run("validate", "--jobs", jobs)
    assert ran.code == 2
    assert "--jobs" in ran.err


def test_where_threads_run_workers_are_spawned_and_tell_the_same(
    sends: Project, told_alone: dict[str, tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "later.py").write_text(LATER)
    done = subprocess.run(
        [sys.executable, tmp_path / "later.py", "validate", "--jobs", "2"],
        cwd=sends.path, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == told_alone["text"]


def test_a_usage_error_of_one_file_is_told_from_a_worker_too(sends: Project) -> None:
    alone, together = (sends.run("validate", "--jobs", jobs, "--set", "nobody=1") for jobs in ("1", "2"))
    assert (together.code, together.err) == (alone.code, alone.err)
    assert together.code == 2


def test_standard_input_is_read_by_one(sends: Project) -> None:
    manifest = (sends.path / "sends" / "send-000.yaml").read_text()
    ran = sends.run(
        "validate", "-", "sends/send-007.yaml", "--stdin-filename", "sends/new.yaml", "--jobs", "2", stdin=manifest
    )
    assert ran.code == 0, ran.err


def children_of(process: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def wait_until_gone(processes: list[int]) -> None:
    deadline_s = time.monotonic() + 30
    while any(map(is_alive, processes)):
        assert time.monotonic() < deadline_s, processes
        time.sleep(0.01)


def write_a_long_list(folder: Path) -> None:
    """Enough rows that two processes have something to do."""
    (folder / "sends").mkdir(parents=True)
    (folder / "lists").mkdir()
    (folder / ".git").mkdir()
    (folder / "library.yaml").write_text(LIBRARY)
    rows = "".join(f"+1415555{100 + number % 100:04},{number}\n" for number in range(20_000))
    for name in ("crowd", "people"):
        (folder / "lists" / f"{name}.csv").write_text(f"phone,name\n{rows}")
    source = SEND.format(number=1, code="x", list="people", columns="", to="people", text="Hi {{ name }}")
    (folder / "sends" / "long.yaml").write_text(source.replace("to: [", "distinct: name, to: ["))


@pytest.fixture(params=["validate", "plan"])
def at_work(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[tuple[subprocess.Popen[str], list[int]]]":
    """A command in two workers that stand still."""
    folder = tmp_path / "project"
    if request.param == "plan":
        write_a_long_list(folder)
    else:
        write_sends(folder, 200)
    run = subprocess.Popen(
        command(request.param, *(["sends/long.yaml"] if request.param == "plan" else []), "--jobs", "2"),
        cwd=folder, env=clean_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while len(workers := children_of(run.pid)) < 2:
        assert run.poll() is None
        time.sleep(0.001)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    yield run, workers
    for process in (run.pid, *workers):
        if is_alive(process):
            os.kill(process, signal.SIGKILL)
    run.communicate()


def test_more_jobs_draw_the_same_plan(tmp_path: Path) -> None:
    write_a_long_list(tmp_path / "project")
    project = Project(tmp_path / "project")
    alone, together = (project.run("plan", "sends/long.yaml", "--format", "json", "--jobs", jobs) for jobs in "12")
    assert alone == together
    assert alone.code == 0
    assert '"new": 20000' in alone.out


@pytest.mark.skipif(not IS_LINUX, reason="it looks into /proc")
def test_a_worker_that_dies_is_exit_3_and_says_so(at_work: "tuple[subprocess.Popen[str], list[int]]") -> None:
    run, workers = at_work
    os.kill(workers[0], signal.SIGKILL)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 3
    assert out == ""
    assert "error: a worker process ended in the midst of its work (SIGKILL)" in err
    assert "--jobs 1" in err
    assert "flypast has a bug" not in err
    wait_until_gone(workers)


@pytest.mark.skipif(not IS_LINUX, reason="it looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_all_of_them(
    at_work: "tuple[subprocess.Popen[str], list[int]]", number: signal.Signals
) -> None:
    run, workers = at_work
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (130, "")
    assert "interrupted" in err
    wait_until_gone(workers)


@pytest.mark.skipif(not IS_LINUX, reason="it looks into /proc")
def test_workers_whose_run_is_killed_end_by_themselves(at_work: "tuple[subprocess.Popen[str], list[int]]") -> None:
    run, workers = at_work
    run.kill()
    run.wait()  # not `communicate`: stopped workers still hold its pipes
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    wait_until_gone(workers)


@pytest.mark.skipif(not IS_LINUX, reason="it looks into /proc")
def test_a_small_run_starts_no_process(sends: Project) -> None:
    code = (
        "import sys; met = []; sys.addaudithook(lambda event, _: met.append(event) if event == 'os.fork' else None);"
        "sys.argv = ['flypast', 'validate']\n"
        "from runner.cli import run\n"
        "try: run()\n"
        "finally: assert not met and 'multiprocessing' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=sends.path, env=unmeasured_environment(), capture_output=True, check=False
    )
    assert b"AssertionError" not in done.stderr


def test_thousands_of_paths_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "libraries"
    folder.mkdir()
    (folder / "0.yaml").write_text("apiVersion: flypast/v1\nparameters: {a: 1}\n")
    names = [f"{number}.yaml" for number in range(5_000)]
    for name in names[1:]:
        shutil.copyfile(folder / "0.yaml", folder / name)
    ran = Project(folder).run("validate", *names, *names[:10])
    assert (ran.code, ran.out, ran.err) == (0, "", "5,000 manifests checked: no findings\n")
