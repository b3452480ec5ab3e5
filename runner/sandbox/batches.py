"""The body of a batch: what makes it one, and what is kept of a message in it that is none."""

from collections.abc import Mapping, Sequence
from typing import Any

MOST = 100  # Bird, "Send batch messages"
_KEY = "messageRequests"


def items_of(document: Any) -> Sequence[Any] | dict[str, list[str]]:
    """Its messages, as they came; or what is wrong with the batch itself, by place."""
    if not isinstance(document, dict):
        return {".": ["must be an object"]}
    unknown = {f".{name}": [f'property "{name}" is unsupported'] for name in document if name != _KEY}
    if unknown:
        return unknown
    items = document.get(_KEY)
    if not isinstance(items, list) or not 1 <= len(items) <= MOST:
        return {f".{_KEY}": [f"must be a list of 1 to {MOST} messages"]}
    return items


def kept_of(item: Any) -> Mapping[str, Any]:
    """Of a message that could not be read: what a list can show."""
    reference = item.get("reference") if isinstance(item, dict) else None
    return {"receiver": {}, **({"reference": reference} if isinstance(reference, str) else {})}
