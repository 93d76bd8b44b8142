-- What the prototype never knew: accounts, sessions and secrets. They are tables of the network's
-- own, in every phase, and never in the store. Only their owner may touch them.

-- name: functions
-- What is made anew whenever any of it changes: functions, and a view. Those that a table calls, as for
-- a default, are in migrations/network.

-- The school of which somebody is a member: the one in their profile; if that is protected, only with an
-- address there that was shown to be theirs, or admitted. What an old client writes into a profile opens
-- no school that asks for an address.
CREATE OR REPLACE FUNCTION network.school_of(of_user text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT u.school FROM campus.users AS u
  WHERE u.id = of_user AND u.store_key = campus.users_lookup_key(of_user)
    AND (
      NOT EXISTS (SELECT FROM network.protected_schools AS p WHERE p.school = u.school)
      OR EXISTS (
        SELECT FROM network.accounts AS a
        WHERE a.user_id = of_user AND (
          a.admitted_to = u.school
          OR a.verified_at IS NOT NULL AND EXISTS (
            SELECT FROM network.school_domains AS d
            WHERE d.school = u.school AND d.domain = split_part(a.email_key, '@', -1)))))
$$;

-- Whether a session is still good: the one place that says so, for tokens, cookies and sockets.
CREATE OR REPLACE FUNCTION network.is_open(
  ended_at timestamptz, expires_at timestamptz, secret_id bytea
) RETURNS boolean
LANGUAGE sql STABLE
RETURN ended_at IS NULL AND expires_at > now()
  AND coalesce(secret_id = network.secret_id(), false);

-- Whom nobody shows to whom: a block hides both from each other. Every list has the same clause
-- (`hidden` in profiles.sql), and with it `users.blocked`, where old clients keep their blocks.
CREATE OR REPLACE VIEW network.hidden AS
SELECT b.user_id AS viewer, b.blocked_id AS id FROM network.blocks AS b
UNION ALL
SELECT b.blocked_id, b.user_id FROM network.blocks AS b;

-- How far others see the messages of a chat shifted, as of this moment: a statement that waited for a
-- chat's lock began before.
CREATE OR REPLACE FUNCTION network.shift(of_chat text) RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce((
    SELECT t.first_pos - coalesce(m.pos, outgrow.pos_step())
    FROM network.trimmed_chats AS t
    CROSS JOIN LATERAL (
      SELECT min(f.pos) AS pos
      FROM campus.messages AS f
      WHERE f.chat_id = t.chat_id AND f.store_key = campus.messages_lookup_key(t.chat_id)) AS m
    WHERE t.chat_id = of_chat), 0)
$$;

-- A message as others see it. What an old client wrote has no limit, and is cut.
CREATE OR REPLACE FUNCTION network.message(
  of_chat text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamptz
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN format(
  '{"id":%s,"chat_id":%s,"pos":%s,"sender_id":%s,"content":%s,"kind":%s,"sent_at":%s}',
  coalesce(to_json(left(id, 1000))::text, 'null'), to_json(of_chat), pos,
  coalesce(to_json(sender_id)::text, 'null'), coalesce(to_json(left(content, 32000))::text, 'null'),
  coalesce(to_json(kind)::text, 'null'), coalesce(outgrow.json_of_time(sent_at)::text, 'null'));

-- A part of somebody's own document for their export: JSON's null where it may be a gigabyte of text, on
-- which the statement fails, or a reader does. Anything else is whole.
CREATE OR REPLACE FUNCTION network.exported(v jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN v IS NULL THEN NULL
  WHEN outgrow.may_be_long(v) THEN 'null'
  ELSE v END;

-- Why `viewer`, a member of `school` as network.school_of has it, cannot write into a chat of these
-- people, NULL when they can: there must be others, and each of them must be at that school, seen by the
-- viewer, connected with them both ways, and take messages. Whoever is a member of none writes to nobody. That somebody has blocked the viewer, hid, or deleted their account is 'not_here' alike. Of
-- more than 32 others nobody looks who they are: only another program puts so many into a chat.
DROP FUNCTION IF EXISTS network.why_closed(text, jsonb);
CREATE OR REPLACE FUNCTION network.why_closed(viewer text, school text, participants jsonb) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN $2 IS NULL THEN 'not_here'
    WHEN me.visible IS NOT TRUE THEN 'profile_hidden'
    WHEN o.there > 32 OR o.there > 1 AND o.connected < o.there THEN 'added_outside'
    WHEN o.there = 0 OR o.seen < o.there THEN 'not_here'
    WHEN o.connected < o.there THEN 'not_connected'
    WHEN o.takes < o.there THEN 'messages_not_taken'
  END
  FROM (SELECT) AS nothing
  LEFT JOIN LATERAL (
    SELECT u.visible, u.blocked FROM campus.users AS u
    WHERE u.id = viewer AND u.store_key = campus.users_lookup_key(viewer)) AS me ON true
  CROSS JOIN LATERAL (
    SELECT count(*) AS there, count(u.id) AS seen,
      count(*) FILTER (WHERE u.id IS NOT NULL AND c.both_ways) AS connected,
      count(*) FILTER (WHERE u.takes) AS takes
    FROM (
      SELECT DISTINCT outgrow.key_of(e.v) AS id
      FROM jsonb_array_elements(participants) AS e(v)
      WHERE outgrow.key_of(e.v) <> viewer
      LIMIT 33) AS p
    LEFT JOIN LATERAL (
      SELECT u.id, u.rest #> '{settings,allowMessages}' IS DISTINCT FROM 'false' AS takes
      FROM campus.users AS u
      WHERE u.id = p.id AND u.store_key = campus.users_lookup_key(p.id) AND u.school = $2 AND u.visible
        AND u.blocked @> to_jsonb(viewer) IS NOT TRUE
        AND me.blocked @> to_jsonb(p.id) IS NOT TRUE
        AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $1 AND h.id = p.id)
      OFFSET 0) AS u ON true
    CROSS JOIN LATERAL (
      SELECT EXISTS (
        SELECT FROM campus.connections AS c
        WHERE c.user_id = viewer AND c.store_key = campus.connections_lookup_key(viewer)
          AND c.connected_user_id = p.id
      ) AND EXISTS (
        SELECT FROM campus.connections AS c
        WHERE c.user_id = p.id AND c.store_key = campus.connections_lookup_key(p.id)
          AND c.connected_user_id = viewer) AS both_ways) AS c) AS o
$$;

-- The number of the lock of two people (queries/pairs.sql).
CREATE OR REPLACE FUNCTION network.pair_number(one text, other text) RETURNS bigint
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT hashtextextended(
    coalesce((
      SELECT encode(s.value, 'hex') FROM network.secrets AS s WHERE s.name = 'notifications'), '')
    || ' pair ' || least(one COLLATE "C", other COLLATE "C")
    || ' ' || greatest(one COLLATE "C", other COLLATE "C"), 0)
$$;

-- The same once nobody changes anything between the viewer and the others, until the end of the
-- transaction: what ends a connection or blocks holds the lock of the pair, and is waited for. VOLATILE,
-- so that the answer is as of the moment when the locks were had.
CREATE OR REPLACE FUNCTION network.lock_and_why_closed(viewer text, participants jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(l.number)
  FROM (
    SELECT DISTINCT network.pair_number(viewer, p.id) AS number
    FROM (
      SELECT DISTINCT outgrow.key_of(e.v) AS id
      FROM jsonb_array_elements(participants) AS e(v)
      WHERE outgrow.key_of(e.v) <> viewer
      LIMIT 33) AS p
    ORDER BY number OFFSET 0) AS l;
  RETURN network.why_closed(viewer, network.school_of(viewer), participants);
END
$$;

-- name: make_secret
-- Those that there are none of: at first, and after an operator deleted one. 366 random bits from the
-- server's own source, condensed to 32 bytes; needs no extension. `signing` ends all access tokens when
-- it goes; `notifications` closes what processes tell each other.
INSERT INTO network.secrets (name, value)
SELECT v.name, sha256(convert_to(
  v.name || gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
FROM (VALUES ('signing'), ('notifications')) AS v(name)
ON CONFLICT (name) DO NOTHING;

-- name: secret
SELECT value FROM network.secrets WHERE name = 'signing';

-- name: signing
-- The same with the time, which is the database's for all processes.
SELECT value, extract(epoch FROM clock_timestamp())::float8 AS now
FROM network.secrets WHERE name = 'signing';

-- name: notification_secret
SELECT value FROM network.secrets WHERE name = 'notifications';

-- name: ready
SELECT 1;

-- name: notify
SELECT pg_notify($1, $2);
