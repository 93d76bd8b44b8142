-- keys by prefix, in order
CREATE INDEX CONCURRENTLY "og_key_6cb772e2" ON "public"."kv_store_2516be19" (key COLLATE "C");

-- users by school, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_sort_created_id_75137247" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (coalesce(outgrow.time_of(value -> 'createdAt'), '-infinity'::timestamptz)), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, sort_name, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_sort_name_id_986737c5" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (lower(left(coalesce(outgrow.label_of(value -> 'name'), ''), 64))), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, major, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_major_sort_created_id_f26678bf" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.key_of(value -> 'major')), (coalesce(outgrow.time_of(value -> 'createdAt'), '-infinity'::timestamptz)), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, year, sort_created, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_year_sort_created_id_b4dc99c6" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.key_of(value -> 'year')), (coalesce(outgrow.time_of(value -> 'createdAt'), '-infinity'::timestamptz)), (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by email_key (btree)
CREATE INDEX CONCURRENTLY "og_users_email_key_0c89b6e3" ON "public"."kv_store_2516be19" ((lower(outgrow.key_of(value -> 'email')))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by interests (contains)
CREATE INDEX CONCURRENTLY "og_users_interests_contains_f6f5c7f1" ON "public"."kv_store_2516be19" USING gin ((outgrow.array_of(value -> 'interests')) jsonb_path_ops) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by looking_for (contains)
CREATE INDEX CONCURRENTLY "og_users_looking_for_contains_182afbef" ON "public"."kv_store_2516be19" USING gin ((outgrow.array_of(value -> 'lookingFor')) jsonb_path_ops) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by school, search_name, id (btree)
CREATE INDEX CONCURRENTLY "og_users_school_search_name_id_2626af14" ON "public"."kv_store_2516be19" ((outgrow.key_of(value -> 'school')), (outgrow.search_name(outgrow.label_of(value -> 'name'))) COLLATE "C", (substr(key, 6))) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by search_text (words)
CREATE INDEX CONCURRENTLY "og_users_search_text_words_f6a5c3fa" ON "public"."kv_store_2516be19" USING gin (to_tsvector('simple'::regconfig, (outgrow.search_text(outgrow.key_of(value -> 'school'), outgrow.label_of(value -> 'name'), coalesce(left(outgrow.key_of(value -> 'major'), 1000), '') || ' ' || coalesce(left(outgrow.key_of(value -> 'year'), 1000), '') || ' ' || coalesce(left((outgrow.array_of(value -> 'interests'))::text, 1000), '') || ' ' || coalesce(left((outgrow.array_of(value -> 'lookingFor'))::text, 1000), '') || ' ' || coalesce(left(outgrow.text_of(value -> 'bio'), 1000), ''))))) WITH (gin_pending_list_limit = 256) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- users by probe (contains)
CREATE INDEX CONCURRENTLY "og_users_probe_contains_92d034f8" ON "public"."kv_store_2516be19" USING gin (value jsonb_path_ops) WHERE key ~ '^user:([^:]+)$' AND length(key) <= 205;

-- connections by probe (contains)
CREATE INDEX CONCURRENTLY "og_connections_probe_contains_7a094a03" ON "public"."kv_store_2516be19" USING gin (value jsonb_path_ops) WHERE key ~ '^user:([^:]+):connections$' AND length(key) <= 217;

-- chats by probe (contains)
CREATE INDEX CONCURRENTLY "og_chats_probe_contains_f15d46b4" ON "public"."kv_store_2516be19" USING gin (value jsonb_path_ops) WHERE key ~ '^chat:(.+)$' AND length(key) <= 205 AND NOT (key ~ '^chat:(.+):messages$' AND length(key) <= 214) AND NOT (key ~ '^chat:(.+):typing:([^:]+)$' AND (length(key) <= 214 OR key ~ '^chat:(.{1,200}):typing:([^:]{1,200})$'));

-- intros by to_id, status (btree)
CREATE INDEX CONCURRENTLY "og_intros_to_id_status_716a6d19" ON "public"."kv_store_2516be19" ((split_part(key, ':', 3)), (outgrow.key_of(value -> 'status'))) WHERE key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(key) <= 210 OR key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$');

-- intros by from_id, status (btree)
CREATE INDEX CONCURRENTLY "og_intros_from_id_status_f6ed264b" ON "public"."kv_store_2516be19" ((split_part(key, ':', 2)), (outgrow.key_of(value -> 'status'))) WHERE key ~ '^intro:([^:]+):([^:]+):([^:]+)$' AND (length(key) <= 210 OR key ~ '^intro:([^:]{1,200}):([^:]{1,200}):([^:]{1,200})$');
