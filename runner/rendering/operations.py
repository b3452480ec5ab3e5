"""What compiled expressions may do with values: each operation checks kinds, burns fuel and keeps bounds.

The code that `codegen` writes calls nothing but these. `label` is the expression as people wrote it ("first_name",
"recipient["First Name"]"), or None; it stands in messages instead of the value.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2.runtime import LoopContext

from .faults import ExpressionFault, Kind, escape_attempt
from .filters import FILTERS, TAKES_NULL, WORKING, bounded, unfit
from .fuel import MAX_TEXT, Fuel
from .locale_filters import COST, LOCALE_FILTERS, ON_SMS
from .number_filters import Unfit
from .values import MASK, Missing, in_words, is_number, null_fault, printed, text_too_long, weigh, whole

LOOP_FIELDS = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"},
)
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda item, group: item in group,
    "notin": lambda item, group: item not in group,
}
DUNDER = re.compile(r"__\w*[a-zA-Z]\w*__")
SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in"}
TEST_COMPARISONS = {
    "eq": "eq", "equalto": "eq", "ne": "ne", "in": "in", "lt": "lt", "lessthan": "lt", "le": "lteq",
    "gt": "gt", "greaterthan": "gt", "ge": "gteq",
}  # fmt: skip
KINDS: dict[str, Callable[[Any], bool]] = {
    "none": lambda value: value is None,
    "boolean": lambda value: type(value) is bool,
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "integer": lambda value: type(value) is int,
    "float": lambda value: type(value) is float,
    "number": is_number,
    "string": lambda value: type(value) is str,
    "mapping": lambda value: isinstance(value, Mapping),
    "sequence": lambda value: isinstance(value, list | tuple),
}
WHOLE_TESTS = {"odd": 1, "even": 0}
TESTS = frozenset({"defined", "undefined", "divisibleby", *TEST_COMPARISONS, *KINDS, *WHOLE_TESTS})


class Operations:
    """One for a language; the fuel is its only state."""

    missing = Missing

    def __init__(self, fuel: Fuel) -> None:
        self.fuel = fuel

    def show(self, masks: bool, value: object, label: str | None) -> str:
        """What `{{ }}` puts into the text."""
        text = value if type(value) is str else printed(value, label)
        return MASK if masks else text

    def give(self, value: object) -> object:
        """A value that leaves the language as it is."""
        if type(value) is Missing:
            value.complain()
        return value

    def look_up(self, owner: Any, key: Any, label: str | None, is_literal: bool) -> Any:
        """A key of a map or an entry of a list. No Python attribute is ever read, but the loop's own few.

        `is_literal` says that the key stands in the text, so that messages may show it.
        """
        kind = type(owner)
        if (kind is dict or isinstance(owner, Mapping)) and type(key) is str:
            try:
                return owner[key]
            except KeyError:
                return Missing(name=key if is_literal else "", owner=label or "this map", keys=owner)
        if isinstance(owner, list | tuple) and type(key) is int:
            inside = -len(owner) <= key < len(owner)
            return owner[key] if inside else Missing(name=f"{key}" if is_literal else "", owner=label or "this list")
        if kind is LoopContext and type(key) is str and key in LOOP_FIELDS:
            return getattr(owner, key)
        raise self._no_entry(owner, key, label, is_literal)

    def _no_entry(self, owner: Any, key: Any, label: str | None, is_literal: bool) -> ExpressionFault:
        if type(key) is str and is_dunder(key):
            return escape_attempt()
        self.give(owner)
        self.give(key)
        if owner is None:
            return null_fault(label, f"be looked into for {key}" if is_literal else "be looked into")
        hint = f"write {{{{ {label or 'value'}|{key} }}}}" if is_literal and key in FILTERS else None
        what = f"{label or 'this expression'} is {in_words(owner)}"
        return ExpressionFault("type", f"{what}: there is nothing in it to look up by {in_words(key)}", hint=hint)

    def turns(self, value: Any, label: str | None, steps: int) -> Iterator[Any]:
        """The turns of a loop, each paid for before it starts."""
        self.give(value)
        if value is None:
            what = label or "this expression"
            hint = f"write {{% for item in {label} or [] %}}" if label else None
            raise ExpressionFault("null", f"{what} is null and can't be looped over", hint=hint, name=label)
        if not isinstance(value, list | tuple | Mapping):
            hint = f"write {label or 'value'}|split(';')" if type(value) is str else None
            what = f"{label or 'this expression'} is {in_words(value)}"
            raise ExpressionFault("type", f"{what}: only lists and maps are looped over", hint=hint)
        for item in value:
            self.fuel.burn(steps)
            yield item

    def truth(self, value: Any, label: str | None) -> bool:
        """Exactly true or false: `vip` with the text "no" in it must not count as true."""
        if value is True or value is False:
            return bool(value)
        self.give(value)
        kind: Kind = "null" if value is None else "type"
        if label is None:
            words = f'this gives {in_words(value)}, not true or false: compare it, as in vip == "yes"'
            raise ExpressionFault(kind, words)
        compared = f"{label} > 0" if is_number(value) else f'{label} == "yes"'
        if isinstance(value, list | tuple | Mapping):
            compared = f'"x" in {label}'
        raise ExpressionFault(kind, f"{label} is {in_words(value)}: write {compared}", name=label)

    def apply(self, name: str, label: str | None, value: Any, /, *arguments: Any, **named: Any) -> Any:
        """A filter."""
        if value is None and name not in TAKES_NULL:
            raise _needs_value(name.removesuffix(ON_SMS), label)
        if type(value) is Missing and name in TAKES_NULL:
            fault = value.fault()
            fault.hint = fault.hint or f"{name} is for null; for what may be missing, write x if x is defined else 'y'"
            raise fault
        self.fuel.burn(COST if name.removesuffix(ON_SMS) in LOCALE_FILTERS else 1)
        for part in (value, *arguments, *named.values()):
            weigh(part, self.fuel)
        try:
            return bounded(WORKING[name](value, *arguments, **named))
        except Unfit as error:
            raise unfit(name, label, value, error) from None

    def ask(self, name: str, label: str | None, value: Any, /, *arguments: Any) -> bool:
        """A test: `value is name`."""
        if name in ("defined", "undefined"):
            return (type(value) is Missing) is (name == "undefined")
        self.give(value)
        if name in KINDS:
            return KINDS[name](value)
        if name in TEST_COMPARISONS:
            return self.compare(TEST_COMPARISONS[name], value, arguments[0], label, None)
        divisor = arguments[0] if arguments else 2
        if type(value) is not int or type(divisor) is not int:
            raise ExpressionFault("type", f"{name} wants a whole number; {label or 'this'} is {in_words(value)}")
        if divisor == 0:
            raise ExpressionFault("type", "nothing is divisible by 0")
        return value % divisor == WHOLE_TESTS.get(name, 0)

    def concat(self, *parts: tuple[Any, str | None]) -> str:
        """`a ~ b`: texts and whole numbers, end to end."""
        texts = [printed(value, label) for value, label in parts]
        if sum(map(len, texts)) > MAX_TEXT:
            raise text_too_long()
        joined = "".join(texts)
        weigh(joined, self.fuel)
        return joined

    def compare(self, sign: str, left: Any, right: Any, left_label: str | None, right_label: str | None) -> bool:
        weigh(left, self.fuel)
        weigh(right, self.fuel)
        if sign in ("in", "notin"):
            self._check_group(left, right, left_label, right_label)
        elif sign in ("eq", "ne"):
            _check_alike(left, right, left_label, right_label)
            _check_alike(right, left, right_label, left_label)
        elif not (is_number(left) and is_number(right)) and not (type(left) is str and type(right) is str):
            raise _no_order(sign, left, right, left_label, right_label)
        return bool(COMPARISONS[sign](left, right))

    def _check_group(self, item: Any, group: Any, item_label: str | None, label: str | None) -> None:
        if isinstance(group, list | tuple) or (isinstance(group, Mapping) and type(item) is str):
            return
        if type(group) is str and type(item) is str:
            return
        for value, name in ((group, label), (item, item_label)):
            if value is None:
                raise null_fault(name, "be compared with `in`")
        what = f"{item_label or 'this'} is {in_words(item)} and {label or 'the other'} is {in_words(group)}"
        raise ExpressionFault("type", f"{what}: `in` looks for text in text, a list or the keys of a map")

    def arithmetic(self, sign: str, left: Any, right: Any, left_label: str | None, right_label: str | None) -> Any:
        if sign == "+" and type(left) is str and type(right) is str:
            return self.concat((left, left_label), (right, right_label))
        for value, label in ((left, left_label), (right, right_label)):
            self.give(value)
            if value is None:
                raise null_fault(label, "be reckoned with")
            if not is_number(value):
                raise _no_number(sign, value, label)
        if sign in ("/", "//", "%") and right == 0:
            raise ExpressionFault("type", "this divides by 0", hint="ask before: {% if count != 0 %}")
        return _in_bounds(ARITHMETIC[sign](left, right))

    def sign(self, sign: str, value: Any, label: str | None) -> Any:
        """`-x` and `+x`."""
        return self.arithmetic(sign, 0, value, None, label)


def _needs_value(name: str, label: str | None) -> ExpressionFault:
    hint = f"write {{{{ ({label} or 'there')|{name} }}}}" if label else None
    if label and name in LOCALE_FILTERS:
        hint = f"write {{{{ 'none' if {label} is none else {label}|{name} }}}}"
    what = label or "this expression"
    return ExpressionFault("null", f"{what} is null and {name} needs a value", hint=hint, name=label)


def is_dunder(key: str) -> bool:
    return DUNDER.fullmatch(key) is not None


def _check_alike(one: Any, other: Any, label: str | None, other_label: str | None) -> None:
    """Text never equals a number or true: CSV cells are text, and a comparison that can't hold is a mistake."""
    if type(one) is not str or not (is_number(other) or type(other) is bool):
        return
    if is_number(other):
        hint = f'compare it with text, as in {label or "age"} == "18", or make it a number: {label or "age"}|float'
    else:
        hint = f'compare it with text, as in {label or "vip"} == "yes"'
    what = f"{label or 'one side'} is text and {other_label or 'the other'} is {in_words(other)}"
    raise ExpressionFault("type", f"{what}: they are never equal", hint=hint)


def _no_order(sign: str, left: Any, right: Any, left_label: str | None, right_label: str | None) -> ExpressionFault:
    for value, label in ((left, left_label), (right, right_label)):
        if value is None:
            return null_fault(label, f"be compared with {SIGNS[sign]}")
    texts = [label for value, label in ((left, left_label), (right, right_label)) if type(value) is str and label]
    hint = f"make it a number: {texts[0]}|float" if texts and (is_number(left) or is_number(right)) else None
    what = f"{left_label or 'this'} is {in_words(left)} and {right_label or 'the other'} is {in_words(right)}"
    return ExpressionFault("type", f"{what}: they have no order for {SIGNS[sign]}", hint=hint)


def _no_number(sign: str, value: Any, label: str | None) -> ExpressionFault:
    hint = None
    if type(value) is str:
        hint = "texts are put together with ~" if sign == "+" else f"make it a number: {label or 'value'}|float"
    what = f"{label or 'this'} is {in_words(value)}"
    return ExpressionFault("type", f"{what}: {sign} is for numbers", hint=hint)


def _in_bounds(number: Any) -> Any:
    if type(number) is int:
        return whole(number)
    if not math.isfinite(number):
        raise ExpressionFault("bound", "a decimal number gets too large")
    return number
