"""The PostgreSQL ledger's table of paces, and the statements on it. All its times are Unix seconds of its own clock.

Each runs in one go, the end of its transaction included: who stands still in the middle holds nobody up. They lock
rows in the order of their names, and read the clock when they have them.
"""

CREATE_PACES = """
CREATE TABLE flypast.paces (
  scope text COLLATE "C" PRIMARY KEY,
  set_per_s double precision CHECK (set_per_s > 0),
  asked_per_s double precision,
  next_at double precision NOT NULL DEFAULT 0,
  held_until double precision NOT NULL DEFAULT 0,
  cut_per_s double precision,
  cut_at double precision
) WITH (fillfactor = 20);
"""
COLUMNS = (
    "scope text!, set_per_s double precision, asked_per_s double precision, next_at double precision!, "
    "held_until double precision!, cut_per_s double precision, cut_at double precision"
)

# A slot that a crash of the server takes back is only lost time: no wait for the disk.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '10s'; "
_LIGHT = _BEGIN + "SET LOCAL synchronous_commit = off;"
MAKE = f"""{_BEGIN}
INSERT INTO flypast.paces (scope) SELECT unnest(%(scopes)s::text[]) ON CONFLICT DO NOTHING;
COMMIT"""

# A clock that was set back must not stop everybody for as long: no slot, hold or cut can be so far ahead.
_FARTHEST_S = 120
_LONGEST_HOLD_S = 601
_NOW = "extract(epoch FROM clock_timestamp())::float8"
_RATE = f"""least(full_per_s, CASE WHEN cut_at <= now + {_FARTHEST_S} THEN
      cut_per_s + 0.01 * full_per_s * greatest(0, now - cut_at) END)"""

# GCRA. A slot may be up to 20 ms in the past, as a timer that was late costs no pace, and as far ahead as a block is
# long. A channel that is ahead of its workspace waits: a slot taken ahead there would be lost to all other channels.
# A block is so short that its last slot is at most half a block later than the workspace's own pace has it.
TAKE = f"""{_LIGHT}
WITH held AS MATERIALIZED (
  SELECT paces.scope, next_at, held_until, cut_per_s, cut_at, per_s AS asked_per_s, coalesce(set_per_s, per_s)
    AS full_per_s
  FROM flypast.paces JOIN unnest(%(scopes)s::text[], %(rates)s::float8[]) AS asked (scope, per_s) USING (scope)
  ORDER BY paces.scope FOR UPDATE OF paces
), clock AS MATERIALIZED (
  SELECT {_NOW} AS now, count(*) AS found FROM held
), rated AS MATERIALIZED (
  SELECT scope, asked_per_s, {_RATE} AS per_s, held_until,
    CASE WHEN next_at < now + {_FARTHEST_S} THEN next_at ELSE now END AS next_at
  FROM held, clock
), due AS MATERIALIZED (
  SELECT now, found, min(per_s) AS slowest, max(per_s) AS fastest,
    greatest(max(next_at) FILTER (WHERE per_s > 0),
      CASE WHEN max(next_at) FILTER (WHERE per_s > 0) >= now - 0.02 THEN NULL ELSE now END) AS start,
    CASE WHEN bool_or(per_s > 0 AND scope = %(workspace)s)
      THEN greatest(max(next_at) FILTER (WHERE scope = %(workspace)s), now) ELSE 'Infinity' END AS base,
    max(held_until) FILTER (WHERE held_until < now + {_LONGEST_HOLD_S}) AS held_until
  FROM rated, clock GROUP BY now, found
), judged AS MATERIALIZED (
  SELECT *, greatest(held_until - now, start - now - %(block_s)s, start - base - 0.005) AS wait_s,
    greatest(1, floor(least(%(wanted)s, slowest * %(block_s)s,
      %(block_s)s / 2 / nullif(1 / slowest - 1 / fastest, 0)))) AS most
  FROM due
), granted AS MATERIALIZED (
  SELECT *, CASE WHEN wait_s > 0 OR found < cardinality(%(scopes)s::text[]) THEN 0 ELSE most END AS count FROM judged
), taken AS (
  UPDATE flypast.paces
  SET next_at = coalesce(start + count / rated.per_s, start), asked_per_s = rated.asked_per_s
  FROM granted, rated WHERE paces.scope = rated.scope AND count > 0
)
SELECT found::int, count::int, wait_s, now, start, coalesce(1 / slowest, 0), coalesce(1 / fastest, 0) FROM granted;
COMMIT"""

HOLD = f"""{_BEGIN}
WITH held AS MATERIALIZED (
  SELECT *, coalesce(set_per_s, %(per_s)s::float8) AS full_per_s FROM flypast.paces WHERE scope = %(scope)s FOR UPDATE
), clock AS MATERIALIZED (
  SELECT {_NOW} AS now, count(*) FROM held
), judged AS MATERIALIZED (
  SELECT now, full_per_s, {_RATE} AS per_s,
    full_per_s IS NOT NULL AND (cut_at IS NULL OR %(sent_at)s >= cut_at OR cut_at > now + {_FARTHEST_S}) AS is_new
  FROM held, clock
)
UPDATE flypast.paces
SET held_until = CASE WHEN held_until < now + {_LONGEST_HOLD_S} THEN greatest(held_until, now + %(for_s)s)
    ELSE now + %(for_s)s END,
  cut_per_s = CASE WHEN is_new THEN greatest(least(1, full_per_s), 0.7 * per_s) ELSE cut_per_s END,
  cut_at = CASE WHEN is_new THEN now ELSE cut_at END
FROM judged WHERE scope = %(scope)s;
COMMIT"""

# A faster limit counts at once: not after the pause that a slower one took its last slot with.
SET = f"""{_BEGIN}
INSERT INTO flypast.paces AS held (scope, set_per_s) VALUES (%(scope)s, %(per_s)s)
ON CONFLICT (scope) DO UPDATE
SET set_per_s = excluded.set_per_s, next_at = least(held.next_at, {_NOW} + 1 / excluded.set_per_s)
RETURNING xmax <> 0;
COMMIT"""

LIMITS = f"""
SELECT scope, set_per_s, asked_per_s, {_RATE}, CASE WHEN held_until < now + {_LONGEST_HOLD_S} THEN
    greatest(0, held_until - now) ELSE 0 END, CASE WHEN next_at > 0 THEN greatest(0, now - next_at) END
FROM (SELECT *, coalesce(set_per_s, asked_per_s) AS full_per_s, {_NOW} AS now FROM flypast.paces) AS each
ORDER BY scope
"""
