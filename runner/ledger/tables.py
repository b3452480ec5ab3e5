"""The SQLite ledger's tables and every statement that is run on them."""

from runner.model import State

from .deliveries import NOT_LOOKED_UP, OTHER, STATUSES

VERSION = 5
APPLICATION_ID = 0x666C7970  # "flyp": tells a ledger from any other SQLite file

# `room` is held from an intent to its outcome, which takes its place: Bird's id, and the one letter that "accepted" is
# longer than "sending". Rows that grew would not fit on their page any more: it would have to be split.
ROOM = " " * 37
_ROOM = ",\n  room TEXT"
_MESSAGES = f"""
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
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
    state = 'sending' OR state = 'accepted' OR state IN ('planned', 'rejected', 'inDoubt', 'absent', 'dropped')
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
  text_hash TEXT{_ROOM}
) STRICT
"""
_COLUMNS = """
id, key, manifest, edition, message, workspace_id, channel_id, reference, address, payload_hash, country, segments,
state, attempts, epoch, run, intended_at, at, message_id, code, words, looked_at, resent, cost, currency, text_hash
"""
_IN_ORDER = "CREATE INDEX messages_in_order ON messages (manifest, message)"
_KEYS = "CREATE TABLE keys (key TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID"
# What Bird says became of messages, beside their rows: a send's commits never touch it.
_DELIVERIES = """
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  bird_id TEXT NOT NULL,
  status TEXT NOT NULL,
  status_at TEXT NOT NULL,
  failure_code TEXT,
  failure_source TEXT,
  seen_at TEXT NOT NULL
) STRICT
"""
_TOLD = "bird_id, status, status_at, failure_code, failure_source, seen_at"
CREATE = f"""
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  identity TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))),
  origin TEXT NOT NULL,
  name TEXT,
  created_at TEXT NOT NULL,
  version TEXT NOT NULL,
  indexed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE claims (
  manifest TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  run TEXT NOT NULL,
  since TEXT NOT NULL,
  commits INTEGER NOT NULL,
  is_clean INTEGER NOT NULL CHECK (is_clean IN (0, 1))
) STRICT, WITHOUT ROWID;
{_MESSAGES};
{_IN_ORDER};
{_KEYS};
{_DELIVERIES};
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""

INDEXED = "SELECT indexed FROM meta"
NEWER = "SELECT id, key FROM messages WHERE id > ? ORDER BY id"
INDEX = "INSERT INTO keys SELECT key, id FROM messages WHERE id > (SELECT indexed FROM meta) ORDER BY key"
INDEXED_NOW = "UPDATE meta SET indexed = (SELECT coalesce(max(id), 0) FROM messages)"
FIND = "SELECT keys.key, keys.id FROM json_each(?) AS wanted CROSS JOIN keys ON keys.key = wanted.value"

# What makes a ledger of an older version one of the next; a version that is not here is too old to be known.
UPGRADES = {
    1: ("ALTER TABLE messages ADD COLUMN resent INTEGER NOT NULL DEFAULT 0",),
    2: tuple(f"ALTER TABLE messages ADD COLUMN {name} TEXT" for name in ("cost", "currency", "text_hash")),
    # Until then the table's own index held every key.
    3: (
        "ALTER TABLE messages RENAME TO former",
        _MESSAGES.replace(_ROOM, ""),
        f"INSERT INTO messages ({_COLUMNS}) SELECT {_COLUMNS} FROM former ORDER BY id",  # noqa: S608 (of our own)
        "DROP TABLE former",
        _IN_ORDER,
        _KEYS,
        "ALTER TABLE meta ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0",
        INDEX,
        INDEXED_NOW,
    ),
    4: (_DELIVERIES, "ALTER TABLE messages ADD COLUMN room TEXT"),
}

NAME = "INSERT INTO meta (one, origin, name, created_at, version) VALUES (1, ?, ?, ?, ?)"
RENAME = "UPDATE meta SET name = ? WHERE name IS NULL"
META = "SELECT identity, origin, name FROM meta"
CLAIMS = "SELECT manifest, commits, is_clean FROM claims"
IS_CLEAN = "SELECT is_clean FROM claims WHERE manifest = ?"

# Every transaction of a claim passes through here: the epoch is checked and the commit counted in one write.
STEP = "UPDATE claims SET commits = commits + 1, is_clean = ? WHERE manifest = ? AND epoch = ? RETURNING commits"
CLAIM = """
INSERT INTO claims (manifest, epoch, run, since, commits, is_clean) VALUES (?, 1, ?, ?, 1, 0)
ON CONFLICT (manifest) DO UPDATE
SET epoch = epoch + 1, run = excluded.run, since = excluded.since, commits = commits + 1, is_clean = 0
RETURNING epoch, commits
"""
LEAVE = """
UPDATE messages SET state = 'inDoubt', at = coalesce(?, at), words = 'the run ' || run || ' ended without an outcome',
  room = NULL
WHERE +manifest = ? AND state = 'sending'
"""

RESOLVE = """
UPDATE messages SET state = ?, at = ?, run = ?
WHERE id = (SELECT id FROM keys WHERE key = ?) AND manifest = ? AND state IN ('inDoubt', 'absent')
"""
# The time is that of the last change of state: a look that changes none leaves it.
RECONCILE = """
UPDATE messages
SET at = CASE state WHEN :state THEN at ELSE :at END, state = :state, message_id = :message_id, code = :code,
  words = :words, looked_at = :looked_at, resent = resent + (:state = 'planned')
WHERE id = (SELECT id FROM keys WHERE key = :key) AND manifest = :manifest AND (
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

_KNOWN = ", ".join(f"'{status}'" for status in STATUSES)
# A word of Bird's that nobody knows may be anything.
PURGE_WORD = f"UPDATE deliveries SET status = '{OTHER}' WHERE id = ? AND status NOT IN ({_KNOWN})"  # noqa: S608 (ours)
TRACKED = f"""
SELECT messages.key, messages.id, message_id, {_TOLD}
FROM json_each(?) AS wanted CROSS JOIN messages ON messages.id = wanted.value
  LEFT JOIN deliveries ON deliveries.id = messages.id
WHERE +manifest = ? AND state = 'accepted'
"""  # noqa: S608 (ours)
TRACK = """
INSERT OR REPLACE INTO deliveries (id, bird_id, status, status_at, failure_code, failure_source, seen_at)
VALUES (:id, :bird_id, :status, :status_at, :failure_code, :failure_source, :seen_at)
"""
DELIVERIES = f"""
SELECT CASE WHEN status IN ({_KNOWN}) THEN status WHEN status IS NULL THEN '{NOT_LOOKED_UP}' ELSE '{OTHER}' END,
  count(*), max(seen_at)
FROM messages
  LEFT JOIN deliveries ON deliveries.id = messages.id AND bird_id = coalesce(messages.message_id, bird_id)
WHERE +manifest = ? AND state = 'accepted' GROUP BY 1
"""  # noqa: S608 (ours)
UNOWNED = "SELECT count(*) FROM deliveries WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = deliveries.id)"

# A claim takes what is sending for in doubt when it begins and when it ends, so of a row that still is the claim lives.
STRAYS = """
SELECT messages.key, messages.epoch > claims.epoch FROM messages JOIN claims USING (manifest)
WHERE messages.epoch > claims.epoch
  OR (messages.state = 'sending' AND (messages.epoch <> claims.epoch OR claims.is_clean))
ORDER BY messages.id
"""

# CROSS JOIN holds SQLite to this order: each id is looked for as it is read, and none is sorted first.
LOOKUP = """
SELECT messages.key, state, payload_hash, channel_id, code, resent
FROM json_each(?) AS wanted CROSS JOIN messages ON messages.id = wanted.value
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
# Of the keys: rows that are not found by theirs, two rows with one, and those that lead to no row.
UNFILED = """
SELECT count(*) FROM messages WHERE id <= (SELECT indexed FROM meta)
  AND NOT EXISTS (SELECT 1 FROM keys WHERE keys.key = messages.key AND keys.id = messages.id)
"""
DOUBLED = """
SELECT count(*) FROM (
  SELECT key FROM messages WHERE id > (SELECT indexed FROM meta) GROUP BY key
  HAVING count(*) > 1 OR EXISTS (SELECT 1 FROM keys WHERE keys.key = messages.key)
)
"""
ASTRAY = """
SELECT count(*) FROM keys
WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = keys.id AND messages.key = keys.key)
"""
STATE = "SELECT state FROM messages WHERE id = ?"
COUNTS = "SELECT state, count(*) FROM messages WHERE manifest = ? GROUP BY state"
SIZE = "SELECT count(*) FROM messages WHERE manifest = ?"  # of the index alone
# No GROUP BY, which would sort all of them.
STANDING_STATES = (State.ACCEPTED, State.REJECTED, State.DROPPED, State.SENDING, State.IN_DOUBT, State.ABSENT)
STANDING = """
SELECT count(*) FILTER (WHERE state = 'accepted'), count(*) FILTER (WHERE state = 'rejected'),
  count(*) FILTER (WHERE state = 'dropped'), count(*) FILTER (WHERE state = 'sending'),
  count(*) FILTER (WHERE state = 'inDoubt'), count(*) FILTER (WHERE state = 'absent')
FROM messages WHERE +manifest = ? AND (edition = ? OR state IN ('sending', 'inDoubt', 'absent'))
"""
MANIFESTS = """
SELECT manifest FROM claims WHERE EXISTS (SELECT 1 FROM messages WHERE messages.manifest = claims.manifest)
ORDER BY manifest
"""
NEXT_MESSAGE = "SELECT min(message) FROM messages WHERE manifest = ? AND message > ?"
# Read page after page, each from where the last one ended, so that no read transaction stays open meanwhile.
ENTRIES = f"""
SELECT messages.id, key, manifest, edition, message, workspace_id, channel_id, reference, address, payload_hash,
  country, segments, state, attempts, run, intended_at, at, message_id, code, words, looked_at, resent, cost, currency,
  text_hash,
  {_TOLD}
FROM messages LEFT JOIN deliveries ON deliveries.id = messages.id
WHERE manifest = ? AND message = ? AND messages.id > ? AND state IN (SELECT value FROM json_each(?))
ORDER BY messages.id LIMIT 500
"""  # noqa: S608 (ours)
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
PAYLOADS = """
SELECT id, key, iif(state = 'accepted', payload_hash, '') FROM messages
WHERE manifest = ? AND message = ? AND id > ? AND edition = ?
ORDER BY id LIMIT 500
"""
