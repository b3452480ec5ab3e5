"""A report for a comment or a job's summary: Markdown that means nothing but what it says, never too long."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from runner.report import Group

from .delivery_told import MEANING as DELIVERY_MEANS
from .delivery_told import WORDS as DELIVERY
from .delivery_told import rows as rows_of
from .markdown import MOST, code, cut, fitting, inert, page, size
from .report_text import buckets
from .report_told import LATENCY_IS, MEANING, STATES, ReportTold, costs, pace, share, shown_ms, shown_s
from .words import number

_MOST_ROWS = 100  # of a table


def report_markdown(told: ReportTold, most: int = MOST) -> str:
    parts = (_head, _outcomes, _next, _delivery, _failures, _doubts, _messages, _countries, _runs, _latency, _not_known)
    return page([partial(part, told) for part in parts], most)


def _head(told: ReportTold, _room: int) -> str:
    lines = [f"## {inert(cut(told.what))}: {number(told.facts.total.messages, 'message')}"]
    return "\n\n".join([*lines, inert(cut(" · ".join(filter(None, (told.where, told.when)))))])


def _outcomes(told: ReportTold, room: int) -> str:
    total = told.facts.total
    rows = [
        f"| {words} | {total.counts[outcome]:,} | {share(total.counts[outcome], total.messages)} | {MEANING[outcome]} |"
        for outcome, words in STATES.items()
        if total.counts[outcome]
    ]
    sums = [number(total.segments, "segment")] if total.segments else []
    if total.costs:
        sums.append(f"{'at least' if total.unpriced else 'about'} {costs(total.costs)} for what was accepted")
    if total.doubtful_costs:
        sums.append(f"{costs(total.doubtful_costs)} more for what is in doubt if it went out")
    table = _table("| | messages | share | |\n|---|--:|--:|---|", rows, room - 400, "outcome")
    return "\n\n".join(filter(None, (table, inert(", ".join(sums)))))


def _next(told: ReportTold, room: int) -> str:
    rows = [f"- {code(step.command)} {inert(step.does)}" for step in told.next_steps()]
    return _titled("Next", fitting(rows, room - 40, _rest("line"))) if rows else ""


def _delivery(told: ReportTold, room: int) -> str:
    """Of those accepted; where Bird gives codes of failures, those too."""
    deliveries = told.facts.total.deliveries
    total = sum(deliveries.values())
    if not total:
        return ""
    shown = [
        f"| {DELIVERY[bucket]} | {count:,} | {share(count, total)} | {DELIVERY_MEANS[bucket]} |"
        for bucket, count in rows_of(deliveries)
    ]
    table = _table("| | messages | share | |\n|---|--:|--:|---|", shown, room - 300, "status")
    ends = [
        f"| {each.count:,} | {DELIVERY[each.status]} | {code(each.code) if each.code else ''} | "
        f"{inert(each.source or '')} | {inert(told.meaning(each))} |"
        for each in told.facts.undelivered
    ]
    heads = "| messages | status | code | who says so | means |\n|--:|---|---|---|---|"
    failed = _table(heads, ends, room - size(table) - 300, "reason")
    return _titled(f"Delivery of those accepted, {inert(told.looked)}", [table, *(("", failed) if failed else ())])


def _failures(told: ReportTold, room: int) -> str:
    rows = [
        f"| {each.count:,} | {code(cut(each.code, 60))} | {inert(cut(each.words))} | "
        f"{'can pass: ' + code('flypast retry') if told.can_pass(each) else ''} |"
        for each in told.facts.failures
    ]
    return _headed("Rejected by Bird", "| messages | code | Bird's words | |\n|--:|---|---|---|", rows, room, "reason")


def _doubts(told: ReportTold, room: int) -> str:
    rows = [f"| {count:,} | {inert(cut(words))} |" for words, count in told.facts.doubts.reasons]
    return _headed("In doubt", "| messages | why |\n|--:|---|", rows, room, "reason")


def _messages(told: ReportTold, room: int) -> str:
    def name(names: tuple[str, ...]) -> str:
        manifest, edition, message = (inert(cut(each, 100)) for each in names)
        return f"{manifest} | {message} | {edition}"

    rows = _rows(told.facts.messages, name)
    heads = "| manifest | message | edition | accepted | rejected | in doubt | other | segments | cost |"
    return _headed("Messages", f"{heads}\n|---|---|---|--:|--:|--:|--:|--:|--:|", rows, room, "row")


def _countries(told: ReportTold, room: int) -> str:
    rows = _rows(told.facts.countries, lambda names: inert(cut(names[0], 20)) or "unknown")
    heads = "| country | accepted | rejected | in doubt | other | segments | cost |"
    return _headed("Countries", f"{heads}\n|---|--:|--:|--:|--:|--:|--:|", rows, room, "row")


def _rows(groups: Sequence[Group], name: Callable[[tuple[str, ...]], str]) -> Iterator[str]:
    for group in groups:
        standing, counts = group.standing, group.standing.counts
        cells = [
            *(counts[outcome] for outcome in ("accepted", "rejected", "inDoubt")),
            counts["planned"] + counts["dropped"],
            standing.segments,
        ]
        shown = " | ".join(f"{count:,}" if count else "-" for count in cells)
        yield f"| {name(group.names)} | {shown} | {inert(costs(standing.costs)) or '-'} |"


def _runs(told: ReportTold, room: int) -> str:
    rows = [
        f"| {inert(shown_s(run.series.first_ms / 1000))} | {run.series.total:,} | {pace(run.series)} |"
        for run in told.facts.runs
    ]
    return _headed("Runs", "| began (UTC) | messages | pace |\n|---|--:|---|", rows, room, "run")


def _latency(told: ReportTold, room: int) -> str:
    latency = told.facts.latency
    if not latency.count:
        return ""
    points = ", ".join(f"{name} {shown_ms(value)}" for name, value in latency.percentiles.items())
    rows = [f"| {words} | {count:,} | {share(count, latency.count)} |" for words, count in buckets(latency)]
    table = _table("| took | messages | share |\n|---|--:|--:|", rows, room - 500, "row")
    return _titled("Latency", [f"{points}, {shown_ms(latency.most_ms or 0)} at most: {LATENCY_IS}.", "", table])


def _not_known(told: ReportTold, room: int) -> str:
    rows = [f"- {inert(cut(words))}" for words in told.facts.not_known]
    if not rows:
        return ""
    return _titled("What is not known", fitting(rows, room - 60, _rest("line")))


def _headed(title: str, heads: str, rows: Iterable[str], room: int, noun: str) -> str:
    table = _table(heads, list(rows), room - size(title) - 8, noun)
    return _titled(title, [table]) if table else ""


def _titled(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"### {title}", "", *lines])


def _table(heads: str, rows: Sequence[str], room: int, noun: str) -> str:
    """`heads` are two lines: the names of the columns, and the one that Markdown wants below them."""
    if not rows:
        return ""
    beyond = max(0, len(rows) - _MOST_ROWS)
    kept = fitting(rows[:_MOST_ROWS], room - size(heads) - 1, _rest(noun), beyond=beyond)
    return "\n".join([heads, *kept])


def _rest(noun: str) -> Callable[[int], str]:
    return lambda left: f"\n{number(left, noun)} more: `flypast report --format json` has all"
