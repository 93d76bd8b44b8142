-- The tables of schema `outgrow`. The only migration here that may find tables: those of databases from
-- before there was a record, of whatever version. So it says IF NOT EXISTS and adds what is missing;
-- later ones need not.

DO $do$
BEGIN
    -- IF NOT EXISTS asks for the right to make schemas even where there is one.
    IF to_regnamespace('outgrow') IS NULL THEN
        CREATE SCHEMA outgrow;
    END IF;
END
$do$;

-- One row for each migration of this schema that was applied. `digest` is of its file.
CREATE TABLE IF NOT EXISTS outgrow.migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    digest     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each installed blueprint; `version` is a digest of all that the layout generates.
-- `store_oid` is the table that it was made for, whatever that is called by now.
CREATE TABLE IF NOT EXISTS outgrow.layouts (
    name         text PRIMARY KEY,
    store        text NOT NULL,
    version      text NOT NULL,
    phase        text NOT NULL DEFAULT 'found'
                 CHECK (phase IN ('found', 'optimized', 'hybrid', 'relational')),
    installed_at timestamptz NOT NULL DEFAULT now(),
    store_oid    oid
);
ALTER TABLE outgrow.layouts ADD COLUMN IF NOT EXISTS store_oid oid;
DO $do$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = 'outgrow.layouts'::regclass AND conname = 'layouts_phase_check'
          AND pg_get_constraintdef(oid) LIKE '%relational%'
    ) THEN
        ALTER TABLE outgrow.layouts DROP CONSTRAINT IF EXISTS layouts_phase_check;
        ALTER TABLE outgrow.layouts ADD CONSTRAINT layouts_phase_check
            CHECK (phase IN ('found', 'optimized', 'hybrid', 'relational'));
    END IF;
END
$do$;

-- One row for each object that was made for a blueprint: in which schema, a digest of what it does, by
-- which transaction, and on which version of PostgreSQL.
CREATE TABLE IF NOT EXISTS outgrow.definitions (
    name   text NOT NULL REFERENCES outgrow.layouts,
    place  text NOT NULL,
    object text NOT NULL,
    digest text NOT NULL,
    made   text NOT NULL,
    server integer NOT NULL,
    PRIMARY KEY (name, place, object)
);

-- One row for each relation that has, or is being given, a table of its own. The trigger of the store
-- keeps the table in every state but `leaving`; the view reads it in `shadow` only. `after` is how far
-- the backfill has come on its way to `upto` (NULL before it began), saved with the rows. `stale`: made
-- by another version, to be made anew.
CREATE TABLE IF NOT EXISTS outgrow.lifts (
    name      text NOT NULL REFERENCES outgrow.layouts,
    relation  text NOT NULL,
    version   text NOT NULL,
    state     text NOT NULL DEFAULT 'filling'
              CHECK (state IN ('filling', 'filled', 'verified', 'shadow', 'stale', 'leaving')),
    after     text NOT NULL DEFAULT '',
    upto      text,
    estimate  bigint,
    keys      bigint NOT NULL DEFAULT 0,
    rows      bigint NOT NULL DEFAULT 0,
    leftovers bigint,
    since     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, relation)
);

-- The keys that a backfill has passed over, since somebody had locked them, and still owes.
CREATE TABLE IF NOT EXISTS outgrow.skipped (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL,
    relation text NOT NULL,
    key      text NOT NULL,
    FOREIGN KEY (name, relation) REFERENCES outgrow.lifts ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS skipped_of ON outgrow.skipped (name, relation, id);
DO $do$
BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = 'outgrow.lifts'::regclass
          AND attname = 'skipped' AND NOT attisdropped
    ) THEN
        EXECUTE 'INSERT INTO outgrow.skipped (name, relation, key)
                 SELECT name, relation, unnest(skipped) FROM outgrow.lifts';
        ALTER TABLE outgrow.lifts DROP COLUMN skipped;
    END IF;
END
$do$;

-- One row for each growth. `from_phase` is where `outgrow rollback` leads; a growth that failed is not
-- finished. What `outgrow status` shows is written here every half second.
CREATE TABLE IF NOT EXISTS outgrow.growths (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL REFERENCES outgrow.layouts,
    store        text NOT NULL,
    from_phase   text NOT NULL,
    to_phase     text NOT NULL,
    state        text NOT NULL DEFAULT 'planned' CHECK (
                 state IN ('planned', 'running', 'ready', 'switched', 'rolled_back', 'failed')),
    paused       boolean NOT NULL DEFAULT false,
    postponed    boolean NOT NULL DEFAULT false,
    rolling_back boolean NOT NULL DEFAULT false,
    max_load     integer,
    pid          integer,
    step         text NOT NULL DEFAULT '',
    doing        text NOT NULL DEFAULT '',
    waiting      text NOT NULL DEFAULT '',
    seconds_left double precision,
    error        text,
    started_at   timestamptz NOT NULL DEFAULT now(),
    seen_at      timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    CHECK ((state IN ('switched', 'rolled_back')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'failed') = (error IS NOT NULL)),
    CHECK (state <> 'ready' OR postponed)
);
CREATE UNIQUE INDEX IF NOT EXISTS growths_unfinished ON outgrow.growths (name)
    WHERE ended_at IS NULL;

-- Values that stood where a list belongs and were in the way of a write: kept, never lost.
CREATE TABLE IF NOT EXISTS outgrow.quarantine (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store  text NOT NULL,
    key    text NOT NULL,
    value  jsonb NOT NULL,
    reason text NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);

-- One row for each reading that was kept: how much there was, and how fast it answered.
CREATE TABLE IF NOT EXISTS outgrow.readings (
    store    text NOT NULL,
    taken_at timestamptz NOT NULL,
    figures  jsonb NOT NULL,
    PRIMARY KEY (store, taken_at)
);

-- How long requests and statements took in an hour, of all processes: `counts` by the steps of a
-- histogram that is the same for all, `slow` how many were, `slowest` in seconds.
CREATE TABLE IF NOT EXISTS outgrow.latencies (
    hour    timestamptz NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('route', 'query')),
    name    text NOT NULL,
    counts  bigint[] NOT NULL,
    slow    bigint NOT NULL,
    slowest double precision NOT NULL,
    PRIMARY KEY (hour, kind, name)
);
