"""How a run sends."""

from dataclasses import dataclass

from runner.model import QuietHours, Rate, StopAfter


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to send: `concurrency` messages in flight, up to `batch` of them in one POST.

    `workspace_rate` None is unlimited: then the channels' own rates don't count either.

    `waves` are the numbers of messages after which all in flight is settled, the thresholds are looked at and
    `pause_s` passes; the rest follows after the last (see `Policy.wave_ends`). `is_at_least_once`: what is in
    doubt goes again. `quiet_hours` hold back messages that have time zones.
    """

    concurrency: int
    workspace_rate: Rate | None
    stop_after: StopAfter
    waves: tuple[int, ...] = ()
    pause_s: float = 0.0
    is_at_least_once: bool = False
    quiet_hours: QuietHours | None = None
    batch: int = 1
    drain_s: float = 5.0
    throttle_patience_s: float = 600.0

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= self.concurrency:
            raise ValueError(f"a batch of {self.batch} at a concurrency of {self.concurrency}")
