"""Rows → recipients: the address that identifies a person, and Bird's contact as it goes on the wire."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runner.findings import Findings
from runner.model import Json, Recipient, RecipientList, made

from .crowds import Crowd, one_by_one
from .faults import AddressFault, Faults
from .fictional import is_fictional
from .headers import missing_identifier
from .phones import are_plain, is_e164, is_plain, is_possible, is_region, normalise_phone
from .rows import Row, Rows, identifier_of

PHONE, EMAIL = "phonenumber", "emailaddress"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_is_email = re.compile(r"[^@\s]+@[^@\s]+").fullmatch
_MEANT_REGIONS = {"UK": "GB", "EN": "GB", "EU": None}

Normaliser = Callable[[str], str | AddressFault]
Where = Callable[[Mapping[str, Json]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A sound row that is not selected. `reason` is a word of the plan's."""

    row: Row
    reason: str


def recipients(
    spec: RecipientList, rows: Iterable[Row], *, platform: str, findings: Findings,
    where: Where | None = None, on_fault: Callable[[Row, Exception], None] | None = None,
) -> Iterator[Recipient | Dropped]:  # fmt: skip
    """`crowds`, each person alone."""
    return one_by_one(crowds(spec, rows, platform=platform, findings=findings, where=where, on_fault=on_fault))


def crowds(
    spec: RecipientList, rows: Iterable[Row | Rows], *, platform: str, findings: Findings,
    where: Where | None = None, on_fault: Callable[[Row, Exception], None] | None = None,
) -> Iterator[Crowd | Recipient | Dropped]:  # fmt: skip
    """Selects by `where`, then normalises; a row with a finding gives nothing.

    `rows` come from `read_many`, or from `contact_rows` where the list has contacts. `where` sees values as written;
    what it raises goes to `on_fault` with the row (or on, without one). Of rows that come together those that are
    dropped are told first.
    """
    people = _People(spec, platform, findings)
    judge = people.contact if spec.contacts is not None else people.file_row
    is_region_known = people.check_region()
    for each in rows if where is None else _selected(spec, rows, where, on_fault):
        if isinstance(each, Dropped):
            yield each
        elif not is_region_known:
            continue
        elif isinstance(each, Rows):
            yield from people.file_rows(each)
        elif (recipient := judge(each)) is not None:
            yield recipient


def _selected(
    spec: RecipientList, rows: Iterable[Row | Rows], where: Where, on_fault: Callable[[Row, Exception], None] | None
) -> Iterator[Row | Rows | Dropped]:
    def is_wanted(row: Row) -> bool | None:
        """None where nobody can say."""
        try:
            return where(_seen_by_where(spec, row))
        except Exception as fault:
            if on_fault is None:
                raise
            on_fault(row, fault)
            return None

    for each in rows:
        together = list(each.each()) if isinstance(each, Rows) else [each]
        answers = [is_wanted(row) for row in together]
        yield from (
            Dropped(row=row, reason="where") for row, answer in zip(together, answers, strict=True) if answer is False
        )
        if isinstance(each, Row):
            yield from together if answers[0] else ()
        elif any(answers):
            yield each.only([index for index, answer in enumerate(answers) if answer])


def _seen_by_where(spec: RecipientList, row: Row) -> Mapping[str, Json]:
    if spec.contacts is None:
        return row.values
    values = dict(row.values.get("parameters") or {})
    if "identifierValue" in row.values:
        values["identifierValue"] = row.values["identifierValue"]
    return values


def normaliser(identifier_key: str, *, region: str | None, platform: str) -> Normaliser:
    """How values of a key are normalised on a platform: phones to E.164 on sms, an e-mail's domain to lower case."""
    if identifier_key == PHONE and platform == "sms":
        return lambda value: normalise_phone(value, region)
    return normalise_email if identifier_key == EMAIL else _as_written


def is_somebodys(contact: Mapping[str, Json], spec: RecipientList) -> bool:
    """Whether a contact's address can be a person's: neither kept free for examples nor no address at all."""
    written = contact.get("identifierValue")
    if not isinstance(written, str) or is_fictional(written):
        return False
    key = str(contact.get("identifierKey") or spec.identifier_key)
    value = normaliser(key, region=spec.region, platform="sms")(written)
    if isinstance(value, AddressFault):
        return _is_email(written) is not None  # under the wrong key it is one all the same
    return not is_fictional(value) and (key != PHONE or is_possible(value))


def normalise_email(value: str) -> str | AddressFault:
    """With its domain in lower case; what stands before the @ is the receiver's own affair."""
    if not _is_email(value) or _CONTROLS.search(value):
        return AddressFault(code="RCP534", words="not an e-mail address", hint="write it as name@domain")
    local, _, domain = value.partition("@")
    return f"{local}@{domain.lower()}"


def _as_written(value: str) -> str | AddressFault:
    control = _CONTROLS.search(value)
    if control is None and value.strip():
        return value
    words = f"U+{ord(control[0]):04X}, a control character, in the address" if control else "the address is blank"
    return AddressFault(code="RCP535", words=words)


class _People:
    def __init__(self, spec: RecipientList, platform: str, findings: Findings) -> None:
        self._spec = spec
        self._platform = platform
        self._findings = findings
        self._faults = Faults(findings)
        self._normalisers: dict[str, Normaliser] = {}

    def check_region(self) -> bool:
        region = self._spec.region
        if region is None or is_region(region):
            return True
        meant = _MEANT_REGIONS.get(region.upper(), region.upper())
        hint = f'did you mean "{meant}"?' if meant and meant != region and is_region(meant) else None
        self._findings.error(
            "RCP536",
            f'there is no region "{region}"',
            self._spec.place_of("region"),
            hint=hint or "two capital letters of ISO 3166, as in US or GB",
        )
        return False

    def file_row(self, row: Row) -> Recipient | None:
        spec, values = self._spec, row.values
        column = identifier_of(spec, values)
        if column is None:
            message, hint = missing_identifier(tuple(values), spec)
            self._faults.error("RCP510", row, message, hint=hint)
            return None
        written, key = values[column], spec.identifier_key
        is_as_it_goes_out = key == PHONE and written.__class__ is str and is_plain(written)
        value = written if is_as_it_goes_out else self._normalised(row, column, key, written)
        if value is None:
            return None
        parameters = values if value is written else {**values, column: value}
        contact = {"identifierKey": key, "identifierValue": value}
        return made(Recipient, (spec.name, row.number, f"{key}:{value}", contact, parameters, row.place))

    def file_rows(self, rows: Rows) -> Iterator[Crowd | Recipient]:
        """Together where all of them have numbers on sms."""
        spec, column = self._spec, identifier_of(self._spec, rows.names)
        if column is None or spec.identifier_key != PHONE or self._platform != "sms":
            yield from (found for row in rows.each() if (found := self.file_row(row)) is not None)
            return
        at = rows.names.index(column)
        numbers = [cells[at] for cells in rows.cells]
        if not are_plain(numbers):
            rows, numbers = self._put_right(rows, numbers, at)
        if numbers:
            yield Crowd(spec.name, PHONE, rows, numbers)

    def _put_right(self, rows: Rows, written: Sequence[str], at: int) -> tuple[Rows, list[str]]:
        """As the numbers go out; what is none is left out with its finding."""
        kept: list[int] = []
        numbers: list[str] = []
        for index, value in enumerate(written):
            number = value if is_plain(value) else self._normalised(rows.row(index), rows.names[at], PHONE, value)
            if number is not None:
                kept.append(index)
                numbers.append(number)
        rows = rows.only(kept)
        cells = [[*each[:at], number, *each[at + 1 :]] for each, number in zip(rows.cells, numbers, strict=True)]
        return rows._replace(cells=cells), numbers

    def contact(self, row: Row) -> Recipient | None:
        contact = dict(row.values)
        parameters = dict(contact.pop("parameters", None) or {})
        if contact.get("identifierValue") is not None:
            key = str(contact.get("identifierKey") or self._spec.identifier_key)
            written = contact["identifierValue"]
            is_as_it_goes_out = key == PHONE and written.__class__ is str and is_plain(written)
            value = written if is_as_it_goes_out else self._normalised(row, "identifierValue", key, written)
            if value is None:
                return None
            contact["identifierKey"], contact["identifierValue"] = key, value
            parameters["identifierValue"] = value
            address = f"{key}:{value}"
        elif contact.get("id"):
            address = f"id:{contact['id']}"
        else:
            hint = "give it an identifierValue, or the id of a contact in Bird"
            self._faults.error("RCP530", row, "a contact without an address", hint=hint)
            return None
        return made(Recipient, (self._spec.name, row.number, address, contact, parameters, row.place))

    def _normalised(self, row: Row, column: str, key: str, written: Json) -> str | None:
        """The value as it identifies a person, or None with a finding."""
        if written is None or written == "":
            self._faults.error("RCP530", row, "no address", column=column, hint="fill it in, or remove the row")
            return None
        if not isinstance(written, str):
            words = f"the address must be text, not {_type_words(written)}"
            self._faults.error("RCP535", row, words, column=column, hint="write it in quotes")
            return None
        normalise = self._normalisers.get(key)
        if normalise is None:
            normalise = normaliser(key, region=self._spec.region, platform=self._platform)
            self._normalisers[key] = normalise
        value = normalise(written)
        if isinstance(value, AddressFault):
            self._faults.error(value.code, row, value.words, column=column, hint=value.hint)
            return None
        if key == PHONE and is_e164(value) and not is_possible(value):
            words = "no number of this length and country code exists"
            self._faults.warning("RCP537", row, words, column=column, hint="check it: Bird will hardly deliver to it")
        return value


def _type_words(value: Json) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, (int, float)) else "a list or a map"
