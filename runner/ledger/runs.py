"""Runs that many workers carry: frozen in shards, each of which one worker at a time may send.

Whatever hands the work out, a shard's claim decides: it is a lease with an epoch, as a manifest's is, and what an older
epoch writes is refused. So a shard that is offered twice, or by mistake, is harmless.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from runner.model import State

from .seam import Claim

MOST_TAKEOVERS = 5  # of one shard: a worker that dies of it again and again must not stop the others


class RunState(StrEnum):
    """What is wanted of a run. It has ended when nobody can send any of it any more (`RunSeen.has_ended`)."""

    FROZEN = "frozen"  # not handed over yet: its sender has it
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """A run before its shards. `plan` is the plan's digest, `settings` JSON: how to send, without secrets."""

    edition: str
    plan: str
    settings: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenShard:
    """A part of a run's messages. `digest` is the SHA-256 of `messages` in hex."""

    number: int
    total: int
    digest: str
    messages: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """What only who sent a shard can tell of it, see `RunResult`."""

    doubles: int = 0
    deferred: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why a run was stopped: the kind is one of `StopKind`."""

    kind: str
    words: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """A run as the ledger holds it. Of its shards `sending` have a living worker, of whom there are `workers`.

    `left_behind` counts those that became in doubt as their worker died: that says nothing of Bird.
    `ending` is given where it was stopped.
    """

    run: str
    manifest: str
    edition: str
    state: RunState
    since: str
    has_ended: bool
    total: int
    accepted: int
    rejected: int
    in_doubt: int
    left_behind: int
    closed: int
    extra: Extra
    cost: Decimal
    cost_in_doubt: Decimal
    shards: int
    done: int
    held: int
    sending: int
    workers: int
    ending: Ending | None

    @property
    def words(self) -> str:
        """Its state, with what is wanted of it and not reached yet."""
        wanted = {RunState.PAUSED: "pausing", RunState.CANCELLED: "cancelling", RunState.STOPPED: "stopping"}
        if self.sending and not self.has_ended:
            return wanted.get(self.state, self.state.value)
        return self.state.value


class Keys(NamedTuple):
    """Of a shard's messages: all, and those that the ledger had in doubt or absent when they were frozen."""

    all: Sequence[str]
    again: Sequence[str]


KeysOf = Callable[[bytes], Keys]


class Stood(NamedTuple):
    """What the ledger held of a message when its shard was taken. `is_ours`: this run put it so."""

    state: State
    is_ours: bool


class ShardClaim(Claim, Protocol):
    """The right to send one shard, until `finish`, `release` or `end`."""

    order: RunOrder
    shard: int
    messages: bytes
    stood: Mapping[str, Stood]

    def tell(self, *, accepted: int, rejected: int, in_doubt: int) -> None:
        """Where the shard stands: who looks on sees it after the next commit. The end is counted anew."""

    def finish(self, extra: Extra) -> None:
        """It is done, all of it. Raises ClaimLost or LedgerFault, as the others do."""

    def give_back(self, extra: Extra) -> None:
        """Somebody else may go on with the rest of it, at once."""

    def end(self) -> None:
        """Nothing more is done, as if this process had died: its lease runs out, and that counts as a takeover."""


class Runs(Protocol):
    """The runs of one ledger."""

    def freeze(self, claim: Claim, order: RunOrder, shards: Iterable[FrozenShard], *, at: str) -> Sequence[int]:
        """Stores a run, by the claim of who sends; gives the numbers of its shards. Nobody sends it yet."""

    def hand_over(self, claim: Claim) -> None:
        """From here on workers have the manifest until the run has ended, and the sender's claim is no more."""

    def take(self, run: str, shard: int, *, plan: str, at: str) -> ShardClaim | None:
        """None where it is not to be sent, or not now, or by somebody else."""

    def steer(self, run: str, state: RunState, *, at: str, ending: Ending | None = None) -> RunSeen:
        """What is wanted of it from now on. Raises Refused where it can't be so any more, or there is no such run."""

    def conclude(self, run: str, *, at: str) -> bool:
        """Ends it where nobody sends any more and nobody is to; whether it has ended."""

    def seen(self, run: str) -> RunSeen | None: ...

    def living(self, manifest: str | None = None) -> tuple[RunSeen, ...]:
        """Those that have not ended, the oldest first."""

    def states(self) -> Mapping[str, RunState]:
        """Of those that have not ended: one small question, asked several times a second."""

    def strays(self) -> Sequence[tuple[str, int, str]]:
        """Run, shard and plan of what was begun, is to be sent, and has nobody who does."""

    def waiting(self, limit: int, *, run: str | None = None) -> Sequence[tuple[str, int, str]]:
        """The same of what nobody has and is to be sent, begun or not; of one run where it is named."""

    def hurry(self) -> None:
        """Nobody waits any longer: what waits for a server that is away gives up. From any thread."""

    def close(self) -> None: ...
