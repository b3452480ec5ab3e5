"""One mistake at each place of a YAML text: what is written there, and where a finding about it must stand.

The places come from PyYAML's own nodes, not from flypast's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

Steps = tuple[str | int, ...]
UNKNOWN = "zqzq"
PAIRS = [  # what is validated, and the file in which the mistake is
    *((f"every-field/{name}.yaml", f"every-field/{name}.yaml") for name in ("sms", "chat", "email", "whatsapp")),
    ("every-field/whatsapp.yaml", "every-field/channels.yaml"),
    ("picture/picture.yaml", "picture/picture.yaml"),
    ("reminders/reminders.yaml", "reminders/reminders.yaml"),
    ("shared-channels/reminder.yaml", "shared-channels/reminder.yaml"),
    ("shared-channels/reminder.yaml", "shared-channels/channels.yaml"),
    ("spring-launch/spring-launch.yaml", "spring-launch/spring-launch.yaml"),
    ("template/welcome.yaml", "template/welcome.yaml"),
]
# Maps in which any key may stand, by their path without the names that people choose: own names, and what Bird leaves
# open. A key more or less there is no mistake by itself.
OPEN = re.compile(
    r"(parameters|channels|recipients|messages"
    r"|recipients/[^/]+/contacts/\d+/parameters|messages/[^/]+/parameters"
    r"|messages/.*/(metadata|settings|configurations|headers|variables|annotations|extraInformation|connector)"
    r"|messages/.*/metadata/(description|button|replyMessage|telegram|storyType|media|whatsapp|apple|line)"
    r"|messages/[^/]+/meta/referral/metadata"
    r"|messages/[^/]+/template/parameters/\d+/value(/.*)?)"
)
ANY_VALUE = re.compile(r"messages/.*/(extraInformation/run|parameters/\d+/value/(number|guests))")
OF_PARAMETERS = re.compile(r"(parameters|recipients/[^/]+/contacts/\d+/parameters|messages/[^/]+/parameters)(/|$)")


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """`text` is the file with the mistake at `path`; `line` and `column` (from 1) are where it must be told."""

    kind: str
    path: Steps
    text: str
    line: int
    column: int
    was: str = ""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A value, with its key where it has one."""

    path: Steps
    value: yaml.Node
    key: yaml.Node | None = None
    is_in_flow: bool = False
    is_required: bool = False


def slashed(path: tuple[str | int, ...]) -> str:
    return "/".join(map(str, path))


def spots(text: str) -> Iterator[Spot]:
    yield from _below((), cast(yaml.Node, yaml.compose(text, yaml.SafeLoader)))


def mistakes(text: str) -> Iterator[Mistake]:
    """Misspelt, unknown and repeated keys, and values of another type."""
    for spot in spots(text):
        if spot.key is not None and spot.key.value != "<<":
            yield from _of_key(text, spot, spot.key)
        if spot.path and spot.value.start_mark.index < _end(text, spot.value):
            yield from _of_value(text, spot)


def misspelt(word: str) -> str:
    return word[: len(word) // 2] + word[len(word) // 2 + 1 :] if len(word) >= 5 else f"{word}x"


def _below(path: Steps, node: yaml.Node) -> Iterator[Spot]:
    for key, value, step in _children(node):
        inner = (*path, step)
        yield Spot(path=inner, value=value, key=key, is_in_flow=bool(cast(Any, node).flow_style))
        yield from _below(inner, value)


def _children(node: yaml.Node) -> Iterator[tuple[yaml.Node | None, yaml.Node, str | int]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key, value, key.value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((None, value, index) for index, value in enumerate(node.value))


def _of_key(text: str, spot: Spot, key: yaml.Node) -> Iterator[Mistake]:
    start, end = key.start_mark.index, key.end_mark.index
    here = {"path": spot.path, "was": key.value, **_at(key)}
    quote = text[start] if text[start] in "\"'" else ""
    yield Mistake(kind="misspelt", text=_cut(text, start, end, f"{quote}{misspelt(key.value)}{quote}"), **here)
    between = ", " if spot.is_in_flow else "\n" + " " * key.start_mark.column
    yield Mistake(kind="unknown", text=_cut(text, start, start, f"{UNKNOWN}: 1{between}"), **here)
    stop = _end(text, spot.value)
    again = _cut(text, stop, stop, between + text[start:stop])
    second = stop + len(between)
    line, column = again.count("\n", 0, second) + 1, second - again.rfind("\n", 0, second)
    yield Mistake(kind="repeated", text=again, path=spot.path, was=key.value, line=line, column=column)


def _of_value(text: str, spot: Spot) -> Iterator[Mistake]:
    other = "7" if isinstance(spot.value, yaml.MappingNode) else f"{{{UNKNOWN}: 7}}"
    start, stop = spot.value.start_mark.index, _end(text, spot.value)
    yield Mistake(kind="other type", path=spot.path, text=_cut(text, start, stop, other), **_at(spot.value))


def _at(node: yaml.Node) -> Any:
    return {"line": node.start_mark.line + 1, "column": node.start_mark.column + 1}


def _end(text: str, node: yaml.Node) -> int:
    """Where a value ends, without the lines and blanks that follow it."""
    if isinstance(node, yaml.ScalarNode):
        end: int = node.end_mark.index
        return len(text[:end].rstrip()) if node.style in ("|", ">") else end
    if cast(Any, node).flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(text, last[1] if isinstance(last, tuple) else last)


def _cut(text: str, start: int, stop: int, new: str) -> str:
    return text[:start] + new + text[stop:]
