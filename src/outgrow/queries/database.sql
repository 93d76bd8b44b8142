-- Statements that the pool itself sends.

-- name: settings
-- The settings of every session of ours, whatever the role or the database is set to. Planning a
-- relation over the store costs more than running it, and JIT would add to that. PostgreSQL's texts
-- of types and definitions are compared, and must not depend on a setting for quotes. (The setting
-- that forbids views is not in every minor version.)
SET search_path = public, pg_temp;
SET jit = off;
SET quote_all_identifiers = off;
SET row_security = off;
SET idle_in_transaction_session_timeout = '60s';
SELECT CASE WHEN current_setting('restrict_nonsystem_relation_kind', true) <> ''
    THEN set_config('restrict_nonsystem_relation_kind', '', false) END;

-- name: generic_plans
SET plan_cache_mode = force_generic_plan;

-- name: only_catalog
-- All our names have their schema. So no function or operator that others made in `public` is taken
-- for one of PostgreSQL's, because it fits the arguments better.
SET search_path = pg_catalog, pg_temp;

-- name: for_commands
-- They take as long as they take, and sort in memory what would be little on a disk, of which a role
-- may have none (temp_file_limit); who serves keeps to what an operator has set.
SET statement_timeout = 0;
SET idle_session_timeout = 0;
SELECT CASE WHEN current_setting('transaction_timeout', true) <> '0'
    THEN set_config('transaction_timeout', '0', false) END;
SELECT CASE WHEN pg_size_bytes(current_setting('work_mem')) < pg_size_bytes('16MB')
    THEN set_config('work_mem', '16MB', false) END;

-- name: local_settings
-- The same for one transaction, where sessions are shared.
SET LOCAL search_path = public, pg_temp;
SET LOCAL jit = off;
SET LOCAL quote_all_identifiers = off;
SET LOCAL row_security = off;
SET LOCAL idle_in_transaction_session_timeout = '60s';
SELECT CASE WHEN current_setting('restrict_nonsystem_relation_kind', true) <> ''
    THEN set_config('restrict_nonsystem_relation_kind', '', true) END;

-- name: no_hurry
-- Until the end of the transaction no timeout ends it; it waits for a lock as long as it takes.
SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true),
    CASE WHEN current_setting('transaction_timeout', true) <> '0'
        THEN set_config('transaction_timeout', '0', true) END;

-- name: pid
SELECT pg_backend_pid();

-- name: runs_in
-- A row where the server's session is this one.
SELECT WHERE pg_backend_pid() = :pid;

-- name: plan_for_parameters
-- Until the end of the transaction.
SET LOCAL plan_cache_mode = force_custom_plan;

-- name: role
-- The role that is connected, and the owner of what Outgrow keeps here, if it is here.
SELECT current_user::text AS name, (
  SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'outgrow') AS owner;

-- name: hidden_from
-- The roles from which row-level security hides rows of the table $1 (a quoted name), or of one
-- that the text $2 names: ours, or the owner of our views and triggers of it, with whose rights
-- PostgreSQL runs these.
SELECT c.oid::regclass::text AS name, pg_get_userbyid(c.relowner)::text AS owner,
       r.rolname::text AS role, c.relforcerowsecurity AS is_forced,
       pg_has_role(r.oid, c.relowner, 'USAGE') AS owns, r.rolname = session_user AS is_connected
FROM pg_class c
CROSS JOIN pg_roles r
WHERE c.relrowsecurity
  AND (c.oid = to_regclass($1::text) OR position(c.relname::text IN $2::text) > 0)
  AND NOT (r.rolsuper OR r.rolbypassrls)
  AND (c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE'))
  AND (r.rolname = current_user OR r.oid IN (
    SELECT v.relowner
    FROM pg_depend d
    JOIN pg_rewrite w ON w.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_class v ON v.oid = w.ev_class AND v.relkind = 'v'
    JOIN pg_proc p ON p.pronamespace = v.relnamespace AND p.proname = 'lock_keys'
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
    UNION ALL
    SELECT p.proowner FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.prosecdef
    WHERE t.tgrelid = c.oid AND t.tgname LIKE 'outgrow\_%'))
ORDER BY r.rolname = current_user DESC, length(c.relname) DESC
LIMIT 1;

-- name: hold
SELECT FROM ONLY :"store";

-- name: lock_definition
-- Until the end of the transaction rows can be read and written, and no index, statistics, trigger, rule,
-- default, constraint or partition comes to the table. Waits for VACUUM, and for others who do this.
LOCK TABLE :"store" IN SHARE UPDATE EXCLUSIVE MODE;

-- name: may_be_locked
-- A row where we are a superuser, and the owner of the table $2 in schema $1 is not.
SELECT FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_roles r ON r.oid = c.relowner
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') AND NOT r.rolsuper
  AND NOT pg_is_in_recovery()
  AND EXISTS (SELECT FROM pg_roles WHERE rolsuper AND rolname IN (session_user, current_user));

-- name: held
-- The object named `$2` in schema `$1`. `is_strange`: we are a superuser and its owner is not.
-- `is_fixed`: we have locked its definition before this transaction's snapshot, if it has only one.
-- `is_loose`: that cannot be done, or the schema's owner is no superuser either and could exchange
-- the object for another one. `is_trapped`: it is strange, and PostgreSQL evaluates functions,
-- operators or types of roles that are no superusers when it plans a query of it or of its
-- partitions (expressions of indexes, statistics, partitions and CHECK constraints) or casts its
-- columns; or one of these is a foreign table. Where we want to write (`$3`), this includes rules
-- and triggers, the types of all columns and the domains, whose constraints are evaluated then, and
-- those of PostgreSQL's own functions that a default or constraint calls which may run SQL
-- (query_to_xml) or read files: they depend on nothing, and are found by their numbers. Immutable
-- ones do neither.
WITH RECURSIVE part(oid) AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2
    UNION
    SELECT i.inhrelid FROM pg_inherits i JOIN part p ON p.oid = i.inhparent
), evaluated(classid, objid, is_column, expression) AS (
    SELECT 'pg_class'::regclass, oid, true, '' FROM part
    UNION ALL
    SELECT 'pg_class'::regclass, indexrelid, false, '' FROM pg_index JOIN part ON oid = indrelid
    UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid, false, ''
        FROM pg_statistic_ext s JOIN part p ON p.oid = s.stxrelid
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid, false, k.conbin::text
        FROM pg_constraint k JOIN part p ON p.oid = k.conrelid WHERE k.contype = 'c'
    UNION ALL SELECT 'pg_attrdef'::regclass, a.oid, false, a.adbin::text
        FROM pg_attrdef a JOIN part p ON p.oid = a.adrelid WHERE $3
), strange(classid, objid, owner) AS (
    SELECT 'pg_proc'::regclass, oid, proowner FROM pg_proc
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprowner FROM pg_operator
    UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typowner FROM pg_type t
        LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
        LEFT JOIN pg_roles r ON r.oid = b.typowner
        WHERE $3 OR NOT (t.typtype = 'd' AND b.typtype <> 'd' AND r.rolsuper)
), called(oid) AS (
    SELECT (regexp_matches(e.expression, ':funcid (\d+)', 'g'))[1]::oid FROM evaluated e WHERE $3
)
SELECT c.relkind::text AS kind, pg_get_userbyid(c.relowner)::text AS owner,
    me.is_strange,
    me.is_strange AND me.is_fixed AS is_fixed,
    me.is_strange AND (NOT s.rolsuper OR pg_is_in_recovery()
        OR NOT me.is_fixed AND current_setting('transaction_isolation') <> 'read committed') AS is_loose,
    me.is_strange AND (EXISTS (
        SELECT FROM part JOIN pg_class p USING (oid)
        WHERE p.relkind = 'f' OR $3 AND (p.relhasrules OR EXISTS (
            SELECT FROM pg_trigger t WHERE t.tgrelid = p.oid AND NOT t.tgisinternal))
    ) OR EXISTS (
        SELECT FROM evaluated e
        JOIN pg_depend d ON d.classid = e.classid AND d.objid = e.objid
        JOIN strange s ON s.classid = d.refclassid AND s.objid = d.refobjid
        JOIN pg_roles o ON o.oid = s.owner AND NOT o.rolsuper
        LEFT JOIN pg_attribute a ON e.is_column AND a.attrelid = d.objid AND a.attnum = d.objsubid
            AND d.objsubid > 0
        WHERE $3 OR NOT e.is_column OR d.objsubid = 0 OR a.attname IN ('key', 'value')
    ) OR EXISTS (
        SELECT FROM called JOIN pg_proc f USING (oid)
        WHERE f.provolatile <> 'i' AND NOT (f.pronamespace = 'pg_catalog'::regnamespace
            AND f.proname IN ('now', 'statement_timestamp', 'transaction_timestamp', 'clock_timestamp',
                'timezone', 'date_trunc', 'date_part', 'extract', 'date', 'time', 'timestamp',
                'timestamptz', 'to_char', 'random', 'nextval', 'gen_random_uuid', 'uuidv4', 'uuidv7'))
    )) AS is_trapped
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_roles r ON r.oid = c.relowner
JOIN pg_database b ON b.datname = current_database()
JOIN pg_roles s ON s.oid = CASE WHEN n.nspowner = 'pg_database_owner'::regrole THEN b.datdba
    ELSE n.nspowner END
CROSS JOIN LATERAL (SELECT
    NOT r.rolsuper AND (
        SELECT bool_or(rolsuper) FROM pg_roles WHERE rolname IN (session_user, current_user)
    ) AS is_strange,
    EXISTS (
        SELECT FROM pg_locks l
        WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation = c.oid
          AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
    ) AS is_fixed) me
WHERE n.nspname = $1 AND c.relname = $2;

-- name: strangers
-- The owners of our schemas, or of something in them: for a superuser any role that is not one, for
-- others roles that they are not members of. (Only a member of pg_read_all_data can read them
-- otherwise.)
SELECT n.nspname::text AS name, r.rolname::text AS owner, me.rolsuper AS is_superuser
FROM pg_roles me, pg_namespace n
JOIN pg_roles r ON NOT r.rolsuper AND (r.oid = n.nspowner
    OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relowner = r.oid))
WHERE me.rolname = session_user
  AND (n.nspname = 'outgrow' OR n.nspname = 'network' AND EXISTS (
      SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'secrets'))
  AND (me.rolsuper OR NOT pg_has_role(me.oid, r.oid, 'MEMBER')
       AND NOT pg_has_role(me.oid, 'pg_read_all_data'::regrole, 'MEMBER'))
LIMIT 1;
