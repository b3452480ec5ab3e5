"""The plan for machines (schemas/plan.schema.json)."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.findings import Finding
from runner.model import Policy, State
from runner.plan import Plan, Sample, Tally

from .findings_json import FORMAT_VERSION, findings_json


def tally_json(tally: Tally) -> dict[str, Any]:
    return {
        "messages": tally.messages,
        "new": tally.new,
        "accepted": tally.accepted,
        "rejected": tally.rejected,
        "inDoubt": tally.in_doubt,
        "drift": tally.drift,
        "skipped": tally.skipped,
        "segments": tally.segments,
    }


def plan_json(
    plan: Plan,
    *,
    name: str,
    edition: str,
    gone: dict[str, int],
    not_checked: Sequence[str],
    refusals: Sequence[str],
    inputs: Mapping[str, str],
    policy: Policy,
    findings: Sequence[Finding],
    files: int,
    ignored: int,
) -> dict[str, Any]:
    """`toSend` is what a send with the same options would send; `gone` is in the ledger and in this plan no more.

    `again` is what of the new is absent or in doubt in the ledger, and the policy sends all the same. `inputs` holds
    the SHA-256 of each file and value that the plan was made from.
    """
    return {
        "formatVersion": FORMAT_VERSION,
        "manifest": name,
        "edition": edition,
        "digest": plan.digest,
        "totals": tally_json(plan.totals),
        "toSend": {
            "messages": plan.to_send.messages,
            "segments": plan.to_send.segments,
            "countries": dict(sorted(plan.to_send.countries.items())),
        },
        "skippedBy": dict(sorted(plan.totals.reasons.items())),
        "countries": dict(sorted(plan.totals.countries.items())),
        "messages": {draft: _with_countries(tally) for draft, tally in plan.messages.items()},
        "channels": {channel: _with_countries(tally) for channel, tally in plan.channels.items()},
        "changedSinceRejected": plan.changed_since_rejected,
        "delivery": policy.delivery.value,
        "again": {state.value: plan.again[state] for state in (State.ABSENT, State.IN_DOUBT)},
        "retried": plan.retried,
        "waves": [*policy.wave_ends(plan.to_send.messages), plan.to_send.messages],
        "gone": gone,
        "samples": [_sample(sample) for sample in plan.samples],
        "notChecked": list(not_checked),
        "refusals": list(refusals),
        "inputs": dict(sorted(inputs.items())),
        **findings_json(findings, files, ignored),
    }


def _with_countries(tally: Tally) -> dict[str, Any]:
    return {
        **tally_json(tally),
        "countries": dict(sorted(tally.countries.items())),
        "skippedBy": dict(sorted(tally.reasons.items())),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "message": sample.message,
        "row": sample.row,
        "recipient": sample.recipient,
        "encoding": sample.encoding or None,
        "segments": sample.segments,
        "request": sample.request,
    }
