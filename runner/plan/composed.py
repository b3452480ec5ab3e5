"""What composing gives for a row: a message, or why there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from runner.model import Json, Message


class Composed(NamedTuple):
    """One person's message. `sample` renders it masked; `row` is `list#N`; `encoding` is "" where nothing is split.

    `validity_s` is how long Bird shall try, where that was said. `unpriced` names what the rate card lacks a price for.
    A named tuple, because one is made for every row.
    """

    message: Message
    row: str
    is_suppressed: bool
    encoding: str
    scheduled_for: str | None
    sample: Callable[[], Json]
    validity_s: int | None = None
    unpriced: str = ""

    @property
    def is_template(self) -> bool:
        """Whether Bird makes the text: then it is one segment at least, and nobody here knows how many."""
        return self.encoding == "" and self.message.segments > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A row that gets nothing, and why: where, exclude, suppress, when, duplicate."""

    draft: str
    reason: str
