"""Each value of a valid request of each kind made wrong, one at a time: one finding, at its line and column."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.findings import Finding, Findings, Place
from runner.judge import judge
from runner.manifest.documents import Document, load_document
from runner.manifest.explain import schema_findings
from tests import mutants
from tests.mutants import Steps

REQUESTS = mutants.requests()
MESSAGE: Steps = ("messages", "only")
WRONG: dict[type, Any] = {str: 7, int: "x", float: "x", bool: "x", list: "x", dict: "x", type(None): 7}


def load(request: dict[str, Any]) -> tuple[Document, tuple[Finding, ...]]:
    findings = Findings()
    source = json.dumps(mutants.in_manifest(request), indent=2, ensure_ascii=False)
    document = load_document(source.encode(), Path("spring.yaml"), "spring.yaml", findings)
    assert document is not None
    schema_findings(document, findings)
    return document, tuple(finding for finding in findings.sorted() if finding.code.startswith("SCH"))


def changed(request: dict[str, Any], path: Steps, value: Any) -> dict[str, Any]:
    copied = copy.deepcopy(request)
    mutants.put(copied, path, copy.deepcopy(value))
    return copied


def without(request: dict[str, Any], path: Steps) -> dict[str, Any]:
    copied = copy.deepcopy(request)
    held: Any = copied
    for step in path[:-1]:
        held = held[step]
    del held[path[-1]]
    return copied


def values(index: int) -> Iterator[tuple[Steps, Any]]:
    yield from ((path, value) for path, value in mutants.nodes(REQUESTS[index]) if path)


def starts(place: Place) -> tuple[int, int]:
    return place.line, place.column


@pytest.mark.parametrize("index", range(len(REQUESTS)))
def test_a_value_of_another_type_is_one_finding_where_it_stands(index: int) -> None:
    judged = 0
    for path, value in values(index):
        mutant = changed(REQUESTS[index], path, WRONG[type(value)])
        if judge("request").is_valid(mutant):
            continue  # Bird leaves open what stands there
        document, findings = load(mutant)
        assert len(findings) == 1, (path, [finding.message for finding in findings])
        assert starts(findings[0].place) == starts(document.place((*MESSAGE, *path))), path
        judged += 1
    assert judged >= 3


@pytest.mark.parametrize("index", range(len(REQUESTS)))
def test_a_value_that_is_missing_is_one_finding_at_what_lacks_it(index: int) -> None:
    for path, _ in values(index):
        mutant = without(REQUESTS[index], path)
        if path == ("receiver",) or mutant.get("body", "") is None or judge("request").is_valid(mutant):
            continue  # a list's `to` stands for the receiver; of a null body with no template the body is told
        document, findings = load(mutant)
        assert len(findings) == 1, (path, [finding.message for finding in findings])
        owner = (*MESSAGE, *path[:-1])
        assert starts(findings[0].place) in (starts(document.place(owner, of="key")), starts(document.place(owner))), (
            path
        )


@pytest.mark.parametrize("index", range(len(REQUESTS)))
def test_a_key_that_nobody_knows_is_one_finding_at_the_key(index: int) -> None:
    for path, value in [((), REQUESTS[index]), *values(index)]:
        if not isinstance(value, dict):
            continue
        mutant = changed(REQUESTS[index], (*path, "zzz"), "x")
        if judge("request").is_valid(mutant):
            continue
        document, findings = load(mutant)
        assert [finding.message for finding in findings] == ['unknown key "zzz"'], path
        assert starts(findings[0].place) == starts(document.place((*MESSAGE, *path, "zzz"), of="key")), path


@pytest.mark.parametrize("text", ["{{optOutLink}}", "{{ first_name }", "%}", "{#", "{% raw %}", "\U0001f600", "'\"\\"])
def test_texts_that_look_like_expressions_or_quotes_break_no_rule_of_the_schema(text: str) -> None:
    for request in REQUESTS:
        for path, value in mutants.nodes(request):
            if path[-2:] == ("text", "text") and isinstance(value, str):
                assert load(changed(request, path, text))[1] == ()


@pytest.mark.parametrize("content", [{"text": 7}, "x", {"zzz": 1}, {"images": []}])
def test_what_does_not_go_with_its_type_is_one_finding_whatever_is_in_it(content: Any) -> None:
    body = {"type": "gif", "gif": {"mediaUrl": "https://acme.example/a.gif"}, "image": content}
    _, (finding,) = load({"receiver": mutants.RECEIVER, "body": body})
    assert (finding.code, finding.message) == ("SCH210", '"image" does not go with type gif')


@pytest.mark.parametrize("kind", ["sticker", "html", "section"])
def test_a_type_that_can_not_stand_there_is_one_finding_with_its_content(kind: str) -> None:
    item = {"type": "section", "section": {"items": [{"type": kind, kind: {"x": 1}}]}}
    _, (finding,) = load({"receiver": mutants.RECEIVER, "body": {"type": "section", "section": {"items": [item]}}})
    assert finding.code == "SCH204"


def test_each_of_many_misplaced_things_is_told() -> None:
    bodies = [{"type": "text", "text": {"text": "Hi"}, "image": {"x": 1}} for _ in range(500)]
    _, findings = load({"receiver": mutants.RECEIVER, "body": {"type": "section", "section": {"items": bodies}}})
    assert len(findings) == 500
