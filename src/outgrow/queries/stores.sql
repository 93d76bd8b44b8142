-- Tables that look like a store, and what closes one that was just made.

-- name: candidates
-- Tables with `key text` and a JSON `value`, the largest first, without ours. `rows` is the
-- planner's estimate, NULL where the table was never analyzed. Waits for a session that holds
-- ACCESS EXCLUSIVE on one.
SELECT n.nspname::text AS schema, c.relname::text AS name,
       format_type(v.atttypid, v.atttypmod) AS value_type,
       EXISTS (
           SELECT FROM pg_index i
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
             AND i.indkey::text = k.attnum::text) AS is_unique,
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS rows,
       coalesce((SELECT sum(pg_total_relation_size(p.relid)) FROM pg_partition_tree(c.oid) p),
                pg_total_relation_size(c.oid))::bigint AS bytes
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname = 'key' AND k.atttypid = 'text'::regtype
JOIN pg_attribute v ON v.attrelid = c.oid AND v.attname = 'value'
    AND v.atttypid IN ('jsonb'::regtype, 'json'::regtype)
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'outgrow', 'network')
ORDER BY bytes DESC, 1, 2
LIMIT $1;

-- name: exists
SELECT to_regclass($1) IS NOT NULL;

-- name: table_to_close
SELECT set_config('outgrow.table', $1, true);

-- name: close
-- Takes the table in the setting `outgrow.table` from everybody but its owner: default privileges, as
-- hosted services have them, granted it to the roles of strangers with CREATE TABLE. Row-level
-- security does not concern the owner, and without a policy shows nobody else anything.
DO $do$
DECLARE
    command text;
BEGIN
    FOR command IN
        SELECT DISTINCT format('REVOKE ALL ON TABLE %s FROM %s', c.oid::regclass,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        WHERE c.oid = to_regclass(current_setting('outgrow.table')) AND a.grantee <> c.relowner
        UNION ALL
        SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY',
                      to_regclass(current_setting('outgrow.table')))
    LOOP
        EXECUTE command;
    END LOOP;
END
$do$;

-- name: sampled
-- What percentage of the table $2 in schema $1 about $3 of its blocks are; no row for what is none.
SELECT least(100.0, 100.0 * $3::integer / greatest(1, pg_relation_size(c.oid)
         / current_setting('block_size')::bigint))::float8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r';

-- name: some_keys
-- Of about $1 percent of the store's blocks.
SELECT key FROM :"store" TABLESAMPLE SYSTEM ($1);
