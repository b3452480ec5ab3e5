"""The rendered requests cut into parts for several workers: by the first bits of the message key, about 1,000 each.

A key tells who gets which message of which send, and nothing else (ledger/identity.py): so whoever gets a message finds
it in the same part in every run that is cut as finely, and in half or double of it in another.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Protocol, cast

from runner.errors import LedgerFault
from runner.ledger.runs import FrozenShard, Keys
from runner.model import Channel, Message, Rate, State

from .spool import SpoolWriter

SHARD = 1000  # messages, about: small enough to be done again in seconds, large enough to cost next to nothing
_VERSION = 1
_DIGITS = {digit: number for number, digit in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")}
_READ = 6  # base32 digits of a key: 30 bits
_MOST_BITS = 24
_COARSE = 6  # bits: so many files at once take the messages apart, where a run has more parts than that


class Messages(Iterable[Message], Sized, Protocol):
    """A spool."""


def bits_for(total: int, *, size: int = SHARD) -> int:
    """How many bits of the key make parts of about `size` messages."""
    return min(_MOST_BITS, max(0, -(-total // size) - 1).bit_length())


def shard_of(key: str, bits: int) -> int:
    """The number that the key's first bits are."""
    number = 0
    for digit in key[:_READ]:
        number = number << 5 | _DIGITS[digit]
    return number >> (5 * _READ - bits)


def cut(messages: Messages, *, size: int = SHARD) -> Iterator[FrozenShard]:
    """Every part that is not empty, in order of its number; in each, the messages in theirs."""
    bits = bits_for(len(messages), size=size)
    if bits <= _COARSE:
        yield from _cut(messages, bits)
        return
    with ExitStack() as stack:
        writers = [SpoolWriter() for _ in range(1 << _COARSE)]
        for writer in writers:
            stack.callback(writer.close)
        for message in messages:
            writers[shard_of(message.key, _COARSE)].add(message)
        for writer in writers:
            with writer.finish() as part:
                yield from _cut(part, bits)


def _cut(messages: Iterable[Message], bits: int) -> Iterator[FrozenShard]:
    parts: dict[int, list[Message]] = {}
    for message in messages:
        parts.setdefault(shard_of(message.key, bits), []).append(message)
    for number in sorted(parts):
        packed = pack(parts[number])
        digest = hashlib.sha256(packed).hexdigest()
        yield FrozenShard(number=number, total=len(parts[number]), digest=digest, messages=packed)


def pack(messages: Sequence[Message]) -> bytes:
    """Compressed JSON. The same messages give the same bytes."""
    channels: dict[Channel, int] = {}
    rows = [
        message._replace(channel=channels.setdefault(message.channel, len(channels)), body=message.body.decode())  # type: ignore[arg-type]
        for message in messages
    ]
    told = {
        "v": _VERSION,
        "fields": Message._fields,
        "channels": [asdict(channel) for channel in channels],
        "messages": rows,
    }
    return zlib.compress(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), 1)


def unpack(packed: bytes) -> list[Message]:
    """Raises LedgerFault for what another version of flypast has packed."""
    told = _told(packed)
    channels = [_channel(each) for each in told["channels"]]
    return [_message(Message._make(row), channels) for row in told["messages"]]


def keys_of(packed: bytes) -> Keys:
    messages = [Message._make(row) for row in _told(packed)["messages"]]
    undecided = (State.IN_DOUBT, State.ABSENT)
    return Keys([each.key for each in messages], [each.key for each in messages if each.held in undecided])


def _message(row: Message, channels: Sequence[Channel]) -> Message:
    """JSON has no bytes and no tuples."""
    return row._replace(
        channel=channels[cast(int, row.channel)],
        body=cast(str, row.body).encode(),
        values=tuple(row.values),
        zones=tuple(row.zones),
        held=row.held and State(row.held),
    )


def _channel(told: dict[str, Any]) -> Channel:
    rate = told["rate"]
    return Channel(**{**told, "rate": rate and Rate(**rate)})


@lru_cache(maxsize=2)  # whoever takes a part asks for its keys, then for its messages
def _told(packed: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(zlib.decompress(packed))
    if told["v"] != _VERSION or tuple(told["fields"]) != Message._fields:
        raise LedgerFault(
            "the run was frozen by another version of flypast", hint="workers need the version of who sends"
        )
    return told
