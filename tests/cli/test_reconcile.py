"""`flypast reconcile` as a process: against the sandbox, against servers that lie, and after a kill."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import KEY, MANIFEST, Project, Ran, Serve, Server
from tests.test_output_schemas import fits

from .raw_server import Line, RawServer, reply
from .sending import KEEP_GOING, keeps_the_key, planning, posts, send, sending, states, status, until
from .test_kill import kill


def look(project: Project, url: str, *more: str, settle: str = "0s") -> Ran:
    ran = project.run("reconcile", "--api-url", url, "--settle", settle, "--format", "json", *more, BIRD_ACCESS_KEY=KEY)
    keeps_the_key(ran)
    assert fits("reconcile", ran.json)["exitCode"] == ran.code
    assert Counter(each["state"] for each in ran.json["messages"]) == Counter(ran.json["totals"])
    return ran


def totals(ran: Ran) -> dict[str, int]:
    """Those that are not 0."""
    return {ending: count for ending, count in ran.json["totals"].items() if count}


def in_doubt(project: Project, server: Server, people: int) -> Server:
    """All of a send in doubt, whatever became of them there."""
    project.people(people)
    project.write("hello.yaml", MANIFEST + KEEP_GOING)
    assert send(project, server.url).code == 6
    return server


def test_what_bird_has_is_accepted_with_its_id_and_nothing_is_sent(project: Project, serve: Serve) -> None:
    server = in_doubt(project, serve("--fault", "500-after"), 12)
    ran = look(project, server.url, "hello.yaml")
    assert ran.code == 0
    assert totals(ran) == {"accepted": 12}
    ids = {each["reference"]: each["id"] for each in ran.json["messages"]}
    assert ids == {line["reference"]: line["messageId"] for line in server.record}
    assert set(states(project, server.url)) == {"accepted"}
    assert posts(server) == 12
    again = look(project, server.url)
    assert (again.code, totals(again)) == (0, {})
    assert project.run("reconcile", "--api-url", server.url, BIRD_ACCESS_KEY=KEY).out == "nothing is in doubt\n"


def test_what_bird_has_not_is_absent_after_the_second_look_and_then_a_person_decides(
    project: Project, serve: Serve
) -> None:
    server = in_doubt(project, serve("--fault", "500:first:2", "--fault", "500-after:after:2"), 5)
    first = look(project, server.url)
    assert (first.code, totals(first)) == (6, {"accepted": 3, "inDoubt": 2})
    assert first.json["lookAgainAfter"] is not None
    second = look(project, server.url)
    assert (second.code, totals(second)) == (6, {"absent": 2})
    assert second.json["lookAgainAfter"] is None
    third = look(project, server.url)
    assert (third.code, totals(third)) == (6, {"absent": 2})
    assert project.run("resolve", "hello.yaml", "--api-url", server.url, "--resend", "--yes").code == 0
    assert posts(server) == 5
    send(project, server.url)
    assert posts(server) == 7


def test_before_the_settle_time_is_over_nothing_is_absent_and_it_says_when(project: Project, serve: Serve) -> None:
    server = in_doubt(project, serve("--fault", "500"), 1)
    for _ in range(3):
        ran = look(project, server.url, settle="15m")
        assert (ran.code, totals(ran)) == (6, {"inDoubt": 1})
    text = project.run("reconcile", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert text.code == 6
    assert text.out == "Looked up 1 message: 1 still in doubt\n"
    assert re.search(r"1 message not seen at Bird yet: run this again after .*\d\d:\d\d UTC\n", text.err)
    assert states(project, server.url) == ["inDoubt"]


def test_with_wait_it_takes_the_second_look_itself(project: Project, serve: Serve) -> None:
    server = in_doubt(project, serve("--fault", "500:first:1", "--fault", "500-after:after:1"), 2)
    ran = look(project, server.url, "--wait", settle="1s")
    assert (ran.code, totals(ran)) == (6, {"accepted": 1, "absent": 1})


def test_a_long_list_is_read_page_by_page(project: Project, serve: Serve) -> None:
    server = in_doubt(project, serve("--rate", "100000", "--fault", "500-after:first:5"), 350)
    ran = look(project, server.url)
    assert (ran.code, totals(ran)) == (0, {"accepted": 5})  # the first ones: they are on the last page


def test_after_a_kill_all_that_went_out_is_found_and_the_rest_is_absent(project: Project, serve: Serve) -> None:
    server = serve("--rate", "100000", "--fault", "slow:20ms")
    project.people(600)
    process = project.start(*sending(server.url, "--concurrency", "16"), BIRD_ACCESS_KEY=KEY)
    until(lambda: posts(server) >= 100, process)
    kill(process)
    ran = look(project, server.url, "--wait")
    went_out = set(server.taken)
    for each in ran.json["messages"]:
        assert each["state"] == ("accepted" if each["reference"] in went_out else "absent")
    assert ran.code == (6 if ran.json["totals"]["absent"] else 0)
    assert states(project, server.url).count("accepted") == len(went_out)


def test_a_run_at_work_is_not_disturbed(project: Project, serve: Serve) -> None:
    server = in_doubt(project, serve("--fault", "500-after"), 1)
    process = planning(project, server.url)
    lock = project.path / ".flypast" / "sandbox.db.locks" / "hello.lock"
    try:
        until(lambda: f'"pid": {process.pid},' in lock.read_text(), process)
        ran = project.run("reconcile", "hello.yaml", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
        assert ran.code == 8
    finally:
        process.kill()
        process.communicate()


def test_it_needs_a_key_first_and_a_ledger_then(project: Project) -> None:
    no_key = project.run("reconcile", "--settle", "1s")
    assert (no_key.code, "no access key" in no_key.err) == (4, True)
    no_ledger = project.run("reconcile", BIRD_ACCESS_KEY=KEY)
    assert (no_ledger.code, "no ledger at" in no_ledger.err) == (4, True)
    hasty = project.run("reconcile", "--settle", "119s", BIRD_ACCESS_KEY=KEY)
    assert (hasty.code, "at least 2m" in hasty.err) == (2, True)
    assert project.run("reconcile", "--settle", "soon", BIRD_ACCESS_KEY=KEY).code == 2


def test_the_key_goes_to_no_other_api_than_the_ledger_s_own(project: Project, serve: Serve) -> None:
    in_doubt(project, serve("--fault", "500"), 1)
    (ledger,) = project.path.glob(".flypast/*.db")
    with RawServer(lambda line: line.hang()) as other:
        url = f"sqlite:///{ledger}"
        ran = project.run("reconcile", "--ledger", url, "--api-url", other.url, BIRD_ACCESS_KEY=KEY)
        assert (ran.code, "bound to" in ran.err) == (4, True)
        assert project.run("reconcile", "--ledger", url, BIRD_ACCESS_KEY=KEY).code == 4
        assert other.requests == []


@pytest.mark.parametrize("key", [KEY, ""])
def test_whatever_ends_a_look_is_told_as_json(project: Project, key: str) -> None:
    ran = project.run("reconcile", "--api-url", "http://127.0.0.1:9", "--format", "json", BIRD_ACCESS_KEY=key)
    said = fits("reconcile", ran.json)
    assert (ran.code, said["exitCode"], said["totals"]) == (4, 4, None)
    assert ("no ledger" if key else "no access key") in said["stopped"]


def test_the_ledger_that_the_policy_names_is_the_one_that_is_looked_at(project: Project) -> None:
    project.write("hello.yaml", MANIFEST + "policy: {ledger: acme-prod}\n")
    url = f"sqlite:///{project.path / 'other.db'}"
    assert project.run("ledger", "init", "other", "--ledger", url).code == 0
    ran = project.run("reconcile", "hello.yaml", "--ledger", url, "--format", "json", BIRD_ACCESS_KEY=KEY)
    assert (ran.code, ran.json["exitCode"]) == (4, 4)
    assert "policy.ledger wants the ledger 'acme-prod'" in ran.json["stopped"]


def test_a_manifest_with_findings_is_looked_up_by_defaults(project: Project, serve: Serve) -> None:
    server = in_doubt(project, serve("--fault", "500-after:first:1"), 1)
    project.write("hello.yaml", MANIFEST + "policy: {settle: 1s}\n")
    ran = look(project, server.url, "hello.yaml")
    assert (ran.code, totals(ran)) == (0, {"accepted": 1})
    assert "hello.yaml has findings, so its policy is not gone by" in ran.err


def test_the_id_of_an_accepted_message_is_looked_up_too(project: Project, serve: Serve) -> None:
    server = serve("--fault", "cut")
    project.people(2)
    assert send(project, server.url).code == 0
    assert [line["id"] for line in status(project, server.url)] == [None, None]
    ran = look(project, server.url)
    assert (ran.code, totals(ran)) == (0, {"accepted": 2})
    assert {line["id"] for line in status(project, server.url)} == {line["messageId"] for line in server.record}
    assert totals(look(project, server.url)) == {}


# A server that takes messages, answers 500, and then lists what a test wants


Lists = Callable[[list[str], int], bytes]


def page(*items: Any, **more: Any) -> bytes:
    return reply("200 OK", json.dumps({"results": items, **more}).encode())


def of(reference: str, number: int = 1, status: str = "sent") -> dict[str, Any]:
    return {"id": f"m-{number}-{reference[-4:]}", "reference": reference, "status": status}


class Liar:
    """`lists` gets the references that were posted and the number of the GET, and gives a whole reply."""

    def __init__(self, lists: Lists) -> None:
        self.references: list[str] = []
        self.lists = lists
        self.gets = 0

    def __call__(self, line: Line) -> None:
        while True:
            request = line.request()
            if request.head.startswith(b"POST"):
                self.references.append(json.loads(request.body)["reference"])
                line.say(reply("500 Internal Server Error"))
            else:
                self.gets += 1
                content = self.lists(self.references, self.gets)
                line.say(content)
                if b"cut" in content:
                    line.close()


def lied(project: Project, lists: Lists) -> tuple[Ran, Ran]:
    """Two looks, each of which could prove absence, at a server that has taken one message of three."""
    project.write("hello.yaml", MANIFEST + KEEP_GOING)
    liar = Liar(lists)
    with RawServer(liar) as server:
        assert send(project, server.url, "--concurrency", "1").code == 6
        first = look(project, server.url)
        liar.gets = 0
        return first, look(project, server.url)


def test_foreign_references_are_let_pass(project: Project) -> None:
    def lists(references: list[str], _get: int) -> bytes:
        return page(of("fp1.THEIRS"), {"id": "x"}, of(references[0]), of(references[0][:-1]), {"reference": 7})

    first, second = lied(project, lists)
    assert (totals(first), totals(second)) == ({"accepted": 1, "inDoubt": 2}, {"absent": 2})


def test_a_rejected_message_is_rejected(project: Project) -> None:
    first, _ = lied(project, lambda references, _get: page(*(of(each, status="rejected") for each in references)))
    assert (first.code, totals(first)) == (0, {"rejected": 3})


def test_a_double_is_told_loudly_and_stays_in_doubt(project: Project) -> None:
    first, second = lied(project, lambda references, _get: page(of(references[0], 1), of(references[0], 2)))
    assert totals(first) == {"double": 1, "inDoubt": 2}
    assert (second.code, totals(second)) == (6, {"double": 1, "absent": 2})
    assert "double: greet to +1…" in second.err
    assert "Bird has 2 messages with its reference: m-1-" in second.err


def never_ending(references: list[str], _get: int) -> bytes:
    return page(of(references[0]), nextPageToken="round")


def without_results(references: list[str], get: int) -> bytes:
    return page(of(references[0]), nextPageToken="2") if get == 1 else reply("200 OK", b"{}")


def no_second_page(references: list[str], get: int) -> bytes:
    return page(of(references[0]), nextPageToken="2") if get == 1 else reply("410 Gone")


def cut_second_page(references: list[str], get: int) -> bytes:
    if get == 1:
        return page(of(references[0]), nextPageToken="2")
    return b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"results":[],"cut":'


def failing_second_page(references: list[str], get: int) -> bytes:
    return page(of(references[0]), nextPageToken="2") if get == 1 else reply("500 Internal Server Error")


@pytest.mark.parametrize("lists", [never_ending, without_results, no_second_page, cut_second_page, failing_second_page])
def test_a_list_that_was_not_read_to_its_end_makes_nothing_absent(project: Project, lists: Lists) -> None:
    first, second = lied(project, lists)
    assert (first.code, totals(first)) == (6, {"accepted": 1, "inDoubt": 2})
    assert (second.code, totals(second)) == (6, {"inDoubt": 2})
    assert len(second.json["incomplete"]) == 1
    assert second.json["lookAgainAfter"] is None
    assert "was not looked through" in second.err


@pytest.mark.parametrize("status", ["401 Unauthorized", "402 Payment Required", "403 Forbidden"])
def test_a_refusal_is_exit_7_and_changes_nothing(project: Project, status: str) -> None:
    first, second = lied(project, lambda _references, _get: reply(status, b'{"code":"No","message":"not you"}'))
    assert (first.code, second.code) == (7, 7)
    assert totals(second) == {"inDoubt": 3}
    assert second.json["stopped"] == f"HTTP {status[:3]}: not you"


def test_a_redirect_is_not_followed(project: Project) -> None:
    _, second = lied(project, lambda _references, _get: reply("302 Found", b"", "Location: /elsewhere"))
    assert (second.code, totals(second)) == (11, {"inDoubt": 3})


def test_bird_out_of_reach_is_exit_11(project: Project) -> None:
    project.write("hello.yaml", MANIFEST + KEEP_GOING)
    with RawServer(Liar(lambda _references, _get: b"")) as server:
        assert send(project, server.url).code == 6
    ran = look(project, server.url)
    assert (ran.code, totals(ran)) == (11, {"inDoubt": 3})
    assert "no connection to" in ran.json["stopped"]


def test_a_reference_of_the_manifest_s_own_that_two_share_stays_in_doubt(project: Project, serve: Serve) -> None:
    server = serve("--fault", "500-after:after:1:first:2")
    project.people(2)
    shared = MANIFEST.replace("    to: people\n", "    to: people\n    reference: spring\n")
    project.write("hello.yaml", shared + KEEP_GOING)
    assert send(project, server.url, "--concurrency", "1").code == 6
    ran = look(project, server.url)
    assert (ran.code, totals(ran)) == (6, {"double": 1})
    assert [each["reference"] for each in ran.json["messages"]] == ["***"]  # it may name a person
