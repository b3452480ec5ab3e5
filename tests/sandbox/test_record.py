"""The record: exactly what arrived, in memory, in the file and over HTTP."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.faults import parse_fault
from runner.sandbox.limits import Limits
from runner.sandbox.server import Sandbox

from .asking import CHANNEL, PATH, WORKSPACE, StoppedClock, asking, sms


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_a_line_says_all_there_is_to_say(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    request = sms("r1", body={"type": "text", "text": {"text": "two\nlines 🎉"}})
    async with asking(Sandbox(record_path=file, clock=StoppedClock())) as asker:
        answer = await asker.post(request)
    assert lines(file.read_text()) == [
        {
            "n": 1,
            "at": "2025-11-22T00:00:00.000Z",
            "workspaceId": WORKSPACE,
            "channelId": CHANNEL,
            "reference": "r1",
            "recipients": ["+14155550100"],
            "request": request,
            "decision": "accepted",
            "status": 202,
            "messageId": answer.document["id"],
            "replied": True,
        }
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_file_memory_and_page_are_what_was_sent(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    faults = [parse_fault("429:20%"), parse_fault("500-after:20%"), parse_fault("422:10%")]
    sandbox = Sandbox(record_path=file, faults=faults, seed=5)
    sent = [sms(f"r{n}", to=f"+1415555{n:04}") for n in range(100, 200)]
    async with asking(sandbox) as asker:
        replies = [(await asker.post(request)).status for request in sent]
        async with asker.session.get(f"{asker.url}/_sandbox/record") as page:
            shown = lines(await page.text())
    held = lines(file.read_text())
    assert held == shown == lines(b"".join(sandbox.record.lines()).decode())
    assert [line["n"] for line in held] == list(range(1, 101))
    assert [line["request"] for line in held] == sent
    assert [line["reference"] for line in held] == [request["reference"] for request in sent]
    assert [line["status"] for line in held] == replies
    assert {line["decision"] for line in held} == {"accepted", "429", "500-after", "422"}


@pytest.mark.parametrize(
    ("document", "reference", "recipients"),
    [
        ([1], None, ()),
        ({"reference": 7, "receiver": 8}, None, ()),
        ({"receiver": {"contacts": {"listId": "x"}}}, None, ()),
        ({"reference": "r", "receiver": {"contacts": [1, {"id": "c1"}, {"identifierValue": 5}]}}, "r", ("id:c1", "5")),
    ],
)
async def test_a_request_that_is_none_is_recorded_too(
    document: Any, reference: str | None, recipients: tuple[str, ...]
) -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        await asker.post(document)
    arrival = sandbox.record.arrivals[0]
    assert (arrival.request, arrival.reference, arrival.recipients) == (document, reference, recipients)
    assert (arrival.decision, arrival.status, arrival.message_id) == ("rejected", 422, None)


async def test_what_is_not_json_is_recorded_without_a_request() -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        await asker.post_bytes(b"{")
    assert (sandbox.record.arrivals[0].request, sandbox.record.arrivals[0].status) == (None, 422)


async def test_a_line_is_in_the_file_before_the_reply_is_read(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    async with asking(Sandbox(record_path=file)) as asker:
        for n in range(1, 4):
            await asker.post(sms())
            assert len(lines(file.read_text())) == n


async def test_an_older_record_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    for reference in ("first", "second"):
        async with asking(Sandbox(record_path=file)) as asker:
            await asker.post(sms(reference))
    assert [line["reference"] for line in lines(file.read_text())] == ["first", "second"]


async def test_the_summary_counts_posts_messages_and_references() -> None:
    sandbox = Sandbox(limits=Limits(post_per_s=4), clock=StoppedClock(), faults=[parse_fault("reset-after:first:0")])
    async with asking(sandbox) as asker:
        for request in (sms("a"), sms("a"), sms("b"), {}, sms("c")):
            await asker.post(request)
        summary = (await asker.get_as({}, "/_sandbox/summary")).document
    assert summary == {
        "posts": 5,
        "taken": 3,
        "references": 2,
        "decisions": {"accepted": 3, "rejected": 1, "throttled": 1},
        "statuses": {"202": 3, "422": 1, "429": 1},
        "redirectsFollowed": 0,
    }


async def test_a_record_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await Sandbox(record_path=tmp_path / "missing" / "record.jsonl").start()


async def test_a_key_is_never_recorded(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    async with asking(Sandbox(record_path=file, access_key="the-one")) as asker:
        await asker.post(sms(), path=PATH)
    assert "any-will-do" not in file.read_text()
    assert lines(file.read_text())[0]["status"] == 401
