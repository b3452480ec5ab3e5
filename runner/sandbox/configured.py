"""The channels and templates that a file tells the sandbox it has.

    {"channels": [{"workspaceId": "…", "channelId": "…", "name": "…", "platform": "sms", "identifier": "+1…",
                   "mms": true, "doubled": true, "lookUps": [200], "shows": {}}],
     "templates": [{"workspaceId": "…", "projectId": "…", "id": "…", "status": "active", …}]}

All but the two ids may be left out. A template is listed as it stands there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .channels import Channels, SandboxChannel, TemplatesByProject

_NAMES = {
    "workspaceId": "workspace_id",
    "channelId": "channel_id",
    "name": "name",
    "platform": "platform",
    "identifier": "identifier",
    "mms": "mms",
    "doubled": "is_doubled",
    "lookUps": "look_ups",
    "shows": "shows",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    channels: Channels
    templates: TemplatesByProject


def read_configured(text: bytes) -> Configured:
    """Raises ValueError saying what is wrong."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(given, dict) or given.keys() - {"channels", "templates"}:
        raise ValueError('it must be an object with "channels" and "templates"')
    channels = [_channel(item) for item in _objects(given, "channels")]
    templates: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for item in _objects(given, "templates"):
        ids = (_text(item, "workspaceId").lower(), _text(item, "projectId").lower())
        shown = {key: value for key, value in item.items() if key != "workspaceId"}
        templates.setdefault(ids, []).append(shown)
    return Configured(channels=Channels.of(channels) if channels else Channels.open(), templates=templates)


def _objects(given: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    items = given.get(name, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f'"{name}" must be a list of objects')
    return items


def _channel(item: dict[str, Any]) -> SandboxChannel:
    if unknown := sorted(item.keys() - _NAMES.keys()):
        raise ValueError(f"a channel has no key {', '.join(unknown)}: known are {', '.join(_NAMES)}")
    texts = {_NAMES[key]: _text(item, key) for key in ("workspaceId", "channelId")}
    texts |= {_NAMES[key]: _text(item, key) for key in ("name", "platform", "identifier") if key in item}
    return SandboxChannel(
        **texts,
        mms=_flag(item, "mms", default=True),
        is_doubled=_flag(item, "doubled", default=True),
        look_ups=_statuses(item.get("lookUps", [200])),
        shows=item.get("shows", {}),
    )


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f'"{key}" must be a text')
    return value


def _flag(item: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = item.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(f'"{key}" must be true or false')
    return value


def _statuses(value: Any) -> tuple[int, ...]:
    is_list = isinstance(value, list) and value
    if not is_list or not all(type(each) is int and 200 <= each <= 599 for each in value):
        raise ValueError('"lookUps" must be a list of HTTP statuses, such as [503, 200]')
    return tuple(value)
