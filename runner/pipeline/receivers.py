"""Receivers as a manifest writes them: they go out as they stand, so they must stand right."""

from collections.abc import Iterator, Mapping, Sequence

from runner.canonical import canonical_text
from runner.findings import Findings
from runner.manifest.site import Site
from runner.model import Draft, Json
from runner.recipients.faults import AddressFault
from runner.recipients.phones import normalise_phone

PHONE = "phonenumber"
_KEY_AND_VALUE = {"identifierKey", "identifierValue"}
WAYS = ("identifierValue", "id", "platformAddress", "identifiers")


def contacts_of(draft: Draft) -> list[Mapping[str, Json]]:
    return list((draft.receiver or {}).get("contacts") or [])


def receiver_text(contact: Mapping[str, Json]) -> str:
    """The canonical JSON of a receiver of one contact; that of a row in a table is known but for two values."""
    if contact.keys() != _KEY_AND_VALUE:
        return canonical_text({"contacts": [contact]})
    key, value = canonical_text(contact["identifierKey"]), canonical_text(contact["identifierValue"])
    return f'{{"contacts":[{{"identifierKey":{key},"identifierValue":{value}}}]}}'


def address_of(contact: Mapping[str, Json]) -> str:
    """What identifies the contact, in the form that addresses of rows have."""
    if contact.get("identifierValue") is not None:
        return f"{contact.get('identifierKey', PHONE)}:{contact['identifierValue']}"
    return f"id:{contact.get('id', '')}"


def number_of(contacts: Sequence[Mapping[str, Json]]) -> str | None:
    """The phone number of the only contact: by it limits and prices know the country."""
    value = contacts[0].get("identifierValue") if len(contacts) == 1 else None
    is_phone = isinstance(value, str) and value.startswith("+") and contacts[0].get("identifierKey", PHONE) == PHONE
    return value if is_phone else None


def check_receiver(draft: Draft, message: Site, findings: Findings) -> None:
    """RCP530, RCP531 to RCP533, RCP538, RCP544, CHN703."""
    if draft.receiver is None:
        return
    if draft.distinct:
        hint = "remove it: it names columns of a list"
        words = "a receiver has no columns, so distinct means nothing"
        findings.error("RCP544", words, message.below("distinct").place(), hint=hint)
    for site, contact in _sites(draft, message):
        if not any(contact.get(way) for way in WAYS):
            hint = "give it an identifierValue, or the id of a contact in Bird"
            findings.error("RCP530", "a contact without an address", site.place(), hint=hint)
        elif draft.channel.platform == "sms":
            _check_phone(contact, site, findings)
    if draft.channel.platform == "sms" and len(contacts_of(draft)) > 1:
        hint = "write a message for each, or name a list of people with to"
        words = "an SMS goes to one contact (a rule of Bird's)"
        findings.error("CHN703", words, message.below("receiver", "contacts", 1).place(), hint=hint)


def _sites(draft: Draft, message: Site) -> Iterator[tuple[Site, Mapping[str, Json]]]:
    for index, contact in enumerate(contacts_of(draft)):
        yield message.below("receiver", "contacts", index), contact


def _check_phone(contact: Mapping[str, Json], site: Site, findings: Findings) -> None:
    value = contact.get("identifierValue")
    if not isinstance(value, str) or contact.get("identifierKey", PHONE) != PHONE:
        return
    normal = normalise_phone(value, None)
    place = site.below("identifierValue").place()
    if isinstance(normal, AddressFault):
        hint = "write it as +, country code, number" if normal.code == "RCP532" else normal.hint
        findings.error(normal.code, f"receiver: {normal.words}", place, hint=hint)
    elif normal != value:
        hint = "write it as +, country code, number, in digits alone"
        findings.error("RCP538", "receiver: a number goes out as written, and this is not E.164", place, hint=hint)
