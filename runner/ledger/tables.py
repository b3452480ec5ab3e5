"""The SQLite ledger's tables and every statement that is run on them."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from .moves import fitted
from .seam import Intent, Settlement

VERSION = 3
_INTENT_VALUES, _SETTLEMENT_VALUES = 16, 6  # of one row
APPLICATION_ID = 0x666C7970  # "flyp": tells a ledger from any other SQLite file

CREATE = f"""
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  identity TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))),
  origin TEXT NOT NULL,
  name TEXT,
  created_at TEXT NOT NULL,
  version TEXT NOT NULL
) STRICT;
CREATE TABLE claims (
  manifest TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  run TEXT NOT NULL,
  since TEXT NOT NULL,
  commits INTEGER NOT NULL,
  is_clean INTEGER NOT NULL CHECK (is_clean IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  manifest TEXT NOT NULL REFERENCES claims (manifest),
  edition TEXT NOT NULL,
  message TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  channel_id TEXT NOT NULL,
  reference TEXT NOT NULL,
  address TEXT NOT NULL,
  payload_hash TEXT NOT NULL,
  country TEXT,
  segments INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (
    state IN ('planned', 'sending', 'accepted', 'rejected', 'inDoubt', 'absent', 'dropped')
  ),
  attempts INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  run TEXT NOT NULL,
  intended_at TEXT NOT NULL,
  at TEXT NOT NULL,
  message_id TEXT,
  code TEXT,
  words TEXT,
  looked_at TEXT,
  resent INTEGER NOT NULL DEFAULT 0,
  cost TEXT,
  currency TEXT,
  text_hash TEXT
) STRICT;
CREATE INDEX messages_in_order ON messages (manifest, message);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""

# What makes a ledger of an older version one of the next; a version that is not here is too old to be known.
UPGRADES = {
    1: ("ALTER TABLE messages ADD COLUMN resent INTEGER NOT NULL DEFAULT 0",),
    2: tuple(f"ALTER TABLE messages ADD COLUMN {name} TEXT" for name in ("cost", "currency", "text_hash")),
}

NAME = "INSERT INTO meta (one, origin, name, created_at, version) VALUES (1, ?, ?, ?, ?)"
RENAME = "UPDATE meta SET name = ? WHERE name IS NULL"
META = "SELECT identity, origin, name FROM meta"
CLAIMS = "SELECT manifest, commits, is_clean FROM claims"

# Every transaction of a claim passes through here: the epoch is checked and the commit counted in one write.
STEP = "UPDATE claims SET commits = commits + 1, is_clean = ? WHERE manifest = ? AND epoch = ? RETURNING commits"
CLAIM = """
INSERT INTO claims (manifest, epoch, run, since, commits, is_clean) VALUES (?, 1, ?, ?, 1, 0)
ON CONFLICT (manifest) DO UPDATE
SET epoch = epoch + 1, run = excluded.run, since = excluded.since, commits = commits + 1, is_clean = 0
RETURNING epoch, commits
"""
LEAVE = """
UPDATE messages SET state = 'inDoubt', at = coalesce(?, at), words = 'the run ' || run || ' ended without an outcome'
WHERE manifest = ? AND state = 'sending'
"""

_INTEND = """
INSERT INTO messages (
  manifest, run, epoch, state, attempts,
  key, edition, message, workspace_id, channel_id, reference, address, payload_hash, country, segments, intended_at, at,
  resent, cost, currency, text_hash
) SELECT ?, ?, ?, 'sending', 1, * FROM (VALUES {rows}) WHERE true
ON CONFLICT (key) DO UPDATE SET
  edition = excluded.edition, message = excluded.message, workspace_id = excluded.workspace_id,
  channel_id = excluded.channel_id, reference = excluded.reference, address = excluded.address,
  payload_hash = excluded.payload_hash, country = excluded.country, segments = excluded.segments,
  intended_at = CASE state WHEN 'inDoubt' THEN intended_at ELSE excluded.intended_at END,
  at = excluded.at, state = 'sending', attempts = attempts + 1,
  run = excluded.run, epoch = excluded.epoch, message_id = NULL, code = NULL, words = NULL, looked_at = NULL,
  resent = resent + (state = 'absent'), cost = excluded.cost, currency = excluded.currency,
  text_hash = excluded.text_hash
WHERE (state IN ('planned', 'rejected', 'absent') OR (state = 'inDoubt' AND ?)) AND manifest = excluded.manifest
"""
_SETTLE = """
UPDATE messages
SET state = told.state, at = told.at, message_id = told.message_id, code = told.code, words = told.words
FROM (WITH told (key, state, at, message_id, code, words) AS (VALUES {rows}) SELECT * FROM told) AS told
WHERE messages.key = told.key AND manifest = ? AND epoch = ? AND messages.state = 'sending'
"""
RESOLVE = """
UPDATE messages SET state = ?, at = ?, run = ?
WHERE key = ? AND manifest = ? AND state IN ('inDoubt', 'absent')
"""
# The time is that of the last change of state: a look that changes none leaves it.
RECONCILE = """
UPDATE messages
SET at = CASE state WHEN :state THEN at ELSE :at END, state = :state, message_id = :message_id, code = :code,
  words = :words, looked_at = :looked_at, resent = resent + (:state = 'planned')
WHERE key = :key AND manifest = :manifest AND (
  state IN ('inDoubt', 'absent')
  OR (state = 'accepted' AND message_id IS NULL AND :state IN ('accepted', 'rejected'))
)
"""

# By id: the index would be sorted anew for each page. What isn't decided keeps its address, as it will be needed.
PURGEABLE = """
SELECT id, key, reference FROM messages
WHERE +manifest = ? AND id > ? AND address <> '' AND state IN ('planned', 'accepted', 'rejected', 'dropped')
  AND julianday(at) < julianday(?)
ORDER BY id LIMIT 1000
"""
PURGE = "UPDATE messages SET address = '', words = NULL, text_hash = NULL, reference = ? WHERE id = ?"

# A claim takes what is sending for in doubt when it begins and when it ends, so of a row that still is the claim lives.
STRAYS = """
SELECT messages.key, messages.epoch > claims.epoch FROM messages JOIN claims USING (manifest)
WHERE messages.epoch > claims.epoch
  OR (messages.state = 'sending' AND (messages.epoch <> claims.epoch OR claims.is_clean))
ORDER BY messages.id
"""

# CROSS JOIN holds SQLite to this order: each key is looked for as it is read, and none is sorted first.
LOOKUP = """
SELECT messages.key, state, payload_hash, channel_id, code, resent
FROM json_each(?) AS wanted CROSS JOIN messages ON messages.key = wanted.value
"""
ABOUT = "SELECT identity, origin, name, created_at, version FROM meta"
CLAIMED = "SELECT manifest, epoch, run, since, commits FROM claims"
# Ids are given from 1 on and no row is ever deleted; what was deleted from the end leaves no gap.
GAPS = "SELECT count(*) FILTER (WHERE id > 0), count(*), coalesce(max(id), 0) FROM messages"
UNCLAIMED = "SELECT key FROM messages WHERE epoch < 1 ORDER BY id"
SHARED_IDS = """
SELECT count(*), min(key), max(key) FROM messages WHERE message_id IS NOT NULL
GROUP BY message_id HAVING count(*) > 1 ORDER BY min(id)
"""
STATE = "SELECT state FROM messages WHERE key = ?"
COUNTS = "SELECT state, count(*) FROM messages WHERE manifest = ? GROUP BY state"
MANIFESTS = """
SELECT manifest FROM claims WHERE EXISTS (SELECT 1 FROM messages WHERE messages.manifest = claims.manifest)
ORDER BY manifest
"""
NEXT_MESSAGE = "SELECT min(message) FROM messages WHERE manifest = ? AND message > ?"
# Read page after page, each from where the last one ended, so that no read transaction stays open meanwhile.
ENTRIES = """
SELECT id, key, manifest, edition, message, workspace_id, channel_id, reference, address, payload_hash, country,
  segments, state, attempts, run, intended_at, at, message_id, code, words, looked_at, resent, cost, currency, text_hash
FROM messages
WHERE manifest = ? AND message = ? AND id > ? AND state IN (SELECT value FROM json_each(?))
ORDER BY id LIMIT 500
"""
# Through the whole table, once for a plan with a repeat guard: an index would cost every send more.
TEXTS = """
SELECT id, text_hash FROM messages
WHERE id > ? AND +manifest <> ? AND state IN ('accepted', 'sending', 'inDoubt')
  AND julianday(at) >= julianday(?)
ORDER BY id LIMIT 1000
"""
KEYS = """
SELECT id, key, state FROM messages
WHERE manifest = ? AND message = ? AND id > ? AND edition = ?
ORDER BY id LIMIT 500
"""


# One statement for many rows costs half of what one for each does: Python's module for SQLite lets go of the
# interpreter at each, and has to get it back from the event loop.


@cache
def intend(rows: int) -> str:
    """Takes `intend_values`; changes as many rows as are sendable."""
    return _INTEND.format(rows=_rows(rows, _INTENT_VALUES))


@cache
def settle(rows: int) -> str:
    """Takes `settle_values`; changes as many rows as have an open intent of this epoch."""
    return _SETTLE.format(rows=_rows(rows, _SETTLEMENT_VALUES))


def intend_values(intents: Sequence[Intent], manifest: str, run: str, epoch: int) -> list[Any]:
    """All are `from_doubt`, or none is."""
    values: list[Any] = [manifest, run, epoch]
    for intent in intents:
        values += (
            intent.key, intent.edition, intent.message, intent.workspace_id, intent.channel_id, intent.reference,
            intent.address, intent.payload_hash, intent.country, intent.segments, intent.at, intent.at, intent.resent,
            intent.cost, intent.currency, intent.text_hash,
        )  # fmt: skip
    values.append(intents[0].from_doubt)
    return values


def settle_values(settlements: Sequence[Settlement], manifest: str, epoch: int) -> list[Any]:
    values: list[Any] = []
    for settled in settlements:
        # The state's value: sqlite3 looks long for a way to adapt an enum.
        values += (
            settled.key, settled.state.value, settled.at,
            fitted(settled.message_id), fitted(settled.code), fitted(settled.words),
        )  # fmt: skip
    values += (manifest, epoch)
    return values


def _rows(number: int, values: int) -> str:
    row = f"({', '.join('?' * values)})"
    return ", ".join([row] * number)
