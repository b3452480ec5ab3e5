"""A rate card's file → its prices. It is a table like a list's, and read the same way."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import BinaryIO, cast

from runner.findings import Findings, Place, did_you_mean
from runner.model import RecipientList
from runner.prices import KINDS, Kind, RateCard

from .faults import Faults, Stop, shown_name
from .phones import is_region
from .rows import MAX_DOCUMENT, Row, Source, singly
from .tables import read_table

SUFFIXES = (".csv", ".tsv")
COLUMNS = ("channel", "price", "currency")  # besides country, prefix or both
_WHOSE = ("country", "prefix")
_SHOWN = 30

_is_prefix = re.compile(r"\+[1-9][0-9]{0,14}").fullmatch
# So bounded that the cost of a hundred million messages still is exact in the 28 digits that decimals have.
_is_price = re.compile(r"[0-9]{1,6}(\.[0-9]{1,8})?").fullmatch
_is_currency = re.compile(r"[A-Z]{3}").fullmatch
_MISNAMED = {"UK": "GB", "USA": "US"}


def read_rate_card(opened: BinaryIO, *, suffix: str, shown: str, findings: Findings) -> RateCard | None:
    """The prices of a `.csv` or `.tsv` file; None where it has none. What is wrong is in the findings.

    A row has a `country` (two letters) or a `prefix` (`+1787`), a `channel` (sms or mms), a `price` and a `currency`;
    other columns are let be.
    """
    place = Place(path=shown)
    if os.fstat(opened.fileno()).st_size > MAX_DOCUMENT:
        findings.error("POL821", f"this rate card is larger than {MAX_DOCUMENT // 2**20} MiB", place)
        return None
    check = partial(_check_header, comma="," if suffix.lower() == ".csv" else "\t")
    source = Source(
        opened=opened, suffix=suffix.lower(), shown=shown, spec=RecipientList(name=shown, locate=lambda *_path: place),
        findings=findings, check_header=check,
    )  # fmt: skip
    card, before = _Reading(Faults(findings)), len(findings)
    try:
        for row in singly(read_table(source)):
            card.take(row)
    except Stop as stop:
        findings.error(stop.code, stop.message, stop.place, hint=stop.hint)
    if card.currency is None:
        if len(findings) == before:
            findings.error("POL827", "this rate card has no prices", place, hint="one row for each country, at least")
        return None
    return RateCard(currency=card.currency, countries=card.countries, prefixes=card.prefixes)


def _check_header(
    names: Sequence[str], places: Sequence[Place], _delimiter: str, _spec: RecipientList, findings: Findings, *,
    comma: str,
) -> bool:  # fmt: skip
    """POL822: what a rate card's header lacks, or has twice."""
    lacking = [name for name in COLUMNS if name not in names]
    if not set(_WHOSE) & set(names):
        lacking.append("country or prefix")
    twice = [name for name in (*COLUMNS, *_WHOSE) if names.count(name) > 1]
    if len(names) == 1 and re.search(r"[;\t|,]", names[0]):
        words = "commas" if comma == "," else "tabs"
        findings.error("POL822", f"a rate card has {words} between its cells: save it so", places[0])
    elif lacking:
        hint = f"its columns: {', '.join(shown_name(name) for name in names[:10])}; they must be named exactly so"
        findings.error("POL822", f"this rate card has no column {', '.join(lacking)}", places[0], hint=hint)
    for name in twice:
        place = [at for at, each in zip(places, names, strict=True) if each == name][1]
        findings.error("POL822", f'the column "{name}" stands here twice', place, hint="rename or remove one")
    return not lacking and not twice


@dataclass(slots=True)
class _Reading:
    """The prices so far, and which row gave each."""

    faults: Faults
    currency: str | None = None
    countries: dict[tuple[Kind, str], Decimal] = field(default_factory=dict)
    prefixes: dict[tuple[Kind, str], Decimal] = field(default_factory=dict)
    _rows: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        whose = self._whose(row)
        is_sound = [self._has_kind(row), self._has_price(row), self._has_currency(row)]
        if whose is None or not all(is_sound):
            return
        kind, price = cast(Kind, row.values["channel"]), Decimal(row.values["price"])
        first = self._rows.setdefault((kind, whose), row.number)
        if first != row.number:
            column = "country" if row.values.get("country") else "prefix"
            words = f"row {first} has the price for {whose} and {kind} already"
            self.faults.error("POL825", row, words, column=column, hint="keep one of them")
        elif whose.startswith("+"):
            self.prefixes[kind, whose] = price
        else:
            self.countries[kind, whose] = price

    def _whose(self, row: Row) -> str | None:
        country, prefix = row.values.get("country"), row.values.get("prefix")
        if (country is None) == (prefix is None):
            words = "neither a country nor a prefix" if country is None else "both a country and a prefix"
            self.faults.error("POL824", row, words, hint="a row has one of them: a prefix comes before its country")
            return None
        if country is not None:
            return country if self._has_country(row, country) else None
        if _is_prefix(str(prefix)):
            return str(prefix)
        hint = "write it as + and digits, such as +1787"
        self.faults.error("POL823", row, f"{_quoted(prefix)} does not begin a number", column="prefix", hint=hint)
        return None

    def _has_country(self, row: Row, country: str) -> bool:
        if is_region(country):
            return True
        near = _MISNAMED.get(country.upper(), country.strip().upper())
        hint = f'did you mean "{near}"?' if is_region(near) else "write two capital letters, such as US (ISO 3166)"
        self.faults.error("POL823", row, f"{_quoted(country)} is no country", column="country", hint=hint)
        return False

    def _has_kind(self, row: Row) -> bool:
        kind = row.values["channel"]
        if kind in KINDS:
            return True
        near = did_you_mean(str(kind).strip().lower(), KINDS) if kind else None
        hint = near if near and near.startswith("did") else "sms or mms: the kind of channel, not its name"
        self.faults.error("POL823", row, f"{_quoted(kind)} is no kind of channel", column="channel", hint=hint)
        return False

    def _has_price(self, row: Row) -> bool:
        price = row.values["price"]
        if price is not None and _is_price(price):
            return True
        hint = "a decimal with a point and no sign, such as 0.0079: at most 6 digits before it and 8 behind it"
        self.faults.error("POL823", row, f"{_quoted(price)} is no price", column="price", hint=hint)
        return False

    def _has_currency(self, row: Row) -> bool:
        currency = row.values["currency"]
        if currency is None or not _is_currency(currency):
            hint = "three capital letters, such as USD (ISO 4217)"
            self.faults.error("POL823", row, f"{_quoted(currency)} is no currency", column="currency", hint=hint)
            return False
        self.currency = self.currency or currency
        if currency == self.currency:
            return True
        words = f"{currency}, and the rows before it have {self.currency}"
        hint = "a rate card has one currency: sums of two mean nothing"
        self.faults.error("POL826", row, words, column="currency", hint=hint)
        return False


def _quoted(value: str | None) -> str:
    if value is None:
        return "an empty cell"
    return f'"{value[:_SHOWN]}{"…" if len(value) > _SHOWN else ""}"'
