"""The last stages of a send that others carry: the spool in parts in the ledger, and a task for each."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from runner.bird.requests import api_origin
from runner.delivery.clock import SystemClock
from runner.delivery.settings import Settings
from runner.delivery.shards import cut, keys_of
from runner.delivery.spool import Spool
from runner.engine.choosing import engine_of
from runner.engine.seam import Engine, Task
from runner.errors import LedgerFault, UsageError
from runner.ledger.runs import RunOrder, Runs
from runner.ledger.seam import Claim

from .carrying import told
from .ledgers import LedgerChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A run that workers have now. `is_queued` False: the engine was away, and workers find it by themselves."""

    run: str
    messages: int
    shards: int
    is_queued: bool


def chosen(engine: str, choice: LedgerChoice) -> tuple[Engine, Runs]:
    """Raises UsageError, Refused or LedgerFault where they are not ready for a run."""
    made = engine_of(engine, choice.place)
    asyncio.run(made.backlog())
    runs = choice.place.runs(origin=api_origin(choice.api), keys_of=keys_of)  # the default API counts here
    if runs is None:
        raise UsageError("this ledger is one machine's own")
    return made, runs


def hand_over(
    engine: Engine, runs: Runs, claim: Claim, spool: Spool, *, edition: str, plan: str, settings: Settings
) -> Handed:
    """When this returns, the manifest is the workers', whatever becomes of this process."""
    order = RunOrder(edition=edition, plan=plan, settings=told(settings), total=len(spool))
    shards = runs.freeze(claim, order, cut(spool), at=SystemClock().now())
    runs.hand_over(claim)
    return Handed(
        run=claim.run,
        messages=len(spool),
        shards=len(shards),
        is_queued=submit(engine, [Task(claim.run, shard, plan) for shard in shards]),
    )


def submit(engine: Engine, tasks: Sequence[Task]) -> bool:
    with suppress(LedgerFault):
        asyncio.run(engine.submit(tasks))
        return True
    return False


def left_again(engine: str, choice: LedgerChoice, runs: Runs, run: str) -> bool:
    """Hands out anew what nobody has of a run that goes on again."""
    return submit(engine_of(engine, choice.place), [Task(*each) for each in runs.waiting(1_000_000, run=run)])
