"""What can be wrong with an expression: one exception, eight kinds, each with its code."""

from collections.abc import Mapping
from typing import Literal

Kind = Literal["syntax", "refused", "undefined", "null", "type", "bound", "include", "extra"]

MAX_WORDS = 400

CODES: Mapping[Kind, str] = {
    "syntax": "TPL401",  # it can't be read
    "refused": "TPL402",  # the language leaves this out
    "undefined": "TPL403",  # nobody gives this name
    "null": "TPL404",  # there is no value where one is needed
    "type": "TPL405",  # the value is of a kind that can't stand here
    "bound": "TPL406",  # too long, too deep or too much work
    "include": "TPL407",  # the included file can't be had
    "extra": "TPL408",  # a filter of an extra that is not installed
}


class ExpressionFault(Exception):
    """One mistake in an expression, in plain words.

    `line` counts from 1 in the text that holds the mistake: the template's own, or the included file's that `source`
    names. `name` is the undefined or null name. `others` are further mistakes of the same text, `names` those that it
    asks for and that may be known or not. The words never hold a recipient's data.
    """

    others: tuple["ExpressionFault", ...] = ()
    names: frozenset[str] = frozenset()

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        hint: str | None = None,
        line: int | None = None,
        name: str | None = None,
        source: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = _short(message)
        self.hint = None if hint is None else _short(hint)
        self.line = line
        self.name = name
        self.source = source


def _short(words: str) -> str:
    """A name in the words can be as long as its author likes; the words are not."""
    return words if len(words) <= MAX_WORDS else f"{words[: MAX_WORDS - 3]}..."


class UnknownName(ExpressionFault):
    """A name that nobody gives; whoever has the known names adds the nearest."""


class OutOfFuel(ExpressionFault):
    """The work allowed is used up: what comes after can't be tried."""


def escape_attempt() -> ExpressionFault:
    """The same words for every way to reach behind the data."""
    return ExpressionFault(
        "refused",
        "expressions see data only: no Python object, attribute or function can be reached",
        hint="name a column or a parameter; any column is reached with recipient[...]",
    )
