-- name: all
-- Every school and how many profiles name it that can be seen: who hides is as good as gone. Reads all profiles: see campus/people/schools.py.
SELECT m.school, count(*) AS members
FROM campus.user_search AS m
WHERE m.school IS NOT NULL AND m.visible
GROUP BY m.school;

-- name: some
-- Of these schools those that somebody's profile names, with how many do.
SELECT m.school, count(*) AS members
FROM campus.user_search AS m
WHERE m.school = ANY ($1::text[]) AND m.visible
GROUP BY m.school;

-- name: hidden_members
-- How many of the people $2 the school $1 counts.
SELECT count(*)
FROM unnest($2::text[]) AS h(id)
CROSS JOIN LATERAL (
  SELECT
  FROM campus.users AS u
  WHERE u.id = h.id AND u.store_key = campus.users_lookup_key(h.id) AND u.school = $1 AND u.visible
  OFFSET 0) AS u;
