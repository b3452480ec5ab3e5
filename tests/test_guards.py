"""What `--expect` may be, and what a plan that moved is told by."""

import json
from pathlib import Path

import pytest

from runner.errors import Exit, Refused, UsageError
from runner.guards import check_digest, expected_digest

from .test_plan import composed, message, planned

PLAN = planned([composed(message())]).plan
OTHER = "0" * 64
MOVED = "this is not the plan that was expected"


@pytest.mark.parametrize("given", ["a" * 64, "A" * 64, "0123456789abcdefABCDEF" + "0" * 42])
def test_a_digest_is_64_hexadecimal_digits_in_any_case(given: str) -> None:
    assert expected_digest(given) == (given.lower(), {})


@pytest.mark.parametrize("given", ["", "a" * 63, "a" * 65, "g" * 64, "plan.json"])
def test_what_is_neither_a_digest_nor_a_file_is_a_mistake_of_usage(given: str) -> None:
    with pytest.raises(UsageError, match="neither a digest") as stop:
        expected_digest(given)
    assert stop.value.exit_code is Exit.USAGE


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"7", b"null", b"[]", b"{}", b'"digest"', b'{"inputs": {}}', b"[" * 100_000],
    ids=["empty", "cut", "noise", "number", "null", "list", "nothing", "text", "no digest", "deep"],
)
def test_a_file_that_is_no_plan_is_a_mistake_of_usage(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="not a plan made by flypast plan --format json"):
        expected_digest(str(file))


@pytest.mark.parametrize("content", [{"digest": None}, {"digest": 7}, {"digest": OTHER, "inputs": []}])
def test_a_plan_without_a_digest_is_a_mistake_of_usage(tmp_path: Path, content: object) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="this plan has no digest"):
        expected_digest(str(file))


def test_what_was_reviewed_may_go_and_without_a_review_everything_may(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"digest": PLAN.digest, "inputs": {"people.csv": "old"}}))
    for expected in (None, PLAN.digest, PLAN.digest.upper(), str(file)):
        check_digest(PLAN, {"people.csv": "new"}, expected)


@pytest.mark.parametrize(
    ("reviewed", "words"),
    [
        ({"a.csv": "1", "b.csv": "1", "gone.csv": "1"}, f"{MOVED}: b.csv, gone.csv, new.csv changed"),
        ({"a.csv": "1", "b.csv": "2", "new.csv": "3"}, MOVED),
        ({}, MOVED),
    ],
    ids=["inputs moved", "the same inputs", "no inputs"],
)
def test_a_plan_that_moved_is_refused_and_names_the_files_that_did(
    tmp_path: Path, reviewed: dict[str, str], words: str
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"digest": OTHER, "inputs": reviewed}))
    with pytest.raises(Refused) as stop:
        check_digest(PLAN, {"a.csv": "1", "b.csv": "2", "new.csv": "3"}, str(file))
    assert stop.value.message == words
    assert stop.value.hint == f"expected {OTHER[:16]}…, found {PLAN.digest[:16]}…: review the plan again"
