"""Broken schema rules as findings: one mistake, one finding, at its place, in plain words and with the way out.

The words of a rule stand beside it in the schema, in its `$comment`: "a pace such as 20/s" for a form that text must
have, "needs a body or a template" for what an object must hold.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from runner.findings import Findings, Place
from runner.judge import SchemaError, judge
from runner.model import Json

from .advice import IN_QUOTES, OPERATOR_KEYS, form_advice, nearest, pace_advice, type_advice
from .documents import Document
from .pasted import beside, misplaced, value_at, without_following, without_swallowed
from .wording import KINDS, joined, label_of, object_of
from .yaml_mistakes import quoted

Path = tuple[str | int, ...]
UNKNOWN_KEY = "SCH201"
MISSING_KEY = "SCH202"
WRONG_TYPE = "SCH203"
UNKNOWN_OPTION = "SCH204"
WRONG_FORM = "SCH205"
OUT_OF_RANGE = "SCH206"
WRONG_LENGTH = "SCH207"
WRONG_NAME = "SCH208"
AGAINST_RULE = "SCH209"
WRONG_CONTENT = "SCH210"
NO_JSON = "SCH211"
NO_TEXT = frozenset({"YML105", "YML106", "YML120", "YML123", "YML124"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """`path` and `of` say where it is shown; `rule` is the same for one fault reached in two ways.

    `meant` is the known key that an unknown one was probably meant to be, `fix` what to write in its place.
    """

    code: str
    message: str
    path: Path
    rule: tuple[str, ...]
    of: Literal["key", "value"] = "value"
    hint: str | None = None
    also: tuple[Path, ...] = field(default=())
    meant: str | None = None
    fix: str | None = None


def schema_findings(document: Document, findings: Findings, schema: str = "manifest") -> None:
    """Judges the document and adds a finding for each mistake. An alias's fault is shown where it was written."""
    told: dict[tuple[Place, str, tuple[str, ...]], tuple[Mistake, dict[Place, None]]] = {}
    errors = judge(schema).errors(document.data)
    unreadable = _unreadable(findings) if errors else ()
    alone = without_following(errors, document.data, judge(schema).errors)
    for mistake in mistakes(alone, document.data, partial(_as_typed, document)):
        place = document.place(mistake.path, of=mistake.of)
        if mistake.code in (WRONG_TYPE, WRONG_FORM, WRONG_NAME) and any(_is_in(place, each) for each in unreadable):
            continue
        _, also = told.setdefault((place, mistake.code, mistake.rule), (mistake, {}))
        others = (*(document.place(path, of="key") for path in mistake.also), *document.users(mistake.path))
        also.update((other, None) for other in others if other != place)
    for (place, code, _), (mistake, also) in told.items():
        findings.error(code, mistake.message, place, hint=mistake.hint, also=sorted(also), fix=mistake.fix)


def _unreadable(findings: Findings) -> list[Place]:
    """Where a value or key holds what YAML can't: what stands there now in its stead is no second mistake."""
    return [finding.place for finding in findings.sorted() if finding.code in NO_TEXT]


def _is_in(outer: Place, inner: Place) -> bool:
    starts = (outer.line, outer.column) <= (inner.line, inner.column)
    return outer.path == inner.path and starts and (inner.line, inner.column) < (outer.end_line, outer.end_column)


def mistakes(
    errors: Sequence[SchemaError], data: Json, as_typed: Callable[[Path], str] = lambda _path: ""
) -> Iterator[Mistake]:
    """What the errors about `data` mean; `as_typed` gives a value as it stands in its file."""
    errors = list(without_swallowed(errors, data))
    by_object: dict[Path, list[SchemaError]] = {}
    of_wrong_type = {error.path for error in errors if error.keyword == "type"}
    for error in errors:
        if error.keyword in ("minimum", "maximum") and error.path in of_wrong_type:
            continue  # 0.5 where 1 to 64 is wanted: one mistake
        if error.keyword in ("required", "additionalProperties"):
            by_object.setdefault(error.path, []).append(error)
        else:
            yield _mistake(error, data, as_typed)
    for path, about in by_object.items():
        yield from _about_keys(path, about, value_at(data, path))


def _about_keys(path: Path, errors: Sequence[SchemaError], instance: Mapping[str, Json]) -> Iterator[Mistake]:
    """Keys too many and too few in one object. A misspelt key that is also missing is one mistake, not two."""
    unexpected = [key for error in errors for key in error.details.get("unexpected", ())]
    if pasted := misplaced(path, unexpected, instance):
        yield _unknown_key(path, *pasted, None)
        return
    missing = [error for error in errors if error.keyword == "required"]
    spelt: set[str] = set()
    for error in errors:
        for key in error.details.get("unexpected", ()):
            wanted = [each.details["property"] for each in missing]
            known = error.details["known"]
            meant = nearest(key, wanted) or nearest(key, set(known) - instance.keys())
            spelt |= {meant} if meant else set()
            yield _unknown_key(path, key, beside(path, key) or _key_hint(key, meant, known), meant)
    yield from _missing_keys(path, [each for each in missing if not _is_spelt(each, spelt)], instance)


def _is_spelt(error: SchemaError, spelt: set[str]) -> bool:
    """Whether a misspelt key was meant to be this one, or one of those that the rule offers."""
    offered = re.findall(r"\w+", error.details.get("expected", ""))
    return bool(spelt & {error.details["property"], *offered})


def _key_hint(key: str, meant: str | None, known: Sequence[str]) -> str:
    if meant:
        return f'did you mean "{meant}"?'
    if present := nearest(key, known):
        return f'"{present}" is there already: keep one of them'
    return f"known here: {', '.join(known)}"


def _unknown_key(path: Path, key: str, hint: str, meant: str | None) -> Mistake:
    fix = meant
    if key.lower().replace("_", "").replace("-", "") in OPERATOR_KEYS and path[:1] in ((), ("channels",), ("policy",)):
        fix = None
        hint = (
            "remove it: the API's address and the access key come from the operator alone "
            "(BIRD_API_URL, BIRD_ACCESS_KEY), never from a manifest"
        )
    return Mistake(
        code=UNKNOWN_KEY, message=f'unknown key "{key}"', path=(*path, key), of="key", rule=("unknown",), hint=hint,
        meant=meant, fix=fix,
    )  # fmt: skip


def _missing_keys(path: Path, errors: Sequence[SchemaError], instance: Mapping[str, Json]) -> Iterator[Mistake]:
    plain = []
    if not instance and len(errors) > 1:
        yield _empty(path, errors)
        return
    for error in errors:
        wanted, expected = error.details["property"], error.details.get("expected")
        if expected:
            yield _against_rule(path, expected)
        elif wanted == instance.get("type"):
            yield _missing_content(path, wanted, instance)
        else:
            plain.append(wanted)
    if plain:
        known = errors[0].details["known"]
        plain.sort(key=lambda name: known.index(name) if name in known else len(known))
        yield Mistake(
            code=MISSING_KEY, message=f"{object_of(path)} needs {joined(plain, 'and')}", path=path, of="key",
            rule=("missing", *plain), hint="write apiVersion: flypast/v1" if "apiVersion" in plain else None,
        )  # fmt: skip


def _empty(path: Path, errors: Sequence[SchemaError]) -> Mistake:
    """What lacks everything is one mistake."""
    needs = dict.fromkeys(error.details.get("expected", f"needs {error.details['property']}") for error in errors)
    return Mistake(
        code=MISSING_KEY, message=f"{object_of(path)} is empty: it {', '.join(needs)}", path=path, of="key",
        rule=("empty",),
    )  # fmt: skip


def _missing_content(path: Path, wanted: str, instance: Mapping[str, Json]) -> Mistake:
    others = [key for key, value in instance.items() if key != "type" and isinstance(value, dict)]
    hint = f'rename "{others[0]}" to "{wanted}", or write type: {others[0]}' if others else None
    return Mistake(
        code=WRONG_CONTENT, message=f'{object_of(path)} has type {wanted}, so it needs "{wanted}"', path=path, of="key",
        rule=("content", wanted), hint=hint,
    )  # fmt: skip


def _against_rule(path: Path, expected: str, *, also: tuple[Path, ...] = ()) -> Mistake:
    return Mistake(
        code=AGAINST_RULE, message=f"{object_of(path)} {expected}", path=path, of="key", rule=(expected,), also=also
    )


def _mistake(error: SchemaError, data: Json, as_typed: Callable[[Path], str]) -> Mistake:
    """A mistake that is about one value, or about one key."""
    value = value_at(data, error.path)
    match error.keyword:
        case "falseSchema":
            return _forbidden_key(error, data)
        case "propertyNames":
            return _wrong_name(error)
        case "type":
            return _wrong_type(error, value, as_typed(error.path))
        case "enum" | "const":
            return _unknown_option(error, value)
        case "pattern":
            message = f"{label_of(error.path)} must be {error.details.get('expected', 'written in another way')}"
            hint = form_advice(value, error.details["pattern"])
            return _at_value(WRONG_FORM, error, message, hint)
        case "minimum" | "maximum":
            bound = "at least" if error.keyword == "minimum" else "at most"
            return _at_value(OUT_OF_RANGE, error, f"{label_of(error.path)} must be {bound} {error.details['limit']:,}")
        case "notJson":
            return _at_value(NO_JSON, error, f"{label_of(error.path)} holds {error.details['reason']}")
        case _:
            return _wrong_length(error, value)


def _at_value(
    code: str, error: SchemaError, message: str, hint: str | None = None, *, fix: str | None = None
) -> Mistake:
    return Mistake(code=code, message=message, path=error.path, rule=(error.keyword,), hint=hint, fix=fix)


def _forbidden_key(error: SchemaError, data: Json) -> Mistake:
    *above, key = error.path
    if "expected" in error.details:
        return _against_rule(tuple(above), error.details["expected"], also=(error.path,))
    kind = value_at(data, tuple(above)).get("type")
    return Mistake(
        code=WRONG_CONTENT, message=f'"{key}" does not go with type {kind}', path=error.path, of="key",
        rule=("content",), hint=f'remove it: the content stands under "{kind}"',
    )  # fmt: skip


def _wrong_name(error: SchemaError) -> Mistake:
    name = error.details["property"]
    hint = form_advice(name, error.details["pattern"])
    message = f'"{name}" can\'t be a name here: a name is {error.details["expected"]}'
    return Mistake(code=WRONG_NAME, message=message, path=(*error.path, name), of="key", rule=("name",), hint=hint)


def _wrong_type(error: SchemaError, value: Json, typed: str) -> Mistake:
    types = error.details["types"]
    wanted = error.details.get("expected") if len(types) > 1 else None
    wanted = wanted or joined([KINDS[kind] for kind in types if kind != "null"], "or")
    state = f"{label_of(error.path)} is empty: it" if value is None else label_of(error.path)
    pace = pace_advice(value, error.details.get("expected"))
    hint = pace or type_advice(value, types, typed)
    fix = quoted(typed) if hint and hint.startswith(IN_QUOTES) and typed else None
    return _at_value(WRONG_TYPE, error, f"{state} must be {wanted}", hint, fix=fix)


def _unknown_option(error: SchemaError, value: Json) -> Mistake:
    options = [str(option) for option in error.details["options"]]
    if "expected" in error.details:
        return _at_value(AGAINST_RULE, error, f"{label_of(error.path)} {error.details['expected']}")
    meant = nearest(value, options) if isinstance(value, str) else None
    hint = f'did you mean "{meant}"?' if meant else None
    if isinstance(value, str) and "{{" in value:
        hint = "write one of them: it decides which other keys there are, so no expression can stand here"
    return _at_value(UNKNOWN_OPTION, error, f"{label_of(error.path)} must be {joined(options, 'or')}", hint)


def _wrong_length(error: SchemaError, value: Any) -> Mistake:
    label, limit = label_of(error.path), error.details.get("limit", 0)
    if error.keyword == "uniqueItems":
        again = next(index for index, item in enumerate(value) if item in value[:index])
        message = f"{label} names {value[again]} twice"
        return Mistake(code=WRONG_LENGTH, message=message, path=(*error.path, again), rule=("twice",))
    if error.keyword == "maxItems":
        message = f"{label} may have at most {limit} items; there are {len(value)}"
        return Mistake(code=WRONG_LENGTH, message=message, path=(*error.path, limit), rule=("maxItems",))
    if not value:
        return _at_value(WRONG_LENGTH, error, f"{label} is empty")
    bound = "at least" if error.keyword.startswith("min") else "at most"
    return _at_value(WRONG_LENGTH, error, f"{label} may have {bound} {limit} characters; it has {len(value)}")


def _as_typed(document: Document, path: Path) -> str:
    """A number or a switch as it stands in the file (1.10 is not 1.1); nothing of what may be personal."""
    place = document.place(path)
    if {"contacts", "receiver"} & set(path) or place.line != place.end_line:
        return ""
    return document.line(place.line)[place.column - 1 : place.end_column - 1]
