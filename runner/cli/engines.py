"""A send that workers carry: handed over, followed to its end, and told as any other."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from runner.delivery.control import Control
from runner.delivery.settings import Settings
from runner.delivery.spool import Spool
from runner.delivery.tally import Progress, RunResult
from runner.engine.seam import Engine
from runner.errors import Exit, LedgerFault, Refused
from runner.ledger.runs import Runs, RunSeen, RunState
from runner.model import Policy
from runner.output.words import number
from runner.pipeline import Planned
from runner.pipeline.carrying import result_of
from runner.pipeline.handing import Handed, chosen, hand_over
from runner.pipeline.ledgers import LedgerChoice

from .interrupts import INTERRUPTS
from .ledgers import Held
from .online import run_looking
from .progress import Shown
from .summary import Report
from .terminal import TERMINAL

LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """An engine and the runs of the ledger that it works with."""

    engine: Engine
    runs: Runs

    def hand_over(self, planned: Planned, held: Held, spool: Spool, settings: Settings) -> Handed:
        return hand_over(
            self.engine,
            self.runs,
            held.claim,
            spool,
            edition=planned.manifest.edition,
            plan=planned.plan.digest,
            settings=settings,
        )


@contextmanager
def workers_of(engine: str | None, choice: LedgerChoice | None, policy: Policy) -> Iterator[Workers | None]:
    """None without an engine. Raises what is not ready, before anything is planned."""
    if engine is None or choice is None:
        yield None
        return
    if policy.waves:
        raise Refused(
            "policy.waves halts a run to look at it, and workers would have no halt in common",
            hint="nothing was sent: send the first waves without --engine (--limit), or take policy.waves out",
        )
    made, runs = chosen(engine, choice)
    with closing(runs):
        yield Workers(engine=made, runs=runs)


def tell_handed(handed: Handed, report: Report) -> int:
    """The end of a send that does not stay."""
    words = (
        f"{number(handed.messages, 'message')} in {number(handed.shards, 'part')} handed over to workers: "
        f"run {handed.run}"
    )
    report.words = words
    if report.is_text:
        TERMINAL.data(words)
    report.add(engineRun={"run": handed.run, "messages": handed.messages, "shards": handed.shards})
    report.ended(None, Exit.DONE)
    if not handed.is_queued:
        TERMINAL.insist("the queue could not be written: workers find the run in the ledger by themselves")
    TERMINAL.say("Workers: flypast worker --engine postgres, on as many machines as you like")
    TERMINAL.say(f"Follow it: flypast status --follow; pause, resume, cancel: flypast pause {handed.run}")
    return Exit.DONE


def follow(workers: Workers, handed: Handed, report: Report) -> RunResult:
    """Stays until the run has ended. A signal ends the staying alone: raises KeyboardInterrupt then."""
    TERMINAL.say(
        f"run {handed.run}: handed over in {number(handed.shards, 'part')} to workers; Ctrl-C leaves it to them"
    )
    report.add(engineRun={"run": handed.run, "messages": handed.messages, "shards": handed.shards})
    report.left_to_workers(
        f"nobody follows the run {handed.run} here any more, and it goes on: flypast status --follow shows it, "
        f"flypast cancel {handed.run} ends it"
    )
    seen = run_looking(_followed(workers.runs, handed.run, handed.messages))
    INTERRUPTS.defer()
    return result_of(seen)


async def _followed(runs: Runs, run: str, total: int) -> RunSeen:
    shown = Shown(total, Control())  # nobody here stops it
    patience = _Patience(shown.tell)
    async with shown.running():
        state = RunState.RUNNING
        while True:
            seen = await patience.asked(runs, run)
            if seen is not None:
                shown.observe(_progress(seen))
                if seen.state is not state:
                    shown.tell(f"run {run} is {seen.words}")
                    state = seen.state
                if seen.has_ended:
                    return seen
            await asyncio.sleep(LOOK_EVERY_S)


class _Patience:
    """A ledger that is away is waited for: the run does not need whoever looks on."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._is_away = False

    async def asked(self, runs: Runs, run: str) -> RunSeen | None:
        try:
            seen = await asyncio.to_thread(runs.seen, run)
        except LedgerFault as fault:
            if not self._is_away:
                self._tell(f"{fault.message}; looking again until it is there")
            self._is_away = True
            return None
        self._is_away = False
        return seen


def _progress(seen: RunSeen) -> Progress:
    return Progress(accepted=seen.accepted, rejected=seen.rejected, in_doubt=seen.in_doubt, waits=0, unconnected=0)
