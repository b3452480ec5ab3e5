"""The tables that several workers share: a run's messages as they were frozen, and who may send which part of them."""

CREATE_RUNS = """
CREATE TABLE flypast.runs (
  run text COLLATE "C" PRIMARY KEY,
  manifest text COLLATE "C" NOT NULL REFERENCES flypast.claims (manifest),
  epoch bigint NOT NULL,
  edition text NOT NULL,
  plan text NOT NULL,
  settings text NOT NULL,
  total bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('frozen', 'running', 'paused', 'cancelled', 'stopped', 'done')),
  since text NOT NULL,
  ended text,
  kind text,
  words text,
  hint text
);
CREATE INDEX runs_not_ended ON flypast.runs (run) WHERE ended IS NULL;
CREATE TABLE flypast.shards (
  run text COLLATE "C" NOT NULL REFERENCES flypast.runs (run),
  shard integer NOT NULL,
  total bigint NOT NULL,
  digest text NOT NULL,
  messages bytea,
  state text NOT NULL CHECK (state IN ('open', 'done', 'held')),
  epoch bigint NOT NULL,
  owner text,
  until timestamptz,
  commits bigint NOT NULL,
  takeovers bigint NOT NULL,
  accepted bigint NOT NULL,
  rejected bigint NOT NULL,
  in_doubt bigint NOT NULL,
  left_behind bigint NOT NULL,
  closed bigint NOT NULL,
  doubles bigint NOT NULL,
  deferred bigint NOT NULL,
  kept bigint NOT NULL,
  cost numeric NOT NULL,
  cost_in_doubt numeric NOT NULL,
  PRIMARY KEY (run, shard)
) WITH (fillfactor = 50);
ALTER TABLE flypast.shards ALTER COLUMN messages SET STORAGE EXTERNAL;
"""
# What it makes, as `postgres_tables.COLUMNS` tells of it; `!` is NOT NULL.
COLUMNS = {
    "runs": "run text!, manifest text!, epoch bigint!, edition text!, plan text!, settings text!, total bigint!, "
    "state text!, since text!, ended text, kind text, words text, hint text",
    "shards": "run text!, shard integer!, total bigint!, digest text!, messages bytea, state text!, epoch bigint!, "
    "owner text, until timestamp with time zone, commits bigint!, takeovers bigint!, accepted bigint!, "
    "rejected bigint!, in_doubt bigint!, left_behind bigint!, closed bigint!, doubles bigint!, deferred bigint!, "
    "kept bigint!, cost numeric!, cost_in_doubt numeric!",
}
