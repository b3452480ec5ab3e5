"""A person on the way to a message."""

from collections.abc import Callable
from typing import NamedTuple

from runner.findings import Place
from runner.model import Recipient, made
from runner.recipients.crowds import Crowd
from runner.recipients.phones import country_of


class Person(NamedTuple):
    """One row of a list, or a written receiver (no `recipient`). `dropped` is the reason, where it gets nothing.

    `receiver_number` is that of a receiver's only contact.

    A named tuple, because one is made for every row.
    """

    recipient: Recipient | None
    address: str
    row: str
    locate: Callable[[], Place]
    dropped: str = ""
    is_suppressed: bool = False
    receiver_number: str | None = None

    @property
    def number(self) -> str | None:
        """The phone number that it goes to, in E.164 or as a receiver has it; None where it is none."""
        return self.address[12:] if self.address.startswith("phonenumber:+") else self.receiver_number

    @property
    def country(self) -> str | None:
        """Two letters, for the counts; None where the address is no phone number."""
        number = self.number
        return country_of(number) if number is not None else None

    @property
    def place(self) -> Place:
        return self.locate()


def person_of(crowd: Crowd, index: int) -> Person:
    found = crowd.recipient(index)
    return made(Person, (found, found.address, f"{found.list_name}#{found.row}", found.locate, "", False, None))
