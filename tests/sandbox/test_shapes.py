"""The replies beside the samples of Bird's documentation: no key that Bird doesn't have, none of another type."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.server import Sandbox

from .asking import CHANNEL, WORKSPACE, asking, sms

SAMPLES = Path(__file__).parent.parent / "bird_requests"
BODIES = sorted(file.name for pattern in ("image-*", "file-*", "text.json") for file in SAMPLES.glob(pattern))
OUR_CHOICE = {".receiver.contacts", ".batchId"}  # a send's receiver; batchId is in live replies, not in the sample


def differences(ours: Any, sample: Any, path: str = "") -> Iterator[str]:
    if isinstance(ours, dict):
        for key, value in ours.items():
            if key not in sample:
                yield f"{path}.{key}"
            elif value is not None:
                yield from differences(value, sample[key], f"{path}.{key}")
    elif isinstance(ours, list):
        for item in ours:
            yield from differences(item, sample[0], f"{path}[]")
    elif type(ours) is not type(sample):
        yield f"{path} is {ours!r}, the sample has {sample!r}"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


async def test_the_202_has_the_shape_of_birds_sample() -> None:
    full = sample("full-request.json")
    wanted = ("reference", "body", "tags", "sender", "replyTo")
    request = sms(**{name: full[name] for name in wanted}, meta={"campaign": full["meta"]["campaign"]})
    async with asking(Sandbox()) as asker:
        answer = await asker.post(request)
    assert answer.status == 202
    assert set(differences(answer.document, sample("message-accepted.json"))) == OUR_CHOICE
    required = {"id", "channelId", "sender", "receiver", "status", "lastStatusAt", "createdAt", "updatedAt", "body"}
    assert required <= answer.document.keys()


async def test_the_channel_has_the_shape_of_birds_sample() -> None:
    async with asking(Sandbox()) as asker:
        answer = await asker.get(f"/workspaces/{WORKSPACE}/channels/{CHANNEL}")
    assert list(differences(answer.document, sample("channel.json"))) == []


@pytest.mark.parametrize("name", BODIES)
async def test_birds_own_bodies_are_accepted(name: str) -> None:
    body = sample(name)
    async with asking(Sandbox()) as asker:
        answer = await asker.post(sms(body=body))
    assert (answer.status, answer.document["body"]) == (202, body)


@pytest.mark.parametrize("name", ["receiver-with-key", "receiver-value-only"])
async def test_birds_own_receivers_are_accepted(name: str) -> None:
    receiver = sample(f"{name}.json")
    async with asking(Sandbox()) as asker:
        answer = await asker.post(sms(receiver=receiver))
    contact = answer.document["receiver"]["contacts"][0]
    assert (answer.status, contact["identifierKey"]) == (202, "phonenumber")
    assert contact["identifierValue"] == contact["platformAddress"] == receiver["contacts"][0]["identifierValue"]


async def test_birds_own_template_is_accepted() -> None:
    request = {"receiver": sms()["receiver"], "template": sample("template.json")}
    async with asking(Sandbox()) as asker:
        assert (await asker.post(request)).status == 202


async def test_birds_full_sample_is_refused_as_it_has_both_body_and_template() -> None:
    async with asking(Sandbox()) as asker:
        assert (await asker.post(sample("full-request.json"))).status == 422
