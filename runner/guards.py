"""What stands between a plan and a send: limits, drift, the reviewed digest."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.errors import Refused, UsageError
from runner.files import is_file
from runner.model import Policy
from runner.plan import Plan, Tally
from runner.plan.hours import QUIET
from runner.plan.repeats import REPEATED
from runner.prices import exact

MOVED_SHOWN = 20
_SHOWN = 100  # characters


def over_limits(plan: Plan, policy: Policy, *, max_messages: int | None, allow_empty: bool) -> Iterator[str]:
    """Why this plan may not be sent, in plain words; also said by `plan`. Of what this run would send."""
    count = plan.to_send.messages
    limits = [limit for limit in (policy.max_messages, max_messages) if limit is not None]
    if limits and count > min(limits):
        name = "--max-messages" if max_messages == min(limits) else "policy.limits.messages"
        yield f"{name} is {min(limits):,}, and this would send {count:,}"
    yield from _over_segments(plan.to_send, policy)
    yield from _over_cost(plan, policy)
    if policy.countries is not None:
        strange = {name: held for name, held in plan.to_send.countries.items() if name not in policy.countries}
        if strange:
            found = ", ".join(f"{name} {held:,}" for name, held in sorted(strange.items()))
            yield f"policy.limits.countries is {', '.join(sorted(policy.countries))}, and this would send to {found}"
    yield from _held_back(plan)
    waiting = sum(plan.totals.reasons[reason] for reason in (QUIET, REPEATED))  # there are people, just not now
    if plan.totals.messages == plan.totals.skipped and not waiting and not allow_empty:
        yield "there is nobody to send to: if that is right, say --allow-empty"


def _over_segments(send: Tally, policy: Policy) -> Iterator[str]:
    if policy.max_segments is not None and send.segments > policy.max_segments:
        count = f"at least {send.segments:,}" if send.templates else f"{send.segments:,}"
        yield f"policy.limits.segments is {policy.max_segments:,}, and this would send {count} segments"


def _over_cost(plan: Plan, policy: Policy) -> Iterator[str]:
    """A message without a price is refused too: a limit that can't be judged is not met."""
    if policy.max_cost is None:
        return
    send = plan.to_send
    currency = plan.currency or ""
    limit = f"policy.limits.cost is {exact(policy.max_cost, currency)}"
    if send.cost > policy.max_cost:
        about = "at least " if send.costs_at_least else ""
        yield f"{limit}, and this would cost {about}{exact(send.cost, currency)}"
    if send.unpriced:
        found = ", ".join(f"{name} {count:,}" for name, count in sorted(send.unpriced.items()))
        yield f"{limit}, and the rate card has no price for {found}: what can't be judged is not sent"


def not_judged(plan: Plan, policy: Policy) -> Iterator[str]:
    """What of a limit is not sure, for the plan's list of what was not checked."""
    templates = plan.to_send.templates
    limits = (("segments", policy.max_segments), ("cost", policy.max_cost))
    names = [f"limits.{name}" for name, limit in limits if limit is not None]
    if templates and names:
        messages = "1 template counts" if templates == 1 else f"{templates:,} templates count"
        yield f"{' and '.join(names)}: {messages} as 1 segment each, and may be more"


def _held_back(plan: Plan) -> Iterator[str]:
    """What quiet hours and the repeat guard refuse, where the policy says fail."""
    if plan.quiet is not None and plan.quiet.in_quiet:
        yield (
            f"policy.quietHours ({plan.quiet.hours}) says fail, and {plan.quiet.in_quiet:,} would go out in quiet "
            "hours: send later, or say defer or skip"
        )
    if plan.quiet is not None and plan.quiet.nowhere:
        yield f"policy.quietHours says fail, and nobody knows the time zone of {plan.quiet.nowhere:,}: leave them out"
    if plan.repeated:
        yield f"policy.repeatGuard says fail, and {plan.repeated:,} have this very text from another send already"


def drifted(plan: Plan, accepted: int | None) -> str | None:
    """Drift is refused unless its number was said; None where there is none or the number is right."""
    if plan.totals.drift == (accepted or 0):
        return None
    if accepted is not None:
        return f"--accept-drift says {accepted:,}, and {plan.totals.drift:,} have drifted"
    return (
        f"{plan.totals.drift:,} were sent or are in doubt with another text: they would not be sent again. "
        f"To send anew raise the edition; to leave them as they are say --accept-drift {plan.totals.drift}"
    )


def expected_digest(given: str) -> tuple[str, Mapping[str, str]]:
    """`--expect` is a digest or a plan.json; of the latter also its inputs. Raises UsageError."""
    path = Path(given)
    if not is_file(path):
        if len(given) == 64 and set(given.lower()) <= set("0123456789abcdef"):
            return given.lower(), {}
        raise UsageError(f"--expect {_short(given)}: neither a digest (64 hexadecimal digits) nor a file")
    try:
        plan: Any = json.loads(path.read_bytes())
        digest, inputs = plan["digest"], plan.get("inputs", {})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UsageError(f"--expect {given}: not a plan made by flypast plan --format json") from None
    if not isinstance(digest, str):
        raise UsageError(f"--expect {given}: this plan has no digest")
    if not isinstance(inputs, dict) or not all(isinstance(each, str) for each in inputs.values()):
        raise UsageError(f"--expect {given}: the inputs of this plan are not a SHA-256 for each name: make it anew")
    return digest, inputs


def _short(given: str) -> str:
    """Somebody may have given the plan itself, and not its file's name."""
    line = given.split("\n", 1)[0]
    return given if given == line and len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def check_digest(plan: Plan, inputs: Mapping[str, str], expected: str | None) -> None:
    """Refused (exit 4) when what would be sent is not what was reviewed."""
    if expected is None:
        return
    digest, reviewed = expected_digest(expected)
    if digest == plan.digest:
        return
    named = moved_words(moved_inputs(reviewed, inputs)) if reviewed else ""
    raise Refused(f"this is not the plan that was expected{named}", hint=found_instead(digest, plan.digest))


def moved_inputs(reviewed: Mapping[str, str], inputs: Mapping[str, str]) -> tuple[str, ...]:
    """The names of what is not as it was: changed, new or gone."""
    return tuple(sorted(name for name in reviewed.keys() | inputs.keys() if reviewed.get(name) != inputs.get(name)))


def moved_words(moved: Sequence[str]) -> str:
    """`: people.csv changed`; nothing where nothing moved."""
    more = f" and {len(moved) - MOVED_SHOWN:,} more" if len(moved) > MOVED_SHOWN else ""
    return f": {', '.join(moved[:MOVED_SHOWN])}{more} changed" if moved else ""


def found_instead(expected: str, found: str) -> str:
    return f"expected {expected[:16]}…, found {found[:16]}…: review the plan again"
