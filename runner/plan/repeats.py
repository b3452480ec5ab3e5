"""What a repeat guard makes of a plan: nobody reads the same text again because another send has it too."""

from collections.abc import Container
from dataclasses import dataclass

from runner.bird.requests import said
from runner.ledger.identity import text_hash
from runner.model import Message, RepeatGuard, Then

from .composed import Composed

REPEATED = "repeatGuard"  # why a message is skipped


@dataclass(slots=True)
class Repeats:
    """`sent` holds the text hashes of what other sends gave people within the guard's time."""

    guard: RepeatGuard
    sent: Container[str]
    repeated: int = 0  # of what would be sent, where the policy says fail

    def skips(self, composed: Composed) -> str:
        """Why it is not sent; empty where it is."""
        return REPEATED if self.guard.then is Then.SKIP and self._is_repeated(composed.message) else ""

    def count(self, composed: Composed, _at_s: float) -> None:
        """One that is to be sent."""
        if self.guard.then is Then.FAIL:
            self.repeated += self._is_repeated(composed.message)

    def _is_repeated(self, message: Message) -> bool:
        return text_hash(message.address, said(message.body)) in self.sent
