"""A ledger that forgets: for simulations, and to hold the seam's rules against a second store."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from runner.errors import Locked
from runner.model import State

from .deliveries import NOT_LOOKED_UP, Deliveries, Delivery, has_moved, is_of
from .moves import (
    UNDECIDED,
    fitted,
    left_behind,
    lost,
    may_be_found,
    may_be_intended,
    may_be_purged,
    may_stand,
    must_decide,
    must_find,
    must_settle,
    not_open,
    not_sendable,
    purged,
    was_sent_since,
)
from .seam import Entry, Intent, Known, Settlement, Verdict


class MemoryLedger:
    """See `seam.Ledger`. It outlives `close`, which ends its claims as the death of their process would."""

    def __init__(self, *, origin: str, name: str | None = None) -> None:
        self.name = name
        self.origin = origin
        self.held: dict[str, Entry] = {}
        self.epochs: dict[str, int] = {}
        self.living: dict[str, MemoryClaim] = {}
        self.changed = threading.Condition()

    def lookup(self, key: str) -> Known | None:
        return self.lookup_many([key]).get(key)

    def lookup_many(self, keys: Sequence[str]) -> Mapping[str, Known]:
        return {key: self._known(self.held[key]) for key in keys if key in self.held}

    @staticmethod
    def _known(entry: Entry) -> Known:
        return Known(
            state=entry.state,
            payload_hash=entry.payload_hash,
            channel_id=entry.channel_id,
            code=entry.code,
            resent=entry.resent,
        )

    def claim(self, manifest: str, *, run: str, at: str, timeout_s: float = 0.0) -> "MemoryClaim":
        with self.changed:
            if not self.changed.wait_for(lambda: manifest not in self.living, timeout_s):
                raise Locked(f"another run of {manifest} holds the ledger: run {self.living[manifest].run}")
            self.epochs[manifest] = self.epochs.get(manifest, 0) + 1
            self.leave(manifest, at)
            claim = MemoryClaim(self, manifest=manifest, run=run, epoch=self.epochs[manifest])
            self.living[manifest] = claim
            return claim

    def leave(self, manifest: str, at: str | None) -> None:
        """What is `sending` becomes `inDoubt`."""
        for key, entry in self.held.items():
            if entry.manifest == manifest and entry.state is State.SENDING:
                words = left_behind(entry.run)
                self.held[key] = replace(entry, state=State.IN_DOUBT, at=at or entry.at, words=words)

    def entries(self, manifest: str | None = None, *, states: Iterable[State] = ()) -> Iterator[Entry]:
        wanted = frozenset(states) or frozenset(State)
        # The sort is stable and a key keeps its place in the dict, so each message is in the order of first intent.
        for entry in sorted(self.held.values(), key=lambda entry: (entry.manifest, entry.message)):
            if entry.state in wanted and manifest in {None, entry.manifest}:
                yield entry

    def keys(self, manifest: str, edition: str) -> Iterator[tuple[str, State]]:
        return ((entry.key, entry.state) for entry in self.entries(manifest) if entry.edition == edition)

    def payloads(self, manifest: str, edition: str, message: str) -> Iterator[Mapping[str, str]]:
        yield {
            entry.key: entry.payload_hash if entry.state is State.ACCEPTED else ""
            for entry in self.entries(manifest)
            if entry.edition == edition and entry.message == message
        }

    def texts(self, manifest: str, since: str) -> Iterator[str | None]:
        others = [entry for entry in self.held.values() if entry.manifest != manifest]
        return (entry.text_hash for entry in others if was_sent_since(entry, since))

    def counts(self, manifest: str) -> Mapping[State, int]:
        return Counter(entry.state for entry in self.held.values() if entry.manifest == manifest)

    def deliveries(self, manifest: str) -> Deliveries:
        accepted = [entry.delivery for entry in self.entries(manifest, states=(State.ACCEPTED,))]
        counts = Counter(NOT_LOOKED_UP if each is None else each.bucket for each in accepted)
        looked_at = max((each.looked_at for each in accepted if each is not None), default=None)
        return Deliveries(counts=counts, looked_at=looked_at)

    def size(self, manifest: str) -> int:
        return sum(1 for _ in self.entries(manifest))

    def standing(self, manifest: str, edition: str) -> Mapping[State, int]:
        entries = [entry for entry in self.held.values() if entry.manifest == manifest]
        return Counter(each.state for each in entries if may_stand(each, edition))

    def manifests(self) -> tuple[str, ...]:
        return tuple(sorted({entry.manifest for entry in self.held.values()}))

    def check(self) -> Iterator[str]:
        return iter(())

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self.changed:
            yield

    def scrub(self, *, run: str, at: str, timeout_s: float = 0.0) -> None:  # noqa: ARG002 - the seam's signature
        with self.changed:
            if not self.changed.wait_for(lambda: not self.living, timeout_s):
                manifest, claim = next(iter(self.living.items()))
                raise Locked(f"another run of {manifest} holds the ledger: run {claim.run}")

    def paces(self) -> None:
        """One host: each run paces itself."""

    def close(self) -> None:
        with self.changed:
            self.living.clear()
            self.changed.notify_all()


class MemoryClaim:
    """See `seam.Claim`. Made by `MemoryLedger.claim`."""

    def __init__(self, ledger: MemoryLedger, *, manifest: str, run: str, epoch: int) -> None:
        self.manifest = manifest
        self.run = run
        self.epoch = epoch
        self._ledger = ledger

    def may_post(self) -> bool:
        return self._ledger.living.get(self.manifest) is self

    def hurry(self) -> None:
        """There is nothing to wait for."""

    def commit(self, settlements: Sequence[Settlement], intents: Sequence[Intent]) -> None:
        for settlement in settlements:
            must_settle(settlement.state)
        with self._ledger.changed:
            self._must_live()
            written: dict[str, Entry] = {}
            for settlement in settlements:
                written[settlement.key] = self._settled(settlement, written)
            for intent in intents:
                written[intent.key] = self._intended(intent, written)
            self._ledger.held.update(written)

    def resolve(self, keys: Iterable[str], state: State, at: str) -> int:
        must_decide(state)
        moved = 0
        with self._ledger.changed:
            self._must_live()
            for key in keys:
                entry = self._ledger.held.get(key)
                if entry is not None and entry.manifest == self.manifest and entry.state in UNDECIDED:
                    self._ledger.held[key] = replace(entry, state=state, at=at, run=self.run)
                    moved += 1
        return moved

    def reconcile(self, verdicts: Sequence[Verdict]) -> int:
        for verdict in verdicts:
            must_find(verdict.state)
        moved = 0
        with self._ledger.changed:
            self._must_live()
            for verdict in verdicts:
                entry = self._ledger.held.get(verdict.key)
                if entry is None or entry.manifest != self.manifest:
                    continue
                if may_be_found(entry.state, entry.message_id, verdict.state):
                    self._ledger.held[verdict.key] = _found(entry, verdict)
                    moved += 1
        return moved

    def track(self, seen: Mapping[str, Delivery]) -> int:
        moved = 0
        with self._ledger.changed:
            self._must_live()
            for key, each in seen.items():
                entry = self._ledger.held.get(key)
                if entry is None or entry.manifest != self.manifest or entry.state is not State.ACCEPTED:
                    continue
                if is_of(each, entry.message_id):
                    kept = each.after(entry.told)
                    moved += has_moved(entry.told, kept)
                    self._ledger.held[key] = replace(entry, told=kept)
        return moved

    def purge(self, before: str) -> int:
        with self._ledger.changed:
            self._must_live()
            gone = {
                key: purged(entry)
                for key, entry in self._ledger.held.items()
                if entry.manifest == self.manifest and may_be_purged(entry, before)
            }
            self._ledger.held.update(gone)
        return len(gone)

    def release(self) -> None:
        with self._ledger.changed:
            if self._ledger.living.get(self.manifest) is self:
                self._ledger.leave(self.manifest, None)
                del self._ledger.living[self.manifest]
                self._ledger.changed.notify_all()

    def _must_live(self) -> None:
        if self._ledger.living.get(self.manifest) is not self:
            lost(self.manifest)

    def _settled(self, settlement: Settlement, written: Mapping[str, Entry]) -> Entry:
        entry = written.get(settlement.key) or self._ledger.held.get(settlement.key)
        if entry is None or entry.manifest != self.manifest or entry.state is not State.SENDING:
            not_open(settlement.key)
        return replace(
            entry,
            state=settlement.state,
            at=settlement.at,
            message_id=fitted(settlement.message_id),
            code=fitted(settlement.code),
            words=fitted(settlement.words),
        )

    def _intended(self, intent: Intent, written: Mapping[str, Entry]) -> Entry:
        before = written.get(intent.key) or self._ledger.held.get(intent.key)
        if before is not None and (
            before.manifest != self.manifest or not may_be_intended(before.state, from_doubt=intent.from_doubt)
        ):
            not_sendable(intent.key, before.state)
        return Entry(
            key=intent.key,
            manifest=self.manifest,
            edition=intent.edition,
            message=intent.message,
            workspace_id=intent.workspace_id,
            channel_id=intent.channel_id,
            reference=intent.reference,
            address=intent.address,
            payload_hash=intent.payload_hash,
            country=intent.country,
            segments=intent.segments,
            state=State.SENDING,
            attempts=1 if before is None else before.attempts + 1,
            run=self.run,
            intended_at=before.intended_at if before is not None and before.state is State.IN_DOUBT else intent.at,
            at=intent.at,
            message_id=None,
            code=None,
            words=None,
            resent=intent.resent if before is None else before.resent + (before.state is State.ABSENT),
            cost=intent.cost,
            currency=intent.currency,
            text_hash=intent.text_hash,
            told=None if before is None else before.told,
        )


def _found(entry: Entry, verdict: Verdict) -> Entry:
    return replace(
        entry,
        state=verdict.state,
        at=entry.at if verdict.state is entry.state else verdict.at,
        message_id=fitted(verdict.message_id),
        code=fitted(verdict.code),
        words=fitted(verdict.words),
        looked_at=verdict.looked_at,
        resent=entry.resent + (verdict.state is State.PLANNED),
    )
