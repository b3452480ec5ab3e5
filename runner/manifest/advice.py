"""What to write instead: the nearest known name, the same value in the form or type that is wanted."""

import json
import re
from collections.abc import Iterable, Iterator

from runner.model import Json

# Keys (lower case, without - and _) by which people try to give the API's address or key. Never loaded, never shown.
OPERATOR_KEYS = frozenset(
    {
        *("baseurl", "apiurl", "url", "apibaseurl", "host", "endpoint", "server"),
        *("accesskey", "apikey", "key", "token", "apitoken", "secret", "authorization", "password", "credentials"),
    }
)
IN_QUOTES = "put it in quotes"
LONGEST_SHOWN = 80  # characters of a value in a hint


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; capitals, `-` and `_` count little."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    plain = {_plain(each): each for each in sorted(known)}
    near = get_close_matches(_plain(name), plain, n=1, cutoff=0.65)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def form_advice(value: str, pattern: str) -> str | None:
    """A near spelling that has the wanted form."""
    if "{{" in value and "}}" not in value:
        return "close the expression with }}"
    for spelling in _spellings(value):
        if len(spelling) <= LONGEST_SHOWN and re.search(pattern, spelling):
            return f"write {json.dumps(spelling, ensure_ascii=False)}"
    return None


def _spellings(value: str) -> Iterator[str]:
    bare = value.strip()
    yield from (bare, bare.lower(), *([bare.title()] if "/" in bare else []), bare.upper())  # europe/london; us
    yield re.sub(r"^http:", "https:", bare)
    if re.match(r"[0-9]{4}-", bare):
        yield f"{bare.replace(' ', 'T', 1)}Z"
    if pace := re.fullmatch(r"([1-9][0-9]*) *(?:/|per)? *([sm])[a-z]*", bare.lower()):
        yield f"{pace[1]}/{pace[2]}"
    if share := re.fullmatch(r"([0-9.]+) *%?", bare):
        yield f"{share[1]}%"
    yield re.sub(r"[^a-z0-9_-]+", "-", bare.lower()).strip("-")
    yield re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")
    yield re.sub(r"[^A-Za-z0-9_]+", "_", bare).strip("_")


def type_advice(value: Json, types: Iterable[str], typed: str) -> str | None:
    """How to write the value in a wanted type. `typed` is its text in the file, empty where that is not repeated."""
    wanted = set(types)
    if isinstance(value, (bool, int, float)) and "string" in wanted and "integer" not in wanted:
        return f'{IN_QUOTES}: "{typed}"' if typed else IN_QUOTES
    if isinstance(value, str):
        return _advice_for_text(value, wanted)
    if isinstance(value, list) and "object" in wanted:
        return "write keys and values, without the dash"
    return None


def pace_advice(value: Json, expected: str | None) -> str | None:
    """For a bare number where a pace is wanted: quotes alone would not make it one."""
    if expected is not None and expected.startswith("a pace") and type(value) is int and value > 0:
        return f"write {value}/s, or {value}/m for a minute"
    return None


def _advice_for_text(value: str, wanted: set[str]) -> str | None:
    bare = value.strip().lower()
    if "{{" in value and wanted & {"number", "integer", "boolean", "array"}:
        return 'the expression must be the whole value, such as "{{ name }}"'
    if "boolean" in wanted and bare in ("yes", "no", "on", "off", "true", "false"):
        return f"write {'true' if bare in ('yes', 'on', 'true') else 'false'}, without quotes"
    if wanted & {"number", "integer"} and re.fullmatch(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?", bare):
        return f"write {bare}, without quotes"
    if "array" in wanted and len(value) <= LONGEST_SHOWN:
        return f"write a list: [{json.dumps(value, ensure_ascii=False)}]"
    return None
