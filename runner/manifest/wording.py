"""Values, objects and types of a manifest in words."""

from collections.abc import Sequence

Path = tuple[str | int, ...]
KINDS = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "a map of keys and values", "null": "empty",
}  # fmt: skip
SECTIONS = {"channels": "channel", "recipients": "recipient list", "messages": "message"}


def label_of(path: Path) -> str:
    """A value in words: its key, or which item of a list it is."""
    if not path:
        return "this file"
    last = path[-1]
    return f'"{last}"' if isinstance(last, str) else f"item {last + 1} of {label_of(path[:-1])}"


def object_of(path: Path) -> str:
    """An object in words: what people declare goes by its kind and name."""
    if not path:
        return "this manifest"
    if len(path) == 2 and path[0] in SECTIONS:
        return f'{SECTIONS[str(path[0])]} "{path[1]}"'
    return label_of(path)


def joined(words: Sequence[str], by: str) -> str:
    return f" {by} ".join(filter(None, (", ".join(words[:-1]), words[-1])))
