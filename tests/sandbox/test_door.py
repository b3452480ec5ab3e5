"""The door: the access key, and the pace of a workspace."""

import json

import pytest

from runner.sandbox.limits import Limits
from runner.sandbox.server import Sandbox

from .asking import NOBODYS, PATH, WORKSPACE, StoppedClock, asking, sms


@pytest.mark.parametrize("authorization", [None, "AccessKey", "AccessKey ", "Bearer abc", "accesskey"])
async def test_without_an_access_key_nobody_is_served(authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with asking(Sandbox()) as asker:
        posted = await asker.post(sms(), headers=headers)
        got = await asker.get_as(headers, PATH)
    assert (posted.status, got.status) == (401, 401)
    assert posted.document.keys() == {"code", "message"}


async def test_a_configured_key_is_demanded() -> None:
    async with asking(Sandbox(access_key="the-one")) as asker:
        wrong = await asker.post(sms())
        right = await asker.post(sms(), headers={"Authorization": "AccessKey the-one"})
    assert (wrong.status, right.status) == (401, 202)
    assert "any-will-do" not in json.dumps(wrong.document)


async def test_the_pace_is_kept_per_workspace_and_second() -> None:
    clock = StoppedClock()
    sandbox = Sandbox(clock=clock, limits=Limits(post_per_s=3))
    elsewhere = PATH.replace(WORKSPACE, NOBODYS)
    async with asking(sandbox) as asker:
        first = [(await asker.post(sms())).status for _ in range(5)]
        other_workspace = (await asker.post(sms(), path=elsewhere)).status
        clock.elapsed_s += 0.9
        still = (await asker.post(sms())).status
        clock.elapsed_s += 0.1
        later = [(await asker.post(sms())).status for _ in range(4)]
    assert first == [202, 202, 202, 429, 429]
    assert (other_workspace, still) == (202, 429)
    assert later == [202, 202, 202, 429]
    assert [arrival.decision for arrival in sandbox.record.arrivals].count("throttled") == 4


async def test_birds_own_limits_are_the_default() -> None:
    async with asking(Sandbox(clock=StoppedClock())) as asker:
        posted = [(await asker.post(sms())).status for _ in range(501)]
        got = [(await asker.get(f"{PATH}/{NOBODYS}")).status for _ in range(51)]
    assert (posted.count(202), posted[-1]) == (500, 429)
    assert (got.count(404), got[-1]) == (50, 429)


@pytest.mark.parametrize("retry_after", [None, "2", "-5", "soon"])
async def test_retry_after_is_sent_as_it_was_configured(retry_after: str | None) -> None:
    async with asking(Sandbox(limits=Limits(post_per_s=0, retry_after=retry_after))) as asker:
        answer = await asker.post(sms())
    assert (answer.status, answer.document["code"]) == (429, "TooManyRequests")
    assert answer.headers.get("Retry-After") == retry_after
