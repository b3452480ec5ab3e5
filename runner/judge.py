"""The judge: JSON values against the bundled schemas. The only home of jsonschema-rs and jsonschema.

Where jsonschema-rs has no wheel, jsonschema judges: 200 times slower, the same errors.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from .bundled import bundled
from .errors import UsageError

Engine = Literal["rs", "python"]
Steps = tuple[str | int, ...]

SUFFIX = ".schema.json"
NOT_JSON = "notJson"  # our own keyword, for what no schema can be asked about

# Keywords that say nothing, that look at the names, the number or the type of what is inside, and that hold schemas
# of the same value; `properties` and `items` hold those of what is inside.
_WORDS = frozenset(("$schema", "$comment", "$defs", "title", "description", "examples"))
_OF_SHAPE = frozenset(("type", "required", "propertyNames", "minItems", "maxItems", "minProperties", "maxProperties"))
_SAME_VALUE = ("if", "then", "else", "not")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaError:
    """One broken rule. `path` leads to the value, `keyword` is JSON Schema's.

    `details` by keyword: additionalProperties {unexpected, known}, required {property, known}, enum {options},
    type {types}, pattern {pattern}, propertyNames {property, pattern}, falseSchema {} (the path ends in the key that
    must not be there), minimum… and maxItems… {limit}, notJson {reason}. `expected` is there too where the schema
    has words for the rule (its `$comment`). `message` is the engine's own, in schema jargon.
    """

    path: Steps
    keyword: str
    details: Mapping[str, Any]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A compiled schema, for what json.loads gives.

    Other Python values never raise. They are errors wherever a rule looks at them; what no rule looks at
    (`meta.extraInformation`, `parameters`) is not walked, so that a yes costs a microsecond.
    """

    _schema: Any
    _accepts: Callable[[Any], bool]
    _broken_rules: Callable[[Any], Iterable[SchemaError]]
    _blind: dict[Steps, bool] = field(default_factory=dict)  # what was asked before, as `_text`
    _text: dict[Steps, bool] = field(default_factory=dict)

    def takes_any_text(self, path: Steps) -> bool:
        """Whether one text at `path` is as good as another, wherever one may stand: no rule looks closer at it.

        The empty one aside, and those that are no JSON (a lone surrogate). Texts that stand there need no judge then.
        """
        known = self._blind.get(path)
        if known is None:
            known = self._blind[path] = _is_blind(self._schema, self._schema, path)
        return known

    def wants_text(self, path: Steps) -> bool:
        """Whether nothing but text may stand at `path`, and any text may."""
        known = self._text.get(path)
        if known is None:
            known = self._text[path] = self.takes_any_text(path) and _is_text(self._schema, self._schema, path)
        return known

    def is_valid(self, instance: Any) -> bool:
        return self._accepts(instance)

    def errors(self, instance: Any) -> list[SchemaError]:
        """All broken rules, sorted by path; empty where the instance is valid."""
        if self._accepts(instance):
            return []
        found = list(_foreign(instance)) or list(self._broken_rules(instance))
        return sorted(found, key=lambda error: ([str(step) for step in error.path], error.keyword, error.message))


@cache
def judge(name: str, *, engine: Engine | None = None) -> Judge:
    """The judge for a bundled schema, such as `request` or `manifest`. UsageError where there is none of that name."""
    schema = json.loads(schema_text(name))
    if (engine or _installed()) == "rs":
        return _rust_judge(schema)
    return _python_judge(schema)


def schema_text(name: str) -> str:
    """The bundled schema, as it stands in its file."""
    names = schema_names()
    if name not in names:
        raise UsageError(f"there is no schema called {name!r}", hint=f"known: {', '.join(names)}")
    return (_folder() / f"{name}{SUFFIX}").read_text(encoding="utf-8")


def schema_names() -> list[str]:
    return sorted(path.name.removesuffix(SUFFIX) for path in _folder().glob(f"*{SUFFIX}"))


def _folder() -> Path:
    return bundled("schemas")


def _installed() -> Engine:
    try:
        import jsonschema_rs  # noqa: F401, PLC0415 - imported only where something is judged
    except ImportError:
        return "python"
    return "rs"


def _is_blind(root: Any, node: Any, path: Steps) -> bool:
    """Whether a schema's node can't tell two texts at `path` apart. What it does not know, it takes to be able to."""
    if isinstance(node, bool):
        return True
    same = [node[name] for name in _SAME_VALUE if name in node] + node.get("allOf", [])
    if "$ref" in node:
        same.append(_node(root, node["$ref"].removeprefix("#/").split("/")))
    rules = node.keys() - _WORDS - {*_SAME_VALUE, "allOf", "$ref"}
    if not path:
        return (
            rules <= {"type", "minLength"}
            and node.get("minLength", 0) <= 1
            and all(_is_blind(root, each, ()) for each in same)
        )
    step, *rest = path
    inner = node.get("items", True) if isinstance(step, int) else node.get("properties", {}).get(step, True)
    is_known = rules <= _OF_SHAPE | {"properties", "items", "additionalProperties"}
    is_closed = node.get("additionalProperties", False) is False  # or it would be one more schema of what is inside
    return (
        is_known
        and is_closed
        and _is_blind(root, inner, tuple(rest))
        and all(_is_blind(root, each, path) for each in same)
    )


def _is_text(root: Any, node: Any, path: Steps) -> bool:
    """Whether a schema's node says, whatever stands beside it, that text stands at `path`."""
    if isinstance(node, bool):
        return False
    same = list(node.get("allOf", []))
    if "$ref" in node:
        same.append(_node(root, node["$ref"].removeprefix("#/").split("/")))
    if any(_is_text(root, each, path) for each in same):
        return True
    if not path:
        return bool(node.get("type") == "string")
    step, *rest = path
    inner = node.get("items", True) if isinstance(step, int) else node.get("properties", {}).get(step, True)
    return _is_text(root, inner, tuple(rest))


def _rust_judge(schema: Any) -> Judge:
    import jsonschema_rs  # noqa: PLC0415 - imported only where something is judged

    validator, kinds = jsonschema_rs.Draft202012Validator(schema), jsonschema_rs.ValidationErrorKind

    def accepts(instance: Any) -> bool:
        try:
            return validator.is_valid(instance)
        except (ValueError, UnicodeEncodeError):  # text subclasses, keys that are no text, lone surrogates, depth
            return False

    def broken_rules(instance: Any) -> Iterator[SchemaError]:
        try:
            found = list(validator.iter_errors(instance))
        except (ValueError, UnicodeEncodeError) as error:
            yield _not_json((), str(error))
            return
        for each in found:
            keyword, kind = each.kind.name, each.kind
            # A false stands under a name in `properties`; other rules stand in their object by themselves.
            node = _node(schema, each.schema_path[: -2 if keyword == "falseSchema" else -1])
            subject = kind.error.instance if isinstance(kind, kinds.PropertyNames) else each.instance
            yield _schema_error(tuple(each.instance_path), keyword, node, subject, each.message)

    return Judge(_schema=schema, _accepts=accepts, _broken_rules=broken_rules)


def _python_judge(schema: Any) -> Judge:
    import jsonschema  # noqa: PLC0415 - 60 ms, only where jsonschema-rs is missing

    extend: Any = jsonschema.validators.extend  # untyped there
    validator_class = extend(jsonschema.Draft202012Validator, {"properties": _properties(jsonschema.ValidationError)})
    validator = validator_class(schema)

    def accepts(instance: Any) -> bool:
        return next(_foreign(instance), None) is None and validator.is_valid(instance)

    def broken_rules(instance: Any) -> Iterator[SchemaError]:
        for each in validator.iter_errors(instance):
            is_name = list(each.absolute_schema_path)[-2:-1] == ["propertyNames"]
            keyword = "propertyNames" if is_name else str(each.validator)
            yield _schema_error(tuple(each.absolute_path), keyword, each.schema, each.instance, each.message)

    return Judge(_schema=schema, _accepts=accepts, _broken_rules=broken_rules)


def _properties(error_class: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """The keyword `properties`, but saying which property a `false` forbids: jsonschema itself loses its path."""

    def properties(validator: Any, parts: Mapping[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
        for name, part in parts.items() if isinstance(instance, dict) else ():
            if name not in instance:
                continue
            if part is False:
                yield error_class(
                    f"False schema does not allow {instance[name]!r}",
                    validator="falseSchema", path=(name,), instance=instance[name], schema=schema,
                )  # fmt: skip
            else:
                yield from validator.descend(instance[name], part, path=name, schema_path=name)

    return properties


def _node(schema: Any, path: Iterable[str | int]) -> Mapping[str, Any]:
    """The part of the schema at `path`: jsonschema-rs counts from the root, references already followed."""
    for step in path:
        schema = schema[step]
    return cast(Mapping[str, Any], schema)


def _schema_error(path: Steps, keyword: str, node: Mapping[str, Any], instance: Any, message: str) -> SchemaError:
    details = dict(_details(keyword, node, instance, message))
    if "$comment" in node:
        details["expected"] = node["$comment"]
    return SchemaError(path=path, keyword=keyword, details=details, message=message)


def _details(keyword: str, node: Mapping[str, Any], instance: Any, message: str) -> Iterator[tuple[str, Any]]:
    match keyword:
        case "additionalProperties":
            yield "unexpected", sorted(key for key in instance if _is_unexpected(key, node))
            yield "known", list(node.get("properties", ()))
        case "required":
            yield "property", next(name for name in node["required"] if _names(message, name))
            yield "known", list(node.get("properties", ()))
        case "type":
            yield "types", [node["type"]] if isinstance(node["type"], str) else list(node["type"])
        case "enum":
            yield "options", node["enum"]
        case "const":
            yield "options", [node["const"]]
        case "pattern":
            yield "pattern", node["pattern"]
        case "propertyNames":
            yield "property", instance
            yield "pattern", node.get("pattern")
        case "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties":
            yield "limit", node[keyword]
        case _:
            return


def _is_unexpected(key: str, node: Mapping[str, Any]) -> bool:
    return key not in node.get("properties", ()) and not any(
        re.search(p, key) for p in node.get("patternProperties", ())
    )


def _names(message: str, name: str) -> bool:
    """jsonschema tells the missing key in words only, in Python's quotes; jsonschema-rs in JSON's."""
    return message in (f"{name!r} is a required property", f"{json.dumps(name)} is a required property")


def _foreign(instance: Any) -> Iterator[SchemaError]:
    """What is no JSON at all: the judges raise on it, or see something else (NaN as null)."""
    waiting: list[tuple[Steps, Any]] = [((), instance)]
    while waiting:
        path, value = waiting.pop()
        kind = type(value)
        if kind is dict:
            for key, inner in value.items():
                reason = _why_foreign(key) if type(key) is str else "a key that is not text"
                if reason:
                    yield _not_json(path, reason)
                waiting.append(((*path, key), inner))
        elif kind is list:
            waiting.extend(((*path, index), inner) for index, inner in enumerate(value))
        elif reason := _why_foreign(value):
            yield _not_json(path, reason)


def _why_foreign(value: Any) -> str | None:
    kind = type(value)
    if kind is str:
        return (
            None if value.isascii() or not any("\ud800" <= each <= "\udfff" for each in value) else "half a character"
        )
    if kind is float:
        return None if math.isfinite(value) else "a number that is not finite"
    return None if value is None or kind in (bool, int) else f"a value of the kind {kind.__name__}"


def _not_json(path: Steps, reason: str) -> SchemaError:
    return SchemaError(path=path, keyword=NOT_JSON, details={"reason": reason}, message=reason)
