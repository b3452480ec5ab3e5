"""Phone numbers: E.164, countries, masks.

A number in strict E.164 is taken as written: parsing costs 13 µs. What needs the numbering plans is asked once for
each beginning of a number, and they are loaded when first asked: that takes as long as checking ten manifests. Of +1,
North America, the rules stand here.
"""

import re
from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from unicodedata import name as character_name

from .faults import AddressFault

UNKNOWN_COUNTRY = "ZZ"
is_e164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_are_e164 = re.compile(r"\+[1-9][0-9]{6,14}+(?:\n\+[1-9][0-9]{6,14}+)*+").fullmatch
_is_spelling = re.compile(r"\+?[0-9 \u00a0\u202f\-./()]*").fullmatch
_foreign = re.compile(r"[^0-9 \u00a0\u202f\-./()]").search
_separators = re.compile(r"[^0-9+]")
# 4.47701E+11 and 447700900123.0: what a spreadsheet makes of a column that is not text.
_is_spreadsheet = re.compile(r"\+?[0-9]+[.,]?[0-9]*[eE]\+?[0-9]+|\+?[0-9]{7,}[.,]0+").fullmatch
_NORTH_AMERICAN = len("+14155550100")


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
    from .numbering import in_e164  # noqa: PLC0415

    written = in_e164(_separators.sub("", spelled), region)
    is_settled = not _starts_with_zero(written[1:5]) or in_e164(written, None) == written
    if is_e164(written) and is_settled:
        return written
    return AddressFault(
        code="RCP531",
        words="not a phone number: too short, too long, or of no country",
        hint="write it as +, country code, number",
    )


def is_plain(value: str) -> bool:
    """Whether `normalise_phone` would give just this, and no warning is due: one look for nearly every row."""
    return is_e164(value) is not None and _is_beginning_plain(value[1:5], len(value))


def are_plain(values: Sequence[str]) -> bool:
    """`is_plain` of all of them, in less than half the time."""
    text = "\n".join(values)
    if not _are_e164(text) or text.count("\n") != len(values) - 1:
        return False
    heads, lengths = {value[1:5] for value in values}, set(map(len, values))
    if all(_is_beginning_plain(head, length) for head in heads for length in lengths):
        return True
    return all(_is_beginning_plain(value[1:5], len(value)) for value in values)


@cache
def _is_beginning_plain(head: str, length: int) -> bool:
    return not _starts_with_zero(head) and _is_length_possible(head[:3], length)


@cache
def _starts_with_zero(head: str) -> bool:
    """Whether a 0 follows the calling code: a national prefix that does not belong there, but in some countries."""
    code = _calling_code(head[:3])
    return code != "" and head[len(code) : len(code) + 1] == "0"


def is_region(region: str) -> bool:
    from . import numbering  # noqa: PLC0415 - see above

    return numbering.is_region(region)


def is_possible(e164: str) -> bool:
    """Whether its country has numbers of this length (and whether there is such a country)."""
    return _is_length_possible(e164[1:4], len(e164))


@cache
def _is_length_possible(head: str, length: int) -> bool:
    if head.startswith("1"):
        return length == _NORTH_AMERICAN
    from . import numbering  # noqa: PLC0415

    return numbering.is_length_possible(head, length)


@cache
def _calling_code(head: str) -> str:
    """The calling code that three digits begin with; empty where there is none."""
    if head.startswith("1"):
        return "1"
    from . import numbering  # noqa: PLC0415

    return numbering.calling_code(head)


def country_of(number: str) -> str:
    """The country of a number as two letters: the main one of its calling code in doubt, ZZ where there is none."""
    if not is_e164(number):
        normal = normalise_phone(number, None)
        if isinstance(normal, AddressFault):
            return UNKNOWN_COUNTRY
        number = normal
    return countries_of([number])[0]


def countries_of(numbers: Sequence[str]) -> list[str]:
    """`country_of` of numbers in E.164."""
    from .numbering import country  # noqa: PLC0415

    sizes = {_telling(head) for head in {number[1:4] for number in numbers}}
    if len(sizes) == 1:
        beginning = itemgetter(slice(sizes.pop()))
        return list(map(country, map(beginning, numbers), map(len, numbers)))
    return [country(number[: _telling(number[1:4])], len(number)) for number in numbers]


@cache
def _telling(head: str) -> int:
    """How many characters tell the country of a number that begins so; its length counts too."""
    code = _calling_code(head)
    # Four digits tell the countries of +1 apart and five those of any other shared code.
    return 1 + len(code) + (4 if code == "1" else 5)


def zones_of(number: str) -> tuple[str, ...]:
    """The time zones that a number in E.164 can be in, as IANA names; none where its beginning tells nothing.

    A number that is bound to no area (most mobiles, toll-free ones) can be in all zones of its country.
    """
    if not is_e164(number):
        return ()
    from .numbering import has_area, zone_data  # noqa: PLC0415

    code = _calling_code(number[1:4])
    start = number[: _telling(number[1:4])]
    digits = number[1:] if has_area(start, len(number)) else code
    longest, zones = zone_data()
    for size in range(min(longest, len(digits)), 0, -1):
        found = zones.get(digits[:size])
        if found is not None:
            return found
    return ()


def mask(text: str) -> str:
    """A number or `key:number` as its country code and last two digits, `+1…42`; `***` for all else."""
    value = text.partition(":")[2] or text
    return f"+{_calling_code(value[1:4])}…{value[-2:]}" if is_e164(value) else "***"
