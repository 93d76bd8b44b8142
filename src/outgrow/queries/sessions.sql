-- Which sessions are open, and of which school: `network.is_open` and `network.school_of` decide.

-- name: find
-- Whose open session that is, and of which school they are a member; no row where it is none.
SELECT s.user_id, network.school_of(s.user_id) AS school
FROM network.sessions AS s
WHERE s.id = $1 AND network.is_open(s.ended_at, s.expires_at, s.secret_id);

-- name: over
-- Of these sessions, those that are not open, or whose user is a member of no school.
SELECT v.id, s.id IS NOT NULL AS is_open
FROM unnest($1::text[]) AS v(id)
LEFT JOIN network.sessions AS s
  ON s.id = v.id AND network.is_open(s.ended_at, s.expires_at, s.secret_id)
WHERE s.id IS NULL OR network.school_of(s.user_id) IS NULL;
