"""Whether a request is one that Bird takes: its JSON, its schema, and the rules that a schema can't say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from runner.judge import SchemaError, judge

from .clock import read_timestamp

MAX_BODY_BYTES = 200 * 1024
_MAX_DEPTH = 100
_MAX_AHEAD_S = 35 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The JSON of a body, or why there is none."""

    document: Any = None
    problem: str | None = None


def parse(body: bytes, content_type: str) -> Parsed:
    if content_type != "application/json":
        return Parsed(problem=f"the body must be sent as Content-Type: application/json, not {content_type}")
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Parsed(problem="the body is not JSON")
    if _is_deep(body, document):
        return Parsed(problem=f"the body is nested more than {_MAX_DEPTH} levels deep")
    return Parsed(document=document)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_deep(body: bytes, document: Any) -> bool:
    """Deeper than what can be judged and written again. Few brackets can't be deep: the usual request isn't walked."""
    if body.count(b"[") + body.count(b"{") <= _MAX_DEPTH:
        return False
    level = [document]
    for _ in range(_MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
    return bool(level)


def _children(item: Any) -> Sequence[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else ()


class Checker:
    """Judges requests. The judge is made once; each request is judged once."""

    def __init__(self) -> None:
        self._judge = judge("request")

    def problems(self, request: Any, now_unix_s: float) -> dict[str, list[str]]:
        """What is wrong by place, as Bird's ValidationError has it; empty where nothing is."""
        found: dict[str, list[str]] = {}
        for error in self._judge.errors(request):
            found.setdefault(shown_path(error.path), []).extend(_words(error))
        return found or _too_far_ahead(request, now_unix_s)


def _words(error: SchemaError) -> list[str]:
    """Bird's words where they are known, the judge's own elsewhere."""
    if error.keyword == "additionalProperties":
        return [f'property "{name}" is unsupported' for name in error.details["unexpected"]]
    return [error.message]


def shown_path(path: Sequence[str | int]) -> str:
    """`.receiver.contacts[0]`; the document itself is `.`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path) or "."


def _too_far_ahead(request: Mapping[str, Any], now_unix_s: float) -> dict[str, list[str]]:
    """What needs a clock: a schema has none."""
    due = read_timestamp(request.get("scheduledFor") or "")
    if due is not None and due > now_unix_s + _MAX_AHEAD_S:
        return {".scheduledFor": ["must not be more than 35 days ahead"]}
    return {}
