"""Counting a run's outcomes, and why it stopped."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from runner.model import Accepted, InDoubt, Message, Outcome, Rejected, State, StopAfter

from .outcomes import without_texts

StopKind = Literal[
    "ledger",
    "refused",
    "threshold",
    "breaker",
    "redirect",
    "certificate",
    "unreachable",
    "throttled",
    "quietHours",
    "interrupted",
    "held",
]

_RANK: dict[StopKind, int] = {"ledger": 3, "refused": 2, "interrupted": 0}  # the rest: 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Why a run ended before its last message."""

    kind: StopKind
    words: str
    hint: str | None = None


class Progress(NamedTuple):
    """Where a run stands. `waits` counts 429s, `unconnected` connections that never were.

    A named tuple, because one is made for every outcome. `wave` of `waves` is under way; where `pause_s` is given it
    has just ended, and the next one begins after so long.
    """

    accepted: int
    rejected: int
    in_doubt: int
    waits: int
    unconnected: int
    wave: int = 1
    waves: int = 1
    pause_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One message that did not go well, in Bird's words or ours; addresses and texts are masked."""

    key: str
    message: str
    state: State
    code: str | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended. The four counts add up to its messages; `returned` ones are planned still.

    `problems` holds the first ten rejected or in doubt. A message whose outcome could not be recorded counts as in
    doubt, whatever Bird said: the next start will find it so. `closed` counts those that the ledger had in doubt or
    absent before, and now has as this run left them; `doubles` the requests that went out although an earlier one of
    the same message may have. `cost` is that of the accepted, `cost_in_doubt` that of those in doubt. Of quiet hours:
    `deferred` counts those of the accepted that Bird sends when they end, `kept` those of the returned whose quiet
    hours had begun at their turn.
    """

    accepted: int
    rejected: int
    in_doubt: int
    returned: int
    stopped: Stopped | None
    problems: tuple[Problem, ...]
    closed: int = 0
    doubles: int = 0
    cost: Decimal = Decimal()
    cost_in_doubt: Decimal = Decimal()
    deferred: int = 0
    kept: int = 0


class Tally:
    """The counts of one run, while it goes on."""

    PROBLEMS = 10

    def __init__(self, *, waves: int = 1) -> None:
        self.accepted = 0
        self.rejected = 0
        self.in_doubt = 0
        self.waits = 0
        self.unconnected = 0
        self.closed = 0
        self.deferred = 0
        self.wave = 1
        self.waves = waves
        self.pause_s: float | None = None
        self.stopped: Stopped | None = None
        self.cost = self.cost_in_doubt = Decimal()
        self._problems: list[Problem] = []

    @property
    def finished(self) -> int:
        return self.accepted + self.rejected + self.in_doubt

    def begin_wave(self, number: int) -> None:
        self.wave = number
        self.pause_s = None

    def count(self, message: Message, outcome: Outcome) -> None:
        if message.held is State.IN_DOUBT and isinstance(outcome, Accepted | Rejected | InDoubt):
            self.closed += 1
        match outcome:
            case Accepted():
                self.accepted += 1
                if message.cost is not None:
                    self.cost += Decimal(message.cost)
            case Rejected(code=code, words=words):
                self.rejected += 1
                self._note(message, State.REJECTED, without_texts(message, code), without_texts(message, words))
            case InDoubt(words=words):
                self.in_doubt += 1
                self.cost_in_doubt += Decimal(message.cost or 0)
                self._note(message, State.IN_DOUBT, None, words)

    def _note(self, message: Message, state: State, code: str | None, words: str) -> None:
        if len(self._problems) < self.PROBLEMS:
            self._problems.append(Problem(key=message.key, message=message.draft, state=state, code=code, words=words))

    def stop(self, kind: StopKind, words: str, *, hint: str | None = None) -> None:
        """Of several reasons the gravest stands, and of equally grave ones the first."""
        if self.stopped is None or _RANK.get(kind, 1) > _RANK.get(self.stopped.kind, 1):
            self.stopped = Stopped(kind=kind, words=words, hint=hint)

    def over(self, stop_after: StopAfter, *, fewest: int = 20) -> str | None:
        """Which of the manifest's thresholds this run has reached, in words; a share needs `fewest` messages."""
        if stop_after.rejected.reached(self.rejected, self.finished, fewest=fewest):
            return f"stopAfter.rejected is reached: {self.rejected:,} of {self.finished:,} finished messages"
        if stop_after.in_doubt.reached(self.in_doubt, self.finished, fewest=fewest):
            return f"stopAfter.inDoubt is reached: {self.in_doubt:,} of {self.finished:,} finished messages"
        return None

    def progress(self) -> Progress:
        return Progress(
            accepted=self.accepted,
            rejected=self.rejected,
            in_doubt=self.in_doubt,
            waits=self.waits,
            unconnected=self.unconnected,
            wave=self.wave,
            waves=self.waves,
            pause_s=self.pause_s,
        )

    def result(self, returned: int, *, doubles: int = 0, kept: int = 0) -> RunResult:
        stopped = self.stopped
        if stopped is not None and stopped.kind == "interrupted" and not returned and not self.in_doubt:
            stopped = None  # the signal came when all was as good as done
        return RunResult(
            accepted=self.accepted,
            rejected=self.rejected,
            in_doubt=self.in_doubt,
            returned=returned,
            stopped=stopped,
            problems=tuple(self._problems),
            closed=self.closed,
            doubles=doubles,
            cost=self.cost,
            cost_in_doubt=self.cost_in_doubt,
            deferred=self.deferred,
            kept=kept,
        )
