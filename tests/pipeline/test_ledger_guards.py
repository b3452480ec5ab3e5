"""Which ledger may be used: the one that the policy names, and in CI one that stays."""

from pathlib import Path

import pytest

from runner.errors import Exit, Refused, UsageError
from runner.ledger.memory import MemoryLedger
from runner.ledger.places import FilePlace, parse_ledger_url
from runner.pipeline.ledgers import LedgerChoice, guard_ci, guard_name, guard_secret, is_ci

API = "https://api.bird.com"
FILE = FilePlace(Path("ledger.db"))


def ledger(name: str | None) -> MemoryLedger:
    return MemoryLedger(origin=API, name=name)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "there is none yet"),
        (ledger("acme-test"), "this one is called 'acme-test'"),
        (ledger(None), "this one has no name"),
    ],
)
def test_another_ledger_than_the_policy_names_is_refused(found: MemoryLedger | None, words: str) -> None:
    with pytest.raises(Refused) as stop:
        guard_name("acme-prod", found, API)
    assert stop.value.exit_code is Exit.REFUSED
    assert stop.value.message == f"policy.ledger wants the ledger 'acme-prod': {words}"


def test_the_ledger_that_the_policy_names_may_be_used_and_any_where_it_names_none() -> None:
    guard_name("acme-prod", ledger("acme-prod"), API)
    guard_name("acme-prod", ledger("acme-test"), "http://127.0.0.1:8080")
    guard_name(None, None, API)


@pytest.mark.parametrize(
    ("value", "is_one"),
    [(None, False), ("", False), ("0", False), ("False", False), (" no ", False), ("true", True), ("1", True)],
)
def test_in_ci_a_ledger_that_nobody_says_stays_is_refused(value: str | None, is_one: bool) -> None:
    environment = {} if value is None else {"CI": value}
    assert is_ci(environment) is is_one
    guard_ci(environment, FILE, is_persisted=True, policy_ledger=None)
    guard_ci(environment, FILE, is_persisted=False, policy_ledger="acme-prod")
    if is_one:
        with pytest.raises(Refused, match="this is CI"):
            guard_ci(environment, FILE, is_persisted=False, policy_ledger=None)
    else:
        guard_ci(environment, FILE, is_persisted=False, policy_ledger=None)


def test_in_ci_a_variable_that_is_empty_is_a_secret_that_is_missing(tmp_path: Path) -> None:
    by_default = LedgerChoice.of(None, None, tmp_path)
    with pytest.raises(Refused, match="FLYPAST_LEDGER is set and empty"):
        guard_secret({"CI": "true", "FLYPAST_LEDGER": ""}, by_default)
    for environment in ({"CI": "true"}, {"FLYPAST_LEDGER": ""}):
        guard_secret(environment, by_default)
    named = LedgerChoice.of(f"sqlite:///{tmp_path / 'ledger.db'}", None, tmp_path)
    guard_secret({"CI": "true", "FLYPAST_LEDGER": ""}, named)


def test_an_address_that_is_given_and_empty_is_never_the_default(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--ledger must be a URL"):
        LedgerChoice.of("", None, tmp_path)
    with pytest.raises(UsageError, match="can't be the API's address"):
        LedgerChoice.of(None, "", tmp_path)


def test_in_ci_a_database_stays_by_itself() -> None:
    place = parse_ledger_url("postgresql://database.example/flypast")
    guard_ci({"CI": "true"}, place, is_persisted=False, policy_ledger=None)
