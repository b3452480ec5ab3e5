"""What a run and one of its shards are to a worker: how to send, what is left to send, and what came of it."""

import json
from dataclasses import asdict
from typing import Any

from runner.delivery.settings import Settings
from runner.delivery.tally import RunResult, StopKind, Stopped
from runner.ledger.runs import Extra, RunOrder, RunSeen, RunState, ShardClaim
from runner.model import Delivery, Message, QuietHours, Rate, State, StopAfter, Then, Threshold

_VERSION = 1


def told(settings: Settings) -> str:
    """The settings as JSON: no secret is in them."""
    return json.dumps({"v": _VERSION, **asdict(settings)}, separators=(",", ":"))


def settings_of(order: RunOrder) -> Settings:
    """`told` read back."""
    given: dict[str, Any] = json.loads(order.settings)
    given.pop("v")
    rate, hours, stop = given.pop("workspace_rate"), given.pop("quiet_hours"), given.pop("stop_after")
    return Settings(
        **{**given, "waves": tuple(given["waves"])},
        workspace_rate=rate and Rate(**rate),
        quiet_hours=hours and QuietHours(**{**hours, "then": Then(hours["then"])}),
        stop_after=StopAfter(rejected=Threshold(**stop["rejected"]), in_doubt=Threshold(**stop["in_doubt"])),
    )


def left(messages: list[Message], claim: ShardClaim, *, delivery: Delivery) -> list[Message]:
    """What is to be sent of a shard. What this run has tried already is sent only where it surely did not go out."""
    return [each for message in messages if (each := _left(message, claim, delivery)) is not None]


def _left(message: Message, claim: ShardClaim, delivery: Delivery) -> Message | None:
    stood = claim.stood.get(message.key)
    if stood is None or not stood.is_ours:
        return message
    if stood.state is State.PLANNED:
        return message if message.held is not None else message._replace(held=State.PLANNED)
    if stood.state is State.IN_DOUBT and delivery is Delivery.AT_LEAST_ONCE:
        return message._replace(held=State.IN_DOUBT)
    return None


def extra(result: RunResult) -> Extra:
    return Extra(doubles=result.doubles, deferred=result.deferred, kept=result.kept)


def reached(stop_after: StopAfter, seen: RunSeen, *, fewest: int = 20) -> str | None:
    """Which threshold the whole run has reached, in words. What a worker left behind as it died is no sign of Bird."""
    in_doubt = max(0, seen.in_doubt - seen.left_behind)
    finished = seen.accepted + seen.rejected + in_doubt
    if stop_after.rejected.reached(seen.rejected, finished, fewest=fewest):
        return f"stopAfter.rejected is reached: {seen.rejected:,} of {finished:,} finished messages"
    if stop_after.in_doubt.reached(in_doubt, finished, fewest=fewest):
        return f"stopAfter.inDoubt is reached: {in_doubt:,} of {finished:,} finished messages"
    return None


def result_of(seen: RunSeen) -> RunResult:
    """A run that has ended, as a single machine tells of its own."""
    sent = seen.accepted + seen.rejected + seen.in_doubt
    return RunResult(
        accepted=seen.accepted,
        rejected=seen.rejected,
        in_doubt=seen.in_doubt,
        returned=seen.total - sent,
        stopped=_stopped(seen),
        problems=(),
        closed=seen.closed,
        doubles=seen.extra.doubles,
        cost=seen.cost,
        cost_in_doubt=seen.cost_in_doubt,
        deferred=seen.extra.deferred,
        kept=seen.extra.kept,
    )


def _stopped(seen: RunSeen) -> Stopped | None:
    if seen.ending is not None and seen.state is RunState.STOPPED:
        kind: StopKind = seen.ending.kind  # type: ignore[assignment]  # as it was written
        return Stopped(kind=kind, words=seen.ending.words, hint=seen.ending.hint)
    if seen.state is RunState.CANCELLED:
        return Stopped(kind="interrupted", words="the run was cancelled")
    if seen.held:
        parts = "one part" if seen.held == 1 else f"{seen.held:,} parts"
        return Stopped(kind="held", words=f"{parts} of {seen.shards:,} could not be sent: {_HELD}")
    return None


_HELD = "too many workers ended in the midst of it, or it is not what was frozen"
