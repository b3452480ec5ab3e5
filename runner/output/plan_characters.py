"""Which characters make a plan's texts UCS-2: for people and for machines."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from runner.findings import Place
from runner.plan import Character, Characters, Saved, Source
from runner.prices import money, plain
from runner.sms import called

from .neutral import neutral
from .sheet import Sheet
from .words import number

SHOWN = 5  # characters of each message; machines get all that were kept


def sizes_text(sizes: Mapping[int, int]) -> str:
    """`820 messages take 1, 180 take 2`: how many messages have how many segments; at least one has."""
    parts = [f"{count:,} take{'s' if count == 1 else ''} {size}" for size, count in sorted(sizes.items()) if size]
    first, _, rest = parts[0].partition(" ")
    noun = "message" if first == "1" else "messages"
    return ", ".join([f"{first} {noun} {rest}", *parts[1:]])


def sizes_json(sizes: Mapping[int, int]) -> dict[str, int]:
    return {str(size): count for size, count in sorted(sizes.items()) if size}


def characters_text(characters: Characters, sheet: Sheet) -> Iterator[str]:
    """A section; none where all texts are GSM-7."""
    if not characters.messages:
        return
    lines = [
        sheet.line(words, indent=indent)
        for line, detail in characters_told(characters)
        for indent, words in ((2, line), (4, detail))
        if words
    ]
    yield from sheet.section(characters_headline(characters), lines)


def characters_headline(characters: Characters) -> str:
    more = f", {_difference(characters.all, 'more')} for it" if characters.all.segments else ""
    return f"Outside of GSM-7: {number(characters.messages, 'message')} in UCS-2{more}"


def characters_told(characters: Characters) -> Iterator[tuple[str, str]]:
    """A line for each character, and what it comes from and costs; then what is to be said of all."""
    for draft, found in groupby(characters.found(), key=lambda each: each.draft):
        told = list(found)
        for each in told[:SHOWN]:
            yield _character(each)
        if len(told) > SHOWN:
            yield f"{draft}: {number(len(told) - SHOWN, 'more character')}, in --format json", ""
        if characters.more[draft]:
            yield f"{draft}: {number(characters.more[draft], 'message')} with yet others", ""
    if characters.plainly.segments:
        yield f"policy.smartEncoding: true would take {_difference(characters.plainly)}", ""


def _character(found: Character) -> tuple[str, str]:
    line = f"{found.draft}: {in_words(found.character)} in {number(found.messages, 'message')}"
    return line, f"{source_in_words(found.source)}{_fix(found)}"


def in_words(character: str) -> str:
    """The character itself, where there is something to see, and what it is called."""
    shown = f"{character} " if character.isprintable() and not character.isspace() else ""
    return f"{shown}({called(character)})"


def source_in_words(source: Source) -> str:
    """Where a character of a text comes from."""
    place, name = source.place, neutral(source.name)
    at = f" at {neutral(place.path)}:{place.line}:{place.column}" if place is not None else ""
    return {
        "text": f"its own words{at}",
        "include": f"included{at}",
        "parameter": f"parameter {{{{ {name} }}}}{at}",
        "column": f"people's data in {{{{ {name} }}}}",
        "expression": "what an expression makes",
    }[source.kind]


def _fix(found: Character) -> str:
    if not found.saved.segments:
        return ""
    how = {None: "without it", "": "left out", " ": "a plain space instead", "\n": "a line break instead"}
    return f"; {how.get(found.replacement, f'{found.replacement} instead')}: {_difference(found.saved)}"


def _difference(saved: Saved, word: str = "less") -> str:
    """`180 segments less (about 9.00 EUR)`."""
    costs = ", ".join(f"about {money(cost, currency)}" for currency, cost in sorted(saved.costs.items()))
    return f"{number(saved.segments, 'segment')} {word}{f' ({costs})' if costs else ''}"


def characters_json(characters: Characters) -> dict[str, Any]:
    return {
        "messages": characters.messages,
        "segments": characters.segments,
        "saved": _saved(characters.all),
        "savedBySmartEncoding": _saved(characters.plainly),
        "characters": [_character_json(each) for each in characters.found()],
        "withOthers": {draft: count for draft, count in characters.more.items() if count},
    }


def _character_json(found: Character) -> dict[str, Any]:
    return {
        "message": found.draft,
        "character": neutral(found.character),
        "codePoint": f"U+{ord(found.character):04X}",
        "name": called(found.character).partition(" ")[2],
        "replacement": found.replacement,
        "source": {"kind": found.source.kind, "name": found.source.name or None, **_place(found.source.place)},
        "messages": found.messages,
        "saved": _saved(found.saved),
    }


def _place(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {"path": None, "line": None, "column": None}
    return {"path": place.path, "line": place.line, "column": place.column}


def _saved(saved: Saved) -> dict[str, Any]:
    return {
        "messages": saved.messages,
        "segments": saved.segments,
        "countries": dict(sorted(saved.countries.items())),
        "costs": {currency: plain(cost) for currency, cost in sorted(saved.costs.items())},
    }
