"""What nobody knows of a message's earlier attempts, and what at-least-once makes of it."""

from dataclasses import dataclass

from runner.model import Accepted, InDoubt, Message, NotSent, Outcome, RefusedByBird, Rejected, State, Throttled

from .retry import RetryBudget

MOST_POSTS = 3  # of one message in one run
_OPEN = "an earlier request may have gone out"


@dataclass(slots=True, kw_only=True)
class _Doubt:
    message: Message
    outcome: InDoubt
    posts: int


class Doubts:
    """Of the messages in flight: an attempt that proves nothing of the ones before it leaves them in doubt.

    `doubles` counts the requests that went out although an earlier one may have.
    """

    def __init__(self, budget: RetryBudget, *, is_at_least_once: bool) -> None:
        self._budget = budget
        self._is_on = is_at_least_once
        self._open: dict[str, _Doubt] = {}
        self.doubles = 0

    def has_earlier(self, message: Message) -> bool:
        """Whether a request of this message, in this run or before it, may have gone out."""
        return message.key in self._open or message.held is State.IN_DOUBT

    def posts(self, message: Message) -> int:
        """How many requests of it this run has made that are in doubt, where it is to be sent again; else 0."""
        doubt = self._open.get(message.key)
        return doubt.posts if doubt is not None else 0

    def told(self, message: Message, outcome: Outcome) -> Outcome:
        """What the ledger is told of an attempt."""
        if not self.has_earlier(message):
            return outcome
        match outcome:
            case Rejected(code=code, words=words):
                return InDoubt(words=f"{_OPEN}; sent again, Bird refused it ({code}): {words}")
            case NotSent(words=words) | RefusedByBird(words=words):
                return InDoubt(words=f"{_OPEN}; not sent again: {words}")
            case Throttled():
                return InDoubt(words=f"{_OPEN}; not sent again: Bird asked to wait")
        return outcome

    def counted(self, message: Message, outcome: Outcome, *, may_repeat: bool) -> Outcome | None:
        """The outcome as the run counts it; None where that of a later attempt is, or nothing new is known."""
        was_open = self.has_earlier(message)
        if not was_open and outcome.__class__ is Accepted:  # nearly every one: nothing to decide
            return outcome
        self.doubles += was_open and isinstance(outcome, Accepted | InDoubt)
        if isinstance(outcome, InDoubt) and may_repeat and self._repeats(message, outcome):
            return None
        if was_open and isinstance(outcome, NotSent | Throttled | RefusedByBird):
            return None
        told = self.told(message, outcome)
        self._open.pop(message.key, None)
        return told

    def left(self) -> list[tuple[Message, InDoubt]]:
        """What was to be sent again and was not."""
        return [(doubt.message, doubt.outcome) for doubt in self._open.values()]

    def _repeats(self, message: Message, outcome: InDoubt) -> bool:
        posts = self.posts(message) + 1
        if not self._is_on or outcome.stops or posts == MOST_POSTS or not self._budget.spend():
            return False
        self._open[message.key] = _Doubt(message=message, outcome=outcome, posts=posts)
        return True
