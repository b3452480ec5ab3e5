"""What a send costs, how long it takes and what limits refuse: in plan, question, summary and ledger."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import CHANNEL, KEY, MANIFEST, WORKSPACE, Project, Ran, Server
from tests.test_output_schemas import fits

CARD = "country,prefix,channel,price,currency\nUS,,sms,0.0079,USD\n,+1201,sms,0.0400,USD\nUS,,mms,0.02,USD\n"
TEMPLATE = (
    "{projectId: ce6a2fd6-b2fa-4f5a-a2cd-f3bd15883318, version: 0f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22, locale: en}"
)


@pytest.fixture
def priced(project: Project) -> Project:
    """Three people at 0.04 USD each."""
    project.write("prices.csv", CARD)
    with_policy(project, "prices: prices.csv")
    return project


def with_policy(project: Project, policy: str) -> None:
    written = (project.path / "hello.yaml").read_text().split("policy:")[0]
    project.write("hello.yaml", f"{written}policy: {{{policy}}}\n")


def send(project: Project, server: Server, *more: str, command: str = "send") -> Ran:
    arguments = [command, "hello.yaml", "--api-url", server.url, "--format", "json", "--concurrency", "1", *more]
    return project.run(*arguments, BIRD_ACCESS_KEY=KEY)


def plan(project: Project, *more: str) -> Any:
    ran = project.run("plan", "hello.yaml", "--format", "json", *more)
    return fits("plan", ran.json) | {"exit": ran.code}


@pytest.mark.parametrize("limit", ["segments: 2", "cost: 0.1199999", "cost: 0"])
def test_a_send_over_a_limit_is_refused_with_nothing_sent(
    priced: Project, serve: Callable[..., Server], limit: str
) -> None:
    with_policy(priced, f"prices: prices.csv, limits: {{{limit}}}")
    server = serve()
    planned = plan(priced)
    ran = send(priced, server, "--yes")
    assert (planned["exit"], ran.code, server.taken) == (4, 4, [])
    (refusal,) = planned["refusals"]
    assert refusal in ran.err
    found = "3 segments" if "segments" in limit else "0.12 USD"
    assert refusal.startswith(f"policy.limits.{limit.partition(':')[0]} is ")
    assert refusal.endswith(found)
    assert fits("send", ran.json)["run"]["accepted"] == 0


@pytest.mark.parametrize("limit", ["segments: 3", "cost: 0.12"])
def test_a_limit_that_is_just_met_lets_all_pass(priced: Project, serve: Callable[..., Server], limit: str) -> None:
    with_policy(priced, f"prices: prices.csv, limits: {{{limit}}}")
    ran = send(priced, serve(), "--yes")
    assert (ran.code, ran.json["run"]["accepted"]) == (0, 3)


def test_limits_are_of_what_this_run_would_send(priced: Project, serve: Callable[..., Server]) -> None:
    with_policy(priced, "prices: prices.csv, limits: {segments: 2, cost: 0.08}")
    server = serve()
    assert send(priced, server, "--yes", "--limit", "2").code == 0
    assert send(priced, server, "--yes").code == 0
    assert len(server.taken) == 3
    assert plan(priced, "--api-url", server.url)["toSend"]["cost"]["amount"] == "0"


def test_a_retry_keeps_to_the_limits_too(priced: Project, serve: Callable[..., Server]) -> None:
    server = serve("--fault", "202-busy:first:2")
    first = send(priced, server, "--yes")
    assert first.json["run"] == {"accepted": 1, "rejected": 2, "inDoubt": 0}
    assert first.json["cost"] == {"accepted": "0.04", "inDoubt": "0", "currency": "USD", "isAtLeast": False}
    with_policy(priced, "prices: prices.csv, limits: {cost: 0.07, segments: 1}")
    again = send(priced, server, "--yes", command="retry")
    assert (again.code, len(server.taken)) == (4, 3)
    assert "policy.limits.segments is 1, and this would send 2 segments" in again.err
    assert "policy.limits.cost is 0.07 USD, and this would cost 0.08 USD" in again.err
    with_policy(priced, "prices: prices.csv, limits: {cost: 0.08, segments: 2}")
    assert send(priced, server, "--yes", command="retry").code == 0


def test_the_other_limits_still_hold_beside_them(priced: Project) -> None:
    with_policy(priced, "prices: prices.csv, limits: {cost: 1, segments: 9, messages: 2, countries: [CA]}")
    assert [refusal.split(" ")[0] for refusal in plan(priced)["refusals"]] == [
        "policy.limits.messages",
        "policy.limits.countries",
    ]
    assert plan(priced, "--max-messages", "1")["refusals"][0].startswith("--max-messages is 1")


def test_without_a_price_a_limit_of_cost_is_not_met(priced: Project, serve: Callable[..., Server]) -> None:
    priced.write("prices.csv", "country,channel,price,currency\nFR,sms,0.05,USD\n")
    planned = plan(priced)
    assert planned["exit"] == 0
    assert planned["toSend"]["cost"] == {
        "amount": "0", "currency": "USD", "isAtLeast": True, "countries": {}, "unpriced": {"US": 3},
    }  # fmt: skip
    with_policy(priced, "prices: prices.csv, limits: {cost: 1000}")
    server = serve()
    ran = send(priced, server, "--yes")
    assert (ran.code, server.taken) == (4, [])
    assert "the rate card has no price for US 3" in ran.err


def test_a_receiver_in_the_manifest_is_priced_and_limited_by_its_number_too(priced: Project) -> None:
    text = (priced.path / "hello.yaml").read_text().replace(
        "    to: people\n", '    receiver: {contacts: [{identifierValue: "+12015550100"}]}\n'
    ).replace("Hi {{ name }}, welcome.", "Hi.")  # fmt: skip
    priced.write("hello.yaml", text)
    with_policy(priced, "prices: prices.csv, limits: {countries: [CA]}")
    planned = plan(priced)
    assert planned["toSend"]["cost"]["countries"] == {"US": "0.04"}
    assert planned["refusals"] == ["policy.limits.countries is CA, and this would send to US 1"]


def test_the_question_and_the_summary_say_what_it_costs(priced: Project, serve: Callable[..., Server]) -> None:
    server = serve()
    unasked = send(priced, server)
    assert unasked.code == 4
    assert "Send 3 messages (3 segments, about 0.12 USD) to US 3" in unasked.err
    ran = priced.run("send", "hello.yaml", "--api-url", server.url, "--yes", BIRD_ACCESS_KEY=KEY)
    assert "Cost: about 0.12 USD for what was accepted\n" in ran.out


def test_a_run_says_what_it_cost_by_its_outcomes(priced: Project, serve: Callable[..., Server]) -> None:
    """One rejected, one in doubt, one accepted."""
    server = serve("--fault", "422:after:0:first:1", "--fault", "500-after:after:1:first:2")
    ran = send(priced, server, "--yes")
    assert fits("send", ran.json)["run"] == {"accepted": 1, "rejected": 1, "inDoubt": 1}
    assert ran.json["cost"] == {"accepted": "0.04", "inDoubt": "0.04", "currency": "USD", "isAtLeast": False}


def test_the_ledger_keeps_what_each_message_costs(priced: Project, serve: Callable[..., Server]) -> None:
    server = serve()
    send(priced, server, "--yes")
    lines = priced.run("ledger", "export", "--api-url", server.url).lines
    entries = [line for line in lines if "key" in line]
    assert [(entry["cost"], entry["currency"]) for entry in entries] == [("0.04", "USD")] * 3
    assert priced.run("ledger", "verify", "--api-url", server.url).code == 0


def test_without_a_rate_card_nothing_is_said_of_cost(project: Project) -> None:
    text, machine = project.run("plan", "hello.yaml"), plan(project)
    assert "cost" not in text.out
    assert '"cost"' not in json.dumps(machine)


def test_the_content_of_a_rate_card_changes_neither_digest_nor_requests(priced: Project) -> None:
    first, requests = plan(priced), priced.run("render", "hello.yaml").out
    priced.write("prices.csv", CARD.replace("0.0400", "0.5"))
    second = plan(priced)
    assert first["digest"] == second["digest"]
    assert requests == priced.run("render", "hello.yaml").out
    assert (first["totals"]["cost"]["amount"], second["totals"]["cost"]["amount"]) == ("0.12", "1.5")
    assert first["inputs"]["prices.csv"] != second["inputs"]["prices.csv"]


def test_a_template_is_one_segment_at_least(priced: Project) -> None:
    text = (priced.path / "hello.yaml").read_text()
    priced.write(
        "hello.yaml",
        text.replace('body: {type: text, text: {text: "Hi {{ name }}, welcome."}}', f"template: {TEMPLATE}"),
    )
    with_policy(priced, "prices: prices.csv, limits: {segments: 2, cost: 1}")
    planned = plan(priced)
    assert planned["toSend"]["templates"] == planned["toSend"]["segments"] == 3
    assert planned["toSend"]["cost"]["isAtLeast"]
    assert planned["refusals"] == ["policy.limits.segments is 2, and this would send at least 3 segments"]
    assert (
        "limits.segments and limits.cost: 3 templates count as 1 segment each, and may be more" in planned["notChecked"]
    )
    assert "(at least 3 segments, at least 0.12 USD)" in priced.run("plan", "hello.yaml").out


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_each_row_of_too_many_segments_is_told_and_fifty_are_shown(project: Project, command: str) -> None:
    project.people(60)
    rows = (project.path / "people.csv").read_text().replace("Person", "P" * 400)
    project.write("people.csv", rows)
    with_policy(project, "limits: {segmentsPerMessage: 2}")
    ran = project.run(command, "hello.yaml", "--format", "json")
    assert ran.code == 1
    found = [finding for finding in ran.json["findings"] if finding["code"] == "MSG601"]
    assert len(found) == 51
    assert (found[0]["path"], found[0]["line"], found[0]["severity"]) == ("people.csv", 2, "error")
    assert found[0]["message"] == "people#1: 3 segments, and policy.limits.segmentsPerMessage is 2"
    assert "60 in all" in found[-1]["message"]


def test_the_operators_pace_replaces_that_of_the_manifest(project: Project) -> None:
    text = (project.path / "hello.yaml").read_text().replace("mms: true", "mms: true, rate: 30/m")
    project.write("hello.yaml", text)
    with_policy(project, "rate: 1/s")
    ids = {"rate": "30/m", "seconds": 6.0}
    assert plan(project)["pace"] == {
        "bird": {"rate": "500/s", "seconds": 0.006},
        "concurrency": 64,
        "repliesWithinSeconds": 64.0,
        "rate": "1/s", "seconds": 6.0, "channels": {"sms": ids}, "workspaces": {WORKSPACE: {"seconds": 6.0}},
    }  # fmt: skip
    assert plan(project, "--rate", "10/m")["pace"]["channels"] == {"sms": {"rate": "10/m", "seconds": 18.0}}
    unlimited = plan(project, "--rate", "unlimited")["pace"]
    assert unlimited == {
        "bird": {"rate": "500/s", "seconds": 0.006},
        "concurrency": 64,
        "repliesWithinSeconds": None,
        "rate": None, "seconds": None, "channels": {}, "workspaces": {},
    }  # fmt: skip
    assert "3 new, with no limit to its pace" in project.run("plan", "hello.yaml", "--rate", "unlimited").out
    assert plan(project, "--limit", "1")["pace"]["seconds"] == 2.0


@pytest.mark.parametrize("rate", ["1/m", "10/m", "unlimited"])
def test_a_pace_that_passes_what_is_scheduled_is_a_warning(project: Project, rate: str) -> None:
    at = (datetime.now(UTC) + timedelta(minutes=20)).isoformat()
    text = (project.path / "hello.yaml").read_text()
    project.write("hello.yaml", text.replace("    to: people\n", f'    to: people\n    scheduledFor: "{at}"\n'))
    project.people(30)
    ran = project.run("plan", "hello.yaml", "--format", "json", "--rate", rate)
    assert ran.code == 0
    found = [each["message"] for each in ran.json["findings"] if each["code"] == "POL829"]
    assert len(found) == (rate == "1/m")
    assert all("greet goes 0:29:00 after the start" in message for message in found)


def test_a_validity_of_the_manifest_is_held_against_the_pace(project: Project) -> None:
    text = (project.path / "hello.yaml").read_text()
    for validity, warned in ((119, True), (120, False), (0, False)):
        project.write("hello.yaml", text.replace("    to: people\n", f"    to: people\n    validity: {validity}\n"))
        findings = project.run("plan", "hello.yaml", "--format", "json", "--rate", "1/m").json["findings"]
        assert [each["code"] for each in findings] == ["POL828"] * warned


def test_a_rate_card_is_read_where_the_manifest_that_names_it_stands(project: Project) -> None:
    project.write("shared/prices.csv", CARD)
    project.write("shared/rules.yaml", "apiVersion: flypast/v1\npolicy: {prices: prices.csv}\n")
    text = (project.path / "hello.yaml").read_text().split("policy:")[0]
    project.write("hello.yaml", f"{text}include: [shared/rules.yaml]\n")
    assert plan(project)["toSend"]["cost"]["amount"] == "0.12"
    assert CHANNEL in text


def test_the_plan_tells_the_least_that_birds_limit_lets_it_take(project: Project) -> None:
    project.people(1500)
    words = project.run("plan", "hello.yaml").out
    assert "  Bird       1,500 at 500/s, its limit for a workspace, is 3 s at best\n" in words
    assert "             64 in flight keep up 50/s while replies take less than 1 s\n" in words
    fast = project.run("plan", "hello.yaml", "--rate", "1000/s").out
    assert "is 3 s: sooner only where it lets more through" in fast
    assert "64 in flight keep up 1000/s while replies take less than 64 ms" in fast
    assert "sooner only" in project.run("plan", "hello.yaml", "--rate", "unlimited").out
    markdown = project.run("plan", "hello.yaml", "--format", "markdown").out
    assert "- Bird: 1,500 at 500/s, its limit for a workspace, is 3 s at best\n" in markdown
    project.people(3)
    assert "500/s" not in project.run("plan", "hello.yaml").out


def quiet(begins_min: int, then: str, rate: str) -> str:
    """Quiet hours that begin in so many minutes, and last two hours."""
    now = datetime.now(UTC)
    begin, end = (f"{now + timedelta(minutes=begins_min + more):%H:%M}" for more in (0, 120))
    return f'policy: {{rate: {rate}, quietHours: {{from: "{begin}", until: "{end}", zone: UTC, then: {then}}}}}\n'


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("skip", "they are left for another run"),
        ("defer", "they wait at Bird until these end"),
        ("fail", "the run ends there"),
    ],
)
def test_a_send_that_does_not_fit_before_quiet_hours_is_warned_of(project: Project, then: str, words: str) -> None:
    project.people(12)
    project.write("hello.yaml", MANIFEST + quiet(5, then, "1/m"))
    ran = project.run("plan", "hello.yaml", "--format", "json")
    assert ran.code == 0, ran.err
    said = fits("plan", ran.json)
    (finding,) = [each for each in said["findings"] if each["code"] == "POL830"]
    assert (finding["severity"], finding["path"], finding["line"]) == ("warning", "hello.yaml", 12)
    assert (
        f"the send takes 0:12:00, and the first quiet hours ({said_hours(project)}) begin in 0:0" in finding["message"]
    )
    assert finding["message"].endswith(words)
    window = said["quietHours"]
    assert window["late"] in (6, 7)  # from the fifth minute on, or the sixth
    assert 240 < window["beginsAfterSeconds"] <= 300 < window["lateAfterSeconds"] + 60
    text = project.run("plan", "hello.yaml")
    assert "and the send takes 12 min: " in text.out
    assert "come to their turn in theirs, the first after " in text.out
    assert "warning[POL830]" in text.err
    assert "POL830" in project.run("plan", "hello.yaml", "--format", "markdown").out


def said_hours(project: Project) -> str:
    begin, end = re.findall(r'"([0-9:]{5})"', (project.path / "hello.yaml").read_text())
    return f"{begin} to {end}"


def test_a_send_that_fits_says_how_long_its_window_is(project: Project) -> None:
    project.write("hello.yaml", MANIFEST + quiet(300, "skip", "1/s"))
    ran = project.run("plan", "hello.yaml")
    assert "POL830" not in ran.err + ran.out
    assert "until the first quiet hours (" in ran.out
    assert "and the send takes 3 s\n" in ran.out
    said = project.run("plan", "hello.yaml", "--format", "json").json["quietHours"]
    assert (said["late"], said["lateAfterSeconds"]) == (0, None)
    assert 290 * 60 < said["beginsAfterSeconds"] <= 300 * 60


def test_where_everybody_has_quiet_hours_there_is_no_window(project: Project) -> None:
    project.write("hello.yaml", MANIFEST + quiet(-30, "defer", "1/s"))
    said = project.run("plan", "hello.yaml", "--format", "json").json["quietHours"]
    assert (said["deferred"], said["beginsAfterSeconds"], said["late"]) == (3, None, 0)
    assert "window" not in project.run("plan", "hello.yaml").out
