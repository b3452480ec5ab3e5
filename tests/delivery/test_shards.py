"""Parts of a run: every message in one of them, always the same, and back as it was."""

import hashlib
import random
from collections import Counter

import pytest

from runner.delivery.shards import _told, bits_for, cut, keys_of, pack, shard_of, unpack
from runner.delivery.spool import SpoolWriter
from runner.errors import LedgerFault
from runner.ledger.identity import message_key
from runner.model import Message, State

from .wire import OTHER_CHANNEL, message


def some(count: int) -> list[Message]:
    """Every kind of message among them."""
    return [
        message(number)._replace(
            key=message_key(workspace_id="w", name="n", edition="1", message="m", address=f"phonenumber:{number}"),
            channel=OTHER_CHANNEL if number % 3 else message(0).channel,
            values=("Zoë", "\u2028") if number % 2 else (),
            cost="0.0075",
            currency="USD",
            text_hash="ab" * 32,
            zones=("Europe/Berlin",),
            held=(None, State.ABSENT, State.IN_DOUBT)[number % 3],
        )
        for number in range(count)
    ]


def test_every_message_is_in_one_part_and_comes_back_as_it_was() -> None:
    messages = some(5000)
    parts = list(cut(messages))
    assert [part.number for part in parts] == list(range(8))
    assert sum(part.total for part in parts) == 5000
    assert all(part.digest == hashlib.sha256(part.messages).hexdigest() for part in parts)
    back = [each for part in parts for each in unpack(part.messages)]
    assert sorted(back, key=lambda each: each.key) == sorted(messages, key=lambda each: each.key)


def test_a_message_is_in_the_same_part_whatever_else_is_sent_and_in_whichever_order() -> None:
    messages = some(4000)
    of = {key: part.number for part in cut(messages, size=100) for key in keys_of(part.messages).all}
    others = messages[::2] + some(4500)[4000:]
    random.Random(1).shuffle(others)
    again = {key: part.number for part in cut(others, size=62) for key in keys_of(part.messages).all}
    assert {key: of[key] for key in again if key in of} == {key: number for key, number in again.items() if key in of}


def test_parts_cut_more_finely_lie_in_the_ones_cut_less() -> None:
    for each in some(200):
        assert shard_of(each.key, 12) >> 5 == shard_of(each.key, 7)


def test_parts_are_of_about_a_thousand() -> None:
    assert [bits_for(total) for total in (0, 1, 1000, 1001, 2000, 2001, 5000, 100_000_000)] == [0, 0, 0, 1, 1, 2, 3, 17]
    sizes = Counter(shard_of(each.key, bits_for(20_000)) for each in some(20_000))
    assert len(sizes) == 32
    assert max(sizes.values()) < 1000


def test_many_parts_are_cut_from_a_spool_as_from_a_list() -> None:
    messages = some(600)
    writer = SpoolWriter()
    for each in messages:
        writer.add(each)
    with writer.finish() as spool:
        assert list(cut(spool, size=2)) == list(cut(messages, size=2))


def test_the_keys_of_what_was_open_before_are_told_apart() -> None:
    keys = keys_of(pack(some(6)))
    assert len(keys.all) == 6
    assert [key for key in keys.all if key in keys.again] == [each.key for each in some(6) if each.held]


def test_what_another_version_has_packed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(some(1))
    _told.cache_clear()
    monkeypatch.setattr("runner.delivery.shards._VERSION", 2)
    with pytest.raises(LedgerFault, match="another version of flypast"):
        unpack(packed)
