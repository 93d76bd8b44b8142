-- What operators' commands did, until it is in a log.

-- name: record
INSERT INTO network.operations (command, subject) VALUES ($1, $2);

-- name: take
-- Several processes ask at the same time; each row goes to one.
DELETE FROM network.operations AS o
WHERE o.id IN (
  SELECT n.id FROM network.operations AS n ORDER BY n.id LIMIT 1000 FOR UPDATE SKIP LOCKED)
RETURNING outgrow.json_of_time(o.done_at) AS done_at, o.command, o.subject, o.role, o.host;

-- name: forget
-- Where nothing has served for long.
DELETE FROM network.operations
WHERE id < (SELECT max(o.id) FROM network.operations AS o) - $1::bigint;
