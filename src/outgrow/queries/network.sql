-- What the prototype never knew: accounts, sessions and secrets. They are tables of the network's
-- own, in every phase, and never in the store. Only their owner may touch them.

-- name: schema
-- Several statements, to be run again and again; what a hosted service grants to its own roles by
-- default is revoked behind them, by the installer.
CREATE SCHEMA IF NOT EXISTS network;

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

-- Who signs up for a school that has domains needs an e-mail of one, and a code sent there.
CREATE TABLE IF NOT EXISTS network.school_domains (
  domain text PRIMARY KEY,
  school text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS school_domains_school ON network.school_domains (school);

-- Sign-ups that wait for their code: no account yet, and no profile.
CREATE TABLE IF NOT EXISTS network.sign_ups (
  email_key text PRIMARY KEY,
  email text NOT NULL,
  password_hash text NOT NULL,
  profile text NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS network.codes (
  purpose text NOT NULL,
  subject text NOT NULL,
  hash bytea NOT NULL,
  tries integer NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (purpose, subject)
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
REVOKE ALL ON SCHEMA network FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA network FROM PUBLIC;

-- name: make_secret
-- Where there is none: at first, and after an operator deleted it to end all access tokens. 366 random
-- bits from the server's own source, condensed to 32 bytes; needs no extension.
INSERT INTO network.secrets (name, value)
SELECT 'signing', sha256(convert_to(
  gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
ON CONFLICT (name) DO NOTHING

-- name: secret
SELECT value FROM network.secrets WHERE name = 'signing'

-- name: ready
SELECT 1
