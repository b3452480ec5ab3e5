"""The other side: a server with an append-only record of what it took, and the network between it and a run."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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


def rfc3339(unix_s: float) -> str:
    """UTC with microseconds."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A message as Bird keeps it. It is in the list from `seen_from_s` on. Times are the universe's."""

    message_id: str
    reference: str | None
    channel_id: str
    created_s: float
    seen_from_s: float
    is_rejected: bool = False


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
        text = rfc3339(self.wall_s())
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
    lag_s: float = 0.0
    taken: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    records: list[Record] = field(default_factory=list)

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
            for _ in range(fate.times):
                self._keep(message, fate)

    def has_others(self, channels: Sequence[Channel], count: int) -> None:
        """Messages that are none of ours, from before and from later on."""
        for number in range(count):
            created_s = self.time.now_s + self.rng.uniform(-600.0, 1800.0)
            self.records.append(
                Record(
                    message_id=f"m-o{number}",
                    reference=self.rng.choice((None, "", "fp1.", f"theirs-{number}")),
                    channel_id=self.rng.choice(channels).channel_id,
                    created_s=created_s,
                    seen_from_s=created_s,
                )
            )

    def _keep(self, message: Message, fate: Fate) -> None:
        created_s = self.time.now_s + fate.arrives_s
        self.records.append(
            Record(
                message_id=_id_in(fate) or f"m-x{len(self.records)}",
                reference=message.reference,
                channel_id=message.channel.channel_id,
                created_s=created_s,
                seen_from_s=created_s + self.rng.random() * self.lag_s,
                is_rejected=fate.is_rejected_on_arrival,
            )
        )


def _id_in(fate: Fate) -> str | None:
    if fate.kind != "202" or fate.body is None:
        return None
    message_id: str = json.loads(fate.body)["id"]
    return message_id


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
        return self.told(fate)

    def told(self, fate: Fate) -> Reply:
        """What its sender gets."""
        if fate.loss == "lost":
            raise ReplyLost("the connection broke")
        if fate.loss == "bug":
            raise Bug("planted")
        return Reply(status=fate.status, retry_after=fate.retry_after, body=fate.body)
