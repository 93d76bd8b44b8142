-- Old messages, where an operator wants them to go: some of one chat at a time, from its beginning.

-- name: with_old
-- Chats with a message from before `$1`, but those of `$2`. Reads all messages until it has found
-- enough.
SELECT m.chat_id
FROM campus.messages AS m
WHERE m.sent_at < $1 AND m.chat_id <> ALL ($2::text[])
GROUP BY m.chat_id
LIMIT 100

-- name: lock
SELECT campus.lock_keys(ARRAY[campus.messages_key($1)], made => '{}')

-- name: trim
-- Of the messages before the first that is young enough, up to `$3`; one without a time goes with
-- what is behind it. The `pos` of the first that stays is remembered, as others see it, so that every
-- other message keeps its own.
WITH chat AS MATERIALIZED (
  SELECT min(m.pos) AS first, max(m.pos) AS last
  FROM campus.messages AS m
  WHERE m.chat_id = $1 AND m.at = campus.messages_at($1)
), gone AS (
  DELETE FROM campus.messages AS m
  WHERE m.chat_id = $1 AND m.at = campus.messages_at($1) AND m.pos IN (
    SELECT o.pos
    FROM campus.messages AS o
    WHERE o.chat_id = $1 AND o.at = campus.messages_at($1)
      AND o.pos <= (
        SELECT max(l.pos) FROM campus.messages AS l
        WHERE l.chat_id = $1 AND l.at = campus.messages_at($1) AND l.sent_at < $2)
      AND o.pos < coalesce((
        SELECT min(y.pos) FROM campus.messages AS y
        WHERE y.chat_id = $1 AND y.at = campus.messages_at($1) AND y.sent_at >= $2),
        9000000000000000000)
    ORDER BY o.pos
    LIMIT $3)
  RETURNING m.pos
)
INSERT INTO network.trimmed_chats AS t (chat_id, first_pos)
SELECT $1, coalesce(b.first_pos - c.first, 0) + coalesce((
  SELECT min(m.pos)
  FROM campus.messages AS m
  WHERE m.chat_id = $1 AND m.at = campus.messages_at($1)
    AND m.pos > (SELECT max(g.pos) FROM gone AS g)), c.last + outgrow.pos_step())
FROM chat AS c
LEFT JOIN network.trimmed_chats AS b ON b.chat_id = $1
WHERE EXISTS (SELECT FROM gone)
ON CONFLICT (chat_id) DO UPDATE SET first_pos = excluded.first_pos
RETURNING first_pos

-- name: forget_keys
-- Keys of messages sent more than `$1` days ago, some at a time.
DELETE FROM network.sent_messages
WHERE (sender_id, key) IN (
  SELECT s.sender_id, s.key
  FROM network.sent_messages AS s
  WHERE s.created_at < now() - make_interval(days => $1)
  LIMIT 1000)
