"""What stands between a plan and a send: limits, drift, the reviewed digest."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.errors import Refused, UsageError
from runner.model import Policy
from runner.plan import Plan


def over_limits(plan: Plan, policy: Policy, *, max_messages: int | None, allow_empty: bool) -> Iterator[str]:
    """Why this plan may not be sent, in plain words; also said by `plan`. Of what this run would send."""
    count = plan.to_send.messages
    limits = [limit for limit in (policy.max_messages, max_messages) if limit is not None]
    if limits and count > min(limits):
        name = "--max-messages" if max_messages == min(limits) else "policy.limits.messages"
        yield f"{name} is {min(limits):,}, and this would send {count:,}"
    if policy.countries is not None:
        strange = {name: held for name, held in plan.to_send.countries.items() if name not in policy.countries}
        if strange:
            found = ", ".join(f"{name} {held:,}" for name, held in sorted(strange.items()))
            yield f"policy.limits.countries is {', '.join(sorted(policy.countries))}, and this would send to {found}"
    if plan.totals.messages == plan.totals.skipped and not allow_empty:
        yield "there is nobody to send to: if that is right, say --allow-empty"


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
    if not path.is_file():
        if len(given) == 64 and set(given.lower()) <= set("0123456789abcdef"):
            return given.lower(), {}
        raise UsageError(f"--expect {given}: neither a digest (64 hexadecimal digits) nor a file")
    try:
        plan: Any = json.loads(path.read_bytes())
        digest, inputs = plan["digest"], plan.get("inputs", {})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UsageError(f"--expect {given}: not a plan made by flypast plan --format json") from None
    if not isinstance(digest, str) or not isinstance(inputs, dict):
        raise UsageError(f"--expect {given}: this plan has no digest")
    return digest, inputs


def check_digest(plan: Plan, inputs: Mapping[str, str], expected: str | None) -> None:
    """Refused (exit 4) when what would be sent is not what was reviewed."""
    if expected is None:
        return
    digest, reviewed = expected_digest(expected)
    if digest == plan.digest:
        return
    moved = sorted(name for name in reviewed.keys() | inputs.keys() if reviewed.get(name) != inputs.get(name))
    named = f": {', '.join(moved)} changed" if reviewed and moved else ""
    raise Refused(
        f"this is not the plan that was expected{named}",
        hint=f"expected {digest[:16]}…, found {plan.digest[:16]}…: review the plan again",
    )
