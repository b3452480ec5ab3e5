"""`flypast explain`: a code's page, all codes, and codes that are none."""

import re

import pytest

from runner.codes import codes, families, page
from runner.output.explain_text import page_text
from runner.output.palette import Palette
from tests.conftest import Project

PAGE = """\
warning[MSG603]: a text that ends in a newline

`|` keeps the line break at the end of a block, and it is sent. It is one
character more for everybody: at 160 characters it makes two segments of one,
and the bill is doubled by something that nobody can see.

Write `|-`, which drops it.

Wrong

    messages:
      greet:
        channel: sms
        to: people
        body:
          type: text
          text:
            text: |
              See you on Monday.

Right

    messages:
      greet:
        channel: sms
        to: people
        body:
          type: text
          text:
            text: |-
              See you on Monday.
"""


@pytest.mark.parametrize("code", ["MSG603", "msg603"])
def test_a_code_has_its_page_as_plain_text_without_a_terminal(project: Project, code: str) -> None:
    ran = project.run("explain", code)
    assert (ran.code, ran.out, ran.err) == (0, PAGE, "")


def test_in_colours_the_words_are_the_same(project: Project) -> None:
    painted = project.run("explain", "MSG603", FORCE_COLOR="1").out
    assert painted.startswith("\x1b[1;33mwarning[MSG603]\x1b[0m: \x1b[1m")
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == PAGE.replace("`", "")
    assert project.run("explain", "MSG603", FORCE_COLOR="1", NO_COLOR="1").out == PAGE


@pytest.mark.parametrize("code", codes())
def test_every_page_fits_a_terminal_of_80_columns(code: str) -> None:
    lines = page_text(code, codes()[code], page(code), Palette(False)).splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_commands_and_further_files_are_told_from_the_manifest(project: Project) -> None:
    page = project.run("explain", "RCP543").out
    assert "\n    $ flypast validate spring.yaml --set shop=Test\n" in page
    assert "\n  people.csv:\n\n    phone,shop\n" in page


def test_no_code_lists_all_in_families_a_line_each(project: Project) -> None:
    ran = project.run("explain")
    assert ran.code == 0
    assert re.findall(r"^  ([A-Z]{3}[0-9]{3})  \S", ran.out, re.MULTILINE) == list(codes())
    assert re.findall(r"^([A-Z]{3}): ", ran.out, re.MULTILINE) == [family.letters for family in families()]
    assert [line for line in ran.out.splitlines() if len(line) > 80] == []
    assert "\n  YML128  ` #` cuts a text (warning)\n" in ran.out
    assert ran.err.strip() == "flypast explain CODE prints a code's page"


@pytest.mark.parametrize(
    ("code", "hint"),
    [("SHC201", 'did you mean "SCH201"?'), ("nothing", "flypast explain lists all codes"), ("\x1b[2J", "lists all")],
)
def test_a_code_that_is_none_is_a_mistake_of_usage(project: Project, code: str, hint: str) -> None:
    ran = project.run("explain", code)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no code" in ran.err
    assert hint in ran.err
    assert "\x1b" not in ran.err


def test_shells_complete_codes(project: Project) -> None:
    ran = project.run(_FLYPAST_COMPLETE="zsh_complete", COMP_LINE="flypast explain CHN70")
    lines = dict(line.split("\t") for line in ran.out.splitlines())
    assert list(lines) == [code for code in codes() if code.startswith("CHN70")]
    assert "a body that an SMS channel can't take" in lines.values()
