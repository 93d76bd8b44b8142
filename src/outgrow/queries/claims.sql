-- The people whom the store knew before there were accounts, and how they get theirs.

-- name: profiles
-- Up to 11 profiles with the e-mail `$1`, in lower case. `is_elsewhere`: an operator said that this one
-- belongs to another address. Phase `initial` has no index on e-mails, and reads all profiles.
SELECT u.id, u.email, u.school, a.user_id IS NOT NULL AS has_account,
  i.user_id IS NOT NULL AS is_elsewhere
FROM campus.users AS u
LEFT JOIN network.accounts AS a ON a.user_id = u.id
LEFT JOIN network.invitations AS i ON i.user_id = u.id AND i.linked AND i.email_key <> $1
WHERE u.email_key = $1
LIMIT 11;

-- name: linked
-- The profile without an account that an operator gave to the address `$1`.
SELECT i.user_id, i.email
FROM network.invitations AS i
JOIN campus.users AS u ON u.id = i.user_id AND u.store_key = campus.users_lookup_key(i.user_id)
WHERE i.email_key = $1 AND i.linked
  AND NOT EXISTS (SELECT FROM network.accounts AS a WHERE a.user_id = i.user_id);

-- name: of_user
SELECT u.id, u.email, a.user_id IS NOT NULL AS has_account, i.email AS linked_email
FROM campus.users AS u
LEFT JOIN network.accounts AS a ON a.user_id = u.id
LEFT JOIN network.invitations AS i ON i.user_id = u.id AND i.linked
WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1);

-- name: everybody
-- Reads all profiles.
SELECT u.id, u.email, u.school, a.user_id IS NOT NULL AS has_account,
  CASE WHEN i.linked THEN i.email END AS linked_email, i.begun_at, i.mailed_at
FROM campus.users AS u
LEFT JOIN network.accounts AS a ON a.user_id = u.id
LEFT JOIN network.invitations AS i ON i.user_id = u.id;

-- name: accounts
SELECT a.email_key FROM network.accounts AS a;

-- name: unlink
-- An address is given to one profile.
DELETE FROM network.invitations WHERE email_key = $1 AND linked AND user_id <> $2;

-- name: link
INSERT INTO network.invitations (user_id, email_key, email, linked, school)
SELECT u.id, $2, $3, true, u.school
FROM campus.users AS u
WHERE u.id = $1 AND u.store_key = campus.users_lookup_key($1)
ON CONFLICT (user_id) DO UPDATE SET email_key = excluded.email_key, email = excluded.email,
  linked = true, school = excluded.school, begun_at = NULL, mailed_at = NULL;

-- name: admit
-- Admit to the school that the profile named when an operator gave it to a person: what it names
-- now may be what they made an old client write.
UPDATE network.accounts AS a SET admitted_to = i.school
FROM network.invitations AS i
WHERE a.user_id = $1 AND i.user_id = $1 AND i.linked;

-- name: begin
-- Before the mail is sent; no row where this was begun before, unless `$4`.
INSERT INTO network.invitations AS i (user_id, email_key, email, begun_at)
VALUES ($1, $2, $3, now())
ON CONFLICT (user_id) DO UPDATE SET email_key = excluded.email_key, email = excluded.email,
  begun_at = now(), mailed_at = NULL
WHERE i.begun_at IS NULL OR $4
RETURNING true;

-- name: mailed
UPDATE network.invitations SET mailed_at = now() WHERE user_id = $1;

-- name: not_mailed
UPDATE network.invitations SET begun_at = NULL WHERE user_id = $1;

-- name: settled
DELETE FROM network.invitations WHERE user_id = $1;

-- name: forget
-- Invitations of people who are gone.
DELETE FROM network.invitations AS i
WHERE NOT EXISTS (
  SELECT FROM campus.users AS u WHERE u.id = i.user_id AND u.store_key = campus.users_lookup_key(i.user_id));
