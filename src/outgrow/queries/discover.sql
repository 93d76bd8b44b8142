-- The people of the viewer's school with most in common with the viewer, and why. One statement in
-- every phase.
--
-- A school of 50,000 is not scored as a whole. An index gives a *pool* of the most promising
-- people; those are scored exactly and ordered by score and id; after the pool comes the rest of
-- the school, newest first. What the pool is made of, and what was tried:
-- docs/decisions/0012-discover.md.
--
-- `likes` is what a person shows, as JSON: 0 interests, 1 looking for, 2 academic and 3 other
-- goals, 4 personality, 5 major, 6 year.
--
-- $1 school, $2 the viewer's id, $3 limit; $4 score, $5 sort key and $6 id of the row before (the
-- score is -1 after the pool, 1000 before everything), $7 and $8 after which row the rest begins.

-- name: matches
-- `excluded`: oneself; connections, whoever of the two has the other in their list; who was asked or asks
-- and waits for an answer; blocks in either direction, and those of old clients. (Whose list names the
-- viewer is taken from each row: `blocked`.) The lists of those whom the viewer has anyway are not taken
-- apart. An intro is over as intros.sql says: its time may be missing, or no time of ours, and its key
-- has one too.
WITH me AS MATERIALIZED (
  SELECT u.likes, u.traits
  FROM campus.users AS u
  WHERE u.id = $2 AND u.store_key = campus.users_lookup_key($2)
),
mine AS MATERIALIZED (
  SELECT DISTINCT l.n::integer - 1 AS kind, e.v #>> '{}' AS value
  FROM me
  CROSS JOIN jsonb_array_elements(me.likes) WITH ORDINALITY AS l(list, n)
  CROSS JOIN jsonb_array_elements(CASE
    WHEN jsonb_typeof(l.list) = 'array' AND l.n <= 5 THEN l.list
    WHEN jsonb_typeof(l.list) = 'string' AND l.n > 5 THEN jsonb_build_array(l.list)
    ELSE '[]' END) AS e(v)
  WHERE jsonb_typeof(e.v) = 'string'
),
have AS MATERIALIZED (
  SELECT c.connected_user_id AS id
  FROM campus.connections AS c
  WHERE c.user_id = $2 AND c.store_key = campus.connections_lookup_key($2)
),
excluded AS MATERIALIZED (
  SELECT $2::text AS id
  UNION
  SELECT h.id FROM have AS h
  UNION
  SELECT c.user_id
  FROM campus.connections AS c
  WHERE c.connected_user_id = $2 AND c.store_value @> campus.connections_containing($2)
    AND c.user_id <> ALL (ARRAY(SELECT h.id FROM have AS h))
  UNION
  SELECT i.other
  FROM (
    SELECT i.to_id AS other, i.created_at, i.sent_ms
    FROM campus.intros AS i
    WHERE i.from_id = $2 AND i.status = 'pending'
    UNION ALL
    SELECT i.from_id, i.created_at, i.sent_ms
    FROM campus.intros AS i
    WHERE i.to_id = $2 AND i.status = 'pending'
  ) AS i
  CROSS JOIN LATERAL (
    SELECT coalesce(
      i.created_at,
      CASE WHEN i.sent_ms ~ '^[0-9]{1,13}$' THEN to_timestamp(i.sent_ms::bigint / 1000.0) END,
      'epoch') AS sent
  ) AS t
  WHERE NOT t.sent < now() - interval '30 days'
  UNION
  SELECT e.v
  FROM campus.users AS u
  CROSS JOIN jsonb_array_elements_text(u.blocked) AS e(v)
  WHERE u.id = $2 AND u.store_key = campus.users_lookup_key($2) AND e.v IS NOT NULL
  UNION
  SELECT h.id FROM network.hidden AS h WHERE h.viewer = $2
),
-- Of everybody the store has words that stand for "of this school and major, and likes this" (`a`) and
-- "of this school and year, and likes this" (`b`). Two of a kind, or both of the same thing, make
-- somebody promising. Nine things count; each pair gives its first 40 people. Without their index
-- every pair would read the whole store, so there are none then.
words AS MATERIALIZED (
  SELECT w.kind, w.word, w.n
  FROM (
    SELECT left(t.word, 1) AS kind, t.word, row_number() OVER (PARTITION BY left(t.word, 1) ORDER BY t.n) AS n
    FROM me CROSS JOIN string_to_table(me.traits, ' ') WITH ORDINALITY AS t(word, n)
    WHERE t.word <> ''
  ) AS w
  WHERE w.n <= 9 AND EXISTS (
    SELECT FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid
    WHERE c.relname >= 'og_users_traits_words' AND c.relname < 'og_users_traits_wordt' AND i.indisvalid)
),
pairs AS MATERIALIZED (
  SELECT CASE WHEN one.kind = other.kind THEN one.kind ELSE 'ab' END AS kind,
    (one.word || ' & ' || other.word)::tsquery AS both_words
  FROM words AS one
  JOIN words AS other ON other.word <> one.word AND (
    other.kind = one.kind AND other.n > one.n OR one.kind = 'a' AND other.kind = 'b' AND other.n = one.n)
),
-- About what they will score: n things in common are found by n of `ab`, or n * (n - 1) / 2 of a kind.
sharing AS (
  SELECT h.id, greatest(
    max(25) FILTER (WHERE h.kind = 'ab') + 7 * count(*) FILTER (WHERE h.kind = 'ab'),
    max(18) FILTER (WHERE h.kind = 'a') + 3.5 * sqrt(1 + 8 * count(*) FILTER (WHERE h.kind = 'a')),
    max(13) FILTER (WHERE h.kind = 'b') + 3.5 * sqrt(1 + 8 * count(*) FILTER (WHERE h.kind = 'b'))
  ) AS worth
  FROM (
    SELECT p.kind, u.id
    FROM pairs AS p
    CROSS JOIN LATERAL (
      SELECT u.id
      FROM campus.users AS u
      WHERE to_tsvector('simple', u.traits) @@ p.both_words
      LIMIT 40) AS u
  ) AS h
  GROUP BY h.id
),
promising AS MATERIALIZED (
  SELECT s.id
  FROM sharing AS s
  WHERE s.id NOT IN (SELECT e.id FROM excluded AS e)
  ORDER BY s.worth DESC, s.id DESC
  LIMIT 100
),
near AS MATERIALIZED (
  SELECT p.id FROM promising AS p
  UNION (
    SELECT u.id
    FROM campus.users AS u
    WHERE (SELECT count(*) FROM promising) < 100 AND u.school = $1
      AND u.major = (SELECT m.value FROM mine AS m WHERE m.kind = 5)
      AND u.visible AND u.id NOT IN (SELECT e.id FROM excluded AS e)
    ORDER BY u.sort_created DESC, u.id DESC
    LIMIT 60)
  UNION (
    SELECT u.id
    FROM campus.users AS u
    WHERE (SELECT count(*) FROM promising) < 100 AND u.school = $1
      AND u.visible AND u.id NOT IN (SELECT e.id FROM excluded AS e)
    ORDER BY u.sort_created DESC, u.id DESC
    LIMIT 100)
),
pool AS MATERIALIZED (
  SELECT c.id, s.score
  FROM (
    SELECT n.id, u.likes
    FROM near AS n
    CROSS JOIN LATERAL (
      SELECT u.likes
      FROM campus.users AS u
      WHERE u.id = n.id AND u.store_key = campus.users_lookup_key(n.id) AND u.school = $1 AND u.visible
        AND u.blocked @> to_jsonb($2::text) IS NOT TRUE
      OFFSET 0) AS u
  ) AS c
  -- What each thing in common counts, and how much of its kind at most: 100 for everything.
  CROSS JOIN LATERAL (
    SELECT least(30, 6 * count(*) FILTER (WHERE m.kind = 0))
      + least(20, 10 * count(*) FILTER (WHERE m.kind = 1))
      + least(15, 5 * count(*) FILTER (WHERE m.kind IN (2, 3)))
      + least(10, 5 * count(*) FILTER (WHERE m.kind = 4))
      + 15 * count(*) FILTER (WHERE m.kind = 5)
      + 10 * count(*) FILTER (WHERE m.kind = 6) AS score
    FROM mine AS m
    WHERE c.likes -> m.kind ? m.value
      AND jsonb_typeof(c.likes -> m.kind) = CASE WHEN m.kind < 5 THEN 'array' ELSE 'string' END
  ) AS s
),
first AS MATERIALIZED (
  SELECT p.score AS rank, ''::text AS sort, p.id
  FROM pool AS p
  WHERE (p.score, p.id) < ($4::bigint, $6::text)
  ORDER BY p.score DESC, p.id DESC
  LIMIT $3::bigint + 1
),
rest AS (
  SELECT -1::bigint AS rank, u.sort_created AS sort, u.id
  FROM campus.users AS u
  WHERE (SELECT count(*) FROM first) <= $3 AND u.school = $1 AND u.visible
    AND (u.sort_created, u.id) < ($7::text, $8::text) AND $5::text IS NOT NULL
    AND u.blocked @> to_jsonb($2::text) IS NOT TRUE
    AND u.id NOT IN (SELECT e.id FROM excluded AS e) AND u.id NOT IN (SELECT p.id FROM pool AS p)
  ORDER BY u.sort_created DESC, u.id DESC
  LIMIT $3 + 1
),
page AS MATERIALIZED (
  SELECT a.rank, a.sort, a.id, row_number() OVER (ORDER BY a.rank DESC, a.sort DESC, a.id DESC) AS n
  FROM (SELECT * FROM first UNION ALL SELECT * FROM rest) AS a
  ORDER BY a.rank DESC, a.sort DESC, a.id DESC
  LIMIT $3 + 1
),
shown AS (
  SELECT c.n, left(c.card, -1) || format(',"score":%s,"reasons":[%s]}', s.score, r.reasons) AS item
  FROM (
    SELECT p.n, u.card, u.likes
    FROM page AS p
    CROSS JOIN LATERAL (
      SELECT u.card, u.likes
      FROM campus.users AS u
      WHERE u.id = p.id AND u.store_key = campus.users_lookup_key(p.id)
      OFFSET 0) AS u
    WHERE p.n <= $3
  ) AS c
  CROSS JOIN LATERAL (
    SELECT least(30, 6 * count(*) FILTER (WHERE m.kind = 0))
      + least(20, 10 * count(*) FILTER (WHERE m.kind = 1))
      + least(15, 5 * count(*) FILTER (WHERE m.kind IN (2, 3)))
      + least(10, 5 * count(*) FILTER (WHERE m.kind = 4))
      + 15 * count(*) FILTER (WHERE m.kind = 5)
      + 10 * count(*) FILTER (WHERE m.kind = 6) AS score
    FROM mine AS m
    WHERE c.likes -> m.kind ? m.value
      AND jsonb_typeof(c.likes -> m.kind) = CASE WHEN m.kind < 5 THEN 'array' ELSE 'string' END
  ) AS s
  CROSS JOIN LATERAL (
    SELECT string_agg(
      format('{"kind":"%s","values":%s}', (
        '{interests,looking_for,academic_goals,leisure_goals,personality,major,year}'::text[])[k.kind + 1],
        k.values),
      ',' ORDER BY k.kind) AS reasons
    FROM (
      SELECT m.kind, json_agg(m.value ORDER BY m.value COLLATE "C")::text AS values
      FROM mine AS m
      WHERE c.likes -> m.kind ? m.value
        AND jsonb_typeof(c.likes -> m.kind) = CASE WHEN m.kind < 5 THEN 'array' ELSE 'string' END
      GROUP BY m.kind
    ) AS k
  ) AS r
)
SELECT
  convert_to('{"items":[' || coalesce(
    (SELECT string_agg(s.item, ',' ORDER BY s.n) FROM shown AS s), '') || ']', 'UTF8') AS body,
  EXISTS (SELECT FROM page AS p WHERE p.n > $3) AS has_more,
  last.rank AS last_number, last.sort AS last_sort, last.id AS last_id
FROM (SELECT) AS one
LEFT JOIN page AS last ON last.n = $3;

-- name: suggestions
-- The people whom the viewer's connections have: of the viewer's 200 newest connections whom the
-- viewer may see the 200 newest entries each, so at most 40,000 whatever a list holds. The 500 with
-- most in common are looked up and ordered by that number, newest first. $1 school, $2 the viewer's
-- id, $3 limit; $4 number, $5 sort key and $6 id of the row before. `excluded` is as in `matches`.
WITH have AS MATERIALIZED (
  SELECT c.connected_user_id AS id
  FROM campus.connections AS c
  WHERE c.user_id = $2 AND c.store_key = campus.connections_lookup_key($2)
),
excluded AS MATERIALIZED (
  SELECT $2::text AS id
  UNION
  SELECT h.id FROM have AS h
  UNION
  SELECT c.user_id
  FROM campus.connections AS c
  WHERE c.connected_user_id = $2 AND c.store_value @> campus.connections_containing($2)
    AND c.user_id <> ALL (ARRAY(SELECT h.id FROM have AS h))
  UNION
  SELECT i.other
  FROM (
    SELECT i.to_id AS other, i.created_at, i.sent_ms
    FROM campus.intros AS i
    WHERE i.from_id = $2 AND i.status = 'pending'
    UNION ALL
    SELECT i.from_id, i.created_at, i.sent_ms
    FROM campus.intros AS i
    WHERE i.to_id = $2 AND i.status = 'pending'
  ) AS i
  CROSS JOIN LATERAL (
    SELECT coalesce(
      i.created_at,
      CASE WHEN i.sent_ms ~ '^[0-9]{1,13}$' THEN to_timestamp(i.sent_ms::bigint / 1000.0) END,
      'epoch') AS sent
  ) AS t
  WHERE NOT t.sent < now() - interval '30 days'
  UNION
  SELECT e.v
  FROM campus.users AS u
  CROSS JOIN jsonb_array_elements_text(u.blocked) AS e(v)
  WHERE u.id = $2 AND u.store_key = campus.users_lookup_key($2) AND e.v IS NOT NULL
  UNION
  SELECT h.id FROM network.hidden AS h WHERE h.viewer = $2
),
friends AS MATERIALIZED (
  SELECT c.connected_user_id AS id
  FROM campus.connections AS c
  CROSS JOIN LATERAL (
    SELECT FROM campus.users AS u
    WHERE u.id = c.connected_user_id AND u.store_key = campus.users_lookup_key(c.connected_user_id)
      AND u.school = $1 AND u.visible AND u.blocked @> to_jsonb($2::text) IS NOT TRUE
    OFFSET 0) AS shown
  WHERE c.user_id = $2 AND c.store_key = campus.connections_lookup_key($2)
    AND c.connected_user_id <> ALL (ARRAY(
      SELECT h.id FROM network.hidden AS h WHERE h.viewer = $2))
  ORDER BY c.pos DESC, c.connected_user_id DESC
  LIMIT 200
),
near AS MATERIALIZED (
  SELECT theirs.id, count(*) AS mutual
  FROM friends AS f
  CROSS JOIN LATERAL (
    SELECT c.connected_user_id AS id
    FROM campus.connections AS c
    WHERE c.user_id = f.id AND c.store_key = campus.connections_lookup_key(f.id)
    ORDER BY c.pos DESC, c.connected_user_id DESC
    LIMIT 200) AS theirs
  WHERE theirs.id NOT IN (SELECT e.id FROM excluded AS e)
  GROUP BY theirs.id
  ORDER BY count(*) DESC, theirs.id DESC
  LIMIT 500
),
page AS MATERIALIZED (
  SELECT n.id, n.mutual, u.sort_created AS sort,
    row_number() OVER (ORDER BY n.mutual DESC, u.sort_created DESC, n.id DESC) AS n
  FROM near AS n
  CROSS JOIN LATERAL (
    SELECT u.sort_created
    FROM campus.users AS u
    WHERE u.id = n.id AND u.store_key = campus.users_lookup_key(n.id) AND u.school = $1 AND u.visible
      AND u.blocked @> to_jsonb($2::text) IS NOT TRUE
    OFFSET 0) AS u
  WHERE (n.mutual, u.sort_created, n.id) < ($4::bigint, $5::text, $6::text)
  ORDER BY n.mutual DESC, u.sort_created DESC, n.id DESC
  LIMIT $3::bigint + 1
),
shown AS (
  SELECT p.n, left(u.card, -1) || format(',"mutual":%s}', p.mutual) AS item
  FROM page AS p
  CROSS JOIN LATERAL (
    SELECT u.card FROM campus.users AS u WHERE u.id = p.id AND u.store_key = campus.users_lookup_key(p.id)
    OFFSET 0) AS u
  WHERE p.n <= $3
)
SELECT
  convert_to('{"items":[' || coalesce(
    (SELECT string_agg(s.item, ',' ORDER BY s.n) FROM shown AS s), '') || ']', 'UTF8') AS body,
  EXISTS (SELECT FROM page AS p WHERE p.n > $3) AS has_more,
  last.mutual AS last_number, last.sort AS last_sort, last.id AS last_id
FROM (SELECT) AS one
LEFT JOIN page AS last ON last.n = $3;
