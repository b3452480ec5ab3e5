"""Texts to count: every boundary of a part, with what takes two units across it, and as many at random as wanted."""

import random
from collections.abc import Iterator
from itertools import product

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"
TYPOGRAPHIC = "‘’“”„–—…\u00a0\u202f\u200b•`"
OTHER = "çłżéЖяا中あ한\x00\x1b\t\ue000\uffff"
PAIRS = "😀🎉👍𝄞𐍈\U0010ffff"
COMBINING = "\u0301\u0308\u200d\ufe0f👨\u200d👩e\u0301"

_GSM_EDGES = (160, *(153 * parts for parts in range(1, 7)))
_UCS2_EDGES = (70, *(67 * parts for parts in range(1, 7)))
_MIXES = (
    *(BASIC, BASIC, EXTENSION, BASIC + EXTENSION, BASIC + TYPOGRAPHIC, OTHER, PAIRS),
    *(BASIC + PAIRS, OTHER + PAIRS + EXTENSION, BASIC + COMBINING, BASIC + EXTENSION + TYPOGRAPHIC + OTHER + PAIRS),
)


def boundaries() -> Iterator[str]:
    """Up to three units below and above each edge of a part: plain, and with wide characters there and before."""
    for edge, off in product(_GSM_EDGES, range(-3, 4)):
        yield from _around(edge + off, 153, "a", "€[")
    for edge, off in product(_UCS2_EDGES, range(-3, 4)):
        yield from _around(edge + off, 67, "ж", "😀𝄞")
        yield "’" + "a" * (edge + off - 1)
        yield "a" * (edge + off - 1) + "’"


def _around(units: int, size: int, narrow: str, wide: str) -> Iterator[str]:
    yield narrow * units
    yield wide[0] * (units // 2) + narrow * (units % 2)
    for character in wide:
        for at in range(max(0, units - 4), units - 1):
            yield narrow * at + character + narrow * (units - at - 2)
    # One across the end of the first part: what comes after it moves on by a unit.
    for at in range(size - 3, min(size + 2, units - 1)):
        yield narrow * at + wide[0] + narrow * (units - at - 2)


def at_random(count: int, *, seed: int, longest: int = 170) -> Iterator[str]:
    """Runs of one alphabet after another, each up to `longest` characters: seldom more than seven parts in all."""
    chance = random.Random(seed)
    for _ in range(count):
        runs = [(chance.choice(_MIXES), chance.randint(0, longest)) for _ in range(chance.randint(1, 4))]
        yield "".join(chance.choice(alphabet) for alphabet, length in runs for _ in range(length))
