-- A campus of commit e416bae (2026-11-23), in phase relational on PostgreSQL 15, as pg_dump --inserts wrote it,
-- without comments. Four people with accounts and sessions, one profile of before there were accounts, two
-- connected with a chat, a block, a report, a school with a domain; keys that do not fit. tests/test_yesterday.py.
-- tokens {"ada@campus.example": "seIv0tyQAPbqXP9LDf2yX94_bXCIZ42TkITcXFAxA-YJyQS_NN6Pp9531JwdM_5D", "bo@campus.example": "BbCB1iJF8VYpOBBw7xVfDuGdlP7GROO5V5DQDs2gxOLy1qRDzw2a3bva2ZzxW1HG", "cy@campus.example": "6_qkEqRcfgpbnRdO6_FgYUJfkE7MQ98nKyhA2qMhzla7Q67WpwYs4Ewbgg5rozXQ", "far@southgate.example": "Ywz_8VF_XHfmx19TylsTPOGW0lp8nNfIClC9ku6iwiJ07nhmDunVE8g2H_uVxgEh"}
--
-- PostgreSQL database dump
--

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA campus;

CREATE SCHEMA campus_tables;

CREATE SCHEMA network;

CREATE SCHEMA outgrow;

CREATE FUNCTION campus.chats_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ''::text;

CREATE FUNCTION outgrow.array_of(v jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (jsonb_typeof(v) = 'array'::text) THEN v ELSE NULL::jsonb END;

CREATE FUNCTION outgrow.json_of_time(t timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_jsonb(to_char((t AT TIME ZONE 'UTC'::text), CASE WHEN (((EXTRACT(microseconds FROM t))::bigint % (1000)::bigint) = 0) THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text END));

CREATE FUNCTION outgrow.time_of(v jsonb) RETURNS timestamp with time zone
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
$$;

CREATE FUNCTION campus.chats_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, participants jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(store_key, 6) AS substr,
     outgrow.array_of((store_value -> 'participants'::text)) AS array_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (outgrow.array_of((store_value -> 'participants'::text)) = (store_value -> 'participants'::text)) THEN 'participants'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION campus.chats_encode(new_participants jsonb, new_created_at timestamp with time zone, new_rest jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (((new_rest - array_remove(ARRAY[CASE WHEN (NOT (outgrow.array_of((new_rest -> 'participants'::text)) IS DISTINCT FROM new_participants)) THEN NULL::text ELSE 'participants'::text END, CASE WHEN (NOT (outgrow.time_of((new_rest -> 'createdAt'::text)) IS DISTINCT FROM new_created_at)) THEN NULL::text ELSE 'createdAt'::text END], NULL::text)) || CASE WHEN ((new_participants IS NULL) OR (NOT (outgrow.array_of((new_rest -> 'participants'::text)) IS DISTINCT FROM new_participants))) THEN '{}'::jsonb ELSE jsonb_build_object('participants', new_participants) END) || CASE WHEN ((new_created_at IS NULL) OR (NOT (outgrow.time_of((new_rest -> 'createdAt'::text)) IS DISTINCT FROM new_created_at))) THEN '{}'::jsonb ELSE jsonb_build_object('createdAt', outgrow.json_of_time(new_created_at)) END);

CREATE FUNCTION campus.chats_key(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('chat:'::text || of_id);

CREATE FUNCTION outgrow.key_of(v jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((jsonb_typeof(v) = 'string'::text) AND (length((v #>> '{}'::text[])) <= 200)) THEN (v #>> '{}'::text[]) ELSE NULL::text END;

CREATE FUNCTION campus.chats_lists(of_id text, of_participants jsonb) RETURNS TABLE(key text, element text, kept boolean)
    LANGUAGE sql STABLE ROWS 4 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT l.key,
     l.element,
     false
    FROM ( SELECT (('user:'::text || outgrow.key_of(e.v)) || ':chats'::text) AS key,
             chats_lists.of_id AS element
            FROM jsonb_array_elements(chats_lists.of_participants) e(v)) l
   WHERE ((l.element IS NOT NULL) AND (l.key ~ '^user:([^:]+):chats$'::text) AND (length(l.key) <= 211));
END;

CREATE FUNCTION campus.chats_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    this_key text := CASE WHEN TG_OP = 'INSERT' THEN "campus"."chats_key"(NEW."id") ELSE "campus"."chats_key"(OLD."id") END;
    old_value jsonb;
    new_value jsonb;
    lists text[];
    elements text[];
    wanted boolean[];
BEGIN
    IF TG_OP <> 'DELETE' THEN
        IF TG_OP = 'UPDATE' AND (NEW."id" IS DISTINCT FROM OLD."id") THEN
            RAISE EXCEPTION 'the key of a row of chats does not change'
                USING ERRCODE = 'feature_not_supported', HINT = 'delete it and insert another';
        ELSIF this_key IS NULL OR NOT (this_key ~ '^chat:(.+)$' AND length(this_key) <= 205 AND NOT (this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214) AND NOT (this_key ~ '^chat:(.+):typing:([^:]+)$' AND (length(this_key) <= 214 OR this_key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$')))
            OR ROW(substr(this_key, 6)) IS DISTINCT FROM ROW(NEW."id") THEN
            RAISE EXCEPTION 'a row of chats cannot have the key %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'its parts must fit the pattern chat:{id...}';
        END IF;
        NEW.rest := coalesce(NEW.rest, '{}');
        IF jsonb_typeof(NEW.rest) <> 'object' THEN
            RAISE EXCEPTION 'the rest of a row of chats is no object: %', this_key
                USING ERRCODE = 'check_violation';
        ELSIF TG_OP = 'UPDATE' THEN
            NEW.rest := NEW.rest - array_remove(ARRAY[
                CASE WHEN NEW."participants" IS DISTINCT FROM OLD."participants" THEN 'participants' END,
                CASE WHEN NEW."created_at" IS DISTINCT FROM OLD."created_at" THEN 'createdAt' END]::text[], NULL);
        END IF;
        new_value := "campus"."chats_encode"(NEW."participants", NEW."created_at", coalesce(NEW.rest, '{}'));
        IF NOT EXISTS (
            SELECT FROM "campus"."chats_decode"(this_key, new_value) d
            WHERE d."participants" IS NOT DISTINCT FROM NEW."participants"
                AND d."created_at" IS NOT DISTINCT FROM NEW."created_at"
                AND d.rest = NEW.rest
        ) THEN
            RAISE EXCEPTION 'a row of chats cannot be kept as it is: %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'a text is too long, a time outside the years 1000 to 2999, an array '
                             'is none, or rest holds a field that is a column';
        END IF;
    END IF;
    SELECT array_agg(x.key), array_agg(x.element), array_agg(x.wanted)
    INTO lists, elements, wanted
    FROM (
        SELECT l.key, l.element, bool_or(l.new) AS wanted
        FROM (
            SELECT false AS new, o.* FROM "campus"."chats_lists"(OLD."id", OLD."participants") o WHERE TG_OP <> 'INSERT'
            UNION ALL
            SELECT true, n.* FROM "campus"."chats_lists"(NEW."id", NEW."participants") n WHERE TG_OP <> 'DELETE'
        ) l
        GROUP BY l.key, l.element
        HAVING bool_and(l.new) OR NOT bool_or(l.new OR l.kept)
    ) x;
    PERFORM "campus"."lock_keys"(this_key || lists, (
        SELECT array_agg(u.k) FROM (
            SELECT this_key WHERE TG_OP = 'INSERT'
            UNION ALL
            SELECT l.k FROM unnest(lists, wanted) AS l(k, w) WHERE l.w
        ) AS u(k)
    ));
    IF TG_OP = 'INSERT' THEN
        INSERT INTO "public"."kv_store_2516be19" (key, value) VALUES (this_key, new_value);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the store does not keep what is written under %', this_key
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'look for a trigger or a row-level security policy of "public"."kv_store_2516be19"';
        END IF;
    ELSE
        SELECT s.value INTO old_value FROM "public"."kv_store_2516be19" s WHERE s.key = this_key;
        IF NOT EXISTS (
            SELECT FROM "campus"."chats_decode"(this_key, old_value) d
            WHERE d."id" IS NOT DISTINCT FROM OLD."id"
                AND d."participants"::text IS NOT DISTINCT FROM OLD."participants"::text
                AND d."created_at" IS NOT DISTINCT FROM OLD."created_at"
                AND d."rest"::text IS NOT DISTINCT FROM OLD."rest"::text
        ) THEN
            RAISE EXCEPTION 'a row of chats was changed by somebody else: %', this_key
                USING ERRCODE = 'serialization_failure', HINT = 'run the transaction again';
        END IF;
        IF TG_OP = 'UPDATE' THEN
            UPDATE "public"."kv_store_2516be19" s SET value = new_value WHERE s.key = this_key;
        ELSE
            DELETE FROM "public"."kv_store_2516be19" s WHERE s.key = this_key;
        END IF;
    END IF;
    FOR i IN 1 .. coalesce(cardinality(lists), 0) LOOP
        IF wanted[i] THEN
            UPDATE "public"."kv_store_2516be19" s SET value = s.value || to_jsonb(elements[i])
            WHERE s.key = lists[i] AND jsonb_typeof(s.value) = 'array'
              AND NOT s.value @> jsonb_build_array(elements[i]);
        ELSE
            UPDATE "public"."kv_store_2516be19" s SET value = s.value - elements[i]
            WHERE s.key = lists[i] AND jsonb_typeof(s.value) = 'array'
              AND s.value @> jsonb_build_array(elements[i]);
        END IF;
    END LOOP;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.at := this_key;
    NEW.probe := new_value;
    RETURN NEW;
END
$_$;

CREATE FUNCTION campus.connections_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ''::text;

CREATE FUNCTION campus.connections_decode(store_key text, store_value jsonb) RETURNS TABLE(user_id text, connected_user_id text, pos bigint, created_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(connections_decode.store_key, 6, (length(connections_decode.store_key) - 17)) AS substr,
     outgrow.key_of(e.v) AS key_of,
     min(e.pos) AS min,
     NULL::timestamp with time zone AS timestamptz
    FROM jsonb_array_elements(
         CASE
             WHEN (jsonb_typeof(connections_decode.store_value) = 'array'::text) THEN connections_decode.store_value
             ELSE '[]'::jsonb
         END) WITH ORDINALITY e(v, pos)
   WHERE (outgrow.key_of(e.v) IS NOT NULL)
   GROUP BY (outgrow.key_of(e.v));
END;

CREATE FUNCTION campus.connections_key(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (('user:'::text || of_id) || ':connections'::text);

CREATE FUNCTION campus.connections_probe(element text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN '[]'::jsonb;

CREATE FUNCTION campus.connections_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    this_key text := CASE WHEN TG_OP = 'INSERT' THEN "campus"."connections_key"(NEW."user_id") ELSE "campus"."connections_key"(OLD."user_id") END;
    list jsonb;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a row of connections has nothing to update'
            USING ERRCODE = 'feature_not_supported', HINT = 'delete it and insert another';
    ELSIF TG_OP = 'INSERT' THEN
        IF TG_OP = 'UPDATE' AND (NEW."user_id" IS DISTINCT FROM OLD."user_id") THEN
            RAISE EXCEPTION 'the key of a row of connections does not change'
                USING ERRCODE = 'feature_not_supported', HINT = 'delete it and insert another';
        ELSIF this_key IS NULL OR NOT (this_key ~ '^user:([^:]+):connections$' AND length(this_key) <= 217)
            OR ROW(substr(this_key, 6, length(this_key) - 17)) IS DISTINCT FROM ROW(NEW."user_id") THEN
            RAISE EXCEPTION 'a row of connections cannot have the key %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'its parts must fit the pattern user:{id}:connections';
        END IF;
        IF NEW."connected_user_id" IS NULL OR length(NEW."connected_user_id") > 200 THEN
            RAISE EXCEPTION 'a row of connections cannot be kept: % is not an id', NEW."connected_user_id"
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    PERFORM "campus"."lock_keys"(
        ARRAY[this_key], CASE WHEN TG_OP = 'INSERT' THEN ARRAY[this_key] ELSE '{}' END);
    SELECT s.value INTO list FROM "public"."kv_store_2516be19" s WHERE s.key = this_key;
    IF TG_OP = 'DELETE' THEN
        IF list IS NULL OR jsonb_typeof(list) <> 'array'
            OR NOT list @> jsonb_build_array(OLD."connected_user_id") THEN
            RAISE EXCEPTION 'a row of connections was changed by somebody else: %', this_key
                USING ERRCODE = 'serialization_failure', HINT = 'run the transaction again';
        END IF;
        -- Takes every element that is this text: a doubled id is one row.
        UPDATE "public"."kv_store_2516be19" s SET value = list - OLD."connected_user_id" WHERE s.key = this_key;
        RETURN OLD;
    END IF;
    list := coalesce(list, '[]');
    IF jsonb_typeof(list) <> 'array' THEN
        INSERT INTO outgrow.quarantine (store, key, value, reason)
        VALUES ('public.kv_store_2516be19', this_key, list, 'a list was to be written');
        list := '[]';
    END IF;
    IF list @> jsonb_build_array(NEW."connected_user_id") THEN
        RAISE EXCEPTION 'duplicate row of connections: % is in %', NEW."connected_user_id", this_key
            USING ERRCODE = 'unique_violation';
    END IF;
    UPDATE "public"."kv_store_2516be19" s SET value = list || to_jsonb(NEW."connected_user_id") WHERE s.key = this_key;
    NEW.at := this_key;
    RETURN NEW;
END
$_$;

CREATE FUNCTION campus.intros_at(of_from text, of_to text, of_ms text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ''::text;

CREATE FUNCTION outgrow.text_of(v jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (jsonb_typeof(v) = 'string'::text) THEN (v #>> '{}'::text[]) ELSE NULL::text END;

CREATE FUNCTION campus.intros_decode(store_key text, store_value jsonb) RETURNS TABLE(from_id text, to_id text, sent_ms text, reason text, status text, created_at timestamp with time zone, accepted_at timestamp with time zone, denied_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT split_part(store_key, ':'::text, 2) AS split_part,
     split_part(store_key, ':'::text, 3) AS split_part,
     split_part(store_key, ':'::text, 4) AS split_part,
     outgrow.text_of((store_value -> 'reason'::text)) AS text_of,
     outgrow.key_of((store_value -> 'status'::text)) AS key_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
     outgrow.time_of((store_value -> 'acceptedAt'::text)) AS time_of,
     outgrow.time_of((store_value -> 'deniedAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (to_jsonb(outgrow.text_of((store_value -> 'reason'::text))) = (store_value -> 'reason'::text)) THEN 'reason'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'status'::text))) = (store_value -> 'status'::text)) THEN 'status'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'acceptedAt'::text))) = (store_value -> 'acceptedAt'::text)) THEN 'acceptedAt'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'deniedAt'::text))) = (store_value -> 'deniedAt'::text)) THEN 'deniedAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION campus.intros_encode(new_reason text, new_status text, new_created_at timestamp with time zone, new_accepted_at timestamp with time zone, new_denied_at timestamp with time zone, new_rest jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((((((new_rest - array_remove(ARRAY[CASE WHEN (NOT (outgrow.text_of((new_rest -> 'reason'::text)) IS DISTINCT FROM new_reason)) THEN NULL::text ELSE 'reason'::text END, CASE WHEN (NOT (outgrow.key_of((new_rest -> 'status'::text)) IS DISTINCT FROM new_status)) THEN NULL::text ELSE 'status'::text END, CASE WHEN (NOT (outgrow.time_of((new_rest -> 'createdAt'::text)) IS DISTINCT FROM new_created_at)) THEN NULL::text ELSE 'createdAt'::text END, CASE WHEN (NOT (outgrow.time_of((new_rest -> 'acceptedAt'::text)) IS DISTINCT FROM new_accepted_at)) THEN NULL::text ELSE 'acceptedAt'::text END, CASE WHEN (NOT (outgrow.time_of((new_rest -> 'deniedAt'::text)) IS DISTINCT FROM new_denied_at)) THEN NULL::text ELSE 'deniedAt'::text END], NULL::text)) || CASE WHEN ((new_reason IS NULL) OR (NOT (outgrow.text_of((new_rest -> 'reason'::text)) IS DISTINCT FROM new_reason))) THEN '{}'::jsonb ELSE jsonb_build_object('reason', to_jsonb(new_reason)) END) || CASE WHEN ((new_status IS NULL) OR (NOT (outgrow.key_of((new_rest -> 'status'::text)) IS DISTINCT FROM new_status))) THEN '{}'::jsonb ELSE jsonb_build_object('status', to_jsonb(new_status)) END) || CASE WHEN ((new_created_at IS NULL) OR (NOT (outgrow.time_of((new_rest -> 'createdAt'::text)) IS DISTINCT FROM new_created_at))) THEN '{}'::jsonb ELSE jsonb_build_object('createdAt', outgrow.json_of_time(new_created_at)) END) || CASE WHEN ((new_accepted_at IS NULL) OR (NOT (outgrow.time_of((new_rest -> 'acceptedAt'::text)) IS DISTINCT FROM new_accepted_at))) THEN '{}'::jsonb ELSE jsonb_build_object('acceptedAt', outgrow.json_of_time(new_accepted_at)) END) || CASE WHEN ((new_denied_at IS NULL) OR (NOT (outgrow.time_of((new_rest -> 'deniedAt'::text)) IS DISTINCT FROM new_denied_at))) THEN '{}'::jsonb ELSE jsonb_build_object('deniedAt', outgrow.json_of_time(new_denied_at)) END);

CREATE FUNCTION campus.intros_key(of_from text, of_to text, of_ms text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((((('intro:'::text || of_from) || ':'::text) || of_to) || ':'::text) || of_ms);

CREATE FUNCTION campus.intros_lists(of_from_id text, of_to_id text, of_sent_ms text) RETURNS TABLE(key text, element text, kept boolean)
    LANGUAGE sql STABLE ROWS 4 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT l.key,
     l.element,
     false
    FROM ( SELECT (('user:'::text || intros_lists.of_to_id) || ':soft-intros:incoming'::text) AS key,
             ((((('intro:'::text || intros_lists.of_from_id) || ':'::text) || intros_lists.of_to_id) || ':'::text) || intros_lists.of_sent_ms) AS element) l
   WHERE ((l.element IS NOT NULL) AND (l.key ~ '^user:([^:]+):soft-intros:incoming$'::text) AND (length(l.key) <= 226))
 UNION ALL
  SELECT l.key,
     l.element,
     false
    FROM ( SELECT (('user:'::text || intros_lists.of_from_id) || ':soft-intros:outgoing'::text) AS key,
             ((((('intro:'::text || intros_lists.of_from_id) || ':'::text) || intros_lists.of_to_id) || ':'::text) || intros_lists.of_sent_ms) AS element) l
   WHERE ((l.element IS NOT NULL) AND (l.key ~ '^user:([^:]+):soft-intros:outgoing$'::text) AND (length(l.key) <= 226));
END;

CREATE FUNCTION campus.intros_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    this_key text := CASE WHEN TG_OP = 'INSERT' THEN "campus"."intros_key"(NEW."from_id", NEW."to_id", NEW."sent_ms") ELSE "campus"."intros_key"(OLD."from_id", OLD."to_id", OLD."sent_ms") END;
    old_value jsonb;
    new_value jsonb;
    lists text[];
    elements text[];
    wanted boolean[];
BEGIN
    IF TG_OP <> 'DELETE' THEN
        IF TG_OP = 'UPDATE' AND (NEW."from_id" IS DISTINCT FROM OLD."from_id" OR NEW."to_id" IS DISTINCT FROM OLD."to_id" OR NEW."sent_ms" IS DISTINCT FROM OLD."sent_ms") THEN
            RAISE EXCEPTION 'the key of a row of intros does not change'
                USING ERRCODE = 'feature_not_supported', HINT = 'delete it and insert another';
        ELSIF this_key IS NULL OR NOT (this_key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(this_key) <= 210 OR this_key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$'))
            OR ROW(split_part(this_key, ':', 2), split_part(this_key, ':', 3), split_part(this_key, ':', 4)) IS DISTINCT FROM ROW(NEW."from_id", NEW."to_id", NEW."sent_ms") THEN
            RAISE EXCEPTION 'a row of intros cannot have the key %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'its parts must fit the pattern intro:{from}:{to}:{ms}';
        END IF;
        NEW.rest := coalesce(NEW.rest, '{}');
        IF jsonb_typeof(NEW.rest) <> 'object' THEN
            RAISE EXCEPTION 'the rest of a row of intros is no object: %', this_key
                USING ERRCODE = 'check_violation';
        ELSIF TG_OP = 'UPDATE' THEN
            NEW.rest := NEW.rest - array_remove(ARRAY[
                CASE WHEN NEW."reason" IS DISTINCT FROM OLD."reason" THEN 'reason' END,
                CASE WHEN NEW."status" IS DISTINCT FROM OLD."status" THEN 'status' END,
                CASE WHEN NEW."created_at" IS DISTINCT FROM OLD."created_at" THEN 'createdAt' END,
                CASE WHEN NEW."accepted_at" IS DISTINCT FROM OLD."accepted_at" THEN 'acceptedAt' END,
                CASE WHEN NEW."denied_at" IS DISTINCT FROM OLD."denied_at" THEN 'deniedAt' END]::text[], NULL);
        END IF;
        new_value := "campus"."intros_encode"(NEW."reason", NEW."status", NEW."created_at", NEW."accepted_at", NEW."denied_at", coalesce(NEW.rest, '{}'));
        IF NOT EXISTS (
            SELECT FROM "campus"."intros_decode"(this_key, new_value) d
            WHERE d."reason" IS NOT DISTINCT FROM NEW."reason"
                AND d."status" IS NOT DISTINCT FROM NEW."status"
                AND d."created_at" IS NOT DISTINCT FROM NEW."created_at"
                AND d."accepted_at" IS NOT DISTINCT FROM NEW."accepted_at"
                AND d."denied_at" IS NOT DISTINCT FROM NEW."denied_at"
                AND d.rest = NEW.rest
        ) THEN
            RAISE EXCEPTION 'a row of intros cannot be kept as it is: %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'a text is too long, a time outside the years 1000 to 2999, an array '
                             'is none, or rest holds a field that is a column';
        END IF;
    END IF;
    SELECT array_agg(x.key), array_agg(x.element), array_agg(x.wanted)
    INTO lists, elements, wanted
    FROM (
        SELECT l.key, l.element, bool_or(l.new) AS wanted
        FROM (
            SELECT false AS new, o.* FROM "campus"."intros_lists"(OLD."from_id", OLD."to_id", OLD."sent_ms") o WHERE TG_OP <> 'INSERT'
            UNION ALL
            SELECT true, n.* FROM "campus"."intros_lists"(NEW."from_id", NEW."to_id", NEW."sent_ms") n WHERE TG_OP <> 'DELETE'
        ) l
        GROUP BY l.key, l.element
        HAVING bool_and(l.new) OR NOT bool_or(l.new OR l.kept)
    ) x;
    PERFORM "campus"."lock_keys"(this_key || lists, (
        SELECT array_agg(u.k) FROM (
            SELECT this_key WHERE TG_OP = 'INSERT'
            UNION ALL
            SELECT l.k FROM unnest(lists, wanted) AS l(k, w) WHERE l.w
        ) AS u(k)
    ));
    IF TG_OP = 'INSERT' THEN
        INSERT INTO "public"."kv_store_2516be19" (key, value) VALUES (this_key, new_value);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the store does not keep what is written under %', this_key
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'look for a trigger or a row-level security policy of "public"."kv_store_2516be19"';
        END IF;
    ELSE
        SELECT s.value INTO old_value FROM "public"."kv_store_2516be19" s WHERE s.key = this_key;
        IF NOT EXISTS (
            SELECT FROM "campus"."intros_decode"(this_key, old_value) d
            WHERE d."from_id" IS NOT DISTINCT FROM OLD."from_id"
                AND d."to_id" IS NOT DISTINCT FROM OLD."to_id"
                AND d."sent_ms" IS NOT DISTINCT FROM OLD."sent_ms"
                AND d."reason" IS NOT DISTINCT FROM OLD."reason"
                AND d."status" IS NOT DISTINCT FROM OLD."status"
                AND d."created_at" IS NOT DISTINCT FROM OLD."created_at"
                AND d."accepted_at" IS NOT DISTINCT FROM OLD."accepted_at"
                AND d."denied_at" IS NOT DISTINCT FROM OLD."denied_at"
                AND d."rest"::text IS NOT DISTINCT FROM OLD."rest"::text
        ) THEN
            RAISE EXCEPTION 'a row of intros was changed by somebody else: %', this_key
                USING ERRCODE = 'serialization_failure', HINT = 'run the transaction again';
        END IF;
        IF TG_OP = 'UPDATE' THEN
            UPDATE "public"."kv_store_2516be19" s SET value = new_value WHERE s.key = this_key;
        ELSE
            DELETE FROM "public"."kv_store_2516be19" s WHERE s.key = this_key;
        END IF;
    END IF;
    FOR i IN 1 .. coalesce(cardinality(lists), 0) LOOP
        IF wanted[i] THEN
            UPDATE "public"."kv_store_2516be19" s SET value = s.value || to_jsonb(elements[i])
            WHERE s.key = lists[i] AND jsonb_typeof(s.value) = 'array'
              AND NOT s.value @> jsonb_build_array(elements[i]);
        ELSE
            UPDATE "public"."kv_store_2516be19" s SET value = s.value - elements[i]
            WHERE s.key = lists[i] AND jsonb_typeof(s.value) = 'array'
              AND s.value @> jsonb_build_array(elements[i]);
        END IF;
    END LOOP;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.at := this_key;
    NEW.probe := new_value;
    RETURN NEW;
END
$_$;

CREATE FUNCTION campus.lock_keys(keys text[], made text[] DEFAULT NULL::text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    this_key text;
BEGIN
    FOR this_key IN
        SELECT DISTINCT k COLLATE "C" FROM unnest(keys) AS k WHERE k <> '' ORDER BY 1
    LOOP
        FOR turn IN 1 .. 10 LOOP
            PERFORM 1 FROM "public"."kv_store_2516be19" WHERE key = this_key FOR UPDATE;
            EXIT WHEN FOUND;
            EXIT WHEN made IS NOT NULL AND this_key <> ALL (made);
            EXIT WHEN NOT ((this_key ~ '^user:([^:]+):connections$' AND length(this_key) <= 217) OR (this_key ~ '^user:([^:]+):chats$' AND length(this_key) <= 211) OR (this_key ~ '^user:([^:]+):soft-intros:incoming$' AND length(this_key) <= 226) OR (this_key ~ '^user:([^:]+):soft-intros:outgoing$' AND length(this_key) <= 226) OR (this_key ~ '^school:(.+):users$' AND length(this_key) <= 213) OR (this_key ~ '^schools:all$') OR (this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214));
            INSERT INTO "public"."kv_store_2516be19" (key, value) VALUES (this_key, '[]')
            ON CONFLICT DO NOTHING;
            EXIT WHEN FOUND;
            IF turn = 10 THEN
            RAISE EXCEPTION 'the store does not keep what is written under %', this_key
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'look for a trigger or a row-level security policy of "public"."kv_store_2516be19"';
            END IF;
        END LOOP;
    END LOOP;
END
$_$;

CREATE FUNCTION campus.messages_at(of_chat text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ''::text;

CREATE FUNCTION campus.messages_decode(store_key text, store_value jsonb) RETURNS TABLE(chat_id text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(messages_decode.store_key, 6, (length(messages_decode.store_key) - 14)) AS substr,
     e.pos,
     outgrow.text_of((e.v -> 'id'::text)) AS text_of,
     outgrow.key_of((e.v -> 'senderId'::text)) AS key_of,
     outgrow.text_of((e.v -> 'content'::text)) AS text_of,
     outgrow.key_of((e.v -> 'type'::text)) AS key_of,
     outgrow.time_of((e.v -> 'timestamp'::text)) AS time_of,
     (e.v - array_remove(ARRAY[
         CASE
             WHEN (to_jsonb(outgrow.text_of((e.v -> 'id'::text))) = (e.v -> 'id'::text)) THEN 'id'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (to_jsonb(outgrow.key_of((e.v -> 'senderId'::text))) = (e.v -> 'senderId'::text)) THEN 'senderId'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (to_jsonb(outgrow.text_of((e.v -> 'content'::text))) = (e.v -> 'content'::text)) THEN 'content'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (to_jsonb(outgrow.key_of((e.v -> 'type'::text))) = (e.v -> 'type'::text)) THEN 'type'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (outgrow.json_of_time(outgrow.time_of((e.v -> 'timestamp'::text))) = (e.v -> 'timestamp'::text)) THEN 'timestamp'::text
             ELSE NULL::text
         END], NULL::text))
    FROM jsonb_array_elements(
         CASE
             WHEN (jsonb_typeof(messages_decode.store_value) = 'array'::text) THEN messages_decode.store_value
             ELSE '[]'::jsonb
         END) WITH ORDINALITY e(v, pos)
   WHERE (jsonb_typeof(e.v) = 'object'::text);
END;

CREATE FUNCTION campus.messages_encode(new_id text, new_sender_id text, new_content text, new_kind text, new_sent_at timestamp with time zone, new_rest jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((((((new_rest - array_remove(ARRAY[CASE WHEN (NOT (outgrow.text_of((new_rest -> 'id'::text)) IS DISTINCT FROM new_id)) THEN NULL::text ELSE 'id'::text END, CASE WHEN (NOT (outgrow.key_of((new_rest -> 'senderId'::text)) IS DISTINCT FROM new_sender_id)) THEN NULL::text ELSE 'senderId'::text END, CASE WHEN (NOT (outgrow.text_of((new_rest -> 'content'::text)) IS DISTINCT FROM new_content)) THEN NULL::text ELSE 'content'::text END, CASE WHEN (NOT (outgrow.key_of((new_rest -> 'type'::text)) IS DISTINCT FROM new_kind)) THEN NULL::text ELSE 'type'::text END, CASE WHEN (NOT (outgrow.time_of((new_rest -> 'timestamp'::text)) IS DISTINCT FROM new_sent_at)) THEN NULL::text ELSE 'timestamp'::text END], NULL::text)) || CASE WHEN ((new_id IS NULL) OR (NOT (outgrow.text_of((new_rest -> 'id'::text)) IS DISTINCT FROM new_id))) THEN '{}'::jsonb ELSE jsonb_build_object('id', to_jsonb(new_id)) END) || CASE WHEN ((new_sender_id IS NULL) OR (NOT (outgrow.key_of((new_rest -> 'senderId'::text)) IS DISTINCT FROM new_sender_id))) THEN '{}'::jsonb ELSE jsonb_build_object('senderId', to_jsonb(new_sender_id)) END) || CASE WHEN ((new_content IS NULL) OR (NOT (outgrow.text_of((new_rest -> 'content'::text)) IS DISTINCT FROM new_content))) THEN '{}'::jsonb ELSE jsonb_build_object('content', to_jsonb(new_content)) END) || CASE WHEN ((new_kind IS NULL) OR (NOT (outgrow.key_of((new_rest -> 'type'::text)) IS DISTINCT FROM new_kind))) THEN '{}'::jsonb ELSE jsonb_build_object('type', to_jsonb(new_kind)) END) || CASE WHEN ((new_sent_at IS NULL) OR (NOT (outgrow.time_of((new_rest -> 'timestamp'::text)) IS DISTINCT FROM new_sent_at))) THEN '{}'::jsonb ELSE jsonb_build_object('timestamp', outgrow.json_of_time(new_sent_at)) END);

CREATE FUNCTION campus.messages_key(of_chat text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (('chat:'::text || of_chat) || ':messages'::text);

CREATE FUNCTION campus.messages_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    this_key text := CASE WHEN TG_OP = 'INSERT' THEN "campus"."messages_key"(NEW."chat_id") ELSE "campus"."messages_key"(OLD."chat_id") END;
    list jsonb;
    element jsonb;
    place integer;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        IF TG_OP = 'UPDATE' AND (NEW."chat_id" IS DISTINCT FROM OLD."chat_id") THEN
            RAISE EXCEPTION 'the key of a row of messages does not change'
                USING ERRCODE = 'feature_not_supported', HINT = 'delete it and insert another';
        ELSIF this_key IS NULL OR NOT (this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214)
            OR ROW(substr(this_key, 6, length(this_key) - 14)) IS DISTINCT FROM ROW(NEW."chat_id") THEN
            RAISE EXCEPTION 'a row of messages cannot have the key %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'its parts must fit the pattern chat:{chat...}:messages';
        END IF;
        NEW.rest := coalesce(NEW.rest, '{}');
        IF jsonb_typeof(NEW.rest) <> 'object' THEN
            RAISE EXCEPTION 'the rest of a row of messages is no object: %', this_key
                USING ERRCODE = 'check_violation';
        ELSIF TG_OP = 'UPDATE' THEN
            NEW.rest := NEW.rest - array_remove(ARRAY[
                CASE WHEN NEW."id" IS DISTINCT FROM OLD."id" THEN 'id' END,
                CASE WHEN NEW."sender_id" IS DISTINCT FROM OLD."sender_id" THEN 'senderId' END,
                CASE WHEN NEW."content" IS DISTINCT FROM OLD."content" THEN 'content' END,
                CASE WHEN NEW."kind" IS DISTINCT FROM OLD."kind" THEN 'type' END,
                CASE WHEN NEW."sent_at" IS DISTINCT FROM OLD."sent_at" THEN 'timestamp' END]::text[], NULL);
        END IF;
        element := "campus"."messages_encode"(NEW."id", NEW."sender_id", NEW."content", NEW."kind", NEW."sent_at", coalesce(NEW.rest, '{}'));
        IF NOT EXISTS (
            SELECT FROM "campus"."messages_decode"(this_key, jsonb_build_array(element)) d
            WHERE d."id" IS NOT DISTINCT FROM NEW."id"
                AND d."sender_id" IS NOT DISTINCT FROM NEW."sender_id"
                AND d."content" IS NOT DISTINCT FROM NEW."content"
                AND d."kind" IS NOT DISTINCT FROM NEW."kind"
                AND d."sent_at" IS NOT DISTINCT FROM NEW."sent_at"
                AND d.rest = NEW.rest
        ) THEN
            RAISE EXCEPTION 'a row of messages cannot be kept as it is: %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'a text is too long, a time outside the years 1000 to 2999, an array '
                             'is none, or rest holds a field that is a column';
        END IF;
    END IF;
    PERFORM "campus"."lock_keys"(
        ARRAY[this_key], CASE WHEN TG_OP = 'INSERT' THEN ARRAY[this_key] ELSE '{}' END);
    SELECT s.value INTO list FROM "public"."kv_store_2516be19" s WHERE s.key = this_key;
    IF TG_OP = 'INSERT' THEN
    list := coalesce(list, '[]');
    IF jsonb_typeof(list) <> 'array' THEN
        INSERT INTO outgrow.quarantine (store, key, value, reason)
        VALUES ('public.kv_store_2516be19', this_key, list, 'a list was to be written');
        list := '[]';
    END IF;
        UPDATE "public"."kv_store_2516be19" s SET value = list || jsonb_build_array(element)
        WHERE s.key = this_key;
        NEW.at := this_key;
        NEW."pos" := jsonb_array_length(list) + 1;
        RETURN NEW;
    END IF;
    -- Earlier elements may have gone since the snapshot, in this very statement too: the element is
    -- the last one like OLD at or before OLD's place.
    IF jsonb_typeof(list) = 'array' THEN
        SELECT max(e.pos)::integer INTO place
        FROM jsonb_array_elements(list) WITH ORDINALITY AS e(v, pos)
        WHERE e.pos <= OLD."pos" AND e.v::text = ("campus"."messages_encode"(OLD."id", OLD."sender_id", OLD."content", OLD."kind", OLD."sent_at", coalesce(OLD.rest, '{}')))::text;
    END IF;
    IF place IS NULL THEN
            RAISE EXCEPTION 'a row of messages was changed by somebody else: %', this_key
                USING ERRCODE = 'serialization_failure', HINT = 'run the transaction again';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        UPDATE "public"."kv_store_2516be19" s SET value = jsonb_set(list, ARRAY[(place - 1)::text], element)
        WHERE s.key = this_key;
        RETURN NEW;
    END IF;
    UPDATE "public"."kv_store_2516be19" s SET value = list - (place - 1) WHERE s.key = this_key;
    RETURN OLD;
END
$_$;

CREATE FUNCTION campus.participants_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ''::text;

CREATE FUNCTION campus.participants_probe(element text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN '[]'::jsonb;

CREATE FUNCTION campus.read_only() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION 'relation % is read only: it shows another relation', TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported';
END
$$;

CREATE FUNCTION campus.school_members_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ''::text;

CREATE FUNCTION campus.user_search_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ''::text;

CREATE FUNCTION campus.users_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ''::text;

CREATE FUNCTION outgrow.label_of(v jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (jsonb_typeof(v) = 'string'::text) THEN "left"((v #>> '{}'::text[]), 200) ELSE NULL::text END;

CREATE FUNCTION outgrow.short_of(v jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((jsonb_typeof(v) = 'string'::text) AND (length((v #>> '{}'::text[])) <= 40)) THEN (v #>> '{}'::text[]) ELSE NULL::text END;

CREATE FUNCTION campus.users_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, email text, name text, school text, major text, year text, interests jsonb, looking_for jsonb, blocked jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(store_key, 6) AS substr,
     outgrow.key_of((store_value -> 'email'::text)) AS key_of,
     outgrow.label_of((store_value -> 'name'::text)) AS label_of,
     outgrow.key_of((store_value -> 'school'::text)) AS key_of,
     outgrow.key_of((store_value -> 'major'::text)) AS key_of,
     outgrow.short_of((store_value -> 'year'::text)) AS short_of,
     outgrow.array_of((store_value -> 'interests'::text)) AS array_of,
     outgrow.array_of((store_value -> 'lookingFor'::text)) AS array_of,
     outgrow.array_of((store_value -> 'blockedUsers'::text)) AS array_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'email'::text))) = (store_value -> 'email'::text)) THEN 'email'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.label_of((store_value -> 'name'::text))) = (store_value -> 'name'::text)) THEN 'name'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'school'::text))) = (store_value -> 'school'::text)) THEN 'school'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'major'::text))) = (store_value -> 'major'::text)) THEN 'major'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.short_of((store_value -> 'year'::text))) = (store_value -> 'year'::text)) THEN 'year'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'interests'::text)) = (store_value -> 'interests'::text)) THEN 'interests'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'lookingFor'::text)) = (store_value -> 'lookingFor'::text)) THEN 'lookingFor'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'blockedUsers'::text)) = (store_value -> 'blockedUsers'::text)) THEN 'blockedUsers'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION campus.users_encode(new_email text, new_name text, new_school text, new_major text, new_year text, new_interests jsonb, new_looking_for jsonb, new_blocked jsonb, new_created_at timestamp with time zone, new_rest jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((((((((((new_rest - array_remove(ARRAY[CASE WHEN (NOT (outgrow.key_of((new_rest -> 'email'::text)) IS DISTINCT FROM new_email)) THEN NULL::text ELSE 'email'::text END, CASE WHEN (NOT (outgrow.label_of((new_rest -> 'name'::text)) IS DISTINCT FROM new_name)) THEN NULL::text ELSE 'name'::text END, CASE WHEN (NOT (outgrow.key_of((new_rest -> 'school'::text)) IS DISTINCT FROM new_school)) THEN NULL::text ELSE 'school'::text END, CASE WHEN (NOT (outgrow.key_of((new_rest -> 'major'::text)) IS DISTINCT FROM new_major)) THEN NULL::text ELSE 'major'::text END, CASE WHEN (NOT (outgrow.short_of((new_rest -> 'year'::text)) IS DISTINCT FROM new_year)) THEN NULL::text ELSE 'year'::text END, CASE WHEN (NOT (outgrow.array_of((new_rest -> 'interests'::text)) IS DISTINCT FROM new_interests)) THEN NULL::text ELSE 'interests'::text END, CASE WHEN (NOT (outgrow.array_of((new_rest -> 'lookingFor'::text)) IS DISTINCT FROM new_looking_for)) THEN NULL::text ELSE 'lookingFor'::text END, CASE WHEN (NOT (outgrow.array_of((new_rest -> 'blockedUsers'::text)) IS DISTINCT FROM new_blocked)) THEN NULL::text ELSE 'blockedUsers'::text END, CASE WHEN (NOT (outgrow.time_of((new_rest -> 'createdAt'::text)) IS DISTINCT FROM new_created_at)) THEN NULL::text ELSE 'createdAt'::text END], NULL::text)) || CASE WHEN ((new_email IS NULL) OR (NOT (outgrow.key_of((new_rest -> 'email'::text)) IS DISTINCT FROM new_email))) THEN '{}'::jsonb ELSE jsonb_build_object('email', to_jsonb(new_email)) END) || CASE WHEN ((new_name IS NULL) OR (NOT (outgrow.label_of((new_rest -> 'name'::text)) IS DISTINCT FROM new_name))) THEN '{}'::jsonb ELSE jsonb_build_object('name', to_jsonb(new_name)) END) || CASE WHEN ((new_school IS NULL) OR (NOT (outgrow.key_of((new_rest -> 'school'::text)) IS DISTINCT FROM new_school))) THEN '{}'::jsonb ELSE jsonb_build_object('school', to_jsonb(new_school)) END) || CASE WHEN ((new_major IS NULL) OR (NOT (outgrow.key_of((new_rest -> 'major'::text)) IS DISTINCT FROM new_major))) THEN '{}'::jsonb ELSE jsonb_build_object('major', to_jsonb(new_major)) END) || CASE WHEN ((new_year IS NULL) OR (NOT (outgrow.short_of((new_rest -> 'year'::text)) IS DISTINCT FROM new_year))) THEN '{}'::jsonb ELSE jsonb_build_object('year', to_jsonb(new_year)) END) || CASE WHEN ((new_interests IS NULL) OR (NOT (outgrow.array_of((new_rest -> 'interests'::text)) IS DISTINCT FROM new_interests))) THEN '{}'::jsonb ELSE jsonb_build_object('interests', new_interests) END) || CASE WHEN ((new_looking_for IS NULL) OR (NOT (outgrow.array_of((new_rest -> 'lookingFor'::text)) IS DISTINCT FROM new_looking_for))) THEN '{}'::jsonb ELSE jsonb_build_object('lookingFor', new_looking_for) END) || CASE WHEN ((new_blocked IS NULL) OR (NOT (outgrow.array_of((new_rest -> 'blockedUsers'::text)) IS DISTINCT FROM new_blocked))) THEN '{}'::jsonb ELSE jsonb_build_object('blockedUsers', new_blocked) END) || CASE WHEN ((new_created_at IS NULL) OR (NOT (outgrow.time_of((new_rest -> 'createdAt'::text)) IS DISTINCT FROM new_created_at))) THEN '{}'::jsonb ELSE jsonb_build_object('createdAt', outgrow.json_of_time(new_created_at)) END);

CREATE FUNCTION campus.users_key(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('user:'::text || of_id);

CREATE FUNCTION campus.users_lists(of_id text, of_school text) RETURNS TABLE(key text, element text, kept boolean)
    LANGUAGE sql STABLE ROWS 4 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT l.key,
     l.element,
     false
    FROM ( SELECT (('school:'::text || users_lists.of_school) || ':users'::text) AS key,
             users_lists.of_id AS element) l
   WHERE ((l.element IS NOT NULL) AND (l.key ~ '^school:(.+):users$'::text) AND (length(l.key) <= 213))
 UNION ALL
  SELECT l.key,
     l.element,
     true
    FROM ( SELECT 'schools:all'::text AS key,
             users_lists.of_school AS element) l
   WHERE ((l.element IS NOT NULL) AND (l.key ~ '^schools:all$'::text));
END;

CREATE FUNCTION campus.users_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    this_key text := CASE WHEN TG_OP = 'INSERT' THEN "campus"."users_key"(NEW."id") ELSE "campus"."users_key"(OLD."id") END;
    old_value jsonb;
    new_value jsonb;
    lists text[];
    elements text[];
    wanted boolean[];
BEGIN
    IF TG_OP <> 'DELETE' THEN
        IF TG_OP = 'UPDATE' AND (NEW."id" IS DISTINCT FROM OLD."id") THEN
            RAISE EXCEPTION 'the key of a row of users does not change'
                USING ERRCODE = 'feature_not_supported', HINT = 'delete it and insert another';
        ELSIF this_key IS NULL OR NOT (this_key ~ '^user:([^:]+)$' AND length(this_key) <= 205)
            OR ROW(substr(this_key, 6)) IS DISTINCT FROM ROW(NEW."id") THEN
            RAISE EXCEPTION 'a row of users cannot have the key %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'its parts must fit the pattern user:{id}';
        END IF;
        NEW.rest := coalesce(NEW.rest, '{}');
        IF jsonb_typeof(NEW.rest) <> 'object' THEN
            RAISE EXCEPTION 'the rest of a row of users is no object: %', this_key
                USING ERRCODE = 'check_violation';
        ELSIF TG_OP = 'UPDATE' THEN
            NEW.rest := NEW.rest - array_remove(ARRAY[
                CASE WHEN NEW."email" IS DISTINCT FROM OLD."email" THEN 'email' END,
                CASE WHEN NEW."name" IS DISTINCT FROM OLD."name" THEN 'name' END,
                CASE WHEN NEW."school" IS DISTINCT FROM OLD."school" THEN 'school' END,
                CASE WHEN NEW."major" IS DISTINCT FROM OLD."major" THEN 'major' END,
                CASE WHEN NEW."year" IS DISTINCT FROM OLD."year" THEN 'year' END,
                CASE WHEN NEW."interests" IS DISTINCT FROM OLD."interests" THEN 'interests' END,
                CASE WHEN NEW."looking_for" IS DISTINCT FROM OLD."looking_for" THEN 'lookingFor' END,
                CASE WHEN NEW."blocked" IS DISTINCT FROM OLD."blocked" THEN 'blockedUsers' END,
                CASE WHEN NEW."created_at" IS DISTINCT FROM OLD."created_at" THEN 'createdAt' END]::text[], NULL);
        END IF;
        new_value := "campus"."users_encode"(NEW."email", NEW."name", NEW."school", NEW."major", NEW."year", NEW."interests", NEW."looking_for", NEW."blocked", NEW."created_at", coalesce(NEW.rest, '{}'));
        IF NOT EXISTS (
            SELECT FROM "campus"."users_decode"(this_key, new_value) d
            WHERE d."email" IS NOT DISTINCT FROM NEW."email"
                AND d."name" IS NOT DISTINCT FROM NEW."name"
                AND d."school" IS NOT DISTINCT FROM NEW."school"
                AND d."major" IS NOT DISTINCT FROM NEW."major"
                AND d."year" IS NOT DISTINCT FROM NEW."year"
                AND d."interests" IS NOT DISTINCT FROM NEW."interests"
                AND d."looking_for" IS NOT DISTINCT FROM NEW."looking_for"
                AND d."blocked" IS NOT DISTINCT FROM NEW."blocked"
                AND d."created_at" IS NOT DISTINCT FROM NEW."created_at"
                AND d.rest = NEW.rest
        ) THEN
            RAISE EXCEPTION 'a row of users cannot be kept as it is: %', this_key
                USING ERRCODE = 'check_violation',
                      HINT = 'a text is too long, a time outside the years 1000 to 2999, an array '
                             'is none, or rest holds a field that is a column';
        END IF;
    END IF;
    SELECT array_agg(x.key), array_agg(x.element), array_agg(x.wanted)
    INTO lists, elements, wanted
    FROM (
        SELECT l.key, l.element, bool_or(l.new) AS wanted
        FROM (
            SELECT false AS new, o.* FROM "campus"."users_lists"(OLD."id", OLD."school") o WHERE TG_OP <> 'INSERT'
            UNION ALL
            SELECT true, n.* FROM "campus"."users_lists"(NEW."id", NEW."school") n WHERE TG_OP <> 'DELETE'
        ) l
        GROUP BY l.key, l.element
        HAVING bool_and(l.new) OR NOT bool_or(l.new OR l.kept)
    ) x;
    PERFORM "campus"."lock_keys"(this_key || lists, (
        SELECT array_agg(u.k) FROM (
            SELECT this_key WHERE TG_OP = 'INSERT'
            UNION ALL
            SELECT l.k FROM unnest(lists, wanted) AS l(k, w) WHERE l.w
        ) AS u(k)
    ));
    IF TG_OP = 'INSERT' THEN
        INSERT INTO "public"."kv_store_2516be19" (key, value) VALUES (this_key, new_value);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the store does not keep what is written under %', this_key
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'look for a trigger or a row-level security policy of "public"."kv_store_2516be19"';
        END IF;
    ELSE
        SELECT s.value INTO old_value FROM "public"."kv_store_2516be19" s WHERE s.key = this_key;
        IF NOT EXISTS (
            SELECT FROM "campus"."users_decode"(this_key, old_value) d
            WHERE d."id" IS NOT DISTINCT FROM OLD."id"
                AND d."email" IS NOT DISTINCT FROM OLD."email"
                AND d."name" IS NOT DISTINCT FROM OLD."name"
                AND d."school" IS NOT DISTINCT FROM OLD."school"
                AND d."major" IS NOT DISTINCT FROM OLD."major"
                AND d."year" IS NOT DISTINCT FROM OLD."year"
                AND d."interests"::text IS NOT DISTINCT FROM OLD."interests"::text
                AND d."looking_for"::text IS NOT DISTINCT FROM OLD."looking_for"::text
                AND d."blocked"::text IS NOT DISTINCT FROM OLD."blocked"::text
                AND d."created_at" IS NOT DISTINCT FROM OLD."created_at"
                AND d."rest"::text IS NOT DISTINCT FROM OLD."rest"::text
        ) THEN
            RAISE EXCEPTION 'a row of users was changed by somebody else: %', this_key
                USING ERRCODE = 'serialization_failure', HINT = 'run the transaction again';
        END IF;
        IF TG_OP = 'UPDATE' THEN
            UPDATE "public"."kv_store_2516be19" s SET value = new_value WHERE s.key = this_key;
        ELSE
            DELETE FROM "public"."kv_store_2516be19" s WHERE s.key = this_key;
        END IF;
    END IF;
    FOR i IN 1 .. coalesce(cardinality(lists), 0) LOOP
        IF wanted[i] THEN
            UPDATE "public"."kv_store_2516be19" s SET value = s.value || to_jsonb(elements[i])
            WHERE s.key = lists[i] AND jsonb_typeof(s.value) = 'array'
              AND NOT s.value @> jsonb_build_array(elements[i]);
        ELSE
            UPDATE "public"."kv_store_2516be19" s SET value = s.value - elements[i]
            WHERE s.key = lists[i] AND jsonb_typeof(s.value) = 'array'
              AND s.value @> jsonb_build_array(elements[i]);
        END IF;
    END LOOP;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.at := this_key;
    NEW.probe := new_value;
    RETURN NEW;
END
$_$;

CREATE FUNCTION campus_tables.chats_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, participants jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(store_key, 6) AS substr,
     outgrow.array_of((store_value -> 'participants'::text)) AS array_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (outgrow.array_of((store_value -> 'participants'::text)) = (store_value -> 'participants'::text)) THEN 'participants'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION campus_tables.chats_rows(store_key text, store_value jsonb) RETURNS TABLE(id text, participants jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT d.id,
     d.participants,
     d.created_at,
     d.rest
    FROM campus_tables.chats_decode(chats_rows.store_key, chats_rows.store_value) d(id, participants, created_at, rest);
END;

CREATE FUNCTION campus_tables.connections_decode(store_key text, store_value jsonb) RETURNS TABLE(user_id text, connected_user_id text, pos bigint, created_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(connections_decode.store_key, 6, (length(connections_decode.store_key) - 17)) AS substr,
     outgrow.key_of(e.v) AS key_of,
     min(e.pos) AS min,
     NULL::timestamp with time zone AS timestamptz
    FROM jsonb_array_elements(
         CASE
             WHEN (jsonb_typeof(connections_decode.store_value) = 'array'::text) THEN connections_decode.store_value
             ELSE '[]'::jsonb
         END) WITH ORDINALITY e(v, pos)
   WHERE (outgrow.key_of(e.v) IS NOT NULL)
   GROUP BY (outgrow.key_of(e.v));
END;

CREATE FUNCTION campus_tables.connections_rows(store_key text, store_value jsonb) RETURNS TABLE(user_id text, connected_user_id text, pos bigint, created_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT d.user_id,
     d.connected_user_id,
     d.pos,
     d.created_at
    FROM campus_tables.connections_decode(connections_rows.store_key, connections_rows.store_value) d(user_id, connected_user_id, pos, created_at);
END;

CREATE FUNCTION campus_tables.intros_decode(store_key text, store_value jsonb) RETURNS TABLE(from_id text, to_id text, sent_ms text, reason text, status text, created_at timestamp with time zone, accepted_at timestamp with time zone, denied_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT split_part(store_key, ':'::text, 2) AS split_part,
     split_part(store_key, ':'::text, 3) AS split_part,
     split_part(store_key, ':'::text, 4) AS split_part,
     outgrow.text_of((store_value -> 'reason'::text)) AS text_of,
     outgrow.key_of((store_value -> 'status'::text)) AS key_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
     outgrow.time_of((store_value -> 'acceptedAt'::text)) AS time_of,
     outgrow.time_of((store_value -> 'deniedAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (to_jsonb(outgrow.text_of((store_value -> 'reason'::text))) = (store_value -> 'reason'::text)) THEN 'reason'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'status'::text))) = (store_value -> 'status'::text)) THEN 'status'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'acceptedAt'::text))) = (store_value -> 'acceptedAt'::text)) THEN 'acceptedAt'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'deniedAt'::text))) = (store_value -> 'deniedAt'::text)) THEN 'deniedAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION campus_tables.intros_rows(store_key text, store_value jsonb) RETURNS TABLE(from_id text, to_id text, sent_ms text, reason text, status text, created_at timestamp with time zone, accepted_at timestamp with time zone, denied_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT d.from_id,
     d.to_id,
     d.sent_ms,
     d.reason,
     d.status,
     d.created_at,
     d.accepted_at,
     d.denied_at,
     d.rest
    FROM campus_tables.intros_decode(intros_rows.store_key, intros_rows.store_value) d(from_id, to_id, sent_ms, reason, status, created_at, accepted_at, denied_at, rest);
END;

CREATE FUNCTION campus_tables.messages_decode(store_key text, store_value jsonb) RETURNS TABLE(chat_id text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(messages_decode.store_key, 6, (length(messages_decode.store_key) - 14)) AS substr,
     e.pos,
     outgrow.text_of((e.v -> 'id'::text)) AS text_of,
     outgrow.key_of((e.v -> 'senderId'::text)) AS key_of,
     outgrow.text_of((e.v -> 'content'::text)) AS text_of,
     outgrow.key_of((e.v -> 'type'::text)) AS key_of,
     outgrow.time_of((e.v -> 'timestamp'::text)) AS time_of,
     (e.v - array_remove(ARRAY[
         CASE
             WHEN (to_jsonb(outgrow.text_of((e.v -> 'id'::text))) = (e.v -> 'id'::text)) THEN 'id'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (to_jsonb(outgrow.key_of((e.v -> 'senderId'::text))) = (e.v -> 'senderId'::text)) THEN 'senderId'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (to_jsonb(outgrow.text_of((e.v -> 'content'::text))) = (e.v -> 'content'::text)) THEN 'content'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (to_jsonb(outgrow.key_of((e.v -> 'type'::text))) = (e.v -> 'type'::text)) THEN 'type'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (outgrow.json_of_time(outgrow.time_of((e.v -> 'timestamp'::text))) = (e.v -> 'timestamp'::text)) THEN 'timestamp'::text
             ELSE NULL::text
         END], NULL::text))
    FROM jsonb_array_elements(
         CASE
             WHEN (jsonb_typeof(messages_decode.store_value) = 'array'::text) THEN messages_decode.store_value
             ELSE '[]'::jsonb
         END) WITH ORDINALITY e(v, pos)
   WHERE (jsonb_typeof(e.v) = 'object'::text);
END;

CREATE FUNCTION campus_tables.messages_rows(store_key text, store_value jsonb) RETURNS TABLE(chat_id text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT d.chat_id,
     d.pos,
     d.id,
     d.sender_id,
     d.content,
     d.kind,
     d.sent_at,
     d.rest
    FROM campus_tables.messages_decode(messages_rows.store_key, messages_rows.store_value) d(chat_id, pos, id, sender_id, content, kind, sent_at, rest);
END;

CREATE FUNCTION campus_tables.participants_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, participants jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(store_key, 6) AS substr,
     outgrow.array_of((store_value -> 'participants'::text)) AS array_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (outgrow.array_of((store_value -> 'participants'::text)) = (store_value -> 'participants'::text)) THEN 'participants'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION campus_tables.participants_rows(store_key text, store_value jsonb) RETURNS TABLE(chat_id text, user_id text, pos bigint)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.id AS chat_id,
     outgrow.key_of(e.v) AS user_id,
     e.pos
    FROM (( SELECT d.id,
             d.participants,
             d.created_at,
             d.rest
            FROM campus_tables.participants_decode(participants_rows.store_key, participants_rows.store_value) d(id, participants, created_at, rest)) r
      CROSS JOIN LATERAL ( SELECT e_1.v,
             min(e_1.pos) AS pos
            FROM jsonb_array_elements(r.participants) WITH ORDINALITY e_1(v, pos)
           WHERE (outgrow.key_of(e_1.v) IS NOT NULL)
           GROUP BY e_1.v) e);
END;

CREATE FUNCTION campus_tables.school_members_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, email text, name text, school text, major text, year text, interests jsonb, looking_for jsonb, blocked jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(store_key, 6) AS substr,
     outgrow.key_of((store_value -> 'email'::text)) AS key_of,
     outgrow.label_of((store_value -> 'name'::text)) AS label_of,
     outgrow.key_of((store_value -> 'school'::text)) AS key_of,
     outgrow.key_of((store_value -> 'major'::text)) AS key_of,
     outgrow.short_of((store_value -> 'year'::text)) AS short_of,
     outgrow.array_of((store_value -> 'interests'::text)) AS array_of,
     outgrow.array_of((store_value -> 'lookingFor'::text)) AS array_of,
     outgrow.array_of((store_value -> 'blockedUsers'::text)) AS array_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'email'::text))) = (store_value -> 'email'::text)) THEN 'email'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.label_of((store_value -> 'name'::text))) = (store_value -> 'name'::text)) THEN 'name'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'school'::text))) = (store_value -> 'school'::text)) THEN 'school'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'major'::text))) = (store_value -> 'major'::text)) THEN 'major'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.short_of((store_value -> 'year'::text))) = (store_value -> 'year'::text)) THEN 'year'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'interests'::text)) = (store_value -> 'interests'::text)) THEN 'interests'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'lookingFor'::text)) = (store_value -> 'lookingFor'::text)) THEN 'lookingFor'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'blockedUsers'::text)) = (store_value -> 'blockedUsers'::text)) THEN 'blockedUsers'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION outgrow.fold_letters(t text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN (t !~ '[^\u0001-\u00bf\u2000-\u2fff\U0001f000-\U0001ffff]'::text) THEN lower((t COLLATE "C")) ELSE replace(replace(replace(replace(translate(lower((t COLLATE "C")), 'ØøŁłĐđÐðĦħıŊŋŦŧĸÞÆŒẞΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЄІЇҐЂЈЉЊЋЏ'::text, 'oollddddhhinnttkþæœßαβγδεζηθικλμνξοπρστυφχψωσабвгдежзийклмнопрстуфхцчшщъыьэюяєіїґђјљњћџ'::text), 'ß'::text, 'ss'::text), 'æ'::text, 'ae'::text), 'œ'::text, 'oe'::text), 'þ'::text, 'th'::text) END;

CREATE FUNCTION outgrow.fold(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(CASE WHEN (octet_length(t) = length(t)) THEN lower((t COLLATE "C")) ELSE outgrow.fold_letters(regexp_replace(NORMALIZE(t, NFKD), '[\u0300-\u036f’ʼ]+'::text, ''::text, 'g'::text)) END, '.'::text, ' '::text), '/'::text, ' '::text), '-'::text, ' '::text), '@'::text, ' '::text), '_'::text, ' '::text), '+'::text, ' '::text), ':'::text, ' '::text), '&'::text, ' '::text), '<'::text, ' '::text), ''''::text, ''::text);

CREATE FUNCTION outgrow.number_of(v jsonb) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((jsonb_typeof(v) = 'number'::text) AND (length((v #>> '{}'::text[])) <= 60)) THEN ((v #>> '{}'::text[]))::numeric ELSE NULL::numeric END;

CREATE FUNCTION outgrow.search_name(name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN "left"(btrim(regexp_replace(outgrow.fold("left"(COALESCE(name, ''::text), 200)), '[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u02b0-\u02ff\u2000-\u2bff\u3000-\u3004\u3008-\u3020]+'::text, ' '::text, 'g'::text)), 100);

CREATE FUNCTION outgrow.search_text(school text, name text, about text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((((COALESCE(('ð'::text || to_hex(hashtextextended(school, (0)::bigint))), ''::text) || replace((' '::text || outgrow.search_name(name)), ' '::text, ' þ'::text)) || replace((' '::text || reverse(outgrow.search_name(name))), ' '::text, ' ø'::text)) || ' '::text) || "left"(outgrow.fold("left"(COALESCE(about, ''::text), 2000)), 2000));

CREATE FUNCTION outgrow.sort_time_of(v jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((octet_length((v)::text) <= 29) AND (((v)::text ~~ '"2___-__-__T__:__:__.%Z"'::text) OR ((v)::text ~~ '"1___-__-__T__:__:__.%Z"'::text))) THEN (v)::text ELSE ''::text END;

CREATE FUNCTION outgrow.trait_words(place text, groups text[], lists jsonb[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT COALESCE(string_agg((chr((96 + (g.n)::integer)) || to_hex(hashtextextended(((((((trait_words.place || chr(31)) || g.name) || chr(31)) || l.n) || chr(31)) || (e.v #>> '{}'::text[])), (0)::bigint))), ' '::text ORDER BY g.n, l.n, e.n), ''::text) AS "coalesce" FROM ((unnest(trait_words.groups) WITH ORDINALITY g(name, n) CROSS JOIN unnest(trait_words.lists) WITH ORDINALITY l(list, n)) CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN ((jsonb_typeof(l.list) = 'array'::text) AND (pg_column_size(l.list) <= 32768)) THEN l.list ELSE '[]'::jsonb END) WITH ORDINALITY e(v, n)) WHERE ((trait_words.place IS NOT NULL) AND (g.name IS NOT NULL) AND (jsonb_typeof(e.v) = 'string'::text) AND (e.n <= 24)));

CREATE FUNCTION campus_tables.school_members_rows(store_key text, store_value jsonb) RETURNS TABLE(school text, user_id text, major text, year text, created_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.school,
     r.id AS user_id,
     r.major,
     r.year,
     r.created_at
    FROM ( SELECT d.id,
             d.email,
             d.name,
             d.school,
             d.major,
             d.year,
             d.interests,
             d.looking_for,
             d.blocked,
             d.created_at,
             d.rest,
             lower(d.email) AS email_key,
             lower("left"(COALESCE(d.name, ''::text), 64)) AS sort_name,
             (outgrow.sort_time_of((school_members_rows.store_value -> 'createdAt'::text)) COLLATE "C") AS sort_created,
             ((school_members_rows.store_value #> '{settings,profileVisible}'::text[]) IS DISTINCT FROM 'false'::jsonb) AS visible,
             outgrow.search_name(d.name) AS search_name,
             outgrow.search_text(d.school, d.name, ((((((((COALESCE("left"(d.major, 1000), ''::text) || ' '::text) || COALESCE("left"(d.year, 1000), ''::text)) || ' '::text) || COALESCE("left"((d.interests)::text, 1000), ''::text)) || ' '::text) || COALESCE("left"((d.looking_for)::text, 1000), ''::text)) || ' '::text) || COALESCE("left"(outgrow.text_of((school_members_rows.store_value -> 'bio'::text)), 1000), ''::text))) AS search_text,
             ( SELECT jsonb_build_array(
                         CASE
                             WHEN (pg_column_size(c.interests) <= 32768) THEN c.interests
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c."lookingFor") <= 32768) THEN c."lookingFor"
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c."goals.academic") <= 32768) THEN c."goals.academic"
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c."goals.leisure") <= 32768) THEN c."goals.leisure"
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c.personality) <= 32768) THEN c.personality
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c.major) <= 32768) THEN c.major
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c.year) <= 32768) THEN c.year
                             ELSE NULL::jsonb
                         END) AS jsonb_build_array
                    FROM ( SELECT (whole.v -> 'interests'::text) AS interests,
                             (whole.v -> 'lookingFor'::text) AS "lookingFor",
                             ((whole.v -> 'goals'::text) -> 'academic'::text) AS "goals.academic",
                             ((whole.v -> 'goals'::text) -> 'leisure'::text) AS "goals.leisure",
                             (whole.v -> 'personality'::text) AS personality,
                             (whole.v -> 'major'::text) AS major,
                             (whole.v -> 'year'::text) AS year
                            FROM ( SELECT (school_members_rows.store_value || '{}'::jsonb) AS v
                                  OFFSET 0) whole
                          OFFSET 0) c) AS likes,
             outgrow.trait_words(d.school, ARRAY[d.major, d.year], ARRAY[d.looking_for, d.interests]) AS traits,
             ( SELECT format('{"id":%s,"name":%s,"school":%s,"major":%s,"year":%s,"age":%s,"pronouns":%s,"bio":%s,"interests":%s,"looking_for":%s,"personality":%s,"goals":%s,"living_habits":%s,"photos":%s,"profile_picture":%s,"additional_info":%s,"created_at":%s}'::text, to_json(d.id),
                         CASE
                             WHEN ((jsonb_typeof(c.name) = 'string'::text) AND (pg_column_size(c.name) <= 200)) THEN c.name
                             ELSE COALESCE(to_jsonb(outgrow.label_of(c.name)), 'null'::jsonb)
                         END,
                         CASE
                             WHEN (((jsonb_typeof(c.school) = 'string'::text) AND (pg_column_size(c.school) <= 200)) OR (outgrow.key_of(c.school) IS NOT NULL)) THEN c.school
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN (((jsonb_typeof(c.major) = 'string'::text) AND (pg_column_size(c.major) <= 200)) OR (outgrow.key_of(c.major) IS NOT NULL)) THEN c.major
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN (((jsonb_typeof(c.year) = 'string'::text) AND (pg_column_size(c.year) <= 40)) OR (outgrow.short_of(c.year) IS NOT NULL)) THEN c.year
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN (outgrow.number_of(c.age) IS NOT NULL) THEN c.age
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.pronouns) = 'string'::text) AND (pg_column_size(c.pronouns) <= 32768)) THEN c.pronouns
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.bio) = 'string'::text) AND (pg_column_size(c.bio) <= 32768)) THEN c.bio
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.interests) = 'array'::text) AND (pg_column_size(c.interests) <= 32768)) THEN c.interests
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."lookingFor") = 'array'::text) AND (pg_column_size(c."lookingFor") <= 32768)) THEN c."lookingFor"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.personality) = 'array'::text) AND (pg_column_size(c.personality) <= 32768)) THEN c.personality
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.goals) = 'object'::text) AND (pg_column_size(c.goals) <= 32768)) THEN c.goals
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."livingHabits") = 'object'::text) AND (pg_column_size(c."livingHabits") <= 32768)) THEN c."livingHabits"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.photos) = 'array'::text) AND (pg_column_size(c.photos) <= 32768)) THEN c.photos
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."profilePicture") = 'string'::text) AND (pg_column_size(c."profilePicture") <= 32768)) THEN c."profilePicture"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."additionalInfo") = 'string'::text) AND (pg_column_size(c."additionalInfo") <= 32768)) THEN c."additionalInfo"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN (((c."createdAt")::text ~~ '"____-__-__T__:__:__.___Z"'::text) OR ((c."createdAt")::text ~~ '"____-__-__T__:__:__.______Z"'::text)) THEN c."createdAt"
                             ELSE 'null'::jsonb
                         END) AS format
                    FROM ( SELECT (whole.v -> 'name'::text) AS name,
                             (whole.v -> 'school'::text) AS school,
                             (whole.v -> 'major'::text) AS major,
                             (whole.v -> 'year'::text) AS year,
                             (whole.v -> 'age'::text) AS age,
                             (whole.v -> 'pronouns'::text) AS pronouns,
                             (whole.v -> 'bio'::text) AS bio,
                             (whole.v -> 'interests'::text) AS interests,
                             (whole.v -> 'lookingFor'::text) AS "lookingFor",
                             (whole.v -> 'personality'::text) AS personality,
                             (whole.v -> 'goals'::text) AS goals,
                             (whole.v -> 'livingHabits'::text) AS "livingHabits",
                             (whole.v -> 'photos'::text) AS photos,
                             (whole.v -> 'profilePicture'::text) AS "profilePicture",
                             (whole.v -> 'additionalInfo'::text) AS "additionalInfo",
                             (whole.v -> 'createdAt'::text) AS "createdAt"
                            FROM ( SELECT (school_members_rows.store_value || '{}'::jsonb) AS v
                                  OFFSET 0) whole
                          OFFSET 0) c) AS card
            FROM campus_tables.school_members_decode(school_members_rows.store_key, school_members_rows.store_value) d(id, email, name, school, major, year, interests, looking_for, blocked, created_at, rest)) r
   WHERE (r.school IS NOT NULL);
END;

CREATE FUNCTION campus_tables.store_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    is_new boolean := TG_OP = 'INSERT';
    is_whole boolean;
    copied bigint;
BEGIN
    IF TG_OP <> 'INSERT' AND current_setting('transaction_isolation') <> 'read committed' THEN
        IF OLD.key ~ '^user:([^:]+)$' AND length(OLD.key) <= 205 THEN
        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),
filled AS (
    INSERT INTO "campus_tables"."users" ("id", "email", "name", "school", "major", "year", "interests", "looking_for", "blocked", "created_at", "rest", "email_key", "sort_name", "sort_created", "visible", "search_name", "search_text", "likes", "traits", "card")
    SELECT r."id", r."email", r."name", r."school", r."major", r."year", r."interests", r."looking_for", r."blocked", r."created_at", r."rest", r."email_key", r."sort_name", r."sort_created", r."visible", r."search_name", r."search_text", r."likes", r."traits", r."card" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."users_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),
filled AS (
    INSERT INTO "campus_tables"."school_members" ("school", "user_id", "major", "year", "created_at")
    SELECT r."school", r."user_id", r."major", r."year", r."created_at" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."school_members_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),
filled AS (
    INSERT INTO "campus_tables"."user_search" ("school", "user_id", "visible", "blocked", "search_name", "search_text")
    SELECT r."school", r."user_id", r."visible", r."blocked", r."search_name", r."search_text" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."user_search_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        ELSIF OLD.key ~ '^user:([^:]+):connections$' AND length(OLD.key) <= 217 THEN
        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),
missing AS MATERIALIZED (
    SELECT k.key, k.value FROM taken k
    WHERE (SELECT true FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(k.key, 6, length(k.key) - 17)) IS NULL
),
headed AS (
    INSERT INTO "campus_tables"."connections_lists" AS h ("user_id", leftovers)
    SELECT substr(k.key, 6, length(k.key) - 17), CASE WHEN CASE WHEN jsonb_typeof(k.value) = 'array' THEN (SELECT count(DISTINCT outgrow.key_of(e.v)) = jsonb_array_length(k.value) FROM jsonb_array_elements(k.value) AS e(v)) ELSE false END THEN NULL ELSE k.value END FROM missing k
    ON CONFLICT DO NOTHING
    RETURNING 'user:' || h."user_id" || ':connections' AS key
),
filled AS (
    INSERT INTO "campus_tables"."connections" ("user_id", "connected_user_id", "pos", "created_at")
    SELECT r."user_id", r."connected_user_id", r."pos", r."created_at" FROM missing k
    CROSS JOIN LATERAL "campus_tables"."connections_rows"(k.key, k.value) r
    WHERE (k.key IN (SELECT key FROM headed)) IS TRUE
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        ELSIF OLD.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(OLD.key) <= 210 OR OLD.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$') THEN
        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),
filled AS (
    INSERT INTO "campus_tables"."intros" ("from_id", "to_id", "sent_ms", "reason", "status", "created_at", "accepted_at", "denied_at", "rest")
    SELECT r."from_id", r."to_id", r."sent_ms", r."reason", r."status", r."created_at", r."accepted_at", r."denied_at", r."rest" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."intros_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        ELSIF OLD.key ~ '^chat:(.+)$' AND length(OLD.key) <= 205 AND NOT (OLD.key ~ '^chat:(.+):messages$' AND length(OLD.key) <= 214) AND NOT (OLD.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(OLD.key) <= 214 OR OLD.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$')) THEN
        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),
filled AS (
    INSERT INTO "campus_tables"."chats" ("id", "participants", "created_at", "rest")
    SELECT r."id", r."participants", r."created_at", r."rest" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."chats_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),
filled AS (
    INSERT INTO "campus_tables"."participants" ("chat_id", "user_id", "pos")
    SELECT r."chat_id", r."user_id", r."pos" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."participants_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        ELSIF OLD.key ~ '^chat:(.+):messages$' AND length(OLD.key) <= 214 THEN
        WITH taken AS (SELECT OLD.key AS key, OLD.value AS value),
missing AS MATERIALIZED (
    SELECT k.key, k.value FROM taken k
    WHERE (SELECT true FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(k.key, 6, length(k.key) - 14)) IS NULL
),
headed AS (
    INSERT INTO "campus_tables"."messages_lists" AS h ("chat_id", leftovers)
    SELECT substr(k.key, 6, length(k.key) - 14), CASE WHEN CASE WHEN jsonb_typeof(k.value) = 'array' THEN NOT EXISTS (SELECT FROM jsonb_array_elements(k.value) AS e(v) WHERE jsonb_typeof(e.v) <> 'object') ELSE false END THEN NULL ELSE k.value END FROM missing k
    ON CONFLICT DO NOTHING
    RETURNING 'chat:' || h."chat_id" || ':messages' AS key
),
filled AS (
    INSERT INTO "campus_tables"."messages" ("chat_id", "pos", "id", "sender_id", "content", "kind", "sent_at", "rest")
    SELECT r."chat_id", r."pos", r."id", r."sender_id", r."content", r."kind", r."sent_at", r."rest" FROM missing k
    CROSS JOIN LATERAL "campus_tables"."messages_rows"(k.key, k.value) r
    WHERE (k.key IN (SELECT key FROM headed)) IS TRUE
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        is_new := NEW.key <> OLD.key;
    END IF;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND is_new) THEN
        IF OLD.key ~ '^user:([^:]+)$' AND length(OLD.key) <= 205 THEN
        DELETE FROM "campus_tables"."users" t WHERE t."id" = substr(OLD.key, 6);
        DELETE FROM "campus_tables"."school_members" t WHERE t."user_id" = substr(OLD.key, 6);
        DELETE FROM "campus_tables"."user_search" t WHERE t."user_id" = substr(OLD.key, 6);
        ELSIF OLD.key ~ '^user:([^:]+):connections$' AND length(OLD.key) <= 217 THEN
        DELETE FROM "campus_tables"."connections" t WHERE t."user_id" = substr(OLD.key, 6, length(OLD.key) - 17);
        DELETE FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(OLD.key, 6, length(OLD.key) - 17);
        ELSIF OLD.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(OLD.key) <= 210 OR OLD.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$') THEN
        DELETE FROM "campus_tables"."intros" t WHERE t."from_id" = split_part(OLD.key, ':', 2) AND t."to_id" = split_part(OLD.key, ':', 3) AND t."sent_ms" = split_part(OLD.key, ':', 4);
        ELSIF OLD.key ~ '^chat:(.+)$' AND length(OLD.key) <= 205 AND NOT (OLD.key ~ '^chat:(.+):messages$' AND length(OLD.key) <= 214) AND NOT (OLD.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(OLD.key) <= 214 OR OLD.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$')) THEN
        DELETE FROM "campus_tables"."chats" t WHERE t."id" = substr(OLD.key, 6);
        DELETE FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(OLD.key, 6);
        ELSIF OLD.key ~ '^chat:(.+):messages$' AND length(OLD.key) <= 214 THEN
        DELETE FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(OLD.key, 6, length(OLD.key) - 14);
        DELETE FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(OLD.key, 6, length(OLD.key) - 14);
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    SELECT s.value INTO NEW.value FROM "public"."kv_store_2516be19" s WHERE s.key = NEW.key;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF NEW.key ~ '^user:([^:]+)$' AND length(NEW.key) <= 205 THEN
        IF NOT is_new AND NEW.value::text IS NOT DISTINCT FROM OLD.value::text THEN
            RETURN NULL;
        END IF;
        IF NOT EXISTS (SELECT FROM "campus_tables"."users_rows"(NEW.key, NEW.value)) THEN
            DELETE FROM "campus_tables"."users" t WHERE t."id" = substr(NEW.key, 6);
        END IF;
        INSERT INTO "campus_tables"."users" AS t ("id", "email", "name", "school", "major", "year", "interests", "looking_for", "blocked", "created_at", "rest", "email_key", "sort_name", "sort_created", "visible", "search_name", "search_text", "likes", "traits", "card")
        SELECT r."id", r."email", r."name", r."school", r."major", r."year", r."interests", r."looking_for", r."blocked", r."created_at", r."rest", r."email_key", r."sort_name", r."sort_created", r."visible", r."search_name", r."search_text", r."likes", r."traits", r."card" FROM "campus_tables"."users_rows"(NEW.key, NEW.value) r
        ON CONFLICT ("id") DO UPDATE SET "email" = excluded."email", "name" = excluded."name", "school" = excluded."school", "major" = excluded."major", "year" = excluded."year", "interests" = excluded."interests", "looking_for" = excluded."looking_for", "blocked" = excluded."blocked", "created_at" = excluded."created_at", "rest" = excluded."rest", "email_key" = excluded."email_key", "sort_name" = excluded."sort_name", "sort_created" = excluded."sort_created", "visible" = excluded."visible", "search_name" = excluded."search_name", "search_text" = excluded."search_text", "likes" = excluded."likes", "traits" = excluded."traits", "card" = excluded."card";
        IF NOT EXISTS (SELECT FROM "campus_tables"."school_members_rows"(NEW.key, NEW.value)) THEN
            DELETE FROM "campus_tables"."school_members" t WHERE t."user_id" = substr(NEW.key, 6);
        END IF;
        INSERT INTO "campus_tables"."school_members" AS t ("school", "user_id", "major", "year", "created_at")
        SELECT r."school", r."user_id", r."major", r."year", r."created_at" FROM "campus_tables"."school_members_rows"(NEW.key, NEW.value) r
        ON CONFLICT ("user_id") DO UPDATE SET "school" = excluded."school", "major" = excluded."major", "year" = excluded."year", "created_at" = excluded."created_at"
            WHERE ROW(t."school", t."major", t."year", t."created_at") IS DISTINCT FROM ROW(excluded."school", excluded."major", excluded."year", excluded."created_at");
        IF NOT EXISTS (SELECT FROM "campus_tables"."user_search_rows"(NEW.key, NEW.value)) THEN
            DELETE FROM "campus_tables"."user_search" t WHERE t."user_id" = substr(NEW.key, 6);
        END IF;
        INSERT INTO "campus_tables"."user_search" AS t ("school", "user_id", "visible", "blocked", "search_name", "search_text")
        SELECT r."school", r."user_id", r."visible", r."blocked", r."search_name", r."search_text" FROM "campus_tables"."user_search_rows"(NEW.key, NEW.value) r
        ON CONFLICT ("user_id") DO UPDATE SET "school" = excluded."school", "visible" = excluded."visible", "blocked" = excluded."blocked", "search_name" = excluded."search_name", "search_text" = excluded."search_text";
    ELSIF NEW.key ~ '^user:([^:]+):connections$' AND length(NEW.key) <= 217 THEN
        is_whole := (SELECT t.leftovers IS NULL FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(NEW.key, 6, length(NEW.key) - 17));
        is_new := is_new OR is_whole IS NULL;
        IF (CASE
            WHEN is_new OR NOT is_whole OR jsonb_typeof(OLD.value) <> 'array'
                OR jsonb_typeof(NEW.value) <> 'array' THEN false
            WHEN jsonb_array_length(NEW.value) <> jsonb_array_length(OLD.value) + 1 THEN false
            WHEN (outgrow.key_of(NEW.value -> -1) IS NOT NULL AND NOT OLD.value ? (NEW.value ->> -1)) IS NOT TRUE THEN false
            ELSE ROW(NEW.value - (-1))::record *= ROW(OLD.value)::record END) THEN
        INSERT INTO "campus_tables"."connections" AS t ("user_id", "connected_user_id", "pos", "created_at")
        SELECT r."user_id", r."connected_user_id", jsonb_array_length(NEW.value), r."created_at" FROM "campus_tables"."connections_rows"(NEW.key, jsonb_build_array(NEW.value -> -1)) r
        ON CONFLICT ("user_id", "connected_user_id") DO UPDATE SET "pos" = excluded."pos", "created_at" = excluded."created_at";
        ELSE
        INSERT INTO "campus_tables"."connections_lists" AS t ("user_id", leftovers)
        VALUES (substr(NEW.key, 6, length(NEW.key) - 17), CASE WHEN CASE WHEN jsonb_typeof(NEW.value) = 'array' THEN (SELECT count(DISTINCT outgrow.key_of(e.v)) = jsonb_array_length(NEW.value) FROM jsonb_array_elements(NEW.value) AS e(v)) ELSE false END THEN NULL ELSE NEW.value END)
        ON CONFLICT ("user_id") DO UPDATE SET leftovers = excluded.leftovers
            WHERE t.leftovers IS NOT NULL OR excluded.leftovers IS NOT NULL;
        DELETE FROM "campus_tables"."connections" t
        USING (
            SELECT r."connected_user_id" FROM "campus_tables"."connections_rows"(OLD.key, OLD.value) r WHERE NOT is_new
            EXCEPT SELECT r."connected_user_id" FROM "campus_tables"."connections_rows"(NEW.key, NEW.value) r) gone
        WHERE t."user_id" = substr(NEW.key, 6, length(NEW.key) - 17) AND t."connected_user_id" = gone."connected_user_id";
        INSERT INTO "campus_tables"."connections" AS t ("user_id", "connected_user_id", "pos", "created_at")
        SELECT r."user_id", r."connected_user_id", r."pos", r."created_at" FROM "campus_tables"."connections_rows"(NEW.key, NEW.value) r
        WHERE is_new OR NOT EXISTS (
            SELECT FROM "campus_tables"."connections_rows"(OLD.key, OLD.value) o WHERE o."connected_user_id" = r."connected_user_id" AND o."pos" = r."pos")
        ON CONFLICT ("user_id", "connected_user_id") DO UPDATE SET "pos" = excluded."pos", "created_at" = excluded."created_at";
        END IF;
    ELSIF NEW.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(NEW.key) <= 210 OR NEW.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$') THEN
        IF NOT is_new AND NEW.value::text IS NOT DISTINCT FROM OLD.value::text THEN
            RETURN NULL;
        END IF;
        IF NOT EXISTS (SELECT FROM "campus_tables"."intros_rows"(NEW.key, NEW.value)) THEN
            DELETE FROM "campus_tables"."intros" t WHERE t."from_id" = split_part(NEW.key, ':', 2) AND t."to_id" = split_part(NEW.key, ':', 3) AND t."sent_ms" = split_part(NEW.key, ':', 4);
        END IF;
        INSERT INTO "campus_tables"."intros" AS t ("from_id", "to_id", "sent_ms", "reason", "status", "created_at", "accepted_at", "denied_at", "rest")
        SELECT r."from_id", r."to_id", r."sent_ms", r."reason", r."status", r."created_at", r."accepted_at", r."denied_at", r."rest" FROM "campus_tables"."intros_rows"(NEW.key, NEW.value) r
        ON CONFLICT ("from_id", "to_id", "sent_ms") DO UPDATE SET "reason" = excluded."reason", "status" = excluded."status", "created_at" = excluded."created_at", "accepted_at" = excluded."accepted_at", "denied_at" = excluded."denied_at", "rest" = excluded."rest";
    ELSIF NEW.key ~ '^chat:(.+)$' AND length(NEW.key) <= 205 AND NOT (NEW.key ~ '^chat:(.+):messages$' AND length(NEW.key) <= 214) AND NOT (NEW.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(NEW.key) <= 214 OR NEW.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$')) THEN
        IF NOT is_new AND NEW.value::text IS NOT DISTINCT FROM OLD.value::text THEN
            RETURN NULL;
        END IF;
        IF NOT EXISTS (SELECT FROM "campus_tables"."chats_rows"(NEW.key, NEW.value)) THEN
            DELETE FROM "campus_tables"."chats" t WHERE t."id" = substr(NEW.key, 6);
        END IF;
        INSERT INTO "campus_tables"."chats" AS t ("id", "participants", "created_at", "rest")
        SELECT r."id", r."participants", r."created_at", r."rest" FROM "campus_tables"."chats_rows"(NEW.key, NEW.value) r
        ON CONFLICT ("id") DO UPDATE SET "participants" = excluded."participants", "created_at" = excluded."created_at", "rest" = excluded."rest";
        DELETE FROM "campus_tables"."participants" t
        WHERE t."chat_id" = substr(NEW.key, 6) AND NOT EXISTS (
            SELECT FROM "campus_tables"."participants_rows"(NEW.key, NEW.value) r WHERE r."user_id" = t."user_id");
        INSERT INTO "campus_tables"."participants" AS t ("chat_id", "user_id", "pos")
        SELECT r."chat_id", r."user_id", r."pos" FROM "campus_tables"."participants_rows"(NEW.key, NEW.value) r
        ON CONFLICT ("chat_id", "user_id") DO UPDATE SET "pos" = excluded."pos"
            WHERE ROW(t."pos") IS DISTINCT FROM ROW(excluded."pos");
    ELSIF NEW.key ~ '^chat:(.+):messages$' AND length(NEW.key) <= 214 THEN
        is_whole := (SELECT t.leftovers IS NULL FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(NEW.key, 6, length(NEW.key) - 14));
        is_new := is_new OR is_whole IS NULL;
        IF (CASE
            WHEN is_new OR NOT is_whole OR jsonb_typeof(OLD.value) <> 'array'
                OR jsonb_typeof(NEW.value) <> 'array' THEN false
            WHEN jsonb_array_length(NEW.value) <> jsonb_array_length(OLD.value) + 1 THEN false
            WHEN (jsonb_typeof(NEW.value -> -1) = 'object') IS NOT TRUE THEN false
            ELSE ROW(NEW.value - (-1))::record *= ROW(OLD.value)::record END) THEN
        INSERT INTO "campus_tables"."messages" AS t ("chat_id", "pos", "id", "sender_id", "content", "kind", "sent_at", "rest")
        SELECT r."chat_id", jsonb_array_length(NEW.value), r."id", r."sender_id", r."content", r."kind", r."sent_at", r."rest" FROM "campus_tables"."messages_rows"(NEW.key, jsonb_build_array(NEW.value -> -1)) r
        ON CONFLICT ("chat_id", "pos") DO UPDATE SET "id" = excluded."id", "sender_id" = excluded."sender_id", "content" = excluded."content", "kind" = excluded."kind", "sent_at" = excluded."sent_at", "rest" = excluded."rest";
        ELSE
        INSERT INTO "campus_tables"."messages_lists" AS t ("chat_id", leftovers)
        VALUES (substr(NEW.key, 6, length(NEW.key) - 14), CASE WHEN CASE WHEN jsonb_typeof(NEW.value) = 'array' THEN NOT EXISTS (SELECT FROM jsonb_array_elements(NEW.value) AS e(v) WHERE jsonb_typeof(e.v) <> 'object') ELSE false END THEN NULL ELSE NEW.value END)
        ON CONFLICT ("chat_id") DO UPDATE SET leftovers = excluded.leftovers
            WHERE t.leftovers IS NOT NULL OR excluded.leftovers IS NOT NULL;
        DELETE FROM "campus_tables"."messages" t
        WHERE t."chat_id" = substr(NEW.key, 6, length(NEW.key) - 14) AND NOT EXISTS (
            SELECT FROM jsonb_array_elements(CASE WHEN jsonb_typeof(NEW.value) = 'array' THEN NEW.value ELSE '[]' END) WITH ORDINALITY AS n(v, pos) WHERE n.pos = t."pos" AND jsonb_typeof(n.v) = 'object');
        INSERT INTO "campus_tables"."messages" AS t ("chat_id", "pos", "id", "sender_id", "content", "kind", "sent_at", "rest")
        SELECT r."chat_id", n.pos, r."id", r."sender_id", r."content", r."kind", r."sent_at", r."rest" FROM jsonb_array_elements(CASE WHEN jsonb_typeof(NEW.value) = 'array' THEN NEW.value ELSE '[]' END) WITH ORDINALITY AS n(v, pos)
        LEFT JOIN jsonb_array_elements(CASE WHEN is_new THEN '[]' ELSE CASE WHEN jsonb_typeof(OLD.value) = 'array' THEN OLD.value ELSE '[]' END END) WITH ORDINALITY AS o(v, pos) ON o.pos = n.pos
        CROSS JOIN LATERAL "campus_tables"."messages_rows"(NEW.key, jsonb_build_array(n.v)) r
        WHERE o.v::text IS DISTINCT FROM n.v::text
        ON CONFLICT ("chat_id", "pos") DO UPDATE SET "id" = excluded."id", "sender_id" = excluded."sender_id", "content" = excluded."content", "kind" = excluded."kind", "sent_at" = excluded."sent_at", "rest" = excluded."rest";
        END IF;
    END IF;
    RETURN NULL;
END
$_$;

CREATE FUNCTION campus_tables.store_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    BEGIN
        LOCK TABLE "campus_tables"."users", "campus_tables"."connections", "campus_tables"."intros", "campus_tables"."chats", "campus_tables"."messages", "campus_tables"."school_members", "campus_tables"."user_search", "campus_tables"."participants", "campus_tables"."connections_lists", "campus_tables"."messages_lists" IN ACCESS EXCLUSIVE MODE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
        IF current_setting('transaction_isolation') = 'read committed' THEN
            DELETE FROM "campus_tables"."users";
            DELETE FROM "campus_tables"."connections";
            DELETE FROM "campus_tables"."intros";
            DELETE FROM "campus_tables"."chats";
            DELETE FROM "campus_tables"."messages";
            DELETE FROM "campus_tables"."school_members";
            DELETE FROM "campus_tables"."user_search";
            DELETE FROM "campus_tables"."participants";
            DELETE FROM "campus_tables"."connections_lists";
            DELETE FROM "campus_tables"."messages_lists";
            RETURN NULL;
        END IF;
    END;
    TRUNCATE "campus_tables"."users", "campus_tables"."connections", "campus_tables"."intros", "campus_tables"."chats", "campus_tables"."messages", "campus_tables"."school_members", "campus_tables"."user_search", "campus_tables"."participants", "campus_tables"."connections_lists", "campus_tables"."messages_lists";
    RETURN NULL;
END
$$;

CREATE FUNCTION campus_tables.user_search_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, email text, name text, school text, major text, year text, interests jsonb, looking_for jsonb, blocked jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(store_key, 6) AS substr,
     outgrow.key_of((store_value -> 'email'::text)) AS key_of,
     outgrow.label_of((store_value -> 'name'::text)) AS label_of,
     outgrow.key_of((store_value -> 'school'::text)) AS key_of,
     outgrow.key_of((store_value -> 'major'::text)) AS key_of,
     outgrow.short_of((store_value -> 'year'::text)) AS short_of,
     outgrow.array_of((store_value -> 'interests'::text)) AS array_of,
     outgrow.array_of((store_value -> 'lookingFor'::text)) AS array_of,
     outgrow.array_of((store_value -> 'blockedUsers'::text)) AS array_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'email'::text))) = (store_value -> 'email'::text)) THEN 'email'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.label_of((store_value -> 'name'::text))) = (store_value -> 'name'::text)) THEN 'name'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'school'::text))) = (store_value -> 'school'::text)) THEN 'school'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'major'::text))) = (store_value -> 'major'::text)) THEN 'major'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.short_of((store_value -> 'year'::text))) = (store_value -> 'year'::text)) THEN 'year'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'interests'::text)) = (store_value -> 'interests'::text)) THEN 'interests'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'lookingFor'::text)) = (store_value -> 'lookingFor'::text)) THEN 'lookingFor'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'blockedUsers'::text)) = (store_value -> 'blockedUsers'::text)) THEN 'blockedUsers'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION campus_tables.user_search_rows(store_key text, store_value jsonb) RETURNS TABLE(school text, user_id text, visible boolean, blocked jsonb, search_name text, search_text text)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.school,
     r.id AS user_id,
     r.visible,
     r.blocked,
     r.search_name,
     r.search_text
    FROM ( SELECT d.id,
             d.email,
             d.name,
             d.school,
             d.major,
             d.year,
             d.interests,
             d.looking_for,
             d.blocked,
             d.created_at,
             d.rest,
             lower(d.email) AS email_key,
             lower("left"(COALESCE(d.name, ''::text), 64)) AS sort_name,
             (outgrow.sort_time_of((user_search_rows.store_value -> 'createdAt'::text)) COLLATE "C") AS sort_created,
             ((user_search_rows.store_value #> '{settings,profileVisible}'::text[]) IS DISTINCT FROM 'false'::jsonb) AS visible,
             outgrow.search_name(d.name) AS search_name,
             outgrow.search_text(d.school, d.name, ((((((((COALESCE("left"(d.major, 1000), ''::text) || ' '::text) || COALESCE("left"(d.year, 1000), ''::text)) || ' '::text) || COALESCE("left"((d.interests)::text, 1000), ''::text)) || ' '::text) || COALESCE("left"((d.looking_for)::text, 1000), ''::text)) || ' '::text) || COALESCE("left"(outgrow.text_of((user_search_rows.store_value -> 'bio'::text)), 1000), ''::text))) AS search_text,
             ( SELECT jsonb_build_array(
                         CASE
                             WHEN (pg_column_size(c.interests) <= 32768) THEN c.interests
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c."lookingFor") <= 32768) THEN c."lookingFor"
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c."goals.academic") <= 32768) THEN c."goals.academic"
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c."goals.leisure") <= 32768) THEN c."goals.leisure"
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c.personality) <= 32768) THEN c.personality
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c.major) <= 32768) THEN c.major
                             ELSE NULL::jsonb
                         END,
                         CASE
                             WHEN (pg_column_size(c.year) <= 32768) THEN c.year
                             ELSE NULL::jsonb
                         END) AS jsonb_build_array
                    FROM ( SELECT (whole.v -> 'interests'::text) AS interests,
                             (whole.v -> 'lookingFor'::text) AS "lookingFor",
                             ((whole.v -> 'goals'::text) -> 'academic'::text) AS "goals.academic",
                             ((whole.v -> 'goals'::text) -> 'leisure'::text) AS "goals.leisure",
                             (whole.v -> 'personality'::text) AS personality,
                             (whole.v -> 'major'::text) AS major,
                             (whole.v -> 'year'::text) AS year
                            FROM ( SELECT (user_search_rows.store_value || '{}'::jsonb) AS v
                                  OFFSET 0) whole
                          OFFSET 0) c) AS likes,
             outgrow.trait_words(d.school, ARRAY[d.major, d.year], ARRAY[d.looking_for, d.interests]) AS traits,
             ( SELECT format('{"id":%s,"name":%s,"school":%s,"major":%s,"year":%s,"age":%s,"pronouns":%s,"bio":%s,"interests":%s,"looking_for":%s,"personality":%s,"goals":%s,"living_habits":%s,"photos":%s,"profile_picture":%s,"additional_info":%s,"created_at":%s}'::text, to_json(d.id),
                         CASE
                             WHEN ((jsonb_typeof(c.name) = 'string'::text) AND (pg_column_size(c.name) <= 200)) THEN c.name
                             ELSE COALESCE(to_jsonb(outgrow.label_of(c.name)), 'null'::jsonb)
                         END,
                         CASE
                             WHEN (((jsonb_typeof(c.school) = 'string'::text) AND (pg_column_size(c.school) <= 200)) OR (outgrow.key_of(c.school) IS NOT NULL)) THEN c.school
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN (((jsonb_typeof(c.major) = 'string'::text) AND (pg_column_size(c.major) <= 200)) OR (outgrow.key_of(c.major) IS NOT NULL)) THEN c.major
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN (((jsonb_typeof(c.year) = 'string'::text) AND (pg_column_size(c.year) <= 40)) OR (outgrow.short_of(c.year) IS NOT NULL)) THEN c.year
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN (outgrow.number_of(c.age) IS NOT NULL) THEN c.age
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.pronouns) = 'string'::text) AND (pg_column_size(c.pronouns) <= 32768)) THEN c.pronouns
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.bio) = 'string'::text) AND (pg_column_size(c.bio) <= 32768)) THEN c.bio
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.interests) = 'array'::text) AND (pg_column_size(c.interests) <= 32768)) THEN c.interests
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."lookingFor") = 'array'::text) AND (pg_column_size(c."lookingFor") <= 32768)) THEN c."lookingFor"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.personality) = 'array'::text) AND (pg_column_size(c.personality) <= 32768)) THEN c.personality
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.goals) = 'object'::text) AND (pg_column_size(c.goals) <= 32768)) THEN c.goals
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."livingHabits") = 'object'::text) AND (pg_column_size(c."livingHabits") <= 32768)) THEN c."livingHabits"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.photos) = 'array'::text) AND (pg_column_size(c.photos) <= 32768)) THEN c.photos
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."profilePicture") = 'string'::text) AND (pg_column_size(c."profilePicture") <= 32768)) THEN c."profilePicture"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."additionalInfo") = 'string'::text) AND (pg_column_size(c."additionalInfo") <= 32768)) THEN c."additionalInfo"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN (((c."createdAt")::text ~~ '"____-__-__T__:__:__.___Z"'::text) OR ((c."createdAt")::text ~~ '"____-__-__T__:__:__.______Z"'::text)) THEN c."createdAt"
                             ELSE 'null'::jsonb
                         END) AS format
                    FROM ( SELECT (whole.v -> 'name'::text) AS name,
                             (whole.v -> 'school'::text) AS school,
                             (whole.v -> 'major'::text) AS major,
                             (whole.v -> 'year'::text) AS year,
                             (whole.v -> 'age'::text) AS age,
                             (whole.v -> 'pronouns'::text) AS pronouns,
                             (whole.v -> 'bio'::text) AS bio,
                             (whole.v -> 'interests'::text) AS interests,
                             (whole.v -> 'lookingFor'::text) AS "lookingFor",
                             (whole.v -> 'personality'::text) AS personality,
                             (whole.v -> 'goals'::text) AS goals,
                             (whole.v -> 'livingHabits'::text) AS "livingHabits",
                             (whole.v -> 'photos'::text) AS photos,
                             (whole.v -> 'profilePicture'::text) AS "profilePicture",
                             (whole.v -> 'additionalInfo'::text) AS "additionalInfo",
                             (whole.v -> 'createdAt'::text) AS "createdAt"
                            FROM ( SELECT (user_search_rows.store_value || '{}'::jsonb) AS v
                                  OFFSET 0) whole
                          OFFSET 0) c) AS card
            FROM campus_tables.user_search_decode(user_search_rows.store_key, user_search_rows.store_value) d(id, email, name, school, major, year, interests, looking_for, blocked, created_at, rest)) r;
END;

CREATE FUNCTION campus_tables.users_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, email text, name text, school text, major text, year text, interests jsonb, looking_for jsonb, blocked jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(store_key, 6) AS substr,
     outgrow.key_of((store_value -> 'email'::text)) AS key_of,
     outgrow.label_of((store_value -> 'name'::text)) AS label_of,
     outgrow.key_of((store_value -> 'school'::text)) AS key_of,
     outgrow.key_of((store_value -> 'major'::text)) AS key_of,
     outgrow.short_of((store_value -> 'year'::text)) AS short_of,
     outgrow.array_of((store_value -> 'interests'::text)) AS array_of,
     outgrow.array_of((store_value -> 'lookingFor'::text)) AS array_of,
     outgrow.array_of((store_value -> 'blockedUsers'::text)) AS array_of,
     outgrow.time_of((store_value -> 'createdAt'::text)) AS time_of,
         CASE
             WHEN (jsonb_typeof(store_value) = 'object'::text) THEN (store_value - array_remove(ARRAY[
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'email'::text))) = (store_value -> 'email'::text)) THEN 'email'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.label_of((store_value -> 'name'::text))) = (store_value -> 'name'::text)) THEN 'name'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'school'::text))) = (store_value -> 'school'::text)) THEN 'school'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.key_of((store_value -> 'major'::text))) = (store_value -> 'major'::text)) THEN 'major'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.short_of((store_value -> 'year'::text))) = (store_value -> 'year'::text)) THEN 'year'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'interests'::text)) = (store_value -> 'interests'::text)) THEN 'interests'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'lookingFor'::text)) = (store_value -> 'lookingFor'::text)) THEN 'lookingFor'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'blockedUsers'::text)) = (store_value -> 'blockedUsers'::text)) THEN 'blockedUsers'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.json_of_time(outgrow.time_of((store_value -> 'createdAt'::text))) = (store_value -> 'createdAt'::text)) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION campus_tables.users_rows(store_key text, store_value jsonb) RETURNS TABLE(id text, email text, name text, school text, major text, year text, interests jsonb, looking_for jsonb, blocked jsonb, created_at timestamp with time zone, rest jsonb, email_key text, sort_name text, sort_created text, visible boolean, search_name text, search_text text, likes jsonb, traits text, card text)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT d.id,
     d.email,
     d.name,
     d.school,
     d.major,
     d.year,
     d.interests,
     d.looking_for,
     d.blocked,
     d.created_at,
     d.rest,
     lower(d.email) AS email_key,
     lower("left"(COALESCE(d.name, ''::text), 64)) AS sort_name,
     (outgrow.sort_time_of((users_rows.store_value -> 'createdAt'::text)) COLLATE "C") AS sort_created,
     ((users_rows.store_value #> '{settings,profileVisible}'::text[]) IS DISTINCT FROM 'false'::jsonb) AS visible,
     outgrow.search_name(d.name) AS search_name,
     outgrow.search_text(d.school, d.name, ((((((((COALESCE("left"(d.major, 1000), ''::text) || ' '::text) || COALESCE("left"(d.year, 1000), ''::text)) || ' '::text) || COALESCE("left"((d.interests)::text, 1000), ''::text)) || ' '::text) || COALESCE("left"((d.looking_for)::text, 1000), ''::text)) || ' '::text) || COALESCE("left"(outgrow.text_of((users_rows.store_value -> 'bio'::text)), 1000), ''::text))) AS search_text,
     ( SELECT jsonb_build_array(
                 CASE
                     WHEN (pg_column_size(c.interests) <= 32768) THEN c.interests
                     ELSE NULL::jsonb
                 END,
                 CASE
                     WHEN (pg_column_size(c."lookingFor") <= 32768) THEN c."lookingFor"
                     ELSE NULL::jsonb
                 END,
                 CASE
                     WHEN (pg_column_size(c."goals.academic") <= 32768) THEN c."goals.academic"
                     ELSE NULL::jsonb
                 END,
                 CASE
                     WHEN (pg_column_size(c."goals.leisure") <= 32768) THEN c."goals.leisure"
                     ELSE NULL::jsonb
                 END,
                 CASE
                     WHEN (pg_column_size(c.personality) <= 32768) THEN c.personality
                     ELSE NULL::jsonb
                 END,
                 CASE
                     WHEN (pg_column_size(c.major) <= 32768) THEN c.major
                     ELSE NULL::jsonb
                 END,
                 CASE
                     WHEN (pg_column_size(c.year) <= 32768) THEN c.year
                     ELSE NULL::jsonb
                 END) AS jsonb_build_array
            FROM ( SELECT (whole.v -> 'interests'::text) AS interests,
                     (whole.v -> 'lookingFor'::text) AS "lookingFor",
                     ((whole.v -> 'goals'::text) -> 'academic'::text) AS "goals.academic",
                     ((whole.v -> 'goals'::text) -> 'leisure'::text) AS "goals.leisure",
                     (whole.v -> 'personality'::text) AS personality,
                     (whole.v -> 'major'::text) AS major,
                     (whole.v -> 'year'::text) AS year
                    FROM ( SELECT (users_rows.store_value || '{}'::jsonb) AS v
                          OFFSET 0) whole
                  OFFSET 0) c) AS likes,
     outgrow.trait_words(d.school, ARRAY[d.major, d.year], ARRAY[d.looking_for, d.interests]) AS traits,
     ( SELECT format('{"id":%s,"name":%s,"school":%s,"major":%s,"year":%s,"age":%s,"pronouns":%s,"bio":%s,"interests":%s,"looking_for":%s,"personality":%s,"goals":%s,"living_habits":%s,"photos":%s,"profile_picture":%s,"additional_info":%s,"created_at":%s}'::text, to_json(d.id),
                 CASE
                     WHEN ((jsonb_typeof(c.name) = 'string'::text) AND (pg_column_size(c.name) <= 200)) THEN c.name
                     ELSE COALESCE(to_jsonb(outgrow.label_of(c.name)), 'null'::jsonb)
                 END,
                 CASE
                     WHEN (((jsonb_typeof(c.school) = 'string'::text) AND (pg_column_size(c.school) <= 200)) OR (outgrow.key_of(c.school) IS NOT NULL)) THEN c.school
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN (((jsonb_typeof(c.major) = 'string'::text) AND (pg_column_size(c.major) <= 200)) OR (outgrow.key_of(c.major) IS NOT NULL)) THEN c.major
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN (((jsonb_typeof(c.year) = 'string'::text) AND (pg_column_size(c.year) <= 40)) OR (outgrow.short_of(c.year) IS NOT NULL)) THEN c.year
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN (outgrow.number_of(c.age) IS NOT NULL) THEN c.age
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c.pronouns) = 'string'::text) AND (pg_column_size(c.pronouns) <= 32768)) THEN c.pronouns
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c.bio) = 'string'::text) AND (pg_column_size(c.bio) <= 32768)) THEN c.bio
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c.interests) = 'array'::text) AND (pg_column_size(c.interests) <= 32768)) THEN c.interests
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c."lookingFor") = 'array'::text) AND (pg_column_size(c."lookingFor") <= 32768)) THEN c."lookingFor"
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c.personality) = 'array'::text) AND (pg_column_size(c.personality) <= 32768)) THEN c.personality
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c.goals) = 'object'::text) AND (pg_column_size(c.goals) <= 32768)) THEN c.goals
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c."livingHabits") = 'object'::text) AND (pg_column_size(c."livingHabits") <= 32768)) THEN c."livingHabits"
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c.photos) = 'array'::text) AND (pg_column_size(c.photos) <= 32768)) THEN c.photos
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c."profilePicture") = 'string'::text) AND (pg_column_size(c."profilePicture") <= 32768)) THEN c."profilePicture"
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN ((jsonb_typeof(c."additionalInfo") = 'string'::text) AND (pg_column_size(c."additionalInfo") <= 32768)) THEN c."additionalInfo"
                     ELSE 'null'::jsonb
                 END,
                 CASE
                     WHEN (((c."createdAt")::text ~~ '"____-__-__T__:__:__.___Z"'::text) OR ((c."createdAt")::text ~~ '"____-__-__T__:__:__.______Z"'::text)) THEN c."createdAt"
                     ELSE 'null'::jsonb
                 END) AS format
            FROM ( SELECT (whole.v -> 'name'::text) AS name,
                     (whole.v -> 'school'::text) AS school,
                     (whole.v -> 'major'::text) AS major,
                     (whole.v -> 'year'::text) AS year,
                     (whole.v -> 'age'::text) AS age,
                     (whole.v -> 'pronouns'::text) AS pronouns,
                     (whole.v -> 'bio'::text) AS bio,
                     (whole.v -> 'interests'::text) AS interests,
                     (whole.v -> 'lookingFor'::text) AS "lookingFor",
                     (whole.v -> 'personality'::text) AS personality,
                     (whole.v -> 'goals'::text) AS goals,
                     (whole.v -> 'livingHabits'::text) AS "livingHabits",
                     (whole.v -> 'photos'::text) AS photos,
                     (whole.v -> 'profilePicture'::text) AS "profilePicture",
                     (whole.v -> 'additionalInfo'::text) AS "additionalInfo",
                     (whole.v -> 'createdAt'::text) AS "createdAt"
                    FROM ( SELECT (users_rows.store_value || '{}'::jsonb) AS v
                          OFFSET 0) whole
                  OFFSET 0) c) AS card
    FROM campus_tables.users_decode(users_rows.store_key, users_rows.store_value) d(id, email, name, school, major, year, interests, looking_for, blocked, created_at, rest);
END;

CREATE FUNCTION network.message(of_chat text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN format('{"id":%s,"chat_id":%s,"pos":%s,"sender_id":%s,"content":%s,"kind":%s,"sent_at":%s}'::text, COALESCE((to_json("left"(id, 1000)))::text, 'null'::text), to_json(of_chat), pos, COALESCE((to_json(sender_id))::text, 'null'::text), COALESCE((to_json("left"(content, 32000)))::text, 'null'::text), COALESCE((to_json(kind))::text, 'null'::text), COALESCE((outgrow.json_of_time(sent_at))::text, 'null'::text));

CREATE FUNCTION network.removed(of_chat text) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT coalesce((SELECT t.removed FROM network.trimmed_chats AS t WHERE t.chat_id = of_chat), 0) $$;

CREATE FUNCTION outgrow.boolean_of(v jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (jsonb_typeof(v) = 'boolean'::text) THEN (v = 'true'::jsonb) ELSE NULL::boolean END;

CREATE FUNCTION outgrow.json_of(v jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (jsonb_typeof(v) <> 'null'::text) THEN v ELSE NULL::jsonb END;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE campus_tables.chats (
    id text NOT NULL,
    participants jsonb,
    created_at timestamp with time zone,
    rest jsonb
);

CREATE VIEW campus.chats AS
 SELECT t.id,
    t.participants,
    t.created_at,
    t.rest,
    ''::text AS at,
    '[]'::jsonb AS probe
   FROM campus_tables.chats t;

CREATE TABLE campus_tables.connections (
    user_id text NOT NULL,
    connected_user_id text NOT NULL,
    pos bigint,
    created_at timestamp with time zone
);

CREATE VIEW campus.connections AS
 SELECT t.user_id,
    t.connected_user_id,
    t.pos,
    t.created_at,
    ''::text AS at,
    '[]'::jsonb AS probe
   FROM campus_tables.connections t;

CREATE TABLE campus_tables.intros (
    from_id text NOT NULL,
    to_id text NOT NULL,
    sent_ms text NOT NULL,
    reason text,
    status text,
    created_at timestamp with time zone,
    accepted_at timestamp with time zone,
    denied_at timestamp with time zone,
    rest jsonb
);

CREATE VIEW campus.intros AS
 SELECT t.from_id,
    t.to_id,
    t.sent_ms,
    t.reason,
    t.status,
    t.created_at,
    t.accepted_at,
    t.denied_at,
    t.rest,
    ''::text AS at,
    '[]'::jsonb AS probe
   FROM campus_tables.intros t;

CREATE TABLE campus_tables.messages (
    chat_id text NOT NULL,
    pos bigint NOT NULL,
    id text,
    sender_id text,
    content text,
    kind text,
    sent_at timestamp with time zone,
    rest jsonb
);

CREATE VIEW campus.messages AS
 SELECT t.chat_id,
    t.pos,
    t.id,
    t.sender_id,
    t.content,
    t.kind,
    t.sent_at,
    t.rest,
    ''::text AS at,
    '[]'::jsonb AS probe
   FROM campus_tables.messages t;

CREATE TABLE campus_tables.participants (
    chat_id text NOT NULL,
    user_id text NOT NULL,
    pos bigint
);

CREATE VIEW campus.participants AS
 SELECT t.chat_id,
    t.user_id,
    t.pos,
    ''::text AS at,
    '[]'::jsonb AS probe
   FROM campus_tables.participants t;

CREATE TABLE campus_tables.school_members (
    school text,
    user_id text NOT NULL,
    major text,
    year text,
    created_at timestamp with time zone
);

CREATE VIEW campus.school_members AS
 SELECT t.school,
    t.user_id,
    t.major,
    t.year,
    t.created_at,
    ''::text AS at,
    '[]'::jsonb AS probe
   FROM campus_tables.school_members t;

CREATE TABLE campus_tables.user_search (
    school text,
    user_id text NOT NULL,
    visible boolean,
    blocked jsonb,
    search_name text,
    search_text text
);

CREATE VIEW campus.user_search AS
 SELECT t.school,
    t.user_id,
    t.visible,
    t.blocked,
    t.search_name,
    t.search_text,
    ''::text AS at,
    '[]'::jsonb AS probe
   FROM campus_tables.user_search t;

CREATE TABLE campus_tables.users (
    id text NOT NULL,
    email text,
    name text,
    school text,
    major text,
    year text,
    interests jsonb,
    looking_for jsonb,
    blocked jsonb,
    created_at timestamp with time zone,
    rest jsonb,
    email_key text,
    sort_name text,
    sort_created text COLLATE pg_catalog."C",
    visible boolean,
    search_name text,
    search_text text,
    likes jsonb,
    traits text,
    card text
);

CREATE VIEW campus.users AS
 SELECT t.id,
    t.email,
    t.name,
    t.school,
    t.major,
    t.year,
    t.interests,
    t.looking_for,
    t.blocked,
    t.created_at,
    t.rest,
    t.email_key,
    t.sort_name,
    t.sort_created,
    t.visible,
    t.search_name,
    t.search_text,
    t.likes,
    t.traits,
    t.card,
    ''::text AS at,
    '[]'::jsonb AS probe
   FROM campus_tables.users t;

CREATE TABLE campus_tables.connections_lists (
    user_id text NOT NULL,
    leftovers jsonb
);

CREATE TABLE campus_tables.messages_lists (
    chat_id text NOT NULL,
    leftovers jsonb
);

CREATE TABLE network.accounts (
    user_id text NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    password_set_at timestamp with time zone DEFAULT now() NOT NULL,
    verified_at timestamp with time zone
);

CREATE TABLE network.blocks (
    user_id text NOT NULL,
    blocked_id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    from_store boolean DEFAULT false NOT NULL
);

CREATE TABLE network.closed_intros (
    from_id text NOT NULL,
    to_id text NOT NULL,
    sent_ms text NOT NULL,
    status text NOT NULL,
    closed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT closed_intros_status_check CHECK ((status = 'withdrawn'::text))
);

CREATE TABLE network.codes (
    purpose text NOT NULL,
    subject text NOT NULL,
    hash bytea NOT NULL,
    tries integer NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE network.deletions (
    user_id text NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    swept_at timestamp with time zone
);

CREATE VIEW network.hidden AS
 SELECT b.user_id AS viewer,
    b.blocked_id AS id
   FROM network.blocks b
UNION ALL
 SELECT b.blocked_id AS viewer,
    b.user_id AS id
   FROM network.blocks b;

CREATE UNLOGGED TABLE network.limits (
    name text NOT NULL,
    subject text NOT NULL,
    due timestamp with time zone NOT NULL,
    wait numeric DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE network.read_marks (
    chat_id text NOT NULL,
    user_id text NOT NULL,
    pos bigint NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE network.reports (
    id text DEFAULT (gen_random_uuid())::text NOT NULL,
    reporter_id text NOT NULL,
    profile_id text NOT NULL,
    reason text NOT NULL,
    note text,
    message_id text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    closed_at timestamp with time zone,
    outcome text
);

CREATE TABLE network.school_domains (
    domain text NOT NULL,
    school text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE network.secrets (
    name text NOT NULL,
    value bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE network.sent_messages (
    sender_id text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    chat_id text NOT NULL,
    message_id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE network.sessions (
    id text NOT NULL,
    user_id text NOT NULL,
    family_hash bytea NOT NULL,
    token_hash bytea NOT NULL,
    previous_hash bytea,
    turned_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    device text
);

CREATE TABLE network.sign_ups (
    email_key text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    profile text NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE network.trimmed_chats (
    chat_id text NOT NULL,
    removed bigint NOT NULL
);

CREATE TABLE outgrow.growths (
    id bigint NOT NULL,
    name text NOT NULL,
    store text NOT NULL,
    from_phase text NOT NULL,
    to_phase text NOT NULL,
    state text DEFAULT 'planned'::text NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    postponed boolean DEFAULT false NOT NULL,
    rolling_back boolean DEFAULT false NOT NULL,
    max_load integer,
    pid integer,
    step text DEFAULT ''::text NOT NULL,
    doing text DEFAULT ''::text NOT NULL,
    waiting text DEFAULT ''::text NOT NULL,
    seconds_left double precision,
    error text,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT growths_check CHECK (((state = ANY (ARRAY['switched'::text, 'rolled_back'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT growths_check1 CHECK (((state = 'failed'::text) = (error IS NOT NULL))),
    CONSTRAINT growths_check2 CHECK (((state <> 'ready'::text) OR postponed)),
    CONSTRAINT growths_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'running'::text, 'ready'::text, 'switched'::text, 'rolled_back'::text, 'failed'::text])))
);

ALTER TABLE outgrow.growths ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outgrow.growths_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE outgrow.latencies (
    hour timestamp with time zone NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    counts bigint[] NOT NULL,
    slow bigint NOT NULL,
    slowest double precision NOT NULL,
    CONSTRAINT latencies_kind_check CHECK ((kind = ANY (ARRAY['route'::text, 'query'::text])))
);

CREATE TABLE outgrow.layouts (
    name text NOT NULL,
    store text NOT NULL,
    version text NOT NULL,
    phase text DEFAULT 'found'::text NOT NULL,
    installed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT layouts_phase_check CHECK ((phase = ANY (ARRAY['found'::text, 'optimized'::text, 'hybrid'::text, 'relational'::text])))
);

CREATE TABLE outgrow.lifts (
    name text NOT NULL,
    relation text NOT NULL,
    version text NOT NULL,
    state text DEFAULT 'filling'::text NOT NULL,
    after text DEFAULT ''::text NOT NULL,
    upto text,
    skipped text[] DEFAULT '{}'::text[] NOT NULL,
    estimate bigint,
    keys bigint DEFAULT 0 NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    leftovers bigint,
    since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT lifts_check CHECK (((state = ANY (ARRAY['filling'::text, 'stale'::text, 'leaving'::text])) OR (skipped = '{}'::text[]))),
    CONSTRAINT lifts_state_check CHECK ((state = ANY (ARRAY['filling'::text, 'filled'::text, 'verified'::text, 'shadow'::text, 'stale'::text, 'leaving'::text])))
);

CREATE TABLE outgrow.quarantine (
    id bigint NOT NULL,
    store text NOT NULL,
    key text NOT NULL,
    value jsonb NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE outgrow.quarantine ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outgrow.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE outgrow.readings (
    store text NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    figures jsonb NOT NULL
);

CREATE TABLE public.kv_store_2516be19 (
    key text NOT NULL,
    value jsonb NOT NULL
);

INSERT INTO campus_tables.chats VALUES
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '["2f1aebe3-a116-479b-b9a7-d7e00cebc224", "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b"]', '2026-11-30 16:03:03.103+00', '{"chatId": "2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b"}');

INSERT INTO campus_tables.connections VALUES
	('bf8e6c37-634d-4325-bf87-1064f3e0f16f', 'old', 1, NULL),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 1, NULL),
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', 1, NULL);

INSERT INTO campus_tables.connections_lists VALUES
	('bf8e6c37-634d-4325-bf87-1064f3e0f16f', '["old", 7]'),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224', NULL),
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', NULL);

INSERT INTO campus_tables.intros VALUES
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', '1796054582922', 'study', 'accepted', '2026-11-30 16:03:02.922+00', '2026-11-30 16:03:03.064+00', NULL, '{"id": "intro:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054582922", "note": "hello", "analysis": null, "toUserId": "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "fromUserId": "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b"}'),
	('bf8e6c37-634d-4325-bf87-1064f3e0f16f', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', '1796054590830', 'study', 'pending', '2026-11-30 16:03:10.83+00', NULL, NULL, '{"id": "intro:bf8e6c37-634d-4325-bf87-1064f3e0f16f:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054590830", "analysis": null, "toUserId": "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "fromUserId": "bf8e6c37-634d-4325-bf87-1064f3e0f16f"}');

INSERT INTO campus_tables.messages VALUES
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 1, '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583118-eba8a792f88a92c0', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'message 0 before', NULL, '2026-11-30 16:03:03.123+00', '{"readAt": null, "readBy": []}'),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 2, '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583168-05fd02cad145fcf9', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'message 1 before', NULL, '2026-11-30 16:03:03.171+00', '{"readAt": null, "readBy": []}'),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 3, '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583200-2f7f73d2474cfa24', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'message 2 before', NULL, '2026-11-30 16:03:03.202+00', '{"readAt": null, "readBy": []}'),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 4, '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054590600-62aac13ae780e69e', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', 'message 0 after', NULL, '2026-11-30 16:03:10.6+00', '{"readAt": null, "readBy": []}'),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 5, '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054590671-fd3ff526ed3e9dad', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', 'message 1 after', NULL, '2026-11-30 16:03:10.671+00', '{"readAt": null, "readBy": []}');

INSERT INTO campus_tables.messages_lists VALUES
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', NULL);

INSERT INTO campus_tables.participants VALUES
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', 1),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 2);

INSERT INTO campus_tables.school_members VALUES
	('Northfield University', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'Physics', NULL, '2026-11-30 16:03:02.174+00'),
	('Northfield University', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', NULL, NULL, '2026-11-30 16:03:02.437+00'),
	('Northfield University', 'bf8e6c37-634d-4325-bf87-1064f3e0f16f', NULL, NULL, '2026-11-30 16:03:02.627+00'),
	('Southgate College', '56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2', NULL, NULL, '2026-11-30 16:03:02.841+00'),
	('Northfield University', 'old', NULL, NULL, '2025-01-01 00:00:00+00');

INSERT INTO campus_tables.user_search VALUES
	('Northfield University', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', true, '[]', 'bo lind', 'ð13d5378016a487b1 þbo þlind ødnil øob   ["chess"] [] '),
	('Northfield University', 'bf8e6c37-634d-4325-bf87-1064f3e0f16f', true, '[]', 'cy marsh', 'ð13d5378016a487b1 þcy þmarsh øhsram øyc   [] [] '),
	('Southgate College', '56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2', true, '[]', 'far away', 'ð73ff1537b874f39d þfar þaway øyawa øraf   [] [] '),
	('Northfield University', 'old', true, NULL, 'old hand', 'ð13d5378016a487b1 þold þhand ødnah ødlo   ["zen"]  '),
	('Northfield University', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', true, '["bf8e6c37-634d-4325-bf87-1064f3e0f16f"]', 'ada okafor', 'ð13d5378016a487b1 þada þokafor ørofako øada physics  ["chess", "rowing"] [] ');

INSERT INTO campus_tables.users VALUES
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224', 'bo@campus.example', 'Bo Lind', 'Northfield University', NULL, NULL, '["chess"]', '[]', '[]', '2026-11-30 16:03:02.437+00', '{"id": "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "settings": {"readReceipts": true, "allowMessages": true, "profileVisible": true, "showOnlineStatus": true}, "updatedAt": "2026-11-30T16:03:02.438Z"}', 'bo@campus.example', 'bo lind', '"2026-11-30T16:03:02.437Z"', true, 'bo lind', 'ð13d5378016a487b1 þbo þlind ødnil øob   ["chess"] [] ', '[["chess"], [], null, null, null, null, null]', '', '{"id":"2f1aebe3-a116-479b-b9a7-d7e00cebc224","name":"Bo Lind","school":"Northfield University","major":null,"year":null,"age":null,"pronouns":null,"bio":null,"interests":["chess"],"looking_for":[],"personality":null,"goals":null,"living_habits":null,"photos":null,"profile_picture":null,"additional_info":null,"created_at":"2026-11-30T16:03:02.437Z"}'),
	('bf8e6c37-634d-4325-bf87-1064f3e0f16f', 'cy@campus.example', 'Cy Marsh', 'Northfield University', NULL, NULL, '[]', '[]', '[]', '2026-11-30 16:03:02.627+00', '{"id": "bf8e6c37-634d-4325-bf87-1064f3e0f16f", "settings": {"readReceipts": true, "allowMessages": true, "profileVisible": true, "showOnlineStatus": true}, "updatedAt": "2026-11-30T16:03:02.633Z"}', 'cy@campus.example', 'cy marsh', '"2026-11-30T16:03:02.627Z"', true, 'cy marsh', 'ð13d5378016a487b1 þcy þmarsh øhsram øyc   [] [] ', '[[], [], null, null, null, null, null]', '', '{"id":"bf8e6c37-634d-4325-bf87-1064f3e0f16f","name":"Cy Marsh","school":"Northfield University","major":null,"year":null,"age":null,"pronouns":null,"bio":null,"interests":[],"looking_for":[],"personality":null,"goals":null,"living_habits":null,"photos":null,"profile_picture":null,"additional_info":null,"created_at":"2026-11-30T16:03:02.627Z"}'),
	('56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2', 'far@southgate.example', 'Far Away', 'Southgate College', NULL, NULL, '[]', '[]', '[]', '2026-11-30 16:03:02.841+00', '{"id": "56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2", "settings": {"readReceipts": true, "allowMessages": true, "profileVisible": true, "showOnlineStatus": true}, "updatedAt": "2026-11-30T16:03:02.844Z"}', 'far@southgate.example', 'far away', '"2026-11-30T16:03:02.841Z"', true, 'far away', 'ð73ff1537b874f39d þfar þaway øyawa øraf   [] [] ', '[[], [], null, null, null, null, null]', '', '{"id":"56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2","name":"Far Away","school":"Southgate College","major":null,"year":null,"age":null,"pronouns":null,"bio":null,"interests":[],"looking_for":[],"personality":null,"goals":null,"living_habits":null,"photos":null,"profile_picture":null,"additional_info":null,"created_at":"2026-11-30T16:03:02.841Z"}'),
	('old', 'old@campus.example', 'Old Hand', 'Northfield University', NULL, NULL, '["zen"]', NULL, NULL, '2025-01-01 00:00:00+00', '{"id": "old"}', 'old@campus.example', 'old hand', '"2025-01-01T00:00:00.000Z"', true, 'old hand', 'ð13d5378016a487b1 þold þhand ødnah ødlo   ["zen"]  ', '[["zen"], null, null, null, null, null, null]', '', '{"id":"old","name":"Old Hand","school":"Northfield University","major":null,"year":null,"age":null,"pronouns":null,"bio":null,"interests":["zen"],"looking_for":null,"personality":null,"goals":null,"living_habits":null,"photos":null,"profile_picture":null,"additional_info":null,"created_at":"2025-01-01T00:00:00.000Z"}'),
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'ada@campus.example', 'Ada Okafor', 'Northfield University', 'Physics', NULL, '["chess", "rowing"]', '[]', '["bf8e6c37-634d-4325-bf87-1064f3e0f16f"]', '2026-11-30 16:03:02.174+00', '{"id": "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b", "settings": {"readReceipts": true, "allowMessages": true, "profileVisible": true, "showOnlineStatus": true}, "updatedAt": "2026-11-30T16:03:02.190Z"}', 'ada@campus.example', 'ada okafor', '"2026-11-30T16:03:02.174Z"', true, 'ada okafor', 'ð13d5378016a487b1 þada þokafor ørofako øada physics  ["chess", "rowing"] [] ', '[["chess", "rowing"], [], null, null, null, "Physics", null]', 'ab1db539646225210 a6c7c0057b436dd5d', '{"id":"de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b","name":"Ada Okafor","school":"Northfield University","major":"Physics","year":null,"age":null,"pronouns":null,"bio":null,"interests":["chess", "rowing"],"looking_for":[],"personality":null,"goals":null,"living_habits":null,"photos":null,"profile_picture":null,"additional_info":null,"created_at":"2026-11-30T16:03:02.174Z"}');

INSERT INTO network.accounts VALUES
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'ada@campus.example', 'ada@campus.example', '$argon2id$v=19$m=19456,t=2,p=1$lsYkotPQxdVyogyyIl8C8g$HUFXUqj9ZYL6etp7l2eM5NWIbG5Np9XKwBco0QGH/wo', '2026-11-30 16:03:02.174679+00', '2026-11-30 16:03:02.174679+00', NULL),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224', 'bo@campus.example', 'bo@campus.example', '$argon2id$v=19$m=19456,t=2,p=1$UJEb21scx778DqBJFapnvw$fvlT0ybAJWdrQYxT/eipkvg3rosY35GQEErAecfPySg', '2026-11-30 16:03:02.437079+00', '2026-11-30 16:03:02.437079+00', NULL),
	('bf8e6c37-634d-4325-bf87-1064f3e0f16f', 'cy@campus.example', 'cy@campus.example', '$argon2id$v=19$m=19456,t=2,p=1$OLX3iT6rW2sCPg/Gg3sQtQ$0fH8OYEX1+bL/KCfhIRDDwLQgTbPRX1MJ3WgJo7ZEQ0', '2026-11-30 16:03:02.62784+00', '2026-11-30 16:03:02.62784+00', NULL),
	('56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2', 'far@southgate.example', 'far@southgate.example', '$argon2id$v=19$m=19456,t=2,p=1$557a1Alj11NuJ7acK5L/sQ$pUQqJ8jDb8JBHK6CkYda6ZKuFFCWD7r8jyX5qUAtn2A', '2026-11-30 16:03:02.841942+00', '2026-11-30 16:03:02.841942+00', NULL);

INSERT INTO network.blocks VALUES
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'bf8e6c37-634d-4325-bf87-1064f3e0f16f', '2026-11-30 16:03:10.714832+00', false);

INSERT INTO network.read_marks VALUES
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 4, '2026-11-30 16:03:10.697139+00');

INSERT INTO network.reports VALUES
	('10b06a98-f3ca-40ca-a577-e9d06bcba26d', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', 'bf8e6c37-634d-4325-bf87-1064f3e0f16f', 'spam', NULL, NULL, '2026-11-30 16:03:10.882354+00', NULL, NULL);

INSERT INTO network.school_domains VALUES
	('southgate.example', 'Southgate College', '2026-11-30 16:03:11.919199+00');

INSERT INTO network.secrets VALUES
	('signing', '\x8a66d8551b75dcfb6c8b24e5c97368c81eff6e7936dbd27c54497968820fa489', '2026-11-30 16:03:00.908398+00');

INSERT INTO network.sent_messages VALUES
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583118-eba8a792f88a92c0', '\x4134fbc709cce2743aeda662b5ae2400d0ad8069fbd3668dde61d252606c6a79', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583118-eba8a792f88a92c0', '2026-11-30 16:03:03.12325+00'),
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583168-05fd02cad145fcf9', '\x27b95eb1259dc3914459229a2dda6d018a4b80732210c530f0ef588c07b381e6', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583168-05fd02cad145fcf9', '2026-11-30 16:03:03.171694+00'),
	('de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583200-2f7f73d2474cfa24', '\xbb4008eee43928d7f5fc568b8ac38a02f099c72a70179899671e0023c7347f65', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583200-2f7f73d2474cfa24', '2026-11-30 16:03:03.202376+00'),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054590600-62aac13ae780e69e', '\x28b9b480343b73805a42e0cd4eceb1a8380261c0cda1e4f3c928e3b404526826', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054590600-62aac13ae780e69e', '2026-11-30 16:03:10.600246+00'),
	('2f1aebe3-a116-479b-b9a7-d7e00cebc224', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054590671-fd3ff526ed3e9dad', '\xd081ecb385bd1cab811d6e5355edf22ff93927e4148c1567a082c33d77723267', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054590671-fd3ff526ed3e9dad', '2026-11-30 16:03:10.671936+00');

INSERT INTO network.sessions VALUES
	('b1e22fd2dc9000f6ea5cff4b0dfdb25f', 'de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '\x7da8c8910bcdb092279b6fc662f48bd0680361e239935188550eb211b2585991', '\xd0532145285fae2cc643c83ebcb7dcec86d2b952798c883cc2dabef47fe0d041', NULL, '2026-11-30 16:03:02.174679+00', '2026-11-30 16:03:02.174679+00', '2026-12-30 16:03:02.174679+00', NULL, 'python-httpx/0.28.1'),
	('05b081d62245f15629381070ef155f0e', '2f1aebe3-a116-479b-b9a7-d7e00cebc224', '\x104110b0b7850903cc75f747397515447659adca58c4eb43d2d00408a3cb3e3c', '\x6c3aba956534a4a2c4ad0cd0ed96f74bb538a794ec93d59c6042112bf1be389d', NULL, '2026-11-30 16:03:02.437079+00', '2026-11-30 16:03:02.437079+00', '2026-12-30 16:03:02.437079+00', NULL, 'python-httpx/0.28.1'),
	('ebfaa412a45c7e0a5b9d174eebf16061', 'bf8e6c37-634d-4325-bf87-1064f3e0f16f', '\x94785491af8ed50714c9c8500a6176a4082584cad56f574d36c1cd18ad6f7001', '\x5ae3817428d1d5d1d98040b94c2cce0cefd364bfaa2fa14b712a11f7896838cc', NULL, '2026-11-30 16:03:02.62784+00', '2026-11-30 16:03:02.62784+00', '2026-12-30 16:03:02.62784+00', NULL, 'python-httpx/0.28.1'),
	('630cfff1517f5c77e6c75f53ca5b133c', '56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2', '\x90127d8fd844f467a4f4edd082fc28623e04a130e31f481bb9a49cd5eb383be3', '\xfe7cd41ba5a1a70e4a65430176909e3fcb2fb2017407af899164a510bb707e81', NULL, '2026-11-30 16:03:02.841942+00', '2026-11-30 16:03:02.841942+00', '2026-12-30 16:03:02.841942+00', NULL, 'python-httpx/0.28.1');

INSERT INTO outgrow.growths OVERRIDING SYSTEM VALUE VALUES
	(1, 'campus', 'public.kv_store_2516be19', 'found', 'optimized', 'switched', false, false, false, NULL, 27078, 'create og_intros_from_id_status_f6ed264b: intros by from_id, status (btree)', '', '', NULL, NULL, '2026-11-30 16:03:04.619494+00', '2026-11-30 16:03:05.206457+00', '2026-11-30 16:03:05.206457+00'),
	(2, 'campus', 'public.kv_store_2516be19', 'optimized', 'relational', 'switched', false, false, false, NULL, 27115, 'create og_user_search_school_search_name_user_id_a021fc5b: user_search by school, search_name, user_id (btree)', '', '', NULL, NULL, '2026-11-30 16:03:06.878315+00', '2026-11-30 16:03:10.274727+00', '2026-11-30 16:03:10.274727+00');

INSERT INTO outgrow.layouts VALUES
	('campus', 'public.kv_store_2516be19', 'dfbf85f300318ea2', 'relational', '2026-11-30 16:03:00.908398+00');

INSERT INTO outgrow.lifts VALUES
	('campus', 'chats', 'dde4d030e0aeff05', 'shadow', 'chat:2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'chat:2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '{}', 1, 1, 1, 0, '2026-11-30 16:03:06.89915+00'),
	('campus', 'connections', '4752488fe3eb5494', 'shadow', 'user:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:connections', 'user:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:connections', '{}', 3, 3, 3, 1, '2026-11-30 16:03:06.89915+00'),
	('campus', 'intros', '89ce879dd8c258c3', 'shadow', 'intro:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054582922', 'intro:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054582922', '{}', 1, 1, 1, 0, '2026-11-30 16:03:06.89915+00'),
	('campus', 'messages', '6da6669409424a1e', 'shadow', 'chat:2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:messages', 'chat:2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:messages', '{}', 1, 1, 3, 0, '2026-11-30 16:03:06.89915+00'),
	('campus', 'participants', 'ba7fcd68c944edcf', 'shadow', 'chat:2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', 'chat:2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '{}', 1, 1, 2, 0, '2026-11-30 16:03:06.89915+00'),
	('campus', 'school_members', '5ea6a3c625c6a520', 'shadow', 'user:old', 'user:old', '{}', 6, 6, 5, 1, '2026-11-30 16:03:06.89915+00'),
	('campus', 'user_search', '8cff09cfb05d2437', 'shadow', 'user:old', 'user:old', '{}', 6, 6, 5, 1, '2026-11-30 16:03:06.89915+00'),
	('campus', 'users', '355876702a869c34', 'shadow', 'user:old', 'user:old', '{}', 6, 6, 5, 1, '2026-11-30 16:03:06.89915+00');

INSERT INTO public.kv_store_2516be19 VALUES
	('chat:2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:messages', '[{"id": "2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583118-eba8a792f88a92c0", "readAt": null, "readBy": [], "content": "message 0 before", "senderId": "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b", "timestamp": "2026-11-30T16:03:03.123Z"}, {"id": "2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583168-05fd02cad145fcf9", "readAt": null, "readBy": [], "content": "message 1 before", "senderId": "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b", "timestamp": "2026-11-30T16:03:03.171Z"}, {"id": "2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054583200-2f7f73d2474cfa24", "readAt": null, "readBy": [], "content": "message 2 before", "senderId": "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b", "timestamp": "2026-11-30T16:03:03.202Z"}, {"id": "2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054590600-62aac13ae780e69e", "readAt": null, "readBy": [], "content": "message 0 after", "senderId": "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "timestamp": "2026-11-30T16:03:10.600Z"}, {"id": "2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:1796054590671-fd3ff526ed3e9dad", "readAt": null, "readBy": [], "content": "message 1 after", "senderId": "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "timestamp": "2026-11-30T16:03:10.671Z"}]'),
	('user:2f1aebe3-a116-479b-b9a7-d7e00cebc224', '{"id": "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "name": "Bo Lind", "email": "bo@campus.example", "school": "Northfield University", "settings": {"readReceipts": true, "allowMessages": true, "profileVisible": true, "showOnlineStatus": true}, "createdAt": "2026-11-30T16:03:02.437Z", "interests": ["chess"], "updatedAt": "2026-11-30T16:03:02.438Z", "lookingFor": [], "blockedUsers": []}'),
	('user:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '{"id": "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b", "name": "Ada Okafor", "email": "ada@campus.example", "major": "Physics", "school": "Northfield University", "settings": {"readReceipts": true, "allowMessages": true, "profileVisible": true, "showOnlineStatus": true}, "createdAt": "2026-11-30T16:03:02.174Z", "interests": ["chess", "rowing"], "updatedAt": "2026-11-30T16:03:02.190Z", "lookingFor": [], "blockedUsers": ["bf8e6c37-634d-4325-bf87-1064f3e0f16f"]}'),
	('user:bf8e6c37-634d-4325-bf87-1064f3e0f16f', '{"id": "bf8e6c37-634d-4325-bf87-1064f3e0f16f", "name": "Cy Marsh", "email": "cy@campus.example", "school": "Northfield University", "settings": {"readReceipts": true, "allowMessages": true, "profileVisible": true, "showOnlineStatus": true}, "createdAt": "2026-11-30T16:03:02.627Z", "interests": [], "updatedAt": "2026-11-30T16:03:02.633Z", "lookingFor": [], "blockedUsers": []}'),
	('school:Northfield University:users', '["de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b", "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "bf8e6c37-634d-4325-bf87-1064f3e0f16f"]'),
	('user:56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2', '{"id": "56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2", "name": "Far Away", "email": "far@southgate.example", "school": "Southgate College", "settings": {"readReceipts": true, "allowMessages": true, "profileVisible": true, "showOnlineStatus": true}, "createdAt": "2026-11-30T16:03:02.841Z", "interests": [], "updatedAt": "2026-11-30T16:03:02.844Z", "lookingFor": [], "blockedUsers": []}'),
	('schools:all', '["Northfield University", "Southgate College"]'),
	('school:Southgate College:users', '["56aa9ab6-2ea0-450b-ba77-e225c2ae1fb2"]'),
	('user:old', '{"id": "old", "name": "Old Hand", "email": "old@campus.example", "school": "Northfield University", "createdAt": "2025-01-01T00:00:00.000Z", "interests": ["zen"]}'),
	('other:thing', '{"a": [1, null, "x"]}'),
	('user:odd', '[1]'),
	('user:bf8e6c37-634d-4325-bf87-1064f3e0f16f:connections', '["old", 7]'),
	('user:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:soft-intros:outgoing', '["intro:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054582922"]'),
	('intro:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054582922', '{"id": "intro:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054582922", "note": "hello", "reason": "study", "status": "accepted", "analysis": null, "toUserId": "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "createdAt": "2026-11-30T16:03:02.922Z", "acceptedAt": "2026-11-30T16:03:03.064Z", "fromUserId": "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b"}'),
	('user:2f1aebe3-a116-479b-b9a7-d7e00cebc224:connections', '["de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b"]'),
	('user:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:connections', '["2f1aebe3-a116-479b-b9a7-d7e00cebc224"]'),
	('chat:2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b', '{"chatId": "2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b", "createdAt": "2026-11-30T16:03:03.103Z", "participants": ["2f1aebe3-a116-479b-b9a7-d7e00cebc224", "de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b"]}'),
	('user:2f1aebe3-a116-479b-b9a7-d7e00cebc224:chats', '["2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b"]'),
	('user:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:chats', '["2f1aebe3-a116-479b-b9a7-d7e00cebc224:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b"]'),
	('intro:bf8e6c37-634d-4325-bf87-1064f3e0f16f:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054590830', '{"id": "intro:bf8e6c37-634d-4325-bf87-1064f3e0f16f:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054590830", "reason": "study", "status": "pending", "analysis": null, "toUserId": "2f1aebe3-a116-479b-b9a7-d7e00cebc224", "createdAt": "2026-11-30T16:03:10.830Z", "fromUserId": "bf8e6c37-634d-4325-bf87-1064f3e0f16f"}'),
	('user:bf8e6c37-634d-4325-bf87-1064f3e0f16f:soft-intros:outgoing', '["intro:bf8e6c37-634d-4325-bf87-1064f3e0f16f:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054590830"]'),
	('user:2f1aebe3-a116-479b-b9a7-d7e00cebc224:soft-intros:incoming', '["intro:de1c27bc-68d4-4362-a3c6-4bc8d8c0cb2b:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054582922", "intro:bf8e6c37-634d-4325-bf87-1064f3e0f16f:2f1aebe3-a116-479b-b9a7-d7e00cebc224:1796054590830"]');

SELECT pg_catalog.setval('outgrow.growths_id_seq', 2, true);

SELECT pg_catalog.setval('outgrow.quarantine_id_seq', 1, false);

ALTER TABLE ONLY campus_tables.chats
    ADD CONSTRAINT chats_pkey PRIMARY KEY (id);

ALTER TABLE ONLY campus_tables.connections_lists
    ADD CONSTRAINT connections_lists_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY campus_tables.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (user_id, connected_user_id);

ALTER TABLE ONLY campus_tables.intros
    ADD CONSTRAINT intros_pkey PRIMARY KEY (from_id, to_id, sent_ms);

ALTER TABLE ONLY campus_tables.messages_lists
    ADD CONSTRAINT messages_lists_pkey PRIMARY KEY (chat_id);

ALTER TABLE ONLY campus_tables.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (chat_id, pos);

ALTER TABLE ONLY campus_tables.participants
    ADD CONSTRAINT participants_pkey PRIMARY KEY (chat_id, user_id);

ALTER TABLE ONLY campus_tables.school_members
    ADD CONSTRAINT school_members_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY campus_tables.user_search
    ADD CONSTRAINT user_search_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY campus_tables.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY network.accounts
    ADD CONSTRAINT accounts_email_key_key UNIQUE (email_key);

ALTER TABLE ONLY network.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY network.blocks
    ADD CONSTRAINT blocks_pkey PRIMARY KEY (user_id, blocked_id);

ALTER TABLE ONLY network.closed_intros
    ADD CONSTRAINT closed_intros_pkey PRIMARY KEY (from_id, to_id, sent_ms);

ALTER TABLE ONLY network.codes
    ADD CONSTRAINT codes_pkey PRIMARY KEY (purpose, subject);

ALTER TABLE ONLY network.deletions
    ADD CONSTRAINT deletions_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY network.limits
    ADD CONSTRAINT limits_pkey PRIMARY KEY (name, subject);

ALTER TABLE ONLY network.read_marks
    ADD CONSTRAINT read_marks_pkey PRIMARY KEY (chat_id, user_id);

ALTER TABLE ONLY network.reports
    ADD CONSTRAINT reports_pkey PRIMARY KEY (id);

ALTER TABLE ONLY network.school_domains
    ADD CONSTRAINT school_domains_pkey PRIMARY KEY (domain);

ALTER TABLE ONLY network.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (name);

ALTER TABLE ONLY network.sent_messages
    ADD CONSTRAINT sent_messages_pkey PRIMARY KEY (sender_id, key);

ALTER TABLE ONLY network.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY network.sign_ups
    ADD CONSTRAINT sign_ups_pkey PRIMARY KEY (email_key);

ALTER TABLE ONLY network.trimmed_chats
    ADD CONSTRAINT trimmed_chats_pkey PRIMARY KEY (chat_id);

ALTER TABLE ONLY outgrow.growths
    ADD CONSTRAINT growths_pkey PRIMARY KEY (id);

ALTER TABLE ONLY outgrow.latencies
    ADD CONSTRAINT latencies_pkey PRIMARY KEY (hour, kind, name);

ALTER TABLE ONLY outgrow.layouts
    ADD CONSTRAINT layouts_pkey PRIMARY KEY (name);

ALTER TABLE ONLY outgrow.lifts
    ADD CONSTRAINT lifts_pkey PRIMARY KEY (name, relation);

ALTER TABLE ONLY outgrow.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);

ALTER TABLE ONLY outgrow.readings
    ADD CONSTRAINT readings_pkey PRIMARY KEY (store, taken_at);

ALTER TABLE ONLY public.kv_store_2516be19
    ADD CONSTRAINT kv_store_2516be19_pkey PRIMARY KEY (key);

CREATE INDEX og_connections_connected_user_id_user_id_5eac5e4b ON campus_tables.connections USING btree (connected_user_id, user_id);

CREATE INDEX og_intros_from_id_status_ae826c18 ON campus_tables.intros USING btree (from_id, status);

CREATE INDEX og_intros_to_id_status_d2b59697 ON campus_tables.intros USING btree (to_id, status);

CREATE INDEX og_participants_user_id_chat_id_7d21da00 ON campus_tables.participants USING btree (user_id, chat_id);

CREATE INDEX og_school_members_school_user_id_e98026e7 ON campus_tables.school_members USING btree (school, user_id);

CREATE INDEX og_user_search_school_search_name_user_id_a021fc5b ON campus_tables.user_search USING btree (school, search_name COLLATE "C", user_id);

CREATE INDEX og_user_search_search_text_words_44041e76 ON campus_tables.user_search USING gin (to_tsvector('simple'::regconfig, search_text)) WITH (gin_pending_list_limit='256');

CREATE INDEX og_users_blocked_contains_81edf5af ON campus_tables.users USING gin (blocked jsonb_path_ops);

CREATE INDEX og_users_email_key_31221be9 ON campus_tables.users USING btree (email_key);

CREATE INDEX og_users_interests_contains_ab569f8a ON campus_tables.users USING gin (interests jsonb_path_ops);

CREATE INDEX og_users_looking_for_contains_28b0ebb0 ON campus_tables.users USING gin (looking_for jsonb_path_ops);

CREATE INDEX og_users_school_major_sort_created_id_57da29f5 ON campus_tables.users USING btree (school, major, sort_created, id);

CREATE INDEX og_users_school_major_year_sort_created_id_0a9fceef ON campus_tables.users USING btree (school, major, year, sort_created, id);

CREATE INDEX og_users_school_sort_created_id_66314738 ON campus_tables.users USING btree (school, sort_created, id);

CREATE INDEX og_users_school_sort_name_id_991afc2d ON campus_tables.users USING btree (school, sort_name, id);

CREATE INDEX og_users_school_year_sort_created_id_e2f41002 ON campus_tables.users USING btree (school, year, sort_created, id);

CREATE INDEX og_users_traits_words_0100073e ON campus_tables.users USING gin (to_tsvector('simple'::regconfig, traits)) WITH (gin_pending_list_limit='256');

CREATE INDEX blocks_blocked_id ON network.blocks USING btree (blocked_id, user_id);

CREATE INDEX reports_created_at ON network.reports USING btree (created_at, id);

CREATE INDEX school_domains_school ON network.school_domains USING btree (school);

CREATE INDEX sent_messages_created_at ON network.sent_messages USING btree (created_at);

CREATE INDEX sessions_user_id ON network.sessions USING btree (user_id);

CREATE UNIQUE INDEX growths_unfinished ON outgrow.growths USING btree (name) WHERE (ended_at IS NULL);

CREATE INDEX og_chats_probe_contains_c677b32d ON public.kv_store_2516be19 USING gin (value jsonb_path_ops) WHERE ((key ~ '^chat:(.+)$'::text) AND (length(key) <= 205) AND (NOT ((key ~ '^chat:(.+):messages$'::text) AND (length(key) <= 214))) AND (NOT ((key ~ '^chat:(.+):typing:([^:]+)$'::text) AND ((length(key) <= 214) OR (key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'::text)))));

CREATE INDEX og_connections_probe_contains_3acd1ebb ON public.kv_store_2516be19 USING gin (value jsonb_path_ops) WHERE ((key ~ '^user:([^:]+):connections$'::text) AND (length(key) <= 217));

CREATE INDEX og_intros_from_id_status_f6ed264b ON public.kv_store_2516be19 USING btree (split_part(key, ':'::text, 2), outgrow.key_of((value -> 'status'::text))) WHERE ((key ~ '^intro:([^:]+):([^:]+):([^:]+)$'::text) AND ((length(key) <= 210) OR (key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$'::text)));

CREATE INDEX og_intros_to_id_status_716a6d19 ON public.kv_store_2516be19 USING btree (split_part(key, ':'::text, 3), outgrow.key_of((value -> 'status'::text))) WHERE ((key ~ '^intro:([^:]+):([^:]+):([^:]+)$'::text) AND ((length(key) <= 210) OR (key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$'::text)));

CREATE INDEX og_key_6cb772e2 ON public.kv_store_2516be19 USING btree (key COLLATE "C");

CREATE INDEX og_users_blocked_contains_e4d41d46 ON public.kv_store_2516be19 USING gin (outgrow.array_of((value -> 'blockedUsers'::text)) jsonb_path_ops) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_email_key_0c89b6e3 ON public.kv_store_2516be19 USING btree (lower(outgrow.key_of((value -> 'email'::text)))) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_interests_contains_f6f5c7f1 ON public.kv_store_2516be19 USING gin (outgrow.array_of((value -> 'interests'::text)) jsonb_path_ops) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_looking_for_contains_182afbef ON public.kv_store_2516be19 USING gin (outgrow.array_of((value -> 'lookingFor'::text)) jsonb_path_ops) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_probe_contains_f2ef5b9d ON public.kv_store_2516be19 USING gin (value jsonb_path_ops) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_school_major_sort_created_id_4147859d ON public.kv_store_2516be19 USING btree (outgrow.key_of((value -> 'school'::text)), outgrow.key_of((value -> 'major'::text)), outgrow.sort_time_of((value -> 'createdAt'::text)) COLLATE "C", substr(key, 6)) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_school_major_year_sort_created_id_a57f3ff9 ON public.kv_store_2516be19 USING btree (outgrow.key_of((value -> 'school'::text)), outgrow.key_of((value -> 'major'::text)), outgrow.short_of((value -> 'year'::text)), outgrow.sort_time_of((value -> 'createdAt'::text)) COLLATE "C", substr(key, 6)) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_school_search_name_id_2626af14 ON public.kv_store_2516be19 USING btree (outgrow.key_of((value -> 'school'::text)), outgrow.search_name(outgrow.label_of((value -> 'name'::text))) COLLATE "C", substr(key, 6)) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_school_sort_created_id_0683343f ON public.kv_store_2516be19 USING btree (outgrow.key_of((value -> 'school'::text)), outgrow.sort_time_of((value -> 'createdAt'::text)) COLLATE "C", substr(key, 6)) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_school_sort_name_id_986737c5 ON public.kv_store_2516be19 USING btree (outgrow.key_of((value -> 'school'::text)), lower("left"(COALESCE(outgrow.label_of((value -> 'name'::text)), ''::text), 64)), substr(key, 6)) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_school_year_sort_created_id_ea83d19d ON public.kv_store_2516be19 USING btree (outgrow.key_of((value -> 'school'::text)), outgrow.short_of((value -> 'year'::text)), outgrow.sort_time_of((value -> 'createdAt'::text)) COLLATE "C", substr(key, 6)) WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_search_text_words_90e8110f ON public.kv_store_2516be19 USING gin (to_tsvector('simple'::regconfig, outgrow.search_text(outgrow.key_of((value -> 'school'::text)), outgrow.label_of((value -> 'name'::text)), ((((((((COALESCE("left"(outgrow.key_of((value -> 'major'::text)), 1000), ''::text) || ' '::text) || COALESCE("left"(outgrow.short_of((value -> 'year'::text)), 1000), ''::text)) || ' '::text) || COALESCE("left"((outgrow.array_of((value -> 'interests'::text)))::text, 1000), ''::text)) || ' '::text) || COALESCE("left"((outgrow.array_of((value -> 'lookingFor'::text)))::text, 1000), ''::text)) || ' '::text) || COALESCE("left"(outgrow.text_of((value -> 'bio'::text)), 1000), ''::text))))) WITH (gin_pending_list_limit='256') WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE INDEX og_users_traits_words_e979d55f ON public.kv_store_2516be19 USING gin (to_tsvector('simple'::regconfig, outgrow.trait_words(outgrow.key_of((value -> 'school'::text)), ARRAY[outgrow.key_of((value -> 'major'::text)), outgrow.short_of((value -> 'year'::text))], ARRAY[outgrow.array_of((value -> 'lookingFor'::text)), outgrow.array_of((value -> 'interests'::text))]))) WITH (gin_pending_list_limit='256') WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

CREATE STATISTICS public.og_intros_by_from_id_213315e7 ON split_part(key, ':'::text, 2) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_intros_by_status_92d60e76 ON outgrow.key_of(value -> 'status'::text) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_intros_by_to_id_2c7023bb ON split_part(key, ':'::text, 3) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_the_length_of_keys_12e7cdf9 ON length(key) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_the_shape_of_values_a630c6dd ON jsonb_typeof(value) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_blocked_b8e04f79 ON outgrow.array_of(value -> 'blockedUsers'::text) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_email_key_ebb67c56 ON lower(outgrow.key_of(value -> 'email'::text)) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_id_6cf4f185 ON substr(key, 6) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_interests_ce796157 ON outgrow.array_of(value -> 'interests'::text) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_looking_for_68a119c0 ON outgrow.array_of(value -> 'lookingFor'::text) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_major_4195ae7b ON outgrow.key_of(value -> 'major'::text) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_school_13714f52 ON outgrow.key_of(value -> 'school'::text) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_search_name_8b981c55 ON outgrow.search_name(outgrow.label_of(value -> 'name'::text)) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_sort_created_98aa019c ON (outgrow.sort_time_of(value -> 'createdAt'::text) COLLATE "C") FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_sort_name_e7d9c90e ON lower("left"(COALESCE(outgrow.label_of(value -> 'name'::text), ''::text), 64)) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_visible_ec1b92f4 ON (value #> '{settings,profileVisible}'::text[]) FROM public.kv_store_2516be19;

CREATE STATISTICS public.og_users_by_year_8713209b ON outgrow.short_of(value -> 'year'::text) FROM public.kv_store_2516be19;

CREATE TRIGGER chats_write INSTEAD OF INSERT OR DELETE OR UPDATE ON campus.chats FOR EACH ROW EXECUTE FUNCTION campus.chats_write();

CREATE TRIGGER connections_write INSTEAD OF INSERT OR DELETE OR UPDATE ON campus.connections FOR EACH ROW EXECUTE FUNCTION campus.connections_write();

CREATE TRIGGER intros_write INSTEAD OF INSERT OR DELETE OR UPDATE ON campus.intros FOR EACH ROW EXECUTE FUNCTION campus.intros_write();

CREATE TRIGGER messages_write INSTEAD OF INSERT OR DELETE OR UPDATE ON campus.messages FOR EACH ROW EXECUTE FUNCTION campus.messages_write();

CREATE TRIGGER participants_write INSTEAD OF INSERT OR DELETE OR UPDATE ON campus.participants FOR EACH ROW EXECUTE FUNCTION campus.read_only();

CREATE TRIGGER school_members_write INSTEAD OF INSERT OR DELETE OR UPDATE ON campus.school_members FOR EACH ROW EXECUTE FUNCTION campus.read_only();

CREATE TRIGGER user_search_write INSTEAD OF INSERT OR DELETE OR UPDATE ON campus.user_search FOR EACH ROW EXECUTE FUNCTION campus.read_only();

CREATE TRIGGER users_write INSTEAD OF INSERT OR DELETE OR UPDATE ON campus.users FOR EACH ROW EXECUTE FUNCTION campus.users_write();

CREATE TRIGGER outgrow_campus_changed AFTER INSERT OR DELETE OR UPDATE ON public.kv_store_2516be19 FOR EACH ROW EXECUTE FUNCTION campus_tables.store_changed();

ALTER TABLE public.kv_store_2516be19 ENABLE ALWAYS TRIGGER outgrow_campus_changed;

CREATE TRIGGER outgrow_campus_truncated AFTER TRUNCATE ON public.kv_store_2516be19 FOR EACH STATEMENT EXECUTE FUNCTION campus_tables.store_truncated();

ALTER TABLE public.kv_store_2516be19 ENABLE ALWAYS TRIGGER outgrow_campus_truncated;

ALTER TABLE ONLY network.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES network.accounts(user_id) ON DELETE CASCADE;

ALTER TABLE ONLY outgrow.growths
    ADD CONSTRAINT growths_name_fkey FOREIGN KEY (name) REFERENCES outgrow.layouts(name);

ALTER TABLE ONLY outgrow.lifts
    ADD CONSTRAINT lifts_name_fkey FOREIGN KEY (name) REFERENCES outgrow.layouts(name);

REVOKE ALL ON FUNCTION campus.chats_at(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.chats_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.chats_encode(new_participants jsonb, new_created_at timestamp with time zone, new_rest jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.chats_key(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.chats_lists(of_id text, of_participants jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.chats_write() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.connections_at(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.connections_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.connections_key(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.connections_probe(element text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.connections_write() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.intros_at(of_from text, of_to text, of_ms text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.intros_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.intros_encode(new_reason text, new_status text, new_created_at timestamp with time zone, new_accepted_at timestamp with time zone, new_denied_at timestamp with time zone, new_rest jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.intros_key(of_from text, of_to text, of_ms text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.intros_lists(of_from_id text, of_to_id text, of_sent_ms text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.intros_write() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.lock_keys(keys text[], made text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.messages_at(of_chat text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.messages_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.messages_encode(new_id text, new_sender_id text, new_content text, new_kind text, new_sent_at timestamp with time zone, new_rest jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.messages_key(of_chat text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.messages_write() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.participants_at(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.participants_probe(element text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.read_only() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.school_members_at(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.user_search_at(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.users_at(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.users_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.users_encode(new_email text, new_name text, new_school text, new_major text, new_year text, new_interests jsonb, new_looking_for jsonb, new_blocked jsonb, new_created_at timestamp with time zone, new_rest jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.users_key(of_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.users_lists(of_id text, of_school text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.users_write() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.chats_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.chats_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.connections_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.connections_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.intros_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.intros_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.messages_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.messages_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.participants_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.participants_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.school_members_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.school_members_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_changed() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_truncated() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.user_search_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.user_search_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.users_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.users_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.message(of_chat text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.removed(of_chat text) FROM PUBLIC;

--
-- PostgreSQL database dump complete
--

