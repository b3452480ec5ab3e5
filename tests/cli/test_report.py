"""`flypast report`: the ledger's word for what became of a real send, while it runs and afterwards."""

import csv
import io
import json
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest

from runner.ledger.sqlite import create
from runner.model import State
from tests.conftest import KEY, MANIFEST, Project, Serve, clean_environment, command
from tests.ledger.conformance import T0, T1, intent, settled
from tests.ledger.older import make_older

from .sending import send

SCHEMA = Path(__file__).parents[2] / "schemas" / "report.schema.json"
KINDS = ("text", "html", "json", "csv", "junit", "markdown")


pytestmark = pytest.mark.xdist_group("report")  # they share one send


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """60 messages of which Bird refuses 5, and 4 are in doubt. To look at: nobody changes it."""
    project = Project(tmp_path_factory.mktemp("sent"))
    project.write("hello.yaml", MANIFEST + "policy: {stopAfter: {rejected: 1000, inDoubt: 1000}}\n")
    project.people(60)
    server = project.start("sandbox", "--port", "0", "--fault", "422:first:5", "--fault", "500-after:after:5:first:9")
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    assert send(project, url).code == 6
    yield project, url
    server.terminate()
    server.communicate(timeout=10)


def test_a_report_says_what_a_send_did(sent: tuple[Project, str]) -> None:
    project, url = sent
    ran = project.run("report", "hello.yaml", "--api-url", url, "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    report = ran.json
    assert list(jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(report)) == []
    status = project.run("status", "hello.yaml", "--api-url", url, "--format", "json").json["totals"]
    assert {name: report["totals"][name] for name in status if name != "lookedAt"} | {"lookedAt": None} == status
    assert {name: count for name, count in status.pop("delivery").items() if count} == {"notLookedUp": 51}
    assert status.pop("lookedAt") is None
    assert status == {"messages": 60, "accepted": 51, "rejected": 5, "inDoubt": 4, "planned": 0, "dropped": 0}
    (failure,) = report["failures"]
    assert (failure["code"], failure["messages"], failure["canPass"]) == ("InvalidPayload", 5, False)
    assert "this is a 422 InvalidPayload on demand" in failure["words"]
    assert report["inDoubt"]["reasons"] == [
        {"words": "Bird answered with HTTP 500, which proves nothing", "messages": 4}
    ]
    assert report["latency"]["messages"] == 56
    (run,) = report["runs"]
    assert (run["messages"], sum(step["accepted"] for step in run["steps"])) == (60, 51)
    assert report["countries"][0]["country"] == "US"
    assert report["totals"]["segments"] == 51
    assert report["next"][0]["command"] == f"flypast reconcile hello.yaml --api-url {url}"


def test_the_command_that_it_names_works(sent: tuple[Project, str], tmp_path: Path) -> None:
    looked_at, url = sent
    project = Project(Path(shutil.copytree(looked_at.path, tmp_path / "copy")))
    report = project.run("report", "hello.yaml", "--api-url", url, "--format", "json").json
    words = report["next"][0]["command"].split()
    assert project.run(*words[1:], BIRD_ACCESS_KEY=KEY).code == 0
    after = project.run("report", "hello.yaml", "--api-url", url, "--format", "json").json
    assert after["totals"]["inDoubt"] == 0
    assert after["totals"]["accepted"] == 55


def test_every_kind_goes_to_stdout_and_to_files_alike(sent: tuple[Project, str]) -> None:
    project, url = sent
    ran = project.run("report", "--api-url", url, *(f"--report={kind}=out/{kind}" for kind in KINDS))
    assert (ran.code, ran.err) == (0, "")
    for kind in KINDS:
        told = project.run("report", "--api-url", url, "--format", kind, "--color", "never")
        assert told.code == 0
        assert told.out == (project.path / "out" / kind).read_text(), kind
        assert "+1201555" not in told.out
    assert ran.out == (project.path / "out" / "text").read_text()
    rows = csv.DictReader(io.StringIO((project.path / "out" / "csv").read_text()))
    assert sum(row["state"] == "rejected" for row in rows) == 5


def test_numbers_show_where_they_are_asked_for_alone(sent: tuple[Project, str]) -> None:
    project, url = sent
    shown = project.run("report", "--api-url", url, "--format", "csv", "--show-pii").out
    assert "'+12015550100" in shown


def test_a_report_is_whole_while_a_send_is_at_work(project: Project, serve: Serve) -> None:
    project.people(400)
    server = serve("--fault", "slow:50ms")
    sending = project.start(
        "send", "hello.yaml", "--yes", "--api-url", server.url, "--rate", "unlimited", "--concurrency", "4",
        BIRD_ACCESS_KEY=KEY,
    )  # fmt: skip
    try:
        totals = {"messages": 0}
        while not totals["messages"]:
            ran = project.run("report", "hello.yaml", "--api-url", server.url, "--format", "json")
            totals = ran.json["totals"] if ran.code == 0 else totals
        assert totals["messages"] == sum(
            totals[name] for name in ("accepted", "rejected", "inDoubt", "planned", "dropped")
        )
        assert ran.json["inDoubt"]["messages"] == totals["inDoubt"]
    finally:
        sending.send_signal(signal.SIGINT)
        sending.communicate(timeout=30)


def test_no_ledger_is_said_and_refused(project: Project) -> None:
    ran = project.run("report", "hello.yaml")
    assert (ran.code, ran.out) == (4, "")
    assert "there is no ledger at" in ran.err
    assert "--ledger" in ran.err


def test_a_ledger_that_holds_nothing_of_a_manifest_says_so(project: Project) -> None:
    assert project.run("ledger", "init").code == 0
    ran = project.run("report", "hello.yaml", "--format", "json")
    assert ran.code == 0
    assert ran.json["totals"]["messages"] == 0
    assert "holds nothing of hello yet" in ran.err
    assert "holds nothing of this yet" in project.run("report", "hello.yaml", "--format", "html").out


def test_it_is_0_whatever_it_says_but_9_where_it_can_not_be_written(sent: tuple[Project, str]) -> None:
    project, url = sent
    project.write("taken/file", "")
    for path in ("taken", "taken/file/report.html"):
        ran = project.run("report", "--api-url", url, "--report", f"html={path}")
        assert (ran.code, ran.out) == (9, "")
        assert "can't be written" in ran.err
    assert (project.path / "taken" / "file").read_text() == ""


def test_no_report_takes_the_place_of_the_ledger_or_of_the_manifest(project: Project) -> None:
    made = project.run("ledger", "init", "--ledger", "sqlite:///l.db")
    assert made.code == 0, made.err
    for path in ("l.db", "hello.yaml"):
        before = (project.path / path).read_bytes()
        ran = project.run("report", "hello.yaml", "--ledger", "sqlite:///l.db", "--report", f"html=./{path}")
        assert (ran.code, ran.out) == (2, "")
        assert "that file is an input, and the report would overwrite it" in ran.err
        assert (project.path / path).read_bytes() == before


def test_a_full_disk_is_9_and_leaves_the_old_report(sent: tuple[Project, str]) -> None:
    project, url = sent
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command("report", "--api-url", url, "--format", "csv"),
            cwd=project.path, env=clean_environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ended.returncode == 9
    assert "standard output can't be written" in ended.stderr


def test_a_reader_that_has_seen_enough_ends_it_quietly(sent: tuple[Project, str]) -> None:
    project, url = sent
    report = shlex.join(command("report", "--api-url", url, "--format", "csv"))
    ended = subprocess.run(
        ["bash", "-c", f"{report} | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=project.path, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.stdout.splitlines()[-1], ended.stderr) == ("0", "")


@pytest.mark.parametrize("given", ["sarif=x", "html", "html=", "=x"])
def test_a_kind_that_a_report_does_not_have_is_a_usage_error(project: Project, given: str) -> None:
    ran = project.run("report", "--report", given)
    assert ran.code == 2
    assert "KIND is one of text, html, json, csv, junit, markdown" in ran.err


def test_a_damaged_ledger_is_9_and_its_old_report_stays(project: Project) -> None:
    path = project.path / "ledger.db"
    ledger = create(path, origin="https://api.bird.com", name=None, at=T0)
    claim = ledger.claim("hello", run="r1", at=T0)
    keys = [f"{number:032}" for number in range(2000)]
    claim.commit([], [intent(key) for key in keys])
    claim.commit([settled(key) for key in keys], [])
    claim.release()
    ledger.close()
    url = f"sqlite:///{path}"
    assert project.run("report", "--ledger", url, "--report", "csv=messages.csv").code == 0
    whole = (project.path / "messages.csv").read_text()
    assert len(whole.splitlines()) == 2001
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    ran = project.run("report", "--ledger", url, "--report", "csv=messages.csv", "--format", "html")
    assert (ran.code, ran.out) == (9, "")
    assert (project.path / "messages.csv").read_text() == whole
    assert [each.name for each in project.path.glob(".flypast-*")] == []


def test_an_older_ledger_without_prices_has_a_report_too(project: Project) -> None:
    path = project.path / "ledger.db"
    ledger = create(path, origin="https://api.bird.com", name="acme", at=T0)
    claim = ledger.claim("hello", run="r1", at=T0)
    claim.commit([], [intent("A" * 32), intent("B" * 32)])
    claim.commit([settled("A" * 32, at=T1), settled("B" * 32, State.IN_DOUBT, at=T1)], [])
    claim.release()
    ledger.close()
    make_older(path, 2)
    ran = project.run("report", "--ledger", f"sqlite:///{path}", "--format", "json")
    assert ran.code == 0, ran.err
    totals = ran.json["totals"]
    assert (totals["accepted"], totals["costs"], totals["unpriced"]) == (1, {}, 2)
    assert any(words.startswith("the cost of 2") for words in ran.json["notKnown"])
