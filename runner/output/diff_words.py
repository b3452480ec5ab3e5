"""What a diff says in every form for people."""

from collections.abc import Callable, Iterator

from runner.plan import Tally
from runner.plan.difference import Change, Difference, ManifestDiff, MessageDiff

from .sizes import cost_of
from .words import number

AGAIN = "everybody gets it again"
SIDES = {"before": "then", "after": "now"}


def headline(difference: Difference) -> str:
    """`1 of 3 manifests changed against 1a2b3c4d5e6f (v1.4)`."""
    called = f" ({difference.revision})" if difference.revision else ", the merge base with the default branch"
    count, total = len(difference.changed), number(len(difference.manifests), "manifest")
    return f"{count:,} of {total} changed against {difference.base[:12]}{called}"


def facts(made: ManifestDiff) -> Iterator[tuple[str, str]]:
    """What is said of a manifest above its messages: a short name, and words that are not neutral yet."""
    for change in made.facts:
        is_again = made.kind == "changed"
        yield change.key, f"{arrow(change)}{f': {AGAIN}' if is_again else ''}"
    if made.digests[0] != made.digests[1]:
        yield "digest", " → ".join(f"{digest[:16]}…" if digest else "–" for digest in made.digests)
    for change in made.channels:
        yield "channel", f"{change.key}: {arrow(change)}"
    for change in made.policy:
        yield "policy", f"{change.key}: {arrow(change)}"


def remarks(made: ManifestDiff) -> Iterator[tuple[str, str]]:
    """Why a side could not be planned."""
    for side, words in made.mistakes:
        yield f"broken {SIDES[side]}", words
    for side, words in made.not_checked:
        yield f"not checked {SIDES[side]}", words


def arrow(change: Change) -> str:
    before, after = (value if value is not None else "–" for value in (change.before, change.after))
    return f"{before} → {after}"


def audience(message: MessageDiff) -> str:
    """`+2 −1 =1,179`: addresses, not messages."""
    people = message.people
    return f"+{people.added:,} −{people.removed:,} ={people.same:,}" if people is not None else "not known"


def messages(message: MessageDiff) -> str:
    return _both(message, lambda tally: f"{tally.new:,}")


def segments(message: MessageDiff) -> str:
    return _both(message, lambda tally: f"{'at least ' if tally.templates else ''}{tally.segments:,}")


def cost(message: MessageDiff, made: ManifestDiff) -> str:
    """Empty where neither side has a rate card."""
    if made.currencies == (None, None):
        return ""
    parts = [
        cost_of(tally, currency) if tally is not None and currency is not None and tally.new else "–"
        for tally, currency in zip((message.before, message.after), made.currencies, strict=True)
    ]
    return parts[0] if parts[0] == parts[1] else " → ".join(parts)


def _both(message: MessageDiff, said: Callable[[Tally], str]) -> str:
    parts = [said(tally) if tally is not None else "–" for tally in (message.before, message.after)]
    return parts[0] if parts[0] == parts[1] else " → ".join(parts)


def kind_of(message: MessageDiff) -> str:
    return "new" if message.is_new else "gone" if message.is_gone else ""
