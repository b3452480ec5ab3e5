"""One message: on a phone, in its segments, and as the request that would go out."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal

from runner.model import Json
from runner.output.plan_characters import in_words, source_in_words
from runner.output.words import number
from runner.pages import Content, Html, badge, element, joined
from runner.pages.phone import phone
from runner.plan import Cause, Forced
from runner.plan.album import Shown
from runner.prices import money
from runner.sms import called, count, cut, foreign, room

from .told import Chosen, DraftTold, Told

_CAUSES = 6
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# What turns a line around or can't be seen: it stands in JSON by its number, which is the same text.
_UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def stage(told: Told, chosen: Chosen) -> Html:
    """The phone; of a message that nobody gets, as it is written."""
    if chosen.shown is None:
        return written_phone(chosen.draft)
    return message_phone(told, chosen.draft, chosen.shown)


def beside(told: Told, chosen: Chosen) -> Html:
    """What is to be known of it."""
    if chosen.shown is None:
        return _written_facts(told, chosen.draft)
    return joined(*details(told, chosen.draft, chosen.shown))


def message_phone(told: Told, draft: DraftTold, shown: Shown) -> Html:
    return phone(told.request(shown), sender=draft.channel.name, kind=draft.kind)


def written_phone(draft: DraftTold) -> Html:
    return phone(draft.fields, sender=draft.channel.name, kind=f"{draft.kind}, as written", is_written=True)


def details(told: Told, draft: DraftTold, shown: Shown) -> Iterator[Html]:
    yield element(
        "section", element("div", *_facts(told, draft, shown), class_="inside"), class_="card", aria_label="Facts"
    )
    if (text := shown.text) is not None:
        yield _segments(told, shown, text)
    yield _request(told, draft, shown)


def _facts(told: Told, draft: DraftTold, shown: Shown) -> Iterator[Html]:
    pairs: list[tuple[str, Content]] = [
        ("To", [element("bdi", told.whom(shown), class_="mono"), f" {shown.country}" if shown.country else ""]),
        ("Row", element("bdi", shown.row)),
        ("Through", f"{draft.channel.name} ({draft.channel.platform})"),
        ("Cost", _cost(shown)),
    ]
    if shown.scheduled_for is not None:
        pairs.append(("Waits until", shown.scheduled_for if told.shows_people else "a time of its own"))
    if shown.overrides:
        pairs.append(("Sets aside", ", ".join(shown.overrides)))
    if shown.has_gap:
        pairs.append(("Empty", badge("a column that it names is empty for this row", tone="doubt")))
    yield element("h2", element("bdi", draft.name), " to ", element("bdi", told.whom(shown)), class_="hidden-text")
    yield element("dl", *(joined(element("dt", name), element("dd", value)) for name, value in pairs), class_="facts")


def _cost(shown: Shown) -> str:
    if shown.cost is not None and shown.currency is not None:
        return f"about {money(Decimal(shown.cost), shown.currency)}"
    return f"no price for {shown.unpriced}" if shown.unpriced else "unknown: no rate card"


def _written_facts(told: Told, draft: DraftTold) -> Html:
    why = "It has errors" if told.has_errors else "Nobody is there to render it for"
    return element(
        "section",
        element(
            "div",
            element("p", f"{why}, so its expressions stand as they are written.", class_="soft"),
            _code(draft.fields),
            class_="inside stack",
        ),
        class_="card",
        aria_label="The message as written",
    )


def _segments(told: Told, shown: Shown, text: str) -> Html:
    found = count(text)
    head = f"{found.encoding}, {found.units:,} of {room(found):,}"
    parts = _parts(text) if told.shows_people else None
    return element(
        "section",
        element(
            "div",
            element("h2", number(found.segments, "segment")),
            element("span", head, class_="soft small"),
            badge("UCS-2", tone="doubt") if found.encoding == "UCS-2" else None,
            class_="head",
        ),
        element("ol", *parts, class_="inside segments") if parts else None,
        _causes(told, shown, text) if found.encoding == "UCS-2" else None,
        class_="card",
        aria_label="Segments",
    )


def _parts(text: str) -> Iterator[Html]:
    """Each part of the text, with the characters that GSM-7 lacks marked in it."""
    strange = foreign(text)
    parts = cut(text)
    for index, part in enumerate(parts, 1):
        yield element(
            "li",
            element("span", f"{index}", class_="nth", aria_label=f"Segment {index}") if len(parts) > 1 else None,
            element("p", *marked(part, strange), class_="part"),
        )


def marked(text: str, strange: set[str]) -> Iterator[Content]:
    """The text; what forces UCS-2 is marked, and shown by its number where there is nothing to see of it."""
    start = 0
    for index, character in enumerate(text):
        if character in strange:
            yield text[start:index]
            is_seen = character.isprintable() and not character.isspace()
            yield element("mark", character if is_seen else f"U+{ord(character):04X}", title=called(character))
            start = index + 1
    yield text[start:]


def _causes(told: Told, shown: Shown, text: str) -> Html:
    lines: list[Content] = []
    forced = shown.forced
    if forced is not None:
        lines += [element("li", *_cause(told, each)) for each in forced.causes[:_CAUSES]]
        if len(forced.causes) > _CAUSES:
            lines.append(element("li", number(len(forced.causes) - _CAUSES, "more character")))
        if words := _saving(forced):
            lines.append(element("li", element("strong", words)))
    elif told.shows_people:
        lines += [element("li", in_words(each)) for each in sorted(foreign(text))[:_CAUSES]]
    return element(
        "div",
        element("p", "These characters are not in GSM-7, so a segment takes 70 characters instead of 160:"),
        element("ul", *lines),
        class_="inside causes",
    )


def _cause(told: Told, cause: Cause) -> Iterator[Content]:
    is_own = cause.source.kind in ("text", "include", "parameter")
    yield in_words(cause.character) if told.shows_people or is_own else "a character"
    yield f": {source_in_words(cause.source)}"
    if cause.replacement is not None:
        yield "; plainly: "
        yield element("code", cause.replacement) if cause.replacement.strip() else "a space, or nothing"


def _saving(forced: Forced) -> str:
    if not forced.saved:
        return ""
    how = "Written plainly it takes" if forced.is_typographic else "Without them it takes"
    return f"{how} {number(forced.saved, 'segment')} less."


def _request(told: Told, draft: DraftTold, shown: Shown) -> Html:
    request = told.request(shown)
    raw = element(
        "details",
        element("summary", "As one line, byte for byte"),
        element("pre", *_isolated(shown.body.decode("utf-8", "replace")), class_="code raw"),
    )
    return element(
        "section",
        element(
            "div",
            element("h2", "Request"),
            element("span", f"{len(shown.body):,} bytes", class_="soft small"),
            class_="head",
        ),
        element(
            "div",
            element("p", element("span", "POST ", class_="soft"), draft.address, class_="mono address"),
            _code(request),
            raw if told.shows_people else None,
            class_="inside stack",
        ),
        class_="card",
        aria_label="Request",
    )


def _code(value: Json) -> Html:
    return element("pre", *_json(value, ""), class_="code")


def _json(value: Json, margin: str) -> Iterator[Content]:
    inner = f"{margin}  "
    if isinstance(value, dict) and value:
        yield "{"
        for index, (name, each) in enumerate(value.items()):
            yield f"{',' if index else ''}\n{inner}"
            yield element("span", _word(name), class_="key")
            yield ": "
            yield from _json(each, inner)
        yield f"\n{margin}}}"
    elif isinstance(value, (list, tuple)) and value:
        yield "["
        for index, each in enumerate(value):
            yield f"{',' if index else ''}\n{inner}"
            yield from _json(each, inner)
        yield f"\n{margin}]"
    else:
        yield element("span", _word(value), class_="value" if isinstance(value, str) else "other")


def _word(value: Json) -> str:
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value, ensure_ascii=False))


def _isolated(raw: str) -> Iterator[Content]:
    """The same text; what turns it around does so within itself alone."""
    start = 0
    for found in _TURNING.finditer(raw):
        yield from (raw[start : found.start()], element("bdi", found.group()))
        start = found.end()
    yield raw[start:]
