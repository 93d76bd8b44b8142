-- Readings: how much there is, how fast it answers, and what was kept of both.

-- name: kept_here
-- Whether there is a place to keep them.
SELECT to_regclass('outgrow.readings') IS NOT NULL AND to_regclass('outgrow.latencies') IS NOT NULL;

-- name: sizes
SELECT pg_database_size(current_database()) AS database_bytes, now() AS now;

-- name: count_keys
-- Of the store: those that begin as the LIKE pattern `$1` says and match the regular expression `$2`.
SELECT count(*) FROM :"store" WHERE key LIKE $1 AND key ~ $2;

-- name: sample
-- Of about $1 percent of the store's blocks. What lies in TOAST is not looked at: of a value over 2 kB
-- one does not learn what it is.
SELECT key, pg_column_size(value) AS bytes,
       CASE WHEN pg_column_size(value) < 2000 THEN jsonb_typeof(value) END AS kind
FROM :"store" TABLESAMPLE SYSTEM ($1)
WHERE key IS NOT NULL;

-- name: largest
-- The $3 that take most room, among the keys of `count_keys`; without reading their values.
SELECT key FROM :"store" WHERE key LIKE $1 AND key ~ $2 ORDER BY pg_column_size(value) DESC LIMIT $3;

-- name: elements
SELECT CASE jsonb_typeof(value) WHEN 'array' THEN jsonb_array_length(value) ELSE 0 END AS elements
FROM :"store" WHERE key = ANY ($1::text[]);

-- name: not_for_long
-- Until the end of the transaction.
SET LOCAL statement_timeout = '5s';

-- name: claim
-- One process takes a reading at a time; to the end of the transaction.
SELECT pg_try_advisory_xact_lock(hashtext('outgrow.readings'), hashtext($1));

-- name: newest
SELECT extract(epoch FROM now() - max(taken_at))::float8 FROM outgrow.readings WHERE store = $1;

-- name: keep
INSERT INTO outgrow.readings (store, taken_at, figures) VALUES ($1, $2, $3::text::jsonb)
ON CONFLICT DO NOTHING;

-- name: thin
-- Of each day before the last two the first reading stays, for a bit more than a year.
DELETE FROM outgrow.readings r
WHERE store = $1 AND (taken_at < now() - interval '400 days'
  OR taken_at < now() - interval '2 days' AND EXISTS (
      SELECT FROM outgrow.readings e
      WHERE e.store = r.store AND e.taken_at < r.taken_at
        AND date_trunc('day', e.taken_at, 'UTC') = date_trunc('day', r.taken_at, 'UTC')));

-- name: history
-- The oldest first. Latencies by name are of no use later.
SELECT (figures - 'routes' - 'queries' - 'statements')::text AS figures
FROM outgrow.readings WHERE store = $1 ORDER BY taken_at;

-- name: add_latencies
-- `$1` is a list of {kind, name, counts, slow, slowest}, in order of kind and name: so two processes
-- lock the rows in the same order.
INSERT INTO outgrow.latencies AS l (hour, kind, name, counts, slow, slowest)
SELECT date_trunc('hour', now(), 'UTC'), m.kind, m.name, m.counts, m.slow, m.slowest
FROM jsonb_to_recordset($1::text::jsonb)
     AS m (kind text, name text, counts bigint[], slow bigint, slowest double precision)
ON CONFLICT (hour, kind, name) DO UPDATE SET
    counts = ARRAY(
        SELECT coalesce(a.n, 0) + coalesce(b.n, 0)
        FROM unnest(l.counts) WITH ORDINALITY AS a (n, place)
        FULL JOIN unnest(excluded.counts) WITH ORDINALITY AS b (n, place) USING (place)
        ORDER BY place),
    slow = l.slow + excluded.slow, slowest = greatest(l.slowest, excluded.slowest);

-- name: forget_latencies
DELETE FROM outgrow.latencies WHERE hour < now() - interval '3 days';

-- name: latencies
-- Of the hour that runs and the one before.
SELECT kind, name, counts, slow, slowest
FROM outgrow.latencies
WHERE hour >= date_trunc('hour', now(), 'UTC') - interval '1 hour'
ORDER BY kind, name;
