"""Recipient lists as a manifest declares them. Their files are not read here."""

import re
from collections.abc import Iterator
from functools import partial

from runner.findings import Findings, Place
from runner.model import RecipientList

from .include import Gathered, Origin
from .site import EvaluateText, Site
from .yaml_mistakes import quoted

# A first look at the whole file: finding out where 50,000 contacts stand takes longer than reading them.
_UNQUOTED = re.compile(r"identifierValue[\"']?\s*:\s*[^\s\"']")


def declared_lists(
    gathered: Gathered, evaluate: EvaluateText, findings: Findings
) -> Iterator[tuple[str, RecipientList]]:
    """Those that the schema let through; of the others too a phone number without quotes is told."""
    for name, origin in gathered.sections["recipients"].items():
        check_quoted(origin, "contacts", findings)
        if ("recipients", name) in gathered.broken:
            continue
        file = origin.value.get("file")
        if file is not None:
            file = evaluate(file, Site(document=origin.document, path=(*origin.path, "file")))
            if file is None:
                continue
        yield name, _list(name, origin, file)


def _list(name: str, origin: Origin, file: str | None) -> RecipientList:
    written = origin.value
    contacts, columns = written.get("contacts"), written.get("columns")
    return RecipientList(
        name=name,
        locate=partial(_locate, origin),
        file=file,
        contacts=tuple(contacts) if contacts is not None else None,
        identifier=written.get("identifier"),
        identifier_key=written.get("identifierKey", "phonenumber"),
        region=written.get("region"),
        where=written.get("where"),
        sha256=written.get("sha256"),
        delimiter=written.get("delimiter"),
        columns=tuple(columns) if columns is not None else None,
    )


def _locate(origin: Origin, *path: str | int) -> Place:
    is_written = bool(path) and path[0] in origin.value
    return origin.place(*path) if is_written else origin.name_place


def check_quoted(origin: Origin, key: str, findings: Findings) -> None:
    """YML129 for each of the contacts under `key` whose phone number stands without quotes."""
    if not _UNQUOTED.search(origin.document.text):
        return
    contacts = origin.value.get(key) if isinstance(origin.value, dict) else None
    for index, contact in enumerate(contacts if isinstance(contacts, list) else ()):
        value = contact.get("identifierValue") if isinstance(contact, dict) else None
        path = (key, index, "identifierValue")
        if not isinstance(value, str) or not value or value[0] not in "+0123456789":
            continue
        if origin.document.is_plain((*origin.path, *path)):
            place = origin.place(*path)
            findings.error("YML129", "a phone number must be quoted", place, hint=_quote_it(value), fix=quoted(value))


def _quote_it(value: str) -> str:
    hint = "put it in quotes: YAML tools differ in what they make of it"
    return hint if value.startswith("+") else f"{hint}; a national number also needs `region` on its list"
