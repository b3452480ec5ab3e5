"""A send in words: the question, the summary, what is in doubt and why some were rejected."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from runner.ledger.seam import Entry
from runner.plan import Plan

from .neutral import neutral
from .palette import Palette
from .words import joined, listed, number

SHOWN = 20


def question(plan: Plan, *, api_host: str, ledger: str) -> str:
    """The act with its number, without the question mark."""
    send = plan.to_send
    segments = f" ({number(send.segments, 'segment')})" if send.segments else ""
    countries = f" to {listed(send.countries)}" if send.countries else ""
    return (
        f"Send {number(send.messages, 'message')}{segments}{countries} through {joined(sorted(plan.sent_through))} "
        f"at {api_host}, {neutral(ledger)}"
    )


def summary(totals: Mapping[str, int], run: Mapping[str, int], stopped: str | None, palette: Palette) -> str:
    """What this run did, and where all messages of the manifest stand now."""
    did = [
        palette.green(f"{run['accepted']:,} accepted"),
        f"{run['rejected']:,} rejected",
        f"{run['inDoubt']:,} in doubt",
    ]
    if run["rejected"]:
        did[1] = palette.red(did[1])
    if run["inDoubt"]:
        did[2] = palette.yellow(did[2])
    lines = [f"This run: {', '.join(did)}"]
    stand = ", ".join(
        f"{totals[key]:,} {words}"
        for key, words in (
            ("accepted", "accepted"),
            ("rejected", "rejected"),
            ("inDoubt", "in doubt"),
            ("planned", "still to send"),
            ("skipped", "skipped"),
        )
        if totals[key]
    )
    lines.append(f"Of {number(totals['messages'], 'message')}: {stand or 'none'}")
    if stopped:
        lines.append(f"{palette.red('Stopped')}: {neutral(stopped)}")
    return "\n".join(lines)


def rejections(entries: Iterable[Entry], palette: Palette) -> Iterator[str]:
    """Why Bird refused, most frequent first."""
    reasons = Counter((entry.code or "?", entry.words or "") for entry in entries)
    for (code, words), count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]:
        yield f"  {palette.red(f'{count:,} rejected')}: {neutral(code)} {neutral(words)}".rstrip()


def doubts(entries: Sequence[Entry], masked: Sequence[str], palette: Palette) -> Iterator[str]:
    """Who may or may not have it: message, masked address, when and why."""
    for entry, recipient in list(zip(entries, masked, strict=True))[:SHOWN]:
        why = neutral(entry.words or "")
        yield f"  {palette.yellow('in doubt')}: {entry.message} to {recipient} at {entry.at}: {why}"
    if len(entries) > SHOWN:
        yield f"  … and {len(entries) - SHOWN:,} more: flypast status --format jsonl lists all"
