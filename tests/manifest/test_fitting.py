"""What an SMS channel takes, by what is written in the manifest."""

import pytest

from tests.conftest import CHANNEL, WORKSPACE, Project

MANIFEST = f"""\
apiVersion: flypast/v1
name: hello
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}%s}}
recipients:
  people: {{contacts: [{{identifierValue: "+14155550100"}}]}}
messages:
  greet:
    channel: sms
    to: people
    %s
"""
ATTACHED = "{mediaUrl: 'https://acme.example/a.png', filename: a.png}"
TEXT = "body: {type: text, text: {text: Hi, attachments: [%s]}}"
TEMPLATE = (
    "template: {projectId: ce6a2fd6-b2fa-4f5a-a2cd-f3bd15883318, version: a1405560-c8d3-4b1a-877d-3f449ad95352, "
    "locale: en, attachments: [%s]}"
)


def codes(project: Project, channel: str, message: str) -> list[str]:
    project.write("hello.yaml", MANIFEST % (channel, message))
    return [finding["code"] for finding in project.run("validate", "--format", "json").json["findings"]]


@pytest.mark.parametrize("message", [TEXT, TEMPLATE])
def test_attachments_make_an_mms(project: Project, message: str) -> None:
    assert codes(project, "", message % ATTACHED) == ["CHN710"]
    assert codes(project, ", mms: true", message % ATTACHED) == []
    assert codes(project, "", message % "") in ([], ["SCH207"])
    assert codes(project, ", mms: true", message % ", ".join([ATTACHED] * 11)) == ["SCH207"]
    assert "SCH207" not in codes(project, ", platform: whatsapp", message % ", ".join([ATTACHED] * 11))


def test_a_text_with_attachments_has_no_segments_and_the_price_of_an_mms(project: Project) -> None:
    project.write("prices.csv", "country,channel,price,currency\nUS,sms,0.01,USD\nUS,mms,0.03,USD\n")
    project.write("hello.yaml", MANIFEST % (", mms: true", TEXT % ATTACHED) + "policy: {prices: prices.csv}\n")
    totals = project.run("plan", "hello.yaml", "--format", "json").json["totals"]
    assert (totals["segments"], totals["cost"]["amount"]) == (0, "0.03")


@pytest.mark.parametrize("platform", ["sms-messagebird", "mms", "text", "smsx"])
def test_sms_goes_by_no_other_name(project: Project, platform: str) -> None:
    """Bird's own `sms-messagebird` would leave every rule of SMS unasked."""
    assert codes(project, f", platform: {platform}", "body: {type: text, text: {text: Hi}}") == ["SCH205"]
