"""People who come one by one are composed together where they are alike, and nobody can tell by the messages."""

import csv
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from runner.findings import Findings
from runner.model import Json
from runner.pipeline import Order, gathered
from runner.pipeline.alike import brought_together
from runner.pipeline.people import Person, person_of
from runner.plan import Composed, Sheaf, one_by_one
from runner.project import Project
from runner.recipients.crowds import Crowd

from .test_sides import MANIFEST
from .test_together import a_crowd, facts

ROWS = 600
ODD: dict[int, dict[str, Json]] = {
    7: {"name": 12},
    200: {"name": None},
    201: {"name": "", "more": ["n/a"]},
    300: {"order": "7"},
    400: {"phone": "415 555-0177"},
    401: {"phone": "nobody"},
    500: {"more": {"a": 1}},
}


def a_row(number: int) -> dict[str, Json]:
    common = {"phone": f"+1415555{100 + number % 100:04}", "name": "Ada", "order": f"o{number}", "more": "x"}
    return common | ODD.get(number, {})


def planned(folder: Path, file: str) -> tuple[list[object], list[tuple[str, str]], int]:
    """What comes of the list, what is told of it, and how much of it came together."""
    path = folder / "spring.yaml"
    path.write_text(MANIFEST.replace("people.csv", file))
    order = Order(path=path, source=path.read_bytes(), project=Project(root=folder, working=folder))
    findings, sheaves = Findings(), 0

    def counted() -> Iterator[object]:
        nonlocal sheaves
        for item in gathered(order.load(findings), order, findings, []):
            sheaves += isinstance(item, Sheaf)
            yield from one_by_one([item])

    items = [facts(item) if isinstance(item, Composed) else item for item in counted()]
    return items, sorted((each.code, each.message) for each in findings.sorted()), sheaves


def test_rows_of_json_lines_come_together_as_those_of_a_table_do(tmp_path: Path) -> None:
    rows = [a_row(number) for number in range(ROWS) if number not in {7, 201, 500}]
    (tmp_path / "people.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with (tmp_path / "people.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    table_items, table_findings, _ = planned(tmp_path, "people.csv")
    items, findings, sheaves = planned(tmp_path, "people.jsonl")
    assert sorted(map(repr, items)) == sorted(map(repr, table_items))
    assert findings == table_findings
    assert sheaves >= 6


def test_people_come_out_as_they_came_in() -> None:
    people = [person_of(a_crowd([("Ada", "o1", "")] * 450), index) for index in range(450)]
    people[3] = people[3]._replace(dropped="exclude")
    people[4] = people[4]._replace(is_suppressed=True)
    found = list(brought_together(iter(people), ("name", "order")))
    assert [len(list(same)) for _, same in groupby(found, key=type)] == [1, 2, 3]
    assert [each.size for each in found if isinstance(each, Crowd)] == [3, 200, 200, 45]
    again: list[Person] = []
    for each in found:
        again += [each] if isinstance(each, Person) else [person_of(each, index) for index in range(each.size)]
    assert [person.row for person in again] == [person.row for person in people]
    assert [person.recipient for person in again] == [person.recipient for person in people]


def test_who_has_an_unusual_value_under_a_name_that_is_used_stands_alone(tmp_path: Path) -> None:
    rows = [a_row(number) for number in range(ROWS)]
    (tmp_path / "people.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    items, findings, sheaves = planned(tmp_path, "people.jsonl")
    messages = [item for item in items if isinstance(item, tuple)]
    assert len(messages) == 2 * ROWS - 2 - 1 - 2 - 2  # nobody's number, not by `when`, and names that are no texts
    assert {code for code, _ in findings} >= {"TPL404", "RCP531"}
    assert sheaves >= 6
