-- The key-value API, on the store itself. :"store" is the table, :"order" the collation that keys
-- are put in order by: "C", or "default" where that is the same order and the primary key serves.

-- name: create
CREATE TABLE IF NOT EXISTS :"store" (key text NOT NULL PRIMARY KEY, value jsonb NOT NULL);

-- name: get
SELECT value::text FROM :"store" WHERE key = $1;

-- name: mget
SELECT key, value::text AS value FROM :"store" WHERE key = ANY ($1::text[]);

-- name: mset
-- One statement for one key and for 10,000; the caller sorts the keys, so that two calls lock the
-- rows in the same order.
INSERT INTO :"store" (key, value)
SELECT given.key, given.value::jsonb
FROM unnest($1::text[], $2::text[]) AS given (key, value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: mdel
-- Locks in key order what it deletes, and deletes only that: a row which somebody put there since
-- this statement began would have to be locked out of turn, and two such calls would deadlock.
WITH locked AS MATERIALIZED (
    SELECT key FROM :"store" WHERE key = ANY ($1::text[]) ORDER BY key COLLATE "C" FOR UPDATE
)
DELETE FROM :"store" AS stored USING locked WHERE stored.key = locked.key;

-- name: append
-- ON CONFLICT DO UPDATE locks the newest version of the row and patches that one, so nothing that
-- was written between is lost. It answers no row when the value is not an array.
INSERT INTO :"store" AS stored (key, value) VALUES ($1, jsonb_build_array($2::text::jsonb))
ON CONFLICT (key) DO UPDATE SET value = stored.value || excluded.value
WHERE jsonb_typeof(stored.value) = 'array'
RETURNING true;

-- name: add_to_set
-- As append; no row either when an equal element is there. The row is locked in any case.
INSERT INTO :"store" AS stored (key, value) VALUES ($1, jsonb_build_array($2::text::jsonb))
ON CONFLICT (key) DO UPDATE SET value = stored.value || excluded.value
WHERE CASE WHEN jsonb_typeof(stored.value) = 'array' THEN NOT EXISTS (
    SELECT FROM jsonb_array_elements(stored.value) AS element WHERE element = excluded.value -> 0
) ELSE false END
RETURNING true;

-- name: remove
-- A concurrent change makes PostgreSQL evaluate the condition and the new value again, on the new
-- version of the row.
UPDATE :"store" AS stored SET value = (
    SELECT coalesce(jsonb_agg(element ORDER BY place), '[]')
    FROM jsonb_array_elements(stored.value) WITH ORDINALITY AS listed (element, place)
    WHERE element <> $2::text::jsonb
)
WHERE key = $1
AND CASE WHEN jsonb_typeof(stored.value) = 'array' THEN EXISTS (
    SELECT FROM jsonb_array_elements(stored.value) AS element WHERE element = $2::text::jsonb
) ELSE false END
RETURNING true;

-- name: kind
-- No row, or 'nothing' for SQL's NULL.
SELECT coalesce(jsonb_typeof(value), 'nothing') FROM :"store" WHERE key = $1;

-- name: scan
-- At most $2 keys (null: all), from the key $1 on, or behind it; in front of the key $3.
SELECT key, value::text AS value
FROM :"store"
WHERE key COLLATE :"order" >= $1
  AND key COLLATE :"order" > $1 --? behind
  AND key COLLATE :"order" < $3 --? below
  AND $3::text IS NULL --! below
ORDER BY key COLLATE :"order"
LIMIT $2::bigint;

-- name: order
SELECT CASE WHEN datlocprovider = 'b' OR datlocprovider = 'c' AND datcollate IN ('C', 'POSIX')
    THEN 'default' ELSE 'C' END
FROM pg_catalog.pg_database WHERE datname = current_database();

-- name: estimate
SELECT reltuples::bigint FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass($1);

-- name: patient
-- The other end of a pipe may take its time.
SET LOCAL idle_in_transaction_session_timeout = 0;
