-- The definitions of Outgrow's objects as they were made, remembered with the transaction that
-- makes them, to be compared with the catalog later.

-- name: exist
-- Not in a database of an older version, whose table has no such column.
SELECT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass('outgrow.definitions') AND attname = 'schema' AND NOT attisdropped);

-- name: plain_names
-- Until `names_again`: every name is written with its schema. Returns the path that was.
SELECT current_setting('search_path') AS path, set_config('search_path', 'pg_catalog', true),
       set_config('quote_all_identifiers', 'off', true);

-- name: names_again
SELECT set_config('search_path', $1, true);

-- name: now
-- The tables, views and functions in the schemas $1, each with a digest of all that determines what
-- it does; and the triggers, of any table, that call one of these functions. $2 is the oid of the
-- store, whose name is in no digest: it may change. `made` is the transaction that changed the
-- object last.
WITH schema AS (
    SELECT oid, nspname::text AS name FROM pg_namespace WHERE nspname::text = ANY ($1::text[])
), found AS (
    SELECT n.name AS schema, 'function ' || p.oid::regprocedure::text AS object, p.xmin::text AS made,
           p.prosrc AS source, jsonb_build_array(pg_get_function_sqlbody(p.oid), l.lanname, p.prokind::text,
               p.prosecdef, p.proconfig, p.provolatile::text, p.proisstrict, p.proretset,
               pg_get_function_result(p.oid), pg_get_function_arguments(p.oid)) AS definition
    FROM schema n
    JOIN pg_proc p ON p.pronamespace = n.oid
    JOIN pg_language l ON l.oid = p.prolang
    UNION ALL
    SELECT n.name, 'view ' || c.oid::regclass::text, r.xmin::text, '',
           jsonb_build_array(pg_get_viewdef(c.oid), c.reloptions,
               (SELECT count(*) FROM pg_rewrite w WHERE w.ev_class = c.oid))
    FROM schema n
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'v'
    JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
    UNION ALL
    SELECT n.name, 'table ' || c.oid::regclass::text, c.xmin::text, '',
           jsonb_build_array(c.relpersistence::text, c.relrowsecurity, c.relforcerowsecurity,
               ARRAY(SELECT w.rulename FROM pg_rewrite w WHERE w.ev_class = c.oid ORDER BY 1),
               ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
                     WHERE k.conrelid = c.oid AND k.contype <> 'n' ORDER BY 1),
               ARRAY(SELECT concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                         a.attnotnull, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid))
                     FROM pg_attribute a
                     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                     ORDER BY a.attnum))
    FROM schema n
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
    WHERE n.name <> 'outgrow'
    UNION ALL
    SELECT n.name,
           'trigger ' || quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass::text, t.xmin::text, '',
           jsonb_build_array(t.tgtype, t.tgenabled::text, t.tgattr::text, t.tgdeferrable,
               t.tginitdeferred, t.tgoldtable, t.tgnewtable, t.tgfoid::regproc::text,
               split_part(pg_get_triggerdef(t.oid), ' FOR EACH ', 2))
    FROM schema n
    JOIN pg_proc p ON p.pronamespace = n.oid
    JOIN pg_trigger t ON t.tgfoid = p.oid
    WHERE NOT t.tgisinternal
)
SELECT f.schema, replace(f.object, store.name, 'the store') AS object, f.made,
       md5(f.source || replace(f.definition::text, store.in_json, 'the store')) AS digest
FROM found f
CROSS JOIN (
    SELECT s.name, substr(to_jsonb(s.name)::text, 2, length(to_jsonb(s.name)::text) - 2) AS in_json
    FROM (SELECT coalesce((SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = $2::oid),
                          'no store') AS name) s
) store
ORDER BY 1, 2;

-- name: remembered
SELECT schema, object, digest, made, server FROM outgrow.definitions
WHERE name = $1 AND schema = ANY ($2::text[])
ORDER BY schema, object;

-- name: remember
-- `$3` schemas, `$4` objects and `$5` digests, of one length, which this transaction has made.
INSERT INTO outgrow.definitions (name, schema, object, digest, made, server)
SELECT $1, d.schema, d.object, d.digest, $2, current_setting('server_version_num')::integer / 10000
FROM unnest($3::text[], $4::text[], $5::text[]) AS d (schema, object, digest)
ON CONFLICT (name, schema, object) DO UPDATE
SET digest = excluded.digest, made = excluded.made, server = excluded.server;

-- name: forget
-- `$2` schemas and `$3` objects, which this transaction has taken away.
DELETE FROM outgrow.definitions d
USING unnest($2::text[], $3::text[]) AS gone (schema, object)
WHERE d.name = $1 AND d.schema = gone.schema AND d.object = gone.object;

-- name: transaction
SELECT pg_current_xact_id()::xid::text;

-- name: server
SELECT current_setting('server_version_num')::integer / 10000;

-- name: trust
-- The tables were compared with the store: what was changed before is of no consequence any more.
-- `$3` objects, `$4` the transactions that changed them, and `$5` digests.
UPDATE outgrow.definitions d
SET made = now.made, digest = now.digest, server = current_setting('server_version_num')::integer / 10000
FROM unnest($3::text[], $4::text[], $5::text[]) AS now (object, made, digest)
WHERE d.name = $1 AND d.schema = $2 AND d.object = now.object;

-- name: doubt
-- The functions that make the tables of schema $2 were changed: the tables are to be compared.
UPDATE outgrow.definitions SET made = '' WHERE name = $1 AND schema = $2;
