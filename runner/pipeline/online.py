"""Channels and templates looked up at Bird, and what it means where they could not be."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from runner.bird.channels import ChannelSeen, TemplateSeen
from runner.bird.client import BirdClient
from runner.bird.requests import AccessKey
from runner.delivery.getting import Fault
from runner.delivery.lookups import LookUps
from runner.delivery.outcomes import REFUSED_OVER
from runner.delivery.ports import Clock
from runner.delivery.preflight import Need, judged, refusal
from runner.delivery.templates import TemplateNeed, judged_template
from runner.errors import Exit
from runner.model import Check

from .wanted import Looked, Wanted

_MAY_VIEW = "let the key view /workspaces/*/channels/* (an access policy in Bird)"


async def look_up(wanted: Wanted, api: str, key: AccessKey, *, clock: Clock, rng: Random) -> Looked:
    """Each channel and each project once."""
    async with BirdClient(api, key, concurrency=1) as client:
        look_ups = LookUps(client, clock=clock, rng=rng)
        channels = await _channels(wanted.channels, look_ups, key, clock)
        looked = Looked(checks=tuple(channels))
        if looked.exit_code in (Exit.DONE, Exit.REFUSED):
            looked = Looked(checks=(*channels, *await _templates(wanted.templates, look_ups)))
        else:
            looked = Looked(checks=(*channels, *map(_left, wanted.templates)))
        return replace(looked, ahead_s=look_ups.ahead_s, statuses=frozenset(look_ups.statuses))


async def list_channels(
    workspace_id: str, api: str, key: AccessKey, *, clock: Clock, rng: Random
) -> list[ChannelSeen] | Fault:
    async with BirdClient(api, key, concurrency=1) as client:
        return await LookUps(client, clock=clock, rng=rng).channels(workspace_id)


async def _channels(needs: Sequence[Need], look_ups: LookUps, key: AccessKey, clock: Clock) -> list[Check]:
    checks: list[Check] = []
    seen: dict[tuple[str, str], ChannelSeen | Fault] = {}
    for number, need in enumerate(needs, 1):
        ids = (need.channel.workspace_id, need.channel.channel_id)
        if ids not in seen:
            seen[ids] = await look_ups.channel(need.channel)
        found = seen[ids]
        if isinstance(found, ChannelSeen):
            checks += judged(need, found, datetime.fromtimestamp(clock.wall_s(), UTC))
            continue
        checks.append(_unseen(need, found, key))
        if found.ends_all and found.status != 403:
            return [*checks, *map(_left, needs[number:])]
    return checks


def _left(need: Need | TemplateNeed) -> Check:
    return Check(status="unknown", name=need.name, found="not looked up, as the look-up had ended")


def _unseen(need: Need, fault: Fault, key: AccessKey) -> Check:
    """What it means that a channel could not be looked up."""
    if fault.status == 403:
        return _not_allowed(need, fault)
    if fault.status is None:
        found = f"it could not be looked up: {fault.words}"
        return Check(status="fail", name=need.name, found=found, exit_code=Exit.STOPPED)
    found = f"Bird refuses {REFUSED_OVER[fault.status].format(channel=need.channel.name)} ({fault.words})"
    if fault.status == 404:
        return refusal(need, found, "look at workspaceId and channelId", Exit.BIRD_REFUSED)
    return Check(
        status="fail",
        name=need.name,
        found=found,
        advice=key_advice(key) if fault.status == 401 else "",
        exit_code=Exit.BIRD_REFUSED,
    )


def key_advice(key: AccessKey) -> str:
    if key.other_product:
        return f"it is {key.other_product}; the Channels API takes an access key made in Bird's own settings"
    return "look at the key: it may be another workspace's, or gone"


def _not_allowed(need: Need, fault: Fault) -> Check:
    """A key that may send but not look: nothing is known of the channel."""
    found = f"this key may not look it up ({fault.words}), so nothing of it was checked"
    if need.has_media and need.count:
        advice = f"{_MAY_VIEW}, or send all the same with --skip-channel-check"
        return Check(
            status="fail",
            name=need.name,
            found=f"{found}, and a message has media",
            advice=advice,
            exit_code=Exit.REFUSED,
        )
    return Check(status="warn", name=need.name, found=found, advice=_MAY_VIEW)


async def _templates(needs: Sequence[TemplateNeed], look_ups: LookUps) -> list[Check]:
    checks: list[Check] = []
    seen: dict[tuple[str, str], list[TemplateSeen] | Fault] = {}
    for need in needs:
        if need.project_id is None:
            checks.append(Check(status="unknown", name=need.name, found="it can't be looked up without one"))
            continue
        ids = (need.workspace_id, need.project_id)
        if ids not in seen:
            seen[ids] = await look_ups.templates(*ids)
        found = seen[ids]
        checks.append(_no_templates(need, found) if isinstance(found, Fault) else judged_template(need, found))
    return checks


def _no_templates(need: TemplateNeed, fault: Fault) -> Check:
    if fault.status == 404:
        advice = "look at projectId and the channel's workspaceId"
        found = f"Bird knows no such project ({fault.words})"
        return Check(status="fail", name=need.name, found=found, advice=advice, exit_code=Exit.REFUSED)
    return Check(status="unknown", name=need.name, found=f"it could not be looked up: {fault.words}")
