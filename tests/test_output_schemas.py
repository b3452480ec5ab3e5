"""What a command prints for machines is what its schema says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from .conftest import KEY, Project, Ran, Server

SCHEMAS = Path(__file__).parent.parent / "schemas"


def fits(schema: str, value: Any) -> Any:
    """The value, after its schema has taken it."""
    judge = jsonschema_rs.Draft202012Validator(json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
    assert [f"{error.instance_path}: {error.message}" for error in judge.iter_errors(value)] == []
    return value


def adds_up(tally: dict[str, int], parts: list[str]) -> bool:
    return tally["messages"] == sum(tally[part] for part in parts)


PLAN_PARTS = ["new", "accepted", "rejected", "inDoubt", "drift", "skipped"]
SEND_PARTS = ["accepted", "rejected", "inDoubt", "skipped", "planned"]


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.schema.json")), ids=lambda path: path.name)
def test_a_schema_is_one(path: Path) -> None:
    schema = json.loads(path.read_text())
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_validate_without_findings(project: Project) -> None:
    ran = project.run("validate", "--format", "json")
    assert ran.code == 0
    assert fits("findings", ran.json)["summary"] == {"files": 1, "errors": 0, "warnings": 0, "infos": 0, "ignored": 0}


def test_validate_with_findings(project: Project) -> None:
    project.write("people.csv", "phone,name\n+14155550100,\n12,Bob\n")
    ran = project.run("validate", "--format", "json")
    assert ran.code == 1
    found = fits("findings", ran.json)["findings"]
    assert {finding["path"] for finding in found} == {"people.csv"}
    assert ran.json["summary"]["errors"] == len(found) == 2


def test_plan(project: Project) -> None:
    ran = project.run("plan", "hello.yaml", "--format", "json")
    assert ran.code == 0
    plan = fits("plan", ran.json)
    assert adds_up(plan["totals"], PLAN_PARTS)
    assert plan["totals"]["new"] == plan["toSend"]["messages"] == 3
    assert len(plan["samples"]) == 3


def test_a_plan_that_a_send_would_refuse(project: Project) -> None:
    project.write("hello.yaml", (project.path / "hello.yaml").read_text() + "policy: {limits: {messages: 2}}\n")
    ran = project.run("plan", "hello.yaml", "--format", "json")
    assert ran.code == 4
    assert len(fits("plan", ran.json)["refusals"]) == 1


def test_a_plan_with_everything_in_it(project: Project, serve: Callable[..., Server]) -> None:
    """Accepted, rejected, in doubt, skipped, gone and drifted."""
    server = serve("--fault", "422:after:1:first:2", "--fault", "500-after:after:2:first:3")
    project.people(4)
    sent = project.run(
        "send", "hello.yaml", *to(server), "--concurrency", "1", "--yes", "--format", "json", BIRD_ACCESS_KEY=KEY
    )
    assert sent.code == 6
    assert fits("send", sent.json)["run"] == {"accepted": 2, "rejected": 1, "inDoubt": 1}
    rows = (project.path / "people.csv").read_text().splitlines()
    rows[-1] = rows[-1].replace("Person 3", "Person 4")
    project.write("people.csv", "\n".join([rows[0], *rows[2:], rows[-1], "+12025550199,New"]) + "\n")
    ran = project.run("plan", "hello.yaml", *to(server), "--format", "json")
    assert ran.code == 0
    totals = fits("plan", ran.json)["totals"]
    assert totals == {
        "messages": 5, "new": 1, "accepted": 0, "rejected": 1, "inDoubt": 1, "drift": 1, "skipped": 1, "segments": 1,
        "templates": 0,
    }  # fmt: skip
    assert ran.json["gone"] == {"accepted": 1}


def to(server: Server) -> list[str]:
    return ["--api-url", server.url]


def test_a_send_that_did_all(project: Project) -> None:
    sent = project.run("send", "hello.yaml", "--sandbox", "--format", "json")
    assert sent.code == fits("send", sent.json)["exitCode"] == 0
    assert adds_up(sent.json["totals"], SEND_PARTS)
    assert sent.json["stopped"] is None


def test_a_send_that_bird_refused(project: Project, serve: Callable[..., Server]) -> None:
    sent = project.run(
        "send", "hello.yaml", *to(serve("--fault", "401")), "--yes", "--format", "json", BIRD_ACCESS_KEY=KEY
    )
    assert sent.code == fits("send", sent.json)["exitCode"] == 7
    assert adds_up(sent.json["totals"], SEND_PARTS)
    assert sent.json["totals"]["planned"] == 3
    assert "401" in sent.json["stopped"]


def no_key(project: Project) -> Ran:
    return project.run("send", "hello.yaml", "--format", "json")


def no_consent(project: Project) -> Ran:
    return project.run("send", "hello.yaml", "--format", "json", BIRD_ACCESS_KEY=KEY)


def another_digest(project: Project) -> Ran:
    return project.run("send", "hello.yaml", "--sandbox", "--expect", "0" * 64, "--format", "json")


def nobody(project: Project) -> Ran:
    project.write("people.csv", "phone,name\n")
    return project.run("send", "hello.yaml", "--sandbox", "--format", "json")


@pytest.mark.parametrize("refused", [no_key, no_consent, another_digest, nobody])
def test_a_send_that_was_refused(refused: Callable[[Project], Ran], project: Project) -> None:
    sent = refused(project)
    assert sent.code == fits("send", sent.json)["exitCode"] == 4
    assert sent.json["stopped"]
    assert sent.json["run"] == {"accepted": 0, "rejected": 0, "inDoubt": 0}


def test_a_send_with_findings(project: Project) -> None:
    project.write("people.csv", "phone,name\n12,Bob\n")
    sent = project.run("send", "hello.yaml", "--sandbox", "--format", "json")
    assert sent.code == fits("send", sent.json)["exitCode"] == 1
    assert [finding["code"] for finding in sent.json["findings"]] == ["RCP532"]


def test_status_in_both_forms(project: Project, serve: Callable[..., Server]) -> None:
    server = serve("--fault", "422:first:1")
    project.run("send", "hello.yaml", *to(server), "--yes", BIRD_ACCESS_KEY=KEY)
    counts = fits("status", project.run("status", "hello.yaml", *to(server), "--format", "json").json)
    assert adds_up(counts["totals"], ["accepted", "rejected", "inDoubt", "planned", "dropped"])
    assert counts["totals"]["accepted"] == 2
    lines = project.run("status", "hello.yaml", *to(server), "--format", "jsonl").lines
    assert sorted(fits("status-line", line)["state"] for line in lines) == ["accepted", "accepted", "rejected"]
    assert all("4155550" not in line["recipient"] for line in lines)


def test_render(project: Project) -> None:
    masked = project.run("render", "hello.yaml").lines
    shown = project.run("render", "hello.yaml", "--show-pii").lines
    assert len([fits("render-line", line) for line in (*masked, *shown)]) == 6
    assert "Person 1" not in json.dumps(masked)
    assert "Person 1" in json.dumps(shown)


def test_a_rendered_request_is_one_that_bird_takes(project: Project) -> None:
    for line in project.run("render", "hello.yaml", "--show-pii").lines:
        fits("request", line["request"])
