"""The filters and what each does. Every one looks at sizes before it builds anything; none has a side effect.

A filter gets no null and no missing value (but `default` gets null): `Operations.apply` sees to it.
"""

import html
import math
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from .faults import ExpressionFault
from .fuel import MAX_TEXT
from .locale_filters import LOCALE_FILTERS, ON_SMS, without_no_break
from .number_filters import Unfit, a_count, a_number, absolute, fixed, rounded, to_float, to_int
from .values import checked_list, checked_text, in_words, is_number, printed, text_too_long, whole

WORD = re.compile(r"[^\s\-({\[<]+")


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return str(whole(value))
    raise Unfit("text")


def _argument(value: Any) -> str:
    if type(value) is str:
        return value
    raise Unfit("text in its brackets", of_argument=True)


def _items(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, Mapping):
        return list(value)
    raise Unfit("a list", "a text becomes a list with split: {{ value|split(';') }}" if type(value) is str else None)


def _alike(items: list[Any]) -> list[Any]:
    if all(is_number(item) for item in items) or all(type(item) is str for item in items):
        return items
    raise Unfit("a list of texts alone or of numbers alone")


def upper(value: Any) -> str:
    return _text(value).upper()


def lower(value: Any) -> str:
    return _text(value).lower()


def capitalize(value: Any) -> str:
    return _text(value).capitalize()


def title(value: Any) -> str:
    """Each word: first letter large, the rest small. "o'neil" becomes "O'neil"."""
    return WORD.sub(lambda word: word[0][:1].upper() + word[0][1:].lower(), _text(value))


def trim(value: Any, chars: Any = None) -> str:
    return _text(value).strip(None if chars is None else _argument(chars))


def replace(value: Any, old: Any, new: Any) -> str:
    text, sought, put = _text(value), _argument(old), _argument(new)
    if not sought:
        raise Unfit("a text to look for that is not empty", of_argument=True)
    if len(text) + text.count(sought) * (len(put) - len(sought)) > MAX_TEXT:
        raise text_too_long()
    return text.replace(sought, put)


def truncate(value: Any, length: Any = 255, killwords: Any = False, end: Any = "...") -> str:
    """At most `length` characters, `end` included; cuts between words unless `killwords`."""
    text, most, ending = _text(value), a_count(length, MAX_TEXT), _argument(end)
    if len(text) <= most:
        return text
    if len(ending) > most:
        raise Unfit("a length of at least that of its ending", of_argument=True)
    kept = text[: most - len(ending)]
    return (kept if killwords else kept.rsplit(" ", 1)[0]) + ending


def split(value: Any, separator: Any = None) -> list[str]:
    """The parts between separators, or the words. Parts are trimmed: cells are written "a; b; c"."""
    text = _text(value)
    if separator is None:
        return text.split()
    if separator == "":
        raise Unfit("a separator that is not empty", of_argument=True)
    return [part.strip() for part in text.split(_argument(separator))]


def escape(value: Any) -> str:
    return html.escape(_text(value), quote=True)


def urlencode(value: Any) -> str:
    return urllib.parse.quote(_text(value), safe="/", errors="replace")


def wordcount(value: Any) -> int:
    return len(_text(value).split())


def default(value: Any, other: Any = "", also_empty: Any = False) -> Any:
    """`other` for null; for whatever counts as false too when `also_empty` is true. A misspelt name stays an error."""
    return other if value is None or (also_empty is True and not value) else value


def length(value: Any) -> int:
    return len(value) if type(value) is str else len(_items(value))


def first(value: Any) -> Any:
    return _end(value, 0, "first")


def last(value: Any) -> Any:
    return _end(value, -1, "last")


def _end(value: Any, index: int, which: str) -> Any:
    items = value if type(value) is str else _items(value)
    if not items:
        raise Unfit(f"something that has a {which} item: it is empty")
    return items[index]


def join(value: Any, separator: Any = "") -> str:
    parts, between = [printed(item, None) for item in _items(value)], _argument(separator)
    if sum(map(len, parts)) + len(between) * len(parts) > MAX_TEXT:
        raise text_too_long()
    return between.join(parts)


def reverse(value: Any) -> Any:
    return value[::-1] if type(value) is str else _items(value)[::-1]


def sort(value: Any, reverse: Any = False) -> list[Any]:
    return sorted(_alike(_items(value)), reverse=reverse is True)


def unique(value: Any) -> list[Any]:
    return list(dict.fromkeys(_alike(_items(value))))


def as_list(value: Any) -> list[Any]:
    return _items(value)


def items(value: Any) -> list[Any]:
    """A map's keys with their values, as written."""
    if not isinstance(value, Mapping):
        raise Unfit("a map")
    return list(value.items())


def dictsort(value: Any) -> list[Any]:
    """A map's keys with their values, by key."""
    return sorted(items(value), key=lambda pair: str(pair[0]))


def column(value: Any, attribute: Any) -> list[Any]:
    """That key of each map in a list."""
    key, rows = _argument(attribute), _items(value)
    if not all(isinstance(row, Mapping) and key in row for row in rows):
        raise Unfit(f'a list of maps that all have "{key}"')
    return [row[key] for row in rows]


def total(value: Any) -> Any:
    return sum(a_number(item) for item in _items(value))


def smallest(value: Any) -> Any:
    return first(sort(value))


def largest(value: Any) -> Any:
    return last(sort(value))


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": absolute,
    "capitalize": capitalize,
    "count": length,
    "d": default,
    "default": default,
    "dictsort": dictsort,
    "e": escape,
    "escape": escape,
    "first": first,
    "fixed": fixed,
    "float": to_float,
    "int": to_int,
    "items": items,
    "join": join,
    "last": last,
    "length": length,
    "list": as_list,
    "lower": lower,
    "map": column,
    "max": largest,
    "min": smallest,
    "replace": replace,
    "reverse": reverse,
    "round": rounded,
    "sort": sort,
    "split": split,
    "string": _text,
    "sum": total,
    "title": title,
    "trim": trim,
    "truncate": truncate,
    "unique": unique,
    "upper": upper,
    "urlencode": urlencode,
    "wordcount": wordcount,
    **LOCALE_FILTERS,
}
WORKING = {**FILTERS, **{f"{name}{ON_SMS}": without_no_break(filter_) for name, filter_ in LOCALE_FILTERS.items()}}
TAKES_NULL = frozenset({"default", "d"})


def bounded(result: Any) -> Any:
    """A filter's result, within the bounds that every value keeps."""
    if type(result) is str:
        return checked_text(result)
    if type(result) is list:
        return checked_list(result)
    if type(result) is int:
        return whole(result)
    if type(result) is float and not math.isfinite(result):
        raise ExpressionFault("bound", "a decimal number gets too large")
    return result


def unfit(name: str, label: str | None, value: object, error: Unfit) -> ExpressionFault:
    name = name.removesuffix(ON_SMS)
    if error.of_argument:
        return ExpressionFault("type", f"{name} wants {error.wants}", hint=error.hint)
    what = label or "this expression"
    found = "text that doesn't read as one" if isinstance(value, str) else in_words(value)
    return ExpressionFault("type", f"{name} wants {error.wants}; {what} is {found}", hint=error.hint)
