"""Findings beside the lines that they are about."""

from collections.abc import Iterator, Sequence

from runner.findings import Finding, Place, Severity, Source
from runner.output.findings_text import masked_line
from runner.pages import Content, Html, badge, element, joined

from .told import Fault, Scene, Told

MOST = 60  # that are shown one by one
FIRST = 3  # that are seen at once
_AROUND = 2  # lines above and below
_WIDEST = 240
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def errors(scene: Scene) -> Html:
    """What is wrong now; empty where nothing is."""
    told = scene.latest
    return joined(
        fault(scene.fault) if scene.fault is not None else None,
        findings(told, "Errors", [each for each in told.findings if _is_error(each)]) if told is not None else None,
    )


def rest(told: Told) -> Html:
    """What else there is to know: warnings, what a send would refuse, what was not checked."""
    others = [each for each in told.findings if not _is_error(each)]
    return joined(notes(told), findings(told, "Warnings", others))


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def fault(wrong: Fault) -> Html:
    return element(
        "div",
        badge("error"),
        element(
            "div", element("p", element("strong", wrong.message)), element("p", wrong.hint) if wrong.hint else None
        ),
        class_="notice bad",
        role="alert",
    )


def notes(told: Told) -> Iterator[Html]:
    """What a send would refuse, and what nobody looked at."""
    for name, lines, tone in (("Would be refused", told.refusals, "bad"), ("Not checked", told.not_checked, "calm")):
        if lines:
            items = (element("li", line) for line in lines)
            yield element(
                "div", element("strong", name), element("ul", *items), class_=f"notice {tone}", aria_label=name
            )


def findings(told: Told, name: str, found: Sequence[Finding]) -> Html | None:
    if not found:
        return None
    ranked = sorted(found, key=lambda each: _RANKS[each.severity])
    sources: dict[str, Source] = {}
    shown = [
        element("li", _finding(each, told, sources), class_=f"card finding {each.severity.value}")
        for each in ranked[:MOST]
    ]
    more = len(ranked) - len(shown)
    return element(
        "section",
        element("h2", name, class_="hidden-text"),
        element("ol", *shown[:FIRST], class_="findings"),
        _folded(shown[FIRST:]),
        element("p", f"{more:,} more: flypast validate {told.path}", class_="soft") if more else None,
        aria_label=name,
    )


def _folded(rest: Sequence[Html]) -> Html | None:
    """Not to push the messages out of sight."""
    if not rest:
        return None
    return element("details", element("summary", f"{len(rest):,} more"), element("ol", *rest, class_="findings"))


def _finding(finding: Finding, told: Told, sources: dict[str, Source]) -> Html:
    place = finding.place
    if place.path in told.sources and place.path not in sources:
        sources[place.path] = told.sources[place.path]()
    source = sources.get(place.path)
    return joined(
        element(
            "div",
            badge(finding.severity.value),
            element("strong", finding.message, class_="what"),
            element("code", finding.code, class_="faint", title=f"flypast explain {finding.code}"),
            class_="head",
        ),
        element("p", element("bdi", f"{place.path}:{place.line}:{place.column}", class_="mono"), class_="place"),
        _frame(place, source, told) if source is not None else None,
        element("p", element("span", "Fix: ", class_="word"), finding.hint, class_="fix") if finding.hint else None,
        element("p", f"see also {_places(finding.also)}", class_="also") if finding.also else None,
    )


def _places(places: Sequence[Place]) -> str:
    return ", ".join(f"{place.path}:{place.line}:{place.column}" for place in places[:5])


def _frame(place: Place, source: Source, told: Told) -> Html | None:
    """The lines around it, those that it is about marked."""
    if place.line > len(source.lines) or not source.lines[place.line - 1].strip():
        return None
    last = min(place.end_line, place.line + _AROUND)
    first, end = max(1, place.line - _AROUND), min(len(source.lines), last + _AROUND)
    lines = [_line(number, place, source, told) for number in range(first, end + 1)]
    return element(
        "div", element("ol", *lines), class_="frame", tabindex=0, role="region", aria_label=f"Lines of {place.path}"
    )


def _line(number: int, place: Place, source: Source, told: Told) -> Html:
    line = source.lines[number - 1].replace("\t", " ")
    if not told.shows_people and any(start <= number <= end for start, end in source.people):
        line = masked_line(line)
    is_meant = place.line <= number <= place.end_line
    start = place.column - 1 if number == place.line else len(line) - len(line.lstrip())
    end = place.end_column - 1 if number == place.end_line else len(line.rstrip())
    cut = max(0, start - _WIDEST // 2) if is_meant else 0
    return element(
        "li",
        element("span", str(number), class_="at", aria_hidden="true"),
        element("code", *_marked(line, cut, start, max(end, start + 1), is_meant=is_meant)),
        class_="meant" if is_meant else None,
    )


def _marked(line: str, cut: int, start: int, end: int, *, is_meant: bool) -> tuple[Content, ...]:
    last = cut + _WIDEST
    if not is_meant:
        return (line[cut:last],)
    inside = line[start : min(end, last)] or " "
    return (line[cut:start], element("mark", inside), line[start + len(inside) : last])
