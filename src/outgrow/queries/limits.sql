-- Rate limits, shared by all processes. A row's `due` is the time at which its subject has nothing
-- left to wait for (the theoretical arrival time of GCRA); one that is past means nothing, and is
-- forgotten. The table is UNLOGGED: after a crash of the server all start again.

-- name: take
-- `$3` how many in a burst, `$4` the time after which one more is allowed, `$5` now, for tests. One
-- statement: of two simultaneous requests the second waits for the row. `wait` is 0 where the
-- request may go on, else how many seconds are to be waited, and then nothing was counted. No wait
-- is longer than for one more: what is due later was written before the clock went back, or the
-- limit was raised.
INSERT INTO network.limits AS l (name, subject, due)
VALUES ($1, $2, coalesce($5::timestamptz, now()) + $4::interval)
ON CONFLICT (name, subject) DO UPDATE SET
  due = CASE WHEN l.due <= excluded.due + ($3::integer - 2) * $4
    THEN greatest(l.due + $4, excluded.due)
    ELSE least(l.due, excluded.due + ($3 - 1) * $4) END,
  wait = greatest(0, extract(epoch FROM
    least(l.due, excluded.due + ($3 - 1) * $4) - excluded.due - ($3 - 2) * $4))
RETURNING l.wait::double precision;

-- name: give_back
-- One less, of `$3` each.
UPDATE network.limits SET due = due - $3::interval WHERE name = $1 AND subject = $2;

-- name: remember
INSERT INTO network.limits (name, subject, due)
VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (name, subject) DO UPDATE SET due = excluded.due;

-- name: knows
SELECT EXISTS (
  SELECT FROM network.limits AS l WHERE l.name = $1 AND l.subject = $2 AND l.due > now());

-- name: forget
DELETE FROM network.limits WHERE due < now();

-- name: now
SELECT extract(epoch FROM now())::double precision;
