-- Everything about one person, `$1`, in pieces: none holds more than a batch, and nothing is kept
-- open between two of them. A list's row is its JSON and a key; `$2` is the key after which the
-- next batch begins, null for the first, and `$3` how many rows a batch has. Other people are
-- exported with ids and names, if a list of people would show them: a person who is gone, hides or
-- has blocked this one is left out (a null line). People whom this one has blocked have an id
-- without a name.

-- name: about
SELECT convert_to(json_build_object(
  'exported_at', outgrow.json_of_time(date_trunc('milliseconds', now())),
  'account', json_build_object('user_id', a.user_id, 'email', a.email,
    'created_at', outgrow.json_of_time(a.created_at),
    'password_set_at', outgrow.json_of_time(a.password_set_at),
    'verified_at', outgrow.json_of_time(a.verified_at), 'admitted_to', a.admitted_to),
  'profile', (
    SELECT (
      SELECT coalesce(jsonb_object_agg(r.name, network.exported(r.value)), '{}')
      FROM jsonb_each(u.rest) AS r(name, value)) || (
      SELECT jsonb_object_agg(f.name, f.value) FROM (VALUES
        ('id', to_jsonb(u.id)), ('email', to_jsonb(u.email)), ('name', to_jsonb(u.name)),
        ('school', to_jsonb(u.school)), ('major', to_jsonb(u.major)), ('year', to_jsonb(u.year)),
        ('interests', network.exported(u.interests)),
        ('lookingFor', network.exported(u.looking_for)),
        ('blockedUsers', network.exported(u.blocked)),
        ('createdAt', outgrow.json_of_time(u.created_at))) AS f(name, value)
      WHERE f.value IS NOT NULL AND NOT u.rest ? f.name)
    FROM campus.users AS u WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1)),
  'sessions', (
    SELECT coalesce(json_agg(json_build_object('id', s.id,
      'created_at', outgrow.json_of_time(s.created_at),
      'last_used_at', outgrow.json_of_time(s.turned_at),
      'expires_at', outgrow.json_of_time(s.expires_at),
      'ended_at', outgrow.json_of_time(s.ended_at), 'device', s.device)), '[]')
    FROM (
      SELECT n.id, n.created_at, n.turned_at, n.expires_at, n.ended_at, n.device
      FROM network.sessions AS n WHERE n.user_id = $1
      ORDER BY n.turned_at DESC LIMIT 1000) AS s)
  )::text, 'UTF8')
FROM network.accounts AS a
WHERE a.user_id = $1;

-- name: connections
SELECT CASE WHEN p.seen THEN json_build_object('id', x.other, 'name', p.name,
  'since', outgrow.json_of_time(x.created_at))::text END AS line, x.pos::text AS last
FROM (
  SELECT c.pos, c.connected_user_id AS other, c.created_at
  FROM campus.connections AS c
  WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1)
    AND c.pos > coalesce($2::text::bigint, -9000000000000000000)
  ORDER BY c.pos
  LIMIT $3::bigint
) AS x
LEFT JOIN LATERAL (
  SELECT u.name, true AS seen FROM campus.users AS u
  WHERE u.id = x.other AND u.store_key = campus.users_lookup_key(x.other) AND u.visible
    AND u.school = (SELECT network.school_of($1))
    AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
    AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $1 AND h.id = x.other)
  OFFSET 0) AS p ON true
ORDER BY x.pos;

-- name: intros
-- A closed one says what it really was.
SELECT CASE WHEN p.seen THEN json_build_object('id', x.id, 'direction', x.direction,
  'other', x.other, 'name', p.name,
  'status', coalesce(k.status, x.status), 'reason', x.reason,
  'note', CASE WHEN x.rest ? 'note' THEN network.exported(x.rest -> 'note') END,
  'created_at', outgrow.json_of_time(x.created_at),
  'accepted_at', outgrow.json_of_time(x.accepted_at),
  'denied_at', outgrow.json_of_time(x.denied_at))::text END AS line, x.id AS last
FROM (
  SELECT i.from_id || ':' || i.to_id || ':' || i.sent_ms AS id, i.from_id, i.to_id, i.sent_ms,
    CASE WHEN i.from_id = $1 THEN 'outgoing' ELSE 'incoming' END AS direction,
    CASE WHEN i.from_id = $1 THEN i.to_id ELSE i.from_id END AS other,
    i.status, i.reason, i.rest, i.created_at, i.accepted_at, i.denied_at
  FROM campus.intros AS i
  WHERE (i.from_id = $1 OR i.to_id = $1)
    AND (i.from_id || ':' || i.to_id || ':' || i.sent_ms) COLLATE "C" > coalesce($2::text, '')
  ORDER BY (i.from_id || ':' || i.to_id || ':' || i.sent_ms) COLLATE "C"
  LIMIT $3::bigint
) AS x
LEFT JOIN network.closed_intros AS k
  ON k.from_id = x.from_id AND k.to_id = x.to_id AND k.sent_ms = x.sent_ms
LEFT JOIN LATERAL (
  SELECT u.name, true AS seen FROM campus.users AS u
  WHERE u.id = x.other AND u.store_key = campus.users_lookup_key(x.other) AND u.visible
    AND u.school = (SELECT network.school_of($1))
    AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
    AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $1 AND h.id = x.other)
  OFFSET 0) AS p ON true
ORDER BY x.id COLLATE "C";

-- name: chats
-- The JSON is left open, for the messages.
SELECT left(json_build_object('id', x.id, 'participants', network.exported(x.participants),
  'created_at', outgrow.json_of_time(x.created_at), 'read_up_to', (
    SELECT r.pos FROM network.read_marks AS r WHERE r.chat_id = x.id AND r.user_id = $1)
  )::text, -1) AS line, x.id AS last
FROM (
  SELECT c.id, c.participants, c.created_at
  FROM (
    SELECT DISTINCT p.chat_id
    FROM campus.participants AS p
    WHERE p.user_id = $1 AND p.store_value @> campus.participants_containing($1)
      AND p.chat_id COLLATE "C" > coalesce($2::text, '')) AS p
  CROSS JOIN LATERAL (
    SELECT c.id, c.participants, c.created_at
    FROM campus.chats AS c
    WHERE c.id = p.chat_id AND c.store_key = campus.chats_lookup_key(p.chat_id)
    OFFSET 0) AS c
  ORDER BY c.id COLLATE "C"
  LIMIT $3::bigint
) AS x;

-- name: messages
-- `$1` is the chat.
SELECT json_build_object('id', m.id, 'sender_id', m.sender_id, 'content', m.content,
  'kind', m.kind, 'sent_at', outgrow.json_of_time(m.sent_at))::text AS line, m.pos::text AS last
FROM campus.messages AS m
WHERE m.chat_id = $1 AND m.store_key = campus.messages_lookup_key($1)
  AND m.pos > coalesce($2::text::bigint, -9000000000000000000)
ORDER BY m.pos
LIMIT $3::bigint;

-- name: blocks
SELECT json_build_object('id', x.other, 'name', p.name,
  'created_at', outgrow.json_of_time(x.created_at))::text AS line, x.other AS last
FROM (
  SELECT b.blocked_id AS other, b.created_at
  FROM network.blocks AS b
  WHERE b.user_id = $1 AND b.blocked_id COLLATE "C" > coalesce($2::text, '')
  ORDER BY b.blocked_id COLLATE "C"
  LIMIT $3::bigint
) AS x
LEFT JOIN LATERAL (
  SELECT u.name FROM campus.users AS u
  WHERE u.id = x.other AND u.store_key = campus.users_lookup_key(x.other) AND u.visible
    AND u.school = (SELECT network.school_of($1))
    AND u.blocked @> to_jsonb($1::text) IS NOT TRUE
    AND NOT EXISTS (
      SELECT FROM network.blocks AS b WHERE b.user_id = x.other AND b.blocked_id = $1)
  OFFSET 0) AS p ON true
ORDER BY x.other COLLATE "C";

-- name: reports
SELECT json_build_object('about', r.profile_id, 'reason', r.reason, 'note', r.note,
  'message_id', r.message_id, 'created_at', outgrow.json_of_time(r.created_at))::text AS line,
  r.id AS last
FROM network.reports AS r
WHERE r.reporter_id = $1 AND r.id COLLATE "C" > coalesce($2::text, '')
ORDER BY r.id COLLATE "C"
LIMIT $3::bigint;
