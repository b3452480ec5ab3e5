"""From an expression's value to the JSON type that Bird's schema wants; never a guess, never a loss."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from runner.model import Json

from .faults import ExpressionFault
from .fuel import MAX_INTEGER
from .values import in_words, is_number, null_fault, printed

JsonType = Literal["string", "integer", "number", "boolean", "array", "object", "null"]

WORDS: Mapping[JsonType, str] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,15})")
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,3})?")
EXACT_FLOATS = 2**53


class NoFit(Exception):
    """The value can't become that type."""


def cast(value: Any, wants: JsonType, label: str | None) -> Json:
    """The value as that type. Raises ExpressionFault (null or type); `label` names the expression."""
    if value is None and wants != "null":
        raise null_fault(label, f"stand where {WORDS[wants]} is wanted")
    try:
        return CASTS[wants](value)
    except NoFit:
        hint = "lists and maps come from typed sources: JSON, YAML" if wants in ("array", "object") else None
        what = f"{label or 'this expression'} is {in_words(value)}"
        detail = " that doesn't read as one" if type(value) is str and wants not in ("array", "object") else ""
        raise ExpressionFault("type", f"{WORDS[wants]} is wanted here; {what}{detail}", hint=hint) from None


def _integer(value: Any) -> int:
    if type(value) is int and -MAX_INTEGER < value < MAX_INTEGER:
        return value
    if type(value) is float and value.is_integer() and abs(value) <= EXACT_FLOATS and not _is_minus_zero(value):
        return int(value)
    if type(value) is str and INTEGER.fullmatch(value) and value != "-0":
        return int(value)
    raise NoFit


def _number(value: Any) -> int | float:
    if type(value) is str and NUMBER.fullmatch(value):
        value = int(value) if INTEGER.fullmatch(value) and value != "-0" else float(value)
    if not is_number(value) or not math.isfinite(value) or _is_minus_zero(value):
        raise NoFit
    if type(value) is int:
        return _integer(value)
    return float(value)


def _is_minus_zero(value: Any) -> bool:
    return type(value) is float and value == 0 and math.copysign(1, value) < 0


def _boolean(value: Any) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise NoFit


def _array(value: Any) -> list[Json]:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise NoFit


def _object(value: Any) -> dict[str, Json]:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    raise NoFit


def _plain(value: Any) -> Json:
    """JSON's own types and nothing else, in containers of our own."""
    if value is None or type(value) in (str, bool):
        return value
    if is_number(value):
        return _number(value)
    return _array(value) if isinstance(value, list | tuple) else _object(value)


def _null(value: Any) -> None:
    if value is not None:
        raise NoFit


def _string(value: Any) -> str:
    return printed(value, None)


CASTS: Mapping[JsonType, Callable[[Any], Json]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
    "null": _null,
}
