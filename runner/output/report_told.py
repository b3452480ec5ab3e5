"""A report of the ledger in every form: what all forms say in the same words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit

from runner.ledger.seam import Entry
from runner.prices import money
from runner.report import Facts, Failure, Standing, Undelivered
from runner.report.times import Series

from .masking import recipient
from .words import number

STATES: Mapping[str, str] = {
    "accepted": "accepted",
    "rejected": "rejected",
    "inDoubt": "in doubt",
    "planned": "planned",
    "dropped": "dropped",
}
MEANING: Mapping[str, str] = {
    "accepted": "Bird took them",
    "rejected": "Bird refused them",
    "inDoubt": "nobody knows whether they went out",
    "planned": "proven not to have gone out; the next send takes them",
    "dropped": "somebody decided never to send them",
}
LATENCY_IS = (
    "from the intent, which the ledger holds before the first byte goes out, to the outcome in the ledger: connecting, "
    "Bird's answer and both commits; one that was in doubt counts until a look found it"
)


class Next(NamedTuple):
    """A command that goes on from here, and what it does."""

    command: str
    does: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTold:
    """`passing` are the codes whose reason can pass; `asked` is what follows a command's name to ask of the same.

    `meanings` are what Bird's documentation says of codes of failures.
    """

    facts: Facts
    passing: frozenset[str]
    asked: str
    show_pii: bool
    meanings: Mapping[str, str] = field(default_factory=dict)

    @property
    def what(self) -> str:
        return self.facts.manifest or "all manifests"

    @property
    def where(self) -> str:
        """`ledger acme-prod, api.bird.com`: never a path, as the report goes elsewhere."""
        name = f"ledger {self.facts.ledger}" if self.facts.ledger else "a ledger without a name"
        return f"{name}, {urlsplit(self.facts.origin).netloc or self.facts.origin}"

    @property
    def when(self) -> str:
        """From the first intent to the last change; empty where there is nothing."""
        first, last = shown_time(self.facts.first_at), shown_time(self.facts.last_at)
        if not first or not last:
            return ""
        return f"{first} to {last[11:] if last[:10] == first[:10] else last} UTC"

    def to(self, entry: Entry) -> str:
        return recipient(entry.address, show_pii=self.show_pii) or "purged"

    def can_pass(self, failure: Failure) -> bool:
        return failure.code in self.passing

    @property
    def looked(self) -> str:
        """`last looked up 2026-03-01 09:00:07 UTC`."""
        looked_at = shown_time(self.facts.looked_at)
        return f"last looked up {looked_at} UTC" if looked_at else "Bird was not asked yet"

    def meaning(self, end: Undelivered) -> str:
        return self.meanings.get(end.code or "", "no code" if end.code is None else "")

    def next_steps(self) -> Iterator[Next]:
        """What to do, the most pressing first."""
        doubts, counts = self.facts.doubts, self.facts.total.counts
        if unknown := doubts.sending + doubts.waiting:
            yield Next(
                f"flypast reconcile{self.asked}", f"looks {number(unknown, 'message')} up at Bird; sends nothing"
            )
        if decided := doubts.absent + doubts.doubled:
            yield Next(
                f"flypast resolve{self.asked}",
                f"lists {number(decided, 'message')} that somebody must decide about, with --resend or --drop",
            )
        whose = self.asked if self.facts.manifest else f" MANIFEST{self.asked}"
        if passing := sum(failure.count for failure in self.facts.failures if self.can_pass(failure)):
            yield Next(
                f"flypast retry{whose} --dry-run",
                f"plans {number(passing, 'rejected message')} again, as the reason can pass",
            )
        if planned := counts["planned"]:
            yield Next(
                f"flypast plan{whose}", f"shows what a send would take; {number(planned, 'message')} did not go out"
            )
        if waiting := self.facts.total.not_final:
            accepted = number(waiting, "accepted message")
            yield Next(f"flypast status{self.asked} --refresh", f"asks Bird what became of {accepted}; sends nothing")


def share(count: int, total: int) -> str:
    """`98.0 %`; neither 0 % of some nor 100 % of not all."""
    if not total:
        return "-"
    percent = round(1000 * count / total)
    percent = max(percent, 1) if count else 0
    percent = min(percent, 999) if count < total else percent
    return f"{percent / 10:.1f} %"


def shown_time(text: str | None) -> str:
    """`2026-03-01 09:00:07`; what can't be read is not shown."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S}" if text else ""
    except (ValueError, OverflowError):
        return ""


def shown_s(unix_s: float) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M:%S}"


def shown_ms(milliseconds: int) -> str:
    """`80 ms`, `1.25 s`, `3 min`."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds <= 60_000:
        return f"{milliseconds / 1000:.2f}".rstrip("0").rstrip(".") + " s"
    return span(milliseconds // 1000)


def span(seconds: int) -> str:
    """`5 s`, `15 min`, `6 h`, `7 d`: exact where it is whole."""
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds} s"


def per_s(rate: float) -> str:
    """`12.5/s`, `3.2/min`."""
    return f"{rate:,.1f}/s" if rate >= 1 else f"{rate * 60:,.1f}/min"


def pace(series: Series) -> str:
    """`104.4/s, at most 118.8/s`: on the average first. What took but a moment has neither."""
    words = [] if series.per_s is None else [per_s(series.per_s)]
    if len(series.steps) > 2:
        words.append(f"at most {per_s(series.peak_per_s)}")
    return ", ".join(words) or "at once"


def costs(amounts: Mapping[str, Decimal]) -> str:
    """`11.48 USD, 3.00 EUR`; empty where nothing has a price."""
    return ", ".join(money(amount, currency) for currency, amount in sorted(amounts.items()))


def size(standing: Standing) -> str:
    """`1,391 segments, about 11.48 USD` of what was accepted."""
    parts = [number(standing.segments, "segment")] if standing.segments else []
    if standing.costs:
        parts.append(f"{'at least' if standing.unpriced else 'about'} {costs(standing.costs)}")
    return ", ".join(parts)
