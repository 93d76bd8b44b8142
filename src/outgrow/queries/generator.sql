-- Filling a store: the table, its key, and what the prototype's migrations left on it.

-- name: wait_shortly
SELECT set_config('lock_timeout', $1, true);

-- name: create
-- Without its key, which is built faster after the rows.
CREATE TABLE :"store" (key text NOT NULL, value jsonb NOT NULL);

-- name: lock
LOCK TABLE :"store" IN SHARE ROW EXCLUSIVE MODE;

-- name: holds_keys
SELECT EXISTS (SELECT FROM :"store");

-- name: empty
TRUNCATE :"store";

-- name: primary_key
ALTER TABLE :"store" ADD PRIMARY KEY (key);

-- name: duplicate_index
-- As the prototype's migrations did, 19 times.
CREATE INDEX IF NOT EXISTS :"index" ON :"store" (key);

-- name: drop_index
-- Of a campus that was here before.
DROP INDEX IF EXISTS :"index";

-- name: analyze
ANALYZE :"store";

-- name: sizes
-- In bytes; the table with its TOAST.
SELECT pg_table_size($1::text::regclass) AS table_bytes,
       pg_indexes_size($1::text::regclass) AS index_bytes;
