"""Plans, sends and diffs in every form, in files and for GitHub Actions: whatever ends the command."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from runner.cli.options import ReportFile
from runner.cli.summary import Report
from runner.errors import Exit
from runner.output.formats import FORMATS
from tests.conftest import KEY, MANIFEST, Project, Ran, clean_environment, command
from tests.output.reading import read
from tests.test_output_schemas import fits

from .test_diff import git
from .test_formats import actions

ALL = [f"--report={kind}=out/{kind}" for kind in FORMATS]
WARNED = MANIFEST.replace("welcome.", "you’re welcome.")


@pytest.fixture
def campaign(project: Project) -> Project:
    """With a warning."""
    project.write("hello.yaml", WARNED)
    return project


def reports(project: Project) -> dict[str, str]:
    return {kind: (project.path / "out" / kind).read_text() for kind in FORMATS}


def errors(junit: str) -> list[str | None]:
    return [error.get("message") for error in ET.fromstring(junit).iter("error")]  # noqa: S314


COMMANDS = {
    "plan": ("plan", "hello.yaml"),
    "dry run": ("send", "hello.yaml", "--dry-run"),
    "retry": ("retry", "hello.yaml", "--dry-run", "--allow-empty"),
    "send": ("send", "hello.yaml", "--sandbox"),
    "render": ("render", "hello.yaml"),
    "diff": ("diff", "HEAD"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_with_findings_or_a_plan_writes_every_kind(campaign: Project, name: str) -> None:
    git(campaign, "init", "-q", "-b", "main")
    git(campaign, "add", "-A")
    git(campaign, "commit", "-qm", "first")
    ran = campaign.run(*COMMANDS[name], *ALL)
    assert ran.code == 0, ran.err
    held = reports(campaign)
    schema = {"send": "send", "render": "findings", "diff": "diff"}.get(name, "plan")
    fits(schema, json.loads(held["json"]))
    fits("findings-line", json.loads(held["jsonl"].splitlines()[0]))
    assert json.loads(held["sarif"])["runs"][0]["results"][0]["ruleId"] == "MSG620"
    assert json.loads(held["gitlab"])[0]["check_name"] == "MSG620"
    assert "warning[MSG620]" in held["concise"]
    assert held["github"].startswith("::warning file=hello.yaml,")
    assert "MSG620" in held["junit"]
    assert read(held["markdown"]).text


@pytest.mark.parametrize("kind", FORMATS)
def test_stdout_has_what_the_report_has(campaign: Project, kind: str) -> None:
    for arguments in (("plan", "hello.yaml"), ("send", "hello.yaml", "--sandbox")):
        ran = campaign.run(*arguments, "--format", kind, f"--report={kind}=report")
        assert ran.code == 0, ran.err
        if (arguments[0], kind) != ("send", "text"):  # there the plan is talk
            assert ran.out == (campaign.path / "report").read_text()


INPUTS = {
    "people.csv": "phone,name\n+14155550101,Ann\n",
    "gone.csv": "phone\n",
    "more.yaml": "apiVersion: flypast/v1\nparameters: {shop: Acme}\n",
    "given.yaml": "shop: Other\n",
    "footer.txt": "Bye.",
    "card.csv": "country,channel,price,currency\nUS,sms,0.01,USD\n",
    "manifest.schema.json": "{}",
    "expected.json": '{"digest": "%s"}' % ("0" * 64),
}
NAMES_ALL = """\
apiVersion: flypast/v1
name: hello
include: [more.yaml]
channels:
  sms: {workspaceId: 5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11, channelId: 3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22}
recipients:
  people: {file: people.csv}
messages:
  hello: {channel: sms, to: people, body: {type: text, text: {text: "{{ shop }}, {% include 'footer.txt' %}"}}}
policy: {suppress: [gone.csv], prices: card.csv}
"""


@pytest.mark.parametrize("name", ["send", "plan"])
def test_no_report_takes_the_place_of_what_is_read_by_a_manifest_with_mistakes(project: Project, name: str) -> None:
    broken = INPUTS | {"hello.yaml": NAMES_ALL, "more.yaml": "parameters: {shop: Acme}\n"}
    for path, content in broken.items():
        project.write(path, content)
    for path in ("footer.txt", "people.csv", "hello.yaml", "gone.csv"):
        assert project.run(name, "hello.yaml", "--report", f"json={path}", BIRD_ACCESS_KEY=KEY).code == 2
        assert (project.path / path).read_text() == broken[path]


@pytest.mark.parametrize("name", ["validate", "plan", "send", "render", "rebuild", "diff"])
def test_no_report_takes_the_place_of_an_input(project: Project, name: str) -> None:
    for path, content in (INPUTS | {"hello.yaml": NAMES_ALL}).items():
        project.write(path, content)
    git(project, "init", "-q", "-b", "main")
    git(project, "commit", "-q", "--allow-empty", "-m", "first")
    made = project.run("ledger", "init", "--ledger", "sqlite:///l.db")
    assert made.code == 0, made.err
    ledger, given = ("--ledger", "sqlite:///l.db"), ("--parameters", "given.yaml")
    arguments = {
        "validate": ("validate", "hello.yaml", *given),
        "plan": ("plan", "hello.yaml", *given, *ledger, "--expect", "expected.json"),
        "send": ("send", "hello.yaml", "--yes", "--ledger-persisted", *given, *ledger, "--expect", "expected.json"),
        "render": ("render", "hello.yaml", *given),
        "rebuild": ("ledger", "rebuild", "hello.yaml", "--yes", "--ledger-persisted", *given, *ledger),
        "diff": ("diff", "HEAD", *given),
    }[name]
    read = [*INPUTS, "hello.yaml", *(["l.db"] if "--ledger" in arguments else [])]
    read.remove("expected.json") if "--expect" not in arguments else None
    for path in read:
        before = (project.path / path).read_bytes()
        ran = project.run(*arguments, "--report", f"json=./{path}", "--report", "text=beside.txt", BIRD_ACCESS_KEY=KEY)
        assert (ran.code, ran.err.count("that file is an input, and the report would overwrite it")) == (2, 1), path
        assert (project.path / path).read_bytes() == before
    for _ in ("new", "again"):
        written = project.run(*arguments, "--report", "json=new.json", BIRD_ACCESS_KEY=KEY)
        assert written.code != 1, written.out
        assert json.loads((project.path / "new.json").read_text())["formatVersion"] == 1, written.err


def test_a_plan_without_findings_says_so_in_its_form(project: Project) -> None:
    ran = project.run("plan", "hello.yaml", *ALL)
    held = reports(project)
    assert ran.code == 0, ran.err
    assert (held["concise"], held["jsonl"], held["github"]) == ("", "", "")
    assert json.loads(held["gitlab"]) == json.loads(held["sarif"])["runs"][0]["results"] == []
    assert ET.fromstring(held["junit"]).get("failures") == "0"  # noqa: S314
    assert held["text"] == ran.out


def test_a_plan_that_would_be_refused_is_written_with_why(campaign: Project) -> None:
    ran = campaign.run("plan", "hello.yaml", "--max-messages", "2", *ALL)
    assert ran.code == 4
    held = reports(campaign)
    why = "--max-messages is 2, and this would send 3"
    assert errors(held["junit"]) == [why]
    assert f"::error title=flypast:\x3a{why}" in held["github"]
    assert json.loads(held["json"])["refusals"] == [why]
    assert "**A send would be refused**" in held["markdown"]
    notes = json.loads(held["sarif"])["runs"][0]["invocations"][0]
    assert (notes["executionSuccessful"], notes["toolExecutionNotifications"][0]["message"]["text"]) == (False, why)


def test_a_plan_that_was_not_expected_is_written_with_why(campaign: Project) -> None:
    ran = campaign.run("plan", "hello.yaml", "--expect", "0" * 64, "--format", "markdown", *ALL)
    assert ran.code == 4
    assert "**Stopped**\n\n- ⛔ this is not the plan that was expected" in ran.out == reports(campaign)["markdown"]
    assert errors(reports(campaign)["junit"]) == ["this is not the plan that was expected"]


@pytest.mark.parametrize(
    ("more", "code", "why"),
    [
        (("--max-messages", "1"), 4, "--max-messages is 1"),
        (("--expect", "0" * 64), 4, "this is not the plan that was expected"),
        (("--message", "nope"), 2, 'has no message "nope"'),
    ],
)
def test_a_send_that_does_not_begin_is_written_too(
    campaign: Project, more: tuple[str, ...], code: int, why: str
) -> None:
    ran = campaign.run("send", "hello.yaml", "--sandbox", *more, *ALL)
    assert ran.code == code
    held = reports(campaign)
    said = fits("send", json.loads(held["json"]))
    assert (said["exitCode"], said["run"]["accepted"]) == (code, 0)
    for text in (said["stopped"], errors(held["junit"])[0] or "", held["text"] if code == 2 else said["stopped"]):
        assert why in text
    if code == 4:
        assert "### flypast: <code>hello</code>" in held["markdown"]


@pytest.mark.parametrize("name", ["plan", "send"])
def test_a_ledger_that_can_not_be_read_is_exit_9_and_the_reports_say_so(campaign: Project, name: str) -> None:
    campaign.write("broken.db", b"no ledger" * 500)
    more = () if name == "plan" else ("--yes", "--ledger-persisted")
    ran = campaign.run(name, "hello.yaml", "--ledger", "sqlite:///broken.db", *more, *ALL, BIRD_ACCESS_KEY=KEY)
    assert ran.code == 9
    assert len(errors(reports(campaign)["junit"])) == 1
    assert "⛔" in reports(campaign)["markdown"]


def test_findings_are_all_that_a_plan_with_errors_writes(campaign: Project) -> None:
    campaign.write("people.csv", "phone,name\n12,Bob\n")
    for arguments in (("plan", "hello.yaml"), ("send", "hello.yaml", "--sandbox"), ("diff", "HEAD")):
        if arguments[0] == "diff":
            git(campaign, "init", "-q", "-b", "main")
            git(campaign, "commit", "-q", "--allow-empty", "-m", "first")
        ran = campaign.run(*arguments, *ALL)
        assert ran.code == 1, ran.err
        held = reports(campaign)
        found = [json.loads(line) for line in held["jsonl"].splitlines()]
        assert [each["code"] for each in found if each["severity"] == "error"] == ["RCP532"], arguments
        assert ET.fromstring(held["junit"]).get("failures") == "1"  # noqa: S314
        assert "RCP532" in held["sarif"]
        assert "RCP532" in held["markdown"] or arguments[0] == "diff"


@pytest.mark.parametrize("stdout", ["closed", "a pipe that nobody reads", "a full disk"])
def test_reports_are_written_whatever_stdout_is(campaign: Project, stdout: str) -> None:
    run = command("plan", "hello.yaml", *ALL)
    with Path("/dev/full").open("w") as full:
        reading, writing = os.pipe()
        os.close(reading)
        if stdout == "closed":
            run = ["sh", "-c", 'exec "$@" >&-', "sh", *run]
        to: Any = {"closed": None, "a full disk": full}.get(stdout, writing)
        done = subprocess.run(
            run, cwd=campaign.path, env=clean_environment(), stdout=to, stderr=subprocess.PIPE, check=False
        )
        os.close(writing)
    assert done.returncode == (9 if stdout == "a full disk" else 0), done.stderr
    assert "MSG620" in reports(campaign)["sarif"]


def test_a_report_that_can_not_be_written_stops_a_send_before_anything_is_sent(campaign: Project) -> None:
    ran = campaign.run("send", "hello.yaml", "--sandbox", "--report=json=hello.yaml/x", "--report=junit=out/junit")
    assert (ran.code, ran.out) == (9, "")
    assert "the report hello.yaml/x can't be written: " in ran.err
    assert "can't be written" in (errors((campaign.path / "out" / "junit").read_text())[0] or "")


def test_a_report_that_can_no_longer_be_written_is_exit_9_in_the_summary_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was sent is told all the same, and every other report is written."""
    (tmp_path / "out").mkdir()
    report = Report("json", [ReportFile("json", tmp_path / "out" / "x"), ReportFile("junit", tmp_path / "junit")])

    def act() -> int:
        (tmp_path / "out").rmdir()
        (tmp_path / "out").write_text("")
        report.ended(None, Exit.DONE)
        return Exit.DONE

    with pytest.raises(Exception, match="can't be written"):
        report.of(act)
    said = json.loads(capsys.readouterr().out)
    assert said["exitCode"] == 9
    assert (tmp_path / "junit").exists()


def test_one_kind_may_go_to_two_files_and_two_reports_to_one_file_may_not(project: Project) -> None:
    assert project.run("plan", "hello.yaml", "--report=json=a", "--report=json=b").code == 0
    assert (project.path / "a").read_bytes() == (project.path / "b").read_bytes() != b""
    ran = project.run("plan", "hello.yaml", "--report=json=a", "--report=junit=./a")
    assert (ran.code, "two reports can't go to one file" in ran.err) == (2, True)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_kind_is_a_mistake_of_usage(project: Project, name: str) -> None:
    assert project.run(*COMMANDS[name], "--report", "html=x").code == 2
    assert project.run(*COMMANDS[name], "--format", "html").code == 2


def test_a_report_replaces_a_file_whole_and_leaves_links_modes_and_devices(project: Project) -> None:
    project.write("real/old", "x" * 100_000)
    (project.path / "real" / "old").chmod(0o640)
    (project.path / "link").symlink_to("real/old")
    (project.path / "null").symlink_to("/dev/null")
    ran = project.run("plan", "hello.yaml", "--report=json=link", "--report=text=null", "--report=junit=new")
    assert ran.code == 0, ran.err
    assert (project.path / "link").is_symlink()
    assert json.loads((project.path / "real" / "old").read_text())["manifest"] == "hello"
    assert (project.path / "real" / "old").stat().st_mode & 0o777 == 0o640
    assert Path("/dev/null").is_char_device()
    assert [path.name for path in (project.path / "real").iterdir()] == ["old"]


def test_a_plan_says_what_changed_since_the_merge_base_and_is_never_in_want_of_git(campaign: Project) -> None:
    assert "- what changed in its texts&#58; this is not in a Git repository" in markdown(campaign).out
    git(campaign, "init", "-q", "-b", "main")
    assert "- what changed in its texts&#58; there is no default branch" in markdown(campaign).out
    campaign.write("footer.txt", "Bye")
    campaign.write("hello.yaml", WARNED.replace("welcome.", 'welcome. {% include \\"footer.txt\\" %}'))
    git(campaign, "add", "-A")
    git(campaign, "commit", "-qm", "first")
    assert "Its texts, policy and channels are as in <code>" in markdown(campaign).out
    git(campaign, "switch", "-qc", "change")
    campaign.write("footer.txt", "Goodbye")
    campaign.write("hello.yaml", (campaign.path / "hello.yaml").read_text().replace("welcome", "expected"))
    out = markdown(campaign).out
    assert "+body.text.text: Hi {{ name }}, you’re expected." in out
    assert "```diff\n@@ -1 +1 @@\n-Bye\n+Goodbye\n```" in out
    assert markdown(campaign, "/nowhere").code == 0
    assert "git is not installed here" in markdown(campaign, "/nowhere").out
    (campaign.path / ".git" / "HEAD").write_text("rubbish")
    assert "what changed in its texts" in markdown(campaign).out


def markdown(project: Project, path: str = os.environ["PATH"]) -> Ran:
    ran = project.run("plan", "hello.yaml", "--format", "markdown", PATH=path)
    assert ran.code == 0, ran.err
    return ran


def outputs(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (path / "outputs").read_text().splitlines())


@pytest.mark.parametrize("name", ["plan", "dry run", "send"])
def test_github_gets_a_plan_as_summary_and_outputs(campaign: Project, tmp_path: Path, name: str) -> None:
    ran = campaign.run(*COMMANDS[name], "--format", "json", **actions(tmp_path))
    assert ran.code == 0, ran.err
    assert outputs(tmp_path) == {
        "has_changes": "true",
        "messages": "3",
        "segments": "3",
        "digest": ran.json["digest"],
        "exit_reason": "done",
    }
    summary = (tmp_path / "summary.md").read_text()
    assert "### flypast: <code>hello</code>" in summary
    assert ("This run&#58; 3 accepted" in summary) == (name == "send")
    assert ran.err.count("::warning file=hello.yaml") == 1


def test_has_changes_is_false_where_nothing_would_be_sent(campaign: Project, tmp_path: Path) -> None:
    assert campaign.run(*COMMANDS["retry"], **actions(tmp_path)).code == 0
    said = outputs(tmp_path)
    assert (said["has_changes"], said["messages"], said["exit_reason"]) == ("false", "0", "done")
    assert "**Nothing to send**" in (tmp_path / "summary.md").read_text()


def test_github_gets_the_outputs_of_a_plan_that_was_refused(campaign: Project, tmp_path: Path) -> None:
    ran = campaign.run("plan", "hello.yaml", "--max-messages", "1", **actions(tmp_path))
    assert ran.code == 4
    assert (outputs(tmp_path)["has_changes"], outputs(tmp_path)["exit_reason"]) == ("true", "refused")
    assert "::error title=flypast::--max-messages is 1" in ran.err
    assert "**A send would be refused**" in (tmp_path / "summary.md").read_text()


def test_github_gets_no_outputs_of_a_plan_that_was_not_made(campaign: Project, tmp_path: Path) -> None:
    campaign.write("people.csv", "phone,name\n12,Bob\n")
    for arguments in (COMMANDS["plan"], COMMANDS["send"]):
        (tmp_path / "outputs").unlink(missing_ok=True)
        assert campaign.run(*arguments, **actions(tmp_path)).code == 1
        assert outputs(tmp_path) == {"exit_reason": "findings"}
    assert (tmp_path / "summary.md").read_text().count("RCP532") == 2


def test_data_is_inert_in_every_report_of_a_plan(project: Project, tmp_path: Path) -> None:
    """The names, texts and values of people and authors, as they come in a pull request from a stranger."""
    payload = "</td><script>alert(1)</script> ![i](http://t/) @org/team #1 ::error::x ##[group] \x1b[31m \u202e `x` |"
    project.write("people.csv", f'phone,name\n+14155550100,"{payload}"\n')
    text = f"Hi {{{{ name }}}}, {payload}\n```\n::stop-commands::x\n@org/team"
    project.write("hello.yaml", MANIFEST.replace('"Hi {{ name }}, welcome."', json.dumps(text)))
    ran = project.run("plan", "hello.yaml", "--set", "x=1", *ALL)
    assert ran.code in (1, 2)
    ran = project.run("plan", "hello.yaml", *ALL, **actions(tmp_path))
    assert ran.code == 0, ran.err
    for shown in (reports(project)["markdown"], (tmp_path / "summary.md").read_text()):
        reading = read(shown)
        assert reading.references == []
        assert reading.tags & {"script", "img", "a", "em", "del"} == set()
        assert not {"\x1b", "\u202e"} & set(shown)
    for each in reports(project).values():
        assert "\x1b" not in each
