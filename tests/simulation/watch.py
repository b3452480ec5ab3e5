"""What must hold at every moment of a run. It knows the contract, not the code: its sums are its own."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from runner.delivery.dispatch import Settings
from runner.delivery.tally import Progress
from runner.ledger.seam import Entry
from runner.model import Channel, Message, Rate, State, Threshold

from .again import Attempts, Waves
from .fates import Fate
from .loop import SimLoop, Time
from .store import SimClaim
from .trace import Trace

_PATIENCE_S = 60.0  # from the contract: so long the list is asked for what a batch held
_SURELY_S = 0.2  # the breaker counts in slices of time: only what is beyond them is held against it


@dataclass(slots=True)
class Watch:
    """One run's. `instants` leads from an intent's time to the instant at which its message passed the gate."""

    trace: Trace
    time: Time
    loop: SimLoop
    claim: SimClaim
    settings: Settings
    wanted: Mapping[bytes, Message]
    attempts: Attempts
    waves: Waves
    instants: Mapping[str, float]
    has_jumps: bool
    has_lost_pages: bool = False
    in_flight: int = 0
    most_in_flight: int = 0
    proven: dict[str, State] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    closed: list[str] = field(default_factory=list)  # why nothing more may be posted
    allowance_s: float = 40.0  # for how long all this may take
    gates: list[tuple[float, Channel]] = field(default_factory=list)
    posted_in_batches: set[str | None] = field(default_factory=set)  # by reference
    listed: dict[str | None, State] = field(default_factory=dict)
    awaited: dict[str, tuple[Message, float]] = field(default_factory=dict)  # taken in a batch at this instant
    _failed: int = 0
    _holds: list[tuple[float, float]] = field(default_factory=list)
    _unconnected: Counter[str] = field(default_factory=Counter)
    _outcomes: deque[tuple[float, bool]] = field(default_factory=deque)
    _throttled_s: float | None = None
    _signal_idles: int | None = None

    # Before a request

    def posts(self, channel: Channel, body: bytes) -> Message:
        message = self.wanted.get(body)
        if message is None or message.channel != channel:
            self.trace.broken(f"foreign: {self.claim.run} posts what no plan of it holds: {body!r}")
            message = next(iter(self.wanted.values()))
        self.sweep()
        self.attempts.begins(message.key)
        self._check_wave(message.key)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self._check_may_post(message.key)
        self._check_intent(message)
        return message

    def _check_wave(self, key: str) -> None:
        """Between two waves the thresholds are looked at, and a share needs no twenty messages then."""
        if not self.settings.waves:
            return
        durable = self.claim.ledger.durable
        open_keys = [key for key, entry in durable.items() if entry.state is State.SENDING]
        if not self.waves.begins(key, self.time.now_s, open_keys):
            return
        self.trace.must(not self._is_over_by_shares(), f"a wave begins although too much went wrong: {key} goes out")

    def is_over_at_a_waves_end(self) -> bool:
        """All of a wave is out, no more than that, and too much of it went wrong."""
        return len(self.waves.begun) in self.settings.waves and self._is_over_by_shares()

    def _is_over_by_shares(self) -> bool:
        counts = self.attempts.counts()
        finished = counts[State.ACCEPTED] + counts[State.REJECTED] + counts[State.IN_DOUBT]
        stop = self.settings.stop_after
        return any(
            _is_over(threshold, bad, finished, fewest=1)
            for threshold, bad in ((stop.rejected, counts[State.REJECTED]), (stop.in_doubt, counts[State.IN_DOUBT]))
        )

    def _check_may_post(self, key: str) -> None:
        must = self.trace.must
        must(not self.closed, f"a post after the end: {key} goes out, although {self.closed}")
        has_run = self._signal_idles is not None and self.loop.idles > self._signal_idles
        must(not has_run, f"a post after a signal: {key} goes out, although the run was told to stop")
        limit = self.settings.concurrency
        must(self.in_flight <= limit, f"{self.in_flight} requests are in flight, {limit} may be")

    def _check_intent(self, message: Message) -> None:
        """No byte before a durable intent of this very run and text."""
        entry = self.claim.ledger.durable.get(message.key)
        is_ours = entry is not None and entry.run == self.claim.run and entry.payload_hash == message.payload_hash
        held = None if entry is None else f"{entry.state} of {entry.run}"
        is_open = entry is not None and entry.state is State.SENDING
        was_taken = self.is_fenced and entry is not None and entry.state is State.IN_DOUBT
        if self.is_fenced and self.settings.is_at_least_once:
            return  # the newer run may have sent it again, which the policy allows
        self.trace.must(is_ours and (is_open or was_taken), f"no durable intent: {message.key} goes out as {held}")
        passed_s = self._passed_s(entry)
        for from_s, until_s in self._holds:
            is_early = from_s < passed_s < until_s - 1e-6
            self.trace.must(not is_early, f"Retry-After: {message.key} goes {until_s - passed_s:.3f} s too early")
        self.gates.append((passed_s, message.channel))
        rates = [rate.per_second for rate in (self.settings.workspace_rate, message.channel.rate) if rate]
        self.allowance_s += 1 / min(1.0, *rates) if rates else 0.0

    def _passed_s(self, entry: Entry | None) -> float:
        """When a message passed the gate. What was in doubt keeps its first intent's time, what is fenced its last."""
        times = (entry.at, entry.intended_at) if entry is not None else ()
        return next((self.instants[at] for at in times if at in self.instants), self.time.now_s)

    @property
    def is_fenced(self) -> bool:
        """A newer claim than ours has begun."""
        return self.claim.ledger.epochs[self.claim.manifest] != self.claim.epoch

    # After it

    def replied(self, message: Message, fate: Fate, took_s: float) -> None:
        self.in_flight -= 1
        self._ends(message.key, fate.proves)
        self._count_unconnected([message.key], fate)
        self._replied(fate, took_s)

    def replied_to_all(self, messages: Sequence[Message], fate: Fate, took_s: float) -> None:
        """One reply to a batch. Where Bird took it nothing is known of its messages yet: the list will tell."""
        if fate.status == 202:
            self.awaited |= {message.key: (message, self.time.now_s) for message in messages}
            self.allowance_s += _PATIENCE_S + 10.0
            for message in messages:
                if message.reference in self.listed:
                    self.saw_in_the_list(message.reference, self.listed[message.reference])
        else:
            self.in_flight -= len(messages)
            for message in messages:
                self._ends(message.key, fate.proves)
        self._count_unconnected([message.key for message in messages], fate)
        self._replied(fate, took_s)

    def saw_in_the_list(self, reference: str | None, proof: State) -> None:
        """It may stand there before the reply to its batch comes."""
        if reference in self.posted_in_batches:
            self.listed[reference] = proof
        found = next((key for key, (message, _) in self.awaited.items() if message.reference == reference), None)
        if found is not None:
            del self.awaited[found]
            self.in_flight -= 1
            self._ends(found, proof)

    def saw_no_page(self, trouble: str) -> None:
        self.seen[trouble] += 1
        self.has_lost_pages = True

    def sweep(self, *, is_left: bool = False) -> None:
        """What the run has given up looking for: in doubt. Its patience was at an end by then, or all of it was."""
        held = self.claim.ledger.held
        for key, (_, since_s) in list(self.awaited.items()):
            if held[key].state is State.SENDING and not is_left:
                continue
            del self.awaited[key]
            self.in_flight -= 1
            self._ends(key, State.IN_DOUBT)
            waited_s = self.time.now_s - since_s
            is_over = self._signal_idles is not None or self.claim.has_failed or self.is_fenced or self.closed
            is_hurried = bool(is_over) or self.has_lost_pages
            must = self.trace.must
            must(is_hurried or waited_s > _PATIENCE_S - 1.0, f"{key} was looked for only {waited_s:.0f} s")

    def _replied(self, fate: Fate, took_s: float) -> None:
        now_s = self.time.now_s
        self.allowance_s += took_s
        self.seen["429" if fate.status == 429 else fate.loss or str(fate.status)] += 1
        if fate.status == 429:
            self._hold(fate, now_s, took_s)
            return
        self._throttled_s = None
        if fate.ends is not None:
            self.closed.append(fate.ends)
        self._sample(now_s, is_bad=fate.proves is State.IN_DOUBT or fate.loss in ("unconnected", "certificate"))

    def gave_up(self, message: Message) -> None:
        self.in_flight -= 1
        self._ends(message.key, State.IN_DOUBT)

    def _ends(self, key: str, proof: State) -> None:
        self.proven[key] = proof
        self.attempts.ends(key, proof)
        self.waves.last_reply_s = self.time.now_s
        if proof is State.IN_DOUBT and self.settings.is_at_least_once:
            self.allowance_s += 30.0
            self._check_budget()

    def _hold(self, fate: Fate, now_s: float, took_s: float) -> None:
        self._throttled_s = now_s if self._throttled_s is None else self._throttled_s
        if now_s - self._throttled_s >= self.settings.throttle_patience_s:
            self.closed.append("patience with 429s is at its end")
        is_dated = fate.kind == "429 date"
        self.allowance_s += 600.0 if is_dated and self.has_jumps else max(30.0, fate.hold_s + 2)
        if fate.hold_s and not (is_dated and self.has_jumps):
            self._holds = [hold for hold in self._holds if hold[1] > now_s - 5.0]
            self._holds.append((now_s, now_s + fate.hold_s - is_dated * took_s))

    def _count_unconnected(self, keys: Sequence[str], fate: Fate) -> None:
        if fate.loss != "unconnected":
            return
        self.allowance_s += 30.0
        self._failed += 1
        for key in keys:
            self._unconnected[key] += 1
            self.trace.must(self._unconnected[key] <= 4, f"{key} was tried {self._unconnected[key]} times in one run")
        self._check_budget()

    def _check_budget(self) -> None:
        most = max(10, len(self.proven) // 10 + self.settings.concurrency) + self.settings.concurrency
        failed, repeats = self._failed, self.attempts.repeats
        words = f"{failed} connections failed in one run, {repeats} messages in doubt went again"
        self.trace.must(failed + repeats <= most, f"{words}: the retries' budget is overspent")

    def _sample(self, now_s: float, *, is_bad: bool) -> None:
        self._outcomes.append((now_s, is_bad))
        while self._outcomes[0][0] <= now_s - 10.0 - _SURELY_S:
            self._outcomes.popleft()
        recent = [bad for at_s, bad in self._outcomes if at_s > now_s - 10.0 + _SURELY_S]
        if len(recent) >= 20 and 2 * sum(recent) >= len(self._outcomes):
            self.closed.append("half of the requests of 10 s went wrong")

    def observed(self, progress: Progress) -> None:
        self.sweep()
        finished = progress.accepted + progress.rejected + progress.in_doubt
        stop = self.settings.stop_after
        for name, threshold, bad in (
            ("rejected", stop.rejected, progress.rejected),
            ("inDoubt", stop.in_doubt, progress.in_doubt),
        ):
            if _is_over(threshold, bad, finished, fewest=20 if progress.pause_s is None else 1):
                self.closed.append(f"stopAfter.{name} was reached")

    def signalled(self) -> None:
        if self._signal_idles is None:
            self._signal_idles = self.loop.idles

    # After the run

    def check_pace(self) -> None:
        """By the instants at which messages passed the gate: never above the rate plus one burst in any second."""
        if self.settings.workspace_rate is None:
            return
        workspaces = {channel.workspace_id for _, channel in self.gates}
        for workspace in sorted(workspaces):
            passed = sorted(at_s for at_s, channel in self.gates if channel.workspace_id == workspace)
            self._check_windows(passed, self.settings.workspace_rate, "its workspace")
        for channel in {channel.channel_id: channel for _, channel in self.gates}.values():
            passed = sorted(at_s for at_s, each in self.gates if each.channel_id == channel.channel_id)
            if channel.rate is not None:
                self._check_windows(passed, channel.rate, channel.name)

    def _check_windows(self, passed: Sequence[float], rate: Rate, scope: str) -> None:
        burst = max(1, int(rate.per_second * 0.02))
        most = ceil(rate.per_second) + max(burst, self.settings.batch)
        for index, at_s in enumerate(passed):
            count = bisect_left(passed, at_s + 1.0 - 1e-6) - index
            self.trace.must(count <= most, f"pace: {count} messages of {scope} in one second, at {rate}")


def _is_over(threshold: Threshold, bad: int, finished: int, *, fewest: int) -> bool:
    if threshold.count is not None:
        return bad >= threshold.count
    return threshold.share is not None and finished >= fewest and 0 < bad >= threshold.share * finished
