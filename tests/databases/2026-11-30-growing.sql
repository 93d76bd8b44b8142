-- A campus of commit 7b697be (2026-11-30), before migrations were recorded, as pg_dump 15 wrote it (--no-owner
-- --inserts), without headings. Every table of ours has rows, and a growth to hybrid has stopped on its way.
-- PostgreSQL database dump

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
    RETURN ('chat:'::text || of_id);

CREATE FUNCTION outgrow.array_of(v jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (jsonb_typeof(v) = 'array'::text) THEN v ELSE NULL::jsonb END;

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
                 WHEN (outgrow.array_of((store_value -> 'participants'::text)) IS NOT NULL) THEN 'participants'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.time_of((store_value -> 'createdAt'::text)) IS NOT NULL) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
   WHERE (jsonb_typeof(store_value) = 'object'::text);
END;

CREATE FUNCTION outgrow.json_of_time(t timestamp with time zone) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN to_jsonb(to_char((t AT TIME ZONE 'UTC'::text), CASE WHEN (((EXTRACT(microseconds FROM t))::bigint % (1000)::bigint) = 0) THEN 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text END));

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
#variable_conflict use_variable

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
    RETURN (('user:'::text || of_id) || ':connections'::text);

CREATE FUNCTION outgrow.pos_step() RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (1000000)::bigint;

CREATE FUNCTION campus.connections_decode(store_key text, store_value jsonb) RETURNS TABLE(user_id text, connected_user_id text, pos bigint, created_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(connections_decode.store_key, 6, (length(connections_decode.store_key) - 17)) AS substr,
     outgrow.key_of(e.v) AS key_of,
     (min(e.pos) * outgrow.pos_step()),
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
    RETURN jsonb_build_array(element);

CREATE FUNCTION campus.connections_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
#variable_conflict use_variable

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
    RETURN ((((('intro:'::text || of_from) || ':'::text) || of_to) || ':'::text) || of_ms);

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
                 WHEN (outgrow.text_of((store_value -> 'reason'::text)) IS NOT NULL) THEN 'reason'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.key_of((store_value -> 'status'::text)) IS NOT NULL) THEN 'status'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.time_of((store_value -> 'createdAt'::text)) IS NOT NULL) THEN 'createdAt'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.time_of((store_value -> 'acceptedAt'::text)) IS NOT NULL) THEN 'acceptedAt'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.time_of((store_value -> 'deniedAt'::text)) IS NOT NULL) THEN 'deniedAt'::text
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
#variable_conflict use_variable

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
#variable_conflict use_variable

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
    RETURN (('chat:'::text || of_chat) || ':messages'::text);

CREATE FUNCTION campus.messages_decode(store_key text, store_value jsonb) RETURNS TABLE(chat_id text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(messages_decode.store_key, 6, (length(messages_decode.store_key) - 14)) AS substr,
     (e.pos * outgrow.pos_step()),
     outgrow.text_of((e.v -> 'id'::text)) AS text_of,
     outgrow.key_of((e.v -> 'senderId'::text)) AS key_of,
     outgrow.text_of((e.v -> 'content'::text)) AS text_of,
     outgrow.key_of((e.v -> 'type'::text)) AS key_of,
     outgrow.time_of((e.v -> 'timestamp'::text)) AS time_of,
     (e.v - array_remove(ARRAY[
         CASE
             WHEN (outgrow.text_of((e.v -> 'id'::text)) IS NOT NULL) THEN 'id'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (outgrow.key_of((e.v -> 'senderId'::text)) IS NOT NULL) THEN 'senderId'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (outgrow.text_of((e.v -> 'content'::text)) IS NOT NULL) THEN 'content'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (outgrow.key_of((e.v -> 'type'::text)) IS NOT NULL) THEN 'type'::text
             ELSE NULL::text
         END,
         CASE
             WHEN (outgrow.time_of((e.v -> 'timestamp'::text)) IS NOT NULL) THEN 'timestamp'::text
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

CREATE FUNCTION campus.messages_last_pos(of_key text, list jsonb) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (jsonb_array_length(list) * outgrow.pos_step());

CREATE FUNCTION campus.messages_place(of_key text, of_pos bigint, list jsonb) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (of_pos / outgrow.pos_step());

CREATE FUNCTION campus.messages_trim(of_key text, before_pos bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable

DECLARE
    many bigint;
BEGIN
    PERFORM "campus"."lock_keys"(ARRAY[of_key], '{}');
    SELECT count(*) INTO many FROM "campus"."messages" r
    WHERE r."chat_id" = substr(of_key, 6, length(of_key) - 14) AND r.at = "campus"."messages_at"(substr(of_key, 6, length(of_key) - 14)) AND r."pos" < before_pos;
    UPDATE "public"."kv_store_2516be19" s SET value = (
        SELECT coalesce(jsonb_agg(e.v ORDER BY e.n), '[]')
        FROM (
            SELECT e.v, e.n, jsonb_typeof(e.v) = 'object' AS is_row,
                count(*) FILTER (WHERE jsonb_typeof(e.v) = 'object') OVER (ORDER BY e.n) AS rank
            FROM jsonb_array_elements(s.value) WITH ORDINALITY AS e(v, n)) e
        WHERE NOT e.is_row OR e.rank > many)
    WHERE s.key = of_key AND many > 0;
END
$$;

CREATE FUNCTION campus.messages_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
#variable_conflict use_variable

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
        list := list || jsonb_build_array(element);
        UPDATE "public"."kv_store_2516be19" s SET value = list WHERE s.key = this_key;
        NEW.at := this_key;
        NEW."pos" := "campus"."messages_last_pos"(this_key, list);
        RETURN NEW;
    END IF;
    -- Earlier elements may have gone since the snapshot, in this very statement too: the element is
    -- the last one like OLD at or before OLD's place.
    IF jsonb_typeof(list) = 'array' THEN
        place := "campus"."messages_place"(this_key, OLD."pos", list);
        SELECT max(e.pos) INTO place
        FROM jsonb_array_elements(list) WITH ORDINALITY AS e(v, pos)
        WHERE e.pos <= place AND e.v::text = ("campus"."messages_encode"(OLD."id", OLD."sender_id", OLD."content", OLD."kind", OLD."sent_at", coalesce(OLD.rest, '{}')))::text;
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
    RETURN ('chat:'::text || of_id);

CREATE FUNCTION campus.participants_probe(element text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('participants', jsonb_build_array(element));

CREATE FUNCTION campus.read_only() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable

BEGIN
    RAISE EXCEPTION 'relation % is read only: it shows another relation', TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported';
END
$$;

CREATE FUNCTION campus.school_members_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('user:'::text || of_id);

CREATE FUNCTION campus.user_search_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('user:'::text || of_id);

CREATE FUNCTION campus.users_at(of_id text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('user:'::text || of_id);

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
                 WHEN (outgrow.key_of((store_value -> 'email'::text)) IS NOT NULL) THEN 'email'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(outgrow.label_of((store_value -> 'name'::text))) = (store_value -> 'name'::text)) THEN 'name'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.key_of((store_value -> 'school'::text)) IS NOT NULL) THEN 'school'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.key_of((store_value -> 'major'::text)) IS NOT NULL) THEN 'major'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.short_of((store_value -> 'year'::text)) IS NOT NULL) THEN 'year'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'interests'::text)) IS NOT NULL) THEN 'interests'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'lookingFor'::text)) IS NOT NULL) THEN 'lookingFor'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.array_of((store_value -> 'blockedUsers'::text)) IS NOT NULL) THEN 'blockedUsers'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (outgrow.time_of((store_value -> 'createdAt'::text)) IS NOT NULL) THEN 'createdAt'::text
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
#variable_conflict use_variable

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

CREATE FUNCTION campus_tables.connections_decode(store_key text, store_value jsonb) RETURNS TABLE(user_id text, connected_user_id text, pos bigint, created_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT substr(connections_decode.store_key, 6, (length(connections_decode.store_key) - 17)) AS substr,
     outgrow.key_of(e.v) AS key_of,
     (min(e.pos) * outgrow.pos_step()),
     NULL::timestamp with time zone AS timestamptz
    FROM jsonb_array_elements(
         CASE
             WHEN (jsonb_typeof(connections_decode.store_value) = 'array'::text) THEN connections_decode.store_value
             ELSE '[]'::jsonb
         END) WITH ORDINALITY e(v, pos)
   WHERE (outgrow.key_of(e.v) IS NOT NULL)
   GROUP BY (outgrow.key_of(e.v));
END;

CREATE FUNCTION campus_tables.connections_follow(our_key text, our_value jsonb, our_before jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
#variable_conflict use_variable
DECLARE
    our_document jsonb;
    our_rows bigint;
    our_heads bigint := 0;
    our_whole boolean;
    our_was text[];
    our_now text[];
    our_old text[];
    our_new text[];
    our_run record;
    our_placed record;
    our_labels bigint[];
    our_made bigint[];
    our_gone bigint[];
    our_full boolean;
    our_anew boolean := false;
    our_wide integer := 0;
BEGIN
    IF our_before IS NOT NULL OR current_setting('transaction_isolation') = 'read committed' THEN
        SELECT count(*), bool_and(t.leftovers IS NULL) INTO our_heads, our_whole
        FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17);
    END IF;
    IF our_heads = 0 THEN
    INSERT INTO "campus_tables"."connections_lists" AS t ("user_id", leftovers)
    VALUES (substr(our_key, 6, length(our_key) - 17), CASE WHEN CASE WHEN jsonb_typeof(our_value) = 'array' THEN (SELECT count(DISTINCT outgrow.key_of(e.v)) = jsonb_array_length(our_value) FROM jsonb_array_elements(our_value) AS e(v)) ELSE false END THEN NULL ELSE our_value END)
    ON CONFLICT ON CONSTRAINT "connections_lists_pkey"
        DO UPDATE SET leftovers = excluded.leftovers
        WHERE t.leftovers IS NOT NULL OR excluded.leftovers IS NOT NULL;
        IF EXISTS (SELECT FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17))
        THEN
        INSERT INTO "campus_tables"."connections" AS t ("user_id", "connected_user_id", "pos", "created_at")
        SELECT r."user_id", r."connected_user_id", r."pos", r."created_at" FROM "campus_tables"."connections_rows"(our_key, our_value) r
        ON CONFLICT ON CONSTRAINT "connections_pkey" DO UPDATE SET "pos" = excluded."pos", "created_at" = excluded."created_at";
        ELSE
            INSERT INTO "campus_tables"."connections"
                ("user_id", "connected_user_id", "pos", "created_at")
            SELECT substr(our_key, 6, length(our_key) - 17), outgrow.key_of(e.v), e.n * outgrow.pos_step(), NULL::timestamptz
            FROM jsonb_array_elements(
                CASE WHEN jsonb_typeof(our_value) = 'array' THEN our_value ELSE '[]' END)
                WITH ORDINALITY AS e(v, n)
            WHERE outgrow.key_of(e.v) IS NOT NULL
            ON CONFLICT DO NOTHING;
        END IF;
        RETURN;
    ELSIF our_before IS NOT NULL AND ROW(our_value)::record *= ROW(our_before)::record THEN
        RETURN;
    END IF;
    IF (CASE
        WHEN our_heads <> 1 OR NOT our_whole OR our_before IS NULL
            OR jsonb_typeof(our_before) <> 'array' OR jsonb_typeof(our_value) <> 'array' THEN false
        WHEN jsonb_array_length(our_value) <> jsonb_array_length(our_before) + 1 THEN false
        WHEN (outgrow.key_of(our_value -> -1) IS NOT NULL AND NOT our_before ? (our_value ->> -1)) IS NOT TRUE THEN false
        WHEN ROW(our_value - (-1))::record *<> ROW(our_before)::record THEN false
        ELSE (SELECT count(*) FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17)) = jsonb_array_length(our_before) END)
    THEN
        INSERT INTO "campus_tables"."connections" AS t ("user_id", "connected_user_id", "pos", "created_at")
        SELECT r."user_id", r."connected_user_id", l.last + outgrow.pos_step(), r."created_at"
    FROM (SELECT coalesce(max(t."pos"), 0) AS last FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17)) l
    CROSS JOIN LATERAL "campus_tables"."connections_rows"(our_key, jsonb_build_array(our_value -> -1)) r
        ON CONFLICT ON CONSTRAINT "connections_pkey" DO UPDATE SET "pos" = excluded."pos", "created_at" = excluded."created_at";
        RETURN;
    END IF;
    our_whole := our_heads = 1 AND our_whole AND (CASE
        WHEN jsonb_typeof(our_before) = 'array' AND jsonb_typeof(our_value) = 'array'
        THEN NOT our_value @? 'strict $[*] ? (@.type() != "string")' END);
    IF our_whole THEN
        our_was := ARRAY(SELECT e.v FROM jsonb_array_elements_text(our_before) AS e(v));
        our_now := ARRAY(SELECT e.v FROM jsonb_array_elements_text(our_value) AS e(v));
    our_old := '{}';
    our_new := '{}';
    our_made := '{}';
    our_gone := '{}';
    our_full := false;
    FOR our_run IN SELECT * FROM outgrow.list_changes(our_was, our_now) LOOP
        IF (our_run.new_last - our_run.new_first + 1) * 2 > greatest(cardinality(our_now), 256)
        THEN
            our_anew := true;
            EXIT;
        END IF;
        our_old := our_old || our_was[our_run.old_first : our_run.old_last];
        our_new := our_new || our_now[our_run.new_first : our_run.new_last];
        our_labels := ARRAY(
            SELECT t."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN "campus_tables"."connections" t ON t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin))
            ORDER BY u.n);
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_was[our_run.old_first : our_run.old_last],
            our_now[our_run.new_first : our_run.new_last], our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), False) l;
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;
        -- What is new are ids, and none of them stands in the list already.
        our_whole := (SELECT count(*) FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17)) = cardinality(our_was)
            AND (
                SELECT count(DISTINCT u.v COLLATE "C") = count(*)
                    AND coalesce(max(length(u.v)), 0) <= 200
                FROM unnest(our_new) AS u(v))
            AND NOT EXISTS (
                SELECT FROM (
                    SELECT u.v FROM unnest(our_new) AS u(v)
                    EXCEPT
                    SELECT u.v FROM unnest(our_old) AS u(v)) new
                WHERE EXISTS (SELECT FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = new.v));
    END IF;
    IF our_whole IS NOT TRUE AND NOT our_anew THEN
    INSERT INTO "campus_tables"."connections_lists" AS t ("user_id", leftovers)
    VALUES (substr(our_key, 6, length(our_key) - 17), CASE WHEN CASE WHEN jsonb_typeof(our_value) = 'array' THEN (SELECT count(DISTINCT outgrow.key_of(e.v)) = jsonb_array_length(our_value) FROM jsonb_array_elements(our_value) AS e(v)) ELSE false END THEN NULL ELSE our_value END)
    ON CONFLICT ON CONSTRAINT "connections_lists_pkey"
        DO UPDATE SET leftovers = excluded.leftovers
        WHERE t.leftovers IS NOT NULL OR excluded.leftovers IS NOT NULL;
        our_was := ARRAY(
            SELECT t."connected_user_id" FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND (our_heads = 1 OR outgrow.is_own(t.xmin))
            ORDER BY t."pos", t."connected_user_id");
        our_now := ARRAY(
            SELECT r."connected_user_id" FROM "campus_tables"."connections_rows"(our_key, our_value) r ORDER BY r."pos", r."connected_user_id");
    our_old := '{}';
    our_new := '{}';
    our_made := '{}';
    our_gone := '{}';
    our_full := false;
    FOR our_run IN SELECT * FROM outgrow.list_changes(our_was, our_now) LOOP
        IF (our_run.new_last - our_run.new_first + 1) * 2 > greatest(cardinality(our_now), 256)
        THEN
            our_anew := true;
            EXIT;
        END IF;
        our_old := our_old || our_was[our_run.old_first : our_run.old_last];
        our_new := our_new || our_now[our_run.new_first : our_run.new_last];
        our_labels := ARRAY(
            SELECT t."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN "campus_tables"."connections" t ON t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin))
            ORDER BY u.n);
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_was[our_run.old_first : our_run.old_last],
            our_now[our_run.new_first : our_run.new_last], our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), False) l;
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;
    END IF;
    IF our_anew THEN
    INSERT INTO "campus_tables"."connections_lists" AS t ("user_id", leftovers)
    VALUES (substr(our_key, 6, length(our_key) - 17), CASE WHEN CASE WHEN jsonb_typeof(our_value) = 'array' THEN (SELECT count(DISTINCT outgrow.key_of(e.v)) = jsonb_array_length(our_value) FROM jsonb_array_elements(our_value) AS e(v)) ELSE false END THEN NULL ELSE our_value END)
    ON CONFLICT ON CONSTRAINT "connections_lists_pkey"
        DO UPDATE SET leftovers = excluded.leftovers
        WHERE t.leftovers IS NOT NULL OR excluded.leftovers IS NOT NULL;
        DELETE FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND (our_heads = 1 OR outgrow.is_own(t.xmin));
        IF EXISTS (SELECT FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17))
        THEN
        INSERT INTO "campus_tables"."connections" AS t ("user_id", "connected_user_id", "pos", "created_at")
        SELECT r."user_id", r."connected_user_id", r."pos", r."created_at" FROM "campus_tables"."connections_rows"(our_key, our_value) r
        ON CONFLICT ON CONSTRAINT "connections_pkey" DO UPDATE SET "pos" = excluded."pos", "created_at" = excluded."created_at";
        ELSE
            INSERT INTO "campus_tables"."connections"
                ("user_id", "connected_user_id", "pos", "created_at")
            SELECT substr(our_key, 6, length(our_key) - 17), outgrow.key_of(e.v), e.n * outgrow.pos_step(), NULL::timestamptz
            FROM jsonb_array_elements(
                CASE WHEN jsonb_typeof(our_value) = 'array' THEN our_value ELSE '[]' END)
                WITH ORDINALITY AS e(v, n)
            WHERE outgrow.key_of(e.v) IS NOT NULL
            ON CONFLICT DO NOTHING;
        END IF;
        RETURN;
    END IF;
    IF our_full THEN
        SELECT min(c.old_first) AS old_first, max(c.old_last) AS old_last,
            min(c.new_first) AS new_first, max(c.new_last) AS new_last
        INTO our_run FROM outgrow.list_changes(our_was, our_now) c;
    END IF;
    WHILE our_full LOOP
        our_wide := greatest(16, our_wide * 4);
        our_run.old_first := greatest(our_run.old_first - our_wide, 1);
        our_run.new_first := greatest(our_run.new_first - our_wide, 1);
        our_run.old_last := least(our_run.old_last + our_wide, cardinality(our_was));
        our_run.new_last := least(our_run.new_last + our_wide, cardinality(our_now));
        our_labels := ARRAY(
            SELECT t."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN "campus_tables"."connections" t ON t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin))
            ORDER BY u.n);
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_was[our_run.old_first : our_run.old_last],
            our_now[our_run.new_first : our_run.new_last], our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), True) l;
        our_old := our_was[our_run.old_first : our_run.old_last];
        our_new := our_now[our_run.new_first : our_run.new_last];
        our_made := our_placed.made;
        our_gone := our_placed.gone;
        our_full := our_made IS NULL;
    END LOOP;
    DELETE FROM "campus_tables"."connections" t
    USING (
        SELECT u.v FROM unnest(our_old) AS u(v)
        EXCEPT
        SELECT u.v FROM unnest(our_new) AS u(v)) gone
    WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = gone.v AND (our_heads = 1 OR outgrow.is_own(t.xmin));
    SELECT coalesce(array_agg(m.v ORDER BY m.n), '{}'),
        coalesce(array_agg(m.label ORDER BY m.n), '{}')
    INTO our_new, our_made
    FROM unnest(our_new, our_made) WITH ORDINALITY AS m(v, label, n)
    WHERE m.label IS NOT NULL;
        INSERT INTO "campus_tables"."connections" AS t ("user_id", "connected_user_id", "pos", "created_at")
        SELECT r."user_id", r."connected_user_id", our_made[r."pos" / outgrow.pos_step()], r."created_at" FROM "campus_tables"."connections_rows"(our_key, to_jsonb(our_new)) r
        ON CONFLICT ON CONSTRAINT "connections_pkey" DO UPDATE SET "pos" = excluded."pos", "created_at" = excluded."created_at";
END
$_$;

CREATE FUNCTION campus_tables.connections_rows(store_key text, store_value jsonb) RETURNS TABLE(user_id text, connected_user_id text, pos bigint, created_at timestamp with time zone)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT d.user_id,
     d.connected_user_id,
     d.pos,
     d.created_at
    FROM ( SELECT connections_decode.user_id,
             connections_decode.connected_user_id,
             connections_decode.pos,
             connections_decode.created_at
            FROM campus_tables.connections_decode(connections_rows.store_key, connections_rows.store_value) connections_decode(user_id, connected_user_id, pos, created_at)
          OFFSET 0) d;
END;

CREATE FUNCTION campus_tables.school_members_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, email text, name text, school text, major text, year text, interests jsonb, looking_for jsonb, blocked jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT c.c0,
     c.c1,
     c.c2,
     c.c3,
     c.c4,
     c.c5,
     c.c6,
     c.c7,
     c.c8,
     c.c9,
         CASE
             WHEN (jsonb_typeof(c.v) = 'object'::text) THEN (c.v - array_remove(ARRAY[
             CASE
                 WHEN (c.c1 IS NOT NULL) THEN 'email'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(c.c2) = (c.v -> 'name'::text)) THEN 'name'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c3 IS NOT NULL) THEN 'school'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c4 IS NOT NULL) THEN 'major'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c5 IS NOT NULL) THEN 'year'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c6 IS NOT NULL) THEN 'interests'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c7 IS NOT NULL) THEN 'lookingFor'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c8 IS NOT NULL) THEN 'blockedUsers'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c9 IS NOT NULL) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
    FROM ( SELECT substr(school_members_decode.store_key, 6) AS c0,
             outgrow.key_of((school_members_decode.store_value -> 'email'::text)) AS c1,
             outgrow.label_of((school_members_decode.store_value -> 'name'::text)) AS c2,
             outgrow.key_of((school_members_decode.store_value -> 'school'::text)) AS c3,
             outgrow.key_of((school_members_decode.store_value -> 'major'::text)) AS c4,
             outgrow.short_of((school_members_decode.store_value -> 'year'::text)) AS c5,
             outgrow.array_of((school_members_decode.store_value -> 'interests'::text)) AS c6,
             outgrow.array_of((school_members_decode.store_value -> 'lookingFor'::text)) AS c7,
             outgrow.array_of((school_members_decode.store_value -> 'blockedUsers'::text)) AS c8,
             outgrow.time_of((school_members_decode.store_value -> 'createdAt'::text)) AS c9,
             school_members_decode.store_value AS v
           WHERE (jsonb_typeof(school_members_decode.store_value) = 'object'::text)
          OFFSET 0) c;
END;

CREATE FUNCTION outgrow.fold_letters(t text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN (t !~ '[^\u0001-\u00bf\u2000-\u2fff\U0001f000-\U0001ffff]'::text) THEN lower((t COLLATE "C")) ELSE replace(replace(replace(replace(translate(lower((t COLLATE "C")), 'ØøŁłĐđÐðĦħıŊŋŦŧĸÞÆŒẞΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЄІЇҐЂЈЉЊЋЏ'::text, 'oollddddhhinnttkþæœßαβγδεζηθικλμνξοπρστυφχψωσабвгдежзийклмнопрстуфхцчшщъыьэюяєіїґђјљњћџ'::text), 'ß'::text, 'ss'::text), 'æ'::text, 'ae'::text), 'œ'::text, 'oe'::text), 'þ'::text, 'th'::text) END;

CREATE FUNCTION outgrow.fold(t text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(CASE WHEN (octet_length(t) = length(t)) THEN lower((t COLLATE "C")) ELSE outgrow.fold_letters(regexp_replace(NORMALIZE(t, NFKD), '[\u0300-\u036f’ʼ]+'::text, ''::text, 'g'::text)) END, '.'::text, ' '::text), '/'::text, ' '::text), '-'::text, ' '::text), '@'::text, ' '::text), '_'::text, ' '::text), '+'::text, ' '::text), ':'::text, ' '::text), '&'::text, ' '::text), '<'::text, ' '::text), ''''::text, ''::text);

CREATE FUNCTION outgrow.is_readable(v jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((pg_column_size(v) <= 256) AND (octet_length(format('%s'::text, v)) <= 300)) THEN true WHEN jsonb_path_exists(v, 'strict $.**{33}'::jsonpath) THEN false WHEN jsonb_path_exists(v, 'strict $.**{0 to 33}?(@ > 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 || @ < -1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000)'::jsonpath) THEN false ELSE (octet_length(format('%s'::text, v)) <= 131072) END;

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
             outgrow.search_text(d.school, d.name, ((((((((COALESCE("left"(d.major, 1000), ''::text) || ' '::text) || COALESCE("left"(d.year, 1000), ''::text)) || ' '::text) || COALESCE("left"(
                 CASE
                     WHEN outgrow.is_readable(d.interests) THEN (d.interests)::text
                     ELSE NULL::text
                 END, 1000), ''::text)) || ' '::text) || COALESCE("left"(
                 CASE
                     WHEN outgrow.is_readable(d.looking_for) THEN (d.looking_for)::text
                     ELSE NULL::text
                 END, 1000), ''::text)) || ' '::text) || COALESCE("left"(outgrow.text_of((school_members_rows.store_value -> 'bio'::text)), 1000), ''::text))) AS search_text,
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
                             WHEN ((jsonb_typeof(c.interests) = 'array'::text) AND (pg_column_size(c.interests) <= 32768) AND outgrow.is_readable(c.interests)) THEN c.interests
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."lookingFor") = 'array'::text) AND (pg_column_size(c."lookingFor") <= 32768) AND outgrow.is_readable(c."lookingFor")) THEN c."lookingFor"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.personality) = 'array'::text) AND (pg_column_size(c.personality) <= 32768) AND outgrow.is_readable(c.personality)) THEN c.personality
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.goals) = 'object'::text) AND (pg_column_size(c.goals) <= 32768) AND outgrow.is_readable(c.goals)) THEN c.goals
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."livingHabits") = 'object'::text) AND (pg_column_size(c."livingHabits") <= 32768) AND outgrow.is_readable(c."livingHabits")) THEN c."livingHabits"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.photos) = 'array'::text) AND (pg_column_size(c.photos) <= 32768) AND outgrow.is_readable(c.photos)) THEN c.photos
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
            FROM ( SELECT school_members_decode.id,
                     school_members_decode.email,
                     school_members_decode.name,
                     school_members_decode.school,
                     school_members_decode.major,
                     school_members_decode.year,
                     school_members_decode.interests,
                     school_members_decode.looking_for,
                     school_members_decode.blocked,
                     school_members_decode.created_at,
                     school_members_decode.rest
                    FROM campus_tables.school_members_decode(school_members_rows.store_key, school_members_rows.store_value) school_members_decode(id, email, name, school, major, year, interests, looking_for, blocked, created_at, rest)
                  OFFSET 0) d) r
   WHERE (r.school IS NOT NULL);
END;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.kv_store_2516be19 (
    key text NOT NULL,
    value jsonb NOT NULL
);

CREATE FUNCTION campus_tables.store_at(row_place tid) RETURNS TABLE(place tid, key text, value jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT s.ctid,
     s.key,
     s.value
    FROM public.kv_store_2516be19 s
   WHERE (s.ctid = store_at.row_place);
END;

CREATE FUNCTION campus_tables.store_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET work_mem TO '256MB'
    AS $_$
#variable_conflict use_variable
DECLARE
    old_key text;
    old_value jsonb;
    new_key text;
    new_value jsonb;
    this_key text;
    this_value jsonb;
    sees_all boolean := NOT row_security_active(TG_RELID)
        AND has_table_privilege(TG_RELID, 'SELECT') AND has_table_privilege(TG_RELID, 'UPDATE');
    is_past boolean := false;
    is_new boolean;
    is_there boolean;
    place tid;
    copied bigint;
BEGIN
    -- #> '{}' gives a value back as it is, but out of TOAST: once, not for each look into it.
    IF TG_OP <> 'INSERT' THEN
        old_key := "campus_tables"."store_key"(OLD);
        old_value := "campus_tables"."store_value"(OLD) #> '{}';
    END IF;
    IF TG_OP <> 'DELETE' THEN
        new_key := "campus_tables"."store_key"(NEW);
        new_value := "campus_tables"."store_value"(NEW) #> '{}';
        IF sees_all THEN
            is_past := NOT EXISTS (SELECT FROM "campus_tables"."store_at"(NEW.ctid));
        END IF;
    END IF;
    is_new := new_key IS DISTINCT FROM old_key;
    IF NOT is_new AND NOT is_past
        AND ROW(new_value)::record *= ROW(old_value)::record THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT'
        AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        this_key := old_key;
        IF this_key ~ '^user:([^:]+):connections$' AND length(this_key) <= 217 THEN
        WITH taken AS (SELECT old_key AS key, old_value AS value),
missing AS MATERIALIZED (
    SELECT k.key, k.value FROM taken k
    WHERE (SELECT true FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(k.key, 6, length(k.key) - 17) LIMIT 1) IS NULL
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
        ELSIF this_key ~ '^user:([^:]+)$' AND length(this_key) <= 205 THEN
        WITH taken AS (SELECT old_key AS key, old_value AS value),
filled AS (
    INSERT INTO "campus_tables"."school_members" ("school", "user_id", "major", "year", "created_at")
    SELECT r."school", r."user_id", r."major", r."year", r."created_at" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."school_members_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        WITH taken AS (SELECT old_key AS key, old_value AS value),
filled AS (
    INSERT INTO "campus_tables"."user_search" ("school", "user_id", "visible", "blocked", "search_name", "search_text")
    SELECT r."school", r."user_id", r."visible", r."blocked", r."search_name", r."search_text" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."user_search_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        END IF;
    END IF;
    FOR turn IN 1 .. 2 LOOP
        IF turn = 1 THEN
            this_key := old_key;
            CONTINUE WHEN NOT is_new;
        ELSE
            this_key := new_key;
            this_value := new_value;
        END IF;
        CONTINUE WHEN this_key IS NULL;
        IF turn = 1 OR is_past THEN
            IF this_key ~ '^user:([^:]+):connections$' AND length(this_key) <= 217 THEN
        DELETE FROM "campus_tables"."connections" t WHERE t."user_id" = substr(this_key, 6, length(this_key) - 17);
        DELETE FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(this_key, 6, length(this_key) - 17);
            ELSIF this_key ~ '^user:([^:]+)$' AND length(this_key) <= 205 THEN
        DELETE FROM "campus_tables"."school_members" t WHERE t."user_id" = substr(this_key, 6);
        DELETE FROM "campus_tables"."user_search" t WHERE t."user_id" = substr(this_key, 6);
            END IF;
            is_new := true;
            is_there := false;
            IF sees_all THEN
                FOR place IN SELECT r.place FROM "campus_tables"."store_under"(this_key) r LOOP
                    BEGIN
                        SELECT true, r.value #> '{}' INTO is_there, this_value
                        FROM "campus_tables"."store_locked"(place) r;
                    EXCEPTION WHEN serialization_failure THEN
                    END;
                    EXIT WHEN is_there;
                END LOOP;
            END IF;
            CONTINUE WHEN is_there IS NOT TRUE;
        END IF;
        IF this_key ~ '^user:([^:]+):connections$' AND length(this_key) <= 217 THEN
        PERFORM "campus_tables"."connections_follow"(this_key, this_value, CASE WHEN NOT is_new THEN old_value END);
        ELSIF this_key ~ '^user:([^:]+)$' AND length(this_key) <= 205 THEN
        IF NOT is_new AND NOT EXISTS (SELECT FROM "campus_tables"."school_members_rows"(this_key, this_value)) THEN
            DELETE FROM "campus_tables"."school_members" t WHERE t."user_id" = substr(this_key, 6);
        END IF;
        INSERT INTO "campus_tables"."school_members" AS t ("school", "user_id", "major", "year", "created_at")
        SELECT r."school", r."user_id", r."major", r."year", r."created_at" FROM "campus_tables"."school_members_rows"(this_key, this_value) r
        ON CONFLICT ON CONSTRAINT "school_members_pkey" DO UPDATE SET "school" = excluded."school", "major" = excluded."major", "year" = excluded."year", "created_at" = excluded."created_at"
            WHERE ROW(t."school", t."major", t."year", t."created_at")::record *<> ROW(excluded."school", excluded."major", excluded."year", excluded."created_at")::record;
        IF NOT is_new AND NOT EXISTS (SELECT FROM "campus_tables"."user_search_rows"(this_key, this_value)) THEN
            DELETE FROM "campus_tables"."user_search" t WHERE t."user_id" = substr(this_key, 6);
        END IF;
        INSERT INTO "campus_tables"."user_search" AS t ("school", "user_id", "visible", "blocked", "search_name", "search_text")
        SELECT r."school", r."user_id", r."visible", r."blocked", r."search_name", r."search_text" FROM "campus_tables"."user_search_rows"(this_key, this_value) r
        ON CONFLICT ON CONSTRAINT "user_search_pkey" DO UPDATE SET "school" = excluded."school", "visible" = excluded."visible", "blocked" = excluded."blocked", "search_name" = excluded."search_name", "search_text" = excluded."search_text";
        END IF;
    END LOOP;
    RETURN NULL;
END
$_$;

CREATE FUNCTION campus_tables.store_key(store_row public.kv_store_2516be19) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (store_row).key;

CREATE FUNCTION campus_tables.store_locked(row_place tid) RETURNS TABLE(place tid, key text, value jsonb)
    LANGUAGE sql ROWS 1
    BEGIN ATOMIC
 SELECT s.ctid,
     s.key,
     s.value
    FROM public.kv_store_2516be19 s
   WHERE (s.ctid = store_locked.row_place)
  FOR KEY SHARE OF s;
END;

CREATE FUNCTION campus_tables.store_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET work_mem TO '256MB'
    AS $$
#variable_conflict use_variable
BEGIN
    BEGIN
        LOCK TABLE "campus_tables"."connections", "campus_tables"."school_members", "campus_tables"."user_search", "campus_tables"."connections_lists" IN ACCESS EXCLUSIVE MODE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
        IF current_setting('transaction_isolation') = 'read committed' THEN
            DELETE FROM "campus_tables"."connections";
            DELETE FROM "campus_tables"."school_members";
            DELETE FROM "campus_tables"."user_search";
            DELETE FROM "campus_tables"."connections_lists";
            RETURN NULL;
        END IF;
    END;
    TRUNCATE "campus_tables"."connections", "campus_tables"."school_members", "campus_tables"."user_search", "campus_tables"."connections_lists";
    RETURN NULL;
END
$$;

CREATE FUNCTION campus_tables.store_under(store_key text) RETURNS TABLE(place tid, key text, value jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT s.ctid,
     s.key,
     s.value
    FROM public.kv_store_2516be19 s
   WHERE (s.key = store_under.store_key);
END;

CREATE FUNCTION campus_tables.store_value(store_row public.kv_store_2516be19) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (store_row).value;

CREATE FUNCTION campus_tables.user_search_decode(store_key text, store_value jsonb) RETURNS TABLE(id text, email text, name text, school text, major text, year text, interests jsonb, looking_for jsonb, blocked jsonb, created_at timestamp with time zone, rest jsonb)
    LANGUAGE sql STABLE ROWS 1 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT c.c0,
     c.c1,
     c.c2,
     c.c3,
     c.c4,
     c.c5,
     c.c6,
     c.c7,
     c.c8,
     c.c9,
         CASE
             WHEN (jsonb_typeof(c.v) = 'object'::text) THEN (c.v - array_remove(ARRAY[
             CASE
                 WHEN (c.c1 IS NOT NULL) THEN 'email'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (to_jsonb(c.c2) = (c.v -> 'name'::text)) THEN 'name'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c3 IS NOT NULL) THEN 'school'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c4 IS NOT NULL) THEN 'major'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c5 IS NOT NULL) THEN 'year'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c6 IS NOT NULL) THEN 'interests'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c7 IS NOT NULL) THEN 'lookingFor'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c8 IS NOT NULL) THEN 'blockedUsers'::text
                 ELSE NULL::text
             END,
             CASE
                 WHEN (c.c9 IS NOT NULL) THEN 'createdAt'::text
                 ELSE NULL::text
             END], NULL::text))
             ELSE NULL::jsonb
         END AS "case"
    FROM ( SELECT substr(user_search_decode.store_key, 6) AS c0,
             outgrow.key_of((user_search_decode.store_value -> 'email'::text)) AS c1,
             outgrow.label_of((user_search_decode.store_value -> 'name'::text)) AS c2,
             outgrow.key_of((user_search_decode.store_value -> 'school'::text)) AS c3,
             outgrow.key_of((user_search_decode.store_value -> 'major'::text)) AS c4,
             outgrow.short_of((user_search_decode.store_value -> 'year'::text)) AS c5,
             outgrow.array_of((user_search_decode.store_value -> 'interests'::text)) AS c6,
             outgrow.array_of((user_search_decode.store_value -> 'lookingFor'::text)) AS c7,
             outgrow.array_of((user_search_decode.store_value -> 'blockedUsers'::text)) AS c8,
             outgrow.time_of((user_search_decode.store_value -> 'createdAt'::text)) AS c9,
             user_search_decode.store_value AS v
           WHERE (jsonb_typeof(user_search_decode.store_value) = 'object'::text)
          OFFSET 0) c;
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
             outgrow.search_text(d.school, d.name, ((((((((COALESCE("left"(d.major, 1000), ''::text) || ' '::text) || COALESCE("left"(d.year, 1000), ''::text)) || ' '::text) || COALESCE("left"(
                 CASE
                     WHEN outgrow.is_readable(d.interests) THEN (d.interests)::text
                     ELSE NULL::text
                 END, 1000), ''::text)) || ' '::text) || COALESCE("left"(
                 CASE
                     WHEN outgrow.is_readable(d.looking_for) THEN (d.looking_for)::text
                     ELSE NULL::text
                 END, 1000), ''::text)) || ' '::text) || COALESCE("left"(outgrow.text_of((user_search_rows.store_value -> 'bio'::text)), 1000), ''::text))) AS search_text,
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
                             WHEN ((jsonb_typeof(c.interests) = 'array'::text) AND (pg_column_size(c.interests) <= 32768) AND outgrow.is_readable(c.interests)) THEN c.interests
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."lookingFor") = 'array'::text) AND (pg_column_size(c."lookingFor") <= 32768) AND outgrow.is_readable(c."lookingFor")) THEN c."lookingFor"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.personality) = 'array'::text) AND (pg_column_size(c.personality) <= 32768) AND outgrow.is_readable(c.personality)) THEN c.personality
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.goals) = 'object'::text) AND (pg_column_size(c.goals) <= 32768) AND outgrow.is_readable(c.goals)) THEN c.goals
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c."livingHabits") = 'object'::text) AND (pg_column_size(c."livingHabits") <= 32768) AND outgrow.is_readable(c."livingHabits")) THEN c."livingHabits"
                             ELSE 'null'::jsonb
                         END,
                         CASE
                             WHEN ((jsonb_typeof(c.photos) = 'array'::text) AND (pg_column_size(c.photos) <= 32768) AND outgrow.is_readable(c.photos)) THEN c.photos
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
            FROM ( SELECT user_search_decode.id,
                     user_search_decode.email,
                     user_search_decode.name,
                     user_search_decode.school,
                     user_search_decode.major,
                     user_search_decode.year,
                     user_search_decode.interests,
                     user_search_decode.looking_for,
                     user_search_decode.blocked,
                     user_search_decode.created_at,
                     user_search_decode.rest
                    FROM campus_tables.user_search_decode(user_search_rows.store_key, user_search_rows.store_value) user_search_decode(id, email, name, school, major, year, interests, looking_for, blocked, created_at, rest)
                  OFFSET 0) d) r;
END;

CREATE FUNCTION network.secret_id() RETURNS bytea
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT sha256(s.value) FROM network.secrets AS s WHERE s.name = 'signing' $$;

CREATE FUNCTION network.is_open(ended_at timestamp with time zone, expires_at timestamp with time zone, secret_id bytea) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((ended_at IS NULL) AND (expires_at > now()) AND COALESCE((secret_id = network.secret_id()), false));

CREATE FUNCTION network.lock_and_why_closed(viewer text, participants jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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
  RETURN CASE
    WHEN network.school_of(viewer) IS NULL THEN 'not_here'
    ELSE network.why_closed(viewer, participants) END;
END
$$;

CREATE FUNCTION network.message(of_chat text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN format('{"id":%s,"chat_id":%s,"pos":%s,"sender_id":%s,"content":%s,"kind":%s,"sent_at":%s}'::text, COALESCE((to_json("left"(id, 1000)))::text, 'null'::text), to_json(of_chat), pos, COALESCE((to_json(sender_id))::text, 'null'::text), COALESCE((to_json("left"(content, 32000)))::text, 'null'::text), COALESCE((to_json(kind))::text, 'null'::text), COALESCE((outgrow.json_of_time(sent_at))::text, 'null'::text));

CREATE FUNCTION network.pair_number(one text, other text) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT hashtextextended(
    coalesce((
      SELECT encode(s.value, 'hex') FROM network.secrets AS s WHERE s.name = 'notifications'), '')
    || ' pair ' || least(one COLLATE "C", other COLLATE "C")
    || ' ' || greatest(one COLLATE "C", other COLLATE "C"), 0)
$$;

CREATE FUNCTION network.school_of(of_user text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT u.school FROM campus.users AS u
  WHERE u.id = of_user AND u.at = campus.users_at(of_user)
    AND (
      NOT EXISTS (SELECT FROM network.school_domains AS d WHERE d.school = u.school)
      OR EXISTS (
        SELECT FROM network.accounts AS a
        WHERE a.user_id = of_user AND (
          a.admitted_to = u.school
          OR a.verified_at IS NOT NULL AND EXISTS (
            SELECT FROM network.school_domains AS d
            WHERE d.school = u.school AND d.domain = split_part(a.email_key, '@', -1)))))
$$;

CREATE FUNCTION network.shift(of_chat text) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION network.why_closed(viewer text, participants jsonb) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  SELECT CASE
    WHEN me.visible IS NOT TRUE THEN 'profile_hidden'
    WHEN o.there > 32 OR o.there > 1 AND o.connected < o.there THEN 'added_outside'
    WHEN o.there = 0 OR o.seen < o.there THEN 'not_here'
    WHEN o.connected < o.there THEN 'not_connected'
    WHEN o.takes < o.there THEN 'messages_not_taken'
  END
  FROM (SELECT) AS nothing
  LEFT JOIN LATERAL (
    SELECT u.school, u.visible, u.blocked FROM campus.users AS u
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
      WHERE u.id = p.id AND u.at = campus.users_at(p.id) AND u.school = me.school AND u.visible
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
$_$;

CREATE FUNCTION outgrow.boolean_of(v jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (jsonb_typeof(v) = 'boolean'::text) THEN (v = 'true'::jsonb) ELSE NULL::boolean END;

CREATE FUNCTION outgrow.is_own(row_xmin xid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
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

CREATE FUNCTION outgrow.json_of(v jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (jsonb_typeof(v) <> 'null'::text) THEN v ELSE NULL::jsonb END;

CREATE FUNCTION outgrow.list_changes(was text[], now text[]) RETURNS TABLE(old_first integer, old_last integer, new_first integer, new_last integer)
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
  many_old CONSTANT integer := cardinality(was);
  many_new CONSTANT integer := cardinality(now);
  i integer := 1;
  j integer := 1;
  runs integer := 0;
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
    runs := runs + 1;
    FOR d IN 1 .. CASE WHEN runs <= 16 THEN 64 ELSE 0 END LOOP
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
    IF gone IS NULL AND runs <= 16 AND i <= many_old AND j <= many_new THEN
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
    i := i + gone;
    j := j + come;
    old_last := i - 1;
    new_last := j - 1;
    RETURN NEXT;
  END LOOP;
END
$$;

CREATE FUNCTION outgrow.list_labels(was text[], now text[], labels bigint[], has_low boolean, has_high boolean, spread boolean, OUT made bigint[], OUT gone bigint[]) RETURNS record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
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
  IF many = cardinality(was) AND many > 64 THEN  -- most likely each for each
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

CREATE VIEW campus.chats AS
 SELECT d.id,
    d.participants,
    d.created_at,
    d.rest,
    s.key AS at,
    s.value AS probe
   FROM (public.kv_store_2516be19 s
     CROSS JOIN LATERAL campus.chats_decode(s.key, s.value) d(id, participants, created_at, rest))
  WHERE ((s.key ~ '^chat:(.+)$'::text) AND (length(s.key) <= 205) AND (NOT ((s.key ~ '^chat:(.+):messages$'::text) AND (length(s.key) <= 214))) AND (NOT ((s.key ~ '^chat:(.+):typing:([^:]+)$'::text) AND ((length(s.key) <= 214) OR (s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'::text)))));

CREATE VIEW campus.connections AS
 SELECT d.user_id,
    d.connected_user_id,
    d.pos,
    d.created_at,
    s.key AS at,
    s.value AS probe
   FROM (public.kv_store_2516be19 s
     CROSS JOIN LATERAL campus.connections_decode(s.key, s.value) d(user_id, connected_user_id, pos, created_at))
  WHERE ((s.key ~ '^user:([^:]+):connections$'::text) AND (length(s.key) <= 217));

CREATE VIEW campus.intros AS
 SELECT d.from_id,
    d.to_id,
    d.sent_ms,
    d.reason,
    d.status,
    d.created_at,
    d.accepted_at,
    d.denied_at,
    d.rest,
    s.key AS at,
    s.value AS probe
   FROM (public.kv_store_2516be19 s
     CROSS JOIN LATERAL campus.intros_decode(s.key, s.value) d(from_id, to_id, sent_ms, reason, status, created_at, accepted_at, denied_at, rest))
  WHERE ((s.key ~ '^intro:([^:]+):([^:]+):([^:]+)$'::text) AND ((length(s.key) <= 210) OR (s.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$'::text)));

CREATE VIEW campus.messages AS
 SELECT d.chat_id,
    d.pos,
    d.id,
    d.sender_id,
    d.content,
    d.kind,
    d.sent_at,
    d.rest,
    s.key AS at,
    s.value AS probe
   FROM (public.kv_store_2516be19 s
     CROSS JOIN LATERAL campus.messages_decode(s.key, s.value) d(chat_id, pos, id, sender_id, content, kind, sent_at, rest))
  WHERE ((s.key ~ '^chat:(.+):messages$'::text) AND (length(s.key) <= 214));

CREATE VIEW campus.participants AS
 SELECT r.id AS chat_id,
    outgrow.key_of(e.v) AS user_id,
    (e.pos * outgrow.pos_step()) AS pos,
    r.at,
    r.probe
   FROM (campus.chats r
     CROSS JOIN LATERAL ( SELECT e_1.v,
            min(e_1.pos) AS pos
           FROM jsonb_array_elements(r.participants) WITH ORDINALITY e_1(v, pos)
          WHERE (outgrow.key_of(e_1.v) IS NOT NULL)
          GROUP BY e_1.v) e);

CREATE VIEW campus.users AS
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
    (outgrow.sort_time_of((s.value -> 'createdAt'::text)) COLLATE "C") AS sort_created,
    ((s.value #> '{settings,profileVisible}'::text[]) IS DISTINCT FROM 'false'::jsonb) AS visible,
    outgrow.search_name(d.name) AS search_name,
    outgrow.search_text(d.school, d.name, ((((((((COALESCE("left"(d.major, 1000), ''::text) || ' '::text) || COALESCE("left"(d.year, 1000), ''::text)) || ' '::text) || COALESCE("left"(
        CASE
            WHEN outgrow.is_readable(d.interests) THEN (d.interests)::text
            ELSE NULL::text
        END, 1000), ''::text)) || ' '::text) || COALESCE("left"(
        CASE
            WHEN outgrow.is_readable(d.looking_for) THEN (d.looking_for)::text
            ELSE NULL::text
        END, 1000), ''::text)) || ' '::text) || COALESCE("left"(outgrow.text_of((s.value -> 'bio'::text)), 1000), ''::text))) AS search_text,
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
                   FROM ( SELECT (s.value || '{}'::jsonb) AS v
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
                    WHEN ((jsonb_typeof(c.interests) = 'array'::text) AND (pg_column_size(c.interests) <= 32768) AND outgrow.is_readable(c.interests)) THEN c.interests
                    ELSE 'null'::jsonb
                END,
                CASE
                    WHEN ((jsonb_typeof(c."lookingFor") = 'array'::text) AND (pg_column_size(c."lookingFor") <= 32768) AND outgrow.is_readable(c."lookingFor")) THEN c."lookingFor"
                    ELSE 'null'::jsonb
                END,
                CASE
                    WHEN ((jsonb_typeof(c.personality) = 'array'::text) AND (pg_column_size(c.personality) <= 32768) AND outgrow.is_readable(c.personality)) THEN c.personality
                    ELSE 'null'::jsonb
                END,
                CASE
                    WHEN ((jsonb_typeof(c.goals) = 'object'::text) AND (pg_column_size(c.goals) <= 32768) AND outgrow.is_readable(c.goals)) THEN c.goals
                    ELSE 'null'::jsonb
                END,
                CASE
                    WHEN ((jsonb_typeof(c."livingHabits") = 'object'::text) AND (pg_column_size(c."livingHabits") <= 32768) AND outgrow.is_readable(c."livingHabits")) THEN c."livingHabits"
                    ELSE 'null'::jsonb
                END,
                CASE
                    WHEN ((jsonb_typeof(c.photos) = 'array'::text) AND (pg_column_size(c.photos) <= 32768) AND outgrow.is_readable(c.photos)) THEN c.photos
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
                   FROM ( SELECT (s.value || '{}'::jsonb) AS v
                         OFFSET 0) whole
                 OFFSET 0) c) AS card,
    s.key AS at,
    s.value AS probe
   FROM (public.kv_store_2516be19 s
     CROSS JOIN LATERAL campus.users_decode(s.key, s.value) d(id, email, name, school, major, year, interests, looking_for, blocked, created_at, rest))
  WHERE ((s.key ~ '^user:([^:]+)$'::text) AND (length(s.key) <= 205));

CREATE VIEW campus.school_members AS
 SELECT r.school,
    r.id AS user_id,
    r.major,
    r.year,
    r.created_at,
    r.at,
    r.probe
   FROM campus.users r
  WHERE (r.school IS NOT NULL);

CREATE VIEW campus.user_search AS
 SELECT r.school,
    r.id AS user_id,
    r.visible,
    r.blocked,
    r.search_name,
    r.search_text,
    r.at,
    r.probe
   FROM campus.users r;

CREATE TABLE campus_tables.connections (
    user_id text NOT NULL,
    connected_user_id text NOT NULL,
    pos bigint,
    created_at timestamp with time zone
);

CREATE TABLE campus_tables.connections_lists (
    user_id text NOT NULL,
    leftovers jsonb
);

CREATE TABLE campus_tables.school_members (
    school text,
    user_id text NOT NULL,
    major text,
    year text,
    created_at timestamp with time zone
);

CREATE TABLE campus_tables.user_search (
    school text,
    user_id text NOT NULL,
    visible boolean,
    blocked jsonb,
    search_name text,
    search_text text
);

CREATE TABLE network.accounts (
    user_id text NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    password_set_at timestamp with time zone DEFAULT now() NOT NULL,
    verified_at timestamp with time zone,
    admitted_to text
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

CREATE TABLE network.invitations (
    user_id text NOT NULL,
    email_key text NOT NULL,
    email text NOT NULL,
    linked boolean DEFAULT false NOT NULL,
    begun_at timestamp with time zone,
    mailed_at timestamp with time zone,
    school text
);

CREATE UNLOGGED TABLE network.limits (
    name text NOT NULL,
    subject text NOT NULL,
    due timestamp with time zone NOT NULL,
    wait numeric DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE network.operations (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    role text DEFAULT SESSION_USER NOT NULL,
    host text DEFAULT COALESCE(host(inet_client_addr()), 'local'::text) NOT NULL,
    command text NOT NULL,
    subject text
);

ALTER TABLE network.operations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME network.operations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

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

CREATE TABLE network.reset_codes (
    subject text NOT NULL,
    hash bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
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
    device text,
    secret_id bytea DEFAULT network.secret_id()
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
    first_pos bigint NOT NULL
);

CREATE TABLE outgrow.definitions (
    name text NOT NULL,
    place text NOT NULL,
    object text NOT NULL,
    digest text NOT NULL,
    made text NOT NULL,
    server integer NOT NULL
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
    store_oid oid,
    CONSTRAINT layouts_phase_check CHECK ((phase = ANY (ARRAY['found'::text, 'optimized'::text, 'hybrid'::text, 'relational'::text])))
);

CREATE TABLE outgrow.lifts (
    name text NOT NULL,
    relation text NOT NULL,
    version text NOT NULL,
    state text DEFAULT 'filling'::text NOT NULL,
    after text DEFAULT ''::text NOT NULL,
    upto text,
    estimate bigint,
    keys bigint DEFAULT 0 NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    leftovers bigint,
    since timestamp with time zone DEFAULT now() NOT NULL,
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

CREATE TABLE outgrow.skipped (
    id bigint NOT NULL,
    name text NOT NULL,
    relation text NOT NULL,
    key text NOT NULL
);

ALTER TABLE outgrow.skipped ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outgrow.skipped_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

INSERT INTO campus_tables.connections VALUES ('u1', 'u2', 1000000, NULL);
INSERT INTO campus_tables.connections VALUES ('u2', 'u3', 1000000, NULL);
INSERT INTO campus_tables.connections VALUES ('u3', 'u4', 1000000, NULL);
INSERT INTO campus_tables.connections VALUES ('u4', 'u5', 1000000, NULL);
INSERT INTO campus_tables.connections VALUES ('u5', 'u6', 1000000, NULL);
INSERT INTO campus_tables.connections VALUES ('u6', 'u7', 1000000, NULL);
INSERT INTO campus_tables.connections VALUES ('u7', 'u1', 1000000, NULL);

INSERT INTO campus_tables.connections_lists VALUES ('u1', NULL);
INSERT INTO campus_tables.connections_lists VALUES ('u2', NULL);
INSERT INTO campus_tables.connections_lists VALUES ('u3', NULL);
INSERT INTO campus_tables.connections_lists VALUES ('u4', NULL);
INSERT INTO campus_tables.connections_lists VALUES ('u5', NULL);
INSERT INTO campus_tables.connections_lists VALUES ('u6', NULL);
INSERT INTO campus_tables.connections_lists VALUES ('u7', NULL);

INSERT INTO network.accounts VALUES ('u1', 'Ada@Northfield.edu', 'ada@northfield.edu', '$argon2id$ada', '2026-01-01 00:00:00+00', '2026-01-02 00:00:00+00', '2026-01-03 00:00:00+00', NULL);
INSERT INTO network.accounts VALUES ('u2', 'ben@elsewhere.example', 'ben@elsewhere.example', '$argon2id$ben', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', NULL, 'Northfield');

INSERT INTO network.blocks VALUES ('u1', 'u5', '2026-01-01 00:00:00+00', false);
INSERT INTO network.blocks VALUES ('u2', 'u6', '2026-01-01 00:00:00+00', true);

INSERT INTO network.closed_intros VALUES ('u1', 'u7', '1767225600000', 'withdrawn', '2026-01-01 00:00:00+00');

INSERT INTO network.codes VALUES ('verify', 'u2', '\x08', 2, '2026-01-01 00:00:00+00');

INSERT INTO network.deletions VALUES ('u9', '2026-01-01 00:00:00+00', NULL);

INSERT INTO network.invitations VALUES ('u3', 'dee@northfield.edu', 'dee@northfield.edu', true, '2026-01-01 00:00:00+00', NULL, 'Northfield');
INSERT INTO network.invitations VALUES ('u4', 'eve@northfield.edu', 'eve@northfield.edu', false, '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', NULL);

INSERT INTO network.limits VALUES ('log_in', 'ada@northfield.edu', '2026-01-01 00:00:00+00', 1.5);

INSERT INTO network.operations OVERRIDING SYSTEM VALUE VALUES (1, '2026-01-01 00:00:00+00', 'postgres', 'local', 'account link', 'u2');

INSERT INTO network.read_marks VALUES ('c1', 'u1', 4000000, '2026-01-01 00:00:00+00');
INSERT INTO network.read_marks VALUES ('c1', 'u2', 2000000, '2026-01-01 00:00:00+00');

INSERT INTO network.reports VALUES ('r1', 'u1', 'u5', 'spam', 'so much of it', NULL, '2026-01-01 00:00:00+00', NULL, NULL);

INSERT INTO network.reset_codes VALUES ('u1', '\x09', '2026-01-01 00:00:00+00');

INSERT INTO network.school_domains VALUES ('northfield.edu', 'Northfield', '2026-01-01 00:00:00+00');

INSERT INTO network.secrets VALUES ('signing', '\xb2fe2da608e288679e50916d6992af1efc4c980cb06cbe1cf76c1d7e931cc60b', '2026-11-30 15:18:42.454637+00');
INSERT INTO network.secrets VALUES ('notifications', '\xa9df8d443452920ecdc994037a49aae022f1f53db01da02aba4fb7a2bbe9d774', '2026-11-30 15:18:42.454637+00');

INSERT INTO network.sent_messages VALUES ('u1', 'k1', '\x0a', 'c1', 'm1', '2026-01-01 00:00:00+00');

INSERT INTO network.sessions VALUES ('s1', 'u1', '\x01', '\x02', '\x03', '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', '2099-01-01 00:00:00+00', NULL, 'Firefox on Linux', '\xcc9b9d97eec7010b310f24bf10f1741664aab4008e2e0497baa52d51f19c390f');
INSERT INTO network.sessions VALUES ('s2', 'u1', '\x04', '\x05', NULL, '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', '2026-02-01 00:00:00+00', '2026-01-05 00:00:00+00', NULL, '\xcc9b9d97eec7010b310f24bf10f1741664aab4008e2e0497baa52d51f19c390f');
INSERT INTO network.sessions VALUES ('s3', 'u2', '\x06', '\x07', NULL, '2026-01-01 00:00:00+00', '2026-01-01 00:00:00+00', '2099-01-01 00:00:00+00', NULL, NULL, '\xcc9b9d97eec7010b310f24bf10f1741664aab4008e2e0497baa52d51f19c390f');

INSERT INTO network.sign_ups VALUES ('cai@northfield.edu', 'cai@northfield.edu', '$argon2id$cai', '{"name": "Cai"}', '2026-01-01 00:00:00+00');

INSERT INTO network.trimmed_chats VALUES ('c1', 3000000);

INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.chats_at(text)', 'e2f0156fe758191a47d943d3e9ecc75a', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.chats_decode(text,jsonb)', 'bfb425b9ff2385faa536b7394f7cd6f8', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.chats_encode(jsonb,timestamp with time zone,jsonb)', '9beb0e3592860d2c6714cd6f47ea1de0', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.chats_key(text)', 'e2f0156fe758191a47d943d3e9ecc75a', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.chats_lists(text,jsonb)', 'ae4ca6693a49484676a13c2aeaaefec9', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.chats_write()', '491130630305e68af845d65ccd5de839', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.connections_at(text)', 'f6c4a995140919fde97003a29955ed98', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.connections_decode(text,jsonb)', '3a60ed4e7707e6790817a0bc752e3fff', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.connections_key(text)', 'f6c4a995140919fde97003a29955ed98', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.connections_probe(text)', 'aef46ba6ce24237def2a06a7f3898598', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.connections_write()', 'af3147d02afc62f64b7f502519bec83e', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.intros_at(text,text,text)', '614e6636c386c64a4b39a5b1c8267208', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.intros_decode(text,jsonb)', 'e08ec55cabfd9913f5cdfa8bcab98cff', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.intros_encode(text,text,timestamp with time zone,timestamp with time zone,timestamp with time zone,jsonb)', '10f3f150af3207b30dbee855d4a274d0', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.intros_key(text,text,text)', '614e6636c386c64a4b39a5b1c8267208', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.intros_lists(text,text,text)', 'a07fbfb016a72e061fb92a1e77f24fd9', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.intros_write()', 'b0b12b72aff81528d5bc4325c22c830c', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.lock_keys(text[],text[])', '69d06789b028d8f98a2afd50c4bbddab', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.messages_at(text)', '4e973ace0b82e15351101033446c9ee7', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.messages_decode(text,jsonb)', '1b34a0ed22f5a13532f1876f69e8b14a', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.messages_encode(text,text,text,text,timestamp with time zone,jsonb)', '5c13d6f678d8e5e153fc8954ee4bc0ba', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.messages_key(text)', '4e973ace0b82e15351101033446c9ee7', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.messages_last_pos(text,jsonb)', 'cbc708152ea357fa306366e69fa9c49c', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.messages_place(text,bigint,jsonb)', 'd856b1d10468256d7e7f00ef5f1218eb', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.messages_trim(text,bigint)', '585b95de8aa8dcc7e2ae7106486ae4a0', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.messages_write()', '3ffaafe633172760bfcb5bfc55e946c6', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.participants_at(text)', 'e2f0156fe758191a47d943d3e9ecc75a', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.participants_probe(text)', 'c0c6e6ba49e3b54f50ed63e41c868a93', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.read_only()', '3f1c8143798bb503569de24defa934f7', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.school_members_at(text)', '19afe97f6f08d7164d34fe4538afdefc', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.user_search_at(text)', '19afe97f6f08d7164d34fe4538afdefc', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.users_at(text)', '19afe97f6f08d7164d34fe4538afdefc', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.users_decode(text,jsonb)', '6a8da10b200fbd5dc1c9f657b8c89c3b', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.users_encode(text,text,text,text,text,jsonb,jsonb,jsonb,timestamp with time zone,jsonb)', 'ddeb32b7982e62631f957a261cfc2ff6', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.users_key(text)', '19afe97f6f08d7164d34fe4538afdefc', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.users_lists(text,text)', 'd482584359433c293a7f730d3a7f7496', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'function campus.users_write()', 'c4b9818c4c474b9c311ef021992fa0ea', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'trigger chats_write on campus.chats', '451aa3667b3949319d1abdf11ae352bf', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'trigger connections_write on campus.connections', '255809e42598e325886a61d1549b6d2c', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'trigger intros_write on campus.intros', '3a7be6b59bc7f9d776b14c50cb5b3e2f', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'trigger messages_write on campus.messages', '2514a0ab084edc67dab01428f3b822bb', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'trigger participants_write on campus.participants', 'bb1fa509b7bd24a4a274dc62ebbe70b0', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'trigger school_members_write on campus.school_members', 'bb1fa509b7bd24a4a274dc62ebbe70b0', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'trigger user_search_write on campus.user_search', 'bb1fa509b7bd24a4a274dc62ebbe70b0', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'trigger users_write on campus.users', 'f9d38118395d655d348b6b79306ec73a', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'view campus.chats', 'fadefcdbf65bd73bef314444618d034b', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'view campus.connections', 'ffd15585365f900640204d845f19a39c', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'view campus.intros', '54a7881524e5cf2ef4b2c28dc6203819', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'view campus.messages', '9148ae806ab45b7135215bb40cfbb666', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'view campus.participants', '4f9146548aa7f8aacf3be042ebf10a3d', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'view campus.school_members', '875b90a1f4182b4e6df827662c95905e', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'view campus.user_search', 'dada0feeb4c883e81d3b6045a33cd031', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus', 'view campus.users', '413680be545e7e28e28e22ffd35cc9e8', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.array_of(jsonb)', 'fd45850d71cb200d8ebe6126324a8cb4', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.boolean_of(jsonb)', '974b566ce5c8f91610afee48e87473e0', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.fold(text)', 'ffb236ea4e876e6ed84a7c5b35cd60d9', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.fold_letters(text)', 'a85fb3ef71864f5d6871c17b7e107b56', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.is_own(xid)', '709b9907fd2d4961d403e88e68f5b469', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.is_readable(jsonb)', '23e04fe3b8be937d4efa66a53da5500a', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.json_of(jsonb)', 'd05c08db6e078c3a3618b540253667d8', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.json_of_time(timestamp with time zone)', '6fc51e63795f1af995967642d550fe4e', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.key_of(jsonb)', '60d4456876d2ff868e2a7d38d5bd9443', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.label_of(jsonb)', '356c6f60ddd6d1de057e57f6657c426d', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.list_changes(text[],text[])', '1b82d88c5aafabf0ca40d02a80bd3b08', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.list_labels(text[],text[],bigint[],boolean,boolean,boolean)', 'd5175394afd3ae82a7242f8044ec3466', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.number_of(jsonb)', '8666884cca4f748b6462710eee954efd', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.pos_step()', '09638d0e435a65c8582adfd9cd5141bb', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.search_name(text)', '95767378a896fc054c9e3395243eab87', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.search_text(text,text,text)', '6c08d551f5efcad1b15f32336c937e5c', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.short_of(jsonb)', 'd0cea86598e52b21c0b12a96e241f33d', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.sort_time_of(jsonb)', 'aa36c879635118d58c9918941c34b306', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.text_of(jsonb)', '4b5463840a07fcbeba2ac83844ba78f9', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.time_of(jsonb)', 'af59abcf8c1cb6fdd0de9c2339e672c2', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'outgrow', 'function outgrow.trait_words(text,text[],jsonb[])', 'a425535ba060291dcc3382a802c5f243', '743', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.connections_decode(text,jsonb)', '3a60ed4e7707e6790817a0bc752e3fff', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.connections_follow(text,jsonb,jsonb)', '25bd25f82b5b76c12788ed110ac7fc89', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.connections_rows(text,jsonb)', 'f6b33f11449064296279ecdad0e5d2e6', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.school_members_decode(text,jsonb)', '33d1c6a21a868caad25d6d76ed76e729', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.school_members_rows(text,jsonb)', '5d388716f1a59f1b471ccb7a514847b6', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.store_at(tid)', 'ed72e22186ff6e13c042a581430ac3a2', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.store_changed()', '0b3b3cb5ae3c4f2a61d8162014b0f759', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.store_key(the store)', '2b56b960fa8c9fd2e7b13ce6d4637f8e', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.store_locked(tid)', 'ce7dcb993f0c9d49f56cd69996e77d63', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.store_truncated()', 'f5c147043d3ec433e66c9224f9853d66', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.store_under(text)', '4c7b05b98b443f8f794241aa37a553da', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.store_value(the store)', 'cfba494171ec860a2415e111c1b4b81e', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.user_search_decode(text,jsonb)', '2f2c3ef7a25f2ab7a9316e0ab4e196e7', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'function campus_tables.user_search_rows(text,jsonb)', '70870d37c29dc1d0c9e5fae0cec81225', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'table campus_tables.connections', 'ed83370def92aef6e8a2ad19bcf09609', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'table campus_tables.connections_lists', 'fd194279eed56897973f36f3b89a9b65', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'table campus_tables.school_members', 'e182e602b5f9497ff65bc8e91d0f9c08', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'table campus_tables.user_search', 'db244fe485fd00387d9d2c0db71959e5', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'trigger outgrow_campus_changed on the store', '3cc3de136b42719f52f9230c12f1e9f8', '820', 15);
INSERT INTO outgrow.definitions VALUES ('campus', 'campus_tables', 'trigger outgrow_campus_truncated on the store', '73009f26a2a676f6cec7e96086d0ec63', '820', 15);

INSERT INTO outgrow.growths OVERRIDING SYSTEM VALUE VALUES (1, 'campus', 'public.kv_store_2516be19', 'found', 'optimized', 'switched', false, false, false, NULL, 2262, '', '', '', NULL, NULL, '2026-11-30 15:18:43.621089+00', '2026-11-30 15:18:44.025199+00', '2026-11-30 15:18:44.025199+00');
INSERT INTO outgrow.growths OVERRIDING SYSTEM VALUE VALUES (2, 'campus', 'public.kv_store_2516be19', 'optimized', 'hybrid', 'planned', false, false, false, NULL, 2268, '', '', '', NULL, NULL, '2026-11-30 15:18:44.486459+00', '2026-11-30 15:18:44.486459+00', NULL);

INSERT INTO outgrow.latencies VALUES ('2026-01-01 00:00:00+00', 'route', 'GET /profiles', '{1,2,3}', 1, 0.7);

INSERT INTO outgrow.layouts VALUES ('campus', 'public.kv_store_2516be19', 'e526719ae03aa272', 'optimized', '2026-11-30 15:18:42.454637+00', 16385);

INSERT INTO outgrow.lifts VALUES ('campus', 'school_members', 'eeebd5dbef5d8752', 'filling', '', NULL, 7, 0, 0, NULL, '2026-11-30 15:18:44.497271+00');
INSERT INTO outgrow.lifts VALUES ('campus', 'user_search', '0a10ea8dd36b8a5a', 'filling', '', NULL, 7, 0, 0, NULL, '2026-11-30 15:18:44.497271+00');
INSERT INTO outgrow.lifts VALUES ('campus', 'connections', 'e08177abd4561c89', 'filled', 'user:u7:connections', 'user:u7:connections', 7, 7, 7, NULL, '2026-11-30 15:18:44.497271+00');

INSERT INTO outgrow.quarantine OVERRIDING SYSTEM VALUE VALUES (1, 'public.kv_store_2516be19', 'user:u1:connections', '{"a": 1}', 'no list', '2026-01-01 00:00:00+00');

INSERT INTO outgrow.readings VALUES ('public.kv_store_2516be19', '2026-01-01 00:00:00+00', '{"keys": 12}');

INSERT INTO outgrow.skipped OVERRIDING SYSTEM VALUE VALUES (1, 'campus', 'school_members', 'user:u7:connections');

INSERT INTO public.kv_store_2516be19 VALUES ('user:u1', '{"id": "u1", "name": "Person 1", "email": "u1@northfield.edu", "school": "Northfield"}');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u1:connections', '["u2"]');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u2', '{"id": "u2", "name": "Person 2", "email": "u2@northfield.edu", "school": "Northfield"}');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u2:connections', '["u3"]');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u3', '{"id": "u3", "name": "Person 3", "email": "u3@northfield.edu", "school": "Northfield"}');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u3:connections', '["u4"]');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u4', '{"id": "u4", "name": "Person 4", "email": "u4@northfield.edu", "school": "Northfield"}');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u4:connections', '["u5"]');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u5', '{"id": "u5", "name": "Person 5", "email": "u5@northfield.edu", "school": "Northfield"}');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u5:connections', '["u6"]');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u6', '{"id": "u6", "name": "Person 6", "email": "u6@northfield.edu", "school": "Northfield"}');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u6:connections', '["u7"]');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u7', '{"id": "u7", "name": "Person 7", "email": "u7@northfield.edu", "school": "Northfield"}');
INSERT INTO public.kv_store_2516be19 VALUES ('user:u7:connections', '["u1"]');

SELECT pg_catalog.setval('network.operations_id_seq', 1, true);

SELECT pg_catalog.setval('outgrow.growths_id_seq', 2, true);

SELECT pg_catalog.setval('outgrow.quarantine_id_seq', 1, true);

SELECT pg_catalog.setval('outgrow.skipped_id_seq', 1, true);

ALTER TABLE ONLY campus_tables.connections_lists
    ADD CONSTRAINT connections_lists_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY campus_tables.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (user_id, connected_user_id);

ALTER TABLE ONLY campus_tables.school_members
    ADD CONSTRAINT school_members_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY campus_tables.user_search
    ADD CONSTRAINT user_search_pkey PRIMARY KEY (user_id);

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

ALTER TABLE ONLY network.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY network.limits
    ADD CONSTRAINT limits_pkey PRIMARY KEY (name, subject);

ALTER TABLE ONLY network.operations
    ADD CONSTRAINT operations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY network.read_marks
    ADD CONSTRAINT read_marks_pkey PRIMARY KEY (chat_id, user_id);

ALTER TABLE ONLY network.reports
    ADD CONSTRAINT reports_pkey PRIMARY KEY (id);

ALTER TABLE ONLY network.reset_codes
    ADD CONSTRAINT reset_codes_pkey PRIMARY KEY (subject, hash);

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

ALTER TABLE ONLY outgrow.definitions
    ADD CONSTRAINT definitions_pkey PRIMARY KEY (name, place, object);

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

ALTER TABLE ONLY outgrow.skipped
    ADD CONSTRAINT skipped_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.kv_store_2516be19
    ADD CONSTRAINT kv_store_2516be19_pkey PRIMARY KEY (key);

CREATE INDEX blocks_blocked_id ON network.blocks USING btree (blocked_id, user_id);

CREATE UNIQUE INDEX invitations_linked ON network.invitations USING btree (email_key) WHERE linked;

CREATE INDEX reports_created_at ON network.reports USING btree (created_at, id);

CREATE INDEX school_domains_school ON network.school_domains USING btree (school);

CREATE INDEX sent_messages_created_at ON network.sent_messages USING btree (created_at);

CREATE INDEX sessions_user_id ON network.sessions USING btree (user_id);

CREATE UNIQUE INDEX growths_unfinished ON outgrow.growths USING btree (name) WHERE (ended_at IS NULL);

CREATE INDEX skipped_of ON outgrow.skipped USING btree (name, relation, id);

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

CREATE INDEX og_users_search_text_words_4c2d27c2 ON public.kv_store_2516be19 USING gin (to_tsvector('simple'::regconfig, outgrow.search_text(outgrow.key_of((value -> 'school'::text)), outgrow.label_of((value -> 'name'::text)), ((((((((COALESCE("left"(outgrow.key_of((value -> 'major'::text)), 1000), ''::text) || ' '::text) || COALESCE("left"(outgrow.short_of((value -> 'year'::text)), 1000), ''::text)) || ' '::text) || COALESCE("left"(
CASE
    WHEN outgrow.is_readable(outgrow.array_of((value -> 'interests'::text))) THEN (outgrow.array_of((value -> 'interests'::text)))::text
    ELSE NULL::text
END, 1000), ''::text)) || ' '::text) || COALESCE("left"(
CASE
    WHEN outgrow.is_readable(outgrow.array_of((value -> 'lookingFor'::text))) THEN (outgrow.array_of((value -> 'lookingFor'::text)))::text
    ELSE NULL::text
END, 1000), ''::text)) || ' '::text) || COALESCE("left"(outgrow.text_of((value -> 'bio'::text)), 1000), ''::text))))) WITH (gin_pending_list_limit='256') WHERE ((key ~ '^user:([^:]+)$'::text) AND (length(key) <= 205));

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

ALTER TABLE ONLY outgrow.definitions
    ADD CONSTRAINT definitions_name_fkey FOREIGN KEY (name) REFERENCES outgrow.layouts(name);

ALTER TABLE ONLY outgrow.growths
    ADD CONSTRAINT growths_name_fkey FOREIGN KEY (name) REFERENCES outgrow.layouts(name);

ALTER TABLE ONLY outgrow.lifts
    ADD CONSTRAINT lifts_name_fkey FOREIGN KEY (name) REFERENCES outgrow.layouts(name);

ALTER TABLE ONLY outgrow.skipped
    ADD CONSTRAINT skipped_name_relation_fkey FOREIGN KEY (name, relation) REFERENCES outgrow.lifts(name, relation) ON DELETE CASCADE;

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

REVOKE ALL ON FUNCTION campus.messages_last_pos(of_key text, list jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.messages_place(of_key text, of_pos bigint, list jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus.messages_trim(of_key text, before_pos bigint) FROM PUBLIC;

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

REVOKE ALL ON FUNCTION campus_tables.connections_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.connections_follow(our_key text, our_value jsonb, our_before jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.connections_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.school_members_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.school_members_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_at(row_place tid) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_changed() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_key(store_row public.kv_store_2516be19) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_locked(row_place tid) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_truncated() FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_under(store_key text) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.store_value(store_row public.kv_store_2516be19) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.user_search_decode(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION campus_tables.user_search_rows(store_key text, store_value jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.secret_id() FROM PUBLIC;

REVOKE ALL ON FUNCTION network.is_open(ended_at timestamp with time zone, expires_at timestamp with time zone, secret_id bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.lock_and_why_closed(viewer text, participants jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.message(of_chat text, pos bigint, id text, sender_id text, content text, kind text, sent_at timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.pair_number(one text, other text) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.school_of(of_user text) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.shift(of_chat text) FROM PUBLIC;

REVOKE ALL ON FUNCTION network.why_closed(viewer text, participants jsonb) FROM PUBLIC;

-- PostgreSQL database dump complete

