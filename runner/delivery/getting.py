"""Asking Bird for something: a GET changes nothing, so it is tried again, at a pace, within bounds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Literal

from runner.bird.replies import classify
from runner.model import InDoubt, RefusedByBird, Rejected, Throttled

from .pacing import Pacer, Scope
from .ports import Clock, NoConnection, Reply, ReplyLost
from .retry import MAX_ATTEMPTS, Throttling, backoff_s

GETS_PER_S = 40.0
PATIENCE_S = 600.0

Trouble = Literal["page", "channel", "refused", "unreachable", "redirect", "certificate", "throttled", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why there is no answer. `channel` is a 404, which says nothing of others; `refused` a 401, 402 or 403.

    `status` is the HTTP status of those four.
    """

    kind: Trouble
    words: str
    status: int | None = field(default=None, compare=False)

    @property
    def ends_all(self) -> bool:
        """Whether it would befall the next channel too."""
        return self.kind not in ("page", "channel")


INTERRUPTED = Fault(kind="interrupted", words="interrupted")


class Stopped(Exception):
    """Trying again won't change it, or was tried often enough."""

    def __init__(self, kind: Trouble, words: str, *, status: int | None = None) -> None:
        super().__init__(words)
        self.fault = Fault(kind=kind, words=words, status=status)


class Getter:
    """Gets one body after the other, at most 40 a second in all.

    `wish` and `thing` complete "Bird would not …" and "… instead of …" in its words.
    """

    def __init__(self, *, clock: Clock, rng: Random, wish: str = "list its messages", thing: str = "a list") -> None:
        self._clock = clock
        self._rng = rng
        self._wish = wish
        self._thing = thing
        self._pacer = Pacer()
        self._scope = Scope(GETS_PER_S)
        self._throttling = Throttling(patience_s=PATIENCE_S, rng=rng)
        self._held_until_s = -inf
        self.is_interrupted = False

    @property
    def waits_s(self) -> float:
        """How long Bird has asked to wait, from now on."""
        return max(0.0, self._held_until_s - self._clock.monotonic_s())

    async def body(self, ask: Callable[[], Awaitable[Reply]], whole: Callable[[Reply], bytes | str]) -> bytes:
        """What `ask` gets. `whole` says of a 200 its body, or in words what may pass. Raises Stopped."""
        failures = 0
        while True:
            if self.is_interrupted:
                raise Stopped(INTERRUPTED.kind, INTERRUPTED.words)
            sent_s = await self._turn()
            kind: Trouble = "page"
            try:
                found = self._read(await ask(), sent_s, whole)
                if isinstance(found, bytes):
                    return found
                words = found
            except NoConnection as error:
                if error.is_certificate:
                    raise Stopped("certificate", error.words) from None
                kind, words = "unreachable", error.words
            except ReplyLost as error:
                words = error.words
            if words is None:  # a 429 is no failure: its wait is bounded by our patience
                continue
            failures += 1
            if failures == MAX_ATTEMPTS:
                raise Stopped(kind, words)
            await self._clock.sleep(backoff_s(failures, self._rng))

    async def _turn(self) -> float:
        while (go_s := self._pacer.reserve(now := self._clock.monotonic_s(), [self._scope])) > now:
            await self._clock.sleep(go_s - now)
        return now

    def _read(self, reply: Reply, sent_s: float, whole: Callable[[Reply], bytes | str]) -> bytes | str | None:
        """The body; or in words what may pass; None where Bird asks to wait. Raises what trying again won't change."""
        if reply.status == 429:
            self._hold(reply, sent_s)
            return None
        self._throttling.progress()
        if reply.status == 200:
            return whole(reply)
        if reply.status == 408 or reply.status >= 500:
            return f"Bird answered with HTTP {reply.status}"
        match classify(reply, self._clock.wall_s()):
            case RefusedByBird(status=status, words=words):
                kind: Trouble = "channel" if status == 404 else "refused"
                raise Stopped(kind, f"HTTP {status}: {words}", status=status)
            case InDoubt(words=words, stops=True):
                raise Stopped("redirect", words)
            case Rejected(words=words):
                raise Stopped("page", f"Bird would not {self._wish}: HTTP {reply.status}: {words}")
        raise Stopped("page", f"Bird answered with HTTP {reply.status} instead of {self._thing}")

    def _hold(self, reply: Reply, sent_s: float) -> None:
        now_s = self._clock.monotonic_s()
        asked = classify(reply, self._clock.wall_s())
        until_s = self._throttling.hold_until_s(
            now_s=now_s, sent_s=sent_s, retry_after_s=asked.retry_after_s if isinstance(asked, Throttled) else None
        )
        if until_s is None:
            minutes = PATIENCE_S / 60
            raise Stopped("throttled", f"for {minutes:g} minutes Bird has asked to wait (429), and nothing else")
        self._scope.slow_down(now_s, sent_s)
        self._pacer.pause_until(until_s)
        self._held_until_s = until_s
