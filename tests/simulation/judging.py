"""What must hold when a run is over: for the whole world, and for the run that ended by itself."""

from collections import Counter

from runner.delivery.tally import RunResult
from runner.ledger.seam import Entry
from runner.model import Delivery, Message, State
from runner.pipeline.sending import standing

from .fates import PASSING_CODES
from .process import Process, World
from .store import Bug

# What must have happened for a run to stop so; kinds whose cause has a name among the replies.
_CAUSES = {
    "refused": {"401", "402", "403", "404"},
    "redirect": {"301", "302", "303", "307", "308"},
    "certificate": {"certificate"},
    "unreachable": {"unconnected", "400", "422", "202", "204", "206", "500", "502", "503", "408"},
    "throttled": {"429"},
}


def judge_world(world: World) -> None:
    """The server's record against the ledger: never two, never silently none."""
    must, bird, ledger = world.trace.must, world.bird, world.ledger
    for key, times in bird.taken.items():
        most = 1 + world.again[key] * (world.universe.delivery is Delivery.AT_LEAST_ONCE)
        must(times <= most, f"a double: {key} is {times} times in the server's record")
        state = ledger.state(key)
        is_known = state in (State.ACCEPTED, State.IN_DOUBT, State.DROPPED)
        must(is_known, f"unseen: {key} is in the server's record, and in the ledger as {state}")
    for key, times in bird.rejected.items():
        state = ledger.state(key)
        is_known = state in (State.REJECTED, State.IN_DOUBT, State.DROPPED) or _may_go_again(world)
        must(is_known, f"unseen: {key} was rejected {times} times, and is in the ledger as {state}")
    for key in ledger.durable:
        is_false = ledger.state(key) is State.ACCEPTED and not bird.taken[key]
        must(not is_false, f"a loss: {key} is accepted in the ledger, and not in the server's record")
        must(ledger.held[key] == ledger.durable[key], f"{key} is in the ledger and not on the disk")


def judge_killed(process: Process) -> None:
    """At most one message for each worker may be in doubt after a crash."""
    open_ones = [key for key, entry in process.world.ledger.durable.items() if entry.state is State.SENDING]
    most = process.settings.concurrency
    process.world.trace.must(len(open_ones) <= most, f"{len(open_ones)} in doubt after a crash, {most} may be")


def judge_ended(process: Process, result: RunResult | Exception, *, was_taken_over: bool) -> None:
    trace = process.world.trace
    process.watch.sweep(is_left=True)
    trace.note(process.name, "result", _brief(result))
    left = process.loop.unfinished()
    trace.must(not left and not process.watch.in_flight, f"still going after the end: {left}")
    trace.must(not process.loop.mistakes, f"asyncio complains: {process.loop.mistakes}")
    process.watch.check_pace()
    _judge_time(process)
    if isinstance(result, Exception):
        trace.must(isinstance(result, Bug), f"dispatch raised {result!r}")
        return
    counted = result.accepted + result.rejected + result.in_doubt + result.returned
    trace.must(counted == len(process.to_send), f"the counts add up to {counted}, not to {len(process.to_send)}")
    _judge_stop(process, result, was_taken_over=was_taken_over)
    if not was_taken_over:
        _judge_states(process)
        if not process.claim.unclear:
            _judge_counts(process, result)


def _brief(result: RunResult | Exception) -> str:
    if isinstance(result, Exception):
        return repr(result)
    counts = f"{result.accepted} accepted, {result.rejected} rejected, {result.in_doubt} in doubt"
    return f"{counts}, {result.returned} returned; {result.stopped.kind if result.stopped else 'done'}"


def _judge_time(process: Process) -> None:
    """A run ends: in good time, soon after a signal, and at once after a second one."""
    universe, watch = process.world.universe, process.watch
    ended_s = process.ended_s or process.world.time.now_s
    timers_s = universe.late_s * (20 + 8 * len(watch.gates)) + universe.cpu_s * process.loop.steps
    allowed_s = watch.allowance_s + timers_s
    took_s = ended_s - process.began_s
    process.world.trace.must(took_s <= allowed_s, f"the run took {took_s:.1f} s, {allowed_s:.1f} s would have done")
    settling_s = 6 * process.worst_lag_s + process.frozen_s + 20 * universe.late_s + universe.cpu_s * process.loop.steps
    for number, (at_s, answered) in enumerate(process.signals[:2], 1):
        drain_s = process.settings.drain_s if answered < len(watch.gates) and number == 1 else 0.0
        late_s = ended_s - at_s - drain_s - settling_s - 0.1
        process.world.trace.must(late_s <= 0, f"the run went on for {ended_s - at_s:.1f} s after signal {number}")


def _judge_stop(process: Process, result: RunResult, *, was_taken_over: bool) -> None:
    """No stop without its cause, and nothing left without a stop."""
    must, seen = process.world.trace.must, process.watch.seen
    if result.stopped is None:
        must(result.returned == 0, f"silently none: {result.returned} messages were left, and nothing stopped the run")
        return
    kind = result.stopped.kind
    causes = {
        "ledger": process.claim.has_failed or was_taken_over,
        "interrupted": bool(process.signals),
        "breaker": seen.total() >= 20,
        "threshold": any(each.startswith("stopAfter") for each in process.watch.closed)
        or process.watch.is_over_at_a_waves_end(),
    }
    is_caused = causes.get(kind) if kind in causes else any(seen[cause] for cause in _CAUSES[kind])
    must(bool(is_caused), f"the run stopped for no reason: {kind} ({result.stopped.words})")


def _judge_states(process: Process) -> None:
    """What each message's last reply proved is what the ledger says of it."""
    ledger, watch = process.world.ledger, process.watch
    is_loose = process.claim.has_failed or len(process.signals) > 1
    for message in process.to_send:
        key = message.key
        proof = watch.attempts.proves(key)
        allowed = {proof} if proof is not None else {process.before.get(key), State.PLANNED, None}
        if is_loose:
            allowed |= {State.IN_DOUBT}
        state = ledger.state(key)
        says = f"{key} is {state} in the ledger, its replies prove {proof}"
        process.world.trace.must(state in allowed, f"a wrong conclusion: {says}")


def _judge_counts(process: Process, result: RunResult) -> None:
    """The result, the summary and the ledger tell the same."""
    ledger, must = process.world.ledger, process.world.trace.must
    touched = (message.key for message in process.to_send if _is_touched(process, message.key))
    states = Counter(map(ledger.state, touched))
    # Where a 429 could not be recorded of what was in doubt before, the run counts a doubt that the ledger had already.
    doubts = not (process.claim.has_failed and process.settings.is_at_least_once)
    told = (result.accepted, result.rejected, result.in_doubt * doubts)
    held = (states[State.ACCEPTED], states[State.REJECTED], states[State.IN_DOUBT] * doubts)
    must(told == held, f"the result says {told} accepted, rejected and in doubt, the ledger {held}")
    if not process.claim.has_failed and len(process.signals) < 2:
        own = process.watch.attempts.doubles
        must(result.doubles == own, f"{result.doubles} requests are told as possible doubles, {own} were")
    sent, due = standing(process.plan, result), _totals(process)
    must(sent.totals == due, f"the summary says {sent.totals}, the ledger {due}")
    code = _exit_code(result, in_doubt=due["inDoubt"])
    must(sent.exit_code == code, f"exit code {sent.exit_code}, and {code} is due")


def _totals(process: Process) -> dict[str, int]:
    """All messages of the manifest by where they stand. What was rejected with another text is planned anew."""
    ledger = process.world.ledger
    standings = Counter(
        _standing(ledger.durable.get(message.key), message, is_retried=_is_retried(process, message.key))
        for message in process.wanted
    )
    names = ("accepted", "rejected", "inDoubt", "skipped", "planned")
    return {"messages": len(process.wanted), **{name: standings[name] for name in names}}


def _is_retried(process: Process, key: str) -> bool:
    """It may go again by this run, and has not."""
    entry = process.world.ledger.durable.get(key)
    return (
        process.leg.retries
        and key not in process.watch.attempts.proofs
        and entry is not None
        and entry.code in PASSING_CODES
    )


def _standing(entry: Entry | None, message: Message, *, is_retried: bool) -> str:
    """A rejected one that was to be sent again and was not is planned still, as far as this run goes."""
    match entry.state if entry is not None else State.PLANNED:
        case State.ACCEPTED:
            return "accepted"
        case State.IN_DOUBT | State.ABSENT | State.SENDING:
            return "inDoubt"
        case State.DROPPED:
            return "skipped"
        case State.REJECTED if entry is not None and not is_retried and entry.payload_hash == message.payload_hash:
            return "rejected"
        case _:
            return "planned"


def _exit_code(result: RunResult, *, in_doubt: int) -> int:
    """From the contract's table: when several hold, 9, 7, 11, 130, 6, 5."""
    if result.stopped is not None:
        return {"ledger": 9, "refused": 7, "interrupted": 130}.get(result.stopped.kind, 11)
    return 6 if in_doubt else 5 if result.rejected else 0


def _is_touched(process: Process, key: str) -> bool:
    return process.watch.attempts.is_news(key, process.world.ledger.state(key))


def judge_end(world: World, last: Process, result: RunResult | Exception) -> None:
    """With a fine sky everything that is new is accepted, and then nothing is new."""
    must = world.trace.must
    if isinstance(result, Exception):
        return
    must(result.stopped is None and result.accepted == len(last.to_send), f"no trouble, and yet: {_brief(result)}")
    for message in last.wanted:
        state = world.ledger.state(message.key)
        is_settled = state in (State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.DROPPED, State.ABSENT)
        must(is_settled, f"silently none: {message.key} is {state} when all is done")


def _may_go_again(world: World) -> bool:
    is_asked_to = any(leg.edits or leg.retries for leg in world.universe.legs)
    return is_asked_to or world.universe.delivery is Delivery.AT_LEAST_ONCE
