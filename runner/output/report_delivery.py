"""What Bird said became of accepted messages, as a part of a report's page."""

from runner.pages import Html, badge, element

from .delivery_told import MEANING, TONES, WORDS, rows
from .neutral import neutral
from .report_charts import stacked_bar, thin_bar
from .report_parts import card, rest, table
from .report_told import ReportTold, share

_MOST_REASONS = 50


def delivery(told: ReportTold) -> Html | None:
    deliveries = told.facts.total.deliveries
    total = sum(deliveries.values())
    if not total:
        return None
    shown = list(rows(deliveries))
    counts = [
        (
            badge(WORDS[bucket], tone=TONES[bucket]),
            f"{count:,}",
            share(count, total),
            element("span", MEANING[bucket], class_="soft words means"),
        )
        for bucket, count in shown
    ]
    bar = stacked_bar([(WORDS[bucket], count, TONES[bucket]) for bucket, count in shown])
    return card(
        "Delivery",
        element("div", bar, class_="chart"),
        table(("Status", "Messages", "Share", "Means"), counts, numbers=(1, 2), name="Delivery"),
        *_failures(told),
        head=f"of the {total:,} accepted: {told.looked}",
    )


def _failures(told: ReportTold) -> tuple[Html | None, ...]:
    ends = told.facts.undelivered
    if not ends:
        return ()
    most = max(end.count for end in ends)
    reasons = [
        (
            f"{end.count:,}",
            thin_bar(end.count, most, TONES[end.status]),
            badge(WORDS[end.status], tone=TONES[end.status]),
            element("code", neutral(end.code)) if end.code else "–",
            element("code", neutral(end.source)) if end.source else "–",
            element("span", told.meaning(end), class_="soft words means"),
        )
        for end in ends[:_MOST_REASONS]
    ]
    heads = ("Messages", "", "Status", "Code", "Who says so", "Means")
    return (
        element("h3", "Why not delivered", class_="between"),
        table(heads, reasons, numbers=(0,), name="Why not delivered"),
        rest(len(ends) - _MOST_REASONS, "reason"),
    )
