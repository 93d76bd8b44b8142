-- Intros: one student asks another to be introduced. `$1` is who asks and `$2` their school, wherever
-- an intro is shown. OFFSET 0 keeps the look-up of a person a look-up by key, once for each intro.
--
-- The store knows pending, accepted and denied, and old clients understand no other word: an intro that
-- was withdrawn, or that another one of the pair made pointless, is denied there, and
-- network.closed_intros says what it really was. One that nobody answered in 30 days is written
-- nowhere: it is computed. The store's time may be missing or no time of ours; the key has one too.

-- name: page
-- Newest first, those to the caller (`incoming`) or from them. $3 limit, $4 offset, $5 sort key and $6 id
-- of the row before (`cursor`), $7 the store's words for the statuses asked for, $8 ours.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(p.intro, ',' ORDER BY p.n) FILTER (WHERE p.n <= $3::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $3::bigint AS has_more,
  max(p.sort::text) FILTER (WHERE p.n = $3::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $3::bigint) AS last_id
FROM (
  SELECT q.id, q.sort, q.status,
    row_number() OVER (ORDER BY q.sort DESC, q.id DESC) AS n,
    format(
      '{"id":%s,"direction":"%s","status":"%s","reason":%s,"note":%s,"created_at":%s,'
      '"answered_at":%s,"person":%s}',
      to_json(q.id), q.direction, q.status, coalesce(to_json(left(q.reason, 200))::text, 'null'),
      coalesce(to_json(left(q.note, 500))::text, 'null'), outgrow.json_of_time(q.sent),
      coalesce(outgrow.json_of_time(q.answered_at)::text, 'null'), u.card) AS intro
  FROM (
    SELECT i.from_id || ':' || i.to_id || ':' || i.sent_ms AS id,
      (extract(epoch FROM t.sent) * 1000000)::bigint AS sort,
      i.direction, i.other, i.reason, i.note, t.sent, s.status,
      CASE s.status
        WHEN 'accepted' THEN i.accepted_at
        WHEN 'declined' THEN i.denied_at
        WHEN 'withdrawn' THEN i.denied_at
      END AS answered_at
    FROM (
      SELECT CASE WHEN i.to_id = $1 THEN 'incoming' ELSE 'outgoing' END AS direction,
        CASE WHEN i.to_id = $1 THEN i.from_id ELSE i.to_id END AS other,
        i.from_id, i.to_id, i.sent_ms, i.reason,
        outgrow.text_of(i.rest -> 'note') AS note, i.status, i.created_at, i.accepted_at, i.denied_at
      FROM campus.intros AS i
      WHERE i.status = ANY ($7::text[])
        AND i.to_id = $1 --? incoming
        AND i.from_id = $1 --! incoming
    ) AS i
    CROSS JOIN LATERAL (
      SELECT coalesce(
        i.created_at,
        CASE WHEN i.sent_ms ~ '^[0-9]{1,13}$' THEN to_timestamp(i.sent_ms::bigint / 1000.0) END,
        'epoch') AS sent
    ) AS t
    CROSS JOIN LATERAL (SELECT t.sent < now() - interval '30 days' AS is_over) AS e
    LEFT JOIN network.closed_intros AS c
      ON c.from_id = i.from_id AND c.to_id = i.to_id AND c.sent_ms = i.sent_ms
    CROSS JOIN LATERAL (
      SELECT CASE
        WHEN i.status = 'accepted' THEN 'accepted'
        WHEN i.status = 'pending' THEN CASE WHEN e.is_over THEN 'expired' ELSE 'pending' END
        WHEN i.status = 'denied' THEN coalesce(c.status, 'declined')
      END AS status
    ) AS s
    CROSS JOIN LATERAL (
      SELECT FROM campus.users AS u
      WHERE u.id = i.other AND u.store_key = campus.users_lookup_key(i.other) AND u.school = $2 AND u.visible
        AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
        AND u.id <> ALL (ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $1))
      OFFSET 0) AS p
    WHERE i.from_id <> i.to_id AND s.status IS NOT NULL
      AND s.status = ANY ($8::text[])
      AND ((extract(epoch FROM t.sent) * 1000000)::bigint, --? cursor
        i.from_id || ':' || i.to_id || ':' || i.sent_ms) < ($5::text::bigint, $6::text) --? cursor
      AND $5::text IS NULL AND $6::text IS NULL --! cursor
    ORDER BY sort DESC, id DESC
    LIMIT $3::bigint + 1 OFFSET $4::bigint
  ) AS q
  CROSS JOIN LATERAL (
    SELECT u.card FROM campus.users AS u WHERE u.id = q.other AND u.store_key = campus.users_lookup_key(q.other)
    OFFSET 0) AS u
) AS p;

-- name: one
-- $3, $4 and $5 are the parts of its id.
SELECT convert_to(p.intro, 'UTF8') AS intro, p.status
FROM (
  SELECT q.status,
    format(
      '{"id":%s,"direction":"%s","status":"%s","reason":%s,"note":%s,"created_at":%s,'
      '"answered_at":%s,"person":%s}',
      to_json(q.id), q.direction, q.status, coalesce(to_json(left(q.reason, 200))::text, 'null'),
      coalesce(to_json(left(q.note, 500))::text, 'null'), outgrow.json_of_time(q.sent),
      coalesce(outgrow.json_of_time(q.answered_at)::text, 'null'), u.card) AS intro
  FROM (
    SELECT i.from_id || ':' || i.to_id || ':' || i.sent_ms AS id,
      i.direction, i.other, i.reason, i.note, t.sent, s.status,
      CASE s.status
        WHEN 'accepted' THEN i.accepted_at
        WHEN 'declined' THEN i.denied_at
        WHEN 'withdrawn' THEN i.denied_at
      END AS answered_at
    FROM (
      SELECT CASE WHEN i.to_id = $1 THEN 'incoming' ELSE 'outgoing' END AS direction,
        CASE WHEN i.to_id = $1 THEN i.from_id ELSE i.to_id END AS other,
        i.from_id, i.to_id, i.sent_ms, i.reason,
        outgrow.text_of(i.rest -> 'note') AS note, i.status, i.created_at, i.accepted_at, i.denied_at
      FROM campus.intros AS i
      WHERE i.from_id = $3 AND i.to_id = $4 AND i.sent_ms = $5 AND i.store_key = campus.intros_lookup_key($3, $4, $5)
    ) AS i
    CROSS JOIN LATERAL (
      SELECT coalesce(
        i.created_at,
        CASE WHEN i.sent_ms ~ '^[0-9]{1,13}$' THEN to_timestamp(i.sent_ms::bigint / 1000.0) END,
        'epoch') AS sent
    ) AS t
    CROSS JOIN LATERAL (SELECT t.sent < now() - interval '30 days' AS is_over) AS e
    LEFT JOIN network.closed_intros AS c
      ON c.from_id = i.from_id AND c.to_id = i.to_id AND c.sent_ms = i.sent_ms
    CROSS JOIN LATERAL (
      SELECT CASE
        WHEN i.status = 'accepted' THEN 'accepted'
        WHEN i.status = 'pending' THEN CASE WHEN e.is_over THEN 'expired' ELSE 'pending' END
        WHEN i.status = 'denied' THEN coalesce(c.status, 'declined')
      END AS status
    ) AS s
    CROSS JOIN LATERAL (
      SELECT FROM campus.users AS u
      WHERE u.id = i.other AND u.store_key = campus.users_lookup_key(i.other) AND u.school = $2 AND u.visible
        AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
        AND u.id <> ALL (ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $1))
      OFFSET 0) AS p
    WHERE i.from_id <> i.to_id AND s.status IS NOT NULL
  ) AS q
  CROSS JOIN LATERAL (
    SELECT u.card FROM campus.users AS u WHERE u.id = q.other AND u.store_key = campus.users_lookup_key(q.other)
    OFFSET 0) AS u
) AS p;

-- name: meeting
-- Whether `$3` can be reached by `$1`, whether `$1` can be seen at all, and whether each of the two
-- has the other among the connections. ($2: the school.)
SELECT
  EXISTS (
    SELECT FROM campus.users AS u
    WHERE u.id = $3 AND u.store_key = campus.users_lookup_key($3) AND u.school = $2 AND u.visible
      AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
      AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $1 AND h.id = $3)
  ) AS reachable,
  EXISTS (
    SELECT FROM campus.users AS u
    WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1) AND u.visible
  ) AS visible,
  EXISTS (
    SELECT FROM campus.connections AS c
    WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1) AND c.connected_user_id = $3
  ) AND EXISTS (
    SELECT FROM campus.connections AS c
    WHERE c.user_id = $3 AND c.store_key = campus.connections_lookup_key($3) AND c.connected_user_id = $1
  ) AS connected;

-- name: between
-- The pending intros of a pair, in both directions, the oldest first; of those that are not over
-- (`fresh`), or of all. In a store, where keys sort by sender and receiver, they are looked up by
-- the first and the last time that a key can have.
SELECT i.from_id, i.to_id, i.sent_ms
FROM (VALUES ($1::text, $2::text), ($2::text, $1::text)) AS way(from_id, to_id)
CROSS JOIN LATERAL (
  SELECT i.from_id, i.to_id, i.sent_ms, i.created_at
  FROM campus.intros AS i
  WHERE i.from_id = way.from_id AND i.to_id = way.to_id AND i.status = 'pending'
    AND i.store_key >= campus.intros_lookup_key(way.from_id, way.to_id, '0')
    AND i.store_key <= campus.intros_lookup_key(way.from_id, way.to_id, '99999999999999999999')
  OFFSET 0) AS i
CROSS JOIN LATERAL (
  SELECT coalesce(
    i.created_at,
    CASE WHEN i.sent_ms ~ '^[0-9]{1,13}$' THEN to_timestamp(i.sent_ms::bigint / 1000.0) END,
    'epoch') AS sent
) AS t
CROSS JOIN LATERAL (SELECT t.sent < now() - interval '30 days' AS is_over) AS e
WHERE true
  AND NOT e.is_over --? fresh
ORDER BY t.sent, i.sent_ms;

-- name: send
INSERT INTO campus.intros (from_id, to_id, sent_ms, reason, status, created_at, rest)
VALUES ($1, $2, $3, $4, 'pending', $5, $6);

-- name: lock_accept
-- $1, $2 and $3 hold the parts of the intros' ids, $4 and $5 are the two people, $6 is their chat
-- and $7 its participants. Lists of chats are made with the chat, where there is none yet.
SELECT campus.lock_keys(
  ARRAY[campus.connections_key($4), campus.connections_key($5), campus.chats_key($6)]
  || ARRAY(SELECT l.key FROM campus.chats_lists($6, $7) AS l)
  || ARRAY(
    SELECT campus.intros_key(i.from_id, i.to_id, i.sent_ms)
    FROM unnest($1::text[], $2::text[], $3::text[]) AS i(from_id, to_id, sent_ms)),
  CASE
    WHEN EXISTS (SELECT FROM campus.chats AS c WHERE c.id = $6 AND c.store_key = campus.chats_lookup_key($6))
    THEN ARRAY[campus.connections_key($4), campus.connections_key($5)]
  END);

-- name: accept
UPDATE campus.intros AS i
SET status = 'accepted', accepted_at = date_trunc('milliseconds', clock_timestamp())
WHERE i.from_id = $1 AND i.to_id = $2 AND i.sent_ms = $3 AND i.store_key = campus.intros_lookup_key($1, $2, $3)
  AND i.status = 'pending'
RETURNING outgrow.json_of_time(i.accepted_at) AS answered_at;

-- name: deny
UPDATE campus.intros AS i
SET status = 'denied', denied_at = date_trunc('milliseconds', clock_timestamp())
WHERE i.from_id = $1 AND i.to_id = $2 AND i.sent_ms = $3 AND i.store_key = campus.intros_lookup_key($1, $2, $3)
  AND i.status = 'pending'
RETURNING outgrow.json_of_time(i.denied_at) AS answered_at;

-- name: close
INSERT INTO network.closed_intros (from_id, to_id, sent_ms, status, closed_at)
VALUES ($1, $2, $3, 'withdrawn', date_trunc('milliseconds', clock_timestamp()))
ON CONFLICT (from_id, to_id, sent_ms) DO UPDATE SET closed_at = excluded.closed_at;

-- name: connect
-- Each side, where it does not have the other yet.
INSERT INTO campus.connections (user_id, connected_user_id)
SELECT $1::text, $2::text
WHERE NOT EXISTS (
  SELECT FROM campus.connections AS c
  WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1) AND c.connected_user_id = $2)
UNION ALL
SELECT $2::text, $1::text
WHERE NOT EXISTS (
  SELECT FROM campus.connections AS c
  WHERE c.user_id = $2 AND c.store_key = campus.connections_lookup_key($2) AND c.connected_user_id = $1);

-- name: open_chat
INSERT INTO campus.chats (id, participants, created_at, rest)
SELECT $1::text, $2::jsonb, date_trunc('milliseconds', clock_timestamp()),
  jsonb_build_object('chatId', $1::text)
WHERE NOT EXISTS (SELECT FROM campus.chats AS c WHERE c.id = $1 AND c.store_key = campus.chats_lookup_key($1));

-- name: lock_chat
-- The chat `$1` of the people `$2`, and the lists of chats that are made with it.
SELECT campus.lock_keys(
  ARRAY[campus.chats_key($1)] || ARRAY(SELECT l.key FROM campus.chats_lists($1, $2) AS l),
  CASE
    WHEN EXISTS (SELECT FROM campus.chats AS c WHERE c.id = $1 AND c.store_key = campus.chats_lookup_key($1))
    THEN '{}'::text[]
  END);

-- name: forget_marks
-- How far a chat had been read that exists again: where its messages are gone, positions begin
-- again.
DELETE FROM network.read_marks AS r
WHERE r.chat_id = $1 AND NOT EXISTS (
  SELECT FROM campus.messages AS m WHERE m.chat_id = $1 AND m.store_key = campus.messages_lookup_key($1));

-- name: mend_chat
-- A chat of the prototype may lack its participants. One that names others stays theirs.
UPDATE campus.chats AS c SET participants = $2::jsonb
WHERE c.id = $1 AND c.store_key = campus.chats_lookup_key($1) AND NOT coalesce(c.participants @> $2::jsonb, false)
  AND NOT EXISTS (
    SELECT FROM jsonb_array_elements(c.participants) AS e(v)
    WHERE outgrow.key_of(e.v) IS NOT NULL AND NOT $2::jsonb ? outgrow.key_of(e.v));

-- name: has_chat
-- Whether the chat `$1` is one of all the people `$2`; no row where it is not there.
SELECT coalesce(c.participants @> $2::jsonb, false)
FROM campus.chats AS c
WHERE c.id = $1 AND c.store_key = campus.chats_lookup_key($1);
