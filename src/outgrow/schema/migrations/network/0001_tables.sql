-- The tables of schema `network`. The only migration here that may find tables: those of databases from
-- before there was a record, of whatever version. So it says IF NOT EXISTS and adds what is missing;
-- later ones need not.

DO $do$
BEGIN
    -- IF NOT EXISTS asks for the right to make schemas even where there is one.
    IF to_regnamespace('network') IS NULL THEN
        CREATE SCHEMA network;
    END IF;
END
$do$;

-- One row for each migration of this schema that was applied. `digest` is of its file.
CREATE TABLE IF NOT EXISTS network.migrations (
  number integer PRIMARY KEY,
  name text NOT NULL,
  digest text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS network.accounts (
  user_id text PRIMARY KEY,
  email text NOT NULL,
  email_key text NOT NULL UNIQUE,
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  password_set_at timestamptz NOT NULL DEFAULT now(),
  verified_at timestamptz,
  admitted_to text
);
ALTER TABLE network.accounts ADD COLUMN IF NOT EXISTS verified_at timestamptz;

-- Schools that ask for an address there: from their first domain on, until an operator opens them.
CREATE TABLE IF NOT EXISTS network.protected_schools (
  school text PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Who signs up for a protected school needs an e-mail of one of its domains, and a code sent there.
CREATE TABLE IF NOT EXISTS network.school_domains (
  domain text PRIMARY KEY,
  school text NOT NULL REFERENCES network.protected_schools ON DELETE CASCADE,
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
  email_key text NOT NULL,
  email text NOT NULL,
  password_hash text NOT NULL,
  profile text NOT NULL,
  expires_at timestamptz NOT NULL,
  id text PRIMARY KEY
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
  mailed_at timestamptz,
  school text
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
  ended_at timestamptz,
  device text,
  secret_id bytea DEFAULT network.secret_id()
);
ALTER TABLE network.sessions
  ADD COLUMN IF NOT EXISTS device text,
  ADD COLUMN IF NOT EXISTS secret_id bytea DEFAULT network.secret_id();
CREATE INDEX IF NOT EXISTS sessions_user_id ON network.sessions (user_id);

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
      EXECUTE format(
        $sql$UPDATE network.accounts AS a SET admitted_to = s.value ->> 'school'
        FROM %s AS s
        WHERE s.key = 'user:' || a.user_id AND jsonb_typeof(s.value -> 'school') = 'string'
          AND s.value ->> 'school' IN (SELECT d.school FROM network.school_domains AS d)$sql$,
        (SELECT l.store_oid::regclass FROM outgrow.layouts AS l WHERE l.name = 'campus'));
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
      EXECUTE format(
        $sql$UPDATE network.invitations AS i SET school = s.value ->> 'school'
        FROM %s AS s
        WHERE i.linked AND s.key = 'user:' || i.user_id
          AND jsonb_typeof(s.value -> 'school') = 'string' AND length(s.value ->> 'school') <= 200$sql$,
        (SELECT l.store_oid::regclass FROM outgrow.layouts AS l WHERE l.name = 'campus'));
    END IF;
  END IF;
END
$$;

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

-- Before there were steps of a million between them, places were counted from 1.
DO $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = 'network.trimmed_chats'::regclass AND attname = 'removed' AND NOT attisdropped)
  THEN
    ALTER TABLE network.trimmed_chats ADD COLUMN first_pos bigint;
    UPDATE network.trimmed_chats SET first_pos = (removed + 1) * 1000000;
    ALTER TABLE network.trimmed_chats ALTER COLUMN first_pos SET NOT NULL, DROP COLUMN removed;
    UPDATE network.read_marks SET pos = pos * 1000000;
    DROP FUNCTION IF EXISTS network.removed(text);
  END IF;
END
$$;
