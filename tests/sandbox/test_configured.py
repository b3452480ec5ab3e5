"""What a file may tell the sandbox of its channels and templates."""

import json
from typing import Any

import pytest

from runner.sandbox.configured import read_configured
from runner.sandbox.server import Sandbox

from .asking import CHANNEL, NOBODYS, WORKSPACE, asking

IDS = {"workspaceId": WORKSPACE, "channelId": CHANNEL}
TEMPLATES = f"/workspaces/{WORKSPACE}/projects/{NOBODYS}/channel-templates"


def sandbox(**given: Any) -> Sandbox:
    configured = read_configured(json.dumps(given).encode())
    return Sandbox(channels=configured.channels, templates=configured.templates)


async def test_a_channel_shows_what_the_file_says() -> None:
    shows = {"status": "gone", "name": None, "capabilities": {"messaging": {"inbound": {"mms": None}}}}
    async with asking(sandbox(channels=[{**IDS, "doubled": False, "shows": shows}])) as asker:
        shown = (await asker.get(f"/workspaces/{WORKSPACE}/channels/{CHANNEL}")).document
        assert (shown["status"], "name" in shown, shown["platformId"]) == ("gone", False, "sms-messagebird")
        messaging = shown["capabilities"]["messaging"]
        assert ("mms" in messaging["inbound"], messaging["outgoing"]["mms"]["status"]) == (False, "active")
        assert (await asker.get(f"/workspaces/{WORKSPACE}/channels")).document["results"] == [shown]


async def test_look_ups_go_through_their_statuses_and_sending_does_not_care() -> None:
    from .asking import sms

    async with asking(sandbox(channels=[{**IDS, "lookUps": [503, 403]}])) as asker:
        path = f"/workspaces/{WORKSPACE}/channels/{CHANNEL}"
        assert [(await asker.get(path)).status for _ in range(3)] == [503, 403, 403]
        assert (await asker.post(sms())).status == 202


async def test_templates_are_listed_in_pages_of_at_most_a_hundred() -> None:
    held = [{"workspaceId": WORKSPACE, "projectId": NOBODYS, "id": str(n)} for n in range(5)]
    async with asking(sandbox(templates=held)) as asker:
        pages = await asker.all_pages(TEMPLATES, limit=2)
        assert [[item["id"] for item in page] for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
        assert (await asker.get(TEMPLATES, limit=101)).status == 422
        assert (await asker.get(TEMPLATES.replace(NOBODYS, CHANNEL))).status == 404
        assert (await asker.get_as({}, TEMPLATES)).status == 401


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "an object"),
        (b'{"chanels": []}', "an object"),
        (b'{"channels": {}}', "a list"),
        (b'{"channels": [7]}', "a list"),
        (json.dumps({"channels": [{**IDS, "mms": "yes"}]}).encode(), "true or false"),
        (json.dumps({"channels": [{**IDS, "staus": 1}]}).encode(), "no key staus"),
        (json.dumps({"channels": [{**IDS, "name": 1}]}).encode(), "must be a text"),
        (json.dumps({"channels": [{"workspaceId": WORKSPACE}]}).encode(), "channelId"),
        (json.dumps({"channels": [{**IDS, "channelId": "x"}]}).encode(), "not a UUID"),
        (json.dumps({"channels": [IDS, IDS]}).encode(), "twice"),
        (json.dumps({"channels": [{**IDS, "lookUps": []}]}).encode(), "statuses"),
        (json.dumps({"channels": [{**IDS, "lookUps": [True]}]}).encode(), "statuses"),
        (json.dumps({"channels": [{**IDS, "lookUps": [99]}]}).encode(), "statuses"),
        (json.dumps({"templates": [{"projectId": NOBODYS}]}).encode(), "workspaceId"),
    ],
)
def test_a_file_that_is_wrong_is_told(given: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_configured(given)
