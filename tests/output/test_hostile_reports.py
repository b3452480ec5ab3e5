"""Hostile names in every form of a report: shown, and obeyed by nobody who reads it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree
from markdown_it import MarkdownIt

from runner.findings import Finding, Place, Severity
from runner.output.formats import FORMATS, written
from runner.output.formats.found import Found
from runner.output.neutral import neutral

PAYLOADS = (
    *("::add-mask::x", "x ##[set-output name=a]b", "%0A::error::", "a\n::error::b", "a\r::warning::b"),
    *(
        "</td><script>alert(1)</script>",
        "![](http://t/)",
        "[x](javascript:alert(1))",
        "[x](1)",
        "@org/team",
        "<!-- x -->",
    ),
    *(
        "\x1b[31mred\x1b[0m",
        "\x1b]8;;http://t/\x07x",
        "\x9b2J",
        "a\x00b",
        "a\u202eb",
        "a\u2028b",
        "\ufffe\uffff",
        "\ud83d",
    ),
    *(
        "]]>",
        "<![CDATA[x",
        "&lt;&#0;",
        '"><x y="',
        "{0} {1}",
        "{{ 7*7 }}",
        "{% raw %}",
        "a|b",
        "`x`",
        "\\",
        "%s %d",
        "$(x)",
    ),
)
LINE = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def found(payload: str) -> Found:
    in_name = payload.replace("\ud83d", "\udcff")  # as a byte that is no UTF-8 stands in a file's name
    place = Place(path=f"a/{in_name}.yaml", line=2, column=3)
    findings = [
        Finding(code="SCH201", severity=severity, message=payload, hint=payload, place=place, also=(place,))
        for severity in Severity
    ]
    return Found(findings=findings, manifests=[place.path], not_checked=[payload])


def texts(value: Any) -> Iterator[str]:
    """What people are shown of a report in JSON: every text but paths and addresses, which are looked up."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from () if key in ("path", "uri", "markdown", "help", "rules", "$schema") else texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_report_holds_what_steers_who_reads_it(payload: str) -> None:
    for kind in FORMATS:
        text = written(found(payload), kind)
        assert text.encode().decode() == text  # half a character would stop a writer
        for line in text.split("\n"):
            assert not LINE.search(line), kind
            assert "\x1b" not in line
            assert not re.search("[\x00-\x08\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line), kind
            if kind in ("text", "concise"):
                assert neutral(line) == line
    for kind in ("gitlab", "sarif"):
        assert [each for each in texts(json.loads(written(found(payload), kind))) if neutral(each) != each] == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_message_of_sarif_has_no_link_and_no_placeholder(payload: str) -> None:
    run = json.loads(written(found(payload), "sarif"))["runs"][0]
    for result in run["results"]:
        text = result["message"]["text"]
        assert not re.search(r"\]\(", text)
        assert not set(re.sub(r"\{\{|\}\}", "", text)) & set("{}")
        for there in (*result["locations"], *result["relatedLocations"]):
            assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", there["physicalLocation"]["artifactLocation"]["uri"])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_junit_report_parses_and_says_what_was_said(payload: str) -> None:
    root = etree.fromstring(written(found(payload), "junit").encode())
    (failure,) = root.iter("failure")
    said = "".join(each if each not in "\ufffe\uffff" else "\N{REPLACEMENT CHARACTER}" for each in neutral(payload))
    assert failure.get("message") == said
    assert failure.text.count(said) >= 2
    assert {each.tag for each in root.iter()} == {"testsuites", "testsuite", "testcase", "failure", "system-out"}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_report_in_markdown_becomes_text_alone(payload: str) -> None:
    page = (
        MarkdownIt("commonmark", {"html": True})
        .enable(["table", "strikethrough"])
        .render(written(found(payload), "markdown"))
    )
    tags = set(re.findall(r"<(/?\w+|!)", page))
    assert {tag.removeprefix("/") for tag in tags} <= {
        *("p", "strong", "table", "thead", "tbody", "tr", "th", "td", "code", "br", "ul", "li", "span"),
    }
    assert not re.search(r"<\w+\s", page)  # no attribute: nothing is fetched, nothing runs
    assert page.count("<tr>") == 4


@pytest.mark.parametrize("payload", PAYLOADS)
def test_an_annotation_is_one_command_with_the_properties_that_we_gave(payload: str) -> None:
    commands = written(found(payload), "github").split("\n")
    assert len(commands) == 3
    for command, kind in zip(commands, ("error", "warning", "notice"), strict=True):
        named = re.fullmatch(rf"::{kind} ([^:]*)::(.*)", command)
        assert named is not None
        assert [each.partition("=")[0] for each in named[1].split(",")] == [
            *("file", "line", "endLine", "col", "endColumn", "title"),
        ]
        assert "::" not in named[2]
