"""A diff for people at a terminal."""

from collections.abc import Iterator, Sequence

from runner.plan.difference import Difference, ManifestDiff, MessageDiff

from . import diff_words as words
from .neutral import neutral
from .palette import Palette
from .words import shortened


def diff_text(difference: Difference, palette: Palette) -> str:
    """Only what changed, manifest by manifest, under a line that says how many did."""
    lines = [neutral(words.headline(difference))]
    for made in difference.told:
        lines += ["", *_manifest(made, palette)]
    return "\n".join(lines)


def _manifest(made: ManifestDiff, palette: Palette) -> Iterator[str]:
    yield f"{palette.bold(neutral(made.path))}: {made.kind}"
    for name, said in words.facts(made):
        yield f"  {name:<10} {neutral(said)}"
    if made.inputs:
        yield f"  {'inputs':<10} {neutral(shortened(made.inputs))} changed"
    for name, said in words.remarks(made):
        yield f"  {palette.red(name)}: {neutral(said)}"
    for message in made.messages:
        yield from _message(message, made, palette)
    for text in made.included:
        yield f"  {neutral(text.name)}"
        yield from _unified(text.lines, palette)


def _message(message: MessageDiff, made: ManifestDiff, palette: Palette) -> Iterator[str]:
    kind = f", {words.kind_of(message)}" if words.kind_of(message) else ""
    parts = [
        f"people {words.audience(message)}",
        f"messages {words.messages(message)}",
        f"segments {words.segments(message)}",
    ]
    if cost := words.cost(message, made):
        parts.append(f"cost {cost}")
    yield f"  {palette.bold(neutral(message.name))}{kind}: {', '.join(parts)}"
    yield from _unified(message.text.lines, palette)


def _unified(lines: Sequence[str], palette: Palette) -> Iterator[str]:
    paints = {"+": palette.green, "-": palette.red, "@": palette.dim}
    for line in lines:
        paint = paints.get(line[:1], str)
        yield f"    {paint(neutral(line))}"
