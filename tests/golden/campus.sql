DO $body$
BEGIN
    IF to_regnamespace('"campus"') IS NULL THEN
        CREATE SCHEMA "campus";
    END IF;
END
$body$;

CREATE FUNCTION "campus"."lock_keys"(keys text[], made text[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
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
$body$;

CREATE FUNCTION "campus"."read_only"()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable

BEGIN
    RAISE EXCEPTION 'relation % is read only: it shows another relation', TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported';
END
$body$;

CREATE FUNCTION "campus"."users_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "email" text, "name" text, "school" text, "major" text, "year" text, "interests" jsonb, "looking_for" jsonb, "blocked" jsonb, "created_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT substr(store_key, 6),
    outgrow.key_of(store_value -> 'email'),
    outgrow.label_of(store_value -> 'name'),
    outgrow.key_of(store_value -> 'school'),
    outgrow.key_of(store_value -> 'major'),
    outgrow.short_of(store_value -> 'year'),
    outgrow.array_of(store_value -> 'interests'),
    outgrow.array_of(store_value -> 'lookingFor'),
    outgrow.array_of(store_value -> 'blockedUsers'),
    outgrow.time_of(store_value -> 'createdAt'),
    CASE WHEN jsonb_typeof(store_value) = 'object' THEN store_value - array_remove(ARRAY[
        CASE WHEN outgrow.key_of(store_value -> 'email') IS NOT NULL THEN 'email' END,
        CASE WHEN to_jsonb(outgrow.label_of(store_value -> 'name')) = store_value -> 'name' THEN 'name' END,
        CASE WHEN outgrow.key_of(store_value -> 'school') IS NOT NULL THEN 'school' END,
        CASE WHEN outgrow.key_of(store_value -> 'major') IS NOT NULL THEN 'major' END,
        CASE WHEN outgrow.short_of(store_value -> 'year') IS NOT NULL THEN 'year' END,
        CASE WHEN outgrow.array_of(store_value -> 'interests') IS NOT NULL THEN 'interests' END,
        CASE WHEN outgrow.array_of(store_value -> 'lookingFor') IS NOT NULL THEN 'lookingFor' END,
        CASE WHEN outgrow.array_of(store_value -> 'blockedUsers') IS NOT NULL THEN 'blockedUsers' END,
        CASE WHEN outgrow.time_of(store_value -> 'createdAt') IS NOT NULL THEN 'createdAt' END], NULL) END
WHERE jsonb_typeof(store_value) = 'object';
END;

CREATE OR REPLACE FUNCTION "campus"."users_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'user:' || "of_id";

CREATE FUNCTION "campus"."users_encode"("new_email" text, "new_name" text, "new_school" text, "new_major" text, "new_year" text, "new_interests" jsonb, "new_looking_for" jsonb, "new_blocked" jsonb, "new_created_at" timestamptz, new_rest jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN new_rest ?| ARRAY['email', 'name', 'school', 'major', 'year', 'interests', 'lookingFor', 'blockedUsers', 'createdAt'] THEN
    (new_rest - array_remove(ARRAY[
        CASE WHEN outgrow.key_of(new_rest -> 'email') IS NOT DISTINCT FROM "new_email" THEN NULL ELSE 'email' END,
        CASE WHEN outgrow.label_of(new_rest -> 'name') IS NOT DISTINCT FROM "new_name" THEN NULL ELSE 'name' END,
        CASE WHEN outgrow.key_of(new_rest -> 'school') IS NOT DISTINCT FROM "new_school" THEN NULL ELSE 'school' END,
        CASE WHEN outgrow.key_of(new_rest -> 'major') IS NOT DISTINCT FROM "new_major" THEN NULL ELSE 'major' END,
        CASE WHEN outgrow.short_of(new_rest -> 'year') IS NOT DISTINCT FROM "new_year" THEN NULL ELSE 'year' END,
        CASE WHEN outgrow.array_of(new_rest -> 'interests') IS NOT DISTINCT FROM "new_interests" THEN NULL ELSE 'interests' END,
        CASE WHEN outgrow.array_of(new_rest -> 'lookingFor') IS NOT DISTINCT FROM "new_looking_for" THEN NULL ELSE 'lookingFor' END,
        CASE WHEN outgrow.array_of(new_rest -> 'blockedUsers') IS NOT DISTINCT FROM "new_blocked" THEN NULL ELSE 'blockedUsers' END,
        CASE WHEN outgrow.time_of(new_rest -> 'createdAt') IS NOT DISTINCT FROM "new_created_at" THEN NULL ELSE 'createdAt' END], NULL))
    || CASE WHEN "new_email" IS NULL OR outgrow.key_of(new_rest -> 'email') IS NOT DISTINCT FROM "new_email" THEN '{}'::jsonb ELSE jsonb_build_object('email', to_jsonb("new_email")) END
    || CASE WHEN "new_name" IS NULL OR outgrow.label_of(new_rest -> 'name') IS NOT DISTINCT FROM "new_name" THEN '{}'::jsonb ELSE jsonb_build_object('name', to_jsonb("new_name")) END
    || CASE WHEN "new_school" IS NULL OR outgrow.key_of(new_rest -> 'school') IS NOT DISTINCT FROM "new_school" THEN '{}'::jsonb ELSE jsonb_build_object('school', to_jsonb("new_school")) END
    || CASE WHEN "new_major" IS NULL OR outgrow.key_of(new_rest -> 'major') IS NOT DISTINCT FROM "new_major" THEN '{}'::jsonb ELSE jsonb_build_object('major', to_jsonb("new_major")) END
    || CASE WHEN "new_year" IS NULL OR outgrow.short_of(new_rest -> 'year') IS NOT DISTINCT FROM "new_year" THEN '{}'::jsonb ELSE jsonb_build_object('year', to_jsonb("new_year")) END
    || CASE WHEN "new_interests" IS NULL OR outgrow.array_of(new_rest -> 'interests') IS NOT DISTINCT FROM "new_interests" THEN '{}'::jsonb ELSE jsonb_build_object('interests', "new_interests") END
    || CASE WHEN "new_looking_for" IS NULL OR outgrow.array_of(new_rest -> 'lookingFor') IS NOT DISTINCT FROM "new_looking_for" THEN '{}'::jsonb ELSE jsonb_build_object('lookingFor', "new_looking_for") END
    || CASE WHEN "new_blocked" IS NULL OR outgrow.array_of(new_rest -> 'blockedUsers') IS NOT DISTINCT FROM "new_blocked" THEN '{}'::jsonb ELSE jsonb_build_object('blockedUsers', "new_blocked") END
    || CASE WHEN "new_created_at" IS NULL OR outgrow.time_of(new_rest -> 'createdAt') IS NOT DISTINCT FROM "new_created_at" THEN '{}'::jsonb ELSE jsonb_build_object('createdAt', outgrow.json_of_time("new_created_at")) END
ELSE new_rest || ((jsonb_build_object(
        'email', to_jsonb("new_email"),
        'name', to_jsonb("new_name"),
        'school', to_jsonb("new_school"),
        'major', to_jsonb("new_major"),
        'year', to_jsonb("new_year"),
        'interests', "new_interests",
        'lookingFor', "new_looking_for",
        'blockedUsers', "new_blocked",
        'createdAt', outgrow.json_of_time("new_created_at")))
    - array_remove(ARRAY[
        CASE WHEN "new_email" IS NULL THEN 'email' END,
        CASE WHEN "new_name" IS NULL THEN 'name' END,
        CASE WHEN "new_school" IS NULL THEN 'school' END,
        CASE WHEN "new_major" IS NULL THEN 'major' END,
        CASE WHEN "new_year" IS NULL THEN 'year' END,
        CASE WHEN "new_interests" IS NULL THEN 'interests' END,
        CASE WHEN "new_looking_for" IS NULL THEN 'lookingFor' END,
        CASE WHEN "new_blocked" IS NULL THEN 'blockedUsers' END,
        CASE WHEN "new_created_at" IS NULL THEN 'createdAt' END], NULL))
END;

CREATE FUNCTION "campus"."users_lists"("of_id" text, "of_school" text)
RETURNS TABLE (key text, element text, kept boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
SELECT l.key, l.element, false
FROM (SELECT 'school:' || "of_school" || ':users' AS key, "of_id" AS element) l
WHERE l.element IS NOT NULL AND l.key ~ '^school:(.+):users$' AND length(l.key) <= 213
UNION ALL
SELECT l.key, l.element, true
FROM (SELECT 'schools:all' AS key, "of_school" AS element) l
WHERE l.element IS NOT NULL AND l.key ~ '^schools:all$';
END;

CREATE OR REPLACE FUNCTION "campus"."users_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'user:' || "of_id";

CREATE OR REPLACE VIEW "campus"."users" AS
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
    (outgrow.sort_time_of(s.value -> 'createdAt') COLLATE "C") AS "sort_created",
    (s.value #> '{settings,profileVisible}') IS DISTINCT FROM 'false' AS "visible",
    outgrow.search_name(d."name") AS "search_name",
    outgrow.search_text(d."school", d."name", coalesce(left(d."major", 1000), '') || ' ' || coalesce(left(d."year", 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(d."interests") THEN (d."interests")::text END, 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(d."looking_for") THEN (d."looking_for")::text END, 1000), '') || ' ' || coalesce(left(outgrow.text_of(s.value -> 'bio'), 1000), '')) AS "search_text",
    (SELECT jsonb_build_array(CASE WHEN pg_column_size(c."interests") <= 32768 THEN c."interests" END, CASE WHEN pg_column_size(c."lookingFor") <= 32768 THEN c."lookingFor" END, CASE WHEN pg_column_size(c."goals.academic") <= 32768 THEN c."goals.academic" END, CASE WHEN pg_column_size(c."goals.leisure") <= 32768 THEN c."goals.leisure" END, CASE WHEN pg_column_size(c."personality") <= 32768 THEN c."personality" END, CASE WHEN pg_column_size(c."major") <= 32768 THEN c."major" END, CASE WHEN pg_column_size(c."year") <= 32768 THEN c."year" END)
    FROM (SELECT whole.v -> 'interests' AS "interests", whole.v -> 'lookingFor' AS "lookingFor", whole.v -> 'goals' -> 'academic' AS "goals.academic", whole.v -> 'goals' -> 'leisure' AS "goals.leisure", whole.v -> 'personality' AS "personality", whole.v -> 'major' AS "major", whole.v -> 'year' AS "year"
        FROM (SELECT s.value || '{}' AS v OFFSET 0) AS whole OFFSET 0) AS c) AS "likes",
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
        FROM (SELECT s.value || '{}' AS v OFFSET 0) AS whole OFFSET 0) AS c) AS "card",
    s.key AS store_key,
    s.value AS store_value
FROM "public"."kv_store_2516be19" s
CROSS JOIN LATERAL "campus"."users_decode"(s.key, s.value) d
WHERE s.key ~ '^user:([^:]+)$' AND length(s.key) <= 205;

CREATE OR REPLACE FUNCTION "campus"."school_members_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'user:' || "of_id";

CREATE OR REPLACE VIEW "campus"."school_members" AS
SELECT r."school" AS "school",
    r."id" AS "user_id",
    r."major" AS "major",
    r."year" AS "year",
    r."created_at" AS "created_at",
    r.store_key,
    r.store_value
FROM "campus"."users" r
WHERE r."school" IS NOT NULL;

CREATE OR REPLACE FUNCTION "campus"."user_search_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'user:' || "of_id";

CREATE OR REPLACE VIEW "campus"."user_search" AS
SELECT r."school" AS "school",
    r."id" AS "user_id",
    r."visible" AS "visible",
    r."blocked" AS "blocked",
    r."search_name" AS "search_name",
    r."search_text" AS "search_text",
    r.store_key,
    r.store_value
FROM "campus"."users" r;

CREATE FUNCTION "campus"."users_write"()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
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
                AND ROW(d."interests")::record *= ROW(OLD."interests")::record
                AND ROW(d."looking_for")::record *= ROW(OLD."looking_for")::record
                AND ROW(d."blocked")::record *= ROW(OLD."blocked")::record
                AND d."created_at" IS NOT DISTINCT FROM OLD."created_at"
                AND ROW(d."rest")::record *= ROW(OLD."rest")::record
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
    NEW.store_key := this_key;
    NEW.store_value := new_value;
    RETURN NEW;
END
$body$;

CREATE TRIGGER "users_write" INSTEAD OF INSERT OR UPDATE OR DELETE ON "campus"."users"
FOR EACH ROW EXECUTE FUNCTION "campus"."users_write"();

CREATE FUNCTION "campus"."connections_decode"(store_key text, store_value jsonb)
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

CREATE OR REPLACE FUNCTION "campus"."connections_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'user:' || "of_id" || ':connections';

CREATE OR REPLACE FUNCTION "campus"."connections_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'user:' || "of_id" || ':connections';

CREATE OR REPLACE FUNCTION "campus"."connections_containing"(element text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_array(element);

CREATE OR REPLACE VIEW "campus"."connections" AS
SELECT d."user_id",
    d."connected_user_id",
    d."pos",
    d."created_at",
    s.key AS store_key,
    s.value AS store_value
FROM "public"."kv_store_2516be19" s
CROSS JOIN LATERAL "campus"."connections_decode"(s.key, s.value) d
WHERE s.key ~ '^user:([^:]+):connections$' AND length(s.key) <= 217;

CREATE FUNCTION "campus"."connections_write"()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
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
    NEW.store_key := this_key;
    RETURN NEW;
END
$body$;

CREATE TRIGGER "connections_write" INSTEAD OF INSERT OR UPDATE OR DELETE ON "campus"."connections"
FOR EACH ROW EXECUTE FUNCTION "campus"."connections_write"();

CREATE FUNCTION "campus"."intros_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("from_id" text, "to_id" text, "sent_ms" text, "reason" text, "status" text, "created_at" timestamptz, "accepted_at" timestamptz, "denied_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT split_part(store_key, ':', 2),
    split_part(store_key, ':', 3),
    split_part(store_key, ':', 4),
    outgrow.text_of(store_value -> 'reason'),
    outgrow.key_of(store_value -> 'status'),
    outgrow.time_of(store_value -> 'createdAt'),
    outgrow.time_of(store_value -> 'acceptedAt'),
    outgrow.time_of(store_value -> 'deniedAt'),
    CASE WHEN jsonb_typeof(store_value) = 'object' THEN store_value - array_remove(ARRAY[
        CASE WHEN outgrow.text_of(store_value -> 'reason') IS NOT NULL THEN 'reason' END,
        CASE WHEN outgrow.key_of(store_value -> 'status') IS NOT NULL THEN 'status' END,
        CASE WHEN outgrow.time_of(store_value -> 'createdAt') IS NOT NULL THEN 'createdAt' END,
        CASE WHEN outgrow.time_of(store_value -> 'acceptedAt') IS NOT NULL THEN 'acceptedAt' END,
        CASE WHEN outgrow.time_of(store_value -> 'deniedAt') IS NOT NULL THEN 'deniedAt' END], NULL) END
WHERE jsonb_typeof(store_value) = 'object';
END;

CREATE OR REPLACE FUNCTION "campus"."intros_key"("of_from" text, "of_to" text, "of_ms" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'intro:' || "of_from" || ':' || "of_to" || ':' || "of_ms";

CREATE FUNCTION "campus"."intros_encode"("new_reason" text, "new_status" text, "new_created_at" timestamptz, "new_accepted_at" timestamptz, "new_denied_at" timestamptz, new_rest jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN new_rest ?| ARRAY['reason', 'status', 'createdAt', 'acceptedAt', 'deniedAt'] THEN
    (new_rest - array_remove(ARRAY[
        CASE WHEN outgrow.text_of(new_rest -> 'reason') IS NOT DISTINCT FROM "new_reason" THEN NULL ELSE 'reason' END,
        CASE WHEN outgrow.key_of(new_rest -> 'status') IS NOT DISTINCT FROM "new_status" THEN NULL ELSE 'status' END,
        CASE WHEN outgrow.time_of(new_rest -> 'createdAt') IS NOT DISTINCT FROM "new_created_at" THEN NULL ELSE 'createdAt' END,
        CASE WHEN outgrow.time_of(new_rest -> 'acceptedAt') IS NOT DISTINCT FROM "new_accepted_at" THEN NULL ELSE 'acceptedAt' END,
        CASE WHEN outgrow.time_of(new_rest -> 'deniedAt') IS NOT DISTINCT FROM "new_denied_at" THEN NULL ELSE 'deniedAt' END], NULL))
    || CASE WHEN "new_reason" IS NULL OR outgrow.text_of(new_rest -> 'reason') IS NOT DISTINCT FROM "new_reason" THEN '{}'::jsonb ELSE jsonb_build_object('reason', to_jsonb("new_reason")) END
    || CASE WHEN "new_status" IS NULL OR outgrow.key_of(new_rest -> 'status') IS NOT DISTINCT FROM "new_status" THEN '{}'::jsonb ELSE jsonb_build_object('status', to_jsonb("new_status")) END
    || CASE WHEN "new_created_at" IS NULL OR outgrow.time_of(new_rest -> 'createdAt') IS NOT DISTINCT FROM "new_created_at" THEN '{}'::jsonb ELSE jsonb_build_object('createdAt', outgrow.json_of_time("new_created_at")) END
    || CASE WHEN "new_accepted_at" IS NULL OR outgrow.time_of(new_rest -> 'acceptedAt') IS NOT DISTINCT FROM "new_accepted_at" THEN '{}'::jsonb ELSE jsonb_build_object('acceptedAt', outgrow.json_of_time("new_accepted_at")) END
    || CASE WHEN "new_denied_at" IS NULL OR outgrow.time_of(new_rest -> 'deniedAt') IS NOT DISTINCT FROM "new_denied_at" THEN '{}'::jsonb ELSE jsonb_build_object('deniedAt', outgrow.json_of_time("new_denied_at")) END
ELSE new_rest || ((jsonb_build_object(
        'reason', to_jsonb("new_reason"),
        'status', to_jsonb("new_status"),
        'createdAt', outgrow.json_of_time("new_created_at"),
        'acceptedAt', outgrow.json_of_time("new_accepted_at"),
        'deniedAt', outgrow.json_of_time("new_denied_at")))
    - array_remove(ARRAY[
        CASE WHEN "new_reason" IS NULL THEN 'reason' END,
        CASE WHEN "new_status" IS NULL THEN 'status' END,
        CASE WHEN "new_created_at" IS NULL THEN 'createdAt' END,
        CASE WHEN "new_accepted_at" IS NULL THEN 'acceptedAt' END,
        CASE WHEN "new_denied_at" IS NULL THEN 'deniedAt' END], NULL))
END;

CREATE FUNCTION "campus"."intros_lists"("of_from_id" text, "of_to_id" text, "of_sent_ms" text)
RETURNS TABLE (key text, element text, kept boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
SELECT l.key, l.element, false
FROM (SELECT 'user:' || "of_to_id" || ':soft-intros:incoming' AS key, 'intro:' || "of_from_id" || ':' || "of_to_id" || ':' || "of_sent_ms" AS element) l
WHERE l.element IS NOT NULL AND l.key ~ '^user:([^:]+):soft-intros:incoming$' AND length(l.key) <= 226
UNION ALL
SELECT l.key, l.element, false
FROM (SELECT 'user:' || "of_from_id" || ':soft-intros:outgoing' AS key, 'intro:' || "of_from_id" || ':' || "of_to_id" || ':' || "of_sent_ms" AS element) l
WHERE l.element IS NOT NULL AND l.key ~ '^user:([^:]+):soft-intros:outgoing$' AND length(l.key) <= 226;
END;

CREATE OR REPLACE FUNCTION "campus"."intros_lookup_key"("of_from" text, "of_to" text, "of_ms" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'intro:' || "of_from" || ':' || "of_to" || ':' || "of_ms";

CREATE OR REPLACE VIEW "campus"."intros" AS
SELECT d."from_id",
    d."to_id",
    d."sent_ms",
    d."reason",
    d."status",
    d."created_at",
    d."accepted_at",
    d."denied_at",
    d.rest,
    s.key AS store_key,
    s.value AS store_value
FROM "public"."kv_store_2516be19" s
CROSS JOIN LATERAL "campus"."intros_decode"(s.key, s.value) d
WHERE s.key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(s.key) <= 210 OR s.key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$');

CREATE FUNCTION "campus"."intros_write"()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
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
                AND ROW(d."rest")::record *= ROW(OLD."rest")::record
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
    NEW.store_key := this_key;
    NEW.store_value := new_value;
    RETURN NEW;
END
$body$;

CREATE TRIGGER "intros_write" INSTEAD OF INSERT OR UPDATE OR DELETE ON "campus"."intros"
FOR EACH ROW EXECUTE FUNCTION "campus"."intros_write"();

CREATE FUNCTION "campus"."chats_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("id" text, "participants" jsonb, "created_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT substr(store_key, 6),
    outgrow.array_of(store_value -> 'participants'),
    outgrow.time_of(store_value -> 'createdAt'),
    CASE WHEN jsonb_typeof(store_value) = 'object' THEN store_value - array_remove(ARRAY[
        CASE WHEN outgrow.array_of(store_value -> 'participants') IS NOT NULL THEN 'participants' END,
        CASE WHEN outgrow.time_of(store_value -> 'createdAt') IS NOT NULL THEN 'createdAt' END], NULL) END
WHERE jsonb_typeof(store_value) = 'object';
END;

CREATE OR REPLACE FUNCTION "campus"."chats_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'chat:' || "of_id";

CREATE FUNCTION "campus"."chats_encode"("new_participants" jsonb, "new_created_at" timestamptz, new_rest jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN new_rest ?| ARRAY['participants', 'createdAt'] THEN
    (new_rest - array_remove(ARRAY[
        CASE WHEN outgrow.array_of(new_rest -> 'participants') IS NOT DISTINCT FROM "new_participants" THEN NULL ELSE 'participants' END,
        CASE WHEN outgrow.time_of(new_rest -> 'createdAt') IS NOT DISTINCT FROM "new_created_at" THEN NULL ELSE 'createdAt' END], NULL))
    || CASE WHEN "new_participants" IS NULL OR outgrow.array_of(new_rest -> 'participants') IS NOT DISTINCT FROM "new_participants" THEN '{}'::jsonb ELSE jsonb_build_object('participants', "new_participants") END
    || CASE WHEN "new_created_at" IS NULL OR outgrow.time_of(new_rest -> 'createdAt') IS NOT DISTINCT FROM "new_created_at" THEN '{}'::jsonb ELSE jsonb_build_object('createdAt', outgrow.json_of_time("new_created_at")) END
ELSE new_rest || ((jsonb_build_object(
        'participants', "new_participants",
        'createdAt', outgrow.json_of_time("new_created_at")))
    - array_remove(ARRAY[
        CASE WHEN "new_participants" IS NULL THEN 'participants' END,
        CASE WHEN "new_created_at" IS NULL THEN 'createdAt' END], NULL))
END;

CREATE FUNCTION "campus"."chats_lists"("of_id" text, "of_participants" jsonb)
RETURNS TABLE (key text, element text, kept boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
SELECT l.key, l.element, false
FROM (SELECT 'user:' || outgrow.key_of(e.v) || ':chats' AS key, "of_id" AS element FROM jsonb_array_elements("of_participants") AS e(v)) l
WHERE l.element IS NOT NULL AND l.key ~ '^user:([^:]+):chats$' AND length(l.key) <= 211;
END;

CREATE OR REPLACE FUNCTION "campus"."chats_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'chat:' || "of_id";

CREATE OR REPLACE VIEW "campus"."chats" AS
SELECT d."id",
    d."participants",
    d."created_at",
    d.rest,
    s.key AS store_key,
    s.value AS store_value
FROM "public"."kv_store_2516be19" s
CROSS JOIN LATERAL "campus"."chats_decode"(s.key, s.value) d
WHERE s.key ~ '^chat:(.+)$' AND length(s.key) <= 205 AND NOT (s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214) AND NOT (s.key ~ '^chat:(.+):typing:([^:]+)$' AND (length(s.key) <= 214 OR s.key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'));

CREATE OR REPLACE FUNCTION "campus"."participants_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'chat:' || "of_id";

CREATE OR REPLACE FUNCTION "campus"."participants_containing"(element text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object('participants', jsonb_build_array(element));

CREATE OR REPLACE VIEW "campus"."participants" AS
SELECT r."id" AS "chat_id",
    outgrow.key_of(e.v) AS "user_id",
    e.pos * outgrow.pos_step() AS "pos",
    r.store_key,
    r.store_value
FROM "campus"."chats" r
CROSS JOIN LATERAL (
    SELECT e.v, min(e.pos) AS pos
    FROM jsonb_array_elements(r."participants") WITH ORDINALITY AS e(v, pos)
    WHERE outgrow.key_of(e.v) IS NOT NULL
    GROUP BY e.v
) e;

CREATE FUNCTION "campus"."chats_write"()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
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
                AND ROW(d."participants")::record *= ROW(OLD."participants")::record
                AND d."created_at" IS NOT DISTINCT FROM OLD."created_at"
                AND ROW(d."rest")::record *= ROW(OLD."rest")::record
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
    NEW.store_key := this_key;
    NEW.store_value := new_value;
    RETURN NEW;
END
$body$;

CREATE TRIGGER "chats_write" INSTEAD OF INSERT OR UPDATE OR DELETE ON "campus"."chats"
FOR EACH ROW EXECUTE FUNCTION "campus"."chats_write"();

CREATE FUNCTION "campus"."messages_decode"(store_key text, store_value jsonb)
RETURNS TABLE ("chat_id" text, "pos" bigint, "id" text, "sender_id" text, "content" text, "kind" text, "sent_at" timestamptz, rest jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
SELECT substr(store_key, 6, length(store_key) - 14),
    e.pos * outgrow.pos_step(),
    outgrow.text_of(e.v -> 'id'),
    outgrow.key_of(e.v -> 'senderId'),
    outgrow.text_of(e.v -> 'content'),
    outgrow.key_of(e.v -> 'type'),
    outgrow.time_of(e.v -> 'timestamp'),
    e.v - array_remove(ARRAY[
        CASE WHEN outgrow.text_of(e.v -> 'id') IS NOT NULL THEN 'id' END,
        CASE WHEN outgrow.key_of(e.v -> 'senderId') IS NOT NULL THEN 'senderId' END,
        CASE WHEN outgrow.text_of(e.v -> 'content') IS NOT NULL THEN 'content' END,
        CASE WHEN outgrow.key_of(e.v -> 'type') IS NOT NULL THEN 'type' END,
        CASE WHEN outgrow.time_of(e.v -> 'timestamp') IS NOT NULL THEN 'timestamp' END], NULL)
FROM jsonb_array_elements(CASE WHEN jsonb_typeof(store_value) = 'array' THEN store_value ELSE '[]' END) WITH ORDINALITY AS e(v, pos)
WHERE jsonb_typeof(e.v) = 'object';
END;

CREATE OR REPLACE FUNCTION "campus"."messages_key"("of_chat" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'chat:' || "of_chat" || ':messages';

CREATE FUNCTION "campus"."messages_encode"("new_id" text, "new_sender_id" text, "new_content" text, "new_kind" text, "new_sent_at" timestamptz, new_rest jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN new_rest ?| ARRAY['id', 'senderId', 'content', 'type', 'timestamp'] THEN
    (new_rest - array_remove(ARRAY[
        CASE WHEN outgrow.text_of(new_rest -> 'id') IS NOT DISTINCT FROM "new_id" THEN NULL ELSE 'id' END,
        CASE WHEN outgrow.key_of(new_rest -> 'senderId') IS NOT DISTINCT FROM "new_sender_id" THEN NULL ELSE 'senderId' END,
        CASE WHEN outgrow.text_of(new_rest -> 'content') IS NOT DISTINCT FROM "new_content" THEN NULL ELSE 'content' END,
        CASE WHEN outgrow.key_of(new_rest -> 'type') IS NOT DISTINCT FROM "new_kind" THEN NULL ELSE 'type' END,
        CASE WHEN outgrow.time_of(new_rest -> 'timestamp') IS NOT DISTINCT FROM "new_sent_at" THEN NULL ELSE 'timestamp' END], NULL))
    || CASE WHEN "new_id" IS NULL OR outgrow.text_of(new_rest -> 'id') IS NOT DISTINCT FROM "new_id" THEN '{}'::jsonb ELSE jsonb_build_object('id', to_jsonb("new_id")) END
    || CASE WHEN "new_sender_id" IS NULL OR outgrow.key_of(new_rest -> 'senderId') IS NOT DISTINCT FROM "new_sender_id" THEN '{}'::jsonb ELSE jsonb_build_object('senderId', to_jsonb("new_sender_id")) END
    || CASE WHEN "new_content" IS NULL OR outgrow.text_of(new_rest -> 'content') IS NOT DISTINCT FROM "new_content" THEN '{}'::jsonb ELSE jsonb_build_object('content', to_jsonb("new_content")) END
    || CASE WHEN "new_kind" IS NULL OR outgrow.key_of(new_rest -> 'type') IS NOT DISTINCT FROM "new_kind" THEN '{}'::jsonb ELSE jsonb_build_object('type', to_jsonb("new_kind")) END
    || CASE WHEN "new_sent_at" IS NULL OR outgrow.time_of(new_rest -> 'timestamp') IS NOT DISTINCT FROM "new_sent_at" THEN '{}'::jsonb ELSE jsonb_build_object('timestamp', outgrow.json_of_time("new_sent_at")) END
ELSE new_rest || ((jsonb_build_object(
        'id', to_jsonb("new_id"),
        'senderId', to_jsonb("new_sender_id"),
        'content', to_jsonb("new_content"),
        'type', to_jsonb("new_kind"),
        'timestamp', outgrow.json_of_time("new_sent_at")))
    - array_remove(ARRAY[
        CASE WHEN "new_id" IS NULL THEN 'id' END,
        CASE WHEN "new_sender_id" IS NULL THEN 'senderId' END,
        CASE WHEN "new_content" IS NULL THEN 'content' END,
        CASE WHEN "new_kind" IS NULL THEN 'type' END,
        CASE WHEN "new_sent_at" IS NULL THEN 'timestamp' END], NULL))
END;

CREATE OR REPLACE FUNCTION "campus"."messages_lookup_key"("of_chat" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'chat:' || "of_chat" || ':messages';

CREATE OR REPLACE VIEW "campus"."messages" AS
SELECT d."chat_id",
    d."pos",
    d."id",
    d."sender_id",
    d."content",
    d."kind",
    d."sent_at",
    d.rest,
    s.key AS store_key,
    s.value AS store_value
FROM "public"."kv_store_2516be19" s
CROSS JOIN LATERAL "campus"."messages_decode"(s.key, s.value) d
WHERE s.key ~ '^chat:(.+):messages$' AND length(s.key) <= 214;

CREATE OR REPLACE FUNCTION "campus"."messages_place"(of_key text, of_pos bigint, list jsonb)
RETURNS bigint
LANGUAGE sql STABLE
RETURN of_pos / outgrow.pos_step();

CREATE OR REPLACE FUNCTION "campus"."messages_last_pos"(of_key text, list jsonb)
RETURNS bigint
LANGUAGE sql STABLE
RETURN jsonb_array_length(list) * outgrow.pos_step();

CREATE FUNCTION "campus"."messages_write"()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
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
        NEW.store_key := this_key;
        NEW."pos" := "campus"."messages_last_pos"(this_key, list);
        RETURN NEW;
    END IF;
    -- Earlier elements may have gone since the snapshot, in this very statement too: the element is
    -- the last one like OLD at or before OLD's place. Images are compared: of a small element there
    -- may be a gigabyte of text.
    IF jsonb_typeof(list) = 'array' THEN
        place := "campus"."messages_place"(this_key, OLD."pos", list);
        SELECT max(e.pos) INTO place
        FROM jsonb_array_elements(list) WITH ORDINALITY AS e(v, pos)
        WHERE e.pos <= place AND ROW(e.v)::record *= ROW("campus"."messages_encode"(OLD."id", OLD."sender_id", OLD."content", OLD."kind", OLD."sent_at", coalesce(OLD.rest, '{}')))::record;
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
$body$;

CREATE TRIGGER "messages_write" INSTEAD OF INSERT OR UPDATE OR DELETE ON "campus"."messages"
FOR EACH ROW EXECUTE FUNCTION "campus"."messages_write"();

CREATE FUNCTION "campus"."messages_trim"(of_key text, before_pos bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
#variable_conflict use_variable

DECLARE
    many bigint;
BEGIN
    PERFORM "campus"."lock_keys"(ARRAY[of_key], '{}');
    SELECT count(*) INTO many FROM "campus"."messages" r
    WHERE r."chat_id" = substr(of_key, 6, length(of_key) - 14) AND r.store_key = "campus"."messages_lookup_key"(substr(of_key, 6, length(of_key) - 14)) AND r."pos" < before_pos;
    UPDATE "public"."kv_store_2516be19" s SET value = (
        SELECT coalesce(jsonb_agg(e.v ORDER BY e.n), '[]')
        FROM (
            SELECT e.v, e.n, jsonb_typeof(e.v) = 'object' AS is_row,
                count(*) FILTER (WHERE jsonb_typeof(e.v) = 'object') OVER (ORDER BY e.n) AS rank
            FROM jsonb_array_elements(s.value) WITH ORDINALITY AS e(v, n)) e
        WHERE NOT e.is_row OR e.rank > many)
    WHERE s.key = of_key AND many > 0;
END
$body$;

CREATE OR REPLACE FUNCTION "campus"."school_members_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'user:' || "of_id";

CREATE OR REPLACE VIEW "campus"."school_members" AS
SELECT r."school" AS "school",
    r."id" AS "user_id",
    r."major" AS "major",
    r."year" AS "year",
    r."created_at" AS "created_at",
    r.store_key,
    r.store_value
FROM "campus"."users" r
WHERE r."school" IS NOT NULL;

CREATE TRIGGER "school_members_write" INSTEAD OF INSERT OR UPDATE OR DELETE ON "campus"."school_members"
FOR EACH ROW EXECUTE FUNCTION "campus"."read_only"();

CREATE OR REPLACE FUNCTION "campus"."user_search_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'user:' || "of_id";

CREATE OR REPLACE VIEW "campus"."user_search" AS
SELECT r."school" AS "school",
    r."id" AS "user_id",
    r."visible" AS "visible",
    r."blocked" AS "blocked",
    r."search_name" AS "search_name",
    r."search_text" AS "search_text",
    r.store_key,
    r.store_value
FROM "campus"."users" r;

CREATE TRIGGER "user_search_write" INSTEAD OF INSERT OR UPDATE OR DELETE ON "campus"."user_search"
FOR EACH ROW EXECUTE FUNCTION "campus"."read_only"();

CREATE OR REPLACE FUNCTION "campus"."participants_lookup_key"("of_id" text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 'chat:' || "of_id";

CREATE OR REPLACE FUNCTION "campus"."participants_containing"(element text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object('participants', jsonb_build_array(element));

CREATE OR REPLACE VIEW "campus"."participants" AS
SELECT r."id" AS "chat_id",
    outgrow.key_of(e.v) AS "user_id",
    e.pos * outgrow.pos_step() AS "pos",
    r.store_key,
    r.store_value
FROM "campus"."chats" r
CROSS JOIN LATERAL (
    SELECT e.v, min(e.pos) AS pos
    FROM jsonb_array_elements(r."participants") WITH ORDINALITY AS e(v, pos)
    WHERE outgrow.key_of(e.v) IS NOT NULL
    GROUP BY e.v
) e;

CREATE TRIGGER "participants_write" INSTEAD OF INSERT OR UPDATE OR DELETE ON "campus"."participants"
FOR EACH ROW EXECUTE FUNCTION "campus"."read_only"();
