"""Findings in the forms that terminals, editors and pipelines read. Each is a function from `Found` to a text."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from .found import Found

# Each in a module of its own, imported when it is asked for.
_HOMES = {
    "text": "text",
    "concise": "lines",
    "json": "lines",
    "jsonl": "lines",
    "github": "github",
    "gitlab": "gitlab",
    "sarif": "sarif",
    "junit": "junit",
    "markdown": "markdown",
}
FORMATS = tuple(_HOMES)


def written(found: Found, kind: str) -> str:
    """What was found in one of FORMATS, without a line break at its end; empty where there is nothing to say."""
    module: Mapping[str, object] = vars(import_module(f"{__name__}.{_HOMES[kind]}"))
    return cast(Callable[[Found], str], module[kind if kind != "json" else "whole"])(found)
