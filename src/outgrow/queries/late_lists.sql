-- Derived lists that are late: their notes, and the folding of these into the lists of the store.

-- name: exist
-- Whether there are such tables, which a database of an older version has not, and this role may read them.
SELECT coalesce(has_table_privilege(to_regclass('outgrow.late_lists'), 'SELECT'), false)
   AND coalesce(has_table_privilege(to_regclass('outgrow.late_notes'), 'SELECT'), false);

-- name: lists
-- The late lists of the blueprint $1.
SELECT list, seconds FROM outgrow.late_lists WHERE name = $1 ORDER BY list;

-- name: asked
-- What `grow --late-lists` asked for last.
SELECT late_seconds FROM outgrow.layouts WHERE name = $1;

-- name: ask
UPDATE outgrow.layouts SET late_seconds = $2 WHERE name = $1;

-- name: forget
DELETE FROM outgrow.late_lists WHERE name = $1;

-- name: remember
INSERT INTO outgrow.late_lists (name, list, seconds)
SELECT $1, l.list, l.seconds FROM unnest($2::text[], $3::integer[]) AS l (list, seconds);

-- name: lag
-- Of the blueprint $1, or of all: how many notes wait, and for how many seconds the first of them has.
SELECT count(*) AS notes,
       greatest(extract(epoch FROM clock_timestamp() - min(noted_at)), 0)::double precision AS seconds
FROM outgrow.late_notes WHERE name = $1 OR $1 IS NULL;

-- name: bound
-- The smallest bound of all lists that are late, NULL where none is; and whether notes wait.
SELECT min(seconds) AS seconds, EXISTS (SELECT FROM outgrow.late_notes) AS waits FROM outgrow.late_lists;

-- name: last
SELECT max(id) FROM outgrow.late_notes;

-- name: due
-- The keys that have notes up to the id $1, each with the blueprint that it is of, of which the first has
-- waited for $2 seconds; who has waited longest comes first. A note from the future is due: the clock was set back,
-- or the database restored on another machine.
SELECT name, key FROM outgrow.late_notes
WHERE id <= $1
GROUP BY name, key
HAVING min(noted_at) <= clock_timestamp() - make_interval(secs => $2) OR max(noted_at) > clock_timestamp()
ORDER BY min(id);

-- name: read_committed
-- What another session has committed is to be seen once its lock is ours, whatever the role is set to.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- name: always_read_committed
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- name: begin
-- Nobody is waited for longer than $1; a crash that loses a list loses the deletion of its notes, too.
SELECT set_config('lock_timeout', $1, true), set_config('synchronous_commit', 'off', true);

-- name: reach
-- Fails while somebody has locked the whole store.
LOCK TABLE :"store" IN ROW EXCLUSIVE MODE;

-- name: sizes
-- The bytes that the lists $1 take in the store, 0 for one that is not there.
SELECT d.key, coalesce(pg_column_size(s.value), 0) AS bytes
FROM unnest($1::text[]) AS d (key) LEFT JOIN :"store" s ON s.key = d.key;

-- name: lock
-- The list $1.
SELECT 1 FROM :"store" WHERE key = $1 FOR UPDATE;

-- name: lock_free
-- Of the lists $1 those that are there and that nobody has locked.
SELECT key FROM :"store" WHERE key = ANY ($1::text[]) ORDER BY key COLLATE "C" FOR UPDATE SKIP LOCKED;

-- name: adds
-- Whether the notes of the blueprint $1 add something to the list $2.
SELECT EXISTS (
    SELECT FROM outgrow.late_notes
    WHERE hashtext(key) = hashtext($2) AND key = $2 AND name = $1 AND added);

-- name: drop
-- The notes of the blueprint $1 about the list $2, which is not there, if none of them adds something. One
-- statement decides and deletes: a note that comes in between makes the list. Returns how many there were.
WITH dropped AS (
    DELETE FROM outgrow.late_notes
    WHERE hashtext(key) = hashtext($2) AND key = $2 AND name = $1
      AND NOT EXISTS (
        SELECT FROM outgrow.late_notes a
        WHERE hashtext(a.key) = hashtext($2) AND a.key = $2 AND a.name = $1 AND a.added)
    RETURNING 1
)
SELECT count(*) FROM dropped;

-- name: make
-- Those of the lists $2 to which the notes of the blueprint $1 add something, and which are not there.
INSERT INTO :"store" (key, value)
SELECT n.key, '[]'
FROM (
    SELECT DISTINCT key COLLATE "C" AS key FROM outgrow.late_notes
    WHERE hashtext(key) = ANY (ARRAY(SELECT hashtext(k) FROM unnest($2::text[]) AS k))
      AND key = ANY ($2::text[]) AND name = $1 AND added) n
WHERE NOT EXISTS (SELECT FROM :"store" s WHERE s.key = n.key)
ORDER BY n.key
ON CONFLICT DO NOTHING;

-- name: asks
-- Whether the function derived_lists of the blueprint $1 is there.
SELECT to_regprocedure(quote_ident($1) || '.derived_lists(text, jsonb)') IS NOT NULL;

-- name: fold
-- The first $3 notes of the blueprint $1 about the lists $2, which are locked: of those about one element the
-- last counts, as far as its source still says so. Returns how many there were. A list in which nothing
-- is to change is not written.
WITH note AS (
    DELETE FROM outgrow.late_notes
    WHERE id IN (
        SELECT id FROM outgrow.late_notes
        WHERE hashtext(key) = ANY (ARRAY(SELECT hashtext(k) FROM unnest($2::text[]) AS k))
          AND key = ANY ($2::text[]) AND name = $1
        ORDER BY id LIMIT $3)
    RETURNING id, key, element, source, added
), last AS MATERIALIZED (
    SELECT DISTINCT ON (key, element) id, key, element, source, added
    FROM note ORDER BY key, element, id DESC
), wanted AS MATERIALIZED (
    SELECT l.id, l.key, l.element, l.added
    FROM last l
    WHERE l.source IS NULL --? asks
       OR l.added = EXISTS ( --? asks
            SELECT FROM :"store" s CROSS JOIN LATERAL :"derived_lists"(s.key, s.value) d --? asks
            WHERE s.key = l.source AND d.key = l.key AND d.element = l.element) --? asks
), held AS MATERIALIZED (
    SELECT s.key, e.v #>> '{}' AS element
    FROM :"store" s
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value ELSE '[]' END) AS e (v)
    WHERE s.key = ANY ($2::text[]) AND jsonb_typeof(e.v) = 'string'
      -- IS TRUE lets PostgreSQL hash what is wanted, instead of joining 50,000 elements with it.
      AND ((s.key, e.v #>> '{}') IN (SELECT w.key, w.element FROM wanted w)) IS TRUE
), change AS MATERIALIZED (
    SELECT w.key,
           coalesce(array_agg(w.element) FILTER (WHERE NOT w.added), '{}') AS gone,
           coalesce(jsonb_agg(w.element ORDER BY w.id) FILTER (WHERE w.added), '[]') AS come
    FROM wanted w
    WHERE w.added <> ((w.key, w.element) IN (SELECT h.key, h.element FROM held h))
    GROUP BY w.key
), written AS (
    UPDATE :"store" s SET value = (s.value - c.gone) || c.come
    FROM change c
    WHERE s.key = c.key AND jsonb_typeof(s.value) = 'array'
)
SELECT count(*) FROM note;
