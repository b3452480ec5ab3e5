"""A rebuilding from its options to its last line: guard, compose, look, ask, write, report."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import SystemRandom
from typing import Any

from runner.bird.requests import AccessKey
from runner.delivery.clock import SystemClock
from runner.delivery.rebuild import Looked
from runner.delivery.scanning import rfc3339
from runner.delivery.spool import SpoolWriter
from runner.errors import Exit, Refused, UsageError
from runner.manifest.build import Manifest
from runner.model import Delivery, InDoubt
from runner.output.palette import Palette
from runner.output.rebuild_text import GOES_AGAIN, NOT_WHOLE, looking, others, outcome, question, to_write
from runner.output.reconcile_text import SHOWN, doubles
from runner.pipeline import composed
from runner.pipeline.ledgers import LedgerChoice
from runner.pipeline.rebuilding import Gathered, Gathering, Order, look, write
from runner.pipeline.reconciling import exit_of
from runner.plan import Composed, Skipped
from runner.recipients.phones import mask

from .consent import ask
from .drawing import Drawing
from .ledgers import Held, send_ledger
from .looking import shown
from .options import PlanOptions, ReportFile
from .reconciling import incomplete_json, say_incomplete
from .sending import in_doubt
from .showing import show_warnings
from .steps import say_what_to_do_about_doubts
from .summary import Summary
from .terminal import TERMINAL

LONGEST_WINDOW_S = 3650 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command's options."""

    manifest: Path
    options: PlanOptions
    window_s: float
    is_consented: bool
    is_persisted: bool
    lock_timeout_s: float


def fresh_summary(output_format: str, reports: Sequence[ReportFile] = ()) -> Summary:
    nothing_yet: dict[str, Any] = {
        "manifest": None,
        "since": None,
        "totals": None,
        "written": 0,
        "others": None,
        "doubles": [],
        "incomplete": [],
    }
    return Summary(output_format, nothing_yet, reports)


def rebuild(asked: Asked, key: AccessKey, summary: Summary) -> int:
    """Everything after the options. Gives the exit code."""
    if not 0 < asked.window_s <= LONGEST_WINDOW_S:
        raise UsageError("--since must be longer than nothing and at most 3650d")
    drawing = Drawing.of(asked.manifest, asked.options)
    choice = LedgerChoice.of(asked.options.ledger_url, asked.options.api_url, drawing.order.path)
    summary.telling.spare((*drawing.loaded.to_read(), *choice.place.files))
    manifest = drawing.loaded.manifest
    if manifest is None or drawing.findings.has_errors:
        deque(_items(drawing), maxlen=0)
        summary.telling.spare(drawing.loaded.to_read())
        return summary.end_with_findings(drawing.found())
    summary.add(manifest=manifest.name)
    timeout_s = asked.lock_timeout_s
    with send_ledger(manifest, choice, is_persisted=asked.is_persisted, lock_timeout_s=timeout_s) as held:
        order = Order(api=choice.api, key=key, since_s=SystemClock().wall_s() - asked.window_s)
        gathered = _gathered(drawing, held)
        summary.telling.spare(drawing.loaded.to_read())
        if gathered is None:
            return summary.end_with_findings(drawing.found())
        with gathered.spool:
            summary.telling.found = drawing.found()
            show_warnings(drawing.findings.sorted(), drawing.loaded.sources)
            run = _Run(manifest=manifest, held=held, gathered=gathered, looked=_look(gathered, order), summary=summary)
            return run.end(is_consented=asked.is_consented)


def _gathered(drawing: Drawing, held: Held) -> Gathered | None:
    """None where there are findings."""
    with ExitStack() as stack:
        writer = SpoolWriter()
        stack.callback(writer.close)
        gathering = Gathering(ledger=held.ledger, writer=writer)
        gathering.take_all(_items(drawing))
        if drawing.findings.has_errors:
            return None
        stack.pop_all()
        return gathering.finish()


def _items(drawing: Drawing) -> Iterator[Composed | Skipped]:
    """Not by way of a plan: that would refuse what is scheduled for a time that is over, as this has been sent."""
    return composed(drawing.loaded, drawing.order, drawing.findings, drawing.not_checked)


def _look(gathered: Gathered, order: Order) -> Looked:
    if gathered.is_for_nobody:
        raise Refused(
            "the manifest has nobody to look for at Bird",
            hint="give the lists and parameters that it was sent with: --recipients, --parameters, --set",
        )
    if gathered.channels:
        TERMINAL.say(looking(len(gathered.channels), rfc3339(order.since_s)[:10]))
    return asyncio.run(look(gathered, order, clock=SystemClock(), rng=SystemRandom(), watch=shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What is known after the look. The manifest's claim is ours."""

    manifest: Manifest
    held: Held
    gathered: Gathered
    looked: Looked
    summary: Summary

    def end(self, *, is_consented: bool) -> int:
        """Tells what was seen, asks, writes, and tells where everything stands."""
        totals = self.gathered.totals(self.looked)
        self._say_what_was_seen(totals)
        written = 0
        if to_write(totals):
            is_new = bool(self.held.no_ledger)
            act = question(totals, manifest=self.manifest.name, ledger=self.held.words, is_new=is_new)
            ask(act, yes=is_consented)
            written = self._write()
        doubts = in_doubt(self.held, self.manifest.name)
        exit_code = self._exit_code(doubts)
        if self.summary.is_text:
            TERMINAL.data(outcome(totals, written, TERMINAL.out))
        self.summary.words = outcome(totals, written, Palette(False))
        self.summary.ended(self.looked.stop.words if self.looked.stop is not None else None, exit_code)
        if doubts:
            say_what_to_do_about_doubts()
        return exit_code

    def _say_what_was_seen(self, totals: dict[str, int]) -> None:
        looked = self.looked
        twice = self._first_doubles() if totals["double"] else []
        self.summary.add(since=rfc3339(looked.since_s), totals=totals, others=looked.others)
        self.summary.add(doubles=twice, incomplete=incomplete_json(looked.incomplete))
        say_incomplete(looked.incomplete)
        lines = ((each["message"], each["recipient"], each["words"]) for each in twice)
        for line in doubles(lines, totals["double"], TERMINAL.err, all_in="flypast resolve"):
            TERMINAL.insist(line)
        if totals["inDoubt"] and self.manifest.policy.delivery is Delivery.AT_LEAST_ONCE:
            TERMINAL.insist(GOES_AGAIN)
        if looked.others:
            TERMINAL.say(others(looked.others))

    def _first_doubles(self) -> list[dict[str, str]]:
        found = (
            {
                "message": message.draft,
                "key": message.key,
                "reference": message.reference,
                "recipient": mask(message.address),
                "words": outcome.words,
            }
            for message, ending, outcome in self.gathered.concluded(self.looked)
            if ending == "double" and isinstance(outcome, InDoubt)
        )
        return list(islice(found, SHOWN))

    def _write(self) -> int:
        written = 0
        outcomes = write(self.gathered, self.looked, claim=self.held.claim, edition=self.manifest.edition)
        with _told_where_it_ends():
            for count in outcomes:
                written += count
                self.summary.add(written=written)
        return written

    def _exit_code(self, doubts: int) -> Exit:
        early = exit_of(self.looked.stop, self.looked.incomplete)
        if early is not None:
            return early
        return Exit.IN_DOUBT if doubts else Exit.DONE


@contextmanager
def _told_where_it_ends() -> Iterator[None]:
    """A ledger that holds only some of the messages is a danger that must be known."""
    try:
        yield
    except BaseException:
        TERMINAL.insist(NOT_WHOLE)
        raise
