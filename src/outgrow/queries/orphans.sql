-- Tables whose store is gone. `$1` is the blueprint's name.

-- name: tables
-- None where the table that they were made of is there, by whatever name, or where triggers of any
-- table keep them: it was restored with all that was on it.
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM outgrow.layouts l
JOIN pg_namespace n ON n.nspname = l.name || '_tables'
JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r'
WHERE l.name = $1
  AND NOT EXISTS (SELECT FROM pg_class s WHERE s.oid = (to_jsonb(l) ->> 'store_oid')::oid)
  AND NOT EXISTS (
      SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
      WHERE p.pronamespace = n.oid AND NOT t.tgisinternal)
ORDER BY 2;

-- name: count
SELECT count(*) FROM :"table";

-- name: forget_definitions
DELETE FROM outgrow.definitions WHERE name = $1;

-- name: forget_tables
DELETE FROM outgrow.mirrors WHERE name = $1;

-- name: end_growths
UPDATE outgrow.growths SET state = 'rolled_back', ended_at = now()
WHERE name = $1 AND ended_at IS NULL;

-- name: begin_again
-- The next growth finds nothing installed as it is to be.
UPDATE outgrow.layouts SET phase = 'initial', version = '' WHERE name = $1;
