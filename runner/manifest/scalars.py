"""Which plain scalars are more than text: `true`, `false`, `null`, `~`, nothing at all, and JSON numbers."""

import re
from enum import Enum
from math import copysign, isinf
from typing import Final

MAX_INTEGER_DIGITS = 15  # what a double still holds exactly; longer runs of digits are identifiers and phone numbers


class Refused(Enum):
    """Plain scalars that look like numbers and that no JSON can carry."""

    NOT_FINITE = "not finite"
    TOO_LARGE = "too large"
    TOO_SMALL = "too small"
    MINUS_ZERO = "minus zero"


MAY_RESOLVE: Final = frozenset(["", *"~tfn-+.0123456789"])
"""The first characters of all that `resolve` turns into something else; every other scalar stays as it is."""

_CONSTANTS: Final[dict[str, bool | None]] = {"": None, "~": None, "null": None, "true": True, "false": False}
_number = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?").fullmatch
_not_finite = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE).fullmatch


def resolve(text: str) -> str | int | float | bool | Refused | None:
    """The value of a plain scalar: JSON's constants and numbers (RFC 8259), else the text as it was typed."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    number = _number(text)
    if number is None:
        return Refused.NOT_FINITE if _not_finite(text) else text
    digits, fraction, exponent = number.groups()
    if fraction is None and exponent is None:
        return int(text) if len(digits) <= MAX_INTEGER_DIGITS else text
    return _real(text)


def _real(text: str) -> float | Refused:
    value = float(text)
    if isinf(value):
        return Refused.TOO_LARGE
    if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        return Refused.TOO_SMALL
    if value == 0 and copysign(1, value) < 0:
        return Refused.MINUS_ZERO
    return value
