"""What happened in a universe, in the order it happened; and the first thing that must not happen."""

import hashlib
from dataclasses import dataclass, field

from .loop import Time


@dataclass(slots=True)
class Trace:
    time: Time
    events: list[tuple[object, ...]] = field(default_factory=list)
    fault: str | None = None

    def note(self, who: str, *what: object) -> None:
        self.events.append((self.time.now_s, who, *what))

    def broken(self, words: str) -> None:
        """An invariant does not hold. The first one is told; what follows it may follow from it."""
        self.note("CHECK", words)
        if self.fault is None:
            self.fault = words

    def must(self, holds: bool, words: str) -> None:
        if not holds:
            self.broken(words)

    def digest(self) -> str:
        return hashlib.sha256("\n".join(map(repr, self.events)).encode()).hexdigest()[:16]

    def lines(self) -> list[str]:
        return [f"{event[0]:>14.6f}  {event[1]:<8} {' '.join(map(str, event[2:]))}" for event in self.events]
