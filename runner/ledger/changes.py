"""The statements of a commit to the SQLite ledger, each for many rows at once, and what they take."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from .moves import fitted
from .seam import Intent, Settlement

_PLACES = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?{price}, 'sending', 1)"
_INTEND = """
INSERT INTO messages (
  manifest, run, epoch, key, edition, message, workspace_id, channel_id, reference, address, payload_hash, country,
  segments, intended_at, at, resent, text_hash{price}, state, attempts
) VALUES {rows}
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
UPDATE messages SET state = 'accepted', at = told.at, message_id = told.message_id, code = NULL, words = NULL
FROM (WITH told (id, at, message_id) AS (VALUES {rows}) SELECT * FROM told) AS told
WHERE messages.id = told.id AND manifest = ? AND epoch = ? AND state = 'sending'
"""
_SETTLE = """
UPDATE messages
SET state = told.state, at = told.at, message_id = told.message_id, code = told.code, words = told.words
FROM (WITH told (id, state, at, message_id, code, words) AS (VALUES {rows}) SELECT * FROM told) AS told
WHERE messages.id = told.id AND manifest = ? AND epoch = ? AND messages.state = 'sending'
"""

# One statement for many rows costs half of what one for each does: Python's module for SQLite lets go of the
# interpreter at each, and has to get it back from the event loop.


@cache
def intend(rows: int, *, is_priced: bool) -> str:
    """Takes `intend_values`: messages that are new."""
    places = _PLACES.format(price=", ?, ?" if is_priced else "")
    return _INTEND.format(rows=_rows(rows, places), price=", cost, currency" if is_priced else "")


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


def intend_values(intents: Sequence[Intent], manifest: str, run: str, epoch: int, *, is_priced: bool) -> list[Any]:
    values: list[Any] = []
    for (
        key, edition, message, workspace_id, channel_id, reference, address, payload_hash, country, segments, at,
        _, resent, cost, currency, text_hash,
    ) in intents:  # fmt: skip
        values += (
            manifest, run, epoch, key, edition, message, workspace_id, channel_id, reference, address, payload_hash,
            country, segments, at, at, resent, text_hash,
        )  # fmt: skip
        if is_priced:
            values += (cost, currency)
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
