"""Values of expressions: their names in words, their weight, how they are printed, and what is missing."""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from .faults import ExpressionFault, UnknownName
from .fuel import CHARACTERS_PER_UNIT, MAX_INTEGER, MAX_ITEMS, MAX_TEXT, Fuel

MASK = "***"


class Missing:
    """Stands where a name or key has no value. Asking `is defined` is all that may be done with it.

    `owner` is the map or list, as written, that lacks `name`; None where `name` is a name of its own. `name` is empty
    where it came from data: no message shows it.
    """

    __slots__ = ("keys", "name", "owner")

    def __init__(
        self, _why: str = "", *, name: str = "", owner: str | None = None, keys: Iterable[object] = ()
    ) -> None:
        self.name = name
        self.owner = owner
        self.keys = keys

    def complain(self) -> NoReturn:
        raise self.fault()

    def fault(self) -> ExpressionFault:
        if self.name and self.owner is None:
            return UnknownName("undefined", f'unknown name "{self.name}"', name=self.name)
        if self.owner is None:
            return ExpressionFault("undefined", "there is no item before the first or after the last")
        if not self.name:
            return ExpressionFault("undefined", f"{self.owner} has nothing under the key that is looked up")
        hint = nearest(self.name, self.keys)
        return ExpressionFault("undefined", f'{self.owner} has no "{self.name}"', hint=hint, name=self.name)

    def __bool__(self) -> bool:  # noqa: PLE0304 - it gives nothing: it raises
        self.complain()

    def __iter__(self) -> NoReturn:
        self.complain()


def nearest(name: str, known: Iterable[object]) -> str | None:
    """`did you mean "x"?` where a known name is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    found = get_close_matches(name, sorted(key for key in known if isinstance(key, str)), n=1)
    return f'did you mean "{found[0]}"?' if found else None


def in_words(value: object) -> str:
    """What kind of thing this is, for people; never the thing itself."""
    if value is None:
        return "null"
    words = {bool: "true or false", int: "a whole number", float: "a decimal number", str: "text"}.get(type(value))
    if words is None:
        words = "a list" if isinstance(value, list | tuple) else "a map" if isinstance(value, Mapping) else None
    if words is None:
        from jinja2.runtime import LoopContext  # noqa: PLC0415 - it is there where a loop is

        words = "the loop itself" if isinstance(value, LoopContext) else "a value of no plain kind"
    return words


def is_number(value: object) -> bool:
    return type(value) is int or type(value) is float


def null_fault(label: str | None, act: str) -> ExpressionFault:
    """`act` says what null can't do: "be printed"."""
    hint = f"write {{{{ {label} or 'there' }}}}, or ask `{label} is none`" if label else None
    return ExpressionFault("null", f"{label or 'this expression'} is null and can't {act}", hint=hint, name=label)


def printed(value: object, label: str | None) -> str:
    """The text of a value: text and whole numbers only, so that no message says None, True or 0.30000000000000004."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]  # narrowed by `kind`
    if kind is int:
        return str(whole(value))
    if type(value) is Missing:
        value.complain()
    if value is None:
        raise null_fault(label, "be printed")
    raise ExpressionFault(
        "type", f"{label or 'this expression'} is {in_words(value)}: only text and whole numbers are printed",
        hint=_way_out(value, label or "value"),
    )  # fmt: skip


def _way_out(value: object, label: str) -> str | None:
    if type(value) is float:
        return f"say how it is written: {{{{ {label.removesuffix('|round')}|fixed(2) }}}}"
    if type(value) is bool:
        return f"write {{{{ 'yes' if {label} else 'no' }}}}"
    if isinstance(value, list | tuple):
        return f"write {{{{ {label}|join(', ') }}}}"
    return f"name one of its keys: {{{{ {label}.key }}}}" if isinstance(value, Mapping) else None


def whole(value: Any) -> Any:
    """A whole number within bounds, as it came."""
    if -MAX_INTEGER < value < MAX_INTEGER:
        return value
    raise ExpressionFault("bound", "a whole number has more than 18 digits", hint="keep it as text")


def checked_text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise text_too_long()
    return text


def text_too_long() -> ExpressionFault:
    return ExpressionFault("bound", f"the text gets longer than {MAX_TEXT:,} bytes", hint="make it shorter")


def checked_list(items: list[Any]) -> list[Any]:
    if len(items) > MAX_ITEMS:
        raise ExpressionFault("bound", f"the list gets longer than {MAX_ITEMS:,} items")
    return items


def weigh(value: object, fuel: Fuel) -> None:
    """Burns what a value costs to go through: its items at every depth, its characters. Raises for what is no data."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        kind = type(item)
        if kind is str:
            fuel.burn(len(item) // CHARACTERS_PER_UNIT)  # type: ignore[arg-type]  # narrowed by `kind`
        elif isinstance(item, Mapping):
            fuel.burn(2 * len(item))
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            fuel.burn(len(item))
            waiting.extend(item)
        elif type(item) is Missing:
            item.complain()
        elif item is not None and kind not in (int, float, bool):
            raise ExpressionFault("type", f"{in_words(item)} can't be used here")
