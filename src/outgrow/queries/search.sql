-- Search within one school: who was meant by a few typed words. One statement in every phase.
--
-- Four ways to match, from the surest to the loosest; each is asked only while the ones before it
-- leave the page unfilled, and none finds what an earlier one does:
--   1 begins    the name begins with what was typed; by name, from a btree, however many there are
--   2 named     every typed word begins a word of the name, in any order; by name
--   3 worded    every typed word is in the name, major, year, interests, aims or bio; by ts_rank
--   4 mistyped  every typed word is a word of the name with at most one mistake; by how much longer
--               or shorter the name is
-- Of 2, 3 and 4 the first 500, 200 and 300 rows that the index gives are ranked, and no more.
--
-- $1 school, $2 the viewer's id; $3 the typed words, folded, with one space between; $4 where their
-- range of names begins: $3, or the name in the cursor. $5, $6, $7 what 2, 3 and 4 ask of the
-- full-text index ($7 null: nothing); $8 the typed words as patterns of a name; $9 to $12 for each of
-- four words the patterns of what it may have been (null: there is no such word). $13 limit, $14
-- offset; $15 to $18 way, score, name and id of the row before the page (0, 0, '' and '').
-- The patterns $8 to $12 say no more than $5 and $7 do. Where no index is they spare most rows the
-- full-text parser, which costs six times as much; and they leave out of 4 what the index finds in
-- two different words. `school IS NOT DISTINCT FROM` keeps the school's btree out of it: the
-- full-text query names the school already.

-- name: page
WITH asked AS MATERIALIZED (
  SELECT to_tsquery('simple', school || $5) AS named,
         to_tsquery('simple', school || $6) AS worded,
         to_tsquery('simple', school || $7) AS mistyped
  FROM (SELECT 'ð' || to_hex(hashtextextended($1::text, 0)) || ' & ' AS school) AS s
),
hidden AS MATERIALIZED (
  SELECT ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $2) AS ids
),
begins AS MATERIALIZED (
  SELECT u.user_id AS id, u.search_name AS name, 0::bigint AS score
  FROM campus.user_search AS u
  WHERE u.school = $1 AND $15::integer <= 1
    AND (u.user_id = $2 OR u.visible AND u.blocked @> to_jsonb($2::text) IS NOT TRUE)
    AND u.user_id <> ALL ((SELECT ids FROM hidden)::text[])
    AND u.search_name COLLATE "C" >= $4 AND u.search_name COLLATE "C" < $3 || chr(1114111)
    AND ROW(1, 0, u.search_name COLLATE "C", u.user_id) > ROW($15, $16::bigint, $17::text, $18::text)
  ORDER BY u.search_name COLLATE "C", u.user_id
  LIMIT $13::bigint + 1 + $14::bigint
),
named AS MATERIALIZED (
  SELECT c.id, c.name, c.score
  FROM (
    SELECT u.user_id AS id, u.search_name AS name, 0::bigint AS score
    FROM campus.user_search AS u
    WHERE $15 <= 2 AND (SELECT count(*) FROM begins) <= $13 + $14
      AND to_tsvector('simple', u.search_text) @@ (SELECT named FROM asked)
      AND u.school IS NOT DISTINCT FROM $1
      AND (u.user_id = $2 OR u.visible AND u.blocked @> to_jsonb($2::text) IS NOT TRUE)
      AND u.user_id <> ALL ((SELECT ids FROM hidden)::text[])
      AND ' ' || u.search_name LIKE ALL ($8::text[]) AND NOT starts_with(u.search_name, $3)
    LIMIT 500
  ) AS c
  WHERE ROW(2, c.score, c.name COLLATE "C", c.id) > ROW($15, $16, $17, $18)
),
worded AS MATERIALIZED (
  SELECT c.id, c.name, c.score
  FROM (
    SELECT u.user_id AS id, u.search_name AS name, (-1e6 * ts_rank(
      to_tsvector('simple', u.search_text), (SELECT worded FROM asked)))::bigint AS score
    FROM campus.user_search AS u
    WHERE $15 <= 3
      AND (SELECT count(*) FROM begins) + (SELECT count(*) FROM named) <= $13 + $14
      AND to_tsvector('simple', u.search_text) @@ (SELECT worded FROM asked)
      AND u.school IS NOT DISTINCT FROM $1
      AND (u.user_id = $2 OR u.visible AND u.blocked @> to_jsonb($2::text) IS NOT TRUE)
      AND u.user_id <> ALL ((SELECT ids FROM hidden)::text[])
    LIMIT 200
  ) AS c
  WHERE ROW(3, c.score, c.name COLLATE "C", c.id) > ROW($15, $16, $17, $18)
),
mistyped AS MATERIALIZED (
  SELECT c.id, c.name, c.score
  FROM (
    SELECT u.user_id AS id, u.search_name AS name, abs(length(u.search_name) - length($3))::bigint AS score
    FROM campus.user_search AS u
    WHERE $7 IS NOT NULL
      AND (SELECT count(*) FROM begins) + (SELECT count(*) FROM named)
        + (SELECT count(*) FROM worded) <= $13 + $14
      AND ' ' || u.search_name || ' ' LIKE ANY ($9::text[])
      AND ($10::text[] IS NULL OR ' ' || u.search_name || ' ' LIKE ANY ($10))
      AND ($11::text[] IS NULL OR ' ' || u.search_name || ' ' LIKE ANY ($11))
      AND ($12::text[] IS NULL OR ' ' || u.search_name || ' ' LIKE ANY ($12))
      AND to_tsvector('simple', u.search_text) @@ (SELECT mistyped FROM asked)
      AND u.school IS NOT DISTINCT FROM $1
      AND (u.user_id = $2 OR u.visible AND u.blocked @> to_jsonb($2::text) IS NOT TRUE)
      AND u.user_id <> ALL ((SELECT ids FROM hidden)::text[])
    LIMIT 300
  ) AS c
  WHERE ROW(4, c.score, c.name COLLATE "C", c.id) > ROW($15, $16, $17, $18)
),
found AS MATERIALIZED (
  SELECT f.way, f.score, f.name, f.id
  FROM (
    SELECT 1 AS way, score, name, id FROM begins
    UNION ALL SELECT 2, score, name, id FROM named
    UNION ALL SELECT 3, score, name, id FROM worded
    UNION ALL SELECT 4, score, name, id FROM mistyped
  ) AS f
  ORDER BY f.way, f.score, f.name COLLATE "C", f.id
  LIMIT $13 + 1 OFFSET $14
)
SELECT f.way, f.score, f.name, f.id, u.card
FROM found AS f
JOIN campus.users AS u ON u.id = f.id AND u.store_key = campus.users_lookup_key(f.id)
ORDER BY f.way, f.score, f.name COLLATE "C", f.id;
