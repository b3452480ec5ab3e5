"""Every statement that is run on the tables of runs and their shards (`postgres_tables.CREATE_RUNS` makes them).

A run's row is locked by who begins a shard (so that a run can't end at the same time) and by who may end it. It is
always locked before a shard's.
"""

from .postgres_tables import Fence, write_with

_LEASE = "clock_timestamp() + %(lease_s)s * interval '1 second'"
_MINE = "run = %(run)s AND shard = %(shard)s AND epoch = %(turn)s"
_TOLD = "accepted = %(accepted)s, rejected = %(rejected)s, in_doubt = %(in_doubt)s"
_STEP = f"""
UPDATE flypast.shards SET commits = commits + 1, until = {_LEASE}, {_TOLD}
WHERE {_MINE} AND commits = %(commits)s AND until > clock_timestamp()
RETURNING commits, current_setting('synchronous_commit')
"""
LEAVE = """
UPDATE flypast.messages
SET state = 'inDoubt', at = coalesce(%(at)s, at), words = 'the worker that had it ended without an outcome'
WHERE key = ANY (%(all_keys)s::text[]) AND manifest = %(manifest)s AND state = 'sending'
"""
SHARD = Fence(
    step=_STEP,
    beat=f"""
UPDATE flypast.shards SET until = {_LEASE}, {_TOLD} WHERE {_MINE} AND until > clock_timestamp()
RETURNING current_setting('synchronous_commit')
""",
    found_out=f"SELECT commits FROM flypast.shards WHERE {_MINE} FOR UPDATE",
    why=f"SELECT commits, until > clock_timestamp() FROM flypast.shards WHERE {_MINE}",
    give_back=f"UPDATE flypast.shards SET owner = NULL, until = NULL WHERE {_MINE}",
    leave=LEAVE,
    clean=f"UPDATE flypast.shards SET owner = NULL, until = NULL WHERE {_MINE}",
    write=write_with(_STEP),
)

# A sender that died before it handed its run over left people's data behind.
FORGET = """
WITH left_behind AS (
  UPDATE flypast.runs SET state = 'cancelled', ended = %(at)s
  WHERE manifest = %(manifest)s AND state = 'frozen' AND ended IS NULL RETURNING run
)
UPDATE flypast.shards SET messages = NULL FROM left_behind WHERE shards.run = left_behind.run
"""
FREEZE = """
INSERT INTO flypast.runs (run, manifest, epoch, edition, plan, settings, total, state, since)
VALUES (%(run)s, %(manifest)s, %(epoch)s, %(edition)s, %(plan)s, %(settings)s, %(total)s, 'frozen', %(at)s)
"""
ADD = """
INSERT INTO flypast.shards (run, shard, total, digest, messages, state, epoch, commits, takeovers, accepted, rejected,
  in_doubt, left_behind, closed, doubles, deferred, kept, cost, cost_in_doubt)
VALUES (%(run)s, %(shard)s, %(total)s, %(digest)s, %(messages)s, 'open', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
"""
HAND_OVER = """
WITH begun AS (UPDATE flypast.runs SET state = 'running' WHERE run = %(run)s)
UPDATE flypast.claims SET until = 'infinity' WHERE manifest = %(manifest)s AND epoch = %(epoch)s AND run = %(run)s
"""

TO_TAKE = """
SELECT state, plan, manifest, epoch, edition, settings, total FROM flypast.runs
WHERE run = %(run)s AND ended IS NULL FOR SHARE
"""
TAKE = f"""
UPDATE flypast.shards SET epoch = epoch + 1, owner = %(owner)s, until = {_LEASE}, commits = commits + 1,
  takeovers = takeovers + (owner IS NOT NULL)::int
WHERE run = %(run)s AND shard = %(shard)s AND state = 'open' AND (until IS NULL OR until <= clock_timestamp())
RETURNING epoch, commits, takeovers, digest, messages, current_setting('synchronous_commit')
"""
LEFT_BEHIND = """
UPDATE flypast.shards SET left_behind = left_behind + %(left)s WHERE run = %(run)s AND shard = %(shard)s
"""
HOLD = """
UPDATE flypast.shards SET state = 'held', owner = NULL, until = NULL WHERE run = %(run)s AND shard = %(shard)s
"""
STOOD = """
SELECT messages.key, state, run FROM unnest(%(all_keys)s::text[]) AS wanted (key)
JOIN flypast.messages ON messages.key = wanted.key WHERE manifest = %(manifest)s
"""
# What became of a shard, counted from its messages: whatever its workers said or could not say any more.
RECKON = """
WITH counted AS (
  SELECT count(*) FILTER (WHERE state = 'accepted') AS accepted, count(*) FILTER (WHERE state = 'rejected') AS rejected,
    count(*) FILTER (WHERE state IN ('inDoubt', 'sending')) AS in_doubt,
    count(*) FILTER (WHERE messages.key = ANY (%(again)s::text[])) AS closed,
    coalesce(sum(cost::numeric) FILTER (WHERE state = 'accepted'), 0) AS cost,
    coalesce(sum(cost::numeric) FILTER (WHERE state IN ('inDoubt', 'sending')), 0) AS cost_in_doubt
  FROM unnest(%(all_keys)s::text[]) AS wanted (key) JOIN flypast.messages ON messages.key = wanted.key
  WHERE manifest = %(manifest)s AND run = %(run)s
)
UPDATE flypast.shards AS shard SET accepted = counted.accepted, rejected = counted.rejected,
  in_doubt = counted.in_doubt, left_behind = left_behind + %(left)s,
  closed = counted.closed, cost = counted.cost, cost_in_doubt = counted.cost_in_doubt,
  doubles = doubles + %(doubles)s, deferred = deferred + %(deferred)s, kept = %(kept)s
FROM counted WHERE shard.run = %(run)s AND shard.shard = %(shard)s
"""
FINISH = f"""
UPDATE flypast.shards SET state = 'done', messages = NULL, owner = NULL, until = NULL WHERE {_MINE}
"""

LOCK = "SELECT manifest, epoch, state FROM flypast.runs WHERE run = %(run)s AND ended IS NULL FOR UPDATE"
LEFT = """
SELECT count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE until > clock_timestamp())
FROM flypast.shards WHERE run = %(run)s
"""
END = "UPDATE flypast.runs SET state = %(state)s, ended = %(at)s WHERE run = %(run)s"
EMPTY = "UPDATE flypast.shards SET messages = NULL WHERE run = %(run)s AND messages IS NOT NULL"
DEAD = "SELECT shard, messages FROM flypast.shards WHERE run = %(run)s AND state = 'open' AND owner IS NOT NULL"
FREE = """
UPDATE flypast.claims SET until = NULL, is_clean = true
WHERE manifest = %(manifest)s AND epoch = %(epoch)s AND run = %(run)s
"""
STEER = """
UPDATE flypast.runs SET state = %(state)s, kind = %(kind)s, words = %(words)s, hint = %(hint)s
WHERE run = %(run)s AND ended IS NULL AND state = ANY (%(from)s::text[])
"""

_SEEN = """
SELECT runs.run, manifest, edition, runs.state, since, ended IS NOT NULL, runs.total, count(shard),
  count(*) FILTER (WHERE shards.state = 'done'), count(*) FILTER (WHERE shards.state = 'held'),
  count(*) FILTER (WHERE until > clock_timestamp()), count(DISTINCT owner) FILTER (WHERE until > clock_timestamp()),
  coalesce(sum(accepted), 0)::bigint, coalesce(sum(rejected), 0)::bigint, coalesce(sum(in_doubt), 0)::bigint,
  coalesce(sum(left_behind), 0)::bigint, coalesce(sum(closed), 0)::bigint, coalesce(sum(doubles), 0)::bigint,
  coalesce(sum(deferred), 0)::bigint,
  coalesce(sum(kept), 0)::bigint, coalesce(sum(cost), 0), coalesce(sum(cost_in_doubt), 0), kind, words, hint
FROM flypast.runs LEFT JOIN flypast.shards USING (run)
WHERE {which} GROUP BY runs.run ORDER BY runs.run
"""
SEEN = _SEEN.format(which="runs.run = %(run)s")
LIVING = _SEEN.format(
    which="ended IS NULL AND runs.state <> 'frozen' AND coalesce(manifest = %(manifest)s::text, true)"
)
STATES = "SELECT run, state FROM flypast.runs WHERE ended IS NULL AND state <> 'frozen'"
_OPEN = """
SELECT run, shard, plan FROM flypast.runs JOIN flypast.shards USING (run)
WHERE ended IS NULL AND runs.state = 'running' AND shards.state = 'open'
"""
STRAYS = f"{_OPEN} AND until <= clock_timestamp() ORDER BY run, shard"
WAITING = f"""{_OPEN} AND (until IS NULL OR until <= clock_timestamp()) AND coalesce(run = %(run)s::text, true)
ORDER BY run, shard LIMIT %(limit)s"""
