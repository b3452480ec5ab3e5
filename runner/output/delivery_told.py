"""Bird's delivery statuses of accepted messages, in the words of every form."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runner.ledger.deliveries import BUCKETS, Delivery
from runner.states import Tone

from .report_told import share
from .sheet import Sheet

WORDS: Mapping[str, str] = {
    "delivered": "delivered",
    "sent": "sent",
    "processing": "processing",
    "scheduled": "scheduled",
    "accepted": "accepted",
    "delivery_failed": "delivery failed",
    "sending_failed": "sending failed",
    "rejected": "rejected",
    "skipped": "skipped",
    "deleted": "deleted",
    "other": "other",
    "notLookedUp": "not looked up",
}
MEANING: Mapping[str, str] = {
    "delivered": "it reached the phone, as the carrier says",
    "sent": "handed over to the carrier; some carriers never say more",
    "processing": "Bird is at it",
    "scheduled": "waits at Bird for its time",
    "accepted": "Bird took it, and has not begun",
    "delivery_failed": "handed over, and not delivered",
    "sending_failed": "could not be handed over",
    "rejected": "Bird took it, and refused it afterwards",
    "skipped": "Bird did not send it on purpose: a cap, a holdout or a suppression",
    "deleted": "deleted at Bird before it had an end",
    "other": "in a word that this flypast does not know",
    "notLookedUp": "nobody has asked Bird yet, or Bird does not list it",
}
TONES: Mapping[str, Tone] = {
    "delivered": "good",
    "sent": "note",
    "processing": "note",
    "scheduled": "note",
    "accepted": "note",
    "delivery_failed": "bad",
    "sending_failed": "bad",
    "rejected": "bad",
    "skipped": "calm",
    "deleted": "calm",
    "other": "doubt",
    "notLookedUp": "calm",
}
_BAR_AT = 39  # where bars begin


def rows(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Those that there are, in their order."""
    return ((bucket, count) for bucket in BUCKETS if (count := counts.get(bucket, 0)))


def lines(counts: Mapping[str, int], sheet: Sheet) -> Iterator[str]:
    """With bars, where there is room."""
    shown = list(rows(counts))
    most = max((count for _, count in shown), default=0)
    total = sum(count for _, count in shown)
    for bucket, count in shown:
        bar = sheet.tone(TONES[bucket], sheet.bar(count, most, at=_BAR_AT))
        yield sheet.line(f"{WORDS[bucket]:15}{count:>11,}  {share(count, total):>7}  {bar}".rstrip(), indent=2)


def counts_json(counts: Mapping[str, int]) -> dict[str, int]:
    """All of them; they add up to what was accepted."""
    return {bucket: counts.get(bucket, 0) for bucket in BUCKETS}


def delivery_json(delivery: Delivery | None) -> dict[str, Any] | None:
    """Of one message; null where nobody has asked, or Bird does not list it."""
    if delivery is None:
        return None
    return {
        "status": delivery.status,
        "at": delivery.at,
        "code": delivery.code,
        "source": delivery.source,
        "lookedAt": delivery.looked_at,
    }


def last(times: Iterable[str | None]) -> str | None:
    """The latest; None where there is none."""
    return max((time for time in times if time is not None), default=None)
