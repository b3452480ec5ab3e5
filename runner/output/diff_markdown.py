"""A diff as a comment on a pull request: never longer than GitHub takes, saying what was cut."""

from collections.abc import Iterator
from functools import partial

from runner.plan.difference import Difference, ManifestDiff, MessageDiff, Text

from . import diff_words as words
from .markdown import MOST, MOST_WIDE, code, cut, fenced, fitting, in_turn, inert, page, size
from .words import number, shortened


def diff_markdown(difference: Difference) -> str:
    """A heading and a table for each manifest that changed, texts as fenced diffs."""
    head = f"### {inert(cut(words.headline(difference)))}"

    def rest(left: int) -> str:
        return f"Cut here: {number(left, 'manifest')} more. `flypast diff` shows all."

    sections = in_turn(difference.told, MOST - size(head) - 2, _manifest, rest)
    return "\n\n".join(filter(None, (head, sections)))


def change_lines(change: Difference | None, room: int) -> str:
    """What one manifest says otherwise than at the merge base, for its plan. Nothing where nobody looked."""
    if change is None:
        return ""
    base = f"{code(change.base[:12])}, the merge base with the default branch"
    if not change.manifests or not change.has_changes:
        return f"Its texts, policy and channels are as in {base}."
    (made,) = change.manifests
    kind = {"added": "New since", "changed": "Changed since"}.get(made.kind, "Gone since")
    parts = (partial(_listed, made), partial(_texts, [text for text in _all_texts(made) if text.lines]))
    title = f"#### {kind} {base}"
    return "\n\n".join(filter(None, (title, page(parts, room - size(title) - 2))))


def _manifest(made: ManifestDiff, room: int) -> str:
    title = f"#### {code(cut(made.path))} {made.kind}"
    parts = (partial(_listed, made), partial(_table, made), partial(_texts, list(_all_texts(made))))
    return "\n\n".join(filter(None, (title, page(parts, room - size(title) - 2))))


def _listed(made: ManifestDiff, room: int) -> str:
    listed = [*words.facts(made), *words.remarks(made)]
    if made.inputs:
        listed.append(("inputs", f"{shortened(made.inputs)} changed"))
    rows = (f"- {name}: {inert(cut(said))}" for name, said in listed)
    return "\n".join(fitting(rows, room, lambda left: f"- … {number(left, 'line')} more"))


def _table(made: ManifestDiff, room: int) -> str:
    if not made.messages:
        return ""
    has_cost = made.currencies != (None, None)
    heads = [
        f"| message | people | messages | segments |{' cost |' if has_cost else ''}",
        f"|---|---|---|---|{'---|' if has_cost else ''}",
    ]
    rows = (_row(message, made, has_cost=has_cost) for message in made.messages)
    left = room - size("".join(heads)) - len(heads)
    return "\n".join([*heads, *fitting(rows, left, lambda left: f"\n… {number(left, 'message')} more")])


def _row(message: MessageDiff, made: ManifestDiff, *, has_cost: bool) -> str:
    cells = [_name(message), words.audience(message), words.messages(message), words.segments(message)]
    return f"| {' | '.join([*cells, *([inert(words.cost(message, made))] if has_cost else [])])} |"


def _name(message: MessageDiff) -> str:
    return f"{code(message.name)} {words.kind_of(message)}".strip()


def _all_texts(made: ManifestDiff) -> Iterator[Text]:
    yield from (message.text for message in made.messages if message.text.lines)
    yield from made.included


def _texts(texts: list[Text], room: int) -> str:
    return in_turn(texts, room, _text, lambda left: f"… {number(left, 'text')} more: `flypast diff` shows all.")


def _text(text: Text, room: int) -> str:
    summary = f"<details><summary>{code(cut(text.name))}</summary>"
    block = fenced(text.lines, room=room - size(summary) - 16, most=MOST_WIDE, language="diff")
    return "\n".join([summary, "", *block, "", "</details>"])
