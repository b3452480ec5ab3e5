"""Which characters make the texts of a plan UCS-2, and what it would save to write them plainly."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from runner.model import Message

from .composed import Cause, Forced, Source
from .sheaf import Sheaf

KEPT = 50  # characters of one message that are told apart; texts with further ones are counted


@dataclass(slots=True)
class Saved:
    """What texts would take less. `costs` are amounts in each currency, of messages that have a price."""

    messages: int = 0
    segments: int = 0
    countries: Counter[str] = field(default_factory=Counter)
    costs: dict[str, Decimal] = field(default_factory=dict)

    def add(self, message: Message, segments: int) -> None:
        if not segments:
            return
        self.messages += 1
        self.segments += segments
        if message.country:
            self.countries[message.country] += segments
        if message.cost is not None and message.currency is not None:
            worth = Decimal(message.cost) * segments / message.segments
            self.costs[message.currency] = self.costs.get(message.currency, Decimal(0)) + worth


@dataclass(slots=True, kw_only=True)
class Character:
    """One character of one message's texts, from one source. `messages` are those that have it."""

    draft: str
    character: str
    source: Source
    replacement: str | None
    messages: int = 0
    saved: Saved = field(default_factory=Saved)


class Characters:
    """Of the messages that are new. `plainly` is what typographic characters alone would save, `all` what any would."""

    def __init__(self) -> None:
        self.messages = 0
        self.segments = 0
        self.all = Saved()
        self.plainly = Saved()
        self.more: Counter[str] = Counter()  # messages of each draft with a character that is not told apart
        self._kept: dict[tuple[str, str, Source], Character] = {}
        self._of_draft: Counter[str] = Counter()

    def take(self, message: Message, forced: Forced) -> None:
        self.messages += 1
        self.segments += message.segments
        self.all.add(message, forced.saved)
        if forced.is_typographic:
            self.plainly.add(message, forced.saved)
        has_more = False
        for cause in forced.causes:
            character = self._character(message.draft, cause)
            if character is None:
                has_more = True
                continue
            character.messages += 1
            # A typographic one saves nothing beside one that stays.
            if forced.is_typographic or cause.replacement is None:
                character.saved.add(message, forced.saved)
        self.more[message.draft] += has_more

    def take_all(self, sheaf: Sheaf) -> None:
        if "UCS-2" in sheaf.encodings:
            for index in (index for index, encoding in enumerate(sheaf.encodings) if encoding == "UCS-2"):
                self.take(sheaf.one(index).message, sheaf.forced(index))

    def found(self) -> list[Character]:
        """By message, in their order; of each first what saves most."""
        order = {draft: number for number, draft in enumerate(self._of_draft)}
        return sorted(
            self._kept.values(),
            key=lambda each: (
                order[each.draft],
                -each.saved.segments,
                -each.messages,
                each.character,
                each.source.name,
            ),
        )

    def _character(self, draft: str, cause: Cause) -> Character | None:
        key = (draft, cause.character, cause.source)
        known = self._kept.get(key)
        if known is None and self._of_draft[draft] < KEPT:
            self._of_draft[draft] += 1
            known = self._kept[key] = Character(
                draft=draft, character=cause.character, source=cause.source, replacement=cause.replacement
            )
        return known
