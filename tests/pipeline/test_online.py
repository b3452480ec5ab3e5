"""What a look at Bird lets through: every combination of a channel's state and a run's needs, by a real server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from runner.bird.requests import AccessKey
from runner.delivery.preflight import Need
from runner.delivery.templates import TemplateNeed
from runner.errors import Exit
from runner.model import Channel, Check, Draft, Message
from runner.pipeline.online import list_channels, look_up
from runner.pipeline.wanted import MOST_TEMPLATES, Looked, Templates, Wanted, channel_needs
from runner.sandbox.channels import Channels, SandboxChannel
from runner.sandbox.limits import Limits
from runner.sandbox.server import Sandbox
from tests.conftest import CHANNEL, KEY, WORKSPACE
from tests.delivery.clock import VirtualClock

PROJECT = "ce6a2fd6-b2fa-4f5a-a2cd-f3bd15883318"
VERSION = "8d1f7a52-3c0b-4f1e-9a77-6b2d40c9e813"
OTHER = "0b1f7f0e-54cb-4a4d-9c0e-7a2e6f1d3c33"
PAST, COMING = "2026-02-28T23:59:59Z", "2026-03-02T00:00:00Z"  # the clock stands at 2026-03-01


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run wants of the channel `sms-us`."""

    mms: bool = False
    has_media: bool = False
    platform: str = "sms"
    count: int = 3

    @property
    def need(self) -> Need:
        channel = Channel(
            name="sms-us", workspace_id=WORKSPACE, channel_id=CHANNEL, mms=self.mms, platform=self.platform
        )
        return Need(channel=channel, count=self.count, has_media=self.has_media)


TEXT = Run()
DECLARED = Run(mms=True)
MEDIA = Run(has_media=True)
PICTURES = (DECLARED, MEDIA, Run(mms=True, has_media=True))


def in_messaging(shape: str, changes: Any) -> dict[str, Any]:
    """`changes` at the level of Bird's messaging capabilities."""
    inner = {"messaging": changes} if shape == "doubled" else changes
    return {"capabilities": {"messaging": inner}}


def known(shape: str = "doubled", **more: Any) -> SandboxChannel:
    return SandboxChannel(
        workspace_id=WORKSPACE, channel_id=CHANNEL, **{"mms": True, "is_doubled": shape == "doubled", **more}
    )


async def looked(channel: SandboxChannel, run: Run, *, key: str = KEY) -> Looked:
    sandbox = Sandbox(channels=Channels.of([channel]), limits=Limits(get_per_s=None), access_key=KEY)
    async with sandbox:
        wanted = Wanted(channels=[run.need])
        found = await look_up(wanted, sandbox.url, AccessKey(key), clock=VirtualClock(), rng=Random(1))
        assert sandbox.record.summary()["posts"] == 0
        return found


def told(found: Looked, status: str) -> list[str]:
    return [check.words for check in found.checks if check.status == status]


SHAPES = ("doubled", "single")
BOTH = pytest.mark.parametrize("shape", SHAPES)


@BOTH
@pytest.mark.parametrize("run", [TEXT, *PICTURES])
async def test_a_fit_channel_passes_without_a_word_in_both_shapes(shape: str, run: Run) -> None:
    found = await looked(known(shape), run)
    assert told(found, "pass") == ["channel sms-us: active, sms-messagebird, +12025550100, MMS active"]
    assert (len(found.checks), found.exit_code) == (1, Exit.DONE)


@pytest.mark.parametrize(
    ("shows", "words"),
    [
        ({"status": "suspended"}, 'status is "suspended"'),
        ({"status": None}, "status is missing"),
        ({"status": 1}, "status is 1"),
        ({"status": "ACTIVE"}, 'status is "ACTIVE"'),
        ({"status": ["active"]}, 'status is ["active"]'),
        ({"status": ""}, 'status is ""'),
        ({"platformId": "whatsapp-cloud"}, 'platformId is "whatsapp-cloud"'),
        ({"platformId": None}, "platformId is missing"),
        ({"platformId": 7}, "platformId is 7"),
    ],
)
@pytest.mark.parametrize("run", [TEXT, DECLARED])
async def test_a_channel_that_is_not_active_or_of_another_platform_is_refused(
    shows: dict[str, Any], words: str, run: Run
) -> None:
    found = await looked(known(shows=shows), run)
    assert found.exit_code is Exit.REFUSED
    (failed,) = told(found, "fail")
    assert failed.startswith(f"channel sms-us: {words}")
    assert told(found, "pass") == []


@pytest.mark.parametrize(
    ("platform", "platform_id", "fits"),
    [
        ("sms", "sms-messagebird", True),
        ("sms", "SMS", True),
        ("sms", "rcs-sms", False),
        ("email", "email-messagebird", True),
        ("email", "sms-messagebird", False),
    ],
)
async def test_a_platform_fits_by_its_beginning(platform: str, platform_id: str, *, fits: bool) -> None:
    found = await looked(known(platform_id=platform_id), Run(platform=platform))
    assert found.exit_code is (Exit.DONE if fits else Exit.REFUSED)


@pytest.mark.parametrize("platform", ["sms", "email"])
async def test_the_value_of_birds_own_sample_speaks_against_no_platform(platform: str) -> None:
    found = await looked(known(platform_id="text"), Run(platform=platform))
    assert [check.status for check in found.checks] == ["pass"]


@BOTH
@pytest.mark.parametrize(
    ("mms", "words"),
    [
        ({"status": "inactive"}, 'outgoing.mms.status is "inactive"'),
        ({"status": None}, "outgoing.mms.status is missing"),
        ({"status": True}, "outgoing.mms.status is true"),
        ({"paused": True}, "outgoing.mms.paused is true"),
        ({"paused": "no"}, 'outgoing.mms.paused is "no"'),
        (None, "outgoing.mms is missing"),
        (7, "outgoing.mms is missing"),
    ],
)
@pytest.mark.parametrize("run", PICTURES)
async def test_pictures_need_outgoing_mms_and_a_text_does_not(shape: str, mms: Any, words: str, run: Run) -> None:
    channel = known(shape, shows=in_messaging(shape, {"outgoing": {"mms": mms}}))
    found = await looked(channel, run)
    assert found.exit_code is Exit.REFUSED
    (failed,) = told(found, "fail")
    level = "capabilities.messaging.messaging." if shape == "doubled" and "outgoing.mms is" not in words else ""
    assert f"{level}{words}" in failed
    assert "channel sms-us" in failed
    assert (await looked(channel, TEXT)).exit_code is Exit.DONE


async def test_media_on_another_platform_need_no_mms() -> None:
    channel = known(mms=False, platform="email")
    assert (await looked(channel, Run(has_media=True, platform="email"))).exit_code is Exit.DONE


@BOTH
@pytest.mark.parametrize("incoming", [None, {"status": "inactive"}, {"status": None}, {"paused": True}, 5])
async def test_incoming_mms_that_is_missing_or_not_active_is_a_warning(shape: str, incoming: Any) -> None:
    way = "incoming" if shape == "doubled" else "inbound"
    channel = known(shape, shows=in_messaging(shape, {way: {"mms": incoming}}))
    for run in PICTURES:
        found = await looked(channel, run)
        assert (found.exit_code, len(told(found, "warn"))) == (Exit.DONE, 1)
        assert "can't receive MMS" in told(found, "warn")[0]
    assert told(await looked(channel, TEXT), "warn") == []


@BOTH
@pytest.mark.parametrize("where", [(), ("outgoing",), ("outgoing", "mms")])
@pytest.mark.parametrize(("at", "count"), [(PAST, 1), (COMING, 0), ("soon", 1), (7, 1), ("9999-99-99", 1)])
async def test_an_expiry_that_is_past_is_a_warning(shape: str, where: Sequence[str], at: Any, count: int) -> None:
    changes: dict[str, Any] = {"expiresAt": at}
    for way in reversed(where):
        changes = {way: changes}
    found = await looked(known(shape, shows=in_messaging(shape, changes)), MEDIA)
    assert (found.exit_code, len(told(found, "warn"))) == (Exit.DONE, count)


async def test_the_doubled_level_comes_first() -> None:
    """Where both are there, and disagree."""
    outer = {"outgoing": {"mms": {"status": "inactive"}}}
    assert (await looked(known(shows={"capabilities": {"messaging": outer}}), MEDIA)).exit_code is Exit.DONE
    inner = {"capabilities": {"messaging": {"messaging": None, "outgoing": {"mms": {"status": "active"}}}}}
    assert (await looked(known(shows=inner), MEDIA)).exit_code is Exit.DONE


@pytest.mark.parametrize(
    ("status", "run", "exit_code", "said"),
    [
        (401, TEXT, Exit.BIRD_REFUSED, "fail"),
        (402, TEXT, Exit.BIRD_REFUSED, "fail"),
        (404, TEXT, Exit.BIRD_REFUSED, "fail"),
        (403, TEXT, Exit.DONE, "warn"),
        (403, DECLARED, Exit.DONE, "warn"),
        (403, MEDIA, Exit.REFUSED, "fail"),
        (403, Run(mms=True, has_media=True), Exit.REFUSED, "fail"),
        (503, TEXT, Exit.STOPPED, "fail"),
        (500, MEDIA, Exit.STOPPED, "fail"),
        (429, TEXT, Exit.STOPPED, "fail"),
        (422, TEXT, Exit.STOPPED, "fail"),
        (204, TEXT, Exit.STOPPED, "fail"),
        (302, TEXT, Exit.STOPPED, "fail"),
    ],
)
async def test_a_look_up_that_fails_ends_as_it_must(status: int, run: Run, exit_code: Exit, said: str) -> None:
    found = await looked(known(look_ups=(status,)), run)
    assert [check.status for check in found.checks] == [said]
    assert found.exit_code is exit_code
    assert found.checks[0].name == "channel sms-us"


@pytest.mark.parametrize("statuses", [(503, 200), (429, 429, 200), (500, 502, 504, 200), (408, 200)])
async def test_what_may_pass_is_asked_again(statuses: tuple[int, ...]) -> None:
    assert told(await looked(known(look_ups=statuses), MEDIA), "fail") == []


async def test_trying_again_has_an_end() -> None:
    assert (await looked(known(look_ups=(503, 503, 503, 503, 200)), TEXT)).exit_code is Exit.STOPPED


async def test_a_wrong_key_is_told_and_one_of_another_product_by_its_name() -> None:
    found = await looked(known(), TEXT, key="another-key")
    assert found.exit_code is Exit.BIRD_REFUSED
    assert "the access key" in found.checks[0].found
    found = await looked(known(), TEXT, key="bk_us1_0123456789")
    assert "newer developer platform" in found.checks[0].advice


async def test_where_nobody_listens_it_is_11() -> None:
    clock = VirtualClock()
    wanted = Wanted(channels=[TEXT.need], templates=[template()])
    found = await look_up(wanted, "http://127.0.0.1:9", AccessKey(KEY), clock=clock, rng=Random(1))
    assert (found.exit_code, [check.status for check in found.checks]) == (Exit.STOPPED, ["fail", "unknown"])
    assert 0 < clock.elapsed_s < 10


HOSTILE: tuple[Any, ...] = (
    [], "active", 5, True, {}, {"capabilities": []}, {"status": {"a": [1]}}, {"status": "x" * 100_000},
    {"platformId": "\x1b[2J\u202e"}, {"status": "active", "platformId": "sms", "capabilities": {"messaging": 5}},
    {"status": "active", "platformId": "sms", "capabilities": {"messaging": {"messaging": {"outgoing": [[[]]]}}}},
    {"status": 10**400}, {"status": "\ud800"}, {"identifier": {"+1": 2}, "status": "active", "platformId": "sms"},
)  # fmt: skip


@pytest.mark.parametrize("reply", HOSTILE, ids=range(len(HOSTILE)))
async def test_what_is_no_channel_is_refused_in_plain_words(reply: Any) -> None:
    shows = {**dict.fromkeys(("status", "platformId", "capabilities", "identifier")), **reply} if reply == {} else reply
    if isinstance(shows, dict):
        shows = {"status": None, "platformId": None, "capabilities": None, **shows}
    found = await looked(known(shows=shows), MEDIA)
    assert found.exit_code in (Exit.REFUSED, Exit.STOPPED)
    assert all(len(check.words) < 600 for check in found.checks)


async def test_a_channel_is_looked_up_once_under_however_many_names() -> None:
    channel = TEXT.need.channel
    twin = Channel(name="twin", workspace_id=WORKSPACE, channel_id=CHANNEL, mms=True)
    sandbox = Sandbox(channels=Channels.of([known(look_ups=(200, 500))]))
    async with sandbox:
        needs = [Need(channel=each, count=1, has_media=False) for each in (channel, twin)]
        found = await look_up(Wanted(channels=needs), sandbox.url, AccessKey(KEY), clock=VirtualClock(), rng=Random(1))
    assert [check.name for check in found.checks] == ["channel sms-us", "channel twin"]


async def test_where_nothing_goes_through_a_channel_its_state_is_a_warning() -> None:
    found = await looked(known(shows={"status": "gone"}), Run(mms=True, count=0))
    assert (found.exit_code, told(found, "fail")) == (Exit.DONE, [])
    assert "nothing goes through it" in told(found, "warn")[0]


def draft(name: str, channel: Channel, **fields: Any) -> Draft:
    return Draft(name=name, channel=channel, fields=fields)


PICTURE = {"type": "image", "image": {"images": [{"mediaUrl": "https://acme.example/a.png"}]}}
WORDS = {"type": "text", "text": {"text": "Hi"}}


def test_a_run_needs_of_a_channel_what_it_sends_through_it() -> None:
    us, ca = (Channel(name=name, workspace_id=WORKSPACE, channel_id=CHANNEL) for name in ("us", "ca"))
    drafts = [draft("a", us, body=WORDS), draft("b", us, body=PICTURE), draft("c", ca, body=PICTURE)]
    assert channel_needs(drafts, {"a": 2, "c": 1}) == [
        Need(channel=us, count=2, has_media=False),
        Need(channel=ca, count=1, has_media=True),
    ]


# Templates


def template(version: str | None = VERSION, locale: str | None = "en", project: str | None = PROJECT) -> TemplateNeed:
    return TemplateNeed(message="welcome", workspace_id=WORKSPACE, project_id=project, version=version, locale=locale)


def listed(version: str = VERSION, **more: Any) -> dict[str, Any]:
    return {"id": version, "status": "active", "localeStatuses": {"en": "active", "nl": "draft"}, **more}


async def judged(need: TemplateNeed, templates: Sequence[Mapping[str, Any]] | None) -> Check:
    held = {} if templates is None else {(WORKSPACE, PROJECT): templates}
    async with Sandbox(templates=held, limits=Limits(get_per_s=None)) as sandbox:
        wanted = Wanted(templates=[need])
        found = await look_up(wanted, sandbox.url, AccessKey(KEY), clock=VirtualClock(), rng=Random(1))
    (check,) = found.checks
    return check


@pytest.mark.parametrize(
    ("need", "templates", "status", "words"),
    [
        (template(), [listed()], "pass", "active, with locale en"),
        (template("LATEST"), [listed(OTHER, status="draft"), listed()], "pass", "active"),
        (template(VERSION.upper()), [listed()], "pass", "active"),
        (template(locale="EN"), [listed()], "pass", "locale EN"),
        (template(locale=None), [listed()], "pass", "active"),
        (template(), [listed(localeStatuses={}, defaultLocale="en")], "pass", "locale en"),
        (template(), [listed(status="draft")], "fail", '"draft"'),
        (template(), [listed(OTHER)], "fail", "no such version"),
        (template(), [], "fail", "no template"),
        (template(), None, "fail", "no such project"),
        (template("latest"), [listed(status="draft"), listed(OTHER, status="inactive")], "fail", "draft, inactive"),
        (template(locale="nl"), [listed()], "fail", 'locale nl is "draft"'),
        (template(locale="fr"), [listed()], "fail", "only en, nl"),
        (template(locale="en-GB"), [listed()], "unknown", "Bird may take that"),
        (template(), [listed(localeStatuses=None)], "unknown", "locale en"),
        (template(), [listed(localeStatuses=["en"])], "unknown", "locale en"),
        (template(), [listed(status=None)], "unknown", "whether it is active"),
        (template(), [listed(status=3)], "unknown", "whether it is active"),
        (template("latest"), [listed(status=3)], "unknown", "of every version"),
        (template(None), [listed()], "unknown", "names no version"),
        (template(project=None), [listed()], "unknown", "can't be looked up"),
    ],
)
async def test_a_template_is_there_and_active_or_it_is_said(
    need: TemplateNeed, templates: Sequence[Mapping[str, Any]] | None, status: str, words: str
) -> None:
    check = await judged(need, templates)
    assert (check.status, words in check.found) == (status, True), check
    assert check.exit_code is (Exit.REFUSED if status == "fail" else Exit.DONE)


async def test_a_template_on_the_third_page_is_found() -> None:
    many = [listed(f"{n:08}-0000-4000-8000-000000000000", status="draft") for n in range(250)]
    assert (await judged(template(), [*many, listed()])).status == "pass"


async def test_a_project_is_one_part_of_the_path_whatever_its_id_holds() -> None:
    check = await judged(template(project="../../channels?x=1#y"), [listed()])
    assert (check.status, "no such project" in check.found) == ("fail", True)


async def test_templates_that_may_not_be_looked_at_are_not_checked_and_a_project_is_asked_for_once() -> None:
    async with Sandbox(access_key=KEY) as sandbox:
        wanted = Wanted(templates=[template(), template(locale="nl")])
        found = await look_up(wanted, sandbox.url, AccessKey("another-key"), clock=VirtualClock(), rng=Random(1))
    assert [check.status for check in found.checks] == ["unknown", "unknown"]
    assert "HTTP 401" in found.checks[0].found
    assert found.exit_code is Exit.DONE


def message(draft_name: str, **template_fields: Any) -> Message:
    import json

    return Message(
        draft=draft_name, channel=TEXT.need.channel, key="K", reference="fp1.K", address="phonenumber:+14155550100",
        payload_hash="", body=json.dumps({"template": template_fields}).encode(), country="US", segments=1,
    )  # fmt: skip


def test_templates_that_are_rendered_are_noted_once_each_and_within_bounds() -> None:
    channel = TEXT.need.channel
    written = {"projectId": PROJECT, "version": "latest", "locale": "en"}
    noted = Templates(
        [
            draft("plain", channel, template=written),
            draft("again", channel, template=written),
            draft("rendered", channel, template={**written, "locale": "{{ language }}"}),
            draft("text", channel, body=WORDS),
        ]
    )
    assert [need.message for need in noted.needs] == ["plain"]
    for locale in ("en", "nl", "nl", "fr"):
        noted.add(message("rendered", **{**written, "locale": locale}))
    noted.add(message("text"))
    assert [(need.message, need.locale) for need in noted.needs] == [
        ("plain", "en"),
        ("rendered", "nl"),
        ("rendered", "fr"),
    ]
    assert not noted.too_many
    assert [need.message for need in noted.needs_of({"again": 1})] == ["plain"]
    assert [need.locale for need in noted.needs_of({"rendered": 3, "text": 1})] == ["en", "nl", "fr"]
    for number in range(200):
        noted.add(message("rendered", **{**written, "version": f"v{number}"}))
    assert (len(noted.needs), noted.too_many) == (MOST_TEMPLATES, True)


async def test_what_ends_one_look_up_ends_all() -> None:
    """Not so a 404, which says nothing of others."""
    other = Channel(name="other", workspace_id=WORKSPACE, channel_id=OTHER)
    needs = [TEXT.need, Need(channel=other, count=1, has_media=False)]
    for status, said in ((401, ["fail", "unknown"]), (404, ["fail", "pass"]), (403, ["warn", "pass"])):
        both = [known(look_ups=(status,)), SandboxChannel(workspace_id=WORKSPACE, channel_id=OTHER)]
        async with Sandbox(channels=Channels.of(both)) as sandbox:
            wanted = Wanted(channels=needs)
            found = await look_up(wanted, sandbox.url, AccessKey(KEY), clock=VirtualClock(), rng=Random(1))
        assert [check.status for check in found.checks] == said


# Lists of channels


async def test_all_pages_of_a_workspaces_channels_are_read() -> None:
    ids = [f"{number:08}-0000-4000-8000-000000000000" for number in range(1203)]
    channels = Channels.of([SandboxChannel(workspace_id=WORKSPACE, channel_id=each) for each in ids])
    async with Sandbox(channels=channels) as sandbox:
        found = await list_channels(WORKSPACE, sandbox.url, AccessKey(KEY), clock=VirtualClock(), rng=Random(1))
        assert isinstance(found, list)
        assert [seen.text("id") for seen in found] == ids
