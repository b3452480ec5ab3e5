"""What a message costs by a rate card. Exact decimals: a float would lose a cent somewhere in a million messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Literal, get_args

Kind = Literal["sms", "mms"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """Prices in one currency: of a segment of an SMS, of a whole MMS.

    `countries` has them by kind and two letters, `prefixes` by kind and the beginning of a number such as `+1787`.
    """

    currency: str
    countries: Mapping[tuple[Kind, str], Decimal]
    prefixes: Mapping[tuple[Kind, str], Decimal]
    _sizes: dict[Kind, tuple[int, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for kind in KINDS:
            sizes = {len(prefix) for of, prefix in self.prefixes if of == kind}
            self._sizes[kind] = tuple(sorted(sizes, reverse=True))

    def price(self, kind: Kind, *, country: str | None, number: str | None) -> Decimal | None:
        """By the longest prefix that a number (E.164) begins with, else by its country; None where neither has one."""
        if number is not None:
            for size in self._sizes[kind]:
                price = self.prefixes.get((kind, number[:size]))
                if price is not None:
                    return price
        return None if country is None else self.countries.get((kind, country))

    def cost(self, kind: Kind, *, country: str | None, number: str | None, segments: int) -> Decimal | None:
        """Of so many segments of an SMS, or of one MMS; None where there is no price."""
        price = self.price(kind, country=country, number=number)
        return None if price is None else price * (segments if kind == "sms" else 1)


def plain(amount: Decimal) -> str:
    """`0.0415`, `12`: what is kept and what machines read."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=4096)
def plain_product(price: Decimal, units: int) -> str:
    """The same of a price for so many units: a run has few different ones."""
    return plain(price * units)


def money(amount: Decimal, currency: str) -> str:
    """`1,234.57 USD` for people, `0.0415 USD` below one: cents at least, and no more where they don't matter."""
    if amount >= 1:
        return f"{amount.quantize(_CENT, ROUND_HALF_UP):,} {currency}"
    return f"{_cents(plain(amount))} {currency}"


def exact(amount: Decimal, currency: str) -> str:
    """`1,234.5678 USD`: where a sum is held against another."""
    whole, point, rest = plain(amount).partition(".")
    return f"{_cents(f'{int(whole):,}{point}{rest}')} {currency}"


def _cents(text: str) -> str:
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest:0<2}"
