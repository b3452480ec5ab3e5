"""A look-up from its options to its last line: guard, look, perhaps wait and look again, report."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

from runner.bird.requests import AccessKey, is_loopback
from runner.delivery.clock import SystemClock
from runner.delivery.getting import INTERRUPTED
from runner.delivery.reconcile import Conclusion
from runner.delivery.scanning import Incomplete, rfc3339
from runner.errors import FlypastError, UsageError
from runner.findings import Findings
from runner.ledger.seam import Claim, Ledger
from runner.manifest.policy import LEAST_SETTLE_S
from runner.model import Delivery, Policy
from runner.output.masking import in_words, recipient, reference
from runner.output.reconcile_text import again, doubles, not_looked_through, outcome
from runner.pipeline.ledgers import LedgerChoice, guard_name
from runner.pipeline.reconciling import LookUp, Order, look_up

from .interrupts import INTERRUPTS
from .ledgers import claimed
from .looking import steered
from .naming import name_of
from .orders import inputs_of, order_of
from .steps import go_on
from .summary import Summary
from .terminal import TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The command's options. `settle_s` None leaves it to the manifest's policy."""

    manifest: Path | None
    ledger_url: str | None
    api_url: str | None
    settle_s: float | None
    lock_timeout_s: float
    waits: bool


def fresh_summary(output_format: str) -> Summary:
    nothing_yet: dict[str, Any] = {"totals": None, "messages": [], "incomplete": [], "lookAgainAfter": None}
    return Summary(output_format, nothing_yet, interrupted=INTERRUPTED.words)


def reconcile(asked: Asked, key: AccessKey, summary: Summary) -> int:
    """Everything after the options. Gives the exit code."""
    choice = LedgerChoice.of(asked.ledger_url, asked.api_url, (asked.manifest or Path.cwd()).absolute())
    if asked.settle_s is not None and asked.settle_s < LEAST_SETTLE_S and not is_loopback(choice.api):
        raise UsageError(
            f"--settle must be at least {LEAST_SETTLE_S / 60:.0f}m",
            hint="Bird's list may lag behind: a message that is not there yet would be sent again",
        )
    name = name_of(asked.manifest) if asked.manifest is not None else None
    ledger = replace(choice, api_url=choice.api).open_existing()  # the key goes to this API: the ledger must be its own
    policy = policy_of(asked.manifest, instead="at-most-once, settle 15m")
    order = Order(
        manifest=name,
        api=choice.api,
        key=key,
        settle_s=policy.settle_s if asked.settle_s is None else asked.settle_s,
        resends_absent=policy.delivery is Delivery.RESEND_ABSENT,
    )
    try:
        guard_name(policy.ledger, ledger, choice.api)
        looks = _Looks(ledger=ledger, order=order, lock_timeout_s=asked.lock_timeout_s, summary=summary)
        found = looks.look()
        if asked.waits and found.stop is None and found.again_s is not None:
            found = looks.look_again(found, found.again_s)
    finally:
        ledger.close()
    looks.report(found)
    return found.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looks:
    """One look, or two with a wait between them. What was seen is told, however they end."""

    ledger: Ledger
    order: Order
    lock_timeout_s: float
    summary: Summary
    clock: SystemClock = field(default_factory=SystemClock)

    def look(self) -> LookUp:
        run = f"reconcile-{secrets.token_hex(3)}"

        def claim(name: str) -> Claim:
            return claimed(self.ledger, name, run=run, at=datetime.now(UTC), lock_timeout_s=self.lock_timeout_s)

        return look_up(self.ledger, self.order, claimed=claim, clock=self.clock, rng=SystemRandom(), watch=steered)

    def look_again(self, first: LookUp, again_s: float) -> LookUp:
        """Waits until then, and looks; a signal meanwhile leaves it at the first look."""
        now_s = self.clock.wall_s()
        self.summary.add(**_facts(first))
        try:
            INTERRUPTS.heed()
            TERMINAL.say(f"{again(first.totals['inDoubt'], again_s, now_s)}: waiting")
            time.sleep(max(0.0, again_s - now_s))
            return _both(first, self.look())
        except KeyboardInterrupt:
            INTERRUPTS.defer()
            return replace(first, stop=INTERRUPTED)
        except FlypastError:
            INTERRUPTS.defer()
            self._say(first)
            raise

    def report(self, found: LookUp) -> None:
        INTERRUPTS.defer()
        self._say(found)
        self.summary.add(**_facts(found))
        self.summary.ended(found.stop.words if found.stop is not None else None, found.exit_code)
        if found.stop == INTERRUPTED:
            TERMINAL.insist("interrupted: what was seen until then counts")
        if found.stop is not None:
            TERMINAL.insist(go_on())

    def _say(self, found: LookUp) -> None:
        if not self.summary.is_json:
            TERMINAL.data(outcome(found.totals, TERMINAL.out))
        _say_the_rest(found, self.clock.wall_s())


def policy_of(manifest: Path | None, *, instead: str) -> Policy:
    """The manifest's, where it can be read: somebody who looks at night for who got it may have it half edited.

    `instead` says what is gone by then.
    """
    if manifest is None:
        return Policy()
    loaded = order_of(manifest, inputs_of((), (), ()), is_strict=False).load(findings := Findings())
    if loaded.manifest is None or findings.has_errors:
        TERMINAL.say(f"{manifest} has findings, so its policy is not gone by: {instead}")
        return Policy()
    return loaded.manifest.policy


def _both(first: LookUp, second: LookUp) -> LookUp:
    """What the first look settled, and where the rest stands after the second."""
    looked_at = {each.entry.key for each in second.conclusions}
    settled = tuple(each for each in first.conclusions if each.entry.key not in looked_at)
    return replace(second, conclusions=(*settled, *second.conclusions))


def _say_the_rest(found: LookUp, now_s: float) -> None:
    say_incomplete(found.incomplete)
    twice = (
        (each.entry.message, in_words(each.entry.address), each.words or "")
        for each in found.conclusions
        if each.ending == "double"
    )
    for line in doubles(twice, found.totals["double"], TERMINAL.err, all_in="--format json"):
        TERMINAL.insist(line)
    if found.again_s is not None:
        waiting = sum(each.again_s is not None for each in found.conclusions)
        TERMINAL.insist(again(waiting, found.again_s, now_s))
    if found.totals["absent"] or found.totals["double"]:
        TERMINAL.say("decide about those absent or there twice with flypast resolve")


def say_incomplete(channels: Sequence[Incomplete]) -> None:
    for each in channels:
        TERMINAL.insist(not_looked_through(each.channel_id, each.words, is_begun=each.is_begun))


def incomplete_json(channels: Sequence[Incomplete]) -> list[dict[str, str]]:
    return [{"workspaceId": each.workspace_id, "channelId": each.channel_id, "words": each.words} for each in channels]


def _facts(found: LookUp) -> dict[str, Any]:
    return {
        "totals": found.totals,
        "messages": [_line(each) for each in found.conclusions],
        "incomplete": incomplete_json(found.incomplete),
        "lookAgainAfter": rfc3339(found.again_s) if found.again_s is not None else None,
    }


def _line(each: Conclusion) -> dict[str, Any]:
    entry = each.entry
    return {
        "manifest": entry.manifest,
        "message": entry.message,
        "key": entry.key,
        "reference": reference(entry),
        "recipient": recipient(entry.address),
        "state": each.ending,
        "id": each.message_id,
        "words": each.words,
    }
