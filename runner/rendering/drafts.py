"""Drafts: Bird's fields with expressions, compiled once; each render gives one person's request."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from runner.model import Json

from .casts import WORDS, JsonType, cast
from .faults import ExpressionFault, OutOfFuel
from .language import Language, Values
from .plain import Template
from .values import MASK

Path = tuple[str | int, ...]
PathFault = tuple[Path, ExpressionFault]

ANYONE = {"contacts": [{"identifierValue": "x"}]}  # a receiver for asking the judge about the rest
JSON_TYPES: Mapping[type, JsonType] = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


class JudgedError(Protocol):
    """What the judge says of a request: runner/judge.py's SchemaError has this shape."""

    @property
    def path(self) -> tuple[str | int, ...]: ...
    @property
    def keyword(self) -> str: ...
    @property
    def details(self) -> Mapping[str, Any]: ...


Finish = Callable[[str], str]
Judge = Callable[[dict[str, Json]], list[Any]]


class DraftFault(Exception):
    """All faults of one draft: each with the path of the field that holds it, in the order of the fields."""

    def __init__(self, faults: tuple[PathFault, ...]) -> None:
        super().__init__(f"{len(faults)} faulty expressions")
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One field that holds an expression. `wants` is the type that Bird's schema wants, `finish` changes a text."""

    path: Path
    template: Template
    wants: JsonType
    finish: Finish | None = None

    def render(self, values: Values) -> Json:
        if self.wants == "string":
            text = self.template.text(values, continuing=True)
            return text if self.finish is None else self.finish(text)
        return cast(self.template.value(values, continuing=True), self.wants, self.template.label)

    def masked(self, values: Values) -> Json:
        if self.wants == "string" and self.finish is not None:
            return self._finished(values, self.finish)
        if self.wants == "string":
            return self.template.masked(values, continuing=True)
        self.render(values)
        return MASK

    def _finished(self, values: Values, finish: Finish) -> str:
        """What was changed in the text is changed in its words; both renderings have fuel of their own."""
        masked, text = self.template.masked(values), self.template.text(values)
        return masked if finish(text) == text else finish(masked)


class CompiledDraft:
    """Bird's fields of one message, ready to render.

    `names` must come from outside; `guarded` are those of them that every text which uses them asks `is defined`
    about. `slots` holds (path, template) in the order of the fields.
    """

    def __init__(self, language: Language, constant: dict[str, Json], slots: tuple[Slot, ...]) -> None:
        self._language = language
        self._constant = constant
        self._slots = slots
        self._spine, self._ends = _spine(slots)
        self.slots = tuple((slot.path, slot.template) for slot in slots)
        self.names = frozenset(name for slot in slots for name in slot.template.names)
        bare = {name for slot in slots for name in slot.template.names - slot.template.guarded}
        self.guarded = self.names - bare

    def render(self, values: Values) -> dict[str, Json]:
        """One person's request, without its receiver unless the fields have one.

        It is new along the way to each expression; what holds none is shared with every other, so change nothing in it.
        Raises DraftFault with the faults of all fields.
        """
        return self.request(self.fill(values))

    def masked(self, values: Values) -> dict[str, Json]:
        """As `render`, with `***` for all that expressions give; the words around them are exact."""
        return self.request(self._filled(lambda slot: slot.masked(values)))

    def fill(self, values: Values) -> list[Json]:
        """What each slot's expression gives, in their order. Raises DraftFault with the faults of all fields."""
        return self._filled(lambda slot: slot.render(values))

    def request(self, filled: Sequence[Json]) -> dict[str, Json]:
        """The request with these values in its slots."""
        request = self._constant.copy()
        containers: list[Any] = [request]
        for parent, key in self._spine:
            container = containers[parent][key].copy()
            containers[parent][key] = container
            containers.append(container)
        for value, (parent, key) in zip(filled, self._ends, strict=True):
            containers[parent][key] = value
        return request

    def _filled(self, fill: Callable[[Slot], Json]) -> list[Json]:
        self._language.fuel.refill()
        filled: list[Json] = []
        faults: list[PathFault] = []
        for slot in self._slots:
            try:
                filled.append(fill(slot))
            except ExpressionFault as fault:
                faults.append((slot.path, fault))
                if isinstance(fault, OutOfFuel):
                    break
        if faults:
            raise DraftFault(tuple(faults))
        return filled


def compile_draft(
    fields: Mapping[str, Json],
    language: Language,
    wanted: Judge,
    finish: Mapping[Path, Finish] = MappingProxyType({}),
    wants_text: Callable[[Path], bool] = lambda _path: False,
) -> CompiledDraft:
    """`fields` are Bird's of one message, as written; `wanted` judges a request and gives its errors.

    It need not be asked where every expression stands at a path of which `wants_text` holds.
    `finish` changes the texts at its paths once they are rendered.
    Strings are templates, but for keys, `receiver` and what chooses a shape. Raises DraftFault with all faults.
    """
    constant = _literal(dict(fields))
    slots: list[tuple[Path, Template]] = []
    faults: dict[Path, ExpressionFault] = {}
    written = list(_texts(constant, ()))
    for path, source in written:
        try:
            template = language.template(source)
        except ExpressionFault as fault:
            faults[path] = fault
            continue
        if template.has_expressions:
            slots.append((path, template))
            _put(constant, path, None)
        else:
            text = template.text({})
            _put(constant, path, finish[path](text) if path in finish else text)
    are_texts = all(wants_text(path) for path, _ in slots)
    types = {} if are_texts else _wanted_types(constant, {path for path, _ in slots}, wanted)
    faults |= {path: _not_single(types[path], text) for path, text in slots if path in types and not text.is_single}
    if faults:
        raise DraftFault(tuple((path, faults[path]) for path, _ in written if path in faults))
    return CompiledDraft(
        language,
        constant,
        tuple(
            Slot(path=path, template=text, wants=types.get(path, "string"), finish=finish.get(path))
            for path, text in slots
        ),
    )


def _literal(value: Json) -> Json:
    """A copy that shares no container."""
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    return [_literal(item) for item in value] if isinstance(value, list | tuple) else value


def _texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """Every string that is a template, with its path, in the order of the fields."""
    if isinstance(value, str):
        if not _chooses_a_shape(path):
            yield path, value
    elif isinstance(value, dict):
        for key in value:
            if path or key != "receiver":
                yield from _texts(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _chooses_a_shape(path: Path) -> bool:
    """Bird's `type`s, which stand as they are: of a body, an action, a template's parameter, a body in a section."""
    way = tuple("#" if isinstance(key, int) else key for key in path)
    is_parameter = way == ("template", "parameters", "#", "type")
    is_inner = way[-3:] in (("actions", "#", "type"), ("items", "#", "type"))
    return way == ("body", "type") or is_parameter or (way[:1] == ("body",) and is_inner)


def _put(root: Any, path: Path, value: Json) -> None:
    for key in path[:-1]:
        root = root[key]
    root[path[-1]] = value


def _wanted_types(constant: dict[str, Json], paths: set[Path], wanted: Judge) -> dict[Path, JsonType]:
    """The type at each expression's place that is not text: the judge says it of the null that stands there now."""
    if not paths:
        return {}
    types: dict[Path, JsonType] = {}
    for error in wanted({"receiver": ANYONE, **constant}):
        path = tuple(error.path)
        if path in paths:
            named = _types_of(error)
            if named and "string" not in named:
                types[path] = named[0]
    return types


def _types_of(error: JudgedError) -> list[JsonType]:
    """The types that an error about the null names."""
    if error.keyword == "type":
        return list(error.details["types"])
    options = error.details.get("options", ()) if error.keyword in ("enum", "const") else ()
    return [JSON_TYPES.get(type(option), "string") for option in options]


def _not_single(wants: JsonType, template: Template) -> ExpressionFault:
    hint = "write one {{ expression }} and nothing around it"
    fault = ExpressionFault("type", f"{WORDS[wants]} is wanted here, and this is a text", hint=hint, line=1)
    fault.names = template.names - template.guarded
    return fault


def _spine(slots: tuple[Slot, ...]) -> tuple[list[tuple[int, Any]], list[tuple[int, Any]]]:
    """Which containers lie on the way to the slots, as (number of the one around it, key), and where each slot is."""
    numbers: dict[Path, int] = {(): 0}
    spine: list[tuple[int, Any]] = []
    for slot in slots:
        for end in range(1, len(slot.path)):
            inner = slot.path[:end]
            if inner not in numbers:
                numbers[inner] = len(numbers)
                spine.append((numbers[inner[:-1]], inner[-1]))
    return spine, [(numbers[slot.path[:-1]], slot.path[-1]) for slot in slots]
