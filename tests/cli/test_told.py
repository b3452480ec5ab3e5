"""What an operator is told: no person's value, every doubt, all counts, whatever the end."""

import json
from pathlib import Path

import pytest

from runner.judge import judge
from tests.conftest import KEY, MANIFEST, Project, Serve

from .raw_server import RawServer, reply, replying

WHO = "phone,name\n+12015550100,Zorroname\n+12015550101,Quixoticus\n"
SEND = ("send", "hello.yaml", "--yes", "--rate", "unlimited")


def saying(status: str, words: str) -> bytes:
    return reply(status, json.dumps({"code": "E1", "message": words}).encode())


@pytest.mark.parametrize("status", ["400 No", "422 No", "403 No", "404 No"])
def test_a_value_that_bird_quotes_is_neither_shown_nor_kept(project: Project, status: str) -> None:
    project.write("people.csv", "phone,name\n+12015550100,Zorroname\n")
    with RawServer(replying(saying(status, "no text for Zorroname, it says"))) as server:
        ran = project.run(*SEND, "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
        test = project.run(*SEND, "--test-to", "+14155550199", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    kept = b"".join(path.read_bytes() for path in (project.path / ".flypast").rglob("*") if path.is_file())
    assert ran.code in (5, 7)
    assert "no text for ***, it says" in test.out
    assert b"no text for ***, it says" in kept
    assert b"Zorroname" not in kept
    assert "Zorroname" not in ran.out + ran.err + test.out + test.err


@pytest.mark.parametrize(
    ("status", "what"),
    [("401", "the access key"), ("402", "credit"), ("403", "permission"), ("404", "the workspace or channel")],
)
def test_a_refusal_says_which_of_key_credit_permission_or_channel(project: Project, status: str, what: str) -> None:
    with RawServer(replying(reply(f"{status} No", b""))) as server:
        ran = project.run(*SEND, "--api-url", server.url, "--format", "json", BIRD_ACCESS_KEY=KEY)
    assert ran.code == 7
    assert what in ran.json["stopped"]


@pytest.mark.parametrize("change", ["row", "edition"])
def test_doubt_about_what_the_plan_no_longer_holds_is_still_exit_6(project: Project, change: str) -> None:
    project.write("people.csv", WHO)
    with RawServer(replying(reply("500 No", b""))) as server:
        where = ("--api-url", server.url)
        first = project.run(*SEND, *where, "--limit", "1", BIRD_ACCESS_KEY=KEY)
        if change == "row":
            project.write("people.csv", WHO.replace("+12015550100,Zorroname\n", ""))
        else:
            project.write("hello.yaml", MANIFEST.replace("name: hello", 'name: hello\nedition: "2"'))
        plan = project.run("plan", "hello.yaml", *where, "--format", "json")
    assert first.code == 6
    assert plan.json["gone"] == {"inDoubt": 1}


def test_with_all_else_sent_the_doubt_decides_the_exit_code(project: Project, serve: Serve) -> None:
    project.write("people.csv", WHO)
    server = serve("--fault", "500:first:1")
    send = (*SEND, "--api-url", server.url, "--concurrency", "1")
    assert project.run(*send, BIRD_ACCESS_KEY=KEY).code == 6
    project.write("people.csv", WHO.replace("+12015550100,Zorroname\n", ""))
    gone = project.run(*send, BIRD_ACCESS_KEY=KEY)
    assert gone.code == 6
    assert "flypast resolve hello.yaml" in gone.err
    assert project.run("resolve", "hello.yaml", "--drop", "--yes", "--api-url", server.url).code == 0
    assert project.run(*send, BIRD_ACCESS_KEY=KEY).code == 0


def test_a_refused_send_has_all_counts_in_its_summary(project: Project, serve: Serve) -> None:
    server = serve()
    project.write("named.yaml", MANIFEST.replace("name: hello", "name: named") + "policy: {ledger: acme}\n")
    send = ("--yes", "--format", "json")
    ci = project.run("send", "hello.yaml", *send, "--api-url", server.url, BIRD_ACCESS_KEY=KEY, CI="1")
    named = project.run("send", "named.yaml", *send, BIRD_ACCESS_KEY=KEY)
    for ran in (ci, named):
        assert ran.code == 4
        assert ran.json["totals"]["planned"] == ran.json["totals"]["messages"] == 3
    assert server.record == []


@pytest.mark.parametrize(("status", "code"), [("202 Yes", 0), ("302 Elsewhere", 11), ("422 No", 5), ("401 No", 7)])
def test_a_test_message_ends_like_a_send_and_has_its_keys(project: Project, status: str, code: int) -> None:
    with RawServer(replying(reply(status, b"{}"))) as server:
        arguments = ("--test-to", "+14155550199", "--api-url", server.url, "--format", "json")
        ran = project.run(*SEND, *arguments, BIRD_ACCESS_KEY=KEY)
    assert (ran.code, ran.json["exitCode"]) == (code, code)
    assert judge("send").errors(ran.json) == []
    assert not (project.path / ".flypast").exists()


def test_a_plan_says_when_its_ledger_is_another_api_s_or_empty(project: Project, serve: Serve) -> None:
    url = ("--ledger", f"sqlite:///{project.path}/l.db")
    refused = project.run("send", "hello.yaml", *url, "--api-url", serve().url, BIRD_ACCESS_KEY=KEY)
    assert refused.code == 4
    assert f"no ledger at {Path('l.db')}: all 3 count as new" in refused.err
    notes = project.run("plan", "hello.yaml", *url, "--format", "json").json["notChecked"]
    assert any("holds nothing yet: all 3 count as new" in note for note in notes)
    assert any("is bound to http://127.0.0.1" in note for note in notes)
