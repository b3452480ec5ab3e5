from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from runner.ledger.ahead import Ahead
from runner.ledger.memory import MemoryLedger
from runner.ledger.seam import Known
from runner.model import State

from .conformance import T0, intent

KEYS = [f"{number:05}" for number in range(20_000)]


@dataclass
class Asked(MemoryLedger):
    """A ledger of many messages, its pages like those of a store, that notes what it is asked."""

    looked_up: list[str] = field(default_factory=list)
    read: int = 0

    def __post_init__(self) -> None:
        super().__init__(origin="http://127.0.0.1")

    def lookup_many(self, keys: Sequence[str]) -> Mapping[str, Known]:
        self.looked_up += keys
        return super().lookup_many(keys)

    def payloads(self, manifest: str, edition: str, message: str) -> Iterator[Mapping[str, str]]:
        for every in super().payloads(manifest, edition, message):
            pairs = list(every.items())
            for at in range(0, len(pairs), 500):
                self.read += 1
                yield dict(pairs[at : at + 500])


def sent(keys: Sequence[str], states: Mapping[str, State] = {}) -> Asked:
    ledger = Asked()
    ledger.claim("spring", run="r1", at=T0).commit([], [intent("one")])
    entry = ledger.held.pop("one")
    for key in keys:
        state = states.get(key, State.ACCEPTED)
        ledger.held[key] = replace(entry, key=key, payload_hash=f"of {key}", state=state)
    return ledger


def told(ledger: MemoryLedger, keys: Sequence[str], size: int) -> tuple[list[str], dict[str, Known]]:
    """Those that were not accepted as they are, and what is known of them, asked for some at a time."""
    ahead, others, known = Ahead(ledger, "spring", "1"), list[str](), dict[str, Known]()
    for at in range(0, len(keys), size):
        some = keys[at : at + size]
        indices, found = ahead.others("announce", some, [f"of {key}" for key in some])
        others += [some[index] for index in indices]
        known |= found
    return others, known


def in_disorder(keys: Sequence[str], by: int) -> list[str]:
    chance = Random(1)
    return [key for _, key in sorted((at + chance.random() * by, key) for at, key in enumerate(keys))]


@pytest.mark.parametrize("by", [0, 64, 1000])
def test_a_send_again_looks_nothing_up(by: int) -> None:
    ledger = sent(in_disorder(KEYS, by))
    assert told(ledger, KEYS, 230) == ([], {})
    assert ledger.looked_up == []


def test_where_the_ledger_holds_nothing_more_the_rest_is_new_without_a_question() -> None:
    ledger = sent(KEYS[:9_990], {KEYS[7]: State.SENDING, KEYS[5000]: State.REJECTED})
    others, known = told(ledger, KEYS, 230)
    assert others == [KEYS[7], KEYS[5000], *KEYS[9_990:]]
    assert {key: each.state for key, each in known.items()} == {KEYS[7]: State.SENDING, KEYS[5000]: State.REJECTED}
    assert ledger.looked_up[-1] == KEYS[5000]


def test_of_new_rows_between_those_that_were_sent_no_more_is_looked_up_than_they_are() -> None:
    ledger = sent([key for key in KEYS if not key.endswith("50")])
    others, known = told(ledger, KEYS, 230)
    assert (others, known) == ([key for key in KEYS if key.endswith("50")], {})
    assert set(ledger.looked_up) <= set(others)


def test_what_is_held_stays_little_however_much_is_gone_from_the_list() -> None:
    ledger = sent(KEYS)
    assert told(ledger, KEYS[12_000:], 230) == ([], {})
    assert len(ledger.looked_up) < 5000


@pytest.mark.parametrize("seed", range(12))
def test_it_says_what_looking_each_up_would_say(seed: int) -> None:
    chance = Random(seed)
    held = chance.sample(KEYS, 8_000)
    ledger = sent(held, {key: chance.choice([*State]) for key in held if chance.random() < 0.1})
    asked = chance.sample(KEYS, 9_000) if seed % 2 else [key for key in held if chance.random() < 0.9] + ["new"]
    known = MemoryLedger.lookup_many(ledger, asked)
    is_sent = {key for key, each in known.items() if each.state is State.ACCEPTED}
    others, found = told(ledger, asked, chance.choice([1, 7, 230, 3000]))
    assert others == [key for key in asked if key not in is_sent]
    assert found == {key: each for key, each in known.items() if key not in is_sent}


def test_another_payload_is_told_with_what_is_known() -> None:
    ledger = sent(KEYS[:3])
    others, known = Ahead(ledger, "spring", "1").others("announce", KEYS[:3], ["of 00000", "other", "of 00002"])
    assert list(others) == [1]
    assert known == {KEYS[1]: Known(State.ACCEPTED, "of 00001", "c")}


def test_another_message_or_edition_is_read_by_itself() -> None:
    ledger = sent(KEYS[:3])
    assert Ahead(ledger, "spring", "2").others("announce", ["A"], ["aa"]) == ([0], {})
    ahead = Ahead(ledger, "spring", "1")
    assert ahead.others("bye", ["A"], ["aa"]) == ([0], {})
    assert ahead.others("announce", KEYS[:1], ["of 00000"]) == ((), {})
