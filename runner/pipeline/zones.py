"""Whose clock counts for whom: the time zones of a person, as `policy.quietHours.zone` names them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from runner.findings import Findings, did_you_mean
from runner.manifest.build import Manifest
from runner.model import Draft
from runner.quiet import OF_COLUMN, OF_RECIPIENT, zone_names
from runner.recipients.phones import zones_of
from runner.recipients.suppress import ways

from .people import Person
from .receivers import address_of, contacts_of

_PHONE_IN_FULL = "phonenumber:+"
_KEY_AND_VALUE = ("identifierKey", "identifierValue")


@dataclass(slots=True, kw_only=True)
class Zones:
    """`of` gives the zones in any of which it may be night for a person; none where nobody knows."""

    manifest: Manifest
    findings: Findings
    of: Callable[[Draft, Person], tuple[str, ...]] = field(init=False)
    _column: str = ""
    _lacking: set[str] = field(default_factory=set)  # the lists and messages of which it was told

    def __post_init__(self) -> None:
        hours = self.manifest.policy.quiet_hours
        zone = hours.zone if hours is not None else ""
        self._column = zone.removeprefix(OF_COLUMN)
        fixed = (zone,)
        self.of = (
            self._by_number
            if zone == OF_RECIPIENT
            else self._by_column
            if zone.startswith(OF_COLUMN)
            else lambda _draft, _person: fixed
        )

    def _by_number(self, draft: Draft, person: Person) -> tuple[str, ...]:
        recipient, region = person.recipient, None
        if recipient is None:
            contacts = [(address_of(contact), contact) for contact in contacts_of(draft)]
        else:
            is_one_number = person.address.startswith(_PHONE_IN_FULL) and len(recipient.contact) == len(_KEY_AND_VALUE)
            if is_one_number and (zones := zones_of(person.address[len(_PHONE_IN_FULL) - 1 :])):
                return zones  # nearly every row
            region = self.manifest.lists[recipient.list_name].region  # other platforms leave numbers as written
            contacts = [(person.address, recipient.contact)]
        found = {way for address, contact in contacts for way in ways(address, contact, region=region)}
        return tuple(sorted({zone for number in found for zone in zones_of(number)}))

    def _by_column(self, draft: Draft, person: Person) -> tuple[str, ...]:
        recipient = person.recipient
        if recipient is None:
            hint = "take recipient, or the IANA name of a time zone, as the zone of quiet hours"
            self._lacks(f"message {draft.name}", "a written receiver has no columns", person, hint=hint)
            return ()
        if self._column not in recipient.parameters:
            words = f'list {recipient.list_name} has no column "{self._column}" here'
            self._lacks(recipient.list_name, words, person, hint=did_you_mean(self._column, recipient.parameters))
            return ()
        zone = recipient.parameters[self._column]
        if isinstance(zone, str) and zone in zone_names():
            return (zone,)
        words = "is empty" if zone in (None, "") else "is no time zone"
        self._tell(f"{person.row}: {self._column} {words}", person, group=recipient.list_name)
        return ()

    def _lacks(self, where: str, words: str, person: Person, *, hint: str | None = None) -> None:
        """Once for each list or message: it is one mistake, however many rows."""
        if where not in self._lacking:
            self._lacking.add(where)
            self._tell(f"{words}, and policy.quietHours.zone is column:{self._column}", person, hint=hint)

    def _tell(self, words: str, person: Person, *, hint: str | None = None, group: str | None = None) -> None:
        hint = hint or "write the IANA name of a time zone there, such as America/New_York"
        self.findings.error("RCP547", words, person.place, hint=hint, group=group and f"{group} zones")
