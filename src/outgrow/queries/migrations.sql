-- Which migrations of our own schemas were applied: each schema keeps its own record.

-- name: recorded
-- Those of the schemas $1 that have a record, and whether the current role may read it.
SELECT n.nspname::text AS schema,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS is_readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1::text[]) AND c.relname = 'migrations' AND c.relkind = 'r'
  AND 3 = (SELECT count(*) FROM pg_attribute a
           WHERE a.attrelid = c.oid AND a.attname IN ('number', 'name', 'digest'))
ORDER BY 1;

-- name: applied
-- By two records, which may be the same one.
SELECT c.relnamespace::regnamespace::text AS schema, m.number, m.name, m.digest
FROM (SELECT tableoid AS record, number, name, digest FROM :"first"
      UNION SELECT tableoid, number, name, digest FROM :"second") m
JOIN pg_class c ON c.oid = m.record
ORDER BY 1, 2;

-- name: record
INSERT INTO :"record" (number, name, digest) VALUES ($1, $2, $3);
