-- What a growth reads of the catalog, and the little it writes in addition to indexes. `$1` is the
-- store's oid unless a block says otherwise. Nothing here locks the store.

-- name: store
-- `$1` its schema, `$2` its name. `rows` is an estimate: null before the first ANALYZE. `collation` is
-- that of the key, quoted; null for the database's.
SELECT c.oid, c.relkind = 'p' AS partitioned, nullif(c.reltuples, -1)::bigint AS rows,
       pg_relation_size(c.oid) / current_setting('block_size')::bigint AS blocks,
       pg_table_size(c.oid) AS table_bytes, pg_indexes_size(c.oid) AS index_bytes,
       pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE') AS owned,
       pg_get_userbyid(c.relowner)::text AS owner, current_user::text AS "user",
       pg_is_in_recovery() AS replica,
       (SELECT format('%I.%I', s.nspname, o.collname)
        FROM pg_attribute a
        JOIN pg_collation o ON o.oid = a.attcollation AND o.oid <> 'pg_catalog."default"'::regcollation
        JOIN pg_namespace s ON s.oid = o.collnamespace
        WHERE a.attrelid = c.oid AND a.attname = 'key') AS collation
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
SELECT a.pid, a.application_name, a.state, a.xact_start, NULL::text AS gid
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND a.backend_type = 'client backend' AND a.xact_start < clock_timestamp() - interval '10 seconds'
UNION ALL
SELECT 0, NULL, NULL, p.prepared, p.gid
FROM pg_prepared_xacts p
WHERE p.database = current_database() AND p.prepared < clock_timestamp() - interval '10 seconds'
ORDER BY xact_start
LIMIT 5;

-- name: progress
-- What the session `$1` (a pid) is doing, and the first session in its way, if there is one; this one
-- is, for the moment in which it asks in a transaction. A prepared transaction is no session: its pid is
-- 0, and it is found by the lock.
SELECT p.phase, p.blocks_done, p.blocks_total, b.pid, a.application_name, a.state,
       coalesce(a.xact_start, x.prepared) AS xact_start, x.gid
FROM (SELECT (array_remove(pg_blocking_pids($1::integer), pg_backend_pid()))[1] AS pid) b
LEFT JOIN pg_stat_progress_create_index p ON p.pid = $1
LEFT JOIN pg_stat_activity a ON a.pid = b.pid
LEFT JOIN LATERAL (
    SELECT x.gid, x.prepared
    FROM pg_locks w
    JOIN pg_locks h ON h.granted AND h.pid IS NULL AND h.locktype = w.locktype
      AND ROW(h.database, h.relation, h.page, h.tuple, h.transactionid)
          IS NOT DISTINCT FROM ROW(w.database, w.relation, w.page, w.tuple, w.transactionid)
    JOIN pg_locks own ON own.pid IS NULL AND own.locktype = 'transactionid'
      AND own.virtualtransaction = h.virtualtransaction
    JOIN pg_prepared_xacts x ON x.transaction = own.transactionid
    WHERE w.pid = $1 AND NOT w.granted
    LIMIT 1
) x ON b.pid = 0;

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
-- A concurrent build that runs into a timeout leaves an invalid index; it may wait for hours for
-- another transaction, and disturbs none.
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

-- name: in_the_way
-- The holders of locks on the tables or views $1 (oids) that conflict with the mode $2
-- ('ShareRowExclusiveLock', 'AccessExclusiveLock'). `taken` names the transaction, which everybody
-- may see; a lock that the same transaction holds in two readings is one that lasts. Autovacuum
-- gives way by itself.
SELECT l.virtualtransaction AS taken, l.pid, a.application_name, a.state,
  coalesce(a.xact_start, x.prepared) AS xact_start, x.gid,
  extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, x.prepared))::float8 AS age
FROM pg_locks l
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_locks own ON l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
  AND own.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_prepared_xacts x ON x.transaction = own.transactionid
WHERE l.locktype = 'relation' AND l.relation = ANY ($1::oid[]) AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.pid IS DISTINCT FROM pg_backend_pid()
  AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
  AND ($2::text = 'AccessExclusiveLock'
    OR l.mode NOT IN ('AccessShareLock', 'RowShareLock'));

-- name: brief
-- A session that waits for a strong lock makes all later ones wait: so for $1 at most, which the
-- statements below keep to.
SELECT set_config('lock_timeout', $1, true), set_config('outgrow.patience', $1, true);

-- name: vacuum_gives_way
-- Only a lock that is waited for longer than `deadlock_timeout` makes autovacuum stop, and no
-- reader or writer queues after this one.
SET LOCAL lock_timeout = '3s';
LOCK TABLE :"store" IN SHARE UPDATE EXCLUSIVE MODE;
SELECT set_config('lock_timeout', current_setting('outgrow.patience'), true);

-- name: lock_writers
LOCK TABLE :"store" IN SHARE ROW EXCLUSIVE MODE;

-- name: lock_all
LOCK TABLE :"store" IN ACCESS EXCLUSIVE MODE;

-- name: views_to_lock
SELECT set_config('outgrow.views', $1, true);

-- name: lock_views
-- All of them within `outgrow.patience` together: the first is locked while the last is waited for. LOCK TABLE would
-- lock the store behind a view as well; this changes nothing, and locks the view alone.
DO $do$
DECLARE
    until timestamptz := clock_timestamp() + current_setting('outgrow.patience')::interval;
    seen text;
    column_name text;
BEGIN
    FOR seen, column_name IN
        SELECT c.oid::regclass::text, quote_ident(a.attname)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
        WHERE c.oid::text = ANY (string_to_array(current_setting('outgrow.views'), ','))
        ORDER BY c.oid
    LOOP
        PERFORM set_config('lock_timeout', greatest(1,
            floor(extract(epoch FROM until - clock_timestamp()) * 1000))::text, true);
        EXECUTE format('ALTER VIEW %s ALTER COLUMN %s DROP DEFAULT', seen, column_name);
    END LOOP;
    PERFORM set_config('lock_timeout', current_setting('outgrow.patience'), true);
END
$do$;

-- name: oids
-- Of what is there of the names $2 in schema $1.
SELECT oid FROM pg_class
WHERE relnamespace = to_regnamespace(quote_ident($1)) AND relname::text = ANY ($2::text[]);

-- name: tables
-- What is there in the schema $1 of tables: name, oid and size.
SELECT c.relname::text AS name, c.oid, pg_table_size(c.oid) AS table_bytes,
       pg_indexes_size(c.oid) AS index_bytes
FROM pg_class c
WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind = 'r'
ORDER BY c.relname;

-- name: table_indexes
-- The valid indexes in the schema $1, by table.
SELECT t.relname::text AS "table", c.relname::text AS name
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND i.indisvalid AND NOT i.indisprimary;

-- name: followed_tables
-- The tables whose triggers call a function of schema $1: the store, and what was the store once.
SELECT DISTINCT t.tgrelid AS oid
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE p.pronamespace = to_regnamespace(quote_ident($1)) AND NOT t.tgisinternal;

-- name: schema_to_leave
SELECT set_config('outgrow.leaving', quote_ident($1), true);

-- name: leave
-- Drop all that calls the functions of the schema `outgrow.leaving`, on any table, and what it
-- calls.
DO $do$
DECLARE
    command text;
BEGIN
    FOR command IN
        SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
        FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE p.pronamespace = to_regnamespace(current_setting('outgrow.leaving'))
          AND NOT t.tgisinternal
        ORDER BY t.tgrelid
    LOOP
        EXECUTE command;
    END LOOP;
    FOR command IN
        SELECT format('DROP FUNCTION %s', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = to_regnamespace(current_setting('outgrow.leaving'))
          AND proname LIKE 'store\_%'
    LOOP
        EXECUTE command;
    END LOOP;
END
$do$;

-- name: mirrors_record
-- The table that records them, NULL where there is none. An older version calls it lifts, and what is
-- unmapped leftovers.
SELECT CASE
  WHEN to_regclass('outgrow.mirrors') IS NOT NULL THEN 'outgrow.mirrors'
  WHEN to_regclass('outgrow.lifts') IS NOT NULL THEN 'outgrow.lifts'
END;

-- name: mirrors
SELECT relation, version, state, after, upto, estimate, keys, rows,
       coalesce(to_jsonb(m) ->> 'unmapped', to_jsonb(m) ->> 'leftovers')::bigint AS unmapped, since
FROM :"mirrors" m WHERE name = $1 ORDER BY relation;

-- name: mirror
SELECT relation, version, state, after, upto, estimate, keys, rows, unmapped, since
FROM outgrow.mirrors WHERE name = $1 AND relation = $2;

-- name: mirror_begins
INSERT INTO outgrow.mirrors (name, relation, version, estimate) VALUES ($1, $2, $3, $4);

-- name: mirror_goes_to
UPDATE outgrow.mirrors SET upto = $3 WHERE name = $1 AND relation = $2;

-- name: mirror_moves
WITH owed AS (
    INSERT INTO outgrow.skipped (name, relation, key) SELECT $1, $2, unnest($6::text[])
)
UPDATE outgrow.mirrors SET after = $3, keys = keys + $4, rows = rows + $5
WHERE name = $1 AND relation = $2;

-- name: mirror_owes
-- The next keys after the one of id $3.
SELECT id, key FROM outgrow.skipped WHERE name = $1 AND relation = $2 AND id > $3
ORDER BY name, relation, id LIMIT 1000;

-- name: mirror_pays
-- The key of id $3 has been seen to.
WITH paid AS (
    DELETE FROM outgrow.skipped WHERE id = $3
)
UPDATE outgrow.mirrors SET rows = rows + $4 WHERE name = $1 AND relation = $2;

-- name: mirror_filled
UPDATE outgrow.mirrors l SET state = 'filled'
WHERE l.name = $1 AND l.relation = $2 AND NOT EXISTS (
    SELECT FROM outgrow.skipped s WHERE s.name = l.name AND s.relation = l.relation);

-- name: mirror_verified
UPDATE outgrow.mirrors SET state = 'verified', unmapped = $3
WHERE name = $1 AND relation = $2 AND state = 'filled';

-- name: mirrors_become
UPDATE outgrow.mirrors SET state = $3 WHERE name = $1 AND relation = ANY ($2);

-- name: mirror_ends
DELETE FROM outgrow.mirrors WHERE name = $1 AND relation = $2;

-- name: drop_schema
DROP SCHEMA IF EXISTS :"schema";

-- name: open_transactions
-- Those of this database that may hold a snapshot. Of other roles' sessions PostgreSQL may not tell:
-- they may hold one.
SELECT l.virtualtransaction AS taken, a.pid, a.application_name, a.state, a.xact_start
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.granted AND a.datname = current_database()
  AND a.pid <> pg_backend_pid() AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
  AND (a.backend_xmin IS NOT NULL OR a.query = '<insufficient privilege>');

-- name: plan_once
-- To plan a batch takes as long as to copy some hundred keys, and to compile it longer.
SELECT set_config('plan_cache_mode', 'force_generic_plan', false), set_config('jit', 'off', false);

-- name: commit_soon
-- A batch that a crash of the server undoes is copied again: its rows and its cursor are one
-- transaction, and later commits are on no disk either.
SELECT set_config('synchronous_commit', 'off', false);

-- name: commit_for_good
-- All that is committed from now on is on the disk, and all before it.
RESET synchronous_commit;

-- name: plan_again
-- The tables that a batch reads grow while its plan is used.
DISCARD PLANS;

-- name: growths_exist
SELECT to_regclass('outgrow.growths') IS NOT NULL;

-- name: growth
-- The growth of a blueprint that is not finished.
SELECT id, name, store, replace(from_phase, 'found', 'initial') AS from_phase,
       replace(to_phase, 'found', 'initial') AS to_phase, state, paused, postponed, rolling_back,
       max_load, (to_jsonb(g) ->> 'late_seconds')::integer AS late_seconds, pid, step, doing, waiting, seconds_left,
       error, started_at, seen_at
FROM outgrow.growths g WHERE name = $1 AND ended_at IS NULL;

-- name: growth_begins
INSERT INTO outgrow.growths (name, store, from_phase, to_phase, postponed, max_load, late_seconds, pid)
VALUES ($1, $2, $3, $4, $5, $6, $7, pg_backend_pid())
RETURNING id;

-- name: growth_goes_on
-- Perhaps to another phase than it set out for.
UPDATE outgrow.growths
SET rolling_back = CASE to_phase WHEN $2 THEN rolling_back ELSE from_phase = $2 END,
    to_phase = $2, postponed = $3, max_load = $4, late_seconds = $5, state = 'planned', paused = false, error = NULL,
    pid = pg_backend_pid(), step = '', doing = '', waiting = '', seconds_left = NULL, seen_at = now()
WHERE id = $1;

-- name: growth_seen
-- Return whether it was asked to pause, and how many other sessions are working.
WITH seen AS (
    UPDATE outgrow.growths
    SET state = 'running', step = $2, doing = $3, waiting = $4, seconds_left = $5, seen_at = now()
    WHERE id = $1 AND state IN ('planned', 'running')
    RETURNING paused
)
SELECT coalesce((SELECT paused FROM seen), false) AS paused, (
    SELECT count(*) FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.backend_type = 'client backend'
      AND a.pid NOT IN (pg_backend_pid(), $6::integer)
      AND (a.state = 'active' OR a.state IS NULL AND a.backend_xmin IS NOT NULL)
) AS load;

-- name: growth_ends
UPDATE outgrow.growths
SET state = $2, error = $3, paused = false, waiting = '', seconds_left = NULL, seen_at = now(),
    ended_at = CASE WHEN $2 IN ('switched', 'rolled_back') THEN now() END
WHERE id = $1;

-- name: growth_pauses
UPDATE outgrow.growths SET paused = $2 WHERE name = $1 AND ended_at IS NULL RETURNING id;

-- name: sample
-- Keys of the store with the sizes of their values, of about $1 percent of its blocks.
SELECT key, pg_column_size(value) AS bytes,
       CASE jsonb_typeof(value) WHEN 'array' THEN jsonb_array_length(value) ELSE 1 END AS elements
FROM :"store" TABLESAMPLE SYSTEM ($1)
WHERE key IS NOT NULL;

-- name: keys
SELECT key FROM :"store" WHERE key IS NOT NULL;

-- name: preflight
-- What may prevent tables next to the store ($1 its oid, $2 the schema of the relations).
SELECT
    has_database_privilege(current_database(), 'CREATE')
        OR has_database_privilege(session_user, current_database(), 'CREATE')
        OR coalesce(has_schema_privilege(to_regnamespace(quote_ident($2 || '_tables')), 'CREATE'), false)
        AS may_create,
    (SELECT datname FROM pg_database WHERE datname = current_database())::text AS "database",
    pg_database_size(current_database()) AS database_bytes,
    current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer
        - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
        AS free_connections,
    coalesce((SELECT NOT l.collisdeterministic
              FROM pg_attribute a JOIN pg_collation l ON l.oid = a.attcollation
              WHERE a.attrelid = $1 AND a.attname = 'key'), false) AS key_is_vague,
    c.relpersistence <> 'p' AS unlogged,
    EXISTS (SELECT FROM pg_inherits WHERE inhparent = $1) AS has_children,
    ARRAY(SELECT r.rulename::text FROM pg_rewrite r WHERE r.ev_class = $1 ORDER BY 1) AS rules,
    ARRAY(SELECT DISTINCT k.conrelid::regclass::text FROM pg_constraint k
          WHERE k.confrelid = $1 ORDER BY 1) AS referencing,
    ARRAY(SELECT p.pubname::text FROM pg_publication p
          WHERE EXISTS (SELECT FROM pg_publication_rel q WHERE q.prpubid = p.oid AND q.prrelid = $1)
             OR EXISTS (SELECT FROM pg_publication_namespace q
                        WHERE q.pnpubid = p.oid AND q.pnnspid = c.relnamespace)
          ORDER BY 1) AS publications,
    ARRAY(SELECT p.pubname::text FROM pg_publication p WHERE p.puballtables ORDER BY 1)
        AS published_whole,
    ARRAY(SELECT DISTINCT v.oid::regclass::text FROM pg_depend d
          JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
          JOIN pg_class v ON v.oid = r.ev_class
          WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND v.oid <> $1
            AND v.relnamespace = ANY (
              ARRAY[to_regnamespace('outgrow'), to_regnamespace(quote_ident($2))]) IS NOT TRUE
          ORDER BY 1) AS views,
    ARRAY(SELECT application_name || ' at ' || coalesce(client_addr::text, 'a socket')
          FROM pg_stat_replication ORDER BY 1) AS replicas
FROM pg_class c
WHERE c.oid = $1;

-- name: join_by_hash
-- For questions about a whole store: the number of its keys of one pattern is unknown, and where
-- the planner guesses one, it would read all keys again for each.
SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true),
       set_config('work_mem', '64MB', true);

-- name: called
-- What the table $1 is called now, with its schema.
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1;
