"""A look-up at Bird in words."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from math import ceil

from .neutral import neutral
from .palette import Palette
from .words import duration, number

SHOWN = 20


def outcome(totals: Mapping[str, int], palette: Palette) -> str:
    """What became of everything that was in doubt."""
    looked = sum(totals.values())
    if not looked:
        return "nothing is in doubt"
    parts = [
        palette.counted(state, totals[ending], words)
        for ending, state, words in (
            ("accepted", "accepted", None),
            ("rejected", "rejected", None),
            ("absent", "absent", None),
            ("planned", "absent", "absent and to be sent again"),
            ("double", "error", "there twice"),
            ("inDoubt", "inDoubt", "still in doubt"),
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


def progress(*, channel: int, channels: int, pages: int, found: int, sought: int, waits_s: float) -> str:
    """`channel 2 of 3: 1,204 pages read, 17 messages found of 20`; and how long Bird has asked to wait."""
    where = f"channel {max(channel, 1)} of {channels}: {number(pages, 'page')} read"
    waits = f"; Bird asks to wait, {duration(waits_s)} more" if waits_s > 0 else ""
    return f"{where}, {number(found, 'message')} found of {sought:,}{waits}"


def not_looked_through(channel_id: str, words: str, *, is_begun: bool) -> str:
    """The words of one that was not even begun say that themselves."""
    why = neutral(words)
    return f"channel {channel_id} was {f'not looked through: {why}' if is_begun else why}"


def doubles(messages: Iterable[tuple[str, str, str]], count: int, palette: Palette, *, all_in: str) -> Iterator[str]:
    """Loud: somebody may have got it twice, or two people share a reference. Each: message, masked address, why."""
    for message, recipient, words in islice(messages, SHOWN):
        yield f"  {palette.red('double')}: {message} to {recipient}: {neutral(words)}"
    if count > SHOWN:
        yield f"  … and {count - SHOWN:,} more: {all_in} lists all"
