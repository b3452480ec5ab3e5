"""What a plan asks of a ledger, read page by page before it is asked: for a send again, of which nearly all is known.

A ledger keeps messages in the order in which they were first sent, and that is the plan's. To read so on takes a tenth
of what it takes to look each key up in a large file, and tells of the rest that it is new.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat

from runner.model import State

from .seam import Known, Ledger

_FEWEST, _MOST = 512, 4096  # messages that are held: workers side by side change places, and the rest of a page


@dataclass(slots=True)
class _Pages:
    """The messages of one name, read so far and not asked for yet: `held` as Ledger.payloads gives them."""

    pages: Iterator[Mapping[str, str]]
    held: dict[str, str] = field(default_factory=dict)
    is_at_end: bool = False
    is_whole: bool = True  # nothing that was read is forgotten

    def take(self, keys: Sequence[str]) -> list[str | None]:
        """Of each the payload hash, "" of what is not accepted; None where it was not read."""
        while not self.is_at_end and len(self.held) < _FEWEST + len(keys):
            self._read()
        found = list(map(self.held.pop, keys, repeat(None)))
        while None in found and not self.is_at_end and len(self.held) < _MOST:
            self._read()
            found = [self.held.pop(key, None) if each is None else each for key, each in zip(keys, found, strict=True)]
        return found

    @property
    def knows_all(self) -> bool:
        """Whether the ledger holds nothing but what was read."""
        return self.is_at_end and self.is_whole

    def forget(self) -> None:
        """What is held is not what comes next: the list is in another order now, or some of it is gone."""
        if len(self.held) >= _MOST:
            self.held.clear()
            self.is_whole = False

    def _read(self) -> None:
        page = next(self.pages, None)
        if page is None:
            self.is_at_end = True
        else:
            self.held.update(page)


class Ahead:
    """What is known of the messages of one edition, each asked for once."""

    def __init__(self, ledger: Ledger, manifest: str, edition: str) -> None:
        self._ledger = ledger
        self._manifest = manifest
        self._edition = edition
        self._pages: dict[str, _Pages] = {}  # by message

    def others(
        self, message: str, keys: Sequence[str], payload_hashes: Sequence[str]
    ) -> tuple[Sequence[int], Mapping[str, Known]]:
        """The indices of those that were not accepted as they are now, and what the ledger holds of these."""
        pages = self._pages.get(message)
        if pages is None:
            pages = _Pages(iter(self._ledger.payloads(self._manifest, self._edition, message)))
            self._pages[message] = pages
        found = pages.take(keys)
        if found == payload_hashes:
            return (), {}
        others = [index for index, each in enumerate(found) if each != payload_hashes[index]]
        read = {keys[index] for index in others if found[index] is not None}
        asked = [keys[index] for index in others if not pages.knows_all or keys[index] in read]
        known = self._ledger.lookup_many(asked) if asked else {}
        if known.keys() - read:
            pages.forget()
        sent = {key: (each.state, each.payload_hash) for key, each in known.items()}
        others = [index for index in others if sent.get(keys[index]) != (State.ACCEPTED, payload_hashes[index])]
        return others, {key: known[key] for index in others if (key := keys[index]) in known}
