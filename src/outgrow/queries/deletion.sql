-- Taking everything of one person, `$1`, out. The steps find what is left of them each time, so any
-- of them can be run again; see campus/accounts/personal_data.py.

-- name: mark
INSERT INTO network.deletions (user_id) VALUES ($1) ON CONFLICT (user_id) DO NOTHING;

-- name: sessions
SELECT s.id FROM network.sessions AS s WHERE s.user_id = $1;

-- name: account
-- Its sessions go with it.
WITH invited AS (
  DELETE FROM network.invitations WHERE user_id = $1
)
DELETE FROM network.accounts WHERE user_id = $1 RETURNING email_key;

-- name: profile
-- Takes them from the lists of their school as well.
DELETE FROM campus.users AS u WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1);

-- name: open
-- The people for whom a pass is due: the first one, and one more when no token of theirs can be
-- valid any more and no transaction can be open that saw them.
SELECT d.user_id FROM network.deletions AS d
WHERE d.swept_at IS NULL OR d.asked_at < now() - make_interval(secs => $1)
ORDER BY d.asked_at;

-- name: swept
UPDATE network.deletions SET swept_at = now() WHERE user_id = $1;

-- name: done
DELETE FROM network.deletions
WHERE user_id = $1 AND asked_at < now() - make_interval(secs => $2);

-- name: connected
-- $2 how many.
SELECT c.connected_user_id AS other
FROM campus.connections AS c
WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1)
LIMIT $2::bigint;

-- name: connected_by
SELECT c.user_id AS other
FROM campus.connections AS c
WHERE c.connected_user_id = $1 AND c.store_value @> campus.connections_containing($1)
LIMIT $2::bigint;

-- name: lock_connections
-- $2 the others.
SELECT campus.lock_keys(
  campus.connections_key($1)
  || ARRAY(SELECT campus.connections_key(o.id) FROM unnest($2::text[]) AS o(id)), made := '{}');

-- name: disconnect
DELETE FROM campus.connections AS c
WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1) AND c.connected_user_id = ANY ($2::text[]);

-- name: disconnect_others
DELETE FROM campus.connections AS c
USING unnest($2::text[]) AS o(id)
WHERE c.user_id = o.id AND c.store_key = campus.connections_lookup_key(o.id) AND c.connected_user_id = $1;

-- name: intros
SELECT i.from_id, i.to_id, i.sent_ms
FROM campus.intros AS i
WHERE i.from_id = $1 OR i.to_id = $1
LIMIT $2::bigint;

-- name: lock_intros
-- $1, $2 and $3 hold the parts of their ids.
SELECT campus.lock_keys(ARRAY(
  SELECT campus.intros_key(i.from_id, i.to_id, i.sent_ms)
  FROM unnest($1::text[], $2::text[], $3::text[]) AS i(from_id, to_id, sent_ms)
  UNION ALL
  SELECT l.key
  FROM unnest($1::text[], $2::text[], $3::text[]) AS i(from_id, to_id, sent_ms)
  CROSS JOIN LATERAL campus.intros_lists(i.from_id, i.to_id, i.sent_ms) AS l), made := '{}');

-- name: take_intros
DELETE FROM campus.intros AS i
USING unnest($1::text[], $2::text[], $3::text[]) AS d(from_id, to_id, sent_ms)
WHERE i.from_id = d.from_id AND i.to_id = d.to_id AND i.sent_ms = d.sent_ms
  AND i.store_key = campus.intros_lookup_key(d.from_id, d.to_id, d.sent_ms);

-- name: take_closed
DELETE FROM network.closed_intros WHERE from_id = $1 OR to_id = $1;

-- name: take_blocks
DELETE FROM network.blocks WHERE user_id = $1 OR blocked_id = $1;

-- name: take_marks
DELETE FROM network.read_marks WHERE user_id = $1;

-- name: take_sent
DELETE FROM network.sent_messages WHERE sender_id = $1;

-- name: forget_reporter
-- The operator needs what was reported, not who did.
UPDATE network.reports SET reporter_id = '' WHERE reporter_id = $1;

-- name: empty_chats
-- Chats without any participant left.
SELECT c.id
FROM (
  SELECT DISTINCT p.chat_id
  FROM campus.participants AS p
  WHERE p.user_id = $1 AND p.store_value @> campus.participants_containing($1)) AS p
CROSS JOIN LATERAL (
  SELECT c.id, c.participants
  FROM campus.chats AS c
  WHERE c.id = p.chat_id AND c.store_key = campus.chats_lookup_key(p.chat_id)
  OFFSET 0) AS c
WHERE NOT EXISTS (
  SELECT
  FROM jsonb_array_elements(c.participants) AS e(v)
  CROSS JOIN LATERAL (SELECT outgrow.key_of(e.v) AS id) AS o
  CROSS JOIN LATERAL (
    SELECT FROM campus.users AS u WHERE u.id = o.id AND u.store_key = campus.users_lookup_key(o.id)
    OFFSET 0) AS u)
LIMIT $2::bigint;

-- name: take_messages
-- Of the chat `$1` the last `$2`.
DELETE FROM campus.messages AS m
WHERE m.chat_id = $1 AND m.store_key = campus.messages_lookup_key($1)
  AND m.pos IN (
    SELECT l.pos FROM campus.messages AS l
    WHERE l.chat_id = $1 AND l.store_key = campus.messages_lookup_key($1)
    ORDER BY l.pos DESC LIMIT $2::bigint);

-- name: take_chat
DELETE FROM campus.chats AS c WHERE c.id = $1 AND c.store_key = campus.chats_lookup_key($1);

-- name: take_trimmed
DELETE FROM network.trimmed_chats WHERE chat_id = $1;
