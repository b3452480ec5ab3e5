"""What went out before, and may therefore not go again, or go again by a policy; and what waves hold back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.delivery.dispatch import Settings
from runner.model import Message, State

from .trace import Trace

MOST_POSTS = 3  # of one message in one run, where in doubt goes again


@dataclass(slots=True)
class Attempts:
    """One run's requests, message by message. `before` is what the ledger held when it began.

    `again` counts over all runs the requests that went out although an earlier one may have, and may be doubles.
    """

    trace: Trace
    settings: Settings
    before: Mapping[str, State]
    again: Counter[str]
    resent: Counter[str]
    posts: Counter[str] = field(default_factory=Counter)
    doubts: Counter[str] = field(default_factory=Counter)
    proofs: dict[str, list[State]] = field(default_factory=dict)
    may_be_double: set[str] = field(default_factory=set)  # whose last request is one that goes out in doubt
    doubles: int = 0
    repeats: int = 0

    def begins(self, key: str) -> None:
        must = self.trace.must
        last = self.proofs[key][-1] if key in self.proofs else None
        must(last is not State.ACCEPTED, f"{key} goes out again, although Bird has accepted it")
        must(last is not State.REJECTED, f"{key} goes out again, although Bird has rejected it")
        most = MOST_POSTS - 1 if self.settings.is_at_least_once else 0
        must(self.doubts[key] <= most, f"{key} goes out after {self.doubts[key]} requests that are in doubt")
        held = self.before.get(key)
        is_wanted = held is not State.IN_DOUBT or self.settings.is_at_least_once
        must(is_wanted, f"{key} goes out, although it was in doubt before the run")
        if held is State.ABSENT and not self.posts[key] and not self.settings.is_at_least_once:
            self.resent[key] += 1
            must(self.resent[key] == 1, f"{key} was absent, and goes out for the {self.resent[key]}. time for that")
        self.may_be_double.discard(key)
        if self.is_doubtful(key):
            self.may_be_double.add(key)
        self.again[key] += self.is_doubtful(key) or held is State.ABSENT
        self.repeats += last is State.IN_DOUBT
        self.posts[key] += 1

    def ends(self, key: str, proof: State) -> None:
        self.proofs.setdefault(key, []).append(proof)
        self.doubles += key in self.may_be_double and proof in (State.ACCEPTED, State.IN_DOUBT)
        self.doubts[key] += proof is State.IN_DOUBT

    def is_doubtful(self, key: str) -> bool:
        """A request of it, in this run or before it, may have gone out, as far as anybody knows."""
        return self.doubts[key] > 0 or self.before.get(key) is State.IN_DOUBT

    def proves(self, key: str) -> State | None:
        """What all replies together prove: a request that surely did nothing says nothing of the one before it."""
        if key not in self.proofs:
            return State.IN_DOUBT if self.before.get(key) is State.IN_DOUBT else None
        last = self.proofs[key][-1]
        return last if last is State.ACCEPTED or not self.is_doubtful(key) else State.IN_DOUBT

    def is_news(self, key: str, state: State | None) -> bool:
        """The run itself counts it: it learned something of it, or left it otherwise than it was."""
        told = any(proof is not State.PLANNED for proof in self.proofs.get(key, ()))
        return told or state is not self.before.get(key)

    def counts(self) -> Counter[State | None]:
        return Counter(self.proves(key) for key in self.proofs)


@dataclass(slots=True)
class Waves:
    """No request of a wave before all of the one before it are settled, and its pause is over."""

    trace: Trace
    settings: Settings
    order: Mapping[str, int]  # a message's place in the run
    number: int = 0
    begun: set[str] = field(default_factory=set)
    last_reply_s: float = 0.0

    @classmethod
    def of(cls, trace: Trace, settings: Settings, to_send: Sequence[Message]) -> "Waves":
        return cls(trace, settings, {message.key: place for place, message in enumerate(to_send)})

    def begins(self, key: str, now_s: float, open_keys: Sequence[str]) -> bool:
        """Checks a message's place; True where it is the first one of a later wave."""
        place = self.order.get(key, 0)
        number = sum(end <= place for end in self.settings.waves)
        is_next = number > self.number
        if is_next:
            before = [each for each, at in self.order.items() if at < self.settings.waves[number - 1]]
            missing = [each for each in before if each not in self.begun or each in open_keys]
            must = self.trace.must
            must(
                not missing, f"wave {number + 1} begins with {key}, and {missing[:3]} of the one before is not settled"
            )
            rest_s = now_s - self.last_reply_s
            kept = rest_s >= self.settings.pause_s - 1e-6
            must(kept, f"wave {number + 1} begins {rest_s:.1f} s after the last, {self.settings.pause_s} s are due")
            self.number = number
        self.begun.add(key)
        return is_next
