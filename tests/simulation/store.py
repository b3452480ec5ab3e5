"""A ledger on a simulated disk: what is written is seen at once, and survives a crash only when it was synced."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from runner.errors import LedgerFault
from runner.ledger.deliveries import Delivery
from runner.ledger.memory import MemoryLedger
from runner.ledger.seam import Claim, Entry, Intent, Settlement, Verdict
from runner.model import State

from .trace import Trace

NAME = "spring"

# refused: nothing is written. unclear: it is written and synced, and yet the call fails. bug: a mistake of ours.
DiskFault = Literal["refused", "unclear", "bug"]


class Bug(Exception):
    """A planted mistake of ours: no LedgerFault, no ReplyLost."""


class SimLedger(MemoryLedger):
    """The rules are MemoryLedger's; `durable` is what a crash leaves."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(origin="http://127.0.0.1")
        self.trace = trace
        self.durable: dict[str, Entry] = {}

    def claimed(self, *, run: str, at: str, faults: dict[int, DiskFault]) -> "SimClaim":
        """A claim is durable when it is given. Raises Locked."""
        claim = self.claim(NAME, run=run, at=at)
        self.sync_all()
        return SimClaim(self, claim, faults)

    def lose_lock(self) -> None:
        """The lock is gone and its holder does not know: a lease that ran out, a lock file on a lost mount."""
        self.living.pop(NAME, None)

    def decide(self, keys: Iterable[str], state: State, *, at: str) -> None:
        """What `resolve` does: a claim, the decision, release."""
        claim = self.claim(NAME, run="resolve", at=at)
        claim.resolve(keys, state, at)
        claim.release()
        self.sync_all()

    def sync_all(self) -> None:
        self.durable = dict(self.held)

    def state(self, key: str) -> State | None:
        """As the next start will find it: what is `sending` without a living run is in doubt."""
        entry = self.durable.get(key)
        if entry is None:
            return None
        return State.IN_DOUBT if entry.state is State.SENDING else entry.state


@dataclass(slots=True)
class SimClaim:
    """A Claim whose commits may fail: `faults` tells at which of its calls (from 1; 0 is the release), and how."""

    ledger: SimLedger
    claim: Claim
    faults: dict[int, DiskFault]
    calls: int = 0
    is_dead: bool = False
    has_failed: bool = False
    unclear: set[str] = field(default_factory=set)
    unsynced: list[str] = field(default_factory=list)
    manifest: str = NAME
    run: str = ""
    epoch: int = 0

    def __post_init__(self) -> None:
        self.run = self.claim.run
        self.epoch = self.claim.epoch

    def may_post(self) -> bool:
        return self.claim.may_post()

    def hurry(self) -> None:
        self.claim.hurry()

    def commit(self, settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        if self.is_dead:
            raise LedgerFault("this process is dead")
        self.calls += 1
        fault = self.faults.get(self.calls)
        if fault in ("refused", "bug"):
            self._fail(fault)
            raise Bug("planted") if fault == "bug" else LedgerFault("the disk is full")
        self.claim.commit(settlements, intents)
        if self.epoch != self.ledger.epochs[NAME]:
            self.ledger.trace.broken(f"{self.run} wrote with epoch {self.epoch} after a newer one had begun")
        keys = [settled.key for settled in settlements] + [intent.key for intent in intents]
        self.unsynced.extend(keys)
        if fault == "unclear":
            self.synced()
            self.unclear.update(keys)
            self._fail(fault)
            raise LedgerFault("the disk failed while it synced")
        self.ledger.trace.note(self.run, "commit", len(settlements), len(intents))

    def _fail(self, fault: str) -> None:
        self.has_failed = True
        self.ledger.trace.note(self.run, "disk", fault)

    def synced(self) -> None:
        """What this claim has written so far is durable."""
        if self.is_dead:
            return
        for key in self.unsynced:
            self.ledger.durable[key] = self.ledger.held[key]
        self.unsynced.clear()

    def reconcile(self, verdicts: Sequence[Verdict]) -> int:
        """Durable when it returns, and made in the loop: nothing can come between."""
        self.calls += 1
        fault = self.faults.get(self.calls)
        if fault is not None:
            self._fail(fault)
        if fault == "refused":
            raise LedgerFault("the disk is full")
        moved = self.claim.reconcile(verdicts)
        self.unsynced.extend(verdict.key for verdict in verdicts)
        self.synced()
        self.ledger.trace.note(self.run, "told", len(verdicts))
        if fault is not None:
            raise LedgerFault("the disk failed while it synced")
        return moved

    def resolve(self, keys: Iterable[str], state: State, at: str) -> int:
        raise NotImplementedError

    def track(self, seen: Mapping[str, Delivery]) -> int:
        raise NotImplementedError

    def purge(self, before: str) -> int:
        raise NotImplementedError

    def release(self) -> None:
        """The lock goes at once; what is open is written unless the disk still fails."""
        if 0 in self.faults:
            self._fail("release")
            self._unlock()
        else:
            self.claim.release()
        self.ledger.sync_all()

    def crash(self, *, keeps: bool) -> None:
        """The process is gone. `keeps`: what it had written and not synced happens to be there all the same."""
        if keeps:
            self.synced()
        self.is_dead = True
        for key in self.unsynced:
            if key in self.ledger.durable:
                self.ledger.held[key] = self.ledger.durable[key]
            else:
                self.ledger.held.pop(key, None)
        self._unlock()

    def _unlock(self) -> None:
        if self.ledger.living.get(NAME) is self.claim:
            self.ledger.lose_lock()
