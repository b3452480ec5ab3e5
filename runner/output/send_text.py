"""A send in words: the question, the summary, what is in doubt and why some were rejected."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Protocol

from runner.ledger.seam import Entry
from runner.model import State
from runner.plan import Plan

from .neutral import neutral
from .palette import Palette
from .sheet import Sheet
from .sizes import size_of
from .words import joined, listed, number

SHOWN = 20
OUTCOMES = ("accepted", "rejected", "inDoubt")
MOST_REASONS = 1000  # that are told apart


def outcomes(counts: Mapping[str, int], palette: Palette) -> str:
    """`1,180 accepted, 3 rejected, 0 in doubt`: all three always stand there."""
    return ", ".join(palette.counted(state, counts[state]) for state in OUTCOMES)


def question(plan: Plan, *, api_host: str, ledger: str) -> str:
    """The act with its number, without the question mark."""
    send = plan.to_send
    size = size_of(send, plan.currency)
    countries = f" to {listed(send.countries)}" if send.countries else ""
    doubtful = plan.again[State.IN_DOUBT]
    twice = f"; {doubtful:,} in doubt may arrive twice" if doubtful else ""
    moved = plan.quiet.moved_total if plan.quiet is not None else 0
    later = f"; {moved:,} of them when quiet hours end" if moved else ""
    return (
        f"Send {number(send.messages, 'message')}{size}{countries} through {joined(sorted(plan.sent_through))} "
        f"at {api_host}, {neutral(ledger)}{later}{twice}"
    )


def summary(
    totals: Mapping[str, int],
    run: Mapping[str, int],
    stopped: str | None,
    sheet: Sheet,
    *,
    doubles: int = 0,
    deferred: int = 0,
    kept: int = 0,
    cost: str | None = None,
) -> str:
    """What this run did, and where all messages of the manifest stand now. `doubles` may have arrived twice.

    `deferred` of the accepted wait at Bird until quiet hours end; `kept` were not sent because these had begun.
    """
    stand = [sheet.counted(state, totals[state]) for state in (*OUTCOMES, "planned", "skipped") if totals[state]]
    lines = [
        f"This run: {outcomes(run, sheet)}",
        f"Of {number(totals['messages'], 'message')}: {', '.join(stand) or 'none'}",
    ]
    if deferred:
        lines.append(f"{deferred:,} of the accepted wait at Bird until their quiet hours end")
    if kept and not stopped:
        lines.append(sheet.yellow(f"{kept:,} not sent: their quiet hours had begun; the next send takes them"))
    if cost is not None:
        lines.append(cost)
    if doubles:
        lines.append(sheet.yellow(f"{doubles:,} sent again while in doubt: somebody may have got one twice"))
    if stopped:
        lines.append(f"{sheet.red('Stopped')}: {neutral(stopped)}")
    return "\n".join(map(sheet.line, lines))


class _Standing(Protocol):
    """What is read of a run's progress, at the end of a wave."""

    @property
    def accepted(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def in_doubt(self) -> int: ...
    @property
    def wave(self) -> int: ...
    @property
    def waves(self) -> int: ...
    @property
    def pause_s(self) -> float | None: ...


def wave_ended(now: _Standing, total: int, now_s: float, palette: Palette) -> str:
    """`wave 1 of 3 is out: 20 of 1,204 messages: …; wave 2 begins at 14:32:10 UTC, Ctrl-C ends the run before it`."""
    out = now.accepted + now.rejected + now.in_doubt
    counts = outcomes({"accepted": now.accepted, "rejected": now.rejected, "inDoubt": now.in_doubt}, palette)
    follows = f"wave {now.wave + 1} follows"
    if now.pause_s:
        begins = datetime.fromtimestamp(now_s + now.pause_s, UTC)
        follows = f"wave {now.wave + 1} begins at {begins:%H:%M:%S} UTC; Ctrl-C ends the run before it"
    return f"wave {now.wave} of {now.waves} is out, {out:,} of {number(total, 'message')}: {counts}; {follows}"


def rejections(entries: Iterable[Entry], sheet: Sheet) -> Iterator[str]:
    """Why Bird refused, most frequent first."""
    reasons: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        reason = (entry.code or "?", entry.words or "")
        # Words can be as many as messages, where Bird names something of each.
        reasons[reason if reason in reasons or len(reasons) < MOST_REASONS else (reason[0], "(for other reasons)")] += 1
    for (code, words), count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]:
        said = f"{sheet.counted('rejected', count)}: {neutral(code)} {neutral(words)}".rstrip()
        yield sheet.line(said, indent=2)


def doubts(entries: Iterable[Entry], total: int, mask: Callable[[str], str], sheet: Sheet) -> Iterator[str]:
    """Who may or may not have it: message, masked address, when and why. Only the first entries are read."""
    for entry in islice(entries, SHOWN):
        why = neutral(entry.words or "")
        said = f"{sheet.state('inDoubt')}: {entry.message} to {mask(entry.address)} at {entry.at}: {why}"
        yield sheet.line(said, indent=2)
    if total > SHOWN:
        yield sheet.line(f"… and {total - SHOWN:,} more: flypast status --format jsonl lists all", indent=2)
