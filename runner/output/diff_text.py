"""A diff for people at a terminal."""

from collections.abc import Iterator, Mapping, Sequence

from runner.plan.difference import Difference, ManifestDiff, MessageDiff
from runner.states import Tone

from . import diff_words as words
from .neutral import neutral, visible
from .sheet import Sheet
from .words import joined, shortened

_KINDS: Mapping[str, tuple[str, Tone]] = {"added": ("+", "good"), "removed": ("-", "bad"), "changed": ("~", "doubt")}
_LINES: Mapping[str, Tone] = {"+": "good", "-": "bad", "@": "calm"}


def diff_text(difference: Difference, sheet: Sheet) -> str:
    """Only what changed, manifest by manifest, under a line that says how many did: `+` new, `-` gone, `~` changed."""
    lines = [sheet.line(sheet.bold(neutral(words.headline(difference))))]
    for made in difference.told:
        lines += ["", *_manifest(made, sheet)]
    return "\n".join(lines)


def _manifest(made: ManifestDiff, sheet: Sheet) -> Iterator[str]:
    yield sheet.line(f"{_mark(made.kind, sheet)} {sheet.bold(neutral(made.path))}: {made.kind}")
    facts = [(name, neutral(said)) for name, said in words.facts(made)]
    if made.inputs:
        facts.append(("inputs", f"{neutral(shortened(made.inputs))} changed"))
    yield from sheet.facts(facts)
    for name, said in words.remarks(made):
        yield sheet.line(f"{sheet.red(name)}: {neutral(said)}", indent=2)
    for message in made.messages:
        if not _is_same(message, made):
            yield from _message(message, made, sheet)
    if same := [neutral(message.name) for message in made.messages if _is_same(message, made)]:
        yield sheet.line(sheet.dim(f"= {joined(same)}: as before"), indent=2, rest=4)
    for text in made.included:
        yield sheet.line(f"{_mark('changed', sheet)} {sheet.bold(neutral(text.name))}", indent=2)
        yield from _unified(text.lines, sheet)


def _is_same(message: MessageDiff, made: ManifestDiff) -> bool:
    """For people: what goes out, to whom and at what cost."""
    people, sizes = message.people, f"{words.messages(message)}{words.segments(message)}{words.cost(message, made)}"
    is_told = message.is_new or message.is_gone or message.text.lines or people is None or "→" in sizes
    return not is_told and people is not None and not (people.added or people.removed)


def _mark(kind: str, sheet: Sheet) -> str:
    mark, tone = _KINDS.get(kind, (" ", "calm"))
    return sheet.tone(tone, mark)


def _message(message: MessageDiff, made: ManifestDiff, sheet: Sheet) -> Iterator[str]:
    kind = words.kind_of(message)
    mark = _mark({"new": "added", "gone": "removed", "": "changed"}[kind], sheet)
    parts = [
        f"people {_audience(message, sheet)}",
        f"messages {words.messages(message)}",
        f"segments {words.segments(message)}",
    ]
    if cost := words.cost(message, made):
        parts.append(f"cost {cost}")
    said = f"{mark} {sheet.bold(neutral(message.name))}{f', {kind}' if kind else ''}: {', '.join(parts)}"
    yield sheet.line(said, indent=2, rest=6)
    yield from _unified(message.text.lines, sheet)


def _audience(message: MessageDiff, sheet: Sheet) -> str:
    """Who is more, who is gone: in the colours of lines."""
    said = words.audience(message)
    if message.people is None:
        return said
    more, fewer, same = said.split(" ")
    more = sheet.green(more) if message.people.added else more
    return f"{more} {sheet.red(fewer) if message.people.removed else fewer} {same}"


def _unified(lines: Sequence[str], sheet: Sheet) -> Iterator[str]:
    """What goes on below a line has no sign, so that a `+` or `-` is always a line's own."""
    for line in lines:
        tone = _LINES.get(line[:1])
        shown = visible(line) if line[:1] in ("+", "-") else neutral(line)
        yield sheet.line(sheet.tone(tone, shown) if tone else shown, indent=4, rest=6)
