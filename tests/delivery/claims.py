"""Claims that go wrong, around a ledger that does not."""

import threading
from collections.abc import Callable, Sequence

from runner.ledger.memory import MemoryLedger
from runner.ledger.seam import Claim, Intent, Settlement, Verdict
from runner.model import State

AT = "2026-03-01T09:00:00.000Z"


def ledger_and_claim() -> tuple[MemoryLedger, Claim]:
    ledger = MemoryLedger(origin="http://127.0.0.1")
    return ledger, ledger.claim("spring", run="run-1", at=AT)


def states(ledger: MemoryLedger) -> dict[str, State]:
    return {entry.key: entry.state for entry in ledger.entries()}


class Watched:
    """Passes commits on, keeps count of them, and lets a test step in before or after each."""

    def __init__(
        self,
        claim: Claim,
        *,
        before: Callable[[Sequence[Settlement], Sequence[Intent]], object] = lambda _s, _i: None,
        after: Callable[[], object] = lambda: None,
    ) -> None:
        self.manifest = claim.manifest
        self.run = claim.run
        self.epoch = claim.epoch
        self.sizes: list[tuple[int, int]] = []
        self.threads: set[int] = set()
        self._claim = claim
        self._before = before
        self._after = after

    def may_post(self) -> bool:
        return self._claim.may_post()

    def hurry(self) -> None:
        self._claim.hurry()

    def commit(self, settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        self.threads.add(threading.get_ident())
        self.sizes.append((len(settlements), len(intents)))
        self._before(settlements, intents)
        self._claim.commit(settlements, intents)
        self._after()

    def reconcile(self, verdicts: Sequence[Verdict]) -> int:
        raise NotImplementedError

    def resolve(self, keys: object, state: State, at: str) -> int:
        raise NotImplementedError

    def track(self, seen: object) -> int:
        raise NotImplementedError

    def purge(self, before: str) -> int:
        raise NotImplementedError

    def release(self) -> None:
        self._claim.release()
