"""People of one table taken together: what is done to one is done to all of them at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from runner.model import Json, Recipient, made

from .rows import Rows

Other = TypeVar("Other")


class Crowd(NamedTuple):
    """Recipients on sms, each with a phone number in E.164. `rows` hold it as it goes out.

    Where they came one by one, `people` are they, and `rows` have some of their columns alone.
    """

    list_name: str
    identifier_key: str
    rows: Rows
    numbers: Sequence[str]
    people: Sequence[Recipient] = ()

    @property
    def size(self) -> int:
        return len(self.numbers)

    @property
    def addresses(self) -> list[str]:
        return [f"{self.identifier_key}:{number}" for number in self.numbers]

    def recipient(self, index: int) -> Recipient:
        if self.people:
            return self.people[index]
        row, key, number = self.rows.row(index), self.identifier_key, self.numbers[index]
        contact = {"identifierKey": key, "identifierValue": number}
        return made(Recipient, (self.list_name, row.number, f"{key}:{number}", contact, row.values, row.place))

    def values(self, index: int) -> Mapping[str, Json]:
        """What expressions see of one of them."""
        return self.people[index].parameters if self.people else self.rows.values(index)

    def each(self) -> Iterator[Recipient]:
        return map(self.recipient, range(self.size))

    def only(self, indices: Sequence[int]) -> "Crowd":
        """Those of them, itself where that is everybody."""
        if len(indices) == self.size:
            return self
        return self._replace(
            rows=self.rows.only(indices),
            numbers=[self.numbers[index] for index in indices],
            people=[self.people[index] for index in indices] if self.people else (),
        )

    def column(self, name: str) -> Sequence[str] | None:
        """Their cells under a name, "" where there is nothing; None where there is no such column."""
        if name not in self.rows.names:
            return None
        at = self.rows.names.index(name)
        return [cells[at] for cells in self.rows.cells]


def stretches(count: int, alone: Sequence[int]) -> Iterator[range | int]:
    """0 to `count` in order: some numbers alone, those between them as ranges."""
    start = 0
    for index in (*alone, count):
        if start < index:
            yield range(start, index)
        if index < count:
            yield index
        start = index + 1


def one_by_one(people: Iterable[Crowd | Other]) -> Iterator[Recipient | Other]:
    """Each of them alone."""
    for each in people:
        if isinstance(each, Crowd):
            yield from each.each()
        else:
            yield each
