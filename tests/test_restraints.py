"""What quiet hours and the repeat guard make of a plan."""

import json
from collections.abc import Container, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.bird.requests import said
from runner.guards import over_limits
from runner.ledger.identity import text_hash
from runner.ledger.seam import Known
from runner.model import Delivery, QuietHours, RepeatGuard, State, Then
from runner.plan import Composed, Hours, Moved, Plan, Repeats

from .test_plan import POLICY, Planned, composed, held, message, planned

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
NIGHT = QuietHours(begin_min=21 * 60, end_min=8 * 60, zone="recipient", then=Then.DEFER)
NEW_YORK, LA, BERLIN = ("America/New_York",), ("America/Los_Angeles",), ("Europe/Berlin",)
NOWHERE: tuple[str, ...] = ()


def at_home(number: int, zones: tuple[str, ...], *, own: str | None = None, **more: Any) -> Composed:
    return composed(message(number, **more))._replace(zones=zones, scheduled_for=own)


def drawn(then: Then, *items: Composed, known: Mapping[str, Known] = {}, **choices: Any) -> Planned:
    return planned(items, known, hours=Hours(replace(NIGHT, then=then), NOW), **choices)


def refusals(plan: Plan) -> list[str]:
    return list(over_limits(plan, POLICY, max_messages=None, allow_empty=True))


FOUR = [at_home(0, NEW_YORK), at_home(1, BERLIN), at_home(2, LA), at_home(3, LA, draft="bye"), at_home(4, LA)]


def test_the_plan_says_how_many_move_and_to_when() -> None:
    got = drawn(Then.DEFER, *FOUR)
    assert got.plan.totals.new == len(got.spooled) == 5
    assert got.plan.quiet is not None
    assert got.plan.quiet.moved == (
        Moved(message="greet", zones=LA, until="2026-03-01T16:00:00Z", messages=2),
        Moved(message="bye", zones=LA, until="2026-03-01T16:00:00Z", messages=1),
        Moved(message="greet", zones=NEW_YORK, until="2026-03-01T13:00:00Z", messages=1),
    )
    assert got.plan.quiet.moved_total == 4
    assert [each.zones for each in got.spooled] == [NEW_YORK, BERLIN, LA, LA, LA]
    assert refusals(got.plan) == []


def test_what_is_skipped_is_counted_with_its_reason_and_not_spooled() -> None:
    got = drawn(Then.SKIP, *FOUR, at_home(5, NOWHERE))
    assert got.plan.totals.reasons == {"quietHours": 4, "noTimeZone": 1}
    assert [each.key for each in got.spooled] == ["k1"]
    assert (got.plan.totals.messages, got.plan.totals.new, got.plan.totals.skipped) == (6, 1, 5)
    assert got.plan.quiet is not None
    assert got.plan.quiet.moved == ()


def test_people_who_are_all_asleep_are_not_nobody() -> None:
    asleep = drawn(Then.SKIP, at_home(0, LA), at_home(1, NOWHERE)).plan
    assert list(over_limits(asleep, POLICY, max_messages=None, allow_empty=False)) == []
    (words,) = over_limits(drawn(Then.SKIP, at_home(1, NOWHERE)).plan, POLICY, max_messages=None, allow_empty=False)
    assert "--allow-empty" in words


def test_a_plan_is_refused_where_the_policy_says_fail() -> None:
    got = drawn(Then.FAIL, *FOUR, at_home(5, NOWHERE))
    assert got.plan.totals.new == 6
    first, second = refusals(got.plan)
    assert first.startswith("policy.quietHours (21:00 to 08:00) says fail, and 4 would go out in quiet hours")
    assert second == "policy.quietHours says fail, and nobody knows the time zone of 1: leave them out"
    assert refusals(drawn(Then.FAIL, at_home(1, BERLIN)).plan) == []


def test_nobody_is_texted_whose_time_zone_nobody_knows() -> None:
    got = drawn(Then.DEFER, at_home(0, NOWHERE), at_home(1, BERLIN))
    assert got.plan.totals.reasons == {"noTimeZone": 1}
    assert [each.key for each in got.spooled] == ["k1"]
    always = Hours(replace(NIGHT, begin_min=1, end_min=0), NOW)
    both = planned([at_home(0, ("UTC", "Asia/Kathmandu"))], hours=always)
    assert both.plan.totals.reasons == {"noTimeZone": 1}


@pytest.mark.parametrize(
    ("own", "then", "is_quiet"),
    [
        ("2026-03-02T03:00:00-08:00", Then.DEFER, False),  # a message's own time wins
        ("2026-03-02T03:00:00-08:00", Then.SKIP, True),
        ("2026-03-02T12:00:00-08:00", Then.SKIP, False),
        ("2026-03-02T12:00:00-08:00", Then.FAIL, False),
        ("2026-03-02T03:00:00-08:00", Then.FAIL, True),
        ("2026-03-02T03:00:00", Then.SKIP, False),  # these are findings of their own
        ("tomorrow", Then.FAIL, False),
        ("2020-01-01T03:00:00-08:00", Then.SKIP, False),
        ("9999-12-31T23:59:59-08:00", Then.SKIP, False),
    ],
)
def test_a_message_with_its_own_time_is_judged_by_that(own: str, then: Then, *, is_quiet: bool) -> None:
    got = drawn(then, at_home(0, LA, own=own))
    assert got.plan.totals.reasons == ({"quietHours": 1} if is_quiet and then is Then.SKIP else {})
    assert len(refusals(got.plan)) == (is_quiet and then is Then.FAIL)
    assert [each.zones for each in got.spooled] == ([] if is_quiet and then is Then.SKIP else [()])
    assert got.plan.quiet is not None
    assert got.plan.quiet.moved == ()


def test_a_message_with_its_own_time_and_no_known_zone() -> None:
    own = "2026-03-02T12:00:00Z"
    assert drawn(Then.SKIP, at_home(0, NOWHERE, own=own)).plan.totals.reasons == {"noTimeZone": 1}
    assert drawn(Then.DEFER, at_home(0, NOWHERE, own=own)).plan.totals.new == 1


def test_only_what_is_new_is_judged_and_only_what_this_run_sends_is_counted() -> None:
    known = {"k0": held(State.ACCEPTED), "k2": held(State.REJECTED)}
    for then in Then:
        got = drawn(then, *FOUR, known=known)
        assert (got.plan.totals.accepted, got.plan.totals.rejected) == (1, 1)
    got = drawn(Then.DEFER, *FOUR, limit=3)
    assert got.plan.quiet is not None
    assert got.plan.quiet.moved_total == 2
    assert len(refusals(drawn(Then.FAIL, *FOUR, limit=2).plan)) == 1
    assert "1 would go" in refusals(drawn(Then.FAIL, *FOUR, limit=2).plan)[0]


def test_no_restraint_changes_the_digest() -> None:
    digests = {drawn(then, *FOUR).plan.digest for then in Then}
    assert digests == {planned(FOUR).plan.digest}


@pytest.mark.parametrize(("state", "delivery"), [(State.IN_DOUBT, Delivery.AT_LEAST_ONCE)])
def test_what_is_in_doubt_and_not_sent_again_now_stays_in_doubt(state: State, delivery: Delivery) -> None:
    got = drawn(Then.SKIP, at_home(0, LA), at_home(1, BERLIN), known={"k0": held(state)}, delivery=delivery)
    assert (got.plan.totals.in_doubt, got.plan.totals.new, got.plan.totals.skipped) == (1, 1, 0)
    assert got.plan.again == {}
    awake = drawn(Then.SKIP, at_home(0, BERLIN), known={"k0": held(state)}, delivery=delivery)
    assert [(each.held, each.zones) for each in awake.spooled] == [(state, BERLIN)]


def test_a_retry_holds_back_what_it_would_send_and_nothing_else() -> None:
    known = {"k0": held(State.REJECTED, code="12001"), "k1": held(State.REJECTED, code="12001")}
    items = [at_home(0, LA), at_home(1, BERLIN), at_home(2, LA)]
    got = drawn(Then.SKIP, *items, known=known, may_retry=lambda code: code == "12001")
    assert [each.key for each in got.spooled] == ["k1"]
    assert (got.plan.totals.reasons, got.plan.totals.new, got.plan.retried) == ({"quietHours": 1}, 2, 1)


# The repeat guard


def guarded(then: Then, sent: Container[str], *items: Composed, **choices: Any) -> Planned:
    return planned(items, repeats=Repeats(RepeatGuard(within_s=60, then=then), sent), **choices)


def texted(number: int, text: str = "Hello.", **more: Any) -> Composed:
    request = {"body": {"type": "text", "text": {"text": text}}, "reference": f"r{number}"}
    return composed(message(number, body=json.dumps(request).encode(), **more))


def known_text(item: Composed) -> str:
    return text_hash(item.message.address, said(item.message.body))


def test_what_another_send_gave_them_is_skipped_or_refused() -> None:
    sent = {known_text(texted(0)), known_text(texted(1, "Other."))}
    items = texted(0), texted(1), texted(2, address=texted(0).message.address)
    got = guarded(Then.SKIP, sent, *items)
    assert [each.key for each in got.spooled] == ["k1"]
    assert (got.plan.totals.reasons, refusals(got.plan)) == ({"repeatGuard": 2}, [])
    got = guarded(Then.FAIL, sent, *items)
    assert got.plan.totals.new == 3
    assert refusals(got.plan) == [
        "policy.repeatGuard says fail, and 2 have this very text from another send already",
    ]
    assert refusals(guarded(Then.FAIL, sent, *items, limit=1).plan)[0].count(" 1 ") == 1
    assert refusals(guarded(Then.FAIL, set(), *items).plan) == []
    assert got.plan.digest == guarded(Then.SKIP, sent, *items).plan.digest


def test_both_restraints_hold_and_the_lasting_one_is_told() -> None:
    items = [texted(number)._replace(zones=zones, scheduled_for=None) for number, zones in enumerate((LA, LA, BERLIN))]
    repeats = Repeats(RepeatGuard(within_s=60, then=Then.SKIP), {known_text(items[0])})
    got = planned(items, repeats=repeats, hours=Hours(replace(NIGHT, then=Then.SKIP), NOW))
    assert got.plan.totals.reasons == {"repeatGuard": 1, "quietHours": 1}
    assert [each.key for each in got.spooled] == ["k2"]
