"""The PostgreSQL ledger's tables and every statement that is run on them.

All lies in the schema `flypast` and is named with it, so no search path matters. Text sorts by its bytes, as in SQLite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import postgres_delivery_tables as deliveries
from . import postgres_pace_tables as paces
from . import postgres_run_schema as runs
from .moves import fitted
from .seam import Intent, Settlement

FORMAT = 3
_NO_NUL = "\ufffd"  # PostgreSQL's text holds all of Unicode but NUL

CREATE = """
CREATE SCHEMA flypast;
CREATE TABLE flypast.meta (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  format integer NOT NULL,
  identity text NOT NULL,
  origin text NOT NULL,
  name text,
  created_at text NOT NULL,
  version text NOT NULL,
  purged_by xid8
);
CREATE TABLE flypast.claims (
  manifest text COLLATE "C" PRIMARY KEY,
  epoch bigint NOT NULL,
  run text NOT NULL,
  since text NOT NULL,
  pid bigint NOT NULL,
  host text NOT NULL,
  commits bigint NOT NULL,
  is_clean boolean NOT NULL,
  until timestamptz
) WITH (fillfactor = 50);
CREATE TABLE flypast.messages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text COLLATE "C" NOT NULL UNIQUE,
  manifest text COLLATE "C" NOT NULL REFERENCES flypast.claims (manifest),
  edition text COLLATE "C" NOT NULL,
  message text COLLATE "C" NOT NULL,
  workspace_id text NOT NULL,
  channel_id text NOT NULL,
  reference text NOT NULL,
  address text NOT NULL,
  payload_hash text NOT NULL,
  country text,
  segments bigint NOT NULL,
  state text NOT NULL CHECK (
    state IN ('planned', 'sending', 'accepted', 'rejected', 'inDoubt', 'absent', 'dropped')
  ),
  attempts bigint NOT NULL,
  epoch bigint NOT NULL,
  run text NOT NULL,
  intended_at text NOT NULL,
  at text COLLATE "C" NOT NULL,
  message_id text,
  code text,
  words text,
  looked_at text,
  resent bigint NOT NULL DEFAULT 0,
  cost text,
  currency text,
  text_hash text
) WITH (fillfactor = 80);
CREATE INDEX messages_in_order ON flypast.messages (manifest, message, id);
"""
CREATE_ALL = (CREATE, paces.CREATE_PACES, runs.CREATE_RUNS, deliveries.CREATE_DELIVERIES)
MADE = """
INSERT INTO flypast.meta (format, identity, origin, name, created_at, version)
VALUES (%(format)s, %(identity)s, %(origin)s, %(name)s, %(at)s, %(version)s)
"""

# What makes a ledger of an older format one of the next; a format that is not here is too old to be known.
UPGRADES: dict[int, tuple[str, ...]] = {
    1: (paces.CREATE_PACES, runs.CREATE_RUNS),
    2: (deliveries.CREATE_DELIVERIES,),
}
FORMAT_IS = "UPDATE flypast.meta SET format = %(format)s"

# The numbers are of no use to anybody else; whoever makes or upgrades a ledger holds them until its transaction ends.
ALONE = "SELECT pg_advisory_xact_lock(1718385008, 1)"

# Transactions see what others commit meanwhile, whatever this user's default is: who does not pass a fence is told so.
# What waits for a lock, or for a client that is gone, has its end within a lease.
BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '10s'; "
    "SET LOCAL idle_in_transaction_session_timeout = '10s'"
)
SNAPSHOT = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0; "
    "SELECT 1 FROM pg_catalog.pg_class LIMIT 1"
)

SERVER = """
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('server_encoding'),
  current_setting('fsync'), current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
  to_regclass('flypast.meta') IS NOT NULL
"""
META = "SELECT format, identity, origin, name FROM flypast.meta"
RENAME = "UPDATE flypast.meta SET name = %(name)s WHERE name IS NULL"

_HELD = "manifest = %(manifest)s AND epoch = %(epoch)s AND run = %(run)s"
_LEASE = "clock_timestamp() + %(lease_s)s * interval '1 second'"
# The right to send is given on the server's clock, as it is when the row is held: never by a clock of those who ask.
CLAIM = f"""
INSERT INTO flypast.claims AS held (manifest, epoch, run, since, pid, host, commits, is_clean, until)
VALUES (%(manifest)s, 1, %(run)s, %(since)s, %(pid)s, %(host)s, 1, false, {_LEASE})
ON CONFLICT (manifest) DO UPDATE
SET epoch = held.epoch + 1, run = excluded.run, since = excluded.since, pid = excluded.pid, host = excluded.host,
  commits = held.commits + 1, is_clean = false, until = {_LEASE}
WHERE held.until IS NULL OR held.until <= clock_timestamp()
RETURNING epoch, commits, current_setting('synchronous_commit')
"""
# How long a lease lasts yet; NULL where no time ends it: a run that workers carry holds its manifest so.
_HOLDER = """manifest, pid, host, since, run,
  CASE WHEN until = 'infinity' THEN NULL ELSE coalesce(greatest(0, extract(epoch FROM until - clock_timestamp())), 0)
  END::float"""
HOLDER = f"SELECT {_HOLDER} FROM flypast.claims WHERE manifest = %(manifest)s"
LIVING = f"SELECT {_HOLDER} FROM flypast.claims WHERE until > clock_timestamp() ORDER BY manifest LIMIT 1"
LEAVE = """
UPDATE flypast.messages
SET state = 'inDoubt', at = coalesce(%(at)s, at), words = 'the run ' || run || ' ended without an outcome'
WHERE manifest = %(manifest)s AND state = 'sending'
"""

# The fence: every transaction of a claim passes through here, in the very statement that writes where it writes
# intents. The row is this claim's own, its lease holds, and every commit that was made is there.
STEP = f"""
UPDATE flypast.claims SET commits = commits + 1, is_clean = false, until = {_LEASE}
WHERE {_HELD} AND commits = %(commits)s AND until > clock_timestamp()
RETURNING commits, current_setting('synchronous_commit')
"""
BEAT = f"""
UPDATE flypast.claims SET until = {_LEASE} WHERE {_HELD} AND until > clock_timestamp()
RETURNING current_setting('synchronous_commit')
"""
# Waits for a transaction of ours whose end nobody knows: it holds this row until the server has ended it.
FOUND_OUT = f"SELECT commits FROM flypast.claims WHERE {_HELD} FOR UPDATE"
WHY = f"SELECT commits, until > clock_timestamp() FROM flypast.claims WHERE {_HELD}"
GIVE_BACK = f"UPDATE flypast.claims SET until = NULL WHERE {_HELD}"
CLEAN = f"UPDATE flypast.claims SET until = NULL, is_clean = true WHERE {_HELD}"


def write_with(step: str) -> str:
    """Settlements and intents in one statement, which does nothing where its fence does not let it pass."""
    return f"WITH held (commits, durability) AS ({step}), {_WRITTEN}"


_WRITTEN = """
settled AS (
  UPDATE flypast.messages AS message
  SET state = told.state, at = told.at, message_id = told.message_id, code = told.code, words = told.words
  FROM held, unnest(%(settled)s::text[], %(states)s::text[], %(settled_at)s::text[], %(message_ids)s::text[],
    %(codes)s::text[], %(words)s::text[]) AS told (key, state, at, message_id, code, words)
  WHERE message.key = told.key AND message.manifest = %(manifest)s AND message.epoch = %(epoch)s
    AND message.state = 'sending'
  RETURNING 1
), intended AS (
  INSERT INTO flypast.messages AS message (
    manifest, run, epoch, state, attempts,
    key, edition, message, workspace_id, channel_id, reference, address, payload_hash, country, segments, intended_at,
    at, resent, cost, currency, text_hash
  )
  SELECT %(manifest)s, %(run)s, %(epoch)s, 'sending', 1,
    key, edition, told.message, workspace_id, channel_id, reference, address, payload_hash, country, segments, at,
    at, resent, cost, currency, text_hash
  FROM held, unnest(%(keys)s::text[], %(editions)s::text[], %(messages)s::text[], %(workspaces)s::text[],
    %(channels)s::text[], %(references)s::text[], %(addresses)s::text[], %(hashes)s::text[], %(countries)s::text[],
    %(segments)s::bigint[], %(at)s::text[], %(resent)s::bigint[], %(costs)s::text[], %(currencies)s::text[],
    %(text_hashes)s::text[]) WITH ORDINALITY
    AS told (key, edition, message, workspace_id, channel_id, reference, address, payload_hash, country, segments, at,
      resent, cost, currency, text_hash, place)
  ORDER BY place
  ON CONFLICT (key) DO UPDATE SET
    edition = excluded.edition, message = excluded.message, workspace_id = excluded.workspace_id,
    channel_id = excluded.channel_id, reference = excluded.reference, address = excluded.address,
    payload_hash = excluded.payload_hash, country = excluded.country, segments = excluded.segments,
    intended_at = CASE message.state WHEN 'inDoubt' THEN message.intended_at ELSE excluded.intended_at END,
    at = excluded.at, state = 'sending', attempts = message.attempts + 1,
    run = excluded.run, epoch = excluded.epoch, message_id = NULL, code = NULL, words = NULL, looked_at = NULL,
    resent = message.resent + (message.state = 'absent')::int, cost = excluded.cost, currency = excluded.currency,
    text_hash = excluded.text_hash
  WHERE (
    message.state IN ('planned', 'rejected', 'absent')
    OR (message.state = 'inDoubt' AND excluded.key = ANY (%(from_doubt)s::text[]))
  ) AND message.manifest = excluded.manifest
  RETURNING 1
)
SELECT commits, durability, (SELECT count(*) FROM settled), (SELECT count(*) FROM intended) FROM held
"""
RESOLVE = """
UPDATE flypast.messages SET state = %(state)s, at = %(at)s, run = %(run)s
WHERE key = %(key)s AND manifest = %(manifest)s AND state IN ('inDoubt', 'absent')
"""
# The time is that of the last change of state: a look that changes none leaves it.
RECONCILE = """
UPDATE flypast.messages
SET at = CASE state WHEN %(state)s THEN at ELSE %(at)s END, state = %(state)s, message_id = %(message_id)s,
  code = %(code)s, words = %(words)s, looked_at = %(looked_at)s,
  resent = resent + (%(state)s::text = 'planned')::int
WHERE key = %(key)s AND manifest = %(manifest)s AND (
  state IN ('inDoubt', 'absent')
  OR (state = 'accepted' AND message_id IS NULL AND %(state)s IN ('accepted', 'rejected'))
)
"""

# Times are text, and one that can't be read must break nothing: what comes near is asked for by its letters (two days
# are more than all zones), and read by who asks.
PURGEABLE = """
SELECT id, key, reference, at FROM flypast.messages
WHERE manifest = %(manifest)s AND id > %(last)s AND address <> '' AND at < %(near)s
  AND state IN ('planned', 'accepted', 'rejected', 'dropped')
ORDER BY id LIMIT 1000
"""
PURGE = """
UPDATE flypast.messages SET address = '', words = NULL, text_hash = NULL, reference = %(reference)s WHERE id = %(id)s
"""
PURGED = "UPDATE flypast.meta SET purged_by = pg_current_xact_id()"
IS_UNSCRUBBED = "SELECT purged_by IS NOT NULL FROM flypast.meta"
# Who may still see the rows as they were before the purge: then they are not let go.
LOOKERS = """
SELECT count(*) FROM flypast.meta, (
  SELECT pid, backend_xmin AS oldest FROM pg_catalog.pg_stat_activity WHERE pid <> pg_backend_pid()
  UNION ALL SELECT 0, xmin FROM pg_catalog.pg_replication_slots
  UNION ALL SELECT 0, transaction FROM pg_catalog.pg_prepared_xacts
) AS looking
WHERE oldest IS NOT NULL AND age(oldest) >= age(purged_by::xid)
"""
REWRITE = "CLUSTER flypast.messages USING messages_pkey"
SCRUBBED = "UPDATE flypast.meta SET purged_by = NULL"

STRAYS = """
SELECT messages.key, messages.epoch > claims.epoch FROM flypast.messages JOIN flypast.claims USING (manifest)
WHERE messages.epoch > claims.epoch
  OR (messages.state = 'sending' AND (messages.epoch <> claims.epoch OR claims.is_clean))
ORDER BY messages.id
"""
LOOKUP = """
SELECT messages.key, state, payload_hash, channel_id, code, resent
FROM unnest(%(keys)s::text[]) AS wanted (key) JOIN flypast.messages ON messages.key = wanted.key
"""
ABOUT = "SELECT identity, origin, name, created_at, version FROM flypast.meta"
CLAIMED = "SELECT manifest, epoch, run, since, commits FROM flypast.claims ORDER BY manifest"
UNCLAIMED = "SELECT key FROM flypast.messages WHERE epoch < 1 ORDER BY id"
SHARED_IDS = """
SELECT count(*), min(key), max(key) FROM flypast.messages WHERE message_id IS NOT NULL
GROUP BY message_id HAVING count(*) > 1 ORDER BY min(id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The statements by which a claim's transactions pass, or are told why not."""

    step: str
    beat: str
    found_out: str
    why: str
    give_back: str
    leave: str
    clean: str
    write: str


MANIFEST = Fence(
    step=STEP,
    beat=BEAT,
    found_out=FOUND_OUT,
    why=WHY,
    give_back=GIVE_BACK,
    leave=LEAVE,
    clean=CLEAN,
    write=write_with(STEP),
)

STATE = "SELECT state FROM flypast.messages WHERE key = %(key)s"
COUNTS = "SELECT state, count(*) FROM flypast.messages WHERE manifest = %(manifest)s GROUP BY state"
SIZE = "SELECT count(*) FROM flypast.messages WHERE manifest = %(manifest)s"
STANDING = """
SELECT state, count(*) FROM flypast.messages
WHERE manifest = %(manifest)s AND state <> 'planned'
  AND (edition = %(edition)s OR state IN ('sending', 'inDoubt', 'absent'))
GROUP BY state
"""
MANIFESTS = """
SELECT manifest FROM flypast.claims
WHERE EXISTS (SELECT FROM flypast.messages WHERE messages.manifest = claims.manifest)
ORDER BY manifest
"""
NEXT_MESSAGE = "SELECT min(message) FROM flypast.messages WHERE manifest = %(manifest)s AND message > %(message)s"
# Read page after page, each from where the last one ended, so that no transaction stays open meanwhile.
ENTRIES = f"""
SELECT messages.id, key, manifest, edition, message, workspace_id, channel_id, reference, address, payload_hash,
  country, segments, state, attempts, run, intended_at, at, message_id, code, words, looked_at, resent, cost, currency,
  text_hash,
  {deliveries.TOLD}
FROM flypast.messages LEFT JOIN flypast.deliveries ON deliveries.id = messages.id
WHERE manifest = %(manifest)s AND message = %(message)s AND messages.id > %(last)s
  AND state = ANY (%(states)s::text[])
ORDER BY messages.id LIMIT 500
"""
TEXTS = """
SELECT id, text_hash, at FROM flypast.messages
WHERE id > %(last)s AND manifest <> %(manifest)s AND state IN ('accepted', 'sending', 'inDoubt') AND at >= %(near)s
ORDER BY id LIMIT 1000
"""
KEYS = """
SELECT id, key, state FROM flypast.messages
WHERE manifest = %(manifest)s AND message = %(message)s AND id > %(last)s AND edition = %(edition)s
ORDER BY id LIMIT 500
"""
PAYLOADS = """
SELECT id, key, CASE state WHEN 'accepted' THEN payload_hash ELSE '' END FROM flypast.messages
WHERE manifest = %(manifest)s AND message = %(message)s AND id > %(last)s AND edition = %(edition)s
ORDER BY id LIMIT 500
"""

COLUMNS = """
SELECT class.relname, attname, format_type(atttypid, atttypmod), attnotnull
FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_class AS class ON class.oid = attrelid
WHERE class.relnamespace = to_regnamespace('flypast') AND class.relkind <> 'i' AND class.relkind <> 'S'
  AND attnum > 0 AND NOT attisdropped
ORDER BY class.relname, attnum
"""
INDEXES = """
SELECT owner.relname, class.relname, indisunique, indisvalid AND indisready, indpred IS NOT NULL,
  ARRAY(SELECT pg_get_indexdef(indexrelid, place, true) FROM generate_series(1, indnatts) AS place)
FROM pg_catalog.pg_index JOIN pg_catalog.pg_class AS class ON class.oid = indexrelid
JOIN pg_catalog.pg_class AS owner ON owner.oid = indrelid
WHERE owner.relnamespace = to_regnamespace('flypast')
ORDER BY class.relname
"""
MEDDLERS = """
SELECT 'trigger', tgname FROM pg_catalog.pg_trigger JOIN pg_catalog.pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = to_regnamespace('flypast') AND NOT tgisinternal
UNION ALL
SELECT 'rule', rulename FROM pg_catalog.pg_rewrite JOIN pg_catalog.pg_class ON pg_class.oid = ev_class
WHERE relnamespace = to_regnamespace('flypast')
ORDER BY 1, 2
"""


# What CREATE makes, as COLUMNS tells of it; `!` is NOT NULL.
COLUMNS_MADE = {
    "deliveries": deliveries.COLUMNS,
    "paces": paces.COLUMNS,
    **runs.COLUMNS,
    "meta": "one boolean!, format integer!, identity text!, origin text!, name text, created_at text!, version text!, "
    "purged_by xid8",
    "claims": "manifest text!, epoch bigint!, run text!, since text!, pid bigint!, host text!, commits bigint!, "
    "is_clean boolean!, until timestamp with time zone",
    "messages": "id bigint!, key text!, manifest text!, edition text!, message text!, workspace_id text!, "
    "channel_id text!, reference text!, address text!, payload_hash text!, country text, segments bigint!, "
    "state text!, attempts bigint!, epoch bigint!, run text!, intended_at text!, at text!, message_id text, code text, "
    "words text, looked_at text, resent bigint!, cost text, currency text, text_hash text",
}


def write_values(settlements: Sequence[Settlement], intents: Sequence[Intent]) -> dict[str, Any]:
    """What WRITE takes beside the claim."""
    return {
        "settled": [each.key for each in settlements],
        "states": [each.state.value for each in settlements],
        "settled_at": [each.at for each in settlements],
        "message_ids": [_kept(each.message_id) for each in settlements],
        "codes": [_kept(each.code) for each in settlements],
        "words": [_kept(each.words) for each in settlements],
        "keys": [each.key for each in intents],
        "editions": [each.edition for each in intents],
        "messages": [each.message for each in intents],
        "workspaces": [each.workspace_id for each in intents],
        "channels": [each.channel_id for each in intents],
        "references": [each.reference for each in intents],
        "addresses": [each.address for each in intents],
        "hashes": [each.payload_hash for each in intents],
        "countries": [each.country for each in intents],
        "segments": [each.segments for each in intents],
        "at": [each.at for each in intents],
        "resent": [each.resent for each in intents],
        "costs": [each.cost for each in intents],
        "currencies": [each.currency for each in intents],
        "text_hashes": [each.text_hash for each in intents],
        "from_doubt": [each.key for each in intents if each.from_doubt],
    }


def holdable(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.replace("\0", _NO_NUL) if isinstance(value, str) else value for name, value in values.items()}


def _kept(text: str | None) -> str | None:
    kept = fitted(text)
    return kept if kept is None else kept.replace("\0", _NO_NUL)
