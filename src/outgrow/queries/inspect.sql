-- What `outgrow inspect` reads of a key-value table: everything, several times, in one snapshot.
-- :"store" is the table. A key may be of another type than text, a value json or text.

-- name: in_order
-- A scan may begin where another one is, in the middle: the next inspection would keep other examples.
SET LOCAL synchronize_seqscans = off;

-- name: rows
SELECT key::text AS key, value::text AS value FROM :"store" WHERE key IS NOT NULL;

-- name: sampled
-- $1 per cent of the table's blocks, the same ones each time.
SELECT key::text AS key, value::text AS value
FROM :"store" TABLESAMPLE SYSTEM ($1) REPEATABLE (1)
WHERE key IS NOT NULL;

-- name: keys
SELECT key::text AS key FROM :"store" WHERE key IS NOT NULL;

-- name: some
SELECT key::text AS key, value::text AS value FROM :"store" WHERE key::text = ANY ($1::text[]);

-- name: count
SELECT count(*) FROM :"store";

-- name: types
-- Of its two columns, and the server's version; no row where the table is empty.
SELECT pg_typeof(key)::text AS key, pg_typeof(value)::text AS value,
       current_setting('server_version_num')::integer / 10000 AS version
FROM :"store" LIMIT 1;
