"""What composing gives for a row: a message, or why there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from runner.findings import Place
from runner.model import Json, Message


class Source(NamedTuple):
    """Where a character of a text comes from: `text` and `include` are the author's own words, the others a name.

    `name` is that of the column or the parameter as an expression writes it, never its value; `place` is where the
    manifest has the character, None where it comes from data.
    """

    kind: Literal["text", "include", "parameter", "column", "expression"]
    name: str = ""
    place: Place | None = None


class Cause(NamedTuple):
    """A character that GSM-7 lacks, and how it is written plainly; None where nothing known stands for it."""

    character: str
    source: Source
    replacement: str | None


class Forced(NamedTuple):
    """What makes one text UCS-2, and how many segments it takes less without.

    `saved` is for the typographic characters written plainly where there are no others (`is_typographic`), else for
    all others left out too: then it is these that save.
    """

    causes: tuple[Cause, ...]
    saved: int
    is_typographic: bool


class Composed(NamedTuple):
    """One person's message. `sample` renders it masked; `row` is `list#N`; `encoding` is "" where nothing is split.

    `overrides` names what of Bird's own restraint it sets aside.
    `validity_s` is how long Bird shall try, where that was said. `unpriced` names what the rate card lacks a price for.
    `forced` says what makes the text UCS-2, None where nothing does. `zones` are the person's, where the policy has
    quiet hours. `has_gap` where a column that its expressions name is empty for this row. A named tuple, because one is
    made for every row.
    """

    message: Message
    row: str
    is_suppressed: bool
    encoding: str
    scheduled_for: str | None
    overrides: tuple[str, ...]
    sample: Callable[[], Json]
    validity_s: int | None = None
    unpriced: str = ""
    forced: Callable[[], Forced] | None = None
    zones: tuple[str, ...] = ()
    has_gap: bool = False

    @property
    def is_template(self) -> bool:
        """Whether Bird makes the text: then it is one segment at least, and nobody here knows how many."""
        return self.encoding == "" and self.message.segments > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A row that gets nothing, and why: where, exclude, suppress, when, duplicate, quietHours, …"""

    draft: str
    reason: str
