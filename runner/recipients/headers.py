"""Whether a table's header can be worked with."""

import json
import re
from collections.abc import Sequence

from runner.findings import Findings, Place
from runner.model import RecipientList

from .faults import looks_like_data, nearest, shown_name
from .rows import IDENTIFIERS, identifier_of

_DELIMITERS = {";": ("semicolon", "';'"), "\t": ("tab", '"\\t"'), "|": ("bar", "'|'")}
_NAMES_SHOWN = 10


def check_header(
    names: Sequence[str], places: Sequence[Place], delimiter: str, spec: RecipientList, findings: Findings
) -> bool:
    """Whether rows can be read under these names; what is wrong is in the findings."""
    before = len(findings)
    identifier = identifier_of(spec, names)
    if len(names) == 1 and any(other in names[0] for other in _DELIMITERS.keys() - {delimiter}):
        _report_delimiter(names[0], places[0], spec, findings)
    elif identifier is None and any(looks_like_data(name) for name in names):
        message = "the first line looks like a person's data, not like a header"
        findings.error("RCP507", message, places[0], hint="the first line must name the columns")
    else:
        _check_names(names, places, findings)
        if "" in names:
            return False  # the column that is missed may be the one without a name
        if identifier is None:
            report_no_identifier(names, places[0], spec, findings)
        _check_promised(names, places[0], spec, findings)
    return len(findings) == before


def _report_delimiter(name: str, place: Place, spec: RecipientList, findings: Findings) -> None:
    word, written = next(_DELIMITERS[other] for other in _DELIMITERS if other in name)
    message = f"the header is one column: this looks like a {word} file"
    hint = f"give the list: delimiter: {written}"
    if _stands_alone(spec):
        hint = "save it with commas, or as .txt with one address on each line"
    findings.error("RCP509", message, place, hint=hint)


def _check_names(names: Sequence[str], places: Sequence[Place], findings: Findings) -> None:
    first: dict[str, Place] = {}
    for number, (name, place) in enumerate(zip(names, places, strict=True), start=1):
        if not name:
            findings.error("RCP508", f"column {number} has no name", place, hint="name it, or remove the column")
        elif name in first:
            message = f"the column {shown_name(name)} stands here twice"
            findings.error("RCP508", message, place, hint="rename or remove one", also=(first[name],))
        first.setdefault(name, place)


def _check_promised(names: Sequence[str], place: Place, spec: RecipientList, findings: Findings) -> None:
    for column in spec.columns or ():
        if column not in names and column != spec.identifier:  # of which more is told
            near = nearest((column,), names)
            findings.error(
                "RCP511",
                f"the manifest promises a column {shown_name(column)}, and this file has none",
                place,
                hint=f"did you mean {shown_name(near)}? names must match exactly" if near else _known(names),
                also=(spec.place_of("columns"),),
            )


def report_no_identifier(names: Sequence[str], place: Place, spec: RecipientList, findings: Findings) -> None:
    message, hint = missing_identifier(names, spec)
    findings.error("RCP510", message, place, hint=hint, also=(spec.place_of("identifier"),))


def missing_identifier(names: Sequence[str], spec: RecipientList) -> tuple[str, str]:
    """The message and hint for a list without the column that holds the address."""
    if spec.identifier is not None:
        near = nearest((spec.identifier,), names)
        message = f"there is no column {shown_name(spec.identifier)}, the list's identifier"
        return message, f"did you mean {shown_name(near)}?" if near else _known(names)
    near = nearest((*IDENTIFIERS, "mobile", "number"), names)
    message = f"no column holds the address: none is named {', '.join(IDENTIFIERS[:-1])} or {IDENTIFIERS[-1]}"
    if near and _stands_alone(spec):
        return message, f"rename {near} to {IDENTIFIERS[0]}"
    return message, f"name it in the list: identifier: {_written(near)}" if near else _known(names)


def _written(name: str) -> str:
    """As a manifest says it: in quotes where YAML would take a space, or more, off it."""
    return name if re.fullmatch(r"[A-Za-z](?:[\w .-]*\w)?", name) else json.dumps(name, ensure_ascii=False)


def _stands_alone(spec: RecipientList) -> bool:
    """Whether it is a suppress file, of which a manifest says no more than its path."""
    return spec.name == spec.place.path


def _known(names: Sequence[str]) -> str:
    rest = ", …" if len(names) > _NAMES_SHOWN else ""
    return f"columns: {', '.join(shown_name(name) for name in names[:_NAMES_SHOWN])}{rest}"
