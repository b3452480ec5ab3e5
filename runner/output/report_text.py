"""A report for a terminal, as wide as that is."""

from collections.abc import Callable, Iterator, Sequence

from runner.report import Facts, Group
from runner.report.times import BOUNDS_MS, Latency

from .delivery_told import WORDS as DELIVERY
from .delivery_told import lines
from .neutral import neutral
from .report_told import STATES, Next, ReportTold, costs, pace, share, shown_ms, shown_s, size
from .sheet import Sheet
from .tables import Column, states, table
from .words import number

_SHOWN = 12  # rows of a table
_BAR_AT, _LATENCY_AT = 33, 24  # where bars begin


def report_text(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    facts = told.facts
    title = f"{sheet.bold(neutral(told.what))}: {number(facts.total.messages, 'message')}, {neutral(told.where)}"
    yield sheet.line(title)
    if told.when:
        yield sheet.line(sheet.dim(told.when))
    if facts.total.messages:
        for part in (_outcomes, _delivery, _doubts, _failures, _messages, _countries, _runs, _latency):
            yield from _titled(part(told, sheet), sheet)
    yield from sheet.section("What is not known", (sheet.line(neutral(words), indent=2) for words in facts.not_known))
    yield from sheet.section("Next", (line for step in told.next_steps() for line in _step(step, sheet)))


def _titled(lines: Iterator[str], sheet: Sheet) -> Iterator[str]:
    """The first of them is the title; a part that says nothing has none."""
    title = next(lines, "")
    yield from sheet.section(title, lines)


def _step(step: Next, sheet: Sheet) -> Iterator[str]:
    """A command is never broken: somebody copies it."""
    yield f"  {sheet.tone('note', neutral(step.command))}"
    yield sheet.line(step.does, indent=6, rest=6)


def _outcomes(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    yield "Outcomes"
    total = told.facts.total
    most = max(total.counts.values())
    for outcome, words in STATES.items():
        count = total.counts[outcome]
        if count:
            bar = sheet.state(outcome, sheet.bar(count, most, at=_BAR_AT))
            yield sheet.line(f"{words:9}{count:>11,}  {share(count, total.messages):>7}  {bar}".rstrip(), indent=2)
    if size(total):
        yield sheet.line(f"{size(total)} for what was accepted", indent=2)
    if total.doubtful_costs:
        yield sheet.line(f"{costs(total.doubtful_costs)} more if what is in doubt went out", indent=2)


def _delivery(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    yield f"Delivery, of those accepted: {told.looked}"
    yield from lines(told.facts.total.deliveries, sheet)
    ends = told.facts.undelivered
    for end in ends[:_SHOWN]:
        said = " ".join(filter(None, (DELIVERY[end.status], end.code, end.source and f"({end.source})")))
        words = neutral(f"{said}: {told.meaning(end)}".removesuffix(": "))
        yield _counted(end.count, end.status, words, sheet)
    yield from _more(len(ends), "reason", sheet)


def _doubts(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    doubts = told.facts.doubts
    yield "In doubt"
    for words, count in doubts.reasons[:_SHOWN]:
        yield _counted(count, "inDoubt", neutral(words), sheet)
    yield from _more(len(doubts.reasons), "reason", sheet)


def _failures(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    failures = told.facts.failures
    yield "Rejected by Bird"
    for failure in failures[:_SHOWN]:
        passes = ", can pass: flypast retry" if told.can_pass(failure) else ""
        words = f"{neutral(failure.code)} {neutral(failure.words)}".rstrip() + passes
        yield _counted(failure.count, "rejected", words, sheet)
    yield from _more(len(failures), "reason", sheet)


def _messages(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    yield "Messages"
    yield from _groups(told.facts.messages, sheet, lambda names: _name(names, told.facts))


def _name(names: tuple[str, ...], facts: Facts) -> str:
    manifest, edition, message = names
    is_one = facts.manifest or len({group.names[0] for group in facts.messages}) == 1
    words = message if is_one else f"{manifest} {message}"
    return words if edition == "1" else f"{words} ({edition})"


def _countries(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    yield "Countries"
    yield from _groups(told.facts.countries, sheet, lambda names: names[0] or "unknown")


def _groups(groups: Sequence[Group], sheet: Sheet, name: Callable[[tuple[str, ...]], str]) -> Iterator[str]:
    outcomes = ("accepted", "rejected", "inDoubt", "planned", "dropped")
    rows = [
        (
            neutral(name(group.names)),
            [
                *(group.standing.counts[outcome] for outcome in outcomes),
                group.standing.segments,
            ],
        )
        for group in groups[:_SHOWN]
    ]
    yield from table([*states(*outcomes), Column("segments")], rows, sheet)
    yield from _more(len(groups), "row", sheet)


def _runs(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    yield "Runs"
    for run in told.facts.runs[:_SHOWN]:
        began = shown_s(run.series.first_ms / 1000)
        said = f"{began} UTC  {number(run.series.total, 'message')}, {pace(run.series)}"
        yield sheet.line(said, indent=2, rest=4)
    yield from _more(len(told.facts.runs) + told.facts.runs_left_out, "run", sheet)


def _latency(told: ReportTold, sheet: Sheet) -> Iterator[str]:
    latency = told.facts.latency
    if not latency.count:
        return
    points = ", ".join(f"{name} {shown_ms(value)}" for name, value in latency.percentiles.items())
    yield "Latency, from intent to outcome"
    yield sheet.line(f"{points}, {shown_ms(latency.most_ms or 0)} at most", indent=2)
    most = max(latency.buckets)
    for words, count in buckets(latency):
        yield sheet.line(f"{words:>9}{count:>11,}  {sheet.bar(count, most, at=_LATENCY_AT)}".rstrip(), indent=2)


def buckets(latency: Latency) -> Iterator[tuple[str, int]]:
    """From the first that something fell into to the last: `≤ 50 ms`."""
    words = [*(f"≤ {shown_ms(bound)}" for bound in BOUNDS_MS), f"> {shown_ms(BOUNDS_MS[-1])}"]
    filled = [index for index, count in enumerate(latency.buckets) if count]
    yield from list(zip(words, latency.buckets, strict=True))[filled[0] : filled[-1] + 1] if filled else ()


def _counted(count: int, state: str, words: str, sheet: Sheet) -> str:
    return sheet.line(f"{sheet.state(state, f'{count:,}')}: {words}", indent=2)


def _more(count: int, noun: str, sheet: Sheet) -> Iterator[str]:
    if count > _SHOWN:
        yield sheet.line(f"… and {number(count - _SHOWN, noun)} more: --format json has all", indent=2)
