-- Sign-in: accounts, and sessions with their refresh tokens. Tokens are here as SHA-256 only.

-- name: by_email
SELECT a.user_id, a.email, a.password_hash, a.password_set_at
FROM network.accounts AS a WHERE a.email_key = $1;

-- name: by_user
SELECT a.user_id, a.email, a.password_hash, a.verified_at
FROM network.accounts AS a WHERE a.user_id = $1;

-- name: school
-- The school of which a person is a member, or NULL.
SELECT network.school_of($1) AS school;

-- name: profile
-- The school that a profile names, member or not; no row when there is no profile.
SELECT u.school FROM campus.users AS u WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1);

-- name: admit
UPDATE network.accounts AS a SET admitted_to = u.school
FROM campus.users AS u
WHERE a.user_id = $1 AND u.id = $1 AND u.store_key = campus.users_lookup_key($1);

-- name: admit_all
-- The members of a school before it has domains.
UPDATE network.accounts AS a SET admitted_to = u.school
FROM campus.users AS u
WHERE u.id = a.user_id AND u.store_key = campus.users_lookup_key(a.user_id) AND u.school = $1;

-- name: profile_with_email
-- A profile of the prototype with this e-mail, or that an operator linked to it, other than the one of
-- `$2`.
SELECT u.id FROM campus.users AS u
WHERE u.email_key = $1 AND u.id IS DISTINCT FROM $2::text
UNION ALL
SELECT i.user_id FROM network.invitations AS i
WHERE i.email_key = $1 AND i.linked AND i.user_id IS DISTINCT FROM $2::text
  AND EXISTS (SELECT FROM campus.users AS u WHERE u.id = i.user_id AND u.store_key = campus.users_lookup_key(i.user_id))
LIMIT 1;

-- name: create
INSERT INTO network.accounts (user_id, email, email_key, password_hash) VALUES ($1, $2, $3, $4);

-- name: set_password
UPDATE network.accounts SET password_hash = $2, password_set_at = now()
WHERE email_key = $1
RETURNING user_id;

-- name: change_password
-- `$2` is the old hash, as it was when the old password was checked.
UPDATE network.accounts SET password_hash = $3, password_set_at = now()
WHERE user_id = $1 AND password_hash = $2;

-- name: drop_reset_codes
-- A reader of an older mail must not undo the new password with it.
DELETE FROM network.reset_codes AS c USING network.accounts AS a
WHERE a.user_id = $1 AND c.subject = a.email_key;

-- name: renew_hash
-- The same password, hashed with the parameters of today; `$2` is the old hash.
UPDATE network.accounts SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2;

-- name: own_words
-- What a person who knows an account's owner would try first.
SELECT a.email, p.name, p.school
FROM (SELECT $1::text AS id) AS i
LEFT JOIN network.accounts AS a ON a.user_id = i.id
LEFT JOIN LATERAL (
  SELECT u.name, u.school FROM campus.users AS u
  WHERE u.id = i.id AND u.store_key = campus.users_lookup_key(i.id)
  OFFSET 0) AS p ON true;

-- name: verified
UPDATE network.accounts SET verified_at = now() WHERE user_id = $1 AND verified_at IS NULL;

-- name: end_sessions
UPDATE network.sessions SET ended_at = now() WHERE user_id = $1 AND ended_at IS NULL
RETURNING id;

-- name: end_others
UPDATE network.sessions SET ended_at = now()
WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL
RETURNING id;

-- name: sessions
-- `$2` is the caller's own.
SELECT convert_to(json_build_object('items', coalesce(json_agg(s.line), '[]'), 'next', null)::text,
  'UTF8')
FROM (
  SELECT json_build_object('id', n.id, 'created_at', outgrow.json_of_time(n.created_at),
    'last_used_at', outgrow.json_of_time(n.turned_at), 'device', n.device, 'current', n.id = $2) AS line
  FROM network.sessions AS n
  WHERE n.user_id = $1 AND network.is_open(n.ended_at, n.expires_at, n.secret_id)
  ORDER BY n.turned_at DESC, n.id
  LIMIT 100
) AS s;

-- name: still_has_password
-- Return whether the password that was checked is still the current one, until this transaction
-- ends. A transaction that sets another one waits, and then finds the session that is opened here.
SELECT true FROM network.accounts AS a WHERE a.user_id = $1 AND a.password_set_at = $2 FOR SHARE;

-- name: open_session
-- `$5` is how long a session lives without being used, `$6` how long however much, in seconds.
INSERT INTO network.sessions (id, user_id, family_hash, token_hash, expires_at, device)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => least($5::float8, $6::float8)), $7);

-- name: forget_sessions
-- A user's sessions that are over; an ended one is kept for a day, for people who look into it.
DELETE FROM network.sessions
WHERE user_id = $1 AND (expires_at < now() OR ended_at < now() - interval '1 day');

-- name: turn
-- Exchange the newest token for the next one. Of two simultaneous requests the second waits for the
-- row, finds another token in it, and gets no row.
UPDATE network.sessions AS s
SET previous_hash = token_hash, token_hash = $3, turned_at = now(), expires_at = least(
  now() + make_interval(secs => $4), created_at + make_interval(secs => $5))
WHERE s.id = $1 AND s.token_hash = $2 AND network.is_open(s.ended_at, s.expires_at, s.secret_id)
RETURNING s.user_id;

-- name: end_family
-- An old token of a family came back: it was copied. That does not count for the token exchanged
-- within the last `$4` seconds, which the same client sends twice when it asks twice at the same
-- time.
UPDATE network.sessions SET ended_at = now()
WHERE id = $1 AND family_hash = $2 AND ended_at IS NULL
  AND NOT (previous_hash = $3 AND turned_at > now() - make_interval(secs => $4))
RETURNING user_id;

-- name: end_session
UPDATE network.sessions SET ended_at = now() WHERE id = $1 AND user_id = $2 AND ended_at IS NULL;
