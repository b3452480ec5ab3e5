"""How far a send is, in one line of any width: what matters most stays longest as the line gets narrower."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from runner.states import STATES, Tone

from .words import duration

WIDEST_BAR, NARROWEST_BAR = 30, 8
GAP = "  "


class Piece(NamedTuple):
    """Words and how they look: `done` or `left` (of the bar), a state's tone, or plain."""

    words: str
    look: Tone | Literal["done", "left", ""] = ""


class Standing(NamedTuple):
    """Where a send stands. `rate` is in messages a second, None at its beginning."""

    total: int
    accepted: int
    rejected: int
    in_doubt: int
    rate: float | None
    wave: int = 1
    waves: int = 1
    is_pausing: bool = False
    is_stopping: bool = False

    @property
    def done(self) -> int:
        return self.accepted + self.rejected + self.in_doubt


def progress_line(at: Standing, width: int) -> list[Piece]:
    """The pieces of the line, at most `width` characters together with two spaces between them."""
    named = _named(at)
    kept: set[str] = set()
    for name in ("done", "rejected!", "in doubt!", "left", "rate", "wave", "accepted", "rejected", "in doubt"):
        if name in named and _length(named, {*kept, name}) <= width:
            kept.add(name)
    pieces = [named[name] for name in named if name in kept]
    bar_width = min(WIDEST_BAR, width - _length(named, kept) - len(GAP))
    bar = list(_bar(at, bar_width)) if bar_width >= NARROWEST_BAR else []
    return [*bar, *pieces]


def _named(at: Standing) -> Mapping[str, Piece]:
    """In the order in which they stand. What is bad news has a name of its own, as it must stay."""
    named = {"done": Piece(f"{at.done:,} of {at.total:,}")}
    if at.waves > 1:
        named["wave"] = Piece(f"wave {at.wave} of {at.waves}", "calm")
    if at.is_stopping:
        named["left"] = Piece("stopping", "doubt")
    elif at.is_pausing:
        named["left"] = Piece("pausing", "note")
    elif at.rate:
        named["rate"] = Piece(f"{at.rate:,.0f}/s", "calm")
        named["left"] = Piece(f"{duration(max((at.total - at.done) / at.rate, 1.0))} left", "calm")
    named["accepted"] = _counted("accepted", at.accepted)
    named["rejected!" if at.rejected else "rejected"] = _counted("rejected", at.rejected)
    named["in doubt!" if at.in_doubt else "in doubt"] = _counted("inDoubt", at.in_doubt)
    return named


def _counted(state: str, count: int) -> Piece:
    word, tone = STATES[state]
    return Piece(f"{count:,} {word}", tone if count else "")


def _length(named: Mapping[str, Piece], kept: set[str]) -> int:
    return sum(len(named[name].words) for name in kept) + len(GAP) * (len(kept) - 1)


def _bar(at: Standing, width: int) -> Iterator[Piece]:
    filled = width * at.done // at.total if at.total else width
    yield Piece("━" * filled, "done")
    yield Piece("─" * (width - filled), "left")  # another sign: colours may be off
