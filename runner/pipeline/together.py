"""The short way of most messages: one SMS text for many rows of a table, composed column by column.

Python takes far longer to go from one small step of a row to the next than for the steps themselves. So what is the
same for all rows is decided once for each draft, and each step is taken for some hundred rows by one call: a message
then costs a third of what it does alone. What is out of the ordinary is left to `compose`, which gives just the same
or says what is wrong.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from hashlib import sha256
from itertools import repeat
from typing import NamedTuple, TypedDict

from runner.bird.requests import TEXT_PATHS, overrides, scheduled_for, validity_s, value_at
from runner.canonical import quoted
from runner.judge import Judge
from runner.ledger.identity import reference_of
from runner.model import Json
from runner.plan import Columns, Forced, Sheaf, Skipped
from runner.recipients.crowds import Crowd, stretches
from runner.recipients.phones import countries_of
from runner.recipients.rows import Rows
from runner.rendering.drafts import DraftFault
from runner.rendering.language import Template
from runner.sms import Segments, counts, plainer

from .people import Person, person_of
from .prepare import Prepared, has_gap, is_sms
from .pricing import Pricer, unasked
from .texts import Texts
from .values import Values, holds, printed, values_of

_TEXT = TEXT_PATHS[0]
_PERSONAL = (_TEXT, ("receiver", "contacts", 0, "identifierValue"), ("reference",))  # where rows differ

Part = tuple[Crowd, Sheaf] | Person | Skipped


class _Prices(TypedDict):
    costs: Sequence[str | None]
    currency: str | None
    unpriced: Sequence[str]


class Filled(NamedTuple):
    """What comes of a crowd, as data alone. `wanted` are the indices of those who get something, None for all.

    Of `parts` a number is the index, among those, of somebody who must be looked at alone; the columns come with those
    whom they are about.
    """

    wanted: Sequence[int] | None
    parts: Sequence[tuple[range, Columns] | int]


def together(
    prepared: Prepared, shared: Mapping[str, Json], judge: Judge, texts: Texts, priced: Pricer = unasked
) -> "Together | None":
    """What composes a draft's messages to crowds, None where the draft has more than one text that differs.

    `shared` are the manifest's parameters, `judge` is the request's, `priced` says what a message costs.
    """
    if not _fits(prepared) or not all(map(judge.takes_any_text, _PERSONAL)):
        return None
    return Together(prepared, shared, judge, texts, priced)


def _fits(prepared: Prepared) -> bool:
    draft, slots = prepared.draft, prepared.compiled.slots
    return (
        is_sms(draft)
        and draft.receiver is None
        and "reference" not in draft.fields
        and prepared.text_paths == (_TEXT,)
        and [path for path, _ in slots] in ([], [_TEXT])
    )


class Together:
    """It gives just what `Composer` would, or people for whom there is something to tell or something unusual."""

    def __init__(
        self, prepared: Prepared, shared: Mapping[str, Json], judge: Judge, texts: Texts, priced: Pricer
    ) -> None:
        self._prepared = prepared
        self._shared = shared
        self._judge = judge
        self._texts = texts
        self._priced = priced
        self._starts: dict[str, str] = {}  # by identifier key: the JSON of a receiver before its number
        self._constant = prepared.compiled.request(["any"] * len(prepared.compiled.slots))
        self._template = prepared.compiled.slots[0][1] if prepared.compiled.slots else None
        self.names = tuple(
            {name: None for name in (*prepared.printed, *prepared.draft.distinct) if name != "recipient"}
        )
        self.countries_of: Callable[[Sequence[str]], Sequence[str]] = countries_of
        self._is_bare = prepared.when is None and not prepared.parameters
        self._rows: Rows | None = None
        self._read: dict[str, Sequence[str] | None] = {}  # columns of these rows

    def compose(self, crowd: Crowd) -> Iterator[Part]:
        """In order, but that those who get nothing by `when` come first."""
        return self.parts(crowd, self.fill(crowd))

    def fill(self, crowd: Crowd) -> Filled:
        """The part of it that takes time, and needs no more of the crowd than its numbers and cells."""
        if not self._may_receive(crowd.identifier_key):
            return Filled(None, range(crowd.size))
        filled, wanted = self._filled(crowd), None
        texts = [text for text in filled if text is not None]
        if len(texts) < len(filled):
            wanted = [index for index, text in enumerate(filled) if text is not None]
            crowd = crowd.only(wanted)
        segments = counts(texts)
        parts = stretches(len(texts), self._texts.remarkable(texts, segments))
        return Filled(
            wanted,
            [part if isinstance(part, int) else (part, self._columns(crowd, part, texts, segments)) for part in parts],
        )

    def parts(self, crowd: Crowd, filled: Filled) -> Iterator[Part]:
        """What `fill` gave for the crowd, put together with it."""
        if filled.wanted is not None:
            skipped = Skipped(draft=self._prepared.draft.name, reason="when")
            yield from repeat(skipped, crowd.size - len(filled.wanted))
            crowd = crowd.only(filled.wanted)
        for part in filled.parts:
            if isinstance(part, int):
                yield person_of(crowd, part)
            else:
                indices, columns = part
                few = crowd.only(indices)
                yield few, self._sheaf(few, columns)

    def _may_receive(self, key: str) -> bool:
        """Whether Bird's rules let a request pass: rows differ in texts alone, and one text is as good as another."""
        if key not in self._starts:
            contact = {"identifierKey": key, "identifierValue": "any"}
            request = {**self._constant, "receiver": {"contacts": [contact]}, "reference": "any"}
            is_sound = self._judge.is_valid(request)
            self._starts[key] = f'{{"contacts":[{{"identifierKey":{quoted(key)},"identifierValue":"' if is_sound else ""
        return self._starts[key] != ""

    def _filled(self, crowd: Crowd) -> Sequence[str | None]:
        """The text of each: None where it gets nothing by `when`, "" where it must be composed alone."""
        if self._template is None and self._is_bare:
            texts: Sequence[str | None] = [str(value_at(self._constant, _TEXT))] * crowd.size
        elif self._template is not None and self._is_bare and self._template.is_plain:
            texts = self._filled_plainly(crowd, self._template)
        else:
            texts = [self._filled_alone(crowd.values(index)) for index in range(crowd.size)]
        # Two messages of one person are told apart by values of a text each.
        for column in [self._column_of(crowd, name) for name in self._prepared.draft.distinct]:
            if column is None:
                return [""] * crowd.size
            if "" in column:
                texts = [text and ("" if value == "" else text) for text, value in zip(texts, column, strict=True)]
        return texts

    def _filled_plainly(self, crowd: Crowd, template: Template) -> Sequence[str]:
        columns = {name: column for name in template.names if (column := self._column(crowd, name)) is not None}
        if len(columns) < len(template.names):
            return [""] * crowd.size
        texts = template.together(columns)
        if self._prepared.is_smart:
            texts = [
                text if segments.encoding == "GSM-7" else plainer(text)
                for text, segments in zip(texts, counts(texts), strict=True)
            ]
        empty = {index for name in template.names for index in _empty(self._column_of(crowd, name) or ())}
        return ["" if index in empty else text for index, text in enumerate(texts)] if empty else texts

    def _column(self, crowd: Crowd, name: str) -> Sequence[str] | None:
        """What a name gives for each; None where it is anything but texts."""
        column, shared = self._column_of(crowd, name), self._shared.get(name)
        if column is not None or type(shared) is not str or name == "recipient":
            return column if name != "recipient" else None
        return [shared] * crowd.size

    def _column_of(self, crowd: Crowd, name: str) -> Sequence[str] | None:
        """`crowd.column`, which several steps ask for, read once."""
        if crowd.rows is not self._rows:
            self._rows, self._read = crowd.rows, {}
        if name not in self._read:
            self._read[name] = crowd.column(name)
        return self._read[name]

    def _filled_alone(self, row: Mapping[str, Json]) -> str | None:
        try:
            values = values_of(self._prepared, self._shared, row)
            if not holds(self._prepared, values):
                return None
            return str(value_at(self._prepared.compiled.render(values), _TEXT))
        except DraftFault:
            return ""

    def _columns(self, crowd: Crowd, indices: range, texts: Sequence[str], counted: Sequence[Segments]) -> Columns:
        prepared, crowd = self._prepared, crowd.only(indices)
        texts = texts[indices.start : indices.stop]
        encodings, segments, _ = zip(*counted[indices.start : indices.stop], strict=True)
        distinct = [column for name in prepared.draft.distinct if (column := self._column_of(crowd, name)) is not None]
        addresses = crowd.addresses
        keys = prepared.keys.keys(addresses, *distinct)
        start = self._starts[crowd.identifier_key]
        bodies, hashed = prepared.wire.requests(
            map(quoted, texts) if self._template is not None else repeat("", len(texts)),
            [f'{start}{number}"}}]}}' for number in crowd.numbers],
            map(reference_of("").__add__, keys),
        )
        countries = self.countries_of(crowd.numbers)
        return Columns(
            keys=keys,
            addresses=addresses,
            payload_hashes=[sha256(each).hexdigest() for each in hashed],
            bodies=bodies,
            countries=countries,
            segments=segments,
            encodings=encodings,
            **self._prices(crowd.numbers, countries, segments),
        )

    def _prices(self, numbers: Sequence[str], countries: Sequence[str], segments: Sequence[int]) -> "_Prices":
        size = len(numbers)
        if self._priced is unasked:
            return {"costs": [None] * size, "currency": None, "unpriced": [""] * size}
        priced = list(map(self._priced, numbers, countries, segments))
        return {
            "costs": [each.cost for each in priced],
            "currency": next((each.currency for each in priced if each.currency is not None), None),
            "unpriced": [each.unpriced for each in priced],
        }

    def _sheaf(self, crowd: Crowd, columns: Columns) -> Sheaf:
        prepared, draft = self._prepared, self._prepared.draft
        return Sheaf.of(
            columns,
            draft=draft.name,
            channel=draft.channel,
            scheduled_for=scheduled_for(self._constant),
            overrides=overrides(self._constant),
            validity_s=validity_s(self._constant),
            values=lambda index: printed(prepared, self._values(crowd, index)),
            row=lambda index: f"{crowd.list_name}#{crowd.rows.numbers[index]}",
            sample=lambda index: prepared.compiled.masked(self._values(crowd, index)),
            forced=lambda index: self._forced(crowd, index, columns.bodies[index]),
            has_gap=lambda index: has_gap(prepared, crowd.values(index)),
            hollow=lambda texts: self._hollow(crowd, texts),
        )

    def _values(self, crowd: Crowd, index: int) -> Values:
        return values_of(self._prepared, self._shared, crowd.values(index))

    def _forced(self, crowd: Crowd, index: int, body: bytes) -> Forced:
        text, row = value_at(json.loads(body), _TEXT), crowd.values(index)
        return self._texts.ucs2.forced(self._prepared, self._values(crowd, index), row, text)

    def _hollow(self, crowd: Crowd, texts: Set[str]) -> int | None:
        """By columns as long as nothing is found, and all that expressions name are columns or the same for all."""
        names, prepared = crowd.rows.names, self._prepared
        named = [self._column_of(crowd, name) for name in prepared.printed]
        shared = printed(prepared, {name: value for name, value in self._shared.items() if name not in names})
        is_simple = not prepared.parameters and "recipient" not in prepared.printed
        is_full = not any("" in column for column in named if column is not None)
        if is_simple and is_full and texts.isdisjoint(shared) and all(map(texts.isdisjoint, filter(None, named))):
            return None
        for index in range(crowd.size):
            row = crowd.values(index)
            values = printed(prepared, values_of(prepared, self._shared, row))
            if has_gap(prepared, row) or not texts.isdisjoint(values):
                return index
        return None


def nowhere(numbers: Sequence[str]) -> Sequence[str]:
    """In place of `countries_of`, for who counts none."""
    return [""] * len(numbers)


def _empty(column: Sequence[str]) -> list[int]:
    return [index for index, value in enumerate(column) if value == ""] if "" in column else []
