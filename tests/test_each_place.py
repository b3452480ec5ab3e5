"""One mistake at each place of the examples: one finding, at that place, with what to write instead.

A slice of the places runs here, all of them with FLYPAST_TEST_PLACES=all (make places).
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from runner.cli.fixing import fix_all
from runner.findings import Finding, Findings, Severity
from runner.pipeline import Inputs

from .places import ANY_VALUE, OF_PARAMETERS, OPEN, PAIRS, UNKNOWN, Mistake, Spot, mistakes, slashed, spots
from .validating import found_in

EXAMPLES = Path(__file__).parent.parent / "examples"
EVERY = 1 if os.environ.get("FLYPAST_TEST_PLACES") else 37


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("places") / "examples"
    shutil.copytree(EXAMPLES, folder)
    (folder / ".git").mkdir()
    return folder


def start(finding: Finding) -> tuple[str, int, int]:
    return finding.place.path, finding.place.line, finding.place.column


def sliced(found: Iterator[Mistake], kind: str) -> list[Mistake]:
    return [mistake for mistake in found if mistake.kind == kind][::EVERY]


def told(examples: Path, main: str, changed: str, text: str) -> list[Finding]:
    """What is found with this text in the file, beside what is said of the example as it stands."""
    path, written = examples / changed, (examples / changed).read_text()
    before = {(finding.code, finding.message) for finding in found_in(examples / main, examples)}
    path.write_text(text)
    try:
        return [each for each in found_in(examples / main, examples) if (each.code, each.message) not in before]
    finally:
        path.write_text(written)


@pytest.mark.parametrize(("main", "changed"), PAIRS)
def test_a_misspelt_key_is_told_once_at_the_key_with_the_right_one(examples: Path, main: str, changed: str) -> None:
    for mistake in sliced(mistakes((examples / changed).read_text()), "misspelt"):
        found = told(examples, main, changed, mistake.text)
        assert len(found) <= 1, (mistake, found)
        if OPEN.fullmatch(slashed(mistake.path[:-1])):
            assert not found or mistake.was in found[0].message + (found[0].hint or ""), (mistake, found)
            continue
        assert [(start(each), each.code) for each in found] == [((changed, mistake.line, mistake.column), "SCH201")]
        assert f'"{mistake.was}"' in (found[0].hint or ""), (mistake, found)


@pytest.mark.parametrize(("main", "changed"), PAIRS)
def test_a_key_that_nobody_knows_is_told_once_at_the_key(examples: Path, main: str, changed: str) -> None:
    for mistake in sliced(mistakes((examples / changed).read_text()), "unknown"):
        found = told(examples, main, changed, mistake.text)
        if OPEN.fullmatch(slashed(mistake.path[:-1])):
            assert len(found) <= 1, (mistake, found)
            continue
        assert [(start(each), each.code) for each in found] == [((changed, mistake.line, mistake.column), "SCH201")]
        assert found[0].hint, (mistake, found)


@pytest.mark.parametrize(("main", "changed"), PAIRS)
def test_a_key_that_stands_twice_is_told_once_with_both_places(examples: Path, main: str, changed: str) -> None:
    for mistake in sliced(mistakes((examples / changed).read_text()), "repeated"):
        (found,) = told(examples, main, changed, mistake.text)
        assert (found.code, start(found)) == ("YML119", (changed, mistake.line, mistake.column)), mistake
        assert found.also[0].path == changed


@pytest.mark.parametrize(("main", "changed"), PAIRS)
def test_a_value_of_another_kind_is_told_once_where_it_stands(examples: Path, main: str, changed: str) -> None:
    for mistake in sliced(mistakes((examples / changed).read_text()), "other type"):
        path = slashed(mistake.path)
        found = told(examples, main, changed, mistake.text)
        if ANY_VALUE.fullmatch(path):
            assert found == []
        elif OF_PARAMETERS.match(path):
            assert len(found) <= 1, (mistake, found)  # where it is used, if it is
        else:
            assert [start(each) for each in found] == [(changed, mistake.line, mistake.column)], (mistake, found)
            assert found[0].severity is Severity.ERROR


@pytest.mark.parametrize(("main", "changed"), PAIRS)
def test_what_is_put_right_by_itself_is_as_it_was(
    examples: Path, main: str, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(examples)
    path, written = examples / changed, (examples / changed).read_text()
    for mistake in sliced(mistakes(written), "misspelt"):
        if not OPEN.fullmatch(slashed(mistake.path[:-1])):
            path.write_text(mistake.text)
            fixed = fix_all([examples / main], Inputs())
            assert (path.read_text(), sum(fixed.values())) == (written, 1), mistake
            assert fix_all([examples / main], Inputs()) == {}


def in_flow(text: str) -> Iterator[Spot]:
    """The maps in braces under `messages` that stand on one line."""
    for spot in spots(text):
        value = spot.value
        is_map = isinstance(value, yaml.MappingNode) and bool(value.flow_style)
        if is_map and spot.path[0] == "messages" and value.start_mark.line == value.end_mark.line:
            yield spot


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize(("main", "changed"), PAIRS[:4])
def test_what_is_used_by_an_alias_is_told_where_it_is_written_and_where_it_is_used(
    examples: Path, main: str, changed: str, merge: bool
) -> None:
    text = (examples / changed).read_text()
    for spot in list(in_flow(text))[:: max(1, EVERY // 3)]:
        start_at, end_at = spot.value.start_mark.index, spot.value.end_mark.index
        use, head = "{<<: *shared}" if merge else "*shared", "x-shared: &shared "
        written = text[start_at:end_at]
        rest = text[:start_at] + use + text[end_at:]
        for mistake in list(mistakes(written))[::EVERY]:
            if mistake.kind == "repeated" or OPEN.fullmatch(slashed((*spot.path, *mistake.path[:-1]))):
                continue
            found = told(examples, main, changed, f"{head}{mistake.text}\n{rest}")
            if not found and ANY_VALUE.fullmatch(slashed((*spot.path, *mistake.path))):
                continue
            (one,) = found
            assert start(one) == (changed, 1, len(head) + mistake.column), (mistake, found)
            line = rest.count("\n", 0, start_at) + 2
            column = start_at - rest.rfind("\n", 0, start_at) + ("{<<: ".__len__() if merge else 0)
            assert (line, column) in [(place.line, place.column) for place in one.also], (mistake, one)


def test_the_order_in_which_findings_are_met_changes_nothing(examples: Path) -> None:
    text = (examples / "reminders/reminders.yaml").read_text()
    found = told(examples, "reminders/reminders.yaml", "reminders/reminders.yaml", text.replace("sms-us:", "sms:"))
    orders = []
    for order in (found, found[::-1]):
        findings = Findings()
        for each in order:
            findings.add(replace(each, also=()), cause="one")
        orders.append(findings.sorted())
    assert orders[0] == orders[1]
    assert UNKNOWN not in str(orders)
