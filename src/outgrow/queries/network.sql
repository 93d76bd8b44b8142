-- What the prototype never knew: accounts, sessions and secrets. They are tables of the network's
-- own, in every phase, and never in the store. Only their owner may touch them.

-- name: schema
-- Several statements, to be run again and again; what a hosted service grants to its own roles by
-- default is revoked behind them, by the installer.
DO $do$
BEGIN
    -- IF NOT EXISTS asks for the right to make schemas even where there is one.
    IF to_regnamespace('network') IS NULL THEN
        CREATE SCHEMA network;
    END IF;
END
$do$;

CREATE TABLE IF NOT EXISTS network.accounts (
  user_id text PRIMARY KEY,
  email text NOT NULL,
  email_key text NOT NULL UNIQUE,
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  password_set_at timestamptz NOT NULL DEFAULT now()
);

-- One row is one sign-in: a family of refresh tokens of which only the newest is good.
CREATE TABLE IF NOT EXISTS network.sessions (
  id text PRIMARY KEY,
  user_id text NOT NULL REFERENCES network.accounts ON DELETE CASCADE,
  family_hash bytea NOT NULL,
  token_hash bytea NOT NULL,
  previous_hash bytea,
  turned_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE INDEX IF NOT EXISTS sessions_user_id ON network.sessions (user_id);

ALTER TABLE network.accounts ADD COLUMN IF NOT EXISTS verified_at timestamptz;
ALTER TABLE network.sessions ADD COLUMN IF NOT EXISTS device text;

-- Schools that ask for an address there: from their first domain on, until an operator opens them.
CREATE TABLE IF NOT EXISTS network.protected_schools (
  school text PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Who signs up for a protected school needs an e-mail of one of its domains, and a code sent there.
CREATE TABLE IF NOT EXISTS network.school_domains (
  domain text PRIMARY KEY,
  school text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS school_domains_school ON network.school_domains (school);

DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_constraint
    WHERE conrelid = 'network.school_domains'::regclass AND conname = 'school_domains_school_fkey')
  THEN
    INSERT INTO network.protected_schools (school)
    SELECT DISTINCT d.school FROM network.school_domains AS d
    ON CONFLICT (school) DO NOTHING;
    ALTER TABLE network.school_domains ADD CONSTRAINT school_domains_school_fkey
      FOREIGN KEY (school) REFERENCES network.protected_schools ON DELETE CASCADE;
  END IF;
END
$$;

-- What operators' commands did, until a serving process has written it to its log.
CREATE TABLE IF NOT EXISTS network.operations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  role text NOT NULL DEFAULT session_user,
  host text NOT NULL DEFAULT coalesce(host(inet_client_addr()), 'local'),
  command text NOT NULL,
  subject text
);

-- Sign-ups that wait for their code: no account yet, and no profile. Several with an e-mail stand side by
-- side, each with a code of its own; `id` is known to whoever began it.
CREATE TABLE IF NOT EXISTS network.sign_ups (
  id text PRIMARY KEY,
  email_key text NOT NULL,
  email text NOT NULL,
  password_hash text NOT NULL,
  profile text NOT NULL,
  expires_at timestamptz NOT NULL
);

-- There was one for each e-mail, and its code was under that.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'network.sign_ups'::regclass AND attname = 'id' AND NOT attisdropped)
  THEN
    ALTER TABLE network.sign_ups ADD COLUMN id text;
    UPDATE network.sign_ups SET id = email_key;
    ALTER TABLE network.sign_ups DROP CONSTRAINT sign_ups_pkey, ADD PRIMARY KEY (id);
  END IF;
END
$$;
CREATE INDEX IF NOT EXISTS sign_ups_email_key ON network.sign_ups (email_key);

-- Profiles that the store had before there were accounts: who was asked to come, and which address an
-- operator gave to one (`linked`). `begun_at` without `mailed_at`: nobody knows whether it was sent.
CREATE TABLE IF NOT EXISTS network.invitations (
  user_id text PRIMARY KEY,
  email_key text NOT NULL,
  email text NOT NULL,
  linked boolean NOT NULL DEFAULT false,
  begun_at timestamptz,
  mailed_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS invitations_linked ON network.invitations (email_key) WHERE linked;

-- Who deleted their account, while anything of them may be left. `swept_at`: once looked through.
CREATE TABLE IF NOT EXISTS network.deletions (
  user_id text PRIMARY KEY,
  asked_at timestamptz NOT NULL DEFAULT now(),
  swept_at timestamptz
);

CREATE TABLE IF NOT EXISTS network.codes (
  purpose text NOT NULL,
  subject text NOT NULL,
  hash bytea NOT NULL,
  tries integer NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (purpose, subject)
);

-- Codes that set a new password, several of an account side by side.
CREATE TABLE IF NOT EXISTS network.reset_codes (
  subject text NOT NULL,
  hash bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (subject, hash)
);

-- See queries/limits.sql.
CREATE UNLOGGED TABLE IF NOT EXISTS network.limits (
  name text NOT NULL,
  subject text NOT NULL,
  due timestamptz NOT NULL,
  wait numeric NOT NULL DEFAULT 0,
  PRIMARY KEY (name, subject)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS network.secrets (
  name text PRIMARY KEY,
  value bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Which signing secret there is. A session belongs to the one that it was opened under, and is over
-- once that is deleted or another one; sessions of before belong to the one there is.
CREATE OR REPLACE FUNCTION network.secret_id() RETURNS bytea
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT sha256(s.value) FROM network.secrets AS s WHERE s.name = 'signing' $$;

ALTER TABLE network.sessions
  ADD COLUMN IF NOT EXISTS secret_id bytea DEFAULT network.secret_id();

-- `admitted_to`: the school, if it is protected, of which somebody is a member without an address there:
-- they were one before it was, the operator let them in, or the domain that let them in was removed.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'network.accounts'::regclass AND attname = 'admitted_to' AND NOT attisdropped)
  THEN
    ALTER TABLE network.accounts ADD COLUMN admitted_to text;
    IF EXISTS (SELECT FROM network.school_domains) THEN
      UPDATE network.accounts AS a SET admitted_to = u.school
      FROM campus.users AS u
      WHERE u.id = a.user_id AND u.at = campus.users_at(a.user_id)
        AND u.school IN (SELECT d.school FROM network.school_domains AS d);
    END IF;
  END IF;
END
$$;

-- `school`: the one that a profile named when an operator linked it to an address.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'network.invitations'::regclass AND attname = 'school' AND NOT attisdropped)
  THEN
    ALTER TABLE network.invitations ADD COLUMN school text;
    IF EXISTS (SELECT FROM network.invitations AS i WHERE i.linked) THEN
      UPDATE network.invitations AS i SET school = u.school
      FROM campus.users AS u
      WHERE i.linked AND u.id = i.user_id AND u.at = campus.users_at(i.user_id);
    END IF;
  END IF;
END
$$;

-- The school of which somebody is a member: the one in their profile; if that is protected, only with an
-- address there that was shown to be theirs, or admitted. What an old client writes into a profile opens
-- no school that asks for an address.
CREATE OR REPLACE FUNCTION network.school_of(of_user text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT u.school FROM campus.users AS u
  WHERE u.id = of_user AND u.at = campus.users_at(of_user)
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

-- Who does not want to see whom. `from_store`: because the list in the user's document says so, not
-- because the user said it here.
CREATE TABLE IF NOT EXISTS network.blocks (
  user_id text NOT NULL,
  blocked_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  from_store boolean NOT NULL DEFAULT false,
  PRIMARY KEY (user_id, blocked_id)
);
CREATE INDEX IF NOT EXISTS blocks_blocked_id ON network.blocks (blocked_id, user_id);

-- Whom nobody shows to whom: a block hides both from each other. Every list has the same clause
-- (`hidden` in profiles.sql), and with it `users.blocked`, where old clients keep their blocks.
CREATE OR REPLACE VIEW network.hidden AS
SELECT b.user_id AS viewer, b.blocked_id AS id FROM network.blocks AS b
UNION ALL
SELECT b.blocked_id, b.user_id FROM network.blocks AS b;

-- What people say of each other to the operator, who closes it.
CREATE TABLE IF NOT EXISTS network.reports (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  reporter_id text NOT NULL,
  profile_id text NOT NULL,
  reason text NOT NULL,
  note text,
  message_id text,
  created_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  outcome text
);
CREATE INDEX IF NOT EXISTS reports_created_at ON network.reports (created_at, id);

-- What an intro really was that the store calls denied: the store has no other word that keeps old
-- clients from accepting it.
CREATE TABLE IF NOT EXISTS network.closed_intros (
  from_id text NOT NULL,
  to_id text NOT NULL,
  sent_ms text NOT NULL,
  status text NOT NULL CHECK (status IN ('withdrawn')),
  closed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (from_id, to_id, sent_ms)
);
-- Up to where somebody has read a chat, by the `pos` that others see (network.trimmed_chats).
CREATE TABLE IF NOT EXISTS network.read_marks (
  chat_id text NOT NULL,
  user_id text NOT NULL,
  pos bigint NOT NULL,
  read_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (chat_id, user_id)
);

-- What was sent under which key, so that a retry sends it once. `digest` is of the chat and the text.
CREATE TABLE IF NOT EXISTS network.sent_messages (
  sender_id text NOT NULL,
  key text NOT NULL,
  digest bytea NOT NULL,
  chat_id text NOT NULL,
  message_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sender_id, key)
);
CREATE INDEX IF NOT EXISTS sent_messages_created_at ON network.sent_messages (created_at);

-- Chats from whose beginning retention took messages, with the `pos` of the first message that it
-- left, or of the next one where it left none. The relation's own `pos` may count from there anew (in
-- the store it does), so that others see it shifted by what the first message now differs from this.
CREATE TABLE IF NOT EXISTS network.trimmed_chats (
  chat_id text PRIMARY KEY,
  first_pos bigint NOT NULL
);

-- Before there were steps between them, places were counted from 1.
DO $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'network.trimmed_chats'::regclass AND attname = 'removed' AND NOT attisdropped)
  THEN
    ALTER TABLE network.trimmed_chats ADD COLUMN first_pos bigint;
    UPDATE network.trimmed_chats SET first_pos = (removed + 1) * outgrow.pos_step();
    ALTER TABLE network.trimmed_chats ALTER COLUMN first_pos SET NOT NULL, DROP COLUMN removed;
    UPDATE network.read_marks SET pos = pos * outgrow.pos_step();
    DROP FUNCTION IF EXISTS network.removed(text);
  END IF;
END
$$;

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
      WHERE f.chat_id = t.chat_id AND f.at = campus.messages_at(t.chat_id)) AS m
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

-- A part of somebody's own document for their export: JSON's null where it nests more than 32 levels deep
-- or holds a number that few bytes write and up to 131,072 characters show. Gigabytes of text come of
-- some kilobytes of those, on which the statement fails, or a reader does. Anything else is whole.
CREATE OR REPLACE FUNCTION network.exported(v jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN v IS NULL THEN NULL
  WHEN jsonb_path_exists(v, 'strict $.**{33}') OR jsonb_path_exists(v,
    'strict $.**{0 to 33} ? (@ > 1e300 || @ < -1e300 || @ > -1e-300 && @ < 1e-300 && @ != 0)')
    THEN 'null'
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
    WHERE u.id = viewer AND u.at = campus.users_at(viewer)) AS me ON true
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
      WHERE u.id = p.id AND u.at = campus.users_at(p.id) AND u.school = $2 AND u.visible
        AND u.blocked @> to_jsonb(viewer) IS NOT TRUE
        AND me.blocked @> to_jsonb(p.id) IS NOT TRUE
        AND NOT EXISTS (SELECT FROM network.hidden AS h WHERE h.viewer = $1 AND h.id = p.id)
      OFFSET 0) AS u ON true
    CROSS JOIN LATERAL (
      SELECT EXISTS (
        SELECT FROM campus.connections AS c
        WHERE c.user_id = viewer AND c.at = campus.connections_at(viewer)
          AND c.connected_user_id = p.id
      ) AND EXISTS (
        SELECT FROM campus.connections AS c
        WHERE c.user_id = p.id AND c.at = campus.connections_at(p.id)
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
REVOKE ALL ON SCHEMA network FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA network FROM PUBLIC;

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
