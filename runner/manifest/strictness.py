"""One source, two strictnesses: Bird's request *as sent* becomes its *as written* form inside the manifest's schema.

`python -m runner.manifest.strictness` rewrites schemas/manifest.schema.json from request.schema.json and
manifest.source.json. In a manifest an expression may stand where a number, a pattern or an enum is wanted; which
shape a body has (`type`) stays literal, so that every other rule still applies before anything is rendered.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runner.bundled import bundled

Schema = Any  # a JSON Schema: a map, or true or false

TEXT = {"type": "string", "pattern": r"\{[{%#]"}  # text that holds an expression
WHOLE = {"type": "string", "pattern": r"^\s*\{\{[\s\S]*\}\}\s*$"}  # one expression, where no text is wanted

# A new keyword must be thought about here before a schema may use it.
KNOWN = frozenset(
    {
        *("$ref", "$comment", "title", "description", "default", "examples", "type", "enum", "const"),
        *("pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "minProperties"),
        *("required", "properties", "additionalProperties", "items", "allOf", "if", "then", "else"),
    }
)
HEAD = frozenset({"$schema", "$comment", "$defs", "title"})
NOTES = frozenset({"title", "description", "default", "examples"})
JUDGED = frozenset({"enum", "const", "pattern", "maxLength"})  # what an unrendered text may break
NOT_TEXT = frozenset({"number", "integer", "boolean", "array"})

LITERAL = frozenset({"receiver", "contact"})  # Bird's parts whose strings are never rendered
OURS_RENDERED = frozenset({"channel"})  # our parts whose strings are rendered


def manifest_schema(request: Mapping[str, Schema], source: Mapping[str, Schema]) -> dict[str, Schema]:
    """The whole schema of a manifest, self-contained: all references are `#/$defs/…`."""
    sent: Mapping[str, Schema] = request["$defs"]
    ours: Mapping[str, Schema] = source["$defs"]
    clashes = sent.keys() & ours.keys()
    if clashes:
        raise ValueError(f"both schemas define {', '.join(sorted(clashes))}")
    written = {name: part if name in LITERAL else as_written(part, sent) for name, part in sent.items()}
    rendered = {name: as_written(part, ours) if name in OURS_RENDERED else part for name, part in ours.items()}
    rendered["listContact"] = _merged(ours["listContact"], sent["contact"])
    rendered["message"] = _merged(ours["message"], as_written(_without_head(request), sent))
    return {
        **source,
        "title": "flypast manifest",
        "description": "What people write.",
        "$defs": {**rendered, **written},
    }


def as_written(schema: Schema, parts: Mapping[str, Schema], *, is_literal: bool = False) -> Schema:
    """`schema` with expressions let through. `parts` are the `$defs` that its references name."""
    if not isinstance(schema, dict):
        return schema
    unknown = schema.keys() - KNOWN
    if unknown:
        raise ValueError(f"what is the as-written form of {', '.join(sorted(unknown))}?")
    out, fixed = dict(schema), frozenset(_discriminators(schema, parts))
    if "properties" in out:
        out["properties"] = {
            name: as_written(part, parts, is_literal=name in fixed) for name, part in out["properties"].items()
        }
    if "allOf" in out:
        out["allOf"] = [as_written(part, parts) for part in out["allOf"]]
    for keyword in {"additionalProperties", "items", "then", "else"} & out.keys():  # `if` chooses: untouched
        out[keyword] = as_written(out[keyword], parts)
    return out if is_literal else _or_expression(out)


def _discriminators(schema: Mapping[str, Schema], parts: Mapping[str, Schema]) -> Iterator[str]:
    """Properties whose text an `if` of this object looks at: they choose a shape, so no expression may stand there."""
    for rule in schema.get("allOf", ()):
        if "$ref" in rule:
            yield from _discriminators(parts[rule["$ref"].removeprefix("#/$defs/")], parts)
        for name, test in rule.get("if", {}).get("properties", {}).items():
            if any(isinstance(option, str) for option in (test.get("const"), *test.get("enum", ()))):
                yield name


def _or_expression(schema: dict[str, Schema]) -> dict[str, Schema]:
    """`if` it is an expression fine, `else` as before. Never `anyOf`: one mistake must stay one error."""
    kind = _kind(schema)
    is_free_map = kind == "object" and "properties" not in schema
    if not (kind in NOT_TEXT or is_free_map or (kind == "string" and JUDGED & schema.keys())):
        return schema
    options = schema.get("enum") or ([True, False] if kind == "boolean" else None)
    notes = {keyword: value for keyword, value in schema.items() if keyword in NOTES}
    if options:
        notes["examples"] = options  # what editors offer: they don't look under `else`
    judged = {keyword: value for keyword, value in schema.items() if keyword not in NOTES}
    return {**notes, "if": TEXT if kind == "string" else WHOLE, "else": judged}


def _kind(schema: Mapping[str, Schema]) -> str | None:
    """The one type wanted, null apart; None where the schema leaves it open."""
    types = schema.get("type")
    if types is None:
        return "string" if {"enum", "const"} & schema.keys() else None
    wanted = {types} if isinstance(types, str) else set(types) - {"null"}
    if len(wanted) != 1:
        raise ValueError(f"an expression can't stand for one of several types: {types}")
    return str(wanted.pop())


def _merged(ours: Mapping[str, Schema], birds: Mapping[str, Schema]) -> dict[str, Schema]:
    """One object with our keys, then Bird's; who receives it is ours to demand (`to` or `receiver`)."""
    required = [*ours.get("required", ()), *(name for name in birds.get("required", ()) if name != "receiver")]
    rules = [*ours.get("allOf", ()), *birds.get("allOf", ())]
    return {
        **birds,
        **ours,
        **({"required": required} if required else {}),
        "properties": {**ours["properties"], **birds["properties"]},
        **({"allOf": rules} if rules else {}),
    }


def _without_head(request: Mapping[str, Schema]) -> dict[str, Schema]:
    return {keyword: value for keyword, value in request.items() if keyword not in HEAD}


def generated() -> str:
    """The text of manifest.schema.json, as it must stand in the repository."""
    folder = bundled("schemas")
    request = json.loads((folder / "request.schema.json").read_text(encoding="utf-8"))
    source = json.loads((folder / "manifest.source.json").read_text(encoding="utf-8"))
    return json.dumps(manifest_schema(request, source), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (bundled("schemas") / "manifest.schema.json").write_text(generated(), encoding="utf-8")
