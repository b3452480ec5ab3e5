"""`flypast diff` in real repositories: what a reviewer is told of a change."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.conftest import CHANNEL, WORKSPACE, Project, Ran, clean_environment

OTHER_ID = "11111111-2222-4333-8444-555555555555"
SCHEMAS = Path(__file__).parent.parent.parent / "schemas"
SPRING = "campaigns/spring.yaml"
FILES = {
    SPRING: """\
apiVersion: flypast/v1
name: spring
include: [../channels.yaml]
recipients:
  people: {file: people.csv}
messages:
  greet:
    channel: sms
    to: people
    body: {type: text, text: {text: 'Hi {{ name }}. {% include "footer.txt" %}'}}
  later:
    channel: sms
    to: people
    when: name == "Ann"
    body:
      type: text
      text:
        text: |-
          One
          Two
""",
    "campaigns/other.yaml": """\
apiVersion: flypast/v1
name: other
include: [../channels.yaml]
messages:
  note:
    channel: sms
    receiver: {contacts: [{identifierValue: "+14155550177"}]}
    body: {type: text, text: {text: Hello}}
""",
    "campaigns/footer.txt": "Reply STOP",
    "campaigns/people.csv": "phone,name\n+14155550100,Ann\n+14155550101,Bob\n",
    "channels.yaml": f"""\
apiVersion: flypast/v1
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}}}
""",
}


def git(project: Project, *arguments: str) -> None:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run(
        ["git", *who, *arguments], cwd=project.path, env=clean_environment(), check=True, capture_output=True
    )


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("committed"))
    for name, content in FILES.items():
        project.write(name, content)
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    return project


@pytest.fixture
def project(committed: Project, tmp_path: Path) -> Project:
    shutil.copytree(committed.path, tmp_path / "project")
    return Project(tmp_path / "project")


def edit(project: Project, name: str, old: str, new: str) -> None:
    content = (project.path / name).read_text()
    assert old in content, name
    project.write(name, content.replace(old, new))


def told(ran: Ran, code: int = 0) -> Any:
    """The JSON of a diff, after its schema has taken it."""
    assert ran.code == code, ran.err
    judge = jsonschema_rs.Draft202012Validator(json.loads((SCHEMAS / "diff.schema.json").read_text()))
    assert [f"{error.instance_path}: {error.message}" for error in judge.iter_errors(ran.json)] == []
    return ran.json


def diff(project: Project, *more: str | Path, code: int = 0) -> Any:
    return told(project.run("diff", "--format", "json", *more), code)


def test_without_a_change_there_is_none(project: Project) -> None:
    ran = project.run("diff", "--detailed-exitcode")
    assert ran.code == 0, ran.err
    assert re.fullmatch(
        r"0 of 2 manifests changed against [0-9a-f]{12}, the merge base with the default branch\n", ran.out
    )


def test_texts_people_and_sizes_are_told_for_each_message(project: Project) -> None:
    edit(project, SPRING, "Hi {{ name }}.", f"Hi {{{{ name }}}}. {'long ' * 32}")
    edit(project, SPRING, "          Two\n", "          Three\n")
    edit(project, "campaigns/people.csv", "+14155550101,Bob", "+14155550102,Cy\n+14155550103,Di\n+1 415 555 0103,Di")
    git(project, "switch", "-qc", "work")
    git(project, "commit", "-qam", "second")
    said = diff(project, "--detailed-exitcode", code=10)
    assert (said["hasChanges"], said["unchanged"]) == (True, 1)
    (spring,) = said["manifests"]
    assert (spring["path"], spring["kind"]) == (SPRING, "changed")
    assert spring["inputs"] == ["campaigns/people.csv", SPRING]
    assert spring["digest"]["before"] != spring["digest"]["after"]
    greet, later = spring["messages"]
    assert greet["audience"] == {"added": 2, "removed": 1, "same": 1}
    assert later["audience"] == {"added": 0, "removed": 0, "same": 1}
    assert greet["before"] == {"messages": 2, "skipped": 0, "segments": 2}
    assert greet["after"] == {"messages": 3, "skipped": 1, "segments": 6}
    assert later["text"][-4:] == [" body.text.text:", "   One", "-  Two", "+  Three"]
    text = project.run("diff").out
    assert "people +2 −1 =1, messages 2 → 3, segments 2 → 6" in text
    assert "\n    -  Two\n    +  Three" in text
    assert "4155550" not in text + json.dumps(said)


def test_policy_channels_edition_and_included_texts_are_told(project: Project) -> None:
    edit(project, SPRING, "name: spring\n", 'name: spring\nedition: "2"\npolicy: {limits: {messages: 5}}\n')
    edit(project, "channels.yaml", CHANNEL, OTHER_ID)
    edit(project, "campaigns/footer.txt", "STOP", "STOP\nor HELP")
    out = project.run("diff", "HEAD").out
    for line in (
        f"{SPRING}: changed",
        "  edition    1 → 2: everybody gets it again",
        f"  channel    sms.channelId: {CHANNEL} → {OTHER_ID}",
        '  policy     limits: – → {"messages": 5}',
        f"  inputs     campaigns/footer.txt, {SPRING}, channels.yaml changed",
        "  ~ campaigns/footer.txt\n    @@ -1 +1,2 @@\n     Reply STOP\n    +or HELP",
    ):
        assert line in out
    assert out.startswith("2 of 2 manifests changed against "), "the other one uses the channel too"


def test_a_manifest_on_one_side_alone_is_added_or_removed(project: Project) -> None:
    (project.path / SPRING).rename(project.path / "campaigns/summer.yaml")
    said = diff(project)
    kinds = {made["path"]: made["kind"] for made in said["manifests"]}
    assert kinds == {SPRING: "removed", "campaigns/summer.yaml": "added"}
    removed, added = said["manifests"]
    assert [message["audience"] for message in removed["messages"]] == [
        {"added": 0, "removed": 2, "same": 0},
        {"added": 0, "removed": 1, "same": 0},
    ]
    assert added["messages"][0]["audience"] == {"added": 2, "removed": 0, "same": 0}
    assert added["digest"]["before"] is None


def test_a_side_that_is_broken_is_told_and_fails_only_where_it_is_now(project: Project) -> None:
    edit(project, SPRING, "to: people\n    when", "to: peple\n    when")
    said = diff(project, "--detailed-exitcode", code=1)
    (spring,) = said["manifests"]
    assert [(each["side"], SPRING in each["message"]) for each in spring["mistakes"]] == [("after", True)]
    assert spring["messages"][0]["audience"] is None
    assert spring["messages"][1]["text"][1:4] == [" channel: sms", "-to: people", "+to: peple"]
    git(project, "commit", "-qam", "broken")
    said = diff(project, "HEAD", "--detailed-exitcode", code=1)
    assert [(made["kind"], len(made["mistakes"])) for made in said["manifests"]] == [("same", 2)], (
        "no change, and wrong"
    )
    edit(project, SPRING, "peple", "people")
    ran = project.run("diff", "HEAD")
    assert ran.code == 0
    assert "broken then: " in ran.out
    project.write(SPRING, "apiVersion: [\nname: x\nmessages: {}\n")
    assert "broken now: " in project.run("diff", "HEAD").out


def test_a_list_that_is_given_is_the_same_on_both_sides(project: Project) -> None:
    git(project, "rm", "-q", "--cached", "campaigns/people.csv")
    git(project, "commit", "-qm", "no people in Git")
    project.write(".gitignore", "people.csv\n")
    edit(project, SPRING, "Hi ", "Hello ")
    (spring,) = diff(project, "HEAD")["manifests"]
    assert spring["messages"][0]["audience"] is None
    given = "phone,name\n+14155550100,Ann\n+14155550105,Eve\n"
    ran = project.run("diff", "HEAD", "--format", "json", "--recipients", "people=-", stdin=given)
    (spring,) = told(ran)["manifests"]
    assert spring["messages"][0]["audience"] == {"added": 0, "removed": 0, "same": 2}
    assert project.run("diff", "--recipients", "nobody=-", stdin=given).code == 2


def test_a_file_of_parameters_that_is_given_is_the_same_on_both_sides(project: Project, tmp_path: Path) -> None:
    edit(project, "channels.yaml", "channels:\n", "parameters: {shop: Acme}\nchannels:\n")
    edit(project, SPRING, "Hi ", "{{ shop }}, hi ")
    project.write("parameters/production.yaml", "shop: Shop\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "parameters")
    elsewhere = tmp_path / "own.yaml"
    elsewhere.write_text("shop: Own\n")
    for folder, given in (
        (".", "parameters/production.yaml"),
        ("campaigns", "../parameters/production.yaml"),
        (".", elsewhere),
    ):
        ran = Project(project.path / folder).run("diff", "HEAD", "--detailed-exitcode", "--parameters", given)
        assert (ran.code, ran.out[:8]) == (0, "0 of 2 m"), (given, ran.out)
    ran = project.run("plan", SPRING, "--parameters", "parameters/production.yaml", "--format", "markdown")
    assert ran.code == 0
    assert "Changed" not in ran.out
    edit(project, SPRING, ", hi ", ", hello ")
    (spring,) = diff(project, "HEAD", "--parameters", "parameters/production.yaml")["manifests"]
    assert spring["inputs"] == [SPRING]
    assert spring["included"] == []


def test_a_file_of_parameters_goes_to_the_manifests_that_declare_them(project: Project) -> None:
    edit(project, SPRING, "recipients:", "parameters: {shop: Acme}\nrecipients:")
    edit(project, SPRING, "Hi ", "{{ shop }}, hi ")
    project.write("parameters/production.yaml", "shop: Shop\n")
    ran = project.run("diff", "HEAD", "--parameters", "parameters/production.yaml")
    assert ran.code == 0, ran.out + ran.err
    assert "declares no parameter" not in ran.out + ran.err


def test_hostile_texts_and_names_mean_nothing_in_any_form(project: Project, tmp_path: Path) -> None:
    edit(project, "campaigns/footer.txt", "STOP", "STOP\n```\n````</details>\n::error::x\n##[group]\n@everybody \u202e")
    name = "campaigns/a|b<i>`@all.yaml"
    project.write(name, FILES["campaigns/other.yaml"].replace("name: other", "name: odd"))
    summary = tmp_path / "summary.md"
    ran = project.run("diff", "--format", "markdown", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary),
                      GITHUB_OUTPUT=str(tmp_path / "output"))  # fmt: skip
    assert ran.code == 0, ran.err
    assert summary.read_text().strip() == ran.out.strip()
    assert "has_changes=true\n" in (tmp_path / "output").read_text()
    fenced = re.search(r"^(`{5,})diff\n(.*?)^\1$", ran.out, re.MULTILINE | re.DOTALL)
    assert fenced is not None, "the fence is longer than any in the text"
    assert "</details>" in fenced[2]
    outside = ran.out.replace(fenced[0], "")
    assert "<i>" not in outside
    assert "@all" not in outside
    for text in (ran.out, project.run("diff").out):
        assert "::error" not in text
        assert "##[" not in text
        assert "\u202e" not in text
        assert "4155550177" not in text


def test_markdown_stays_below_what_a_comment_holds_and_says_what_was_cut(project: Project) -> None:
    lines = "".join(f"\n          line {number} {'x' * 30}" for number in range(150))
    long = f"body:\n      type: text\n      text:\n        text: |-{lines}"
    for number in range(60):
        text = FILES["campaigns/other.yaml"].replace("name: other", f"name: other-{number}")
        project.write(f"campaigns/m{number:02}.yaml", text.replace("body: {type: text, text: {text: Hello}}", long))
    out = project.run("diff", "--format", "markdown").out
    assert len(out) < 65_536
    assert re.search(r"^Cut here: [0-9]+ manifests more\. `flypast diff` shows all\.$", out, re.MULTILINE)
    assert "lines more" in out


def test_links_out_of_the_repository_are_not_read_on_either_side(project: Project, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    secret.joinpath("spring.yaml").write_text(FILES[SPRING].replace("Hi ", "secret "))
    (project.path / "way").symlink_to(secret)
    (project.path / "link.yaml").symlink_to(secret / "spring.yaml")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "links")
    (project.path / "way").unlink()
    project.write("way/spring.yaml", FILES[SPRING].replace("people.csv", "../campaigns/people.csv"))
    out = project.run("diff", "HEAD").out
    assert "way/spring.yaml: added" in out
    assert "secret" not in out


@pytest.mark.parametrize("arguments", [["nowhere"], ["--", "--help"]])
def test_a_revision_that_is_missing_is_exit_2(project: Project, arguments: list[str]) -> None:
    ran = project.run("diff", *arguments)
    assert ran.code == 2
    assert "does not have the revision" in ran.err


def test_outside_git_it_is_exit_2_in_plain_words(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    make: Callable[[Path], Project] = Project
    ran = make(tmp_path).run("diff")
    assert ran.code == 2, request.node.name
    assert "this is not in a Git repository: there is nothing to compare with" in ran.err
