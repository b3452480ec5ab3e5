"""A message's parameters that are lists or maps: each text in them is a template, as one that stands by itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner.judge import Steps
from runner.model import Json
from runner.rendering.drafts import DraftFault
from runner.rendering.faults import ExpressionFault
from runner.rendering.language import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """A list or a map with an expression somewhere in it. `names` and `guarded` are as a template's."""

    value: Mapping[str, "Given"] | list["Given"]
    names: frozenset[str]
    guarded: frozenset[str]

    @classmethod
    def of(cls, value: Mapping[str, "Given"] | list["Given"]) -> "Nested":
        rendered = list(_rendered(value))
        names = frozenset[str]().union(*(each.names for each in rendered))
        needed = frozenset[str]().union(*(each.names - each.guarded for each in rendered))
        return cls(value=value, names=names, guarded=names - needed)


Given = Json | Template | Nested


def _rendered(value: Mapping[str, Given] | list[Given]) -> Iterator[Template | Nested]:
    for each in value.values() if isinstance(value, Mapping) else value:
        if isinstance(each, Template | Nested):
            yield each


def value_for(given: Given, values: Mapping[str, Json], path: Steps) -> Json:
    """What it is for one person; `path` is where it stands in the message. Raises DraftFault."""
    if isinstance(given, Nested):
        if isinstance(given.value, Mapping):
            return {key: value_for(each, values, (*path, key)) for key, each in given.value.items()}
        return [value_for(each, values, (*path, index)) for index, each in enumerate(given.value)]
    if not isinstance(given, Template):
        return given
    try:
        return given.value(values) if given.is_single else given.text(values)
    except ExpressionFault as fault:
        raise DraftFault(faults=((path, fault),)) from None
