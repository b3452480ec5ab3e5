"""Faults on demand: what goes wrong with which request, the same on every run with the same seed.

A fault is written `KIND[:ARG]…`; the arguments are, in any order, `N%` (the share of requests it hits; default all),
`first:N` (only the first N requests), `after:N` (only those after the Nth) and, for `slow`, how long (`2s`, `150ms`).
Examples: `429:5%`, `reset-after:1%:after:100`, `503:first:3`, `slow:2s:10%`.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from .replies import STATUS_CODES


class Moment(Enum):
    """When a fault strikes: before the request is looked at, after it was accepted, or as a mere delay of the reply."""

    BEFORE = "before"
    AFTER = "after"
    DELAY = "delay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`is_of_message`: it strikes each message of a batch by itself; every other kind strikes a request as a whole."""

    moment: Moment
    does: str
    is_of_message: bool = False


KINDS: dict[str, Kind] = {
    **{
        str(status): Kind(moment=Moment.BEFORE, does=f"replies {status} {code}; the request is not processed")
        for status, code in STATUS_CODES.items()
    },
    "redirect": Kind(moment=Moment.BEFORE, does="replies 307 to another host; the request is not processed"),
    "reset-before": Kind(moment=Moment.BEFORE, does="resets the connection; the request is not processed"),
    "202-rejected": Kind(
        moment=Moment.AFTER, does='replies 202, but the message in it has the status "rejected"', is_of_message=True
    ),
    "202-busy": Kind(moment=Moment.AFTER, does="the same, for a reason that can pass: 12001", is_of_message=True),
    "unlisted": Kind(moment=Moment.AFTER, does="accepts the message, and never lists it", is_of_message=True),
    "500-after": Kind(moment=Moment.AFTER, does="accepts the message, then replies 500"),
    "reset-after": Kind(moment=Moment.AFTER, does="accepts the message, then resets the connection"),
    "garbled": Kind(moment=Moment.AFTER, does="accepts the message, then replies with a broken status line"),
    "cut": Kind(moment=Moment.AFTER, does="accepts the message, then breaks off in the middle of the 202's body"),
    "slow": Kind(moment=Moment.DELAY, does="processes the request at once, replies after the delay given: slow:2s"),
}

_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)%")
_DELAY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: its kind (a key of `KINDS`), the share of requests (0 to 1), and which requests by their number."""

    kind: str
    share: float = 1.0
    delay_s: float = 0.0
    first: int | None = None
    after: int = 0

    def __str__(self) -> str:
        """As `parse_fault` reads it."""
        words = [self.kind]
        words += [f"{self.delay_s:g}s"] if self.delay_s else []
        words += [f"{self.share * 100:.10g}%"] if self.share != 1 else []
        words += [f"first:{self.first}"] if self.first is not None else []
        words += [f"after:{self.after}"] if self.after else []
        return ":".join(words)

    def may_hit(self, n: int) -> bool:
        """Whether request number `n` (from 1) is among those this fault can hit."""
        return n > self.after and (self.first is None or n <= self.first)


def parse_fault(text: str) -> Fault:
    """Reads `KIND[:ARG]…`; raises ValueError saying what is wrong and what would be right."""
    kind, *words = text.strip().split(":")
    if kind not in KINDS:
        raise ValueError(f"unknown fault {kind!r}: known are {', '.join(KINDS)}")
    options: dict[str, float | int] = {}
    for option, value in _options(text, kind, iter(words)):
        if option in options:
            raise ValueError(f"fault {text!r} says {_WORD_FOR[option]} twice")
        options[option] = value
    if (kind == "slow") != ("delay_s" in options):
        raise ValueError(
            f"fault {text!r} needs how long: slow:2s"
            if kind == "slow"
            else f"fault {text!r} takes no duration: only slow does"
        )
    return Fault(kind=kind, **options)  # type: ignore[arg-type]  # _options pairs each name with its type


_WORD_FOR = {"share": "the share", "delay_s": "the duration", "first": "first", "after": "after"}


def _options(text: str, kind: str, words: Iterator[str]) -> Iterator[tuple[str, float | int]]:
    for word in words:
        if word in ("first", "after"):
            yield word, _count(text, word, next(words, ""))
        elif share := _SHARE.fullmatch(word):
            yield "share", _share(text, float(share[1]))
        elif delay := _DELAY.fullmatch(word):
            yield "delay_s", float(delay[1]) * _UNIT_S[delay[2]]
        else:
            example = "slow:2s:10%" if kind == "slow" else f"{kind}:5%"
            raise ValueError(f"fault {text!r}: {word!r} is neither a share, first:N nor after:N; right is {example}")


def _count(text: str, word: str, number: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", number):
        raise ValueError(f"fault {text!r}: {word} needs a whole number, as in {word}:3")
    return int(number)


def _share(text: str, percent: float) -> float:
    if percent > 100:
        raise ValueError(f"fault {text!r}: a share is at most 100%")
    return percent / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What befalls one request: at most one fault besides the delay."""

    fault: str | None = None
    delay_s: float = 0.0


class Dice:
    """Draws each request's fate, in the order of arrival, from the seed alone.

    Every request draws once for every fault, hit or not, so the fate of request 57 depends on the seed and on
    the list of faults, never on what the requests hold or on how the 56 before it went. The first fault of the
    list that hits wins; delays add up and go with any fault.
    """

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = tuple(faults)
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311  # repeatable on purpose
        self._n = 0

    @property
    def faults(self) -> Sequence[Fault]:
        return self._faults

    def change(self, faults: Sequence[Fault]) -> None:
        """From the next request on these go wrong; numbers and chance go on from where they are."""
        self._faults = tuple(faults)

    def draw(self, *, is_batch: bool = False) -> Drawn:
        """The fate of a request; of a batch, what is about its messages is drawn for each of them (`draw_each`)."""
        self._n += 1
        rolled = [(fault, self._random.random()) for fault in self._faults]
        hits = [fault for fault, roll in rolled if roll < fault.share and fault.may_hit(self._n)]
        struck = [
            fault.kind
            for fault in hits
            if KINDS[fault.kind].moment is not Moment.DELAY and not (is_batch and KINDS[fault.kind].is_of_message)
        ]
        return Drawn(fault=struck[0] if struck else None, delay_s=sum(fault.delay_s for fault in hits))

    def draw_each(self, n: int, count: int) -> list[str | None]:
        """What befalls each message of the batch that is request number `n`."""
        chance = random.Random(f"{self._seed} {n}")  # noqa: S311  # repeatable on purpose
        faults = [fault for fault in self._faults if KINDS[fault.kind].is_of_message and fault.may_hit(n)]
        rolled = [[(fault, chance.random()) for fault in faults] for _ in range(count)]
        return [next((fault.kind for fault, roll in each if roll < fault.share), None) for each in rolled]
