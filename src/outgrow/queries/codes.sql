-- One-time codes, and what waits for them.

-- name: give
INSERT INTO network.codes (purpose, subject, hash, tries, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
ON CONFLICT (purpose, subject) DO UPDATE
SET hash = excluded.hash, tries = excluded.tries, expires_at = excluded.expires_at;

-- name: use
-- The second of two simultaneous requests waits for the row, and finds no tries left.
UPDATE network.codes AS c SET tries = CASE WHEN c.hash = $3 THEN 0 ELSE c.tries - 1 END
WHERE c.purpose = $1 AND c.subject = $2 AND c.tries > 0 AND c.expires_at > now()
RETURNING c.hash = $3;

-- name: give_long
INSERT INTO network.reset_codes (subject, hash, expires_at)
VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT DO NOTHING;

-- name: use_long
-- The right code takes all others of the account along. The second of two simultaneous requests
-- waits for the rows, and finds them gone.
DELETE FROM network.reset_codes AS c
WHERE c.subject = $1 AND EXISTS (
  SELECT FROM network.reset_codes AS r
  WHERE r.subject = $1 AND r.hash = $2 AND r.expires_at > now())
RETURNING true;

-- name: forget_resets
DELETE FROM network.reset_codes WHERE expires_at < now();

-- name: drop_resets
DELETE FROM network.reset_codes WHERE subject = $1;

-- name: forget
DELETE FROM network.codes WHERE expires_at < now();

-- name: forget_sign_ups
DELETE FROM network.sign_ups WHERE expires_at < now();

-- name: drop
DELETE FROM network.codes
WHERE subject = $1 OR subject IN (SELECT s.id FROM network.sign_ups AS s WHERE s.email_key = $1);

-- name: domains_of
-- No row for a school that asks for no address, and one with NULL for a protected one without a domain.
SELECT d.domain
FROM network.protected_schools AS p
LEFT JOIN network.school_domains AS d ON d.school = p.school
WHERE p.school = $1
ORDER BY 1;

-- name: protected
SELECT p.school FROM network.protected_schools AS p ORDER BY 1;

-- name: domains
SELECT d.domain, p.school
FROM network.protected_schools AS p
LEFT JOIN network.school_domains AS d ON d.school = p.school
ORDER BY p.school, d.domain;

-- name: protect
-- No row where the school was protected before.
INSERT INTO network.protected_schools (school) VALUES ($1)
ON CONFLICT (school) DO NOTHING
RETURNING school;

-- name: add_domain
INSERT INTO network.school_domains AS d (domain, school) VALUES ($1, $2)
ON CONFLICT (domain) DO UPDATE SET domain = d.domain
RETURNING d.school;

-- name: remove_domain
DELETE FROM network.school_domains WHERE domain = $1 RETURNING school;

-- name: members_by_domain
-- The members of the school `$2` by an address of the domain `$1`, and by nothing else.
SELECT a.user_id
FROM network.accounts AS a
JOIN campus.users AS u ON u.id = a.user_id AND u.store_key = campus.users_lookup_key(a.user_id)
WHERE u.school = $2 AND a.verified_at IS NOT NULL AND split_part(a.email_key, '@', -1) = $1
  AND a.admitted_to IS DISTINCT FROM $2
FOR UPDATE OF a;

-- name: keep
UPDATE network.accounts SET admitted_to = $2 WHERE user_id = ANY ($1::text[]);

-- name: open_school
-- Its domains go with it.
DELETE FROM network.protected_schools WHERE school = $1 RETURNING school;

-- name: begin
INSERT INTO network.sign_ups (id, email_key, email, password_hash, profile, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + interval '1 day');

-- name: waiting
-- The sign-up `$2` with the e-mail `$1`, or the newest one with it.
SELECT s.id, s.email, s.password_hash FROM network.sign_ups AS s
WHERE s.email_key = $1 AND s.expires_at > now() AND s.id = coalesce($2, s.id)
ORDER BY s.expires_at DESC LIMIT 1;

-- name: finish
DELETE FROM network.sign_ups WHERE id = $1 RETURNING email, profile;
