"""What a ledger's database says of itself: its server's promises, its tables, and what these must agree on."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runner.errors import LedgerFault

from . import postgres_delivery_tables as deliveries
from . import postgres_tables as tables
from .postgres_link import Link
from .records import Rows, claims, meta_faults, shared_ids, strays, unclaimed, unowned


def check(link: Link, troubles: Iterable[str]) -> Iterator[str]:
    """Every fault in words; `troubles` are the server's. The pages are the server's own affair (data checksums)."""
    yield from (f"the server: {trouble}" for trouble in troubles)
    for each in (
        _structure(link), meta_faults(_rows(link, tables.ABOUT)), claims(_rows(link, tables.CLAIMED)),
        strays(_rows(link, tables.STRAYS)), unclaimed(_rows(link, tables.UNCLAIMED)),
        shared_ids(_rows(link, tables.SHARED_IDS)), unowned(_rows(link, deliveries.UNOWNED)),
    ):  # fmt: skip
        try:
            yield from each
        except LedgerFault as fault:
            yield fault.message


def _rows(link: Link, statement: str) -> Rows:
    """Asked for when the first is taken: by then somebody catches what goes wrong."""
    yield from link.read(statement)


def _structure(link: Link) -> Iterator[str]:
    """Every difference from what flypast makes."""
    columns = {f"{table}.{name}": told for table, name, *told in link.read(tables.COLUMNS)}
    indexes = {f"{table}.{name}": told for table, name, *told in link.read(tables.INDEXES)}
    yield from _differences("column", _WANTED_COLUMNS, columns)
    yield from _differences("index", _WANTED_INDEXES, indexes)
    yield from (f"an unknown {kind}: {name}, which no flypast makes" for kind, name in link.read(tables.MEDDLERS))


def _differences(kind: str, wanted: Mapping[str, list[Any]], held: Mapping[str, list[Any]]) -> Iterator[str]:
    for name in sorted(wanted.keys() | held.keys()):
        if name not in held:
            yield f"the {kind} {name} is missing"
        elif name not in wanted:
            yield f"an unknown {kind}: {name}, which no flypast makes"
        elif wanted[name] != held[name]:
            yield f"the {kind} {name} is not as flypast makes it"


def _columns() -> Iterator[tuple[str, list[Any]]]:
    for table, told in tables.COLUMNS_MADE.items():
        for column in told.split(", "):
            name, kind = column.removesuffix("!").split(" ", 1)
            yield f"{table}.{name}", [kind, column.endswith("!")]


_WANTED_COLUMNS = dict(_columns())
_WANTED_INDEXES = {
    "claims.claims_pkey": [True, True, False, ["manifest"]],
    "deliveries.deliveries_pkey": [True, True, False, ["id"]],
    "messages.messages_in_order": [False, True, False, ["manifest", "message", "id"]],
    "messages.messages_key_key": [True, True, False, ["key"]],
    "messages.messages_pkey": [True, True, False, ["id"]],
    "paces.paces_pkey": [True, True, False, ["scope"]],
    "meta.meta_pkey": [True, True, False, ["one"]],
    "runs.runs_not_ended": [False, True, True, ["run"]],
    "runs.runs_pkey": [True, True, False, ["run"]],
    "shards.shards_pkey": [True, True, False, ["run", "shard"]],
}
