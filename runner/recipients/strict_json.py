"""JSON as strict as the manifest's YAML: no duplicate key, no NaN, no infinity, bounded depth."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runner.model import Json

from .faults import shown_name
from .rows import MAX_CELL

MAX_DEPTH = 100
_SURROGATE = re.compile("[\ud800-\udfff]")


class Problem(NamedTuple):
    """What is wrong with a value that could be parsed. `key` is the one it is about, second time round."""

    code: str
    words: str
    key: str | None = None


class StrictJson:
    """Parses values; tells all that is wrong with one, not just the first."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=self._float, parse_constant=self._constant
        )

    def parse(self, text: str, start: int = 0) -> tuple[Json, int, Sequence[Problem]]:
        """The value that starts there, where it ends, and what is wrong with it. Raises json.JSONDecodeError."""
        self._problems = []
        try:
            value, end = self._decoder.raw_decode(text, start)
        except RecursionError:
            raise json.JSONDecodeError(f"nested deeper than {MAX_DEPTH}", text, start) from None
        except json.JSONDecodeError:
            raise
        except ValueError:  # Python's own bound on digits
            raise json.JSONDecodeError("an integer of too many digits", text, start) from None
        return value, end, self._problems or self._unfit(value, text, start, end)

    @staticmethod
    def _unfit(value: Json, text: str, start: int, end: int) -> Sequence[Problem]:
        """Most values are short and plain: their text tells that no closer look is needed."""
        is_plain = end - start <= MAX_CELL and text.find("\\u", start, end) < 0
        if is_plain and text.count("{", start, end) + text.count("[", start, end) <= MAX_DEPTH:
            return ()
        return unfit(value)

    def _object(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        values = dict(pairs)
        if len(values) != len(pairs):
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen:
                    self._problems.append(Problem("RCP518", f"the key {shown_name(name)} stands here twice", name))
                seen.add(name)
        return values

    def _float(self, written: str) -> float:
        number = float(written)
        if not math.isfinite(number):
            self._problems.append(Problem("RCP517", "a number too large to be one"))
        return number

    def _constant(self, written: str) -> None:
        self._problems.append(Problem("RCP517", f"{written} is not JSON"))


def unfit(value: Json) -> Sequence[Problem]:
    """What is sound JSON or YAML and still can't be a message's data."""
    if _depth(value) > MAX_DEPTH:
        return (Problem("RCP517", f"nested deeper than {MAX_DEPTH}"),)
    for string in _strings(value):
        if len(string) > MAX_CELL:
            return (Problem("RCP516", f"more than {MAX_CELL:,} characters in one value"),)
        if "\0" in string:
            return (Problem("RCP515", "a NUL character"),)
        if _SURROGATE.search(string):
            return (Problem("RCP517", "half a character (a lone surrogate, \\ud800 to \\udfff)"),)
    return ()


def _depth(value: Json) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        containers = [each for each in level if isinstance(each, (dict, list))]
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
    return depth - 1


def _strings(value: Json) -> Iterator[str]:
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            pending.extend((*each.keys(), *each.values()))
        elif isinstance(each, list):
            pending.extend(each)
