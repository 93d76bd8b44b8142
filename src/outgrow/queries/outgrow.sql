-- Schema `outgrow`: what is the same for every blueprint and every store. Each block can be run
-- again. The functions are total: whatever JSON a client stored, they answer, with NULL where it
-- does not fit, and never raise. They are written as SQL expressions so that the planner inlines
-- them, into a view and into an index expression alike: that is what makes the two match.
-- Their bodies are parsed when they are made, so nobody's search_path changes what they mean.

-- name: state
CREATE SCHEMA IF NOT EXISTS outgrow;

-- One row for each installed blueprint; `version` is a digest of all that the layout generates.
CREATE TABLE IF NOT EXISTS outgrow.layouts (
    name         text PRIMARY KEY,
    store        text NOT NULL,
    version      text NOT NULL,
    phase        text NOT NULL DEFAULT 'found' CHECK (phase IN ('found', 'optimized')),
    installed_at timestamptz NOT NULL DEFAULT now()
);

-- Values that stood where a list belongs and were in the way of a write: kept, never lost.
CREATE TABLE IF NOT EXISTS outgrow.quarantine (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store  text NOT NULL,
    key    text NOT NULL,
    value  jsonb NOT NULL,
    reason text NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);

-- name: functions
CREATE OR REPLACE FUNCTION outgrow.text_of(v jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'string' THEN v #>> '{}' END;

-- A text compared for equality: whole, or NULL when it is too long for an index.
CREATE OR REPLACE FUNCTION outgrow.key_of(v jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'string' AND length(v #>> '{}') <= 200 THEN v #>> '{}' END;

-- A text shown and sorted: cut.
CREATE OR REPLACE FUNCTION outgrow.label_of(v jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'string' THEN left(v #>> '{}', 200) END;

-- jsonb holds numbers of 131,072 digits; a btree does not.
CREATE OR REPLACE FUNCTION outgrow.number_of(v jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'number' AND length(v #>> '{}') <= 60
            THEN (v #>> '{}')::numeric END;

CREATE OR REPLACE FUNCTION outgrow.boolean_of(v jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'boolean' THEN v = 'true'::jsonb END;

CREATE OR REPLACE FUNCTION outgrow.array_of(v jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'array' THEN v END;

CREATE OR REPLACE FUNCTION outgrow.json_of(v jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) <> 'null' THEN v END;

-- ISO 8601 in UTC with milliseconds (as JavaScript writes it) or microseconds; any other text, and
-- a day that does not exist, is NULL: a cast would raise, and an old client's write with it. Six
-- digits that end in 000 are NULL too, because `json_of_time` would write them as three.
CREATE OR REPLACE FUNCTION outgrow.time_of(v jsonb) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(v) = 'string' AND (v #>> '{}') ~ (
        '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
        'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}(?!000Z)([0-9]{3})?Z$')
    THEN CASE
        WHEN substr(v #>> '{}', 9, 2)::integer <= extract(day FROM
            make_date(substr(v #>> '{}', 1, 4)::integer, substr(v #>> '{}', 6, 2)::integer, 1)
            + interval '1 month' - interval '1 day')
        THEN (make_date(substr(v #>> '{}', 1, 4)::integer, substr(v #>> '{}', 6, 2)::integer,
                        substr(v #>> '{}', 9, 2)::integer)
            + make_time(substr(v #>> '{}', 12, 2)::integer, substr(v #>> '{}', 15, 2)::integer,
                        rtrim(substr(v #>> '{}', 18), 'Z')::double precision)) AT TIME ZONE 'UTC'
    END
END;

CREATE OR REPLACE FUNCTION outgrow.json_of_time(t timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_jsonb(to_char(t AT TIME ZONE 'UTC', CASE
    WHEN (extract(microseconds FROM t)::bigint % 1000) = 0 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
    ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END));

-- What search compares: lower case, without accents, words parted by spaces. Total for every text of
-- a UTF8 database, and the same in every collation: capitals of ASCII by the C locale, accents by
-- NFKD, other alphabets by translate. The letters ð, þ and ø never come out: search_text marks with
-- them. ASCII takes the short way.
CREATE OR REPLACE FUNCTION outgrow.fold(t text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(case when octet_length(t) = length(t) then lower(t COLLATE "C") else replace(replace(replace(replace(
    translate(lower(regexp_replace(normalize(t, NFKD), '[\u0300-\u036f’ʼ]+', '', 'g') COLLATE "C"), 'ØøŁłĐđÐðĦħıŊŋŦŧĸÞÆŒẞΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЄІЇҐЂЈЉЊЋЏ', 'oollddddhhinnttkþæœßαβγδεζηθικλμνξοπρστυφχψωσабвгдежзийклмнопрстуфхцчшщъыьэюяєіїґђјљњћџ'),
    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th') end, '.', ' '), '/', ' '), '-', ' '), '@', ' '), '_', ' '), '+', ' '), ':', ' '), '&', ' '), '<', ' '), '''', '');

CREATE OR REPLACE FUNCTION outgrow.search_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(btrim(regexp_replace(outgrow.fold(left(coalesce(name, ''), 200)), '[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u02b0-\u02ff\u2000-\u2bff\u3000-\u3004\u3008-\u3020]+', ' ', 'g')), 100);

CREATE OR REPLACE FUNCTION outgrow.search_text(school text, name text, about text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('ð' || to_hex(hashtextextended(school, 0)), '')
  || replace(' ' || outgrow.search_name(name), ' ', ' þ')
  || replace(' ' || reverse(outgrow.search_name(name)), ' ', ' ø')
  || ' ' || left(outgrow.fold(left(coalesce(about, ''), 2000)), 2000);

-- name: privacy
-- Nobody but the owner may see the schemas of the setting `outgrow.schemas`: hosted services grant on
-- whatever is new to the roles that strangers sign in as, and a view would show them what row-level
-- security hides. One thing stays: an index expression calls the functions of `outgrow` as whoever
-- writes the row, who must be allowed to execute them, and cannot name them without the schema.
DO $do$
DECLARE
    command text;
BEGIN
    FOR command IN
        WITH object(kind, name, owner, acl, namespace) AS (
            SELECT 'SCHEMA', quote_ident(nspname), nspowner, nspacl, oid FROM pg_namespace
            UNION ALL
            SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, oid::regclass::text,
                   relowner, relacl, relnamespace
            FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
            UNION ALL
            SELECT 'FUNCTION', oid::regprocedure::text, proowner,
                   coalesce(proacl, acldefault('f', proowner)), pronamespace
            FROM pg_proc
        )
        SELECT DISTINCT format('REVOKE ALL ON %s %s FROM %s', o.kind, o.name,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM object o
        JOIN pg_namespace n ON n.oid = o.namespace
        CROSS JOIN LATERAL aclexplode(o.acl) a
        WHERE n.nspname = ANY (string_to_array(current_setting('outgrow.schemas'), ','))
          AND a.grantee <> o.owner
    LOOP
        EXECUTE command;
    END LOOP;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA outgrow TO PUBLIC;
END
$do$;

-- name: schemas_to_close
SELECT set_config('outgrow.schemas', $1, true);

-- name: lock
-- One installer at a time; released at the end of the transaction.
SELECT pg_advisory_xact_lock(hashtext('outgrow.install'));

-- name: layout
SELECT store, version, phase FROM outgrow.layouts WHERE name = $1;

-- name: layouts_exist
SELECT to_regclass('outgrow.layouts') IS NOT NULL;

-- name: remember_layout
INSERT INTO outgrow.layouts (name, store, version) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, installed_at = now();

-- name: encoding
SELECT current_setting('server_encoding');

-- name: store_columns
-- The store's columns with their types, or nothing where there is no such table.
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       c.relkind::text AS kind, EXISTS (
           SELECT FROM pg_index i
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
             AND i.indkey::text = a.attnum::text) AS is_unique
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = $1 AND c.relname = $2
ORDER BY a.attnum;
