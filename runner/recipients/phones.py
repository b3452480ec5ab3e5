"""Phone numbers: E.164, countries, masks. The only home of phonenumbers.

A number in strict E.164 is taken as written: parsing costs 13 µs. What needs the numbering plans is asked once for
each beginning of a number.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from unicodedata import name as character_name

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    ValidationResult,
)

from .faults import AddressFault

UNKNOWN_COUNTRY = "ZZ"
is_e164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_is_spelling = re.compile(r"\+?[0-9 \u00a0\u202f\-./()]*").fullmatch
_foreign = re.compile(r"[^0-9 \u00a0\u202f\-./()]").search
_separators = re.compile(r"[^0-9+]")
# 4.47701E+11 and 447700900123.0: what a spreadsheet makes of a column that is not text.
_is_spreadsheet = re.compile(r"\+?[0-9]+[.,]?[0-9]*[eE]\+?[0-9]+|\+?[0-9]{7,}[.,]0+").fullmatch
_FILLERS = ("5550100555", *(digit * 10 for digit in "0123456789"))  # the rest of numbers made up to ask about
_IMPOSSIBLE_WORLD = "001"  # phonenumbers' word for numbers of no country


def normalise_phone(value: str, region: str | None) -> str | AddressFault:
    """The number in E.164. `region` is two letters and allows national numbers. No fault's words hold the number."""
    if is_e164(value) and not _starts_with_zero(value[1:5]):
        return value
    spelled = value.strip(" ")
    fault = _misspelt(spelled)
    if fault is not None:
        return fault
    if not spelled.startswith("+") and region is None:
        return AddressFault(
            code="RCP532",
            words="a national number, or one without its +",
            hint="give the list a region, or write the number as +, country code, number",
        )
    return _parsed(spelled, region)


def _misspelt(spelled: str) -> AddressFault | None:
    if _is_spreadsheet(spelled):
        return AddressFault(
            code="RCP533",
            words="a number that a spreadsheet has changed (as in 4.47701E+11 or 447700900123.0)",
            hint="format the column as text, fill it in again and export it again: digits may be lost",
        )
    if _is_spelling(spelled):
        return None
    odd = _foreign(spelled, 1 if spelled.startswith("+") else 0)
    at, character = (odd.start() + 1, odd[0]) if odd else (1, spelled[:1])
    return AddressFault(
        code="RCP531",
        words=f"not a phone number: {_called(character)} as character {at}",
        hint="write it as +, country code, number, in digits; one number in each cell",
    )


def _called(character: str) -> str:
    """A kind of character, not the character: it is part of somebody's data."""
    if character == "+":
        return "a second +"
    if character in "\r\n":
        return "a line end"
    if character.isdigit():
        return "a digit that is not 0 to 9"
    if character.isalpha():
        return "a letter"
    return f"U+{ord(character):04X} ({character_name(character, 'unnamed').lower()})"


def _parsed(spelled: str, region: str | None) -> str | AddressFault:
    written = _in_e164(_separators.sub("", spelled), region)
    is_settled = not _starts_with_zero(written[1:5]) or _in_e164(written, None) == written
    if is_e164(written) and is_settled:
        return written
    return AddressFault(
        code="RCP531",
        words="not a phone number: too short, too long, or of no country",
        hint="write it as +, country code, number",
    )


def _in_e164(digits: str, region: str | None) -> str:
    """Empty where phonenumbers can make nothing of it."""
    try:
        number = phonenumbers.parse(digits, None if digits.startswith("+") else region)
    except NumberParseException:
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def is_plain(value: str) -> bool:
    """Whether `normalise_phone` would give just this, and no warning is due: one look for nearly every row."""
    return is_e164(value) is not None and _is_beginning_plain(value[1:5], len(value))


def are_plain(values: Sequence[str]) -> bool:
    """`is_plain` of all of them, in less than half the time."""
    if not all(map(is_e164, values)):
        return False
    return all(_is_beginning_plain(head, length) for head, length in {(value[1:5], len(value)) for value in values})


@cache
def _is_beginning_plain(head: str, length: int) -> bool:
    return not _starts_with_zero(head) and _is_length_possible(head[:3], length)


@cache
def _starts_with_zero(head: str) -> bool:
    """Whether a 0 follows the calling code: a national prefix that does not belong there, but in some countries."""
    code = _calling_code(head[:3])
    return code != "" and head[len(code) : len(code) + 1] == "0"


def is_region(region: str) -> bool:
    return region in phonenumbers.SUPPORTED_REGIONS


def is_possible(e164: str) -> bool:
    """Whether its country has numbers of this length (and whether there is such a country)."""
    return _is_length_possible(e164[1:4], len(e164))


@cache
def _is_length_possible(head: str, length: int) -> bool:
    code = _calling_code(head)
    if not code:
        return False
    number = PhoneNumber(country_code=int(code), national_number=int("2" * (length - 1 - len(code))))
    return bool(phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE)


@cache
def _calling_code(head: str) -> str:
    """The calling code that three digits begin with; empty where there is none."""
    return next((head[:size] for size in (1, 2, 3) if int(head[:size] or 0) in COUNTRY_CODE_TO_REGION_CODE), "")


def country_of(number: str) -> str:
    """The country of a number as two letters: the main one of its calling code in doubt, ZZ where there is none."""
    if not is_e164(number):
        normal = normalise_phone(number, None)
        if isinstance(normal, AddressFault):
            return UNKNOWN_COUNTRY
        number = normal
    return _country(number[: _telling(number[1:4])], len(number))


def countries_of(numbers: Sequence[str]) -> list[str]:
    """`country_of` of numbers in E.164."""
    return [_country(number[: _telling(number[1:4])], len(number)) for number in numbers]


@cache
def _telling(head: str) -> int:
    """How many characters tell the country of a number that begins so; its length counts too."""
    code = _calling_code(head)
    # Four digits tell the countries of +1 apart and five those of any other shared code.
    return 1 + len(code) + (4 if code == "1" else 5)


@lru_cache(maxsize=16_384)
def _country(start: str, length: int) -> str:
    """Asked of made-up numbers that begin so, never of the number at hand: the answer must not depend on the order."""
    code = _calling_code(start[1:4])
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


def zones_of(number: str) -> tuple[str, ...]:
    """The time zones that a number in E.164 can be in, as IANA names; none where its beginning tells nothing.

    A number that is bound to no area (most mobiles, toll-free ones) can be in all zones of its country.
    """
    if not is_e164(number):
        return ()
    code = _calling_code(number[1:4])
    start = number[: _telling(number[1:4])]
    digits = number[1:] if _has_area(start, len(number)) else code
    longest, zones = _zone_data()
    for size in range(min(longest, len(digits)), 0, -1):
        found = zones.get(digits[:size])
        if found is not None:
            return found
    return ()


@cache
def _zone_data() -> tuple[int, Mapping[str, tuple[str, ...]]]:
    """The length of the longest beginning, and the zones of each. Loaded when asked for: it is large."""
    from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX  # noqa: PLC0415

    return TIMEZONE_LONGEST_PREFIX, TIMEZONE_DATA


@lru_cache(maxsize=16_384)
def _has_area(start: str, length: int) -> bool:
    """Whether the zones of such numbers are told by their first digits.

    A small country that shares its calling code is one area, mobiles too.
    """
    code = _calling_code(start[1:4])
    if not code:
        return False
    regions: tuple[str, ...] = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    for filler in _FILLERS:
        number = phonenumbers.parse(f"{start}{filler[: length - len(start)]}")
        region = phonenumbers.region_code_for_number(number)
        if region is not None:
            return region != regions[0] or bool(phonenumbers.is_number_geographical(number))
    return True  # no number at all as far as the plans know


def mask(text: str) -> str:
    """A number or `key:number` as its country code and last two digits, `+1…42`; `***` for all else."""
    value = text.partition(":")[2] or text
    return f"+{_calling_code(value[1:4])}…{value[-2:]}" if is_e164(value) else "***"
