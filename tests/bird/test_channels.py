"""Whatever Bird shows of a channel or a template is read, or said to be unreadable: never a crash."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bird.channels import ChannelSeen, instant, read_channel, read_items, shown, template_of
from runner.bird.replies import PageFault
from runner.delivery.preflight import Need, judged, mms_word
from runner.delivery.templates import TemplateNeed, judged_template
from runner.model import Channel

from .peer import CHANNEL

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = st.sampled_from(
    [
        "status",
        "platformId",
        "identifier",
        "capabilities",
        "messaging",
        "outgoing",
        "incoming",
        "inbound",
        "mms",
        "paused",
        "expiresAt",
        "id",
        "name",
    ]
)
TEMPLATE_KEYS = st.sampled_from(["id", "status", "localeStatuses", "defaultLocale", "en"])
TEXTS = st.text(max_size=5) | st.sampled_from(["active", "sms-messagebird", "text", "2025-01-01T00:00:00Z", "latest"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(fields=st.dictionaries(KEYS, JSON, max_size=5), mms=st.booleans(), media=st.booleans())
def test_every_channel_is_judged(fields: dict[str, Any], *, mms: bool, media: bool) -> None:
    seen = read_channel(json.dumps(fields).encode())
    channel = Channel(name="us", workspace_id=CHANNEL.workspace_id, channel_id=CHANNEL.channel_id, mms=mms)
    checks = judged(Need(channel=channel, count=1, has_media=media), seen, NOW)
    assert {check.status for check in checks} <= {"pass", "warn", "fail"}
    is_fit = not any(check.status == "fail" for check in checks)
    assert not is_fit or fields["status"] == "active"
    assert not (is_fit and (mms or media)) or mms_word(seen) == "active"


@given(items=st.lists(st.dictionaries(TEMPLATE_KEYS, JSON, max_size=5), max_size=3), version=TEXTS, locale=TEXTS)
def test_every_template_is_judged(items: list[dict[str, Any]], version: str, locale: str) -> None:
    page = read_items(json.dumps({"results": items}).encode())
    need = TemplateNeed(message="m", workspace_id="w", project_id="p", version=version, locale=locale)
    check = judged_template(need, [template_of(item) for item in page.items])
    assert check.status != "pass" or any(item["status"] == "active" for item in items)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'{"a":', b"[" * 200_000, b"\xff", b"1" * 5000])
def test_what_is_no_channel_says_so(body: bytes) -> None:
    with pytest.raises(PageFault):
        read_channel(body)


def test_what_is_shown_is_short() -> None:
    assert len(shown("x" * 10_000)) < 100
    assert shown(10**5000) == "something that can't be read"


@pytest.mark.parametrize("value", ["", "soon", 7, None, "2025-01-01T00:00:00Z" * 9, "0001-01-01T00:00:00+23:59"])
def test_what_is_no_time_is_none(value: Any) -> None:
    assert instant(value) is None


def test_a_time_without_a_zone_is_utc() -> None:
    assert instant("2026-03-01T00:00:00") == instant("2026-03-01T01:00:00+01:00") == NOW


def test_a_samples_channel_is_read() -> None:
    """Its values stand for any text, but the status."""
    sample = (Path(__file__).parent.parent / "bird_requests" / "channel.json").read_bytes()
    seen = read_channel(sample)
    assert isinstance(seen, ChannelSeen)
    text = Need(channel=CHANNEL, count=1, has_media=False)
    assert [check.status for check in judged(text, seen, NOW)] == ["pass", "warn", "warn"]
    media = Need(channel=CHANNEL, count=1, has_media=True)
    (failed,) = [check for check in judged(media, seen, NOW) if check.status == "fail"]
    assert 'capabilities.messaging.messaging.outgoing.mms.status is "text"' in failed.found
