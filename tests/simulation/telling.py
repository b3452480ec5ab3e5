"""A universe in words: what a person needs to see what went wrong, and to see it again."""

from collections import Counter
from dataclasses import fields

from .universe import Leg, Universe
from .voyage import Played

_MOST_LINES = 120


def tell(played: Played, *, most_lines: int = _MOST_LINES) -> str:
    """The fault, the way to replay it, the universe, and the last events of its trace."""
    lines = played.trace.lines()
    shown = lines[-most_lines:]
    left_out = [f"({len(lines) - len(shown)} events before these)"] if len(shown) < len(lines) else []
    seed = played.universe.seed
    verdict = f"FAULT: {played.fault}" if played.fault else "all promises were kept"
    return "\n".join([
        f"universe {seed}: {verdict}",
        f"  see it again: make simulate SEED={seed}",
        *_universe(played.universe),
        *left_out,
        *shown,
        f"trace {played.trace.digest()}, {played.steps} callbacks",
    ])  # fmt: skip


def _universe(universe: Universe) -> list[str]:
    facts = [
        f"  {field.name}: {getattr(universe, field.name)}"
        for field in fields(universe)
        if field.name not in ("seed", "legs", "channels")
    ]
    channels = ", ".join(f"{channel.name} ({channel.rate or 'no rate'})" for channel in universe.channels)
    return [*facts, f"  channels: {channels}", *(_leg(number, leg) for number, leg in enumerate(universe.legs, 1))]


def _leg(number: int, leg: Leg) -> str:
    parts = [f"{field.name}={value}" for field in fields(leg) if (value := getattr(leg, field.name))]
    return f"  run {number}: {'; '.join(parts)}"


def tally(played: Played) -> Counter[str]:
    """What happened how often: requests by their fate, and what befell the runs."""
    counts: Counter[str] = Counter()
    for event in played.trace.events:
        what = event[2]
        named = {"post": "request", "get": "page"}.get(str(what))
        counts[str(what) if named is None else f"{named}: {event[4]}"] += what not in {"commit", "reply", "told"}
    return +counts
