"""`flypast ledger verify`, `export` and `purge` as processes."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.ledger.identity import message_key, reference_of
from runner.ledger.sqlite import create, open_ledger
from runner.model import State
from tests.conftest import KEY, Project, Ran, Serve, clean_environment, command
from tests.ledger.conformance import T0, sent, told
from tests.ledger.test_damage import PAGE, overwrite
from tests.ledger.test_sqlite import change
from tests.test_output_schemas import fits

from .keyboard import Keyboard
from .sending import posts, send, until

DIGITS = [f"201555010{number}" for number in range(6)]


STATES = [State.REJECTED, State.IN_DOUBT, *[State.ACCEPTED] * 4]


def bytes_on_disk(project: Project) -> bytes:
    folder = project.path / ".flypast"
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


Asks = Callable[..., Ran]


@pytest.fixture
def ledger_file(project: Project) -> Path:
    """The ledger of the working directory: six people, one rejected, one in doubt, the others accepted."""
    path = made(project.path / ".flypast" / "ledger.db", 0)
    ledger = open_ledger(path, origin=None)
    claim = ledger.claim("hello", run="r1", at=T0)
    keys = [
        message_key(workspace_id="w", name="hello", edition="1", message="greet", address=digits) for digits in DIGITS
    ]
    people = [
        sent(key)._replace(message="greet", reference=reference_of(key), address=f"phonenumber:+1{digits}")
        for key, digits in zip(keys, DIGITS, strict=True)
    ]
    claim.commit([], people)
    claim.commit([told(key, state) for key, state in zip(keys, STATES, strict=True)], [])
    claim.release()
    ledger.close()
    return path


@pytest.fixture
def ask(project: Project, ledger_file: Path) -> Asks:
    """`flypast ledger …` on that ledger."""
    assert ledger_file.exists()
    return lambda *words: project.run("ledger", *words)


@pytest.mark.parametrize("name", ["verify", "export", "purge"])
def test_the_help_of_each_ends_with_an_example(project: Project, name: str) -> None:
    ran = project.run("ledger", name, "-h")
    assert (ran.code, f"\n  Example:\n    flypast ledger {name}" in ran.out) == (0, True)


@pytest.mark.parametrize("words", [("verify",), ("export",), ("purge", "--older-than", "1d", "--yes")])
def test_without_a_ledger_each_is_refused(project: Project, words: tuple[str, ...]) -> None:
    ran = project.run("ledger", *words)
    assert (ran.code, "there is no ledger at" in ran.err) == (4, True)
    assert not (project.path / ".flypast").exists()


# verify


def test_a_sound_ledger_is_exit_0_with_its_numbers(ask: Asks) -> None:
    text = ask("verify")
    assert (text.code, text.out, text.err) == (0, "6 messages of 1 manifest: all is well\n", "")
    found = fits("verify", ask("verify", "--format", "json").json)
    assert (found["faults"], found["warnings"], found["exitCode"]) == ([], [], 0)
    assert found["totals"] == {
        "messages": 6, "manifests": 1, "sending": 0, "purged": 0, "faults": 0, "warnings": 0,
    }  # fmt: skip


def test_every_fault_is_listed_and_exit_9_and_nobody_s_number_shows(ledger_file: Path, ask: Asks) -> None:
    change(ledger_file, "UPDATE messages SET payload_hash = address, run = '', code = NULL")
    ran = ask("verify", "--format", "json")
    found = fits("verify", ran.json)
    assert (ran.code, found["exitCode"], found["totals"]["faults"]) == (9, 9, 13)
    assert len(found["faults"]) == 13
    assert {each["manifest"] for each in found["faults"]} == {"hello"}
    text = ask("verify")
    assert text.code == 9
    assert text.out.count("fault: hello greet ") == 13
    assert text.out.endswith("6 messages of 1 manifest: 13 faults, 0 warnings\n")
    assert not [digits for digits in DIGITS if digits in ran.out + text.out + text.err]


def test_of_many_faults_50_are_shown_and_the_total_is_said(tmp_path: Path, project: Project) -> None:
    url = f"sqlite:///{made(tmp_path / 'l.db', 120)}"
    change(tmp_path / "l.db", "UPDATE messages SET run = ''")
    text = project.run("ledger", "verify", "--ledger", url)
    assert text.out.count("fault: ") == 50
    assert "… and 70 more faults: --format json lists all\n" in text.out
    assert len(project.run("ledger", "verify", "--ledger", url, "--format", "json").json["faults"]) == 120


@pytest.mark.parametrize("page", [0, 1, 4])
def test_a_damaged_file_is_exit_9_in_both_forms_and_left_as_it_is(tmp_path: Path, project: Project, page: int) -> None:
    path = made(tmp_path / "l.db", 300)
    overwrite(path, page * PAGE, b"\xa5" * PAGE)
    before = path.read_bytes()
    text = project.run("ledger", "verify", "--ledger", f"sqlite:///{path}")
    assert (text.code, "fault: " in text.out) == (9, True)
    ran = project.run("ledger", "verify", "--ledger", f"sqlite:///{path}", "--format", "json")
    assert ran.code == fits("verify", ran.json)["exitCode"] == 9
    assert path.read_bytes() == before


def test_where_reading_ends_early_no_count_is_told(ledger_file: Path, ask: Asks) -> None:
    change(ledger_file, "DROP TABLE claims")
    ran = ask("verify")
    assert ran.code == 9
    assert ran.out.splitlines()[-1].startswith("the ledger can't be read to its end: ")
    assert " messages of " not in ran.out


def test_a_ledger_that_names_no_api_is_exit_9_for_every_command(project: Project, ledger_file: Path, ask: Asks) -> None:
    change(ledger_file, "UPDATE meta SET origin = ''")
    assert ask("verify").out.endswith("the ledger can't be read to its end: 1 fault, 0 warnings\n")
    for ran in (ask("export"), project.run("status"), ask(*PURGE)):
        assert ran.code == 9
        assert "is damaged: it does not say which API it is for" in ran.err


def test_what_a_run_has_in_flight_is_told_and_no_fault(project: Project, serve: Serve) -> None:
    server = serve("--fault", "slow:60s")
    process = project.start(*["send", "hello.yaml", "--yes", "--api-url", server.url], BIRD_ACCESS_KEY=KEY)
    try:
        until(lambda: posts(server) == 3, process)
        living = project.run("ledger", "verify", "--api-url", server.url)
        process.kill()
        process.wait()
        dead = project.run("ledger", "verify", "--api-url", server.url)
    finally:
        process.kill()
        process.communicate()
    for ran in (living, dead):
        assert (ran.code, ran.out) == (0, "3 messages of 1 manifest: all is well\n")
        assert ran.err == "3 messages being sent: a run is at it, or the next one takes it for in doubt\n"


# export


def test_an_export_is_a_superset_of_status(project: Project, ask: Asks) -> None:
    lines = [fits("export", line) for line in ask("export").lines]
    short = project.run("status", "--format", "jsonl").lines
    assert [{name: line[name] for name in short[0]} for line in lines] == short
    assert [line["key"] for line in lines] == [line["reference"].removeprefix("fp1.") for line in lines]
    assert lines == [fits("export", line) for line in ask("export", "hello.yaml").lines]


def test_people_are_masked_unless_asked_for(ledger_file: Path, ask: Asks) -> None:
    change(ledger_file, "UPDATE messages SET reference = 'for ' || address WHERE state = 'accepted'")
    ran = ask("export")
    assert not [digits for digits in DIGITS if digits in ran.out]
    assert {line["reference"] for line in ran.lines if line["state"] == "accepted"} == {"***"}
    shown = ask("export", "--show-pii").lines
    assert [line["recipient"] for line in shown] == [f"+1{digits}" for digits in DIGITS]
    assert {line["identifierKey"] for line in shown} == {"phonenumber"}
    assert shown[2]["reference"] == f"for phonenumber:+1{DIGITS[2]}"


def test_states_are_chosen(ask: Asks) -> None:
    some = ask("export", "--state", "inDoubt", "--state", "rejected").lines
    assert [line["state"] for line in some] == ["rejected", "inDoubt"]
    assert ask("export", "--state", "dropped").out == ""
    assert ask("export", "--state", "lost").code == 2


def test_foreign_text_can_not_steer_a_terminal_or_a_ci_log(ledger_file: Path, ask: Asks) -> None:
    words = "##[error]\x1b[2J\u202e\n::warning::é"
    connection = sqlite3.connect(ledger_file)
    with connection:
        connection.execute("UPDATE messages SET words = ? WHERE state = 'rejected'", (words,))
    connection.close()
    ran = ask("export", "--state", "rejected")
    assert ran.out.isascii()
    assert "\x1b" not in ran.out
    assert "##[" not in ran.out
    assert len(ran.out.splitlines()) == 1
    assert ran.json["words"] == words


def made(path: Path, count: int) -> Path:
    ledger = create(path, origin="https://api.bird.com", name=None, at=T0)
    claim = ledger.claim("spring", run="r1", at=T0)
    for first in range(0, count, 1000):
        keys = [
            message_key(workspace_id="w", name="spring", edition="1", message="announce", address=str(number))
            for number in range(first, min(count, first + 1000))
        ]
        claim.commit([], [sent(key) for key in keys])
        claim.commit([told(key) for key in keys], [])
    claim.release()
    ledger.close()
    return path


def test_a_reader_that_has_seen_enough_ends_it_quietly(tmp_path: Path, project: Project) -> None:
    url = f"sqlite:///{made(tmp_path / 'l.db', 5000)}"
    process = project.start("ledger", "export", "--ledger", url)
    assert process.stdout is not None
    assert process.stderr is not None
    fits("export", json.loads(process.stdout.readline()))
    process.stdout.close()
    assert (process.wait(timeout=60), process.stderr.read()) == (0, "")
    process.stderr.close()


def test_memory_is_as_flat_for_many_messages_as_for_few(tmp_path: Path) -> None:
    """Peak memory of the process; Linux counts it in KiB. A list of all the entries would be 15 MiB."""
    peaks = []
    for count in (100, 8_000):
        url = f"sqlite:///{made(tmp_path / f'{count}.db', count)}"
        code = (
            "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        measured = [sys.executable, "-c", code, *command("ledger", "export", "--ledger", url)]
        ran = subprocess.run(measured, env=clean_environment(), capture_output=True, text=True, check=True)
        peaks.append(int(ran.stdout))
    assert peaks[1] - peaks[0] < 6 * 1024


# purge


PURGE = ("purge", "--older-than", "0s", "--yes")


def test_the_addresses_of_what_is_decided_leave_every_byte_and_all_else_stays(project: Project, ask: Asks) -> None:
    before = ask("export").lines
    assert all(digits.encode() in bytes_on_disk(project) for digits in DIGITS)
    ran = ask(*PURGE)
    assert (ran.code, ran.out) == (0, "5 addresses dropped\n")
    assert "1 message that is not decided keeps its address until then" in ran.err
    assert [digits for digits in DIGITS if digits.encode() in bytes_on_disk(project)] == [DIGITS[1]]
    after = [fits("export", line) for line in ask("export", "--show-pii").lines]
    assert [line["recipient"] for line in after] == [None, f"+1{DIGITS[1]}", None, None, None, None]
    purged = {"recipient": None, "identifierKey": None, "words": None}
    assert [line | purged for line in before] == [line | purged for line in after]
    status = project.run("status", "--format", "jsonl")
    assert [fits("status-line", line)["recipient"] for line in status.lines] == [None, "+1…01", None, None, None, None]
    assert ask("verify").err == "5 messages without an address: purged\n"


def test_what_is_decided_later_goes_with_the_next_purge(project: Project, ask: Asks) -> None:
    assert ask(*PURGE).code == 0
    assert "greet +1…01 " in project.run("resolve").out
    assert project.run("resolve", "--drop", "--yes").code == 0
    assert "Drop 1 address that was last needed before " in ask("purge", "--older-than", "0s").err
    assert ask(*PURGE, "hello.yaml").out == "1 address dropped\n"
    assert not [digits for digits in DIGITS if digits.encode() in bytes_on_disk(project)]


def test_nothing_is_sent_again_and_a_rejected_message_that_is_changed_gets_its_address_back(
    project: Project, serve: Serve
) -> None:
    server = serve("--fault", "422:first:1")
    assert send(project, server.url, "--concurrency", "1").code == 5
    where = ("--api-url", server.url)
    assert project.run("ledger", *PURGE, *where).out == "3 addresses dropped\n"
    assert (send(project, server.url).code, posts(server)) == (0, 3)
    rows = (project.path / "people.csv").read_text()
    project.write("people.csv", rows.replace("Person 0", "Person Zero"))
    assert (send(project, server.url).code, posts(server)) == (0, 4)
    lines = project.run("ledger", "export", "--show-pii", *where).lines
    assert [(line["state"], line["attempts"]) for line in lines] == [("accepted", 2), ("accepted", 1), ("accepted", 1)]
    assert [line["recipient"] for line in lines] == [f"+1{DIGITS[0]}", None, None]


def test_what_is_not_old_enough_stays_and_nothing_is_asked(project: Project, ask: Asks) -> None:
    before = bytes_on_disk(project)
    ran = ask("purge", "--older-than", "999999d")
    assert (ran.code, ran.out, ran.err) == (0, "no address is that old\n", "")
    assert bytes_on_disk(project) == before
    assert ask("purge").code == 2
    assert ask("purge", "--older-than", "long").code == 2


def test_without_a_terminal_and_without_yes_nothing_is_purged(project: Project, ask: Asks) -> None:
    before = bytes_on_disk(project)
    ran = ask("purge", "--older-than", "0s")
    assert ran.code == 4
    assert "Drop 5 addresses that were last needed before " in ran.err
    assert bytes_on_disk(project) == before


@pytest.mark.parametrize(("answer", "ended"), [("y\n", (0, 1)), ("n\n", (4, 6))])
def test_a_person_is_asked_with_the_number(project: Project, ask: Asks, answer: str, ended: tuple[int, int]) -> None:
    with Keyboard(project, "ledger", "purge", "--older-than", "0s") as keyboard:
        keyboard.sees("Drop 5 addresses")
        keyboard.sees("for good?")
        keyboard.types(answer)
        ran = keyboard.ends()
    assert (ran.code, len([line for line in ask("export").lines if line["recipient"]])) == ended


def test_where_a_run_is_at_work_nothing_is_purged_and_its_holder_is_named(
    project: Project, ledger_file: Path, ask: Asks
) -> None:
    before = bytes_on_disk(project)
    ledger = open_ledger(ledger_file, origin=None)
    claim = ledger.claim("hello", run="r2", at=T0)
    ran = ask(*PURGE)
    assert ran.code == 8
    assert f"another run of hello holds the ledger: pid {os.getpid()} on " in ran.err
    assert len([line for line in ask("export").lines if line["recipient"]]) == 6
    waiting = project.start("ledger", *PURGE, "--lock-timeout", "5m")
    claim.release()
    ledger.close()
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, out) == (0, "5 addresses dropped\n"), err
    assert bytes_on_disk(project) != before


def test_where_another_manifest_is_being_sent_the_addresses_go_and_their_bytes_later(
    project: Project, ledger_file: Path, ask: Asks
) -> None:
    ledger = open_ledger(ledger_file, origin=None)
    claim = ledger.claim("urgent", run="r2", at=T0)
    ran = ask(*PURGE)
    assert (ran.code, ran.out) == (8, "5 addresses dropped\n")
    assert "another run of urgent holds the ledger" in ran.err
    assert "its old bytes are still in the file" in ran.err
    claim.release()
    ledger.close()
    again = ask(*PURGE)
    assert (again.code, again.out) == (0, "no address is that old\n")
    assert [digits for digits in DIGITS if digits.encode() in bytes_on_disk(project)] == [DIGITS[1]]
