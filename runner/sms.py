"""How many parts a text takes as an SMS, and which characters make it dear (3GPP TS 23.038 and 23.040)."""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

# The GSM 7-bit default alphabet in the order of its table; code 0x1B is the escape and stands for no character.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"  # each is sent as the escape and one more septet

_is_basic = re.compile(f"[{re.escape(_BASIC)}]*+").fullmatch
_is_gsm = re.compile(f"[{re.escape(_BASIC + _EXTENSION)}]*+").fullmatch
_escaped = re.compile(f"[{re.escape(_EXTENSION)}]").findall
_unfit = re.compile(f"[^{re.escape(_BASIC + _EXTENSION)}]").finditer

# Units that fit one part alone, and each of several (six octets go to the header that joins them).
_GSM_ALONE, _GSM_JOINED = 160, 153
_UCS2_ALONE, _UCS2_JOINED = 70, 67


class Segments(NamedTuple):
    """`segments` are billed parts; `units` are septets in GSM-7 and 16-bit units in UCS-2.

    A tuple, because one is made for every message and a frozen dataclass takes more than twice as long.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    units: int


def count(text: str) -> Segments:
    """The encoding, parts and units of a text. An empty text has no unit and takes one part, as it does on a phone."""
    if _is_basic(text):
        units = len(text)
        return Segments("GSM-7", 1 if units <= _GSM_ALONE else -(-units // _GSM_JOINED), units)
    if _is_gsm(text):
        units = len(text) + len(_escaped(text))
        parts = 1 if units <= _GSM_ALONE else _parts(text, units, _GSM_JOINED, _is_escaped)
        return Segments("GSM-7", parts, units)
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    parts = 1 if units <= _UCS2_ALONE else _parts(text, units, _UCS2_JOINED, _is_surrogate_pair)
    return Segments("UCS-2", parts, units)


def forcing(text: str) -> tuple[tuple[int, str], ...]:
    """The characters that GSM-7 lacks, each with its index: any one of them puts the whole text into UCS-2."""
    return tuple((found.start(), found.group()) for found in _unfit(text))


def _is_escaped(character: str) -> bool:
    return character in _EXTENSION


def _is_surrogate_pair(character: str) -> bool:
    return character > "\uffff"


def _parts(text: str, units: int, size: int, takes_two: Callable[[str], bool]) -> int:
    """Parts of `size` units where a character of two units is never cut: one that would be moves on whole.

    Each part then leaves at most one unit empty, so walking only pays where one unit a part makes a difference.
    """
    fewest = -(-units // size)
    if units == len(text) or fewest == -(-units // (size - 1)):
        return fewest
    parts, used = 1, 0
    for character in text:
        width = 2 if takes_two(character) else 1
        if used + width > size:
            parts, used = parts + 1, 0
        used += width
    return parts
