"""A report for a terminal, in 80 columns."""

from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap

from runner.report import Facts, Group
from runner.report.times import BOUNDS_MS, Latency

from .delivery_told import WORDS as DELIVERY
from .delivery_told import lines
from .neutral import neutral
from .palette import Palette
from .report_told import STATES, ReportTold, costs, pace, share, shown_ms, shown_s, size
from .tables import table
from .words import number

_SHOWN = 12  # rows of a table
_BAR = 24
_COLOURS = {"accepted": "green", "rejected": "red", "inDoubt": "yellow"}


def report_text(told: ReportTold, palette: Palette) -> Iterator[str]:
    facts = told.facts
    yield f"{palette.bold(neutral(told.what))}: {number(facts.total.messages, 'message')}, {neutral(told.where)}"
    if told.when:
        yield palette.dim(told.when)
    if facts.total.messages:
        for part in (_outcomes, _delivery, _doubts, _failures, _messages, _countries, _runs, _latency):
            yield from _titled(part(told, palette))
    unknown = [line for words in facts.not_known for line in _folded(neutral(words))]
    yield from _titled([palette.bold("What is not known"), *unknown])
    steps = list(told.next_steps())
    if steps:
        yield from _titled(
            [palette.bold("Next"), *(f"  {palette.blue(neutral(step.command))}\n      {step.does}" for step in steps)]
        )


def _titled(lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    """With a blank line above; nothing where there is only a title."""
    lines = list(lines)
    if len(lines) > 1:
        yield from ("", *lines)


def _outcomes(told: ReportTold, palette: Palette) -> Iterator[str]:
    yield palette.bold("Outcomes")
    total = told.facts.total
    most = max(total.counts.values())
    for outcome, words in STATES.items():
        count = total.counts[outcome]
        if count:
            bar = getattr(palette, _COLOURS.get(outcome, "dim"))("#" * max(1, round(_BAR * count / most)))
            yield f"  {words:9}{count:>11,}  {share(count, total.messages):>7}  {bar}"
    if size(total):
        yield f"  {size(total)} for what was accepted"
    if total.doubtful_costs:
        yield f"  {costs(total.doubtful_costs)} more if what is in doubt went out"


def _delivery(told: ReportTold, palette: Palette) -> Iterator[str]:
    yield palette.bold("Delivery") + palette.dim(f", of those accepted: {told.looked}")
    yield from lines(told.facts.total.deliveries, palette)
    ends = told.facts.undelivered
    for end in ends[:_SHOWN]:
        said = " ".join(filter(None, (DELIVERY[end.status], end.code, end.source and f"({end.source})")))
        yield from _counted(end.count, neutral(f"{said}: {told.meaning(end)}".removesuffix(": ")), palette.red)
    yield from _more(len(ends), "reason")


def _doubts(told: ReportTold, palette: Palette) -> Iterator[str]:
    doubts = told.facts.doubts
    yield palette.bold("In doubt")
    for words, count in doubts.reasons[:_SHOWN]:
        yield from _counted(count, neutral(words), palette.yellow)
    yield from _more(len(doubts.reasons), "reason")


def _failures(told: ReportTold, palette: Palette) -> Iterator[str]:
    failures = told.facts.failures
    yield palette.bold("Rejected by Bird")
    for failure in failures[:_SHOWN]:
        passes = ", can pass: flypast retry" if told.can_pass(failure) else ""
        words = f"{neutral(failure.code)} {neutral(failure.words)}".rstrip() + passes
        yield from _counted(failure.count, words, palette.red)
    yield from _more(len(failures), "reason")


def _messages(told: ReportTold, palette: Palette) -> Iterator[str]:
    yield palette.bold("Messages")
    yield from _groups(told.facts.messages, palette, lambda names: _name(names, told.facts))


def _name(names: tuple[str, ...], facts: Facts) -> str:
    manifest, edition, message = names
    words = message if facts.manifest else f"{manifest} {message}"
    return words if edition == "1" else f"{words} ({edition})"


def _countries(told: ReportTold, palette: Palette) -> Iterator[str]:
    yield palette.bold("Countries")
    yield from _groups(told.facts.countries, palette, lambda names: names[0] or "unknown")


def _groups(groups: Sequence[Group], palette: Palette, name: Callable[[tuple[str, ...]], str]) -> Iterator[str]:
    heads = ["accepted", "rejected", "in doubt", "other", "segments"]
    rows = [
        (
            neutral(name(group.names)),
            [
                *(group.standing.counts[outcome] for outcome in ("accepted", "rejected", "inDoubt")),
                group.standing.counts["planned"] + group.standing.counts["dropped"],
                group.standing.segments,
            ],
        )
        for group in groups[:_SHOWN]
    ]
    yield from table(heads, rows, palette)
    yield from _more(len(groups), "row")


def _runs(told: ReportTold, palette: Palette) -> Iterator[str]:
    yield palette.bold("Runs")
    for run in told.facts.runs[:_SHOWN]:
        began = shown_s(run.series.first_ms / 1000)
        yield f"  {began} UTC  {number(run.series.total, 'message')}, {pace(run.series)}"
    yield from _more(len(told.facts.runs) + told.facts.runs_left_out, "run")


def _latency(told: ReportTold, palette: Palette) -> Iterator[str]:
    latency = told.facts.latency
    if not latency.count:
        return
    points = ", ".join(f"{name} {shown_ms(value)}" for name, value in latency.percentiles.items())
    yield palette.bold("Latency") + palette.dim(", from intent to outcome")
    yield f"  {points}, {shown_ms(latency.most_ms or 0)} at most"
    most = max(latency.buckets)
    for words, count in buckets(latency):
        yield f"  {words:>9}{count:>11,}  {'#' * max(1, round(_BAR * count / most)) if count else ''}".rstrip()


def buckets(latency: Latency) -> Iterator[tuple[str, int]]:
    """From the first that something fell into to the last: `≤ 50 ms`."""
    words = [*(f"≤ {shown_ms(bound)}" for bound in BOUNDS_MS), f"> {shown_ms(BOUNDS_MS[-1])}"]
    filled = [index for index, count in enumerate(latency.buckets) if count]
    yield from list(zip(words, latency.buckets, strict=True))[filled[0] : filled[-1] + 1] if filled else ()


def _counted(count: int, words: str, paint: Callable[[str], str]) -> Iterator[str]:
    shown = f"{count:,}"
    first, *rest = _folded(words, first=f"  {shown}: ")
    yield first.replace(shown, paint(shown), 1)
    yield from rest


def _folded(words: str, *, first: str = "  ") -> list[str]:
    """In lines of a terminal that is as narrow as one may be."""
    return wrap(words, 79, initial_indent=first, subsequent_indent="    ", break_on_hyphens=False) or [first]


def _more(count: int, noun: str) -> Iterator[str]:
    if count > _SHOWN:
        yield f"  … and {number(count - _SHOWN, noun)} more: --format json has all"
