"""One universe, drawn from a seed: what is to be sent, on what machine, through what weather, with which blows."""

import json
import math
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from runner.model import Channel, Delivery, Message, Rate, StopAfter, Threshold

from .fates import ENDING, TROUBLE
from .looks import PASSING, READ_AT_ONCE, SETTLES_S, SPOILING, STOPPING, Look, draw_looks, lag_s
from .loop import Order
from .store import DiskFault

Kind = Literal["kill", "signal", "jump", "freeze", "rival", "takeover", "disk"]
Decision = Literal["knows", "absent"]
CHANNELS = tuple(
    Channel(
        name=name,
        workspace_id=f"5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a1{workspace}",
        channel_id=f"3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b2{number}",
        rate=rate,
    )
    for number, (name, workspace, rate) in enumerate(
        [
            ("sms-us", 1, None),
            ("sms-ca", 1, Rate(count=10, per_s=1)),
            ("sms-uk", 2, None),
            ("mms-us", 2, Rate(count=2, per_s=1)),
        ]
    )
)
_RATES = (None, *(Rate(count=count, per_s=1) for count in (3, 10, 50, 200, 500)), Rate(count=120, per_s=60))
_DELIVERIES = (*(Delivery.AT_MOST_ONCE,) * 5, *(Delivery.RESEND_ABSENT,) * 3, *(Delivery.AT_LEAST_ONCE,) * 3)
_WAVES = (
    (Threshold(count=1),),
    (Threshold(count=3), Threshold(share=0.5)),
    (Threshold(share=0.1), Threshold(share=0.3), Threshold(share=1.0)),
)
_NEVER = StopAfter(rejected=Threshold(), in_doubt=Threshold())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """From `from_s` to `to_s` after a run's start every request has this trouble."""

    from_s: float
    to_s: float
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """`share` of the requests meet one of `troubles`. Replies take up to `slow_s`, one in ten up to ten times that.

    Of the messages in batches `bad` are rejected after they were taken; `listing` is how the list is read meanwhile.
    """

    share: float = 0.0
    troubles: tuple[str, ...] = ()
    slow_s: float = 0.05
    outages: tuple[Outage, ...] = ()
    bad: float = 0.0
    listing: Look = READ_AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """What strikes a run before its `step`-th callback.

    kill: the process dies; `amount` 1 keeps what it had written and not synced. signal: SIGINT. jump: the wall clock
    leaps by `amount` seconds. freeze: the machine stands still for `amount` seconds. rival: another run asks for the
    claim. takeover: the process stands still, its lock is lost, another run starts, which later blows strike, and
    perhaps a third; the older ones wake `amount` steps after the last of these began.
    disk: the next commit fails; `amount` 1 is a mistake of ours in it.
    """

    step: int
    kind: Kind
    amount: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One run, and what people do before it.

    `retries`: it sends what was rejected for a reason that can pass, and nothing else. `edits` changes all texts;
    `looks` are made one after the other; `decides` resolves what is in doubt, by somebody who knows what went out, or
    who sends again what is absent.
    """

    weather: Weather
    blows: tuple[Blow, ...] = ()
    disk: tuple[tuple[int, DiskFault], ...] = ()
    limit: int | None = None
    edits: bool = False
    retries: bool = False
    looks: tuple[Look, ...] = ()
    decides: Decision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """`lag_s`: the longest that a commit waits, and the longest that it syncs. `late_s`: how late timers may be.

    `list_lag_s`: how long Bird's list may lag behind; `foreign`: how many messages of others are in it. `shares`: so
    many messages have one reference, which the manifest gives (0: each has its own, which holds its key). Up to `batch`
    messages go in one request; so many in a `row` are of one channel.
    """

    seed: int
    size: int
    channels: tuple[Channel, ...]
    rate: Rate | None
    concurrency: int
    stop_after: StopAfter
    patience_s: float
    order: Order
    cpu_s: float
    late_s: float
    lag_s: tuple[float, float]
    legs: tuple[Leg, ...]
    settle_s: float = 900.0
    list_lag_s: float = 0.0
    foreign: int = 0
    delivery: Delivery = Delivery.AT_MOST_ONCE
    waves: tuple[Threshold, ...] = ()
    pause_s: float = 0.0
    shares: int = 0
    batch: int = 1
    row: int = 1

    @property
    def has_jumps(self) -> bool:
        """The clock is not always right."""
        blows = any(blow.kind == "jump" for leg in self.legs for blow in leg.blows)
        return blows or any(look.skew_s for leg in self.legs for look in leg.looks)

    @property
    def has_true_clocks(self) -> bool:
        """Whether our own clock never differs from Bird's."""
        jumps = any(blow.kind == "jump" for leg in self.legs for blow in leg.blows)
        return not jumps and all(look.skew_s is None for leg in self.legs for look in leg.looks)

    def messages(self, version: int) -> list[Message]:
        return [self._message(number, version) for number in range(self.size)]

    def _message(self, number: int, version: int) -> Message:
        key = f"k{number:03}"
        text = f"Hello Robert {number}, version {version}"
        reference = f"order-{number // self.shares}" if self.shares else f"fp1.{key}"
        body = {"body": {"text": {"text": text}, "type": "text"}, "reference": reference}
        return Message(
            draft="announce",
            channel=self.channels[number // self.row % len(self.channels)],
            key=key,
            reference=reference,
            address=f"phonenumber:+141555501{number:02}",
            payload_hash=f"hash-{number}-{version}",
            body=json.dumps(body, sort_keys=True, separators=(",", ":")).encode(),
            country="US",
            segments=1,
        )


def draw(seed: int) -> Universe:
    rng = Random(f"universe {seed}")
    size = rng.choice((5, 8, 12, 20, 30)) if rng.random() < 0.85 else rng.randint(31, 60)
    settle_s = rng.choice(SETTLES_S)
    troubled = [_leg(rng, size, settle_s) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
    universe = Universe(
        seed=seed,
        size=size,
        channels=tuple(rng.sample(CHANNELS, rng.choice((1, 1, 2, 3)))),
        rate=rng.choice(_RATES),
        concurrency=rng.choice((1, 2, 4, 8, 16)),
        stop_after=_stop_after(rng),
        patience_s=rng.choice((10.0, 30.0, 60.0, 600.0)) if rng.random() < 0.3 else 30.0,
        order=rng.choice(("first first", "first first", "random", "random", "random", "last first")),
        cpu_s=rng.choice((0.0, 0.0, 0.00002, 0.0002)),
        late_s=rng.choice((0.0, 0.001, 0.02, 0.2)),
        lag_s=(rng.choice((0.0, 0.001, 0.02, 0.3)), rng.choice((0.0, 0.002, 0.05, 0.5))),
        legs=(*troubled, Leg(weather=Weather(), looks=draw_looks(rng, settle_s), decides=_decision(rng))),
        settle_s=settle_s,
        list_lag_s=lag_s(rng, settle_s),
        foreign=rng.choice((0, 0, 3, 40)),
        delivery=rng.choice(_DELIVERIES),
        waves=rng.choice(_WAVES) if rng.random() < 0.4 else (),
        pause_s=rng.choice((0.0, 2.0, 60.0)),
        shares=rng.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 2)),
    )
    return _with_batches(universe, Random(f"batches {seed}"))


def _with_batches(universe: Universe, rng: Random) -> Universe:
    """Of every third universe."""
    sizes = [size for size in (2, 3, 5, 16) if size <= universe.concurrency]
    if not sizes or rng.random() < 0.65:
        return universe
    *troubled, last = universe.legs
    legs = [replace(leg, weather=_listed(leg.weather, rng)) for leg in troubled]
    return replace(universe, legs=(*legs, last), batch=rng.choice(sizes), row=rng.choice((1, 2, 3, 8, 60)))


def _listed(weather: Weather, rng: Random) -> Weather:
    kinds = [*PASSING, *SPOILING, *((rng.choice(STOPPING),) if rng.random() < 0.2 else ())]
    listing = Look(
        after_s=0.0,
        share=rng.choice((0.0, 0.0, 0.0, 0.1, 0.5, 1.0)),
        troubles=tuple(rng.sample(kinds, rng.choice((1, 2, 4)))),
        slow_s=rng.choice((0.0, 0.05, 2.0)),
        page_size=rng.choice((1, 2, 7, 100)),
        newest_first=rng.random() < 0.5,
    )
    return replace(weather, bad=rng.choice((0.0, 0.1, 0.5)), listing=listing)


def _stop_after(rng: Random) -> StopAfter:
    def threshold() -> Threshold:
        return Threshold(count=rng.randint(1, 12)) if rng.random() < 0.5 else Threshold(share=rng.choice((0.05, 0.3)))

    return rng.choice((_NEVER, _NEVER, StopAfter(rejected=threshold(), in_doubt=threshold())))


def _leg(rng: Random, size: int, settle_s: float) -> Leg:
    return Leg(
        weather=_weather(rng),
        blows=_blows(rng, size),
        disk=_disk(rng, size),
        limit=rng.randint(1, size) if rng.random() < 0.1 else None,
        edits=rng.random() < 0.1,
        retries=rng.random() < 0.1,
        looks=draw_looks(rng, settle_s),
        decides=_decision(rng),
    )


def _decision(rng: Random) -> Decision | None:
    return rng.choice((None, None, None, "knows", "absent", "absent"))


def _weather(rng: Random) -> Weather:
    share = rng.choice((0.0, 0.0, 0.02, 0.1, 0.1, 0.3, 0.3, 0.7, 1.0))
    mild = [name for name in TROUBLE if name not in ENDING]
    troubles = rng.sample(mild, rng.choice((1, 2, 3, 6)))
    if rng.random() < 0.3:
        troubles.append(rng.choice(sorted(ENDING)))
    slow_s = rng.choice((0.0, 0.005, 0.05, 0.5, 2.0))
    outages = [_outage(rng) for _ in range(rng.choice((0, 0, 0, 1, 2)))]
    return Weather(share=share, troubles=tuple(troubles), slow_s=slow_s, outages=tuple(outages))


def _outage(rng: Random) -> Outage:
    from_s = rng.random() * rng.choice((0.1, 1.0, 10.0))
    long_s = rng.random() * rng.choice((0.3, 3.0, 60.0))
    return Outage(
        from_s=from_s, to_s=from_s + long_s, trouble=rng.choice(("unconnected", "lost", "5xx", "429", "timeout"))
    )


def _blows(rng: Random, size: int) -> tuple[Blow, ...]:
    kinds: list[Kind] = ["kill", "kill", "kill", "signal", "signal", "jump", "freeze", "rival", "takeover", "disk"]
    chosen = [rng.choice(kinds) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    blows = [Blow(step=_step(rng, size), kind=kind, amount=_amount(rng, kind)) for kind in chosen]
    firsts = [blow for blow in blows if blow.kind == "signal" and rng.random() < 0.5]
    seconds = [Blow(step=blow.step + rng.choice((0, 0, 1, 5, 25, 60)), kind="signal") for blow in firsts]
    blows += [*seconds, *(_full_disk(rng, blow.step) for blow in seconds if rng.random() < 0.3)]
    return tuple(sorted(blows, key=lambda blow: blow.step))


def _full_disk(rng: Random, step: int) -> Blow:
    return Blow(step=step, kind="disk", amount=rng.choice((0.0, 0.0, 1.0)))


def _step(rng: Random, size: int) -> int:
    """Early ones matter as much as late ones."""
    last = 25 * size
    return int(math.exp(rng.random() * math.log(last))) if rng.random() < 0.4 else rng.randint(1, last)


def _amount(rng: Random, kind: Kind) -> float:
    match kind:
        case "kill":
            return rng.choice((0.0, 1.0))
        case "jump":
            return rng.choice((-1.0, 1.0)) * rng.choice((3600.0, 5 * 3600.0, 400 * 86400.0))
        case "freeze":
            return rng.choice((0.5, 6.0, 60.0))
        case "takeover":
            return rng.choice((0.0, 20.0, 200.0, 1e9))
        case _:
            return 0.0


def _disk(rng: Random, size: int) -> tuple[tuple[int, DiskFault], ...]:
    if rng.random() < 0.8:
        return ()
    kind: DiskFault = rng.choice(("refused", "refused", "unclear", "bug"))
    call = rng.randint(0, size)
    return ((0, "refused"),) if call == 0 else ((call, kind),)
