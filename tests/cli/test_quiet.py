"""Quiet hours, the repeat guard and suppression as commands: plan, send and retry against a real sandbox.

The commands take the machine's time, so each test makes quiet hours around it, or far from it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import KEY, MANIFEST, Project, Ran, Serve, Server
from tests.test_output_schemas import fits

from .keyboard import Keyboard
from .sending import counts, posts, send, sending, summary, with_policy

HOUR = timedelta(hours=1)
PHOENIX, HONOLULU = "America/Phoenix", "Pacific/Honolulu"  # neither has daylight saving


def quiet(then: str, *, since: int = -1, until: int = 2, zone: str = "UTC", clock: str = "UTC") -> str:
    """A policy with quiet hours so many hours from now on, by the clock in a zone without daylight saving."""
    at = datetime.now(ZoneInfo(clock))
    begin, end = (f"{at + hours * HOUR:%H:%M}" for hours in (since, until))
    return f'policy: {{quietHours: {{from: "{begin}", until: "{end}", zone: "{zone}", then: {then}}}}}\n'


def planned(project: Project, *more: str) -> Any:
    ran = project.run("plan", "hello.yaml", "--format", "json", *more)
    return fits("plan", ran.json)


def requests(server: Server) -> list[Any]:
    return [line["request"] for line in server.record]


def retry(project: Project, url: str) -> Ran:
    return project.run("retry", *sending(url, "--format", "json")[1:], BIRD_ACCESS_KEY=KEY)


def test_what_is_sent_in_quiet_hours_waits_at_bird_until_they_end(project: Project, serve: Serve) -> None:
    server, zone = serve(), "Asia/Kathmandu"
    with_policy(project, quiet("defer", zone=zone, clock=zone))
    drawn = planned(project)
    (group,) = drawn["quietHours"]["groups"]
    assert (group["message"], group["zones"], group["messages"]) == ("greet", [zone], 3)
    ran = send(project, server.url)
    said = fits("send", summary(ran))
    assert (ran.code, counts(said), said["deferred"], said["keptBack"]) == (0, (3, 0, 0, 0), 3, 0)
    assert said["digest"] == drawn["digest"]
    assert {each["scheduledFor"] for each in requests(server)} == {group["until"]}
    assert HOUR < datetime.fromisoformat(group["until"]) - datetime.now(UTC) <= 2 * HOUR
    with_policy(project, quiet("defer", since=3, until=4, zone=zone, clock=zone))
    assert planned(project, "--api-url", server.url)["totals"]["accepted"] == 3  # no drift: the time is in no hash


def test_each_has_their_own_clock(project: Project, serve: Serve) -> None:
    server = serve()
    people = [("+16025550100", "Ann", PHOENIX), ("+18085550100", "Kai", HONOLULU), ("+16025550101", "Bob", PHOENIX)]
    project.write("people.csv", "\n".join(["phone,name,tz", *map(",".join, people)]))
    with_policy(project, quiet("skip", since=-1, until=1, zone="recipient", clock=PHOENIX))
    drawn = planned(project)
    assert (drawn["totals"]["new"], drawn["skippedBy"]) == (1, {"quietHours": 2})
    with_policy(project, quiet("skip", since=-1, until=1, zone="column:tz", clock=PHOENIX))
    said = summary(send(project, server.url))
    assert (counts(said), said["totals"]["skipped"]) == ((1, 0, 0, 0), 2)
    (request,) = requests(server)
    assert request["receiver"]["contacts"][0]["identifierValue"] == "+18085550100"
    assert "scheduledFor" not in request


def test_where_the_policy_says_fail_nothing_is_sent(project: Project, serve: Serve) -> None:
    server = serve()
    with_policy(project, quiet("fail"))
    assert "3 would go out in quiet hours" in planned(project)["refusals"][0]
    ran = send(project, server.url)
    assert (ran.code, posts(server), summary(ran)["totals"]["planned"]) == (4, 0, 3)


def test_the_plan_and_the_question_tell_people_what_waits(project: Project, serve: Serve) -> None:
    server = serve()
    with_policy(project, quiet("defer"))
    drawn = project.run("plan", "hello.yaml")
    assert "  quiet      3 wait at Bird until their quiet hours (" in drawn.out
    assert "             3 of greet until " in drawn.out
    assert max(map(len, drawn.out.split("\n\nNot checked")[0].splitlines())) <= 80
    with Keyboard(project, "send", "hello.yaml", "--api-url", server.url) as keyboard:
        keyboard.sees("3 of them when quiet hours end")
        keyboard.types("y\n")
        ran = keyboard.ends()
    assert "3 of the accepted wait at Bird until their quiet hours end" in ran.out


def test_a_time_of_its_own_is_left_and_judged_by_itself(project: Project, serve: Serve) -> None:
    server = serve()
    own = f"{datetime.now(UTC) + 1 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    manifest = MANIFEST.replace("    to: people\n", f'    to: people\n    scheduledFor: "{own}"\n')
    project.write("hello.yaml", manifest + quiet("skip"))
    assert planned(project)["skippedBy"] == {"quietHours": 3}
    project.write("hello.yaml", manifest + quiet("defer"))
    assert summary(send(project, server.url))["deferred"] == 0
    assert {each["scheduledFor"] for each in requests(server)} == {own}


def test_bird_s_own_word_for_its_quiet_hours_lifts_none_of_ours(project: Project) -> None:
    manifest = MANIFEST.replace("    to: people\n", "    to: people\n    ignoreQuietHours: true\n")
    project.write("hello.yaml", manifest + quiet("skip"))
    assert planned(project)["skippedBy"] == {"quietHours": 3}


def test_a_retry_is_held_back_the_same_way(project: Project, serve: Serve) -> None:
    server = serve("--fault", "202-busy:first:3")
    with_policy(project)
    assert counts(summary(send(project, server.url))) == (0, 3, 0, 0)
    with_policy(project, quiet("skip"))
    ran = retry(project, server.url)
    assert (ran.code, summary(ran)["totals"]["skipped"], posts(server)) == (0, 3, 3)
    with_policy(project, quiet("defer"))
    said = summary(retry(project, server.url))
    assert (said["run"]["accepted"], said["deferred"]) == (3, 3)
    assert all("scheduledFor" in each for each in requests(server)[3:])


def test_at_least_once_keeps_in_doubt_what_it_may_not_send_again_now(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:3")
    always = "policy: {stopAfter: {inDoubt: 1000}}\n"
    with_policy(project, always)
    assert counts(summary(send(project, server.url))) == (0, 0, 3, 0)
    policy = quiet("skip").replace("policy: {", "policy: {delivery: at-least-once, acceptDuplicates: true, ")
    with_policy(project, policy)
    ran = send(project, server.url)
    assert (ran.code, counts(summary(ran)), posts(server)) == (6, (0, 0, 3, 0), 3)


# The repeat guard


GUARD = "policy: {{repeatGuard: {{within: 7d, then: {}}}}}\n"


def other_send(project: Project, url: str, *, text: str = "Hi {{ name }}, welcome.") -> Any:
    """The same people under another name."""
    project.write("other.yaml", MANIFEST.replace("name: hello", "name: other").replace("Hi {{ name }}, welcome.", text))
    ran = project.run("send", "other.yaml", *sending(url, "--format", "json")[2:], BIRD_ACCESS_KEY=KEY)
    return summary(ran)


def test_nobody_gets_the_same_text_under_another_name(project: Project, serve: Serve) -> None:
    server = serve()
    assert counts(other_send(project, server.url)) == (3, 0, 0, 0)
    project.people(4)
    with_policy(project, GUARD.format("skip").replace("7d", "999999d"))  # from before there were calendars
    said = summary(send(project, server.url))
    assert (said["run"]["accepted"], said["totals"]["skipped"]) == (1, 3)
    other_policy = MANIFEST.replace("name: hello", "name: third")
    project.write("hello.yaml", other_policy + GUARD.format("fail"))
    ran = send(project, server.url)
    assert (ran.code, posts(server)) == (4, 4)
    assert "policy.repeatGuard says fail, and 4 have this very text from another send already" in ran.err


def test_another_text_another_person_and_one_s_own_edition_pass(project: Project, serve: Serve) -> None:
    server = serve()
    other_send(project, server.url, text="Hello {{ name }}, welcome.")
    with_policy(project, GUARD.format("skip"))
    assert summary(send(project, server.url))["run"]["accepted"] == 3
    project.write("hello.yaml", MANIFEST.replace("name: hello", 'name: hello\nedition: "2"') + GUARD.format("skip"))
    assert summary(send(project, server.url))["run"]["accepted"] == 3


def test_what_is_in_doubt_counts_and_what_was_refused_does_not(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:1", "--fault", "422:after:1:first:2")
    project.write("hello.yaml", MANIFEST)
    said = other_send(project, server.url)
    assert sorted((said["run"]["inDoubt"], said["run"]["rejected"])) == [1, 1]
    with_policy(project, GUARD.format("skip"))
    assert planned(project, "--api-url", server.url)["skippedBy"] == {"repeatGuard": 2}


def test_what_has_no_text_any_more_is_said_to_be_not_checked(project: Project, serve: Serve) -> None:
    server = serve()
    other_send(project, server.url)
    age = ("--older-than", "0s", "--yes")
    assert project.run("ledger", "purge", "other.yaml", *age, "--api-url", server.url).code == 0
    with_policy(project, GUARD.format("skip"))
    drawn = planned(project, "--api-url", server.url)
    assert drawn["totals"]["new"] == 3
    (said,) = [each for each in drawn["notChecked"] if each.startswith("repeatGuard")]
    assert said == "repeatGuard: 3 messages of other sends, purged or of an older flypast, with no text known"


# Suppression


def test_a_suppress_file_is_read_at_each_send_and_changes_no_digest(project: Project, serve: Serve) -> None:
    server = serve()
    with_policy(project, "policy: {suppress: stop.txt}\n")
    project.write("stop.txt", "")
    digest = planned(project)["digest"]
    project.write("stop.txt", "+1 (201) 555-0101 # wrote STOP\n")
    said = summary(send(project, server.url, "--expect", digest))
    assert (counts(said), said["totals"]["skipped"], said["digest"]) == ((2, 0, 0, 0), 1, digest)
    (project.path / "stop.txt").unlink()
    assert (send(project, server.url).code, posts(server)) == (1, 2)


@pytest.mark.parametrize("then", ["added", "removed"])
def test_who_opts_out_while_the_question_stands_gets_nothing(project: Project, serve: Serve, then: str) -> None:
    server = serve()
    with_policy(project, "policy: {suppress: stop.txt}\n")
    stop = project.write("stop.txt", "# nobody yet\n")
    with Keyboard(project, "send", "hello.yaml", "--api-url", server.url) as keyboard:
        keyboard.sees("Send 3 messages")
        stop.unlink() if then == "removed" else stop.write_text("+12015550101\n")
        keyboard.types("y\n")
        ran = keyboard.ends()
    assert (ran.code, posts(server)) == (4, 0)
    assert "policy.suppress: stop.txt changed since this send read it" in keyboard.screen
