-- Who owns the store and what Outgrow keeps beside it, and how the latter comes to the former.

-- name: find
-- The owner of the table `$1`.`$2`; `may_act`: we are somebody else, and may become the owner, which
-- PostgreSQL 15 allows to every member of a role.
SELECT pg_get_userbyid(c.relowner)::text AS owner,
       pg_get_userbyid(c.relowner) <> current_user AND pg_has_role(session_user, c.relowner,
           CASE WHEN current_setting('server_version_num')::integer >= 160000
                THEN 'SET' ELSE 'MEMBER' END) AS may_act,
       pg_get_userbyid(c.relowner) = current_user AS is_owner,
       has_database_privilege(c.relowner, current_database(), 'CREATE') AS may_create,
       (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS is_superuser,
       (SELECT rolsuper FROM pg_roles WHERE oid = c.relowner) AS owner_is_superuser
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2;

-- name: foreign
-- The schemas of the blueprint `$1` in which something, or which themselves, belong to another role
-- than `$2`: schemas that Outgrow made, as something in them shows, and whatever is called so where
-- that role is no superuser, for whoever owns a schema can exchange what is made in it. '' for
-- statistics that a superuser made of a table of `$2`.
SELECT n.nspname::text AS name, r.rolname::text AS owner, r.rolsuper AS is_superuser
FROM pg_namespace n
JOIN pg_roles r ON r.rolname <> $2 AND (r.oid = n.nspowner
    OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relowner = r.oid)
    OR EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND p.proowner = r.oid))
WHERE NOT r.rolsuper AND n.nspname = ANY (ARRAY['outgrow', $1::text, $1 || '_tables',
           CASE WHEN $1 = 'campus' THEN 'network' END])
   OR n.nspname = 'outgrow' AND EXISTS (
           SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'layouts')
   OR n.nspname = 'network' AND $1 = 'campus' AND EXISTS (
           SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'secrets')
   OR n.nspname IN ($1, $1 || '_tables') AND EXISTS (
       SELECT FROM pg_proc p
       WHERE p.pronamespace = to_regnamespace(quote_ident($1)) AND p.proname = 'lock_keys')
UNION ALL
SELECT DISTINCT '', r.rolname::text, true
FROM pg_statistic_ext s
JOIN pg_class c ON c.oid = s.stxrelid AND pg_get_userbyid(c.relowner) = $2
JOIN pg_roles r ON r.oid = s.stxowner AND r.rolname <> $2 AND r.rolsuper
WHERE s.stxname LIKE 'og\_%'
ORDER BY is_superuser, name;

-- name: owners_of_stores
-- Of all stores that something is installed over.
SELECT DISTINCT pg_get_userbyid(c.relowner)::text
FROM outgrow.layouts l
JOIN pg_class c ON c.relname = substring(l.store FROM '[^.]*$')
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname || '.' || c.relname = l.store;

-- name: act_as
-- Until the end of the session, or of the transaction where `$2`.
SELECT set_config('role', $1, $2);

-- name: say_who
-- For the statements below, until the end of the transaction.
SELECT set_config('outgrow.schemas', $1, true), set_config('outgrow.owner', $2, true);

-- name: make_schemas
-- Those in the setting `outgrow.schemas`, for an owner who may not make any.
DO $do$
DECLARE
    schema text;
BEGIN
    FOREACH schema IN ARRAY string_to_array(current_setting('outgrow.schemas'), ',')
    LOOP
        IF to_regnamespace(quote_ident(schema)) IS NULL THEN
            EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', schema,
                           current_setting('outgrow.owner'));
        END IF;
    END LOOP;
END
$do$;

-- name: hand_over
-- The schemas in the setting `outgrow.schemas` ('*': all but the system's), with all that is in them,
-- and our statistics of the tables of the role in `outgrow.owner` go from superusers to that role. What belongs to an extension stays,
-- and the sequence of a column goes with its table.
DO $do$
DECLARE
    command text;
BEGIN
    FOR command IN
        WITH object(kind, name, owner, id, catalog, namespace) AS (
            SELECT 'SCHEMA', quote_ident(nspname), nspowner, oid, 'pg_namespace'::regclass, oid
            FROM pg_namespace
            UNION ALL
            SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                       WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE'
                       ELSE 'TABLE' END,
                   oid::regclass::text, relowner, oid, 'pg_class'::regclass, relnamespace
            FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
            UNION ALL
            SELECT 'ROUTINE', oid::regprocedure::text, proowner, oid, 'pg_proc'::regclass, pronamespace
            FROM pg_proc
            UNION ALL
            SELECT 'TYPE', oid::regtype::text, typowner, oid, 'pg_type'::regclass, typnamespace
            FROM pg_type WHERE typtype IN ('d', 'e', 'r')
            UNION ALL
            SELECT 'STATISTICS', quote_ident(nspname) || '.' || quote_ident(stxname), stxowner, s.oid,
                   'pg_statistic_ext'::regclass, n.oid
            FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = stxnamespace
        )
        SELECT format('ALTER %s %s OWNER TO %I', o.kind, o.name, current_setting('outgrow.owner'))
        FROM object o
        JOIN pg_namespace n ON n.oid = o.namespace
        JOIN pg_roles r ON r.oid = o.owner AND r.rolsuper
        WHERE r.rolname <> current_setting('outgrow.owner')
          AND CASE current_setting('outgrow.schemas')
              WHEN '*' THEN n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
              ELSE n.nspname = ANY (string_to_array(current_setting('outgrow.schemas'), ','))
                  OR o.catalog = 'pg_statistic_ext'::regclass AND EXISTS (
                      SELECT FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid
                      WHERE s.oid = o.id AND s.stxname LIKE 'og\_%'
                        AND pg_get_userbyid(c.relowner) = current_setting('outgrow.owner')) END
          AND NOT EXISTS (
              SELECT FROM pg_depend d
              WHERE d.classid = o.catalog AND d.objid = o.id AND d.objsubid = 0
                AND (d.deptype = 'e' OR o.kind = 'SEQUENCE' AND d.deptype IN ('a', 'i')))
        ORDER BY o.kind <> 'SCHEMA'
    LOOP
        EXECUTE command;
    END LOOP;
END
$do$;
