"""Ledgers on terms that tests can wait for."""

from collections.abc import Iterator
from contextlib import contextmanager

from runner.ledger.places import parse_ledger_url
from runner.ledger.postgres import PostgresLedger, open_ledger
from runner.ledger.postgres_lease import Terms
from runner.ledger.postgres_place import DatabasePlace
from tests.ledger.conformance import T0

ORIGIN = "https://api.bird.com"
TERMS = Terms()


def place_of(url: str) -> DatabasePlace:
    place = parse_ledger_url(url)
    assert isinstance(place, DatabasePlace)
    return place


def make(url: str, *, origin: str = ORIGIN, name: str | None = None) -> None:
    place_of(url).make(origin=origin, name=name, at=T0).close()


@contextmanager
def opened(
    url: str, *, terms: Terms = TERMS, origin: str | None = ORIGIN, is_judged: bool = True
) -> Iterator[PostgresLedger]:
    ledger = open_ledger(place_of(url).address, origin=origin, terms=terms, is_judged=is_judged)
    assert ledger is not None
    try:
        yield ledger
    finally:
        ledger.close()
