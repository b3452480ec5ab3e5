"""From values to the JSON types that Bird's schema wants."""

import math
from typing import Any

import pytest

from runner.rendering.casts import JsonType, cast

from .faults_of import fault_of


@pytest.mark.parametrize(
    ("value", "wants", "given"),
    [
        (5, "integer", 5),
        (5.0, "integer", 5),
        ("0", "integer", 0),
        ("-12", "integer", -12),
        (2.0**53, "integer", 2**53),
        ("9" * 16, "integer", 9999999999999999),
        (5, "number", 5),
        (1.5, "number", 1.5),
        ("1.50", "number", 1.5),
        ("-1e3", "number", -1000.0),
        ("12", "number", 12),
        (True, "boolean", True),
        ("true", "boolean", True),
        ("false", "boolean", False),
        ([1, "a", (2.5, None)], "array", [1, "a", [2.5, None]]),
        ({"a": {"b": [True]}}, "object", {"a": {"b": [True]}}),
        ("x", "string", "x"),
        (5, "string", "5"),
        (None, "null", None),
    ],
)
def test_a_value_becomes_the_type(value: Any, wants: JsonType, given: Any) -> None:
    made = cast(value, wants, "x")
    assert made == given
    assert type(made) is type(given)


@pytest.mark.parametrize(
    ("value", "wants"),
    [
        (5.5, "integer"),
        ("5.0", "integer"),
        ("05", "integer"),
        ("+5", "integer"),
        (" 5", "integer"),
        ("5\n", "integer"),
        ("٥", "integer"),
        ("9" * 17, "integer"),
        (True, "integer"),
        ("-0", "integer"),
        (-0.0, "integer"),
        (1e300, "integer"),
        (10**18, "integer"),
        (math.inf, "number"),
        (math.nan, "number"),
        (-0.0, "number"),
        ("-0", "number"),
        ("1e999", "number"),
        (".5", "number"),
        ("1.", "number"),
        ("NaN", "number"),
        (False, "number"),
        ("0x10", "number"),
        ("1_0", "number"),
        (1, "boolean"),
        ("True", "boolean"),
        ("yes", "boolean"),
        ("", "boolean"),
        ([], "boolean"),
        ("[1]", "array"),
        ({}, "array"),
        ([math.nan], "array"),
        ([object()], "array"),
        ("{}", "object"),
        ([], "object"),
        (1.5, "string"),
        (True, "string"),
        ([], "string"),
    ],
)
def test_a_value_that_does_not_fit_is_a_fault_that_never_shows_it(value: Any, wants: JsonType) -> None:
    fault = fault_of(lambda: cast(value, wants, "price"))
    assert fault.kind == ("bound" if value == 10**18 and wants == "string" else "type")
    assert repr(value) not in fault.message or value in ("", True, False)


def test_null_is_told_by_name() -> None:
    fault = fault_of(lambda: cast(None, "integer", "count"))
    assert (fault.kind, fault.name) == ("null", "count")
    assert "count is null" in fault.message
