"""Universes made by hand: one blow at every callback of a small run, so that no moment is left to chance.

What a seed has found gets a place here: seeds mean something else as soon as the drawing changes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from runner.model import Rate, StopAfter, Threshold

from .fates import ENDING
from .loop import Order
from .universe import CHANNELS, Blow, Leg, Outage, Universe, Weather

_ORDERS: tuple[Order, ...] = ("first first", "random", "last first")
_NEVER = StopAfter(rejected=Threshold(), in_doubt=Threshold())
_CALM = Weather(slow_s=0.05)
_SLOW_DISK_S = (0.01, 0.05)


def killed_anywhere() -> Iterator[Universe]:
    """The process dies before its n-th callback; what it had written and not synced is lost, or not."""
    for step in range(1, 130):
        for keeps in (0.0, 1.0):
            yield _universe(step, Leg(weather=_CALM, blows=(Blow(step=step, kind="kill", amount=keeps),)))


def signalled_anywhere() -> Iterator[Universe]:
    """One signal, and replies that come only after the time to drain is over."""
    late = Weather(outages=(Outage(from_s=0.0, to_s=60.0, trouble="timeout"),))
    for step in range(1, 40):
        yield _universe(step, Leg(weather=late, blows=(Blow(step=step, kind="signal"),)))


def signalled_twice_anywhere() -> Iterator[Universe]:
    """Two signals at once, in each order of waking; with a disk that fails right then, or one that does not."""
    for order in _ORDERS:
        for step in range(1, 70):
            both = (Blow(step=step, kind="signal"), Blow(step=step, kind="signal"))
            for blows in (both, (*both, Blow(step=step, kind="disk"))):
                yield replace(_universe(step, Leg(weather=_CALM, blows=blows)), order=order)


def taken_over_anywhere() -> Iterator[Universe]:
    """The lock is lost while the process stands still; it wakes before, amid or after the run that follows."""
    for step in range(1, 110, 2):
        for amount in (0.0, 40.0, 1e9):
            blow = Blow(step=step, kind="takeover", amount=amount)
            yield _universe(step, Leg(weather=_CALM, blows=(blow,)))


def mistaken_anywhere() -> Iterator[Universe]:
    """A mistake of ours in one request, while a slow disk keeps its outcome waiting."""
    for number in range(60):
        weather = Weather(share=0.2, troubles=("bug",), slow_s=0.05)
        yield replace(_universe(number, Leg(weather=weather)), lag_s=(0.0, 0.5))


def unreachable() -> Iterator[Universe]:
    """Nobody answers, for longer than the retries last; or everything is lost, faster than doubts are counted."""
    for number in range(8):
        for trouble in ("unconnected", "lost"):
            outage = Outage(from_s=0.0, to_s=600.0, trouble=trouble)
            made = _universe(number, Leg(weather=Weather(outages=(outage,))))
            yield replace(made, size=60, concurrency=16)


def flaky() -> Iterator[Universe]:
    """Two of five connections fail, so that in the long run there are more retries than a tenth of the messages."""
    for number in range(10):
        weather = Weather(share=0.4, troubles=("unconnected",), slow_s=0.05)
        yield replace(_universe(number, Leg(weather=weather)), size=60)


def ended_anywhere() -> Iterator[Universe]:
    """From some request on each one tells that the run must not go on."""
    for number in range(20):
        for trouble in sorted(ENDING):
            outage = Outage(from_s=number / 50, to_s=60.0, trouble=trouble)
            yield _universe(number, Leg(weather=Weather(slow_s=0.2, outages=(outage,))))


CORNERS: dict[str, Callable[[], Iterator[Universe]]] = {
    made.__name__.replace("_", " "): made
    for made in (
        ended_anywhere,
        flaky,
        unreachable,
        signalled_anywhere,
        mistaken_anywhere,
        taken_over_anywhere,
        killed_anywhere,
        signalled_twice_anywhere,
    )
}


def _universe(seed: int, leg: Leg) -> Universe:
    return Universe(
        seed=seed,
        size=8,
        channels=CHANNELS[:1],
        rate=Rate(count=500, per_s=1),
        concurrency=3,
        stop_after=_NEVER,
        patience_s=30.0,
        order="random",
        cpu_s=0.0,
        late_s=0.0,
        lag_s=_SLOW_DISK_S,
        legs=(leg, Leg(weather=Weather())),
    )
