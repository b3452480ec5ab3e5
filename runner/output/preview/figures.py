"""The figures of a preview: how many, in how many parts, where to, for how much, for how long."""

from collections.abc import Iterator

from runner.findings import Severity
from runner.output.plan_characters import characters_headline, characters_told, sizes_text
from runner.output.plan_text import REASONS
from runner.output.sizes import cost_of
from runner.output.words import duration, listed, number, shortened
from runner.pages import Content, Html, element
from runner.plan import Plan

from .told import Told

Figure = tuple[str, Content, str]  # a name, the figure, and what is to be said of it


def figures(told: Told, latest: Told | None = None) -> Html:
    """Of the messages that are shown; the findings are those of the `latest` look, where that is another."""
    return element(
        "dl",
        *(
            element("div", element("dt", name), element("dd", value, element("small", more) if more else None))
            for name, value, more in _figures(told, latest or told)
        ),
        class_="figures",
    )


def _figures(told: Told, latest: Told) -> Iterator[Figure]:
    plan = told.plan
    if plan is None:
        yield "Messages", "unknown", "the manifest can't be read"
    else:
        yield "Messages", f"{plan.totals.new:,}", _skipped(plan)
        yield "Segments", f"{'≥ ' if plan.totals.templates else ''}{plan.totals.segments:,}", _sizes(plan)
        yield "Countries", *_countries(plan)
        yield "Cost", *_cost(plan)
        yield (
            "Takes",
            duration(plan.pace.seconds).replace("under a second", "< 1 s"),
            f"at up to {plan.pace.rate}" if plan.pace.rate else "without a limit",
        )
    yield "Findings", *_findings(latest)


def _skipped(plan: Plan) -> str:
    reasons = [f"{count:,} {REASONS.get(reason, reason)}" for reason, count in sorted(plan.totals.reasons.items())]
    return f"skipped: {', '.join(reasons)}" if reasons else "nobody is skipped"


def _sizes(plan: Plan) -> str:
    sizes = {size: count for size, count in plan.totals.sizes.items() if size}
    words = sizes_text(sizes) if sizes else "nothing is split"
    return f"{words}; a template may take more" if plan.totals.templates else words


def _countries(plan: Plan) -> tuple[str, str]:
    counts = plan.totals.countries
    if not counts:
        return "none", "no phone numbers"
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    return shortened(ranked), listed(counts) if len(counts) <= 8 else f"{listed(dict(counts.most_common(8)))}, …"


def _cost(plan: Plan) -> tuple[str, str]:
    if plan.currency is None:
        return "unknown", "no rate card (policy.prices)"
    if not plan.totals.new:
        return "nothing", ""
    missing = f"no price for {shortened(sorted(plan.totals.unpriced))}" if plan.totals.unpriced.total() else ""
    words = cost_of(plan.totals, plan.currency)
    if words.startswith("about "):
        return words.removeprefix("about "), "about, by the rate card"
    return words.replace("at least", "≥"), missing or "a template may take more"


def _findings(told: Told) -> tuple[Content, str]:
    counts = {severity: told.count(severity) for severity in Severity}
    if not any(counts.values()):
        return "none", "all is well"
    worst = next(severity for severity in Severity if counts[severity])
    rest = [number(counts[each], each.value) for each in Severity if each is not worst and counts[each]]
    address = "#findings" if worst is Severity.ERROR else "#notes"
    return element("a", number(counts[worst], worst.value), href=address, class_="plain"), ", ".join(rest)


def characters(told: Told) -> Html | None:
    """Which characters make texts UCS-2, in all of them; None where none does."""
    if told.plan is None or not told.plan.characters.messages:
        return None
    lines = characters_told(told.plan.characters)
    items: list[Content] = [element("li", line, element("small", more) if more else None) for line, more in lines]
    return element(
        "section",
        element("div", element("h2", characters_headline(told.plan.characters)), class_="head"),
        element("ul", *items, class_="inside lines"),
        class_="card",
        aria_label="Characters outside of GSM-7",
    )
