"""The policy: how to send, with a safe default for every key."""

import re
from collections.abc import Mapping

from runner.findings import Findings
from runner.model import Json, Policy, Rate, StopAfter, Threshold

from .include import Origin

BIRD_POSTS_PER_S = 500  # Bird, "Rate Limit": the default limit of a workspace

# What the page describes and this version does not do. A value that asks for nothing is let pass.
NOT_YET: Mapping[str, Json] = {
    "waves": None,
    "quietHours": None,
    "repeatGuard": None,
    "prices": None,
    "smartEncoding": False,
    "batch": 1,
    "requireLock": False,
    "settle": None,
    "acceptDuplicates": False,
}
LIMITS_NOT_YET = ("segments", "cost")


def parse_rate(text: str) -> Rate:
    """`20/s` or `30/m`; raises ValueError."""
    parts = re.fullmatch(r"([1-9][0-9]{0,6})/([sm])", text)
    if not parts:
        raise ValueError(f"{text!r} is no pace: write it like 20/s or 30/m")
    return Rate(count=int(parts[1]), per_s=1 if parts[2] == "s" else 60)


def parse_threshold(written: str | int) -> Threshold:
    """A count, or a share such as `5%` or `0.5%`."""
    if isinstance(written, int):
        return Threshold(count=written)
    return Threshold(share=float(written.removesuffix("%")) / 100)


def build_policy(keys: Mapping[str, Origin], findings: Findings) -> Policy:
    """The schema has judged the shapes; what is left are rules between values, and what does not work yet."""
    _refuse_not_yet(keys, findings)
    written = {name: origin.value for name, origin in keys.items()}
    limits = written.get("limits") or {}
    rate = parse_rate(written["rate"]) if "rate" in written else Policy().rate
    if rate.per_second > BIRD_POSTS_PER_S:
        findings.warning(
            "POL803",
            f"{rate} is more than Bird lets through by default: {BIRD_POSTS_PER_S}/s for a workspace",
            keys["rate"].place(),
            hint="ask Bird for more first, or expect 429 replies",
        )
    suppress = written.get("suppress") or ()
    return Policy(
        rate=rate,
        concurrency=written.get("concurrency", Policy().concurrency),
        ledger=written.get("ledger"),
        max_messages=limits.get("messages"),
        countries=frozenset(limits["countries"]) if "countries" in limits else None,
        max_segments_per_message=limits.get("segmentsPerMessage", Policy().max_segments_per_message),
        stop_after=_stop_after(written.get("stopAfter") or {}),
        suppress=(suppress,) if isinstance(suppress, str) else tuple(suppress),
        written=written,
    )


def _stop_after(written: Mapping[str, Json]) -> StopAfter:
    default = Policy().stop_after
    return StopAfter(
        rejected=parse_threshold(written["rejected"]) if "rejected" in written else default.rejected,
        in_doubt=parse_threshold(written["inDoubt"]) if "inDoubt" in written else default.in_doubt,
    )


def _refuse_not_yet(keys: Mapping[str, Origin], findings: Findings) -> None:
    for name, idle in NOT_YET.items():
        if name in keys and keys[name].value != idle:
            findings.error(
                "POL801",
                f"policy.{name} does not work yet in this version",
                keys[name].name_place,
                hint="remove it: nothing that it promises would be kept",
            )
    if "delivery" in keys and keys["delivery"].value != "at-most-once":
        findings.error(
            "POL801",
            f"policy.delivery: {keys['delivery'].value} does not work yet in this version",
            keys["delivery"].place(),
            hint="at-most-once is what this version does",
        )
    limits = keys["limits"].value if "limits" in keys else None
    for name in LIMITS_NOT_YET:
        if isinstance(limits, dict) and name in limits:
            findings.error(
                "POL801",
                f"policy.limits.{name} does not work yet in this version",
                keys["limits"].place(name, of_key=True),
                hint="remove it: nothing that it promises would be kept",
            )


def parse_duration(text: str) -> float:
    """Seconds in `30s`, `5m`, `2h` or `1d`; raises ValueError."""
    parts = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not parts:
        raise ValueError(f"{text!r} is no duration: write it like 30s, 5m, 2h or 1d")
    return float(int(parts[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[parts[2]])
