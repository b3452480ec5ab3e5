"""The PostgreSQL ledger's table of delivery statuses, and the statements on it.

It stands beside the messages' rows: a send's commits never touch it, and it has no foreign key, whose check would cost
each of them.
"""

from .deliveries import NOT_LOOKED_UP, OTHER, STATUSES

CREATE_DELIVERIES = """
CREATE TABLE flypast.deliveries (
  id bigint PRIMARY KEY,
  bird_id text NOT NULL,
  status text NOT NULL,
  status_at text NOT NULL,
  failure_code text,
  failure_source text,
  seen_at text COLLATE "C" NOT NULL
) WITH (fillfactor = 80);
"""
COLUMNS = (
    "id bigint!, bird_id text!, status text!, status_at text!, failure_code text, failure_source text, seen_at text!"
)
TOLD = "bird_id, status, status_at, failure_code, failure_source, seen_at"
_KNOWN = ", ".join(f"'{status}'" for status in STATUSES)

TRACKED = f"""
SELECT messages.key, messages.id, message_id, {TOLD}
FROM unnest(%(keys)s::text[]) AS wanted (key) JOIN flypast.messages ON messages.key = wanted.key
  LEFT JOIN flypast.deliveries ON deliveries.id = messages.id
WHERE manifest = %(manifest)s AND state = 'accepted'
"""
TRACK = """
INSERT INTO flypast.deliveries (id, bird_id, status, status_at, failure_code, failure_source, seen_at)
VALUES (%(id)s, %(bird_id)s, %(status)s, %(status_at)s, %(failure_code)s, %(failure_source)s, %(seen_at)s)
ON CONFLICT (id) DO UPDATE SET
  bird_id = excluded.bird_id, status = excluded.status, status_at = excluded.status_at,
  failure_code = excluded.failure_code, failure_source = excluded.failure_source, seen_at = excluded.seen_at
"""
# A word of Bird's that nobody knows may be anything.
PURGE_WORDS = f"""
UPDATE flypast.deliveries SET status = '{OTHER}' WHERE id = ANY (%(ids)s::bigint[]) AND status NOT IN ({_KNOWN})
"""
COUNTED = f"""
SELECT CASE WHEN status IN ({_KNOWN}) THEN status WHEN status IS NULL THEN '{NOT_LOOKED_UP}' ELSE '{OTHER}' END,
  count(*), max(seen_at)
FROM flypast.messages
  LEFT JOIN flypast.deliveries ON deliveries.id = messages.id AND bird_id = coalesce(messages.message_id, bird_id)
WHERE manifest = %(manifest)s AND state = 'accepted' GROUP BY 1
"""
UNOWNED = """
SELECT count(*) FROM flypast.deliveries
WHERE NOT EXISTS (SELECT FROM flypast.messages WHERE messages.id = deliveries.id)
"""
REWRITE = "CLUSTER flypast.deliveries USING deliveries_pkey"
