"""What a message costs: which price counts, and sums to the last digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.prices import Kind, RateCard, exact, money, plain, plain_product

CARD = RateCard(
    currency="USD",
    countries={("sms", "US"): Decimal("0.0079"), ("mms", "US"): Decimal("0.02"), ("sms", "ZA"): Decimal(0)},
    prefixes={
        ("sms", "+1"): Decimal("0.01"),
        ("sms", "+1787"): Decimal("0.04"),
        ("sms", "+17875550100"): Decimal("0.5"),
        ("sms", "+1415"): Decimal("0.0075"),
    },
)
PRICES = st.decimals(0, 999_999, places=8, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("kind", "country", "number", "price"),
    [
        ("sms", "US", "+14155550100", "0.0075"),
        ("sms", "US", "+12025550100", "0.01"),
        ("sms", "PR", "+17875550199", "0.04"),
        ("sms", "PR", "+17875550100", "0.5"),
        ("sms", "US", None, "0.0079"),
        ("mms", "US", "+14155550100", "0.02"),
        ("sms", "ZA", "+27115550100", "0"),
        ("mms", "PR", "+17875550100", None),
        ("sms", "FR", "+33612345678", None),
        ("sms", None, "+1", "0.01"),
        ("sms", None, None, None),
    ],
)
def test_the_longest_prefix_counts_then_the_country(
    kind: Kind, country: str | None, number: str | None, price: str | None
) -> None:
    assert CARD.price(kind, country=country, number=number) == (None if price is None else Decimal(price))


def test_an_sms_costs_by_its_segments_and_an_mms_as_one() -> None:
    assert CARD.cost("sms", country="US", number="+14155550100", segments=3) == Decimal("0.0225")
    assert CARD.cost("mms", country="US", number="+14155550100", segments=0) == Decimal("0.02")
    assert CARD.cost("sms", country="FR", number=None, segments=3) is None


@pytest.mark.parametrize(
    ("amount", "machine", "people", "told"),
    [
        ("0", "0", "0.00 USD", "0.00 USD"),
        ("0.0415", "0.0415", "0.0415 USD", "0.0415 USD"),
        ("0.00000001", "0.00000001", "0.00000001 USD", "0.00000001 USD"),
        ("0.10", "0.1", "0.10 USD", "0.10 USD"),
        ("1E+3", "1000", "1,000.00 USD", "1,000.00 USD"),
        ("1234.5650", "1234.565", "1,234.57 USD", "1,234.565 USD"),
        ("11.4849", "11.4849", "11.48 USD", "11.4849 USD"),
        ("0.999", "0.999", "0.999 USD", "0.999 USD"),
    ],
)
def test_an_amount_reads_well(amount: str, machine: str, people: str, told: str) -> None:
    assert plain(Decimal(amount)) == machine
    assert money(Decimal(amount), "USD") == people
    assert exact(Decimal(amount), "USD") == told


@given(price=PRICES, units=st.integers(1, 255), count=st.integers(1, 10**8))
def test_no_digit_is_lost_in_a_hundred_million_messages(price: Decimal, units: int, count: int) -> None:
    cost = Decimal(plain_product(price, units))
    whole = int(price.scaleb(8)) * units
    assert int(cost.scaleb(8)) == whole
    assert int((cost * count).scaleb(8)) == whole * count
