"""Whether and when to try again: small, pure pieces; time and chance are passed in."""

from collections import deque
from math import inf
from random import Random

MAX_ATTEMPTS = 4  # connections tried for one message
_FIRST_S = 0.5
_LONGEST_S = 30.0


def backoff_s(attempt: int, rng: Random) -> float:
    """How long to wait after the n-th failure (n from 1): doubling, half of it by chance (equal jitter)."""
    longest = min(_LONGEST_S, _FIRST_S * 2.0 ** (min(attempt, 32) - 1))
    return longest / 2 + rng.random() * longest / 2


class RetryBudget:
    """Retries of connections that never were: a tenth of the messages started, at least ten.

    So an API that is down gets a few attempts, not four for each message.
    """

    def __init__(self) -> None:
        self._started = 0
        self._spent = 0

    def start(self) -> None:
        self._started += 1

    def spend(self) -> bool:
        """Takes one retry; False when none is left."""
        if self._spent >= max(10, self._started // 10):
            return False
        self._spent += 1
        return True


class Breaker:
    """Opens when, of at least 20 outcomes within 10 s, half were not sent or in doubt. A 429 is no outcome here."""

    WINDOW_S = 10.0
    FEWEST = 20
    _SLICE_S = 0.1  # outcomes are counted per slice, so that memory does not grow with the pace

    def __init__(self) -> None:
        self._slices: deque[list[int]] = deque()  # [slice, outcomes, bad ones]
        self._outcomes = 0
        self._bad = 0

    def note(self, now_s: float, *, is_bad: bool) -> None:
        current = int(now_s / self._SLICE_S)
        if not self._slices or self._slices[-1][0] != current:
            self._slices.append([current, 0, 0])
        newest = self._slices[-1]
        newest[1] += 1
        newest[2] += is_bad
        self._outcomes += 1
        self._bad += is_bad
        oldest = current - int(self.WINDOW_S / self._SLICE_S)
        while self._slices[0][0] <= oldest:
            _, outcomes, bad = self._slices.popleft()
            self._outcomes -= outcomes
            self._bad -= bad

    @property
    def is_open(self) -> bool:
        return self._outcomes >= self.FEWEST and 2 * self._bad >= self._outcomes


class Throttling:
    """What 429s mean for the whole run: how long all wait, and when waiting is over.

    A round is all that was in flight when the first 429 came: it counts once, however many workers it hit.
    """

    def __init__(self, *, patience_s: float, rng: Random) -> None:
        self._patience_s = patience_s
        self._rng = rng
        self._since_s: float | None = None
        self._round = 0
        self._round_ends_s = -inf

    def progress(self) -> None:
        """Some message had another outcome than 429."""
        self._since_s = None
        self._round = 0

    def hold_until_s(self, *, now_s: float, sent_s: float, retry_after_s: float | None) -> float | None:
        """Until when everybody waits; None when that would be longer than our patience without any progress."""
        if self._since_s is None:
            self._since_s = now_s
        waited_s = now_s - self._since_s
        if waited_s >= self._patience_s or waited_s + (retry_after_s or 0.0) > self._patience_s:
            return None
        if sent_s >= self._round_ends_s:
            self._round += 1
            self._round_ends_s = now_s + backoff_s(self._round, self._rng)
        # "Retry-After: 0" asks for a busy loop: our own backoff then.
        return now_s + retry_after_s if retry_after_s else self._round_ends_s
