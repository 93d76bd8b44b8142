-- The health and safety of a key-value table by the catalog. Only reads, and needs no superuser.
-- `$1` is the table's oid unless a block says otherwise.

-- name: table
-- `$1` its schema, `$2` its name. Sizes are of all partitions, where it has some; `rows` is an estimate,
-- null before the first ANALYZE. `key_order`: the key's own collation is the order of its bytes.
SELECT c.oid, c.relkind::text AS kind, c.relpersistence = 'u' AS unlogged, nullif(s.rows, -1)::bigint AS rows,
       s.heap_pages::bigint AS heap_pages, current_setting('block_size')::integer AS block_size,
       s.heap_bytes::bigint AS heap_bytes, s.toast_bytes::bigint AS toast_bytes,
       s.index_bytes::bigint AS index_bytes, greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS xid_age,
       c.relrowsecurity AS row_security, c.relforcerowsecurity AS row_security_forced,
       c.relowner AS owner_oid, pg_get_userbyid(c.relowner)::text AS owner, n.oid AS schema_oid,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
                 AND i.indpred IS NULL AND i.indkey::text = k.attnum::text) AS key_unique,
       format_type(k.atttypid, k.atttypmod) AS key_type,
       CASE WHEN l.collprovider = 'd' THEN d.datlocprovider = 'b'
                 OR d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX')
            ELSE l.collprovider = 'b' OR l.collprovider = 'c' AND l.collcollate IN ('C', 'POSIX')
       END AS key_order,
       (SELECT stats_reset FROM pg_stat_database WHERE datid = d.oid) AS counted_since,
       pg_postmaster_start_time() AS started, now() AS now
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_database d ON d.datname = current_database()
LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname = 'key'
LEFT JOIN pg_collation l ON l.oid = k.attcollation
CROSS JOIN LATERAL (
    SELECT CASE WHEN bool_or(p.reltuples < 0) THEN -1 ELSE sum(p.reltuples) END AS rows,
           sum(p.relpages) AS heap_pages, sum(pg_relation_size(p.oid)) AS heap_bytes,
           sum(pg_table_size(p.oid) - pg_relation_size(p.oid)) AS toast_bytes,
           sum(pg_indexes_size(p.oid)) AS index_bytes
    FROM pg_class p
    WHERE p.relkind <> 'p' AND (p.oid = c.oid OR p.oid IN (
        SELECT relid FROM pg_partition_tree(c.oid)))
) s
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p');

-- name: activity
-- Counted since the statistics were reset.
SELECT a.n_live_tup AS live, a.n_dead_tup AS dead, a.n_mod_since_analyze AS changed,
       a.n_ins_since_vacuum AS inserted, greatest(a.last_vacuum, a.last_autovacuum) AS vacuumed,
       greatest(a.last_analyze, a.last_autoanalyze) AS analyzed,
       b.heap_blks_hit + coalesce(b.idx_blks_hit, 0) + coalesce(b.toast_blks_hit, 0)
           + coalesce(b.tidx_blks_hit, 0) AS hit,
       b.heap_blks_read + coalesce(b.idx_blks_read, 0) + coalesce(b.toast_blks_read, 0)
           + coalesce(b.tidx_blks_read, 0) AS read
FROM pg_stat_all_tables a
JOIN pg_statio_all_tables b USING (relid)
WHERE a.relid = $1;

-- name: options
-- What steers autovacuum: the server's settings, and those that the table has instead.
SELECT s.name, coalesce(o.option_value, s.setting) AS value, o.option_value IS NOT NULL AS own
FROM pg_settings s
LEFT JOIN (
    SELECT CASE option_name WHEN 'autovacuum_enabled' THEN 'autovacuum' ELSE option_name END AS name,
           option_value
    FROM pg_options_to_table((SELECT reloptions FROM pg_class WHERE oid = $1))
) o ON o.name = s.name
WHERE s.name LIKE 'autovacuum%' OR s.name IN ('track_counts');

-- name: widths
-- The average width in the table of each of its columns, as ANALYZE saw it; nothing of a column that one
-- may not read. What lies in TOAST counts as the pointer that stands for it.
SELECT a.attnum::integer AS column, s.avg_width AS width, s.null_frac AS empty
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
    AND s.inherited = (c.relkind = 'p')
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: index_use
-- Scans are of this server alone: those of its replicas are counted there. `columns` is empty where the
-- index has an expression. `prefixes`: it serves LIKE 'prefix%' on the key in any collation.
SELECT i.indexrelid AS oid, coalesce(s.idx_scan, 0) AS scans,
       (to_jsonb(s) ->> 'last_idx_scan')::timestamptz AS last_scan, c.relpages AS pages,
       nullif(c.reltuples, -1)::bigint AS rows, m.amname::text AS method,
       coalesce((SELECT option_value FROM pg_options_to_table(c.reloptions)
                 WHERE option_name = 'fillfactor')::integer, 90) AS fillfactor,
       CASE WHEN i.indexprs IS NULL THEN i.indkey::smallint[]::integer[] ELSE '{}' END AS columns,
       i.indpred IS NOT NULL AS partial,
       m.amname = 'btree' AND i.indpred IS NULL AND a.attname IS NOT DISTINCT FROM 'key'
           AND (o.opcname LIKE '%pattern_ops'
             OR i.indcollation[0] IN (SELECT oid FROM pg_collation
                                      WHERE collname IN ('C', 'POSIX', 'ucs_basic'))) AS prefixes
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
JOIN pg_opclass o ON o.oid = i.indclass[0]
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
LEFT JOIN pg_stat_all_indexes s ON s.indexrelid = i.indexrelid
WHERE i.indrelid = $1;

-- name: statements_at
-- The schema of the extension, where the database has it.
SELECT n.nspname::text
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements';

-- name: statements
-- The slowest statements with the word `$1`, of this database; times in milliseconds. `hidden` counts
-- those of other roles, whose texts one may not read.
SELECT s.query, s.calls, s.mean_exec_time AS mean, s.max_exec_time AS slowest, s.total_exec_time AS total,
       s.rows, count(*) FILTER (WHERE s.query = '<insufficient privilege>') OVER () AS hidden
FROM :"statements" s
WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (s.query ~ ('\m' || regexp_replace($1, '\W', '\\\&', 'g') || '\M')
    OR s.query = '<insufficient privilege>')
ORDER BY s.query = '<insufficient privilege>', s.mean_exec_time DESC
LIMIT $2;

-- name: strangers
-- Roles that stand for unknown people: PUBLIC, and those of hosted services by their names.
-- `granted` tells what they may do with the table, `usage` whether they reach it at all.
SELECT r.name, r.oid IS NULL AS everybody, r.bypasses,
       has_schema_privilege(r.name, $2::oid, 'USAGE') AS usage,
       ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH
             ORDINALITY AS x(p, n) WHERE has_table_privilege(r.name, $1::oid, p)
             OR p IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(r.name, $1::oid, p)
             ORDER BY n) AS granted,
       coalesce((SELECT has_column_privilege(r.name, $1::oid, a.attnum, 'SELECT') FROM pg_attribute a
                 WHERE a.attrelid = $1::oid AND a.attname = 'value'), false) AS reads_value
FROM (
    SELECT 'public' AS name, NULL::oid AS oid, false AS bypasses
    UNION ALL
    SELECT rolname::text, oid, rolsuper OR rolbypassrls FROM pg_roles
    WHERE rolname IN ('anon', 'authenticated')
) r
ORDER BY r.oid NULLS FIRST, r.name;

-- name: grantees
-- All other roles with a grant on the table, columns included.
SELECT g.grantee::regrole::text AS name, r.rolcanlogin AS signs_in, r.rolsuper OR r.rolbypassrls AS bypasses,
       array_agg(DISTINCT g.privilege_type ORDER BY g.privilege_type) AS granted
FROM (
    SELECT (aclexplode(relacl)).* FROM pg_class WHERE oid = $1
    UNION ALL
    SELECT (aclexplode(attacl)).* FROM pg_attribute WHERE attrelid = $1 AND attacl IS NOT NULL
) g
JOIN pg_roles r ON r.oid = g.grantee
WHERE r.oid <> (SELECT relowner FROM pg_class WHERE oid = $1)
  AND r.rolname NOT IN ('anon', 'authenticated')
GROUP BY 1, 2, 3
ORDER BY 1;

-- name: policies
-- `everybody` and `roles` tell for whom; `always` that the condition lets every row through.
SELECT p.polname::text AS name, p.polcmd::text AS command, p.polpermissive AS permissive,
       0 = ANY (p.polroles) AS everybody,
       ARRAY(SELECT rolname::text FROM pg_roles WHERE oid = ANY (p.polroles)) AS roles,
       coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') = 'true' AS always
FROM pg_policy p
WHERE p.polrelid = $1
ORDER BY p.polname;

-- name: default_grants
-- What roles that make tables here grant on them by default, to strangers (see `strangers`).
SELECT d.defaclrole::regrole::text AS maker, n.nspname::text AS schema,
       coalesce(r.rolname::text, 'public') AS name,
       array_agg(DISTINCT g.privilege_type ORDER BY g.privilege_type) AS granted
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL aclexplode(d.defaclacl) g
LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, $1)
  AND (g.grantee = 0 OR r.rolname IN ('anon', 'authenticated'))
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

-- name: views_open
-- Views over the table that read it as their owner, from whom row-level security may hide nothing,
-- and that a stranger may read.
SELECT n.nspname || '.' || v.relname AS view, r.name, v.relkind = 'm' AS stored
FROM (
    SELECT DISTINCT w.ev_class AS oid
    FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjid = $1::oid AND w.ev_class <> $1::oid
) x
JOIN pg_class v ON v.oid = x.oid AND v.relkind IN ('v', 'm')
JOIN pg_namespace n ON n.oid = v.relnamespace
CROSS JOIN (
    SELECT 'public' AS name
    UNION ALL SELECT rolname::text FROM pg_roles WHERE rolname IN ('anon', 'authenticated')
) r
WHERE has_table_privilege(r.name, v.oid, 'SELECT')
  AND has_schema_privilege(r.name, v.relnamespace, 'USAGE')
  AND NOT coalesce((SELECT option_value::boolean FROM pg_options_to_table(v.reloptions)
                    WHERE option_name = 'security_invoker'), false)
ORDER BY 1, 2;

-- What a person may do about it: never run from here. Each is told with its names put in.

-- name: remedy_drop_index
DROP INDEX CONCURRENTLY :"index";

-- name: remedy_rebuild_index
REINDEX INDEX CONCURRENTLY :"index";

-- name: remedy_prefix_index
CREATE INDEX CONCURRENTLY ON :"store" (key COLLATE "C");

-- name: remedy_unique_key
CREATE UNIQUE INDEX CONCURRENTLY ON :"store" (key);

-- name: remedy_logged
ALTER TABLE :"store" SET LOGGED;

-- name: remedy_autovacuum
ALTER TABLE :"store" RESET (autovacuum_enabled);

-- name: remedy_vacuum
VACUUM (ANALYZE) :"store";

-- name: remedy_freeze
VACUUM (FREEZE) :"store";

-- name: remedy_analyze
ANALYZE :"store";

-- name: remedy_row_security
ALTER TABLE :"store" ENABLE ROW LEVEL SECURITY;

-- name: remedy_revoke
REVOKE ALL ON :"store" FROM :"role";

-- name: remedy_revoke_public
REVOKE ALL ON :"store" FROM PUBLIC;

-- name: remedy_policy
DROP POLICY :"policy" ON :"store";

-- name: remedy_close_view
REVOKE ALL ON :"view" FROM :"role";

-- name: remedy_close_view_to_all
REVOKE ALL ON :"view" FROM PUBLIC;

-- name: remedy_invoker
ALTER VIEW :"view" SET (security_invoker = true);
