"""A send's guards and consent, and what it does when it is run again with this or that changed."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHANNEL, KEY, WORKSPACE, Project, Ran, clean_environment, command

from .keyboard import Keyboard
from .raw_server import ACCEPTED, RawServer, in_turn, reply, replying, says_and_closes
from .sending import GIVE_UP_S, counts, keeps_the_key, send, sending, states, status, summary, with_policy

ONE_BY_ONE = ("--concurrency", "1")
BIRD = "https://api.bird.com"  # never reached: what is tested there is refused before
REJECTS = reply("422 No", b'{"code": "Bad"}')


@pytest.fixture
def server() -> Iterator[RawServer]:
    """It takes everything."""
    with RawServer(replying(ACCEPTED)) as server:
        yield server


def plan(project: Project, url: str, *more: str | Path, code: int = 0, **environment: Any) -> Any:
    ran = project.run("plan", "hello.yaml", "--api-url", url, "--format", "json", *more, **environment)
    assert ran.code == code, ran.err
    keeps_the_key(ran)
    return ran.json


def totals(said: Any) -> dict[str, int]:
    """The counts of a plan that are not zero."""
    return {name: count for name, count in said["totals"].items() if count and isinstance(count, int)}


def refused(ran: Ran, *words: str) -> None:
    """Exit 4, in the JSON too, with these words on standard error."""
    keeps_the_key(ran)
    assert ran.code == 4, ran.out + ran.err
    if ran.out:
        assert ran.json["exitCode"] == 4
        assert ran.json["run"] == {"accepted": 0, "rejected": 0, "inDoubt": 0}
    for each in words:
        assert each in ran.err, ran.err


def edit(project: Project, old: str, new: str) -> None:
    manifest = (project.path / "hello.yaml").read_text()
    assert old in manifest
    project.write("hello.yaml", manifest.replace(old, new))


def receiver(body: Any) -> str:
    (contact,) = body["receiver"]["contacts"]
    return str(contact["identifierValue"])


def text(body: Any) -> str:
    return str(body["body"]["text"]["text"])


def files(project: Project) -> set[str]:
    return {str(path.relative_to(project.path)) for path in project.path.rglob("*")}


# The key


def test_a_missing_key_is_exit_4_before_anything_else(project: Project, server: RawServer) -> None:
    project.write("hello.yaml", "apiVersion: [nonsense\n")
    before = files(project)
    keys: list[dict[str, Any]] = [{}, {"BIRD_ACCESS_KEY": ""}, {"BIRD_ACCESS_KEY": " \n"}]
    for key in keys:
        ran = project.run(*sending(server.url, "--format", "json"), **key)
        refused(ran, "access key", "BIRD_ACCESS_KEY", "--access-key-file")
    assert files(project) == before


def test_the_key_of_a_file_wins_and_shows_nowhere(project: Project) -> None:
    project.people(1)
    project.write("key.txt", f"{KEY}\n")
    with RawServer(replying(ACCEPTED)) as server:
        said = summary(send(project, server.url, "--access-key-file", "key.txt", BIRD_ACCESS_KEY="another-key"))
        assert counts(said) == (1, 0, 0, 0)
        assert f"Authorization: AccessKey {KEY}\r\n".encode() in server.requests[0].head
        assert b"another-key" not in server.received


def test_a_key_file_that_is_not_there_or_empty_is_exit_4(project: Project, server: RawServer) -> None:
    project.write("empty.txt", "\n")
    for name in ("nowhere.txt", "empty.txt", "."):
        refused(project.run(*sending(server.url, "--access-key-file", name)), "access key")
    assert server.requests == []


def test_a_key_that_can_be_none_is_refused_without_being_shown(project: Project, server: RawServer) -> None:
    for strange in (f"{KEY}\nX-Other: 1", f"{KEY}\x01", f"{KEY}é"):
        ran = project.run(*sending(server.url), BIRD_ACCESS_KEY=strange)
        assert ran.code == 2, ran.err
        keeps_the_key(ran)
    assert server.requests == []


@pytest.mark.parametrize("how", ["--sandbox", "--dry-run"])
def test_sandbox_and_dry_run_need_no_key_no_consent_and_leave_nothing_behind(
    project: Project, tmp_path: Path, how: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    before = files(project)
    ran = project.run("send", "hello.yaml", how, "--format", "json", CI="1", TMPDIR=str(temporary))
    assert ran.code == 0, ran.err
    assert files(project) == before
    assert list(temporary.iterdir()) == []
    again = project.run("send", "hello.yaml", how, "--format", "json", CI="1")
    assert again.json["totals"] == ran.json["totals"]
    if how == "--sandbox":
        assert (counts(summary(ran)), ran.json["run"]["accepted"]) == ((3, 0, 0, 0), 3)


def test_a_real_send_leaves_no_temporary_file_behind(project: Project, server: RawServer, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    assert counts(summary(send(project, server.url, TMPDIR=str(temporary)))) == (3, 0, 0, 0)
    assert list(temporary.iterdir()) == []


# Consent


def test_without_a_terminal_and_without_yes_it_is_exit_4_naming_yes(project: Project, server: RawServer) -> None:
    arguments = [each for each in sending(server.url, "--format", "json") if each != "--yes"]
    refused(project.run(*arguments, BIRD_ACCESS_KEY=KEY), "--yes", "Send 3 messages")
    refused(project.run(*arguments, stdin="y\n", BIRD_ACCESS_KEY=KEY), "--yes")
    refused(project.run(*arguments, BIRD_ACCESS_KEY=KEY, FLYPAST_YES="1", FLYPAST_SEND_YES="1", YES="1"), "--yes")
    assert server.requests == []


@pytest.mark.parametrize(("answer", "code", "went"), [("n\n", 4, 0), ("\n", 4, 0), ("y\n", 0, 3)])
def test_the_question_holds_the_numbers_and_the_answer_counts(
    project: Project, server: RawServer, answer: str, code: int, went: int
) -> None:
    project.write("people.csv", "phone,name\n+12015550100,A\n+14165550101,B\n+12015550102,C\n")
    with Keyboard(project, "send", "hello.yaml", "--api-url", server.url, "--format", "json") as keyboard:
        screen = keyboard.sees("[y/N]")
        keyboard.types(answer)
        ran = keyboard.ends()
    asked = " ".join(screen.split())
    host = server.url.removeprefix("http://")
    assert f"Send 3 messages (3 segments) to US 2, CA 1 through sms at {host}, ledger" in asked
    assert "sandbox.db" in asked.rpartition("ledger")[2]
    assert (ran.code, len(server.references)) == (code, went)
    assert summary(ran)["run"]["accepted"] == went


def test_nothing_is_asked_where_nothing_is_to_be_sent(project: Project, server: RawServer) -> None:
    summary(send(project, server.url))
    ran = project.run("send", "hello.yaml", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert ran.code == 0, ran.err
    assert "?" not in ran.err


# CI and the ledger's name


def test_in_ci_a_ledger_on_disk_is_refused_unless_it_is_said_to_stay(project: Project, server: RawServer) -> None:
    before = files(project)
    refused(send(project, server.url, CI="1"), "--ledger-persisted", "policy.ledger")
    refused(send(project, server.url, CI="true", FLYPAST_LEDGER_PERSISTED="1"), "--ledger-persisted")
    assert (files(project), server.requests) == (before, [])
    said = summary(send(project, server.url, "--ledger-persisted", CI="1"))
    assert counts(said) == (3, 0, 0, 0)


def test_in_ci_a_policy_that_names_the_ledger_will_do(project: Project, server: RawServer) -> None:
    with_policy(project, "policy: {ledger: acme}\n")
    assert counts(summary(send(project, server.url, CI="1"))) == (3, 0, 0, 0)


def test_outside_ci_the_guard_is_silent(project: Project, server: RawServer) -> None:
    assert counts(summary(send(project, server.url, CI="false"))) == (3, 0, 0, 0)


def to_bird(project: Project, *more: str) -> Ran:
    """A send to Bird itself that can't happen: it has no consent and nobody to ask, the last of all guards."""
    return project.run("send", "hello.yaml", "--api-url", BIRD, "--format", "json", *more, BIRD_ACCESS_KEY=KEY)


def is_unchecked(planned: Any) -> bool:
    return any(each.startswith("ledger acme") for each in planned["notChecked"])


def test_policy_ledger_takes_no_ledger_but_the_one_of_that_name(project: Project) -> None:
    with_policy(project, "policy: {ledger: acme}\n")
    refused(to_bird(project), "'acme'", "there is none yet", "flypast ledger init acme")
    assert not (project.path / ".flypast").exists()
    assert is_unchecked(plan(project, BIRD))
    assert project.run("ledger", "init", "other", "--api-url", BIRD).code == 0
    refused(to_bird(project), "'acme'", "'other'")
    named = f"sqlite:///{project.path}/acme.db"
    assert project.run("ledger", "init", "acme", "--api-url", BIRD, "--ledger", named).code == 0
    refused(to_bird(project, "--ledger", named), "ledger acme", "--yes")
    assert not is_unchecked(plan(project, BIRD, "--ledger", named))


def test_a_ledger_belongs_to_one_api(project: Project, server: RawServer) -> None:
    ledger = ("--ledger", f"sqlite:///{project.path}/one.db")
    assert counts(summary(send(project, server.url, *ledger))) == (3, 0, 0, 0)
    with RawServer(replying(ACCEPTED)) as other:
        ran = send(project, other.url, *ledger)
        refused(ran, server.url, other.url)
        assert other.received == b""
    refused(to_bird(project, *ledger), server.url)
    assert project.run("plan", "hello.yaml", "--api-url", BIRD, *ledger).code == 4
    assert project.run("status", "hello.yaml", "--api-url", BIRD, *ledger).code == 4
    assert project.run("status", "hello.yaml", *ledger).code == 0


def test_a_ledger_that_is_none_is_exit_9_and_left_as_it_is(project: Project, server: RawServer) -> None:
    project.write("one.db", "not a ledger at all\n" * 100)
    ran = send(project, server.url, "--ledger", f"sqlite:///{project.path}/one.db")
    assert (ran.code, ran.json["exitCode"]) == (9, 9)
    assert (project.path / "one.db").read_text() == "not a ledger at all\n" * 100
    assert server.requests == []


# Limits


@pytest.mark.parametrize("policy", ["limits: {messages: 2}", "limits: {countries: [CA, GB]}"])
def test_limits_refuse_plan_and_send(project: Project, server: RawServer, policy: str) -> None:
    with_policy(project, f"policy: {{{policy}}}\n")
    plan(project, server.url, code=4)
    refused(send(project, server.url), f"policy.{policy.partition(':')[0]}")
    assert server.requests == []


def test_max_messages_only_lowers_the_limit(project: Project, server: RawServer) -> None:
    with_policy(project, "policy: {limits: {messages: 2}}\n")
    refused(send(project, server.url, "--max-messages", "1000"), "policy.limits.messages is 2", "3")
    with_policy(project, "")
    plan(project, server.url, "--max-messages", "2", code=4)
    refused(send(project, server.url, "--max-messages", "2"), "--max-messages is 2", "3")
    assert server.requests == []
    assert counts(summary(send(project, server.url, "--max-messages", "3"))) == (3, 0, 0, 0)
    assert summary(send(project, server.url, "--max-messages", "0"))["exitCode"] == 0, "nothing new is in it"


def test_limits_are_of_what_this_run_would_send(project: Project, server: RawServer) -> None:
    with_policy(project, "policy: {limits: {messages: 2}}\n")
    assert counts(summary(send(project, server.url, "--limit", "2"))) == (2, 0, 0, 1)
    assert counts(summary(send(project, server.url))) == (3, 0, 0, 0)


def test_limit_sends_the_first_new_ones_and_the_next_run_the_rest(project: Project, server: RawServer) -> None:
    first = summary(send(project, server.url, "--limit", "2"))
    assert (counts(first), first["exitCode"], first["stopped"]) == ((2, 0, 0, 1), 0, None)
    assert sorted(receiver(body) for body in server.posted) == ["+12015550100", "+12015550101"]  # in flight together
    rest = summary(send(project, server.url))
    assert (counts(rest), rest["run"]["accepted"]) == ((3, 0, 0, 0), 1)
    assert len(set(server.references)) == len(server.references) == 3


SECOND = '  later: {channel: sms, to: people, body: {type: text, text: {text: "Later, {{ name }}."}}}\n'


def test_message_sends_only_that_one(project: Project, server: RawServer) -> None:
    with_policy(project, SECOND)
    only = summary(send(project, server.url, "--message", "later"))
    assert counts(only) == (3, 0, 0, 0)
    assert {text(body)[:5] for body in server.posted} == {"Later"}
    rest = summary(send(project, server.url))
    assert (counts(rest), rest["run"]["accepted"]) == ((6, 0, 0, 0), 3)


def test_in_doubt_in_a_message_not_chosen_still_is_exit_6(project: Project) -> None:
    with_policy(project, SECOND)
    with RawServer(in_turn(says_and_closes(reply("500 Oops")), lambda line: line.say(ACCEPTED))) as server:
        send(project, server.url, *ONE_BY_ONE, "--message", "greet")
        said = summary(send(project, server.url, "--message", "later"))
        assert (counts(said), said["exitCode"]) == ((3, 0, 0, 0), 6)


# The reviewed plan


def test_expect_takes_the_digest_and_refuses_another(project: Project, server: RawServer) -> None:
    digest = plan(project, server.url)["digest"]
    edit(project, "welcome", "hello")
    refused(send(project, server.url, "--expect", digest), "expected")
    plan(project, server.url, "--expect", digest, code=4)
    assert server.requests == []
    edit(project, "hello.", "welcome.")
    assert counts(summary(send(project, server.url, "--expect", digest, "--limit", "1"))) == (1, 0, 0, 2)
    assert plan(project, server.url)["digest"] == digest, "what the ledger holds is not in it"
    assert counts(summary(send(project, server.url, "--expect", digest.upper()))) == (3, 0, 0, 0)


@pytest.mark.parametrize("moved", ["people.csv", "hello.yaml"])
def test_expect_takes_a_plan_and_names_the_input_that_moved(project: Project, server: RawServer, moved: str) -> None:
    project.write("plan.json", json.dumps(plan(project, server.url)))
    kept = (project.path / moved).read_text()
    project.write(moved, kept.replace("Person 1", "Somebody").replace("welcome", "hello"))
    ran = send(project, server.url, "--expect", "plan.json")
    refused(ran, f"{moved} changed")
    assert server.requests == []
    project.write(moved, kept)
    assert counts(summary(send(project, server.url, "--expect", "plan.json"))) == (3, 0, 0, 0)


@pytest.mark.parametrize("command", [("plan",), ("send", "--yes")])
def test_an_empty_variable_expects_nothing_so_it_is_no_guard(project: Project, command: tuple[str, ...]) -> None:
    ran = project.run(command[0], "hello.yaml", *command[1:], FLYPAST_EXPECT="", BIRD_ACCESS_KEY="k")
    assert (ran.code, "FLYPAST_EXPECT is set and empty" in ran.err) == (2, True)
    assert "FLYPAST_EXPECT" not in project.run("plan", "hello.yaml", "--expect", "0" * 64, FLYPAST_EXPECT="").err


def test_expect_sees_parameters_that_were_set(project: Project, server: RawServer) -> None:
    edit(project, "messages:", "parameters: {shop: Acme}\nmessages:")
    edit(project, "welcome", "{{ shop }}")
    digest = plan(project, server.url, "--set", "shop=Other")["digest"]
    refused(send(project, server.url, "--expect", digest), "expected")
    assert counts(summary(send(project, server.url, "--expect", digest, "--set", "shop=Other"))) == (3, 0, 0, 0)


# Drift


def test_an_edited_text_is_drift_refused_until_its_number_is_said(project: Project, server: RawServer) -> None:
    summary(send(project, server.url, "--limit", "2"))
    edit(project, "welcome", "hello")
    planned = plan(project, server.url)
    assert totals(planned) == {"messages": 3, "new": 1, "drift": 2, "segments": 1}
    refused(send(project, server.url), "--accept-drift 2")
    for wrong in ("1", "3"):
        refused(send(project, server.url, "--accept-drift", wrong), "drift")
    refused(send(project, server.url, FLYPAST_ACCEPT_DRIFT="2"), "--accept-drift 2")
    assert len(server.references) == 2
    said = summary(send(project, server.url, "--accept-drift", "2"))
    assert (counts(said), said["run"]["accepted"], said["exitCode"]) == ((3, 0, 0, 0), 1, 0)
    assert len(server.references) == len(set(server.references)) == 3
    refused(send(project, server.url, "--accept-drift", "3"), "drift")


def test_drift_of_what_is_in_doubt_is_counted_as_in_doubt(project: Project) -> None:
    project.people(2)
    with RawServer(replying(reply("500 Oops"), ACCEPTED)) as server:
        assert summary(send(project, server.url, *ONE_BY_ONE))["exitCode"] == 6
        assert plan(project, server.url)["totals"]["inDoubt"] == 1
        edit(project, "welcome", "hello")
        assert totals(plan(project, server.url)) == {"messages": 2, "drift": 2}
        refused(send(project, server.url), "--accept-drift 2")
        said = summary(send(project, server.url, "--accept-drift", "2"))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 0, 1, 0), 6, 2)


# What was rejected


def test_what_was_rejected_is_not_sent_again_until_it_has_changed(project: Project) -> None:
    project.people(2)
    with_policy(project, "policy: {stopAfter: {rejected: 10}}\n")
    with RawServer(replying(REJECTS, ACCEPTED)) as server:
        first = summary(send(project, server.url, *ONE_BY_ONE))
        assert (counts(first), first["exitCode"]) == ((1, 1, 0, 0), 5)
        same = summary(send(project, server.url))
        assert (counts(same), same["exitCode"], len(server.requests)) == ((1, 1, 0, 0), 0, 2)
        project.write("people.csv", "phone,name\n+12015550100,Another\n+12015550101,Person 1\n")
        assert totals(plan(project, server.url)) == {"messages": 2, "new": 1, "accepted": 1, "segments": 1}
        changed = summary(send(project, server.url))
        assert (counts(changed), changed["exitCode"], len(server.requests)) == ((2, 0, 0, 0), 0, 3)


def test_what_was_rejected_goes_out_through_another_channel(project: Project) -> None:
    project.people(1)
    with_policy(project, "policy: {stopAfter: {rejected: 10}}\n")
    with RawServer(replying(REJECTS, ACCEPTED)) as server:
        assert summary(send(project, server.url))["exitCode"] == 5
        edit(project, CHANNEL, "7be0a6d2-51c4-4d0f-8a3e-c2f7b9e4d633")
        said = summary(send(project, server.url))
        assert (counts(said), said["exitCode"], len(server.requests)) == ((1, 0, 0, 0), 0, 2)


# Nobody


def test_nobody_to_send_to_is_exit_4_unless_that_is_said_to_be_right(project: Project, server: RawServer) -> None:
    project.write("people.csv", "phone,name\n")
    plan(project, server.url, code=4)
    refused(send(project, server.url), "--allow-empty")
    refused(send(project, server.url, FLYPAST_ALLOW_EMPTY="1"), "--allow-empty")
    plan(project, server.url, "--allow-empty")
    said = summary(send(project, server.url, "--allow-empty"))
    assert (said["totals"]["messages"], said["exitCode"]) == (0, 0)


def test_all_left_out_is_nobody_and_all_sent_before_is_not(project: Project, server: RawServer) -> None:
    summary(send(project, server.url))
    assert summary(send(project, server.url))["exitCode"] == 0
    edit(project, "file: people.csv", "file: people.csv, where: name == 'nobody'")
    refused(send(project, server.url), "--allow-empty")


# Identity: what is sent again, and what never


Change = Callable[[Project], object]


def edits(*pairs: tuple[str, str]) -> Change:
    """In the manifest: each of these for the other."""

    def change(project: Project) -> None:
        for old, new in pairs:
            edit(project, old, new)

    return change


def reversed_rows(project: Project) -> None:
    head, *rows = (project.path / "people.csv").read_text().splitlines()
    project.write("people.csv", "\n".join([head, *reversed(rows)]))


def another_column(project: Project) -> None:
    project.write("people.csv", (project.path / "people.csv").read_text().replace("\n", ",x\n"))


def another_spelling(project: Project) -> None:
    project.write("people.csv", (project.path / "people.csv").read_text().replace("+12015550100", "+1 (201) 555-0100"))


OTHER_CHANNEL = "7be0a6d2-51c4-4d0f-8a3e-c2f7b9e4d633"
SAME: dict[str, Change] = {
    "nothing": edits(),
    "the rows' order": reversed_rows,
    "a number's spelling": another_spelling,
    "a column nobody uses": another_column,
    "the list's name": edits(("people: {file", "everybody: {file"), ("to: people", "to: everybody")),
    "the channel's name": edits(("  sms: {w", "  other: {w"), ("channel: sms", "channel: other")),
    "the channel's id": edits((CHANNEL, OTHER_CHANNEL)),
    "lists that share people": edits(
        ("messages:", "  again: {file: people.csv}\nmessages:"), ("to: people", "to: [again, people]")
    ),
    "the workspace's spelling": edits((WORKSPACE, WORKSPACE.upper())),
    "the policy": edits(("apiVersion", "policy: {rate: 7/s, concurrency: 3}\napiVersion")),
}
ANEW: dict[str, Change] = {
    "the name": edits(("name: hello", "name: hello-again")),
    "the edition": edits(("name: hello", 'name: hello\nedition: "2"')),
    "the message's name": edits(("  greet:", "  welcome:")),
    "the workspace": edits((WORKSPACE, "0e6a2fd6-b2fa-4f5a-a2cd-f3bd15883318")),
    "distinct": edits(("to: people", "to: people\n    distinct: name")),
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME.keys())
def test_nobody_gets_it_again_for_a_change_of(project: Project, server: RawServer, change: Change) -> None:
    summary(send(project, server.url))
    change(project)
    said = summary(send(project, server.url))
    assert (counts(said), said["run"]["accepted"], said["exitCode"]) == ((3, 0, 0, 0), 0, 0)
    assert len(server.requests) == 3


@pytest.mark.parametrize("change", ANEW.values(), ids=ANEW.keys())
def test_everybody_gets_it_again_for_a_change_of(project: Project, server: RawServer, change: Change) -> None:
    summary(send(project, server.url))
    change(project)
    said = summary(send(project, server.url))
    assert (counts(said), said["run"]["accepted"], said["exitCode"]) == ((3, 0, 0, 0), 3, 0)
    assert len(set(server.references)) == len(server.references) == 6


def test_another_file_of_the_same_name_is_the_same_send(project: Project, server: RawServer) -> None:
    summary(send(project, server.url))
    (project.path / "hello.yaml").rename(project.path / "other.yaml")
    ran = project.run("send", "other.yaml", "--yes", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert ran.code == 0, ran.err
    assert len(server.requests) == 3


def test_a_new_person_gets_it_and_one_who_left_is_told_of(project: Project, server: RawServer) -> None:
    summary(send(project, server.url))
    project.write("people.csv", "phone,name\n+12015550102,Person 2\n+12025550199,New\n")
    assert totals(plan(project, server.url)) == {"messages": 2, "new": 1, "accepted": 1, "segments": 1}
    ran = send(project, server.url)
    assert (counts(summary(ran)), ran.json["run"]["accepted"]) == ((2, 0, 0, 0), 1)
    assert "accepted 2" in next(line for line in ran.err.splitlines() if line.strip().startswith("gone"))


def test_plan_shows_in_doubt_and_is_exit_0(project: Project) -> None:
    with_policy(project)
    with RawServer(replying(ACCEPTED, reply("500 Oops"), REJECTS)) as server:
        assert summary(send(project, server.url, *ONE_BY_ONE))["exitCode"] == 6
        assert totals(plan(project, server.url)) == {"messages": 3, "accepted": 1, "inDoubt": 1, "rejected": 1}
        assert len(server.requests) == 3


# Variables


def test_options_can_be_given_by_variables(project: Project, server: RawServer) -> None:
    ledger = f"sqlite:///{project.path}/by-variable.db"
    arguments = ("send", "hello.yaml", "--yes")
    variables: dict[str, Any] = {
        "BIRD_ACCESS_KEY": KEY,
        "BIRD_API_URL": server.url,
        "FLYPAST_LEDGER": ledger,
        "FLYPAST_LIMIT": "2",
        "FLYPAST_FORMAT": "json",
        "FLYPAST_RATE": "unlimited",
    }
    said = summary(project.run(*arguments, **variables))
    assert counts(said) == (2, 0, 0, 1)
    assert (project.path / "by-variable.db").exists()
    assert summary(project.run(*arguments, "--limit", "1", **variables))["run"]["accepted"] == 1
    listed = project.run("status", "--format", "jsonl", BIRD_API_URL=server.url, FLYPAST_LEDGER=ledger)
    assert len(listed.lines) == 3
    refused(project.run(*arguments, **{**variables, "FLYPAST_EXPECT": "0" * 64}), "expected")


# A trial


def test_a_trial_sends_one_message_and_changes_nobodys_state(project: Project, server: RawServer) -> None:
    trial = (*sending(server.url, "--format", "json"), "--test-to", "+12015550100")
    before = files(project)
    ran = project.run(*trial, "--row", "people#2", BIRD_ACCESS_KEY=KEY)
    assert ran.code == 0, ran.err
    keeps_the_key(ran)
    assert files(project) == before
    (body,) = server.posted
    assert (receiver(body), text(body)) == ("+12015550100", "Hi Person 1, welcome.")
    said = summary(send(project, server.url))
    assert (counts(said), said["run"]["accepted"]) == ((3, 0, 0, 0), 3)
    assert len(set(server.references)) == len(server.references) == 4
    held = status(project, server.url)
    assert project.run(*trial, BIRD_ACCESS_KEY=KEY).code == 0
    assert status(project, server.url) == held
    assert len(server.requests) == 5, "a trial can be had again"


def test_a_trial_needs_a_key_and_consent(project: Project, server: RawServer) -> None:
    trial = ("send", "hello.yaml", "--api-url", server.url, "--test-to", "+12015550100")
    assert project.run(*trial, "--yes").code == 4
    ran = project.run(*trial, BIRD_ACCESS_KEY=KEY)
    assert ran.code == 4
    assert "--yes" in ran.err
    assert "1 test message" in ran.err
    assert server.requests == []


@pytest.mark.parametrize(
    ("content", "code"), [(REJECTS, 5), (reply("500 Oops"), 6), (reply("401 No"), 7), (reply("429 Wait"), 11)]
)
def test_a_trial_ends_as_a_send_would(project: Project, content: bytes, code: int) -> None:
    with RawServer(replying(content)) as server:
        ran = project.run(*sending(server.url, "--test-to", "+12015550100"), BIRD_ACCESS_KEY=KEY)
        assert (ran.code, len(server.requests)) == (code, 1)
        keeps_the_key(ran)


# Words on the command line that can't be meant


@pytest.mark.parametrize(
    "wrong",
    [
        ["--nonsense"],
        ["--limit", "0"],
        ["--limit", "some"],
        ["--rate", "fast"],
        ["--concurrency", "0"],
        ["--row", "people#1"],
        ["--format", "xml"],
        ["--lock-timeout", "soon"],
        ["--accept-drift", "-1"],
        ["--expect", "nonsense"],
        ["--message", "nobody"],
        ["--api-url", "http://api.example"],
        ["--api-url", "https://user:secret@api.example"],
        ["--ledger", "people.db"],
        ["--set", "shop"],
        ["--recipients", "people=nowhere.csv"],
        ["--parameters", "nowhere.yaml"],
        ["--test-to", "somebody"],
        ["another.yaml"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2_and_sends_nothing(project: Project, server: RawServer, wrong: list[str]) -> None:
    ran = project.run(*sending(server.url), *wrong, BIRD_ACCESS_KEY=KEY)
    assert ran.code == 2, ran.err
    keeps_the_key(ran)
    assert "secret" not in ran.err
    assert server.lines == []


def test_no_manifest_is_exit_2(project: Project, server: RawServer) -> None:
    ran = project.run("send", "nowhere.yaml", "--yes", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert ran.code == 2
    assert "nowhere.yaml" in ran.err


def test_findings_are_exit_1_and_send_nothing(project: Project, server: RawServer) -> None:
    project.write("people.csv", "phone,name\n+12015550100,A\n+12015550101,\n")
    ran = send(project, server.url)
    assert (ran.code, ran.json["exitCode"]) == (1, 1)
    assert ran.json["findings"]
    assert server.requests == []


# Ends that are nobody's wish


def with_nobody_listening(project: Project, url: str, stream: str, *more: str) -> int:
    """A send's exit code, with one of its streams a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: writing}
    try:
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            command(*sending(url, *more)),
            cwd=project.path,
            env=clean_environment(BIRD_ACCESS_KEY=KEY),
            stdin=subprocess.DEVNULL,
            timeout=GIVE_UP_S,
            check=False,
            **streams,  # type: ignore[call-overload]
        )
        return done.returncode
    finally:
        os.close(writing)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_where_nobody_listens_a_send_still_sends_and_says_so_by_its_exit_code(
    project: Project, server: RawServer, stream: str
) -> None:
    """As in `flypast send … 2>&1 | head -1`: exit 0 with nothing sent would be a loss unseen."""
    code = with_nobody_listening(project, server.url, stream)
    went = len(server.references)
    assert (code, went) == (0, 3) or (code != 0 and went == 0)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_where_nobody_listens_in_doubt_is_exit_6_still(project: Project, stream: str) -> None:
    with RawServer(replying(reply("500 Oops"))) as server:
        code = with_nobody_listening(project, server.url, stream)
        assert code != 0
        assert code == 6 or server.requests == []


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_stream_is_no_bug(project: Project, server: RawServer, stream: str) -> None:
    closed = {"stdout": ">&-", "stderr": "2>&-"}[stream]
    done = subprocess.run(
        ["bash", "-c", f'exec "$@" {closed}', "-", *command(*sending(server.url))],
        cwd=project.path,
        env=clean_environment(BIRD_ACCESS_KEY=KEY),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=GIVE_UP_S,
        check=False,
    )
    assert (done.returncode, len(server.references)) == (0, 3), done.stdout + done.stderr


def test_a_crash_is_exit_3_with_its_details_in_a_file_and_nothing_in_the_way(
    project: Project, server: RawServer, tmp_path: Path
) -> None:
    """A broken installation stands in for a mistake of ours: the HTTP library falls over while it is imported."""
    broken, temporary = tmp_path / "broken", tmp_path / "temporary"
    for folder in (broken, temporary):
        folder.mkdir()
    (broken / "aiohttp.py").write_text("raise RuntimeError('fell over')\n")
    ran = project.run(*sending(server.url), BIRD_ACCESS_KEY=KEY, PYTHONPATH=str(broken), TMPDIR=str(temporary))
    assert ran.code == 3, ran.err
    keeps_the_key(ran)
    (file,) = temporary.iterdir()
    assert str(file) in ran.err
    assert file.stat().st_mode & 0o777 == 0o600
    details = file.read_text()
    assert "fell over" in details
    assert KEY not in details
    assert server.requests == []
    assert counts(summary(send(project, server.url))) == (3, 0, 0, 0)


def test_a_temporary_folder_that_is_full_or_missing_is_no_crash(project: Project, server: RawServer) -> None:
    ran = send(project, server.url, TMPDIR="/nonexistent")
    assert ran.code in (0, 9)
    assert (len(server.references) == 3) == (ran.code == 0)


def test_send_twice_sends_nothing_the_second_time(project: Project, server: RawServer) -> None:
    first, second = summary(send(project, server.url)), summary(send(project, server.url))
    assert (first["run"]["accepted"], second["run"]["accepted"]) == (3, 0)
    assert first["digest"] == second["digest"]
    assert first["totals"] == second["totals"]
    assert states(project, server.url) == ["accepted"] * 3
