"""`flypast status --refresh` as a process: against the sandbox, whose messages move on, and a server that lies."""

import json
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.conftest import CHANNEL, KEY, MANIFEST, Project, Ran, Serve
from tests.ledger.older import make_older
from tests.test_output_schemas import fits

from .raw_server import Line, RawServer, reply
from .sending import GIVE_UP_S, keeps_the_key, planning, posts, send, states, status, until
from .test_kill import kill

UNKNOWN_SUBSCRIBER = {"code": "15005", "source": "sms-messagebird 1"}


def refresh(project: Project, url: str) -> Ran:
    ran = project.run("status", "--refresh", "--api-url", url, "--format", "json", BIRD_ACCESS_KEY=KEY)
    keeps_the_key(ran)
    said = fits("status", ran.json)
    assert said["refresh"]["exitCode"] == ran.code
    assert sum(said["totals"]["delivery"].values()) == said["totals"]["accepted"]
    parts = [said["refresh"][part] for part in ("found", "doubles", "notListed")]
    assert None in parts or sum(parts) == said["refresh"]["sought"]
    return ran


def counts(ran: Ran) -> dict[str, int]:
    """Those that are not 0."""
    return {bucket: count for bucket, count in ran.json["totals"]["delivery"].items() if count}


def until_all_have_ended(project: Project, url: str) -> dict[str, int]:
    """Looks until nothing moves any more; the sandbox takes 0.6 s."""
    while (ran := refresh(project, url)).json["refresh"]["sought"]:
        assert ran.code == 0, ran.err
        time.sleep(0.05)
    return counts(ran)


def deliveries(project: Project, url: str) -> list[Any]:
    return [line["delivery"] for line in status(project, url)]


def test_what_became_of_messages_is_asked_for_and_kept_and_nothing_is_sent(project: Project, serve: Serve) -> None:
    server = serve()
    project.write("people.csv", "phone,name\n" + "".join(f"+14155550{n},P\n" for n in (101, 102, 199)))
    assert send(project, server.url).code == 0
    before = status(project, server.url)
    assert [line["delivery"] for line in before] == [None] * 3
    assert until_all_have_ended(project, server.url) == {"delivered": 2, "delivery_failed": 1}
    after = status(project, server.url)
    assert [line | {"delivery": None} for line in after] == before
    assert [line["delivery"]["status"] for line in after] == ["delivered", "delivered", "delivery_failed"]
    assert {name: after[2]["delivery"][name] for name in UNKNOWN_SUBSCRIBER} == UNKNOWN_SUBSCRIBER
    assert posts(server) == 3
    assert send(project, server.url).code == 0  # what failed on its way was sent, and is not sent again
    assert posts(server) == 3
    assert project.run("ledger", "verify", "--api-url", server.url).code == 0
    text = project.run("status", "--api-url", server.url)
    assert re.search(r"Delivery of the 3 accepted, last looked up 20.*\n  delivered +2   66.7 %  ━+\n", text.out)
    lines = project.run("ledger", "export", "--api-url", server.url).lines
    assert [fits("export", line)["delivery"] for line in lines] == deliveries(project, server.url)
    report = project.run("report", "--api-url", server.url).out
    assert "1: delivery failed 15005 (sms-messagebird 1): the carrier could not" in report
    assert "--refresh" not in report


def test_a_long_list_is_read_page_by_page_and_only_as_long_as_something_may_move(
    project: Project, serve: Serve
) -> None:
    server = serve("--rate", "100000")
    project.people(350)
    assert send(project, server.url, "--concurrency", "32").code == 0
    assert until_all_have_ended(project, server.url) == {"delivered": 347, "delivery_failed": 3}
    ran = project.run("status", "--refresh", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert "nothing to look up" in ran.err


def test_an_id_that_was_never_told_is_found_by_the_reference(project: Project, serve: Serve) -> None:
    server = serve("--fault", "cut")
    assert send(project, server.url).code == 0
    assert until_all_have_ended(project, server.url) == {"delivered": 3}
    assert [line["id"] for line in status(project, server.url)] == [None] * 3  # reconcile finds those
    assert project.run("reconcile", "--api-url", server.url, BIRD_ACCESS_KEY=KEY).code == 0
    assert [line["delivery"]["status"] for line in status(project, server.url)] == ["delivered"] * 3


def test_what_bird_does_not_list_is_not_known(project: Project, serve: Serve) -> None:
    server = serve("--fault", "unlisted:first:1")
    assert send(project, server.url, "--concurrency", "1").code == 0
    ran = refresh(project, server.url)
    assert (ran.code, ran.json["refresh"]["notListed"], counts(ran)["notLookedUp"]) == (0, 1, 1)
    text = project.run("status", "--refresh", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert "1 message is not in Bird's list; what was known of them stays" in text.err


def test_a_rebuilt_ledger_learns_them_anew(project: Project, serve: Serve) -> None:
    server = serve()
    assert send(project, server.url).code == 0
    until_all_have_ended(project, server.url)
    for file in (project.path / ".flypast").glob("sandbox.db*"):
        if file.is_file():
            file.unlink()
    for lock in (project.path / ".flypast" / "sandbox.db.locks").iterdir():
        lock.unlink()
    rebuilt = project.run("ledger", "rebuild", "hello.yaml", "--yes", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
    assert rebuilt.code == 0, rebuilt.err
    assert deliveries(project, server.url) == [None] * 3
    assert until_all_have_ended(project, server.url) == {"delivered": 3}


def test_a_run_at_work_is_not_disturbed(project: Project, serve: Serve) -> None:
    server = serve()
    assert send(project, server.url).code == 0
    project.people(4)
    process = planning(project, server.url)
    lock = project.path / ".flypast" / "sandbox.db.locks" / "hello.lock"
    try:
        until(lambda: f'"pid": {process.pid},' in lock.read_text(), process)
        ran = project.run("status", "--refresh", "--api-url", server.url, BIRD_ACCESS_KEY=KEY)
        assert (ran.code, "holds the ledger" in ran.err) == (8, True)
        assert project.run("status", "--api-url", server.url).code == 0
    finally:
        process.kill()
        process.communicate()


def test_it_needs_a_key_and_the_ledgers_own_api_and_the_ledger_that_the_policy_names(
    project: Project, serve: Serve
) -> None:
    no_key = project.run("status", "--refresh")
    assert (no_key.code, "no access key" in no_key.err) == (4, True)
    no_ledger = project.run("status", "--refresh", BIRD_ACCESS_KEY=KEY)
    assert (no_ledger.code, "no ledger at" in no_ledger.err) == (4, True)
    assert send(project, serve().url).code == 0
    (ledger,) = project.path.glob(".flypast/*.db")
    with RawServer(lambda line: line.hang()) as other:
        asked = ("status", "--refresh", "--ledger", f"sqlite:///{ledger}")
        ran = project.run(*asked, "--api-url", other.url, BIRD_ACCESS_KEY=KEY)
        assert (ran.code, "bound to" in ran.err) == (4, True)
        assert project.run(*asked, BIRD_ACCESS_KEY=KEY).code == 4
        assert other.requests == []
    project.write("hello.yaml", MANIFEST + "policy: {ledger: acme-prod}\n")
    url = f"sqlite:///{project.path / 'other.db'}"
    assert project.run("ledger", "init", "other", "--ledger", url).code == 0
    ran = project.run("status", "hello.yaml", "--refresh", "--ledger", url, BIRD_ACCESS_KEY=KEY)
    assert (ran.code, "policy.ledger wants the ledger 'acme-prod'" in ran.err) == (4, True)


# A server that takes messages, and then lists what a test wants

Lists = Callable[[list[dict[str, Any]], int], bytes]


def page(*items: Any, **more: Any) -> bytes:
    return reply("200 OK", json.dumps({"results": items, **more}).encode())


class Liar:
    """`lists` gets what was posted, as Bird would list it, and the number of the GET, and gives a whole reply."""

    def __init__(self, *, with_ids: bool = True) -> None:
        self.taken: list[dict[str, Any]] = []
        self.gets: list[bytes] = []
        self.lists: Lists = lambda taken, _get: page(*taken)
        self._with_ids = with_ids

    def __call__(self, line: Line) -> None:
        while True:
            request = line.request()
            if request.head.startswith(b"POST"):
                body = json.loads(request.body)
                message = {"id": f"m-{len(self.taken) + 1}", "reference": body["reference"], "status": "accepted"}
                self.taken.append(message)
                line.say(reply("202 Accepted", json.dumps(message).encode() if self._with_ids else b"{}"))
            else:
                self.gets.append(request.head)
                line.say(self.lists(self.taken, len(self.gets)))


@contextmanager
def lying(project: Project, *, with_ids: bool = True) -> Iterator[tuple[Liar, str]]:
    """Three messages that were taken, m-1 to m-3."""
    liar = Liar(with_ids=with_ids)
    with RawServer(liar) as server:
        assert send(project, server.url, "--concurrency", "1").code == 0
        yield liar, server.url


def at(second: int) -> str:
    return f"2026-03-01T09:00:{second:02}.000Z"


def test_bird_s_time_counts_and_where_there_is_none_that_of_the_look(project: Project) -> None:
    times = ["2026-03-01T10:00:07+01:00", "soon", "9999-12-31T23:59:59Z"]
    with lying(project) as (liar, url):
        liar.lists = lambda taken, _: page(
            *(each | {"status": "sent", "lastStatusAt": time} for each, time in zip(taken, times, strict=True))
        )
        assert refresh(project, url).code == 0
        first, *others = deliveries(project, url)
        assert first["at"] == at(7)
        assert [each["at"] for each in others] == [each["lookedAt"] for each in others]


def test_what_bird_rejects_after_it_took_it_stays_accepted_and_is_never_sent_again(project: Project) -> None:
    with lying(project) as (liar, url):
        liar.lists = lambda taken, _: page(
            *(each | {"status": "rejected", "failure": {"code": 11002, "source": {"name": "x"}}} for each in taken)
        )
        ran = refresh(project, url)
        assert (ran.code, counts(ran)) == (0, {"rejected": 3})
        assert states(project, url) == ["accepted"] * 3
        assert send(project, url).code == 0
        assert project.run("retry", "hello.yaml", "--yes", "--api-url", url, BIRD_ACCESS_KEY=KEY).code == 0
        assert len(liar.taken) == 3
        report = project.run("report", "--api-url", url, "--format", "json").json["deliveryStatuses"]
        (failure,) = report["failures"]
        assert (failure["status"], failure["code"], failure["source"], failure["messages"]) == (
            "rejected",
            "11002",
            "x",
            3,
        )
        assert failure["words"].startswith("INVALID_INPUT")


def test_statuses_that_come_out_of_order_take_nothing_back(project: Project) -> None:
    looks = [["sent", "delivered", "processing"], ["processing", "sent", "accepted"], ["delivered", "accepted", "sent"]]
    with lying(project) as (liar, url):
        for look in looks:
            liar.lists = lambda taken, _, look=look: page(  # type: ignore[misc]
                *(each | {"status": word, "lastStatusAt": at(5)} for each, word in zip(taken, look, strict=True))
            )
            assert refresh(project, url).code == 0
        assert [each["status"] for each in deliveries(project, url)] == ["delivered", "delivered", "sent"]


HOSTILE = [
    "<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "A" * 10_000,
    "::error::x",
    "to +14155550100",
    "\u2028x\udcff",
]


def test_hostile_words_are_kept_short_and_harmless_and_counted_as_other(project: Project) -> None:
    project.people(len(HOSTILE) + 1)
    failure = {"code": "<b>", "description": "x", "source": {"name": "\x1b[2J", "code": ["x"]}}
    with lying(project) as (liar, url):
        liar.lists = lambda taken, _: page(
            *(each | {"status": word, "failure": failure} for each, word in zip(taken, HOSTILE, strict=False)),
            taken[-1] | {"status": 7},
        )
        ran = refresh(project, url)
        assert (ran.code, counts(ran)) == (0, {"other": len(HOSTILE), "notLookedUp": 1})
        words = [each["status"] for each in deliveries(project, url)[:-1]]
        assert words[:2] == ["<script>alert(1)</script>", "[31mred [0m"]
        assert words[2] == "A" * 63 + "…"
        assert (words[4], words[5]) == ("to ***00", "x?")
        assert {(each["code"], each["source"]) for each in deliveries(project, url)[:-1]} == {(None, None)}
        for form in ("text", "html", "markdown", "junit", "csv", "json"):
            told = project.run("report", "--api-url", url, "--format", form)
            assert told.code == 0
            assert "\x1b" not in told.out
            assert "<script>alert" not in told.out or form in ("csv", "json")
        assert project.run("ledger", "verify", "--api-url", url).code == 0
        assert "\x1b" not in project.run("status", "--api-url", url).out
        assert project.run("ledger", "purge", "--older-than", "0s", "--yes", "--api-url", url).code == 0
        assert {each["status"] for each in deliveries(project, url)[:-1]} == {"other"}
        assert refresh(project, url).code == 0
        assert {each["status"] for each in deliveries(project, url)[:-1]} == {"other"}
        assert project.run("ledger", "verify", "--api-url", url).code == 0


def test_a_page_that_is_none_in_the_middle_ends_the_channel_and_what_was_read_counts(project: Project) -> None:
    with lying(project) as (liar, url):
        liar.lists = lambda taken, get: (
            page(taken[0] | {"status": "delivered"}, nextPageToken="2") if get == 1 else reply("200 OK", b"{}")
        )
        ran = refresh(project, url)
        assert (ran.code, counts(ran)) == (11, {"delivered": 1, "notLookedUp": 2})
        assert ran.json["refresh"]["notListed"] is None
        assert [each["channelId"] for each in ran.json["refresh"]["incomplete"]] == [CHANNEL]
        assert f"channel {CHANNEL} was not looked through: a page of Bird's list has no results" in ran.err


@pytest.mark.parametrize(
    ("answer", "code"), [("401 No", 7), ("402 No", 7), ("403 No", 7), ("404 No", 7), ("307 Go", 11)]
)
def test_where_bird_refuses_us_it_says_so_and_nothing_changes(project: Project, answer: str, code: int) -> None:
    with lying(project) as (liar, url):
        liar.lists = lambda _taken, _: reply(answer, b'{"code":"X","message":"because"}')
        ran = refresh(project, url)
        assert (ran.code, counts(ran)) == (code, {"notLookedUp": 3})
        assert len(liar.gets) == 1
        assert set(states(project, url)) == {"accepted"}


def test_what_is_found_is_found_by_its_id_whatever_the_reference_says(project: Project) -> None:
    with lying(project) as (liar, url):
        liar.lists = lambda taken, _: page(
            {"id": "m-1", "status": "delivered"},
            {"id": "m-2", "reference": taken[0]["reference"], "status": "sent"},
            {"id": "of-another-attempt", "reference": taken[2]["reference"], "status": "rejected"},
            {"id": "theirs", "reference": "fp1.THEIRS", "status": "rejected"},
        )
        ran = refresh(project, url)
        assert (ran.code, counts(ran)) == (0, {"delivered": 1, "sent": 1, "notLookedUp": 1})


def test_a_reference_that_two_messages_have_tells_of_none(project: Project) -> None:
    with lying(project, with_ids=False) as (liar, url):
        liar.lists = lambda taken, _: page(
            *(taken[0] | {"id": f"twin-{n}", "status": "delivered"} for n in (1, 2)),
            *(taken[1] | {"id": f"again-{n}", "status": word} for n, word in enumerate(("rejected", "delivered"))),
        )
        ran = refresh(project, url)
        assert (ran.code, counts(ran)) == (0, {"delivered": 1, "notLookedUp": 2})
        assert [ran.json["refresh"][name] for name in ("sought", "found", "doubles", "notListed")] == [3, 1, 1, 1]
        assert "with a reference that is not unique" in ran.err


def test_a_reference_of_their_own_that_two_messages_share_tells_of_none(project: Project) -> None:
    project.write("hello.yaml", MANIFEST + '    reference: "order {{ order }}"\n')
    project.write("people.csv", "phone,name,order\n+14155550101,A,1\n+14155550102,B,1\n+14155550103,C,2\n")
    with lying(project, with_ids=False) as (liar, url):
        liar.lists = lambda taken, _: page(taken[0] | {"status": "delivered"}, taken[2] | {"status": "sent"})
        ran = refresh(project, url)
        assert [ran.json["refresh"][name] for name in ("sought", "found", "doubles", "notListed")] == [3, 1, 2, 0]
        assert [each and each["status"] for each in deliveries(project, url)] == [None, None, "sent"]


def test_a_kill_in_the_middle_loses_no_more_than_what_was_not_told_yet(project: Project) -> None:
    people = 1100
    project.people(people)
    with lying(project) as (liar, url):

        def lists(taken: list[dict[str, Any]], get: int) -> bytes:
            shown = [each | {"status": "delivered"} for each in taken[get * 100 - 100 : get * 100]]
            return page(*shown, **({"nextPageToken": str(get)} if get * 100 < people else {}))

        def stuck(taken: list[dict[str, Any]], get: int) -> bytes:
            return lists(taken, get) if get <= 10 else b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"

        liar.lists = stuck
        process = project.start("status", "--refresh", "--api-url", url, BIRD_ACCESS_KEY=KEY)
        until(lambda: len(liar.gets) >= 11, process)
        kill(process)
        assert Counter(line["state"] for line in status(project, url)) == {"accepted": people}
        assert project.run("ledger", "verify", "--api-url", url).code == 0
        told = Counter(each and each["status"] for each in deliveries(project, url))
        assert told == {"delivered": 1000, None: 100}
        liar.gets.clear()
        liar.lists = lists
        ran = refresh(project, url)
        assert (ran.code, ran.json["refresh"]["sought"], counts(ran)) == (0, 100, {"delivered": people})
        (window,) = {re.findall(rb"startAt=([^& ]+)", head)[0] for head in liar.gets}
        assert window


def test_a_signal_ends_the_look_and_what_was_seen_counts(project: Project) -> None:
    with lying(project) as (liar, url):
        liar.lists = lambda taken, get: (
            page(taken[0] | {"status": "delivered"}, nextPageToken="2")
            if get == 1
            else b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        )
        asked = ("status", "--refresh", "--api-url", url, "--format", "json")
        process = project.start(*asked, BIRD_ACCESS_KEY=KEY)
        until(lambda: len(liar.gets) >= 2, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=GIVE_UP_S)
        assert process.returncode == 130, err
        said = fits("status", json.loads(out))
        assert (said["refresh"]["stopped"], said["refresh"]["exitCode"]) == ("interrupted", 130)
        assert (said["totals"]["delivery"]["delivered"], said["totals"]["delivery"]["notLookedUp"]) == (1, 2)
        assert "interrupted: what was seen until then counts\nGo on with: flypast status --refresh" in err


def test_a_ledger_of_the_format_before_learns_them_too(project: Project, serve: Serve) -> None:
    server = serve()
    assert send(project, server.url).code == 0
    make_older(project.path / ".flypast" / "sandbox.db", 4)
    assert until_all_have_ended(project, server.url) == {"delivered": 3}
