"""How many parts a text takes as an SMS, and which characters make it dear (3GPP TS 23.038 and 23.040)."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple
from unicodedata import category, name

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

# Typographic characters that GSM-7 lacks, and how they are written without: what is read stays the same. No more bytes
# in UTF-8 than before, so that no text outgrows its bound.
PLAIN: Final[Mapping[str, str]] = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2035\u2039\u203a\u02bb\u02bc\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u2043", "-"),
    **dict.fromkeys(
        "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "
    ),
    **dict.fromkeys("\u2028\u2029", "\n"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    "\u2026": "...",
    "\u2025": "..",
    **dict(zip("\ufb00\ufb01\ufb02\ufb03\ufb04", ("ff", "fi", "fl", "ffi", "ffl"), strict=True)),
}
_PLAIN = str.maketrans(dict(PLAIN))
_ALPHABET = frozenset(_BASIC + _EXTENSION)
_BASIC_LATIN = _BASIC.encode("latin-1", "ignore")

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
        return _basic(len(text))
    if _is_gsm(text):
        units = len(text) + len(_escaped(text))
        parts = 1 if units <= _GSM_ALONE else _parts(text, units, _GSM_JOINED, _is_escaped)
        return Segments("GSM-7", parts, units)
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    parts = 1 if units <= _UCS2_ALONE else _parts(text, units, _UCS2_JOINED, _is_surrogate_pair)
    return Segments("UCS-2", parts, units)


def counts(texts: Sequence[str]) -> list[Segments]:
    """`count` of each, in a third of the time where they hold nothing unusual."""
    try:
        is_basic = not "".join(texts).encode("latin-1").translate(None, _BASIC_LATIN)
    except UnicodeEncodeError:
        is_basic = False
    return list(map(_basic, map(len, texts))) if is_basic else list(map(count, texts))


@cache
def _basic(units: int) -> Segments:
    """Of a text whose characters are one septet each: nearly all are, and there are few different lengths."""
    return Segments("GSM-7", 1 if units <= _GSM_ALONE else -(-units // _GSM_JOINED), units)


def cut(text: str) -> tuple[str, ...]:
    """The parts that a text is sent in, in order: as many as `count` says."""
    found = count(text)
    if found.segments == 1:
        return (text,)
    size, takes_two = (_GSM_JOINED, _is_escaped) if found.encoding == "GSM-7" else (_UCS2_JOINED, _is_surrogate_pair)
    starts, used = [0], 0
    for index, character in enumerate(text):
        width = 2 if takes_two(character) else 1
        if used + width > size:
            starts.append(index)
            used = 0
        used += width
    return tuple(text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True))


def room(segments: Segments) -> int:
    """The units that so many parts have room for."""
    alone, joined = (_GSM_ALONE, _GSM_JOINED) if segments.encoding == "GSM-7" else (_UCS2_ALONE, _UCS2_JOINED)
    return alone if segments.segments == 1 else joined * segments.segments


def forcing(text: str) -> tuple[tuple[int, str], ...]:
    """The characters that GSM-7 lacks, each with its index: any one of them puts the whole text into UCS-2."""
    return tuple((found.start(), found.group()) for found in _unfit(text))


def foreign(text: str) -> set[str]:
    """The characters that GSM-7 lacks, each once."""
    return set(text).difference(_ALPHABET)


def called(character: str) -> str:
    """What people call a character: `U+2019 right single quotation mark`."""
    unnamed = "tab" if character == "\t" else "control character" if category(character) == "Cc" else "unnamed"
    return f"U+{ord(character):04X} {name(character, unnamed).lower()}"


def plainer(text: str) -> str:
    """The text with its typographic characters written plainly (PLAIN), where that makes all of it GSM-7.

    As it is wherever another character keeps it in UCS-2, or it would take more segments than before.
    """
    plain = text.translate(_PLAIN)
    return plain if _is_gsm(plain) and count(plain).segments <= count(text).segments else text


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
