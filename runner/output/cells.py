"""How many columns of a terminal a text takes: wide characters two, marks and joiners none."""

from unicodedata import category, east_asian_width

_JOINER = "\u200d"
_NO_WIDTH = frozenset(("Mn", "Me", "Cf"))
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def cells(text: str) -> int:
    """Of a line that is shown in a font of one width. What a joiner binds together takes the place of its first."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text, f" {text[:-1]}"))


def _cells_of(character: str, previous: str) -> int:
    if previous == _JOINER or category(character) in _NO_WIDTH or ord(character) in _SKIN_TONES:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
