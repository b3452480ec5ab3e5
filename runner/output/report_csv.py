"""A report as a table for a spreadsheet: a row for each message, in which nothing is a formula."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice

from runner.ledger.seam import Entry

from .masking import recipient, reference
from .neutral import neutral

HEADS = (
    *("manifest", "edition", "message", "key", "recipient", "country", "state", "code", "words", "segments", "cost"),
    *("currency", "attempts", "run", "intendedAt", "at", "id", "reference", "workspaceId", "channelId"),
    *("delivery", "deliveryAt", "deliveryCode", "deliverySource", "deliveryLookedAt"),
)
_ROWS = 500  # that are written at once
# What Excel, LibreOffice and Google's tables take for the beginning of a formula, in full width too.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def report_csv(entries: Iterable[Entry], *, show_pii: bool) -> Iterator[str]:
    """Pieces of some hundred lines, without the last line break."""
    yield ",".join(HEADS)
    entries = iter(entries)
    while rows := [_row(entry, show_pii=show_pii) for entry in islice(entries, _ROWS)]:
        yield _lines(rows)


def _row(entry: Entry, *, show_pii: bool) -> list[str | int]:
    texts = (
        entry.manifest,
        entry.edition,
        entry.message,
        entry.key,
        recipient(entry.address, show_pii=show_pii),
        entry.country,
        entry.state.value,
        entry.code,
        entry.words,
    )
    last = (entry.message_id, reference(entry, show_pii=show_pii), entry.workspace_id, entry.channel_id)
    told = entry.delivery
    delivery = (told.status, told.at, told.code, told.source, told.looked_at) if told is not None else (None,) * 5
    return [
        *map(_text, texts),
        entry.segments,
        *map(_text, (entry.cost, entry.currency)),
        entry.attempts,
        *map(_text, (entry.run, entry.intended_at, entry.at, *last, *delivery)),
    ]


def _text(value: str | None) -> str:
    """On one line; with an apostrophe before what would be a formula, as spreadsheets themselves write it."""
    text = neutral(value or "")
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _lines(rows: list[list[str | int]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().removesuffix("\n")
