"""The statements of a commit to the SQLite ledger, each for many rows at once, and what they take."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from .moves import fitted
from .seam import Intent, Settlement
from .tables import ROOM

# An intent's fields are named as their columns are; the first that it shares with most others of a commit, the last
# that no row holds.
_FIELDS = Intent._fields
_SHARED = _FIELDS.index("key")
_AT = _FIELDS.index("at")
_PRICE, _UNHELD = _FIELDS.index("cost"), _FIELDS.index("from_doubt")
_OF_CLAIM = 3  # values that each row begins with
_INTEND = """
INSERT INTO messages (state, attempts, room, manifest, run, epoch, {fields}, intended_at)
SELECT 'sending', 1, '{room}', {told} FROM (VALUES {rows})
"""
_AGAIN = """
UPDATE messages SET
  run = told.run, epoch = told.epoch, edition = told.edition, message = told.message,
  workspace_id = told.workspace_id, channel_id = told.channel_id, reference = told.reference, address = told.address,
  payload_hash = told.payload_hash, country = told.country, segments = told.segments,
  intended_at = CASE state WHEN 'inDoubt' THEN messages.intended_at ELSE told.at END,
  at = told.at, state = 'sending', attempts = attempts + 1,
  message_id = NULL, code = NULL, words = NULL, looked_at = NULL, resent = resent + (state = 'absent'),
  cost = told.cost, currency = told.currency, text_hash = told.text_hash
FROM (
  WITH told (
    id, run, epoch, edition, message, workspace_id, channel_id, reference, address, payload_hash, country, segments,
    at, cost, currency, text_hash
  ) AS (VALUES {rows}) SELECT * FROM told
) AS told
WHERE messages.id = told.id AND manifest = ?
  AND (state IN ('planned', 'rejected', 'absent') OR (state = 'inDoubt' AND ?))
"""
_ACCEPT = """
UPDATE messages
SET state = 'accepted', at = told.at, message_id = told.message_id, code = NULL, words = NULL, room = NULL
FROM (WITH told (id, at, message_id) AS (VALUES {rows}) SELECT * FROM told) AS told
WHERE messages.id = told.id AND manifest = ? AND epoch = ? AND state = 'sending'
"""
_SETTLE = """
UPDATE messages
SET state = told.state, at = told.at, message_id = told.message_id, code = told.code, words = told.words,
  room = NULL
FROM (WITH told (id, state, at, message_id, code, words) AS (VALUES {rows}) SELECT * FROM told) AS told
WHERE messages.id = told.id AND manifest = ? AND epoch = ? AND messages.state = 'sending'
"""

# One statement for many rows costs half of what one for each does: Python's module for SQLite lets go of the
# interpreter at each, and has to get it back from the event loop.


class Shape(NamedTuple):
    """Which of an intent's fields differ from row to row: those from `start` up to `end`.

    Those before are told once for all. Those after are NULL in every row, and not told: to hand over a NULL costs more
    than any other value.
    """

    start: int
    end: int


def shape(intents: Sequence[Intent]) -> Shape:
    are_alike = len({intent[:_SHARED] for intent in intents}) == 1
    have_no_price = {intent[_PRICE:_UNHELD] for intent in intents} == {(None, None)}
    return Shape(_SHARED if are_alike else 0, _PRICE if have_no_price else _UNHELD)


@cache
def intend(rows: int, shape: Shape) -> str:
    """Takes `intend_values`: messages that are new."""
    own = [f"column{place}" for place in range(1, shape.end - shape.start + 1)]
    told = [*("?" * (_OF_CLAIM + shape.start)), *own, own[_AT - shape.start]]
    return _INTEND.format(
        room=ROOM,
        fields=", ".join(_FIELDS[: shape.end]),
        told=", ".join(told),
        rows=_rows(rows, _of(len(own))),
    )


@cache
def again(rows: int) -> str:
    """Takes `again_values`; changes as many rows as are sendable."""
    return _AGAIN.format(rows=_rows(rows, _of(16)))


@cache
def accept(rows: int) -> str:
    """Takes `accept_values`; changes as many rows as have an open intent of this epoch. So does `settle`."""
    return _ACCEPT.format(rows=_rows(rows, _of(3)))


@cache
def settle(rows: int) -> str:
    """Takes `settle_values`."""
    return _SETTLE.format(rows=_rows(rows, _of(6)))


def intend_values(intents: Sequence[Intent], manifest: str, run: str, epoch: int, shape: Shape) -> list[Any]:
    start, end = shape
    values: list[Any] = [manifest, run, epoch, *intents[0][:start]]
    for intent in intents:
        values += intent[start:end]
    return values


def again_values(intents: Sequence[Intent], ids: Mapping[str, int], manifest: str, run: str, epoch: int) -> list[Any]:
    """All are `from_doubt`, or none is."""
    values: list[Any] = []
    for intent in intents:
        values += (
            ids[intent.key], run, epoch, intent.edition, intent.message, intent.workspace_id, intent.channel_id,
            intent.reference, intent.address, intent.payload_hash, intent.country, intent.segments, intent.at,
            intent.cost, intent.currency, intent.text_hash,
        )  # fmt: skip
    values += (manifest, intents[0].from_doubt)
    return values


def accept_values(settlements: Sequence[Settlement], ids: Mapping[str, int], manifest: str, epoch: int) -> list[Any]:
    values: list[Any] = []
    for settled in settlements:
        values += (ids[settled.key], settled.at, fitted(settled.message_id))
    values += (manifest, epoch)
    return values


def settle_values(settlements: Sequence[Settlement], ids: Mapping[str, int], manifest: str, epoch: int) -> list[Any]:
    values: list[Any] = []
    for settled in settlements:
        # The state's value: sqlite3 looks long for a way to adapt an enum.
        values += (
            ids[settled.key], settled.state.value, settled.at,
            fitted(settled.message_id), fitted(settled.code), fitted(settled.words),
        )  # fmt: skip
    values += (manifest, epoch)
    return values


def _of(values: int) -> str:
    return f"({', '.join('?' * values)})"


def _rows(number: int, row: str) -> str:
    return ", ".join([row] * number)
