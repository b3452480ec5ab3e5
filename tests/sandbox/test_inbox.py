"""The inbox behind its page: what arrived by whom it was for, statuses as they move, faults for its own page alone."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as some

from runner.sandbox.faults import KINDS, Fault, parse_fault
from runner.sandbox.limits import Limits
from runner.sandbox.server import Sandbox

from .asking import PATH, Asker, StoppedClock, asking, sms

BELOW = "/_sandbox/inbox"
ANN, BOB = "+14155550100", "+12025550101"


async def look(asker: Asker, what: str = "conversations", /, **query: str | int) -> Any:
    answer = await asker.get_as({}, f"{BELOW}/{what}", **query)
    assert answer.status == 200
    return answer.document


async def arrive(asker: Asker, *people: str, text: str = "Hi Robert") -> None:
    for number, person in enumerate(people):
        body = {"type": "text", "text": {"text": text}}
        await asker.post(sms(f"r{number}", to=person, body=body))


# The page


async def test_the_page_loads_nothing_but_its_own_and_runs_nothing_else() -> None:
    async with asking(Sandbox()) as asker:
        async with asker.session.get(asker.url) as reply:
            page, headers = await reply.text(), reply.headers
        assert "default-src 'none'; script-src 'self'" in headers["Content-Security-Policy"]
        assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")
        assert "<script>" not in page
        named = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page)
        assert sorted(named) == ["_sandbox/inbox.css", "_sandbox/inbox.js", "_sandbox/look.css"]
        for name in named:
            async with asker.session.get(f"{asker.url}/{name}") as reply:
                assert reply.status == 200
                assert reply.content_type == ("text/javascript" if name.endswith("js") else "text/css")
                assert not re.search(r"https?://|@import|url\(", await reply.text())


@pytest.mark.parametrize("path", ["/", f"{BELOW}/conversations", f"{BELOW}/events", "/_sandbox/inbox.js"])
async def test_a_name_that_is_not_loopbacks_own_gets_nothing(path: str) -> None:
    async with asking(Sandbox()) as asker:
        answer = await asker.get_as({"Host": "evil.example"}, path)
    assert answer.status == 403


# What arrived


async def test_messages_stand_by_number_the_latest_first() -> None:
    async with asking(Sandbox()) as asker:
        assert await look(asker) == {"conversations": [], "hasMore": False, "counts": {}, "people": 0}
        await arrive(asker, ANN, BOB, ANN)
        found = await look(asker)
        assert [(head["to"], head["messages"], head["n"]) for head in found["conversations"]] == [
            (ANN, 2, 3),
            (BOB, 1, 2),
        ]
        assert (found["people"], found["conversations"][0]["text"]) == (2, "Hi Robert")
        await arrive(asker, BOB)
        assert [head["to"] for head in (await look(asker))["conversations"]] == [BOB, ANN]
        talk = await look(asker, "messages", to=ANN)
        assert [message["n"] for message in talk["messages"]] == [3, 1]


async def test_a_message_is_shown_whole_with_the_request_as_it_arrived() -> None:
    picture = {"images": [{"mediaUrl": "https://media.example/a.png"}], "text": "Look", "metadata": {"subject": "New"}}
    request = sms("mine", body={"type": "image", "image": picture})
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock)) as asker:
        await asker.post(request)
        clock.elapsed_s += 0.5
        whole = await look(asker, "messages/1")
        assert whole["request"] == request
        assert (whole["text"], whole["subject"], whole["media"]) == ("Look", "New", ["https://media.example/a.png"])
        assert [step["status"] for step in whole["course"]] == ["accepted", "processing", "sent"]
        assert (await asker.get_as({}, f"{BELOW}/messages/2")).status == 404


async def _everybody(asker: Asker) -> list[str]:
    """Page by page, as the page asks."""
    seen: list[str] = []
    beyond: dict[str, str | int] = {}
    while True:
        page = await look(asker, "conversations", **beyond)
        seen += [head["to"] for head in page["conversations"]]
        if not page["hasMore"]:
            return seen
        last = page["conversations"][-1]
        beyond = {"beyond": last["n"], "person": last["to"]}


async def test_each_message_of_a_batch_is_one_of_its_own() -> None:
    people = [f"+12015550{number:03}" for number in range(100, 200)]
    requests = [sms(f"r-{to}", to=to, body={"type": "text", "text": {"text": f"Hi {to}"}}) for to in people]
    requests[7] = sms("r-7", to=people[7], body={"type": "text"})  # it is rejected after the 202
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock)) as asker, listening(asker) as stream:
        await asker.post({"messageRequests": requests}, path=PATH.replace("/messages", "/batch/messages"))
        assert sorted(await _everybody(asker)) == people
        for person, status in ((people[3], "accepted"), (people[7], "rejected")):
            (message,) = (await look(asker, "messages", to=person))["messages"]
            whole = await look(asker, f"messages/{message['n']}")
            assert (whole["request"], whole["status"]) == (requests[people.index(person)], status)
        clock.elapsed_s += 0.5
        moved = (await told(stream, "moved"))["moved"]
        assert len({number for number, _ in moved}) == len(moved) // 2 == 99


async def test_nobody_of_one_message_to_many_is_missed() -> None:
    people = [f"+12025550{number:03}" for number in range(100, 170)]
    contacts = [{"identifierKey": "phonenumber", "identifierValue": to} for to in people]
    async with asking(Sandbox()) as asker:
        await asker.post(sms("one", receiver={"contacts": contacts}))
        seen = await _everybody(asker)
    assert (sorted(seen), len(set(seen))) == (people, len(people))


async def test_a_template_is_told_and_found_by_what_it_is_filled_with() -> None:
    template = {"projectId": "p", "version": "v", "locale": "en"}
    listed = {"parameters": [{"type": "string", "key": "name", "value": "Zoë"}, 7]}
    async with asking(Sandbox()) as asker:
        await asker.post({"receiver": sms()["receiver"], "template": template | listed})
        await asker.post({"receiver": sms()["receiver"], "template": template | {"variables": {"code": 482}}})
        await asker.post({"receiver": sms()["receiver"], "template": template | {"parameters": 7, "variables": []}})
        talk = (await look(asker, "messages", to=ANN))["messages"]
        assert [each["text"] for each in talk] == ["Template p v", "Template p v\ncode: 482", "Template p v\nname: Zoë"]
        assert len((await look(asker, q="ZOË"))["conversations"]) == 1


async def test_a_number_is_found_however_it_is_spaced() -> None:
    async with asking(Sandbox()) as asker:
        await arrive(asker, ANN, BOB)
        for wanted in ("+1 (415) 555-01 00", "415.555.0100", " 5550100"):
            assert [head["to"] for head in (await look(asker, q=wanted))["conversations"]] == [ANN], wanted


async def test_a_request_is_written_with_its_numbers_as_they_came() -> None:
    async with asking(Sandbox()) as asker:
        await asker.post(sms(extra=[12345678901234567890, 1.0]))
        assert "12345678901234567890,\n    1.0" in (await look(asker, "messages/1"))["written"]


async def test_thousands_come_in_pages_that_miss_nobody_and_show_nobody_twice() -> None:
    people = [f"+1{area}55501{number:02}" for area in (201, 202) for number in range(100)]
    async with asking(Sandbox()) as asker:
        await arrive(asker, *people)
        seen: list[str] = []
        beyond: dict[str, str | int] = {}
        while True:
            page = await look(asker, "conversations", **beyond)
            seen += [head["to"] for head in page["conversations"]]
            if not page["hasMore"]:
                break
            beyond = {"beyond": page["conversations"][-1]["n"]}
            await arrive(asker, seen[-1])  # who moves to the top meanwhile disturbs no later page
        assert len(page["conversations"]) < 51
        assert sorted(set(seen)) == sorted(people)
        assert len(seen) == len(people)
        await arrive(asker, *[ANN] * 120)
        last = await look(asker, "messages", to=ANN)
        numbers = [message["n"] for message in last["messages"]]
        while last["hasMore"]:
            last = await look(asker, "messages", to=ANN, before=numbers[-1])
            numbers += [message["n"] for message in last["messages"]]
        assert len(numbers) == len(set(numbers)) == 120
        assert numbers == sorted(numbers, reverse=True)
        newest = await look(asker, "messages", to=ANN, after=numbers[3])
        assert [message["n"] for message in newest["messages"]] == numbers[:3]


async def test_search_finds_numbers_texts_and_references_in_either_case() -> None:
    async with asking(Sandbox()) as asker:
        await arrive(asker, ANN, text="Straße frei")
        await arrive(asker, BOB, text="Tulips")
        await asker.post(sms("order-77", to="+13125550102"))

        async def found(wanted: str) -> list[str]:
            return [head["to"] for head in (await look(asker, q=wanted))["conversations"]]

        assert await found("STRASSE") == [ANN]
        assert await found("tulip ") == [BOB]
        assert await found("Order-77") == ["+13125550102"]
        assert await found("20255501") == [BOB]
        assert await found("nobody has this") == []


async def test_what_was_not_taken_is_shown_as_that() -> None:
    faults = [parse_fault("503:first:1"), parse_fault("reset-after:after:1:first:2")]
    async with asking(Sandbox(faults=faults, clock=StoppedClock())) as asker:
        await asker.post(sms())
        with pytest.raises(aiohttp.ClientConnectionError):
            await asker.post(sms())
        talk = (await look(asker, "messages", to=ANN))["messages"]
    assert [(each["status"], each["decision"], each["httpStatus"]) for each in talk] == [
        ("accepted", "reset-after", None),
        ("refused", "503", 503),
    ]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"null", b"not json", b'{"receiver": 5}', b'{"receiver": {"contacts": [5, null]}}'),
        *(b'{"body": {"type": "text", "text": 5}}', b'{"body": {"type": {"a": 1}}}', b'{"body": [], "template": "x"}'),
        b'{"body": {"type": "image", "image": {"images": [5, {"mediaUrl": 5}], "metadata": [1]}}}',
    ],
)
async def test_a_request_of_any_shape_is_shown(body: bytes) -> None:
    async with asking(Sandbox()) as asker:
        await asker.post_bytes(body)
        (head,) = (await look(asker))["conversations"]
        assert (head["to"], head["status"]) == ("nobody", "refused")
        assert (await look(asker, "messages", to="nobody"))["messages"][0]["media"] == []
        assert (await look(asker, "messages/1"))["course"] == []


async def test_statuses_move_and_are_counted_as_time_goes_by() -> None:
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock)) as asker:
        await arrive(asker, ANN, BOB, "+14155550199")
        counted = []
        for seconds in (0, 0.25, 0.2, 0.2):
            clock.elapsed_s += seconds
            counted.append((await look(asker))["counts"])
        assert counted == [{"accepted": 3}, {"processing": 3}, {"sent": 3}, {"delivered": 2, "delivery_failed": 1}]
        assert (await look(asker, "messages", to=BOB))["messages"][0]["status"] == "delivered"


async def test_a_sandbox_at_which_nobody_looks_does_nothing_for_its_inbox() -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        await arrive(asker, ANN, BOB)
        assert sandbox._inbox._held.size() == 0
        assert sandbox._inbox._watch is None


# Events


@asynccontextmanager
async def listening(asker: Asker) -> AsyncIterator[aiohttp.ClientResponse]:
    async with asker.session.get(asker.url + f"{BELOW}/events") as stream:
        assert stream.content_type == "text/event-stream"
        yield stream


async def told(stream: aiohttp.ClientResponse, key: str) -> Any:
    """The next event that tells anything under this key."""
    while True:
        line = (await asyncio.wait_for(stream.content.readline(), 10)).decode()
        event = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
        if event.get(key):
            return event


async def test_arrivals_and_moves_are_told_as_they_happen() -> None:
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock)) as asker, listening(asker) as stream:
        await arrive(asker, ANN)
        (head,) = (await told(stream, "heads"))["heads"]
        assert (head["to"], head["status"]) == (ANN, "accepted")
        clock.elapsed_s += 10
        event = await told(stream, "moved")
        assert event["moved"] == [[1, "processing"], [1, "sent"], [1, "delivered"]]
        assert event["counts"] == {"delivered": 1}


async def test_those_who_got_something_are_told_in_the_order_of_the_list() -> None:
    async with asking(Sandbox()) as asker:
        await arrive(asker, ANN, BOB, ANN)
        async with listening(asker) as stream:
            heads = (await told(stream, "heads"))["heads"]
            assert [head["to"] for head in heads] == [ANN, BOB]


async def test_where_much_arrives_at_once_a_page_is_told_to_ask() -> None:
    async with asking(Sandbox(limits=Limits(post_per_s=None))) as asker:
        await arrive(asker, *[ANN] * 60)
        async with listening(asker) as stream:
            event = await told(stream, "isMany")
            assert (event["heads"], event["people"]) == ([], 1)


async def test_a_sandbox_ends_at_once_though_somebody_looks() -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker, listening(asker) as stream:
        await asyncio.wait_for(sandbox.stop(), 5)
        assert b"retry" in await stream.read()


async def test_only_so_many_may_look_at_once() -> None:
    async with asking(Sandbox()) as asker:
        streams = [await asker.session.get(f"{asker.url}{BELOW}/events") for _ in range(16)]
        assert (await asker.get_as({}, f"{BELOW}/events")).status == 503
        streams.pop().close()
        for stream in streams:
            stream.close()


async def test_who_reads_nothing_is_let_go_and_holds_up_nobody() -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker, listening(asker):
        looker = next(iter(sandbox._inbox._lookers))
        for _ in range(200):
            sandbox._inbox._tell_all({"moved": [], "heads": [], "counts": {}, "people": 0})
        assert looker not in sandbox._inbox._lookers


# Faults


async def own(asker: Asker) -> Mapping[str, str]:
    """What the page sends along."""
    async with asker.session.get(asker.url) as reply:
        (token,) = re.findall(r'data-token="([^"]+)"', await reply.text())
    return {"Origin": asker.url, "X-Flypast-Token": token, "Content-Type": "application/json"}


async def switch(asker: Asker, headers: Mapping[str, str], active: Any) -> tuple[int, Any]:
    async with asker.session.post(f"{asker.url}{BELOW}/faults", data=json.dumps(active), headers=headers) as reply:
        return reply.status, await reply.json()


async def test_faults_go_on_and_off_from_the_next_request_on() -> None:
    async with asking(Sandbox()) as asker:
        headers = await own(asker)
        assert (await asker.post(sms())).status == 202
        assert await switch(asker, headers, {"active": ["503"]}) == (200, {"active": ["503"]})
        assert (await asker.post(sms())).status == 503
        assert (await look(asker, "faults"))["active"] == ["503"]
        assert await switch(asker, headers, {"active": []}) == (200, {"active": []})
        assert (await asker.post(sms())).status == 202


async def test_every_kind_of_fault_is_there_with_what_it_does() -> None:
    async with asking(Sandbox(faults=[parse_fault("429:5%:after:3")])) as asker:
        found = await look(asker, "faults")
    assert [(each["kind"], each["does"]) for each in found["kinds"]] == [
        (name, kind.does) for name, kind in KINDS.items()
    ]
    assert [each["kind"] for each in found["kinds"] if each["takesTime"]] == ["slow"]
    assert found["active"] == ["429:5%:after:3"]


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Flypast-Token": ""},
        {"X-Flypast-Token": "guessed"},
        {"X-Flypast-Token": "\u00e9"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Content-Type": "text/plain"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_nobody_else_switches_a_fault(changed: Mapping[str, str]) -> None:
    async with asking(Sandbox()) as asker:
        status, said = await switch(asker, {**await own(asker), **changed}, {"active": ["503"]})
        assert (status, said["message"]) == (403, "faults are switched from the sandbox's own page only")
        assert (await asker.post(sms())).status == 202


@pytest.mark.parametrize(
    "asked",
    [
        *({"active": ["nope"]}, {"active": [5]}, {"active": None}, {}, [], "x", {"active": ["503"] * 51}),
        {"active": ["slow"]},
        {"active": ["429:500%"]},
    ],
)
async def test_what_is_no_fault_changes_nothing_and_is_told(asked: Any) -> None:
    async with asking(Sandbox(faults=[parse_fault("500:first:1")])) as asker:
        status, said = await switch(asker, await own(asker), asked)
        assert status == 422
        assert said["message"]
        assert (await look(asker, "faults"))["active"] == ["500:first:1"]


@given(
    some.builds(
        Fault,
        kind=some.sampled_from(sorted(set(KINDS) - {"slow"})),
        share=some.integers(0, 10_000).map(lambda part: part / 10_000),
        first=some.none() | some.integers(0, 10**8),
        after=some.integers(0, 10**8),
    )
)
def test_a_fault_reads_as_it_is_written(fault: Fault) -> None:
    again = parse_fault(str(fault))
    assert (again.kind, again.first, again.after) == (fault.kind, fault.first, fault.after)
    assert again.share == pytest.approx(fault.share)


def test_a_slow_fault_reads_as_it_is_written() -> None:
    for text in ("slow:2s", "slow:150ms:10%", "slow:3m:first:2"):
        assert parse_fault(str(parse_fault(text))) == parse_fault(text)


async def test_the_api_is_as_it_was() -> None:
    async with asking(Sandbox()) as asker:
        assert (await asker.get_as({}, PATH)).status == 401
        assert (await asker.get_as({}, "/workspaces")).status == 404
        async with asker.session.post(asker.url) as reply:
            assert reply.status == 405
