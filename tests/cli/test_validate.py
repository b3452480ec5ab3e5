"""`flypast validate` and `plan` from outside, where a case folder can't say it: standard input, Git, bounds, bytes."""

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHANNEL, MANIFEST, WORKSPACE, Project, clean_environment, command

CASES = Path(__file__).parent.parent / "cases"

SHARED = f"""\
apiVersion: flypast/v1
channels:
  sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}}}
"""
CAMPAIGN = """\
apiVersion: flypast/v1
name: spring
include: [../channels.yaml]
recipients:
  people: {file: ../lists/people.csv}
messages:
  greet: {channel: sms, to: people, body: {type: text, text: {text: "Hi {{ name }}. {% include 'footer.txt' %}"}}}
"""

# What opens a socket ends the run, whoever asks for it.
NO_SOCKETS = """\
import sys
def refuse(event, _arguments):
    if event.startswith("socket."):
        raise AssertionError(event)
sys.addaudithook(refuse)
sys.argv = ["flypast", *sys.argv[1:]]
from runner.cli import run
run()
"""


@pytest.fixture
def campaign(project: Project) -> Project:
    """A repository with a manifest in a folder, and what it needs in others."""
    (project.path / ".git").mkdir()
    (project.path / "hello.yaml").unlink()
    (project.path / "lists").mkdir()
    (project.path / "people.csv").rename(project.path / "lists" / "people.csv")
    project.write("channels.yaml", SHARED)
    project.write("campaigns/spring.yaml", CAMPAIGN)
    project.write("campaigns/footer.txt", "Reply STOP")
    return project


def test_a_manifest_reads_what_lies_anywhere_below_the_repository(campaign: Project) -> None:
    ran = campaign.run("validate")
    assert (ran.code, ran.out, ran.err) == (0, "", "2 manifests checked: no findings\n")


def test_paths_are_told_from_the_repository_wherever_the_command_runs(campaign: Project) -> None:
    campaign.write("lists/people.csv", "phone,name\n+14155550100,\n")
    ran = Project(campaign.path / "campaigns").run("validate", "spring.yaml", "--format", "json")
    places = [(each["path"], each["line"], each["column"], each["also"][0]["path"]) for each in ran.json["findings"]]
    assert places == [("lists/people.csv", 2, 14, "campaigns/spring.yaml")]


def test_standard_input_stands_for_the_file_that_it_is_said_to_be(campaign: Project) -> None:
    edited = CAMPAIGN.replace("{{ name }}", "{{ nmae }}")
    ran = campaign.run("validate", "-", "--stdin-filename", "campaigns/spring.yaml", "--format", "json", stdin=edited)
    assert ran.code == 1
    assert [(each["code"], each["path"], each["line"]) for each in ran.json["findings"]] == [
        ("TPL403", "campaigns/spring.yaml", 7)
    ]


def test_standard_input_may_be_a_file_that_is_not_there_yet(campaign: Project) -> None:
    ran = campaign.run("validate", "-", "--stdin-filename", "campaigns/new/next.yaml", stdin=SHARED)
    assert (ran.code, ran.out) == (0, "")


def test_standard_input_without_a_name_belongs_to_the_working_directory(project: Project) -> None:
    ran = project.run("validate", "-", stdin=MANIFEST.replace("to: people", "to: peple"))
    assert ran.code == 1
    assert "--> stdin.yaml:10:9" in ran.out


def test_standard_input_is_one_thing_only(project: Project) -> None:
    assert project.run("validate", "-", "--recipients", "people=-", stdin=MANIFEST).code == 2
    assert project.run("validate", "--stdin-filename", "hello.yaml").code == 2


def test_a_list_can_come_from_standard_input(project: Project) -> None:
    ran = project.run(
        "render", "hello.yaml", "--show-pii", "--recipients", "people=-", stdin="phone,name\n+14155550199,Zed\n"
    )
    assert [line["request"]["body"]["text"]["text"] for line in ran.lines] == ["Hi Zed, welcome."]


def test_a_bad_row_from_standard_input_is_told_by_its_list(project: Project) -> None:
    ran = project.run("plan", "hello.yaml", "--recipients", "people=-", stdin="phone,name\n+14155550199,\n")
    assert ran.code == 1
    assert "--> --recipients people:2:14" in ran.out


def test_what_git_ignores_is_not_looked_at_but_by_name(project: Project) -> None:
    project.write(".gitignore", "private/\n*.local.yaml\n!kept.local.yaml\n")
    for name in ("private/one.yaml", "mine.local.yaml"):
        project.write(name, MANIFEST)
    project.write("kept.local.yaml", MANIFEST.replace("name: hello", "name: kept"))
    project.write("compose.yaml", "services: {}\n")
    assert project.run("validate").err == "2 manifests checked, 1 other YAML file: no findings\n"
    assert "1 manifest checked" in project.run("validate", "mine.local.yaml").err


def test_one_file_under_two_spellings_is_one_manifest(project: Project) -> None:
    ran = project.run("validate", "hello.yaml", "./hello.yaml", f"../{project.path.name}/hello.yaml", ".")
    assert (ran.code, ran.err) == (0, "1 manifest checked: no findings\n")


def test_where_there_is_no_manifest_that_is_an_error(project: Project) -> None:
    (project.path / "hello.yaml").unlink()
    ran = project.run("validate")
    assert (ran.code, ran.out) == (2, "")
    assert "no manifest found" in ran.err


def test_rendering_the_first_few_still_tells_what_it_met(project: Project) -> None:
    project.write("people.csv", "phone,name\n+14155550100,\n+14155550101,Bob\n+14155550102,Cy\n")
    ran = project.run("render", "hello.yaml", "--limit", "1")
    assert (ran.code, len(ran.lines)) == (1, 1)
    assert "people#1: name is empty" in ran.err


def test_the_same_bytes_come_out_on_every_run(tmp_path: Path) -> None:
    """All broken manifests of the cases at once: nothing may hang on the order of a set."""
    folder = tmp_path / "all"
    shutil.copytree(CASES, folder, symlinks=True, ignore=shutil.ignore_patterns("expected.txt", "hostile-templates"))
    outputs = {
        subprocess.run(
            command("validate", "--format", "json"),
            cwd=folder,
            env=clean_environment(PYTHONHASHSEED=str(seed)),
            capture_output=True,
            check=False,
        ).stdout
        for seed in range(10)
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 50_000


def test_the_order_of_paths_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    shutil.copytree(CASES, folder, symlinks=True, ignore=shutil.ignore_patterns("expected.txt", "hostile-templates"))
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.glob("[a-l]*/*.yaml"))
    outputs = set()
    for seed in range(3):
        shuffled = random.Random(seed).sample(paths, len(paths))
        ran = Project(folder).run("validate", *shuffled, "--format", "concise", PYTHONHASHSEED=str(seed))
        outputs.add((ran.code, ran.out, ran.err))
    assert len(outputs) == 1
    assert len(paths) > 30


def test_bad_rows_of_a_list_that_two_manifests_read_count_once(project: Project) -> None:
    project.write("people.csv", "phone,name\n" + "".join(f"0770090{n:04d},Ann\n" for n in range(60)))
    project.write("other.yaml", MANIFEST.replace("name: hello", "name: other"))
    ran = project.run("validate", "--format", "concise")
    assert ran.out.splitlines()[-1].endswith("10 more like this in people.csv: 60 in all")


def test_a_plan_of_a_hundred_thousand_rows_stays_small(project: Project) -> None:
    project.write("hello.yaml", MANIFEST.replace("to: people", "to: people\n    distinct: order"))
    with (project.path / "people.csv").open("w") as file:
        file.write("phone,name,order\n")
        file.writelines(f"+141555501{n % 100:02d},Person {n},{n}\n" for n in range(100_000))
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, "plan", "hello.yaml", "--format", "json"],
        cwd=project.path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"new": 100000,' in measured.stdout
    peak_kib = int(measured.stderr.split("VmHWM:")[1].split()[0])
    assert peak_kib < 150 * 1024


# The kernel's own count of one program's memory: a child's rusage starts with that of whoever forked it.
MEASURE = """
import atexit, pathlib, sys
atexit.register(lambda: sys.stderr.write(pathlib.Path("/proc/self/status").read_text()))
from runner.cli import run
run()
"""


@pytest.mark.parametrize("name", ["validate", "plan", "render"])
def test_nothing_before_sending_opens_a_socket_or_needs_a_key(project: Project, name: str) -> None:
    project.write("wrapper.py", NO_SOCKETS)
    done = subprocess.run(
        [sys.executable, "wrapper.py", name, "hello.yaml"],
        cwd=project.path,
        env=clean_environment(PYTHONPATH=str(Path(__file__).parents[2])),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "AssertionError" in done.stderr) == (0, False)


UNFIT = MANIFEST.replace('text: "Hi', f'text: "Łódź! {"Come and see. " * 8}Hi')


def test_a_warning_is_silenced_where_it_stands_and_counted(project: Project) -> None:
    project.write("hello.yaml", UNFIT)
    before = project.run("validate", "--format", "json").json
    codes = {finding["code"] for finding in before["findings"]}
    (line,) = {finding["line"] for finding in before["findings"]}
    lines = UNFIT.split("\n")
    lines.insert(line - 1, f"# flypast: ignore[{','.join(sorted(codes))}] the town's name stays")
    project.write("hello.yaml", "\n".join(lines))
    after = project.run("validate", "--format", "json")
    assert (after.code, after.json["findings"]) == (0, [])
    assert after.json["summary"]["ignored"] == len(before["findings"]) > 0
    assert project.run("validate").err.endswith(f"no findings, {len(before['findings'])} ignored by comments\n")


def test_the_operator_chooses_codes_and_what_fails(project: Project) -> None:
    project.write("hello.yaml", UNFIT)
    found = [finding["code"] for finding in project.run("validate", "--format", "json").json["findings"]]
    assert project.run("validate", "--fail-on", "warning").code == 1
    assert project.run("validate", "--fail-on", "info", "--ignore", ",".join(found)).code == 0
    assert project.run("validate", "--fail-on", "warning", "--select", "YML101").code == 0
    chosen = project.run("validate", "--fail-on", "warning", "--select", found[0], "--format", "json")
    assert (chosen.code, {finding["code"] for finding in chosen.json["findings"]}) == (1, {found[0]})


def test_a_code_that_is_none_chooses_nothing_unseen(project: Project) -> None:
    ran = project.run("validate", "--ignore", "MSG60")
    assert ran.code == 2
    assert "'MSG60' is no code: did you mean" in ran.err
    assert "'sch201' is no code: did you mean \"SCH201\"?" in project.run("validate", "--select", "sch201").err
    assert re.search(
        r"'ZZ' is no code: known: CHN701, [A-Z0-9, ]+ and [0-9]+ more$", project.run("validate", "--select", "ZZ").err
    )


def test_people_in_git_are_an_info_and_nobody_is_none(project: Project) -> None:
    contacts = '{contacts: [{identifierValue: "+14155550100"}, {identifierValue: "ann@acme.nowhere"}]}'
    project.write("hello.yaml", MANIFEST.replace("{file: people.csv}", contacts).replace("{{ name }}", "all"))
    outside = project.run("validate", "--format", "json").json
    assert [finding for finding in outside["findings"] if finding["code"] == "RCP545"] == []
    (project.path / ".git").mkdir()
    inside = project.run("validate")
    assert (
        'info[RCP545]: the list "people" keeps people\'s addresses in Git, which forgets none (1 of them)' in inside.out
    )
    assert "ann@acme.nowhere" not in inside.out + inside.err
