"""A report for machines: schemas/report.schema.json."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from runner.prices import plain
from runner.report import Doubts, Facts, Run, Standing
from runner.report.times import BOUNDS_MS, OUT, Latency

from .delivery_told import counts_json
from .report_told import LATENCY_IS, ReportTold


def report_json(told: ReportTold) -> dict[str, Any]:
    facts = told.facts
    return {
        "formatVersion": 1,
        "ledger": facts.ledger,
        "origin": facts.origin,
        "manifest": facts.manifest,
        "firstAt": facts.first_at,
        "lastAt": facts.last_at,
        "totals": _standing(facts.total),
        **_groups(facts),
        "failures": [
            {"code": each.code, "words": each.words, "messages": each.count, "canPass": told.can_pass(each)}
            for each in facts.failures
        ],
        "inDoubt": _doubts(told, facts.doubts),
        "next": [{"command": step.command, "does": step.does} for step in told.next_steps()],
        "runs": [_run(run) for run in facts.runs],
        "runsLeftOut": facts.runs_left_out,
        "latency": _latency(facts.latency),
        "deliveryStatuses": _deliveries(told),
        "purged": facts.purged,
        "notKnown": list(facts.not_known),
    }


def _deliveries(told: ReportTold) -> dict[str, Any]:
    return {
        "counts": counts_json(told.facts.total.deliveries),
        "lookedAt": told.facts.looked_at,
        "notFinal": told.facts.total.not_final,
        "failures": [
            {
                "status": end.status,
                "code": end.code,
                "source": end.source,
                "words": told.meanings.get(end.code or ""),
                "messages": end.count,
            }
            for end in told.facts.undelivered
        ],
    }


def _groups(facts: Facts) -> dict[str, Any]:
    return {
        "messages": [
            dict(zip(("manifest", "edition", "message"), group.names, strict=True)) | _standing(group.standing)
            for group in facts.messages
        ],
        "channels": [
            dict(zip(("workspaceId", "channelId"), group.names, strict=True)) | _standing(group.standing)
            for group in facts.channels
        ],
        "countries": [{"country": group.names[0] or None} | _standing(group.standing) for group in facts.countries],
    }


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "messages": standing.messages,
        **standing.counts,
        "segments": standing.segments,
        "costs": _amounts(standing.costs),
        "costsInDoubt": _amounts(standing.doubtful_costs),
        "unpriced": standing.unpriced,
        "delivery": counts_json(standing.deliveries),
    }


def _amounts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: plain(amount) for currency, amount in sorted(amounts.items())}


def _doubts(told: ReportTold, doubts: Doubts) -> dict[str, Any]:
    return {
        "messages": doubts.total,
        "sending": doubts.sending,
        "waiting": doubts.waiting,
        "absent": doubts.absent,
        "double": doubts.doubled,
        "reasons": [{"words": words, "messages": count} for words, count in doubts.reasons],
        "first": [
            {
                "manifest": entry.manifest,
                "message": entry.message,
                "key": entry.key,
                "recipient": told.to(entry) if entry.address else None,
                "state": entry.state.value,
                "at": entry.at,
                "words": entry.words,
            }
            for entry in doubts.shown
        ],
    }


def _run(run: Run) -> dict[str, Any]:
    series = run.series
    return {
        "run": run.name,
        "manifests": list(run.manifests),
        "messages": series.total,
        **series.counts,
        "from": _rfc3339(series.first_ms),
        "to": _rfc3339(series.last_ms),
        "perSecond": None if series.per_s is None else round(series.per_s, 3),
        "mostPerSecond": round(series.peak_per_s, 3),
        "stepSeconds": series.width_s,
        "steps": [
            {"at": _rfc3339(step.at_s * 1000), **dict(zip(OUT, step.counts, strict=True))} for step in series.steps
        ],
    }


def _latency(latency: Latency) -> dict[str, Any]:
    return {
        "measures": LATENCY_IS,
        "messages": latency.count,
        "untimed": latency.untimed,
        **{f"{name}Ms": latency.percentiles.get(name) for name in ("p50", "p90", "p99")},
        "mostMs": latency.most_ms,
        "buckets": [
            {"upToMs": bound, "messages": count}
            for bound, count in zip((*BOUNDS_MS, None), latency.buckets, strict=True)
        ],
    }


def _rfc3339(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03}Z"
