-- Profiles of one school. $1 is the school and $2 to $5 are the filters, in every statement that
-- has them: $2 major, $3 year, $4 interests, $5 looking_for. `u.card` is the public profile as JSON
-- text, made by PostgreSQL. People who blocked the viewer, or were blocked by them, are left out:
-- see network.hidden; `u.blocked` is what an old client keeps in the profile itself.

-- name: page_newest
-- $6 limit, $7 the viewer; $8 sort key and $9 id of the row before (`cursor`).
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(p.card, ',' ORDER BY p.n) FILTER (WHERE p.n <= $6::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $6::bigint AS has_more,
  max(p.sort) FILTER (WHERE p.n = $6::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $6::bigint) AS last_id
FROM (
  SELECT q.card, q.sort_created AS sort, q.id, row_number() OVER (ORDER BY q.sort_created DESC, q.id DESC) AS n
  FROM (
    SELECT u.card, u.sort_created, u.id
    FROM campus.users AS u
    WHERE u.school = $1 AND u.visible
      AND (u.blocked @> to_jsonb($7::text) IS NOT TRUE OR u.id = $7)
      AND u.id <> ALL (ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $7))
      AND u.major = $2 --? major
      AND $2::text IS NULL --! major
      AND u.year = $3 --? year
      AND $3::text IS NULL --! year
      AND u.interests @> $4::jsonb --? interests
      AND $4::jsonb IS NULL --! interests
      AND u.looking_for @> $5::jsonb --? looking_for
      AND $5::jsonb IS NULL --! looking_for
      AND (u.sort_created, u.id) < ($8::text, $9::text) --? cursor
      AND $8::text IS NULL AND $9::text IS NULL --! cursor
    ORDER BY u.sort_created DESC, u.id DESC
    LIMIT $6::bigint + 1
  ) AS q
) AS p;

-- name: page_name
-- As `page_newest`, by name.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(p.card, ',' ORDER BY p.n) FILTER (WHERE p.n <= $6::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $6::bigint AS has_more,
  max(p.sort) FILTER (WHERE p.n = $6::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $6::bigint) AS last_id
FROM (
  SELECT q.card, q.sort_name AS sort, q.id, row_number() OVER (ORDER BY q.sort_name, q.id) AS n
  FROM (
    SELECT u.card, u.sort_name, u.id
    FROM campus.users AS u
    WHERE u.school = $1 AND u.visible
      AND (u.blocked @> to_jsonb($7::text) IS NOT TRUE OR u.id = $7)
      AND u.id <> ALL (ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $7))
      AND u.major = $2 --? major
      AND $2::text IS NULL --! major
      AND u.year = $3 --? year
      AND $3::text IS NULL --! year
      AND u.interests @> $4::jsonb --? interests
      AND $4::jsonb IS NULL --! interests
      AND u.looking_for @> $5::jsonb --? looking_for
      AND $5::jsonb IS NULL --! looking_for
      AND (u.sort_name, u.id) > ($8::text, $9::text) --? cursor
      AND $8::text IS NULL AND $9::text IS NULL --! cursor
    ORDER BY u.sort_name, u.id
    LIMIT $6::bigint + 1
  ) AS q
) AS p;

-- name: first_newest
-- The first page for viewers from whom nobody is hidden, and the ids of all who decide what it is,
-- including the one after its end. $6 limit.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(p.card, ',' ORDER BY p.n) FILTER (WHERE p.n <= $6::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $6::bigint AS has_more,
  max(p.sort) FILTER (WHERE p.n = $6::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $6::bigint) AS last_id,
  array_agg(p.id) AS ids
FROM (
  SELECT q.card, q.sort_created AS sort, q.id, row_number() OVER (ORDER BY q.sort_created DESC, q.id DESC) AS n
  FROM (
    SELECT u.card, u.sort_created, u.id
    FROM campus.users AS u
    WHERE u.school = $1 AND u.visible
      AND u.major = $2 --? major
      AND $2::text IS NULL --! major
      AND u.year = $3 --? year
      AND $3::text IS NULL --! year
      AND u.interests @> $4::jsonb --? interests
      AND $4::jsonb IS NULL --! interests
      AND u.looking_for @> $5::jsonb --? looking_for
      AND $5::jsonb IS NULL --! looking_for
    ORDER BY u.sort_created DESC, u.id DESC
    LIMIT $6::bigint + 1
  ) AS q
) AS p;

-- name: first_name
-- As `first_newest`, by name.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(p.card, ',' ORDER BY p.n) FILTER (WHERE p.n <= $6::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $6::bigint AS has_more,
  max(p.sort) FILTER (WHERE p.n = $6::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $6::bigint) AS last_id,
  array_agg(p.id) AS ids
FROM (
  SELECT q.card, q.sort_name AS sort, q.id, row_number() OVER (ORDER BY q.sort_name, q.id) AS n
  FROM (
    SELECT u.card, u.sort_name, u.id
    FROM campus.users AS u
    WHERE u.school = $1 AND u.visible
      AND u.major = $2 --? major
      AND $2::text IS NULL --! major
      AND u.year = $3 --? year
      AND $3::text IS NULL --! year
      AND u.interests @> $4::jsonb --? interests
      AND $4::jsonb IS NULL --! interests
      AND u.looking_for @> $5::jsonb --? looking_for
      AND $5::jsonb IS NULL --! looking_for
    ORDER BY u.sort_name, u.id
    LIMIT $6::bigint + 1
  ) AS q
) AS p;

-- name: deep_newest
-- A page with an OFFSET: cards are made for the rows shown, not for those skipped. $6 limit, $7 the
-- viewer, $8 offset.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(c.card, ',' ORDER BY p.n) FILTER (WHERE p.n <= $6::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $6::bigint AS has_more,
  max(p.sort) FILTER (WHERE p.n = $6::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $6::bigint) AS last_id
FROM (
  SELECT q.sort_created AS sort, q.id, row_number() OVER (ORDER BY q.sort_created DESC, q.id DESC) AS n
  FROM (
    SELECT u.sort_created, u.id
    FROM campus.users AS u
    WHERE u.school = $1 AND u.visible
      AND (u.blocked @> to_jsonb($7::text) IS NOT TRUE OR u.id = $7)
      AND u.id <> ALL (ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $7))
      AND u.major = $2 --? major
      AND $2::text IS NULL --! major
      AND u.year = $3 --? year
      AND $3::text IS NULL --! year
      AND u.interests @> $4::jsonb --? interests
      AND $4::jsonb IS NULL --! interests
      AND u.looking_for @> $5::jsonb --? looking_for
      AND $5::jsonb IS NULL --! looking_for
    ORDER BY u.sort_created DESC, u.id DESC
    LIMIT $6::bigint + 1 OFFSET $8::bigint
  ) AS q
) AS p
LEFT JOIN LATERAL (
  SELECT u.card FROM campus.users AS u WHERE u.id = p.id AND u.store_key = campus.users_lookup_key(p.id)
  OFFSET 0) AS c ON true;

-- name: deep_name
-- As `deep_newest`, by name.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(c.card, ',' ORDER BY p.n) FILTER (WHERE p.n <= $6::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $6::bigint AS has_more,
  max(p.sort) FILTER (WHERE p.n = $6::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $6::bigint) AS last_id
FROM (
  SELECT q.sort_name AS sort, q.id, row_number() OVER (ORDER BY q.sort_name, q.id) AS n
  FROM (
    SELECT u.sort_name, u.id
    FROM campus.users AS u
    WHERE u.school = $1 AND u.visible
      AND (u.blocked @> to_jsonb($7::text) IS NOT TRUE OR u.id = $7)
      AND u.id <> ALL (ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $7))
      AND u.major = $2 --? major
      AND $2::text IS NULL --! major
      AND u.year = $3 --? year
      AND $3::text IS NULL --! year
      AND u.interests @> $4::jsonb --? interests
      AND $4::jsonb IS NULL --! interests
      AND u.looking_for @> $5::jsonb --? looking_for
      AND $5::jsonb IS NULL --! looking_for
    ORDER BY u.sort_name, u.id
    LIMIT $6::bigint + 1 OFFSET $8::bigint
  ) AS q
) AS p
LEFT JOIN LATERAL (
  SELECT u.card FROM campus.users AS u WHERE u.id = p.id AND u.store_key = campus.users_lookup_key(p.id)
  OFFSET 0) AS c ON true;

-- name: blocked_by
-- The people whom these people block in their documents.
SELECT ARRAY(
  SELECT DISTINCT e.v #>> '{}'
  FROM unnest($1::text[]) AS p(id)
  JOIN campus.users AS u ON u.id = p.id AND u.store_key = campus.users_lookup_key(p.id)
  CROSS JOIN LATERAL jsonb_array_elements(u.blocked) AS e(v)
  WHERE jsonb_typeof(e.v) = 'string');

-- name: count
SELECT '' AS value, count(*) AS members
FROM campus.users AS u
WHERE u.school = $1 AND u.visible
  AND u.major = $2 --? major
  AND $2::text IS NULL --! major
  AND u.year = $3 --? year
  AND $3::text IS NULL --! year
  AND u.interests @> $4::jsonb --? interests
  AND $4::jsonb IS NULL --! interests
  AND u.looking_for @> $5::jsonb --? looking_for
  AND $5::jsonb IS NULL --! looking_for
;

-- name: facet_major
SELECT u.major AS value, count(*) AS members
FROM campus.users AS u
WHERE u.school = $1 AND u.visible AND u.major IS NOT NULL
  AND u.major = $2 --? major
  AND $2::text IS NULL --! major
  AND u.year = $3 --? year
  AND $3::text IS NULL --! year
  AND u.interests @> $4::jsonb --? interests
  AND $4::jsonb IS NULL --! interests
  AND u.looking_for @> $5::jsonb --? looking_for
  AND $5::jsonb IS NULL --! looking_for
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 200;

-- name: facet_year
SELECT u.year AS value, count(*) AS members
FROM campus.users AS u
WHERE u.school = $1 AND u.visible AND u.year IS NOT NULL
  AND u.major = $2 --? major
  AND $2::text IS NULL --! major
  AND u.year = $3 --? year
  AND $3::text IS NULL --! year
  AND u.interests @> $4::jsonb --? interests
  AND $4::jsonb IS NULL --! interests
  AND u.looking_for @> $5::jsonb --? looking_for
  AND $5::jsonb IS NULL --! looking_for
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 200;

-- name: hidden
-- Those of the people $6 that a count includes.
SELECT u.major, u.year
FROM unnest($6::text[]) AS h(id)
CROSS JOIN LATERAL (
  SELECT u.major, u.year
  FROM campus.users AS u
  WHERE u.id = h.id AND u.store_key = campus.users_lookup_key(h.id) AND u.school = $1 AND u.visible
    AND u.major = $2 --? major
    AND $2::text IS NULL --! major
    AND u.year = $3 --? year
    AND $3::text IS NULL --! year
    AND u.interests @> $4::jsonb --? interests
    AND $4::jsonb IS NULL --! interests
    AND u.looking_for @> $5::jsonb --? looking_for
    AND $5::jsonb IS NULL --! looking_for
  OFFSET 0) AS u;

-- name: one
-- `$2` is the school and `$3` the viewer's id.
SELECT convert_to(u.card, 'UTF8')
FROM campus.users AS u
WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1) AND u.school = $2
  AND (u.id = $3
    OR u.visible AND u.blocked @> to_jsonb($3::text) IS NOT TRUE
      AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $3 AND h.id = $1));

-- name: own
SELECT convert_to(
  left(u.card, -1)
  || ',"email":' || coalesce(to_json(u.email)::text, 'null')
  || ',"settings":' || json_build_object(
       'profile_visible', u.visible,
       'read_receipts', u.rest #> '{settings,readReceipts}' IS DISTINCT FROM 'false',
       'allow_messages', u.rest #> '{settings,allowMessages}' IS DISTINCT FROM 'false')
  || '}', 'UTF8')
FROM campus.users AS u
WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1);

-- name: insert
INSERT INTO campus.users
  (id, email, name, school, major, year, interests, looking_for, blocked, created_at, rest)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '[]', date_trunc('milliseconds', now()), $9);

-- name: change
-- `$2` holds the columns to set, null for one to empty; `$3` the other fields to set; `$4` those
-- to remove; `$5` settings to set among those that are there. One statement: what others change
-- at the same time in other fields stays, and the relation's trigger refuses a stale row.
UPDATE campus.users AS u SET
  name = CASE WHEN $2::jsonb ? 'name' THEN $2 ->> 'name' ELSE u.name END,
  major = CASE WHEN $2 ? 'major' THEN $2 ->> 'major' ELSE u.major END,
  year = CASE WHEN $2 ? 'year' THEN $2 ->> 'year' ELSE u.year END,
  interests = CASE WHEN $2 ? 'interests'
    THEN nullif($2 -> 'interests', 'null') ELSE u.interests END,
  looking_for = CASE WHEN $2 ? 'looking_for'
    THEN nullif($2 -> 'looking_for', 'null') ELSE u.looking_for END,
  rest = (u.rest - $4::text[]) || $3::jsonb
    || CASE WHEN $5::jsonb IS NULL THEN '{}'
       WHEN jsonb_typeof(u.rest -> 'settings') = 'object'
       THEN jsonb_build_object('settings', u.rest -> 'settings' || $5)
       ELSE jsonb_build_object('settings', $5) END
WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1);
