"""Which lines of a manifest no frame may show as they stand: people's data, and what was meant to be a secret."""

import re
from collections.abc import Iterator, Sequence

from .advice import OPERATOR_KEYS
from .documents import TOP_LEVEL_KEYS, Document

# What is hidden wherever it stands. The other words of OPERATOR_KEYS, such as `key`, mean other things deeper down.
SECRETS = frozenset(
    {"accesskey", "apikey", "apitoken", "token", "secret", "authorization", "password", "credentials"}
)  # fmt: skip
# Each run of letters is tried once, from its start: a line may be as long as the file.
_KEY = re.compile(r"(?<![A-Za-z_-])([A-Za-z_-]++)[\"']?\s*+:(?=\s|$)")
_PEOPLE = re.compile(r"\b(?:contacts|receiver)\b[\"']?\s*:")
_TOP_LEVEL = re.compile(rf"[\"']?(?:{'|'.join(TOP_LEVEL_KEYS)}|x-[\w-]+)[\"']?\s*:")

Range = tuple[int, int]  # first and last line, from 1


def hidden_lines(document: Document | None, lines: Sequence[str]) -> list[Range]:
    """`document` is None where the file can't be read as YAML; then its text alone tells."""
    if document is not None and not isinstance(document.data, dict):
        return [(1, len(lines))]  # no manifest: it may be a list of people
    found = [] if document is None else [*_people(document), *_operator_values(document)]
    return [*found, *_secrets(lines), *(_people_in_text(lines) if document is None else ())]


def _people(document: Document) -> Iterator[Range]:
    for section, key in (("recipients", "contacts"), ("messages", "receiver")):
        named = document.data.get(section)
        for name, value in named.items() if isinstance(named, dict) else ():
            if isinstance(value, dict) and key in value:
                place = document.place((section, name, key))
                yield place.line, place.end_line


def _operator_values(document: Document) -> Iterator[Range]:
    """Addresses and keys of the API, where people try to give them."""
    channels = document.data.get("channels")
    names = channels if isinstance(channels, dict) else {}
    for path in ((), ("policy",), *(("channels", name) for name in names)):
        held = document.data
        for step in path:
            held = held.get(step)
        for key in held if isinstance(held, dict) else ():
            if _plain(key) in OPERATOR_KEYS:
                place = document.place((*path, key))
                yield place.line, place.end_line


def _secrets(lines: Sequence[str]) -> Iterator[Range]:
    for number, line in enumerate(lines, start=1):
        if ":" in line and any(_plain(key[1]) in SECRETS for key in _KEY.finditer(line)):
            yield number, number


def _people_in_text(lines: Sequence[str]) -> Iterator[Range]:
    """From a `contacts:` or `receiver:` up to the next key at the top."""
    first: int | None = None
    for number, line in enumerate(lines, start=1):
        if first is not None and _TOP_LEVEL.match(line):
            yield first, number - 1
            first = None
        if first is None and _PEOPLE.search(line):
            first = number
    if first is not None:
        yield first, len(lines)


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")
