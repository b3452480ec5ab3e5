"""What people paste from Bird's other pages goes out as it stands, or gives one finding that says why not."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.findings import Finding, Findings
from runner.manifest.documents import load_document
from runner.manifest.explain import schema_findings

from .conftest import CHANNEL, KEY, WORKSPACE, Project, Server

HERE = Path(__file__).parent
PAGES = {path.stem: json.loads(path.read_text()) for path in (HERE / "bird_pages").glob("*.json")}
SAMPLES = {path.stem: json.loads(path.read_text()) for path in (HERE / "bird_requests").glob("*.json")}
BODIES = {name: body for name, body in SAMPLES.items() if "type" in body}
REPLIES = ("channel", "message-accepted")
PHONE = {"contacts": [{"identifierKey": "phonenumber", "identifierValue": "+31612345678"}]}
HEAD: dict[str, Any] = {
    "apiVersion": "flypast/v1",
    "name": "pasted",
    "channels": {
        name: {"workspaceId": WORKSPACE, "channelId": CHANNEL, "platform": name, "mms": name == "sms"}
        for name in ("sms", "whatsapp", "email")
    },
    "recipients": {"everyone": {"contacts": [{"identifierValue": "+31612345678"}]}},
}


def sendable() -> dict[str, dict[str, Any]]:
    whatsapp = {"channel": "whatsapp", "receiver": PHONE}
    return {
        **{f"body-{name}": {**whatsapp, "body": body} for name, body in PAGES["whatsapp"]["bodies"].items()},
        **{f"template-{name}": {**whatsapp, "template": it} for name, it in PAGES["whatsapp"]["templates"].items()},
        **{f"email-{name}": {"channel": "email", **request} for name, request in PAGES["email"]["requests"].items()},
    }


def test_every_request_of_other_pages_arrives_exactly_as_it_is_documented(
    project: Project, serve: Callable[..., Server]
) -> None:
    written = sendable()
    project.write("pasted.yaml", json.dumps({**HEAD, "messages": written}, indent=2))
    server = serve()
    sent = project.run("send", "pasted.yaml", "--api-url", server.url, "--yes", BIRD_ACCESS_KEY=KEY)
    assert sent.code == 0, sent.err
    names = {line["request"]["reference"]: line["message"] for line in project.run("render", "pasted.yaml").lines}
    arrived = {names[line["reference"]]: line["request"] for line in server.record}
    assert len(arrived) == len(server.record) == len(written) > 25
    for name, message in written.items():
        wanted = {key: value for key, value in message.items() if key != "channel"}
        assert {key: value for key, value in arrived[name].items() if key != "reference"} == wanted, name


def found(message: Any) -> tuple[Finding, ...]:
    """The findings about a manifest whose one message this is."""
    findings = Findings()
    source = json.dumps({**HEAD, "messages": {"pasted": message}}, indent=2)
    document = load_document(source.encode(), Path("pasted.yaml"), "pasted.yaml", findings)
    assert document is not None
    schema_findings(document, findings)
    return findings.sorted()


AROUND = [{}, {"channel": "sms"}, {"channel": "sms", "to": "everyone"}]
MISPLACED: dict[str, tuple[Any, str, str]] = {
    **{name: (body, "type", 'write it under "body:"') for name, body in BODIES.items()},
    "template": (SAMPLES["template"], "projectId", 'write it under "template:"'),
    **{name: (SAMPLES[name], "contacts", 'write it under "receiver:"') for name in SAMPLES if "receiver-" in name},
    **{name: (SAMPLES[name], "id", "a reply of Bird's, not a request") for name in REPLIES},
    "a batch": ({"messageRequests": [SAMPLES["full-request"]]}, "messageRequests", "a message of its own"),
    "the content of a text": (PAGES["whatsapp"]["misplaced"]["location-request"], "text", 'write it under "body:"'),
}


@pytest.mark.parametrize("around", AROUND, ids=["alone", "with a channel", "with a channel and people"])
@pytest.mark.parametrize(("sample", "key", "hint"), MISPLACED.values(), ids=MISPLACED)
def test_what_is_pasted_without_its_own_key_is_one_finding_that_names_it(
    sample: dict[str, Any], key: str, hint: str, around: dict[str, Any]
) -> None:
    (finding,) = found({**around, **sample})
    assert (finding.code, finding.message) == ("SCH201", f'unknown key "{key}"')
    assert hint in str(finding.hint)


@pytest.mark.parametrize("name", ["reply-text", "reply-image", "reply-postbacks"])
def test_what_bird_prints_in_a_body_and_takes_beside_it_is_one_finding(name: str) -> None:
    message = {"channel": "whatsapp", "receiver": PHONE, "body": PAGES["whatsapp"]["misplaced"][name]}
    (finding,) = found(message)
    assert finding.hint == '"replyTo" stands beside "body", not in it'
    beside = {key: value for key, value in message["body"].items() if key != "replyTo"}
    assert found({**message, "body": beside, "replyTo": message["body"]["replyTo"]}) == ()


@pytest.mark.parametrize("body", [{"...": None}, PAGES["whatsapp"]["misplaced"]["location-request"], {}])
def test_a_body_without_its_type_is_one_finding(body: dict[str, Any]) -> None:
    (finding,) = found({"channel": "whatsapp", "receiver": PHONE, "body": body})
    assert (finding.code, finding.message) == ("SCH202", '"body" needs type')


@pytest.mark.parametrize("name", sorted(sendable()))
def test_a_whole_request_without_a_channel_is_one_finding(name: str) -> None:
    (finding,) = found({key: value for key, value in sendable()[name].items() if key != "channel"})
    assert finding.message == 'message "pasted" needs channel'


def test_the_full_sample_as_printed_breaks_two_rules_of_birds_own_words() -> None:
    """A template stands alone, and a frequency cap is for marketing."""
    told = Counter(finding.code for finding in found({"channel": "email", **SAMPLES["full-request"]}))
    assert told == {"SCH209": 2}


@pytest.mark.parametrize("dropped", ["body", "template"])
def test_the_full_sample_with_one_content_breaks_one_rule(dropped: str) -> None:
    request = {key: value for key, value in SAMPLES["full-request"].items() if key != dropped}
    (finding,) = found({"channel": "email", **request})
    assert "useCase: marketing" in finding.message


def test_other_mistakes_beside_a_misplaced_body_are_told_too() -> None:
    message = {"channel": "sms", "to": "everyone", "tags": ["!"], **BODIES["text"]}
    assert [finding.code for finding in found(message)] == ["SCH205", "SCH201"]


def test_the_full_sample_made_sendable_arrives_equal(project: Project, serve: Callable[..., Server]) -> None:
    """Without its body, then without its template; at a coming time, and for marketing. Nothing else is touched."""
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat(timespec="milliseconds")
    meta = {**SAMPLES["full-request"]["meta"], "extraInformation": {"useCase": "marketing"}}
    full = {**SAMPLES["full-request"], "scheduledFor": soon, "meta": meta}
    requests = [{key: value for key, value in full.items() if key != dropped} for dropped in ("body", "template")]
    messages = {f"number-{n}": {"channel": "email", **request} for n, request in enumerate(requests)}
    project.write("full.yaml", json.dumps({**HEAD, "messages": messages}, indent=2))
    plan = project.run("plan", "full.yaml", "--format", "json")
    assert plan.code == 0, plan.out
    restraints = {"ignoreGlobalHoldout", "ignoreQuietHours"}
    assert plan.json["overrides"] == {name: {"number-0": 1, "number-1": 1} for name in restraints}
    server = serve()
    sent = project.run("send", "full.yaml", "--api-url", server.url, "--yes", BIRD_ACCESS_KEY=KEY)
    assert sent.code == 0, sent.err
    arrived = [line["request"] for line in server.record]
    assert sorted(arrived, key=lambda request: "template" in request) == sorted(
        requests, key=lambda it: "template" in it
    )
