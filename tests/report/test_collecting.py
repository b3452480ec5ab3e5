"""What a report counts: every message once, money to the last digit, doubts by what they are."""

import tracemalloc
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from runner.delivery.reconcile import DOUBLE
from runner.ledger.deliveries import STATUSES
from runner.model import State
from runner.report import COUNTED, collecting

from .entries import at, campaign, entry, facts, said


def test_every_message_is_counted_once_in_each_group() -> None:
    entries = list(campaign(5000))
    told = facts(*entries)
    wanted = Counter(COUNTED[each.state] for each in entries)
    assert {name: count for name, count in told.total.counts.items() if count} == wanted
    for groups in (told.messages, told.channels, told.countries):
        sums: Counter[str] = Counter()
        for group in groups:
            sums.update(group.standing.counts)
        assert +sums == wanted
    assert sum(failure.count for failure in told.failures) == wanted["rejected"]
    assert told.doubts.total == wanted["inDoubt"]
    assert sum(run.series.total for run in told.runs) == sum(
        wanted[name] for name in ("accepted", "rejected", "inDoubt")
    )


def test_every_state_is_counted_as_something() -> None:
    assert set(COUNTED) == set(State)
    told = facts(*(entry(number, state) for number, state in enumerate(State)))
    assert told.total.counts == {"accepted": 1, "rejected": 1, "inDoubt": 3, "planned": 1, "dropped": 1}


def test_kinds_that_are_summed_up_early_sum_up_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = list(campaign(3000))
    whole = facts(*entries)
    monkeypatch.setattr(collecting, "MOST_KINDS", 3)
    assert facts(*entries) == whole


def test_segments_and_money_are_those_of_what_bird_accepted() -> None:
    told = facts(
        entry(0, segments=2, cost="0.1"),
        entry(1, segments=1, cost="0.2"),
        entry(2, segments=3, cost=None, currency=None),
        entry(3, State.REJECTED, segments=9, cost="5"),
        entry(4, State.IN_DOUBT, segments=9, cost="0.7"),
        entry(5, segments=1, cost="1", currency="EUR"),
        entry(6, segments=1, cost="no amount", currency="EUR"),
    )
    assert told.total.segments == 8
    assert told.total.costs == {"USD": Decimal("0.3"), "EUR": Decimal(1)}
    assert told.total.doubtful_costs == {"USD": Decimal("0.7")}
    assert told.total.unpriced == 2
    assert "the cost of 2 of what was accepted" in told.not_known[1]


def test_what_the_ledger_does_not_know_is_said() -> None:
    told = facts(entry(0), entry(1, country=None), entry(2, address="", words=None))
    assert [words.partition(":")[0] for words in told.not_known] == [
        "whether 3 of those accepted reached the phone",
        "the country of 1",
        "whom 1 went to, and Bird's words about them",
    ]
    assert told.purged == 1
    told = facts(entry(0, told=said(0, "sent")), entry(1, told=said(1)))
    assert [words.partition(":")[0] for words in told.not_known] == ["how 1 of those accepted will end"]
    assert facts(entry(1, told=said(1))).not_known == []


def test_deliveries_are_counted_once_and_add_up_to_what_was_accepted() -> None:
    statuses = [*STATUSES, "queued at carrier", "<script>", "delivered"]
    entries = [entry(n, told=said(n, word)) for n, word in enumerate(statuses)]
    stale = entry(70, told=said(70, message_id="id-of-an-older-one"))
    moved_on = entry(71, State.REJECTED, message_id="id-71", told=said(71, "rejected"))
    told = facts(*entries, entry(60), stale, moved_on)
    assert told.total.deliveries == dict.fromkeys(STATUSES, 1) | {"other": 2, "notLookedUp": 2, "delivered": 2}
    assert sum(told.total.deliveries.values()) == told.total.counts["accepted"] == 15
    assert (told.total.undelivered, told.total.not_final) == (4, 8)
    assert told.looked_at == at(600)
    assert facts(entry(0)).looked_at is None


def test_deliveries_that_failed_stand_by_code_the_most_frequent_first() -> None:
    ends = [
        ("15005", "sms-messagebird 1"),
        ("15001", "sms-messagebird 34"),
        ("15005", "sms-messagebird 1"),
        (None, None),
    ]
    told = facts(
        *(entry(n, told=said(n, "delivery_failed", code=code, source=source)) for n, (code, source) in enumerate(ends))
    )
    assert [(end.code, end.source, end.count) for end in told.undelivered] == [
        ("15005", "sms-messagebird 1", 2),
        (None, None, 1),
        ("15001", "sms-messagebird 34", 1),
    ]


def test_codes_that_differ_for_each_message_are_not_all_kept() -> None:
    told = facts(*(entry(n, told=said(n, "rejected", code=str(n), source="x")) for n in range(3000)))
    assert len(told.undelivered) <= collecting.MOST_REASONS + 1
    assert sum(end.count for end in told.undelivered) == 3000


def test_failures_stand_by_code_the_most_frequent_first() -> None:
    words = [("15005", "b"), ("12001", "x"), ("15005", "a"), ("12001", "y"), ("15005", "a")]
    told = facts(*(entry(n, State.REJECTED, code=code, words=text) for n, (code, text) in enumerate(words)))
    assert [(each.code, each.words, each.count) for each in told.failures] == [
        ("15005", "a", 2),
        ("15005", "b", 1),
        ("12001", "x", 1),
        ("12001", "y", 1),
    ]


def test_words_that_differ_for_each_message_are_not_all_kept() -> None:
    told = facts(*(entry(n, State.REJECTED, code=str(n % 3), words=f"about {n}") for n in range(5000)))
    assert len(told.failures) <= collecting.MOST_REASONS + 3
    assert sum(each.count for each in told.failures) == 5000
    assert {each.code for each in told.failures if each.words == collecting.OTHER_WORDS} == {"0", "1", "2"}


def test_codes_that_differ_for_each_message_are_not_all_kept_either() -> None:
    told = facts(*(entry(n, State.REJECTED, code=f"code {n}", words="w") for n in range(5000)))
    assert len(told.failures) <= 2 * collecting.MOST_REASONS + 1
    assert sum(each.count for each in told.failures) == 5000


def test_doubts_are_told_apart_by_what_is_to_be_done() -> None:
    assert collecting.DOUBLED == DOUBLE
    told = facts(
        entry(0, State.IN_DOUBT),
        entry(1, State.SENDING, words=None),
        entry(2, State.ABSENT),
        entry(3, State.IN_DOUBT, code=DOUBLE, words="Bird has 2"),
        *(entry(4 + n, State.IN_DOUBT) for n in range(30)),
    )
    doubts = told.doubts
    assert (doubts.waiting, doubts.sending, doubts.absent, doubts.doubled, doubts.total) == (31, 1, 1, 1, 34)
    assert len(doubts.shown) == collecting.SHOWN_DOUBTS
    assert dict(doubts.reasons) == {"Bird said so": 32, "Bird has 2": 1, "sent, no outcome yet": 1}


def test_runs_stand_the_latest_first_and_beyond_a_thousand_they_are_counted() -> None:
    told = facts(*(entry(n, run=f"run-{n}") for n in range(1200)))
    assert (len(told.runs), told.runs_left_out) == (collecting.MOST_RUNS, 200)
    began = [run.series.first_ms for run in told.runs]
    assert began == sorted(began, reverse=True)
    assert told.total.messages == 1200


def test_the_span_goes_from_the_first_intent_to_the_last_change() -> None:
    told = facts(entry(5), entry(1), replace(entry(3), at=at(99)))
    assert (told.first_at, told.last_at) == (at(1), at(99))


def test_times_that_can_not_be_read_break_nothing() -> None:
    odd = ["", "yesterday", "2026-03-01T09:00:00", "9999-12-31T23:59:59.999-23:59", "2026-13-01T09:00:00.000Z"]
    told = facts(*(entry(n, intended_at=text, at=text) for n, text in enumerate(odd)))
    assert (told.first_at, told.latency.count, told.latency.untimed) == (None, 0, 5)
    assert told.total.counts["accepted"] == 5


def test_an_empty_ledger_has_a_report_too() -> None:
    told = facts()
    assert (told.total.messages, told.messages, told.first_at, told.runs) == (0, [], None, [])
    assert told.latency.percentiles == {}


def test_memory_does_not_grow_with_the_number_of_messages() -> None:
    def most_kib(count: int) -> float:
        tracemalloc.start()
        facts_of = collecting.collect(campaign(count), ledger=None, origin="o", manifest=None)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert facts_of.total.messages == count
        return most / 1024

    small = most_kib(1_000)
    assert most_kib(5_000) < small + 256  # a row takes about 1 KiB: all of them would be 4,000 more
