"""What the expressions of a draft see of one person, and what of it they could print."""

from collections.abc import Iterator, Mapping

from runner.model import Json
from runner.rendering.drafts import DraftFault
from runner.rendering.faults import ExpressionFault

from .nested import value_for
from .prepare import Prepared

Values = dict[str, Json]


def values_of(prepared: Prepared, shared: Mapping[str, Json], row: Mapping[str, Json]) -> Values:
    """Looked up in the recipient's parameters, then the message's, then the manifest's: `shared`. Raises DraftFault."""
    values = {**shared, **row, "recipient": row}
    if prepared.parameters:
        own = {name: value_for(value, values, ("parameters", name)) for name, value in prepared.parameters.items()}
        values = {**shared, **own, **row, "recipient": row}
    return values


def holds(prepared: Prepared, values: Values) -> bool:
    """Whether it gets the message by its `when`. Raises DraftFault."""
    if prepared.when is None:
        return True
    try:
        return prepared.when.holds(values)
    except ExpressionFault as fault:
        raise DraftFault(faults=((("when",), fault),)) from None


def printed(prepared: Prepared, values: Values) -> tuple[str, ...]:
    """The texts and numbers that expressions could print."""
    texts: list[str] = []
    for name in prepared.printed:
        value = values.get(name)
        if value.__class__ is str:
            texts.append(value)
        else:
            texts.extend(_texts(value))
    return tuple([text for text in texts if text])


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
