"""`flypast ledger rebuild` as a process: a ledger is lost, and made anew from what the server has."""

import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.ledger.identity import KeyMaker, reference_of
from tests.conftest import CHANNEL, KEY, MANIFEST, WORKSPACE, Project, Ran, Serve, Server
from tests.test_output_schemas import adds_up, fits

from .keyboard import Keyboard
from .raw_server import Line, RawServer, reply
from .sending import KEEP_GOING, keeps_the_key, planning, posts, send, until
from .test_kill import kill
from .test_reconcile import (
    Liar,
    Lists,
    look,
    never_ending,
    no_second_page,
    of,
    page,
)

CTRL_D = "\x04"
PARTS = ["accepted", "rejected", "double", "inDoubt", "known", "skipped"]


def rebuild(project: Project, url: str, *more: str) -> Ran:
    arguments = ["ledger", "rebuild", "hello.yaml", "--api-url", url, "--format", "json", *more]
    ran = project.run(*arguments, BIRD_ACCESS_KEY=KEY)
    keeps_the_key(ran)
    assert fits("rebuild", ran.json)["exitCode"] == ran.code, ran.err
    assert ran.json["totals"] is None or adds_up(ran.json["totals"], PARTS)
    return ran


def totals(ran: Ran) -> dict[str, int]:
    """Those that are not 0."""
    return {ending: count for ending, count in ran.json["totals"].items() if count and ending != "messages"}


def ledger_of(project: Project) -> Path:
    return project.path / ".flypast" / "sandbox.db"


def lose_ledger(project: Project) -> None:
    shutil.rmtree(project.path / ".flypast")


def rows(project: Project, *columns: str) -> list[Any]:
    """What the ledger has of each message, sorted; all of it where no columns are named."""
    with closing(sqlite3.connect(ledger_of(project))) as ledger:
        ledger.row_factory = sqlite3.Row
        found = ledger.execute("SELECT * FROM messages").fetchall()
    return sorted((tuple(row[name] for name in columns or row.keys()) for row in found), key=str)


def states(project: Project) -> dict[str, int]:
    return Counter(state for (state,) in rows(project, "state"))


def why_in_doubt(project: Project) -> list[str]:
    return [words for state, words in rows(project, "state", "words") if state == "inDoubt"]


def references(project: Project) -> list[str]:
    """Those of the people's messages, as a send would give them."""
    maker = KeyMaker(workspace_id=WORKSPACE, name="hello", edition="1", message="greet")
    people = (project.path / "people.csv").read_text().splitlines()[1:]
    return [reference_of(maker.key(f"phonenumber:{row.partition(',')[0]}")) for row in people]


# What Bird has


def test_a_lost_ledger_is_made_anew_as_it_was_and_then_send_sends_nothing(project: Project, serve: Serve) -> None:
    server = serve("--fault", "202-rejected:first:3")
    project.people(30)
    project.write("hello.yaml", MANIFEST + KEEP_GOING)
    assert send(project, server.url).code == 5
    kept = ("key", "state", "code", "message_id", "address", "payload_hash", "country", "segments", "attempts")
    before = rows(project, *kept)
    lose_ledger(project)
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran), ran.json["written"]) == (0, {"accepted": 27, "rejected": 3}, 30)
    assert (ran.json["others"], ran.json["incomplete"], ran.json["doubles"]) == (0, [], [])
    assert rows(project, *kept) == before
    assert send(project, server.url).code == 0
    assert posts(server) == 30


def test_what_is_not_there_is_in_doubt_until_two_looks_and_a_person_decide(project: Project, serve: Serve) -> None:
    server = serve()
    project.people(12)
    assert send(project, server.url, "--limit", "5").code == 0
    lose_ledger(project)
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran)) == (6, {"accepted": 5, "inDoubt": 7})
    (why,) = set(why_in_doubt(project))
    assert re.fullmatch(r"not at Bird since 20\d\d-\d\d-\d\d; the ledger was lost", why)
    assert send(project, server.url).code == 6
    assert posts(server) == 5
    assert look(project, server.url).json["totals"]["inDoubt"] == 7
    assert look(project, server.url).json["totals"]["absent"] == 7
    assert project.run("resolve", "hello.yaml", "--api-url", server.url, "--resend", "--yes").code == 0
    assert send(project, server.url).code == 0
    assert len(set(server.taken)) == len(server.taken) == 12


def test_a_later_look_goes_through_the_same_window(project: Project) -> None:
    liar = Liar(lambda _references, _get: page())
    with RawServer(liar) as server:
        assert rebuild(project, server.url, "--yes", "--since", "90d").code == 6
        look(project, server.url)
        starts = [re.findall(rb"startAt=(\S+?)[& ]", request.head) for request in server.requests]
    assert len(starts) == 2
    assert starts[0] == starts[1] != []


def test_what_went_out_through_another_channel_of_the_manifest_is_found_there(project: Project, serve: Serve) -> None:
    second = "11111111-7a44-4b0e-8f0c-2f3a9d1c5b22"
    server = serve("--channel", f"{WORKSPACE}/{CHANNEL}", "--channel", f"{WORKSPACE}/{second}")
    two = MANIFEST.replace("recipients:\n", f"  old: {{workspaceId: {WORKSPACE}, channelId: {second}}}\nrecipients:\n")
    body = 'body: {type: text, text: {text: "Bye"}}'
    two += f"  bye:\n    channel: old\n    to: people\n    {body}\n"
    project.write("hello.yaml", two.replace("channel: sms", "channel: old"))
    assert send(project, server.url).code == 0
    lose_ledger(project)
    project.write("hello.yaml", two)
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran)) == (0, {"accepted": 6})


def test_a_time_to_send_at_that_is_over_is_no_hindrance(project: Project) -> None:
    late = MANIFEST.replace("    to: people\n", '    to: people\n    scheduledFor: "2020-01-01T10:00:00Z"\n')
    project.write("hello.yaml", late)
    ran = lied(project, lambda _references, _get: page())
    assert (ran.code, totals(ran)) == (6, {"inDoubt": 3})


def test_a_policy_that_sends_again_by_itself_is_told_before_it_is_too_late(project: Project) -> None:
    project.write("hello.yaml", MANIFEST + "policy: {delivery: at-least-once, acceptDuplicates: true}\n")
    ran = lied(project, lambda _references, _get: page())
    assert (ran.code, "policy.delivery is at-least-once: what is in doubt will be sent again" in ran.err) == (6, True)


def test_what_a_lost_ledger_knew_is_never_sent_again_by_resend_absent(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500:first:1")
    project.people(1)
    project.write("hello.yaml", MANIFEST + "policy: {delivery: resend-absent}\n")
    send(project, server.url)
    lose_ledger(project)
    assert rebuild(project, server.url, "--yes").code == 6
    look = ("reconcile", "hello.yaml", "--api-url", server.url, "--settle", "0s")
    assert [project.run(*look, BIRD_ACCESS_KEY=KEY).code for _ in range(3)] == [6, 6, 6]
    assert send(project, server.url).code == 6
    assert posts(server) == 1


def test_of_people_who_are_suppressed_now_only_what_bird_has_is_kept(project: Project, serve: Serve) -> None:
    server = serve()
    project.people(6)
    assert send(project, server.url, "--limit", "2").code == 0
    lose_ledger(project)
    people = [row.partition(",")[0] for row in (project.path / "people.csv").read_text().splitlines()]
    project.write("stop.csv", f"phone\n{people[1]}\n{people[6]}\n")
    project.write("hello.yaml", MANIFEST + "policy: {suppress: [stop.csv]}\n")
    ran = rebuild(project, server.url, "--yes")
    assert totals(ran) == {"accepted": 2, "inDoubt": 3, "skipped": 1}
    assert states(project) == {"accepted": 2, "inDoubt": 3}


def test_other_messages_of_flypast_s_are_counted_and_let_pass(project: Project, serve: Serve) -> None:
    server = serve()
    project.write("other.yaml", MANIFEST.replace("name: hello", "name: other"))
    assert project.run("send", "other.yaml", "--yes", "--api-url", server.url, BIRD_ACCESS_KEY=KEY).code == 0
    assert send(project, server.url, "--limit", "2").code == 0
    lose_ledger(project)
    ran = rebuild(project, server.url, "--yes")
    assert (totals(ran), ran.json["others"]) == ({"accepted": 2, "inDoubt": 1}, 3)
    assert "3 other flypast messages there" in ran.err
    assert rebuild(project, server.url).json["others"] == 0  # nothing was left to look for


# Lists that lie


def lied(project: Project, lists: Lists) -> Ran:
    """A ledger rebuilt from what a server says, where three messages may have gone out."""
    liar = Liar(lists)
    liar.references = references(project)
    with RawServer(liar) as server:
        return rebuild(project, server.url, "--yes")


def test_a_double_is_told_loudly_and_in_doubt(project: Project) -> None:
    ran = lied(project, lambda references, _get: page(of(references[0], 1), of(references[0], 2)))
    assert (ran.code, totals(ran)) == (6, {"double": 1, "inDoubt": 2})
    assert "double: greet to +1…" in ran.err
    assert "Bird has 2 messages with its reference: m-1-" in str(why_in_doubt(project))
    (double,) = ran.json["doubles"]
    assert double["reference"] == f"fp1.{double['key']}"
    assert re.fullmatch(r"\+1…\d\d", double["recipient"])


def test_a_reference_that_two_messages_of_the_manifest_share_is_in_doubt(project: Project, serve: Serve) -> None:
    server = serve()
    project.people(2)
    project.write("hello.yaml", MANIFEST.replace("    to: people\n", "    to: people\n    reference: spring\n"))
    assert send(project, server.url, "--limit", "1").code == 0
    lose_ledger(project)
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran)) == (6, {"double": 2})
    assert "other messages of this ledger have its reference" in why_in_doubt(project)[0]


def test_a_reference_of_one_message_alone_is_its_own(project: Project, serve: Serve) -> None:
    server = serve()
    project.people(2)
    own = "    to: people\n    reference: \"spring-{{ name | replace(' ', '-') }}\"\n"
    project.write("hello.yaml", MANIFEST.replace("    to: people\n", own))
    assert send(project, server.url).code == 0
    lose_ledger(project)
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran)) == (0, {"accepted": 2})


@pytest.mark.parametrize("lists", [never_ending, no_second_page])
def test_of_a_list_that_was_not_read_to_its_end_what_was_seen_counts(project: Project, lists: Lists) -> None:
    ran = lied(project, lists)
    assert (ran.code, totals(ran)) == (6, {"accepted": 1, "inDoubt": 2})
    assert len(ran.json["incomplete"]) == 1
    assert "was not looked through" in ran.err
    assert why_in_doubt(project) == ["Bird's list was not read to its end; the ledger was lost"] * 2


@pytest.mark.parametrize(("status_line", "code"), [("401 Unauthorized", 7), ("302 Found", 11)])
def test_a_look_that_had_to_end_leaves_all_in_doubt(project: Project, status_line: str, code: int) -> None:
    ran = lied(project, lambda _references, _get: reply(status_line, b'{"message":"not you"}'))
    assert (ran.code, totals(ran)) == (code, {"inDoubt": 3})
    assert ran.json["stopped"]
    assert "not at Bird since" not in str(why_in_doubt(project))


def test_an_unknown_channel_is_exit_7_and_the_others_are_read_all_the_same(project: Project) -> None:
    second = "11111111-7a44-4b0e-8f0c-2f3a9d1c5b22"
    two = f"  other: {{workspaceId: {WORKSPACE}, channelId: {second}}}\nrecipients:\n"
    again = '  again:\n    channel: other\n    to: people\n    body: {type: text, text: {text: "Hi."}}\n'
    project.write("hello.yaml", MANIFEST.replace("recipients:\n", two) + again + KEEP_GOING)
    gets = []

    def script(line: Line) -> None:
        while True:
            request = line.request()
            gets.append(second.encode() in request.head)
            line.say(reply("404 Not Found", b'{"message":"not you"}') if gets[-1] else page())

    with RawServer(script) as server:
        ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran), ran.json["stopped"]) == (7, {"inDoubt": 6}, None)
    assert [(each["channelId"], each["words"]) for each in ran.json["incomplete"]] == [(second, "HTTP 404: not you")]
    assert gets == [True, False]  # in the order of their ids


def test_bird_s_words_lose_what_they_quote_of_a_message(project: Project) -> None:
    def lists(references: list[str], _get: int) -> bytes:
        failure = {"code": 7, "description": "Person 0 is no customer"}
        return page(of(references[0], status="rejected") | {"failure": failure})

    ran = lied(project, lists)
    assert totals(ran) == {"rejected": 1, "inDoubt": 2}
    assert ("rejected", "7", "*** is no customer") in rows(project, "state", "code", "words")


# A ledger that is there


def test_what_the_ledger_knows_stays_as_it_is(project: Project, serve: Serve) -> None:
    """Accepted, drifted, rejected, changed since, in doubt, dropped: each is somebody else's business."""
    server = serve("--fault", "500-after:first:2", "--fault", "202-rejected:after:2:first:4")
    project.people(8)
    project.write("hello.yaml", MANIFEST + KEEP_GOING)
    assert send(project, server.url, "--concurrency", "1", "--limit", "7").code == 6
    dropped = next(key for key, state in rows(project, "key", "state") if state == "inDoubt")
    arguments = ["resolve", "hello.yaml", "--api-url", server.url, "--drop", "--yes", "--key", dropped]
    assert project.run(*arguments).code == 0
    people = (project.path / "people.csv").read_text()
    project.write("people.csv", people.replace("Person 3", "Perry").replace("Person 6", "Pamela"))
    before = rows(project)
    assert set(states(project)) == {"accepted", "rejected", "inDoubt", "dropped"}
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran), ran.json["written"]) == (6, {"known": 7, "inDoubt": 1}, 1)
    assert ran.json["others"] == 0
    assert [row for row in rows(project) if row in before] == before
    again = rebuild(project, server.url)
    assert (again.code, totals(again), again.json["written"]) == (6, {"known": 8}, 0)


def test_an_old_copy_learns_what_went_out_since(project: Project, serve: Serve) -> None:
    server, copy = serve("--fault", "401:first:1"), project.path / "copy.db"
    assert send(project, server.url, "--concurrency", "1").code == 7
    assert states(project) == {"planned": 1}
    shutil.copy(ledger_of(project), copy)
    assert send(project, server.url).code == 0
    lose_ledger(project)
    ledger_of(project).parent.mkdir()
    shutil.copy(copy, ledger_of(project))
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran)) == (0, {"accepted": 3})
    assert states(project) == {"accepted": 3}


HANG_AFTER = """
CREATE TRIGGER hang BEFORE INSERT ON messages WHEN (SELECT count(*) FROM messages) >= {count} BEGIN
  SELECT max(number) FROM (
    WITH RECURSIVE endless (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM endless) SELECT number FROM endless
  );
END
"""


def test_killed_while_it_writes_it_is_run_again_and_completes_the_ledger(project: Project, serve: Serve) -> None:
    server = serve("--rate", "100000")
    project.people(450)
    assert send(project, server.url).code == 0
    lose_ledger(project)
    assert project.run("ledger", "init", "mine", "--api-url", server.url).code == 0
    with closing(sqlite3.connect(ledger_of(project), isolation_level=None)) as ledger:
        ledger.execute(HANG_AFTER.format(count=300))

        def count() -> int:
            return int(ledger.execute("SELECT count(*) FROM messages").fetchone()[0])

        process = project.start(
            "ledger", "rebuild", "hello.yaml", "--api-url", server.url, "--yes", BIRD_ACCESS_KEY=KEY
        )
        until(lambda: count() == 200, process)
        kill(process)
        ledger.execute("DROP TRIGGER hang")
    assert states(project) == {"sending": 200}
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, totals(ran)) == (6, {"known": 200, "accepted": 250})
    assert look(project, server.url).json["totals"]["accepted"] == 200
    assert states(project) == {"accepted": 450}
    assert posts(server) == 450


def test_a_fault_of_the_ledger_s_says_that_no_send_may_follow(project: Project, serve: Serve) -> None:
    server = serve()
    assert project.run("ledger", "init", "mine", "--api-url", server.url).code == 0
    with closing(sqlite3.connect(ledger_of(project))) as ledger:
        ledger.execute("CREATE TRIGGER full BEFORE UPDATE ON messages BEGIN SELECT raise(ABORT, 'no room'); END")
    ran = rebuild(project, server.url, "--yes")
    assert (ran.code, ran.json["written"]) == (9, 0)
    assert "The ledger is not whole" in ran.err


# Guards


@pytest.fixture
def sent(project: Project, serve: Serve) -> Server:
    """Three messages went out, and the ledger is gone."""
    server = serve()
    assert send(project, server.url).code == 0
    lose_ledger(project)
    return server


def test_it_asks_with_the_numbers_and_a_no_writes_nothing(project: Project, sent: Server) -> None:
    arguments = ["ledger", "rebuild", "hello.yaml", "--api-url", sent.url]
    unasked = rebuild(project, sent.url)
    assert (unasked.code, unasked.json["written"], totals(unasked)) == (4, 0, {"accepted": 3})
    assert "--yes" in unasked.err
    lose_ledger(project)
    with Keyboard(project, *arguments) as keyboard:
        asked = "Write 3 messages of hello into the new ledger .flypast/sandbox.db: 3 accepted?"
        keyboard.sees(asked)
        keyboard.types("n\n")
        assert keyboard.ends().code == 4
    assert states(project) == {}
    with Keyboard(project, *arguments) as keyboard:
        keyboard.sees("Write 3 messages of hello")
        keyboard.types("y\n")
        done = keyboard.ends()
    assert (done.code, done.out) == (0, "Wrote 3 messages: 3 accepted\n")
    again = project.run(*arguments, BIRD_ACCESS_KEY=KEY)
    assert (again.code, again.out) == (0, "Nothing to write; 3 known to the ledger and left as they are\n")


def test_an_end_at_the_question_writes_nothing(project: Project, sent: Server) -> None:
    with Keyboard(project, "ledger", "rebuild", "hello.yaml", "--api-url", sent.url, "--format", "json") as keyboard:
        keyboard.sees("Write 3 messages")
        keyboard.types(CTRL_D)
        done = keyboard.ends()
    assert (done.code, fits("rebuild", done.json)["exitCode"], done.json["written"]) == (130, 130, 0)
    assert states(project) == {}


def test_a_run_at_work_keeps_it_out(project: Project, sent: Server) -> None:
    process = planning(project, sent.url)
    lock = ledger_of(project).with_name("sandbox.db.locks") / "hello.lock"
    try:
        until(lambda: f'"pid": {process.pid},' in lock.read_text(), process)
        assert rebuild(project, sent.url, "--yes").code == 8
    finally:
        process.kill()
        process.communicate()


def test_the_guards_of_a_send_hold_here_too(project: Project) -> None:
    far = ["ledger", "rebuild", "hello.yaml", "--yes", "--format", "json"]

    def refused(words: str, **environment: str) -> bool:
        ran = project.run(*far, timeout_s=60, **environment)
        assert fits("rebuild", ran.json)["exitCode"] == ran.code == 4
        return words in ran.err and ran.json["totals"] is None

    assert refused("there is no access key")
    assert refused("--ledger-persisted", BIRD_ACCESS_KEY=KEY, CI="true")
    project.write("hello.yaml", MANIFEST + "policy: {ledger: acme-prod}\n")
    assert refused("flypast ledger init acme-prod", BIRD_ACCESS_KEY=KEY)
    assert not (project.path / ".flypast").exists()


def test_findings_nobody_and_a_window_that_is_none(project: Project, sent: Server) -> None:
    assert project.run("ledger", "rebuild", "hello.yaml", "--since", "0s", BIRD_ACCESS_KEY=KEY).code == 2
    assert project.run("ledger", "rebuild", "hello.yaml", "--since", "3651d", BIRD_ACCESS_KEY=KEY).code == 2
    project.write("people.csv", "phone,name\n")
    assert "nobody to look for" in rebuild(project, sent.url, "--yes").json["stopped"]
    project.write("people.csv", "phone,name\n12,Bob\n")
    found = rebuild(project, sent.url, "--yes")
    assert (found.code, [each["code"] for each in found.json["findings"]]) == (1, ["RCP532"])
    project.write("hello.yaml", MANIFEST.replace("channel: sms", "channel: smss"))
    assert rebuild(project, sent.url, "--yes").code == 1
    assert states(project) == {}
