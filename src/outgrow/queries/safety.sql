-- Blocks and reports. A block hides both from each other; the network's truth of it is network.blocks.
-- A user's document keeps a list for old clients as well: what is said here is written there, and
-- what an old client wrote there counts as said. `hidden` in profiles.sql is the clause of every list.

-- name: hidden
SELECT ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $1);

-- name: is_hidden
-- Whether `$2` is hidden from `$1`, or not there: not at the school of which `$1` is a member.
SELECT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $1 AND h.id = $2) OR NOT EXISTS (
  SELECT FROM campus.users AS u
  WHERE u.id = $2 AND u.store_key = campus.users_lookup_key($2) AND u.visible
    AND u.school = (SELECT network.school_of($1))
    AND u.blocked @> to_jsonb($1::text) IS NOT TRUE);

-- name: listing
-- Who has `$1` in the list of their document.
SELECT ARRAY(
  SELECT u.id FROM campus.users AS u WHERE u.blocked @> to_jsonb($1::text) AND u.id <> $1);

-- name: lock
-- What `$1` blocking `$2` touches in the store, and nothing that is not there: $3, $4 and $5 hold the
-- parts of the intros' ids.
SELECT campus.lock_keys(
  ARRAY[campus.users_key($1), campus.connections_key($1), campus.connections_key($2)]
  || ARRAY(
    SELECT campus.intros_key(i.from_id, i.to_id, i.sent_ms)
    FROM unnest($3::text[], $4::text[], $5::text[]) AS i(from_id, to_id, sent_ms)),
  made := '{}');

-- name: lock_own
SELECT campus.lock_keys(ARRAY[campus.users_key($1)], made := '{}');

-- name: blocked
-- How many `$1` has blocked by now, without `$2`.
SELECT count(*) FROM network.blocks AS b WHERE b.user_id = $1 AND b.blocked_id <> $2;

-- name: block
INSERT INTO network.blocks (user_id, blocked_id) VALUES ($1, $2)
ON CONFLICT (user_id, blocked_id) DO UPDATE SET from_store = false;

-- name: unblock
DELETE FROM network.blocks AS b WHERE b.user_id = $1 AND b.blocked_id = $2;

-- name: add_to_list
-- A list that is none stays as it is: what old clients make of it is theirs.
UPDATE campus.users AS u SET blocked = coalesce(u.blocked, '[]') || to_jsonb($2::text)
WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1)
  AND u.blocked @> to_jsonb($2::text) IS NOT TRUE
  AND (u.blocked IS NOT NULL OR NOT u.rest ? 'blockedUsers');

-- name: take_from_list
UPDATE campus.users AS u SET blocked = u.blocked - $2::text
WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1) AND u.blocked @> to_jsonb($2::text);

-- name: differs
-- Whether the list in the own document of `$1` says anything else than what was taken from it before: of
-- its ids the first $2 that can be somebody's.
WITH listed AS (
  SELECT e.v #>> '{}' AS id
  FROM campus.users AS u
  CROSS JOIN LATERAL jsonb_array_elements(u.blocked) WITH ORDINALITY AS e(v, n)
  WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1) AND jsonb_typeof(e.v) = 'string'
    AND e.v #>> '{}' <> $1 AND length(e.v #>> '{}') BETWEEN 1 AND 200
  GROUP BY 1
  ORDER BY min(e.n)
  LIMIT $2
)
SELECT EXISTS (
  SELECT FROM listed AS l
  WHERE NOT EXISTS (
    SELECT FROM network.blocks AS b WHERE b.user_id = $1 AND b.blocked_id = l.id)
) OR EXISTS (
  SELECT FROM network.blocks AS b
  WHERE b.user_id = $1 AND b.from_store AND b.blocked_id NOT IN (SELECT l.id FROM listed AS l)
);

-- name: absorb
-- Take over what that list says, as `differs` reads it.
WITH listed AS (
  SELECT e.v #>> '{}' AS id
  FROM campus.users AS u
  CROSS JOIN LATERAL jsonb_array_elements(u.blocked) WITH ORDINALITY AS e(v, n)
  WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1) AND jsonb_typeof(e.v) = 'string'
    AND e.v #>> '{}' <> $1 AND length(e.v #>> '{}') BETWEEN 1 AND 200
  GROUP BY 1
  ORDER BY min(e.n)
  LIMIT $2
), gone AS (
  DELETE FROM network.blocks AS b
  WHERE b.user_id = $1 AND b.from_store AND b.blocked_id NOT IN (SELECT l.id FROM listed AS l)
)
INSERT INTO network.blocks (user_id, blocked_id, from_store)
SELECT $1, l.id, true FROM listed AS l
ON CONFLICT (user_id, blocked_id) DO NOTHING;

-- name: page
-- Whom `$1`, of school $2, has blocked, newest first; $3 limit, $4 offset, $5 sort key and $6 id of
-- the row before (`cursor`). Who is gone, or has blocked `$1` in turn, is an id without a profile.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(
      format('{"id":%s,"profile":%s,"created_at":%s}',
        to_json(p.id), coalesce(c.card, 'null'), outgrow.json_of_time(p.created_at)),
      ',' ORDER BY p.n) FILTER (WHERE p.n <= $3::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $3::bigint AS has_more,
  max(p.sort::text) FILTER (WHERE p.n = $3::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $3::bigint) AS last_id
FROM (
  SELECT q.id, q.created_at, q.sort, row_number() OVER (ORDER BY q.sort DESC, q.id DESC) AS n
  FROM (
    SELECT b.blocked_id AS id, b.created_at, t.sort
    FROM network.blocks AS b
    CROSS JOIN LATERAL (
      SELECT (extract(epoch FROM b.created_at) * 1000000)::bigint AS sort) AS t
    WHERE b.user_id = $1
      AND (t.sort, b.blocked_id) < ($5::text::bigint, $6::text) --? cursor
      AND $5::text IS NULL AND $6::text IS NULL --! cursor
    ORDER BY t.sort DESC, b.blocked_id DESC
    LIMIT $3::bigint + 1 OFFSET $4::bigint
  ) AS q
) AS p
LEFT JOIN LATERAL (
  SELECT u.card
  FROM campus.users AS u
  WHERE u.id = p.id AND u.store_key = campus.users_lookup_key(p.id) AND u.school = $2 AND u.visible
    AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
    AND NOT EXISTS (SELECT FROM network.blocks AS b WHERE b.user_id = p.id AND b.blocked_id = $1)
  OFFSET 0) AS c ON true;

-- name: report
INSERT INTO network.reports (reporter_id, profile_id, reason, note, message_id)
VALUES ($1, $2, $3, $4, $5)
RETURNING id;

-- name: reported_at
SELECT r.created_at FROM network.reports AS r WHERE r.id = $1;

-- name: reports
-- For the operator, newest first: $1 how many; with `after` those older than the time $2 and the id $3.
-- Who deleted their account is null as a reporter, and else an id without a name.
SELECT json_build_object(
  'id', r.id, 'created_at', outgrow.json_of_time(r.created_at),
  'reporter', CASE WHEN r.reporter_id <> '' THEN json_build_object(
    'id', r.reporter_id, 'name', a.name, 'school', a.school) END,
  'profile', json_build_object('id', r.profile_id, 'name', b.name, 'school', b.school),
  'reason', r.reason, 'note', r.note, 'message', r.message_id,
  'closed_at', outgrow.json_of_time(r.closed_at), 'outcome', r.outcome)::text
FROM (
  SELECT n.id, n.created_at, n.reporter_id, n.profile_id, n.reason, n.note, n.message_id,
    n.closed_at, n.outcome
  FROM network.reports AS n
  WHERE true
    AND n.closed_at IS NULL --? still_open
    AND (n.created_at, n.id) < ($2::timestamptz, $3::text) --? after
    AND $2::timestamptz IS NULL AND $3::text IS NULL --! after
  ORDER BY n.created_at DESC, n.id DESC
  LIMIT $1::bigint
) AS r
LEFT JOIN LATERAL (
  SELECT u.name, u.school FROM campus.users AS u
  WHERE u.id = r.reporter_id AND u.store_key = campus.users_lookup_key(r.reporter_id)
  OFFSET 0) AS a ON true
LEFT JOIN LATERAL (
  SELECT u.name, u.school FROM campus.users AS u
  WHERE u.id = r.profile_id AND u.store_key = campus.users_lookup_key(r.profile_id)
  OFFSET 0) AS b ON true
ORDER BY r.created_at DESC, r.id DESC;

-- name: close_report
-- The time at which it was closed first stays; what came of it may be said again.
UPDATE network.reports AS r
SET closed_at = coalesce(r.closed_at, now()), outcome = coalesce($2, r.outcome)
WHERE r.id = $1
RETURNING json_build_object(
  'id', r.id, 'closed_at', outgrow.json_of_time(r.closed_at), 'outcome', r.outcome)::text;

-- name: reopen_report
UPDATE network.reports AS r SET closed_at = NULL, outcome = NULL WHERE r.id = $1;
