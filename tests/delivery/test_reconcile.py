"""What scans prove, and what they don't."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.bird.replies import Listed
from runner.delivery.getting import Fault
from runner.delivery.reconcile import Conclusion, conclude, shared_references, since_s, unix_s, unknown
from runner.delivery.scanning import Scanner, Seen, rfc3339
from runner.ledger.memory import MemoryLedger
from runner.ledger.moves import purged
from runner.ledger.seam import Entry, Intent, Settlement
from runner.model import Accepted, Rejected, State

from .clock import VirtualClock
from .lists import ORIGIN_S, BirdList, entry, listed, status
from .wire import CHANNEL

SETTLE_S = 900.0
FAULT = Fault(kind="page", words="cut")


def seen(*there: Listed, at_s: float = ORIGIN_S + 60, fault: Fault | None = None, ahead_s: float | None = None) -> Seen:
    messages: dict[str, dict[str, Listed]] = {}
    for each in there:
        messages.setdefault(each.reference, {})[each.message_id] = each
    return Seen(messages=messages, fault=fault, started_s=at_s - 1, ended_s=at_s, ahead_s=ahead_s)


def there(number: int = 1, *, reference: str = "fp1.A") -> Listed:
    message_id = f"m-{number}"
    return Listed(reference=reference, message_id=message_id, outcome=Accepted(message_id=message_id))


def look(held: Entry, found: Seen, *, is_shared: bool = False, resends_absent: bool = False) -> Conclusion:
    return conclude(held, found, settle_s=SETTLE_S, is_shared=is_shared, resends_absent=resends_absent)


@pytest.mark.parametrize("state", [State.IN_DOUBT, State.ABSENT])
@pytest.mark.parametrize("fault", [None, FAULT])
def test_what_bird_has_was_accepted_whatever_else_the_scan_missed(state: State, fault: Fault | None) -> None:
    told = look(entry("A", state=state), seen(there(), fault=fault))
    assert told.ending == "accepted"
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.message_id, told.verdict.words) == (State.ACCEPTED, "m-1", None)


def test_what_bird_has_as_rejected_was_rejected() -> None:
    refused = replace(there(), outcome=Rejected(code="12003", words="no such destination", message_id="m-1"))
    told = look(entry("A"), seen(refused))
    assert told.ending == "rejected"
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.code, told.verdict.words) == (
        State.REJECTED,
        "12003",
        "no such destination",
    )


def test_the_first_complete_scan_without_it_is_remembered_and_proves_nothing() -> None:
    held = entry("A")
    told = look(held, seen())
    assert (told.ending, told.again_s) == ("inDoubt", ORIGIN_S + 60 + SETTLE_S)
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.looked_at) == (State.IN_DOUBT, "2026-03-01T09:01:00.000Z")
    assert told.verdict.words == held.words


@pytest.mark.parametrize(("late_s", "ending"), [(-0.001, "inDoubt"), (0.0, "absent"), (3600.0, "absent")])
def test_a_second_one_proves_it_absent_if_it_began_long_enough_after_the_first(late_s: float, ending: str) -> None:
    first_s = ORIGIN_S + 60
    held = entry("A", looked_at=rfc3339(first_s))
    told = look(held, seen(at_s=first_s + SETTLE_S + late_s + 1))
    assert told.ending == ending
    assert (told.again_s is None) == (ending == "absent")
    assert (told.verdict is not None) == (ending == "absent")


def test_the_time_since_the_intent_counts_too() -> None:
    held = entry("A", looked_at=rfc3339(ORIGIN_S), intended_at=rfc3339(ORIGIN_S + 600))
    assert look(held, seen(at_s=ORIGIN_S + SETTLE_S + 100)).ending == "inDoubt"
    assert look(held, seen(at_s=ORIGIN_S + SETTLE_S + 602)).ending == "absent"


def test_two_scans_are_as_far_apart_as_birds_clock_says_though_ours_was_set_between_them() -> None:
    first = look(entry("A"), seen(at_s=ORIGIN_S + 60, ahead_s=200.0))
    assert first.verdict is not None
    held = entry("A", looked_at=first.verdict.looked_at)
    early = look(held, seen(at_s=ORIGIN_S + 60 + SETTLE_S + 10, ahead_s=-200.0))
    assert (early.ending, early.again_s) == ("inDoubt", ORIGIN_S + 60 + SETTLE_S + 401)
    assert look(held, seen(at_s=ORIGIN_S + 60 + SETTLE_S + 401, ahead_s=-200.0)).ending == "absent"


def test_a_step_of_birds_clock_brings_two_scans_no_further_apart() -> None:
    first = look(entry("A"), seen(at_s=ORIGIN_S + 60))
    assert first.verdict is not None
    held = entry("A", looked_at=first.verdict.looked_at)
    soon = look(held, seen(at_s=ORIGIN_S + 62, ahead_s=SETTLE_S + 100))
    assert (soon.ending, soon.again_s) == ("inDoubt", ORIGIN_S + 60 + SETTLE_S)


def test_a_rejection_that_may_be_an_older_attempts_counts_only_when_nothing_else_came_to_light() -> None:
    refused = replace(there(), outcome=Rejected(code="12003", words="no such destination", message_id="m-1"))
    held = entry("A", attempts=2)
    first = look(held, seen(refused))
    assert (first.ending, first.again_s) == ("inDoubt", ORIGIN_S + 60 + SETTLE_S)
    assert first.verdict is not None
    held = replace(held, looked_at=first.verdict.looked_at)
    late_s = ORIGIN_S + 60 + SETTLE_S + 1
    assert look(held, seen(refused, at_s=late_s)).ending == "rejected"
    assert look(held, seen(refused, at_s=late_s, fault=FAULT)).ending == "inDoubt"
    assert look(held, seen(there(2), at_s=late_s)).ending == "accepted"
    taken = entry("A", attempts=2, state=State.ACCEPTED)
    assert look(taken, seen(refused, at_s=late_s)) == unknown(taken)


@pytest.mark.parametrize("looked_at", [None, rfc3339(ORIGIN_S)])
def test_a_scan_that_is_not_complete_proves_nothing_of_what_it_did_not_see(looked_at: str | None) -> None:
    told = look(entry("A", looked_at=looked_at), seen(at_s=ORIGIN_S + 1e6, fault=FAULT))
    assert (told.ending, told.verdict, told.again_s) == ("inDoubt", None, None)


def test_what_is_absent_stays_so_until_it_is_seen() -> None:
    held = entry("A", state=State.ABSENT, looked_at=rfc3339(ORIGIN_S))
    for found in (seen(), seen(fault=FAULT)):
        assert look(held, found) == unknown(held)
    assert unknown(held).ending == "absent"


@pytest.mark.parametrize("state", [State.IN_DOUBT, State.ABSENT])
def test_a_reference_that_two_messages_have_is_a_double_and_in_doubt(state: State) -> None:
    told = look(entry("A", state=state, looked_at=rfc3339(ORIGIN_S)), seen(there(1), there(2)))
    assert told.ending == "double"
    assert told.verdict is not None
    assert (told.verdict.state, told.verdict.looked_at) == (State.IN_DOUBT, None)
    assert told.verdict.words == "Bird has 2 messages with its reference: m-1, m-2"


def test_a_reference_that_is_another_s_too_proves_nothing_when_it_is_seen() -> None:
    assert look(entry("A"), seen(there()), is_shared=True).ending == "double"
    held = entry("A", looked_at=rfc3339(ORIGIN_S))
    assert look(held, seen(at_s=ORIGIN_S + 1e6), is_shared=True).ending == "absent"


def test_only_references_that_manifests_gave_themselves_can_be_shared() -> None:
    order, twin, alone = (
        entry(key, reference=reference) for key, reference in (("A", "o-1"), ("B", "o-1"), ("C", "c"))
    )
    usual, gone = entry("D"), purged(twin)
    assert gone.reference != "o-1"
    among = [order, replace(twin, state=State.ACCEPTED), alone, usual]
    assert shared_references([order, alone, usual], among=among) == {"o-1"}
    assert shared_references([order, alone], among=[order, gone, alone]) == {"o-1"}
    untouched = iter(among)
    assert shared_references([usual], among=untouched) == frozenset()
    assert list(untouched) == among  # the ledger is not read where no reference can be shared


def test_the_window_begins_at_the_first_intent_and_nowhere_if_one_is_not_known() -> None:
    first, second = entry("A"), entry("B", intended_at="2026-03-01T08:00:00+00:00")
    assert since_s([first, second]) == ORIGIN_S - 3600
    assert since_s([first, entry("C", intended_at="")]) is None
    assert since_s([]) is None


@pytest.mark.parametrize("text", [None, "", "soon", "2026-03-01T09:00:00", "2026-13-01T09:00:00Z"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert unix_s(text) is None


KEYS = "ABCDEF"


@settings(max_examples=60, deadline=None)
@given(
    at_bird=st.sets(st.sampled_from(KEYS)),
    lag=st.sets(st.sampled_from(KEYS)),
    foreign=st.integers(0, 7),
    size=st.integers(1, 5),
    faults=st.lists(st.sampled_from([None, 500, 429, 418]), max_size=12),
)
async def test_after_reconciling_with_settle_absent_is_exactly_what_bird_has_not(
    at_bird: set[str], lag: set[str], foreign: int, size: int, faults: list[int | None]
) -> None:
    """The first looks may fail and the list may lag behind in them; in the end nothing but the truth is held."""
    ledger, clock = MemoryLedger(origin="http://127.0.0.1"), VirtualClock()
    claim = ledger.claim("spring", run="r1", at=clock.now())
    held = [entry(key) for key in KEYS]
    claim.commit([], [_intent(each) for each in held])
    claim.commit([Settlement(key=key, state=State.IN_DOUBT, at=clock.now()) for key in KEYS], [])
    whole: list[dict[str, Any]] = [listed(f"fp1.{key}") for key in at_bird]
    whole += [listed(f"theirs-{number}") for number in range(foreign)]
    lagging = [item for item in whole if item["reference"].removeprefix("fp1.") not in lag]
    looks = 0
    while ledger.counts("spring").get(State.IN_DOUBT):
        looks += 1
        assert looks <= 4
        code = dict(enumerate(faults, start=1)) if looks <= 2 else {}
        bird = BirdList(
            lagging if looks == 1 else whole,
            size=size,
            instead=lambda n, _query, code=code: status(code[n]) if code.get(n) else None,  # type: ignore[misc]
        )
        doubtful = list(ledger.entries("spring", states=[State.IN_DOUBT]))
        references = frozenset(each.reference for each in doubtful)
        found = await Scanner(bird, clock=clock, rng=Random(1)).scan(CHANNEL, references, since_s=ORIGIN_S)
        told = [conclude(each, found, settle_s=SETTLE_S, is_shared=False) for each in doubtful]
        claim.reconcile([each.verdict for each in told if each.verdict is not None])
        await clock.sleep(SETTLE_S)
    states = {each.key: each.state for each in ledger.entries("spring")}
    assert states == {key: State.ACCEPTED if key in at_bird else State.ABSENT for key in KEYS}
    assert looks >= 2 or at_bird == set(KEYS)


def _intent(held: Entry) -> Intent:
    return Intent(
        key=held.key,
        edition=held.edition,
        message=held.message,
        workspace_id=held.workspace_id,
        channel_id=held.channel_id,
        reference=held.reference,
        address=held.address,
        payload_hash=held.payload_hash,
        country=held.country,
        segments=held.segments,
        at=held.intended_at,
    )


REFUSED = Listed(reference="fp1.A", message_id="m-0", outcome=Rejected(code="12001", words="busy", message_id="m-0"))


def test_what_bird_refused_once_and_took_once_went_out_once() -> None:
    told = look(entry("A", attempts=2), seen(REFUSED, there()))
    assert (told.ending, told.message_id) == ("accepted", "m-1")
    assert look(entry("A"), seen(REFUSED, there(1), there(2))).ending == "double"


@pytest.mark.parametrize("state", [State.IN_DOUBT, State.ABSENT])
def test_absent_is_planned_where_the_policy_sends_it_again_and_only_once(state: State) -> None:
    late_s = ORIGIN_S + 60 + SETTLE_S + 1
    held = entry("A", state=state, looked_at=rfc3339(ORIGIN_S + 60))
    told = look(held, seen(at_s=late_s), resends_absent=True)
    assert told.verdict is not None
    assert (told.ending, told.verdict.state) == ("planned", State.PLANNED)
    assert look(replace(held, resent=1), seen(at_s=late_s), resends_absent=True).ending == "absent"
    assert look(held, seen(at_s=late_s, fault=FAULT), resends_absent=True).verdict is None


def test_before_a_second_look_nothing_is_planned() -> None:
    assert look(entry("A"), seen(), resends_absent=True).ending == "inDoubt"


ACCEPTED = entry("A", state=State.ACCEPTED)


def test_an_accepted_message_of_an_unknown_id_gets_it() -> None:
    told = look(ACCEPTED, seen(there(), fault=FAULT))
    assert told.verdict is not None
    assert (told.ending, told.verdict.state, told.verdict.message_id) == ("accepted", State.ACCEPTED, "m-1")
    refused = look(ACCEPTED, seen(REFUSED))
    assert refused.verdict is not None
    assert (refused.ending, refused.verdict.state) == ("rejected", State.REJECTED)


@pytest.mark.parametrize("at_s", [ORIGIN_S + 60, ORIGIN_S + 1e6])
def test_an_accepted_message_that_is_not_listed_stays_accepted(at_s: float) -> None:
    told = look(replace(ACCEPTED, looked_at=rfc3339(ORIGIN_S)), seen(at_s=at_s), resends_absent=True)
    assert (told.ending, told.verdict) == ("accepted", None)


def test_an_accepted_message_that_is_there_twice_is_a_double_and_stays_accepted() -> None:
    told = look(ACCEPTED, seen(there(1), there(2)))
    assert (told.ending, told.verdict) == ("double", None)
