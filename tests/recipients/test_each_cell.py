"""One mistake in each cell of a list, whatever its format: one finding, at that cell."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CHANNEL, WORKSPACE
from tests.validating import found_in

COLUMNS = ("phone", "name", "city")
PEOPLE = (
    ("+14155550100", "Ann", "Łódź"),
    ("+14155550101", "Bob, Jr", "New York"),
    ("+14155550102", 'Cy "C"', "你好"),
)
WRONG = (("phone", "0770"), ("phone", "abc"), ("phone", ""), ("name", ""), ("city", ""))


def found(folder: Path, name: str, text: str) -> list[tuple[str, int, int]]:
    (folder / "spring.yaml").write_text(f"""\
apiVersion: flypast/v1
name: spring
channels: {{sms: {{workspaceId: {WORKSPACE}, channelId: {CHANNEL}}}}}
recipients: {{people: {{file: {name}}}}}
messages:
  greet: {{channel: sms, to: people, body: {{type: text, text: {{text: "{{{{ name }}}} of {{{{ city }}}}"}}}}}}
""")
    (folder / name).write_bytes(text.encode())
    places = [finding.place for finding in found_in(folder / "spring.yaml", folder)]
    return [(place.path, place.line, place.column) for place in places]


def changed() -> Iterator[tuple[int, str, list[dict[str, str]]]]:
    """Row, column and people of each mistake."""
    for row in range(len(PEOPLE)):
        for column, value in WRONG:
            people = [dict(zip(COLUMNS, person, strict=True)) for person in PEOPLE]
            people[row][column] = value
            yield row, column, people


def cell_column(line: str, number: int) -> int:
    """Where a cell of a line of CSV begins, by a walk over its quotes."""
    is_open = False
    for at, character in enumerate(line):
        if number == 0:
            return at + 1
        is_open ^= character == '"'
        number -= character == "," and not is_open
    return len(line) + 1


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_in_a_table(tmp_path: Path, end: str, mark: str) -> None:
    for row, column, people in changed():
        table = io.StringIO()
        writer = csv.DictWriter(table, COLUMNS, lineterminator=end)
        writer.writeheader()
        writer.writerows(people)
        at = cell_column(table.getvalue().splitlines()[row + 1], COLUMNS.index(column))
        assert found(tmp_path, "people.csv", mark + table.getvalue()) == [("people.csv", row + 2, at)]


@pytest.mark.parametrize("kind", ["jsonl", "json", "yaml"])
def test_in_a_list_of_objects(tmp_path: Path, kind: str) -> None:
    for row, column, people in changed():
        objects = [{name: value or None for name, value in person.items()} for person in people]
        written = {
            "jsonl": "\n".join(json.dumps(each, ensure_ascii=False) for each in objects),
            "json": json.dumps(objects, ensure_ascii=False, indent=1),
            "yaml": "".join(f"- {json.dumps(each, ensure_ascii=False)}\n" for each in objects),
        }[kind]
        lines = written.splitlines()
        line = [number for number, line in enumerate(lines) if f'"{column}"' in line][row]
        at = lines[line].index(f'"{column}": ') + len(f'"{column}": ') + 1
        assert found(tmp_path, f"people.{kind}", written) == [(f"people.{kind}", line + 1, at)]


def test_a_column_without_a_name_is_one_mistake(tmp_path: Path) -> None:
    assert found(tmp_path, "people.csv", ",name,city\n+14155550100,Ann,Rome\n") == [("people.csv", 1, 1)]
