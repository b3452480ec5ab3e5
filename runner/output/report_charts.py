"""Charts as SVG: bars that a page's styles colour, and words for who can't see them."""

from collections.abc import Mapping, Sequence

from runner.pages import Html, element
from runner.report.times import OUT, Series

from .report_told import STATES, shown_s, span
from .words import number

_TONES = {"accepted": "good", "rejected": "bad", "inDoubt": "doubt", "planned": "note", "dropped": "calm"}
_WIDE, _HIGH = 640, 176
_LEFT, _BELOW, _ABOVE = 76, 30, 18
_ROW = 28
_LABELS = 360  # the room for both ends and what stands between them
_NAMES, _COUNTS = 118, 180  # the room for words beside bars

Box = tuple[float, float, float, float]  # x, y, width, height


def outcome_bar(counts: Mapping[str, int]) -> Html:
    """One bar of all outcomes."""
    return stacked_bar([(STATES[outcome], count, _TONES[outcome]) for outcome, count in counts.items()])


def stacked_bar(parts: Sequence[tuple[str, int, str]]) -> Html:
    """One bar of all parts (words, count, tone); each that there is can be seen."""
    shown = [part for part in parts if part[1]]
    total = sum(count for _, count, _ in shown)
    widths = [max(4.0, _WIDE * count / total) for _, count, _ in shown]
    scale = _WIDE / sum(widths)
    at, drawn = 0.0, []
    for (words, count, tone), width in zip(shown, widths, strict=True):
        drawn.append(_rect((at, 0, max(width * scale - 2, 1), 16), f"fill-{tone}", f"{words}: {count:,}"))
        at += width * scale
    label = ", ".join(f"{count:,} {words}" for words, count, _ in shown)
    return _svg(_WIDE, 16, label, *drawn, class_="outcome-bar", preserveAspectRatio="none")


def thin_bar(count: int, most: int, tone: str) -> Html:
    """Beside a number in a table, which says the same."""
    width = max(2.0, 72 * count / most) if most and count else 0
    return element(
        "svg", _rect((0, 2, width, 6), f"fill-{tone}"), viewBox="0 0 72 10", class_="thin-bar", aria_hidden="true"
    )


def bars(rows: Sequence[tuple[str, int, str]], label: str) -> Html:
    """A row for each: its name, a bar, how many."""
    most = max(count for _, count, _ in rows)
    room = _WIDE - _NAMES - _COUNTS
    parts = []
    for index, (name, count, part) in enumerate(rows):
        y = index * _ROW
        parts += [
            _text(_NAMES - 8, y + 18, name, "end"),
            _rect(
                (_NAMES, y + 5, max(2.0, room * count / most) if count else 1, 16), "fill-chart", f"{name}: {count:,}"
            ),
            _text(_NAMES + 6 + room * count / most, y + 18, f"{count:,} ({part})" if count else "0", "start"),
        ]
    return _svg(
        _WIDE, len(rows) * _ROW, f"{label}: {', '.join(f'{name} {count:,}' for name, count, _ in rows)}", *parts
    )


def pace_chart(series: Series, label: str) -> Html:
    """A bar for each step, of accepted, rejected and in doubt one on the other."""
    first = series.steps[0].at_s
    steps = (series.steps[-1].at_s - first) // series.width_s + 1
    most = _nice(max(sum(step.counts) for step in series.steps))
    room, wide = _HIGH - _ABOVE - _BELOW, (_WIDE - _LEFT) / max(steps, 12)
    parts = [*_grid(most, room)]
    for step in series.steps:
        x = _LEFT + (step.at_s - first) // series.width_s * wide
        top = float(_ABOVE + room)
        for outcome, count in zip(OUT, step.counts, strict=True):
            if count:
                high = max(1.5, room * count / most)
                top -= high
                words = f"{shown_s(step.at_s)} UTC: {count:,} {STATES[outcome]}"
                parts.append(_rect((x + wide * 0.08, top, max(wide * 0.84, 1), high), f"fill-{_TONES[outcome]}", words))
    ends = _LEFT + steps * wide
    parts.append(_text(_LEFT, _HIGH - 6, shown_s(series.first_ms / 1000)[11:], "start"))
    has_end = ends - _LEFT > _LABELS
    if has_end:
        parts.append(_text(ends, _HIGH - 6, shown_s(series.last_ms / 1000)[11:], "end"))
    middle = (_LEFT + (ends if has_end else _WIDE)) / 2
    parts.append(_text(middle, _HIGH - 6, f"{span(series.width_s)} a bar", "middle"))
    return _svg(_WIDE, _HIGH, f"{label}; at most {number(series_most(series), 'message')} in one", *parts)


def series_most(series: Series) -> int:
    return max(sum(step.counts) for step in series.steps)


def _grid(most: int, room: int) -> list[Html]:
    lines = []
    for part in (0, 1, 2):
        y = _ABOVE + room - room * part / 2
        lines.append(element("line", x1=_LEFT, x2=_WIDE, y1=_at(y), y2=_at(y), class_="grid"))
        if part and not (most * part) % 2:
            lines.append(_text(_LEFT - 8, y + 4, f"{most * part // 2:,}", "end"))
    return lines


def _nice(most: int) -> int:
    """The least of 1, 2, 4, 6, 8 and their tens that holds it."""
    size = int(10 ** (len(str(most)) - 1))
    return next(digit * size for digit in (1, 2, 4, 6, 8, 10) if digit * size >= most)


def _svg(width: int, height: int, label: str, *parts: Html, **more: str) -> Html:
    return element("svg", *parts, viewBox=f"0 0 {width} {height}", role="img", aria_label=label, **more)


def _rect(box: Box, class_: str, words: str = "") -> Html:
    x, y, width, height = box
    title = element("title", words) if words else None
    return element("rect", title, x=_at(x), y=_at(y), width=_at(width), height=_at(height), rx=2, class_=class_)


def _text(x: float, y: float, words: str, anchor: str) -> Html:
    return element("text", words, x=_at(x), y=_at(y), text_anchor=anchor)


def _at(place: float) -> str:
    return f"{place:.1f}".removesuffix(".0")
