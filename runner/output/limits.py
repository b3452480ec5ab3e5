"""The paces that a ledger's senders share, for people and machines (schemas/limits.schema.json)."""

from collections.abc import Iterator, Sequence
from typing import Any

from runner.ledger.paces import Limit

from .sheet import Sheet
from .words import duration

_ALIKE = 0.001  # of a rate: less is how numbers are stored


def limits_text(limits: Sequence[Limit], sheet: Sheet) -> Iterator[str]:
    """A workspace, and its channels below it."""
    above = ""
    for limit in limits:
        workspace, _, channel = limit.scope.partition("/")
        if channel and workspace != above:
            yield f"workspace {workspace}"
        above = workspace
        said = f"{'channel' if channel else 'workspace'} {channel or workspace}  {_words(limit, sheet)}"
        yield sheet.line(said, indent=2 if channel else 0, rest=4)


def _words(limit: Limit, sheet: Sheet) -> str:
    if limit.set_per_s is not None:
        words = f"{per_second(limit.set_per_s)}, set"
    else:
        words = per_second(limit.asked_per_s) if limit.asked_per_s is not None else "no limit"
    full = limit.set_per_s if limit.set_per_s is not None else limit.asked_per_s
    if full is not None and limit.now_per_s is not None and limit.now_per_s < full * (1 - _ALIKE):
        words += sheet.yellow(f"; now {per_second(limit.now_per_s)}")
    if limit.held_s > 0:
        words += sheet.yellow(f"; held {duration(limit.held_s)}")
    return words


def per_second(rate: float) -> str:
    """As a manifest writes it: `20/s`, `30/m`; `1.4/s` for what no manifest has."""
    per_minute = round(rate * 60)
    if rate < 1 and abs(rate * 60 - per_minute) < _ALIKE:
        return f"{per_minute}/m"
    return f"{rate:.0f}/s" if rate >= 10 or abs(rate - round(rate)) < _ALIKE else f"{rate:.1f}/s"


def limits_json(limits: Sequence[Limit]) -> dict[str, Any]:
    return {"formatVersion": 1, "limits": [_limit(limit) for limit in limits]}


def _limit(limit: Limit) -> dict[str, Any]:
    workspace, _, channel = limit.scope.partition("/")
    return {
        "scope": limit.scope,
        "workspaceId": workspace,
        "channelId": channel or None,
        "setPerSecond": limit.set_per_s,
        "askedPerSecond": limit.asked_per_s,
        "nowPerSecond": limit.now_per_s,
        "heldSeconds": round(limit.held_s, 3),
        "idleSeconds": None if limit.idle_s is None else round(limit.idle_s, 3),
    }
