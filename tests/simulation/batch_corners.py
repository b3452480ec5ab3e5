"""Universes made by hand, of batches: a blow at every callback of a small run, and lists that tell late or nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from runner.model import Delivery, Rate, StopAfter, Threshold

from .looks import PASSING, SPOILING, STOPPING, Look
from .universe import CHANNELS, Blow, Leg, Outage, Universe, Weather

_NEVER = StopAfter(rejected=Threshold(), in_doubt=Threshold())
_BAD = Weather(slow_s=0.05, bad=0.3)
_WHOLE = Look(after_s=130.0, page_size=3)


def batches_killed_anywhere() -> Iterator[Universe]:
    """The process dies before its n-th callback; what it had written and not synced is lost, or not."""
    for step in range(1, 130):
        for keeps in (0.0, 1.0):
            yield _universe(step, Leg(weather=_BAD, blows=(Blow(step=step, kind="kill", amount=keeps),)))


def batches_signalled_anywhere() -> Iterator[Universe]:
    """One signal, or two: where replies come too late for the time to drain, and where the list does."""
    late = Weather(outages=(Outage(from_s=0.0, to_s=60.0, trouble="timeout"),))
    for step in range(1, 60):
        blow = Blow(step=step, kind="signal")
        for weather in (late, _BAD):
            for blows in ((blow,), (blow, blow)):
                yield replace(_universe(step, Leg(weather=weather, blows=blows)), list_lag_s=30.0 * (step % 2))


def batches_in_every_trouble() -> Iterator[Universe]:
    """Of the request, one after the other; the list shows nothing for seconds, or for longer than anybody waits."""
    troubles = ("lost", "5xx", "429", "judged", "unconnected", "late", "doubled", "bug", "refused", "redirect")
    for number, trouble in enumerate(troubles * 3):
        lag_s = (0.0, 5.0, 100.0)[number // len(troubles)]
        made = _universe(number, Leg(weather=Weather(share=0.5, troubles=(trouble,), bad=0.2)))
        policy = Delivery.AT_LEAST_ONCE if number % 2 else Delivery.AT_MOST_ONCE
        yield replace(made, list_lag_s=lag_s, delivery=policy, settle_s=150.0)


def batches_in_a_list_that_comes_to_grief() -> Iterator[Universe]:
    """Pages fail in one way, while a batch is looked for."""
    for number, trouble in enumerate((*PASSING, *SPOILING, *STOPPING) * 3):
        listing = Look(after_s=0.0, share=0.4, troubles=(trouble,), page_size=1 + number % 3, slow_s=0.0)
        yield _universe(number, Leg(weather=replace(_BAD, listing=listing)))


def batches_after_an_older_attempt() -> Iterator[Universe]:
    """Bird rejects what it took; another text is sent at once, and the list still shows the old one alone."""
    rejected = Leg(weather=Weather(slow_s=0.0, bad=0.7))
    for number in range(20):
        again = Leg(weather=Weather(slow_s=0.0), edits=True)
        made = replace(_universe(number, rejected), list_lag_s=5.0, rate=None)
        yield replace(made, legs=(rejected, again, Leg(weather=Weather(), edits=True)))


def batches_of_shared_references() -> Iterator[Universe]:
    """Two messages have one reference: the list can't tell them apart."""
    for number in range(20):
        yield replace(_universe(number, Leg(weather=_BAD)), shares=2, list_lag_s=1.0)


def batches_of_several_channels() -> Iterator[Universe]:
    """They take turns, one by one or two by two; the pace of one of them is slow."""
    for number in range(10):
        made = _universe(number, Leg(weather=_BAD))
        yield replace(made, channels=CHANNELS[: 2 + number % 3], row=1 + number % 3, rate=Rate(count=20, per_s=1))


def batches_in_waves() -> Iterator[Universe]:
    """Waves that end amid a batch."""
    for number in range(12):
        made = replace(_universe(number, Leg(weather=_BAD)), pause_s=30.0)
        yield replace(made, waves=(Threshold(count=1 + number % 4), Threshold(share=0.7)), size=12)


def batches_taken_over_anywhere() -> Iterator[Universe]:
    """The lock is lost while the process stands still; it wakes before, amid or after the run that follows."""
    for step in range(1, 110, 3):
        for amount in (0.0, 40.0, 1e9):
            yield _universe(step, Leg(weather=_BAD, blows=(Blow(step=step, kind="takeover", amount=amount),)))


BATCH_CORNERS: dict[str, Callable[[], Iterator[Universe]]] = {
    made.__name__.replace("_", " "): made
    for made in (
        batches_killed_anywhere,
        batches_signalled_anywhere,
        batches_in_every_trouble,
        batches_in_a_list_that_comes_to_grief,
        batches_after_an_older_attempt,
        batches_of_shared_references,
        batches_of_several_channels,
        batches_in_waves,
        batches_taken_over_anywhere,
    )
}


def _universe(seed: int, leg: Leg) -> Universe:
    return Universe(
        seed=seed,
        size=10,
        channels=CHANNELS[:1],
        rate=Rate(count=500, per_s=1),
        concurrency=7,
        stop_after=_NEVER,
        patience_s=30.0,
        order="random",
        cpu_s=0.0,
        late_s=0.0,
        lag_s=(0.01, 0.05),
        legs=(leg, Leg(weather=Weather(), looks=(_WHOLE, _WHOLE))),
        settle_s=120.0,
        batch=3,
    )
