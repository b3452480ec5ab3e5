"""Whose clock counts: by number, by column, or one for all; of every kind of contact."""

from pathlib import Path

from runner.findings import Findings
from runner.pipeline import Order, composed
from runner.plan import Composed
from runner.project import Project

MANIFEST = """\
apiVersion: flypast/v1
name: spring
channels:
  chat:
    workspaceId: 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11
    channelId: 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22
    platform: whatsapp
recipients:
  here:
    region: GB
    contacts:
      - {identifierValue: "+14155550100"}
      - {identifierValue: "+1 (212) 555-0100"}
      - {identifierValue: "07700 900123"}
      - {identifierKey: emailaddress, identifierValue: ann@acme.example}
      - {id: 00000000-0000-4000-8000-000000000000}
      - {id: 00000000-0000-4000-8000-000000000001, platformAddress: "+18085550100"}
      - identifierValue: "+14155550101"
        identifiers: [{identifierKey: phonenumber, identifierValue: "+12125550101"}]
messages:
  greet: {channel: chat, to: here, body: {type: text, text: {text: "Hi."}}}
  both:
    channel: chat
    receiver:
      contacts:
        - {identifierKey: phonenumber, identifierValue: "+14155550100"}
        - {identifierKey: phonenumber, identifierValue: "+18085550100", type: cc}
    body: {type: text, text: {text: "Hi."}}
"""
WEST, EAST, ISLANDS = "America/Los_Angeles", "America/New_York", "Pacific/Honolulu"


def zones(folder: Path, policy: str = "") -> list[tuple[str, ...]]:
    path = folder / "spring.yaml"
    findings = Findings()
    order = Order(path=path, source=f"{MANIFEST}{policy}".encode(), project=Project(root=folder, working=folder))
    found = list(composed(order.load(findings), order, findings, []))
    assert findings.sorted() == ()
    return [item.zones for item in found if isinstance(item, Composed)]


def quiet(zone: str) -> str:
    return f'policy: {{quietHours: {{from: "21:00", until: "08:00", zone: "{zone}", then: defer}}}}\n'


def test_every_number_of_a_contact_or_receiver_counts(tmp_path: Path) -> None:
    west, east, british, mail, unknown, islander, travelling, both = zones(tmp_path, quiet("recipient"))
    assert (west, east, islander) == ((WEST,), (EAST,), (ISLANDS,))
    assert "Europe/London" in british
    assert mail == unknown == ()
    assert travelling == (WEST, EAST)
    assert both == (WEST, ISLANDS)


def test_one_zone_may_count_for_all_and_without_quiet_hours_none_does(tmp_path: Path) -> None:
    assert set(zones(tmp_path, quiet("Asia/Kathmandu"))) == {("Asia/Kathmandu",)}
    assert set(zones(tmp_path)) == {()}
