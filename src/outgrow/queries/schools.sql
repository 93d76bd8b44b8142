-- name: all
-- Every school and how many profiles name it. Reads all profiles: see campus/schools.py.
SELECT m.school, count(*) AS members
FROM campus.school_members AS m
GROUP BY m.school
