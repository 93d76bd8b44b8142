-- Chats, for the people in them. `$1` is the viewer. A chat is a document that names its
-- participants; the other is the first of them who is not the viewer. It exists for good;
-- network.why_closed tells what closes it. `pos` is a message's own, shifted where retention
-- deleted some.

-- name: page
-- By latest activity. $2 limit, $3 the viewer's school, $4 offset, $5 sort key and $6 id of the
-- chat before (`cursor`). The other person and the number of unread messages are looked up only for
-- the rows shown. Before the viewer's first mark, and after it, a message is read when its own
-- `readBy` says so, as old clients do; the system's welcome never counts.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(p.chat, ',' ORDER BY p.n) FILTER (WHERE p.n <= $2::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $2::bigint AS has_more,
  max(p.sort::text) FILTER (WHERE p.n = $2::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $2::bigint) AS last_id
FROM (
  SELECT q.id, q.sort, row_number() OVER (ORDER BY q.sort DESC, q.id DESC) AS n,
    format(
      '{"id":%s,"person":%s,"others":%s,"closed":%s,"last_message":%s,"unread":%s,"created_at":%s}',
      to_json(q.id), coalesce(u.card, 'null'),
      (SELECT count(DISTINCT outgrow.key_of(e.v)) FROM jsonb_array_elements(q.participants) AS e(v)
       WHERE outgrow.key_of(e.v) <> $1),
      coalesce(to_json(network.why_closed($1, $3, q.participants))::text, 'null'),
      coalesce(q.last, 'null'), unread.n,
      coalesce(outgrow.json_of_time(q.created_at)::text, 'null')) AS chat
  FROM (
    SELECT c.id, c.other, c.participants, c.created_at, c.shift,
      (extract(epoch FROM coalesce(l.sent_at, c.created_at, 'epoch')) * 1000000)::bigint AS sort,
      CASE WHEN l.pos IS NOT NULL THEN network.message(
        c.id, l.pos + c.shift, l.id, l.sender_id, l.content, l.kind, l.sent_at) END AS last
    FROM (
      SELECT p.chat_id
      FROM campus.participants AS p
      WHERE p.user_id = $1 AND p.store_value @> campus.participants_containing($1)) AS x
    CROSS JOIN LATERAL (
      SELECT c.id, c.created_at, c.participants,
        (SELECT outgrow.key_of(e.v)
         FROM jsonb_array_elements(c.participants) WITH ORDINALITY AS e(v, pos)
         WHERE outgrow.key_of(e.v) <> $1
         ORDER BY e.pos LIMIT 1) AS other,
        coalesce((
          SELECT t.first_pos - coalesce(f.pos, outgrow.pos_step())
          FROM network.trimmed_chats AS t
          CROSS JOIN LATERAL (
            SELECT min(m.pos) AS pos
            FROM campus.messages AS m
            WHERE m.chat_id = t.chat_id AND m.store_key = campus.messages_lookup_key(t.chat_id)) AS f
          WHERE t.chat_id = c.id), 0) AS shift
      FROM campus.chats AS c
      WHERE c.id = x.chat_id AND c.store_key = campus.chats_lookup_key(x.chat_id)
        AND c.participants @> jsonb_build_array($1::text)
      OFFSET 0) AS c
    LEFT JOIN LATERAL (
      SELECT m.pos, m.id, m.sender_id, m.content, m.kind, m.sent_at
      FROM campus.messages AS m
      WHERE m.chat_id = c.id AND m.store_key = campus.messages_lookup_key(c.id)
      ORDER BY m.pos DESC LIMIT 1) AS l ON true
    WHERE true
      AND ((extract(epoch FROM coalesce(l.sent_at, c.created_at, 'epoch')) * 1000000)::bigint, --? cursor
        c.id) < ($5::text::bigint, $6::text) --? cursor
      AND $5::text IS NULL AND $6::text IS NULL --! cursor
    ORDER BY sort DESC, c.id DESC
    LIMIT $2::bigint + 1 OFFSET $4::bigint
  ) AS q
  LEFT JOIN LATERAL (
    SELECT u.card
    FROM campus.users AS u
    WHERE u.id = q.other AND u.store_key = campus.users_lookup_key(q.other) AND u.school = $3 AND u.visible
      AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
      AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $1 AND h.id = q.other)
    OFFSET 0) AS u ON true
  CROSS JOIN LATERAL (
    SELECT count(*) AS n
    FROM (
      SELECT FROM campus.messages AS m
      WHERE m.chat_id = q.id AND m.store_key = campus.messages_lookup_key(q.id)
        AND m.pos > coalesce((
          SELECT r.pos FROM network.read_marks AS r WHERE r.chat_id = q.id AND r.user_id = $1),
          -9000000000000000000) - q.shift
        AND m.sender_id IS DISTINCT FROM $1 AND m.kind IS DISTINCT FROM 'system'
        AND NOT coalesce(m.rest -> 'readBy' @> to_jsonb($1::text), false)
      LIMIT 99) AS m) AS unread
) AS p;

-- name: one
-- As in the list. $2 the chat, $3 the viewer's school.
SELECT convert_to(p.chat, 'UTF8')
FROM (
  SELECT
    format(
      '{"id":%s,"person":%s,"others":%s,"closed":%s,"last_message":%s,"unread":%s,"created_at":%s}',
      to_json(q.id), coalesce(u.card, 'null'),
      (SELECT count(DISTINCT outgrow.key_of(e.v)) FROM jsonb_array_elements(q.participants) AS e(v)
       WHERE outgrow.key_of(e.v) <> $1),
      coalesce(to_json(network.why_closed($1, $3, q.participants))::text, 'null'),
      coalesce(q.last, 'null'), unread.n,
      coalesce(outgrow.json_of_time(q.created_at)::text, 'null')) AS chat
  FROM (
    SELECT c.id, c.other, c.participants, c.created_at, c.shift,
      CASE WHEN l.pos IS NOT NULL THEN network.message(
        c.id, l.pos + c.shift, l.id, l.sender_id, l.content, l.kind, l.sent_at) END AS last
    FROM (
      SELECT c.id, c.created_at, c.participants,
        (SELECT outgrow.key_of(e.v)
         FROM jsonb_array_elements(c.participants) WITH ORDINALITY AS e(v, pos)
         WHERE outgrow.key_of(e.v) <> $1
         ORDER BY e.pos LIMIT 1) AS other,
        coalesce((
          SELECT t.first_pos - coalesce(f.pos, outgrow.pos_step())
          FROM network.trimmed_chats AS t
          CROSS JOIN LATERAL (
            SELECT min(m.pos) AS pos
            FROM campus.messages AS m
            WHERE m.chat_id = t.chat_id AND m.store_key = campus.messages_lookup_key(t.chat_id)) AS f
          WHERE t.chat_id = c.id), 0) AS shift
      FROM campus.chats AS c
      WHERE c.id = $2 AND c.store_key = campus.chats_lookup_key($2)
        AND c.participants @> jsonb_build_array($1::text)
      OFFSET 0) AS c
    LEFT JOIN LATERAL (
      SELECT m.pos, m.id, m.sender_id, m.content, m.kind, m.sent_at
      FROM campus.messages AS m
      WHERE m.chat_id = c.id AND m.store_key = campus.messages_lookup_key(c.id)
      ORDER BY m.pos DESC LIMIT 1) AS l ON true
  ) AS q
  LEFT JOIN LATERAL (
    SELECT u.card
    FROM campus.users AS u
    WHERE u.id = q.other AND u.store_key = campus.users_lookup_key(q.other) AND u.school = $3 AND u.visible
      AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
      AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $1 AND h.id = q.other)
    OFFSET 0) AS u ON true
  CROSS JOIN LATERAL (
    SELECT count(*) AS n
    FROM (
      SELECT FROM campus.messages AS m
      WHERE m.chat_id = q.id AND m.store_key = campus.messages_lookup_key(q.id)
        AND m.pos > coalesce((
          SELECT r.pos FROM network.read_marks AS r WHERE r.chat_id = q.id AND r.user_id = $1),
          -9000000000000000000) - q.shift
        AND m.sender_id IS DISTINCT FROM $1 AND m.kind IS DISTINCT FROM 'system'
        AND NOT coalesce(m.rest -> 'readBy' @> to_jsonb($1::text), false)
      LIMIT 99) AS m) AS unread
) AS p;

-- name: messages_older
-- Newest first. $2 the chat, $3 limit, $4 the place before which the page begins.
WITH chat AS MATERIALIZED (
  SELECT c.id,
    coalesce((
      SELECT t.first_pos - coalesce(f.pos, outgrow.pos_step())
      FROM network.trimmed_chats AS t
      CROSS JOIN LATERAL (
        SELECT min(m.pos) AS pos
        FROM campus.messages AS m
        WHERE m.chat_id = t.chat_id AND m.store_key = campus.messages_lookup_key(t.chat_id)) AS f
      WHERE t.chat_id = c.id), 0) AS shift
  FROM campus.chats AS c
  WHERE c.id = $2 AND c.store_key = campus.chats_lookup_key($2) AND c.participants @> jsonb_build_array($1::text)
)
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(p.message, ',' ORDER BY p.n) FILTER (WHERE p.n <= $3::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $3::bigint AS has_more,
  max(p.pos::text) FILTER (WHERE p.n = $3::bigint) AS last_sort,
  '' AS last_id,
  EXISTS (SELECT FROM chat) AS found
FROM (
  SELECT q.pos, row_number() OVER (ORDER BY q.pos DESC) AS n,
    network.message(q.chat_id, q.pos, q.id, q.sender_id, q.content, q.kind, q.sent_at) AS message
  FROM (
    SELECT m.chat_id, m.pos + (SELECT c.shift FROM chat AS c) AS pos,
      m.id, m.sender_id, m.content, m.kind, m.sent_at
    FROM campus.messages AS m
    WHERE m.chat_id = (SELECT c.id FROM chat AS c)
      AND m.store_key = campus.messages_lookup_key((SELECT c.id FROM chat AS c))
      AND m.pos < coalesce($4::text::bigint, 9000000000000000000)
        - (SELECT c.shift FROM chat AS c)
    ORDER BY m.pos DESC
    LIMIT $3::bigint + 1
  ) AS q
) AS p;

-- name: messages_newer
-- As they were sent. $2 the chat, $3 limit, $4 the position after which the page begins.
WITH chat AS MATERIALIZED (
  SELECT c.id,
    coalesce((
      SELECT t.first_pos - coalesce(f.pos, outgrow.pos_step())
      FROM network.trimmed_chats AS t
      CROSS JOIN LATERAL (
        SELECT min(m.pos) AS pos
        FROM campus.messages AS m
        WHERE m.chat_id = t.chat_id AND m.store_key = campus.messages_lookup_key(t.chat_id)) AS f
      WHERE t.chat_id = c.id), 0) AS shift
  FROM campus.chats AS c
  WHERE c.id = $2 AND c.store_key = campus.chats_lookup_key($2) AND c.participants @> jsonb_build_array($1::text)
)
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(p.message, ',' ORDER BY p.n) FILTER (WHERE p.n <= $3::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $3::bigint AS has_more,
  max(p.pos::text) FILTER (WHERE p.n = $3::bigint) AS last_sort,
  '' AS last_id,
  EXISTS (SELECT FROM chat) AS found
FROM (
  SELECT q.pos, row_number() OVER (ORDER BY q.pos) AS n,
    network.message(q.chat_id, q.pos, q.id, q.sender_id, q.content, q.kind, q.sent_at) AS message
  FROM (
    SELECT m.chat_id, m.pos + (SELECT c.shift FROM chat AS c) AS pos,
      m.id, m.sender_id, m.content, m.kind, m.sent_at
    FROM campus.messages AS m
    WHERE m.chat_id = (SELECT c.id FROM chat AS c)
      AND m.store_key = campus.messages_lookup_key((SELECT c.id FROM chat AS c))
      AND m.pos > coalesce($4::text::bigint, -9000000000000000000) - (SELECT c.shift FROM chat AS c)
    ORDER BY m.pos
    LIMIT $3::bigint + 1
  ) AS q
) AS p;

-- name: send
-- $2 the chat, $3 the key, $4 its digest, $5 the message's id, $6 the text. The key comes first: a
-- request with the same key at the same time waits there, and then sends nothing. The message is
-- written as the prototype did; `readBy` stays empty, for old clients, which add themselves.
-- Whether it is allowed is decided under the locks of the pairs, which are kept until the message
-- is written.
WITH chat AS MATERIALIZED (
  SELECT c.id,
    (SELECT outgrow.key_of(e.v)
     FROM jsonb_array_elements(c.participants) WITH ORDINALITY AS e(v, pos)
     WHERE outgrow.key_of(e.v) <> $1
     ORDER BY e.pos LIMIT 1) AS other,
    network.lock_and_why_closed($1, c.participants) AS closed
  FROM campus.chats AS c
  WHERE c.id = $2 AND c.store_key = campus.chats_lookup_key($2) AND c.participants @> jsonb_build_array($1::text)
), sent AS (
  INSERT INTO network.sent_messages (sender_id, key, digest, chat_id, message_id)
  SELECT $1, $3, $4, c.id, $5 FROM chat AS c WHERE c.closed IS NULL
  ON CONFLICT (sender_id, key) DO NOTHING
  RETURNING chat_id
), message AS (
  INSERT INTO campus.messages (chat_id, id, sender_id, content, sent_at, rest)
  SELECT s.chat_id, $5, $1, $6, date_trunc('milliseconds', now()),
    '{"readBy": [], "readAt": null}'
  FROM sent AS s
  RETURNING chat_id, pos, id, sender_id, content, kind, sent_at
)
SELECT c.other, c.closed, (
  SELECT convert_to(network.message(
    m.chat_id, m.pos + network.shift(m.chat_id), m.id, m.sender_id, m.content, m.kind, m.sent_at),
    'UTF8')
  FROM message AS m) AS body
FROM chat AS c;

-- name: sent
-- What was sent with a key: its digest, and the message while it is there.
SELECT s.digest, CASE WHEN m.pos IS NOT NULL THEN convert_to(network.message(
  s.chat_id, m.pos + network.shift(s.chat_id), m.id, m.sender_id, m.content, m.kind, m.sent_at),
  'UTF8') END AS body
FROM network.sent_messages AS s
LEFT JOIN LATERAL (
  SELECT m.pos, m.id, m.sender_id, m.content, m.kind, m.sent_at
  FROM campus.messages AS m
  WHERE m.chat_id = s.chat_id AND m.store_key = campus.messages_lookup_key(s.chat_id) AND m.id = s.message_id
  LIMIT 1) AS m ON true
WHERE s.sender_id = $1 AND s.key = $2;

-- name: mark
-- $2 the chat, $3 up to which position. Never backwards, and never past the end.
WITH chat AS MATERIALIZED (
  SELECT c.id,
    (SELECT outgrow.key_of(e.v)
     FROM jsonb_array_elements(c.participants) WITH ORDINALITY AS e(v, pos)
     WHERE outgrow.key_of(e.v) <> $1
     ORDER BY e.pos LIMIT 1) AS other,
    coalesce((
      SELECT t.first_pos - coalesce(f.pos, outgrow.pos_step())
      FROM network.trimmed_chats AS t
      CROSS JOIN LATERAL (
        SELECT min(m.pos) AS pos
        FROM campus.messages AS m
        WHERE m.chat_id = t.chat_id AND m.store_key = campus.messages_lookup_key(t.chat_id)) AS f
      WHERE t.chat_id = c.id), 0) AS shift
  FROM campus.chats AS c
  WHERE c.id = $2 AND c.store_key = campus.chats_lookup_key($2) AND c.participants @> jsonb_build_array($1::text)
), mark AS (
  INSERT INTO network.read_marks AS r (chat_id, user_id, pos)
  SELECT c.id, $1, least($3::bigint, l.pos + c.shift)
  FROM chat AS c
  CROSS JOIN LATERAL (
    SELECT max(m.pos) AS pos
    FROM campus.messages AS m
    WHERE m.chat_id = c.id AND m.store_key = campus.messages_lookup_key(c.id)) AS l
  WHERE l.pos IS NOT NULL
  ON CONFLICT (chat_id, user_id) DO UPDATE SET pos = excluded.pos, read_at = now()
  WHERE r.pos < excluded.pos
  RETURNING r.pos
)
SELECT c.other, (SELECT m.pos FROM mark AS m) AS pos FROM chat AS c;

-- name: other
-- $2 the chat: the other person, and what closes it.
SELECT
  (SELECT outgrow.key_of(e.v)
   FROM jsonb_array_elements(c.participants) WITH ORDINALITY AS e(v, pos)
   WHERE outgrow.key_of(e.v) <> $1
   ORDER BY e.pos LIMIT 1) AS other,
  network.why_closed($1, network.school_of($1), c.participants) AS closed
FROM campus.chats AS c
WHERE c.id = $2 AND c.store_key = campus.chats_lookup_key($2) AND c.participants @> jsonb_build_array($1::text);
