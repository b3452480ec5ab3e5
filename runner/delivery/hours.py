"""What quiet hours mean for a message whose turn has come."""

from collections.abc import Callable
from math import inf

from runner.bird.requests import scheduled
from runner.model import Message, QuietHours, Then
from runner.quiet import Quiet, moment

from .ports import Clock


class Hours:
    """Judges a message at its turn, which may be hours after the plan. `kept` counts those that stayed planned."""

    def __init__(self, hours: QuietHours | None, *, clock: Clock, fail: Callable[[str], None]) -> None:
        """`hours` None lets everything go. `fail` ends the run, where the policy wants that."""
        self._quiet = Quiet(hours) if hours is not None else None
        self._clock = clock
        self._fail = fail
        self.kept = 0

    def concern(self, message: Message) -> bool:
        """Whether they have anything to say of this message, now or later."""
        return self._quiet is not None and bool(message.zones)

    def keeps_back(self, message: Message) -> bool:
        """Whether it must not go now, and no later time is to be told to Bird: it stays planned."""
        return self._until_s(message) == inf

    def timed(self, message: Message) -> Message | None:
        """The message as it goes out now, with its time where that is later; None where it is kept back."""
        until_s = self._until_s(message)
        if until_s is None:
            return message
        return None if until_s == inf else message._replace(body=scheduled(message.body, moment(until_s)))

    def _until_s(self, message: Message) -> float | None:
        """None: now; `inf`: not in this run, and that is counted and told."""
        if self._quiet is None or not message.zones:
            return None
        hours, until_s = self._quiet.hours, self._quiet.moved_to_s(message.zones, self._clock.wall_s())
        if until_s is None or (until_s != inf and hours.then is Then.DEFER):
            return until_s
        self.kept += 1
        if hours.then is Then.FAIL:
            self._fail(f"quiet hours ({hours}) have begun for messages that are left; policy.quietHours says fail")
        return inf
