"""The messages of a plan that are shown as they will look: those that most likely look wrong."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Literal

from runner.bird.requests import TEXT_PATHS, value_at
from runner.model import Json

from .composed import Composed
from .sheaf import Sheaf

SAMPLES = 3
Risk = Literal["mostSegments", "emptyValue", "ucs2", "longest"]

# What people and programs leave where a value is missing. A set, because every row's values are held against it.
_WORDS = (
    *("null", "none", "nil", "nan", "n/a", "#n/a", "n.a.", "undefined", "unknown", "missing", "empty", "blank"),
    *("(null)", "(none)", "(blank)", "<null>", "[null]", "tbd", "tba", "todo", "xxx", "#ref!", "#value!", "#name?"),
    *("0000-00-00", "1900-01-00", "1970-01-01", "1/0/1900", "01/01/1970"),
)
_MARKS = (
    *("na", "NA", "NaN", "-", "--", "---", "–", "—", ".", "..", "...", "…", "?", "??", "_", "/", "*", "#"),
    *("{}", "[]", '""', "''"),
)
_BLANKS = (blank * count for blank in " \t\n\xa0\u200b\u3000" for count in range(1, 9))
EMPTYISH = frozenset((*_WORDS, *map(str.upper, _WORDS), *map(str.title, _WORDS), *_MARKS, *_BLANKS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One message as it will look: its own words exact, the output of each expression masked.

    `risks` say what it was chosen for; none where it only fills the room that is left.
    """

    message: str
    row: str
    recipient: str
    encoding: str
    segments: int
    request: Json
    risks: tuple[Risk, ...] = ()


@dataclass(slots=True)
class _Alike:
    """Of the messages of one draft with one encoding: the one with most segments, and the one with most bytes."""

    most: Composed
    most_risk: int
    longest: Composed
    most_bytes: int


@dataclass(slots=True)
class Samples:
    """Keeps a few messages, however many are offered: so each kind of risk is shown, and then what is next to it."""

    _alike: dict[tuple[str, str], _Alike] = field(default_factory=dict)
    _last: _Alike | None = None
    _draft: str = ""
    _encoding: str = ""
    _hollow: Composed | None = None
    _riskiest: list[tuple[int, Composed]] = field(default_factory=list)
    _floor: int = -1

    def offer(self, composed: Composed) -> None:
        message = composed.message
        size = len(message.body)
        risk = message.segments << 32 | size
        if risk > self._floor:
            self._rank(risk, composed)
        if message.draft is not self._draft or composed.encoding is not self._encoding:
            self._turn(composed)
        alike = self._last
        if alike is None:
            self._last = self._alike[self._draft, self._encoding] = _Alike(composed, risk, composed, size)
        else:
            if risk > alike.most_risk:
                alike.most, alike.most_risk = composed, risk
            if size > alike.most_bytes:
                alike.longest, alike.most_bytes = composed, size
        if self._hollow is None and (composed.has_gap or not EMPTYISH.isdisjoint(message.values)):
            self._hollow = composed

    def _turn(self, composed: Composed) -> None:
        self._draft, self._encoding = composed.message.draft, composed.encoding
        self._last = self._alike.get((self._draft, self._encoding))

    def _rank(self, risk: int, composed: Composed) -> None:
        ranked = sorted([*self._riskiest, (risk, composed)], key=itemgetter(0), reverse=True)
        self._riskiest = ranked[:SAMPLES]
        self._floor = ranked[SAMPLES - 1][0] if len(ranked) >= SAMPLES else -1

    def offer_all(self, sheaf: Sheaf) -> None:
        """Of many only those are looked at that may be kept: what it takes for that never falls."""
        indices = set(self._notable(sheaf))
        if self._hollow is None and (hollow := sheaf.hollow(EMPTYISH)) is not None:
            indices.add(hollow)
        for index in sorted(indices):
            self.offer(sheaf.one(index))

    def _notable(self, sheaf: Sheaf) -> Iterator[int]:
        """Those who are above what was kept of their like before any of these."""
        sizes = list(map(len, sheaf.bodies))
        for encoding in dict.fromkeys(sheaf.encodings):
            alike = self._alike.get((sheaf.draft, encoding))
            most = min(self._floor, alike.most_risk) if alike is not None else -1
            longest = alike.most_bytes if alike is not None else -1
            if max(sheaf.segments) << 32 | max(sizes) <= most and max(sizes) <= longest:
                continue
            for index, (segments, size) in enumerate(zip(sheaf.segments, sizes, strict=True)):
                is_notable = segments << 32 | size > most or size > longest
                if is_notable and sheaf.encodings[index] == encoding:
                    yield index

    def chosen(self, mask: Callable[[str], str]) -> tuple[Sample, ...]:
        """One for each risk that no other shows already, then other messages, other rows, and the next riskiest."""
        finalists = self._finalists()
        chosen: list[_Finalist] = []
        for risk in ("mostSegments", "emptyValue", "ucs2", "longest"):
            if not any(risk in each.risks for each in chosen):
                chosen += [each for each in finalists if risk in each.risks][:1]
        while len(chosen) < min(SAMPLES, len(finalists)):
            chosen.append(_next(chosen, [each for each in finalists if each not in chosen]))
        return tuple(_sample(each, mask) for each in chosen[:SAMPLES])

    def _finalists(self) -> list["_Finalist"]:
        """The riskiest first: segments, then encoding, then the length of the text."""
        kept = [each for alike in self._alike.values() for each in (alike.most, alike.longest)]
        kept += [each for _, each in self._riskiest]
        kept += [self._hollow] if self._hollow is not None else []
        measured = {each.message.key: (each, _length(each)) for each in kept}
        most = max((each.message.segments for each in kept), default=0)
        lengths = {length for _, length in measured.values()}
        longest = max(lengths) if len(lengths) > 1 else -1  # what all have is no risk
        ranked = sorted(
            measured.values(),
            key=lambda item: (item[0].message.segments, item[0].encoding == "UCS-2", item[1]),
            reverse=True,
        )
        return [
            _Finalist(composed=each, risks=tuple(self._risks(each, most, is_longest=length == longest)))
            for each, length in ranked
        ]

    def _risks(self, composed: Composed, most: int, *, is_longest: bool) -> Iterator[Risk]:
        if composed.message.segments == most > 1:
            yield "mostSegments"
        if composed is self._hollow:
            yield "emptyValue"
        if composed.encoding == "UCS-2":
            yield "ucs2"
        if is_longest:
            yield "longest"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Finalist:
    """One that may yet become a sample."""

    composed: Composed
    risks: tuple[Risk, ...]


def _next(chosen: list[_Finalist], rest: list[_Finalist]) -> _Finalist:
    """The riskiest that shows most: a message, else a person, that is not among the chosen."""
    drafts = {each.composed.message.draft for each in chosen}
    rows = {each.composed.row for each in chosen}
    return min(rest, key=lambda each: (each.composed.message.draft in drafts, each.composed.row in rows))


def _length(composed: Composed) -> int:
    """Of its text, in characters; 0 where it has none."""
    request = json.loads(composed.message.body)
    texts = (value_at(request, path) for path in TEXT_PATHS)
    return max((len(text) for text in texts if isinstance(text, str)), default=0)


def _sample(finalist: _Finalist, mask: Callable[[str], str]) -> Sample:
    composed = finalist.composed
    return Sample(
        message=composed.message.draft,
        row=composed.row,
        recipient=mask(composed.message.address),
        encoding=composed.encoding,
        segments=composed.message.segments,
        request=composed.sample(),
        risks=finalist.risks,
    )
