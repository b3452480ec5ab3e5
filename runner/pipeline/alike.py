"""People who come one by one, as in JSON Lines, contacts and odd rows, brought together where they are alike."""

from collections.abc import Iterable, Iterator, Sequence

from runner.findings import Place
from runner.model import Json, Recipient
from runner.recipients.addresses import PHONE
from runner.recipients.crowds import Crowd
from runner.recipients.phones import is_e164
from runner.recipients.rows import Row, Rows

from .people import Person

_MOST = 200  # in one crowd

_Shape = tuple[str, tuple[str, ...]]


def brought_together(people: Iterable[Person | Crowd], names: Sequence[str]) -> Iterator[Person | Crowd]:
    """In their order. Those are alike who are of one list and have texts under the same of these names."""
    held: list[Recipient] = []
    shape: _Shape | None = None
    for each in people:
        found = _shape(each, names) if isinstance(each, Person) else None
        if held and (found != shape or len(held) == _MOST):
            yield _crowd(held, shape)
            held = []
        shape = found
        if isinstance(each, Person) and each.recipient is not None and shape is not None:
            held.append(each.recipient)
        else:
            yield each
    if held:
        yield _crowd(held, shape)


def _shape(person: Person, names: Sequence[str]) -> _Shape | None:
    """None for somebody who must stand alone: dropped, suppressed, without a plain number, or with an unusual value."""
    recipient = person.recipient
    if recipient is None or person.dropped or person.is_suppressed:
        return None
    contact, row = recipient.contact, recipient.parameters
    number = contact.get("identifierValue")
    if len(contact) != 2 or contact.get("identifierKey") != PHONE or not _is_text(number) or not is_e164(str(number)):
        return None
    found = tuple([name for name in names if name in row])
    return (recipient.list_name, found) if all(_is_text(row[name]) for name in found) else None


def _is_text(value: Json) -> bool:
    return value.__class__ is str and value != ""


def _crowd(people: Sequence[Recipient], shape: _Shape | None) -> Crowd:
    list_name, names = shape or ("", ())
    rows = Rows(
        numbers=[each.row for each in people],
        above=0,
        names=names,
        cells=[[str(each.parameters[name]) for name in names] for each in people],
        texts=[""] * len(people),
        locate=_elsewhere,
    )
    return Crowd(list_name, PHONE, rows, [str(each.contact["identifierValue"]) for each in people], people)


def _elsewhere(_row: Row, _column: str | None) -> Place:
    raise AssertionError("each of these people knows its own place")
