"""POST: what is accepted, what comes back, what is refused and how."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.channels import Channels, SandboxChannel
from runner.sandbox.server import Sandbox

from .asking import CHANNEL, KEY, NOBODYS, PATH, WORKSPACE, StoppedClock, asking, sms

IMAGE = {"type": "image", "image": {"images": [{"mediaUrl": "https://acme.example/hero.png"}], "text": "Look"}}
TEMPLATE = {
    "projectId": "ce6a2fd6-b2fa-4f5a-a2cd-f3bd15883318",
    "version": "latest",
    "locale": "en",
    "parameters": [{"type": "string", "key": "name", "value": "Robert"}],
}


async def test_a_valid_request_is_answered_with_the_accepted_message() -> None:
    request = sms("my-own-identifier", tags=["Spring Sale"], meta={"extraInformation": {"run": "7"}})
    async with asking(Sandbox(clock=StoppedClock(), new_id=lambda: NOBODYS)) as asker:
        answer = await asker.post(request)
    connector = answer.document["sender"]["connector"]
    contact = answer.document["receiver"]["contacts"][0]
    assert answer.status == 202
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "Date" in answer.headers
    assert answer.document == {
        "id": NOBODYS,
        "channelId": CHANNEL,
        "sender": {
            "connector": {
                "id": connector["id"],
                "identifierValue": "+12025550100",
                "annotations": {"name": "Sandbox"},
                "types": ["sms"],
            }
        },
        "receiver": {
            "contacts": [
                {
                    "id": contact["id"],
                    "identifierKey": "phonenumber",
                    "identifierValue": "+14155550100",
                    "platformAddress": "+14155550100",
                }
            ]
        },
        "meta": {"extraInformation": {"run": "7"}},
        "reference": "my-own-identifier",
        "parts": [{"platformReference": NOBODYS}],
        "status": "accepted",
        "reason": "",
        "details": "",
        "direction": "outgoing",
        "batchId": None,
        "lastStatusAt": "2025-11-22T00:00:00.000Z",
        "createdAt": "2025-11-22T00:00:00.000Z",
        "updatedAt": "2025-11-22T00:00:00.000Z",
        "tags": ["spring sale"],
        "body": {"type": "text", "text": {"text": "Hi Robert"}},
    }


async def test_one_number_is_one_contact_however_often_it_is_sent_to() -> None:
    async with asking(Sandbox()) as asker:
        contacts = [(await asker.post(sms())).document["receiver"]["contacts"][0]["id"] for _ in range(2)]
        other = (await asker.post(sms(to="+14155550101"))).document["receiver"]["contacts"][0]["id"]
    assert contacts[0] == contacts[1] != other


async def test_a_contact_known_to_bird_is_named_by_its_id() -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        answer = await asker.post(sms(receiver={"contacts": [{"id": NOBODYS}]}))
    assert (answer.status, answer.document["receiver"]) == (202, {"contacts": [{"id": NOBODYS}]})
    assert sandbox.record.taken[0].recipients == (f"id:{NOBODYS}",)


async def test_a_template_is_accepted_in_the_place_of_a_body() -> None:
    request = {"receiver": sms()["receiver"], "template": TEMPLATE}
    async with asking(Sandbox()) as asker:
        answer = await asker.post(request)
    assert (answer.status, answer.document["template"]) == (202, TEMPLATE)
    assert "body" not in answer.document


async def test_an_mms_is_accepted() -> None:
    async with asking(Sandbox()) as asker:
        answer = await asker.post(sms(body=IMAGE))
    assert (answer.status, answer.document["body"]) == (202, IMAGE)


async def test_text_outside_of_ascii_comes_back_as_it_was() -> None:
    body = {"type": "text", "text": {"text": "Ça va? 🎉"}}
    async with asking(Sandbox()) as asker:
        answer = await asker.post(sms(body=body))
    assert answer.document["body"] == body


async def test_half_a_character_is_answered_and_recorded(tmp_path: Path) -> None:
    body = {"type": "text", "text": {"text": "\ud800"}}
    sandbox = Sandbox(record_path=tmp_path / "record.jsonl")
    async with asking(sandbox) as asker:
        assert (await asker.post(sms(body=body))).status in (202, 422)
    assert json.loads((tmp_path / "record.jsonl").read_text())["request"]["body"] == body


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"body": sms()["body"]}, id="no receiver"),
        pytest.param({**sms(), "idempotencyKey": "x"}, id="an invented field"),
        pytest.param({"receiver": sms()["receiver"]}, id="neither body nor template"),
        pytest.param({**sms(), "template": TEMPLATE}, id="both body and template"),
        pytest.param({**sms(), "body": None}, id="a null body alone"),
        pytest.param({**sms(), "receiver": {"contacts": [{"listId": NOBODYS}]}}, id="a list as contact"),
        pytest.param({**sms(), "body": {"type": "text", "text": {"text": 7}}}, id="a number as text"),
        pytest.param({**sms(), "tags": ["x" * 51]}, id="a long tag"),
        pytest.param({**sms(), "scheduledFor": "2025-02-30T00:00:00Z"}, id="a day that never comes"),
        pytest.param({**sms(), "scheduledFor": "2025-12-01T00:00:00"}, id="a time without a zone"),
        pytest.param([], id="a list"),
        pytest.param(None, id="null"),
    ],
)
async def test_a_request_that_breaks_birds_rules_is_a_validation_error(request_: Any) -> None:
    sandbox = Sandbox()
    async with asking(sandbox) as asker:
        answer = await asker.post(request_)
    assert answer.status == 422
    assert answer.document["code"] == "InvalidPayload"
    assert answer.document["message"] == "One or more fields provided in the request body are malformed"
    assert answer.document["details"]
    assert all(words and path.startswith(".") for path, words in answer.document["details"].items())
    assert len(sandbox.messages) == 0


async def test_the_details_name_the_place_as_bird_does() -> None:
    request = sms()
    request["receiver"]["contacts"].append({"identifierValue": 14155550100})
    async with asking(Sandbox()) as asker:
        answer = await asker.post(request)
    assert list(answer.document["details"]) == [".receiver.contacts[1].identifierValue"]


async def test_an_unknown_property_is_refused_in_birds_words() -> None:
    request = sms()
    request["receiver"]["contacts"][0]["listId"] = NOBODYS
    async with asking(Sandbox()) as asker:
        answer = await asker.post(request)
    assert answer.document["details"] == {".receiver.contacts[0]": ['property "listId" is unsupported']}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"receiver": NaN}',
        b"[" * 60_000,
        b"[" * 500 + b"]" * 500,
        b'{"a":' * 101 + b"1" + b"}" * 101,
    ],
)
async def test_what_is_not_json_is_a_validation_error(body: bytes) -> None:
    async with asking(Sandbox()) as asker:
        answer = await asker.post_bytes(body)
    assert (answer.status, answer.document["code"], list(answer.document["details"])) == (422, "InvalidPayload", ["."])


async def test_a_compressed_body_is_not_json() -> None:
    headers = {**KEY, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(sms()).encode())
    async with asking(Sandbox()) as asker, asker.session.post(asker.url + PATH, data=body, headers=headers) as reply:
        assert reply.status == 422


async def test_json_that_is_not_called_json_is_a_validation_error() -> None:
    async with asking(Sandbox()) as asker:
        answer = await asker.post_bytes(json.dumps(sms()).encode(), content_type="text/plain")
    assert answer.status == 422
    assert "text/plain" in answer.document["details"]["."][0]


async def test_many_brackets_side_by_side_are_not_deep() -> None:
    text = {"type": "text", "text": {"text": "[{" * 300}}
    async with asking(Sandbox()) as asker:
        assert (await asker.post(sms(body=text))).status == 202


async def test_more_than_200_kb_is_too_large() -> None:
    sandbox = Sandbox()
    around = len(json.dumps(sms(meta={"extraInformation": {"pad": ""}})))
    async with asking(sandbox) as asker:
        largest = await asker.post(sms(meta={"extraInformation": {"pad": "x" * (200 * 1024 - around)}}))
        larger = await asker.post(sms(meta={"extraInformation": {"pad": "x" * (200 * 1024 - around + 1)}}))
    assert largest.status == 202
    assert (larger.status, larger.document["code"]) == (413, "PayloadTooLarge")
    assert [arrival.status for arrival in sandbox.record.arrivals] == [202, 413]


@pytest.mark.parametrize(
    ("workspace", "channel"),
    [(WORKSPACE, NOBODYS), (NOBODYS, CHANNEL), ("my-workspace", CHANNEL), (WORKSPACE, CHANNEL + "0")],
)
async def test_an_unknown_workspace_or_channel_is_not_found(workspace: str, channel: str) -> None:
    known = Channels.of([SandboxChannel(workspace_id=WORKSPACE, channel_id=CHANNEL)])
    async with asking(Sandbox(channels=known)) as asker:
        answer = await asker.post(sms(), path=f"/workspaces/{workspace}/channels/{channel}/messages")
    assert (answer.status, answer.document["code"]) == (404, "ResourceNotFound")


async def test_an_open_sandbox_knows_every_pair_of_uuids_in_either_case() -> None:
    async with asking(Sandbox()) as asker:
        good = await asker.post(sms(), path=f"/workspaces/{NOBODYS}/channels/{CHANNEL.upper()}/messages")
        listed = await asker.get(f"/workspaces/{NOBODYS.upper()}/channels/{CHANNEL}/messages")
        bad = await asker.post(sms(), path=f"/workspaces/{NOBODYS}/channels/nope/messages")
    assert (good.status, len(listed.document["results"]), bad.status) == (202, 1, 404)


async def test_other_methods_and_paths_are_request_errors() -> None:
    async with asking(Sandbox()) as asker:
        async with asker.session.delete(asker.url + PATH, headers=KEY) as reply:
            deleted, allow = await reply.json(), reply.headers["Allow"]
        missing = await asker.get("/workspaces")
    assert (reply.status, deleted["code"]) == (405, "MethodNotAllowed")
    assert "POST" in allow
    assert (missing.status, missing.document["code"]) == (404, "ResourceNotFound")


async def test_an_inactive_channel_rejects_after_the_202() -> None:
    known = Channels.of([SandboxChannel(workspace_id=WORKSPACE, channel_id=CHANNEL, status="inactive")])
    sandbox = Sandbox(channels=known)
    async with asking(sandbox) as asker:
        answer = await asker.post(sms())
    assert (answer.status, answer.document["status"]) == (202, "rejected")
    assert answer.document["failure"]["code"] == 11001
    assert sandbox.record.taken == []


async def test_two_people_in_one_sms_are_rejected_after_the_202_and_two_in_one_email_are_not() -> None:
    two = {"contacts": [{"identifierValue": "+14155550100"}, {"identifierValue": "+14155550101"}]}
    emails = [{"identifierKey": "emailaddress", "identifierValue": f"{name}@acme.example"} for name in ("ann", "bob")]
    async with asking(Sandbox()) as asker:
        by_phone = await asker.post(sms(receiver=two))
        by_email = await asker.post(sms(receiver={"contacts": emails}))
    assert (by_phone.status, by_phone.document["status"]) == (202, "rejected")
    assert (by_email.status, by_email.document["status"]) == (202, "accepted")


async def test_nothing_of_a_request_reaches_a_log(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(0)
    async with asking(Sandbox(record_path=tmp_path / "record.jsonl")) as asker:
        await asker.post(sms())
        await asker.post([])
    assert "+14155550100" not in caplog.text
    assert "any-will-do" not in caplog.text
