"""Quiet hours at a message's turn: what goes, what waits at Bird, what stays planned."""

import json
from dataclasses import replace
from typing import Any

import pytest

from runner.bird.requests import scheduled
from runner.delivery.ports import NoConnection, Reply
from runner.model import Channel, Message, QuietHours, Rate, State, Then
from runner.quiet import SOONEST_S

from .stage import UNLIMITED, Stage, counts, kind
from .wire import accepted, message, status

# The virtual clock begins at 2026-03-01T09:00:00Z.
UTC, TOKYO, NEW_YORK = ("UTC",), ("Asia/Tokyo",), ("America/New_York",)
NIGHT = QuietHours(begin_min=21 * 60, end_min=8 * 60, zone="recipient", then=Then.DEFER)
ALWAYS = replace(NIGHT, begin_min=1, end_min=0)


class Bodies:
    """A Transport that keeps what is posted and asks the stage's wire."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.of: dict[str, list[bytes]] = {}

    async def post(self, channel: Channel, body: bytes) -> Reply:
        key = json.loads(body)["reference"].removeprefix("fp1.")
        self.of.setdefault(key, []).append(body)
        return await self.stage.wire.post(channel, body)


def night(then: Then = Then.DEFER, hours: QuietHours = NIGHT, **more: Any) -> tuple[Stage, Bodies]:
    settings = replace(UNLIMITED, quiet_hours=replace(hours, then=then), **more)
    stage = Stage(lambda _key, _before: accepted(), settings=settings)
    stage.transport = bodies = Bodies(stage)
    return stage, bodies


def of(*zones: tuple[str, ...]) -> list[Message]:
    return [message(number)._replace(zones=each) for number, each in enumerate(zones)]


async def test_what_is_deferred_is_posted_with_its_time_and_nothing_else_is_changed() -> None:
    stage, bodies = night()
    asleep, awake, anywhere = sent = of(NEW_YORK, UTC, ())
    result = await stage.run(sent)
    assert counts(result) == (3, 0, 0, 0)
    assert (result.deferred, result.kept, result.stopped) == (1, 0, None)
    assert bodies.of[awake.key] == [awake.body]
    assert bodies.of[anywhere.key] == [anywhere.body]
    (posted,) = bodies.of[asleep.key]
    assert json.loads(posted) == {**json.loads(asleep.body), "scheduledFor": "2026-03-01T13:00:00Z"}
    assert posted.replace(b',"scheduledFor":"2026-03-01T13:00:00Z"', b"") == asleep.body
    assert {entry.key: entry.payload_hash for entry in stage.ledger.entries()}[asleep.key] == asleep.payload_hash


@pytest.mark.parametrize(
    "request_",
    [
        {"body": {"type": "text"}, "receiver": {"n": [1.5, 10**20, True, None]}, "reference": "é\u2028"},
        {"receiver": {}, "reference": "x", "tags": ["a"], "template": {"b": 1, "a": 2}, "validity": 5},
        {"zzz": 1e300, "scheduledForNobody": "x"},
    ],
)
def test_a_time_joins_a_request_where_its_name_belongs_byte_by_byte(request_: dict[str, Any]) -> None:
    body = json.dumps(request_, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    posted = scheduled(body, "2026-03-01T13:00:00Z")
    assert list(json.loads(posted)) == sorted([*request_, "scheduledFor"])
    time = b'"scheduledFor":"2026-03-01T13:00:00Z"'
    assert body in (posted.replace(time + b",", b""), posted.replace(b"," + time, b""))


async def test_what_is_skipped_stays_planned_and_is_no_failure() -> None:
    stage, bodies = night(Then.SKIP)
    result = await stage.run(of(NEW_YORK, UTC, NEW_YORK, TOKYO))
    assert counts(result) == (2, 0, 0, 2)
    assert (result.kept, result.deferred, result.stopped) == (2, 0, None)
    assert set(bodies.of) == set(stage.states) == {"k0001", "k0003"}


async def test_many_that_are_skipped_neither_wait_for_the_pace_nor_keep_a_signal_away() -> None:
    stage, _ = night(Then.SKIP, workspace_rate=Rate(count=1, per_s=60), concurrency=2)
    result = await stage.run([each._replace(zones=NEW_YORK) for each in map(message, range(5000))])
    assert (result.kept, stage.clock.elapsed_s) == (5000, 0.0)
    stage, _ = night(Then.SKIP, concurrency=1)
    sent = [each._replace(zones=NEW_YORK) for each in map(message, range(5000))]
    stage.control.stop()
    result = await stage.run([message(9999), *sent])
    assert kind(result) == "interrupted"
    assert result.kept < 100


async def test_where_the_policy_says_fail_the_run_ends_as_quiet_hours_begin() -> None:
    stage, bodies = night(Then.FAIL, concurrency=1)
    result = await stage.run(of(UTC, UTC, NEW_YORK, UTC))
    assert counts(result) == (2, 0, 0, 2)
    assert kind(result) == "quietHours"
    assert result.stopped is not None
    assert result.stopped.words.startswith("quiet hours (21:00 to 08:00) have begun")
    assert set(bodies.of) == {"k0000", "k0001"}


@pytest.mark.parametrize("then", list(Then))
async def test_quiet_hours_that_begin_while_a_message_waits_for_its_pace(then: Then) -> None:
    """In Tokyo it is 18:00 at first; one a minute goes, and it is 21:00 after 180 of them."""
    stage, bodies = night(then, workspace_rate=Rate(count=1, per_s=60), concurrency=1)
    sent = [each._replace(zones=TOKYO) for each in map(message, range(183))]
    result = await stage.run(sent)
    timed = [key for key, (body,) in bodies.of.items() if b"scheduledFor" in body]
    match then:
        case Then.DEFER:
            assert timed == ["k0180", "k0181", "k0182"]
            assert result.deferred == 3
        case Then.SKIP:
            assert (counts(result), result.kept, kind(result)) == ((180, 0, 0, 3), 3, None)
        case Then.FAIL:
            assert (counts(result), kind(result)) == ((180, 0, 0, 3), "quietHours")
    assert all(time_s - stage.clock.started_s < 3 * 3600 for time_s, key in stage.wire.posts if key not in timed)


async def test_where_no_hour_is_free_nothing_goes_and_no_time_is_told() -> None:
    stage, bodies = night(Then.DEFER, ALWAYS)
    result = await stage.run(of(("UTC", "Asia/Kathmandu"), ()))
    assert (counts(result), result.kept) == ((1, 0, 0, 1), 1)
    assert set(bodies.of) == {"k0001"}


async def test_a_retry_is_judged_anew() -> None:
    """The first connection fails at night; the next is made when it is over, and says no time."""

    def script(_key: str, before: int) -> Reply | Exception:
        if before == 0:
            stage.clock.now_s += 5 * 3600
            return NoConnection("refused")
        return accepted()

    stage, bodies = night()
    stage.wire._script = script
    result = await stage.run(of(NEW_YORK))
    first, second = bodies.of["k0000"]
    assert (b"scheduledFor" in first, b"scheduledFor" in second) == (True, False)
    assert (counts(result), result.deferred) == ((1, 0, 0, 0), 0)


async def test_what_was_throttled_is_kept_back_where_quiet_hours_have_begun_since() -> None:
    def script(_key: str, _before: int) -> Reply:
        stage.clock.now_s += 5 * 3600  # 23:00 in Tokyo
        return status(429, "1")

    stage, _ = night(Then.SKIP)
    stage.wire._script = script
    result = await stage.run(of(TOKYO))
    assert (counts(result), result.kept) == ((0, 0, 0, 1), 1)
    assert set(stage.states.values()) == {State.PLANNED}


async def test_what_bird_refuses_of_the_deferred_is_not_counted_as_deferred() -> None:
    stage, _ = night()
    stage.wire._script = lambda _key, _before: status(422, code="X")
    result = await stage.run(of(NEW_YORK, TOKYO))
    assert (counts(result), result.deferred) == ((0, 2, 0, 0), 0)


async def test_a_time_is_never_so_soon_that_bird_would_send_at_once() -> None:
    hours = replace(NIGHT, end_min=9 * 60 + 1)  # over in a minute
    stage, bodies = night(hours=hours)
    await stage.run(of(UTC))
    (body,) = bodies.of["k0000"]
    assert SOONEST_S == 660
    assert json.loads(body)["scheduledFor"] == "2026-03-01T09:11:00Z"


async def test_waves_count_what_is_kept_back_too() -> None:
    stage, _ = night(Then.SKIP, waves=(2,))
    result = await stage.run(of(NEW_YORK, NEW_YORK, UTC, UTC))
    assert (counts(result), result.kept) == ((2, 0, 0, 2), 2)


async def test_without_quiet_hours_zones_mean_nothing() -> None:
    stage = Stage(lambda _key, _before: accepted())
    assert counts(await stage.run(of(NEW_YORK))) == (1, 0, 0, 0)
