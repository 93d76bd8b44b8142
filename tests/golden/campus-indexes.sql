-- keys by prefix, in order
CREATE INDEX CONCURRENTLY "og_key_6cb772e2" ON "public"."kv_store_2516be19" (key COLLATE "C");

-- users by school, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_sort_created_id_0683343f" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), ((outgrow.sort_time_of(value -> 'createdAt') COLLATE "C")), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, sort_name, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_sort_name_id_986737c5" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (lower(left(coalesce(outgrow.label_of(value -> 'name'), ''), 64))), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, major, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_major_sort_created_id_4147859d" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.key_of(value -> 'major')), ((outgrow.sort_time_of(value -> 'createdAt') COLLATE "C")), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, year, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_year_sort_created_id_ea83d19d" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.short_of(value -> 'year')), ((outgrow.sort_time_of(value -> 'createdAt') COLLATE "C")), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, major, year, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_major_year_sort_created_id_a57f3ff9" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.key_of(value -> 'major')), (outgrow.short_of(value -> 'year')), ((outgrow.sort_time_of(value -> 'createdAt') COLLATE "C")), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by email_key (btree)
CREATE INDEX CONCURRENTLY "og_users_email_key_0c89b6e3" ON "public"."kv_store_2516be19" ((lower(outgrow.key_of(value -> 'email')))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by interests (contains)
CREATE INDEX CONCURRENTLY "og_users_interests_contains_f6f5c7f1" ON "public"."kv_store_2516be19" USING gin ((outgrow.array_of(value -> 'interests')) jsonb_path_ops) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by looking_for (contains)
CREATE INDEX CONCURRENTLY "og_users_looking_for_contains_182afbef" ON "public"."kv_store_2516be19" USING gin ((outgrow.array_of(value -> 'lookingFor')) jsonb_path_ops) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by traits (words)
CREATE INDEX CONCURRENTLY "og_users_traits_words_e979d55f" ON "public"."kv_store_2516be19" USING gin (to_tsvector('simple'::regconfig, (outgrow.trait_words(outgrow.key_of(value -> 'school'), ARRAY[outgrow.key_of(value -> 'major'), outgrow.short_of(value -> 'year')], ARRAY[outgrow.array_of(value -> 'lookingFor'), outgrow.array_of(value -> 'interests')])))) WITH (gin_pending_list_limit = 256) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by blocked (contains)
CREATE INDEX CONCURRENTLY "og_users_blocked_contains_e4d41d46" ON "public"."kv_store_2516be19" USING gin ((outgrow.array_of(value -> 'blockedUsers')) jsonb_path_ops) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, search_name, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_search_name_id_2626af14" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.search_name(outgrow.label_of(value -> 'name'))) COLLATE "C", (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by search_text (words)
CREATE INDEX CONCURRENTLY "og_users_search_text_words_4c2d27c2" ON "public"."kv_store_2516be19" USING gin (to_tsvector('simple'::regconfig, (outgrow.search_text(outgrow.key_of(value -> 'school'), outgrow.label_of(value -> 'name'), coalesce(left(outgrow.key_of(value -> 'major'), 1000), '') || ' ' || coalesce(left(outgrow.short_of(value -> 'year'), 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(outgrow.array_of(value -> 'interests')) THEN (outgrow.array_of(value -> 'interests'))::text END, 1000), '') || ' ' || coalesce(left(CASE WHEN outgrow.is_readable(outgrow.array_of(value -> 'lookingFor')) THEN (outgrow.array_of(value -> 'lookingFor'))::text END, 1000), '') || ' ' || coalesce(left(outgrow.text_of(value -> 'bio'), 1000), ''))))) WITH (gin_pending_list_limit = 256) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by store_value (contains)
CREATE INDEX CONCURRENTLY "og_users_store_value_contains_f2ef5b9d" ON "public"."kv_store_2516be19" USING gin ((value) jsonb_path_ops) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- connections by store_value (contains)
CREATE INDEX CONCURRENTLY "og_connections_store_value_contains_3acd1ebb" ON "public"."kv_store_2516be19" USING gin ((value) jsonb_path_ops) WHERE key ~ '^user:([^:]+):connections$' AND length(key) <= 217;

-- chats by store_value (contains)
CREATE INDEX CONCURRENTLY "og_chats_store_value_contains_c677b32d" ON "public"."kv_store_2516be19" USING gin ((value) jsonb_path_ops) WHERE key ~ '^chat:(.+)$' AND length(key) <= 205 AND NOT (key ~ '^chat:(.+):messages$' AND length(key) <= 214) AND NOT (key ~ '^chat:(.+):typing:([^:]+)$' AND (length(key) <= 214 OR key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'));

-- intros by to_id, status (btree)
CREATE INDEX CONCURRENTLY "og_intros_to_id_status_716a6d19" ON "public"."kv_store_2516be19" ((split_part(key, ':', 3)), (outgrow.key_of(value -> 'status'))) WHERE key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(key) <= 210 OR key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$');

-- intros by from_id, status (btree)
CREATE INDEX CONCURRENTLY "og_intros_from_id_status_f6ed264b" ON "public"."kv_store_2516be19" ((split_part(key, ':', 2)), (outgrow.key_of(value -> 'status'))) WHERE key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(key) <= 210 OR key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$');

-- the length of keys
CREATE STATISTICS "public"."og_the_length_of_keys_12e7cdf9" ON (length(key)) FROM "public"."kv_store_2516be19";

-- the shape of values
CREATE STATISTICS "public"."og_the_shape_of_values_a630c6dd" ON (jsonb_typeof(value)) FROM "public"."kv_store_2516be19";

-- users by school
CREATE STATISTICS "public"."og_users_by_school_13714f52" ON (outgrow.key_of(value -> 'school')) FROM "public"."kv_store_2516be19";

-- users by sort_created
CREATE STATISTICS "public"."og_users_by_sort_created_98aa019c" ON ((outgrow.sort_time_of(value -> 'createdAt') COLLATE "C")) FROM "public"."kv_store_2516be19";

-- users by id
CREATE STATISTICS "public"."og_users_by_id_6cf4f185" ON (substr(key, 6)) FROM "public"."kv_store_2516be19";

-- users by visible
CREATE STATISTICS "public"."og_users_by_visible_ec1b92f4" ON ((value #> '{settings,profileVisible}')) FROM "public"."kv_store_2516be19";

-- users by sort_name
CREATE STATISTICS "public"."og_users_by_sort_name_e7d9c90e" ON (lower(left(coalesce(outgrow.label_of(value -> 'name'), ''), 64))) FROM "public"."kv_store_2516be19";

-- users by major
CREATE STATISTICS "public"."og_users_by_major_4195ae7b" ON (outgrow.key_of(value -> 'major')) FROM "public"."kv_store_2516be19";

-- users by year
CREATE STATISTICS "public"."og_users_by_year_8713209b" ON (outgrow.short_of(value -> 'year')) FROM "public"."kv_store_2516be19";

-- users by email_key
CREATE STATISTICS "public"."og_users_by_email_key_ebb67c56" ON (lower(outgrow.key_of(value -> 'email'))) FROM "public"."kv_store_2516be19";

-- users by interests
CREATE STATISTICS "public"."og_users_by_interests_ce796157" ON (outgrow.array_of(value -> 'interests')) FROM "public"."kv_store_2516be19";

-- users by looking_for
CREATE STATISTICS "public"."og_users_by_looking_for_68a119c0" ON (outgrow.array_of(value -> 'lookingFor')) FROM "public"."kv_store_2516be19";

-- users by blocked
CREATE STATISTICS "public"."og_users_by_blocked_b8e04f79" ON (outgrow.array_of(value -> 'blockedUsers')) FROM "public"."kv_store_2516be19";

-- users by search_name
CREATE STATISTICS "public"."og_users_by_search_name_8b981c55" ON (outgrow.search_name(outgrow.label_of(value -> 'name'))) FROM "public"."kv_store_2516be19";

-- intros by to_id
CREATE STATISTICS "public"."og_intros_by_to_id_2c7023bb" ON (split_part(key, ':', 3)) FROM "public"."kv_store_2516be19";

-- intros by status
CREATE STATISTICS "public"."og_intros_by_status_92d60e76" ON (outgrow.key_of(value -> 'status')) FROM "public"."kv_store_2516be19";

-- intros by from_id
CREATE STATISTICS "public"."og_intros_by_from_id_213315e7" ON (split_part(key, ':', 2)) FROM "public"."kv_store_2516be19";
