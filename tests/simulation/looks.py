"""What a look at Bird's list between two runs is like: how long after, by which clock, through what trouble."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from .store import DiskFault

SETTLES_S = (120.0, 900.0)
LATEST_S = 30.0  # how late what was given up arrives at Bird all the same
PASSING = ("lost", "unconnected", "429", "5xx", "cut")  # tried again
SPOILING = ("broken off", "no list", "no message", "odd token", "same token", "400", "other 2xx")
STOPPING = ("refused", "redirect", "certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`after_s` after what came before it. `skew_s`: how far the clock is off from then on; None leaves it as it is.

    `share` of its pages meet one of `troubles`. Before its `ends_at`-th callback it is killed, or told to end.
    """

    after_s: float
    share: float = 0.0
    troubles: tuple[str, ...] = ()
    slow_s: float = 0.05
    page_size: int = 100
    newest_first: bool = True
    skew_s: float | None = None
    ends_at: int | None = None
    end: Literal["kill", "signal"] = "kill"
    disk: tuple[tuple[int, DiskFault], ...] = ()


READ_AT_ONCE = Look(after_s=0.0)


def draw_looks(rng: Random, settle_s: float) -> tuple[Look, ...]:
    """None, or some: too close, just far enough apart, or much later."""
    return tuple(_look(rng, settle_s) for _ in range(rng.choice((0, 0, 0, 1, 2, 2, 3))))


def lag_s(rng: Random, settle_s: float) -> float:
    """How long Bird may take to list a message. With what arrives late it is less than `settle`."""
    return rng.choice((0.0, 1.0, 20.0, settle_s - LATEST_S - 10.0))


def _look(rng: Random, settle_s: float) -> Look:
    kinds = [*PASSING, *SPOILING, *((rng.choice(STOPPING),) if rng.random() < 0.3 else ())]
    return Look(
        after_s=rng.choice((0.0, 10.0, settle_s / 2, settle_s, settle_s + 10.0, settle_s + 10.0, 2 * 86400.0)),
        share=rng.choice((0.0, 0.0, 0.1, 0.5, 1.0)),
        troubles=tuple(rng.sample(kinds, rng.choice((1, 2, 4)))),
        slow_s=rng.choice((0.0, 0.05, 2.0)),
        page_size=rng.choice((1, 2, 7, 100)),
        newest_first=rng.random() < 0.5,
        skew_s=rng.choice((0.0, -230.0, 230.0, 3600.0, -5 * 3600.0)) if rng.random() < 0.15 else None,
        ends_at=rng.randint(1, 60) if rng.random() < 0.15 else None,
        end=rng.choice(("kill", "signal")),
        disk=((rng.randint(1, 2), rng.choice(("refused", "unclear"))),) if rng.random() < 0.05 else (),
    )
