-- The owner of the store and of what Outgrow keeps next to it, and how the latter becomes the
-- former.

-- name: find
-- The owner of the table `$1`.`$2`; `may_act`: we are another role, and may become the owner, which
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
-- than `$2`: schemas that Outgrow made, as something in them shows, and schemas of that name whose
-- owner is no superuser, because an owner of a schema can exchange what is made in it. '' for
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
SELECT DISTINCT pg_get_userbyid(c.relowner)::text AS owner
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
-- The schemas in the setting `outgrow.schemas` ('*': all but the system's, and what is in no schema),
-- with all that is in them, and our statistics of the tables of the role in `outgrow.owner` go from
-- superusers to that role: whatever has an owner, as the catalogs say by their columns. What belongs to an
-- extension stays, and what only a superuser may own; the sequence of a column goes with its table.
DO $do$
DECLARE
    place record;
    object record;
    kind text;
BEGIN
    FOR place IN
        SELECT c.oid, c.relname, o.attname AS owner, coalesce(n.attname, CASE c.relname
                   WHEN 'pg_namespace' THEN 'oid' ELSE NULL END) AS namespace
        FROM pg_class c
        JOIN pg_attribute o ON o.attrelid = c.oid AND o.attname LIKE '%owner'
            AND o.atttypid = 'oid'::regtype
        LEFT JOIN pg_attribute n ON n.attrelid = c.oid AND n.attname LIKE '%namespace'
            AND n.atttypid = 'oid'::regtype
        WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND NOT c.relisshared
          AND c.relname NOT IN ('pg_extension', 'pg_foreign_data_wrapper', 'pg_event_trigger')
        ORDER BY c.relname <> 'pg_namespace', c.relname
    LOOP
        FOR object IN EXECUTE format(
            $sql$SELECT i.type, i.identity, o.oid
            FROM %1$s o
            JOIN pg_roles r ON r.oid = o.%2$I AND r.rolsuper
                AND r.rolname <> current_setting('outgrow.owner')
            LEFT JOIN pg_namespace n ON n.oid = %3$s
            CROSS JOIN LATERAL pg_identify_object(%4$L::regclass, o.oid, 0) i
            WHERE (o.oid >= 16384 OR %4$L = 'pg_largeobject')
              AND CASE current_setting('outgrow.schemas')
                  WHEN '*' THEN n.oid IS NULL
                      OR n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema'
                  ELSE n.nspname = ANY (string_to_array(current_setting('outgrow.schemas'), ','))
                      OR %4$L = 'pg_statistic_ext' AND EXISTS (
                          SELECT FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid
                          WHERE s.oid = o.oid AND s.stxname LIKE 'og\_%%'
                            AND pg_get_userbyid(c.relowner) = current_setting('outgrow.owner')) END
              AND NOT EXISTS (
                  SELECT FROM pg_depend d
                  WHERE d.classid = %4$L::regclass AND d.objid = o.oid AND d.objsubid = 0
                    AND (d.deptype = 'e' OR i.type = 'sequence' AND d.deptype IN ('a', 'i')
                         OR %4$L = 'pg_type' AND d.deptype = 'i'))
            ORDER BY o.oid$sql$,
            place.oid::regclass, place.owner,
            coalesce('o.' || quote_ident(place.namespace), 'NULL'),
            replace(place.relname, '_metadata', ''))
        LOOP
            CONTINUE WHEN object.type IN ('index', 'toast table', 'partitioned index')
                OR place.relname = 'pg_publication' AND EXISTS (
                    SELECT FROM pg_publication p WHERE p.oid = object.oid AND (p.puballtables OR EXISTS (
                        SELECT FROM pg_publication_namespace x WHERE x.pnpubid = p.oid)));
            kind := CASE place.relname WHEN 'pg_proc' THEN 'ROUTINE' WHEN 'pg_type' THEN 'TYPE'
                WHEN 'pg_statistic_ext' THEN 'STATISTICS'
                ELSE replace(object.type, 'composite type', 'type') END;
            EXECUTE format('ALTER %s %s OWNER TO %I', kind, object.identity,
                           current_setting('outgrow.owner'));
        END LOOP;
    END LOOP;
END
$do$;
