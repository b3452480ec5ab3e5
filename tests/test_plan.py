"""What a plan makes of each message by what the ledger knows of it: every state, every policy, every choice."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from runner.ledger.seam import Known
from runner.model import Channel, Delivery, Message, Policy, Rate, State
from runner.plan import Cause, Composed, Forced, Plan, Planner, Skipped, Source

US = Channel(name="us", workspace_id="w", channel_id="c-us")
CA = Channel(name="ca", workspace_id="w", channel_id="c-ca")
POLICY = Policy()


def message(number: int = 0, *, draft: str = "greet", **more: Any) -> Message:
    key = f"k{number}"
    return Message(
        draft=draft,
        channel=US,
        key=key,
        reference=f"fp1.{key}",
        address=f"phonenumber:+1415555{number:04}",
        payload_hash="as-it-is",
        body=json.dumps({"n": number}).encode(),
        country="US",
        segments=1,
    )._replace(**more)


def composed(message: Message, *, is_suppressed: bool = False, encoding: str = "GSM-7") -> Composed:
    return Composed(
        message=message,
        row=f"people#{message.key[1:]}",
        is_suppressed=is_suppressed,
        encoding=encoding,
        scheduled_for="2030-01-01T10:00:00Z",
        overrides=(),
        sample=lambda: {"of": message.key},
    )


@dataclass
class Spool:
    added: list[Message] = field(default_factory=list)

    def add(self, message: Message) -> None:
        self.added.append(message)


@dataclass
class Planned:
    plan: Plan
    spooled: list[Message]
    new: list[str]


def planned(
    items: Iterable[Composed | Skipped], known: Mapping[str, Known] = {}, *, policy: Policy = POLICY, **choices: Any
) -> Planned:
    spool, new = Spool(), list[str]()
    planner = Planner(
        others=lambda _message, keys, _hashes: (range(len(keys)), {key: known[key] for key in keys if key in known}),
        spool=spool,
        drafts=("greet", "bye"),
        mask=lambda address: address[-2:],
        on_scheduled=lambda each: new.append(each.message.key),
        **choices,
    )
    planner.take_all(items)
    return Planned(planner.finish(policy), spool.added, new)


def held(
    state: State, *, is_same: bool = True, channel: str = "c-us", code: str | None = None, resent: int = 0
) -> Known:
    payload = "as-it-is" if is_same else "as-it-was"
    return Known(state=state, payload_hash=payload, channel_id=channel, code=code, resent=resent)


ONCE, ABSENT, AGAIN = Delivery.AT_MOST_ONCE, Delivery.RESEND_ABSENT, Delivery.AT_LEAST_ONCE
ALL = (ONCE, ABSENT, AGAIN)


@pytest.mark.parametrize(
    ("known", "deliveries", "counted"),
    [
        (None, ALL, "new"),
        (held(State.PLANNED), ALL, "new"),
        (held(State.PLANNED, is_same=False), ALL, "new"),
        (held(State.ACCEPTED), ALL, "accepted"),
        (held(State.ACCEPTED, is_same=False), ALL, "drift"),
        (held(State.REJECTED), ALL, "rejected"),
        (held(State.REJECTED, is_same=False), ALL, "new"),
        (held(State.REJECTED, channel="c-ca"), ALL, "new"),
        (held(State.DROPPED), ALL, "skipped"),
        (held(State.DROPPED, is_same=False), ALL, "skipped"),
        (held(State.IN_DOUBT), (ONCE, ABSENT), "in_doubt"),
        (held(State.IN_DOUBT), (AGAIN,), "new"),
        (held(State.IN_DOUBT, is_same=False), ALL, "drift"),
        (held(State.SENDING), (ONCE, ABSENT), "in_doubt"),
        (held(State.SENDING), (AGAIN,), "new"),
        (held(State.ABSENT), (ONCE,), "in_doubt"),
        (held(State.ABSENT), (ABSENT, AGAIN), "new"),
        (held(State.ABSENT, resent=1), (ONCE, ABSENT), "in_doubt"),
        (held(State.ABSENT, resent=1), (AGAIN,), "new"),
        (held(State.ABSENT, is_same=False), (ONCE, AGAIN), "drift"),
        (held(State.ABSENT, is_same=False), (ABSENT,), "new"),
    ],
)
def test_where_a_message_stands(known: Known | None, deliveries: tuple[Delivery, ...], counted: str) -> None:
    names = ("new", "accepted", "rejected", "in_doubt", "drift", "skipped")
    for delivery in deliveries:
        got = planned([composed(message())], {} if known is None else {"k0": known}, delivery=delivery)
        totals = got.plan.totals
        assert {name: getattr(totals, name) for name in names} == {name: int(name == counted) for name in names}
        assert totals.messages == 1
        assert [each.key for each in got.spooled] == got.new == (["k0"] if counted == "new" else [])
        assert got.plan.matched == ({} if known is None else {known.state: 1})


@pytest.mark.parametrize(
    ("state", "told"),
    [(State.IN_DOUBT, State.IN_DOUBT), (State.SENDING, State.IN_DOUBT), (State.ABSENT, State.ABSENT)],
)
def test_what_is_sent_again_undecided_is_counted_and_goes_with_what_the_ledger_has(state: State, told: State) -> None:
    got = planned([composed(message()), composed(message(1))], {"k0": held(state)}, delivery=AGAIN)
    assert [each.held for each in got.spooled] == [told, None]
    assert got.plan.again == {told: 1}


def test_drift_in_doubt_is_told_apart_from_drift_of_what_was_accepted() -> None:
    known = {"k0": held(State.ACCEPTED, is_same=False), "k1": held(State.IN_DOUBT, is_same=False)}
    plan = planned([composed(message(0)), composed(message(1))], known).plan
    assert (plan.totals.drift, plan.drift_in_doubt) == (2, 1)


def test_what_gets_nothing_is_counted_with_its_reason_and_known_to_nobody() -> None:
    items: list[Composed | Skipped] = [
        Skipped(draft="greet", reason="when"),
        composed(message(), is_suppressed=True),
        composed(message(1)),
        Skipped(draft="bye", reason="when"),
    ]
    got = planned(items, {"k0": held(State.ACCEPTED)})
    assert got.plan.totals.reasons == {"when": 2, "suppress": 1}
    assert (got.plan.totals.messages, got.plan.totals.skipped, got.plan.totals.new) == (4, 3, 1)
    assert got.plan.matched == {}
    assert (got.plan.channels["us"].messages, got.plan.channels["us"].skipped) == (1, 0)


def test_of_messages_that_were_not_chosen_only_what_is_in_doubt_is_told() -> None:
    items: list[Composed | Skipped] = [
        composed(message(0)),
        composed(message(1, draft="bye")),
        composed(message(2, draft="bye")),
        composed(message(3, draft="bye")),
        composed(message(4, draft="bye")),
        Skipped(draft="bye", reason="when"),
    ]
    known = {"k1": held(State.IN_DOUBT), "k2": held(State.SENDING, is_same=False), "k3": held(State.ACCEPTED)}
    plan = planned(items, known, only=frozenset({"greet"})).plan
    assert (plan.totals.messages, list(plan.messages), plan.others_in_doubt) == (1, ["greet"], 2)
    assert plan.digest == planned(items, known).plan.digest  # a choice is no other plan


def test_a_limit_bounds_what_is_sent_and_not_what_is_new() -> None:
    got = planned([composed(message(number)) for number in range(5)], limit=2)
    assert (got.plan.totals.new, got.plan.to_send.messages, len(got.new)) == (5, 2, 5)
    assert [each.key for each in got.spooled] == ["k0", "k1"]
    assert got.plan.sent_through == {"us": 2}


def test_segments_and_countries_are_those_of_what_is_new() -> None:
    items: list[Composed | Skipped] = [
        composed(message(0, segments=3)),
        composed(message(1, country="CA", channel=CA, draft="bye")),
        composed(message(2, country="", segments=2)),
        composed(message(3, segments=9)),
    ]
    plan = planned(items, {"k3": held(State.ACCEPTED)}).plan
    assert (plan.totals.segments, plan.totals.countries) == (6, {"US": 1, "CA": 1})
    assert {name: (tally.messages, tally.segments) for name, tally in plan.channels.items()} == {
        "us": (3, 5),
        "ca": (1, 1),
    }


def test_costs_are_those_of_what_is_new_and_add_up_to_the_last_digit() -> None:
    items: list[Composed | Skipped] = [
        *(composed(message(number, cost="0.1", currency="USD")) for number in range(10)),
        composed(message(10, cost="0.00000001", currency="USD", country="CA", channel=CA, draft="bye")),
        composed(message(11, cost="5", currency="USD")),
        composed(message(12, country="FR"))._replace(unpriced="FR"),
        composed(message(13, cost="0.2", currency="USD"), encoding=""),
    ]
    plan = planned(items, {"k11": held(State.ACCEPTED)}, limit=11).plan
    assert plan.totals.cost == Decimal("1.20000001")
    assert plan.totals.costs == {"US": Decimal("1.2"), "CA": Decimal("0.00000001")}
    assert (plan.totals.unpriced, plan.totals.templates, plan.totals.costs_at_least) == ({"FR": 1}, 1, True)
    assert (plan.to_send.cost, plan.to_send.costs_at_least) == (Decimal("1.00000001"), False)
    assert {name: tally.cost for name, tally in plan.channels.items()} == {
        "us": Decimal("1.2"),
        "ca": Decimal("0.00000001"),
    }
    assert plan.messages["bye"].cost == Decimal("0.00000001")


def test_what_has_a_time_or_a_validity_is_told_when_it_goes_at_the_pace_of_what_is_sent() -> None:
    timed: list[tuple[str, float]] = []
    items = [composed(message(number))._replace(scheduled_for=None) for number in range(4)]
    items[1] = items[1]._replace(validity_s=60)
    items[3] = items[3]._replace(scheduled_for="2030-01-01T10:00:00Z")
    known = {"k0": held(State.ACCEPTED)}
    more: dict[str, Any] = {"on_timed": lambda each, at_s: timed.append((each.message.key, at_s))}
    plan = planned(items, known, rate=Rate(count=30, per_s=60), **more).plan
    assert timed == [("k1", 0.0), ("k3", 4.0)]
    assert plan.pace.channels == {"us": 6.0}
    timed.clear()
    assert planned(items, known, rate=Rate(count=30, per_s=60), limit=2, **more).plan.pace.seconds == 4.0
    assert timed == [("k1", 0.0)]


def test_a_retry_sends_what_may_pass_and_nothing_else() -> None:
    known = {"k0": held(State.REJECTED, code="12001"), "k1": held(State.REJECTED, code="7"), "k2": held(State.REJECTED)}
    known["k3"] = held(State.REJECTED, code="12001", is_same=False)
    items = [composed(message(number)) for number in range(5)]
    got = planned(items, known, may_retry=lambda code: code == "12001")
    assert [each.key for each in got.spooled] == got.new == ["k0", "k3"]
    assert (got.plan.retried, got.plan.changed_since_rejected, got.plan.to_send.messages) == (2, 0, 2)
    assert (got.plan.totals.new, got.plan.totals.rejected) == (3, 2)


def test_what_changed_since_it_was_rejected_is_told() -> None:
    known = {"k0": held(State.REJECTED, is_same=False), "k1": held(State.REJECTED, channel="c-ca")}
    assert planned([composed(message(number)) for number in range(3)], known).plan.changed_since_rejected == 2


def test_samples_show_the_riskiest_first_and_then_other_messages() -> None:
    items: list[Composed | Skipped] = [
        composed(message(0)),
        composed(message(1, segments=4)),
        composed(message(2, segments=4), encoding="UCS-2"),
        composed(message(3, segments=2)),
        composed(message(4, draft="bye")),
    ]
    samples = planned(items).plan.samples
    assert [(each.message, each.row, each.segments, each.encoding) for each in samples] == [
        ("greet", "people#2", 4, "UCS-2"),
        ("bye", "people#4", 1, "GSM-7"),
        ("greet", "people#1", 4, "GSM-7"),
    ]
    assert [each.risks for each in samples] == [("mostSegments", "ucs2"), (), ("mostSegments",)]
    assert (samples[0].recipient, samples[0].request) == ("02", {"of": "k2"})


@pytest.mark.parametrize(
    "other",
    [
        [composed(message(1)), composed(message(0))],
        [composed(message(0))],
        [composed(message(0)), composed(message(1, body=b"{}"))],
        [composed(message(0)), composed(message(1, channel=CA))],
        [composed(message(0)), composed(message(1, channel=replace(US, workspace_id="wc", channel_id="-us")))],
    ],
    ids=["order", "fewer", "body", "channel", "ids that run together"],
)
def test_whatever_would_go_out_otherwise_is_another_digest(other: list[Composed]) -> None:
    one = [composed(message(0)), composed(message(1))]
    assert planned(one).plan.digest == planned(one, {"k0": held(State.ACCEPTED)}).plan.digest
    assert planned(one).plan.digest != planned(other).plan.digest


def test_another_policy_is_another_digest() -> None:
    one = [composed(message())]
    assert planned(one).plan.digest != planned(one, policy=replace(POLICY, written={"rate": "5/s"})).plan.digest


def forced(character: str, saved: int, replacement: str | None = None) -> Forced:
    cause = Cause(character, Source("column", "name"), replacement)
    return Forced((cause,), saved, replacement is not None)


def test_what_characters_cost_is_told_of_new_messages_alone_with_its_price() -> None:
    costly = [message(number, segments=2, cost="0.15", currency="EUR") for number in range(3)]
    silenced, known = message(3, segments=2), message(4, segments=2)
    plan = planned(
        [
            *(composed(each)._replace(forced=lambda: forced("’", 1, "'")) for each in costly),
            composed(silenced, is_suppressed=True)._replace(forced=lambda: forced("’", 1, "'")),
            composed(known)._replace(forced=lambda: forced("’", 1, "'")),
            composed(message(5))._replace(forced=lambda: forced("😀", 0)),
        ],
        {"k4": held(State.ACCEPTED)},
    ).plan
    curly, emoji = plan.characters.found()
    assert (curly.character, curly.messages, curly.saved.segments) == ("’", 3, 3)
    assert curly.saved.costs == {"EUR": Decimal("0.225")}
    assert curly.saved.countries == {"US": 3}
    assert (emoji.character, emoji.messages, emoji.saved.segments, emoji.saved.costs) == ("😀", 1, 0, {})
    assert (plan.characters.messages, plan.characters.all.segments, plan.characters.plainly.segments) == (4, 3, 3)
    assert plan.totals.sizes == {2: 3, 1: 1}
