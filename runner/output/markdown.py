"""Text from manifests, data or Bird, made inert for Markdown as GitHub and GitLab show it, and kept to what fits."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from .neutral import neutral
from .words import number

MOST_LINES = 120  # of one block
MOST_WIDE = 2_000  # characters of one line of a text: more than a few segments hold, so that none of them is cut
FEWEST = 2_000  # bytes that one of several things may take at least
MOST = 64_000  # bytes of UTF-8, so never more characters of any kind: a comment holds 65,536 at GitHub

Thing = TypeVar("Thing")

# ASCII punctuation that could be markup, HTML or, at the start, a list.
_MARKUP = r"[!#$&*:<>@\[\\\]^_`{|}~]|^[-+=]|(?<=www)\.|^[0-9]{1,9}[.)]"
# What GitHub and GitLab look for once Markdown is HTML, in each piece of text by itself: mentions, references (`#1`,
# `GH-1`, `!1`, `~label`, `[thing:1]`), commits, emoji, mathematics and addresses. An entity is a character again by
# then, so one character of each gets a piece of its own. They don't look into code.
_REFERENCE = r"[@#!%~&*\[^](?=[\w\"])|\$|:(?=[/\w])|(?<=www)\.|(?<=[A-Za-z])-(?=[0-9])"
_COMMIT = r"\b[0-9a-f]{7,40}\b"
_INERT = re.compile(f"(?P<commit>{_COMMIT})|(?P<reference>{_REFERENCE})|{_MARKUP}", re.IGNORECASE)
_MEANINGFUL = re.compile(_MARKUP, re.IGNORECASE)


def inert(text: str) -> str:
    """On one line, each character as it reads: no markup, tag, mention, reference, link or workflow command."""
    return _INERT.sub(_inert, neutral(text).strip())


def code(text: str) -> str:
    """The same in a fixed width. HTML's element, because in a code span of Markdown no character can be escaped."""
    return f"<code>{_MEANINGFUL.sub(_entity, neutral(text).strip())}</code>"


def size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def cut(text: str, most: int = 400) -> str:
    """At most so many characters, saying how many more there are."""
    return text if len(text) <= most else f"{text[:most]}… ({number(len(text) - most, 'character')} more)"


def fenced(lines: Sequence[str], *, room: int, most: int = 400, language: str = "") -> list[str]:
    """A block where nothing means anything: as many lines as fit into `room` bytes, each of `most` characters."""
    shown = [neutral(cut(line, most)) for line in lines[:MOST_LINES]]
    beyond = len(lines) - len(shown)
    kept = fitting(shown, room - 80, lambda left: f"… {number(left, 'line')} more", beyond=beyond)
    fence = "`" * max(3, 1 + max((len(run) for line in kept for run in re.findall("`+", line)), default=0))
    return [f"{fence}{language}", *kept, fence]


def fitting(rows: Iterable[str], room: int, rest: Callable[[int], str], *, beyond: int = 0) -> list[str]:
    """Rows while they fit into `room` bytes with their line breaks, then what `rest` says of so many left out.

    `beyond` are left out in any case.
    """
    rows = list(rows)
    used, kept = 0, 0
    ends = room - size(rest(len(rows) + beyond)) - 1
    for row in rows:
        used += size(row) + 1
        kept += used <= ends
    if used <= room and not beyond:
        return rows
    return [*rows[:kept], rest(len(rows) - kept + beyond)]


def in_turn(things: Sequence[Thing], room: int, write: Callable[[Thing, int], str], rest: Callable[[int], str]) -> str:
    """One after the other with a blank line between, each in half of what is left, as long as that is worth a look."""
    left = room - size(rest(len(things))) - 2
    written: list[str] = []
    for index, thing in enumerate(things):
        is_last = index == len(things) - 1
        text = write(thing, left if is_last else max(left // 2, min(left, FEWEST)))
        if left < FEWEST // 4 or size(text) > left:
            written.append(rest(len(things) - index))
            break
        written.append(text)
        left -= size(text) + 2
    return "\n\n".join(written)


Part = Callable[[int], str]  # a part of a page in at most so many bytes; it says what it leaves out


def page(parts: Iterable[Part], most: int = MOST) -> str:
    """Parts with a blank line between two. What is short is whole, and the rest shares the room that is left."""
    parts = list(parts)
    written = [part(most) for part in parts]
    wants = [size(text) + 2 if text else 0 for text in written]
    if sum(wants) > most:
        for index, share in enumerate(shares(wants, most)):
            if share < wants[index]:
                written[index] = parts[index](share - 2)
    return "\n\n".join(text for text in written if text)


def shares(wants: Sequence[int], room: int) -> Iterator[int]:
    """Of `room` for each of `wants` what it wants, or as much as any other gets that wants more than there is."""
    given = [0] * len(wants)
    ranked = sorted(range(len(wants)), key=wants.__getitem__)
    for position, index in enumerate(ranked):
        given[index] = min(wants[index], room // (len(ranked) - position))
        room -= given[index]
    yield from given


def _inert(found: re.Match[str]) -> str:
    if found["commit"] is not None:
        return f"<code>{found['commit']}</code>"
    return _entity(found) if found["reference"] is None else f"<span>{_entity(found)}</span>"


def _entity(found: re.Match[str]) -> str:
    """Of its last character: before it may stand a number, as in `12.`."""
    return f"{found.group()[:-1]}&#{ord(found.group()[-1])};"
