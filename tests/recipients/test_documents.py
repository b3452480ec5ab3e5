"""JSON Lines, JSON and YAML lists."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.findings import Findings, Place
from runner.recipients.sources import cell_place

from .lists import a_list, at, read

PHONE = "+14155550100"


def test_json_lines_keep_their_types_and_skip_blank_lines(tmp_path: Path) -> None:
    lines = '\ufeff{"phone": "1", "n": 1, "x": 1.5, "ok": true, "none": null, "tags": ["a"]}\n\n  \r\n{"phone": "2"}'
    found = read(tmp_path, lines, suffix=".jsonl")
    assert found.findings == ()
    assert found.values[0] == {"phone": "1", "n": 1, "x": 1.5, "ok": True, "none": None, "tags": ["a"]}
    assert [(row.number, row.line) for row in found.rows] == [(1, 1), (2, 4)]


def test_json_keeps_the_line_of_each_item(tmp_path: Path) -> None:
    found = read(tmp_path, '[\n {"phone": "1"},\n\n {"phone":\n "2"}, {"phone": "3"}\n]\n', suffix=".json")
    assert found.findings == ()
    assert [(row.number, row.line, row.values["phone"]) for row in found.rows] == [
        (1, 2, "1"),
        (2, 4, "2"),
        (3, 5, "3"),
    ]
    places = [row.place("phone") for row in found.rows]
    assert [(place.line, place.column) for place in places] == [(2, 12), (5, 2), (5, 18)]


def test_an_empty_json_list_has_no_rows(tmp_path: Path) -> None:
    found = read(tmp_path, " [ ] \n", suffix=".json")
    assert (found.rows, found.findings) == ([], ())


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ('{"phone": }', "RCP517", 11),
        ('{"phone": "1"', "RCP517", 14),
        ('{"phone": "1"} {"phone": "2"}', "RCP517", 16),
        ('{"phone": NaN}', "RCP517", 1),
        ('{"phone": -Infinity}', "RCP517", 1),
        ('{"phone": 1e999}', "RCP517", 1),
        ('{"phone": ' + "9" * 5000 + "}", "RCP517", 1),
        ('{"phone": "1", "phone": "2"}', "RCP518", 25),
        ('{"phone": "1", "a": {"b": 1, "b": 2}}', "RCP518", 35),
        ('["phone"]', "RCP519", 1),
        ('"phone"', "RCP519", 1),
        ("12", "RCP519", 1),
        ('{"a": ' + "[" * 100_000, "RCP517", 1),
        ('{"a": ' + "[" * 101 + "]" * 101 + "}", "RCP517", 1),
        (r'{"a": "\ud800"}', "RCP517", 1),
        (r'{"\udfff": "a"}', "RCP517", 1),
        (r'{"a": ["\u0000"]}', "RCP515", 1),
        ('{"a": "' + "x" * 65_537 + '"}', "RCP516", 1),
        ('{"a": "tab\there"}', "RCP517", 11),
    ],
)
def test_a_bad_line_is_found_and_the_others_read(tmp_path: Path, line: str, code: str, column: int) -> None:
    found = read(tmp_path, f'{{"phone": "0"}}\n{line}\n{{"phone": "3"}}\n', suffix=".jsonl")
    assert at(found.only) == (code, 2, column)
    assert found.only.message.startswith("row 2: ")
    assert [row.number for row in found.rows] == [1, 3]


def test_what_is_deep_or_escaped_within_bounds_is_fine(tmp_path: Path) -> None:
    deep = '{"a": ' + "[" * 99 + "]" * 99 + "}"
    found = read(tmp_path, deep + "\n" + r'{"a": "\ud83d\ude00 \\u0000"}' + "\n", suffix=".jsonl")
    assert found.findings == ()
    assert found.rows[1].values == {"a": "😀 \\u0000"}


@pytest.mark.parametrize(
    ("content", "code", "line", "column"),
    [
        ("", "RCP517", 1, 1),
        ('{"contacts": []}', "RCP517", 1, 1),
        ('[{"phone": "1"}\n {"phone": "2"}]', "RCP517", 2, 2),
        ('[{"phone": "1"},\n]', "RCP517", 2, 1),
        ('[{"phone": "1"}', "RCP517", 1, 16),
        ('[{"phone": "1"}]\n[]', "RCP517", 2, 1),
        ('[{"phone": "1"},\n "x"]', "RCP519", 2, 2),
        ('[\n {"phone": "1", "phone": "2"}]', "RCP518", 2, 26),
        ("[" * 100_000, "RCP517", 1, 2),
    ],
)
def test_what_is_wrong_with_a_json_list_has_its_place(
    tmp_path: Path, content: str, code: str, line: int, column: int
) -> None:
    assert at(read(tmp_path, content, suffix=".json").only) == (code, line, column)


def test_all_bad_items_of_a_json_list_are_found(tmp_path: Path) -> None:
    found = read(tmp_path, '[1, {"a": NaN}, {"a": 1, "a": 2}, {"a": 3}]', suffix=".json")
    assert [finding.code for finding in found.findings] == ["RCP519", "RCP517", "RCP518"]
    assert found.values == [{"a": 3}]


def test_bytes_that_are_not_utf8_have_their_place_in_both(tmp_path: Path) -> None:
    content = b'[\n{"a": "\xff"}]'
    finding = read(tmp_path, content, suffix=".json").only
    assert at(finding) == ("RCP504", 2, 8)
    assert "byte 9 " in finding.message
    assert at(read(tmp_path, b'{"a": "\xff"}\n', suffix=".jsonl").only) == ("RCP504", 1, 8)


def test_a_list_that_is_read_whole_is_bounded(tmp_path: Path) -> None:
    finding = read(tmp_path, b" " * (8 * 2**20 + 1), suffix=".json").only
    assert finding.code == "RCP506"
    assert finding.hint is not None
    assert ".jsonl" in finding.hint


def test_a_line_of_json_lines_is_bounded(tmp_path: Path) -> None:
    assert at(read(tmp_path, '{"a": 1}\n{"a": "' + "x" * 2**20, suffix=".jsonl").only) == ("RCP506", 2, 1)


def test_a_value_in_json_lines_can_be_looked_for_again_later(tmp_path: Path) -> None:
    content = b'{"phone": "1"}\n\n{"phone" : "2"}\n'
    row = read(tmp_path, content, suffix=".jsonl").rows[1]
    again = cell_place(io.BytesIO(content), suffix=".jsonl", spec=a_list(), place=row.place(), column="phone")
    assert again == row.place("phone") == Place(path="people.jsonl", line=3, column=12)
    whole = io.BytesIO(b"[]")
    assert cell_place(whole, suffix=".json", spec=a_list(), place=row.place(), column="phone") == row.place()


@dataclass(frozen=True)
class Loaded:
    data: Any
    shown: str

    def place(self, path: tuple[str | int, ...], /) -> Place:
        return Place(path=self.shown, line=10 + int(path[0]), column=len(path))

    def is_plain(self, path: tuple[str | int, ...], /) -> bool:
        return str(self.data[int(path[0])][path[1]]).startswith("+")


def load_yaml(raw: bytes, _path: Path, shown: str, findings: Findings) -> Loaded | None:
    try:
        return Loaded(data=yaml.safe_load(raw), shown=shown)
    except yaml.YAMLError:
        findings.error("YML101", "not YAML", Place(path=shown))
        return None


def test_yaml_is_read_by_the_loader_it_is_given(tmp_path: Path) -> None:
    found = read(tmp_path, "- {phone: '1', n: 2}\n- phone: '2'\n", suffix=".yaml", load_yaml=load_yaml)
    assert found.values == [{"phone": "1", "n": 2}, {"phone": "2"}]
    assert [(row.number, row.line) for row in found.rows] == [(1, 10), (2, 11)]
    assert found.rows[1].place("phone") == Place(path="people.yaml", line=11, column=2)
    assert found.rows[1].place("nope") == Place(path="people.yaml", line=11, column=1)


def test_a_phone_number_without_quotes_in_yaml_is_told(tmp_path: Path) -> None:
    content = "- {phone: '1', n: 2}\n- {phone: '+14155550100'}\n"
    found = read(tmp_path, content, suffix=".yaml", load_yaml=load_yaml)
    assert at(found.only) == ("YML129", 11, 2)
    assert len(found.rows) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("phone: 1\n", "RCP519"),
        ("- 1\n", "RCP519"),
        ("- {1: a}\n", "RCP519"),
        ("[", "YML101"),
        (json.dumps([{"a": "x" * 65_537}]), "RCP516"),
    ],
)
def test_what_is_wrong_with_a_yaml_list(tmp_path: Path, content: str, code: str) -> None:
    found = read(tmp_path, content, suffix=".yaml", load_yaml=load_yaml)
    assert (found.only.code, found.rows) == (code, [])


def test_yaml_without_a_loader_is_a_mistake_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loader"):
        read(tmp_path, "[]", suffix=".yaml")
