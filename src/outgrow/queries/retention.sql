-- Old messages, where an operator wants them to go: those of one chat at a time, from its beginning.

-- name: with_old
-- Chats with a message from before `$1`, but those of `$2`. Reads all messages until it has found
-- enough.
SELECT m.chat_id
FROM campus.messages AS m
WHERE m.sent_at < $1 AND m.chat_id <> ALL ($2::text[])
GROUP BY m.chat_id
LIMIT 100;

-- name: lock
SELECT campus.lock_keys(ARRAY[campus.messages_key($1)], made => '{}');

-- name: trim
-- Take the messages before the first that is young enough, in one write of the list; one without a
-- time goes with what is behind it. The `pos` of the first that stays is remembered, as others see it,
-- so that every other message keeps its own.
WITH ends AS MATERIALIZED (
  SELECT min(m.pos) AS first, max(m.pos) AS last,
    max(m.pos) FILTER (WHERE m.sent_at < $2) AS last_old,
    min(m.pos) FILTER (WHERE m.sent_at >= $2) AS first_young
  FROM campus.messages AS m
  WHERE m.chat_id = $1 AND m.store_key = campus.messages_lookup_key($1)
), chat AS MATERIALIZED (
  SELECT e.first, coalesce((
    SELECT min(m.pos)
    FROM campus.messages AS m
    WHERE m.chat_id = $1 AND m.store_key = campus.messages_lookup_key($1)
      AND (m.pos > e.last_old OR m.pos >= e.first_young)), e.last + outgrow.pos_step()) AS first_kept
  FROM ends AS e
  WHERE e.last_old IS NOT NULL
), remembered AS (
  INSERT INTO network.trimmed_chats AS t (chat_id, first_pos)
  SELECT $1, coalesce(b.first_pos - c.first, 0) + c.first_kept
  FROM chat AS c
  LEFT JOIN network.trimmed_chats AS b ON b.chat_id = $1
  WHERE c.first_kept > c.first
  ON CONFLICT (chat_id) DO UPDATE SET first_pos = excluded.first_pos
)
SELECT campus.messages_trim(campus.messages_key($1), c.first_kept)
FROM chat AS c
WHERE c.first_kept > c.first;

-- name: forget_keys
-- Keys of messages sent more than `$1` days ago, some at a time.
DELETE FROM network.sent_messages
WHERE (sender_id, key) IN (
  SELECT s.sender_id, s.key
  FROM network.sent_messages AS s
  WHERE s.created_at < now() - make_interval(days => $1)
  LIMIT 1000);
