"""A person on the way to a message."""

from dataclasses import dataclass

from runner.findings import Place
from runner.model import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One row of a list, or a written receiver (no `recipient`). `dropped` is the reason, where it gets nothing."""

    recipient: Recipient | None
    address: str
    row: str
    place: Place
    dropped: str = ""
    is_suppressed: bool = False
