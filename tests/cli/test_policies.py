"""Policies, waves and `flypast retry` as processes against the sandbox: who gets what how often, and what is told."""

from collections import Counter

import pytest

from tests.conftest import KEY, Project, Ran, Serve
from tests.test_output_schemas import fits

from .keyboard import Keyboard
from .sending import counts, posts, send, sending, states, status, summary, with_policy

WIDE = "stopAfter: {rejected: 1000, inDoubt: 1000}"


def policy(project: Project, more: str) -> None:
    with_policy(project, f"policy: {{{WIDE}, {more}}}\n")


def plan(project: Project, url: str, *more: str) -> Ran:
    ran = project.run("plan", "hello.yaml", "--api-url", url, "--format", "json", *more)
    fits("plan", ran.json)
    return ran


def look(project: Project, url: str, *more: str) -> Ran:
    ran = project.run("reconcile", "--api-url", url, "--settle", "0s", "--format", "json", *more, BIRD_ACCESS_KEY=KEY)
    fits("reconcile", ran.json)
    return ran


def retry(project: Project, url: str, *more: str) -> Ran:
    arguments = sending(url, "--format", "json", *more)
    return project.run("retry", *arguments[1:], BIRD_ACCESS_KEY=KEY)


# resend-absent


def test_what_is_absent_goes_again_once_and_then_a_person_decides(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:2")  # lost, and lost again
    project.people(1)
    policy(project, "delivery: resend-absent, settle: 2m")
    assert send(project, server.url).code == 6
    assert [look(project, server.url, "hello.yaml").code for _ in range(2)] == [6, 0]
    assert states(project, server.url) == ["planned"]
    again = send(project, server.url)
    assert (again.code, posts(server)) == (6, 2)
    assert [look(project, server.url, "hello.yaml").code for _ in range(3)] == [6, 6, 6]
    assert states(project, server.url) == ["absent"]
    third = send(project, server.url)
    assert (third.code, posts(server), counts(summary(third))) == (6, 2, (0, 0, 1, 0))


def test_what_a_look_at_the_whole_ledger_found_absent_goes_again_too(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:2", "--fault", "500-after:after:2:first:3")
    project.people(3)
    policy(project, "delivery: resend-absent")
    assert send(project, server.url, "--concurrency", "1").code == 6
    assert [look(project, server.url).json["totals"]["absent"] for _ in range(2)] == [0, 2]
    planned = plan(project, server.url).json
    assert (planned["again"], planned["totals"]["new"]) == ({"absent": 2, "inDoubt": 0}, 2)
    limited = send(project, server.url, "--limit", "1")
    assert (limited.code, counts(summary(limited))) == (6, (2, 0, 1, 0))
    done = send(project, server.url)
    assert (done.code, counts(summary(done))) == (0, (3, 0, 0, 0))
    assert Counter(line["reference"] for line in server.record).most_common()[-1][1] == 1


def test_by_default_what_is_absent_is_left_to_a_person(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:1")
    project.people(1)
    policy(project, "settle: 2m")
    send(project, server.url)
    assert [look(project, server.url, "hello.yaml").json["totals"]["absent"] for _ in range(2)] == [0, 1]
    assert plan(project, server.url).json["totals"]["inDoubt"] == 1
    assert (send(project, server.url).code, posts(server)) == (6, 1)


def test_the_settle_of_the_policy_is_what_a_look_goes_by(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:1")
    project.people(1)
    policy(project, "delivery: resend-absent, settle: 3h")
    send(project, server.url)
    text = project.run("reconcile", "hello.yaml", "--api-url", server.url, "--format", "json", BIRD_ACCESS_KEY=KEY)
    (line,) = status(project, server.url)
    assert text.json["lookAgainAfter"][:10] >= line["at"][:10]
    assert look(project, server.url, "hello.yaml").json["totals"]["planned"] == 1


# at-least-once


def test_what_is_in_doubt_goes_again_in_the_same_run(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500-after:first:3")
    project.people(3)
    policy(project, "delivery: at-least-once, acceptDuplicates: true")
    ran = send(project, server.url)
    said = fits("send", summary(ran))
    assert (ran.code, counts(said), said["sentAgainInDoubt"]) == (0, (3, 0, 0, 0), 3)
    assert set(Counter(line["reference"] for line in server.record).values()) == {2}
    assert {line["attempts"] for line in status(project, server.url)} == {2}


def test_plan_question_and_summary_say_that_somebody_may_get_one_twice(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:3")
    project.people(1)
    policy(project, "delivery: at-least-once, acceptDuplicates: true")
    first = send(project, server.url)
    assert (first.code, posts(server), counts(summary(first))) == (6, 3, (0, 0, 1, 0))
    planned = plan(project, server.url).json
    assert (planned["delivery"], planned["again"]) == ("at-least-once", {"absent": 0, "inDoubt": 1})
    assert (planned["totals"]["new"], planned["totals"]["inDoubt"]) == (1, 0)
    text = project.run("plan", "hello.yaml", "--api-url", server.url).out
    assert "at-least-once: what is in doubt is sent again, so somebody may get one twice" in text
    assert "1 in doubt: sent again, and may arrive twice" in text
    with Keyboard(project, "send", "hello.yaml", "--api-url", server.url) as keyboard:
        assert "1 in doubt may arrive twice" in keyboard.sees("[y/N]")
        keyboard.types("y\n")
        ran = keyboard.ends()
    assert ran.code == 0
    assert "1 sent again while in doubt: somebody may have got one twice" in ran.out


def test_what_is_in_doubt_and_was_not_come_to_is_still_in_doubt(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:6", "--fault", "401:after:7")
    project.people(2)
    policy(project, "delivery: at-least-once, acceptDuplicates: true")
    send(project, server.url, "--concurrency", "1")
    ran = send(project, server.url, "--concurrency", "1")
    assert (ran.code, counts(summary(ran))) == (7, (1, 0, 1, 0))
    assert sorted(states(project, server.url)) == ["accepted", "inDoubt"]


def test_a_changed_text_is_drift_also_where_doubles_are_accepted(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:3")
    project.people(1)
    policy(project, "delivery: at-least-once, acceptDuplicates: true")
    send(project, server.url)
    manifest = (project.path / "hello.yaml").read_text().replace("welcome", "hello again")
    project.write("hello.yaml", manifest)
    assert (send(project, server.url).code, posts(server)) == (4, 3)


# Waves


def test_a_bad_first_wave_is_all_that_goes_out(project: Project, serve: Serve) -> None:
    server = serve("--fault", "422")
    project.people(100)
    with_policy(project, "policy: {waves: [5, 10%, 100%], stopAfter: {rejected: 50%}}\n")
    ran = send(project, server.url)
    assert (ran.code, posts(server), counts(summary(ran))) == (11, 5, (0, 5, 0, 95))
    assert "stopAfter.rejected is reached: 5 of 5 finished messages, at the end of wave 1" in ran.json["stopped"]


def test_good_waves_are_told_one_by_one(project: Project, serve: Serve) -> None:
    server = serve("--rate", "100000")
    project.people(60)
    policy(project, "waves: [5, 50%, 100%]")
    assert plan(project, server.url).json["waves"] == [5, 30, 60]
    assert "waves      5, 30, then all 60" in project.run("plan", "hello.yaml", "--api-url", server.url).out
    ran = send(project, server.url, "--pause-between", "1s")
    assert (ran.code, posts(server)) == (0, 60)
    assert "wave 1 of 3 is out, 5 of 60 messages: 5 accepted, 0 rejected, 0 in doubt; wave 2 begins at" in ran.err
    assert "wave 2 of 3 is out, 30 of 60 messages" in ran.err


def test_a_pause_without_waves_is_told_to_change_nothing(project: Project, serve: Serve) -> None:
    ran = send(project, serve().url, "--pause-between", "10m")
    assert (ran.code, "no policy.waves: --pause-between changes nothing" in ran.err) == (0, True)


def test_a_terminal_shows_the_wave_and_a_pause_can_be_ended(project: Project, serve: Serve) -> None:
    server = serve("--rate", "100000")
    project.people(60)
    policy(project, "waves: [5]")
    more = ("--yes", "--rate", "unlimited", "--pause-between", "10m")
    with Keyboard(project, "send", "hello.yaml", "--api-url", server.url, *more) as keyboard:
        keyboard.sees("Ctrl-C ends the run before it")
        keyboard.sees("wave 1 of 2")
        keyboard.types("\x03")
        ran = keyboard.ends()
    assert (ran.code, posts(server)) == (130, 5)
    assert "Of 60 messages: 5 accepted, 55 planned" in ran.out


# retry


def test_only_what_was_rejected_for_a_reason_that_can_pass_goes_again(project: Project, serve: Serve) -> None:
    server = serve(
        "--fault", "202-busy:first:2", "--fault", "202-rejected:after:2:first:3", "--fault", "422:after:3:first:4"
    )
    project.people(5)
    policy(project, "concurrency: 1")
    first = send(project, server.url, "--limit", "4")
    assert first.code == 5
    assert (
        f"2 for a reason that can pass; send again later: flypast retry hello.yaml --api-url {server.url}\n"
        in first.err
    )
    assert [line["code"] for line in status(project, server.url)] == ["12001", "12001", "12003", "InvalidPayload"]
    ran = retry(project, server.url)
    assert (ran.code, counts(summary(ran))) == (0, (2, 2, 0, 1))
    assert posts(server) == 6
    assert (retry(project, server.url).code, posts(server)) == (0, 6)
    assert send(project, server.url).json["totals"]["accepted"] == 3


def test_retry_plans_first_and_asks(project: Project, serve: Serve) -> None:
    server = serve("--fault", "202-busy:first:3")
    project.people(3)
    policy(project, "concurrency: 1")
    assert send(project, server.url).code == 5
    dry = project.run("retry", "hello.yaml", "--dry-run", "--api-url", server.url, "--format", "json")
    planned = fits("plan", dry.json)
    assert (dry.code, planned["retried"], planned["toSend"]["messages"]) == (0, 3, 3)
    mute = project.run("retry", "hello.yaml", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert (mute.code, posts(server)) == (4, 3)
    assert "retry      3 rejected for a reason that can pass: sent again" in mute.err
    with Keyboard(project, "retry", "hello.yaml", "--api-url", server.url) as keyboard:
        keyboard.sees("Send 3 messages")
        keyboard.types("y\n")
        assert keyboard.ends().code == 0
    assert set(states(project, server.url)) == {"accepted"}


def test_what_is_rejected_again_is_rejected(project: Project, serve: Serve) -> None:
    server = serve("--fault", "202-busy:first:4")
    project.people(2)
    policy(project, "concurrency: 1")
    send(project, server.url)
    ran = retry(project, server.url)
    assert (ran.code, counts(summary(ran))) == (5, (0, 2, 0, 0))


@pytest.mark.parametrize("command", ["send", "retry"])
def test_the_pause_needs_a_duration(project: Project, command: str) -> None:
    ran = project.run(command, "hello.yaml", "--pause-between", "soon")
    assert (ran.code, "no duration" in ran.err) == (2, True)


# resolve


def test_a_name_that_is_not_in_doubt_is_no_good_news(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:2")
    project.people(3)
    policy(project, "concurrency: 1")
    send(project, server.url)
    known = {line["state"]: line["key"] for line in status(project, server.url)}
    resolve = ("resolve", "hello.yaml", "--api-url", server.url, "--drop", "--yes")
    both = ("--key", known["inDoubt"], "--key", "XX")
    for odd in (("--key", "XX"), ("--key", known["accepted"]), ("--message", "nope"), both):
        ran = project.run(*resolve, *odd)
        assert (ran.code, "nothing of that is in doubt" in ran.err) == (2, True)
    assert Counter(states(project, server.url)) == {"accepted": 1, "inDoubt": 2}
    by_reference = project.run(*resolve, "--key", f"fp1.{known['inDoubt']}")
    assert (by_reference.code, "1 message dropped" in by_reference.out) == (0, True)
    assert Counter(states(project, server.url)) == {"accepted": 1, "inDoubt": 1, "dropped": 1}


def test_what_bird_has_twice_is_resent_only_by_its_key(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500-after:first:3")
    project.people(1)
    policy(project, "delivery: at-least-once, acceptDuplicates: true")
    send(project, server.url)
    look(project, server.url, "hello.yaml")
    resolve = ("resolve", "hello.yaml", "--api-url", server.url, "--resend", "--yes")
    kept = project.run(*resolve)
    assert (kept.code, "1 message that Bird has more than once: left as they are" in kept.err) == (6, True)
    assert states(project, server.url) == ["inDoubt"]
    (line,) = status(project, server.url)
    assert project.run(*resolve, "--key", line["key"]).code == 0
    assert states(project, server.url) == ["planned"]
