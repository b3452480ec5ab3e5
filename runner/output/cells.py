"""How many columns of a terminal a text takes (wide characters two, marks and joiners none), and texts made to fit."""

import re
from collections.abc import Iterator
from unicodedata import category, east_asian_width

_JOINER = "\u200d"
_NO_WIDTH = frozenset(("Mn", "Me", "Cf"))
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # our own: what came from data is neutral by then
_NEAR = 8  # columns between a comma and the end of a line, to break it there
_WIDOW = 5  # columns of a last line that is too short to stand alone
_LEAST_ROOM = 12  # columns for words after what stands before them; with less they begin on a line of their own


def cells(text: str) -> int:
    """Of a line that is shown in a font of one width. What a joiner binds together takes the place of its first."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text, f" {text[:-1]}"))


def _cells_of(character: str, previous: str) -> int:
    if previous == _JOINER or category(character) in _NO_WIDTH or ord(character) in _SKIN_TONES:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def left(text: str, width: int) -> str:
    """With blanks after it, to so many columns."""
    return text + " " * (width - cells(text))


def right(text: str, width: int) -> str:
    return " " * (width - cells(text)) + text


def cut(text: str, width: int) -> str:
    """In at most so many columns: what is left out of its middle is `…`, as both ends of a name tell it from others."""
    if cells(text) <= width:
        return text
    if width < 1:
        return ""
    head = _start(text, width // 2)
    return f"{head}…{_end(text, width - 1 - cells(head))}"


def folded(text: str, width: int | None, *, indent: int = 0, rest: int | None = None) -> str:
    """`text` after `indent` columns of its first line, no line wider than `width`; None leaves it as it is.

    The lines below begin with `rest` blanks, by default as many as `indent`. It may hold our own colours. Broken at
    blanks; within a word only where the word alone is too wide.
    """
    if width is None or indent + cells(text) <= width:
        return text
    rest = indent if rest is None else rest
    if width - rest < _LEAST_ROOM:
        rest = min(rest, max(width - _LEAST_ROOM, 0), 4)
    is_below = width - indent < _LEAST_ROOM and indent > rest
    lines = _lines(text, width - (rest if is_below else indent), width - rest)
    return f"\n{' ' * rest}".join(line.rstrip(" ") for line in ([""] if is_below else []) + lines)


def _lines(text: str, room: int, then: int) -> list[str]:
    """The first in `room` columns, the others in `then`."""
    lines: list[str] = []
    line, is_torn = "", False  # whether the line begins within a word
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cells(joined) <= room:
            line = joined
            continue
        over = word
        if line.strip() and cells(word) > then and room - cells(line) > _LEAST_ROOM:
            over = joined  # it is torn anyway: no reason to leave the rest of this line empty
        elif line.strip():
            line, over = _at_comma(line, word, then)
            lines.append(line)
            room = then
        *whole, line = _broken(over, room, then)
        is_torn = bool(whole)
        lines += whole
        room = then if lines else room
    if lines and not is_torn and cells(line) <= _WIDOW:
        lines[-1], line = _not_alone(lines[-1], line, room)
    return [*lines, line]


def _at_comma(line: str, word: str, room: int) -> tuple[str, str]:
    """Nothing that belongs together is torn where a comma is near: `US 12, CA | 7` becomes `US 12, | CA 7`."""
    head, comma, tail = line.rpartition(", ")
    below = f"{tail} {word}"
    return (f"{head},", below) if comma and cells(tail) <= _NEAR and cells(below) <= room else (line, word)


def _not_alone(before: str, last: str, room: int) -> tuple[str, str]:
    """A short word is not left alone on the last line: the one before it keeps it company."""
    head, _, tail = before.rpartition(" ")
    company = f"{tail} {last}"
    return (head, company) if head.strip() and last and cells(company) <= room else (before, last)


def _broken(word: str, room: int, then: int) -> Iterator[str]:
    """A word in pieces of `room` columns first, and `then` each."""
    piece = ""
    for each in _pieces(word):
        if piece and cells(piece + each) > room:
            yield piece
            piece, room = "", then
        piece += each
    yield piece


def _pieces(text: str) -> Iterator[str]:
    """What must not be torn apart: a character with its marks and all that joiners bind to it; a colour."""
    piece = ""
    for found in re.finditer(rf"{_COLOUR.pattern}|.", text, re.DOTALL):
        each = found.group()
        is_more = len(each) > 1 or _cells_of(each, piece[-1:] or " ") == 0
        if piece and not is_more:
            yield piece
            piece = ""
        piece += each
    if piece:
        yield piece


def _start(text: str, width: int) -> str:
    kept = ""
    for piece in _pieces(text):
        if cells(kept + piece) > width:
            break
        kept += piece
    return kept


def _end(text: str, width: int) -> str:
    kept = ""
    for piece in reversed(list(_pieces(text))):
        if cells(piece + kept) > width:
            break
        kept = piece + kept
    return kept
