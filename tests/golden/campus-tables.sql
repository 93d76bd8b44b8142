DO $body$
BEGIN
    IF to_regnamespace('"campus_tables"') IS NULL THEN
        CREATE SCHEMA "campus_tables";
    END IF;
END
$body$;

CREATE TABLE "campus_tables"."users" (
    "id" text NOT NULL,
    "email" text,
    "name" text,
    "school" text,
    "major" text,
    "year" text,
    "interests" jsonb,
    "looking_for" jsonb,
    "blocked" jsonb,
    "created_at" timestamptz,
    "rest" jsonb,
    "email_key" text,
    "sort_name" text,
    "sort_created" text COLLATE "C",
    "visible" boolean,
    "search_name" text,
    "search_text" text,
    "likes" jsonb,
    "traits" text,
    "card" text,
    PRIMARY KEY ("id")
);

CREATE FUNCTION "campus_tables"."users_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "email" text, "name" text, "school" text, "major" text, "year" text, "interests" jsonb, "looking_for" jsonb, "blocked" jsonb, "created_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
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
    CASE WHEN jsonb_typeof(c.v) = 'object' THEN c.v - array_remove(ARRAY[
        CASE WHEN c.c1 IS NOT NULL THEN 'email' END,
        CASE WHEN to_jsonb(c.c2) = c.v -> 'name' THEN 'name' END,
        CASE WHEN c.c3 IS NOT NULL THEN 'school' END,
        CASE WHEN c.c4 IS NOT NULL THEN 'major' END,
        CASE WHEN c.c5 IS NOT NULL THEN 'year' END,
        CASE WHEN c.c6 IS NOT NULL THEN 'interests' END,
        CASE WHEN c.c7 IS NOT NULL THEN 'lookingFor' END,
        CASE WHEN c.c8 IS NOT NULL THEN 'blockedUsers' END,
        CASE WHEN c.c9 IS NOT NULL THEN 'createdAt' END], NULL) END
FROM (SELECT substr(store_key, 6) AS c0, outgrow.key_of(store_value -> 'email') AS c1, outgrow.label_of(store_value -> 'name') AS c2, outgrow.key_of(store_value -> 'school') AS c3, outgrow.key_of(store_value -> 'major') AS c4, outgrow.short_of(store_value -> 'year') AS c5, outgrow.array_of(store_value -> 'interests') AS c6, outgrow.array_of(store_value -> 'lookingFor') AS c7, outgrow.array_of(store_value -> 'blockedUsers') AS c8, outgrow.time_of(store_value -> 'createdAt') AS c9, store_value AS v
WHERE jsonb_typeof(store_value) = 'object' OFFSET 0) c;
END;

CREATE FUNCTION "campus_tables"."users_rows"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "email" text, "name" text, "school" text, "major" text, "year" text, "interests" jsonb, "looking_for" jsonb, "blocked" jsonb, "created_at" timestamptz, "rest" jsonb, "email_key" text, "sort_name" text, "sort_created" text, "visible" boolean, "search_name" text, "search_text" text, "likes" jsonb, "traits" text, "card" text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT d."id",
    d."email",
    d."name",
    d."school",
    d."major",
    d."year",
    d."interests",
    d."looking_for",
    d."blocked",
    d."created_at",
    d.rest,
    lower(d."email") AS "email_key",
    lower(left(coalesce(d."name", ''), 64)) AS "sort_name",
    (outgrow.sort_time_of(store_value -> 'createdAt') COLLATE "C") AS "sort_created",
    (store_value #> '{settings,profileVisible}') IS DISTINCT FROM 'false' AS "visible",
    outgrow.search_name(d."name") AS "search_name",
    outgrow.search_text(d."school", d."name", coalesce(left(d."major", 1000), '') || ' ' || coalesce(left(d."year", 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(d."interests") THEN (d."interests")::text END, 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(d."looking_for") THEN (d."looking_for")::text END, 1000), '') || ' ' || coalesce(left(outgrow.text_of(store_value -> 'bio'), 1000), '')) AS "search_text",
    (SELECT jsonb_build_array(CASE WHEN pg_column_size(c."interests") <= 32768 THEN c."interests" END, CASE WHEN pg_column_size(c."lookingFor") <= 32768 THEN c."lookingFor" END, CASE WHEN pg_column_size(c."goals.academic") <= 32768 THEN c."goals.academic" END, CASE WHEN pg_column_size(c."goals.leisure") <= 32768 THEN c."goals.leisure" END, CASE WHEN pg_column_size(c."personality") <= 32768 THEN c."personality" END, CASE WHEN pg_column_size(c."major") <= 32768 THEN c."major" END, CASE WHEN pg_column_size(c."year") <= 32768 THEN c."year" END)
    FROM (SELECT whole.v -> 'interests' AS "interests", whole.v -> 'lookingFor' AS "lookingFor", whole.v -> 'goals' -> 'academic' AS "goals.academic", whole.v -> 'goals' -> 'leisure' AS "goals.leisure", whole.v -> 'personality' AS "personality", whole.v -> 'major' AS "major", whole.v -> 'year' AS "year"
        FROM (SELECT store_value || '{}' AS v OFFSET 0) AS whole OFFSET 0) AS c) AS "likes",
    outgrow.trait_words(d."school", ARRAY[d."major", d."year"], ARRAY[d."looking_for", d."interests"]) AS "traits",
    (SELECT format('{"id":%s,"name":%s,"school":%s,"major":%s,"year":%s,"age":%s,"pronouns":%s,"bio":%s,"interests":%s,"looking_for":%s,"personality":%s,"goals":%s,"living_habits":%s,"photos":%s,"profile_picture":%s,"additional_info":%s,"created_at":%s}',
        to_json(d."id"),
        CASE WHEN jsonb_typeof(c."name") = 'string' AND pg_column_size(c."name") <= 200 THEN c."name" ELSE coalesce(to_jsonb(outgrow.label_of(c."name")), 'null') END,
        CASE WHEN jsonb_typeof(c."school") = 'string' AND pg_column_size(c."school") <= 200 OR outgrow.key_of(c."school") IS NOT NULL THEN c."school" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."major") = 'string' AND pg_column_size(c."major") <= 200 OR outgrow.key_of(c."major") IS NOT NULL THEN c."major" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."year") = 'string' AND pg_column_size(c."year") <= 40 OR outgrow.short_of(c."year") IS NOT NULL THEN c."year" ELSE 'null' END,
        CASE WHEN outgrow.number_of(c."age") IS NOT NULL THEN c."age" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."pronouns") = 'string' AND pg_column_size(c."pronouns") <= 32768 THEN c."pronouns" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."bio") = 'string' AND pg_column_size(c."bio") <= 32768 THEN c."bio" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."interests") = 'array' AND pg_column_size(c."interests") <= 32768 AND outgrow.is_readable(c."interests") THEN c."interests" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."lookingFor") = 'array' AND pg_column_size(c."lookingFor") <= 32768 AND outgrow.is_readable(c."lookingFor") THEN c."lookingFor" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."personality") = 'array' AND pg_column_size(c."personality") <= 32768 AND outgrow.is_readable(c."personality") THEN c."personality" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."goals") = 'object' AND pg_column_size(c."goals") <= 32768 AND outgrow.is_readable(c."goals") THEN c."goals" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."livingHabits") = 'object' AND pg_column_size(c."livingHabits") <= 32768 AND outgrow.is_readable(c."livingHabits") THEN c."livingHabits" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."photos") = 'array' AND pg_column_size(c."photos") <= 32768 AND outgrow.is_readable(c."photos") THEN c."photos" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."profilePicture") = 'string' AND pg_column_size(c."profilePicture") <= 32768 THEN c."profilePicture" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."additionalInfo") = 'string' AND pg_column_size(c."additionalInfo") <= 32768 THEN c."additionalInfo" ELSE 'null' END,
        CASE WHEN c."createdAt"::text LIKE '"____-__-__T__:__:__.___Z"' OR c."createdAt"::text LIKE '"____-__-__T__:__:__.______Z"' THEN c."createdAt" ELSE 'null' END)
    FROM (SELECT whole.v -> 'name' AS "name", whole.v -> 'school' AS "school", whole.v -> 'major' AS "major", whole.v -> 'year' AS "year", whole.v -> 'age' AS "age", whole.v -> 'pronouns' AS "pronouns", whole.v -> 'bio' AS "bio", whole.v -> 'interests' AS "interests", whole.v -> 'lookingFor' AS "lookingFor", whole.v -> 'personality' AS "personality", whole.v -> 'goals' AS "goals", whole.v -> 'livingHabits' AS "livingHabits", whole.v -> 'photos' AS "photos", whole.v -> 'profilePicture' AS "profilePicture", whole.v -> 'additionalInfo' AS "additionalInfo", whole.v -> 'createdAt' AS "createdAt"
        FROM (SELECT store_value || '{}' AS v OFFSET 0) AS whole OFFSET 0) AS c) AS "card"
FROM (SELECT * FROM "campus_tables"."users_decode"(store_key, store_value) OFFSET 0) d;
END;

DO $body$
BEGIN
    IF to_regnamespace('"campus_tables"') IS NULL THEN
        CREATE SCHEMA "campus_tables";
    END IF;
END
$body$;

CREATE TABLE "campus_tables"."connections" (
    "user_id" text NOT NULL,
    "connected_user_id" text NOT NULL,
    "pos" bigint,
    "created_at" timestamptz,
    PRIMARY KEY ("user_id", "connected_user_id")
);

CREATE TABLE "campus_tables"."connections_lists" (
    "user_id" text NOT NULL,
    unmapped jsonb,
    PRIMARY KEY ("user_id")
);

CREATE FUNCTION "campus_tables"."connections_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("user_id" text, "connected_user_id" text, "pos" bigint, "created_at" timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
SELECT substr(store_key, 6, length(store_key) - 17),
    outgrow.key_of(e.v),
    min(e.pos) * outgrow.pos_step(),
    NULL::timestamptz
FROM jsonb_array_elements(CASE WHEN jsonb_typeof(store_value) = 'array' THEN store_value ELSE '[]' END) WITH ORDINALITY AS e(v, pos)
WHERE outgrow.key_of(e.v) IS NOT NULL
GROUP BY outgrow.key_of(e.v);
END;

CREATE FUNCTION "campus_tables"."connections_rows"(store_key text, store_value jsonb)
RETURNS TABLE ("user_id" text, "connected_user_id" text, "pos" bigint, "created_at" timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
SELECT d."user_id",
    d."connected_user_id",
    d."pos",
    d."created_at"
FROM (SELECT * FROM "campus_tables"."connections_decode"(store_key, store_value) OFFSET 0) d;
END;

DO $body$
BEGIN
    IF to_regnamespace('"campus_tables"') IS NULL THEN
        CREATE SCHEMA "campus_tables";
    END IF;
END
$body$;

CREATE TABLE "campus_tables"."intros" (
    "from_id" text NOT NULL,
    "to_id" text NOT NULL,
    "sent_ms" text NOT NULL,
    "reason" text,
    "status" text,
    "created_at" timestamptz,
    "accepted_at" timestamptz,
    "denied_at" timestamptz,
    "rest" jsonb,
    PRIMARY KEY ("from_id", "to_id", "sent_ms")
);

CREATE FUNCTION "campus_tables"."intros_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("from_id" text, "to_id" text, "sent_ms" text, "reason" text, "status" text, "created_at" timestamptz, "accepted_at" timestamptz, "denied_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT c.c0,
    c.c1,
    c.c2,
    c.c3,
    c.c4,
    c.c5,
    c.c6,
    c.c7,
    CASE WHEN jsonb_typeof(c.v) = 'object' THEN c.v - array_remove(ARRAY[
        CASE WHEN c.c3 IS NOT NULL THEN 'reason' END,
        CASE WHEN c.c4 IS NOT NULL THEN 'status' END,
        CASE WHEN c.c5 IS NOT NULL THEN 'createdAt' END,
        CASE WHEN c.c6 IS NOT NULL THEN 'acceptedAt' END,
        CASE WHEN c.c7 IS NOT NULL THEN 'deniedAt' END], NULL) END
FROM (SELECT split_part(store_key, ':', 2) AS c0, split_part(store_key, ':', 3) AS c1, split_part(store_key, ':', 4) AS c2, outgrow.text_of(store_value -> 'reason') AS c3, outgrow.key_of(store_value -> 'status') AS c4, outgrow.time_of(store_value -> 'createdAt') AS c5, outgrow.time_of(store_value -> 'acceptedAt') AS c6, outgrow.time_of(store_value -> 'deniedAt') AS c7, store_value AS v
WHERE jsonb_typeof(store_value) = 'object' OFFSET 0) c;
END;

CREATE FUNCTION "campus_tables"."intros_rows"(store_key text, store_value jsonb)
RETURNS TABLE ("from_id" text, "to_id" text, "sent_ms" text, "reason" text, "status" text, "created_at" timestamptz, "accepted_at" timestamptz, "denied_at" timestamptz, "rest" jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT d."from_id",
    d."to_id",
    d."sent_ms",
    d."reason",
    d."status",
    d."created_at",
    d."accepted_at",
    d."denied_at",
    d.rest
FROM (SELECT * FROM "campus_tables"."intros_decode"(store_key, store_value) OFFSET 0) d;
END;

DO $body$
BEGIN
    IF to_regnamespace('"campus_tables"') IS NULL THEN
        CREATE SCHEMA "campus_tables";
    END IF;
END
$body$;

CREATE TABLE "campus_tables"."chats" (
    "id" text NOT NULL,
    "participants" jsonb,
    "created_at" timestamptz,
    "rest" jsonb,
    PRIMARY KEY ("id")
);

CREATE FUNCTION "campus_tables"."chats_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "participants" jsonb, "created_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT c.c0,
    c.c1,
    c.c2,
    CASE WHEN jsonb_typeof(c.v) = 'object' THEN c.v - array_remove(ARRAY[
        CASE WHEN c.c1 IS NOT NULL THEN 'participants' END,
        CASE WHEN c.c2 IS NOT NULL THEN 'createdAt' END], NULL) END
FROM (SELECT substr(store_key, 6) AS c0, outgrow.array_of(store_value -> 'participants') AS c1, outgrow.time_of(store_value -> 'createdAt') AS c2, store_value AS v
WHERE jsonb_typeof(store_value) = 'object' OFFSET 0) c;
END;

CREATE FUNCTION "campus_tables"."chats_rows"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "participants" jsonb, "created_at" timestamptz, "rest" jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT d."id",
    d."participants",
    d."created_at",
    d.rest
FROM (SELECT * FROM "campus_tables"."chats_decode"(store_key, store_value) OFFSET 0) d;
END;

DO $body$
BEGIN
    IF to_regnamespace('"campus_tables"') IS NULL THEN
        CREATE SCHEMA "campus_tables";
    END IF;
END
$body$;

CREATE TABLE "campus_tables"."messages" (
    "chat_id" text NOT NULL,
    "pos" bigint NOT NULL,
    "id" text,
    "sender_id" text,
    "content" text,
    "kind" text,
    "sent_at" timestamptz,
    "rest" jsonb,
    PRIMARY KEY ("chat_id", "pos")
);

CREATE TABLE "campus_tables"."messages_lists" (
    "chat_id" text NOT NULL,
    unmapped jsonb,
    PRIMARY KEY ("chat_id")
);

CREATE FUNCTION "campus_tables"."messages_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("chat_id" text, "pos" bigint, "id" text, "sender_id" text, "content" text, "kind" text, "sent_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
SELECT c.c0,
    c.c1,
    c.c2,
    c.c3,
    c.c4,
    c.c5,
    c.c6,
    c.v - array_remove(ARRAY[
        CASE WHEN c.c2 IS NOT NULL THEN 'id' END,
        CASE WHEN c.c3 IS NOT NULL THEN 'senderId' END,
        CASE WHEN c.c4 IS NOT NULL THEN 'content' END,
        CASE WHEN c.c5 IS NOT NULL THEN 'type' END,
        CASE WHEN c.c6 IS NOT NULL THEN 'timestamp' END], NULL)
FROM (SELECT substr(store_key, 6, length(store_key) - 14) AS c0, e.pos * outgrow.pos_step() AS c1, outgrow.text_of(e.v -> 'id') AS c2, outgrow.key_of(e.v -> 'senderId') AS c3, outgrow.text_of(e.v -> 'content') AS c4, outgrow.key_of(e.v -> 'type') AS c5, outgrow.time_of(e.v -> 'timestamp') AS c6, e.v AS v
FROM jsonb_array_elements(CASE WHEN jsonb_typeof(store_value) = 'array' THEN store_value ELSE '[]' END) WITH ORDINALITY AS e(v, pos)
WHERE jsonb_typeof(e.v) = 'object' OFFSET 0) c;
END;

CREATE FUNCTION "campus_tables"."messages_rows"(store_key text, store_value jsonb)
RETURNS TABLE ("chat_id" text, "pos" bigint, "id" text, "sender_id" text, "content" text, "kind" text, "sent_at" timestamptz, "rest" jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
SELECT d."chat_id",
    d."pos",
    d."id",
    d."sender_id",
    d."content",
    d."kind",
    d."sent_at",
    d.rest
FROM (SELECT * FROM "campus_tables"."messages_decode"(store_key, store_value) OFFSET 0) d;
END;

DO $body$
BEGIN
    IF to_regnamespace('"campus_tables"') IS NULL THEN
        CREATE SCHEMA "campus_tables";
    END IF;
END
$body$;

CREATE TABLE "campus_tables"."school_members" (
    "school" text,
    "user_id" text NOT NULL,
    "major" text,
    "year" text,
    "created_at" timestamptz,
    PRIMARY KEY ("user_id")
);

CREATE FUNCTION "campus_tables"."school_members_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "email" text, "name" text, "school" text, "major" text, "year" text, "interests" jsonb, "looking_for" jsonb, "blocked" jsonb, "created_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
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
    CASE WHEN jsonb_typeof(c.v) = 'object' THEN c.v - array_remove(ARRAY[
        CASE WHEN c.c1 IS NOT NULL THEN 'email' END,
        CASE WHEN to_jsonb(c.c2) = c.v -> 'name' THEN 'name' END,
        CASE WHEN c.c3 IS NOT NULL THEN 'school' END,
        CASE WHEN c.c4 IS NOT NULL THEN 'major' END,
        CASE WHEN c.c5 IS NOT NULL THEN 'year' END,
        CASE WHEN c.c6 IS NOT NULL THEN 'interests' END,
        CASE WHEN c.c7 IS NOT NULL THEN 'lookingFor' END,
        CASE WHEN c.c8 IS NOT NULL THEN 'blockedUsers' END,
        CASE WHEN c.c9 IS NOT NULL THEN 'createdAt' END], NULL) END
FROM (SELECT substr(store_key, 6) AS c0, outgrow.key_of(store_value -> 'email') AS c1, outgrow.label_of(store_value -> 'name') AS c2, outgrow.key_of(store_value -> 'school') AS c3, outgrow.key_of(store_value -> 'major') AS c4, outgrow.short_of(store_value -> 'year') AS c5, outgrow.array_of(store_value -> 'interests') AS c6, outgrow.array_of(store_value -> 'lookingFor') AS c7, outgrow.array_of(store_value -> 'blockedUsers') AS c8, outgrow.time_of(store_value -> 'createdAt') AS c9, store_value AS v
WHERE jsonb_typeof(store_value) = 'object' OFFSET 0) c;
END;

CREATE FUNCTION "campus_tables"."school_members_rows"(store_key text, store_value jsonb)
RETURNS TABLE ("school" text, "user_id" text, "major" text, "year" text, "created_at" timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT r."school" AS "school",
    r."id" AS "user_id",
    r."major" AS "major",
    r."year" AS "year",
    r."created_at" AS "created_at"
FROM (
SELECT d."id",
    d."email",
    d."name",
    d."school",
    d."major",
    d."year",
    d."interests",
    d."looking_for",
    d."blocked",
    d."created_at",
    d.rest,
    lower(d."email") AS "email_key",
    lower(left(coalesce(d."name", ''), 64)) AS "sort_name",
    (outgrow.sort_time_of(store_value -> 'createdAt') COLLATE "C") AS "sort_created",
    (store_value #> '{settings,profileVisible}') IS DISTINCT FROM 'false' AS "visible",
    outgrow.search_name(d."name") AS "search_name",
    outgrow.search_text(d."school", d."name", coalesce(left(d."major", 1000), '') || ' ' || coalesce(left(d."year", 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(d."interests") THEN (d."interests")::text END, 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(d."looking_for") THEN (d."looking_for")::text END, 1000), '') || ' ' || coalesce(left(outgrow.text_of(store_value -> 'bio'), 1000), '')) AS "search_text",
    (SELECT jsonb_build_array(CASE WHEN pg_column_size(c."interests") <= 32768 THEN c."interests" END, CASE WHEN pg_column_size(c."lookingFor") <= 32768 THEN c."lookingFor" END, CASE WHEN pg_column_size(c."goals.academic") <= 32768 THEN c."goals.academic" END, CASE WHEN pg_column_size(c."goals.leisure") <= 32768 THEN c."goals.leisure" END, CASE WHEN pg_column_size(c."personality") <= 32768 THEN c."personality" END, CASE WHEN pg_column_size(c."major") <= 32768 THEN c."major" END, CASE WHEN pg_column_size(c."year") <= 32768 THEN c."year" END)
    FROM (SELECT whole.v -> 'interests' AS "interests", whole.v -> 'lookingFor' AS "lookingFor", whole.v -> 'goals' -> 'academic' AS "goals.academic", whole.v -> 'goals' -> 'leisure' AS "goals.leisure", whole.v -> 'personality' AS "personality", whole.v -> 'major' AS "major", whole.v -> 'year' AS "year"
        FROM (SELECT store_value || '{}' AS v OFFSET 0) AS whole OFFSET 0) AS c) AS "likes",
    outgrow.trait_words(d."school", ARRAY[d."major", d."year"], ARRAY[d."looking_for", d."interests"]) AS "traits",
    (SELECT format('{"id":%s,"name":%s,"school":%s,"major":%s,"year":%s,"age":%s,"pronouns":%s,"bio":%s,"interests":%s,"looking_for":%s,"personality":%s,"goals":%s,"living_habits":%s,"photos":%s,"profile_picture":%s,"additional_info":%s,"created_at":%s}',
        to_json(d."id"),
        CASE WHEN jsonb_typeof(c."name") = 'string' AND pg_column_size(c."name") <= 200 THEN c."name" ELSE coalesce(to_jsonb(outgrow.label_of(c."name")), 'null') END,
        CASE WHEN jsonb_typeof(c."school") = 'string' AND pg_column_size(c."school") <= 200 OR outgrow.key_of(c."school") IS NOT NULL THEN c."school" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."major") = 'string' AND pg_column_size(c."major") <= 200 OR outgrow.key_of(c."major") IS NOT NULL THEN c."major" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."year") = 'string' AND pg_column_size(c."year") <= 40 OR outgrow.short_of(c."year") IS NOT NULL THEN c."year" ELSE 'null' END,
        CASE WHEN outgrow.number_of(c."age") IS NOT NULL THEN c."age" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."pronouns") = 'string' AND pg_column_size(c."pronouns") <= 32768 THEN c."pronouns" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."bio") = 'string' AND pg_column_size(c."bio") <= 32768 THEN c."bio" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."interests") = 'array' AND pg_column_size(c."interests") <= 32768 AND outgrow.is_readable(c."interests") THEN c."interests" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."lookingFor") = 'array' AND pg_column_size(c."lookingFor") <= 32768 AND outgrow.is_readable(c."lookingFor") THEN c."lookingFor" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."personality") = 'array' AND pg_column_size(c."personality") <= 32768 AND outgrow.is_readable(c."personality") THEN c."personality" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."goals") = 'object' AND pg_column_size(c."goals") <= 32768 AND outgrow.is_readable(c."goals") THEN c."goals" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."livingHabits") = 'object' AND pg_column_size(c."livingHabits") <= 32768 AND outgrow.is_readable(c."livingHabits") THEN c."livingHabits" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."photos") = 'array' AND pg_column_size(c."photos") <= 32768 AND outgrow.is_readable(c."photos") THEN c."photos" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."profilePicture") = 'string' AND pg_column_size(c."profilePicture") <= 32768 THEN c."profilePicture" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."additionalInfo") = 'string' AND pg_column_size(c."additionalInfo") <= 32768 THEN c."additionalInfo" ELSE 'null' END,
        CASE WHEN c."createdAt"::text LIKE '"____-__-__T__:__:__.___Z"' OR c."createdAt"::text LIKE '"____-__-__T__:__:__.______Z"' THEN c."createdAt" ELSE 'null' END)
    FROM (SELECT whole.v -> 'name' AS "name", whole.v -> 'school' AS "school", whole.v -> 'major' AS "major", whole.v -> 'year' AS "year", whole.v -> 'age' AS "age", whole.v -> 'pronouns' AS "pronouns", whole.v -> 'bio' AS "bio", whole.v -> 'interests' AS "interests", whole.v -> 'lookingFor' AS "lookingFor", whole.v -> 'personality' AS "personality", whole.v -> 'goals' AS "goals", whole.v -> 'livingHabits' AS "livingHabits", whole.v -> 'photos' AS "photos", whole.v -> 'profilePicture' AS "profilePicture", whole.v -> 'additionalInfo' AS "additionalInfo", whole.v -> 'createdAt' AS "createdAt"
        FROM (SELECT store_value || '{}' AS v OFFSET 0) AS whole OFFSET 0) AS c) AS "card"
FROM (SELECT * FROM "campus_tables"."school_members_decode"(store_key, store_value) OFFSET 0) d
) r
WHERE r."school" IS NOT NULL;
END;

DO $body$
BEGIN
    IF to_regnamespace('"campus_tables"') IS NULL THEN
        CREATE SCHEMA "campus_tables";
    END IF;
END
$body$;

CREATE TABLE "campus_tables"."user_search" (
    "school" text,
    "user_id" text NOT NULL,
    "visible" boolean,
    "blocked" jsonb,
    "search_name" text,
    "search_text" text,
    PRIMARY KEY ("user_id")
);

CREATE FUNCTION "campus_tables"."user_search_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "email" text, "name" text, "school" text, "major" text, "year" text, "interests" jsonb, "looking_for" jsonb, "blocked" jsonb, "created_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
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
    CASE WHEN jsonb_typeof(c.v) = 'object' THEN c.v - array_remove(ARRAY[
        CASE WHEN c.c1 IS NOT NULL THEN 'email' END,
        CASE WHEN to_jsonb(c.c2) = c.v -> 'name' THEN 'name' END,
        CASE WHEN c.c3 IS NOT NULL THEN 'school' END,
        CASE WHEN c.c4 IS NOT NULL THEN 'major' END,
        CASE WHEN c.c5 IS NOT NULL THEN 'year' END,
        CASE WHEN c.c6 IS NOT NULL THEN 'interests' END,
        CASE WHEN c.c7 IS NOT NULL THEN 'lookingFor' END,
        CASE WHEN c.c8 IS NOT NULL THEN 'blockedUsers' END,
        CASE WHEN c.c9 IS NOT NULL THEN 'createdAt' END], NULL) END
FROM (SELECT substr(store_key, 6) AS c0, outgrow.key_of(store_value -> 'email') AS c1, outgrow.label_of(store_value -> 'name') AS c2, outgrow.key_of(store_value -> 'school') AS c3, outgrow.key_of(store_value -> 'major') AS c4, outgrow.short_of(store_value -> 'year') AS c5, outgrow.array_of(store_value -> 'interests') AS c6, outgrow.array_of(store_value -> 'lookingFor') AS c7, outgrow.array_of(store_value -> 'blockedUsers') AS c8, outgrow.time_of(store_value -> 'createdAt') AS c9, store_value AS v
WHERE jsonb_typeof(store_value) = 'object' OFFSET 0) c;
END;

CREATE FUNCTION "campus_tables"."user_search_rows"(store_key text, store_value jsonb)
RETURNS TABLE ("school" text, "user_id" text, "visible" boolean, "blocked" jsonb, "search_name" text, "search_text" text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT r."school" AS "school",
    r."id" AS "user_id",
    r."visible" AS "visible",
    r."blocked" AS "blocked",
    r."search_name" AS "search_name",
    r."search_text" AS "search_text"
FROM (
SELECT d."id",
    d."email",
    d."name",
    d."school",
    d."major",
    d."year",
    d."interests",
    d."looking_for",
    d."blocked",
    d."created_at",
    d.rest,
    lower(d."email") AS "email_key",
    lower(left(coalesce(d."name", ''), 64)) AS "sort_name",
    (outgrow.sort_time_of(store_value -> 'createdAt') COLLATE "C") AS "sort_created",
    (store_value #> '{settings,profileVisible}') IS DISTINCT FROM 'false' AS "visible",
    outgrow.search_name(d."name") AS "search_name",
    outgrow.search_text(d."school", d."name", coalesce(left(d."major", 1000), '') || ' ' || coalesce(left(d."year", 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(d."interests") THEN (d."interests")::text END, 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(d."looking_for") THEN (d."looking_for")::text END, 1000), '') || ' ' || coalesce(left(outgrow.text_of(store_value -> 'bio'), 1000), '')) AS "search_text",
    (SELECT jsonb_build_array(CASE WHEN pg_column_size(c."interests") <= 32768 THEN c."interests" END, CASE WHEN pg_column_size(c."lookingFor") <= 32768 THEN c."lookingFor" END, CASE WHEN pg_column_size(c."goals.academic") <= 32768 THEN c."goals.academic" END, CASE WHEN pg_column_size(c."goals.leisure") <= 32768 THEN c."goals.leisure" END, CASE WHEN pg_column_size(c."personality") <= 32768 THEN c."personality" END, CASE WHEN pg_column_size(c."major") <= 32768 THEN c."major" END, CASE WHEN pg_column_size(c."year") <= 32768 THEN c."year" END)
    FROM (SELECT whole.v -> 'interests' AS "interests", whole.v -> 'lookingFor' AS "lookingFor", whole.v -> 'goals' -> 'academic' AS "goals.academic", whole.v -> 'goals' -> 'leisure' AS "goals.leisure", whole.v -> 'personality' AS "personality", whole.v -> 'major' AS "major", whole.v -> 'year' AS "year"
        FROM (SELECT store_value || '{}' AS v OFFSET 0) AS whole OFFSET 0) AS c) AS "likes",
    outgrow.trait_words(d."school", ARRAY[d."major", d."year"], ARRAY[d."looking_for", d."interests"]) AS "traits",
    (SELECT format('{"id":%s,"name":%s,"school":%s,"major":%s,"year":%s,"age":%s,"pronouns":%s,"bio":%s,"interests":%s,"looking_for":%s,"personality":%s,"goals":%s,"living_habits":%s,"photos":%s,"profile_picture":%s,"additional_info":%s,"created_at":%s}',
        to_json(d."id"),
        CASE WHEN jsonb_typeof(c."name") = 'string' AND pg_column_size(c."name") <= 200 THEN c."name" ELSE coalesce(to_jsonb(outgrow.label_of(c."name")), 'null') END,
        CASE WHEN jsonb_typeof(c."school") = 'string' AND pg_column_size(c."school") <= 200 OR outgrow.key_of(c."school") IS NOT NULL THEN c."school" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."major") = 'string' AND pg_column_size(c."major") <= 200 OR outgrow.key_of(c."major") IS NOT NULL THEN c."major" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."year") = 'string' AND pg_column_size(c."year") <= 40 OR outgrow.short_of(c."year") IS NOT NULL THEN c."year" ELSE 'null' END,
        CASE WHEN outgrow.number_of(c."age") IS NOT NULL THEN c."age" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."pronouns") = 'string' AND pg_column_size(c."pronouns") <= 32768 THEN c."pronouns" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."bio") = 'string' AND pg_column_size(c."bio") <= 32768 THEN c."bio" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."interests") = 'array' AND pg_column_size(c."interests") <= 32768 AND outgrow.is_readable(c."interests") THEN c."interests" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."lookingFor") = 'array' AND pg_column_size(c."lookingFor") <= 32768 AND outgrow.is_readable(c."lookingFor") THEN c."lookingFor" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."personality") = 'array' AND pg_column_size(c."personality") <= 32768 AND outgrow.is_readable(c."personality") THEN c."personality" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."goals") = 'object' AND pg_column_size(c."goals") <= 32768 AND outgrow.is_readable(c."goals") THEN c."goals" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."livingHabits") = 'object' AND pg_column_size(c."livingHabits") <= 32768 AND outgrow.is_readable(c."livingHabits") THEN c."livingHabits" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."photos") = 'array' AND pg_column_size(c."photos") <= 32768 AND outgrow.is_readable(c."photos") THEN c."photos" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."profilePicture") = 'string' AND pg_column_size(c."profilePicture") <= 32768 THEN c."profilePicture" ELSE 'null' END,
        CASE WHEN jsonb_typeof(c."additionalInfo") = 'string' AND pg_column_size(c."additionalInfo") <= 32768 THEN c."additionalInfo" ELSE 'null' END,
        CASE WHEN c."createdAt"::text LIKE '"____-__-__T__:__:__.___Z"' OR c."createdAt"::text LIKE '"____-__-__T__:__:__.______Z"' THEN c."createdAt" ELSE 'null' END)
    FROM (SELECT whole.v -> 'name' AS "name", whole.v -> 'school' AS "school", whole.v -> 'major' AS "major", whole.v -> 'year' AS "year", whole.v -> 'age' AS "age", whole.v -> 'pronouns' AS "pronouns", whole.v -> 'bio' AS "bio", whole.v -> 'interests' AS "interests", whole.v -> 'lookingFor' AS "lookingFor", whole.v -> 'personality' AS "personality", whole.v -> 'goals' AS "goals", whole.v -> 'livingHabits' AS "livingHabits", whole.v -> 'photos' AS "photos", whole.v -> 'profilePicture' AS "profilePicture", whole.v -> 'additionalInfo' AS "additionalInfo", whole.v -> 'createdAt' AS "createdAt"
        FROM (SELECT store_value || '{}' AS v OFFSET 0) AS whole OFFSET 0) AS c) AS "card"
FROM (SELECT * FROM "campus_tables"."user_search_decode"(store_key, store_value) OFFSET 0) d
) r;
END;

DO $body$
BEGIN
    IF to_regnamespace('"campus_tables"') IS NULL THEN
        CREATE SCHEMA "campus_tables";
    END IF;
END
$body$;

CREATE TABLE "campus_tables"."participants" (
    "chat_id" text NOT NULL,
    "user_id" text NOT NULL,
    "pos" bigint,
    PRIMARY KEY ("chat_id", "user_id")
);

CREATE FUNCTION "campus_tables"."participants_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "participants" jsonb, "created_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT c.c0,
    c.c1,
    c.c2,
    CASE WHEN jsonb_typeof(c.v) = 'object' THEN c.v - array_remove(ARRAY[
        CASE WHEN c.c1 IS NOT NULL THEN 'participants' END,
        CASE WHEN c.c2 IS NOT NULL THEN 'createdAt' END], NULL) END
FROM (SELECT substr(store_key, 6) AS c0, outgrow.array_of(store_value -> 'participants') AS c1, outgrow.time_of(store_value -> 'createdAt') AS c2, store_value AS v
WHERE jsonb_typeof(store_value) = 'object' OFFSET 0) c;
END;

CREATE FUNCTION "campus_tables"."participants_rows"(store_key text, store_value jsonb)
RETURNS TABLE ("chat_id" text, "user_id" text, "pos" bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
SELECT r."id" AS "chat_id",
    outgrow.key_of(e.v) AS "user_id",
    e.pos * outgrow.pos_step() AS "pos"
FROM (
SELECT d."id",
    d."participants",
    d."created_at",
    d.rest
FROM "campus_tables"."participants_decode"(store_key, store_value) d
) r
CROSS JOIN LATERAL (
    SELECT e.v, min(e.pos) AS pos
    FROM jsonb_array_elements(r."participants") WITH ORDINALITY AS e(v, pos)
    WHERE outgrow.key_of(e.v) IS NOT NULL
    GROUP BY e.v
) e;
END;

CREATE OR REPLACE FUNCTION "campus_tables"."store_key"(store_row "public"."kv_store_2516be19")
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (store_row).key;

CREATE OR REPLACE FUNCTION "campus_tables"."store_value"(store_row "public"."kv_store_2516be19")
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (store_row).value;

CREATE OR REPLACE FUNCTION "campus_tables"."store_at"(row_place tid)
RETURNS TABLE (place tid, key text, value jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT s.ctid, s.key, s.value FROM "public"."kv_store_2516be19" s WHERE s.ctid = row_place;
END;

CREATE OR REPLACE FUNCTION "campus_tables"."store_under"(store_key text)
RETURNS TABLE (place tid, key text, value jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT s.ctid, s.key, s.value FROM "public"."kv_store_2516be19" s WHERE s.key = store_key;
END;

CREATE OR REPLACE FUNCTION "campus_tables"."store_locked"(row_place tid)
RETURNS TABLE (place tid, key text, value jsonb)
LANGUAGE sql VOLATILE ROWS 1
BEGIN ATOMIC
SELECT s.ctid, s.key, s.value FROM "public"."kv_store_2516be19" s WHERE s.ctid = row_place FOR KEY SHARE;
END;

CREATE OR REPLACE FUNCTION "campus_tables"."connections_sync"(our_key text, our_value jsonb, our_before jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable
DECLARE
    our_document jsonb;
    our_earlier jsonb;
    our_alike boolean;
    our_rows bigint;
    our_heads bigint := 0;
    our_whole boolean;
    our_was text[];
    our_now text[];
    our_old text[];
    our_new text[];
    our_run record;
    our_element text;
    our_placed record;
    our_labels bigint[];
    our_places bigint[];
    our_made bigint[];
    our_gone bigint[];
    our_full boolean;
    our_anew boolean;
    our_turn integer;
    our_wide integer := 0;
BEGIN
    IF our_before IS NOT NULL OR current_setting('transaction_isolation') = 'read committed' THEN
        SELECT count(*), bool_and(t.unmapped IS NULL) INTO our_heads, our_whole
        FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17);
    END IF;
    IF our_heads = 0 THEN
    INSERT INTO "campus_tables"."connections_lists" AS t ("user_id", unmapped)
    VALUES (substr(our_key, 6, length(our_key) - 17), CASE WHEN CASE WHEN jsonb_typeof(our_value) = 'array' THEN (SELECT count(DISTINCT outgrow.key_of(e.v)) = jsonb_array_length(our_value) FROM jsonb_array_elements(our_value) AS e(v)) ELSE false END THEN NULL ELSE our_value END)
    ON CONFLICT ON CONSTRAINT "connections_lists_pkey"
        DO UPDATE SET unmapped = excluded.unmapped
        WHERE t.unmapped IS NOT NULL OR excluded.unmapped IS NOT NULL;
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
    IF (CASE
        WHEN our_heads <> 1 OR our_whole OR our_before IS NULL
            OR jsonb_typeof(our_before) <> 'array' OR jsonb_typeof(our_value) <> 'array' THEN false
        WHEN jsonb_array_length(our_value) <> jsonb_array_length(our_before) + 1 THEN false
        ELSE (SELECT ROW(t.unmapped)::record *= ROW(our_before)::record FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17)) END)
    THEN
        IF outgrow.key_of(our_value -> -1) IS NOT NULL AND ROW(our_value - (-1))::record *= ROW(our_before)::record THEN
            our_element := our_value ->> -1;
            our_labels := ARRAY(SELECT coalesce(max(t."pos"), 0) + outgrow.pos_step() FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17));
        ELSIF outgrow.key_of(our_value -> 0) IS NOT NULL AND ROW(our_value - (0))::record *= ROW(our_before)::record AND NOT our_before ? (our_value ->> 0) THEN
            our_element := our_value ->> 0;
            our_labels := ARRAY(
                SELECT coalesce(min(t."pos") - outgrow.pos_step(), outgrow.pos_step()) FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17));
        END IF;
        IF our_element IS NOT NULL THEN
    INSERT INTO "campus_tables"."connections_lists" AS t ("user_id", unmapped)
    VALUES (substr(our_key, 6, length(our_key) - 17), our_value)
    ON CONFLICT ON CONSTRAINT "connections_lists_pkey"
        DO UPDATE SET unmapped = excluded.unmapped
        WHERE t.unmapped IS NOT NULL OR excluded.unmapped IS NOT NULL;
            IF NOT our_before ? our_element THEN
        INSERT INTO "campus_tables"."connections" AS t ("user_id", "connected_user_id", "pos", "created_at")
        SELECT substr(our_key, 6, length(our_key) - 17), our_element, our_labels[1], NULL::timestamptz
        ON CONFLICT ON CONSTRAINT "connections_pkey" DO UPDATE SET "pos" = excluded."pos", "created_at" = excluded."created_at";
            END IF;
            RETURN;
        END IF;
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
    our_anew := false;
    our_turn := 0;
    FOR our_run IN SELECT * FROM outgrow.list_runs(our_was, our_now) LOOP
        IF cardinality(our_run.old) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.old LOOP
                our_old := our_old || our_element;
            END LOOP;
        ELSE
            our_old := our_old || our_run.old;
        END IF;
        IF cardinality(our_run.new) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.new LOOP
                our_new := our_new || our_element;
            END LOOP;
        ELSE
            our_new := our_new || our_run.new;
        END IF;
        IF cardinality(our_new) * 2 > greatest(cardinality(our_now), 256) THEN
            our_old := our_was;
            our_new := our_now;
            our_made := ARRAY(
                SELECT n * outgrow.pos_step() FROM generate_series(1, cardinality(our_now)) AS n);
            our_full := false;
            our_anew := true;
            EXIT;
        END IF;
        our_turn := our_turn + 1;
        IF our_turn > 16 THEN
            IF our_turn = 17 THEN
                our_places := ARRAY(SELECT t."pos" FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND (our_heads = 1 OR outgrow.is_own(t.xmin)) ORDER BY t."pos");
            END IF;
            our_labels := our_places[
                greatest(our_run.old_first - 1, 1)
                : least(our_run.old_last + 1, cardinality(our_was))];
        ELSE
            our_labels := ARRAY(
            SELECT f."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN LATERAL (SELECT t."pos" FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin)) OFFSET 0) f ON true
            ORDER BY u.n);
        END IF;
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
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
            AND (our_anew OR NOT EXISTS (
                SELECT FROM (
                    SELECT u.v FROM unnest(our_new) AS u(v)
                    EXCEPT
                    SELECT u.v FROM unnest(our_old) AS u(v)) u
                CROSS JOIN LATERAL (SELECT t."connected_user_id" FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = u.v OFFSET 0) f));
    END IF;
    IF our_whole IS NOT TRUE THEN
        our_was := outgrow.list_ids(our_before);
        our_now := outgrow.list_ids(our_value);
    INSERT INTO "campus_tables"."connections_lists" AS t ("user_id", unmapped)
    VALUES (substr(our_key, 6, length(our_key) - 17), CASE WHEN cardinality(our_now) = CASE WHEN jsonb_typeof(our_value) = 'array' THEN jsonb_array_length(our_value) END THEN NULL ELSE our_value END)
    ON CONFLICT ON CONSTRAINT "connections_lists_pkey"
        DO UPDATE SET unmapped = excluded.unmapped
        WHERE t.unmapped IS NOT NULL OR excluded.unmapped IS NOT NULL;
        IF our_heads <> 1
            OR (SELECT count(*) FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17)) <> cardinality(our_was) THEN
            our_was := ARRAY(
                SELECT t."connected_user_id" FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND (our_heads = 1 OR outgrow.is_own(t.xmin))
                ORDER BY t."pos", t."connected_user_id");
        END IF;
    our_old := '{}';
    our_new := '{}';
    our_made := '{}';
    our_gone := '{}';
    our_full := false;
    our_anew := false;
    our_turn := 0;
    FOR our_run IN SELECT * FROM outgrow.list_runs(our_was, our_now) LOOP
        IF cardinality(our_run.old) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.old LOOP
                our_old := our_old || our_element;
            END LOOP;
        ELSE
            our_old := our_old || our_run.old;
        END IF;
        IF cardinality(our_run.new) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.new LOOP
                our_new := our_new || our_element;
            END LOOP;
        ELSE
            our_new := our_new || our_run.new;
        END IF;
        IF cardinality(our_new) * 2 > greatest(cardinality(our_now), 256) THEN
            our_old := our_was;
            our_new := our_now;
            our_made := ARRAY(
                SELECT n * outgrow.pos_step() FROM generate_series(1, cardinality(our_now)) AS n);
            our_full := false;
            our_anew := true;
            EXIT;
        END IF;
        our_turn := our_turn + 1;
        IF our_turn > 16 THEN
            IF our_turn = 17 THEN
                our_places := ARRAY(SELECT t."pos" FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND (our_heads = 1 OR outgrow.is_own(t.xmin)) ORDER BY t."pos");
            END IF;
            our_labels := our_places[
                greatest(our_run.old_first - 1, 1)
                : least(our_run.old_last + 1, cardinality(our_was))];
        ELSE
            our_labels := ARRAY(
            SELECT f."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN LATERAL (SELECT t."pos" FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin)) OFFSET 0) f ON true
            ORDER BY u.n);
        END IF;
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), False) l;
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;
    END IF;
    IF our_full THEN
        SELECT min(c.old_first) AS old_first, max(c.old_last) AS old_last,
            min(c.new_first) AS new_first, max(c.new_last) AS new_last,
            NULL::text[] AS old, NULL::text[] AS new
        INTO our_run FROM outgrow.list_runs(our_was, our_now) c;
    END IF;
    WHILE our_full LOOP
        our_wide := greatest(16, our_wide * 4);
        our_run.old_first := greatest(our_run.old_first - our_wide, 1);
        our_run.new_first := greatest(our_run.new_first - our_wide, 1);
        our_run.old_last := least(our_run.old_last + our_wide, cardinality(our_was));
        our_run.new_last := least(our_run.new_last + our_wide, cardinality(our_now));
        our_run.old := our_was[our_run.old_first : our_run.old_last];
        our_run.new := our_now[our_run.new_first : our_run.new_last];
        our_labels := ARRAY(
            SELECT f."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN LATERAL (SELECT t."pos" FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin)) OFFSET 0) f ON true
            ORDER BY u.n);
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), True) l;
        our_old := our_run.old;
        our_new := our_run.new;
        our_made := our_placed.made;
        our_gone := our_placed.gone;
        our_full := our_made IS NULL;
    END LOOP;
    DELETE FROM "campus_tables"."connections" t
    WHERE t.ctid = ANY (ARRAY(
        SELECT f.ctid
        FROM (
            SELECT u.v FROM unnest(our_old) AS u(v)
            EXCEPT
            SELECT u.v FROM unnest(our_new) AS u(v)) u
        CROSS JOIN LATERAL (SELECT t.ctid FROM "campus_tables"."connections" t WHERE t."user_id" = substr(our_key, 6, length(our_key) - 17) AND t."connected_user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin)) OFFSET 0) f));
        INSERT INTO "campus_tables"."connections" AS t ("user_id", "connected_user_id", "pos", "created_at")
        SELECT substr(our_key, 6, length(our_key) - 17), m.v, m.label, NULL::timestamptz
    FROM unnest(our_new, our_made) AS m(v, label)
    WHERE m.label IS NOT NULL
        ON CONFLICT ON CONSTRAINT "connections_pkey" DO UPDATE SET "pos" = excluded."pos", "created_at" = excluded."created_at";
END
$body$;

CREATE OR REPLACE FUNCTION "campus_tables"."messages_sync"(our_key text, our_value jsonb, our_before jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable
DECLARE
    our_document jsonb;
    our_earlier jsonb;
    our_alike boolean;
    our_rows bigint;
    our_heads bigint := 0;
    our_whole boolean;
    our_was text[];
    our_now text[];
    our_old text[];
    our_new text[];
    our_run record;
    our_element text;
    our_placed record;
    our_labels bigint[];
    our_places bigint[];
    our_made bigint[];
    our_gone bigint[];
    our_full boolean;
    our_anew boolean;
    our_turn integer;
    our_wide integer := 0;
BEGIN
    IF our_before IS NOT NULL OR current_setting('transaction_isolation') = 'read committed' THEN
        SELECT count(*), bool_and(t.unmapped IS NULL) INTO our_heads, our_whole
        FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14);
    END IF;
    IF our_heads = 0 THEN
    INSERT INTO "campus_tables"."messages_lists" AS t ("chat_id", unmapped)
    VALUES (substr(our_key, 6, length(our_key) - 14), CASE WHEN CASE WHEN jsonb_typeof(our_value) = 'array' THEN NOT EXISTS (SELECT FROM jsonb_array_elements(our_value) AS e(v) WHERE jsonb_typeof(e.v) <> 'object') ELSE false END THEN NULL ELSE our_value END)
    ON CONFLICT ON CONSTRAINT "messages_lists_pkey"
        DO UPDATE SET unmapped = excluded.unmapped
        WHERE t.unmapped IS NOT NULL OR excluded.unmapped IS NOT NULL;
        INSERT INTO "campus_tables"."messages" AS t ("chat_id", "pos", "id", "sender_id", "content", "kind", "sent_at", "rest")
        SELECT r."chat_id", r."pos", r."id", r."sender_id", r."content", r."kind", r."sent_at", r."rest" FROM "campus_tables"."messages_rows"(our_key, our_value) r
        ON CONFLICT ON CONSTRAINT "messages_pkey" DO UPDATE SET "id" = excluded."id", "sender_id" = excluded."sender_id", "content" = excluded."content", "kind" = excluded."kind", "sent_at" = excluded."sent_at", "rest" = excluded."rest";
        RETURN;
    ELSIF our_before IS NOT NULL AND ROW(our_value)::record *= ROW(our_before)::record THEN
        RETURN;
    END IF;
    IF (CASE
        WHEN our_heads <> 1 OR NOT our_whole OR our_before IS NULL
            OR jsonb_typeof(our_before) <> 'array' OR jsonb_typeof(our_value) <> 'array' THEN false
        WHEN jsonb_array_length(our_value) <> jsonb_array_length(our_before) + 1 THEN false
        WHEN (jsonb_typeof(our_value -> -1) = 'object') IS NOT TRUE THEN false
        WHEN ROW(our_value - (-1))::record *<> ROW(our_before)::record THEN false
        ELSE (SELECT count(*) FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14)) = jsonb_array_length(our_before) END)
    THEN
        INSERT INTO "campus_tables"."messages" AS t ("chat_id", "pos", "id", "sender_id", "content", "kind", "sent_at", "rest")
        SELECT r."chat_id", l.last + outgrow.pos_step(), r."id", r."sender_id", r."content", r."kind", r."sent_at", r."rest"
    FROM (SELECT coalesce(max(t."pos"), 0) AS last FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14)) l
    CROSS JOIN LATERAL "campus_tables"."messages_rows"(our_key, jsonb_build_array(our_value -> -1)) r
        ON CONFLICT ON CONSTRAINT "messages_pkey" DO UPDATE SET "id" = excluded."id", "sender_id" = excluded."sender_id", "content" = excluded."content", "kind" = excluded."kind", "sent_at" = excluded."sent_at", "rest" = excluded."rest";
        RETURN;
    END IF;
    INSERT INTO "campus_tables"."messages_lists" AS t ("chat_id", unmapped)
    VALUES (substr(our_key, 6, length(our_key) - 14), CASE WHEN CASE WHEN jsonb_typeof(our_value) = 'array' THEN NOT EXISTS (SELECT FROM jsonb_array_elements(our_value) AS e(v) WHERE jsonb_typeof(e.v) <> 'object') ELSE false END THEN NULL ELSE our_value END)
    ON CONFLICT ON CONSTRAINT "messages_lists_pkey"
        DO UPDATE SET unmapped = excluded.unmapped
        WHERE t.unmapped IS NOT NULL OR excluded.unmapped IS NOT NULL;
    IF outgrow.may_be_long(our_value) OR outgrow.may_be_long(our_before) THEN
        DELETE FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14) AND (our_heads = 1 OR outgrow.is_own(t.xmin));
        INSERT INTO "campus_tables"."messages" AS t ("chat_id", "pos", "id", "sender_id", "content", "kind", "sent_at", "rest")
        SELECT r."chat_id", r."pos", r."id", r."sender_id", r."content", r."kind", r."sent_at", r."rest" FROM "campus_tables"."messages_rows"(our_key, our_value) r
        ON CONFLICT ON CONSTRAINT "messages_pkey" DO UPDATE SET "id" = excluded."id", "sender_id" = excluded."sender_id", "content" = excluded."content", "kind" = excluded."kind", "sent_at" = excluded."sent_at", "rest" = excluded."rest";
        RETURN;
    END IF;
    our_was := ARRAY(
        SELECT e.v::text FROM jsonb_array_elements(
            CASE WHEN jsonb_typeof(our_before) = 'array' THEN our_before ELSE '[]' END)
            WITH ORDINALITY AS e(v, n)
        WHERE jsonb_typeof(e.v) = 'object' ORDER BY e.n);
    our_now := ARRAY(
        SELECT e.v::text FROM jsonb_array_elements(
            CASE WHEN jsonb_typeof(our_value) = 'array' THEN our_value ELSE '[]' END)
            WITH ORDINALITY AS e(v, n)
        WHERE jsonb_typeof(e.v) = 'object' ORDER BY e.n);
    IF (SELECT count(*) FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14) AND (our_heads = 1 OR outgrow.is_own(t.xmin))) <> cardinality(our_was) THEN
        DELETE FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14) AND (our_heads = 1 OR outgrow.is_own(t.xmin));
        our_was := '{}';
    END IF;
    our_old := '{}';
    our_new := '{}';
    our_made := '{}';
    our_gone := '{}';
    our_full := false;
    our_anew := false;
    our_turn := 0;
    FOR our_run IN SELECT * FROM outgrow.list_runs(our_was, our_now) LOOP
        IF cardinality(our_run.old) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.old LOOP
                our_old := our_old || our_element;
            END LOOP;
        ELSE
            our_old := our_old || our_run.old;
        END IF;
        IF cardinality(our_run.new) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.new LOOP
                our_new := our_new || our_element;
            END LOOP;
        ELSE
            our_new := our_new || our_run.new;
        END IF;
        our_turn := our_turn + 1;
        IF our_turn > 16 THEN
            IF our_turn = 17 THEN
                our_places := ARRAY(SELECT t."pos" FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14) AND (our_heads = 1 OR outgrow.is_own(t.xmin)) ORDER BY t."pos");
            END IF;
            our_labels := our_places[
                greatest(our_run.old_first - 1, 1)
                : least(our_run.old_last + 1, cardinality(our_was))];
        ELSE
            our_labels := ARRAY(
            SELECT t."pos" FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14) AND (our_heads = 1 OR outgrow.is_own(t.xmin))
            ORDER BY t."pos" OFFSET greatest(our_run.old_first - 2, 0)
            LIMIT least(our_run.old_last + 1, cardinality(our_was)) - greatest(our_run.old_first - 1, 1) + 1);
        END IF;
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), False) l;
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;
    IF our_full THEN
        SELECT min(c.old_first) AS old_first, max(c.old_last) AS old_last,
            min(c.new_first) AS new_first, max(c.new_last) AS new_last,
            NULL::text[] AS old, NULL::text[] AS new
        INTO our_run FROM outgrow.list_runs(our_was, our_now) c;
    END IF;
    WHILE our_full LOOP
        our_wide := greatest(16, our_wide * 4);
        our_run.old_first := greatest(our_run.old_first - our_wide, 1);
        our_run.new_first := greatest(our_run.new_first - our_wide, 1);
        our_run.old_last := least(our_run.old_last + our_wide, cardinality(our_was));
        our_run.new_last := least(our_run.new_last + our_wide, cardinality(our_now));
        our_run.old := our_was[our_run.old_first : our_run.old_last];
        our_run.new := our_now[our_run.new_first : our_run.new_last];
        our_labels := ARRAY(
            SELECT t."pos" FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14) AND (our_heads = 1 OR outgrow.is_own(t.xmin))
            ORDER BY t."pos" OFFSET greatest(our_run.old_first - 2, 0)
            LIMIT least(our_run.old_last + 1, cardinality(our_was)) - greatest(our_run.old_first - 1, 1) + 1);
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), True) l;
        our_old := our_run.old;
        our_new := our_run.new;
        our_made := our_placed.made;
        our_gone := our_placed.gone;
        our_full := our_made IS NULL;
    END LOOP;
    DELETE FROM "campus_tables"."messages" t
    WHERE t."chat_id" = substr(our_key, 6, length(our_key) - 14) AND t."pos" = ANY (our_gone) AND (our_heads = 1 OR outgrow.is_own(t.xmin));
    SELECT coalesce(array_agg(m.v ORDER BY m.n), '{}'),
        coalesce(array_agg(m.label ORDER BY m.n), '{}')
    INTO our_new, our_made
    FROM unnest(our_new, our_made) WITH ORDINALITY AS m(v, label, n)
    WHERE m.label IS NOT NULL;
        INSERT INTO "campus_tables"."messages" AS t ("chat_id", "pos", "id", "sender_id", "content", "kind", "sent_at", "rest")
        SELECT r."chat_id", our_made[r."pos" / outgrow.pos_step()], r."id", r."sender_id", r."content", r."kind", r."sent_at", r."rest" FROM "campus_tables"."messages_rows"(our_key, ('[' || array_to_string(our_new, ',') || ']')::jsonb) r
        ON CONFLICT ON CONSTRAINT "messages_pkey" DO UPDATE SET "id" = excluded."id", "sender_id" = excluded."sender_id", "content" = excluded."content", "kind" = excluded."kind", "sent_at" = excluded."sent_at", "rest" = excluded."rest";
END
$body$;

CREATE OR REPLACE FUNCTION "campus_tables"."participants_sync"(our_key text, our_value jsonb, our_before jsonb)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable
DECLARE
    our_document jsonb;
    our_earlier jsonb;
    our_alike boolean;
    our_rows bigint;
    our_heads bigint := 0;
    our_whole boolean;
    our_was text[];
    our_now text[];
    our_old text[];
    our_new text[];
    our_run record;
    our_element text;
    our_placed record;
    our_labels bigint[];
    our_places bigint[];
    our_made bigint[];
    our_gone bigint[];
    our_full boolean;
    our_anew boolean;
    our_turn integer;
    our_wide integer := 0;
BEGIN
    our_document := our_value;
    our_value := coalesce(outgrow.array_of(our_value -> 'participants'), '[]');
    IF our_before IS NULL THEN
        IF EXISTS (SELECT FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6))
        THEN
        INSERT INTO "campus_tables"."participants" AS t ("chat_id", "user_id", "pos")
        SELECT r."chat_id", r."user_id", r."pos" FROM "campus_tables"."participants_rows"(our_key, our_document) r
        ON CONFLICT ON CONSTRAINT "participants_pkey" DO UPDATE SET "pos" = excluded."pos";
        ELSE
            INSERT INTO "campus_tables"."participants"
                ("chat_id", "user_id", "pos")
            SELECT substr(our_key, 6), outgrow.key_of(e.v), e.n * outgrow.pos_step()
            FROM jsonb_array_elements(
                CASE WHEN jsonb_typeof(our_value) = 'array' THEN our_value ELSE '[]' END)
                WITH ORDINALITY AS e(v, n)
            WHERE outgrow.key_of(e.v) IS NOT NULL
            ON CONFLICT DO NOTHING;
        END IF;
        RETURN;
    END IF;
    SELECT count(*) INTO our_rows FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6);
    our_heads := 1;
    our_earlier := our_before;
    our_before := coalesce(outgrow.array_of(our_before -> 'participants'), '[]');
    IF current_setting('transaction_isolation') <> 'read committed'
        AND our_rows > cardinality(outgrow.list_ids(our_before)) THEN
        our_heads := 2;
    END IF;
    IF ROW(our_value)::record *= ROW(our_before)::record AND our_rows > 0 THEN
        RETURN;
    END IF;
    our_whole := our_rows = jsonb_array_length(our_before);
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
    our_anew := false;
    our_turn := 0;
    FOR our_run IN SELECT * FROM outgrow.list_runs(our_was, our_now) LOOP
        IF cardinality(our_run.old) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.old LOOP
                our_old := our_old || our_element;
            END LOOP;
        ELSE
            our_old := our_old || our_run.old;
        END IF;
        IF cardinality(our_run.new) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.new LOOP
                our_new := our_new || our_element;
            END LOOP;
        ELSE
            our_new := our_new || our_run.new;
        END IF;
        IF cardinality(our_new) * 2 > greatest(cardinality(our_now), 256) THEN
            our_old := our_was;
            our_new := our_now;
            our_made := ARRAY(
                SELECT n * outgrow.pos_step() FROM generate_series(1, cardinality(our_now)) AS n);
            our_full := false;
            our_anew := true;
            EXIT;
        END IF;
        our_turn := our_turn + 1;
        IF our_turn > 16 THEN
            IF our_turn = 17 THEN
                our_places := ARRAY(SELECT t."pos" FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6) AND (our_heads = 1 OR outgrow.is_own(t.xmin)) ORDER BY t."pos");
            END IF;
            our_labels := our_places[
                greatest(our_run.old_first - 1, 1)
                : least(our_run.old_last + 1, cardinality(our_was))];
        ELSE
            our_labels := ARRAY(
            SELECT f."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN LATERAL (SELECT t."pos" FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6) AND t."user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin)) OFFSET 0) f ON true
            ORDER BY u.n);
        END IF;
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), False) l;
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;
        -- What is new are ids, and none of them stands in the list already.
        our_whole := (SELECT count(*) FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6)) = cardinality(our_was)
            AND (
                SELECT count(DISTINCT u.v COLLATE "C") = count(*)
                    AND coalesce(max(length(u.v)), 0) <= 200
                FROM unnest(our_new) AS u(v))
            AND (our_anew OR NOT EXISTS (
                SELECT FROM (
                    SELECT u.v FROM unnest(our_new) AS u(v)
                    EXCEPT
                    SELECT u.v FROM unnest(our_old) AS u(v)) u
                CROSS JOIN LATERAL (SELECT t."user_id" FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6) AND t."user_id" = u.v OFFSET 0) f));
    END IF;
    IF our_whole IS NOT TRUE THEN
        our_was := outgrow.list_ids(our_before);
        our_now := outgrow.list_ids(our_value);
        IF our_heads <> 1
            OR (SELECT count(*) FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6)) <> cardinality(our_was) THEN
            our_was := ARRAY(
                SELECT t."user_id" FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6) AND (our_heads = 1 OR outgrow.is_own(t.xmin))
                ORDER BY t."pos", t."user_id");
        END IF;
    our_old := '{}';
    our_new := '{}';
    our_made := '{}';
    our_gone := '{}';
    our_full := false;
    our_anew := false;
    our_turn := 0;
    FOR our_run IN SELECT * FROM outgrow.list_runs(our_was, our_now) LOOP
        IF cardinality(our_run.old) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.old LOOP
                our_old := our_old || our_element;
            END LOOP;
        ELSE
            our_old := our_old || our_run.old;
        END IF;
        IF cardinality(our_run.new) <= 64 THEN
            FOREACH our_element IN ARRAY our_run.new LOOP
                our_new := our_new || our_element;
            END LOOP;
        ELSE
            our_new := our_new || our_run.new;
        END IF;
        IF cardinality(our_new) * 2 > greatest(cardinality(our_now), 256) THEN
            our_old := our_was;
            our_new := our_now;
            our_made := ARRAY(
                SELECT n * outgrow.pos_step() FROM generate_series(1, cardinality(our_now)) AS n);
            our_full := false;
            our_anew := true;
            EXIT;
        END IF;
        our_turn := our_turn + 1;
        IF our_turn > 16 THEN
            IF our_turn = 17 THEN
                our_places := ARRAY(SELECT t."pos" FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6) AND (our_heads = 1 OR outgrow.is_own(t.xmin)) ORDER BY t."pos");
            END IF;
            our_labels := our_places[
                greatest(our_run.old_first - 1, 1)
                : least(our_run.old_last + 1, cardinality(our_was))];
        ELSE
            our_labels := ARRAY(
            SELECT f."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN LATERAL (SELECT t."pos" FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6) AND t."user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin)) OFFSET 0) f ON true
            ORDER BY u.n);
        END IF;
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), False) l;
        our_full := our_full OR our_placed.made IS NULL;
        our_made := our_made || our_placed.made;
        our_gone := our_gone || our_placed.gone;
    END LOOP;
    END IF;
    IF our_full THEN
        SELECT min(c.old_first) AS old_first, max(c.old_last) AS old_last,
            min(c.new_first) AS new_first, max(c.new_last) AS new_last,
            NULL::text[] AS old, NULL::text[] AS new
        INTO our_run FROM outgrow.list_runs(our_was, our_now) c;
    END IF;
    WHILE our_full LOOP
        our_wide := greatest(16, our_wide * 4);
        our_run.old_first := greatest(our_run.old_first - our_wide, 1);
        our_run.new_first := greatest(our_run.new_first - our_wide, 1);
        our_run.old_last := least(our_run.old_last + our_wide, cardinality(our_was));
        our_run.new_last := least(our_run.new_last + our_wide, cardinality(our_now));
        our_run.old := our_was[our_run.old_first : our_run.old_last];
        our_run.new := our_now[our_run.new_first : our_run.new_last];
        our_labels := ARRAY(
            SELECT f."pos" FROM unnest(our_was[our_run.old_first - 1 : our_run.old_last + 1]) WITH ORDINALITY AS u(v, n)
            LEFT JOIN LATERAL (SELECT t."pos" FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6) AND t."user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin)) OFFSET 0) f ON true
            ORDER BY u.n);
        SELECT l.made, l.gone INTO our_placed FROM outgrow.list_labels(
            our_run.old, our_run.new, our_labels,
            our_run.old_first > 1, our_run.old_last < cardinality(our_was), True) l;
        our_old := our_run.old;
        our_new := our_run.new;
        our_made := our_placed.made;
        our_gone := our_placed.gone;
        our_full := our_made IS NULL;
    END LOOP;
    DELETE FROM "campus_tables"."participants" t
    WHERE t.ctid = ANY (ARRAY(
        SELECT f.ctid
        FROM (
            SELECT u.v FROM unnest(our_old) AS u(v)
            EXCEPT
            SELECT u.v FROM unnest(our_new) AS u(v)) u
        CROSS JOIN LATERAL (SELECT t.ctid FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(our_key, 6) AND t."user_id" = u.v AND (our_heads = 1 OR outgrow.is_own(t.xmin)) OFFSET 0) f));
        INSERT INTO "campus_tables"."participants" AS t ("chat_id", "user_id", "pos")
        SELECT substr(our_key, 6), m.v, m.label
    FROM unnest(our_new, our_made) AS m(v, label)
    WHERE m.label IS NOT NULL
        ON CONFLICT ON CONSTRAINT "participants_pkey" DO UPDATE SET "pos" = excluded."pos";
END
$body$;

CREATE OR REPLACE FUNCTION "campus_tables"."store_changed"()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET work_mem = '256MB'
AS $body$
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
        IF this_key ~ '^user:([^:]+)$' AND length(this_key) <= 205 THEN
        WITH taken AS (SELECT old_key AS key, old_value AS value),
filled AS (
    INSERT INTO "campus_tables"."users" ("id", "email", "name", "school", "major", "year", "interests", "looking_for", "blocked", "created_at", "rest", "email_key", "sort_name", "sort_created", "visible", "search_name", "search_text", "likes", "traits", "card")
    SELECT r."id", r."email", r."name", r."school", r."major", r."year", r."interests", r."looking_for", r."blocked", r."created_at", r."rest", r."email_key", r."sort_name", r."sort_created", r."visible", r."search_name", r."search_text", r."likes", r."traits", r."card" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."users_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
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
        ELSIF this_key ~ '^user:([^:]+):connections$' AND length(this_key) <= 217 THEN
        WITH taken AS (SELECT old_key AS key, old_value AS value),
missing AS MATERIALIZED (
    SELECT k.key, k.value FROM taken k
    WHERE (SELECT true FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(k.key, 6, length(k.key) - 17) LIMIT 1) IS NULL
),
headed AS (
    INSERT INTO "campus_tables"."connections_lists" AS h ("user_id", unmapped)
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
        ELSIF this_key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(this_key) <= 210 OR this_key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$') THEN
        WITH taken AS (SELECT old_key AS key, old_value AS value),
filled AS (
    INSERT INTO "campus_tables"."intros" ("from_id", "to_id", "sent_ms", "reason", "status", "created_at", "accepted_at", "denied_at", "rest")
    SELECT r."from_id", r."to_id", r."sent_ms", r."reason", r."status", r."created_at", r."accepted_at", r."denied_at", r."rest" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."intros_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        ELSIF this_key ~ '^chat:(.+)$' AND length(this_key) <= 205 AND NOT (this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214) AND NOT (this_key ~ '^chat:(.+):typing:([^:]+)$' AND (length(this_key) <= 214 OR this_key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$')) THEN
        WITH taken AS (SELECT old_key AS key, old_value AS value),
filled AS (
    INSERT INTO "campus_tables"."chats" ("id", "participants", "created_at", "rest")
    SELECT r."id", r."participants", r."created_at", r."rest" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."chats_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        WITH taken AS (SELECT old_key AS key, old_value AS value WHERE NOT EXISTS (SELECT FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(old_key, 6))),
filled AS (
    INSERT INTO "campus_tables"."participants" ("chat_id", "user_id", "pos")
    SELECT r."chat_id", r."user_id", r."pos" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."participants_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
        SELECT count(*) INTO copied FROM filled;
        ELSIF this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214 THEN
        WITH taken AS (SELECT old_key AS key, old_value AS value),
missing AS MATERIALIZED (
    SELECT k.key, k.value FROM taken k
    WHERE (SELECT true FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(k.key, 6, length(k.key) - 14) LIMIT 1) IS NULL
),
headed AS (
    INSERT INTO "campus_tables"."messages_lists" AS h ("chat_id", unmapped)
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
            IF this_key ~ '^user:([^:]+)$' AND length(this_key) <= 205 THEN
        DELETE FROM "campus_tables"."users" t WHERE t."id" = substr(this_key, 6);
        DELETE FROM "campus_tables"."school_members" t WHERE t."user_id" = substr(this_key, 6);
        DELETE FROM "campus_tables"."user_search" t WHERE t."user_id" = substr(this_key, 6);
            ELSIF this_key ~ '^user:([^:]+):connections$' AND length(this_key) <= 217 THEN
        DELETE FROM "campus_tables"."connections" t WHERE t."user_id" = substr(this_key, 6, length(this_key) - 17);
        DELETE FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(this_key, 6, length(this_key) - 17);
            ELSIF this_key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(this_key) <= 210 OR this_key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$') THEN
        DELETE FROM "campus_tables"."intros" t WHERE t."from_id" = split_part(this_key, ':', 2) AND t."to_id" = split_part(this_key, ':', 3) AND t."sent_ms" = split_part(this_key, ':', 4);
            ELSIF this_key ~ '^chat:(.+)$' AND length(this_key) <= 205 AND NOT (this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214) AND NOT (this_key ~ '^chat:(.+):typing:([^:]+)$' AND (length(this_key) <= 214 OR this_key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$')) THEN
        DELETE FROM "campus_tables"."chats" t WHERE t."id" = substr(this_key, 6);
        DELETE FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(this_key, 6);
            ELSIF this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214 THEN
        DELETE FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(this_key, 6, length(this_key) - 14);
        DELETE FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(this_key, 6, length(this_key) - 14);
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
        IF this_key ~ '^user:([^:]+)$' AND length(this_key) <= 205 THEN
        IF NOT is_new AND NOT EXISTS (SELECT FROM "campus_tables"."users_rows"(this_key, this_value)) THEN
            DELETE FROM "campus_tables"."users" t WHERE t."id" = substr(this_key, 6);
        END IF;
        INSERT INTO "campus_tables"."users" AS t ("id", "email", "name", "school", "major", "year", "interests", "looking_for", "blocked", "created_at", "rest", "email_key", "sort_name", "sort_created", "visible", "search_name", "search_text", "likes", "traits", "card")
        SELECT r."id", r."email", r."name", r."school", r."major", r."year", r."interests", r."looking_for", r."blocked", r."created_at", r."rest", r."email_key", r."sort_name", r."sort_created", r."visible", r."search_name", r."search_text", r."likes", r."traits", r."card" FROM "campus_tables"."users_rows"(this_key, this_value) r
        ON CONFLICT ON CONSTRAINT "users_pkey" DO UPDATE SET "email" = excluded."email", "name" = excluded."name", "school" = excluded."school", "major" = excluded."major", "year" = excluded."year", "interests" = excluded."interests", "looking_for" = excluded."looking_for", "blocked" = excluded."blocked", "created_at" = excluded."created_at", "rest" = excluded."rest", "email_key" = excluded."email_key", "sort_name" = excluded."sort_name", "sort_created" = excluded."sort_created", "visible" = excluded."visible", "search_name" = excluded."search_name", "search_text" = excluded."search_text", "likes" = excluded."likes", "traits" = excluded."traits", "card" = excluded."card";
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
        ELSIF this_key ~ '^user:([^:]+):connections$' AND length(this_key) <= 217 THEN
        PERFORM "campus_tables"."connections_sync"(this_key, this_value, CASE WHEN NOT is_new THEN old_value END);
        ELSIF this_key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(this_key) <= 210 OR this_key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$') THEN
        IF NOT is_new AND NOT EXISTS (SELECT FROM "campus_tables"."intros_rows"(this_key, this_value)) THEN
            DELETE FROM "campus_tables"."intros" t WHERE t."from_id" = split_part(this_key, ':', 2) AND t."to_id" = split_part(this_key, ':', 3) AND t."sent_ms" = split_part(this_key, ':', 4);
        END IF;
        INSERT INTO "campus_tables"."intros" AS t ("from_id", "to_id", "sent_ms", "reason", "status", "created_at", "accepted_at", "denied_at", "rest")
        SELECT r."from_id", r."to_id", r."sent_ms", r."reason", r."status", r."created_at", r."accepted_at", r."denied_at", r."rest" FROM "campus_tables"."intros_rows"(this_key, this_value) r
        ON CONFLICT ON CONSTRAINT "intros_pkey" DO UPDATE SET "reason" = excluded."reason", "status" = excluded."status", "created_at" = excluded."created_at", "accepted_at" = excluded."accepted_at", "denied_at" = excluded."denied_at", "rest" = excluded."rest";
        ELSIF this_key ~ '^chat:(.+)$' AND length(this_key) <= 205 AND NOT (this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214) AND NOT (this_key ~ '^chat:(.+):typing:([^:]+)$' AND (length(this_key) <= 214 OR this_key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$')) THEN
        IF NOT is_new AND NOT EXISTS (SELECT FROM "campus_tables"."chats_rows"(this_key, this_value)) THEN
            DELETE FROM "campus_tables"."chats" t WHERE t."id" = substr(this_key, 6);
        END IF;
        INSERT INTO "campus_tables"."chats" AS t ("id", "participants", "created_at", "rest")
        SELECT r."id", r."participants", r."created_at", r."rest" FROM "campus_tables"."chats_rows"(this_key, this_value) r
        ON CONFLICT ON CONSTRAINT "chats_pkey" DO UPDATE SET "participants" = excluded."participants", "created_at" = excluded."created_at", "rest" = excluded."rest";
        PERFORM "campus_tables"."participants_sync"(this_key, this_value, CASE WHEN NOT is_new THEN old_value END);
        ELSIF this_key ~ '^chat:(.+):messages$' AND length(this_key) <= 214 THEN
        PERFORM "campus_tables"."messages_sync"(this_key, this_value, CASE WHEN NOT is_new THEN old_value END);
        END IF;
    END LOOP;
    RETURN NULL;
END
$body$;

CREATE OR REPLACE FUNCTION "campus_tables"."store_truncated"()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET work_mem = '256MB'
AS $body$
#variable_conflict use_variable
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
$body$;

CREATE OR REPLACE TRIGGER "outgrow_campus_changed"
AFTER INSERT OR UPDATE OR DELETE ON "public"."kv_store_2516be19"
FOR EACH ROW EXECUTE FUNCTION "campus_tables"."store_changed"();

CREATE OR REPLACE TRIGGER "outgrow_campus_truncated"
AFTER TRUNCATE ON "public"."kv_store_2516be19"
FOR EACH STATEMENT EXECUTE FUNCTION "campus_tables"."store_truncated"();

ALTER TABLE "public"."kv_store_2516be19" ENABLE ALWAYS TRIGGER "outgrow_campus_changed";

ALTER TABLE "public"."kv_store_2516be19" ENABLE ALWAYS TRIGGER "outgrow_campus_truncated";

-- users
SELECT s.key FROM "public"."kv_store_2516be19" s
WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
ORDER BY s.key COLLATE "C" DESC LIMIT 1;

WITH batch AS MATERIALIZED (
    SELECT s.key FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
filled AS (
    INSERT INTO "campus_tables"."users" ("id", "email", "name", "school", "major", "year", "interests", "looking_for", "blocked", "created_at", "rest", "email_key", "sort_name", "sort_created", "visible", "search_name", "search_text", "likes", "traits", "card")
    SELECT r."id", r."email", r."name", r."school", r."major", r."year", r."interests", r."looking_for", r."blocked", r."created_at", r."rest", r."email_key", r."sort_name", r."sort_created", r."visible", r."search_name", r."search_text", r."likes", r."traits", r."card" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."users_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken);

CREATE INDEX CONCURRENTLY "og_users_school_sort_created_id_66314738" ON "campus_tables"."users" ("school", "sort_created", "id");

CREATE INDEX CONCURRENTLY "og_users_school_sort_name_id_991afc2d" ON "campus_tables"."users" ("school", "sort_name", "id");

CREATE INDEX CONCURRENTLY "og_users_school_major_sort_created_id_57da29f5" ON "campus_tables"."users" ("school", "major", "sort_created", "id");

CREATE INDEX CONCURRENTLY "og_users_school_year_sort_created_id_e2f41002" ON "campus_tables"."users" ("school", "year", "sort_created", "id");

CREATE INDEX CONCURRENTLY "og_users_school_major_year_sort_created_id_0a9fceef" ON "campus_tables"."users" ("school", "major", "year", "sort_created", "id");

CREATE INDEX CONCURRENTLY "og_users_email_key_31221be9" ON "campus_tables"."users" ("email_key");

CREATE INDEX CONCURRENTLY "og_users_interests_contains_ab569f8a" ON "campus_tables"."users" USING gin ("interests" jsonb_path_ops);

CREATE INDEX CONCURRENTLY "og_users_looking_for_contains_28b0ebb0" ON "campus_tables"."users" USING gin ("looking_for" jsonb_path_ops);

CREATE INDEX CONCURRENTLY "og_users_traits_words_0100073e" ON "campus_tables"."users" USING gin (to_tsvector('simple'::regconfig, "traits")) WITH (gin_pending_list_limit = 256);

CREATE INDEX CONCURRENTLY "og_users_blocked_contains_81edf5af" ON "campus_tables"."users" USING gin ("blocked" jsonb_path_ops);

WITH batch AS MATERIALIZED (
    SELECT s.key, s.value FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
compared AS MATERIALIZED (
    SELECT b.key, NOT EXISTS (SELECT FROM "campus_tables"."users" t WHERE t."id" = substr(b.key, 6)) AS is_unmapped,
        EXISTS (SELECT FROM (SELECT r."id", r."email", r."name", r."school", r."major", r."year", r."interests", r."looking_for", r."blocked", r."created_at", r."rest", r."email_key", r."sort_name", r."sort_created", r."visible", r."search_name", r."search_text", r."likes", r."traits", r."card", row_number() OVER (ORDER BY r."id") AS row_at
            FROM "campus_tables"."users_rows"(b.key, b.value) r) made
        FULL JOIN (SELECT t."id", t."email", t."name", t."school", t."major", t."year", t."interests", t."looking_for", t."blocked", t."created_at", t."rest", t."email_key", t."sort_name", t."sort_created", t."visible", t."search_name", t."search_text", t."likes", t."traits", t."card", row_number() OVER (ORDER BY t."id") AS row_at
            FROM "campus_tables"."users" t WHERE t."id" = substr(b.key, 6)) kept
        ON kept.row_at = made.row_at
        WHERE ROW(made."id", made."email", made."name", made."school", made."major", made."year", made."interests", made."looking_for", made."blocked", made."created_at", made."rest", made."email_key", made."sort_name", made."sort_created", made."visible", made."search_name", made."search_text", made."likes", made."traits", made."card", made.row_at)::record *<> ROW(kept."id", kept."email", kept."name", kept."school", kept."major", kept."year", kept."interests", kept."looking_for", kept."blocked", kept."created_at", kept."rest", kept."email_key", kept."sort_name", kept."sort_created", kept."visible", kept."search_name", kept."search_text", kept."likes", kept."traits", kept."card", kept.row_at)::record)
        OR EXISTS (SELECT FROM (SELECT (SELECT "campus"."users_encode"(t."email", t."name", t."school", t."major", t."year", t."interests", t."looking_for", t."blocked", t."created_at", t.rest)
    FROM (SELECT t."email", t."name", t."school", t."major", t."year", t."interests", t."looking_for", t."blocked", t."created_at", t.rest || '{}' AS rest FROM "campus_tables"."users" t
    WHERE t."id" = substr(b.key, 6) OFFSET 0) t) AS v OFFSET 0) e
            WHERE e.v IS NOT NULL AND b.value IS NOT NULL
            AND ROW(e.v)::record *<> ROW(b.value)::record) AS differs
    FROM batch b
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{}')
FROM compared;

SELECT ARRAY(
    SELECT k.key FROM (
    SELECT 'user:' || t."id" AS key FROM "campus_tables"."users" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'user:' || t."id")
    UNION
    SELECT k.key FROM (SELECT DISTINCT "id" FROM "campus_tables"."users") t
    CROSS JOIN LATERAL (SELECT 'user:' || t."id" AS key OFFSET 0) k
    WHERE (k.key ~ '^user:([^:]+)$' AND length(k.key) <= 205
        AND t."id" = substr(k.key, 6)) IS NOT TRUE
    ) k LIMIT 100);

-- connections
SELECT s.key FROM "public"."kv_store_2516be19" s
WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+):connections$' AND length(s.key) <= 217
ORDER BY s.key COLLATE "C" DESC LIMIT 1;

WITH batch AS MATERIALIZED (
    SELECT s.key FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(jsonb_array_length(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value END)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+):connections$' AND length(s.key) <= 217
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 4
    ) s
),
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
missing AS MATERIALIZED (
    SELECT k.key, k.value FROM taken k
    WHERE (SELECT true FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(k.key, 6, length(k.key) - 17) LIMIT 1) IS NULL
),
headed AS (
    INSERT INTO "campus_tables"."connections_lists" AS h ("user_id", unmapped)
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
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken);

CREATE INDEX CONCURRENTLY "og_connections_connected_user_id_user_id_5eac5e4b" ON "campus_tables"."connections" ("connected_user_id", "user_id");

WITH batch AS MATERIALIZED (
    SELECT s.key, s.value FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(jsonb_array_length(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value END)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+):connections$' AND length(s.key) <= 217
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 4
    ) s
),
compared AS MATERIALIZED (
    SELECT b.key, l.v IS NOT NULL AS is_unmapped,
        EXISTS (SELECT FROM (SELECT r."user_id", r."connected_user_id", r."created_at", row_number() OVER (ORDER BY r."pos", r."user_id", r."connected_user_id") AS row_at, dense_rank() OVER (ORDER BY r."pos") AS place_at
            FROM "campus_tables"."connections_rows"(b.key, b.value) r) made
        FULL JOIN (SELECT t."user_id", t."connected_user_id", t."created_at", row_number() OVER (ORDER BY t."pos", t."user_id", t."connected_user_id") AS row_at, dense_rank() OVER (ORDER BY t."pos") AS place_at
            FROM "campus_tables"."connections" t WHERE t."user_id" = substr(b.key, 6, length(b.key) - 17)) kept
        ON kept.row_at = made.row_at
        WHERE ROW(made."user_id", made."connected_user_id", made."created_at", made.row_at, made.place_at)::record *<> ROW(kept."user_id", kept."connected_user_id", kept."created_at", kept.row_at, kept.place_at)::record)
        OR NOT EXISTS (SELECT FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(b.key, 6, length(b.key) - 17))
        OR ROW((SELECT t.unmapped FROM "campus_tables"."connections_lists" t WHERE t."user_id" = substr(b.key, 6, length(b.key) - 17)))::record *<> ROW(l.v)::record
        OR EXISTS (SELECT FROM (SELECT (SELECT CASE WHEN h.unmapped IS NOT NULL THEN h.unmapped
    ELSE (SELECT coalesce(jsonb_agg(t."connected_user_id" ORDER BY t."pos"), '[]')
    FROM "campus_tables"."connections" t
    WHERE t."user_id" = substr(b.key, 6, length(b.key) - 17)) END
    FROM "campus_tables"."connections_lists" h
    WHERE h."user_id" = substr(b.key, 6, length(b.key) - 17)) AS v OFFSET 0) e
            WHERE e.v IS NOT NULL AND b.value IS NOT NULL
            AND ROW(e.v)::record *<> ROW(b.value)::record) AS differs
    FROM batch b CROSS JOIN LATERAL (SELECT CASE WHEN CASE WHEN jsonb_typeof(b.value) = 'array' THEN (SELECT count(DISTINCT outgrow.key_of(e.v)) = jsonb_array_length(b.value) FROM jsonb_array_elements(b.value) AS e(v)) ELSE false END THEN NULL ELSE b.value END AS v OFFSET 0) l
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{}')
FROM compared;

SELECT ARRAY(
    SELECT k.key FROM (
    SELECT 'user:' || t."user_id" || ':connections' AS key FROM "campus_tables"."connections" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'user:' || t."user_id" || ':connections')
    UNION
    SELECT k.key FROM (SELECT DISTINCT "user_id" FROM "campus_tables"."connections") t
    CROSS JOIN LATERAL (SELECT 'user:' || t."user_id" || ':connections' AS key OFFSET 0) k
    WHERE (k.key ~ '^user:([^:]+):connections$' AND length(k.key) <= 217
        AND t."user_id" = substr(k.key, 6, length(k.key) - 17)) IS NOT TRUE
    UNION
    SELECT 'user:' || t."user_id" || ':connections' AS key FROM "campus_tables"."connections_lists" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'user:' || t."user_id" || ':connections')
    UNION
    SELECT k.key FROM (SELECT DISTINCT "user_id" FROM "campus_tables"."connections_lists") t
    CROSS JOIN LATERAL (SELECT 'user:' || t."user_id" || ':connections' AS key OFFSET 0) k
    WHERE (k.key ~ '^user:([^:]+):connections$' AND length(k.key) <= 217
        AND t."user_id" = substr(k.key, 6, length(k.key) - 17)) IS NOT TRUE
    ) k LIMIT 100);

-- intros
SELECT s.key FROM "public"."kv_store_2516be19" s
WHERE s.key COLLATE "C" >= 'intro:' AND s.key COLLATE "C" < 'intro;' AND s.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(s.key) <= 210 OR s.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$')
ORDER BY s.key COLLATE "C" DESC LIMIT 1;

WITH batch AS MATERIALIZED (
    SELECT s.key FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'intro:' AND s.key COLLATE "C" < 'intro;' AND s.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(s.key) <= 210 OR s.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$')
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
filled AS (
    INSERT INTO "campus_tables"."intros" ("from_id", "to_id", "sent_ms", "reason", "status", "created_at", "accepted_at", "denied_at", "rest")
    SELECT r."from_id", r."to_id", r."sent_ms", r."reason", r."status", r."created_at", r."accepted_at", r."denied_at", r."rest" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."intros_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken);

CREATE INDEX CONCURRENTLY "og_intros_to_id_status_d2b59697" ON "campus_tables"."intros" ("to_id", "status");

CREATE INDEX CONCURRENTLY "og_intros_from_id_status_ae826c18" ON "campus_tables"."intros" ("from_id", "status");

WITH batch AS MATERIALIZED (
    SELECT s.key, s.value FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'intro:' AND s.key COLLATE "C" < 'intro;' AND s.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(s.key) <= 210 OR s.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$')
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
compared AS MATERIALIZED (
    SELECT b.key, NOT EXISTS (SELECT FROM "campus_tables"."intros" t WHERE t."from_id" = split_part(b.key, ':', 2) AND t."to_id" = split_part(b.key, ':', 3) AND t."sent_ms" = split_part(b.key, ':', 4)) AS is_unmapped,
        EXISTS (SELECT FROM (SELECT r."from_id", r."to_id", r."sent_ms", r."reason", r."status", r."created_at", r."accepted_at", r."denied_at", r."rest", row_number() OVER (ORDER BY r."from_id", r."to_id", r."sent_ms") AS row_at
            FROM "campus_tables"."intros_rows"(b.key, b.value) r) made
        FULL JOIN (SELECT t."from_id", t."to_id", t."sent_ms", t."reason", t."status", t."created_at", t."accepted_at", t."denied_at", t."rest", row_number() OVER (ORDER BY t."from_id", t."to_id", t."sent_ms") AS row_at
            FROM "campus_tables"."intros" t WHERE t."from_id" = split_part(b.key, ':', 2) AND t."to_id" = split_part(b.key, ':', 3) AND t."sent_ms" = split_part(b.key, ':', 4)) kept
        ON kept.row_at = made.row_at
        WHERE ROW(made."from_id", made."to_id", made."sent_ms", made."reason", made."status", made."created_at", made."accepted_at", made."denied_at", made."rest", made.row_at)::record *<> ROW(kept."from_id", kept."to_id", kept."sent_ms", kept."reason", kept."status", kept."created_at", kept."accepted_at", kept."denied_at", kept."rest", kept.row_at)::record)
        OR EXISTS (SELECT FROM (SELECT (SELECT "campus"."intros_encode"(t."reason", t."status", t."created_at", t."accepted_at", t."denied_at", t.rest)
    FROM (SELECT t."reason", t."status", t."created_at", t."accepted_at", t."denied_at", t.rest || '{}' AS rest FROM "campus_tables"."intros" t
    WHERE t."from_id" = split_part(b.key, ':', 2) AND t."to_id" = split_part(b.key, ':', 3) AND t."sent_ms" = split_part(b.key, ':', 4) OFFSET 0) t) AS v OFFSET 0) e
            WHERE e.v IS NOT NULL AND b.value IS NOT NULL
            AND ROW(e.v)::record *<> ROW(b.value)::record) AS differs
    FROM batch b
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{}')
FROM compared;

SELECT ARRAY(
    SELECT k.key FROM (
    SELECT 'intro:' || t."from_id" || ':' || t."to_id" || ':' || t."sent_ms" AS key FROM "campus_tables"."intros" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'intro:' || t."from_id" || ':' || t."to_id" || ':' || t."sent_ms")
    UNION
    SELECT k.key FROM (SELECT DISTINCT "from_id", "to_id", "sent_ms" FROM "campus_tables"."intros") t
    CROSS JOIN LATERAL (SELECT 'intro:' || t."from_id" || ':' || t."to_id" || ':' || t."sent_ms" AS key OFFSET 0) k
    WHERE (k.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(k.key) <= 210 OR k.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$')
        AND t."from_id" = split_part(k.key, ':', 2) AND t."to_id" = split_part(k.key, ':', 3) AND t."sent_ms" = split_part(k.key, ':', 4)) IS NOT TRUE
    ) k LIMIT 100);

-- chats
SELECT s.key FROM "public"."kv_store_2516be19" s
WHERE s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
ORDER BY s.key COLLATE "C" DESC LIMIT 1;

WITH batch AS MATERIALIZED (
    SELECT s.key FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
filled AS (
    INSERT INTO "campus_tables"."chats" ("id", "participants", "created_at", "rest")
    SELECT r."id", r."participants", r."created_at", r."rest" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."chats_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken);

WITH batch AS MATERIALIZED (
    SELECT s.key, s.value FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
compared AS MATERIALIZED (
    SELECT b.key, NOT EXISTS (SELECT FROM "campus_tables"."chats" t WHERE t."id" = substr(b.key, 6)) AS is_unmapped,
        EXISTS (SELECT FROM (SELECT r."id", r."participants", r."created_at", r."rest", row_number() OVER (ORDER BY r."id") AS row_at
            FROM "campus_tables"."chats_rows"(b.key, b.value) r) made
        FULL JOIN (SELECT t."id", t."participants", t."created_at", t."rest", row_number() OVER (ORDER BY t."id") AS row_at
            FROM "campus_tables"."chats" t WHERE t."id" = substr(b.key, 6)) kept
        ON kept.row_at = made.row_at
        WHERE ROW(made."id", made."participants", made."created_at", made."rest", made.row_at)::record *<> ROW(kept."id", kept."participants", kept."created_at", kept."rest", kept.row_at)::record)
        OR EXISTS (SELECT FROM (SELECT (SELECT "campus"."chats_encode"(t."participants", t."created_at", t.rest)
    FROM (SELECT t."participants", t."created_at", t.rest || '{}' AS rest FROM "campus_tables"."chats" t
    WHERE t."id" = substr(b.key, 6) OFFSET 0) t) AS v OFFSET 0) e
            WHERE e.v IS NOT NULL AND b.value IS NOT NULL
            AND ROW(e.v)::record *<> ROW(b.value)::record) AS differs
    FROM batch b
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{}')
FROM compared;

SELECT ARRAY(
    SELECT k.key FROM (
    SELECT 'chat:' || t."id" AS key FROM "campus_tables"."chats" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'chat:' || t."id")
    UNION
    SELECT k.key FROM (SELECT DISTINCT "id" FROM "campus_tables"."chats") t
    CROSS JOIN LATERAL (SELECT 'chat:' || t."id" AS key OFFSET 0) k
    WHERE (k.key ~ '^chat:(.+)$' AND length(k.key) <= 205 AND NOT (k.key ~ '^chat:(.+):messages$' AND length(k.key) <= 214) AND NOT (k.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(k.key) <= 214 OR k.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
        AND t."id" = substr(k.key, 6)) IS NOT TRUE
    ) k LIMIT 100);

-- messages
SELECT s.key FROM "public"."kv_store_2516be19" s
WHERE s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214
ORDER BY s.key COLLATE "C" DESC LIMIT 1;

WITH batch AS MATERIALIZED (
    SELECT s.key FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(jsonb_array_length(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value END)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 4
    ) s
),
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
missing AS MATERIALIZED (
    SELECT k.key, k.value FROM taken k
    WHERE (SELECT true FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(k.key, 6, length(k.key) - 14) LIMIT 1) IS NULL
),
headed AS (
    INSERT INTO "campus_tables"."messages_lists" AS h ("chat_id", unmapped)
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
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken);

WITH batch AS MATERIALIZED (
    SELECT s.key, s.value FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(jsonb_array_length(CASE WHEN jsonb_typeof(s.value) = 'array' THEN s.value END)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 4
    ) s
),
compared AS MATERIALIZED (
    SELECT b.key, l.v IS NOT NULL AS is_unmapped,
        EXISTS (SELECT FROM (SELECT r."chat_id", r."id", r."sender_id", r."content", r."kind", r."sent_at", r."rest", row_number() OVER (ORDER BY r."pos", r."chat_id", r."pos") AS row_at, dense_rank() OVER (ORDER BY r."pos") AS place_at
            FROM "campus_tables"."messages_rows"(b.key, b.value) r) made
        FULL JOIN (SELECT t."chat_id", t."id", t."sender_id", t."content", t."kind", t."sent_at", t."rest", row_number() OVER (ORDER BY t."pos", t."chat_id", t."pos") AS row_at, dense_rank() OVER (ORDER BY t."pos") AS place_at
            FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(b.key, 6, length(b.key) - 14)) kept
        ON kept.row_at = made.row_at
        WHERE ROW(made."chat_id", made."id", made."sender_id", made."content", made."kind", made."sent_at", made."rest", made.row_at, made.place_at)::record *<> ROW(kept."chat_id", kept."id", kept."sender_id", kept."content", kept."kind", kept."sent_at", kept."rest", kept.row_at, kept.place_at)::record)
        OR NOT EXISTS (SELECT FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(b.key, 6, length(b.key) - 14))
        OR ROW((SELECT t.unmapped FROM "campus_tables"."messages_lists" t WHERE t."chat_id" = substr(b.key, 6, length(b.key) - 14)))::record *<> ROW(l.v)::record
        OR EXISTS (SELECT FROM (SELECT (SELECT CASE WHEN h.unmapped IS NOT NULL THEN h.unmapped
    ELSE (SELECT coalesce(jsonb_agg("campus"."messages_encode"(t."id", t."sender_id", t."content", t."kind", t."sent_at", t.rest) ORDER BY t."pos"), '[]')
    FROM "campus_tables"."messages" t
    WHERE t."chat_id" = substr(b.key, 6, length(b.key) - 14)) END
    FROM "campus_tables"."messages_lists" h
    WHERE h."chat_id" = substr(b.key, 6, length(b.key) - 14)) AS v OFFSET 0) e
            WHERE e.v IS NOT NULL AND b.value IS NOT NULL
            AND ROW(e.v)::record *<> ROW(b.value)::record) AS differs
    FROM batch b CROSS JOIN LATERAL (SELECT CASE WHEN CASE WHEN jsonb_typeof(b.value) = 'array' THEN NOT EXISTS (SELECT FROM jsonb_array_elements(b.value) AS e(v) WHERE jsonb_typeof(e.v) <> 'object') ELSE false END THEN NULL ELSE b.value END AS v OFFSET 0) l
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{}')
FROM compared;

SELECT ARRAY(
    SELECT k.key FROM (
    SELECT 'chat:' || t."chat_id" || ':messages' AS key FROM "campus_tables"."messages" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'chat:' || t."chat_id" || ':messages')
    UNION
    SELECT k.key FROM (SELECT DISTINCT "chat_id" FROM "campus_tables"."messages") t
    CROSS JOIN LATERAL (SELECT 'chat:' || t."chat_id" || ':messages' AS key OFFSET 0) k
    WHERE (k.key ~ '^chat:(.+):messages$' AND length(k.key) <= 214
        AND t."chat_id" = substr(k.key, 6, length(k.key) - 14)) IS NOT TRUE
    UNION
    SELECT 'chat:' || t."chat_id" || ':messages' AS key FROM "campus_tables"."messages_lists" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'chat:' || t."chat_id" || ':messages')
    UNION
    SELECT k.key FROM (SELECT DISTINCT "chat_id" FROM "campus_tables"."messages_lists") t
    CROSS JOIN LATERAL (SELECT 'chat:' || t."chat_id" || ':messages' AS key OFFSET 0) k
    WHERE (k.key ~ '^chat:(.+):messages$' AND length(k.key) <= 214
        AND t."chat_id" = substr(k.key, 6, length(k.key) - 14)) IS NOT TRUE
    ) k LIMIT 100);

-- school_members
SELECT s.key FROM "public"."kv_store_2516be19" s
WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
ORDER BY s.key COLLATE "C" DESC LIMIT 1;

WITH batch AS MATERIALIZED (
    SELECT s.key FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
filled AS (
    INSERT INTO "campus_tables"."school_members" ("school", "user_id", "major", "year", "created_at")
    SELECT r."school", r."user_id", r."major", r."year", r."created_at" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."school_members_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken);

CREATE INDEX CONCURRENTLY "og_school_members_school_user_id_e98026e7" ON "campus_tables"."school_members" ("school", "user_id");

WITH batch AS MATERIALIZED (
    SELECT s.key, s.value FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
compared AS MATERIALIZED (
    SELECT b.key, NOT EXISTS (SELECT FROM "campus_tables"."school_members" t WHERE t."user_id" = substr(b.key, 6)) AS is_unmapped,
        EXISTS (SELECT FROM (SELECT r."school", r."user_id", r."major", r."year", r."created_at", row_number() OVER (ORDER BY r."user_id") AS row_at
            FROM "campus_tables"."school_members_rows"(b.key, b.value) r) made
        FULL JOIN (SELECT t."school", t."user_id", t."major", t."year", t."created_at", row_number() OVER (ORDER BY t."user_id") AS row_at
            FROM "campus_tables"."school_members" t WHERE t."user_id" = substr(b.key, 6)) kept
        ON kept.row_at = made.row_at
        WHERE ROW(made."school", made."user_id", made."major", made."year", made."created_at", made.row_at)::record *<> ROW(kept."school", kept."user_id", kept."major", kept."year", kept."created_at", kept.row_at)::record) AS differs
    FROM batch b
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{}')
FROM compared;

SELECT ARRAY(
    SELECT k.key FROM (
    SELECT 'user:' || t."user_id" AS key FROM "campus_tables"."school_members" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'user:' || t."user_id")
    UNION
    SELECT k.key FROM (SELECT DISTINCT "user_id" FROM "campus_tables"."school_members") t
    CROSS JOIN LATERAL (SELECT 'user:' || t."user_id" AS key OFFSET 0) k
    WHERE (k.key ~ '^user:([^:]+)$' AND length(k.key) <= 205
        AND t."user_id" = substr(k.key, 6)) IS NOT TRUE
    ) k LIMIT 100);

-- user_search
SELECT s.key FROM "public"."kv_store_2516be19" s
WHERE s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
ORDER BY s.key COLLATE "C" DESC LIMIT 1;

WITH batch AS MATERIALIZED (
    SELECT s.key FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
filled AS (
    INSERT INTO "campus_tables"."user_search" ("school", "user_id", "visible", "blocked", "search_name", "search_text")
    SELECT r."school", r."user_id", r."visible", r."blocked", r."search_name", r."search_text" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."user_search_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken);

CREATE INDEX CONCURRENTLY "og_user_search_school_search_name_user_id_a021fc5b" ON "campus_tables"."user_search" ("school", "search_name" COLLATE "C", "user_id");

CREATE INDEX CONCURRENTLY "og_user_search_search_text_words_44041e76" ON "campus_tables"."user_search" USING gin (to_tsvector('simple'::regconfig, "search_text")) WITH (gin_pending_list_limit = 256);

WITH batch AS MATERIALIZED (
    SELECT s.key, s.value FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'user:' AND s.key COLLATE "C" < 'user;' AND s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
compared AS MATERIALIZED (
    SELECT b.key, NOT EXISTS (SELECT FROM "campus_tables"."user_search" t WHERE t."user_id" = substr(b.key, 6)) AS is_unmapped,
        EXISTS (SELECT FROM (SELECT r."school", r."user_id", r."visible", r."blocked", r."search_name", r."search_text", row_number() OVER (ORDER BY r."user_id") AS row_at
            FROM "campus_tables"."user_search_rows"(b.key, b.value) r) made
        FULL JOIN (SELECT t."school", t."user_id", t."visible", t."blocked", t."search_name", t."search_text", row_number() OVER (ORDER BY t."user_id") AS row_at
            FROM "campus_tables"."user_search" t WHERE t."user_id" = substr(b.key, 6)) kept
        ON kept.row_at = made.row_at
        WHERE ROW(made."school", made."user_id", made."visible", made."blocked", made."search_name", made."search_text", made.row_at)::record *<> ROW(kept."school", kept."user_id", kept."visible", kept."blocked", kept."search_name", kept."search_text", kept.row_at)::record) AS differs
    FROM batch b
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{}')
FROM compared;

SELECT ARRAY(
    SELECT k.key FROM (
    SELECT 'user:' || t."user_id" AS key FROM "campus_tables"."user_search" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'user:' || t."user_id")
    UNION
    SELECT k.key FROM (SELECT DISTINCT "user_id" FROM "campus_tables"."user_search") t
    CROSS JOIN LATERAL (SELECT 'user:' || t."user_id" AS key OFFSET 0) k
    WHERE (k.key ~ '^user:([^:]+)$' AND length(k.key) <= 205
        AND t."user_id" = substr(k.key, 6)) IS NOT TRUE
    ) k LIMIT 100);

-- participants
SELECT s.key FROM "public"."kv_store_2516be19" s
WHERE s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
ORDER BY s.key COLLATE "C" DESC LIMIT 1;

WITH batch AS MATERIALIZED (
    SELECT s.key FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
taken AS MATERIALIZED (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key = ANY (ARRAY(SELECT key FROM batch))
    FOR SHARE SKIP LOCKED
),
filled AS (
    INSERT INTO "campus_tables"."participants" ("chat_id", "user_id", "pos")
    SELECT r."chat_id", r."user_id", r."pos" FROM taken k
    CROSS JOIN LATERAL "campus_tables"."participants_rows"(k.key, k.value) r
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT (SELECT max(key COLLATE "C") FROM batch), (SELECT count(*) FROM batch),
    (SELECT count(*) FROM filled),
    ARRAY(SELECT key FROM batch EXCEPT SELECT key FROM taken);

CREATE INDEX CONCURRENTLY "og_participants_user_id_chat_id_7d21da00" ON "campus_tables"."participants" ("user_id", "chat_id");

WITH batch AS MATERIALIZED (
    SELECT s.key, s.value FROM (
    SELECT s.key, s.value
    FROM (
        SELECT s.key, s.value, row_number() OVER so_far AS place,
            coalesce(sum(pg_column_size(s.value)) OVER so_far, 0) AS weight
        FROM (
    SELECT s.key, s.value FROM "public"."kv_store_2516be19" s
    WHERE s.key COLLATE "C" > $1::text AND s.key COLLATE "C" <= $2::text
      AND s.key COLLATE "C" >= 'chat:' AND s.key COLLATE "C" < 'chat;' AND s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
    ORDER BY s.key COLLATE "C" LIMIT $3::bigint
        ) s
        WINDOW so_far AS (ORDER BY s.key COLLATE "C" ROWS UNBOUNDED PRECEDING)
    ) s
    WHERE s.place = 1 OR s.weight <= $3::bigint * 1000
    ) s
),
compared AS MATERIALIZED (
    SELECT b.key, NOT EXISTS (SELECT FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(b.key, 6)) AS is_unmapped,
        EXISTS (SELECT FROM (SELECT r."chat_id", r."user_id", row_number() OVER (ORDER BY r."pos", r."chat_id", r."user_id") AS row_at, dense_rank() OVER (ORDER BY r."pos") AS place_at
            FROM "campus_tables"."participants_rows"(b.key, b.value) r) made
        FULL JOIN (SELECT t."chat_id", t."user_id", row_number() OVER (ORDER BY t."pos", t."chat_id", t."user_id") AS row_at, dense_rank() OVER (ORDER BY t."pos") AS place_at
            FROM "campus_tables"."participants" t WHERE t."chat_id" = substr(b.key, 6)) kept
        ON kept.row_at = made.row_at
        WHERE ROW(made."chat_id", made."user_id", made.row_at, made.place_at)::record *<> ROW(kept."chat_id", kept."user_id", kept.row_at, kept.place_at)::record) AS differs
    FROM batch b
)
SELECT max(key COLLATE "C"), count(*), coalesce(array_agg(key) FILTER (WHERE is_unmapped), '{}'),
    coalesce(array_agg(key) FILTER (WHERE differs), '{}')
FROM compared;

SELECT ARRAY(
    SELECT k.key FROM (
    SELECT 'chat:' || t."chat_id" AS key FROM "campus_tables"."participants" t
    WHERE NOT EXISTS (SELECT FROM "public"."kv_store_2516be19" s WHERE s.key = 'chat:' || t."chat_id")
    UNION
    SELECT k.key FROM (SELECT DISTINCT "chat_id" FROM "campus_tables"."participants") t
    CROSS JOIN LATERAL (SELECT 'chat:' || t."chat_id" AS key OFFSET 0) k
    WHERE (k.key ~ '^chat:(.+)$' AND length(k.key) <= 205 AND NOT (k.key ~ '^chat:(.+):messages$' AND length(k.key) <= 214) AND NOT (k.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(k.key) <= 214 OR k.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'))
        AND t."chat_id" = substr(k.key, 6)) IS NOT TRUE
    ) k LIMIT 100);

CREATE OR REPLACE FUNCTION "campus"."users_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '';

CREATE OR REPLACE VIEW "campus"."users" AS
SELECT t."id",
    t."email",
    t."name",
    t."school",
    t."major",
    t."year",
    t."interests",
    t."looking_for",
    t."blocked",
    t."created_at",
    t."rest",
    t."email_key",
    t."sort_name",
    t."sort_created",
    t."visible",
    t."search_name",
    t."search_text",
    t."likes",
    t."traits",
    t."card",
    ''::text AS store_key,
    '[]'::jsonb AS store_value
FROM "campus_tables"."users" t;

CREATE OR REPLACE FUNCTION "campus"."connections_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '';

CREATE OR REPLACE FUNCTION "campus"."connections_containing"(element text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN '[]'::jsonb;

CREATE OR REPLACE VIEW "campus"."connections" AS
SELECT t."user_id",
    t."connected_user_id",
    t."pos",
    t."created_at",
    ''::text AS store_key,
    '[]'::jsonb AS store_value
FROM "campus_tables"."connections" t;

CREATE OR REPLACE FUNCTION "campus"."intros_lookup_key"("of_from" text, "of_to" text, "of_ms" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '';

CREATE OR REPLACE VIEW "campus"."intros" AS
SELECT t."from_id",
    t."to_id",
    t."sent_ms",
    t."reason",
    t."status",
    t."created_at",
    t."accepted_at",
    t."denied_at",
    t."rest",
    ''::text AS store_key,
    '[]'::jsonb AS store_value
FROM "campus_tables"."intros" t;

CREATE OR REPLACE FUNCTION "campus"."chats_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '';

CREATE OR REPLACE VIEW "campus"."chats" AS
SELECT t."id",
    t."participants",
    t."created_at",
    t."rest",
    ''::text AS store_key,
    '[]'::jsonb AS store_value
FROM "campus_tables"."chats" t;

CREATE OR REPLACE FUNCTION "campus"."messages_lookup_key"("of_chat" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '';

CREATE OR REPLACE VIEW "campus"."messages" AS
SELECT t."chat_id",
    t."pos",
    t."id",
    t."sender_id",
    t."content",
    t."kind",
    t."sent_at",
    t."rest",
    ''::text AS store_key,
    '[]'::jsonb AS store_value
FROM "campus_tables"."messages" t;

CREATE OR REPLACE FUNCTION "campus"."messages_place"(of_key text, of_pos bigint, list jsonb)
RETURNS bigint
LANGUAGE sql STABLE
RETURN (
    SELECT o.place FROM (
        SELECT e.place, row_number() OVER (ORDER BY e.place) AS rank
        FROM jsonb_array_elements(list) WITH ORDINALITY AS e(v, place)
        WHERE jsonb_typeof(e.v) = 'object') o
    WHERE o.rank = (SELECT count(*) FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(of_key, 6, length(of_key) - 14) AND t."pos" <= of_pos));

CREATE OR REPLACE FUNCTION "campus"."messages_last_pos"(of_key text, list jsonb)
RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT max(t."pos") FROM "campus_tables"."messages" t WHERE t."chat_id" = substr(of_key, 6, length(of_key) - 14));

CREATE OR REPLACE FUNCTION "campus"."school_members_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '';

CREATE OR REPLACE VIEW "campus"."school_members" AS
SELECT t."school",
    t."user_id",
    t."major",
    t."year",
    t."created_at",
    ''::text AS store_key,
    '[]'::jsonb AS store_value
FROM "campus_tables"."school_members" t;

CREATE OR REPLACE FUNCTION "campus"."user_search_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '';

CREATE OR REPLACE VIEW "campus"."user_search" AS
SELECT t."school",
    t."user_id",
    t."visible",
    t."blocked",
    t."search_name",
    t."search_text",
    ''::text AS store_key,
    '[]'::jsonb AS store_value
FROM "campus_tables"."user_search" t;

CREATE OR REPLACE FUNCTION "campus"."participants_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '';

CREATE OR REPLACE FUNCTION "campus"."participants_containing"(element text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN '[]'::jsonb;

CREATE OR REPLACE VIEW "campus"."participants" AS
SELECT t."chat_id",
    t."user_id",
    t."pos",
    ''::text AS store_key,
    '[]'::jsonb AS store_value
FROM "campus_tables"."participants" t;
