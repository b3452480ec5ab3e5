"""Planting a fault: a change to the text of a real function, for as long as a block runs."""

import inspect
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """In the function `name` of a class or module `owner`, each first text becomes the second one."""

    owner: Any
    name: str
    swaps: tuple[tuple[str, str], ...]


def edit(owner: Any, name: str, *swaps: tuple[str, str]) -> Edit:
    return Edit(owner=owner, name=name, swaps=swaps)


@contextmanager
def planted(edits: Sequence[Edit]) -> Iterator[None]:
    """Raises ValueError where a text is not there exactly once: the code has changed, and so must the edit."""
    with ExitStack() as stack:
        for edit in edits:
            before = vars(edit.owner)[edit.name]
            stack.callback(setattr, edit.owner, edit.name, before)
            setattr(edit.owner, edit.name, _changed(edit, before))
        yield


def _changed(edit: Edit, before: Any) -> Any:
    function: Any = before.fget if isinstance(before, property) else before
    function = inspect.unwrap(function)
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in edit.swaps:
        if source.count(old) != 1:
            raise ValueError(f"{edit.name} does not read {old!r} exactly once")
        source = source.replace(old, new)
    made: dict[str, Any] = {}
    exec(source, function.__globals__, made)  # noqa: S102 (our own text)
    return made[edit.name]
