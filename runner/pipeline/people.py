"""A person on the way to a message."""

from collections.abc import Callable
from typing import NamedTuple

from runner.findings import Place
from runner.model import Recipient
from runner.recipients.phones import country_of


class Person(NamedTuple):
    """One row of a list, or a written receiver (no `recipient`). `dropped` is the reason, where it gets nothing.

    A named tuple, because one is made for every row.
    """

    recipient: Recipient | None
    address: str
    row: str
    locate: Callable[[], Place]
    dropped: str = ""
    is_suppressed: bool = False

    @property
    def country(self) -> str | None:
        """Two letters, for the counts; None where the address is no phone number."""
        return country_of(self.address[12:]) if self.address.startswith("phonenumber:+") else None

    @property
    def place(self) -> Place:
        return self.locate()
