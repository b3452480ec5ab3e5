"""GET: one message, lists in pages, channels, and how a message moves on."""

from collections import Counter
from typing import Any

import pytest

from runner.sandbox.channels import Channels, SandboxChannel
from runner.sandbox.limits import Limits
from runner.sandbox.messages import Delays
from runner.sandbox.server import Sandbox

from .asking import CHANNEL, NOBODYS, OTHER_CHANNEL, PATH, WORKSPACE, Asker, StoppedClock, asking, sms

WORKSPACE_MESSAGES = f"/workspaces/{WORKSPACE}/messages"
UNLIMITED = Limits(post_per_s=None, get_per_s=None)


async def statuses(asker: Asker, clock: StoppedClock, message_id: str, *, at: list[float]) -> list[str]:
    seen, start_s = [], clock.elapsed_s
    for moment in at:
        clock.elapsed_s = start_s + moment
        seen.append((await asker.get(f"{PATH}/{message_id}")).document["status"])
    return seen


async def test_a_message_moves_on_to_delivered_with_time() -> None:
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock)) as asker:
        accepted = (await asker.post(sms("r"))).document
        seen = await statuses(asker, clock, accepted["id"], at=[0, 0.19, 0.21, 0.41, 0.61, 9999])
        final = (await asker.get(f"{PATH}/{accepted['id']}")).document
    assert seen == ["accepted", "accepted", "processing", "sent", "delivered", "delivered"]
    assert final["lastStatusAt"] == final["updatedAt"] == "2025-11-22T00:00:00.600Z"
    changed = {"status", "lastStatusAt", "updatedAt"}
    assert {k: v for k, v in final.items() if k not in changed} == {
        k: v for k, v in accepted.items() if k not in changed
    }


async def test_the_delays_are_configurable() -> None:
    clock = StoppedClock()
    delays = Delays(processing_s=10, sent_s=20, delivered_s=30)
    async with asking(Sandbox(clock=clock, delays=delays)) as asker:
        accepted = (await asker.post(sms())).document
        seen = await statuses(asker, clock, accepted["id"], at=[9, 10, 20, 30])
    assert seen == ["accepted", "processing", "sent", "delivered"]


async def test_a_number_that_ends_in_0199_is_not_reached() -> None:
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock)) as asker:
        accepted = (await asker.post(sms(to="+14155550199"))).document
        seen = await statuses(asker, clock, accepted["id"], at=[0, 0.5, 1])
        final = (await asker.get(f"{PATH}/{accepted['id']}")).document
    assert seen == ["accepted", "sent", "delivery_failed"]
    assert "failure" not in accepted
    assert final["failure"]["code"] == 15005
    assert final["failure"]["source"] == {"code": "1", "name": "sms-messagebird"}
    assert final["details"] == "unknown_subscriber"


async def test_a_scheduled_message_waits_for_its_time() -> None:
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock)) as asker:
        accepted = (await asker.post(sms(scheduledFor="2025-11-22T02:00:00+01:00"))).document
        seen = await statuses(asker, clock, accepted["id"], at=[0, 3599, 3600.3, 3601])
    assert (accepted["status"], accepted["scheduledFor"]) == ("scheduled", "2025-11-22T02:00:00+01:00")
    assert seen == ["scheduled", "scheduled", "processing", "delivered"]


async def test_a_time_in_the_past_goes_out_at_once_and_one_beyond_35_days_is_refused() -> None:
    async with asking(Sandbox(clock=StoppedClock())) as asker:
        past = await asker.post(sms(scheduledFor="2025-11-21T00:00:00Z"))
        last = await asker.post(sms(scheduledFor="2025-12-27T00:00:00Z"))
        beyond = await asker.post(sms(scheduledFor="2025-12-27T00:00:01Z"))
    assert (past.document["status"], last.document["status"]) == ("accepted", "scheduled")
    assert (beyond.status, list(beyond.document["details"])) == (422, [".scheduledFor"])


async def test_a_message_is_found_only_where_it_was_sent() -> None:
    async with asking(Sandbox()) as asker:
        message_id = (await asker.post(sms())).document["id"]
        here = await asker.get(f"{PATH}/{message_id}")
        elsewhere = await asker.get(f"{PATH}/{message_id}".replace(CHANNEL, OTHER_CHANNEL))
        unknown = await asker.get(f"{PATH}/{NOBODYS}")
    assert (here.status, elsewhere.status, unknown.status) == (200, 404, 404)
    assert unknown.document["code"] == "ResourceNotFound"


async def test_pages_of_every_size_are_complete_and_disjoint() -> None:
    async with asking(Sandbox(limits=UNLIMITED)) as asker:
        for n in range(2500):
            path = PATH if n % 5 else PATH.replace(CHANNEL, OTHER_CHANNEL)
            assert (await asker.post(sms(f"r{n}"), path=path)).status == 202
        for limit in (3, 100, 499, 500, 999, 1000):
            for reverse in ("false", "true"):
                pages = await asker.all_pages(WORKSPACE_MESSAGES, limit=limit, reverse=reverse)
                seen = [message["reference"] for page in pages for message in page]
                expected = [f"r{n}" for n in range(2500)]
                assert seen == (expected if reverse == "true" else expected[::-1])
                assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
                assert pages[-1]
        of_channel = await asker.all_pages(PATH, limit=1000)
    assert [len(page) for page in of_channel] == [1000, 1000]


async def test_messages_that_arrive_between_two_pages_disturb_none() -> None:
    async with asking(Sandbox(limits=UNLIMITED)) as asker:
        for n in range(25):
            await asker.post(sms(f"old{n}"))
        seen: list[str] = []
        token: dict[str, str] = {}
        for n in range(3):
            page = (await asker.get(PATH, **token)).document
            seen += [message["reference"] for message in page["results"]]
            token = {"pageToken": page.get("nextPageToken", "")}
            await asker.post(sms(f"new{n}"))
    assert seen == [f"old{n}" for n in reversed(range(25))]
    assert token == {"pageToken": ""}


async def test_a_list_shows_ten_by_default_and_an_empty_one_is_empty() -> None:
    async with asking(Sandbox(limits=UNLIMITED)) as asker:
        empty = (await asker.get(PATH)).document
        for n in range(11):
            await asker.post(sms(f"r{n}"))
        page = (await asker.get(PATH)).document
    assert empty == {"results": []}
    assert len(page["results"]) == 10


async def test_lists_are_filtered_by_time_status_and_direction() -> None:
    clock = StoppedClock()
    async with asking(Sandbox(clock=clock, limits=UNLIMITED)) as asker:
        for n in range(4):
            await asker.post(sms(f"r{n}"))
            clock.elapsed_s += 60

        async def references(**query: str) -> list[str]:
            results = (await asker.get(WORKSPACE_MESSAGES, **query)).document["results"]
            return [message["reference"] for message in results]

        await asker.post(sms("fresh"))
        span = {"startAt": "2025-11-22T00:01:00Z", "endAt": "2025-11-22T01:02:00+01:00"}
        assert await references(**span) == ["r2", "r1"]
        assert await references(status="delivered", reverse="true") == ["r0", "r1", "r2", "r3"]
        assert await references(status="accepted") == ["fresh"]
        assert await references(direction="outgoing") == ["fresh", "r3", "r2", "r1", "r0"]
        assert await references(direction="incoming") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "ten"),
        ("reverse", "1"),
        ("direction", "up"),
        ("status", "lost"),
        ("startAt", "2025-11-22"),
        ("endAt", "2025-11-22T00:00:00"),
        ("pageToken", "made-up"),
        ("pageToken", "é"),
    ],
)
async def test_a_malformed_query_is_a_validation_error(name: str, value: str) -> None:
    async with asking(Sandbox()) as asker:
        answer = await asker.get(PATH, **{name: value})
    assert (answer.status, list(answer.document["details"])) == (422, [f".{name}"])


async def test_a_token_leads_on_in_its_own_list_only() -> None:
    async with asking(Sandbox(limits=UNLIMITED)) as asker:
        for _ in range(3):
            await asker.post(sms())
        token = (await asker.get(PATH, limit=1)).document["nextPageToken"]
        same = await asker.get(PATH, limit=2, pageToken=token)
        reverse = await asker.get(PATH, pageToken=token, reverse="true")
        other = await asker.get(WORKSPACE_MESSAGES, pageToken=token)
    assert (same.status, reverse.status, other.status) == (200, 422, 422)
    assert len(same.document["results"]) == 2


EVERY_GET = [
    "/workspaces/{workspace}/channels",
    "/workspaces/{workspace}/messages",
    "/workspaces/{workspace}/channels/{channel}",
    "/workspaces/{workspace}/channels/{channel}/messages",
    "/workspaces/{workspace}/channels/{channel}/messages/" + NOBODYS,
]


@pytest.mark.parametrize("path", EVERY_GET)
async def test_every_get_needs_a_key_a_known_place_and_patience(path: str) -> None:
    sandbox = Sandbox(channels=configured(), limits=Limits(get_per_s=0))
    here = path.format(workspace=WORKSPACE, channel=CHANNEL)
    nowhere = path.format(workspace=NOBODYS, channel=CHANNEL)
    async with asking(sandbox) as asker:
        answers = [await asker.get_as({}, here), await asker.get(here)]
    async with asking(Sandbox(channels=configured())) as asker:
        answers.append(await asker.get(nowhere))
    assert [answer.status for answer in answers] == [401, 429, 404]
    assert all(answer.document.keys() == {"code", "message"} for answer in answers)


def configured(**fields: Any) -> Channels:
    return Channels.of([SandboxChannel(workspace_id=WORKSPACE, channel_id=CHANNEL, **fields)])


@pytest.mark.parametrize(("mms", "status"), [(True, "active"), (False, "inactive")])
async def test_a_channel_shows_its_mms_capability_below_the_doubled_level(mms: bool, status: str) -> None:
    async with asking(Sandbox(channels=configured(mms=mms, name="us", identifier="+12025550123"))) as asker:
        answer = await asker.get(f"/workspaces/{WORKSPACE}/channels/{CHANNEL}")
    messaging = answer.document["capabilities"]["messaging"]["messaging"]
    assert answer.status == 200
    assert messaging["outgoing"]["mms"]["status"] == messaging["incoming"]["mms"]["status"] == status
    assert messaging["outgoing"]["mms"]["paused"] is False
    shown = {key: answer.document[key] for key in ("id", "platformId", "name", "identifier", "status")}
    assert shown == {
        "id": CHANNEL,
        "platformId": "sms-messagebird",
        "name": "us",
        "identifier": "+12025550123",
        "status": "active",
    }


async def test_a_channels_status_and_platform_id_are_what_was_configured() -> None:
    async with asking(Sandbox(channels=configured(status="paused", platform_id="sms-other"))) as asker:
        answer = await asker.get(f"/workspaces/{WORKSPACE}/channels/{CHANNEL}")
    assert (answer.document["status"], answer.document["platformId"]) == ("paused", "sms-other")


async def test_channels_are_listed_in_pages() -> None:
    ids = [f"00000000-0000-4000-8000-{n:012}" for n in range(23)]
    known = Channels.of([SandboxChannel(workspace_id=WORKSPACE, channel_id=channel_id) for channel_id in ids])
    async with asking(Sandbox(channels=known)) as asker:
        pages = await asker.all_pages(f"/workspaces/{WORKSPACE}/channels")
        backwards = await asker.all_pages(f"/workspaces/{WORKSPACE}/channels", reverse="true", limit=23)
        wrong = await asker.get(f"/workspaces/{WORKSPACE}/channels", limit=1001)
        nobodys = await asker.get(f"/workspaces/{NOBODYS}/channels")
    assert [[channel["id"] for channel in page] for page in pages] == [ids[:10], ids[10:20], ids[20:]]
    assert [[channel["id"] for channel in page] for page in backwards] == [ids[::-1]]
    assert (wrong.status, nobodys.status) == (422, 404)


@pytest.mark.parametrize("mms", [True, False])
async def test_channels_of_an_open_sandbox_all_have_mms_or_none(mms: bool) -> None:
    async with asking(Sandbox(channels=Channels.open(mms=mms))) as asker:
        answer = await asker.get(f"/workspaces/{WORKSPACE}/channels/{CHANNEL}")
    outgoing = answer.document["capabilities"]["messaging"]["messaging"]["outgoing"]
    assert outgoing["mms"]["status"] == ("active" if mms else "inactive")


async def test_an_open_sandbox_lists_the_channels_that_were_asked_for() -> None:
    async with asking(Sandbox()) as asker:
        before = await asker.get(f"/workspaces/{WORKSPACE}/channels")
        await asker.post(sms())
        after = await asker.get(f"/workspaces/{WORKSPACE}/channels")
        malformed = await asker.get("/workspaces/nope/channels")
    assert before.document == {"results": []}
    assert [channel["id"] for channel in after.document["results"]] == [CHANNEL]
    assert malformed.status == 404


def test_a_channel_must_have_uuids_and_stand_once() -> None:
    channel = SandboxChannel(workspace_id=WORKSPACE, channel_id=CHANNEL)
    with pytest.raises(ValueError, match=r"channelId 'nope' .* is not a UUID"):
        Channels.of([SandboxChannel(workspace_id=WORKSPACE, channel_id="nope")])
    with pytest.raises(ValueError, match="configured twice"):
        Channels.of([channel, channel])


async def test_ids_are_unique() -> None:
    async with asking(Sandbox()) as asker:
        ids = Counter([(await asker.post(sms())).document["id"] for _ in range(50)])
    assert len(ids) == 50
