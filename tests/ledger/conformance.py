"""What every ledger must do, whatever it is stored in. A new store adds a subclass of `Store` and passes."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

import pytest

from runner.errors import Exit, LedgerFault, Locked
from runner.ledger.deliveries import Delivery
from runner.ledger.seam import Claim, ClaimLost, Entry, Intent, Known, Ledger, NotSendable, Settlement, Verdict
from runner.model import State

T0, T1, T2 = "2026-03-01T09:00:00.000Z", "2026-03-01T09:00:01.000Z", "2026-03-01T09:00:02.000Z"


class Store(Protocol):
    """One ledger's data, and ways to reach it."""

    def open(self) -> Ledger:
        """A ledger on the same data, as another process would have it."""

    def put(self, key: str, state: State) -> None:
        """Moves a message to a state, whatever the rules say."""


def intent(
    key: str,
    *,
    message: str = "announce",
    edition: str = "1",
    at: str = T0,
    payload: str = "aa",
    from_doubt: bool = False,
) -> Intent:
    return Intent(
        key=key,
        edition=edition,
        message=message,
        workspace_id="w",
        channel_id="c",
        reference=f"fp1.{key}",
        address="phonenumber:+14155550100",
        payload_hash=payload,
        country="US",
        segments=2,
        at=at,
        from_doubt=from_doubt,
    )


def settled(key: str, state: State = State.ACCEPTED, *, at: str = T1, words: str | None = None) -> Settlement:
    return Settlement(key=key, state=state, at=at, message_id=f"id-{key}", code="7", words=words)


def sent(key: str) -> Intent:
    """An intent as a send writes it, where `intent` is short to read."""
    return intent(key)._replace(workspace_id=str(UUID(int=1)), channel_id=str(UUID(int=2)), payload_hash="a" * 64)


def told(key: str, state: State = State.ACCEPTED, *, at: str = T1) -> Settlement:
    """A settlement as a send writes it: what belongs to its state and nothing else."""
    return Settlement(
        key=key,
        state=state,
        at=at,
        message_id=f"id-{key}" if state is State.ACCEPTED else None,
        code="7" if state is State.REJECTED else None,
        words=None if state is State.ACCEPTED else "Bird said so",
    )


def verdict(key: str, state: State, *, at: str = T2, looked_at: str | None = None) -> Verdict:
    return Verdict(key=key, state=state, at=at, message_id=f"b-{key}", code="9", words="seen", looked_at=looked_at)


def seen(message_id: str, status: str = "delivered", *, at: str = T2, looked_at: str = T2, **more: str) -> Delivery:
    return Delivery(message_id=message_id, status=status, at=at, looked_at=looked_at, **more)


def intend(claim: Claim, *keys: str) -> None:
    claim.commit([], [intent(key) for key in keys])


def states(ledger: Ledger) -> dict[str, State]:
    return {entry.key: entry.state for entry in ledger.entries()}


def only(entries: Iterator[Entry]) -> Entry:
    (entry,) = entries
    return entry


class Conformance:
    """Subclasses give the fixture `store`."""

    @pytest.fixture
    def ledger(self, store: Store) -> Ledger:
        return store.open()

    @pytest.fixture
    def claim(self, ledger: Ledger) -> Claim:
        return ledger.claim("spring", run="r1", at=T0)

    def test_a_new_ledger_knows_nothing(self, ledger: Ledger) -> None:
        assert ledger.lookup("K") is None
        assert dict(ledger.lookup_many(["K", "L"])) == {}
        assert list(ledger.entries()) == []
        assert ledger.manifests() == ()
        assert dict(ledger.counts("spring")) == {}
        assert list(ledger.keys("spring", "1")) == []

    def test_many_keys_are_looked_up_at_once(self, store: Store, claim: Claim) -> None:
        intend(claim, "A", "B", "C")
        claim.commit([settled("B")], [])
        other = store.open()
        found = other.lookup_many(["C", "nobody", "B", "C", 'odd"\\ü'])
        assert found == {key: other.lookup(key) for key in ("B", "C")}
        assert found["B"].state is State.ACCEPTED
        assert found["C"].state is State.SENDING
        assert other.lookup_many([]) == {}

    def test_an_intent_is_seen_by_everyone_at_once(self, store: Store, claim: Claim) -> None:
        intend(claim, "A")
        other = store.open()
        assert other.lookup("A") == Known(state=State.SENDING, payload_hash="aa", channel_id="c")
        assert only(other.entries()) == Entry(
            key="A",
            manifest="spring",
            edition="1",
            message="announce",
            workspace_id="w",
            channel_id="c",
            reference="fp1.A",
            address="phonenumber:+14155550100",
            payload_hash="aa",
            country="US",
            segments=2,
            state=State.SENDING,
            attempts=1,
            run="r1",
            intended_at=T0,
            at=T0,
            message_id=None,
            code=None,
            words=None,
        )

    @pytest.mark.parametrize("state", [State.PLANNED, State.ACCEPTED, State.REJECTED, State.IN_DOUBT])
    def test_an_outcome_is_kept_with_its_time_and_words(self, ledger: Ledger, claim: Claim, state: State) -> None:
        intend(claim, "A")
        claim.commit([settled("A", state, words="so it was")], [])
        entry = only(ledger.entries())
        assert (entry.state, entry.at, entry.intended_at, entry.attempts) == (state, T1, T0, 1)
        assert (entry.message_id, entry.code, entry.words) == ("id-A", "7", "so it was")

    def test_a_next_attempt_is_counted_and_starts_afresh(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        claim.commit([settled("A", State.PLANNED, words="refused")], [])
        claim.release()
        again = ledger.claim("spring", run="r2", at=T1)
        again.commit([], [intent("A", at=T2, payload="bb")])
        entry = only(ledger.entries())
        assert (entry.state, entry.attempts, entry.run, entry.payload_hash) == (State.SENDING, 2, "r2", "bb")
        assert (entry.intended_at, entry.at) == (T2, T2)
        assert (entry.message_id, entry.code, entry.words) == (None, None, None)

    def test_one_commit_may_settle_a_message_as_planned_and_intend_it_again(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        claim.commit([settled("A", State.PLANNED)], [intent("A", at=T2)])
        entry = only(ledger.entries())
        assert (entry.state, entry.attempts, entry.at) == (State.SENDING, 2, T2)

    @pytest.mark.parametrize("state", list(State))
    def test_only_what_is_new_planned_rejected_or_absent_can_be_intended(
        self, store: Store, ledger: Ledger, claim: Claim, state: State
    ) -> None:
        intend(claim, "A")
        store.put("A", state)
        if state in {State.PLANNED, State.REJECTED, State.ABSENT}:
            intend(claim, "A")
            assert states(ledger) == {"A": State.SENDING}
        else:
            with pytest.raises(NotSendable, match=f"A is {state} already"):
                intend(claim, "A")
            assert states(ledger) == {"A": state}

    def test_one_intent_that_can_not_be_sent_undoes_its_whole_commit(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A", "B")
        claim.commit([settled("A")], [])
        with pytest.raises(NotSendable):
            claim.commit([settled("B")], [intent("C"), intent("A")])
        assert states(ledger) == {"A": State.ACCEPTED, "B": State.SENDING}
        claim.commit([settled("B")], [])
        assert states(ledger)["B"] is State.ACCEPTED

    def test_one_message_can_not_be_intended_twice_in_a_commit(self, ledger: Ledger, claim: Claim) -> None:
        with pytest.raises(NotSendable):
            intend(claim, "A", "A")
        assert states(ledger) == {}

    def test_an_outcome_without_an_open_intent_is_refused(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A", "B")
        claim.commit([settled("A")], [])
        for key in ("A", "nobody"):
            with pytest.raises(LedgerFault, match=f"{key} has no open intent"):
                claim.commit([settled("B"), settled(key, State.REJECTED)], [])
        assert states(ledger) == {"A": State.ACCEPTED, "B": State.SENDING}

    @pytest.mark.parametrize("number", [1, 31, 32, 33, 100])
    def test_a_commit_of_any_size_writes_each_message_as_its_own(
        self, ledger: Ledger, claim: Claim, number: int
    ) -> None:
        keys = [f"K{each:03}" for each in range(number)]
        claim.commit([], [intent(key, payload=f"hash of {key}") for key in keys])
        ends = [State.ACCEPTED, State.REJECTED, State.IN_DOUBT, State.PLANNED]
        claim.commit(
            [settled(key, ends[each % 4], words=f"words of {key}") for each, key in reversed([*enumerate(keys)])],
            [intent(f"N{key}") for key in keys],
        )
        held = {entry.key: entry for entry in ledger.entries()}
        assert list(held) == [*keys, *(f"N{key}" for key in keys)]
        for each, key in enumerate(keys):
            entry = held[key]
            assert (entry.state, entry.message_id, entry.words) == (ends[each % 4], f"id-{key}", f"words of {key}")
            assert (entry.payload_hash, entry.run, entry.attempts) == (f"hash of {key}", claim.run, 1)
            assert held[f"N{key}"].state is State.SENDING

    @pytest.mark.parametrize("place", [0, 17, 39, 69])
    def test_the_one_at_fault_among_many_is_named_and_nothing_is_written(
        self, ledger: Ledger, claim: Claim, place: int
    ) -> None:
        keys = [f"K{each:03}" for each in range(70)]
        intend(claim, "A", *keys)
        claim.commit([settled("A")], [])
        before = states(ledger)
        others = [settled(key) for key in keys]
        with pytest.raises(LedgerFault, match="the message A has no open intent"):
            claim.commit([*others[:place], settled("A"), *others[place:]], [intent("NEW")])
        wishes = [intent(f"N{key}") for key in keys]
        with pytest.raises(NotSendable, match="the message A is accepted already"):
            claim.commit(others, [*wishes[:place], intent("A"), *wishes[place:]])
        assert states(ledger) == before
        claim.commit(others, wishes)  # the claim lives on

    def test_an_outcome_told_twice_in_a_commit_is_refused(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A", "B")
        with pytest.raises(LedgerFault, match="the message A has no open intent"):
            claim.commit([settled("A"), settled("B"), settled("A", State.REJECTED)], [])
        assert states(ledger) == {"A": State.SENDING, "B": State.SENDING}

    @pytest.mark.parametrize("state", [State.SENDING, State.ABSENT, State.DROPPED])
    def test_an_intent_has_no_other_outcomes(self, ledger: Ledger, claim: Claim, state: State) -> None:
        intend(claim, "A")
        with pytest.raises(ValueError, match="can't be settled"):
            claim.commit([settled("A", state)], [])
        assert states(ledger) == {"A": State.SENDING}

    def test_the_words_of_others_are_cut_and_made_to_fit(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        claim.commit([settled("A", State.REJECTED, words="\ud800" + "é" * 600)], [])
        assert only(ledger.entries()).words == "?" + "é" * 499

    def test_a_second_run_is_told_who_holds_the_manifest(self, store: Store, claim: Claim) -> None:
        with pytest.raises(Locked, match=r"another run of spring holds the ledger: .*run r1") as stop:
            store.open().claim("spring", run="r2", at=T1)
        assert stop.value.exit_code is Exit.LOCKED
        intend(claim, "A")

    def test_the_same_ledger_gives_no_second_claim_either(self, ledger: Ledger, claim: Claim) -> None:
        with pytest.raises(Locked):
            ledger.claim(claim.manifest, run="r2", at=T1)

    def test_another_manifest_goes_on_beside_it(self, store: Store, ledger: Ledger, claim: Claim) -> None:
        urgent = store.open().claim("urgent", run="r2", at=T1)
        intend(urgent, "U")
        intend(claim, "A")
        urgent.commit([settled("U")], [])
        assert states(ledger) == {"A": State.SENDING, "U": State.ACCEPTED}
        assert ledger.manifests() == ("spring", "urgent")

    def test_one_manifest_can_not_touch_the_messages_of_another(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        other = ledger.claim("other", run="r2", at=T1)
        with pytest.raises(LedgerFault):
            other.commit([settled("A")], [])
        with pytest.raises(NotSendable):
            intend(other, "A")
        claim.commit([settled("A", State.PLANNED)], [])
        with pytest.raises(NotSendable):
            intend(other, "A")
        assert only(ledger.entries()).manifest == "spring"

    def test_the_texts_of_other_sends_are_those_that_people_have_or_may_have(
        self, store: Store, ledger: Ledger
    ) -> None:
        states = {name: State(name) for name in ("planned", "accepted", "rejected", "inDoubt", "absent", "dropped")}
        claim = ledger.claim("autumn", run="r1", at=T0)
        claim.commit([], [intent(name)._replace(text_hash=name * 2) for name in (*states, "sending")])
        claim.commit([settled(name) for name in states], [])
        for name, state in states.items():
            store.put(name, state)
        other = store.open()
        assert sorted(map(str, other.texts("spring", T0))) == ["acceptedaccepted", "inDoubtinDoubt", "sendingsending"]
        assert list(other.texts("autumn", T0)) == []

    def test_texts_are_asked_for_by_the_last_change_of_their_state(self, ledger: Ledger) -> None:
        claim = ledger.claim("autumn", run="r1", at=T0)
        claim.commit([], [intent("A", at=T0)._replace(text_hash="a"), intent("B", at=T0)])
        claim.commit([settled("A", at=T0), settled("B", at=T1)], [])
        assert list(ledger.texts("spring", T0)) == ["a", None]
        assert list(ledger.texts("spring", "2026-03-01T10:00:00+01:00")) == ["a", None]
        assert list(ledger.texts("spring", T1)) == [None]
        assert list(ledger.texts("spring", T2)) == []
        assert list(ledger.texts("spring", "2000-01-01T00:00:00+00:00")) == ["a", None]

    def test_many_texts_come_in_the_order_of_their_intents(self, ledger: Ledger) -> None:
        claim = ledger.claim("autumn", run="r1", at=T0)
        many = [intent(f"K{number}")._replace(text_hash=f"{number}") for number in range(2500)]
        claim.commit([], many)
        assert list(ledger.texts("spring", T0)) == [f"{number}" for number in range(2500)]

    def test_each_claim_has_a_higher_epoch(self, store: Store) -> None:
        epochs = []
        for run in ("r1", "r2", "r3"):
            claim = store.open().claim("spring", run=run, at=T0)
            epochs.append(claim.epoch)
            claim.release()
        assert epochs == [1, 2, 3]

    def test_a_waiting_run_gets_the_claim_when_it_is_free(self, store: Store, claim: Claim) -> None:
        waiting = store.open()
        release = threading.Timer(0.05, claim.release)
        release.start()
        assert waiting.claim("spring", run="r2", at=T1, timeout_s=30).epoch == 2
        release.join()

    def test_what_a_dead_run_left_is_in_doubt(self, store: Store, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A", "B")
        claim.commit([settled("B")], [])
        living = store.open().claim("urgent", run="r9", at=T0)
        intend(living, "U")
        ledger.close()
        after = store.open()
        after.claim("spring", run="r2", at=T2)
        assert states(after) == {"A": State.IN_DOUBT, "B": State.ACCEPTED, "U": State.SENDING}
        left = only(after.entries(states=[State.IN_DOUBT]))
        assert left.words == "the run r1 ended without an outcome"
        assert (left.run, left.intended_at, left.at, left.attempts) == ("r1", T0, T2, 1)

    def test_a_released_claim_leaves_nothing_sending(self, store: Store, claim: Claim) -> None:
        intend(claim, "A")
        claim.release()
        entry = only(store.open().entries())
        assert (entry.state, entry.words) == (State.IN_DOUBT, "the run r1 ended without an outcome")

    def test_a_claim_may_post_until_its_end(self, claim: Claim) -> None:
        assert claim.may_post()
        claim.release()
        assert not claim.may_post()

    def test_after_its_end_a_claim_writes_nothing(self, store: Store, claim: Claim) -> None:
        intend(claim, "A")
        claim.release()
        claim.release()
        for write in (
            lambda: claim.commit([settled("A")], []),
            lambda: intend(claim, "B"),
            lambda: claim.resolve(["A"], State.PLANNED, T2),
            lambda: claim.reconcile([verdict("A", State.ACCEPTED)]),
            lambda: claim.purge(T2),
        ):
            with pytest.raises(ClaimLost):
                write()
        assert states(store.open()) == {"A": State.IN_DOUBT}

    def test_a_run_that_was_thought_dead_writes_nothing(self, store: Store, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        ledger.close()
        after = store.open()
        after.claim("spring", run="r2", at=T2)
        with pytest.raises(ClaimLost) as stop:
            claim.commit([settled("A")], [intent("B")])
        assert stop.value.exit_code is Exit.LEDGER
        with pytest.raises(ClaimLost):
            claim.purge(T2)
        claim.release()
        assert states(after) == {"A": State.IN_DOUBT}

    @pytest.mark.parametrize("state", list(State))
    def test_a_person_decides_about_what_is_in_doubt_or_absent(
        self, store: Store, ledger: Ledger, claim: Claim, state: State
    ) -> None:
        intend(claim, "A")
        store.put("A", state)
        may = state in {State.IN_DOUBT, State.ABSENT}
        assert claim.resolve(["A", "nobody"], State.DROPPED, T2) == int(may)
        assert states(ledger) == {"A": State.DROPPED if may else state}

    def test_what_is_resolved_to_be_sent_can_be_sent(self, store: Store, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A", "B", "C")
        claim.commit([settled(key, State.IN_DOUBT) for key in "ABC"], [])
        assert claim.resolve((key for key in "AB"), State.PLANNED, T2) == 2
        intend(claim, "A")
        assert states(ledger) == {"A": State.SENDING, "B": State.PLANNED, "C": State.IN_DOUBT}
        assert claim.resolve([], State.PLANNED, T2) == 0
        other = store.open().claim("other", run="r2", at=T2)
        assert other.resolve(["C"], State.DROPPED, T2) == 0

    def test_a_decision_is_to_send_or_to_drop(self, claim: Claim) -> None:
        with pytest.raises(ValueError, match="can't decide"):
            claim.resolve(["A"], State.ACCEPTED, T2)

    @pytest.mark.parametrize("state", list(State))
    @pytest.mark.parametrize("found", [State.ACCEPTED, State.REJECTED, State.ABSENT, State.IN_DOUBT, State.PLANNED])
    def test_a_look_up_moves_only_what_is_in_doubt_or_absent_and_what_lacks_an_id(
        self, store: Store, ledger: Ledger, claim: Claim, state: State, found: State
    ) -> None:
        intend(claim, "A")
        store.put("A", state)
        lacks_its_id = state is State.ACCEPTED and found in {State.ACCEPTED, State.REJECTED}
        may = state in {State.IN_DOUBT, State.ABSENT} or lacks_its_id
        assert claim.reconcile([verdict("A", found, looked_at=T1), verdict("nobody", found)]) == int(may)
        entry = only(ledger.entries())
        assert entry.state is (found if may else state)
        assert entry.at == (T2 if may and found is not state else T0)
        seen = (entry.message_id, entry.code, entry.words, entry.looked_at)
        assert seen == (("b-A", "9", "seen", T1) if may else (None, None, None, None))
        assert (entry.run, entry.attempts, entry.intended_at) == ("r1", 1, T0)

    def test_a_look_up_of_one_manifest_leaves_the_messages_of_another(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        claim.commit([settled("A", State.IN_DOUBT)], [])
        other = ledger.claim("other", run="r2", at=T1)
        assert other.reconcile([verdict("A", State.ABSENT)]) == 0
        assert other.reconcile([]) == 0
        assert states(ledger) == {"A": State.IN_DOUBT}

    @pytest.mark.parametrize("found", [State.ACCEPTED, State.REJECTED])
    def test_a_look_up_leaves_what_was_accepted_with_an_id(self, ledger: Ledger, claim: Claim, found: State) -> None:
        intend(claim, "A")
        claim.commit([settled("A")], [])
        assert claim.reconcile([verdict("A", found)]) == 0
        assert (only(ledger.entries()).message_id, states(ledger)) == ("id-A", {"A": State.ACCEPTED})

    def test_how_often_one_was_sent_again_because_it_was_absent_is_kept(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A", "B", "C")
        claim.commit([settled(key, State.IN_DOUBT) for key in "ABC"], [])
        claim.reconcile([verdict("A", State.PLANNED), verdict("B", State.ABSENT), verdict("C", State.ABSENT)])
        claim.resolve(["C"], State.PLANNED, T2)
        intend(claim, "A", "B", "C")
        assert {entry.key: entry.resent for entry in ledger.entries()} == {"A": 1, "B": 1, "C": 0}
        claim.commit([settled(key, State.IN_DOUBT) for key in "ABC"], [])
        known = ledger.lookup("B")
        assert known is not None
        assert (known.state, known.code, known.resent) == (State.IN_DOUBT, "7", 1)

    def test_a_new_message_may_begin_as_one_that_was_sent_again(self, ledger: Ledger, claim: Claim) -> None:
        claim.commit([], [intent("A")._replace(resent=1)])
        claim.commit([settled("A", State.PLANNED)], [intent("A")._replace(resent=1)])
        assert only(ledger.entries()).resent == 1

    def test_what_is_in_doubt_goes_again_only_where_the_intent_says_so(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        claim.commit([settled("A", State.IN_DOUBT)], [])
        with pytest.raises(NotSendable):
            intend(claim, "A")
        claim.commit([], [intent("A", from_doubt=True)])
        entry = only(ledger.entries())
        assert (entry.state, entry.attempts, entry.resent) == (State.SENDING, 2, 0)

    def test_in_doubt_and_sent_again_it_is_looked_for_from_its_first_intent_on(
        self, ledger: Ledger, claim: Claim
    ) -> None:
        intend(claim, "A", "B")
        claim.commit([settled("A", State.IN_DOUBT), settled("B", State.PLANNED)], [])
        claim.commit([], [intent(key, at=T2, from_doubt=True) for key in "AB"])
        assert {entry.key: (entry.intended_at, entry.at) for entry in ledger.entries()} == {
            "A": (T0, T2),
            "B": (T2, T2),
        }

    @pytest.mark.parametrize("order", ["ABC", "BAC", "BCA"])
    def test_what_one_intent_allows_is_not_allowed_to_its_neighbours(
        self, ledger: Ledger, claim: Claim, order: str
    ) -> None:
        intend(claim, "A", "B")
        claim.commit([settled("A", State.IN_DOUBT), settled("B", State.IN_DOUBT)], [])
        with pytest.raises(NotSendable, match="the message A is inDoubt already"):
            claim.commit([], [intent(key, from_doubt=key != "A") for key in order])
        assert states(ledger) == {"A": State.IN_DOUBT, "B": State.IN_DOUBT}
        claim.commit([], [intent(key, from_doubt=key != "C") for key in order])
        assert set(states(ledger).values()) == {State.SENDING}

    @pytest.mark.parametrize("state", [State.SENDING, State.ACCEPTED, State.DROPPED])
    def test_what_went_out_or_was_dropped_never_goes_again(
        self, store: Store, ledger: Ledger, claim: Claim, state: State
    ) -> None:
        intend(claim, "A")
        store.put("A", state)
        with pytest.raises(NotSendable):
            claim.commit([], [intent("A", from_doubt=True)])
        assert states(ledger) == {"A": state}

    @pytest.mark.parametrize("state", [State.SENDING, State.DROPPED])
    def test_a_look_up_finds_no_other_states(self, ledger: Ledger, claim: Claim, state: State) -> None:
        intend(claim, "A", "B")
        claim.commit([settled(key, State.IN_DOUBT) for key in "AB"], [])
        with pytest.raises(ValueError, match="can't find"):
            claim.reconcile([verdict("A", State.ACCEPTED), verdict("B", state)])
        assert set(states(ledger).values()) == {State.IN_DOUBT}

    def test_a_next_attempt_forgets_when_the_last_one_was_looked_for(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        claim.commit([settled("A", State.IN_DOUBT)], [])
        claim.reconcile([verdict("A", State.ABSENT, looked_at=T1)])
        intend(claim, "A")
        assert only(ledger.entries()).looked_at is None

    @pytest.mark.parametrize("state", list(State))
    def test_a_purge_drops_the_address_of_what_is_decided_and_nothing_else(
        self, store: Store, ledger: Ledger, claim: Claim, state: State
    ) -> None:
        claim.commit([], [intent("A")._replace(text_hash="f" * 64)])
        claim.commit([settled("A", State.REJECTED, words="so it was")], [])
        store.put("A", state)
        before = only(ledger.entries())
        may = state in {State.PLANNED, State.ACCEPTED, State.REJECTED, State.DROPPED}
        assert claim.purge(T2) == int(may)
        assert claim.purge(T2) == 0
        assert only(ledger.entries()) == (replace(before, address="", words=None, text_hash=None) if may else before)
        known = Known(state=state, payload_hash="aa", channel_id="c", code="7")
        assert ledger.lookup("A") == known

    def test_what_a_message_costs_and_says_is_that_of_its_newest_intent(self, ledger: Ledger, claim: Claim) -> None:
        first = intent("A")._replace(cost="0.0415", currency="USD", text_hash="a" * 64)
        claim.commit([], [first, intent("B")])
        held = {entry.key: (entry.cost, entry.currency, entry.text_hash) for entry in ledger.entries()}
        assert held == {"A": ("0.0415", "USD", "a" * 64), "B": (None, None, None)}
        claim.commit([settled("A", State.REJECTED, words="so it was")], [])
        claim.commit([], [intent("A")._replace(cost="0.083", currency="EUR", text_hash="b" * 64)])
        held = {entry.key: (entry.cost, entry.currency, entry.text_hash) for entry in ledger.entries()}
        assert held["A"] == ("0.083", "EUR", "b" * 64)

    def test_a_purge_leaves_what_changed_then_or_later(self, ledger: Ledger, claim: Claim) -> None:
        times = {
            "A": "2026-03-01T09:00:00.999Z",
            "B": "2026-03-01T09:00:01.000Z",
            "C": "2026-03-01T09:00:00.999+00:00",
            "D": "2026-03-01T09:00:01.000+00:00",
            "E": "2026-03-01T10:00:00.999+01:00",
            "F": "2026-03-01T08:00:00Z",
            "G": "no time",
        }
        intend(claim, *times)
        claim.commit([settled(key, at=at) for key, at in times.items()], [])
        assert claim.purge("2026-03-01T09:00:01.000+00:00") == 4
        assert "".join(entry.key for entry in ledger.entries() if not entry.address) == "ACEF"

    def test_a_purge_keeps_a_reference_of_ours_and_of_another_the_hash(self, ledger: Ledger, claim: Claim) -> None:
        own = intent("B")._replace(reference="order of ann@mail.example")
        claim.commit([], [intent("A"), own])
        claim.commit([settled("A"), settled("B")], [])
        assert claim.purge(T2) == 2
        hashed = "sha256:" + hashlib.sha256(b"order of ann@mail.example").hexdigest()
        assert [entry.reference for entry in ledger.entries()] == ["fp1.A", hashed]

    def test_a_purge_of_one_manifest_leaves_the_others(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        claim.commit([settled("A")], [])
        assert ledger.claim("other", run="r2", at=T1).purge(T2) == 0
        assert only(ledger.entries()).address

    def test_thousands_are_purged(self, ledger: Ledger, claim: Claim) -> None:
        keys = [f"{number:04}" for number in range(2600)]
        intend(claim, *keys)
        claim.commit([settled(key, State.IN_DOUBT if key.endswith("7") else State.ACCEPTED) for key in keys], [])
        assert claim.purge(T2) == 2340
        assert {entry.state for entry in ledger.entries() if entry.address} == {State.IN_DOUBT}

    def test_what_is_purged_is_never_sent_again_and_what_is_sent_again_gets_its_address_back(
        self, ledger: Ledger, claim: Claim
    ) -> None:
        intend(claim, "A", "B")
        claim.commit([settled("A"), settled("B", State.REJECTED)], [])
        assert claim.purge(T2) == 2
        with pytest.raises(NotSendable):
            intend(claim, "A")
        intend(claim, "B")
        entry = only(ledger.entries(states=[State.SENDING]))
        assert (entry.address, entry.reference, entry.attempts) == ("phonenumber:+14155550100", "fp1.B", 2)

    def test_a_scrub_waits_for_every_run_and_then_has_nothing_to_tell(self, store: Store, claim: Claim) -> None:
        intend(claim, "A", "B")
        claim.commit([settled("A"), settled("B")], [])
        claim.purge(T2)
        other = store.open()
        with pytest.raises(Locked, match="another run of spring holds the ledger"):
            other.scrub(run="r2", at=T2)
        release = threading.Timer(0.05, claim.release)
        release.start()
        other.scrub(run="r2", at=T2, timeout_s=30)
        release.join()
        assert states(store.open()) == {"A": State.ACCEPTED, "B": State.ACCEPTED}
        assert {entry.address for entry in store.open().entries()} == {""}
        assert store.open().claim("spring", run="r3", at=T2).epoch == 2

    def test_a_sound_store_has_no_fault(self, store: Store, ledger: Ledger, claim: Claim) -> None:
        assert list(ledger.check()) == []
        intend(claim, "A", "B")
        claim.commit([settled("A")], [])
        assert list(ledger.check()) == list(store.open().check()) == []
        ledger.close()
        after = store.open()
        assert list(after.check()) == []
        after.claim("spring", run="r2", at=T2).release()
        assert list(after.check()) == []

    def test_in_a_snapshot_nothing_moves(self, store: Store, ledger: Ledger, claim: Claim) -> None:
        reader = store.open()
        with reader.snapshot():
            before = list(reader.entries()), dict(reader.counts("spring"))
            writer = threading.Thread(target=intend, args=(claim, "A"))
            writer.start()
            assert (list(reader.entries()), dict(reader.counts("spring"))) == before == ([], {})
        writer.join()
        assert states(reader) == states(ledger) == {"A": State.SENDING}

    def test_entries_come_by_manifest_message_and_first_intent(self, ledger: Ledger, claim: Claim) -> None:
        claim.commit([], [intent("Z"), intent("P", message="picture"), intent("A")])
        claim.commit([settled("Z", State.PLANNED)], [])
        intend(claim, "M", "Z")
        early = ledger.claim("early", run="r2", at=T0)
        early.commit([], [intent("E", message="welcome")])
        assert [entry.key for entry in ledger.entries()] == ["E", "Z", "A", "M", "P"]
        assert [entry.key for entry in ledger.entries("spring")] == ["Z", "A", "M", "P"]
        assert [entry.key for entry in ledger.entries("nobody")] == []
        claim.commit([settled("A"), settled("M", State.REJECTED)], [])
        wanted = (state for state in (State.REJECTED, State.ACCEPTED))
        assert [entry.key for entry in ledger.entries(states=wanted)] == ["A", "M"]

    def test_keys_are_those_of_one_edition_and_counts_of_all(self, ledger: Ledger, claim: Claim) -> None:
        claim.commit([], [intent("A"), intent("B", edition="2"), intent("C"), intent("D")])
        claim.commit([settled("A"), settled("B"), settled("C", State.REJECTED)], [])
        assert list(ledger.keys("spring", "1")) == [
            ("A", State.ACCEPTED),
            ("C", State.REJECTED),
            ("D", State.SENDING),
        ]
        assert dict(ledger.counts("spring")) == {State.ACCEPTED: 2, State.REJECTED: 1, State.SENDING: 1}

    def test_payloads_are_those_of_one_message_and_edition_and_only_of_what_was_accepted(
        self, store: Store, ledger: Ledger, claim: Claim
    ) -> None:
        others = [intent("P", message="picture"), intent("E", edition="2")]
        claim.commit([], [intent("Z", payload="zz"), *others, intent("A", payload="bb"), *map(intent, "BC")])
        claim.commit([settled("Z"), settled("A"), settled("B", State.REJECTED), settled("P"), settled("E")], [])
        early = ledger.claim("early", run="r2", at=T0)
        early.commit([], [intent("X")])
        early.commit([settled("X")], [])
        pages = list(store.open().payloads("spring", "1", "announce"))
        assert [pair for page in pages for pair in page.items()] == [("Z", "zz"), ("A", "bb"), ("B", ""), ("C", "")]
        assert all(pages)
        assert list(ledger.payloads("spring", "3", "announce")) in ([], [{}])

    def test_what_stands_is_decided_of_one_edition_or_open_of_any(self, store: Store, claim: Claim) -> None:
        keys = {f"{state}{edition}": (state, edition) for state in State for edition in "12"}
        claim.commit([], [intent(key, edition=edition) for key, (_, edition) in keys.items()])
        for key, (state, _) in keys.items():
            store.put(key, state)
        reader = store.open()
        is_open = (State.SENDING, State.IN_DOUBT, State.ABSENT)
        decided = (State.ACCEPTED, State.REJECTED, State.DROPPED)
        assert dict(reader.standing("spring", "1")) == dict.fromkeys(is_open, 2) | dict.fromkeys(decided, 1)
        assert dict(reader.standing("spring", "3")) == dict.fromkeys(is_open, 2)
        assert dict(reader.standing("nobody", "1")) == {}
        assert [reader.size(name) for name in ("spring", "nobody")] == [len(keys), 0]

    def test_thousands_are_read_whole_and_in_order(self, ledger: Ledger, claim: Claim) -> None:
        keys = [f"{number * 7919 % 2600:05}" for number in range(2600)]
        claim.commit([], [intent(key, message="ab"[index % 2]) for index, key in enumerate(keys)])
        assert [entry.key for entry in ledger.entries("spring")] == keys[::2] + keys[1::2]
        assert [key for key, _ in ledger.keys("spring", "1")] == keys[::2] + keys[1::2]
        assert [key for page in ledger.payloads("spring", "1", "b") for key in page] == keys[1::2]

    def test_reading_may_go_on_while_messages_are_settled(self, ledger: Ledger, claim: Claim) -> None:
        keys = [f"{number:04}" for number in range(1200)]
        intend(claim, *keys)
        seen: list[str] = []
        for entry in ledger.entries("spring"):
            seen.append(entry.key)
            if len(seen) == 100:
                claim.commit([settled(key) for key in keys], [])
        assert seen == keys

    def test_a_commit_may_come_from_another_thread(self, ledger: Ledger, claim: Claim) -> None:
        failures: list[Exception] = []

        def work(batches: Sequence[str]) -> None:
            try:
                for key in batches:
                    intend(claim, key)
                    claim.commit([settled(key)], [])
            except Exception as error:  # noqa: BLE001 - whatever it is, the test must show it
                failures.append(error)

        writer = threading.Thread(target=work, args=([f"K{number}" for number in range(40)],))
        writer.start()
        while writer.is_alive():
            ledger.lookup("K1")
            ledger.counts("spring")
        writer.join()
        assert failures == []
        assert dict(ledger.counts("spring")) == {State.ACCEPTED: 40}

    def test_what_became_of_a_message_is_kept_beside_its_state(
        self, store: Store, ledger: Ledger, claim: Claim
    ) -> None:
        intend(claim, "A", "B", "C", "D")
        claim.commit([settled("A"), settled("B"), settled("C", State.REJECTED)], [])
        before = list(ledger.entries())
        assert dict(ledger.deliveries("spring").counts) == {"notLookedUp": 2}
        assert ledger.deliveries("spring").looked_at is None
        failed = seen("id-B", "delivery_failed", at=T1, code="15001", source="sms-messagebird 34")
        assert (
            claim.track({"A": seen("id-A"), "B": failed, "C": seen("id-C"), "D": seen("x"), "nobody": seen("x")}) == 2
        )
        reader = store.open()
        assert [entry.delivery for entry in reader.entries()] == [seen("id-A"), failed, None, None]
        assert [replace(entry, told=None) for entry in reader.entries()] == before
        assert dict(reader.deliveries("spring").counts) == {"delivered": 1, "delivery_failed": 1}
        assert reader.deliveries("spring").looked_at == T2
        assert (dict(reader.deliveries("nobody").counts), reader.deliveries("nobody").looked_at) == ({}, None)
        assert claim.track({}) == 0

    @pytest.mark.parametrize(
        ("first", "then", "kept"),
        [
            (("accepted", T1), ("sent", T1), "sent"),
            (("sent", T1), ("processing", T2), "sent"),
            (("delivered", T2), ("sent", T2), "delivered"),
            (("delivery_failed", T2), ("delivered", T1), "delivery_failed"),
            (("delivery_failed", T1), ("delivered", T2), "delivered"),
            (("delivered", T1), ("deleted", T2), "delivered"),
            (("deleted", T2), ("delivered", T1), "delivered"),
            (("queued at carrier", T2), ("processing", T2), "queued at carrier"),
            (("queued at carrier", T1), ("sent", T2), "sent"),
            (("delivered", T1), ("queued at carrier", T2), "delivered"),
        ],
    )
    def test_of_two_statuses_the_one_that_comes_after_stays(
        self, ledger: Ledger, claim: Claim, first: tuple[str, str], then: tuple[str, str], kept: str
    ) -> None:
        intend(claim, "A")
        claim.commit([settled("A")], [])
        moved = []
        for (status, at), looked_at in ((first, T1), (then, T2)):
            moved.append(claim.track({"A": seen("id-A", status, at=at, looked_at=looked_at)}))
        (entry,) = ledger.entries()
        assert entry.delivery is not None
        assert (entry.delivery.status, entry.delivery.looked_at) == (kept, T2)
        assert moved == [1, int(kept == then[0])]
        bucket = kept if " " not in kept else "other"
        assert dict(ledger.deliveries("spring").counts) == {bucket: 1}

    def test_a_status_is_of_one_message_of_birds_and_not_of_an_older_one(
        self, store: Store, ledger: Ledger, claim: Claim
    ) -> None:
        intend(claim, "A")
        claim.commit([Settlement(key="A", state=State.ACCEPTED, at=T1)], [])  # whose reply was cut: no id
        assert claim.track({"A": seen("b-A", "rejected")}) == 1
        assert dict(ledger.deliveries("spring").counts) == {"rejected": 1}
        assert claim.reconcile([verdict("A", State.REJECTED)]) == 1
        assert dict(ledger.deliveries("spring").counts) == {}
        intend(claim, "A")
        claim.commit([settled("A")], [])
        assert dict(store.open().deliveries("spring").counts) == {"notLookedUp": 1}
        assert [entry.delivery for entry in store.open().entries()] == [None]
        assert claim.track({"A": seen("b-A", "rejected")}) == 0
        assert claim.track({"A": seen("id-A", "sent")}) == 1
        assert dict(store.open().deliveries("spring").counts) == {"sent": 1}

    def test_only_the_claim_of_a_messages_own_manifest_tracks_it(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A")
        claim.commit([settled("A")], [])
        assert ledger.claim("early", run="r2", at=T0).track({"A": seen("id-A")}) == 0
        claim.release()
        with pytest.raises(ClaimLost):
            claim.track({"A": seen("id-A")})
        assert [entry.delivery for entry in ledger.entries()] == [None]

    def test_a_purge_keeps_the_status_and_drops_a_word_that_may_be_anything(self, ledger: Ledger, claim: Claim) -> None:
        intend(claim, "A", "B")
        claim.commit([settled("A"), settled("B")], [])
        claim.track({"A": seen("id-A"), "B": seen("id-B", "told Jane of it")})
        assert claim.purge(T2) == 2
        assert [entry.delivery for entry in ledger.entries()] == [seen("id-A"), seen("id-B", "other")]
        assert dict(ledger.deliveries("spring").counts) == {"delivered": 1, "other": 1}
