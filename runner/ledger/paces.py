"""The seam to limits that all who send with one ledger keep to together, on the clock of where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


def scope_of(workspace_id: str, channel_id: str | None = None) -> str:
    """What a limit is for: a workspace, or one channel of it (`WORKSPACE/CHANNEL`)."""
    return workspace_id if channel_id is None else f"{workspace_id}/{channel_id}"


class Share(NamedTuple):
    """A scope, and how fast whoever asks would go in it by itself; None where it has no limit of its own."""

    scope: str
    per_second: float | None


class Block(NamedTuple):
    """Slots that were granted: `slots` of them from `start_s` on, one each `spacing_s`; all its times are the store's.

    None (`slots` 0): ask again in `wait_s`. `at_s` is when it was granted, in Unix seconds, and `jitter_s` by how much
    the last slot may be later than the widest scope would have it.
    """

    slots: int
    wait_s: float
    at_s: float
    start_s: float
    spacing_s: float
    jitter_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How one scope stands. Rates per second: `set` by hand (comes before all others), `asked` by the last who sent,
    and `now`, while it recovers from a 429. `held_s`: nobody sends for so long; `idle_s` since the last slot.
    """

    scope: str
    set_per_s: float | None
    asked_per_s: float | None
    now_per_s: float | None
    held_s: float
    idle_s: float | None


class Paces(Protocol):
    """Each call may wait for the store, so it belongs in a thread; one at a time. Raises LedgerFault once it has been
    away for as long as a lease lasts: nobody may send then.
    """

    def take(self, shares: Sequence[Share], *, wanted: int, block_s: float) -> Block:
        """At most `wanted` slots of the next `block_s`, in all scopes at once. The first share is the workspace's."""

    def hold(self, share: Share, *, for_s: float, sent_at_s: float) -> None:
        """A 429: nobody gets a slot in this workspace for so long, and all go slower afterwards.

        A storm of them is one cut: what was sent before the last cut (`sent_at_s`, the store's time) cuts no more.
        """

    def set_limit(self, scope: str, per_second: float | None) -> bool:
        """From now on for all runs; None: what each asks for itself. Gives whether the scope was known."""

    def limits(self) -> Sequence[Limit]:
        """Every scope that was ever sent in or set, by its name."""

    def close(self) -> None: ...
