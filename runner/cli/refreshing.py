"""`status --refresh` from its options to what it says: guard, look, tell."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

from runner.bird.requests import AccessKey
from runner.delivery.clock import SystemClock
from runner.delivery.getting import INTERRUPTED
from runner.ledger.seam import Claim, Ledger
from runner.output.refresh_text import outcome
from runner.pipeline.ledgers import LedgerChoice, guard_name
from runner.pipeline.refreshing import Order, Refreshed, refresh

from .interrupts import INTERRUPTS
from .ledgers import claimed
from .looking import steered
from .reconciling import incomplete_json, policy_of, say_incomplete
from .steps import go_on
from .terminal import TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command's options. `name` None is all of the ledger."""

    manifest: Path | None
    name: str | None
    choice: LedgerChoice
    lock_timeout_s: float


def opened(asked: Asked) -> Ledger:
    """The ledger, if it may be used: the key goes to this API, so it must be the ledger's own."""
    policy = policy_of(asked.manifest, instead="any ledger will do")
    ledger = replace(asked.choice, api_url=asked.choice.api).open_existing()
    try:
        guard_name(policy.ledger, ledger, asked.choice.api)
    except BaseException:
        ledger.close()
        raise
    return ledger


def refreshed(ledger: Ledger, asked: Asked, key: AccessKey) -> Refreshed:
    """Looks, and says on standard error what came of it; a signal ends the look with what was seen until then."""
    run = f"status-{secrets.token_hex(3)}"

    def claim(name: str) -> Claim:
        return claimed(ledger, name, run=run, at=datetime.now(UTC), lock_timeout_s=asked.lock_timeout_s)

    INTERRUPTS.heed()
    order = Order(manifest=asked.name, api=asked.choice.api, key=key)
    found = refresh(ledger, order, claimed=claim, clock=SystemClock(), rng=SystemRandom(), watch=steered)
    INTERRUPTS.defer()
    _say(found)
    return found


def refresh_json(found: Refreshed) -> Mapping[str, Any]:
    return {
        "sought": found.sought,
        "found": found.found,
        "moved": found.moved,
        "doubles": found.doubles,
        "notListed": found.not_listed,
        "incomplete": incomplete_json(found.incomplete),
        "stopped": found.stop.words if found.stop is not None else None,
        "exitCode": int(found.exit_code),
    }


def _say(found: Refreshed) -> None:
    for line in outcome(
        sought=found.sought, found=found.found, moved=found.moved, doubles=found.doubles, not_listed=found.not_listed
    ):
        TERMINAL.say(line)
    say_incomplete(found.incomplete)
    if found.stop == INTERRUPTED:
        TERMINAL.insist("interrupted: what was seen until then counts")
    if found.stop is not None:
        TERMINAL.insist(go_on())
