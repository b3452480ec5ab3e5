"""A report as one page: charts as SVG, no script, nothing fetched, the same bytes for the same ledger."""

from collections.abc import Callable, Iterator, Sequence

from runner.pages import Html, badge, document, element, icon
from runner.report import Group, Run
from runner.report.times import OUT

from .markdown import cut
from .neutral import neutral
from .report_charts import bars, outcome_bar, pace_chart, thin_bar
from .report_delivery import delivery
from .report_parts import card, data, figure, rest, shown_name, table
from .report_text import buckets
from .report_told import LATENCY_IS, MEANING, STATES, ReportTold, costs, pace, share, shown_ms, shown_s, span
from .words import number

_MOST_ROWS = 100  # of a table
_MOST_CHARTS = 4  # of runs
_MOST_REASONS = 50
_MOST_SHOWN = 10  # of those in doubt


def report_html(told: ReportTold) -> str:
    """In ASCII, so that it is whole whatever standard output's encoding is."""
    page = document(f"Report: {neutral(told.what)}", _page(told), styles=("look.css", "report.css"))
    return page.rstrip("\n").encode("ascii", "xmlcharrefreplace").decode()


def _page(told: ReportTold) -> Html:
    parts = (_next, _outcomes, delivery, _failures, _doubts, _paces, _latency, _countries, _messages, _channels, _runs)
    shown = [part(told) for part in parts] if told.facts.total.messages else [_nothing()]
    foot = element("footer", "Made by ", element("code", "flypast report"), " from the ledger alone.", class_="foot")
    main = element("main", _figures(told), *shown, _not_known(told), class_="stack")
    return element("div", _top(told), main, foot, class_="page report")


def _top(told: ReportTold) -> Html:
    about = " · ".join(filter(None, (told.where, told.when)))
    names = element("div", element("h1", data(told.what)), element("p", neutral(about), class_="soft"), class_="names")
    return element("header", icon(), names, class_="top")


def _nothing() -> Html:
    return element("p", "The ledger holds nothing of this yet: nothing was sent from it.", class_="notice note")


def _figures(told: ReportTold) -> Html:
    total = told.facts.total
    shown = [figure("Messages", f"{total.messages:,}", _countries_of(told))]
    for outcome, words in STATES.items():
        count = total.counts[outcome]
        if count or outcome in ("accepted", "rejected", "inDoubt"):
            shown.append(
                figure(words.capitalize(), f"{count:,}", share(count, total.messages), outcome if count else "")
            )
    if told.facts.looked_at is not None:
        delivered, accepted = total.deliveries.get("delivered", 0), total.counts["accepted"]
        shown.append(figure("Delivered", f"{delivered:,}", f"{share(delivered, accepted)} of those accepted"))
    if total.segments:
        shown.append(figure("Segments", f"{total.segments:,}", "of what was accepted"))
    if total.costs:
        amount, _, currency = costs(total.costs).rpartition(" ")
        words = f"{currency}, {'at least' if total.unpriced else 'about'}"
        shown.append(figure("Cost", amount, f"{words}, of what was accepted"))
    return element("dl", *shown, class_="figures")


def _countries_of(told: ReportTold) -> str:
    return number(sum(bool(group.names[0]) for group in told.facts.countries), "country", "countries")


def _next(told: ReportTold) -> Html | None:
    """What is pressing stands first."""
    steps = list(told.next_steps())
    if not steps:
        return None
    lines = [element("li", element("code", neutral(step.command)), element("span", step.does)) for step in steps]
    tone = "doubt" if told.facts.doubts.total else "note"
    return element(
        "section",
        element("div", element("h2", "What to do next"), element("ol", *lines, class_="steps"), class_="grows"),
        class_=f"notice {tone}",
    )


def _outcomes(told: ReportTold) -> Html:
    total = told.facts.total
    rows = [
        (
            badge(outcome),
            f"{total.counts[outcome]:,}",
            share(total.counts[outcome], total.messages),
            element("span", MEANING[outcome], class_="soft words"),
        )
        for outcome in STATES
        if total.counts[outcome]
    ]
    more = []
    if total.doubtful_costs:
        words = f"{costs(total.doubtful_costs)} more if what is in doubt went out."
        more.append(element("p", words, class_="soft small inside-line"))
    outcomes = table(("Outcome", "Messages", "Share", "Means"), rows, numbers=(1, 2), name="Outcomes")
    return card("Outcomes", element("div", outcome_bar(total.counts), class_="chart"), outcomes, *more)


def _failures(told: ReportTold) -> Html | None:
    most = max((each.count for each in told.facts.failures), default=0)
    rows = [
        (
            f"{each.count:,}",
            thin_bar(each.count, most, "bad"),
            element("code", neutral(each.code)),
            (data(cut(each.words)), " ", element("span", "can pass: retry", class_="badge note"))
            if told.can_pass(each)
            else data(cut(each.words)),
        )
        for each in told.facts.failures[:_MOST_REASONS]
    ]
    reasons = table(("Messages", "", "Code", "Bird's words"), rows, numbers=(0,), name="Why Bird rejected")
    return (
        card("Why Bird rejected", reasons, rest(len(told.facts.failures) - _MOST_REASONS, "reason")) if rows else None
    )


def _doubts(told: ReportTold) -> Html | None:
    doubts = told.facts.doubts
    if not doubts.total:
        return None
    reasons = [(f"{count:,}", data(cut(words))) for words, count in doubts.reasons[:_MOST_REASONS]]
    first = [
        (
            badge(entry.state.value),
            element("bdi", told.to(entry), class_="mono"),
            data(f"{entry.manifest} {entry.message}"),
            element("code", neutral(entry.key)),
        )
        for entry in doubts.shown[:_MOST_SHOWN]
    ]
    words = "" if doubts.total == len(first) else f": the first {len(first):,} of {doubts.total:,}"
    return card(
        "In doubt",
        table(("Messages", "Why"), reasons, numbers=(0,), name="Why in doubt"),
        rest(len(doubts.reasons) - _MOST_REASONS, "reason"),
        element("h3", f"Who{words}", class_="between"),
        table(("State", "To", "Message", "Key, for flypast resolve --key"), first, name="Messages in doubt"),
    )


def _paces(told: ReportTold) -> Html | None:
    """The latest runs that took a while; all of them stand in a table of their own."""
    runs = [run for run in told.facts.runs if len(run.series.steps) > 1 or run is told.facts.runs[0]][:_MOST_CHARTS]
    if not runs:
        return None
    legend = element("p", *(badge(name) for name in OUT if told.facts.total.counts[name]), class_="legend")
    return card(
        "Rate over time",
        element("div", *map(_pace, runs), class_="charts"),
        legend,
        head="requests, by when they went out and what they became",
    )


def _pace(run: Run) -> Html:
    series = run.series
    began, ended = shown_s(series.first_ms / 1000), shown_s(series.last_ms / 1000)
    words = f"{began} UTC: {number(series.total, 'message')}, {pace(series)}"
    caption = element("figcaption", words, class_="small")
    label = f"Messages in each {span(series.width_s)} from {began} to {ended} UTC, {series.total:,} in all"
    return element("figure", caption, pace_chart(series, label))


def _latency(told: ReportTold) -> Html | None:
    latency = told.facts.latency
    if not latency.count:
        return None
    points = [*latency.percentiles.items(), ("most", latency.most_ms or 0)]
    facts = element("dl", *(figure(name, shown_ms(value), "") for name, value in points), class_="figures plain")
    rows = [(words, count, share(count, latency.count)) for words, count in buckets(latency)]
    untimed = f" {number(latency.untimed, 'message')} without times that can be read." if latency.untimed else ""
    about = element("p", f"{LATENCY_IS[0].upper()}{LATENCY_IS[1:]}.{untimed}", class_="soft small inside-line")
    chart = bars(rows, f"How long {latency.count:,} messages took")
    return card(
        "Latency",
        facts,
        element("div", element("figure", chart), class_="charts"),
        about,
        head="from intent to outcome",
    )


def _countries(told: ReportTold) -> Html:
    return _groups(told.facts.countries, "Countries", ("Country",), lambda names: (names[0] or "unknown",))


def _messages(told: ReportTold) -> Html:
    """A column that says the same in every row says nothing."""
    groups = told.facts.messages
    heads = ("Manifest", "Edition", "Message")
    kept = [index for index in range(3) if index == 2 or len({group.names[index] for group in groups}) > 1]
    return _groups(
        groups, "Messages", [heads[index] for index in kept], lambda names: tuple(names[index] for index in kept)
    )


def _channels(told: ReportTold) -> Html:
    workspaces = {group.names[0] for group in told.facts.channels}
    if len(workspaces) > 1:
        return _groups(told.facts.channels, "Channels", ("Workspace", "Channel"), tuple)
    head = f"workspace {neutral(workspaces.pop())}"
    return _groups(told.facts.channels, "Channels", ("Channel",), lambda names: names[1:], head=head)


def _groups(
    groups: Sequence[Group],
    title: str,
    names: Sequence[str],
    name: Callable[[tuple[str, ...]], tuple[str, ...]],
    *,
    head: str = "",
) -> Html:
    most = max((group.standing.messages for group in groups), default=0)
    bar = ("",) if len(groups) > 1 else ()  # of one alone it says nothing
    heads = (*names, *bar, "Messages", "Accepted", "Rejected", "In doubt", "Other", "Segments", "Cost")
    rows = [
        (
            *map(shown_name, name(group.names)),
            *(thin_bar(group.standing.messages, most, "note") for _ in bar),
            *_cells(group),
        )
        for group in groups[:_MOST_ROWS]
    ]
    numbers = range(len(names) + len(bar), len(heads))
    left = rest(len(groups) - _MOST_ROWS, "row")
    return card(title, table(heads, rows, numbers=numbers, name=title), left, head=head)


def _cells(group: Group) -> Iterator[str]:
    standing, counts = group.standing, group.standing.counts
    other = counts["planned"] + counts["dropped"]
    shown = (standing.messages, *(counts[outcome] for outcome in OUT), other, standing.segments)
    yield from (f"{count:,}" if count else "–" for count in shown)
    yield costs(standing.costs) or "–"


def _runs(told: ReportTold) -> Html | None:
    rows = [
        (
            element("span", f"{shown_s(run.series.first_ms / 1000)} UTC", class_="when"),
            element("code", neutral(run.name)),
            data(", ".join(run.manifests)),
            pace(run.series),
            f"{run.series.total:,}",
        )
        for run in told.facts.runs[:_MOST_ROWS]
    ]
    left = len(told.facts.runs) - _MOST_ROWS + told.facts.runs_left_out
    heads = ("Began", "Run", "Manifest", "Pace", "Messages")
    return card("Runs", table(heads, rows, numbers=(4,), name="Runs"), rest(left, "run")) if rows else None


def _not_known(told: ReportTold) -> Html | None:
    lines = [element("li", f"{words[0].upper()}{words[1:]}.") for words in told.facts.not_known]
    if not lines:
        return None
    return card("What is not known", element("ul", *lines, class_="inside lines soft"))
