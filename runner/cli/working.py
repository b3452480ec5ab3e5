"""A worker's process: its connections, its signals, and what it says."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from runner.bird.requests import AccessKey, api_origin
from runner.delivery.control import Control
from runner.errors import Exit
from runner.ledger.seam import Ledger
from runner.output.neutral import neutral
from runner.output.words import number
from runner.pipeline.handing import chosen
from runner.pipeline.ledgers import LedgerChoice
from runner.pipeline.running import run as run_loop
from runner.pipeline.working import DRAIN_S, Worked, Worker

from .interrupts import INTERRUPTS
from .steering import steered
from .terminal import TERMINAL


def work(
    engine: str, choice: LedgerChoice, key: AccessKey, *, slots: int, is_draining: bool, ready: Callable[[str], None]
) -> tuple[Exit, Worked]:
    """Until a signal, or until nothing is left to do where it drains; `ready` hears when it begins."""
    made, runs = chosen(engine, choice)
    with closing(runs), closing(opened(choice)) as ledger:
        worker = Worker(runs=runs, engine=made, api=choice.api, key=key, slots=slots, say=say, paces=ledger.paces())
        ready(f"ready for runs at {choice.place.words}, {number(slots, 'part')} at a time")
        return run_loop(worked(worker, is_draining=is_draining))


def opened(choice: LedgerChoice) -> Ledger:
    return choice.place.open_or_make(origin=api_origin(choice.api), at="")  # there is one, as its runs were opened


def say(words: str) -> None:
    """Workers run for weeks in logs, so each line has its time."""
    TERMINAL.say(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {neutral(words)}")


async def worked(worker: Worker, *, is_draining: bool) -> tuple[Exit, Worked]:
    control = Control()
    INTERRUPTS.defer()
    with steered(control, drain_s=DRAIN_S, hurry=worker.runs.hurry, tell=say):
        did = await worker.work(control, is_draining=is_draining)
    return (Exit.INTERRUPTED if control.is_leaving else Exit.DONE), did
