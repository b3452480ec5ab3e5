"""Looks at all that a ledger holds: the store's own check, every row by the rules, every count by the rows."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from runner.errors import LedgerFault
from runner.model import State

from .identity import purged_reference, reference_of
from .rules import faults, oddities
from .seam import Entry, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One fault or, where `is_warning`, one oddity. What it is about is None where it is about more than that."""

    words: str
    manifest: str | None = None
    entry: Entry | None = None
    is_warning: bool = False


@dataclass(slots=True)
class Verification:
    """Iterate over `troubles` first; the counts are whole after that, unless `is_cut` says that reading had to end.

    Memory grows with own references alone.
    """

    ledger: Ledger
    now: datetime
    messages: int = 0
    manifests: int = 0
    sending: int = 0
    purged: int = 0
    is_cut: bool = False
    own: Counter[str] = field(default_factory=Counter)

    def troubles(self) -> Iterator[Trouble]:
        """In the order of reading. Nothing is written, and a living run is not held up."""
        try:
            yield from (Trouble(words=words) for words in self.ledger.check())
            with self.ledger.snapshot():
                names = self.ledger.manifests()
                for name in names:
                    yield from self._manifest(name)
                    self.manifests += 1
                yield from self._shared()
        except LedgerFault as fault:
            self.is_cut = True
            yield Trouble(words=fault.message)

    def _manifest(self, name: str) -> Iterator[Trouble]:
        rows: Counter[State] = Counter()
        editions: dict[str, _Sequence] = {}
        for entry in self.ledger.entries(name):
            rows[entry.state] += 1
            editions.setdefault(entry.edition, _Sequence()).add(entry.key, entry.state)
            yield from self._entry(entry)
        self.messages += rows.total()
        self.sending += rows[State.SENDING]
        try:
            yield from self._totals(name, rows, editions)
        except ValueError:
            yield Trouble(manifest=name, words="some of its messages are in a state that this flypast does not know")

    def _entry(self, entry: Entry) -> Iterator[Trouble]:
        self.purged += not entry.address
        yield from (Trouble(words=words, manifest=entry.manifest, entry=entry) for words in faults(entry))
        if entry.reference != reference_of(entry.key):
            self.own[purged_reference(entry.key, entry.reference) if entry.address else entry.reference] += 1
        for words in oddities(entry, self.now):
            yield Trouble(words=words, manifest=entry.manifest, entry=entry, is_warning=True)

    def _totals(self, name: str, rows: Counter[State], editions: dict[str, "_Sequence"]) -> Iterator[Trouble]:
        counts = self.ledger.counts(name)
        for state in State:
            if counts.get(state, 0) != rows[state]:
                words = f"{counts.get(state, 0):,} of its messages are counted as {state}, and {rows[state]:,} are"
                yield Trouble(manifest=name, words=words)
        for edition, seen in editions.items():
            keys = _Sequence()
            for key, state in self.ledger.keys(name, edition):
                keys.add(key, state)
            if keys.digest != seen.digest:
                yield Trouble(manifest=name, words=f"the keys of edition {edition} are not those of its messages")

    def _shared(self) -> Iterator[Trouble]:
        times = sorted((count for count in self.own.values() if count > 1), reverse=True)
        if times:
            references = "a reference" if len(times) == 1 else f"{len(times):,} references"
            words = f"{sum(times):,} messages share {references} of their own: at Bird nobody can tell those apart"
            yield Trouble(words=f"{words}, so none of them can be looked up", is_warning=True)


class _Sequence:
    """Keys and states in their order, in the memory of a hash."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, key: str, state: State) -> None:
        self._hash.update(f"{len(key)}:{key}{state}\n".encode(errors="replace"))

    @property
    def digest(self) -> bytes:
        return self._hash.digest()
