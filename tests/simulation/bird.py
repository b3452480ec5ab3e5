"""The other side: a server with an append-only record of what it took, and the network between it and a run."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from runner.delivery.ports import NoConnection, Reply, ReplyLost
from runner.model import Channel, Message

from .fates import FINE, TROUBLE, Fate
from .loop import Time
from .store import Bug
from .trace import Trace
from .universe import Weather
from .watch import Watch

TRUE_WALL_S = 1_772_355_600.0
REPLY_TIMEOUT_S = 20.0


@dataclass(slots=True)
class SimClock:
    """A process's clock. `jumped_s` is how far its wall clock is off; its monotonic one never is."""

    time: Time
    jumped_s: float = 0.0
    instants: dict[str, float] = field(default_factory=dict)

    def monotonic_s(self) -> float:
        return self.time.now_s

    def now(self) -> str:
        """Finer than the real one, so that each text leads back to its instant."""
        text = f"at {self.wall_s():.6f}"
        self.instants[text] = self.time.now_s
        return text

    def wall_s(self) -> float:
        return TRUE_WALL_S + self.time.now_s + self.jumped_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class SimBird:
    """What it took stays taken, whatever becomes of the sender or of its reply."""

    time: Time
    rng: Random
    taken: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)

    def fate(self, weather: Weather, since_s: float) -> Fate:
        maker = FINE
        if weather.share and self.rng.random() < weather.share:
            maker = TROUBLE[self.rng.choice(weather.troubles)]
        for outage in weather.outages:
            if outage.from_s <= since_s < outage.to_s:
                maker = TROUBLE[outage.trouble]
        return maker(self.rng, TRUE_WALL_S + self.time.now_s)

    def takes_s(self, weather: Weather) -> float:
        longest_s = weather.slow_s * (10 if self.rng.random() < 0.1 else 1)
        return min(self.rng.random() * longest_s, REPLY_TIMEOUT_S - 0.001)

    def take(self, message: Message, fate: Fate) -> None:
        if fate.is_taken:
            (self.rejected if fate.is_rejected_on_arrival else self.taken)[message.key] += 1


@dataclass(slots=True)
class SimTransport:
    """A Transport: each request meets its fate. What was written before it was given up may arrive all the same."""

    bird: SimBird
    weather: Weather
    watch: Watch
    trace: Trace
    run: str
    began_s: float
    is_dead: bool = False

    async def post(self, channel: Channel, body: bytes) -> Reply:
        if self.is_dead:
            raise ReplyLost("this process is dead")
        message = self.watch.posts(channel, body)
        fate = self.bird.fate(self.weather, self.bird.time.now_s - self.began_s)
        self.trace.note(self.run, "post", message.key, fate.kind)
        try:
            return await self._exchange(message, fate)
        except asyncio.CancelledError:
            if not self.is_dead:
                self.trace.note(self.run, "gave up", message.key)
                self.watch.gave_up(message)
            raise

    async def _exchange(self, message: Message, fate: Fate) -> Reply:
        began_s = self.bird.time.now_s
        await asyncio.sleep(fate.connect_s)
        if fate.loss in ("unconnected", "certificate"):
            self.watch.replied(message, fate, self.bird.time.now_s - began_s)
            raise NoConnection("refused", is_certificate=fate.loss == "certificate")
        self.bird.take(message, fate)
        await asyncio.sleep(fate.takes_s or self.bird.takes_s(self.weather))
        self.watch.replied(message, fate, self.bird.time.now_s - began_s)
        self.trace.note(self.run, "reply", message.key, fate.kind)
        if fate.loss == "lost":
            raise ReplyLost("the connection broke")
        if fate.loss == "bug":
            raise Bug("planted")
        return Reply(status=fate.status, retry_after=fate.retry_after, body=fate.body)
