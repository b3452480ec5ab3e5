"""The policy: how to send, with a safe default for every key."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from itertools import combinations

from runner.findings import Findings, did_you_mean
from runner.model import (
    BIRD_POSTS_PER_S,
    Delivery,
    Json,
    Policy,
    QuietHours,
    Rate,
    RepeatGuard,
    StopAfter,
    Then,
    Threshold,
)
from runner.quiet import OF_COLUMN, OF_RECIPIENT, zone_names

from .include import Origin

LEAST_SETTLE_S = 120.0  # Bird's list may lag behind: what is not there yet would be taken for absent


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


def build_policy(
    keys: Mapping[str, Origin],
    findings: Findings,
    *,
    refused: Collection[str] = (),
    concurrency: int | None = None,
) -> Policy:
    """The schema has judged the shapes; what is left are rules between values.

    `refused` names the keys that the schema did not let pass: they are no part of `keys`. `concurrency` is the
    operator's, which comes before the manifest's.
    """
    written = {name: _whole(origin.value) for name, origin in keys.items()}
    limits = written.get("limits") or {}
    rate = parse_rate(written["rate"]) if "rate" in written else Policy().rate
    if rate.per_second > BIRD_POSTS_PER_S:
        findings.warning(
            "POL803",
            f"{rate} is more than Bird lets through by default: {BIRD_POSTS_PER_S}/s for a workspace",
            keys["rate"].place(),
            hint="ask Bird for more first, or expect 429 replies",
        )
    _check_delivery(keys, written, findings)
    if "concurrency" not in refused:
        _check_batch(keys, written, findings, given=concurrency or 0)
    suppress = written.get("suppress") or ()
    return Policy(
        rate=rate,
        concurrency=written.get("concurrency", Policy().concurrency),
        batch=written.get("batch", Policy().batch),
        ledger=written.get("ledger"),
        delivery=Delivery(written.get("delivery", Policy().delivery)),
        settle_s=parse_duration(written["settle"]) if "settle" in written else Policy().settle_s,
        max_messages=limits.get("messages"),
        max_segments=limits.get("segments"),
        max_cost=_max_cost(keys, findings, has_prices="prices" in keys or "prices" in refused),
        countries=frozenset(limits["countries"]) if "countries" in limits else None,
        max_segments_per_message=limits.get("segmentsPerMessage", Policy().max_segments_per_message),
        smart_encoding=written.get("smartEncoding", False),
        stop_after=_stop_after(written.get("stopAfter") or {}),
        waves=_waves(keys["waves"], findings) if "waves" in keys else (),
        is_lock_required=written.get("requireLock", False),
        suppress=(suppress,) if isinstance(suppress, str) else tuple(suppress),
        quiet_hours=_quiet_hours(keys["quietHours"], findings) if written.get("quietHours") else None,
        repeat_guard=_repeat_guard(written.get("repeatGuard")),
        written={name: origin.value for name, origin in keys.items()},
    )


def _whole(value: Json) -> Json:
    """A schema's whole number may be written 20.0."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _stop_after(written: Mapping[str, Json]) -> StopAfter:
    default = Policy().stop_after
    return StopAfter(
        rejected=parse_threshold(written["rejected"]) if "rejected" in written else default.rejected,
        in_doubt=parse_threshold(written["inDoubt"]) if "inDoubt" in written else default.in_doubt,
    )


def _max_cost(keys: Mapping[str, Origin], findings: Findings, *, has_prices: bool) -> Decimal | None:
    """The limit as it is written: a float's shortest form is that of the file, up to 15 digits."""
    limits = keys["limits"].value if "limits" in keys else None
    if not limits or limits.get("cost") is None:
        return None
    if not has_prices:
        findings.error(
            "POL820",
            "limits.cost can't be held without a rate card: nobody knows what a message costs",
            keys["limits"].place("cost", of_key=True),
            hint="name one beside it, prices: FILE.csv, or limit messages or segments",
        )
    return Decimal(str(limits["cost"]))


def _check_delivery(keys: Mapping[str, Origin], written: Mapping[str, Json], findings: Findings) -> None:
    if written.get("delivery") == Delivery.AT_LEAST_ONCE and written.get("acceptDuplicates") is not True:
        findings.error(
            "POL805",
            "delivery: at-least-once sends again what is in doubt, so somebody may get a message twice",
            keys["delivery"].place(),
            hint="where that is right, say so with acceptDuplicates: true beside it",
        )
    if "settle" in written and parse_duration(written["settle"]) < LEAST_SETTLE_S:
        findings.error(
            "POL806",
            f"settle: {written['settle']} is less than {LEAST_SETTLE_S / 60:.0f}m, which Bird's list may lag behind",
            keys["settle"].place(),
            hint="a message that is not in the list yet would be sent again; 15m is the default",
        )


def _check_batch(keys: Mapping[str, Origin], written: Mapping[str, Json], findings: Findings, *, given: int) -> None:
    concurrency, batch = written.get("concurrency", Policy().concurrency), written.get("batch", Policy().batch)
    if batch > (given or concurrency) and batch > concurrency:
        findings.error(
            "POL808",
            f"a batch of {batch} is more than may be in flight: concurrency is {concurrency}",
            keys["batch"].place(),
            hint=f"write a smaller batch, or concurrency: {batch}, or a multiple of that",
        )


def _waves(origin: Origin, findings: Findings) -> tuple[Threshold, ...]:
    """Each says how much is out when it ends; counts rise, and so do shares."""
    waves = tuple(parse_threshold(_whole(written)) for written in origin.value or ())
    for (_, first), (number, second) in combinations(enumerate(waves), 2):
        if _is_no_more(first, second):
            findings.error(
                "POL807",
                f"wave {number + 1} ends no later than one before it: each entry counts from the start of the run",
                origin.place(number),
                hint="let them rise, as in [20, 10%, 100%]",
            )
            break
    return waves


def _is_no_more(first: Threshold, second: Threshold) -> bool:
    if first.share == 1.0:
        return True
    if first.count is not None and second.count is not None:
        return second.count <= first.count
    return first.share is not None and second.share is not None and second.share <= first.share


def _quiet_hours(origin: Origin, findings: Findings) -> QuietHours | None:
    written = origin.value
    zone = written["zone"]
    if zone != OF_RECIPIENT and not zone.startswith(OF_COLUMN) and zone not in zone_names():
        findings.error(
            "POL812",
            f'there is no time zone "{zone}"',
            origin.place("zone"),
            hint=_zone_hint(zone),
        )
        return None
    if written["from"] == written["until"]:
        findings.error(
            "POL811",
            f"quiet hours from {written['from']} until {written['until']} are none, or all of them",
            origin.place("until"),
            hint="write two different times; over midnight is fine, as in 21:00 to 08:00",
        )
        return None
    return QuietHours(
        begin_min=_minutes(written["from"]),
        end_min=_minutes(written["until"]),
        zone=zone,
        then=Then(written["then"]),
    )


def _zone_hint(zone: str) -> str:
    near = did_you_mean(zone, zone_names()) or ""
    if near.startswith("did"):
        return near
    return "write it as in America/New_York or UTC, or recipient, or column:NAME"


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _repeat_guard(written: Mapping[str, Json] | None) -> RepeatGuard | None:
    if not written:
        return None
    return RepeatGuard(within_s=parse_duration(written["within"]), then=Then(written["then"]))


def parse_duration(text: str) -> float:
    """Seconds in `30s`, `5m`, `2h` or `1d`; raises ValueError."""
    parts = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not parts:
        raise ValueError(f"{text!r} is no duration: write it like 30s, 5m, 2h or 1d")
    return float(int(parts[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[parts[2]])
