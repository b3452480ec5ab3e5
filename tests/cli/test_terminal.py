"""Where output goes when nobody listens, can't read it or closed the door: the send and its exit code stand."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Project, Serve, clean_environment, command


def shell(project: Project, line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    program = " ".join(command())
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('flypast', program)}"],
        cwd=project.path,
        env=clean_environment(**environment),
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_reader_that_leaves_early_costs_nothing(project: Project) -> None:
    project.people(2000)
    ran = shell(project, "flypast render hello.yaml | head -n 1")
    assert ran.stdout.count(b"\n") == 1
    assert b"Broken" not in ran.stderr
    assert b"bug" not in ran.stderr


@pytest.mark.parametrize("line", ["| true", ">&-", "2>&-", "<&-", "2>&1 | true"])
def test_a_send_that_nobody_hears_keeps_its_exit_code(project: Project, serve: Serve, line: str) -> None:
    server = serve("--fault", "422:first:1")
    send = f"flypast send hello.yaml --yes --rate unlimited --concurrency 1 --api-url {server.url} {line}"
    assert shell(project, send, BIRD_ACCESS_KEY="k").returncode == 5
    assert len(server.taken) == 2


def test_a_full_disk_under_standard_output_is_told(project: Project, serve: Serve) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    server = serve()
    ran = shell(project, f"flypast send hello.yaml --yes --api-url {server.url} > /dev/full", BIRD_ACCESS_KEY="k")
    assert ran.returncode == 9
    assert b"standard output can't be written" in ran.stderr
    assert len(server.taken) == 3


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_our_letters_gets_escapes(project: Project, encoding: str) -> None:
    project.write("people.csv", "phone,name\n+14155550100,Ωmega\n")
    project.write("hello.yaml", (project.path / "hello.yaml").read_text().replace("welcome", "καλώς ήρθες"))
    ran = shell(project, "flypast plan hello.yaml", PYTHONIOENCODING=encoding)
    assert ran.returncode == 0
    assert b"\\u03ba" in ran.stdout


def test_a_folder_that_can_not_be_written_says_so(project: Project, serve: Serve) -> None:
    if os.geteuid() != 0:
        project.path.chmod(0o500)
    ran = project.run(
        "send",
        "hello.yaml",
        "--yes",
        "--api-url",
        serve().url,
        "--ledger",
        "sqlite:////proc/ledger.db",
        BIRD_ACCESS_KEY="k",
    )
    assert ran.code == 9
    assert "no ledger can be made" in ran.err


@pytest.mark.parametrize("what", ["--help", "--version", "plan -h", "ledger init --help"])
def test_help_that_nobody_reads_is_no_failure_and_one_that_can_not_be_written_is_told(
    project: Project, what: str
) -> None:
    assert shell(project, f"flypast {what} | true").returncode == 0
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    ran = shell(project, f"flypast {what} > /dev/full")
    assert (ran.returncode, ran.stderr) == (9, b"error: standard output can't be written: No space left on device\n")


@pytest.mark.parametrize("what", ["plan", "nope", "plan nope.yaml", "ledger"])
def test_a_usage_error_that_nobody_hears_is_2_all_the_same(project: Project, what: str) -> None:
    lost = ["2>&1 | true", "2>&-"] + (["2> /dev/full"] if Path("/dev/full").exists() else [])
    assert {line: shell(project, f"flypast {what} {line}").returncode for line in lost} == dict.fromkeys(lost, 2)


@pytest.mark.parametrize("what", ["validate", "status", "demo"])
def test_a_working_directory_that_was_removed_is_told_and_no_bug(project: Project, what: str) -> None:
    (project.path / "gone").mkdir()
    ran = shell(project, f"cd gone; rmdir ../gone; flypast {what}")
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"error: the working directory is there no more\n") or what == "demo"
    assert b"bug" not in ran.stderr


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("validate -", 2),
        ("plan hello.yaml --recipients people=-", 2),
        ("plan hello.yaml --recipients people=people.csv", 0),
    ],
)
def test_a_closed_standard_input_is_told_where_it_is_wanted(project: Project, what: str, code: int) -> None:
    ran = shell(project, f"flypast {what} <&-")
    assert ran.returncode == code
    assert (b"standard input is closed" in ran.stderr) is (code == 2)
