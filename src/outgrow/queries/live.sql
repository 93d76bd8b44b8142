-- Messages for sockets: looked up by chat, never by socket.

-- name: gather
-- The chats of these users, with the last `pos` and how far each participant has read.
SELECT p.user_id, p.chat_id,
  coalesce(l.pos, 0) + coalesce((
    SELECT t.first_pos - coalesce(f.pos, outgrow.pos_step())
    FROM network.trimmed_chats AS t
    CROSS JOIN LATERAL (
      SELECT min(m.pos) AS pos
      FROM campus.messages AS m
      WHERE m.chat_id = t.chat_id AND m.store_key = campus.messages_lookup_key(t.chat_id)) AS f
    WHERE t.chat_id = p.chat_id), 0) AS last,
  ARRAY(SELECT r.user_id FROM network.read_marks AS r
    WHERE r.chat_id = p.chat_id ORDER BY r.user_id) AS readers,
  ARRAY(SELECT r.pos FROM network.read_marks AS r
    WHERE r.chat_id = p.chat_id ORDER BY r.user_id) AS marks
FROM unnest($1::text[]) AS v(id)
JOIN campus.participants AS p ON p.user_id = v.id AND p.store_value @> campus.participants_containing(v.id)
CROSS JOIN LATERAL (
  SELECT max(m.pos) AS pos
  FROM campus.messages AS m
  WHERE m.chat_id = p.chat_id AND m.store_key = campus.messages_lookup_key(p.chat_id)) AS l;

-- name: look
-- What is in each chat `$1` after the position `$2`, up to `$3` messages. `hidden`: one of its
-- people has blocked another, hides, or is gone; which of these, it does not tell.
SELECT x.chat_id, c.users, m.places, m.messages,
  CASE WHEN m.places IS NULL THEN false ELSE EXISTS (
      SELECT FROM network.blocks AS b
      WHERE b.user_id = ANY (c.users) AND b.blocked_id = ANY (c.users))
    OR EXISTS (
      SELECT FROM unnest(c.users) AS v(id)
      JOIN campus.users AS u ON u.id = v.id AND u.store_key = campus.users_lookup_key(v.id)
      WHERE u.blocked ?| array_remove(c.users, v.id))
    OR EXISTS (
      SELECT FROM unnest(c.users) AS v(id)
      WHERE NOT EXISTS (
        SELECT FROM campus.users AS u
        WHERE u.id = v.id AND u.store_key = campus.users_lookup_key(v.id) AND u.visible)) END AS hidden,
  coalesce(m.places[cardinality(m.places)], (
    SELECT max(l.pos) + c.shift
    FROM campus.messages AS l
    WHERE l.chat_id = x.chat_id AND l.store_key = campus.messages_lookup_key(x.chat_id)), 0) AS last,
  ARRAY(SELECT r.user_id FROM network.read_marks AS r
    WHERE r.chat_id = x.chat_id ORDER BY r.user_id) AS readers,
  ARRAY(SELECT r.pos FROM network.read_marks AS r
    WHERE r.chat_id = x.chat_id ORDER BY r.user_id) AS marks
FROM unnest($1::text[], $2::bigint[]) AS x(chat_id, after)
CROSS JOIN LATERAL (
  SELECT
    ARRAY(SELECT outgrow.key_of(e.v) FROM jsonb_array_elements(c.participants) AS e(v)
      WHERE outgrow.key_of(e.v) IS NOT NULL) AS users,
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
  OFFSET 0) AS c
CROSS JOIN LATERAL (
  SELECT array_agg(m.pos + c.shift ORDER BY m.pos) AS places,
    array_agg(network.message(x.chat_id, m.pos + c.shift, m.id, m.sender_id, m.content, m.kind,
      m.sent_at) ORDER BY m.pos) AS messages
  FROM (
    SELECT m.pos, m.id, m.sender_id, m.content, m.kind, m.sent_at
    FROM campus.messages AS m
    WHERE m.chat_id = x.chat_id AND m.store_key = campus.messages_lookup_key(x.chat_id)
      AND m.pos > x.after - c.shift
    ORDER BY m.pos LIMIT $3::bigint) AS m) AS m;

-- name: shows
-- Of these users, each in a chat, who lets the others of it see what they have read: who could write there.
SELECT v.id, v.chat_id
FROM unnest($1::text[], $2::text[]) AS v(id, chat_id)
JOIN campus.users AS u ON u.id = v.id AND u.store_key = campus.users_lookup_key(v.id)
JOIN campus.chats AS c ON c.id = v.chat_id AND c.store_key = campus.chats_lookup_key(v.chat_id)
WHERE u.rest #> '{settings,readReceipts}' IS DISTINCT FROM 'false'
  AND coalesce(network.why_closed(v.id, network.school_of(v.id), c.participants), 'messages_not_taken')
    = 'messages_not_taken';
