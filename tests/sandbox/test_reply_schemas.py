"""Replies held against the schemas of Bird's replies: Bird's own samples, and all that the sandbox answers."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from runner.judge import judge, schema_names, schema_text
from runner.sandbox.channels import Channels, SandboxChannel
from runner.sandbox.faults import KINDS, Moment, parse_fault
from runner.sandbox.limits import Limits
from runner.sandbox.server import Sandbox
from tests import mutants

from .asking import CHANNEL, KEY, NOBODYS, PATH, WORKSPACE, StoppedClock, asking, sms

REPLIES = [name for name in schema_names() if name.startswith("reply-")]
WORKSPACE_PATH = f"/workspaces/{WORKSPACE}"
CHANNEL_PATH = f"{WORKSPACE_PATH}/channels/{CHANNEL}"
MESSAGE = {
    "id": "1", "channelId": "2", "sender": {"connector": {"id": "3"}}, "receiver": {"contacts": [{}]},
    "status": "sent", "lastStatusAt": "2026-03-28T19:11:00Z", "createdAt": "2026-03-28T19:11:00Z",
    "updatedAt": "2026-03-28T19:11:00Z", "body": {"type": "text"},
}  # fmt: skip
CLICKED = {"id": "1", "messageId": "2", "type": "clicked"}
LEAST: Mapping[str, Any] = {
    "reply-message": MESSAGE,
    "reply-messages": {"results": [MESSAGE]},
    "reply-batch": {"id": "1", "messages": [{"id": "2"}]},
    "reply-channel": {"id": "1", "status": "active"},
    "reply-channels": {"results": [{"id": "1", "status": "active"}], "nextPageToken": "x"},
    "reply-interactions": {"results": [CLICKED]},
    "reply-templates": {"results": [{"id": "1", "projectId": "2", "status": "active"}]},
    "reply-error": {"code": "InvalidPayload", "message": "no", "details": {".receiver.contacts[0]": ["unsupported"]}},
}
SCHEMA_OF = {  # what each place answers when all is well
    ("POST", "/workspaces/{workspace}/channels/{channel}/messages"): "reply-message",
    ("POST", "/workspaces/{workspace}/channels/{channel}/batch/messages"): "reply-batch",
    ("GET", "/workspaces/{workspace}/channels/{channel}/messages/{message}"): "reply-message",
    ("GET", "/workspaces/{workspace}/channels/{channel}/messages"): "reply-messages",
    ("GET", "/workspaces/{workspace}/messages"): "reply-messages",
    ("GET", "/workspaces/{workspace}/channels/{channel}"): "reply-channel",
    ("GET", "/workspaces/{workspace}/channels"): "reply-channels",
    ("GET", "/workspaces/{workspace}/projects/{project}/channel-templates"): "reply-templates",
}


def fits(name: str, document: Any) -> None:
    errors = judge(name).errors(document)
    assert [f"{error.path}: {error.message}" for error in errors] == []


@pytest.mark.parametrize(
    ("schema", "sample"), [("reply-message", "message-accepted.json"), ("reply-channel", "channel.json")]
)
def test_birds_own_sample_fits(schema: str, sample: str) -> None:
    fits(schema, mutants.sample(sample))


@pytest.mark.parametrize("name", REPLIES)
def test_the_least_that_bird_can_say_fits_and_nothing_less(name: str) -> None:
    least = LEAST[name]
    fits(name, least)
    for key in judge_required(name):
        assert judge(name).errors({other: value for other, value in least.items() if other != key}), key


def judge_required(name: str) -> list[str]:
    required: list[str] = json.loads(schema_text(name))["required"]
    return required


@pytest.mark.parametrize("name", REPLIES)
def test_keys_that_nobody_knows_pass_everywhere(name: str) -> None:
    """Bird adds keys when it likes; but for the places of an error, whose words are a list."""
    for path, value in mutants.nodes(LEAST[name]):
        if isinstance(value, dict) and path != ("details",):
            more = copy.deepcopy(LEAST[name])
            (_at(more, path))["brandNew"] = {"a": [1, None]}
            fits(name, more)


def test_a_status_that_nobody_knows_passes() -> None:
    fits("reply-message", {**MESSAGE, "status": "pondered"})


def test_no_schema_of_a_reply_closes_an_object() -> None:
    for name in REPLIES:
        for path, value in mutants.nodes(json.loads(schema_text(name))):
            assert not (path[-1:] == ("additionalProperties",) and value is False), (name, path)


@pytest.mark.parametrize("one", ["message", "channel"])
def test_a_list_holds_just_what_is_got_one_by_one(one: str) -> None:
    alone, page = (json.loads(schema_text(f"reply-{each}")) for each in (one, f"{one}s"))
    item = dict(page["$defs"].pop(one))
    item.pop("description")
    assert item == {key: alone[key] for key in item}
    assert page["$defs"] == alone["$defs"]


def _at(root: Any, path: mutants.Steps) -> Any:
    for step in path:
        root = root[step]
    return root


def test_every_place_of_the_sandbox_is_asked() -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in Sandbox()._app().router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    api = {route for route in routes if not route[1].startswith("/_sandbox") and route[1] != "/"}  # less the inbox
    assert api == set(SCHEMA_OF)


async def test_what_the_sandbox_accepts_and_lists_fits() -> None:
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock)) as asker:
        ids = []
        for number, request in enumerate(mutants.requests()):
            answer = await asker.post({**request, "reference": f"r{number}", "scheduledFor": "2025-11-22T00:30:00Z"})
            assert answer.status == 202, (request, answer.document)
            fits("reply-message", answer.document)
            ids.append(answer.document["id"])
        failing = await asker.post(sms(to="+14155550199"))
        for passed_s in (0, 1801, 1):
            clock.elapsed_s += passed_s
            for each in (*ids[:3], failing.document["id"]):
                fits("reply-message", (await asker.get(f"{PATH}/{each}")).document)
        for place in (PATH, f"{WORKSPACE_PATH}/messages"):
            queries: tuple[dict[str, Any], ...] = (
                {"limit": 10},
                {"limit": 10, "reverse": "true"},
                {"status": "delivered"},
            )
            for query in queries:
                token: dict[str, str] | None = {}
                while token is not None:
                    page = (await asker.get(place, **query, **token)).document
                    fits("reply-messages", page)
                    token = {"pageToken": page["nextPageToken"]} if "nextPageToken" in page else None
        await asker.get(f"{WORKSPACE_PATH}/channels/{NOBODYS}")
        fits("reply-channel", (await asker.get(CHANNEL_PATH)).document)
        fits("reply-channels", (await asker.get(f"{WORKSPACE_PATH}/channels", limit=1)).document)


@pytest.mark.parametrize("platform", ["sms", "email"])
async def test_channels_that_were_configured_fit(platform: str) -> None:
    known = SandboxChannel(workspace_id=WORKSPACE, channel_id=CHANNEL, platform=platform, mms=platform == "sms")
    async with asking(Sandbox(channels=Channels.of([known]))) as asker:
        fits("reply-channel", (await asker.get(CHANNEL_PATH)).document)


async def test_templates_that_were_configured_fit() -> None:
    shown = [{"id": str(number), "projectId": NOBODYS, "status": "active"} for number in range(3)]
    async with asking(Sandbox(templates={(WORKSPACE, NOBODYS): shown})) as asker:
        place = f"{WORKSPACE_PATH}/projects/{NOBODYS}/channel-templates"
        first = (await asker.get(place, limit=2)).document
        rest = (await asker.get(place, limit=2, pageToken=first["nextPageToken"])).document
    for page in (first, rest):
        fits("reply-templates", page)
    assert [*first["results"], *rest["results"]] == shown


REPLYING = [
    kind
    for kind, what in KINDS.items()
    if (what.moment is Moment.BEFORE and kind.isdigit())
    or kind in ("202-rejected", "202-busy", "unlisted", "500-after")
]


@pytest.mark.parametrize("kind", REPLYING)
async def test_a_fault_that_replies_fits(kind: str) -> None:
    async with asking(Sandbox(faults=[parse_fault(kind)])) as asker:
        answer = await asker.post(sms())
    fits("reply-message" if answer.status == 202 else "reply-error", answer.document)


async def test_every_refusal_fits() -> None:
    sandbox = Sandbox(access_key="right", limits=Limits(post_per_s=2), clock=StoppedClock())
    right = {"Authorization": "AccessKey right"}
    seen: set[int] = set()
    async with asking(sandbox) as asker:

        async def refused(status: int, document: Any) -> None:
            seen.add(status)
            fits("reply-error", document)

        for path in (
            PATH,
            CHANNEL_PATH,
            f"{PATH}/{NOBODYS}",
            f"{WORKSPACE_PATH}/messages",
            f"{WORKSPACE_PATH}/channels",
        ):
            answer = await asker.get_as(KEY, path)
            await refused(answer.status, answer.document)
        asked: tuple[tuple[str, dict[str, str]], ...] = (
            (f"{PATH}/{NOBODYS}", {}),
            ("/workspaces/nothing/channels", {}),
            (PATH, {"limit": "0"}),
            (f"{WORKSPACE_PATH}/channels", {"limit": "many"}),
            ("/nowhere", {}),
        )
        for path, query in asked:
            answer = await asker.get_as(right, path, **query)
            await refused(answer.status, answer.document)
        wrong: tuple[Any, ...] = ({}, sms(idempotencyKey="x"), [], sms(tags=["!"]))
        for request in wrong:
            answer = await asker.post(request, headers=right)
            await refused(answer.status, answer.document)
        async with asker.session.delete(asker.url + PATH, headers=right) as reply:
            await refused(reply.status, await reply.json())
    assert seen >= {401, 404, 405, 422, 429}
