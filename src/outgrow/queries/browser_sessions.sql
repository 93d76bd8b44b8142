-- Sessions of the pages: what a cookie names. Its secret is here as SHA-256 only.

-- name: open
-- A session just opened becomes a browser's: no refresh token continues it any more.
UPDATE network.sessions SET family_hash = $2, token_hash = $3
WHERE id = $1 AND ended_at IS NULL;

-- name: session
-- Whose session it is; `old` once it was not renewed for a day.
SELECT s.user_id, s.turned_at < now() - interval '1 day' AS old
FROM network.sessions AS s
WHERE s.id = $1 AND s.family_hash = $2 AND network.is_open(s.ended_at, s.expires_at, s.secret_id);

-- name: renew
-- `$2` and `$3` as for `open_session` in accounts.sql.
UPDATE network.sessions
SET turned_at = now(), expires_at = least(
  now() + make_interval(secs => $2), created_at + make_interval(secs => $3))
WHERE id = $1 AND ended_at IS NULL;
