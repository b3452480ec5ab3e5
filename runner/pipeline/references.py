"""References of the author's own: none like flypast's, and none that two messages have."""

from dataclasses import dataclass, field

from runner.findings import Findings
from runner.ledger.identity import reference_of
from runner.manifest.site import Site
from runner.model import Message
from runner.scratch import Kept

from .people import Person


@dataclass(slots=True)
class _Again:
    """The first message of a draft whose reference came before, and how many there are."""

    site: Site
    row: str
    first: str
    total: int = 0


@dataclass(slots=True, kw_only=True)
class References:
    """Those of one manifest. What is wrong is told once for each draft."""

    findings: Findings
    _met: Kept = field(default_factory=Kept)
    _like_ours: set[str] = field(default_factory=set)  # drafts with such a reference
    _again: dict[str, _Again] = field(default_factory=dict)

    def note(self, message: Message, site: Site, person: Person) -> None:
        """One more, which stands at `site`."""
        if message.reference.startswith(reference_of("")) and message.draft not in self._like_ours:
            self._like_ours.add(message.draft)
            self.findings.error(
                "MSG610",
                f"the reference begins with {reference_of('')} (first at {person.row}), as only flypast's own do",
                site.place(),
                hint="begin it otherwise, or leave it out: by its own flypast knows a message again at Bird",
            )
        first = self._met.first(message.reference, f"{message.draft} to {person.row}")
        if first is not None:
            self._again.setdefault(message.draft, _Again(site, person.row, first)).total += 1

    def report(self) -> None:
        """MSG604. No more are noted after it."""
        self._met.close()
        for again in self._again.values():
            more = f" ({again.total:,} messages have one that came before)" if again.total > 1 else ""
            self.findings.warning(
                "MSG604",
                f"{again.row} has the same reference as {again.first}{more}",
                again.site.place(),
                hint="two messages with one reference can't be told apart at Bird: leave it out",
            )
