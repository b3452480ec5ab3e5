"""`validate --fix`: what it changes in a file, and that nothing else in it moves."""

import stat
from pathlib import Path

import pytest

from tests.conftest import CHANNEL, WORKSPACE, Project

WRONG = f"""\
# The spring campaign.   Two spaces stay:  so.
apiVersion: flypast/v1
name: spring
edition: 1.10   # quoted it stays 1.10

chanels:   # misspelt
  sms: {{workspaceId: {WORKSPACE}, "chanelId": {CHANNEL}}}
recipients:
  people:
    contacts:
      - identifierValue: +14155550177
        parameters: {{name: Ann}}
messages:
  greet:
    channel: sms
    to: people
    body:
      type: text
      text:
        text: {{{{ name }}}}
"""
RIGHT = (
    WRONG.replace("1.10   #", '"1.10"   #')
    .replace("chanels:", "channels:")
    .replace('"chanelId"', '"channelId"')
    .replace("+14155550177", '"+14155550177"')
    .replace("{{ name }}", '"{{ name }}"')
)


@pytest.fixture
def wrong(project: Project) -> Project:
    project.write("hello.yaml", WRONG)
    return project


def test_what_is_safe_is_put_right_and_all_else_stays(wrong: Project) -> None:
    ran = wrong.run("validate", "--fix")
    assert (wrong.path / "hello.yaml").read_text() == RIGHT
    assert (ran.code, ran.err) == (0, "hello.yaml: 5 findings put right\n1 manifest checked: no findings\n")


def test_without_it_nothing_is_written(wrong: Project) -> None:
    assert wrong.run("validate").code == 1
    assert (wrong.path / "hello.yaml").read_text() == WRONG


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_breaks_a_byte_order_mark_and_the_mode_stay(wrong: Project, ends: str) -> None:
    path = wrong.path / "hello.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + WRONG.replace("\n", ends).encode())
    path.chmod(0o640)
    assert wrong.run("validate", "--fix", "hello.yaml").code == 0
    assert path.read_bytes() == b"\xef\xbb\xbf" + RIGHT.replace("\n", ends).encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(wrong.path.glob(".flypast-*")) == []


def test_what_is_included_is_put_right_once(wrong: Project) -> None:
    channels = f"apiVersion: flypast/v1\nchannels:\n  sms: {{workspaceID: {WORKSPACE}, channelId: {CHANNEL}}}\n"
    wrong.write("lib/channels.yaml", channels)
    for name in ("hello", "other"):
        head, rest = RIGHT.replace("spring", name).split("channels:")
        body = rest.split("recipients:")[1]
        wrong.write(f"{name}.yaml", f"{head}include: [lib/channels.yaml]\nrecipients:{body}")
    ran = wrong.run("validate", "--fix")
    assert (wrong.path / "lib" / "channels.yaml").read_text() == channels.replace("workspaceID", "workspaceId")
    assert (ran.code, ran.err.split("\n")[0]) == (0, "lib/channels.yaml: 1 finding put right")


def test_a_second_run_finds_nothing_to_do(wrong: Project) -> None:
    wrong.run("validate", "--fix")
    assert wrong.run("validate", "--fix").err == "1 manifest checked: no findings\n"


def test_what_has_no_safe_way_out_is_told_as_always(wrong: Project) -> None:
    wrong.write("hello.yaml", WRONG.replace("to: people", "to: peple\n    api_key: x"))
    ran = wrong.run("validate", "--fix", "--format", "json")
    assert ran.code == 1
    assert {finding["code"] for finding in ran.json["findings"]} == {"SCH201", "REF311"}
    assert "peple\n    api_key: x" in (wrong.path / "hello.yaml").read_text()


def test_parameters_that_the_operator_gives_are_not_the_repositorys_to_change(wrong: Project, tmp_path: Path) -> None:
    given = tmp_path / "given.yaml"
    given.write_text("name: {{ x }}\n")
    wrong.write("hello.yaml", RIGHT)
    assert wrong.run("validate", "--fix", "--parameters", given).code == 1
    assert given.read_text() == "name: {{ x }}\n"


def test_standard_input_is_no_file(wrong: Project) -> None:
    ran = wrong.run("validate", "--fix", "-", stdin=WRONG)
    assert (ran.code, "standard input is none" in ran.err) == (2, True)


def test_people_in_what_is_put_right_are_not_shown(wrong: Project) -> None:
    for kind in ("text", "json", "sarif", "markdown"):
        ran = wrong.run("validate", "--format", kind)
        assert "4155550177" not in ran.out + ran.err


def test_a_link_stays_a_link_and_what_it_leads_to_is_put_right(wrong: Project) -> None:
    (wrong.path / "hello.yaml").rename(wrong.path / "real.yml")
    (wrong.path / "hello.yaml").symlink_to("real.yml")
    assert wrong.run("validate", "--fix", "hello.yaml").code == 0
    assert (wrong.path / "hello.yaml").is_symlink()
    assert (wrong.path / "real.yml").read_text() == RIGHT


def test_a_file_that_is_read_only_stays_as_it_is(wrong: Project) -> None:
    (wrong.path / "hello.yaml").chmod(0o444)
    ran = wrong.run("validate", "--fix")
    assert (ran.code, "hello.yaml is read-only" in ran.err) == (2, True)
    assert (wrong.path / "hello.yaml").read_text() == WRONG


def test_a_file_without_a_last_line_break_gets_none(wrong: Project) -> None:
    wrong.write("hello.yaml", WRONG.rstrip("\n"))
    wrong.run("validate", "--fix")
    assert (wrong.path / "hello.yaml").read_text() == RIGHT.rstrip("\n")
