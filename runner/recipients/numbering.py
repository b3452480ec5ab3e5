"""The numbering plans: what phonenumbers knows. Its only home."""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    ValidationResult,
)

from .phones import UNKNOWN_COUNTRY

_FILLERS = ("5550100555", *(digit * 10 for digit in "0123456789"))  # the rest of numbers made up to ask about
_IMPOSSIBLE_WORLD = "001"  # phonenumbers' word for numbers of no country


def in_e164(digits: str, region: str | None) -> str:
    """The number in E.164. Empty where phonenumbers can make nothing of it."""
    try:
        number = phonenumbers.parse(digits, None if digits.startswith("+") else region)
    except NumberParseException:
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def is_region(region: str) -> bool:
    return region in phonenumbers.SUPPORTED_REGIONS


@cache
def is_length_possible(head: str, length: int) -> bool:
    code = calling_code(head)
    if not code:
        return False
    number = PhoneNumber(country_code=int(code), national_number=int("2" * (length - 1 - len(code))))
    return bool(phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE)


@cache
def calling_code(head: str) -> str:
    """The calling code that three digits begin with; empty where there is none."""
    return next((head[:size] for size in (1, 2, 3) if int(head[:size] or 0) in COUNTRY_CODE_TO_REGION_CODE), "")


@lru_cache(maxsize=16_384)
def country(start: str, length: int) -> str:
    """Asked of made-up numbers that begin so, never of the number at hand: the answer must not depend on the order."""
    code = calling_code(start[1:4])
    if not code:
        return UNKNOWN_COUNTRY
    national, more = start[1 + len(code) :], length - len(start)
    regions: tuple[str, ...] = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    if len(regions) > 1:
        for filler in _FILLERS:
            region = _region(code, national + filler[:more])
            if region is not None:
                return region
    return regions[0] if regions[0] != _IMPOSSIBLE_WORLD else UNKNOWN_COUNTRY


def _region(code: str, national: str) -> str | None:
    """As phonenumbers.region_code_for_number says it, in a third of the time: some lists have many unknown areas."""
    if code == "1" and national[0] not in "01":  # parsing would strip nothing, and takes as long as all the rest
        number = PhoneNumber(country_code=1, national_number=int(national))
    else:
        number = phonenumbers.parse(f"+{code}{national}")
    significant = phonenumbers.national_significant_number(number)
    for region, begins in _regions(code):
        if begins(significant) if begins is not None else phonenumbers.is_valid_number_for_region(number, region):
            return region
    return None


@cache
def _regions(code: str) -> list[tuple[str, Callable[[str], object] | None]]:
    """The countries of a calling code; with some comes what tells by its beginning whether a number is theirs."""
    found: list[tuple[str, Callable[[str], object] | None]] = []
    for region in COUNTRY_CODE_TO_REGION_CODE[int(code)]:
        metadata = PhoneMetadata.metadata_for_region(region)
        begins = metadata.leading_digits if metadata is not None else None
        found.append((region, re.compile(begins).match if begins is not None else None))
    return found


@cache
def zone_data() -> tuple[int, Mapping[str, tuple[str, ...]]]:
    """The length of the longest beginning, and the zones of each. Loaded when asked for: it is large."""
    from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX  # noqa: PLC0415

    return TIMEZONE_LONGEST_PREFIX, TIMEZONE_DATA


@lru_cache(maxsize=16_384)
def has_area(start: str, length: int) -> bool:
    """Whether the zones of such numbers are told by their first digits.

    A small country that shares its calling code is one area, mobiles too.
    """
    code = calling_code(start[1:4])
    if not code:
        return False
    regions: tuple[str, ...] = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    for filler in _FILLERS:
        number = phonenumbers.parse(f"{start}{filler[: length - len(start)]}")
        region = phonenumbers.region_code_for_number(number)
        if region is not None:
            return region != regions[0] or bool(phonenumbers.is_number_geographical(number))
    return True  # no number at all as far as the plans know
