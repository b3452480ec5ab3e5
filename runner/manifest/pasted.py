"""What was pasted from Bird's documentation one level too high or too low: one mistake, however many keys it has."""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from runner.judge import SchemaError, schema_text
from runner.model import Json

from .advice import nearest

Path = tuple[str | int, ...]

AS_BODY = 'this is a body of Bird\'s: write it under "body:"'
AS_TEMPLATE = 'this is a template of Bird\'s: write it under "template:"'
AS_RECEIVER = 'this is a receiver of Bird\'s: write it under "receiver:"'
AS_MESSAGES = "this is a batch of Bird's: write each of its requests as a message of its own"
AS_REPLY = "this is a reply of Bird's, not a request: paste what is sent"


def misplaced(path: Path, unexpected: Sequence[str], message: Mapping[str, Json]) -> tuple[str, str] | None:
    """The first key of what was pasted into a message without its own key, and where it belongs; None for no such."""
    if len(path) != 2 or path[0] != "messages":
        return None
    found = set(unexpected)
    for mark, hint, own in (
        ({"id", "status"}, AS_REPLY, ""),
        ({"messageRequests"}, AS_MESSAGES, ""),
        ({"projectId"}, AS_TEMPLATE, "template"),
        ({"contacts"}, AS_RECEIVER, "receiver"),
    ):
        if mark <= found and own not in message:
            return next(key for key in message if key in mark), hint
    if not {"body", "template"} & message.keys() and found & _body_keys():
        return next(key for key in message if key in found & _body_keys()), AS_BODY
    return None


def beside(path: Path, key: str) -> str | None:
    """Where a key of the request belongs that stands in its body or template."""
    if (
        len(path) != 3
        or path[0] != "messages"
        or path[2] not in ("body", "template")
        or key not in _schema()["properties"]
    ):
        return None
    return f'"{key}" stands beside "{path[2]}", not in it'


def without_swallowed(errors: Sequence[SchemaError], data: Json) -> Iterator[SchemaError]:
    """The errors, less those that are there only because something stands at the wrong level."""
    pasted = dict(_pasted(errors, data))
    shapeless = set(_without_type(errors))
    mistyped = {error.path[:-1] for error in errors if error.keyword == "enum" and error.path[-1:] == ("type",)}
    # What does not go with its type is removed, whatever is in it.
    idle = {error.path for error in errors if error.keyword == "falseSchema" and "expected" not in error.details}
    for error in map(partial(_without_content, mistyped, data), errors):
        at, what = error.path, pasted.get(error.path[:2])
        is_about_keys = error.keyword == "additionalProperties"
        follows = at == at[:2] or at[2:] == ("parameters",) or what in (AS_REPLY, AS_MESSAGES)
        if what is not None and follows and not (is_about_keys and at == at[:2]):
            continue
        if (at[:-1] in shapeless and error.keyword == "type") or (at in shapeless and is_about_keys):
            continue
        if is_about_keys and not error.details["unexpected"]:
            continue
        if error.keyword != "falseSchema" and any(at[:end] in idle for end in range(len(at) + 1)):
            continue
        yield error


def without_following(
    errors: Sequence[SchemaError], data: Json, judged: Callable[[Json], Sequence[SchemaError]]
) -> Sequence[SchemaError]:
    """The errors, less those that go when misspelt keys are put right: a template whose name nobody knows."""
    corrected = data
    for error in errors:
        for key in error.details["unexpected"] if error.keyword == "additionalProperties" else ():
            held = value_at(corrected, error.path)
            meant = nearest(key, set(error.details["known"]) - held.keys())
            if meant is not None:
                corrected = _renamed(corrected, error.path, key, meant)
    if corrected is data:
        return errors
    left = {_identity(error) for error in judged(corrected)}
    return [error for error in errors if error.keyword == "additionalProperties" or _identity(error) in left]


def _identity(error: SchemaError) -> tuple[object, ...]:
    return error.path, error.keyword, error.details.get("property")


def _renamed(data: Any, path: Path, key: str, meant: str) -> Any:
    """A copy, as deep as need be."""
    if not path:
        return {meant if name == key else name: value for name, value in data.items()}
    step, *rest = path
    copy: Any = dict(data) if isinstance(data, dict) else list(data)
    copy[step] = _renamed(data[step], tuple(rest), key, meant)
    return copy


def _without_content(mistyped: Container[Path], data: Json, error: SchemaError) -> SchemaError:
    """Of a type that can't stand there the content is no second mistake."""
    if error.keyword != "additionalProperties" or error.path not in mistyped:
        return error
    kind = value_at(data, error.path)["type"]
    kept = [key for key in error.details["unexpected"] if key != kind]
    return replace(error, details={**error.details, "unexpected": kept})


def value_at(data: Json, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def _pasted(errors: Iterable[SchemaError], data: Json) -> Iterator[tuple[Path, str]]:
    """Each message into which something was pasted, and what."""
    for error in errors:
        if error.keyword != "additionalProperties" or len(error.path) != 2:
            continue
        if told := misplaced(error.path, error.details["unexpected"], value_at(data, error.path)):
            yield error.path, told[1]


def _without_type(errors: Sequence[SchemaError]) -> Iterator[Path]:
    """Bodies and buttons that don't say their type, and don't misspell it: nothing can be said of their content."""
    misspelt = {
        error.path
        for error in errors
        if error.keyword == "additionalProperties"
        and any(nearest(key, ["type"]) for key in error.details["unexpected"])
    }
    for error in errors:
        if error.keyword == "required" and error.details["property"] == "type" and error.path not in misspelt:
            yield error.path


@cache
def _schema() -> Mapping[str, Any]:
    read: Mapping[str, Any] = json.loads(schema_text("request"))
    return read


@cache
def _body_keys() -> frozenset[str]:
    """What can stand in a body or in a text of one: a list that only the schema has."""
    parts = _schema()["$defs"]
    return (frozenset(parts["body"]["properties"]) | {"actions"}) - {"template"}
