-- Schema `outgrow`: what is the same for every blueprint and every store. Each block can be run
-- again. The functions are total: whatever JSON a client stored, they answer, with NULL where it
-- does not fit, and never raise. They are written as SQL expressions so that the planner inlines
-- them, into a view and into an index expression alike: that is what makes the two match.
-- Their bodies are parsed when they are made, so nobody's search_path changes what they mean.

-- name: functions
-- Indexes are built on what these say. A function that is to say something else gets another name
-- (`fold_2`): behind the old name, an index built before would go on answering, and miss rows.
CREATE OR REPLACE FUNCTION outgrow.text_of(v jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'string' THEN v #>> '{}' END;

-- A text compared for equality: whole, or NULL when it is too long for an index.
CREATE OR REPLACE FUNCTION outgrow.key_of(v jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'string' AND length(v #>> '{}') <= 200 THEN v #>> '{}' END;

-- The same, for a text of which several stand in one index.
CREATE OR REPLACE FUNCTION outgrow.short_of(v jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'string' AND length(v #>> '{}') <= 40 THEN v #>> '{}' END;

-- A text shown and sorted: cut.
CREATE OR REPLACE FUNCTION outgrow.label_of(v jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'string' THEN left(v #>> '{}', 200) END;

-- jsonb holds numbers of 131,072 digits; a btree does not. Of a long one no text is made: it takes 100 kB.
CREATE OR REPLACE FUNCTION outgrow.number_of(v jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) <> 'number' THEN NULL
            WHEN abs(v::numeric) >= 1e60 OR scale(v::numeric) > 60 THEN NULL
            WHEN length(v #>> '{}') <= 60 THEN v::numeric END;

CREATE OR REPLACE FUNCTION outgrow.boolean_of(v jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'boolean' THEN v = 'true'::jsonb END;

CREATE OR REPLACE FUNCTION outgrow.array_of(v jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'array' THEN v END;

CREATE OR REPLACE FUNCTION outgrow.json_of(v jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) <> 'null' THEN v END;

-- Whether there may be a gigabyte of text of little JSON: eight bytes write numbers of 131,072 digits, and
-- zero with 16,383 decimals, which only its scale tells. What is nested deeper than 32 levels is not looked
-- through: that would exhaust the stack. (To ask first for what is a number and not 0.5 saves half.)
CREATE OR REPLACE FUNCTION outgrow.may_be_long(v jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_path_exists(v, 'strict $.**{33}') THEN true
    ELSE EXISTS (
        SELECT FROM jsonb_path_query(v, 'strict $.**{0 to 33}
            ? (@ != 0.5) ? (@ > 1e300 || @ < -1e300 || @ < 1e-300 && @ > -1e-300)') AS n
        WHERE n <> '0' OR scale(n::numeric) > 300) END;

-- Whether every reader of JSON can read an array or an object: jsonb nests thousands of levels deep and
-- holds numbers on which readers give up, or run out of memory. A megabyte has more text than we read.
-- A short one surely is: no level and no digit takes less than a character. A row asks it nine times; before
-- PostgreSQL 18 a function in SQL that is not inlined takes as long to begin as all of this. What is long
-- is told as above, and not by `may_be_long`: in an index this runs as who may not name it.
CREATE OR REPLACE FUNCTION outgrow.is_readable(v jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF pg_column_size(v) <= 256 AND octet_length(v::text) <= 300 THEN
        RETURN true;
    ELSIF pg_column_size(v) > 1048576 OR jsonb_path_exists(v, 'strict $.**{33}') THEN
        RETURN false;
    ELSIF jsonb_path_exists(v, 'strict $.**{0 to 33}
            ? (@ != 0.5) ? (@ > 1e300 || @ < -1e300 || @ < 1e-300 && @ > -1e-300)') THEN
        IF EXISTS (
            SELECT FROM jsonb_path_query(v, 'strict $.**{0 to 33}
                ? (@ != 0.5) ? (@ > 1e300 || @ < -1e300 || @ < 1e-300 && @ > -1e-300)') AS n
            WHERE n <> '0' OR scale(n::numeric) > 300) THEN
            RETURN false;
        END IF;
    END IF;
    RETURN octet_length(v::text) <= 131072;
END
$body$;

-- ISO 8601 in UTC with milliseconds (as JavaScript writes it) or microseconds; any other text, and
-- a day that does not exist, is NULL: a cast alone would raise, and an old client's write with it.
-- Six digits that end in 000 are NULL too, because `json_of_time` would write them as three. The one
-- function that is not an expression: inlined, it would take the text out of the JSON fifteen times.
-- One expression all the same: a page sorted by time runs it for every row, and each expression more
-- is made ready anew in every transaction. Two digits are compared as text, in the C collation.
-- The cast is immutable for this form, whatever DateStyle and TimeZone say.
CREATE OR REPLACE FUNCTION outgrow.time_of(v jsonb) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    s text COLLATE "C" := CASE WHEN jsonb_typeof(v) = 'string' THEN v #>> '{}' END;
BEGIN
    RETURN CASE
        WHEN translate(s, '123456789', '000000000')
                IN ('0000-00-00T00:00:00.000Z', '0000-00-00T00:00:00.000000Z')
            AND NOT (octet_length(s) = 27 AND right(s, 4) = '000Z')
            AND s >= '1000' AND s < '3000'
            AND substr(s, 6, 2) >= '01' AND substr(s, 6, 2) <= '12' AND substr(s, 9, 2) >= '01'
            AND substr(s, 12, 2) < '24' AND substr(s, 15, 2) < '60' AND substr(s, 18, 2) < '60'
        THEN CASE
            WHEN substr(s, 9, 2) <= '28' THEN s::timestamptz
            WHEN substr(s, 9, 2)::integer <= extract(day FROM
                make_date(left(s, 4)::integer, substr(s, 6, 2)::integer, 1)
                + interval '1 month' - interval '1 day') THEN s::timestamptz
        END
    END;
END
$body$;

-- A time to sort by: as it is written, which sorts as text; '' when it looks like none. A page asks it
-- of every row that it shows and `time_of` costs 9 us (this 1), which was a sixth of a page. Two times
-- of one millisecond, written with three and with six digits, may stand the other way round.
CREATE OR REPLACE FUNCTION outgrow.sort_time_of(v jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(v::text) <= 29 AND (v::text LIKE '"2___-__-__T__:__:__.%Z"'
                OR v::text LIKE '"1___-__-__T__:__:__.%Z"')
            THEN v::text ELSE '' END;

CREATE OR REPLACE FUNCTION outgrow.json_of_time(t timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_jsonb(to_char(t AT TIME ZONE 'UTC', CASE
    WHEN (extract(microseconds FROM t)::bigint % 1000) = 0 THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
    ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END));

-- What search compares: lower case, without accents, the signs by which PostgreSQL's text parser would
-- join words (hosts, paths, hyphens, tags) as spaces. Total for every text of a UTF8 database, and the
-- same in every collation: capitals of ASCII by the C locale, accents by NFKD. ASCII takes the short
-- way; `fold_letters` is STRICT so that it is called, not inlined: its argument is costly.
CREATE OR REPLACE FUNCTION outgrow.fold_letters(t text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    -- Emoji and punctuation only: translate compares every character with its whole list.
    WHEN t !~ '[^\u0001-\u00bf\u2000-\u2fff\U0001f000-\U0001ffff]' THEN lower(t COLLATE "C")
    ELSE replace(replace(replace(replace(translate(lower(t COLLATE "C"),
            'ØøŁłĐđÐðĦħıŊŋŦŧĸÞÆŒẞ'
            'ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩς'
            'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЄІЇҐЂЈЉЊЋЏ',
            'oollddddhhinnttkþæœß'
            'αβγδεζηθικλμνξοπρστυφχψωσ'
            'абвгдежзийклмнопрстуфхцчшщъыьэюяєіїґђјљњћџ'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
    END;

CREATE OR REPLACE FUNCTION outgrow.fold(t text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
    CASE WHEN octet_length(t) = length(t) THEN lower(t COLLATE "C")
         ELSE outgrow.fold_letters(
             regexp_replace(normalize(t, NFKD), '[\u0300-\u036f’ʼ]+', '', 'g')) END,
    '.', ' '), '/', ' '), '-', ' '), '@', ' '), '_', ' '), '+', ' '), ':', ' '), '&', ' '),
    '<', ' '), '''', '');

-- The words of a name with one space between, at most 100 characters; '' when there is none.
CREATE OR REPLACE FUNCTION outgrow.search_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(btrim(regexp_replace(outgrow.fold(left(coalesce(name, ''), 200)),
    '[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u02b0-\u02ff\u2000-\u2bff\u3000-\u3004\u3008-\u3020]+',
    ' ', 'g')), 100);

-- What is indexed: `ð` and a hash of the school, the words of the name behind `þ`, the same words
-- reversed behind `ø`, then everything else. Folded text never holds these three letters. So one
-- tsquery names the school, the beginnings and the ends of words, and that is how typos are found:
-- a word with one mistake still begins or ends (or both) as it should.

CREATE OR REPLACE FUNCTION outgrow.search_text(school text, name text, about text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('ð' || to_hex(hashtextextended(school, 0)), '')
  || replace(' ' || outgrow.search_name(name), ' ', ' þ')
  || replace(' ' || reverse(outgrow.search_name(name)), ' ', ' ø')
  || ' ' || left(outgrow.fold(left(coalesce(about, ''), 2000)), 2000);

-- What somebody has in common with others of their group, as words: for each group (`a` the first, `b`
-- the second) and each text in the lists one hash of `place`, group, list and text. So one word of an
-- index finds who of a school, of one major, likes the same; hashing leaves nothing for a text parser to
-- cut. Of a list the first 24 elements count.
CREATE OR REPLACE FUNCTION outgrow.trait_words(place text, groups text[], lists jsonb[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
  SELECT coalesce(string_agg(
    chr(96 + g.n::integer) || to_hex(hashtextextended(
      place || chr(31) || g.name || chr(31) || l.n || chr(31) || (e.v #>> '{}'), 0)),
    ' ' ORDER BY g.n, l.n, e.n), '')
  FROM unnest(groups) WITH ORDINALITY AS g(name, n)
  CROSS JOIN unnest(lists) WITH ORDINALITY AS l(list, n)
  CROSS JOIN jsonb_array_elements(CASE WHEN jsonb_typeof(l.list) = 'array'
    AND pg_column_size(l.list) <= 32768 THEN l.list ELSE '[]' END) WITH ORDINALITY AS e(v, n)
  WHERE place IS NOT NULL AND g.name IS NOT NULL AND jsonb_typeof(e.v) = 'string' AND e.n <= 24);

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

-- name: patience
-- A session that waits for a lock makes all later ones wait.
SET LOCAL lock_timeout = '500ms';

-- name: users_of_relations
-- Views elsewhere that show something of schema $1, and would go with it.
SELECT DISTINCT v.oid::regclass::text AS name
FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
JOIN pg_class v ON v.oid = r.ev_class
WHERE v.relnamespace <> to_regnamespace(quote_ident($1))
  AND (d.refclassid = 'pg_class'::regclass AND d.refobjid IN (
          SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident($1)))
    OR d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (
          SELECT oid FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident($1))))
ORDER BY 1;

-- name: layout
-- An older version's table has no `store_oid`, and calls the phase `initial` found. `views` are those
-- that are there by now.
SELECT store, version, replace(phase, 'found', 'initial') AS phase, (to_jsonb(l) ->> 'store_oid')::oid AS store_oid,
       ARRAY(SELECT c.relname::text FROM pg_class c
             WHERE c.relnamespace = to_regnamespace(quote_ident(l.name)) AND c.relkind = 'v') AS views
FROM outgrow.layouts l WHERE name = $1;

-- name: layouts
-- All of them, and what their store is called now (NULL when it is gone).
SELECT l.name, l.store, l.version, replace(l.phase, 'found', 'initial') AS phase, (to_jsonb(l) ->> 'store_oid')::oid AS store_oid,
       (SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = (to_jsonb(l) ->> 'store_oid')::oid AND c.relkind IN ('r', 'p')) AS now
FROM outgrow.layouts l ORDER BY l.name;

-- name: rename_store
-- What is kept by the store's name goes on under its new one.
WITH renamed AS (
    UPDATE outgrow.growths SET store = $2 WHERE store = $1
), quarantined AS (
    UPDATE outgrow.quarantine SET store = $2 WHERE store = $1
)
UPDATE outgrow.readings r SET store = $2
WHERE store = $1 AND NOT EXISTS (
    SELECT FROM outgrow.readings o WHERE o.store = $2 AND o.taken_at = r.taken_at);

-- name: made_on
-- The indexes and statistics of the table $1 that are called as one of $2.
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = $1 AND c.relname::text = ANY ($2::text[])
UNION ALL
SELECT n.nspname::text, e.stxname::text
FROM pg_statistic_ext e JOIN pg_namespace n ON n.oid = e.stxnamespace
WHERE e.stxrelid = $1 AND e.stxname::text = ANY ($2::text[]);

-- name: backings
-- Which relations of blueprint $1 have a table that their view may read.
SELECT relation FROM outgrow.mirrors WHERE name = $1 AND state = 'shadow';

-- name: outdate
-- Tables whose version is not the one in $2 (relation -> version) are not read any more, and the phase
-- that needs them is not there any more.
WITH outdated AS (
    UPDATE outgrow.mirrors SET state = 'stale'
    WHERE name = $1 AND state NOT IN ('stale', 'leaving')
      AND version IS DISTINCT FROM $2::text::jsonb ->> relation
    RETURNING 1
)
UPDATE outgrow.layouts SET phase = 'optimized'
WHERE name = $1 AND phase IN ('hybrid', 'relational') AND EXISTS (SELECT FROM outdated);

-- name: layouts_exist
SELECT to_regclass('outgrow.layouts') IS NOT NULL;

-- name: foreign_schemas
-- Schemas named like ours (`$1` is the blueprint's) that hold something, and not what we always make
-- there.
SELECT n.nspname::text AS name
FROM pg_namespace n
WHERE (n.nspname = 'outgrow' AND to_regclass('outgrow.layouts') IS NULL
    OR n.nspname = 'network' AND to_regclass('network.secrets') IS NULL
    OR n.nspname = $1 AND NOT EXISTS (
        SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND p.proname = 'lock_keys'))
  AND (EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid)
    OR EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid))
ORDER BY 1;

-- name: remember_layout
INSERT INTO outgrow.layouts (name, store, version, store_oid) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET store = excluded.store, version = excluded.version,
    store_oid = excluded.store_oid, installed_at = now();

-- name: encoding
SELECT current_setting('server_encoding');

-- name: store_columns
-- The store's columns with their types, or nothing where there is no such table. `bars_writing`: an
-- INSERT of a key and a value alone fails, because of this column.
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       c.oid, c.relkind::text AS kind, EXISTS (
           SELECT FROM pg_index i
           WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
             AND i.indkey::text = a.attnum::text) AS is_unique,
       CASE WHEN a.attname IN ('key', 'value') THEN a.attgenerated <> ''
            ELSE (a.attnotnull OR t.typnotnull) AND NOT a.atthasdef AND a.attidentity = ''
                 AND t.typdefault IS NULL END AS bars_writing,
       o.oid <> 'pg_catalog."default"'::regcollation AS is_collated,
       quote_ident(s.nspname) || '.' || quote_ident(o.collname) AS collation
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation o ON o.oid = a.attcollation
LEFT JOIN pg_namespace s ON s.oid = o.collnamespace
WHERE n.nspname = $1 AND c.relname = $2
ORDER BY a.attnum;


-- name: is_synced_for_nothing
-- Whether the table $1 has the trigger $2, which keeps the tables of the blueprint $3, while nobody
-- remembers such tables: schema `outgrow` was dropped.
SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1 AND tgname = $2)
   AND NOT EXISTS (SELECT FROM outgrow.mirrors WHERE name = $3);

-- name: table_oid
-- Of whatever is called $2 in schema $1; NULL where nothing is.
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
