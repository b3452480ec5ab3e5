"""What `--expect` may be, and what a plan that moved is told by."""

import json
from pathlib import Path

import pytest

from runner.errors import Exit, Refused, UsageError
from runner.guards import MOVED_SHOWN, check_digest, drifted, expected_digest, moved_words, over_limits
from runner.ledger.seam import Known
from runner.model import Policy, State
from runner.plan import Plan, Skipped

from .test_plan import composed, held, message, planned

PLAN = planned([composed(message())]).plan
OTHER = "0" * 64
MOVED = "this is not the plan that was expected"


def plan_of(*countries: str, known: dict[str, Known] | None = None) -> Plan:
    return planned([composed(message(n, country=country)) for n, country in enumerate(countries)], known or {}).plan


@pytest.mark.parametrize(
    ("in_policy", "given", "words"),
    [
        (None, None, []),
        (3, None, []),
        (2, None, ["policy.limits.messages is 2, and this would send 3"]),
        (None, 2, ["--max-messages is 2, and this would send 3"]),
        (2, 1, ["--max-messages is 1, and this would send 3"]),
        (1, 2, ["policy.limits.messages is 1, and this would send 3"]),
        (3, 3, []),
    ],
)
def test_the_lower_of_two_limits_holds_and_is_named(in_policy: int | None, given: int | None, words: list[str]) -> None:
    plan = plan_of("US", "US", "US", "US", known={"k0": held(State.ACCEPTED)})
    policy = Policy(max_messages=in_policy)
    assert list(over_limits(plan, policy, max_messages=given, allow_empty=False)) == words


def test_countries_that_the_policy_does_not_name_are_told_with_their_numbers() -> None:
    plan, policy = plan_of("US", "GB", "CA", "GB", ""), Policy(countries=frozenset({"US", "MX"}))
    assert list(over_limits(plan, policy, max_messages=None, allow_empty=False)) == [
        "policy.limits.countries is MX, US, and this would send to CA 1, GB 2"
    ]
    assert not list(over_limits(plan_of("US"), policy, max_messages=None, allow_empty=False))


def test_a_plan_for_nobody_must_be_said_to_be_right() -> None:
    for plan in (plan_of(), planned([Skipped(draft="greet", reason="when")]).plan):
        assert list(over_limits(plan, Policy(), max_messages=0, allow_empty=True)) == []
        (words,) = over_limits(plan, Policy(), max_messages=0, allow_empty=False)
        assert "--allow-empty" in words
    sent = plan_of("US", known={"k0": held(State.ACCEPTED)})
    assert not list(over_limits(sent, Policy(), max_messages=0, allow_empty=False))


@pytest.mark.parametrize(
    ("drift", "said", "words"),
    [
        (0, None, None),
        (0, 0, None),
        (2, 2, None),
        (2, None, "2 were sent or are in doubt with another text: they would not be sent again. "),
        (2, 1, "--accept-drift says 1, and 2 have drifted"),
        (2, 0, "--accept-drift says 0, and 2 have drifted"),
        (0, 2, "--accept-drift says 2, and 0 have drifted"),
    ],
)
def test_drift_is_refused_unless_its_very_number_is_said(drift: int, said: int | None, words: str | None) -> None:
    known = {f"k{number}": held(State.ACCEPTED, is_same=False) for number in range(drift)}
    told = drifted(plan_of("US", "US", "US", known=known), said)
    assert told is None if words is None else told is not None and told.startswith(words)


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


@pytest.mark.parametrize("content", [{"digest": None}, {"digest": 7}])
def test_a_plan_without_a_digest_is_a_mistake_of_usage(tmp_path: Path, content: object) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="this plan has no digest"):
        expected_digest(str(file))


@pytest.mark.parametrize("inputs", [[], None, "people.csv", {"people.csv": 7}, {"people.csv": None}])
def test_a_plan_with_broken_inputs_is_told_by_them_and_not_by_its_good_digest(tmp_path: Path, inputs: object) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"digest": OTHER, "inputs": inputs}))
    with pytest.raises(UsageError, match="the inputs of this plan are not a SHA-256 for each name: make it anew"):
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


def test_of_very_many_inputs_that_moved_the_first_are_named() -> None:
    names = [f"{number:03}.csv" for number in range(500)]
    assert moved_words(names).endswith(f", {names[MOVED_SHOWN - 1]} and 480 more changed")
    assert moved_words(names[:MOVED_SHOWN]) == f": {', '.join(names[:MOVED_SHOWN])} changed"
    assert moved_words([]) == ""
