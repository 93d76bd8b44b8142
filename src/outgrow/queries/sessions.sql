-- Which sessions are open; `network.is_open` decides.

-- name: owner
-- Whose open session that is; no row where it is none.
SELECT s.user_id
FROM network.sessions AS s
WHERE s.id = $1 AND network.is_open(s.ended_at, s.expires_at, s.secret_id);

-- name: over
-- Of these sessions, those that are not open.
SELECT v.id
FROM unnest($1::text[]) AS v(id)
WHERE NOT EXISTS (
  SELECT FROM network.sessions AS s
  WHERE s.id = v.id AND network.is_open(s.ended_at, s.expires_at, s.secret_id));
