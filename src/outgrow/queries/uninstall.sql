-- What Outgrow made in a database, found in the catalog alone: the blueprint of a layout may be gone.

-- name: schemas
-- Our schemas. `network` is ours where it has what we always make in it.
SELECT n.nspname::text AS name FROM pg_namespace n
WHERE n.nspname = 'outgrow'
   OR n.nspname = 'network' AND to_regclass('network.secrets') IS NOT NULL
   OR n.nspname IN (SELECT l.name FROM outgrow.layouts l)
   OR n.nspname IN (SELECT l.name || '_tables' FROM outgrow.layouts l)
ORDER BY 1;

-- name: unremembered
-- Schemas that look like ours, where the one that knows of them is gone: a blueprint's, that of its
-- tables, and the network's.
WITH ours(name) AS (
    SELECT n.nspname::text FROM pg_namespace n
    JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = 'lock_keys'
)
SELECT n.nspname::text AS name FROM pg_namespace n
WHERE n.nspname = 'network' AND to_regclass('network.secrets') IS NOT NULL
   OR n.nspname IN (SELECT name FROM ours UNION SELECT name || '_tables' FROM ours)
ORDER BY 1;

-- name: objects
-- Tables, views, sequences of their own and functions in the schemas $1.
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' WHEN 'm' THEN 'materialized view'
           WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
       n.nspname || '.' || c.relname AS name, n.nspname::text AS schema
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND c.relkind = 'S' AND d.deptype IN ('a', 'i'))
UNION ALL
SELECT 'function', n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       n.nspname::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY ($1::text[])
ORDER BY 3, 1, 2;

-- name: grown
-- What a growth has made and `grow --to initial` takes away: a phase, tables, indexes, statistics and
-- triggers of a store that is there; and growths that are not finished.
SELECT format('%s is in phase %s', l.name, l.phase) AS object FROM outgrow.layouts l
WHERE l.phase <> 'initial' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = (to_jsonb(l) ->> 'store_oid')::oid)
UNION ALL
SELECT format('%s has a table of %s', f.name, f.relation) FROM outgrow.mirrors f
JOIN outgrow.layouts l USING (name)
WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = (to_jsonb(l) ->> 'store_oid')::oid)
UNION ALL
SELECT format('lists of %s are late: %s', t.name, string_agg(t.list, ', ' ORDER BY t.list)) FROM outgrow.late_lists t
GROUP BY t.name
UNION ALL
SELECT format('a growth of %s is not finished', g.name) FROM outgrow.growths g WHERE g.ended_at IS NULL
UNION ALL
SELECT format('index %s', i.indexrelid::regclass)
FROM outgrow.layouts l JOIN pg_index i ON i.indrelid = (to_jsonb(l) ->> 'store_oid')::oid
JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relname ~ '^og_.*_[0-9a-f]{8}$'
UNION ALL
SELECT format('statistics %s', s.stxname)
FROM outgrow.layouts l JOIN pg_statistic_ext s ON s.stxrelid = (to_jsonb(l) ->> 'store_oid')::oid
WHERE s.stxname ~ '^og_.*_[0-9a-f]{8}$'
UNION ALL
SELECT format('trigger %s on %s', quote_ident(t.tgname), t.tgrelid::regclass)
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_class c ON c.oid = t.tgrelid
WHERE n.nspname = ANY ($1::text[]) AND NOT c.relnamespace::regnamespace::text = ANY ($1::text[])
ORDER BY 1;

-- name: stores_gone
-- Layouts whose store is not there any more, while tables may still hold what was in it.
SELECT l.name FROM outgrow.layouts l
WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = (to_jsonb(l) ->> 'store_oid')::oid)
  AND EXISTS (SELECT FROM outgrow.mirrors f WHERE f.name = l.name)
ORDER BY 1;

-- name: dependents
-- Objects of others that would be dropped with the schemas $1, or that others put into them.
WITH ours AS (
    SELECT oid FROM pg_namespace WHERE nspname::text = ANY ($1::text[])
), objects(classid, objid) AS (
    SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace IN (SELECT oid FROM ours)
    UNION ALL
    SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace IN (SELECT oid FROM ours)
    UNION ALL
    SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typnamespace IN (SELECT oid FROM ours)
), dependents AS (
    SELECT d.classid, d.objid, d.objsubid, CASE d.classid
        WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = d.objid)
        WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = d.objid)
        WHEN 'pg_constraint'::regclass THEN (SELECT conrelid FROM pg_constraint WHERE oid = d.objid)
        WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = d.objid)
        WHEN 'pg_policy'::regclass THEN NULL
        WHEN 'pg_class'::regclass THEN d.objid END AS relation
    FROM pg_depend d
    JOIN objects o ON o.classid = d.refclassid AND o.objid = d.refobjid
    WHERE d.deptype IN ('n', 'a')
      AND NOT EXISTS (SELECT FROM objects x WHERE x.classid = d.classid AND x.objid = d.objid)
    UNION ALL
    SELECT d.classid, d.objid, d.objsubid, NULL
    FROM pg_depend d
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid IN (SELECT oid FROM ours)
      AND d.classid NOT IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass,
                            'pg_default_acl'::regclass)
)
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) AS name
FROM dependents d
LEFT JOIN pg_class c ON c.oid = d.relation
WHERE c.oid IS NULL OR c.relnamespace NOT IN (SELECT oid FROM ours)
ORDER BY 1;

-- name: connections
-- Other sessions of Outgrow in this database.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'outgrow%';

-- name: count
SELECT count(*) FROM :"table";

-- name: lock
LOCK TABLE ONLY :"table" IN ACCESS EXCLUSIVE MODE;

-- name: orphaned_tables
-- Tables of the blueprint $1 whose store is gone. None where the table that they were made of is
-- there, by whatever name, or where triggers of any table keep them: it was restored with all that
-- was on it.
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

-- name: forget_definitions
DELETE FROM outgrow.definitions WHERE name = $1;

-- name: forget_tables
DELETE FROM outgrow.mirrors WHERE name = $1;

-- name: forget_late_lists
-- With the notes about them: their lists are gone.
WITH notes AS (DELETE FROM outgrow.late_notes WHERE name = $1)
DELETE FROM outgrow.late_lists WHERE name = $1;

-- name: end_growths
UPDATE outgrow.growths SET state = 'rolled_back', ended_at = now()
WHERE name = $1 AND ended_at IS NULL;

-- name: begin_again
-- The next growth finds nothing installed as it is to be.
UPDATE outgrow.layouts SET phase = 'initial', version = '' WHERE name = $1;
