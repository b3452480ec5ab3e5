"""The plan for machines (schemas/plan.schema.json)."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.findings import Finding
from runner.model import BIRD_POSTS_PER_S, Check, Policy, State
from runner.plan import Held, Pace, Plan, Sample, Tally

from .findings_json import FORMAT_VERSION, findings_json
from .lock import Lock
from .plan_characters import characters_json, sizes_json
from .sizes import cost_json

MOST_GROUPS = 200  # of messages that wait for the end of quiet hours


def tally_json(tally: Tally, currency: str | None) -> dict[str, Any]:
    """`currency` is that of the rate card; without one nothing has a cost."""
    return {
        "messages": tally.messages,
        "new": tally.new,
        "accepted": tally.accepted,
        "rejected": tally.rejected,
        "inDoubt": tally.in_doubt,
        "drift": tally.drift,
        "skipped": tally.skipped,
        "segments": tally.segments,
        "templates": tally.templates,
        **cost_json(tally, currency),
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
    lock: Lock,
    findings: Sequence[Finding],
    files: int,
    ignored: int,
    online: Sequence[Check] | None = None,
) -> dict[str, Any]:
    """`toSend` is what a send with the same options would send; `gone` is in the ledger and in this plan no more.

    `overrides` counts, by message, what sets Bird's own restraint aside.
    `again` is what of the new is absent or in doubt in the ledger, and the policy sends all the same. `inputs` holds
    the SHA-256 of each file and value that the plan was made from; `online` what was looked up at Bird, or None.
    """
    return {
        "formatVersion": FORMAT_VERSION,
        "manifest": name,
        "edition": edition,
        "digest": plan.digest,
        "totals": tally_json(plan.totals, plan.currency),
        "toSend": {
            "messages": plan.to_send.messages,
            "segments": plan.to_send.segments,
            "countries": dict(sorted(plan.to_send.countries.items())),
            "templates": plan.to_send.templates,
            **cost_json(plan.to_send, plan.currency),
        },
        "pace": _pace(plan.pace),
        "skippedBy": dict(sorted(plan.totals.reasons.items())),
        "countries": dict(sorted(plan.totals.countries.items())),
        "messagesBySegments": sizes_json(plan.totals.sizes),
        "smartEncoding": policy.smart_encoding,
        "ucs2": characters_json(plan.characters),
        "messages": {draft: _with_countries(tally, plan.currency) for draft, tally in plan.messages.items()},
        "channels": {channel: _with_countries(tally, plan.currency) for channel, tally in plan.channels.items()},
        "changedSinceRejected": plan.changed_since_rejected,
        "overrides": {name: dict(sorted(counts.items())) for name, counts in sorted(plan.overrides.items())},
        "delivery": policy.delivery.value,
        "batch": policy.batch,
        "again": {state.value: plan.again[state] for state in (State.ABSENT, State.IN_DOUBT)},
        "retried": plan.retried,
        "waves": [*policy.wave_ends(plan.to_send.messages), plan.to_send.messages],
        "quietHours": _quiet(plan.quiet) if plan.quiet is not None else None,
        "gone": gone,
        "samples": [_sample(sample) for sample in plan.samples],
        "notChecked": list(not_checked),
        "online": None if online is None else [check_json(check) for check in online],
        "refusals": list(refusals),
        "inputs": dict(sorted(inputs.items())),
        **lock.json(policy),
        **findings_json(findings, files, ignored),
    }


def check_json(check: Check) -> dict[str, Any]:
    return {"status": check.status, "name": check.name, "found": check.found, "advice": check.advice or None}


def _quiet(held: Held) -> dict[str, Any]:
    groups = [
        {"message": each.message, "zones": list(each.zones), "until": each.until, "messages": each.messages}
        for each in held.moved[:MOST_GROUPS]
    ]
    return {
        "then": held.hours.then.value,
        "deferred": held.moved_total,
        "groups": groups,
        "moreGroups": len(held.moved) - len(groups),
        "beginsAfterSeconds": None if held.begins_s is None else _seconds(held.begins_s),
        "late": held.late,
        "lateAfterSeconds": _seconds(held.late_s) if held.late else None,
    }


def _pace(pace: Pace) -> dict[str, Any]:
    """How long `toSend` takes. Rates are as in the manifest, null where none limits; pauses of waves are not in it."""
    return {
        "rate": str(pace.rate) if pace.rate is not None else None,
        "bird": {"rate": f"{BIRD_POSTS_PER_S}/s", "seconds": _seconds(pace.bird_s)},
        "concurrency": pace.concurrency,
        "repliesWithinSeconds": _seconds(pace.replies_s) if pace.replies_s is not None else None,
        "seconds": _seconds(pace.seconds) if pace.rate is not None else None,
        "channels": {
            name: {"rate": str(pace.channel_rates[name]), "seconds": _seconds(seconds)}
            for name, seconds in pace.channels.items()
        },
        "workspaces": {name: {"seconds": _seconds(seconds)} for name, seconds in pace.workspaces.items()},
    }


def _seconds(seconds: float) -> float:
    return round(seconds, 3)


def _with_countries(tally: Tally, currency: str | None) -> dict[str, Any]:
    return {
        **tally_json(tally, currency),
        "countries": dict(sorted(tally.countries.items())),
        "skippedBy": dict(sorted(tally.reasons.items())),
        "messagesBySegments": sizes_json(tally.sizes),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {
        "message": sample.message,
        "row": sample.row,
        "recipient": sample.recipient,
        "encoding": sample.encoding or None,
        "segments": sample.segments,
        "risks": list(sample.risks),
        "request": sample.request,
    }
