"""`--format` and `--report` of a real command, and what GitHub Actions gets by itself."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from runner.cli.actions import MOST_BYTES
from runner.output.formats import FORMATS
from tests.conftest import MANIFEST, Project

WRONG = MANIFEST.replace("recipients:", "recipents:")


@pytest.fixture
def wrong(project: Project) -> Project:
    project.write("hello.yaml", WRONG)
    return project


def test_each_format_is_what_its_report_holds(wrong: Project) -> None:
    for kind in FORMATS:
        ran = wrong.run("validate", "--format", kind, "--report", f"{kind}=reports/{kind}.out")
        assert ran.code == 1
        assert ran.out.rstrip("\n") == (wrong.path / "reports" / f"{kind}.out").read_text().rstrip("\n")


def test_the_same_finding_has_the_same_place_in_all(wrong: Project) -> None:
    reports = [f"--report={kind}={kind}.out" for kind in FORMATS]
    assert wrong.run("validate", *reports).code == 1
    texts = {kind: (wrong.path / f"{kind}.out").read_text() for kind in FORMATS}
    finding = json.loads(texts["json"])["findings"][0]
    line, column, end = finding["line"], finding["column"], finding["endColumn"]
    assert f"hello.yaml:{line}:{column}" in texts["text"]
    assert f"hello.yaml:{line}:{column}: error[SCH201]" in texts["concise"]
    assert json.loads(texts["jsonl"].split("\n")[0]) == finding
    assert f"file=hello.yaml,line={line},endLine={line},col={column},endColumn={end - 1}" in texts["github"]
    assert json.loads(texts["gitlab"])[0]["location"]["positions"]["begin"] == {"line": line, "column": column}
    (result, *_) = json.loads(texts["sarif"])["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"]["startColumn"] == column
    assert f"SCH201 {line}:{column}" in [case.get("name") for case in ET.fromstring(texts["junit"]).iter("testcase")]  # noqa: S314
    assert f"<code>hello.yaml&#58;{line}&#58;{column}</code>" in texts["markdown"]


def test_what_the_operator_gives_is_told_by_its_way_from_the_repository(project: Project, tmp_path: Path) -> None:
    project.write(".git/HEAD", "ref: refs/heads/main\n")
    inside, outside = project.write("lists/a.csv", "phone,name\nx,\n"), tmp_path / "b.csv"
    outside.write_text("phone,name\nx,\n")
    folder = Project(project.path / "lists")
    for given, shown in (
        ("a.csv", "lists/a.csv"),
        (inside, "lists/a.csv"),
        (outside, "../b.csv"),
        ("../../b.csv", "../b.csv"),
    ):
        ran = folder.run("validate", "../hello.yaml", "--recipients", f"people={given}", "--format", "concise")
        assert ran.out.startswith(f"{shown}:2:1: error[RCP531] "), ran.out
    read = folder.run(
        "validate", "../hello.yaml", "--recipients", "people=-", "--format", "concise", stdin="phone,name\nx,\n"
    )
    assert read.out.startswith("--recipients people:2:1: error[RCP531] ")
    project.write("lists/p.yaml", "nope: 1\n")
    ran = folder.run("validate", "../hello.yaml", "--parameters", "p.yaml", "--format", "concise")
    assert ran.out.startswith("lists/p.yaml:1:1: error[REF307] ")


def test_data_formats_print_nothing_else_on_stdout(project: Project) -> None:
    for kind in ("json", "jsonl", "gitlab", "sarif"):
        ran = project.run("validate", "--format", kind)
        assert ran.code == 0
        assert [json.loads(ran.out)] if kind != "jsonl" else ran.out == ""


@pytest.mark.parametrize("report", ["html=x", "sarif", "sarif=", "=x"])
def test_a_report_that_can_not_be_is_a_mistake_of_usage(project: Project, report: str) -> None:
    ran = project.run("validate", "--report", report)
    assert (ran.code, ran.out) == (2, "")
    assert "is not KIND=FILE" in ran.err


def test_a_report_to_standard_output_is_what_format_is_for(project: Project) -> None:
    ran = project.run("validate", "--report", "json=-")
    assert (ran.code, ran.out) == (2, "")
    assert "a report is a file: what stdout gets is said by --format json" in ran.err
    assert not (project.path / "-").exists()


def test_a_report_that_can_not_be_written_is_no_success(project: Project) -> None:
    ran = project.run("validate", "--report", "json=hello.yaml/report.json")
    assert ran.code == 9
    assert "the report hello.yaml/report.json can't be written: " in ran.err


def actions(path: Path) -> dict[str, Any]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(path / "summary.md"),
        "GITHUB_OUTPUT": str(path / "outputs"),
    }


def test_github_actions_gets_annotations_a_summary_and_the_reason(wrong: Project, tmp_path: Path) -> None:
    ran = wrong.run("validate", "--format", "json", **actions(tmp_path))
    assert ran.code == 1
    assert json.loads(ran.out)["summary"]["errors"] > 0
    assert "::error file=hello.yaml,line=" in ran.err
    assert "| ❌ | <code>hello.yaml&#58;" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "outputs").read_text() == "exit_reason=findings\n"


def test_nobody_else_gets_them(wrong: Project, tmp_path: Path) -> None:
    ran = wrong.run("validate", **actions(tmp_path) | {"GITHUB_ACTIONS": ""})
    assert "::error" not in ran.err + ran.out
    assert list(tmp_path.glob("summary.md")) + list(tmp_path.glob("outputs")) == []


def test_annotations_that_were_asked_for_come_once(wrong: Project, tmp_path: Path) -> None:
    ran = wrong.run("validate", "--format", "github", **actions(tmp_path))
    assert ran.out.count("::error") > 0
    assert "::error" not in ran.err


@pytest.mark.parametrize("used", [0, MOST_BYTES - 100, MOST_BYTES + 5])
def test_a_summary_stays_below_what_github_takes(wrong: Project, tmp_path: Path, used: int) -> None:
    (tmp_path / "summary.md").write_bytes(b"x" * used)
    assert wrong.run("validate", **actions(tmp_path)).code == 1
    size = (tmp_path / "summary.md").stat().st_size
    assert used < size <= max(MOST_BYTES, used + 100)


def test_a_summary_that_can_not_be_written_changes_nothing(project: Project, tmp_path: Path) -> None:
    nowhere: dict[str, Any] = dict.fromkeys(("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"), "/proc/none/x")
    ran = project.run("validate", **actions(tmp_path) | nowhere)
    assert ran.code == 0
    assert ran.err.count("GITHUB_OUTPUT can't be written: No such file or directory\n") == 1
    planned = project.run("plan", "hello.yaml", **actions(tmp_path) | nowhere)
    assert planned.code == 0
    for variable in nowhere:  # each twice asked for, and told once
        assert planned.err.count(f"{variable} can't be written: ") == 1
    assert "can't be written" not in project.run("validate", **nowhere).err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("validate", "--nope"), 2, "No such option"),
        (("validate", "nowhere"), 2, "there is no file or folder nowhere"),
        (("validate", "x" * 300), 2, "can't be looked at: File name too long"),
        (("plan", "hello.yaml", "--report", f"json={'x' * 300}"), 9, "can't be written: File name too long"),
        (("plan", "hello.yaml", "--expect", "x" * 300), 2, f"--expect {'x' * 100}…: neither a digest"),
        (("init", "hello.yaml/starter"), 2, "can't be written: Not a directory"),
        (("plan", "nowhere.yaml"), 2, "File 'nowhere.yaml' does not exist."),
        (("plan", "hello.yaml", "--message", "nope"), 2, 'hello.yaml has no message "nope"'),
        (("plan", "hello.yaml", "--message", "nope", "--format", "github"), 2, 'hello.yaml has no message "nope"'),
        (("status",), 4, "there is no ledger at "),
    ],
)
def test_an_end_without_findings_is_annotated_once(
    project: Project, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = project.run(*arguments, **actions(tmp_path))
    assert ran.code == code
    (annotation,) = [line for line in (ran.out + ran.err).splitlines() if line.startswith("::error")]
    assert annotation.startswith(f"::error title=flypast::{words}") or words in annotation
    assert "::error" not in project.run(*arguments[:2]).err


def test_every_end_has_its_reason(project: Project, tmp_path: Path) -> None:
    for arguments, reason in ((["validate"], "done"), (["validate", "nowhere"], "usage"), (["status"], "refused")):
        (tmp_path / "outputs").unlink(missing_ok=True)
        project.run(*arguments, **actions(tmp_path))
        assert (tmp_path / "outputs").read_text() == f"exit_reason={reason}\n"
