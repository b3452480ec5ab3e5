"""Universes made by hand: one blow at every callback of a small run, so that no moment is left to chance.

What a seed has found gets a place here: seeds mean something else as soon as the drawing changes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from runner.model import Delivery, Rate, StopAfter, Threshold

from .batch_corners import BATCH_CORNERS
from .fates import ENDING, TROUBLE
from .looks import PASSING, SPOILING, STOPPING, Look
from .loop import Order
from .universe import CHANNELS, Blow, Kind, Leg, Outage, Universe, Weather

_ORDERS: tuple[Order, ...] = ("first first", "random", "last first")
_NEVER = StopAfter(rejected=Threshold(), in_doubt=Threshold())
_CALM = Weather(slow_s=0.05)
_SLOW_DISK_S = (0.01, 0.05)
_WAVES = (Threshold(count=2), Threshold(share=0.7))
_POLICIES = (Delivery.AT_MOST_ONCE, Delivery.RESEND_ABSENT, Delivery.AT_LEAST_ONCE)
_WHOLE = Look(after_s=130.0, page_size=3)
_ENDS: tuple[Literal["kill", "signal"], ...] = ("kill", "signal")
_WHILE_WAITING: tuple[tuple[Kind, float], ...] = (("jump", 7200.0), ("jump", -7200.0), ("signal", 0.0))
_SECOND: tuple[tuple[Kind, float], ...] = (("takeover", 0.0), ("takeover", 40.0), ("kill", 0.0), ("signal", 0.0))


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


def troubled_in_one_way() -> Iterator[Universe]:
    """Each trouble by itself."""
    for number, trouble in enumerate(sorted(TROUBLE) * 3):
        yield _universe(number, Leg(weather=Weather(share=0.5, troubles=(trouble,))))


def paced_slowly() -> Iterator[Universe]:
    """Most of the time goes by in waiting: the wall clock leaps meanwhile, or a signal comes."""
    for number in range(20):
        for kind, amount in _WHILE_WAITING:
            blow = Blow(step=20 + number, kind=kind, amount=amount)
            made = _universe(number, Leg(weather=_CALM, blows=(blow,)))
            yield replace(made, rate=Rate(count=1, per_s=10))
        late = Leg(weather=_CALM, blows=(Blow(step=30 + 5 * number, kind="freeze", amount=0.8),))
        yield replace(_universe(number, late), rate=Rate(count=20, per_s=1), size=40, concurrency=16)


def ended_anywhere() -> Iterator[Universe]:
    """From some request on each one tells that the run must not go on."""
    for number in range(20):
        for trouble in sorted(ENDING):
            outage = Outage(from_s=number / 50, to_s=60.0, trouble=trouble)
            yield _universe(number, Leg(weather=Weather(slow_s=0.2, outages=(outage,))))


def looked_for_anywhere() -> Iterator[Universe]:
    """A look that is killed or told to end at any moment, and two whole ones after it."""
    for step in range(1, 40):
        for end in _ENDS:
            broken = Look(after_s=10.0, page_size=1, ends_at=step, end=end)
            yield _looked_for(step, (broken, _WHOLE, _WHOLE), list_lag_s=80.0)


def looked_for_in_a_list_that_comes_to_grief() -> Iterator[Universe]:
    """Pages fail in one way, each second one; then the look is made again, too soon and late enough."""
    for number, trouble in enumerate((*PASSING, *SPOILING, *STOPPING) * 4):
        bad = Look(after_s=10.0, share=0.3, troubles=(trouble,), page_size=1 + number % 3, slow_s=0.0)
        looks = (bad, replace(bad, after_s=60.0), replace(bad, after_s=130.0), replace(bad, share=0.0, after_s=130.0))
        yield replace(_looked_for(number, looks, list_lag_s=80.0), shares=number % 3)


def looked_for_by_clocks_that_were_set() -> Iterator[Universe]:
    """The clock was wrong when the messages went out, or between two looks, or is wrong still."""
    for number, off_s in enumerate((3600.0, -3600.0, 5 * 3600.0, 400 * 86400.0, 230.0, -230.0) * 4):
        jump = Blow(step=1, kind="jump", amount=off_s)
        for back_s in (None, 0.0, -230.0, 230.0):
            right = replace(_WHOLE, after_s=20.0, skew_s=0.0)
            looks = (replace(_WHOLE, skew_s=back_s), _WHOLE, right, _WHOLE, replace(_WHOLE, after_s=6 * 3600.0), _WHOLE)
            yield _looked_for(number, looks, blows=(jump,))
    for number in range(20):
        set_s = (-230.0, 230.0, 0.0)
        yield _looked_for(number, tuple(Look(after_s=20.0, skew_s=each) for each in set_s), list_lag_s=80.0)


def looked_for_in_a_long_list() -> Iterator[Universe]:
    """One message on each of many pages, which come at once."""
    for number in range(4):
        look = Look(after_s=1200.0, page_size=1, slow_s=0.0)
        yield replace(_looked_for(number, (look, look)), foreign=90)


def looked_for_after_an_older_attempt() -> Iterator[Universe]:
    """Bird rejects a message after taking it; another text is sent, its reply is lost, and the list lags behind."""
    rejected = Leg(weather=Weather(share=0.7, troubles=("rejected 202",)))
    for number in range(30):
        lost = Leg(weather=Weather(share=0.8, troubles=("lost", "late", "odd 202")), edits=True)
        looked = Leg(weather=Weather(), edits=True, looks=(replace(_WHOLE, after_s=5.0),), decides="absent")
        again = Leg(weather=Weather(), edits=True, looks=(_WHOLE, _WHOLE), decides="absent")
        made = _looked_for(number, (), list_lag_s=80.0)
        yield replace(made, legs=(rejected, lost, looked, again))


def looked_for_where_others_have_its_reference() -> Iterator[Universe]:
    """Several messages share one, or somebody on the way sent a request twice."""
    for number in range(30):
        first = Leg(weather=Weather(share=0.6, troubles=("doubled", "lost")))
        made = replace(_looked_for(number, ()), shares=number % 3)
        yield replace(made, legs=(first, *made.legs[1:-1], Leg(weather=Weather(), looks=(_WHOLE, _WHOLE))))


def in_waves() -> Iterator[Universe]:
    """Three waves with a pause: in peace; told to end at any moment; with more going wrong than may."""
    for step in range(0, 120, 3):
        for order in _ORDERS:
            blows = (Blow(step=step, kind="signal"),) if step else ()
            weather = Weather(share=0.3 if step % 2 else 0.0, troubles=("lost", "judged"), slow_s=0.05)
            made = replace(_universe(step, Leg(weather=weather, blows=blows)), order=order, pause_s=30.0)
            share = Threshold(share=0.3 if step % 4 else 1.0)
            yield replace(made, waves=_WAVES, stop_after=StopAfter(rejected=share, in_doubt=share))


def at_least_once() -> Iterator[Universe]:
    """Most replies are lost, so nearly all goes again, in this run, in the next one, and days later."""
    for number in range(40):
        share = (0.4, 0.6, 0.8, 1.0)[number % 4]
        lost = Leg(weather=Weather(share=share, troubles=("lost", "late", "429", "judged", "unconnected")))
        blows = (Blow(step=10 + number, kind="kill"),) if number % 3 == 0 else ()
        later = replace(lost, blows=blows, looks=(replace(_WHOLE, after_s=3 * 86400.0, share=1.0, troubles=("400",)),))
        looked = Leg(weather=Weather(), looks=(_WHOLE, _WHOLE))
        made = _universe(number, lost)
        legs = (lost, later, looked, *made.legs[1:])
        yield replace(made, legs=legs, settle_s=120.0, delivery=Delivery.AT_LEAST_ONCE, size=8 + number)


def absent_again_and_again() -> Iterator[Universe]:
    """Nothing arrives; two looks prove it; all goes again, once; and two looks prove it again."""
    for number in range(12):
        lost = Leg(weather=Weather(share=0.8, troubles=("lost", "stale", "unconnected")))
        looked = replace(lost, looks=(_WHOLE, _WHOLE))
        made = _universe(number, lost)
        legs = (lost, looked, looked, looked, Leg(weather=Weather(), looks=(_WHOLE,)))
        policy = (Delivery.RESEND_ABSENT, Delivery.RESEND_ABSENT, Delivery.AT_MOST_ONCE)[number % 3]
        yield replace(made, legs=legs, settle_s=120.0, delivery=policy)


def retried() -> Iterator[Universe]:
    """What Bird rejected goes again where its reason can pass: with the same text, or a new one."""
    for number in range(20):
        rejected = Leg(weather=Weather(share=0.8, troubles=("rejected 202", "judged")), limit=6)
        again = Leg(weather=Weather(share=0.4, troubles=("rejected 202", "lost", "429")), retries=True)
        made = _universe(number, rejected)
        legs = (rejected, again, replace(again, edits=number % 2 == 0), *made.legs[1:])
        yield replace(made, legs=legs, delivery=_POLICIES[number % 3])


def taken_over_twice_anywhere() -> Iterator[Universe]:
    """Three runs at once, of which two wake later; or the second one dies."""
    for step in range(1, 80, 3):
        for kind, amount in _SECOND:
            blows = (Blow(step=step, kind="takeover", amount=20.0), Blow(step=step // 2, kind=kind, amount=amount))
            yield _universe(step, Leg(weather=_CALM, blows=blows))


CORNERS: dict[str, Callable[[], Iterator[Universe]]] = BATCH_CORNERS | {
    made.__name__.replace("_", " "): made
    for made in (
        in_waves,
        at_least_once,
        absent_again_and_again,
        retried,
        looked_for_in_a_list_that_comes_to_grief,
        looked_for_by_clocks_that_were_set,
        looked_for_in_a_long_list,
        looked_for_after_an_older_attempt,
        looked_for_where_others_have_its_reference,
        ended_anywhere,
        troubled_in_one_way,
        paced_slowly,
        flaky,
        unreachable,
        signalled_anywhere,
        mistaken_anywhere,
        taken_over_anywhere,
        taken_over_twice_anywhere,
        looked_for_anywhere,
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


def _looked_for(
    seed: int, looks: tuple[Look, ...], *, list_lag_s: float = 0.0, blows: tuple[Blow, ...] = ()
) -> Universe:
    """Half of the replies are lost; then looks are made, and a person sends again what is absent."""
    lost = Leg(weather=Weather(share=0.5, troubles=("lost", "late")), blows=blows)
    again = Leg(weather=Weather(), looks=looks, decides="absent")
    made = _universe(seed, lost)
    return replace(made, legs=(lost, again, *made.legs[1:]), settle_s=120.0, list_lag_s=list_lag_s, foreign=6)
