-- What a growth reads of the catalogue, and the little it writes besides indexes. `$1` is the
-- store's oid unless a block says otherwise. Nothing here locks the store.

-- name: store
-- `$1` its schema, `$2` its name. `rows` is an estimate: null before the first ANALYZE.
SELECT c.oid, c.relkind = 'p' AS partitioned, nullif(c.reltuples, -1)::bigint AS rows,
       pg_relation_size(c.oid) / current_setting('block_size')::bigint AS blocks,
       pg_table_size(c.oid) AS table_bytes, pg_indexes_size(c.oid) AS index_bytes,
       pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AS owned,
       pg_get_userbyid(c.relowner)::text AS owner, current_user::text AS "user",
       pg_is_in_recovery() AS replica
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2;

-- name: indexes
-- Two indexes of one `signature` answer the same queries; whether they also forbid the same rows is
-- in `is_unique` and `nulls_distinct`. `needed_by` says why one must stay whatever its like.
-- `key_order`: it serves prefix scans of the key, as `key COLLATE "C"` does.
SELECT i.indexrelid AS oid, n.nspname::text AS schema, c.relname::text AS name,
       pg_relation_size(c.oid) AS bytes,
       i.indisvalid AND i.indisready AND i.indislive AS valid,
       i.indisunique AND i.indimmediate AS is_unique,
       NOT i.indnullsnotdistinct AS nulls_distinct,
       CASE WHEN i.indisprimary THEN 'the primary key'
            WHEN EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid) THEN 'a constraint'
            WHEN i.indisreplident THEN 'the replica identity'
            WHEN i.indisclustered THEN 'CLUSTER'
            WHEN c.relispartition THEN 'a partitioned index'
            WHEN EXISTS (
                SELECT FROM pg_depend d
                WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
                   OR (d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
            THEN 'an object that depends on it' END AS needed_by,
       concat_ws(' / ', m.amname, i.indnkeyatts, i.indkey, i.indcollation, i.indclass, i.indoption,
                 coalesce(pg_get_expr(i.indexprs, i.indrelid), ''),
                 coalesce(pg_get_expr(i.indpred, i.indrelid), '')) AS signature,
       pg_get_indexdef(c.oid) AS definition,
       m.amname = 'btree' AND i.indpred IS NULL AND a.attname IS NOT DISTINCT FROM 'key'
           AND i.indcollation[0] = 'pg_catalog."C"'::regcollation AND o.opcdefault AS key_order
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am m ON m.oid = c.relam
JOIN pg_opclass o ON o.oid = i.indclass[0]
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = $1
ORDER BY i.indexrelid;

-- name: statistics
SELECT n.nspname::text AS schema, e.stxname::text AS name
FROM pg_statistic_ext e
JOIN pg_namespace n ON n.oid = e.stxnamespace
WHERE e.stxrelid = $1
ORDER BY e.stxname;

-- name: builders
-- Other sessions that may be building one of the store's indexes: they hold the lock for it, which
-- VACUUM and ANALYZE take as well, but those make no index.
SELECT l.pid, a.application_name, a.state, a.xact_start
FROM pg_locks l
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = $1 AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_backend_pid()
  AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
  AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = l.pid)
  AND NOT EXISTS (SELECT FROM pg_stat_progress_analyze v WHERE v.pid = l.pid);

-- name: old_transactions
-- Those that a concurrent build would have to wait for, if they stay; the oldest first.
SELECT a.pid, a.application_name, a.state, a.xact_start
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND a.backend_type = 'client backend' AND a.xact_start < clock_timestamp() - interval '10 seconds'
ORDER BY a.xact_start
LIMIT 5;

-- name: progress
-- What the session `$1` (a pid) is doing, and the first session in its way, if there is one; this one
-- is, for the moment in which it asks in a transaction.
SELECT p.phase, p.blocks_done, b.pid, a.application_name, a.state, a.xact_start
FROM (SELECT (array_remove(pg_blocking_pids($1::integer), pg_backend_pid()))[1] AS pid) b
LEFT JOIN pg_stat_progress_create_index p ON p.pid = $1
LEFT JOIN pg_stat_activity a ON a.pid = b.pid;

-- name: claim
-- One growth of a store at a time, for as long as the session lives.
SELECT pg_try_advisory_lock(hashtext('outgrow.grow'), $1::oid::integer);

-- name: claimed_by
SELECT l.pid
FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = hashtext('outgrow.grow')::oid AND l.objid = $1 AND l.objsubid = 2;

-- name: pid
SELECT pg_backend_pid();

-- name: patient
-- A concurrent build that runs into a timeout leaves an invalid index behind; it may wait for hours
-- behind somebody's transaction, and disturbs nobody meanwhile.
SELECT set_config(s.name, '0', false)
FROM pg_settings s
WHERE s.name IN ('lock_timeout', 'statement_timeout', 'transaction_timeout',
                 'idle_session_timeout');

-- name: not_without_client
-- A growth whose process is killed ends on the server as well, soon.
SELECT set_config('client_connection_check_interval', '2s', false);

-- name: analyze
ANALYZE :"store";

-- name: record
UPDATE outgrow.layouts SET phase = $2 WHERE name = $1;

-- name: others
-- Other blueprints over the store `$2`, whose indexes are not those of the blueprint `$1`.
SELECT name FROM outgrow.layouts WHERE store = $2 AND name <> $1;
