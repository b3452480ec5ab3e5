"""Runs that workers have: paused, resumed, cancelled, followed, and told."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.errors import Exit, Refused
from runner.ledger.runs import Runs, RunSeen, RunState
from runner.output.neutral import neutral
from runner.output.send_text import outcomes
from runner.output.sheet import Sheet
from runner.output.words import number
from runner.pipeline.handing import left_again
from runner.pipeline.ledgers import LedgerChoice

from .terminal import TERMINAL

_LOOK_EVERY_S = 0.2
_PATIENCE_S = 60.0  # a worker that is dead holds its parts for 30 s


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """The runs of a ledger, to be told what is wanted of them."""

    choice: LedgerChoice
    runs: Runs

    @classmethod
    @contextmanager
    def at(cls, ledger_url: str | None, api_url: str | None) -> Iterator["Steered"]:
        choice = LedgerChoice.of(ledger_url, api_url, Path.cwd())
        runs = choice.runs()
        if runs is None:
            raise Refused(
                "this ledger is one machine's own: no workers have a run of it",
                hint="name the workers' one with --ledger postgresql://USER@HOST/DATABASE",
            )
        with closing(runs):
            yield cls(choice=choice, runs=runs)

    def pause(self, run: str, output_format: str) -> int:
        seen = self.runs.steer(run, RunState.PAUSED, at=_now())
        return _tell(self._waited(seen, lambda each: not each.sending), output_format)

    def cancel(self, run: str, output_format: str) -> int:
        seen = self.runs.steer(run, RunState.CANCELLED, at=_now())
        return _tell(self._waited(seen, lambda each: each.has_ended), output_format)

    def resume(self, run: str, output_format: str, *, engine: str) -> int:
        seen = self.runs.steer(run, RunState.RUNNING, at=_now())
        left_again(engine, self.choice, self.runs, run)
        return _tell(seen, output_format)

    def _waited(self, seen: RunSeen, is_so: Callable[[RunSeen], bool]) -> RunSeen:
        until_s = time.monotonic() + _PATIENCE_S
        while not is_so(seen) and time.monotonic() < until_s:
            time.sleep(_LOOK_EVERY_S)
            self.runs.conclude(seen.run, at=_now())
            seen = self.runs.seen(seen.run) or seen
        return seen


def told(seen: RunSeen) -> dict[str, Any]:
    return {
        "run": seen.run,
        "manifest": seen.manifest,
        "state": seen.words,
        "since": seen.since,
        "messages": seen.total,
        "accepted": seen.accepted,
        "rejected": seen.rejected,
        "inDoubt": seen.in_doubt,
        "shards": {"total": seen.shards, "done": seen.done, "held": seen.held, "sending": seen.sending},
        "workers": seen.workers,
        "stopped": seen.ending.words if seen.ending is not None else None,
    }


def line(seen: RunSeen, sheet: Sheet) -> str:
    """`spring, run …: running, 1,204 of 5,000 sent (1,200 accepted, …), 3 of 8 parts done, 2 workers`."""
    sent = seen.accepted + seen.rejected + seen.in_doubt
    held = f", {seen.held:,} held" if seen.held else ""
    why = f": {neutral(seen.ending.words)}" if seen.ending is not None else ""
    counts = {"accepted": seen.accepted, "rejected": seen.rejected, "inDoubt": seen.in_doubt}
    return sheet.line(
        f"{neutral(seen.manifest)}, run {seen.run}: {seen.words}{why}; {sent:,} of {seen.total:,}: "
        f"{outcomes(counts, sheet)}; "
        f"{seen.done:,} of {number(seen.shards, 'part')}{held}, {number(seen.workers, 'worker')}"
    )


def follow(runs: Runs, manifest: str | None) -> None:
    """A line for each run whenever it has moved, until the last one has ended."""
    shown: dict[str, str] = {}
    while True:
        living = runs.living(manifest)
        gone = [seen for run in shown.keys() - {each.run for each in living} if (seen := runs.seen(run)) is not None]
        for seen in (*living, *gone):
            if shown.get(seen.run) != (words := line(seen, TERMINAL.err)):
                TERMINAL.say(words)
                shown[seen.run] = words
        if not living:
            return
        time.sleep(1.0)


def _tell(seen: RunSeen, output_format: str) -> int:
    if output_format == "json":
        TERMINAL.json({"formatVersion": 1, **told(seen)})
    else:
        TERMINAL.data(line(seen, TERMINAL.out))
    return Exit.DONE


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
