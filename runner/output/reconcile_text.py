"""A look-up at Bird in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil

from .palette import Palette
from .words import number


def outcome(totals: Mapping[str, int], palette: Palette) -> str:
    """What became of everything that was in doubt."""
    looked = sum(totals.values())
    if not looked:
        return "nothing is in doubt"
    parts = [
        paint(f"{totals[ending]:,} {words}")
        for ending, words, paint in (
            ("accepted", "accepted", palette.green),
            ("rejected", "rejected", palette.red),
            ("absent", "absent", palette.yellow),
            ("planned", "absent and to be sent again", palette.yellow),
            ("double", "there twice", palette.red),
            ("inDoubt", "still in doubt", palette.yellow),
        )
        if totals[ending]
    ]
    return f"Looked up {number(looked, 'message')}: {', '.join(parts)}"


def again(waiting: int, again_s: float, now_s: float) -> str:
    """`12 messages not seen at Bird yet: run this again after 14:32 UTC`; with the date where it is another day."""
    due = datetime.fromtimestamp(ceil(again_s / 60) * 60, UTC)
    is_today = due.date() == datetime.fromtimestamp(now_s, UTC).date()
    when = f"{due:%H:%M} UTC" if is_today else f"{due:%Y-%m-%d %H:%M} UTC"
    return f"{number(waiting, 'message')} not seen at Bird yet: run this again after {when}"
