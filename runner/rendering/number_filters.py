"""The filters for numbers: decimal where people see the digits, so that every machine writes the same ones."""

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from .faults import ExpressionFault
from .fuel import MAX_INTEGER
from .values import is_number, whole

NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,3})?")
MAX_DIGITS = 12


class Unfit(Exception):
    """The filter can't work with this kind of value, or (`of_argument`) with what stands in its brackets."""

    def __init__(self, wants: str, hint: str | None = None, *, of_argument: bool = False) -> None:
        super().__init__(wants)
        self.wants = wants
        self.hint = hint
        self.of_argument = of_argument


def a_number(value: Any) -> Any:
    if is_number(value):
        return value
    raise Unfit(
        "a number", "a text becomes a number with int or float: {{ value|float }}" if type(value) is str else None
    )


def a_count(value: Any, most: int) -> int:
    if type(value) is int and 0 <= value <= most:
        return value
    raise Unfit(f"a whole number from 0 to {most} in its brackets", of_argument=True)


def absolute(value: Any) -> Any:
    return abs(a_number(value))


def rounded(value: Any, digits: Any = 0) -> Any:
    """Half up, as people do: 2.675 to two digits is 2.68. A whole number when there are no digits."""
    places = a_count(digits, MAX_DIGITS)
    exact = _to_places(a_number(value), places)
    return float(exact) if places else int(exact)


def fixed(value: Any, digits: Any = 2, thousands: Any = "") -> str:
    """A number as text with so many decimals: 1234.5|fixed(2, ",") is 1,234.50. Takes numbers in text too."""
    number = to_float(value) if type(value) is str else a_number(value)
    places = a_count(digits, MAX_DIGITS)
    if not isinstance(thousands, str) or len(thousands) > 1:
        raise Unfit("one character at most between thousands", of_argument=True)
    return f"{_to_places(number, places):,.{places}f}".replace(",", thousands)


def _to_places(number: Any, places: int) -> Decimal:
    """From the shortest decimal that names the float: the same on every machine, and free of binary surprises."""
    if abs(number) >= MAX_INTEGER:
        raise ExpressionFault("bound", "a number has more than 18 digits before the point")
    exact = Decimal(repr(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, Context(prec=60))
    return abs(exact) if exact.is_zero() else exact  # never "-0.00"


def to_int(value: Any) -> int:
    """A whole number from a number (cut off, not rounded) or from its text."""
    if type(value) is str:
        value = value.strip()
        if re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            return int(value)
        value = to_float(value)
    if not is_number(value):
        raise Unfit("a number or a number in text")
    return int(whole(int(value)))


def to_float(value: Any) -> float:
    if type(value) is str:
        if not NUMBER.fullmatch(value.strip()):
            raise Unfit("a number such as 49.95")
        value = float(value)
    if not is_number(value) or not math.isfinite(value):
        raise Unfit("a number or a number in text")
    return float(value)
