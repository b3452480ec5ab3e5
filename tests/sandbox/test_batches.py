"""Batches as Bird's page has them: taken as a whole, each message judged by itself after that."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runner.judge import judge
from runner.sandbox.faults import parse_fault
from runner.sandbox.limits import Limits
from runner.sandbox.server import Sandbox

from .asking import PATH, Asker, asking, sms

BATCH = PATH.replace("/messages", "/batch/messages")
UNLIMITED = Limits(post_per_s=None)


def batch(count: int, *, first: int = 0) -> dict[str, Any]:
    return {"messageRequests": [sms(f"r{number}") for number in range(first, first + count)]}


async def listed(asker: Asker) -> dict[str, Any]:
    """By reference."""
    page = (await asker.get(PATH, limit=1000)).document
    assert not judge("reply-messages").errors(page)
    return {item["reference"]: item for item in page["results"]}


async def test_a_batch_is_taken_as_a_whole_and_its_messages_stand_in_the_list() -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        answer = await asker.post(batch(100), path=BATCH)
        messages = await listed(asker)
    assert answer.status == 202
    assert not judge("reply-batch").errors(answer.document)
    assert {item["batchId"] for item in messages.values()} == {answer.document["id"]}
    assert messages.keys() == {f"r{number}" for number in range(100)}
    ids = sorted(item["id"] for item in messages.values())
    assert sorted(each["id"] for each in answer.document["messages"]) == ids
    summary = sandbox.record.summary()
    assert (summary["posts"], summary["taken"], summary["references"]) == (1, 100, 100)


async def test_a_bad_message_does_not_fail_the_batch_and_is_listed_as_rejected() -> None:
    people = {"contacts": [{"identifierValue": f"+1415555010{number}"} for number in (1, 2)]}
    bad: list[Any] = [{"reference": "bad", "receiver": {"contacts": []}, "oops": 1}, sms("two", receiver=people), 7]
    request = {"messageRequests": [sms("r0"), *bad, sms("r1")]}
    async with asking(Sandbox()) as asker:
        answer = await asker.post(request, path=BATCH)
        page = (await asker.get(PATH, limit=1000)).document["results"]
    assert answer.status == 202
    found = {item.get("reference"): item for item in page}
    statuses = {name: item["status"] for name, item in found.items()}
    assert statuses == {"r0": "accepted", "bad": "rejected", "two": "rejected", None: "rejected", "r1": "accepted"}
    assert found["bad"]["failure"]["code"] == 11002
    assert 'property "oops" is unsupported' in found["bad"]["reason"]


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        ([sms("r")], "."),
        ({}, ".messageRequests"),
        ({"messageRequests": []}, ".messageRequests"),
        ({"messageRequests": {}}, ".messageRequests"),
        (batch(101), ".messageRequests"),
        ({**batch(1), "more": 1}, ".more"),
    ],
)
async def test_what_is_no_batch_is_refused_as_a_whole(request_: Any, place: str) -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        answer = await asker.post(request_, path=BATCH)
    assert (answer.status, list(answer.document["details"])) == (422, [place])
    assert sandbox.record.taken == []


async def test_a_batch_that_is_too_large_is_refused_as_a_whole() -> None:
    long = {"type": "text", "text": {"text": "x" * 60_000}}
    async with asking(Sandbox()) as asker:
        answer = await asker.post(
            {"messageRequests": [sms(f"r{number}", body=long) for number in range(4)]}, path=BATCH
        )
    assert answer.status == 413


@pytest.mark.parametrize("kind", ["401", "402", "422", "429", "503"])
async def test_a_fault_of_a_request_strikes_the_batch_as_a_whole(kind: str) -> None:
    sandbox = Sandbox(faults=[parse_fault(kind)])
    async with asking(sandbox) as asker:
        assert (await asker.post(batch(5), path=BATCH)).status == int(kind)
    assert sandbox.record.taken == []
    assert [arrival.decision for arrival in sandbox.record.arrivals] == [kind]


async def test_a_batch_whose_reply_is_lost_is_taken_all_the_same() -> None:
    sandbox = Sandbox(faults=[parse_fault("500-after")])
    async with asking(sandbox) as asker:
        assert (await asker.post(batch(5), path=BATCH)).status == 500
        assert len(await listed(asker)) == 5
    assert Counter(arrival.decision for arrival in sandbox.record.taken) == {"500-after": 5}


async def test_a_fault_of_a_message_strikes_each_message_by_its_share_the_same_on_every_run() -> None:
    seen = []
    for _ in range(2):
        faults = [parse_fault("202-rejected:10%"), parse_fault("202-busy:10%"), parse_fault("unlisted:10%")]
        sandbox = Sandbox(faults=faults, seed=3, limits=UNLIMITED)
        async with asking(sandbox) as asker:
            for first in range(0, 500, 100):
                assert (await asker.post(batch(100, first=first), path=BATCH)).status == 202
            messages = await listed(asker)
        decided = {arrival.reference: arrival.decision for arrival in sandbox.record.arrivals}
        counts = Counter(decided.values())
        assert counts.keys() == {"accepted", "202-rejected", "unlisted"}
        assert 50 <= counts["202-rejected"] <= 150
        assert 20 <= counts["unlisted"] <= 80
        assert messages.keys() == {each for each, word in decided.items() if word != "unlisted"}
        codes = {item["failure"]["code"] for item in messages.values() if item["status"] == "rejected"}
        assert codes == {12001, 12003}
        seen.append(decided)
    assert seen[0] == seen[1]


async def test_one_message_that_is_not_listed_goes_out_all_the_same() -> None:
    sandbox = Sandbox(faults=[parse_fault("unlisted")])
    async with asking(sandbox) as asker:
        answer = await asker.post(sms("r"))
        assert answer.status == 202
        assert await listed(asker) == {}
        assert (await asker.get(f"{PATH}/{answer.document['id']}")).status == 200
    assert len(sandbox.record.taken) == 1


async def test_the_record_has_each_message_of_a_batch_with_the_number_of_its_post(tmp_path: Path) -> None:
    async with asking(Sandbox(record_path=tmp_path / "record")) as asker:
        await asker.post(batch(2), path=BATCH)
        await asker.post(sms("alone"))
    lines = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    told = [(line["n"], line["reference"], "batchId" in line) for line in lines]
    assert told == [(1, "r0", True), (1, "r1", True), (2, "alone", False)]
