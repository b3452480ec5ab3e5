"""Rows of a ledger, as a send leaves them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sin
from random import Random
from typing import Any

from runner.ledger.deliveries import Delivery
from runner.ledger.seam import Entry
from runner.model import State
from runner.report import Facts, collect

BEGAN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
ORIGIN = "https://api.bird.com"


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry(number: int = 0, state: State = State.ACCEPTED, **fields: Any) -> Entry:
    """Sent in the second of its number, and answered 80 ms later."""
    held = Entry(
        key=f"{number:032}",
        manifest="spring",
        edition="1",
        message="announce",
        workspace_id="5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11",
        channel_id="3f2c1f0a-7a44-4b0e-8f0c-2f3a9d1c5b22",
        reference=f"fp1.{number:032}",
        address=f"phonenumber:+1415555{100 + number % 100:04}",
        payload_hash="a" * 64,
        country="US",
        segments=1,
        state=state,
        attempts=1,
        run="20260301T090000Z-a1b2c3",
        intended_at=at(number),
        at=at(number + 0.08),
        message_id=f"id-{number}" if state is State.ACCEPTED else None,
        code="15005" if state is State.REJECTED else None,
        words=None if state is State.ACCEPTED else "Bird said so",
        cost="0.0079",
        currency="USD",
    )
    return replace(held, **fields)


def said(number: int = 0, status: str = "delivered", **fields: Any) -> Delivery:
    """What Bird says of the message with that number, ten minutes after the first was sent."""
    told = Delivery(message_id=f"id-{number}", status=status, at=at(number + 5), looked_at=at(600))
    return replace(told, **fields)


def facts(*entries: Entry, manifest: str | None = None) -> Facts:
    return collect(iter(entries), ledger="acme-prod", origin=ORIGIN, manifest=manifest)


def campaign(count: int, *, seed: int = 7) -> Iterator[Entry]:
    """Many messages of two runs, as real ones go: most accepted, some of everything else."""
    chance, fates = Random(seed), Random(seed)
    ends = [
        (State.ACCEPTED, None, None),
        (State.REJECTED, "15005", "UNDELIVERABLE: unknown subscriber"),
        (State.REJECTED, "12001", "DEPENDENCY_ERROR"),
        (State.REJECTED, "InvalidPayload", "malformed: .receiver.contacts[0]"),
        (State.IN_DOUBT, None, "no reply within 20 s"),
        (State.PLANNED, "HTTP 429", "Bird asked to wait"),
    ]
    for number in range(count):
        state, code, words = chance.choices(ends, [970, 15, 5, 5, 3, 2])[0]
        began = (number + 120 * sin(number / 200)) / 300 + (7200 if number > count * 0.8 else 0)
        country = chance.choices(["US", "CA", "GB", None], [80, 15, 4, 1])[0]
        segments = chance.choices([1, 2, 3], [80, 17, 3])[0]
        yield entry(
            number,
            state,
            code=code,
            words=words,
            message=chance.choice(("announce", "remind")),
            country=country,
            segments=segments,
            cost=None if country in (None, "GB") else str(segments * 79 / 10_000),
            currency=None if country in (None, "GB") else "USD",
            run="20260301T110000Z-d4e5f6" if number > count * 0.8 else "20260301T090000Z-a1b2c3",
            told=_fate(number, fates) if state is State.ACCEPTED else None,
            intended_at=at(began),
            at=at(began + chance.lognormvariate(-2.3, 0.5)),
        )


def _fate(number: int, chance: Random) -> Delivery | None:
    ends: list[tuple[str | None, str | None, str | None]] = [
        ("delivered", None, None),
        ("sent", None, None),
        ("delivery_failed", "15005", "sms-messagebird 1"),
        ("delivery_failed", "15001", "sms-messagebird 34"),
        ("sending_failed", "12003", "pre-processing"),
        ("skipped", None, None),
        (None, None, None),
    ]
    status, code, source = chance.choices(ends, [930, 40, 14, 5, 3, 3, 5])[0]
    return None if status is None else said(number, status, code=code, source=source)
