-- Connections. Every list shows visible profiles of the viewer's school only, and cuts its page
-- after that, so that a dangling id never shortens one; cards are made for the page alone. $1 the
-- list's owner, $2 the viewer's school, $3 limit, $4 offset, $5 sort key and $6 id of the row
-- before (`cursor`), $7 the viewer. A connection is what both lists have: one that old clients left
-- in one list alone is not shown, opens no chat, and can be asked for again.
--
-- OFFSET 0 keeps each look-up of a user a look-up by key, once per row: the planner takes a
-- school's visible users for one row, and would rather read all 50,000 of them first.

-- name: page_of
-- Newest first; with `mutual` only people whom the viewer has, too. IS TRUE keeps the viewer's list
-- one hash that is made once: as a join it would be read again for each row.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(u.card, ',' ORDER BY p.n) FILTER (WHERE p.n <= $3::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $3::bigint AS has_more,
  max(p.sort) FILTER (WHERE p.n = $3::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $3::bigint) AS last_id,
  EXISTS (
    SELECT FROM campus.users AS t
    WHERE t.id = $1 AND t.store_key = campus.users_lookup_key($1) AND t.school = $2
      AND (t.id = $7
        OR t.visible AND t.blocked @> to_jsonb($7::text) IS NOT TRUE
          AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $7 AND h.id = $1))
  ) AS found
FROM (
  SELECT q.pos::text AS sort, q.id, row_number() OVER (ORDER BY q.pos DESC, q.id DESC) AS n
  FROM (
    SELECT c.pos, c.connected_user_id AS id
    FROM campus.connections AS c
    CROSS JOIN LATERAL (
      SELECT FROM campus.users AS u
      WHERE u.id = c.connected_user_id AND u.store_key = campus.users_lookup_key(c.connected_user_id)
        AND u.school = $2 AND u.visible
        AND (u.blocked @> to_jsonb($7::text) IS NOT TRUE OR u.id = $7)
        AND u.id <> ALL (ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $7))
      OFFSET 0) AS shown
    WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1) AND c.connected_user_id <> $1
      AND EXISTS (
        SELECT FROM campus.connections AS back
        WHERE back.user_id = c.connected_user_id
          AND back.store_key = campus.connections_lookup_key(c.connected_user_id) AND back.connected_user_id = $1
        OFFSET 0)
      AND (c.connected_user_id IN ( --? mutual
        SELECT mine.connected_user_id FROM campus.connections AS mine --? mutual
        WHERE mine.user_id = $7 AND mine.store_key = campus.connections_lookup_key($7) --? mutual
          AND mine.connected_user_id <> $7)) IS TRUE --? mutual
      AND EXISTS ( --? mutual
        SELECT FROM campus.connections AS back --? mutual
        WHERE back.user_id = c.connected_user_id --? mutual
          AND back.store_key = campus.connections_lookup_key(c.connected_user_id) --? mutual
          AND back.connected_user_id = $7 --? mutual
        OFFSET 0) --? mutual
      AND (c.pos, c.connected_user_id) < ($5::text::bigint, $6::text) --? cursor
      AND $5::text IS NULL AND $6::text IS NULL --! cursor
    ORDER BY c.pos DESC, c.connected_user_id DESC
    LIMIT $3::bigint + 1 OFFSET $4::bigint
  ) AS q
) AS p
LEFT JOIN LATERAL (
  SELECT u.card FROM campus.users AS u WHERE u.id = p.id AND u.store_key = campus.users_lookup_key(p.id)
  OFFSET 0) AS u ON true;

-- name: page_named
-- As `page_of`, by name; these are also the people who have this person, since both have each
-- other.
SELECT
  convert_to('{"items":[' || coalesce(
    string_agg(u.card, ',' ORDER BY p.n) FILTER (WHERE p.n <= $3::bigint), '') || ']', 'UTF8') AS body,
  count(*) > $3::bigint AS has_more,
  max(p.sort) FILTER (WHERE p.n = $3::bigint) AS last_sort,
  max(p.id) FILTER (WHERE p.n = $3::bigint) AS last_id,
  EXISTS (
    SELECT FROM campus.users AS t
    WHERE t.id = $1 AND t.store_key = campus.users_lookup_key($1) AND t.school = $2
      AND (t.id = $7
        OR t.visible AND t.blocked @> to_jsonb($7::text) IS NOT TRUE
          AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $7 AND h.id = $1))
  ) AS found
FROM (
  SELECT q.sort_name AS sort, q.id, row_number() OVER (ORDER BY q.sort_name, q.id) AS n
  FROM (
    SELECT shown.sort_name, c.connected_user_id AS id
    FROM campus.connections AS c
    CROSS JOIN LATERAL (
      SELECT u.sort_name FROM campus.users AS u
      WHERE u.id = c.connected_user_id AND u.store_key = campus.users_lookup_key(c.connected_user_id)
        AND u.school = $2 AND u.visible
        AND (u.blocked @> to_jsonb($7::text) IS NOT TRUE OR u.id = $7)
        AND u.id <> ALL (ARRAY(SELECT h.id FROM network.hidden AS h WHERE h.viewer = $7))
      OFFSET 0) AS shown
    WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1) AND c.connected_user_id <> $1
      AND EXISTS (
        SELECT FROM campus.connections AS back
        WHERE back.user_id = c.connected_user_id
          AND back.store_key = campus.connections_lookup_key(c.connected_user_id) AND back.connected_user_id = $1
        OFFSET 0)
      AND (shown.sort_name, c.connected_user_id) > ($5::text, $6::text) --? cursor
      AND $5::text IS NULL AND $6::text IS NULL --! cursor
    ORDER BY shown.sort_name, c.connected_user_id
    LIMIT $3::bigint + 1 OFFSET $4::bigint
  ) AS q
) AS p
LEFT JOIN LATERAL (
  SELECT u.card FROM campus.users AS u WHERE u.id = p.id AND u.store_key = campus.users_lookup_key(p.id)
  OFFSET 0) AS u ON true;

-- name: lock_both
-- The lists of both, where they are there.
SELECT campus.lock_keys(
  ARRAY[campus.connections_key($1), campus.connections_key($2)], made := '{}');

-- name: remove
-- Every place at which the list of `$1` holds `$2`.
DELETE FROM campus.connections AS c
WHERE c.user_id = $1 AND c.store_key = campus.connections_lookup_key($1) AND c.connected_user_id = $2;
