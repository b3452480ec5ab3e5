"""The last stages of `send`: dispatch over a real connection, and where everything stands afterwards."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from random import SystemRandom

from runner.bird.client import BirdClient
from runner.bird.requests import AccessKey
from runner.delivery.clock import SystemClock
from runner.delivery.control import Control
from runner.delivery.dispatch import Settings, dispatch
from runner.delivery.shared_pace import SharedPace
from runner.delivery.spool import Spool
from runner.delivery.tally import Progress, RunResult
from runner.errors import Exit
from runner.ledger.paces import Paces
from runner.ledger.seam import Claim
from runner.plan import Plan

STOPS = {"ledger": Exit.LEDGER, "refused": Exit.BIRD_REFUSED, "interrupted": Exit.INTERRUPTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a run cost by the rate card: what was accepted, and what is in doubt if it went out."""

    accepted: Decimal
    in_doubt: Decimal
    currency: str
    is_at_least: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a run did and where the manifest stands; the counts add up to the plan. `cost` needs a rate card.

    For the last two see RunResult.
    """

    totals: dict[str, int]
    run: dict[str, int]
    doubles: int
    stopped: str | None
    exit_code: Exit
    cost: Cost | None = None
    deferred: int = 0
    kept: int = 0


async def send(
    spool: Spool,
    *,
    edition: str,
    claim: Claim,
    api: str,
    key: AccessKey,
    settings: Settings,
    control: Control,
    observe: Callable[[Progress], None],
    paces: Paces | None = None,
) -> RunResult:
    """Sends what the spool holds, over a connection of its own, in real time; `paces` are its ledger's."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            BirdClient(api, key, concurrency=settings.concurrency, may_post=claim.may_post)
        )
        pace = await stack.enter_async_context(SharedPace(paces, clock=clock)) if paces is not None else None
        return await dispatch(
            spool,
            edition=edition,
            claim=claim,
            transport=client,
            batches=client,
            settings=settings,
            clock=clock,
            rng=SystemRandom(),
            control=control,
            observe=observe,
            pace=pace,
        )


def standing(plan: Plan, result: RunResult | None, *, in_doubt: int = 0) -> Sent:
    """Where every message of the plan stands after the run (None: nothing was sent), and the exit code of that."""
    run = {
        "accepted": result.accepted if result else 0,
        "rejected": result.rejected if result else 0,
        "inDoubt": result.in_doubt if result else 0,
    }
    before = plan.totals
    open_still = plan.again.total() - (result.closed if result else 0)
    totals = {
        "messages": before.messages,
        "accepted": before.accepted + before.drift - plan.drift_in_doubt + run["accepted"],
        "rejected": before.rejected + run["rejected"],
        "inDoubt": before.in_doubt + plan.drift_in_doubt + open_still + run["inDoubt"],
        "skipped": before.skipped,
    }
    totals["planned"] = totals["messages"] - sum(count for name, count in totals.items() if name != "messages")
    stopped = result.stopped if result else None
    return Sent(
        totals=totals,
        run=run,
        doubles=result.doubles if result else 0,
        stopped=stopped.words if stopped else None,
        deferred=result.deferred if result else 0,
        kept=result.kept if result else 0,
        exit_code=_exit_code(
            stopped.kind if stopped else None, max(totals["inDoubt"] + plan.others_in_doubt, in_doubt), run["rejected"]
        ),
        cost=_cost(plan, result),
    )


def _cost(plan: Plan, result: RunResult | None) -> Cost | None:
    if plan.currency is None:
        return None
    return Cost(
        accepted=result.cost if result else Decimal(),
        in_doubt=result.cost_in_doubt if result else Decimal(),
        currency=plan.currency,
        is_at_least=plan.to_send.costs_at_least,
    )


def _exit_code(stop: str | None, in_doubt: int, rejected: int) -> Exit:
    """When several hold: 9, 7, 11, 130, 6, 5."""
    if stop is not None:
        return STOPS.get(stop, Exit.STOPPED)
    if in_doubt:
        return Exit.IN_DOUBT
    return Exit.REJECTED if rejected else Exit.DONE
