-- What the rows of a list are ordered by, and how few of them a change of the list touches. Called by
-- views, and by the functions that layout/mirror/lists.py makes.

-- name: functions
-- Between the `pos` of two neighbours in a list that nobody has changed in between.
CREATE OR REPLACE FUNCTION outgrow.pos_step() RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 1000000::bigint;

-- Of a row that is seen: whether this transaction made it, or one of its savepoints. Its number is as a
-- rule greater than that of any row of others; but it may be older than the snapshot (LOCK TABLE gives
-- a transaction its number and takes no snapshot), and then the rows between are looked up.
CREATE OR REPLACE FUNCTION outgrow.is_own(row_xmin xid) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  next CONSTANT xid8 := pg_snapshot_xmax(pg_current_snapshot());
  before CONSTANT bigint := age(row_xmin)::bigint - age(next::xid);
BEGIN
  RETURN CASE
    WHEN age(row_xmin) > 0 THEN false
    WHEN before <= 0 THEN true
    ELSE pg_xact_status((next::text::bigint - before)::text::xid8) = 'in progress' END;
END
$$;

-- The ids of a list in their order, each where it first stands. Of what is no list: none.
CREATE OR REPLACE FUNCTION outgrow.list_ids(list jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT ARRAY(
    SELECT d.v
    FROM (
      SELECT e.v, min(e.n) AS n
      FROM (
        SELECT outgrow.key_of(e.v) AS v, e.n
        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(list) = 'array' THEN list ELSE '[]' END)
          WITH ORDINALITY AS e(v, n)
        OFFSET 0) e
      WHERE e.v IS NOT NULL
      GROUP BY e.v) d
    ORDER BY d.n)
$$;

-- What changed from one list to another: runs of `was` and of `now` (empty ones end before they begin)
-- between elements that stay, each looked for within 64 elements, and then further. What more than so
-- many searches would find, or has no end, is one run to the end of the lists, but for what is the same
-- there. `old` and `new` are the elements of a run: to cut them out of a list costs as much as the list
-- is long, so short ones are put together here.
CREATE OR REPLACE FUNCTION outgrow.list_runs(was text[], now text[])
RETURNS TABLE (
  old_first integer, old_last integer, new_first integer, new_last integer, old text[], new text[]
)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  many_old CONSTANT integer := cardinality(was);
  many_new CONSTANT integer := cardinality(now);
  i integer := 1;
  j integer := 1;
  near integer := 4096 + (many_old + many_new) / 8;  -- steps that may still be gone near by
  far integer := 32;  -- searches of all the list
  gone integer;  -- elements of the run
  come integer;
BEGIN
  LOOP
    WHILE i <= many_old AND j <= many_new AND was[i] COLLATE "C" = now[j] LOOP
      i := i + 1;
      j := j + 1;
    END LOOP;
    EXIT WHEN i > many_old AND j > many_new;
    gone := NULL;
    come := NULL;
    FOR d IN 1 .. least(64, near) LOOP
      near := near - 1;
      IF was[i + d] COLLATE "C" = now[j + d] THEN
        gone := d;
        come := d;
      ELSIF was[i + d] COLLATE "C" = now[j] THEN
        gone := d;
        come := 0;
      ELSIF was[i] COLLATE "C" = now[j + d] THEN
        gone := 0;
        come := d;
      END IF;
      EXIT WHEN gone IS NOT NULL;
    END LOOP;
    FOR d IN 3 .. CASE WHEN gone IS NULL AND near > 0 THEN 16 ELSE 0 END LOOP
      FOR k IN 1 .. d - 1 LOOP
        near := near - 1;
        IF was[i + k] COLLATE "C" = now[j + d - k] THEN
          gone := k;
          come := d - k;
          EXIT;
        END IF;
      END LOOP;
      EXIT WHEN gone IS NOT NULL;
    END LOOP;
    IF gone IS NULL AND far > 0 AND i <= many_old AND j <= many_new THEN
      far := far - 1;
      gone := array_position(was, now[j], i) - i;
      come := array_position(now, was[i], j) - j;
      IF gone <= come OR come IS NULL THEN
        come := CASE WHEN gone IS NOT NULL THEN 0 END;
      ELSE
        gone := 0;
      END IF;
    END IF;
    IF gone IS NULL THEN
      gone := many_old - i + 1;
      come := many_new - j + 1;
      WHILE gone > 0 AND come > 0
        AND was[i + gone - 1] COLLATE "C" = now[j + come - 1] LOOP
        gone := gone - 1;
        come := come - 1;
      END LOOP;
    END IF;
    old_first := i;
    new_first := j;
    old_last := i + gone - 1;
    new_last := j + come - 1;
    IF gone + come > 64 THEN
      old := was[old_first : old_last];
      new := now[new_first : new_last];
    ELSE
      old := '{}';
      new := '{}';
      FOR d IN 0 .. gone - 1 LOOP
        old := old || was[i + d];
      END LOOP;
      FOR d IN 0 .. come - 1 LOOP
        new := new || now[j + d];
      END LOOP;
    END IF;
    i := i + gone;
    j := j + come;
    RETURN NEXT;
  END LOOP;
END
$$;

-- Labels for `now`, a run of a list that was `was`. `labels` are those of `was`, with one more on each
-- side where the list goes on there (`has_low`, `has_high`). `made` has the label of each element that
-- is new or moved, and NULL for those that stay; `gone` are the labels that nothing has any more.
-- Elements that are in both in the same order stay; what stands between two of them takes the labels
-- that were there, one by one; and so does each of many that take the place of as many. `made` is NULL where there is no room; with `spread` nothing stays, and
-- there must be room for more.
CREATE OR REPLACE FUNCTION outgrow.list_labels(
  was text[], now text[], labels bigint[], has_low boolean, has_high boolean, spread boolean,
  OUT made bigint[], OUT gone bigint[]
)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  step CONSTANT bigint := outgrow.pos_step();
  many CONSTANT integer := cardinality(now);
  low bigint := CASE WHEN has_low THEN labels[1] END;
  high bigint := CASE WHEN has_high THEN labels[cardinality(labels)] END;
  mid CONSTANT bigint[] := labels[1 + has_low::integer : cardinality(labels) - has_high::integer];
  stays integer[];
  next_old integer;
  next_label bigint;
  last_old integer := 0;
  first integer := 1;  -- of the elements behind the last that stays
  places integer;  -- how many labels they find
BEGIN
  IF (has_low AND low IS NULL) OR (has_high AND high IS NULL) THEN
    RETURN;
  ELSIF spread THEN
    IF (high - low) / (many + 1) < step / 64 THEN
      RETURN;
    END IF;
    made := ARRAY(
      SELECT CASE
        WHEN low IS NULL AND high IS NULL THEN step * k
        WHEN low IS NULL THEN high - step * (many + 1 - k)
        WHEN high IS NULL THEN low + step * k
        ELSE low + (high - low) * k / (many + 1) END
      FROM generate_series(1, many) AS k);
    gone := ARRAY(SELECT unnest(mid) EXCEPT SELECT unnest(made));
    RETURN;
  END IF;
  FOR i IN 1 .. cardinality(labels) LOOP
    IF (labels[i] > labels[i - 1] OR (i = 1 AND labels[i] IS NOT NULL)) IS NOT TRUE THEN
      RETURN;
    END IF;
  END LOOP;
  IF many = cardinality(was) AND (many > 64 OR many = 1) THEN  -- most likely each for each
    made := ARRAY(
      SELECT CASE WHEN u.old COLLATE "C" <> u.new THEN u.label END
      FROM unnest(was, now, mid) WITH ORDINALITY AS u(old, new, label, n)
      ORDER BY u.n);
    gone := '{}';
    RETURN;
  END IF;
  IF many > 0 AND cardinality(was) > 0 THEN
    WITH o AS (
      SELECT u.v, u.i, row_number() OVER (PARTITION BY u.v COLLATE "C" ORDER BY u.i) AS nth
      FROM unnest(was) WITH ORDINALITY AS u(v, i)
    ), n AS (
      SELECT u.v, u.i, row_number() OVER (PARTITION BY u.v COLLATE "C" ORDER BY u.i) AS nth
      FROM unnest(now) WITH ORDINALITY AS u(v, i)
    ), both_ways AS (
      SELECT n.i AS n, o.i AS o,
        o.i >= max(o.i) OVER (ORDER BY n.i) AS rises,
        o.i <= min(o.i) OVER (ORDER BY n.i DESC) AS falls
      FROM n JOIN o ON o.v COLLATE "C" = n.v AND o.nth = n.nth
    ), chosen AS (
      SELECT b.n, CASE
        WHEN CASE
          WHEN count(*) FILTER (WHERE b.rises) OVER () >= count(*) FILTER (WHERE b.falls) OVER ()
          THEN b.rises ELSE b.falls END THEN b.o END AS o
      FROM both_ways AS b
    )
    SELECT array_agg(c.o ORDER BY k) INTO stays
    FROM generate_series(1, many) AS k LEFT JOIN chosen AS c ON c.n = k;
  END IF;
  made := array_fill(NULL::bigint, ARRAY[many]);
  gone := '{}';
  FOR j IN 1 .. many + 1 LOOP
    IF j <= many THEN
      CONTINUE WHEN stays[j] IS NULL;
      next_old := stays[j];
      next_label := mid[next_old];
    ELSE
      next_old := cardinality(was) + 1;
      next_label := high;
    END IF;
    places := least(j - first, next_old - last_old - 1);
    FOR k IN 1 .. places LOOP
      made[first + k - 1] := mid[last_old + k];
    END LOOP;
    gone := gone || mid[last_old + places + 1 : next_old - 1];
    low := CASE WHEN places > 0 THEN mid[last_old + places] ELSE low END;
    first := first + places;
    IF next_label - low <= j - first THEN
      made := NULL;
      RETURN;
    END IF;
    FOR k IN 1 .. j - first LOOP
      made[first + k - 1] := CASE
        WHEN low IS NULL AND next_label IS NULL THEN step * k
        WHEN low IS NULL THEN next_label - step * (j - first + 1 - k)
        WHEN next_label IS NULL THEN low + step * k
        ELSE low + (next_label - low) * k / (j - first + 1) END;
    END LOOP;
    low := next_label;
    last_old := next_old;
    first := j + 1;
  END LOOP;
END
$$;
