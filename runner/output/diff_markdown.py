"""A diff as a comment on a pull request: never longer than GitHub takes, saying what was cut."""

import re
from collections.abc import Iterator, Sequence

from runner.plan.difference import Difference, ManifestDiff, MessageDiff

from . import diff_words as words
from .markdown import code, inert
from .neutral import neutral
from .words import number, shortened

MOST = 64_000  # characters: a comment holds 65,536 at GitHub
MOST_LINES = 120  # of one text
MOST_WIDE = 400
_ROOM = 200  # for what says that there is more


def diff_markdown(difference: Difference) -> str:
    """A heading and a table for each manifest that changed, texts as fenced diffs."""
    parts = [f"### {inert(words.headline(difference))}"]
    size = len(parts[0])
    left = list(difference.told)
    while left:
        section = "\n".join(_manifest(left[0]))
        if size + len(section) + 2 > MOST - _ROOM:
            break
        parts.append(section)
        size += len(section) + 2
        left.pop(0)
    if left:
        parts.append(f"Cut here: {number(len(left), 'manifest')} more. `flypast diff` shows all.")
    return "\n\n".join(parts)


def _manifest(made: ManifestDiff) -> Iterator[str]:
    yield f"#### {code(made.path)} {made.kind}"
    listed = [*words.facts(made), *words.remarks(made)]
    if made.inputs:
        listed.append(("inputs", f"{shortened(made.inputs)} changed"))
    if listed:
        yield ""
        yield from (f"- {name}: {inert(_cut(said))}" for name, said in listed)
    if made.messages:
        yield from _table(made)
    for name, lines in _texts(made):
        yield from ("", f"<details><summary>{code(name)}</summary>", "", *_fenced(lines), "", "</details>")


def _table(made: ManifestDiff) -> Iterator[str]:
    has_cost = made.currencies != (None, None)
    yield from ("", f"| message | people | messages | segments |{' cost |' if has_cost else ''}")
    yield f"|---|---|---|---|{'---|' if has_cost else ''}"
    for message in made.messages:
        cells = [_name(message), words.audience(message), words.messages(message), words.segments(message)]
        yield f"| {' | '.join([*cells, *([inert(words.cost(message, made))] if has_cost else [])])} |"


def _name(message: MessageDiff) -> str:
    return f"{code(message.name)} {words.kind_of(message)}".strip()


def _texts(made: ManifestDiff) -> Iterator[tuple[str, Sequence[str]]]:
    yield from ((message.name, message.text.lines) for message in made.messages if message.text.lines)
    yield from ((text.name, text.lines) for text in made.included)


def _fenced(lines: Sequence[str]) -> Iterator[str]:
    """Nothing in a fence means anything, and the fence is longer than any run of its marks in the text."""
    shown = [_cut(neutral(line)) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(f"… {number(len(lines) - MOST_LINES, 'line')} more")
    fence = "`" * max(3, 1 + max((len(run) for line in shown for run in re.findall("`+", line)), default=0))
    yield from (f"{fence}diff", *shown, fence)


def _cut(line: str) -> str:
    return line if len(line) <= MOST_WIDE else f"{line[:MOST_WIDE]}…"
