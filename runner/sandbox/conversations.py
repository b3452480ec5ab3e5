"""What arrived, as the conversations of phone numbers: read from the record when somebody looks, and never before.

So a sandbox at which nobody looks does nothing for its inbox.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from .clock import Clock
from .messages import Messages, Stored
from .record import Arrival, Record

NOBODY = "nobody"  # whom a request is for that names nobody
REFUSED = "refused"  # the state of a request of which no message was made
_SPACING = str.maketrans("", "", " -().\u00a0/")
_SLICE = 2000  # arrivals that are read before others get a turn


class Entry(NamedTuple):
    """A message in the inbox. `number` counts from 1: an arrival's own is the same for all of a batch."""

    number: int
    arrival: Arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happened since the last look: arrivals by number, and the status of each message that moved."""

    arrived: Sequence[int] = ()
    moved: Sequence[tuple[int, str]] = ()


@dataclass(slots=True)
class Conversations:
    """The arrivals of one sandbox, by whom they are for. `look` brings it up to date; all else is of the last look."""

    record: Record
    messages: Messages
    clock: Clock
    counts: Counter[str] = field(default_factory=Counter)
    _people: dict[str, list[Entry]] = field(default_factory=dict)  # who got something last stands at the end
    _entries: list[Entry] = field(default_factory=list)
    _coming: list[tuple[float, int, int]] = field(default_factory=list)  # when which of them takes which step

    def look(self) -> Iterator[Changes]:
        """In turns that are short enough for others to be served between them."""
        while fresh := self.record.since(len(self._entries), _SLICE):
            yield Changes(arrived=[self._take(arrival) for arrival in fresh])
        now_s = self.clock.monotonic_s()
        while self._coming and self._coming[0][0] <= now_s:
            yield Changes(moved=list(islice(self._moves(now_s), _SLICE)))

    def people(
        self, *, wanted: str = "", beyond: int | None = None, person: str = ""
    ) -> Iterator[tuple[str, list[Entry]] | None]:
        """Those whose number, reference or text holds what is wanted, the latest first.

        On from `person`, whose last entry was `beyond`: several have the same one where a message went to several.
        None where it may be the turn of others.
        """
        needle = _needle(wanted)
        looked = 0
        for other, entries in self._beyond(beyond, person):
            looked += 1 if not needle or needle in other.casefold() else len(entries)
            if looked > _SLICE:
                looked = 0
                yield None
            if not needle or needle in other.casefold() or any(_holds(each.arrival, needle) for each in entries):
                yield other, entries

    def _beyond(self, number: int | None, person: str) -> Iterator[tuple[str, list[Entry]]]:
        latest_first = reversed(tuple(self._people.items()))
        if number is None:
            yield from latest_first
            return
        is_past = person not in self._people or self._people[person][-1].number != number
        for other, entries in latest_first:
            if (last := entries[-1].number) < number or (last == number and is_past):
                yield other, entries
            is_past = is_past or other == person

    def of(self, person: str, *, before: int | None = None, after: int = 0) -> Iterator[Entry]:
        """One conversation, the latest first."""
        for entry in reversed(self._people.get(person, ())):
            if entry.number <= after:
                return
            if before is None or entry.number < before:
                yield entry

    def entry(self, number: int) -> Entry | None:
        return self._entries[number - 1] if 1 <= number <= len(self._entries) else None

    def people_of(self, numbers: Sequence[int]) -> Mapping[str, list[Entry]]:
        """Whom these entries were for, who got something last first."""
        latest_first = (self._entries[number - 1].arrival for number in reversed(numbers))
        people = (person for arrival in latest_first for person in reversed(_people(arrival)))
        return {person: self._people[person] for person in people}

    def size(self) -> int:
        return len(self._people)

    def stored(self, arrival: Arrival) -> Stored | None:
        return self.messages.get(arrival.message_id) if arrival.message_id else None

    def status(self, arrival: Arrival) -> str:
        """Bird's status of the message now, or that there is none."""
        stored = self.stored(arrival)
        return self.messages.step(stored).status if stored else REFUSED

    def _take(self, arrival: Arrival) -> int:
        """Its number."""
        entry = Entry(len(self._entries) + 1, arrival)
        self._entries.append(entry)
        for person in _people(arrival):
            entries = self._people.pop(person, [])
            entries.append(entry)
            self._people[person] = entries
        stored = self.stored(arrival)
        index = stored.course.index(self.messages.step(stored)) if stored else 0
        self.counts[stored.course[index].status if stored else REFUSED] += 1
        self._expect(entry.number, stored, index + 1)
        return entry.number

    def _expect(self, number: int, stored: Stored | None, index: int) -> None:
        if stored is not None and index < len(stored.course):
            heapq.heappush(self._coming, (stored.accepted_s + stored.course[index].after_s, number, index))

    def _moves(self, now_s: float) -> Iterator[tuple[int, str]]:
        while self._coming and self._coming[0][0] <= now_s:
            _, number, index = heapq.heappop(self._coming)
            stored = self.stored(self._entries[number - 1].arrival)
            if stored is not None:
                self.counts[stored.course[index - 1].status] -= 1
                self.counts[stored.course[index].status] += 1
                self._expect(number, stored, index + 1)
                yield number, stored.course[index].status


def _people(arrival: Arrival) -> Sequence[str]:
    return tuple(dict.fromkeys(arrival.recipients)) or (NOBODY,)


def _needle(wanted: str) -> str:
    """A phone number is found however it is spaced."""
    number = wanted.translate(_SPACING)
    return number if number.removeprefix("+").isdecimal() else wanted.casefold().strip()


def _holds(arrival: Arrival, needle: str) -> bool:
    texts = (arrival.reference or "", said(arrival.request), subject(arrival.request) or "", *media(arrival.request))
    return any(needle in text.casefold() for text in texts)


def said(request: Any) -> str:
    """What somebody reads of it on a phone: its text, else what kind of thing it is."""
    body, template = _part(request, "body"), _part(request, "template")
    if template:
        name = f"Template {template.get('projectId') or ''} {template.get('version') or ''}".strip()
        return "\n".join((name, *_values(template)))
    kind, text = body.get("type"), _content(request).get("text")
    return text if isinstance(text, str) else f"[{kind}]" if isinstance(kind, str) else ""


def media(request: Any) -> list[str]:
    """The addresses of pictures and files: told, and never fetched."""
    items = [item for value in _content(request).values() if isinstance(value, list) for item in value]
    return [item["mediaUrl"] for item in items if isinstance(item, dict) and isinstance(item.get("mediaUrl"), str)]


def subject(request: Any) -> str | None:
    found = _part(_content(request), "metadata").get("subject")
    return found if isinstance(found, str) else None


def _values(template: Mapping[str, Any]) -> Iterator[str]:
    """What a template is filled with, one a line."""
    parameters = template.get("parameters")
    for each in parameters if isinstance(parameters, list) else ():
        if isinstance(each, dict):
            yield f"{each.get('key', '')}: {each.get('value', '')}"
    yield from (f"{key}: {value}" for key, value in _part(template, "variables").items())


def _content(request: Any) -> Mapping[str, Any]:
    """What stands under the name of the body's own type."""
    body = _part(request, "body")
    kind = body.get("type")
    return _part(body, kind) if isinstance(kind, str) else {}


def _part(value: Any, name: str) -> Mapping[str, Any]:
    """An object in an object; a request may not have been judged yet."""
    inside = value.get(name) if isinstance(value, dict) else None
    return inside if isinstance(inside, dict) else {}
