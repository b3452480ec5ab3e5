"""The pages in docs/ say what the code does: codes, commands, options, keys and states, none too many, none missing."""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from runner.cli.main import flypast
from runner.delivery import retry
from runner.errors import Exit
from runner.judge import judge, schema_names
from runner.model import State
from runner.rendering.filters import FILTERS
from runner.rendering.operations import TESTS
from runner.sandbox.faults import KINDS
from runner.sms import PLAIN

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
PAGES += sorted((DOCS / "guides").glob("*.md"))
CODE_PAGES = sorted((DOCS / "findings").glob("*.md"))  # their examples have tests of their own
CODE = re.compile(r"\b(?:YML|SCH|REF|TPL|RCP|MSG|CHN|POL)[0-9]{3}\b")
YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    return (DOCS / page).read_text()


def sources() -> Iterator[tuple[Path, str]]:
    for path in (ROOT / "runner").rglob("*.py"):
        yield path, path.read_text()


def rows_of_codes() -> list[list[str]]:
    """The rows of findings.md: the code without the link to its page, what it means, what to do."""
    rows = [cells for cells in table_rows("findings.md") if CODE.search(cells[0])]
    assert [cells[0] for cells in rows if not re.fullmatch(r"\[(\w+)\]\(findings/\1\.md\)", cells[0])] == []
    return [[cells[0][1:7], *cells[1:]] for cells in rows]


def table_rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page."""
    lines = [line for line in text_of(page).splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# Findings


def test_every_code_of_the_source_is_explained_and_the_reverse() -> None:
    used = {code for _, source in sources() for code in re.findall(f'"({CODE.pattern})"', source)}
    explained = {cells[0] for cells in rows_of_codes()}
    assert explained == used


def test_codes_are_explained_once_in_order_with_a_way_out() -> None:
    rows = rows_of_codes()
    letters = list(dict.fromkeys(cells[0][:3] for cells in rows))
    assert [cells[0] for cells in rows] == sorted({cells[0] for cells in rows}, key=lambda c: (letters.index(c[:3]), c))
    assert [cells for cells in rows if len(cells) != 3 or not all(cells)] == []


def test_warnings_are_marked() -> None:
    warned = {code for _, source in sources() for code in re.findall(rf'\.warning\(\s*"({CODE.pattern})"', source)}
    marked = {cells[0] for cells in rows_of_codes() if cells[1].startswith("warning: ")}
    assert warned <= marked
    assert {code for code in marked - warned if code != "RCP537"} == set()  # that one is told through the list's faults


# Exit codes


def test_exit_codes_are_those_of_the_code() -> None:
    rows = {int(cells[0]): cells for cells in table_rows("exit-codes.md") if cells[0].isdigit()}
    assert list(rows) == [int(code) for code in Exit]
    assert all(cells[1] for cells in rows.values())


def test_the_readme_has_the_same_exit_codes() -> None:
    in_readme = [int(code) for code in re.findall(r"^\| ([0-9]+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)]
    assert in_readme == [int(code) for code in Exit]


# The command line


def commands(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from commands(command, (*above, name))
            if not isinstance(command, click.Group) or command.invoke_without_command:
                yield " ".join((*above, name)), command


COMMANDS = dict(commands(flypast))


def test_every_command_is_described_and_no_other() -> None:
    described = set(re.findall(r"^\| `flypast ([a-z ]+[a-z])[^`]*` \|", text_of("cli.md"), re.MULTILINE))
    assert described == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    missing = [
        option
        for parameter in COMMANDS[name].params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--") and not re.search(rf"{option}\b", text_of("cli.md"))
    ]
    assert missing == []


def test_no_option_is_described_that_does_not_exist() -> None:
    known = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    known |= {"--help", "--version"}
    for page in (*PAGES, *CODE_PAGES):
        words = re.sub(r"^.*(?:python|pip|apt-get).*$", "", page.read_text(), flags=re.MULTILINE)
        not_yet = re.search(r"^## Not yet\n.*?(?=^## )", words, re.MULTILINE | re.DOTALL)
        words = words.replace(not_yet[0], "") if not_yet else words
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", words)) - known == set(), page.name


def test_what_consents_has_no_variable() -> None:
    named = set(re.findall(r"`(--[a-z-]+)`", text_of("cli.md").split("Not so what consents")[1].split(":")[0]))
    without = {
        parameter.opts[0]
        for command in COMMANDS.values()
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.envvar is None and parameter.name != "help"
    }
    assert without == named


def test_every_schema_is_named() -> None:
    rows = table_rows("cli.md")
    assert set(schema_names()) == {cells[1].strip("`") for cells in rows if cells[1].strip("`") in schema_names()}


def test_every_fault_of_the_sandbox_is_described() -> None:
    assert [kind for kind in KINDS if not kind.isdigit() and f"`{kind}" not in text_of("cli.md")] == []


# The manifest


def own_keys(schema: dict[str, Any], definition: str) -> set[str]:
    return set(schema["$defs"][definition]["properties"])


def test_every_key_of_the_manifest_is_described() -> None:
    schema = json.loads((ROOT / "schemas" / "manifest.schema.json").read_text())
    keys = set(schema["properties"])
    for definition in ("channel", "recipientList", "listContact", "message", "policy"):
        keys |= own_keys(schema, definition)
    for nested in ("limits", "stopAfter", "quietHours", "repeatGuard"):
        keys |= set(schema["$defs"]["policy"]["properties"][nested]["properties"])
    text = text_of("manifest.md")
    assert [key for key in sorted(keys) if not re.search(rf"[`.{{ ]{re.escape(key)}[`:,. ]", text)] == []


def test_every_filter_and_test_of_expressions_is_named() -> None:
    text = text_of("manifest.md")
    for title, known in (("Filters", FILTERS), ("Tests", TESTS)):
        named = re.search(rf"\*\*{title}\*\*[^:]*:([^.]*)\.", text)
        assert named is not None
        assert sorted(re.findall(r"\w+", named[1])) == sorted(known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_yaml_on_a_page_is_a_manifest_or_a_part_of_one(page: Path) -> None:
    for block in YAML_BLOCK.findall(page.read_text()):
        data = yaml.safe_load(block)
        if not data.keys() & {"jobs", "repos"}:  # a workflow, hooks of pre-commit
            errors = judge("manifest").errors({"apiVersion": "flypast/v1", "name": "part", **data})
            assert [f"{error.path}: {error.message}" for error in errors] == []


# Reliability


class Shown(StrEnum):
    """States as people read them."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IN_DOUBT = "in doubt"
    ABSENT = "absent"
    DROPPED = "dropped"


def test_every_state_is_described() -> None:
    assert {state.name for state in State} == {state.name for state in Shown}
    described = [cells[0] for cells in table_rows("reliability.md") if cells[0] in set(Shown)]
    assert described == [state.value for state in Shown]


def test_the_numbers_of_reliability_are_those_of_the_code() -> None:
    text = text_of("reliability.md")
    assert f"up to {retry.MAX_ATTEMPTS} times" in text
    assert f"at least {retry.Breaker.FEWEST} requests\nwithin {retry.Breaker.WINDOW_S:g} s" in text


# The pages themselves


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path) if path else page
        assert to.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", to.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, target


def test_pages_that_the_code_names_exist() -> None:
    named = {page for _, source in sources() for page in re.findall(r"docs/[\w-]+\.md", source)}
    assert [page for page in sorted(named) if not (ROOT / page).exists()] == []


def test_the_change_log_knows_this_version() -> None:
    from runner import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_manifest_page_names_every_character_that_smart_encoding_replaces() -> None:
    (section,) = re.findall(
        r"^### Smart encoding$(.*?)^### What it costs", text_of("manifest.md"), re.MULTILINE | re.DOTALL
    )
    assert sorted(re.findall(r"U\+([0-9A-F]{4})\b", section)) == sorted(f"{ord(each):04X}" for each in PLAIN)
