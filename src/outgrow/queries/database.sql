-- What the pool itself says to the server.

-- name: settings
-- What every session of ours has. Planning a relation over the store costs more than running it, and
-- JIT would add to that. What PostgreSQL says of types and definitions is compared, and must not depend
-- on somebody's taste for quotes.
SET jit = off;
SET quote_all_identifiers = off;
SET row_security = off;
SET idle_in_transaction_session_timeout = '60s';

-- name: generic_plans
SET plan_cache_mode = force_generic_plan;

-- name: local_settings
-- The same for one transaction, where sessions are shared.
SET LOCAL jit = off;
SET LOCAL quote_all_identifiers = off;
SET LOCAL row_security = off;
SET LOCAL idle_in_transaction_session_timeout = '60s';

-- name: pid
SELECT pg_backend_pid();

-- name: runs_in
-- A row where the server's session is this one.
SELECT WHERE pg_backend_pid() = :pid;

-- name: plan_for_parameters
-- Until the end of the transaction.
SET LOCAL plan_cache_mode = force_custom_plan;

-- name: role
-- As whom we are connected, and who made what Outgrow keeps here, if it is here.
SELECT current_user::text AS name, (
  SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'outgrow') AS owner;

-- name: hidden_from
-- From whom row-level security hides rows of the table $1 (a quoted name), or of one that the text $2
-- names: from us, or from the owner of our views and triggers of it, as whom PostgreSQL runs these.
SELECT c.oid::regclass::text AS name, pg_get_userbyid(c.relowner)::text AS owner,
       r.rolname::text AS role, c.relforcerowsecurity AS is_forced,
       pg_has_role(r.oid, c.relowner, 'USAGE') AS owns
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
